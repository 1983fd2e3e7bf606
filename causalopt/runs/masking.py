"""Sweeps that go on where a run fails: such points are masked, and why the first one failed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from causalopt.ground.checks import is_option, shown
from causalopt.ground.errors import (
    EvaluationError,
    NotAtPointsError,
    QueryError,
    UndefinedError,
)
from causalopt.ground.types import Array, Bools, Ints
from causalopt.runs.labels import Coordinate, column
from causalopt.runs.sweeps import Sweep

if TYPE_CHECKING:
    import xarray as xr

#: What becomes of a sweep in which a run fails at some points: an error, or an answer without them.
OnFailure = Literal["raise", "mask"]

#: What is computed of a sweep, (..., *sweep); an error of a run is told in words, or that it is.
Computed = Callable[[Sweep, bool], Array]

#: What the coordinate is called that says where a run failed.
FAILED = "failed"

# What a run fails by: it leaves the finite numbers, or cannot be asked: no part of its steps is
# short enough, or a parameter follows from others to no number.
_FAILURES = EvaluationError, NotAtPointsError

# A run that fails names the points of which it knows that. Where they are fewer than one in so
# many, what is left is asked in two halves.
_FEW = 16


class AllFailed(EvaluationError):
    """Runs fail at all ``points`` of a sweep, so many, and it says why the first does."""

    def __init__(self, message: str, points: int = 0) -> None:
        super().__init__(message)
        self.points = points


@dataclass(frozen=True, eq=False)
class Masked:
    """What is computed of a sweep, and where it is not.

    ``values`` (..., *sweep) are NaN where a run ``failed`` (*sweep), for ``reason`` at the first of
    these points. Where a failure is an error there is no ``failed``.
    """

    values: Array
    failed: Bools | None = None
    reason: str = ""

    def failed_along(self, own: int) -> Bools:
        """Where a run failed, beside values that have so many dims of their own after the swept."""
        if self.failed is None:
            return np.zeros((), dtype=bool)
        return self.failed.reshape(*self.failed.shape, *[1] * own)

    def labelled(self, sweep: Sweep) -> dict[str, Coordinate]:
        """The coordinate that says where a run failed, and, in its attributes, why."""
        if self.failed is None:
            return {}
        told = said(sweep.dims, self.failed, self.reason)
        return {name: Coordinate(variable) for name, variable in told.items()}


def said(dims: Sequence[str], failed: Bools, reason: str) -> dict[str, xr.Variable]:
    """Where runs failed along these dims, and why the first one did, as a coordinate."""
    return {FAILED: column(dims, failed, {"count": int(failed.sum()), "reason": reason})}


def computed(sweep: Sweep, compute: Computed, on_failure: OnFailure) -> Masked:
    """What is computed of a sweep. Where runs fail: the first error, or an answer without them.

    Raises ``QueryError`` where there is nothing to mask, and ``AllFailed``, an ``EvaluationError``,
    where runs fail at all points.

    >>> from causalopt.language.symbols import variables
    >>> from causalopt.measures.response.optimization import op
    >>> from causalopt.model.system import System
    >>> x, y = variables("x y")
    >>> grows = System({x: x**2 - y, y: y + x / 10}, start={x: 0.5, y: 0})
    >>> found = op(grows, y, x[0], x[9], over={x[0]: [0.5, 40, 0.7]}, on_failure="mask")
    >>> found.failed.values, found.values.round(2)
    (array([False,  True, False]), array([-15.07,    nan,  -8.9 ]))
    """
    if not is_option(on_failure, ("raise", "mask")):
        raise QueryError(f'on_failure is {shown(on_failure)}: write "raise" or "mask".')
    if on_failure == "raise":
        return Masked(compute(sweep, True))
    if sweep.points is None:
        raise QueryError(
            'on_failure="mask" leaves out points of a sweep, and nothing is swept: name what is, '
            "over= or draws=, or leave it out."
        )
    return _masked(sweep, sweep.points, compute)


def _masked(sweep: Sweep, points: int, compute: Computed) -> Masked:
    values, failed = None, np.zeros(points, dtype=bool)
    waiting = [np.arange(points)]
    while waiting:
        asked = waiting.pop()
        try:
            found = compute(sweep if len(asked) == points else sweep.some(asked), False)
        except _FAILURES as error:
            lost = _known(error, len(asked))
            failed[asked[lost]] = True
            waiting += _left(np.delete(asked, lost), len(lost))
            continue
        if values is None:
            shape = found.shape[: found.ndim - (len(sweep.shape) if len(asked) == points else 1)]
            values = np.full((*shape, points), np.nan, dtype=found.dtype)
        values[..., asked] = found.reshape(*values.shape[:-1], len(asked))
    if values is None:
        # Every run fails, and there is nothing but why.
        raise AllFailed(_reason(sweep, failed, compute), points)
    return Masked(
        values.reshape(*values.shape[:-1], *sweep.shape),
        failed.reshape(sweep.shape),
        _reason(sweep, failed, compute),
    )


def _known(error: Exception, count: int) -> list[int]:
    """The points of which an error says that they failed; one that is alone did."""
    known = list(error.points) if isinstance(error, UndefinedError | NotAtPointsError) else []
    return known or ([0] if count == 1 else [])


def _left(points: Ints, lost: int) -> list[Ints]:
    """What is asked next of the points that are left, after so many were lost."""
    parts = [points] if lost * _FEW >= len(points) else np.array_split(points, 2)
    return [part for part in parts if len(part)]


def _reason(sweep: Sweep, failed: Bools, compute: Computed) -> str:
    """Why the first point failed that did, in words."""
    if not failed.any():
        return ""
    try:
        compute(sweep.only(int(np.argmax(failed))), True)
    except _FAILURES as error:
        return str(error)
    return "It left the finite numbers beside other points, and does not by itself."
