"""Escape from an interval: its probability by each step, its mean time, its rate; with errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from causalopt.distributions.transfer import TransferOperator, powers
from causalopt.errors import QueryError, nearest
from causalopt.system import System

if TYPE_CHECKING:
    import xarray as xr

Floats = npt.NDArray[np.float64]

# The first steps go along this many paths, and this many steps, at most.
_PATHS = 4096
_DEEPEST = 64

#: For each side: what leaves there in all, from each place.
_SIDES: dict[str, Callable[[TransferOperator], Floats]] = {
    "any": lambda operator: np.ones(len(operator.grid)),
    "below": lambda operator: operator.expected(operator.below),
    "above": lambda operator: operator.expected(operator.above),
}


@dataclass(frozen=True)
class Refined:
    """A value from a grid, and its difference from the value on a grid of half the cells."""

    value: float
    error: float

    def __float__(self) -> float:
        return self.value

    def __repr__(self) -> str:
        return f"{self.value:.6g} ± {self.error:.2g}"


def escape_probability(
    system: System,
    inside: tuple[float, float],
    steps: int | Iterable[int],
    *,
    start: float | None = None,
    side: str = "any",
    cells: int = 8000,
) -> xr.Dataset:
    """The probability that a system has left an interval (low, high) by each of some steps.

    ``escaped`` (steps) is e(n) - (K^n e)(w) at the start w, where e is 1 for ``side="any"``, and
    the chance to leave on that side at all for "below" and "above"; K is the transfer operator.
    The first steps go along all paths, up to 4096 of them, and are exact: only then is the
    probability smooth enough for a grid.
    ``error`` (steps) is its difference from the same on a grid of half the cells. The distribution
    of the time of escape is ``escaped.diff("steps")``. Start values other than the state's do not
    matter; ``start`` is the system's own, where it is not given.

    Raises ``QueryError`` for a start outside, a step that is no whole number above 0, a side that
    there is not, and as ``TransferOperator`` does.

    Source: the curves of "Modelling and Understanding SGD", "Monte Carlo".

    >>> from causalopt.laws import choice
    >>> from causalopt.symbols import noise, variables
    >>> (x,) = variables("x")
    >>> walk = System({x: x + noise("e", choice([-1, 1]))}, start={x: 2})
    >>> escape_probability(walk, (0, 4), steps=[2, 4], cells=8).escaped.values
    array([0.5 , 0.75])
    """
    import xarray as xr

    if side not in _SIDES:
        raise QueryError(f"There is no side {side!r}." + nearest(side, _SIDES))
    counts = _counts(steps)
    found = []
    for size in (cells, cells // 2):
        operator = TransferOperator.of(system, inside, size)
        paths = _Paths.of(operator, _start(system, operator, start))
        found.append(paths.escaped(operator, side, counts))
    attrs = {"inside": list(map(float, inside)), "side": side, "cells": cells}
    fine, coarse = found
    made = {
        "escaped": ("steps", fine, {"long_name": "escape probability", "units": "1"}),
        "error": ("steps", np.abs(fine - coarse), {"long_name": "difference from half the cells"}),
    }
    return xr.Dataset(made, {"steps": counts}, attrs)


@dataclass(frozen=True)
class _Paths:
    """All paths of the first steps: what has left by each, and where the rest is at the end."""

    below: tuple[float, ...]
    above: tuple[float, ...]
    places: Floats
    chances: Floats

    @classmethod
    def of(cls, operator: TransferOperator, start: float) -> _Paths:
        """As many steps from the start as keep the number of paths within bounds."""
        operator.at(start)
        low, high = operator.grid[0], operator.grid[-1]
        places, chances = np.array([start]), np.ones(1)
        below, above = [0.0], [0.0]
        many = max(len(operator.maps), 2)
        while len(places) and len(places) * many <= _PATHS and len(below) <= _DEEPEST:
            places = np.concatenate([one.image(places) for one in operator.maps])
            chances = np.concatenate([one.chance * chances for one in operator.maps])
            under, over = places <= low, places >= high
            below.append(below[-1] + float(chances[under].sum()))
            above.append(above[-1] + float(chances[over].sum()))
            kept = ~(under | over)
            places, chances = places[kept], chances[kept]
        return cls(tuple(below), tuple(above), places, chances)

    def escaped(self, operator: TransferOperator, side: str, counts: list[int]) -> Floats:
        """The probability of having left on a side by each of some steps."""
        sides = {"below": self.below, "above": self.above}
        total = tuple(map(sum, zip(self.below, self.above, strict=True)))
        left, depth = sides.get(side, total), len(self.below) - 1
        found = [left[n] for n in counts if n <= depth]
        later = [n - depth for n in counts if n > depth]
        if later:
            whole = _SIDES[side](operator)
            mass = operator.spread(self.places, self.chances)
            after = powers(operator.matrix, whole, later)
            found += [left[-1] + float(mass @ (whole - u)) for u in after]
        return np.array(found)


def mean_escape_time(
    system: System, inside: tuple[float, float], *, start: float | None = None, cells: int = 8000
) -> Refined:
    """The mean number of steps until a system leaves an interval: m = 1 + K m.

    The error is the difference from the same on a grid of half the cells. Arguments and errors are
    those of ``escape_probability``; ``QueryError`` too where it may never leave.

    >>> from causalopt.laws import choice
    >>> from causalopt.symbols import noise, variables
    >>> (x,) = variables("x")
    >>> walk = System({x: x + noise("e", choice([-1, 1]))}, start={x: 3})
    >>> round(mean_escape_time(walk, (0, 8), cells=16).value, 9)
    15.0
    """

    def of(operator: TransferOperator) -> float:
        place = operator.at(_start(system, operator, start))
        return float(place @ operator.expected(np.ones(len(place))))

    return _refined(system, inside, cells, of)


def escape_rate(system: System, inside: tuple[float, float], *, cells: int = 8000) -> Refined:
    """The rate of escape in the long run: -log of the leading eigenvalue of K, per step.

    A system that has stayed inside for long leaves in the next step with probability
    1 - exp(-rate). The error is the difference from a grid of half the cells.

    >>> from causalopt.laws import choice
    >>> from causalopt.symbols import noise, variables
    >>> (x,) = variables("x")
    >>> step = noise("e", choice([-1, 0, 1]))
    >>> rate = escape_rate(System({x: x + step}, start={x: 1}), (0, 4), cells=4).value
    >>> round(float(np.exp(-rate)), 9) == round((1 + 2**0.5) / 3, 9)
    True
    """
    return _refined(system, inside, cells, lambda operator: -float(np.log(_leading(operator)[0])))


def quasi_stationary(
    system: System, inside: tuple[float, float], *, cells: int = 8000
) -> xr.DataArray:
    """The density of the state of a system that has stayed inside an interval for long.

    The left eigenvector of K of the leading eigenvalue, by the state, with integral 1.
    """
    import xarray as xr

    operator = TransferOperator.of(system, inside, cells)
    mass = _leading(operator)[1]
    width = operator.grid[1] - operator.grid[0]
    name = operator.variable.name
    attrs = {"long_name": "quasi-stationary density"}
    return xr.DataArray(mass / width, {name: operator.grid}, [name], "density", attrs)


def _leading(operator: TransferOperator) -> tuple[float, Floats]:
    """The leading eigenvalue of K and its probability (n,), by repeated steps."""
    turned = operator.matrix.T.tocsr()
    mass = np.full(len(operator.grid), 1 / len(operator.grid))
    factor = 0.0
    for count in range(200_000):
        after = turned @ mass
        total = float(after.sum())
        if total <= 0:
            raise QueryError("Everything leaves in finitely many steps: there is no rate.")
        moved = float(np.abs(after / total - mass).sum())
        mass, factor = after / total, total
        if moved < 1e-13 and count > 10:
            return factor, mass
    raise QueryError(
        "The system has not forgotten where it started within 200,000 steps, so that no one rate "
        "of escape is seen: take a smaller interval, with one well."
    )


def _refined(
    system: System,
    inside: tuple[float, float],
    cells: int,
    of: Callable[[TransferOperator], float],
) -> Refined:
    fine, coarse = (of(TransferOperator.of(system, inside, c)) for c in (cells, cells // 2))
    return Refined(fine, abs(fine - coarse))


def _start(system: System, operator: TransferOperator, given: float | None) -> float:
    return system.start[operator.variable] if given is None else float(given)


def _counts(steps: int | Iterable[int]) -> list[int]:
    found = [steps] if isinstance(steps, int) else list(steps)
    whole = [isinstance(n, int | np.integer) and not isinstance(n, bool) for n in found]
    if not found or not all(whole) or min(found) < 1 or sorted(set(found)) != found:
        raise QueryError(f"steps is {steps!r}: write whole numbers of 1 or more, in order.")
    return [int(n) for n in found]
