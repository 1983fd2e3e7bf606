"""The house's own numbers, read from its source: rooms, files, functions, names, types.

Everything is measured on the syntax tree, so that no text in a comment or docstring counts.
"""

import ast
import functools
import re
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import networkx as nx
import pytest

PACKAGE = Path(__file__).parent.parent / "causalopt"
FILES = sorted(PACKAGE.rglob("*.py"))
STUBS = sorted(PACKAGE.rglob("__init__.pyi"))

LONGEST_FILE, LONGEST_BODY, USUAL_BODY, SHARE_OF_USUAL = 400, 45, 20, 0.9
MOST_ROOMS, MOST_CASTS, SHARE_OF_ANY = 19, 3, 0.04

# Where it is asked whether a model is a system or a network, outside the rooms that know: none.
KIND_QUESTIONS: dict[str, str] = {}
ROOMS_THAT_KNOW_KINDS = ("model", "plan")


def name_of(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


@functools.cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def walk(kind: type | tuple[type, ...]):
    """Every node of a kind in the package, with the file that it is in."""
    return [(path, node) for path in FILES for node in ast.walk(tree_of(path))
            if isinstance(node, kind)]  # fmt: skip


def docstrings_of(tree: ast.Module) -> set[int]:
    """The docstrings of a file, by the identity of their syntax."""
    owners = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, owners) and ast.get_docstring(node, clean=False) is not None
    }


# -- imports ---------------------------------------------------------------------------------------


def module_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in FILES}


def handed_out(stub: Path) -> list[tuple[str, str]]:
    """What a room hands out on first use, as its stub lists it: (module, name)."""
    pairs = []
    for node in ast.parse(stub.read_text()).body:
        assert isinstance(node, ast.ImportFrom), f"{stub}: it lists names"
        assert node.level == 1, f"{stub}: a room hands out what is its own"
        if node.module is not None:  # else rooms, as attributes
            pairs += [(f"{module_of(stub)}.{node.module}", alias.name) for alias in node.names]
    return pairs


HANDED_OUT = {
    module_of(stub): {name: module for module, name in handed_out(stub)} for stub in STUBS
}


def imports_of(path: Path) -> set[str]:
    """The package's modules that a file imports: anywhere in it, in functions and for types too."""
    imported = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                owner = HANDED_OUT.get(str(node.module), {}).get(alias.name, str(node.module))
                imported.add(inner if inner in MODULES else owner)
    return imported & set(MODULES)


def runs_before(module: str, imported: str) -> set[str]:
    """What an import runs: the module, and the ``__init__`` of each room that it enters.

    What a room's ``__init__`` re-exports counts as the room's own, unless it is handed out on first
    use: then its module is what is imported. A module is inside its own room
    already, so that ``__init__`` may import it; but then it must not import from ``__init__``.
    """
    rooms = {imported.rsplit(".", n)[0] for n in range(imported.count(".") + 1)}
    return {imported} | {room for room in rooms if not f"{module}.".startswith(f"{room}.")}


def import_graph() -> nx.DiGraph:
    graph = nx.DiGraph()
    graph.add_nodes_from(MODULES)
    for module, path in MODULES.items():
        for imported in imports_of(path):
            graph.add_edges_from((module, other) for other in runs_before(module, imported))
    return graph


def test_no_modules_import_each_other_in_a_circle():
    graph = import_graph()
    circles = [sorted(part) for part in nx.strongly_connected_components(graph) if len(part) > 1]
    assert not circles
    assert not list(nx.nodes_with_selfloops(graph))


def test_nothing_in_the_package_imports_its_public_face():
    # It names everything: whoever imported it would import the whole house.
    assert not [name_of(path) for path in FILES if "causalopt" in imports_of(path)]


# -- files and functions ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Body:
    where: str
    lines: int


def bodies() -> list[Body]:
    """The bodies of all functions, inner ones too, docstrings left out; an empty one has none."""
    measured = []
    for path, node in walk((ast.FunctionDef, ast.AsyncFunctionDef)):
        body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
        lines = node.end_lineno - body[0].lineno + 1 if body else 0
        measured.append(Body(f"{name_of(path)}:{node.name}", lines))
    return measured


def test_no_file_is_long():
    long = {name_of(path): count for path in (*FILES, *STUBS)
            if (count := len(path.read_text().splitlines())) > LONGEST_FILE}  # fmt: skip
    assert not long


def test_no_function_is_long():
    assert not [body for body in bodies() if body.lines > LONGEST_BODY]


def test_most_functions_are_short():
    short = sum(body.lines <= USUAL_BODY for body in bodies())
    assert short >= SHARE_OF_USUAL * len(bodies())


def test_the_house_has_few_rooms_and_nothing_lies_outside_them():
    rooms = [path for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"]
    loose = {path.name for path in PACKAGE.iterdir() if path.is_file()}
    assert len(rooms) <= MOST_ROOMS
    assert loose == {"__init__.py", "__init__.pyi", "__main__.py", "py.typed"}
    assert all((room / "__init__.py").exists() for room in rooms)


# -- types and names -------------------------------------------------------------------------------


def annotations() -> list[str]:
    written: list[ast.expr | None] = []
    for _, node in walk((ast.FunctionDef, ast.AsyncFunctionDef, ast.AnnAssign)):
        if isinstance(node, ast.AnnAssign):
            written.append(node.annotation)
            continue
        a = node.args
        taken = [*a.posonlyargs, *a.args, *a.kwonlyargs, a.vararg, a.kwarg]
        written += [node.returns, *(arg.annotation for arg in taken if arg is not None)]
    return [ast.unparse(annotation) for annotation in written if annotation is not None]


def test_annotations_say_what_is_held():
    everything = annotations()
    vague = [text for text in everything if re.search(r"\bAny\b", text)]
    assert len(vague) < SHARE_OF_ANY * len(everything)


def test_types_are_hardly_ever_asserted():
    casts = [
        f"{name_of(path)}:{node.lineno}"
        for path, node in walk(ast.Assert)
        if any(isinstance(n, ast.Name) and n.id == "isinstance" for n in ast.walk(node.test))
    ]
    assert len(casts) <= MOST_CASTS, casts


def test_a_class_name_has_one_home():
    homes = defaultdict(set)
    for path, node in walk(ast.ClassDef):
        homes[node.name].add(name_of(path))
    assert not {name: files for name, files in homes.items() if len(files) > 1}


def test_no_public_function_has_the_name_of_its_module():
    # Else ``from room import name`` gives the one or the other, by what was imported before.
    twins = [
        module
        for module, path in MODULES.items()
        for node in tree_of(path).body
        if isinstance(node, ast.FunctionDef) and node.name == module.rpartition(".")[2]
    ]
    assert not twins


def test_no_room_exports_what_a_module_of_it_is_called():
    for module, path in MODULES.items():
        if path.name != "__init__.py":
            continue
        inside = {name.rpartition(".")[2] for name in MODULES if name.rpartition(".")[0] == module}
        exported = set(HANDED_OUT.get(module, {})) | {
            alias.asname or alias.name
            for node in tree_of(path).body
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
            if f"{node.module}.{alias.name}" not in MODULES
        }
        assert not inside & exported, module


def exported() -> list[tuple[str, str]]:
    """The public face: (module, name) of everything in its stub."""
    return handed_out(PACKAGE / "__init__.pyi")


FACE = """
import importlib, pkgutil, sys, types
pairs, everything_first = {pairs!r}, {everything_first!r}
import causalopt
if everything_first:
    for found in pkgutil.walk_packages(causalopt.__path__, "causalopt."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)
for module, name in pairs:
    scope = {{}}
    exec(f"from causalopt import {{name}}", scope)
    held = scope[name]
    assert not isinstance(held, types.ModuleType), f"{{name}} is a module"
    assert held is getattr(importlib.import_module(module), name), f"{{name}} is {{held!r}}"
# What is called as a module that scripts import is imported by name alone.
starred = {{name for _, name in pairs}} - {{"time"}}
assert sorted(causalopt.__all__) == sorted(starred)
assert "time" not in causalopt.__all__
"""

ROOMS_ON_THE_FACE = """
import sys
import causalopt
for name in ("derive", "exchange", "plots"):
    assert f"causalopt.{name}" not in sys.modules, name
    assert getattr(causalopt, name) is sys.modules[f"causalopt.{name}"]
assert causalopt.derive.Derivation and causalopt.plots.landscape and causalopt.exchange.read_bif
scope = {}
exec("from causalopt import *", scope)
assert not {"derive", "exchange", "plots"} & set(scope)
"""


def test_rooms_with_names_of_their_own_are_attributes():
    code = [sys.executable, "-c", ROOMS_ON_THE_FACE]
    done = subprocess.run(code, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr


@pytest.mark.parametrize(
    ("everything_first", "order"),
    [(False, 1), (False, -1), (True, 1)],
    ids=["fresh", "fresh, backwards", "all imported before"],
)
def test_every_public_name_is_what_it_says(everything_first, order):
    pairs = exported()[::order]
    code = FACE.format(pairs=pairs, everything_first=everything_first)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr


ROOM = """
import importlib
room, pairs = {room!r}, {pairs!r}
home = importlib.import_module(room)
assert sorted(home.__all__) == sorted(dir(home)) == sorted(name for _, name in pairs)
for module, name in pairs:
    scope = {{}}
    exec(f"from {{room}} import {{name}}", scope)
    assert scope[name] is getattr(importlib.import_module(module), name), name
    assert getattr(home, name) is scope[name], name
try:
    home.nothing_of_this_name
except AttributeError as error:
    assert "nothing_of_this_name" in str(error)
else:
    raise AssertionError("a name that is not there was found")
"""


@pytest.mark.parametrize("room", sorted(set(HANDED_OUT) - {"causalopt"}))
def test_rooms_hand_out_what_their_stubs_list(room):
    pairs = [(module, name) for name, module in HANDED_OUT[room].items()]
    code = [sys.executable, "-c", ROOM.format(room=room, pairs=pairs)]
    done = subprocess.run(code, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr


@pytest.mark.parametrize("stub", STUBS, ids=name_of)
def test_public_names_are_written_once(stub):
    names = Counter(name for _, name in handed_out(stub))
    assert not [name for name, count in names.items() if count > 1]


def public_definitions(body: list[ast.stmt], inside: str = ""):
    """Public functions and classes of a module, and the public methods of public classes."""
    for node in body:
        is_one = isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        is_stub = any("overload" in ast.dump(mark) for mark in getattr(node, "decorator_list", []))
        if not is_one or is_stub or node.name.startswith("_"):
            continue
        yield f"{inside}{node.name}", node
        if isinstance(node, ast.ClassDef):
            yield from public_definitions(node.body, f"{node.name}.")


def test_everything_public_says_what_it_is():
    silent = [
        f"{name_of(path)}:{name}"
        for path in FILES
        for name, node in public_definitions(tree_of(path).body)
        if not (ast.get_docstring(node) or "").strip()
    ]
    assert not silent


def test_every_file_says_what_it_is_for():
    assert not [name_of(path) for path in FILES if not ast.get_docstring(tree_of(path))]


# -- what has one place ----------------------------------------------------------------------------


def test_formulas_become_functions_in_the_backends_alone():
    callers = {
        name_of(path)
        for path, node in walk((ast.Name, ast.Attribute, ast.alias))
        if "lambdify" in {getattr(node, "id", ""), getattr(node, "attr", ""),
                          getattr(node, "name", "")}
    }  # fmt: skip
    assert callers
    assert not {path for path in callers if not path.startswith("backends/")}


def asks_for_a_kind(node: ast.AST) -> bool:
    """isinstance(x, System), issubclass, type(x) is Network, or ``case System():``."""
    kinds = {"System", "Network"}

    def mentions(part: ast.AST) -> bool:
        return any(isinstance(n, ast.Name) and n.id in kinds for n in ast.walk(part)) or any(
            isinstance(n, ast.Attribute) and n.attr in kinds for n in ast.walk(part)
        )

    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return node.func.id in {"isinstance", "issubclass"} and any(map(mentions, node.args[1:]))
    if isinstance(node, ast.MatchClass):
        return mentions(node.cls)
    if isinstance(node, ast.Compare):
        calls = [n for n in ast.walk(node) if isinstance(n, ast.Call)]
        is_type = any(isinstance(c.func, ast.Name) and c.func.id == "type" for c in calls)
        return is_type and mentions(node)
    return False


def test_nobody_asks_whether_a_model_is_a_system_or_a_network():
    asked = {name_of(path) for path, node in walk(ast.AST) if asks_for_a_kind(node)}
    outside = {path for path in asked if path.split("/")[0] not in ROOMS_THAT_KNOW_KINDS}
    assert outside == set(KIND_QUESTIONS)


def test_the_questions_about_kinds_are_recognised():
    for code in ("isinstance(x, System)", "isinstance(x, Model | model.Network)",
                 "type(x) is System"):  # fmt: skip
        assert any(map(asks_for_a_kind, ast.walk(ast.parse(code)))), code
    assert any(map(asks_for_a_kind, ast.walk(ast.parse("match x:\n    case System():\n        y"))))
    for code in ("isinstance(x, Model)", "System(x)", "type(x) is int"):
        assert not any(map(asks_for_a_kind, ast.walk(ast.parse(code)))), code


# Rooms whose arithmetic keeps count of powers of two.
NUMERIC = ("ground", "plan", "backends", "runs", "measures/response", "distributions")


def test_the_size_at_which_tangents_are_rescaled_is_written_once():
    exponent, powers = 300, (2.0**300, 2.0**-300)
    written = []
    for path in FILES:
        if not name_of(path).startswith(NUMERIC):
            continue
        texts = docstrings_of(tree_of(path))
        for node in ast.walk(tree_of(path)):
            if not isinstance(node, ast.Constant) or id(node) in texts:
                continue
            value = node.value
            is_text = isinstance(value, str) and re.search(r"p[+-]?300\b", value)
            is_number = type(value) in (int, float) and (value == exponent or value in powers)
            if is_text or is_number:
                written.append(name_of(path))
    assert written == ["ground/scaled.py"]
