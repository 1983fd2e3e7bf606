"""The few places that a walk comes to, and the grid of which they are points."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from causalopt.ground.checks import whole
from causalopt.ground.errors import QueryError
from causalopt.ground.types import Floats
from causalopt.transport.reached import Reached, Sides

# Places are as near as this, in parts of a side, to the points of a grid that has them.
_NEAR = 1e-9
# So many places are named in a message.
_NAMED = 3


def cells_for(reached: Reached, sides: Sides, asked: int | None, most: int) -> int:
    """The cells a side of a grid with all places that are reached among its points.

    Those that are ``asked`` for; else the fewest there are, up to so many at ``most``. Raises
    ``QueryError`` where the places are no points of the grid.
    """
    least = _fewest(reached.places, sides, most)
    if asked is not None:
        asked = whole(asked, "cells", 2)
    if least is not None and (asked is None or asked % least == 0):
        return max(least, 2) if asked is None else asked
    instead = (
        "take an interval at whose ends they would go on, or ask escape_rate or "
        "escape_probability, which need no grid"
        if least is None
        else f"write cells={max(least, 2)}, or a multiple of it"
    )
    raise QueryError(
        f"{len(reached.places):,} places are reached from the start, {_named(reached.places)}, and "
        "no other. They have chances, and a density only on a grid that has them among its points: "
        f"{instead}."
    )


def _named(places: Floats) -> str:
    several = [", ".join(f"{x:g}" for x in place) for place in sorted(places.tolist())]
    named = [f"({text})" if places.shape[1] > 1 else text for text in several]
    return ", ".join(named if len(named) <= _NAMED + 1 else [*named[:_NAMED], "..."])


def _fewest(places: Floats, sides: Sides, most: int) -> int | None:
    """The fewest cells a side that have the places between them; None where it takes too many.

    >>> _fewest(np.array([[1.0], [3.0]]), [(0.0, 4.0)], 100)
    4
    """
    least = 1
    for column, (low, high) in zip(places.T, sides, strict=True):
        for part in np.unique((column - low) / (high - low)).tolist():
            near = Fraction(part).limit_denominator(most)
            least = math.lcm(least, near.denominator)
            if abs(part - near) > _NEAR or least > most:
                return None
    return least
