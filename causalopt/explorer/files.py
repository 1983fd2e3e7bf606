"""The files of the page, read once: nothing else of this machine can be asked for."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from causalopt.ground import palette

_FOLDER = Path(__file__).parent / "page"
_KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
# The colours of the house by their names in a style sheet.
_COLOURS = (
    "INK", "RED", "GREEN", "BLUE", "PINK", "ORANGE", "PALE_RED", "PALE_GREEN", "PALE_BLUE",
    "PALE_ORANGE", "GREY", "DIM", "WHITE",
)  # fmt: skip


@dataclass(frozen=True)
class PageFile:
    """A file of the page: what it holds, and of which kind it is."""

    content: bytes
    kind: str


@functools.cache
def page_files() -> Mapping[str, PageFile]:
    """All files of the page by name; the colours, which every picture shares, among them."""
    found = {
        path.name: PageFile(path.read_bytes(), _KINDS[path.suffix])
        for path in sorted(_FOLDER.iterdir())
        if path.suffix in _KINDS
    }
    colours = PageFile(palette_sheet().encode(), _KINDS[".css"])
    return MappingProxyType({**found, "palette.css": colours})


def palette_sheet() -> str:
    """The colours of the house as variables of a style sheet.

    >>> "--pale-red: #fbe3d4;" in palette_sheet()
    True
    """
    lines = [f"--{n.lower().replace('_', '-')}: {getattr(palette, n)};" for n in _COLOURS]
    return ":root {{\n  {}\n}}\n".format("\n  ".join(lines))
