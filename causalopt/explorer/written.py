"""Numbers as they are written in an address; what is none is told in words."""

from __future__ import annotations

import math
from collections.abc import Mapping

from causalopt.ground.checks import as_whole
from causalopt.ground.errors import QueryError


def whole_written(single: Mapping[str, str], key: str, least: int, most: int) -> int | None:
    """The whole number that stands under a key; None where nothing does.

    >>> whole_written({"steps": "20"}, "steps", 1, 100), whole_written({}, "steps", 1, 100)
    (20, None)
    """
    text = single.get(key, "")
    if not text:
        return None
    number = as_whole(int(text)) if text.isascii() and text.isdecimal() and len(text) < 20 else None
    if number is None or not least <= number <= most:
        raise QueryError(
            f"The address says {key}={_cut(text)}: write a whole number from {least:,} to {most:,}."
        )
    return number


def finite_written(name: str, text: str) -> float:
    """A finite number; ``name`` says of what.

    >>> finite_written("k", "0.1")
    0.1
    """
    try:
        number = math.nan if "_" in text else float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise QueryError(f"The address says {_cut(name)}={_cut(text)}: write a finite number.")
    return number


def _cut(text: str) -> str:
    return text if len(text) <= 60 else text[:60] + "…"
