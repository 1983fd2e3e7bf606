"""Derivatives of formulas with seams: where sympy's are not to be used, and what they are there."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

import sympy as sp

from causalopt.derive.trial.expansion import Undetermined, Unexpandable, expand
from causalopt.derive.trial.failures import FAILURES
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
    sides = slopes_beside(node, numbers)
    return sides[0] if sides is not None and sp.simplify(sides[0] - sides[1]) == 0 else None


def slopes_beside(
    node: sp.Derivative, numbers: Mapping[sp.Symbol, sp.Expr]
) -> tuple[sp.Expr, sp.Expr] | None:
    """The derivatives from the right and from the left at a point, where both are known.

    None also where a lower derivative, or the value itself, does not fit together there.
    """
    (variable, order), *more = node.variable_count
    if more or variable not in numbers or not order.is_Integer:
        return None
    local = node.expr.subs({s: v for s, v in numbers.items() if s != variable})
    try:
        right, left = (
            _terms_beside(local, variable, numbers[variable], sign, int(order)) for sign in (1, -1)
        )
    except (Unexpandable, Undetermined, *FAILURES):
        return None
    here = local.subs(variable, numbers[variable])
    lower = [(here, right[0]), *zip(right[:-1], left[:-1], strict=True)]
    if any(sp.simplify(first - second) != 0 for first, second in lower):
        return None
    return right[-1] * sp.factorial(order), left[-1] * sp.factorial(order)


def ends_beside(node: sp.Derivative, numbers: Mapping[sp.Symbol, sp.Expr]) -> list[sp.Expr]:
    """What is differentiated, at a point, and what it comes to there from the right and left.

    A side from which that is not known is left out.
    """
    variable, about = node.variables[0], numbers[node.variables[0]]
    local = node.expr.subs({s: v for s, v in numbers.items() if s != variable})
    ends = [local.subs(variable, about)]
    for sign in (1, -1):
        with contextlib.suppress(Unexpandable, Undetermined, *FAILURES):
            ends += _terms_beside(local, variable, about, sign, 0)
    return ends


def _terms_beside(
    local: sp.Expr, variable: sp.Symbol, about: sp.Expr, sign: int, order: int
) -> list[sp.Expr]:
    h = sp.Dummy("h", positive=True)
    expansion = expand(beside(local, variable, about, sign, h), h, order)
    if any(expansion.at(k) != 0 for k in range(expansion.low, 0)) or expansion.nonzero:
        raise Unexpandable("no finite value")
    return [sign**k * expansion.at(k) for k in range(order + 1)]
