"""What stands on a picture, before anyone renders it: marks, arrows, and frames around marks."""

from __future__ import annotations

import unicodedata
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

# In inches, for Helvetica of 12 points.
_LETTER, _LINE = 0.088, 0.2
_SMALLEST = 0.62
# How much larger than the box of its text Graphviz draws a shape.
_AROUND = {"component": 1.3, "ellipse": 1.42, "octagon": 1.6, "hexagon": 1.75, "diamond": 2.15}


@dataclass(frozen=True)
class Mark:
    """A node of the picture: its lines of text, and its look in Graphviz's words."""

    key: Hashable
    lines: tuple[str, ...]
    style: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Arrow:
    """An edge between two marks."""

    source: Hashable
    target: Hashable
    style: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Frame:
    """A titled frame around marks and other frames."""

    title: str
    keys: tuple[Hashable, ...] = ()
    frames: tuple[Frame, ...] = ()
    style: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Sheet:
    """A whole picture; ``placed`` where every mark has its ``pos`` and every frame its ``bb``."""

    marks: tuple[Mark, ...]
    arrows: tuple[Arrow, ...]
    frames: tuple[Frame, ...]
    placed: bool


def extent(lines: tuple[str, ...], shape: str = "ellipse") -> tuple[float, float]:
    """Width and height, in inches, that a mark of some shape needs around its text.

    >>> extent(("R[0]",))
    (0.62, 0.62)
    >>> extent(("R[0]",), "plaintext")[1]
    0.3
    """
    wide = max(sum(1 + (unicodedata.east_asian_width(c) in "WF") for c in line) for line in lines)
    grow = _AROUND.get(shape, 1.0)
    width, height = wide * _LETTER * grow + 0.12, len(lines) * _LINE * grow + 0.1
    return max(_SMALLEST, width), max(_SMALLEST, height) if grow > 1 else round(height, 6)
