"""Limits of quotients with unknown smooth functions, by Taylor's formula with a bounded rest."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import sympy as sp
from sympy.core.function import AppliedUndef, UndefinedFunction
from sympy.logic.boolalg import Boolean

from causalopt.derive.proof.conditions import nonzero_conditions
from causalopt.derive.trial.directions import is_on_line

MOST_TERMS = 5


@dataclasses.dataclass(frozen=True)
class LimitValue:
    """A limit, how it was computed, and what must not vanish for it to be this one."""

    value: sp.Expr
    route: str
    needs: tuple[Boolean, ...] = ()


def limit_by_taylor(whole: sp.Expr, variable: sp.Symbol, to: sp.Expr) -> LimitValue | None:
    """The limit of a quotient with smooth unknown functions f(a + h): expand each around h = 0.

    f(a + h) = Σ f⁽ʲ⁾(a) hʲ / j! + hⁿ R with R bounded, so that the lowest powers of h decide.

    >>> x, t = sp.symbols("x t", real=True)
    >>> f = sp.Function("f")
    >>> limit_by_taylor((f(x + t) - f(x)) / t, t, sp.S.Zero).value
    Derivative(f(x), x)
    """
    if to in (sp.oo, -sp.oo):
        return None
    # in the plane a function that takes real values alone has no derivative, unless it is constant
    on_line = is_on_line(variable)
    if not on_line and any(f.is_extended_real for f in whole.atoms(AppliedUndef)):
        return None
    h = sp.Dummy("h", real=True) if on_line else sp.Dummy("h")
    shifted = whole.subs(variable, to + h)
    # as few terms as decide: with more, the quotient grows fast, and nothing is gained
    for terms in range(1, MOST_TERMS + 1):
        above, below = sp.fraction(sp.cancel(sp.together(_expand(shifted, h, terms))))
        if not (above.is_polynomial(h) and below.is_polynomial(h)):
            return None
        limit = _ratio_of_lowest(sp.Poly(above, h), sp.Poly(below, h))
        if limit is not None:
            return limit
    return None


class _Rest(sp.Symbol):  # type: ignore[misc]  # sympy is untyped
    """A bounded remainder in Taylor's formula, of which nothing else is known."""


def _expand(whole: sp.Expr, h: sp.Symbol, terms: int) -> sp.Expr:
    """Every f(a + h) in an expression as a Taylor polynomial with a bounded rest."""
    for function in {applied.func for applied in whole.atoms(AppliedUndef)}:
        whole = whole.replace(function, lambda *args, f=function: _taylor(f, args, h, terms))
    return whole


def _taylor(
    function: UndefinedFunction, args: Sequence[sp.Expr], h: sp.Symbol, terms: int
) -> sp.Expr:
    moving = [place for place, arg in enumerate(args) if arg.has(h)]
    if not moving:
        return function(*args)
    if len(moving) > 1:
        raise NotImplementedError("a function that moves along two arguments at once")
    place = moving[0]
    # the slopes are taken in fresh names, since a may hold the symbols of other arguments
    names = [sp.Dummy(f"a{i}") for i in range(len(args))]
    base = args[place].subs(h, 0)
    here = dict(zip(names, (*args[:place], base, *args[place + 1 :]), strict=True))
    shift = sp.expand(args[place] - base)
    if function(*args).is_extended_real and not shift.is_real:
        raise NotImplementedError("a function with real values, off the line")
    slopes = (sp.diff(function(*names), names[place], j).subs(here).doit() for j in range(terms))
    total = sum(slope * shift**j / sp.factorial(j) for j, slope in enumerate(slopes))
    return total + _Rest(f"rest of {function(*args)}") * h**terms


def _ratio_of_lowest(above: sp.Poly, below: sp.Poly) -> LimitValue | None:
    """The limit of above / below as h goes to 0, or None where a rest has a say in it."""
    if below.is_zero or above.is_zero:
        return None if below.is_zero else LimitValue(sp.S.Zero, "Taylor's formula")
    first_above, first_below = (min(power for (power,) in p.monoms()) for p in (above, below))
    leading = below.coeff_monomial((first_below,))
    upper = above.coeff_monomial((first_below,))
    if first_above < first_below or leading.atoms(_Rest) or upper.atoms(_Rest):
        return None
    value = sp.cancel(upper / leading)
    return LimitValue(value, "Taylor's formula", nonzero_conditions(leading))
