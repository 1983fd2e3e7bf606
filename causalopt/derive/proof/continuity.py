"""Whether a formula is continuous on the whole line, with no pole and no jump."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.logic.boolalg import Boolean

from causalopt.derive.proof.conditions import is_granted, nonzero_conditions
from causalopt.derive.trial.expansion import ENTIRE, ON_REAL

EVERYWHERE = (sp.Add, sp.Mul, *ENTIRE)
ON_LINE = (sp.Abs, sp.Max, sp.Min, *ON_REAL)


class Discontinuous(Exception):
    """Raised with a part of a formula that is not known to be continuous."""

    def __init__(self, part: sp.Expr) -> None:
        super().__init__(str(part))
        self.part = part


def continuous_if(whole: sp.Expr, x: sp.Symbol, assumed: Sequence[Boolean]) -> Iterator[Boolean]:
    """Conditions on unknown functions under which a formula is continuous for all real ``x``.

    Raises
    ------
    Discontinuous
        With the part that has a pole or a jump, or may have one.

    >>> x = sp.Symbol("x", real=True)
    >>> f = sp.Function("f", real=True)(x)
    >>> list(continuous_if(sp.exp(-x) / (1 + x**2) / f, x, []))
    [Ne(f(x), 0)]
    >>> list(continuous_if(1 / x, x, []))
    Traceback (most recent call last):
    causalopt.derive.proof.continuity.Discontinuous: 1/x
    """
    if x not in whole.free_symbols or whole == x:
        return
    if isinstance(whole, sp.Derivative | sp.Subs):
        if not isinstance(whole.expr, AppliedUndef | sp.Derivative):
            raise Discontinuous(whole)
        return
    if isinstance(whole, sp.Pow) and not isinstance(whole, sp.exp):
        yield from _power(whole, x, assumed)
    elif isinstance(whole, sp.log) and len(whole.args) == 1:
        yield from _off_zero(whole, whole.args[0], x, assumed, positive=True)
    elif isinstance(whole, ON_LINE):
        if not all(arg.is_real for arg in whole.args):
            raise Discontinuous(whole)
    elif not isinstance(whole, (*EVERYWHERE, AppliedUndef)):
        raise Discontinuous(whole)
    for arg in whole.args:
        yield from continuous_if(arg, x, assumed)


def _power(whole: sp.Pow, x: sp.Symbol, assumed: Sequence[Boolean]) -> Iterator[Boolean]:
    base, exponent = whole.as_base_exp()
    if base == sp.E or (exponent.is_Integer and exponent.is_positive):
        return
    if exponent.is_positive and not exponent.has(x) and base.is_nonnegative:
        return
    yield from _off_zero(whole, base, x, assumed, positive=not exponent.is_Integer)


def _off_zero(
    whole: sp.Expr, base: sp.Expr, x: sp.Symbol, assumed: Sequence[Boolean], positive: bool
) -> Iterator[Boolean]:
    """What must not vanish, or must be positive, for all x."""
    if base.is_positive or (base.is_nonzero and not positive) or _has_no_root(base, x, positive):
        return
    needs = (base > 0,) if positive and base.is_real else nonzero_conditions(base)
    if positive and not base.is_real:
        raise Discontinuous(whole)
    for need in needs:
        if need == sp.true or (need != sp.false and is_granted(need, assumed)):
            continue
        # of an unknown function it may be asked; what is known of x decides by itself
        if need == sp.false or not need.atoms(AppliedUndef):
            raise Discontinuous(whole)
        yield need


def _has_no_root(base: sp.Expr, x: sp.Symbol, positive: bool) -> bool:
    if not base.is_polynomial(x) or base.free_symbols != {x}:
        return False
    polynomial = sp.Poly(base, x)
    if not all(c.is_Rational for c in polynomial.coeffs()) or polynomial.count_roots():
        return False
    return not positive or bool(base.subs(x, 0) > 0)
