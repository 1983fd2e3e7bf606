"""Imports run one way, and importing the package stays light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "causalopt"

# The rooms from the ground up: each may import those before it, and itself.
FLOORS = (
    "ground",
    "language",
    "mechanisms",
    "model",
    "exchange",
    "plan",
    "backends",
    "runs",
    "linearisation",
    "distributions",
    "transport",
    "derive",
    "measures",
    "discovery",
    "processes",
    "drawing",
    "plots",
    "study",
    "explorer",
)
# Rooms that stand apart see these alone, so that they depend on nothing else.
APART = {
    "exchange": {"ground", "language", "mechanisms", "model"},
    "derive": {"ground"},
    "drawing": {"ground", "language", "mechanisms", "model"},
    "plots": {"ground", "language"},
}


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0]


def imported_rooms(path: Path) -> set[str]:
    """The rooms that a file imports, inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            base = node.module or ""
            names = [f"{base}.{alias.name}" for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "causalopt" and len(parts) > 1:
                found.add(parts[1])
    return found - {room(path)}


def files() -> list[Path]:
    return sorted(p for p in PACKAGE.rglob("*.py") if p.parent != PACKAGE)


@pytest.mark.parametrize("path", files(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_run_one_way(path):
    own = room(path)
    below = set(FLOORS[: FLOORS.index(own)])
    assert imported_rooms(path) <= APART.get(own, below)


def everything_after(code: str) -> set[str]:
    """All modules that a new process holds after a program, by their whole names."""
    run = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(run.stdout.split())


def modules_after(code: str) -> set[str]:
    return {name.split(".")[0] for name in everything_after(code)}


def test_declaring_a_system_imports_nothing_heavy():
    code = (
        "import causalopt as co\n"
        "T, R = co.variables('T R')\n"
        "co.System({T: R, R: T}, start={T: 1, R: 2}).world(steps=10).perturb(R[0])\n"
    )
    assert not modules_after(code) & {"pandas", "matplotlib", "numba", "pint", "scipy", "xarray"}


def test_the_command_line_starts_without_sympy():
    heavy = {"sympy", "numpy", "xarray", "matplotlib"}
    assert not modules_after("import causalopt.__main__") & heavy


#: What Op has no use for, asked of a system of numbers: parts of libraries, and of the house.
NOT_FOR_OP = {
    *("scipy", "scipy.special", "scipy.linalg", "scipy.sparse", "scipy.stats", "scipy.optimize"),
    *("matplotlib", "pint", "tqdm", "jax", "numba", "llvmlite", "dask", "distributed", "zarr"),
    *("h5netcdf", "pydot", "pygraphviz", "latex2mathml", "click", "IPython"),
    *("causalopt.exchange", "causalopt.linearisation", "causalopt.distributions"),
    *("causalopt.transport", "causalopt.derive", "causalopt.discovery", "causalopt.processes"),
    *("causalopt.drawing", "causalopt.plots", "causalopt.study", "causalopt.explorer"),
    *("causalopt.measures.literature", "causalopt.measures.split", "causalopt.runs.cluster"),
    *("causalopt.measures.symbolic", "causalopt.measures.thermal"),
    *("networkx", "numpy.f2py", "numpy.testing", "causalopt.backends.numba"),
    *("causalopt.backends.jax", "causalopt.backends.codegen", "causalopt.backends.cache"),
}
#: What labels its answer, and nothing before.
LABELS = {"xarray", "pandas"}
#: What these import, and who draws.
WITH_LABELS = {"numpy.random"}

ASKED = """
import causalopt as co
T, R = co.variables("T R")
k = co.parameter("k")
room = co.System({{T: R - 25, R: R - k * T}}, start={{T: 10, R: 35}}, parameters={{k: 0.1}})
assert {question}.sizes["time"] == 11
"""


def test_the_server_of_a_page_starts_without_what_computes():
    loaded = everything_after("import causalopt.explorer.running")
    assert "causalopt.explorer.server" in loaded
    assert not loaded & {"sympy", "numpy", "causalopt.model", "causalopt.measures"}


@pytest.mark.parametrize(
    "way",
    ["import causalopt; causalopt.op", "from causalopt.measures import op"],
    ids=["by the face", "by its room"],
)
def test_what_measures_op_imports_nothing_else(way):
    loaded = everything_after(way)
    assert "causalopt.measures.response.optimization" in loaded
    assert not loaded & (NOT_FOR_OP | LABELS | WITH_LABELS)


@pytest.mark.parametrize(
    "question",
    [
        "co.op(room, A=T, n=R[0], m=R, steps=10)",
        "co.op(room, A=T, n=R[0], m=R, steps=10, over={k: [0.1, 0.2]})",
        "co.op(room, A=T, n=R[0], m=R, steps=10, over=[{k: 0.1, R[0]: 3}])",
        "co.comp(room, A=T, n=R[0], m=R, steps=10)",
        "co.run(room.world(steps=10), over={k: [0.1, 0.2]})",
    ],
)
def test_asking_imports_what_labels_the_answer_alone(question):
    loaded = everything_after(ASKED.format(question=question))
    assert loaded >= LABELS
    assert not loaded & NOT_FOR_OP


def test_each_room_waits_for_the_names_that_are_asked_for():
    for room, other in (
        ("measures", "measures.response"),
        ("distributions", "distributions.finite"),
        ("discovery", "discovery.optimizers"),
        ("processes", "processes.learning"),
        ("transport", "transport.transfer"),
    ):
        assert f"causalopt.{other}" not in everything_after(f"import causalopt.{room}")
