"""Triggers of events in SBML as inequalities: those that hold for a while, and for a moment alone.

``time == 20`` and ``mod(time, 24) == 0`` hold at instants. An event happens there as it does where
``time >= 20`` comes true; what else has to hold is asked in that moment.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sympy
from sympy import And, Dummy, Eq, Expr, Max, Min, Ne, Not, Or, Piecewise, Symbol, ceiling, floor
from sympy.core.relational import GreaterThan, LessThan, StrictGreaterThan, StrictLessThan
from sympy.logic.boolalg import Boolean

from causalopt.exchange.biology.instants import DUE, NEVER, Instants, instants_of
from causalopt.exchange.biology.numbers import number
from causalopt.language.symbols import Parameter, time

#: Inequalities, as sympy has them.
INEQUALITIES = (StrictGreaterThan, GreaterThan, StrictLessThan, LessThan)
# A run begins at time 0.
_FROM_0 = {
    time < 0: sympy.false,
    time >= 0: sympy.true,
    sympy.Abs(time): time,
    sympy.sign(time): sympy.Integer(1),
}
# More cases than these are not told apart.
_MOST_CASES = 100


@dataclass(frozen=True)
class Occasion:
    """When an event happens: where ``when`` comes true, or at instants, if ``given`` holds there.

    ``when`` is an inequality, or sure; what ``is_passing`` holds for a moment alone.
    """

    when: Boolean
    given: Boolean = sympy.true
    instants: Instants | None = None
    is_passing: bool = False


def occasions(
    trigger: Boolean, still: Collection[Symbol], positive: Collection[Symbol] = ()
) -> tuple[Occasion, ...]:
    """When an event of a trigger happens; nothing where that is no matter of inequalities.

    ``still`` is what changes by jumps alone: whether it is equal to something holds for a while.
    What is ``positive`` may be a period.

    >>> x, k = Symbol("x"), Parameter("k")
    >>> [one.when for one in occasions((x > 1) & Eq(k, 2), {k})]
    [Piecewise((x - 1, Eq(k, 2)), (-1, True)) > 0]
    >>> [(one.when, one.given) for one in occasions(Eq(time, k) & (x > 1), {k})]
    [(t >= k, x > 1)]
    >>> [one.when for one in occasions(Eq(x, k), {k})]
    [-k + x >= 0, -k + x <= 0]
    >>> occasions(Eq(time - 12 * floor(time / 12), 3), set())[0].instants
    Instants(first=3, following=_due + 12)
    """
    trigger = trigger.xreplace(_FROM_0)
    trigger = trigger.xreplace({e: _stretch(e) for e in trigger.atoms(Eq)})
    points = {e for e in trigger.atoms(Eq) if not e.free_symbols <= set(still)}
    if not points:
        when = _single(trigger, still)
        return () if when is None else (Occasion(when),)
    cases = _cases(trigger, points)
    if cases is None:
        return ()
    moments = _of_points(cases, still, positive)
    if not moments or cases.lasting == sympy.false:
        return moments
    when = _single(cases.lasting, still)
    return () if when is None else (Occasion(when), *moments)


def _stretch(point: Eq) -> Boolean:
    """Where a whole part alone is equal to a number: from there up to the next one, or nowhere."""
    difference = point.lhs - point.rhs
    wholes, count = list(difference.atoms(floor, ceiling)), Dummy(real=True)
    linear = difference.xreplace(dict.fromkeys(wholes, count))
    slope = linear.diff(count)
    if len(wholes) != 1 or linear.free_symbols != {count} or not slope.is_number:
        return point
    inner, value = wholes[0].args[0], -linear.xreplace({count: number(0)}) / slope
    if not float(value).is_integer():
        return sympy.false
    if isinstance(wholes[0], ceiling):
        return And(inner > value - 1, inner <= value)
    return And(inner >= value, inner < value + 1)


@dataclass(frozen=True)
class _Cases:
    """What holds for a while, and what is zero at a moment with what has to hold there."""

    lasting: Boolean
    points: Sequence[tuple[Expr, Boolean]]


def _cases(trigger: Boolean, points: Collection[Boolean]) -> _Cases | None:
    """A trigger case by case; None where one is of two moments at once."""
    if len(trigger.atoms(Eq, Ne, *INEQUALITIES)) > _MOST_CASES:
        return None
    found, lasting = [], []
    for case in Or.make_args(sympy.to_dnf(trigger)):
        parts = And.make_args(case)
        here = [part for part in parts if part in points]
        given = And(*(part for part in parts if part not in points))
        if len(here) > 1 or given.atoms(Eq, Ne) & {*points, *map(Not, points)}:
            return None
        if here:
            found.append((here[0].lhs - here[0].rhs, given))
        else:
            lasting.append(case)
    # What holds already does not come true.
    others = Or(*lasting)
    return _Cases(others, [(point, And(given, Not(others))) for point, given in found])


def _of_points(
    cases: _Cases, still: Collection[Symbol], positive: Collection[Symbol]
) -> tuple[Occasion, ...]:
    """The occasions of moments; nothing where one cannot be told."""
    listed = [case for case in cases.points if _is_listed(case[0])]
    if len({given for _, given in listed}) != 1:
        listed = []
    found = [_listed(listed)] if listed[1:] else []
    alone = [case for case in cases.points if not (found and case in listed)]
    for point, given in alone:
        more = _occasions_of(point, given, still, positive)
        if not more:
            return ()
        found += more
    return tuple(found)


def _moment(difference: Expr) -> Expr | None:
    """When a difference that goes with the time is zero."""
    slope = difference.diff(time)
    if not slope.is_number or slope == 0:
        return None
    return -difference.xreplace({time: number(0)}) / slope


def _is_listed(difference: Expr) -> bool:
    """Whether it is zero at a moment that is known from the start on."""
    moment = _moment(difference)
    return moment is not None and all(isinstance(s, Parameter) for s in moment.free_symbols)


def _listed(cases: Sequence[tuple[Expr, Boolean]]) -> Occasion:
    """Moments that are known from the start on, with the same to hold at each."""
    moments = [_moment(difference) for difference, _ in cases]
    after = Min(*(Piecewise((m, m > DUE), (NEVER, True)) for m in moments), evaluate=False)
    instants = Instants(after.xreplace({DUE: number(0)}), after)
    return Occasion(sympy.true, cases[0][1], instants, is_passing=True)


def _occasions_of(
    difference: Expr, given: Boolean, still: Collection[Symbol], positive: Collection[Symbol]
) -> tuple[Occasion, ...]:
    moment = _moment(difference)
    if moment is not None:
        return (Occasion(time >= moment, given, is_passing=True),)
    instants = instants_of(difference, positive)
    if instants:
        return tuple(Occasion(sympy.true, given, one, is_passing=True) for one in instants)
    if time in difference.free_symbols or difference.atoms(floor):
        return ()
    # What moves comes to be equal from below or from above.
    sides = (difference >= 0, difference <= 0)
    return tuple(Occasion(side, given, is_passing=True) for side in sides)


def _single(trigger: Boolean, still: Collection[Symbol]) -> Boolean | None:
    """A trigger as one inequality; None where it is none.

    Of several, the least height over their edges is above 0 where all hold, and the greatest where
    one does.
    """
    if trigger in (sympy.true, sympy.false) or isinstance(trigger, INEQUALITIES):
        return trigger
    height = _height(trigger, still)
    if height is None:
        return None
    inequalities = trigger.atoms(*INEQUALITIES)
    is_strict = all(isinstance(p, StrictGreaterThan | StrictLessThan) for p in inequalities)
    return height > 0 if is_strict else height >= 0


def _height(trigger: Boolean, still: Collection[Symbol]) -> Expr | None:
    """What is positive where a trigger holds."""
    if isinstance(trigger, INEQUALITIES):
        return trigger.gts - trigger.lts
    if trigger.free_symbols <= set(still):
        return Piecewise((1, trigger), (-1, True))
    if isinstance(trigger, Not):
        below = _height(trigger.args[0], still)
        return None if below is None else -below
    if not isinstance(trigger, And | Or):
        return None
    # What holds for a while has no edge of its own: it chooses.
    choosing = [part for part in trigger.args if _is_choice(part, still)]
    heights = [_height(part, still) for part in trigger.args if part not in choosing]
    sure = [height for height in heights if height is not None]
    if len(sure) < len(heights):
        return None
    if isinstance(trigger, And):
        return Piecewise((Min(*sure), And(*choosing)), (-1, True))
    return Piecewise((1, Or(*choosing)), (Max(*sure), True))


def _is_choice(trigger: Boolean, still: Collection[Symbol]) -> bool:
    return not isinstance(trigger, INEQUALITIES) and trigger.free_symbols <= set(still)
