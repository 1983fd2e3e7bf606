"""Imports run one way, and importing the package stays light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "causalopt"

# Each room may import those above it. Rooms on one line do not see each other.
FLOORS = (
    ("errors",),
    ("laws", "progress", "memory", "keep"),
    ("symbols", "draws"),
    ("finite", "masses", "split"),
    ("lookup", "typeset"),
    ("mechanism", "table"),
    ("declaration", "integrators"),
    ("columns",),
    ("arrays",),
    ("world",),
    ("network",),
    ("system",),
    ("plan",),
    ("backends",),
    ("sweep",),
    ("simulate",),
    ("results",),
    ("distributions",),
    ("measures",),
    ("model",),
    ("storage", "pages"),
    ("findings",),
    ("cli", "notebook"),
)
# Rooms beside the staircase, and all that they may see.
ASIDE = {
    "processes": {"errors", "memory", "keep", "symbols", "laws", "finite", "lookup", "mechanism",
                  "declaration", "columns", "world", "network", "system", "distributions"},
    "derive": {"errors", "symbols"},
    "drawing": {"errors", "symbols", "finite", "world", "network", "system"},
}  # fmt: skip


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


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
    return sorted(p for p in PACKAGE.rglob("*.py") if p != PACKAGE / "__init__.py")


@pytest.mark.parametrize("path", files(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_run_one_way(path):
    own = room(path)
    if own in ASIDE:
        assert imported_rooms(path) <= ASIDE[own]
        return
    heights = {name: height for height, floor in enumerate(FLOORS) for name in floor}
    assert own in heights, f"{own} has no floor: add it to FLOORS"
    for other in imported_rooms(path):
        if other in ASIDE:
            assert own in ("model", "findings", "cli", "notebook"), f"{own} may not see {other}"
        else:
            assert heights[other] < heights[own], f"{own} imports {other}, which stands above it"


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
    assert not modules_after(code) & {"pandas", "matplotlib", "numba", "scipy", "xarray"}


def test_the_command_line_starts_without_sympy():
    assert not modules_after("import causalopt.cli") & {"sympy", "numpy", "xarray", "matplotlib"}
