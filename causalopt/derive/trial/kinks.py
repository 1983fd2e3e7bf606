"""Derivatives of formulas with seams: where sympy's are not to be used, and what they are there."""

from __future__ import annotations

from collections.abc import Mapping

import sympy as sp

from causalopt.derive.trial.expansion import Undetermined, Unexpandable, expand
from causalopt.derive.trial.seams import SEAMED, beside, gaps_of

BOUND = (sp.Integral, sp.Sum, sp.Product, sp.Limit, sp.Lambda)


def kink_gaps(whole: sp.Basic) -> tuple[sp.Expr, ...]:
    """What vanishes where a derivative in an expression is taken on a seam.

    sympy differentiates each branch of a formula for itself, and so knows nothing of the seams.

    >>> x = sp.Symbol("x", real=True)
    >>> kink_gaps(sp.Derivative(sp.Abs(x), x) + sp.Abs(x - 1))
    (x,)
    """
    if isinstance(whole, sp.Subs):
        pairs = list(zip(whole.variables, whole.point, strict=True))
        inside = kink_gaps(whole.expr)
        return tuple(gap.subs(pairs, simultaneous=True) for gap in inside)
    gaps = dict.fromkeys(gap for arg in whole.args for gap in kink_gaps(arg))
    if isinstance(whole, BOUND):  # what is bound inside says nothing outside
        gaps = {gap: None for gap in gaps if gap.free_symbols <= whole.free_symbols}
    if isinstance(whole, sp.Derivative):
        for node in whole.expr.atoms(*SEAMED):
            if node.has(*whole.variables):
                moving = (gap for gap in gaps_of(node) if gap.has(*whole.variables))
                gaps |= dict.fromkeys(g for g in moving if g.free_symbols <= whole.free_symbols)
    return tuple(gaps)


def derivative_on_seam(node: sp.Derivative, numbers: Mapping[sp.Symbol, sp.Expr]) -> sp.Expr | None:
    """The derivative at a point of a seam, where both sides and the value there fit together.

    It is the coefficient of an expansion that both sides share; None where they do not share it.

    >>> x = sp.Symbol("x", real=True)
    >>> derivative_on_seam(sp.Derivative(x * sp.Abs(x), x), {x: sp.S.Zero})
    0
    >>> derivative_on_seam(sp.Derivative(sp.Abs(x), x), {x: sp.S.Zero}) is None
    True
    """
    if len(node.variable_count) != 1:
        return None
    (variable, order) = node.variable_count[0]
    others = {s: v for s, v in numbers.items() if s != variable}
    local, h = node.expr.subs(others), sp.Dummy("h", positive=True)
    if variable not in numbers or not order.is_Integer:
        return None
    sides = []
    try:
        for sign in (1, -1):
            moved = beside(local, variable, numbers[variable], sign, h)
            expansion = expand(moved, h, int(order))
            if any(expansion.at(k) != 0 for k in range(expansion.low, 0)):
                return None
            sides.append([sign**k * expansion.at(k) for k in range(int(order) + 1)])
    except (Unexpandable, Undetermined, ArithmeticError, ValueError, TypeError):
        return None
    here = local.subs(variable, numbers[variable])
    right, left = sides
    fits = all(sp.simplify(r - s) == 0 for r, s in zip(right, left, strict=True))
    if not fits or sp.simplify(here - right[0]) != 0:
        return None
    return right[-1] * sp.factorial(order)
