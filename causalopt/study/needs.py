"""What a model file needs that may not be here: libraries of an extra, and files beside it."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterable
from pathlib import Path

from causalopt.ground.errors import ModelError

#: The extra that brings a library, by the name under which the library is imported.
EXTRAS = {
    "distributed": "cluster", "jax": "jax", "libsbml": "sbml", "optax": "jax",
    "starlette": "explore", "uvicorn": "explore", "zarr": "cluster",
}  # fmt: skip
# How a model file names its own folder, where paths of its data begin.
_FOLDER = "Path(__file__).parent"


def is_installed(extra: str) -> bool:
    """Whether the libraries that an extra brings are there, told without importing them."""
    return all(_is_there(library) for library, own in EXTRAS.items() if own == extra)


def missing_extras(path: Path) -> list[str]:
    """The extras that a model file needs and this machine lacks, told without running the file."""
    roots = {name.split(".")[0] for statement in _body(path) for name in _imported(statement)}
    return sorted({EXTRAS[root] for root in roots & EXTRAS.keys() if not _is_there(root)})


def missing_files(path: Path) -> list[str]:
    """The files beside a model file that it names and that are not there.

    They are named as ``Path(__file__).parent / "data" / "some.npz"``; told without running it.
    """
    parts = [part for statement in _body(path) for part in ast.walk(statement)]
    named = dict.fromkeys("/".join(names) for names in map(_beside, parts) if names)
    return [name for name in named if Path(name).suffix and not (path.parent / name).exists()]


def refuse_missing(path: Path) -> None:
    """Raise ``ModelError`` where a model file needs an extra that is not installed."""
    missing = missing_extras(path)
    if missing:
        wanted = f"causalopt[{','.join(missing)}]"
        raise ModelError(f"{path} needs {wanted}, not installed here: run pip install '{wanted}'.")


def refuse_missing_files(path: Path, remade: Iterable[Path], *, to_remake: bool = False) -> None:
    """Raise ``ModelError`` where a file that a model names is not there; some can be remade.

    ``to_remake`` them, those themselves are not needed.
    """
    places = [place.resolve() for place in remade]
    for name in missing_files(path):
        ours = (path.parent / name).resolve() in places
        if ours and to_remake:
            continue
        advice = f" Make it by: causalopt remake {path}" if ours else ""
        raise ModelError(f"{path} needs {name}, which is not there.{advice}")


def _body(path: Path) -> list[ast.stmt]:
    """The statements of a model file, none where it is none."""
    if path.suffix != ".py":
        return []
    try:
        return ast.parse(path.read_text(encoding="utf-8")).body
    except (OSError, SyntaxError, ValueError):
        return []


def _imported(statement: ast.stmt) -> list[str]:
    """The modules that a statement imports."""
    if isinstance(statement, ast.Import):
        return [alias.name for alias in statement.names]
    return [statement.module or ""] if isinstance(statement, ast.ImportFrom) else []


def _beside(part: ast.AST) -> list[str]:
    """The names of folders and of a file, behind that of the model's own folder."""
    names: list[str] = []
    while isinstance(part, ast.BinOp) and isinstance(part.op, ast.Div):
        if not isinstance(part.right, ast.Constant) or not isinstance(part.right.value, str):
            return []
        names.insert(0, part.right.value)
        part = part.left
    return names if names and ast.unparse(part) == _FOLDER else []


def _is_there(library: str) -> bool:
    return importlib.util.find_spec(library) is not None
