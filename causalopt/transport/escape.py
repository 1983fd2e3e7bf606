"""Escape from an interval or rectangle: its probability by each step, its mean time, its rate."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from causalopt.ground.checks import as_whole, is_option, shown, whole
from causalopt.ground.errors import QueryError, nearest
from causalopt.ground.memory import refuse_what_does_not_fit
from causalopt.ground.types import Floats
from causalopt.model.system import System
from causalopt.transport.ahead import SIDES, Ahead, Paths, digits_missing
from causalopt.transport.chance import branches
from causalopt.transport.leading import NO_RATE, leading_bounds, long_run
from causalopt.transport.reached import Reached
from causalopt.transport.transfer import Inside, Place, TransferOperator

if TYPE_CHECKING:
    import xarray as xr

# The grids whose values are compared, as parts of the finest. They divide differently: where a
# value jumps from place to place its error is erratic, and half the cells may agree by luck. In
# surveys of the pit three times the largest difference covered 152 of 153 errors of the mean time;
# the difference from half the cells alone covers about four of five.
_COARSER = (0.81, 0.63, 0.5)


@dataclass(frozen=True)
class Refined:
    """A value, and an error that it does not exceed, or three times its difference from others."""

    value: float
    error: float

    def __float__(self) -> float:
        return self.value

    def __repr__(self) -> str:
        return f"{self.value:.6g} ± {self.error:.2g}"


def escape_probability(
    system: System,
    inside: Inside,
    steps: int | Iterable[int],
    *,
    start: Place | None = None,
    side: str = "any",
    cells: int | None = None,
) -> xr.Dataset:
    """The probability that a system has left an interval (low, high) by each of some steps.

    ``escaped`` (steps) is e(n) - (K^n e)(w) at the start w, where e is 1 for ``side="any"``, and
    the chance to leave on that side at all for "below" and "above"; K is the transfer operator.
    Where few places are ever reached (up to 20,000), as in a walk by 0.5 and -0.2, all is exact but
    for rounding, which is the ``error``, and no grid is asked. Decimals are read as written.
    Else the first steps go along all paths, thousands of them, and are exact: only then is the
    probability smooth enough for a grid.
    ``error`` (steps) is three times the largest difference from the same on three coarser
    grids, the last of half the ``cells`` (8000 a side, 200 in two dimensions). Their cells fall
    differently, so that what jumps inside a cell shows. Where steps of many digits are added, no
    cells show it: the error is then that of what is inside after the first steps, and may be large.
    Start values other than the state's do not matter; ``start`` is the system's own, where it is
    not given. In two dimensions ``inside`` and ``start`` are dicts by variable, and "below" and
    "above" are those of the variable by which it left, the first where both are outside.

    Raises ``QueryError`` for a start outside, a step that is no whole number above 0, a side that
    there is not, and as ``TransferOperator`` does.

    Source: the curves of "Modelling and Understanding SGD", "Monte Carlo".

    >>> from causalopt.language.laws import choice
    >>> from causalopt.language.symbols import noise, variables
    >>> (x,) = variables("x")
    >>> walk = System({x: x + noise("e", choice([-1, 1]))}, start={x: 2})
    >>> escape_probability(walk, (0, 4), steps=[2, 4], cells=8).escaped.values
    array([0.5 , 0.75])
    """
    import xarray as xr

    counts = _counts(steps)

    def ask(ahead: Ahead) -> tuple[Floats, Floats]:
        escaped = ahead.escape_chances(_side(side), counts)
        return escaped, ahead.error(side, escaped, counts)

    operator, fine, error = _compare_ways(system, inside, cells, start, ask)
    attrs = {"inside": operator.where, "side": side, "cells": len(operator.axes[0]) - 1}
    columns = {
        "escaped": ("steps", fine, {"long_name": "escape probability", "units": "1"}),
        "error": ("steps", error, {"long_name": "how far off it may be"}),
    }
    return xr.Dataset(columns, {"steps": counts}, attrs)


def hitting_times(
    system: System,
    inside: Inside,
    steps: int,
    *,
    start: Place | None = None,
    side: str = "any",
    cells: int | None = None,
) -> xr.Dataset:
    """The distribution of the first step outside: P(n) for n = 1, ..., ``steps``.

    ``chance`` (steps) is the difference of ``escape_probability`` from step to step, ``error``
    is that of the differences. Arguments and errors are those of ``escape_probability``.

    >>> from causalopt.language.laws import choice
    >>> from causalopt.language.symbols import noise, variables
    >>> (x,) = variables("x")
    >>> walk = System({x: x + noise("e", choice([-1, 1]))}, start={x: 2})
    >>> hitting_times(walk, (0, 4), 6, cells=8).chance.values
    array([0.   , 0.5  , 0.   , 0.25 , 0.   , 0.125])
    """
    import xarray as xr

    last = whole(steps, "steps", 1)
    # A number, a chance and an error of each step, beside those of three coarser grids.
    refuse_what_does_not_fit(100 * last, f"The chances of {last:,} steps", "Ask for fewer steps.")
    counts = list(range(1, last + 1))

    def ask(ahead: Ahead) -> tuple[Floats, Floats]:
        escaped = ahead.escape_chances(_side(side), counts)
        error = np.append(0.0, ahead.error(side, escaped, counts))
        return np.diff(escaped, prepend=0.0), error[1:] + error[:-1]

    operator, fine, error = _compare_ways(system, inside, cells, start, ask)
    columns = {
        "chance": ("steps", fine, {"long_name": "chance to leave at this step", "units": "1"}),
        "error": ("steps", error, {"long_name": "how far off it may be"}),
    }
    return xr.Dataset(columns, {"steps": counts}, {"inside": operator.where, "side": side})


def mean_escape_time(
    system: System, inside: Inside, *, start: Place | None = None, cells: int | None = None
) -> Refined:
    """The mean number of steps until a system leaves where it is inside: m = 1 + K m.

    It is exact where few places are reached; else the first steps go along all paths, since m jumps
    from place to place, and ``error`` is found as there. Arguments and errors are those of
    ``escape_probability``; ``QueryError`` too where it may never leave, and where steps of many
    digits are added.

    >>> from causalopt.language.laws import choice
    >>> from causalopt.language.symbols import noise, variables
    >>> (x,) = variables("x")
    >>> walk = System({x: x + noise("e", choice([-1, 1]))}, start={x: 3})
    >>> round(mean_escape_time(walk, (0, 8), cells=16).value, 9)
    15.0
    """

    def ask(ahead: Ahead) -> tuple[Floats, Floats]:
        mean = np.array(ahead.mean_time())
        return mean, 1e-9 * mean

    return Refined(*map(float, _compare_ways(system, inside, cells, start, ask)[1:]))


def escape_rate(system: System, inside: Inside, *, cells: int | None = None) -> Refined:
    """The rate of escape in the long run: -log of the leading eigenvalue of K, per step.

    A system that has stayed inside for long leaves in the next step with probability
    1 - exp(-rate). Where few places are reached from the system's start, it is between two bounds;
    else the error is three times the largest difference from three coarser grids. ``QueryError``
    where steps of many digits are added.

    >>> from causalopt.language.laws import choice
    >>> from causalopt.language.symbols import noise, variables
    >>> (x,) = variables("x")
    >>> step = noise("e", choice([-1, 0, 1]))
    >>> rate = escape_rate(System({x: x + step}, start={x: 1}), (0, 4), cells=4).value
    >>> round(float(np.exp(-rate)), 9) == round((1 + 2**0.5) / 3, 9)
    True
    """
    operator = TransferOperator.of(system, inside, default_cells(cells, system))
    reached = reached_inside(operator, system, "rate")
    if reached is not None:
        return _rate(*leading_bounds(reached.matrix))
    rate = -np.log(long_run(operator.matrix)[0])
    others = [-np.log(long_run(one.matrix)[0]) for one in _coarser(system, inside, operator)]
    return Refined(float(rate), float(_apart(rate, others)))


def _compare_ways(
    system: System,
    inside: Inside,
    cells: int | None,
    start: Place | None,
    ask: Callable[[Ahead], tuple[Floats, Floats]],
) -> tuple[TransferOperator, Floats, Floats]:
    """The finest operator, a value, and how far off it may be.

    Where few places are reached there is no grid: the value is exact but for rounding.
    """
    operator = TransferOperator.of(system, inside, default_cells(cells, system))
    begin = start_of(system, operator, start)
    reached = Reached.of(operator.maps, operator.ends, begin)
    if reached is not None and reached.depth is None:
        value, rounded = ask(Ahead.among(reached, Paths.among(reached), operator.where))
        return operator, value, rounded
    paths = Paths.of(operator, begin) if reached is None else Paths.among(reached)
    is_bounded = reached is not None and reached.is_cut_off
    value, rounded = ask(Ahead.on(operator, paths, is_bounded=is_bounded))
    grids = _coarser(system, inside, operator)
    others = [ask(Ahead.on(one, paths, is_bounded=is_bounded))[0] for one in grids]
    return operator, value, np.maximum(_apart(value, others), rounded)


def reached_inside(operator: TransferOperator, system: System, asked: str) -> Reached | None:
    """The few places that a system ever reaches; None where a grid is asked."""
    # The start of a system need not be inside, where only a grid is asked.
    try:
        begin = operator.place(system.start_values)
    except QueryError:
        return None
    reached = Reached.of(operator.maps, operator.ends, begin)
    if reached is not None and reached.is_cut_off:
        raise QueryError(digits_missing(asked))
    return reached if reached is not None and reached.depth is None else None


def _rate(low: float, high: float) -> Refined:
    """The rate of an eigenvalue between two bounds."""
    if high <= 0:
        raise QueryError(NO_RATE)
    low, high = -math.log(high), -math.log(max(low, np.finfo(float).tiny))
    return Refined((low + high) / 2, (high - low) / 2 + 1e-12)


def _coarser(
    system: System, inside: Inside, operator: TransferOperator
) -> Iterator[TransferOperator]:
    """The same on coarser grids, which divide differently."""
    fine = len(operator.axes[0]) - 1
    for part in _COARSER:
        yield TransferOperator.of(system, inside, max(2, round(fine * part)))


def _apart(value: Floats, others: Sequence[Floats]) -> Floats:
    """Three times the largest difference."""
    # No bound is known for what jumps inside a cell: the scatter over grids that divide differently
    # stands for the error, and the largest of three differences is seldom too small by luck.
    error: Floats = 3 * np.max([np.abs(value - other) for other in others], axis=0)
    return error


def default_cells(cells: int | None, system: System) -> int:
    """The cells that are asked for, or 8000 on a line and 200 a side in two dimensions."""
    return cells if cells is not None else (8000 if len(branches(system)[0]) == 1 else 200)


def start_of(system: System, operator: TransferOperator, given: Place | None) -> Floats:
    """The place that is given, or where the system starts, as coordinates (d,)."""
    return operator.place(system.start_values if given is None else given)


def _side(given: str) -> str:
    if not is_option(given, SIDES):
        raise QueryError(f"There is no side {shown(given)}." + nearest(given, SIDES))
    return given


def _counts(steps: int | Iterable[int]) -> list[int]:
    single = as_whole(steps)
    # An array without axes is iterable by its type alone.
    has_axes = getattr(steps, "ndim", None) != 0
    if single is not None or not isinstance(steps, Iterable) or not has_axes:
        counts = [single]
    else:
        counts = [as_whole(n) for n in steps]
    known = [n for n in counts if n is not None]
    if not known or known != counts or known[0] < 1 or sorted(set(known)) != known:
        raise QueryError(f"steps is {steps!r}: write whole numbers of 1 or more, in order.")
    whole(known[-1], "steps", 1)
    return known
