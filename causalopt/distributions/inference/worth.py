"""What is wanted of the nodes of a world, and what is to be expected of it, by what is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sympy import Expr

from causalopt.distributions.inference.cliques import cliques_of
from causalopt.distributions.inference.factors import Factor
from causalopt.distributions.inference.inquiry import Inquiry
from causalopt.distributions.inference.rules import Spot
from causalopt.ground.masses import Masses
from causalopt.ground.types import Array


@dataclass(frozen=True, eq=False)
class Goal:
    """How much is wanted what some nodes do: an amount for each of their joint states."""

    spots: tuple[Spot, ...]
    amounts: Array


@dataclass(frozen=True, eq=False)
class Prospects:
    """For each joint state of some nodes its chance, and what is to be expected in it.

    Where a state has no chance, nothing is expected: ``worth`` is 0.
    """

    chances: Masses
    worth: Array


def expected(asked: Inquiry, goals: Sequence[Goal]) -> Expr | float:
    """The expectation of the sum of all goals, given what is known."""
    (worth,) = prospects(asked, goals, ()).worth.reshape(-1)
    return worth if isinstance(worth, Expr) else float(worth)


def prospects(asked: Inquiry, goals: Sequence[Goal], spots: Sequence[Spot]) -> Prospects:
    """The chances of the joint states of some spots, and the expected sum of all goals in each."""
    wanted = [[asked.unfolding.variable(spot) for spot in goal.spots] for goal in goals]
    numbers = [asked.unfolding.variable(spot) for spot in spots]
    known = asked.known()
    free = list(dict.fromkeys(number for number in numbers if number not in known))
    arithmetic, whole = asked.weighed(known, free, [goal.amounts for goal in goals])
    factors = asked.factors(arithmetic, known)
    chances = whole.over(free)
    # What no state has is no part of the sum: 0/0 there.
    divisor = np.where(chances == 0, chances + 1, chances)
    worth = chances * 0
    for goal, owners in zip(goals, wanted, strict=True):
        amounts = Factor(tuple(owners), arithmetic.table(goal.amounts)).once().at(known)
        part = cliques_of([*factors, amounts], free).total(frozenset(free))
        worth = worth + _scaled(part.over(free) / divisor, part.exponent - whole.exponent)
    shares = chances / np.add.reduce(chances, axis=None)
    laid = [_laid_out(table, free, numbers, known, spots) for table in (shares, worth)]
    return Prospects(*(arithmetic.masses(table) for table in laid))


def _scaled(table: Array, exponent: int) -> Array:
    return np.ldexp(table.astype(np.float64), exponent) if exponent else np.asarray(table)


def _laid_out(
    table: Array,
    free: Sequence[int],
    numbers: Sequence[int],
    known: dict[int, int],
    spots: Sequence[Spot],
) -> Array:
    """A table over the variables that are not known as one over all spots: 0 where none can be."""
    entries = np.asarray(table)
    if not spots:
        return entries
    places = dict(zip(free, np.indices(entries.shape), strict=True))
    laid = np.empty([spot.variable.size for spot in spots], dtype=entries.dtype)
    laid.fill(entries.flat[0] * 0)
    each = [places[n] if n in places else np.full(entries.shape, known[n]) for n in numbers]
    laid[tuple(place.reshape(-1) for place in each)] = entries.reshape(-1)
    return laid


def amounts_of(given: Sequence[object], spots: Sequence[Spot]) -> Array:
    """Amounts in a row as a table over spots: of expressions, or of floats."""
    exact = all(isinstance(amount, Expr) for amount in given)
    table = np.empty(len(given), dtype=object if exact else np.float64)
    table[:] = given
    return table.reshape([spot.variable.size for spot in spots])
