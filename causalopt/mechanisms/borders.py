"""Times at which a formula jumps by itself: between them it is one formula, or another.

A method looks at rates at the end of a step too, where ``time < 1`` is over, though it holds all
over the step that ends at 1. So inside a step a formula asks for the time at its middle, and a
step with a border in it is taken in parts.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import sympy
from sympy import Basic, Dummy, Expr, Mod, Symbol, ceiling, floor
from sympy.core.relational import GreaterThan, LessThan, StrictGreaterThan, StrictLessThan

from causalopt.ground.errors import QueryError
from causalopt.ground.types import Bools, Floats
from causalopt.language.symbols import Parameter, time

#: A time inside the part of a step that a formula is asked about: none of its borders is there.
INSIDE = Symbol("inside the step", real=True)

_EQUALITIES = (sympy.Eq, sympy.Ne)
_COMPARISONS = (StrictGreaterThan, GreaterThan, StrictLessThan, LessThan, *_EQUALITIES)
# A run begins at time 0.
_FROM_0 = {sympy.Abs(time): time, sympy.sign(time): sympy.Integer(1)}
#: The most times that one formula may jump in a step.
MOST_IN_A_STEP = 1_000
# What is so close, in steps beside how many they are, is one: borders, and ends of steps.
_ROOM = 1e-12
_STEPS = (floor, ceiling, sympy.sign, sympy.Heaviside)


@dataclass(frozen=True)
class Border:
    """A time at which a formula jumps, and all that are a whole number of periods from it."""

    first: Expr
    period: Expr | None = None


class Times(NamedTuple):
    """Times at which something jumps: the ``first`` and, with a ``period``, others: (points,)."""

    first: Floats
    period: Floats | None


def between_borders(formula: Expr) -> Expr:
    """The formula as it is between borders: what jumps is asked at a time ``INSIDE``.

    >>> x = Symbol("x")
    >>> between_borders(sympy.Piecewise((x * time, time < 3), (0, True)))
    Piecewise((t*x, inside the step < 3), (0, True))
    """
    found = _jumping(formula)
    return formula.xreplace({part: _asked_inside(part) for part in found}) if found else formula


def borders_of(formula: Expr) -> frozenset[Border]:
    """The borders of what jumps at times that parameters give: inequalities, and whole parts.

    These are inequalities that are linear in time, or in the rest of it by a period. Others, as
    ``sin(time) > 0``, are left as they are.

    >>> k = Parameter("k")
    >>> borders_of(sympy.Piecewise((1, 2 * time < k), (0, True)))
    frozenset({Border(first=k/2, period=None)})
    >>> sorted(map(str, borders_of(sympy.Piecewise((1, Mod(time, 24) < 8), (0, True)))))
    ['Border(first=0, period=24)', 'Border(first=8, period=24)']
    """
    return frozenset[Border]().union(*_jumping(formula).values())


def moments_in(borders: Sequence[Times], steps: int, size: Floats) -> Floats:
    """The times inside of steps of a ``size`` (points,) at which something jumps.

    In steps, (points, times) in order; NaN, last, where a point has no more of them.
    Raises ``QueryError`` for more than ``MOST_IN_A_STEP`` of one kind in a step.

    >>> half = Times(np.array([0.25]), None)
    >>> moments_in([half], 3, np.array([0.1])).tolist()
    [[2.5]]
    """
    with np.errstate(all="ignore"):
        at = np.concatenate([_in_steps(one, steps, size) for one in borders], axis=1)
        at[~((at > 0.0) & (at < steps) & is_between(at))] = np.nan
    at = np.sort(at, axis=1)
    at[:, 1:][np.diff(at, axis=1) < _ROOM * steps] = np.nan
    at = np.sort(at, axis=1)
    return at[:, np.isfinite(at).any(axis=0)]


def is_between(at: Floats) -> Bools:
    """Whether times, in steps, are inside of one, and not at its end but for rounding."""
    inside: Bools = abs(at - np.rint(at)) > _ROOM * np.maximum(1.0, abs(at))
    return inside


def _asked_inside(part: Basic) -> Basic:
    if isinstance(part, Mod):
        # Its whole part alone jumps: the rest goes on.
        return part.args[0] - part.args[1] * _whole_part(part).xreplace({time: INSIDE})
    return part.xreplace({time: INSIDE})


def _whole_part(rest: Mod) -> Expr:
    return floor(rest.args[0] / rest.args[1])


@functools.lru_cache(maxsize=4096)
def _jumping(formula: Expr) -> Mapping[Basic, frozenset[Border]]:
    """The parts of a formula that jump at known times, and when."""
    if time not in formula.free_symbols:
        return {}
    found = {part: _borders(part) for part in formula.atoms(*_COMPARISONS, *_STEPS, Mod)}
    return {part: borders for part, borders in found.items() if borders}


def _borders(part: Basic) -> frozenset[Border]:
    """When a part jumps; nothing where it never does, and where it cannot be told."""
    if time not in part.free_symbols or not _is_clock(part):
        return frozenset()
    part = part.xreplace(_FROM_0)
    if isinstance(part, _COMPARISONS):
        difference = part.lhs - part.rhs
        wholes = {rest: rest.args[0] - rest.args[1] * _whole_part(rest)
                  for rest in difference.atoms(Mod)}  # fmt: skip
        asked = _of_whole_numbers if isinstance(part, _EQUALITIES) else _of_difference
        return asked(difference.xreplace(wholes))
    if isinstance(part, Mod):
        return _of_whole_part(_whole_part(part))
    if isinstance(part, floor | ceiling):
        return _of_whole_part(part)
    return _of_difference(part.args[0]) if part.args else frozenset()


def _is_clock(part: Basic) -> bool:
    return all(symbol == time or isinstance(symbol, Parameter) for symbol in part.free_symbols)


def _slope(formula: Expr, by: Symbol = time) -> Expr | None:
    """The slope of what is linear in time; None of what is not."""
    slope = formula.diff(by)
    return None if by in slope.free_symbols else slope


def _of_whole_part(part: Expr) -> frozenset[Border]:
    """The whole part of what is linear in time jumps again and again."""
    inner = part.args[0]
    slope = None if inner.atoms(floor, ceiling, Mod) else _slope(inner)
    if not slope:
        return frozenset()
    return frozenset({Border(-inner.xreplace({time: sympy.Integer(0)}) / slope, 1 / slope)})


def zero_of(difference: Expr) -> Border | None:
    """When a difference is zero that is linear in time, or in it and in one whole part of it.

    With a whole part that is once in each of its periods, if it comes to it. None where it is never
    zero, or at no such times.

    >>> zero_of(2 * time - 3), zero_of(time - 12 * floor(time / 12) - 3)
    (Border(first=3/2, period=None), Border(first=3, period=12))
    """
    wholes = _whole_parts(difference)
    if len(wholes) > 1:
        return None
    count = Dummy(real=True)
    linear = difference.xreplace(dict.fromkeys(wholes, count))
    slope, step = _slope(linear), _slope(linear, count)
    if not slope or step is None or {time, count} & (slope + step).free_symbols:
        return None
    first = -linear.xreplace({time: sympy.Integer(0), count: sympy.Integer(0)}) / slope
    if not wholes:
        return Border(first)
    jumps = _of_whole_part(wholes[0])
    if not jumps:
        return None
    (again,) = jumps
    # The rest of the time by the period is as it was after each.
    is_rest = sympy.simplify(slope * again.period + step) == 0
    return Border(first, again.period) if is_rest else None


def _of_difference(difference: Expr) -> frozenset[Border]:
    """When a difference changes its sign: at a zero, or where its one whole part jumps."""
    zero = zero_of(difference)
    if zero is None:
        return _of_whole_numbers(difference)
    return frozenset({zero}).union(*map(_of_whole_part, _whole_parts(difference)))


def _of_whole_numbers(difference: Expr) -> frozenset[Border]:
    """When a whole part becomes another one, if nothing else in a difference goes with the time."""
    wholes = _whole_parts(difference)
    rest = difference.xreplace(dict.fromkeys(wholes, sympy.Integer(0)))
    if len(wholes) != 1 or time in rest.free_symbols:
        return frozenset()
    return _of_whole_part(wholes[0])


def _whole_parts(difference: Expr) -> list[Expr]:
    return [w for w in difference.atoms(floor, ceiling) if time in w.free_symbols]


def _in_steps(times: Times, steps: int, size: Floats) -> Floats:
    """The times from the start to the end, counted in steps: (points, times)."""
    first = (times.first / size)[:, None]
    if times.period is None:
        return first
    period = abs(times.period / size)[:, None]
    # By a period of 0 there is no rest: that is for the formula to say.
    period = np.where(period > 0.0, period, np.nan)
    shortest = np.nanmin(period, initial=np.inf)
    if shortest * MOST_IN_A_STEP < 1.0:
        raise QueryError(
            f"A formula jumps every {shortest * size.min():g} units of time, more than "
            f"{MOST_IN_A_STEP:,} times in a step (MOST_IN_A_STEP): take shorter steps dt."
        )
    begin = first - np.floor(first / period) * period
    return begin + period * np.arange(int(steps / shortest) + 2)
