"""The room sees sympy and nothing else of the house; its parts import one way; it runs no text."""

from __future__ import annotations

import ast
import pathlib
import sys
from collections.abc import Iterator

import pytest

import causalopt.derive

ROOM = pathlib.Path(causalopt.derive.__file__).parent
FILES = sorted(ROOM.rglob("*.py"))
ALLOWED = {
    *("sympy", "mpmath"),
    *("causalopt.ground.errors", "causalopt.ground.letters", "causalopt.ground.work"),
}
# What each part may import besides itself. Files above the parts may import all of them.
SEES = {
    "statement": set(),
    "trial": {"statement"},
    "proof": {"statement", "trial"},
    "printing": {"statement"},
}
CLOCKS = {"time", "datetime", "sched", "asyncio", "timeit"}
ALARMS = {"setitimer", "alarm", "ITIMER_REAL", "Timer", "monotonic", "perf_counter", "timeout"}
RUNS_TEXT = {"eval", "exec", "compile", "sympify", "S", "parse_expr", "lambdify", "__import__"}


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            yield node.module or ""


def allowed(module: str) -> bool:
    first = module.split(".")[0]
    return (
        first in sys.stdlib_module_names
        or module.startswith("causalopt.derive")
        or first in ALLOWED
        or module in ALLOWED
    )


def name_of(path: pathlib.Path) -> str:
    return str(path.relative_to(ROOM))


def parts_imported(tree: ast.AST) -> Iterator[str]:
    """The parts, or files above them, that are imported: in functions and for types alone too."""
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            if name.startswith("causalopt.derive"):
                yield name.removeprefix("causalopt.derive").lstrip(".").split(".")[0]


@pytest.mark.parametrize("part", SEES)
def test_the_parts_import_one_way(part: str) -> None:
    files = sorted((ROOM / part).rglob("*.py"))
    assert len(files) > 3
    for path in files:
        imported = set(parts_imported(ast.parse(path.read_text()))) - {part}
        assert imported <= SEES[part], name_of(path)


def test_every_folder_is_a_part() -> None:
    assert {path.parent.name for path in ROOM.rglob("__init__.py")} == {*SEES, ROOM.name}


@pytest.mark.parametrize(
    "text",
    [
        "from causalopt.derive.proof import routes",
        "def f():\n    import causalopt.derive.proof.routes",
        "if TYPE_CHECKING:\n    from causalopt.derive.proof.routes import to_zero",
    ],
)
def test_an_import_is_seen_wherever_it_stands(text: str) -> None:
    assert list(parts_imported(ast.parse(text))) == ["proof"]


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_file_keeps_to_the_rules(path: pathlib.Path) -> None:
    text = path.read_text()
    tree = ast.parse(text)
    assert all(map(allowed, imports(tree)))
    assert ast.get_docstring(tree)
    assert len(text.splitlines()) <= 400
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            doc = len((ast.get_docstring(node) or "").splitlines())
            assert (node.end_lineno or 0) - node.lineno - doc <= 42, node.name
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called == "re.compile" or called.split(".")[-1] not in RUNS_TEXT, (
                f"{name_of(path)}:{node.lineno}"
            )


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_no_clock_decides_a_verdict(path: pathlib.Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            assert not CLOCKS & {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert (node.module or "").split(".")[0] not in CLOCKS
        name = getattr(node, "attr", None) or getattr(node, "arg", None) or getattr(node, "id", "")
        assert name not in ALARMS


def test_there_are_files_to_look_at() -> None:
    assert len(FILES) > 10
