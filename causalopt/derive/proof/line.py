"""Integrals over the whole line: total derivatives drop out of them."""

from __future__ import annotations

import dataclasses

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.logic.boolalg import Boolean

from causalopt.derive.proof.conditions import conditions_of
from causalopt.derive.proof.continuity import Discontinuous, continuous_if
from causalopt.derive.proof.equality import prove
from causalopt.derive.proof.limits import decide_limit, look
from causalopt.derive.statement.expressions import Formula
from causalopt.derive.statement.scope import Scope
from causalopt.derive.statement.steps import OverTheLine, Status, TendsTo
from causalopt.derive.statement.verdict import Progress, Verdict, leave_open
from causalopt.derive.trial.sampling import fits
from causalopt.derive.trial.trials import try_pairs
from causalopt.derive.trial.values import differentiate

OF_THE_LINE = (sp.Integer(-1), sp.S.Zero, sp.Rational(1, 2), sp.Integer(2))


def decide_line(
    left: Formula, right: Formula, rule: OverTheLine, scope: Scope, progress: Progress
) -> Verdict:
    """The verdict on left = right, where their integrands differ by d(primitive)/d(variable).

    The primitive must be continuous. That it vanishes at both ends becomes a condition where that
    rests on unknown functions or on parameters. Where the integrands differ by something else, the
    step stays open: the rule does not give it, but something else may.
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
    try:
        needs = _needs_of(rule, scope)
    except _NoTotal as reason:
        return leave_open(f"the integral of this derivative is not shown to be 0: {reason}")
    return dataclasses.replace(verdict, route=f"over the line; {verdict.route}", conditions=needs)


class _NoTotal(Exception):
    """Why the integral of a derivative need not be zero."""


def _needs_of(rule: OverTheLine, scope: Scope) -> tuple[Boolean, ...]:
    """What is needed for the integral of the primitive's derivative to be zero.

    It is the primitive at the ends, where the primitive is continuous between them.
    """
    if not all(fits(rule.variable, number) for number in OF_THE_LINE):
        raise _NoTotal(f"{rule.variable} is assumed not to be on all of the line")
    x = sp.Dummy(str(rule.variable), real=True)
    here = scope.without(rule.variable)
    primitive = differentiate(rule.primitive).subs(rule.variable, x)
    try:
        on_line = tuple(continuous_if(primitive, x, here.relations))
    except Discontinuous as failed:
        part = failed.part.subs(x, rule.variable)
        raise _NoTotal(f"{part} is not known to be continuous") from None
    needs = [*conditions_of([primitive], here.relations), *on_line]
    for end in (-sp.oo, sp.oo):
        needs += _needs_at_end(primitive, x, end, rule, here)
    return tuple(dict.fromkeys(need.subs(x, rule.variable) for need in needs))


def _needs_at_end(
    primitive: sp.Expr, x: sp.Symbol, end: sp.Expr, rule: OverTheLine, scope: Scope
) -> tuple[Boolean, ...]:
    """What is needed for the primitive to vanish at one end: nothing, where that is shown."""
    step = TendsTo(primitive, sp.S.Zero, variable=x, to=end)
    if not primitive.atoms(AppliedUndef):
        verdict = decide_limit(step, scope, lambda _: None)
        if verdict.status is Status.PROVED:
            return verdict.conditions
    # it may be asked of unknown functions, and of parameters, where some of them satisfy it
    looks = look(primitive, step, dataclasses.replace(scope, gaussian=True))
    if not looks.held:
        raise _NoTotal(f"the primitive is not known to vanish at {end}")
    return (sp.Eq(sp.Limit(rule.primitive, rule.variable, end), 0, evaluate=False),)


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
