"""Constants in disguise: an expression whose derivative is zero is its value at one point."""

from __future__ import annotations

import sympy as sp
from sympy.core.function import AppliedUndef

from causalopt.derive.statement.expressions import nodes

SMOOTH = (sp.exp, sp.sin, sp.cos, sp.atan, sp.sinh, sp.cosh, sp.tanh, sp.asinh, sp.erf)


def constant_value(whole: sp.Expr) -> sp.Expr:
    """``whole`` with one symbol put to a number, where it provably does not depend on it.

    That is so where the derivative is zero, the symbol ranges over an interval, and the expression
    is smooth on all of it: nothing is divided by that may vanish, no logarithm or root is taken of
    what may be negative. Otherwise ``whole`` comes back as it is.

    >>> x = sp.Symbol("x", positive=True)
    >>> constant_value(sp.atan(x) + sp.atan(1 / x) - sp.pi / 2)
    0
    """
    for symbol in sorted(whole.free_symbols, key=str):
        if not _has_interval(symbol) or not all(_is_smooth(node) for node, _ in nodes(whole)):
            continue
        if sp.simplify(sp.diff(whole, symbol)) == 0:
            return sp.simplify(whole.subs(symbol, -1 if symbol.is_negative else 1))
    return whole


def _has_interval(symbol: sp.Symbol) -> bool:
    """Whether a symbol ranges over one interval that holds 1, or -1 where it is negative.

    On two pieces, as for x ≠ 0, a derivative of zero allows for two constants: atan(x) + atan(1/x)
    is π/2 on one side and -π/2 on the other.
    """
    plain = sp.Symbol("x", **{k: v for k, v in symbol.assumptions0.items() if v is not None})
    simple = [sp.Symbol("x", real=True), sp.Symbol("x", positive=True)]
    simple += [sp.Symbol("x", negative=True), sp.Symbol("x", nonnegative=True)]
    return any(plain.assumptions0 == interval.assumptions0 for interval in simple)


def _is_smooth(node: sp.Basic) -> bool:
    if isinstance(node, sp.Pow):
        base, exponent = node.args
        if exponent.is_Integer:
            return bool(exponent.is_nonnegative or (base.is_real and base.is_nonzero))
        return bool(base.is_positive and exponent.is_real)
    if isinstance(node, sp.log):
        return bool(node.args[0].is_positive)
    if isinstance(node, AppliedUndef | sp.Derivative | sp.Integral | sp.Sum | sp.Piecewise):
        return False
    if isinstance(node, sp.Function):
        return isinstance(node, SMOOTH) and bool(node.args[0].is_real)
    return bool(node.is_Atom or isinstance(node, sp.Add | sp.Mul))
