"""The room sees sympy and nothing else of the house, runs no text, and keeps its files small."""

from __future__ import annotations

import ast
import pathlib
import sys
from collections.abc import Iterator

import pytest

import causalopt.derive

ROOM = pathlib.Path(causalopt.derive.__file__).parent
FILES = sorted(ROOM.rglob("*.py"))
ALLOWED = {"sympy", "mpmath", "causalopt.ground.errors"}
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


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
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
                f"{path.name}:{node.lineno}"
            )


def test_there_are_files_to_look_at() -> None:
    assert len(FILES) > 10
