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


def modules_after(code: str) -> set[str]:
    run = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return {name.split(".")[0] for name in run.stdout.split()}


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
