"""Trying a claim at many points: it fails at one of them, or holds at all to 50 digits."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

import sympy as sp
from sympy.functions.combinatorial.factorials import CombinatorialFunction

from causalopt.derive.statement.scope import Scope
from causalopt.derive.statement.verdict import Counterexample, Point
from causalopt.derive.trial.aimed import points_around, points_of_powers, points_on, points_on_grid
from causalopt.derive.trial.comparison import Compared, compare
from causalopt.derive.trial.failures import FAILURES
from causalopt.derive.trial.sampling import points
from causalopt.derive.trial.seams import seam_gaps
from causalopt.derive.trial.values import NoValue, TooLong, at
from causalopt.ground.work import Exhausted, at_most

ENOUGH = 8  # points at which both sides are defined
MOST_AIMED = 36  # of each kind
MOST_LONG = 2  # that take too much work, before it is left
SHARE = 0.4  # of the work that a step may take
UNHELD = 0.1  # of the same, before there is a point at which both sides have the same value


@dataclasses.dataclass(frozen=True)
class Trials:
    """Where pairs of expressions were equal, where not, and whether that takes too much work."""

    held_at: tuple[Point, ...] = ()
    counterexample: Counterexample | None = None
    were_long: bool = False


#: Two sides that are claimed to be equal.
Pair: TypeAlias = tuple[sp.Expr, sp.Expr]
#: What is to be seen of a claim at one point.
Look: TypeAlias = Callable[[Point], Counterexample | Compared]


def try_pairs(pairs: Sequence[Pair], scope: Scope, enough: int = ENOUGH) -> Trials:
    """Compare the two sides of every pair at points of the scope, until one differs.

    >>> x = sp.Symbol("x", real=True)
    >>> trials = try_pairs([(sp.sqrt(x**2), x)], Scope((x,)))
    >>> trials.counterexample.point.symbols[0][1] < 0
    True
    """
    here = scope.within(*(side for pair in pairs for side in pair))
    trials = try_at(points(here), lambda point: compare_at(pairs, point), enough)
    if trials.counterexample is not None or trials.were_long:
        return trials
    seams = list(dict.fromkeys(gap for pair in pairs for side in pair for gap in seam_gaps(side)))
    # random points seldom meet a seam or a branch cut, and that is where formulas of cases fail
    for aim in (points_on(here, seams), *_where_special(pairs, here)):
        aimed = try_at(aim, lambda point: compare_at(pairs, point), MOST_AIMED)
        if aimed.counterexample is not None:
            return dataclasses.replace(trials, counterexample=aimed.counterexample)
    return trials


def _where_special(pairs: Sequence[Pair], scope: Scope) -> Iterator[Iterable[Point]]:
    """Where what is more than a quotient of polynomials may have a cut, or values of its own."""
    sides = [side for pair in pairs for side in pair]
    if not all(side.is_rational_function() for side in sides):
        yield points_around(scope)
    powers = [node for side in sides for node in side.atoms(sp.Pow)]
    exponents = [node.exp for node in powers if node.exp.free_symbols and node.base != sp.E]
    if exponents and any(node.base.is_positive is not True for node in powers):
        yield points_of_powers(scope, exponents)
    if any(side.has(CombinatorialFunction) for side in sides):
        yield points_on_grid(scope)


def try_at(
    where: Iterable[Point],
    look: Look,
    enough: int = ENOUGH,
) -> Trials:
    """Look at point after point; one that takes too much or has no value is passed over."""
    held: list[Point] = []
    outcomes = _outcomes(where, look)
    is_done, were_long = False, False
    for share in (UNHELD, SHARE):
        try:
            with at_most(share):
                for point, outcome in outcomes:
                    if isinstance(outcome, Counterexample):
                        return Trials(tuple(held), outcome)
                    if outcome is Compared.SAME:
                        held.append(point)
                    # without a symbol or function every point is the same one
                    is_single = not (point.symbols or point.functions)
                    is_done = len(held) >= enough or is_single
                    if is_done or (held and share == UNHELD):
                        break
                else:
                    is_done = True
        except Exhausted:  # what was seen so far counts
            is_done, were_long = True, not held
        if is_done:
            break
    return Trials(tuple(held), were_long=were_long)


def _outcomes(
    where: Iterable[Point], look: Look
) -> Iterator[tuple[Point, Counterexample | Compared]]:
    """What is seen at each point, until some of them have taken too much."""
    long = 0
    for point in where:
        try:
            yield point, look(point)
        except TooLong:
            long += 1
            if long >= MOST_LONG:
                raise Exhausted from None
        except (NoValue, *FAILURES):
            yield point, Compared.UNCLEAR  # it has no value here, or none that sympy can find


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
