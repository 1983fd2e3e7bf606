"""Integrals over the whole line: total derivatives drop out of them."""

from __future__ import annotations

import dataclasses

import sympy as sp

from causalopt.derive.proof.conditions import conditions_of
from causalopt.derive.proof.equality import prove
from causalopt.derive.statement.expressions import Formula
from causalopt.derive.statement.scope import Scope
from causalopt.derive.statement.steps import OverTheLine, Status
from causalopt.derive.statement.verdict import Progress, Verdict, leave_open
from causalopt.derive.trial.trials import try_pairs
from causalopt.derive.trial.values import differentiate


def decide_line(
    left: Formula, right: Formula, rule: OverTheLine, scope: Scope, progress: Progress
) -> Verdict:
    """The verdict on left = right, where their integrands differ by d(primitive)/d(variable).

    That the primitive vanishes at both ends becomes a condition. Where the integrands differ by
    something else, the step stays open: the rule does not give it, but something else may.
    """
    integrand = _common_integrand(differentiate(left - right), rule.variable)
    if integrand is None:
        return leave_open(
            f"both sides must be integrals over {rule.variable} from -oo to oo, times factors "
            "without it",
            left - right,
        )
    total = differentiate(sp.Derivative(rule.primitive, rule.variable))
    pairs = [(integrand, total)]
    trials = try_pairs(pairs, scope)
    if trials.counterexample is not None:
        return leave_open(
            "the integrands do not differ by the derivative of the primitive", integrand - total
        )
    progress(leave_open("", held_at=trials.held_at))
    verdict = prove(pairs, trials, scope)
    if verdict.status is not Status.PROVED:
        return verdict
    # the integral of a derivative is the primitive at the ends; nothing says that it is zero there
    ends = tuple(
        sp.Eq(sp.Limit(rule.primitive, rule.variable, end), 0, evaluate=False)
        for end in (-sp.oo, sp.oo)
    )
    needs = (*conditions_of([rule.primitive], scope.relations), *ends)
    return dataclasses.replace(verdict, route=f"over the line; {verdict.route}", conditions=needs)


def _common_integrand(whole: sp.Expr, variable: sp.Symbol) -> sp.Expr | None:
    """One integrand for a sum of integrals over the line, or None where there is more in it."""
    total = sp.S.Zero
    for term in sp.Add.make_args(sp.expand(whole)):
        if term == 0:
            continue
        integrals = list(term.atoms(sp.Integral))
        if len(integrals) != 1:
            return None
        integral = integrals[0]
        factor = term / integral
        if factor.has(variable) or integral.limits != ((variable, -sp.oo, sp.oo),):
            return None
        total += factor * integral.function
    return total
