"""Steps divided at the times at which formulas jump: so each part is of one formula."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from causalopt.ground.errors import QueryError
from causalopt.ground.types import Floats, Ints
from causalopt.plan.dividing import Division

#: The most times that something may jump in a step.
MOST_IN_A_STEP = 1_000
# What lies closer to the end of a step than this part of it lies there, but for rounding; and
# borders that are so close are one.
_ROOM = 1e-6


class Times(NamedTuple):
    """Times at which something jumps: the ``first`` and, with a ``period``, others: (points,)."""

    first: Floats
    period: Floats | None


def moments_in(borders: Sequence[Times], steps: int, size: Floats) -> Floats:
    """The times inside of steps of a ``size`` (points,) at which something jumps.

    In steps, (points, times) in order; NaN, last, where a point has no more of them.
    Raises ``QueryError`` for more than ``MOST_IN_A_STEP`` of one kind in a step.

    >>> half = Times(np.array([0.25]), None)
    >>> moments_in([half], 3, np.array([0.1])).tolist()
    [[2.5]]
    """
    at = np.concatenate([_in_steps(one, steps, size) for one in borders], axis=1)
    at[~((at > 0.0) & (at < steps) & (abs(at - np.rint(at)) > _ROOM))] = np.nan
    at = np.sort(at, axis=1)
    at[:, 1:][np.diff(at, axis=1) < _ROOM] = np.nan
    at = np.sort(at, axis=1)
    return at[:, np.isfinite(at).any(axis=0)]


def divided_at(moments: Floats, steps: int, size: Floats) -> Division:
    """Steps of a ``size`` (points,) in parts that end at ``moments``.

    >>> found = divided_at(np.array([[2.5]]), 3, np.array([0.1]))
    >>> found.counts.tolist(), found.lengths.ravel().round(3).tolist()
    ([1, 1, 2], [0.1, 0.1, 0.05, 0.05])
    """
    points, places = np.nonzero(np.isfinite(moments))
    inside = moments[points, places]
    return _divided(points, inside.astype(np.int64), inside, steps, size)


def _in_steps(times: Times, steps: int, size: Floats) -> Floats:
    """The times from the start to the end, counted in steps: (points, times)."""
    first = (times.first / size)[:, None]
    if times.period is None:
        return first
    period = abs(times.period / size)[:, None]
    shortest = np.nanmin(period, initial=np.inf)
    if shortest * MOST_IN_A_STEP < 1.0:
        raise QueryError(
            f"A formula jumps every {np.nanmin(abs(times.period)):g} units of time, more than "
            f"{MOST_IN_A_STEP:,} times in a step (MOST_IN_A_STEP): take shorter steps dt."
        )
    with np.errstate(invalid="ignore"):
        begin = first - np.floor(first / period) * period
    return begin + period * np.arange(int(steps / shortest) + 2)


def _divided(points: Ints, numbers: Ints, moments: Floats, steps: int, size: Floats) -> Division:
    """The division of steps at moments, in order point by point, each inside the step it is of."""
    # The how manieth each is in its step.
    pairs = points * steps + numbers
    order = np.arange(len(pairs))
    rank = order - np.maximum.accumulate(np.where(np.r_[True, np.diff(pairs) != 0], order, 0))
    counts = np.ones(steps, dtype=np.int64)
    np.maximum.at(counts, numbers, rank + 2)
    first = np.r_[0, np.cumsum(counts)[:-1]]
    # What a point needs no more begins where its step ends, and takes no time.
    begins = np.repeat(np.arange(1, steps + 1), counts)[:, None] * size
    begins[first] = np.arange(steps)[:, None] * size
    begins[first[numbers] + rank + 1, points] = moments * size[points]
    stops = np.r_[begins[1:], steps * size[None, :]]
    stops[first + counts - 1] = np.arange(1, steps + 1)[:, None] * size
    return Division(counts, stops - begins, begins)
