"""Conditions of a proof: those that hold are dropped, and some case must satisfy the others."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.logic.boolalg import Boolean

from causalopt.derive.statement.contradiction import find_conflict
from causalopt.derive.statement.scope import Scope
from causalopt.derive.statement.steps import Status
from causalopt.derive.statement.verdict import Point, Verdict, leave_open
from causalopt.derive.trial.aimed import aimed_points
from causalopt.derive.trial.failures import FAILURES
from causalopt.derive.trial.sampling import points, satisfies
from causalopt.ground.work import Exhausted, at_most

SHARE = 0.1  # of the work that a step may take
USUAL, MOST = 4, 60


def settle(verdict: Verdict, scope: Scope) -> Verdict:
    """A proof with the conditions that are open, or no proof where no case satisfies them.

    What follows from what cannot be is true of nothing, and would be read as true.

    >>> x = sp.Symbol("x", real=True)
    >>> needs = (sp.Ne(sp.sin(x) ** 2 + sp.cos(x) ** 2, 1), sp.Ne(sp.sqrt(2), 1, evaluate=False))
    >>> settle(Verdict(Status.PROVED, conditions=needs[1:]), Scope((x,))).conditions
    ()
    >>> settle(Verdict(Status.PROVED, conditions=needs), Scope((x,))).status
    <Status.UNDECIDED: 'undecided'>
    """
    if verdict.status is not Status.PROVED or not verdict.conditions:
        return verdict
    needs = tuple(need for need in verdict.conditions if not _holds_always(need))
    listed = ", ".join(map(str, needs))
    if find_conflict([*scope.relations, *needs]) is not None or not _is_met(needs, verdict, scope):
        reason = f"it needs {listed}: no case in which that holds is known"
        return leave_open(reason, held_at=verdict.held_at)
    return dataclasses.replace(verdict, conditions=needs)


def _holds_always(need: Boolean) -> bool:
    if need.free_symbols or need.atoms(AppliedUndef):
        return bool(need == sp.true)
    return need == sp.true or (need != sp.false and _satisfies(Point(), [need]))


def _is_met(needs: Sequence[Boolean], verdict: Verdict, scope: Scope) -> bool:
    if sp.false in needs:
        return False
    # limits of unknown functions were looked at by the rule that asks for them
    readable = [need for need in needs if not (need.has(sp.Limit) and need.atoms(AppliedUndef))]
    try:
        with at_most(SHARE):
            return not readable or any(
                _satisfies(point, readable) for point in _cases(readable, verdict, scope)
            )
    except Exhausted:
        return False


def _satisfies(point: Point, needs: Sequence[Boolean]) -> bool:
    try:
        return satisfies(point, needs)
    except FAILURES:
        return False


def _cases(needs: Sequence[Boolean], verdict: Verdict, scope: Scope) -> Iterator[Point]:
    here = scope.within(*needs)
    yield from verdict.held_at
    yield from aimed_points(here, [], USUAL)
    yield from itertools.islice(points(here), MOST)
