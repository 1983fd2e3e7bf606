"""Trying a claim at many points: it fails at one, or holds at all of them to 50 digits."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from causalopt.derive.statement.verdict import Counterexample, Point
from causalopt.derive.trial.alarm import TookTooLong, at_most
from causalopt.derive.trial.sampling import Domain, points
from causalopt.derive.trial.values import Compared, NoValue, at, compare

ENOUGH = 8  # points at which both sides are defined
SECONDS = 12.0


@dataclasses.dataclass(frozen=True)
class Trials:
    """Where pairs of expressions were equal, and where they were not."""

    held_at: tuple[Point, ...] = ()
    counterexample: Counterexample | None = None


Pair = tuple[Any, Any]


def try_pairs(pairs: Sequence[Pair], domain: Domain, enough: int = ENOUGH) -> Trials:
    """Compare the two sides of every pair at points of the domain, until one differs.

    >>> import sympy as sp
    >>> x = sp.Symbol("x", real=True)
    >>> trials = try_pairs([(sp.sqrt(x**2), x)], Domain((x,)))
    >>> trials.counterexample.point.symbols[0][1] < 0
    True
    """
    here = domain.within(*(side for pair in pairs for side in pair))
    return try_at(points(here), lambda point: compare_at(pairs, point), enough)


def try_at(
    where: Iterable[Point],
    look: Callable[[Point], Counterexample | Compared],
    enough: int = ENOUGH,
) -> Trials:
    """Look at point after point; one that takes too long or has no value is passed over."""
    held: list[Point] = []
    try:
        with at_most(SECONDS):
            for point in where:
                found = _look_once(look, point)
                if isinstance(found, Counterexample):
                    return Trials(tuple(held), found)
                if found is Compared.SAME:
                    held.append(point)
                # without a symbol or function every point is the same one
                if len(held) >= enough or not (point.symbols or point.functions):
                    break
    except TookTooLong:
        pass
    return Trials(tuple(held))


def _look_once(
    look: Callable[[Point], Counterexample | Compared], point: Point
) -> Counterexample | Compared:
    try:
        return look(point)
    except NoValue:
        return Compared.UNCLEAR
    except (ArithmeticError, ValueError, TypeError, NotImplementedError, AttributeError):
        return Compared.UNCLEAR  # sympy could not evaluate it here: no point to judge by


def compare_at(pairs: Sequence[Pair], point: Point) -> Counterexample | Compared:
    """One pair that differs at a point, or whether all are the same there."""
    outcomes = []
    for left, right in pairs:
        first, second = at(left, point), at(right, point)
        outcome = compare(first, second)
        if outcome is Compared.DIFFERENT:
            return Counterexample(point, first, second)
        outcomes.append(outcome)
    return Compared.SAME if set(outcomes) == {Compared.SAME} else Compared.UNCLEAR
