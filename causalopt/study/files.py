"""Where model files are: those that come with the package, by name, and a user's own, by path."""

from __future__ import annotations

import ast
from pathlib import Path

from causalopt.ground.errors import ModelError, nearest


def model_folder() -> Path:
    """The folder of the models that come with the package: in a wheel inside it, else beside it."""
    package = Path(__file__).parent.parent
    inside = package / "models"
    return inside if inside.is_dir() else package.parent / "models"


def model_files() -> dict[str, Path]:
    """The models that come with the package, by name."""
    files = sorted(model_folder().glob("*.py"))
    return {file.stem: file for file in files if not file.stem.startswith("_")}


def find_model(name_or_path: str) -> Path:
    """The file of a model, by the name of one that comes with the package or by a path."""
    known = model_files()
    if name_or_path in known:
        return known[name_or_path]
    path = Path(name_or_path)
    if path.is_file():
        return path
    if path.suffix or len(path.parts) > 1:
        raise ModelError(f"There is no model file {path}. Write the path of one that is there.")
    raise ModelError(
        f"There is no model {name_or_path!r}." + nearest(name_or_path, known) + " For a file of "
        "your own, write its path, such as ./my_model.py."
    )


def title_of(path: Path) -> str:
    """The first line of a model file's docstring, read without running the file."""
    doc = _docstring(path)
    return doc.splitlines()[0] if doc else "(no description)"


def introduction_of(path: Path) -> list[str]:
    """The paragraphs of a model file's docstring after its title."""
    return (_docstring(path) or "").split("\n\n")[1:]


def _docstring(path: Path) -> str | None:
    if path.suffix != ".py":
        return None
    try:
        return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    except (OSError, SyntaxError, ValueError):
        return None
