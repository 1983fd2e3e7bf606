"""Limits of steps at infinity: floor(u) is u less a part of one, whatever part that is."""

from __future__ import annotations

from collections.abc import Mapping

import sympy as sp

from causalopt.derive.trial.expansion import Unexpandable, expand
from causalopt.derive.trial.seams import beside

STEPS = (sp.floor, sp.ceiling, sp.frac)
BOUND = (sp.Integral, sp.Sum, sp.Product, sp.Limit, sp.Derivative, sp.Subs, sp.Lambda)


def squeezed_limit(
    whole: sp.Expr, variable: sp.Symbol, to: sp.Expr, sign: sp.Expr, h: sp.Symbol
) -> tuple[sp.Expr, tuple[sp.Expr, ...]]:
    """The limit on one side of a point of what has steps in it that come ever nearer to another.

    Each floor(u) is u - p with 0 <= p < 1. Where p is multiplied by what tends to zero, the limit
    is that of what is left, by being squeezed. With it comes what was divided by.

    Raises
    ------
    Undetermined
        With the expression on whose sign it depends.
    Unexpandable
        Where it is not squeezed to a limit.

    >>> x, h = sp.Symbol("x", real=True), sp.Symbol("h", positive=True)
    >>> squeezed_limit(x * sp.floor(1 / x), x, sp.S.Zero, sp.S.One, h)
    (1, ())
    """
    steps = [node for node in whole.atoms(*STEPS) if node.has(variable)]
    if not steps or whole.has(*BOUND) or not (variable.is_extended_real and h.is_positive):
        raise Unexpandable("no steps to squeeze")
    if not all(_is_of_real(node, variable, to, sign, h) for node in steps):
        raise Unexpandable("a step of what may be complex")
    parts = {node: sp.Dummy("part", nonnegative=True) for node in steps}
    loose = whole.xreplace({node: _loosened(node, part) for node, part in parts.items()})
    if loose.has(*STEPS) or not loose.is_polynomial(*parts.values()):
        raise Unexpandable("a step inside of something")
    limit = sp.S.Zero
    divisors: list[sp.Expr] = []
    for powers in sp.Poly(loose, *parts.values()).monoms():
        factor = _factor_of(dict(zip(parts.values(), powers, strict=True)), loose)
        expansion = expand(beside(factor, variable, to, sign, h), h)
        tends = expansion.limit()
        divisors += expansion.nonzero
        if any(powers) and tends != 0:
            raise Unexpandable("a step that is not squeezed")
        limit += tends
    return limit, tuple(divisors)


def _factor_of(powers: Mapping[sp.Symbol, int], whole: sp.Expr) -> sp.Expr:
    """What a product of powers is multiplied by in a polynomial, with all that it is divided by."""
    for part, power in powers.items():
        whole = (sp.diff(whole, part, power) if power else whole).subs(part, 0)
        whole /= sp.factorial(power)
    return whole


def _is_of_real(
    node: sp.Expr, variable: sp.Symbol, to: sp.Expr, sign: sp.Expr, h: sp.Symbol
) -> bool:
    inside = node.args[0]
    return not inside.has(*STEPS) and bool(beside(inside, variable, to, sign, h).is_extended_real)


def _loosened(node: sp.Expr, part: sp.Symbol) -> sp.Expr:
    if isinstance(node, sp.frac):
        return part
    whole = node.args[0]
    return whole - part if isinstance(node, sp.floor) else whole + part
