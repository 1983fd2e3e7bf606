"""The explorer's page of some models, as a file that stands beside their pages in the gallery."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evidence import key_of
from sphinx.application import Sphinx

from causalopt.explorer.exporting import exported, write
from causalopt.explorer.files import page_files
from causalopt.study import load_model, model_files

#: The models that have one, and along which of their values it is computed.
EXPLORED: Mapping[str, Sequence[str]] = {
    "continuous_thermostat": ["k=0:0.02:17"],
    "divided_network": ["b2=0:2:9"],
    "lorenz": ["rho=20:36:9"],
}
#: Where they stand, beside the pages of the gallery.
FOLDER = "explorer"


def link(name: str) -> list[str]:
    """The line of a model's page that leads to the explorer's; of a model without one, none.

    >>> link("lorenz")
    ['<a href="explorer/lorenz.html">Move its values in the browser</a>']
    """
    if name not in EXPLORED:
        return []
    return [f'<a href="{FOLDER}/{name}.html">Move its values in the browser</a>']


def explore(name: str, path: Path, folder: Path) -> Path:
    """The explorer's page of a model in a folder, made anew where it is not as it should be."""
    page, mark = folder / f"{name}.html", folder / f"{name}.key"
    key = _key(name, path)
    if not (page.exists() and mark.exists() and mark.read_text(encoding="utf-8") == key):
        folder.mkdir(parents=True, exist_ok=True)
        write(exported(load_model(str(path)), name, EXPLORED[name]), page)
        mark.write_text(key, encoding="utf-8")  # last: what has one is whole
    return page


def _key(name: str, path: Path) -> str:
    """A hash of all that decides what the page holds."""
    digest = hashlib.sha256(f"{key_of(path)} {EXPLORED[name]}".encode())
    for file, held in page_files().items():
        digest.update(file.encode() + held.content)
    return digest.hexdigest()


def _beside(app: Sphinx, failure: Exception | None) -> None:
    """Put the pages where the links of the built site lead."""
    if failure is not None or app.builder.format != "html":
        return
    chosen = app.config.gallery_models
    made, target = Path(app.srcdir) / "gallery" / FOLDER, Path(app.outdir) / "gallery" / FOLDER
    target.mkdir(parents=True, exist_ok=True)
    for name, path in model_files().items():
        if name in EXPLORED and (not chosen or name in chosen):
            shutil.copyfile(explore(name, path, made), target / f"{name}.html")


def setup(app: Sphinx) -> dict[str, Any]:
    """Make the pages when the site stands; ``gallery`` links to them."""
    app.connect("build-finished", _beside)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
