"""Limits: computed by sympy or by Taylor's formula, then looked at nearby."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

import sympy as sp
from sympy.core.function import AppliedUndef

from causalopt.derive.proof.equality import Progress, prove
from causalopt.derive.proof.taylor import LimitValue, limit_by_taylor
from causalopt.derive.statement.scope import Scope
from causalopt.derive.statement.steps import Status, TendsTo
from causalopt.derive.statement.verdict import Counterexample, Point, Verdict, leave_open
from causalopt.derive.trial.alarm import TookTooLong, at_most
from causalopt.derive.trial.nearby import approaches
from causalopt.derive.trial.sampling import points
from causalopt.derive.trial.trials import Trials, try_pairs
from causalopt.derive.trial.values import NoValue, differentiate, instantiate

SECONDS = 12.0
UNCONFIRMED = "numbers nearby do not confirm the limit that was found"


def decide_limit(step: TendsTo, scope: Scope, progress: Progress) -> Verdict:
    """The verdict on a limit: compare the claim with one that was computed and looked at nearby."""
    whole = differentiate(step.whole)
    progress(leave_open("the limit was not found within the limit on time"))
    limit = _compute(whole, step)
    if limit is None:
        return leave_open("the limit was not found", sp.Limit(whole, step.variable, step.to))
    if limit.value in (sp.oo, -sp.oo) or step.value in (sp.oo, -sp.oo):
        return _decide_infinite(limit, step, scope)
    # sympy's limits are wrong at times, and both a proof and a refutation would stand on this one
    nearby = _points_nearby(whole, step, limit.value, scope)
    if not nearby:
        return leave_open(UNCONFIRMED, limit.value)
    verdict = _compare_limits(limit.value, step.value, scope, nearby)
    needs = (*limit.needs, *verdict.conditions)
    if verdict.status is Status.REFUTED:
        return dataclasses.replace(verdict, corrected=limit.value, conditions=limit.needs)
    route = f"{limit.route}; {verdict.route}" if verdict.route else ""
    return dataclasses.replace(verdict, route=route, conditions=tuple(dict.fromkeys(needs)))


def _compare_limits(
    computed: sp.Expr, claimed: sp.Expr, scope: Scope, nearby: Sequence[Point]
) -> Verdict:
    trials = try_pairs([(computed, claimed)], scope)
    if trials.counterexample is not None:
        return Verdict(Status.REFUTED, counterexample=trials.counterexample)
    # the cases to be shown are those in which the limit was looked at, not only its value
    return prove([(computed, claimed)], Trials(trials.held_at and tuple(nearby)), scope)


def _decide_infinite(limit: LimitValue, step: TendsTo, scope: Scope) -> Verdict:
    """An infinite limit, found or claimed: numbers nearby must confirm the one that was found."""
    # where it is infinite, 1 / whole goes to zero, which can be looked at
    finite = limit.value.is_finite
    whole, target = (step.whole, limit.value) if finite else (1 / step.whole, sp.S.Zero)
    nearby = _points_nearby(whole, step, target, scope)
    if not nearby:
        return leave_open(UNCONFIRMED, limit.value)
    if limit.value == step.value:
        return Verdict(Status.PROVED, limit.route, limit.needs, held_at=nearby)
    if limit.value.is_finite is step.value.is_finite:  # oo and -oo: 1/x does not tell them apart
        return leave_open("the limits differ in sign", limit.value)
    case = Counterexample(nearby[0], limit.value, step.value)
    return Verdict(Status.REFUTED, counterexample=case, corrected=limit.value)


def _compute(whole: sp.Expr, step: TendsTo) -> LimitValue | None:
    try:
        with at_most(SECONDS):
            # sympy takes an unknown function for continuous at best, and misses its slopes
            if whole.atoms(AppliedUndef):
                return limit_by_taylor(whole, step.variable, step.to)
            split = sp.expand_log(whole) if whole.has(sp.log) else whole
            values = {sp.limit(split, step.variable, step.to, side) for side in _sides(step)}
    except (TookTooLong, NotImplementedError, ValueError, TypeError, ArithmeticError):
        return None
    # two values are two limits, one from each side, and no limit
    if len(values) != 1 or (value := values.pop()).has(sp.Limit, sp.AccumBounds, sp.nan):
        return None
    return LimitValue(value, "limit by dominant terms")


def _sides(step: TendsTo) -> tuple[str, ...]:
    if step.to in (sp.oo, -sp.oo):
        return ("-",) if step.to == sp.oo else ("+",)
    return tuple(step.side)


def _points_nearby(
    whole: sp.Expr, step: TendsTo, value: sp.Expr, scope: Scope
) -> tuple[Point, ...]:
    """Points of the scope at which numbers near the limit point go to the value computed."""
    nearby: list[Point] = []
    for point in itertools.islice(points(scope.within(whole, value, step.to)), 12):
        numbers = {s: v for s, v in point.symbols if s != step.variable}
        local, target = (instantiate(each, point).subs(numbers) for each in (whole, value))
        side = "+" if step.to in (sp.oo, -sp.oo) else step.side
        try:
            if approaches(local, step.variable, step.to.subs(numbers), side, target):
                nearby.append(point)
        except (NoValue, ArithmeticError, ValueError, TypeError, NotImplementedError):
            continue
        if len(nearby) >= 3:
            break
    return tuple(nearby)
