"""What model files import that comes with an extra of the package, and may not be installed."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path

from causalopt.ground.errors import ModelError

#: The extra that brings a library, by the name under which the library is imported.
EXTRAS = {"distributed": "cluster", "jax": "jax", "zarr": "cluster"}


def missing_extras(path: Path) -> list[str]:
    """The extras that a model file needs and this machine lacks, told without running the file."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return []
    roots = {name.split(".")[0] for statement in tree.body for name in _imported(statement)}
    return sorted(EXTRAS[root] for root in roots & EXTRAS.keys() if not _is_there(root))


def refuse_missing_extras(path: Path) -> None:
    """Raise ``ModelError`` where a model file needs an extra that is not installed."""
    missing = missing_extras(path)
    if missing:
        wanted = f"causalopt[{','.join(missing)}]"
        raise ModelError(f"{path} needs {wanted}, not installed here: run pip install '{wanted}'.")


def _imported(statement: ast.stmt) -> list[str]:
    """The modules that a statement imports."""
    if isinstance(statement, ast.Import):
        return [alias.name for alias in statement.names]
    return [statement.module or ""] if isinstance(statement, ast.ImportFrom) else []


def _is_there(library: str) -> bool:
    return importlib.util.find_spec(library) is not None
