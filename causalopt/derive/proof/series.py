"""Taylor series: their coefficients beside the derivatives at the point."""

from __future__ import annotations

import dataclasses

import sympy as sp

from causalopt.derive.proof.conditions import conditions_of
from causalopt.derive.proof.equality import Progress, prove
from causalopt.derive.statement.scope import Scope
from causalopt.derive.statement.steps import Expands, Status
from causalopt.derive.statement.verdict import Verdict, leave_open
from causalopt.derive.trial.alarm import TookTooLong, at_most
from causalopt.derive.trial.trials import try_pairs
from causalopt.derive.trial.values import differentiate

SECONDS = 4.0  # for the limit of one derivative


def decide_series(step: Expands, scope: Scope, progress: Progress) -> Verdict:
    """The verdict on a Taylor series: compare its coefficients with derivatives at the point.

    ``whole`` and ``series`` agree up to O((x - about)^order) just where all their derivatives below
    that order do.
    """
    whole, x = differentiate(step.whole), step.variable
    progress(leave_open("the derivatives were not found within the limit on time"))
    pairs, total = [], sp.S.Zero
    for j in range(step.order):
        ours = _value_at(sp.diff(whole, x, j), x, step.about)
        theirs = _value_at(sp.diff(step.series, x, j), x, step.about)
        if ours is None or theirs is None:
            return leave_open(f"the derivative of order {j} has no value at {step.about}")
        pairs.append((ours, theirs))
        total += ours / sp.factorial(j) * (x - step.about) ** j
    trials = try_pairs(pairs, scope)
    if trials.counterexample is not None:
        return Verdict(
            Status.REFUTED, counterexample=trials.counterexample, corrected=sp.simplify(total)
        )
    verdict = prove(pairs, trials, scope)
    needs = conditions_of([first for first, _ in pairs], scope.relations)
    return dataclasses.replace(verdict, conditions=needs)


def _value_at(derivative: sp.Expr, variable: sp.Symbol, about: sp.Expr) -> sp.Expr | None:
    """A derivative at the point, by its limit where it is 0/0 there, as for x / (exp(x) - 1)."""
    value = differentiate(derivative.subs(variable, about))
    if not value.has(sp.nan, sp.zoo, sp.oo):
        return value
    try:
        with at_most(SECONDS):
            value = sp.limit(derivative, variable, about)
    except (TookTooLong, NotImplementedError, ValueError, TypeError):
        return None
    return None if value.has(sp.nan, sp.zoo, sp.oo, sp.Limit) else value
