"""Where a flow of probability ends: its density in closed form, also beside zeros of S^2."""

from __future__ import annotations

import sympy
from sympy import Abs, Dummy, Expr

from causalopt.ground.errors import QueryError
from causalopt.ground.work import bounded
from causalopt.language.symbols import Variable

# Where the slope of a primitive is held against what it is a primitive of, and by how many digits.
_PLACES = tuple(sympy.Rational(*pair) for pair in ((-17, 10), (2, 7), (29, 10)))
_DIGITS = 30


@bounded("This end state", "use evolve(...) with a long time")
def log_density(drift: Expr, diffusion: Expr, share: Expr, parameter: Variable) -> Expr:
    """log P up to a constant, -share log D - int b/D dW: b P + share D' P + D P' = 0.

    Raises ``QueryError`` where D is 0 everywhere, and where no closed form of the integral is
    found: it is looked for where D is constant, and where b/D is a rational function whose poles
    have formulas.

    >>> from causalopt.language.symbols import variables
    >>> (W,) = variables("W")
    >>> log_density(W, sympy.Integer(2), sympy.Integer(1), W)
    -W**2/4
    """
    if diffusion == 0:
        raise QueryError(
            f"S^2 is 0 everywhere: {parameter} has no density in the end, but rests where G = 0 "
            "and G rises. Solve G = 0 instead."
        )
    # Real, and rational where floats were: sympy integrates such formulas exactly.
    held = Dummy(str(parameter), real=True)
    b, D = (
        sympy.nsimplify(formula.xreplace({parameter: held}), rational=True)
        for formula in (drift, diffusion)
    )
    ratio = sympy.cancel(b / D) if (b / D).is_rational_function(held) else b / D
    # Of other ratios sympy may find an integral that is wrong at branch cuts, or search for long.
    if D.has(held) and not ratio.is_rational_function(held):
        raise _no_closed_form(parameter)
    spread = share * sympy.log(D) if D.has(held) else sympy.Integer(0)
    primitive = sympy.integrate(ratio, held)
    # A RootSum has logarithms of complex numbers, of which the sizes alone are not the whole.
    if primitive.has(sympy.Integral, sympy.RootSum) or not _is_primitive(primitive, ratio, held):
        raise _no_closed_form(parameter)
    exponent = sympy.expand(-spread - primitive)
    # Between zeros of D what a logarithm is taken of keeps its sign, a constant as others.
    opened = sympy.expand_log(exponent, force=True).as_independent(held, as_Add=True)[1]
    real = opened.replace(sympy.log, lambda inner: sympy.log(Abs(inner)))
    return real.xreplace({held: parameter})


@bounded("This end state", "use evolve(...) with a long time")
def zeros_of(diffusion: Expr, parameter: Variable) -> list[Expr]:
    """The real zeros of a rational D, in order; none are looked for in other formulas."""
    top = sympy.numer(sympy.together(sympy.nsimplify(diffusion, rational=True)))
    if not top.is_polynomial(parameter) or not top.has(parameter):
        return []
    zeros: list[Expr] = sorted(set(sympy.Poly(top, parameter).real_roots()))
    return zeros


@bounded("This end state", "use evolve(...) with a long time")
def is_normal_beside(exponent: Expr, parameter: Variable, zero: Expr, side: int) -> bool:
    """Whether exp(exponent) has a finite integral beside a zero of D, above (1) or below (-1) it.

    So it is where distance * P tends to 0.

    >>> from causalopt.language.symbols import variables
    >>> (W,) = variables("W")
    >>> [is_normal_beside(k * sympy.log(Abs(W)), W, sympy.Integer(0), 1) for k in (-1, 1)]
    [False, True]
    """
    away = Dummy("away", positive=True)
    near = sympy.simplify(exponent.subs(parameter, zero + side * away))
    # log u = -v, which turns powers into exponentials that limits can order.
    large = Dummy("large", positive=True)
    grown = sympy.expand_log((near + sympy.log(away)).subs(away, 1 / large), force=True)
    return bool(sympy.limit(grown, large, sympy.oo) == -sympy.oo)


def _is_primitive(primitive: Expr, ratio: Expr, held: Dummy) -> bool:
    """Whether the slope of a primitive is the ratio, at some places.

    Of some ratios whose denominator is a quartic sympy gives 0.
    """
    slope = sympy.diff(primitive, held)
    for place in _PLACES:
        there = sympy.N(ratio.subs(held, place), _DIGITS)
        gap = sympy.N(slope.subs(held, place), _DIGITS) - there
        bound = (1 + abs(there)) / 10 ** (_DIGITS // 2)
        if there.is_finite and not (gap.is_finite and abs(gap) < bound):
            return False
    return True


def _no_closed_form(parameter: Variable) -> QueryError:
    return QueryError(
        f"The end state has no closed form that is found: the integral of G / S^2 over {parameter} "
        "is of neither kind that is looked for (S^2 constant, or G / S^2 rational, with poles that "
        "have formulas). Use evolve(...) with a long time."
    )
