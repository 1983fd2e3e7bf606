"""Quotients beside the points at which they read 0/0, by a polynomial there.

x / (exp(x) - 1) is 1 - x/2 + x^2/12 - ... near zero, but exp(x) - 1 has few digits left of x there,
and its slope fewer still. Near such a hole a polynomial stands in for the quotient; at the hole
itself all is as it was written.

Decimals are read as they are written: 0.1 x + 5.44 and exp(-x/10 - 5.44) - 1 are 0 at -54.4, but
as floats a rounding apart, and between these places their quotient is all rounding. Where not both
are 0 as floats at the place of the hole, the polynomial holds there too.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence

from sympy import (
    Add,
    Eq,
    Expr,
    Float,
    Function,
    Integer,
    Min,
    Mul,
    Ne,
    Piecewise,
    Pow,
    Rational,
    Symbol,
    asin,
    asinh,
    atan,
    atanh,
    cos,
    cosh,
    erf,
    exp,
    log,
    nan,
    sin,
    sinh,
    tan,
    tanh,
)

from causalopt.mechanisms.fitness import parts_of
from causalopt.mechanisms.rebuilding import NO_VALUE
from causalopt.mechanisms.steady import Beside, Offset, Polynomial
from causalopt.mechanisms.taylor import NoSeriesError, over, series_of

# How many coefficients a polynomial has, and how many more tell where it is good: two in a row may
# be zero. Numerator and denominator lose some that are zero in both.
_KEPT, _MORE, _LOST = 13, 3, 4

# How small, relatively, the first terms left out are; the slope loses two digits of that.
_ROUND = Float(2.0**-58)

# How far a polynomial reaches that leaves nothing out, and how large a part of what cancels the
# rounding of decimals may leave.
_ROUGH, _NOTHING = 2.0**-5, 1e-12

# To how many digits that rounding is known, and a distance that no two floats have.
_DIGITS, _NO_DISTANCE = 60, Float(1e-300)

# Functions that are zero where their argument is.
_ODD = (sin, tan, sinh, tanh, asin, atan, asinh, atanh, erf)

# Longer sums are no hidden quotients.
_MOST_TERMS = 6

_ZERO, _ONE = Integer(0), Integer(1)


@functools.lru_cache(maxsize=4096)
def smooth(formula: Expr) -> Expr:
    """The formula, with a polynomial for each of its quotients near a hole.

    >>> from sympy import exp
    >>> x = Symbol("x", real=True)
    >>> near, away, offset, reach = smooth(x / (exp(x) - 1)).args
    >>> near.doit().subs(x, 0), away, offset
    (1, x/(exp(x) - 1), x)
    """
    parts = parts_of(formula)
    # What divides by nothing has no holes; a step of an integrator is made of what is smooth.
    if not any(map(_is_below, parts)) or any(isinstance(part, Beside) for part in parts):
        return formula
    beside = {part: _beside_hole(part) for part in parts if isinstance(part, Add | Mul | Piecewise)}
    replaced = {part: new for part, new in beside.items() if new is not None}
    return formula.xreplace(replaced) if replaced else formula


def _beside_hole(part: Expr) -> Expr | None:
    """A part with a polynomial near its hole; None where none is seen."""
    if isinstance(part, Piecewise):
        return _with_branch(part)
    above, below = _split(part)
    if below == 1:
        return None
    near = _near_one(above, below, _linear(part))
    return None if near is None else Beside(near[0], part, *near[1:])


def _with_branch(choice: Piecewise) -> Expr | None:
    """A choice that fills a hole by a condition of (in)equality, the hole's surroundings added."""
    hole = choice.args[0][1]
    if not isinstance(hole, Ne | Eq) or len(choice.args) < 2:
        return None
    place = 0 if isinstance(hole, Ne) else 1
    branch, own = choice.args[place]
    above, below = branch.as_numer_denom()
    near = _near_one(above, below, [hole.lhs - hole.rhs])
    if near is None:
        return None
    pairs = list(choice.args)
    pairs[place] = (Beside(near[0], branch, *near[1:]), own)
    return Piecewise(*pairs)


def _split(part: Expr) -> tuple[Expr, Expr]:
    """Numerator and denominator; of sums, those of a few terms alone."""
    if isinstance(part, Mul):
        below = [factor for factor in part.args if _is_below(factor)]
        if not below:
            return part, _ONE
        above = [factor for factor in part.args if not _is_below(factor)]
        return Mul(*above), Pow(Mul(*below), -1)
    if len(part.args) > _MOST_TERMS or sum(map(_has_pole, part.args)) < 2:
        return part, _ONE
    return _without_common(*part.as_numer_denom())


def _without_common(above: Expr, below: Expr) -> tuple[Expr, Expr]:
    """Numerator and denominator without the factors of both: what divides out cancels no digits.

    >>> x, y, z = map(Symbol, "xyz")
    >>> _without_common(x * y + x**2 * z, x**2 * z)
    (x*z + y, x*z)
    """
    powers = [term.as_powers_dict() for term in (*Add.make_args(above), below)]
    shared = {base: [each.get(base, _ZERO) for each in powers] for base in powers[-1]}
    common = {
        base: min(exponents)
        for base, exponents in shared.items()
        if all(e.is_Integer and e > 0 for e in exponents)
    }
    *terms, divisor = [_over(each, common) for each in powers]
    return Add(*terms), divisor


def _over(powers: Mapping[Expr, Expr], common: Mapping[Expr, Expr]) -> Expr:
    return Mul(*(Pow(base, e - common.get(base, _ZERO)) for base, e in powers.items()))


def _is_below(factor: Expr) -> bool:
    return isinstance(factor, Pow) and bool(factor.exp.is_negative)


def _has_pole(term: Expr) -> bool:
    return any(map(_is_below, Mul.make_args(term)))


def _linear(part: Expr) -> list[Expr]:
    """The bases of the factors of a product, or below the terms of a sum."""
    if isinstance(part, Mul):
        factors = part.args
    else:
        factors = [f for term in part.args for f in Mul.make_args(term) if _is_below(f)]
    return [_zero_with(f.base if isinstance(f, Pow) else f) for f in factors]


def _zero_with(base: Expr) -> Expr:
    """What is zero where a base is, of the forms that are often seen.

    >>> x = Symbol("x")
    >>> {abs(_zero_with(base)) for base in (x, sin(x), exp(x) - 1, 1 - cos(x), cosh(x) - 1)}
    {Abs(x)}
    """
    if isinstance(base, _ODD):
        return base.args[0]
    if isinstance(base, log):
        return base.args[0] - 1
    if isinstance(base, Add) and len(base.args) == 2:
        # Of decimals sympy makes a factor: exp(x - 0.3) is 0.74... exp(x).
        number, power = (-base.args[0] / base.args[1]).as_coeff_Mul()
        if isinstance(power, exp) and number.is_positive:
            return power.args[0] + log(number)
        even = power.as_base_exp()[0]
        if isinstance(even, cos | cosh) and (number - 1).is_zero:
            return even.args[0]
    return base


def _near_one(above: Expr, below: Expr, bases: Sequence[Expr]) -> tuple[Expr, Expr, Expr] | None:
    """A quotient's polynomial about the first hole found where one of the bases is zero.

    What is zero wherever a base is, is written in all the symbols of that base; and the places are
    the same ones, whichever of these the base is solved for.
    """
    both = above.free_symbols & below.free_symbols
    sides, is_rounded = [_read(above), _read(below)], above.has(Float) or below.has(Float)
    for base in map(_read, bases):
        for symbol, center in _roots(base) if base.free_symbols <= both else ():
            here = {symbol: center}
            if not all(_is_nothing(side, here) for side in reversed(sides)):
                break
            numerator, denominator = (
                _meeting(side, here) if is_rounded else side for side in sides
            )
            near = _near(numerator, denominator, symbol, center)
            if near is None:
                continue
            polynomial, offset, reach = near
            as_float = {symbol: Float(center) if center.is_number else center}
            is_open = all(_is_zero_float(part, as_float) for part in (above, below))
            return polynomial, offset if is_open else offset + _NO_DISTANCE, reach
    return None


def _is_zero_float(part: Expr, here: Mapping[Symbol, Expr]) -> bool:
    """Whether a part is 0 at a place in floats, however the last digit of a function is rounded."""
    functions = [f for f in part.atoms(Function, exp) if not f.free_symbols.isdisjoint(here)]
    inner = [_at(f.args[-1], here) for f in functions]
    # Where functions that may have a zero have one, they are exact.
    is_exact = all(argument.is_zero or (argument - 1).is_zero for argument in inner)
    return is_exact and bool(_at(part, here).is_zero)


def _read(part: Expr) -> Expr:
    """A part whose decimals are the numbers that they are written as: 1/10 for 0.1.

    >>> x = Symbol("x")
    >>> _read(0.1 * x + 0.55)
    x/10 + 11/20
    """
    return _at(part, {number: Rational(repr(float(number))) for number in part.atoms(Float)})


def _meeting(part: Expr, here: Mapping[Symbol, Expr]) -> Expr:
    """A part whose sums are 0 at a place where they are so but for the rounding of decimals."""
    if part.free_symbols.isdisjoint(here):
        return part
    if isinstance(part, log):
        return log(1 + _meeting(part.args[0] - 1, here))
    met: Expr = part.func(*(_meeting(arg, here) for arg in part.args)) if part.args else part
    left = _at(met, here)
    is_rounding = isinstance(met, Add) and left != 0 and _is_nothing(met, here)
    return met - (left if left.is_Rational else left.evalf(_DIGITS)) if is_rounding else met


def _roots(base: Expr) -> Iterator[tuple[Symbol, Expr]]:
    """The places at which what is linear in a symbol is zero."""
    terms = Add.make_args(base)
    for symbol in sorted(base.free_symbols, key=str):
        moving = [term for term in terms if symbol in term.free_symbols]
        if len(moving) == 1 and symbol not in (moving[0] / symbol).free_symbols:
            rest = Add(*(term for term in terms if term is not moving[0]))
            yield symbol, -rest * symbol / moving[0]


def _near(above: Expr, below: Expr, symbol: Symbol, center: Expr) -> tuple[Expr, Expr, Expr] | None:
    """A quotient's polynomial about a hole and where it holds; None where there is none."""
    # Sizes apart, so that what is small, and no zero, is not taken for the rounding of one.
    (size, above), (divisor, below) = _sized(above), _sized(below)
    try:
        count = _KEPT + _MORE + _LOST
        series = over(
            series_of(above, symbol, center, count), series_of(below, symbol, center, count)
        )
    except NoSeriesError:
        return None
    series = [coefficient * (size / divisor) for coefficient in series]
    offset = Offset(symbol, center)
    first = next((j for j, c in enumerate(series) if c != 0), 0)
    kept, left_out = series[:_KEPT], list(enumerate(series))[_KEPT : _KEPT + _MORE]
    polynomial = Polynomial(offset, *kept)
    ratios = [(j - first, c / series[first]) for j, c in left_out if c != 0]
    if all(ratio.is_number for _, ratio in ratios):
        radius = min((float(_ROUND / abs(ratio)) ** (1 / j) for j, ratio in ratios), default=_ROUGH)
        return polynomial, offset, Float(radius)
    reaches = (Pow(_ROUND / abs(ratio), Rational(1, j)) for j, ratio in ratios)
    return polynomial, offset, Min(*reaches, evaluate=False)


def _sized(part: Expr) -> tuple[Expr, Expr]:
    """A part as a number times one whose terms have coefficients of ordinary size."""
    if isinstance(part, Mul):
        sizes, rests = zip(*map(_sized, part.args), strict=True)
        return Mul(*sizes), Mul(*rests)
    if isinstance(part, Pow) and part.exp.is_Integer:
        size, rest = _sized(part.base)
        return size**part.exp, rest**part.exp
    if isinstance(part, Add):
        size = max(abs(term.as_coeff_Mul()[0]) for term in part.args)
        return size, Add(*(term / size for term in part.args))
    return (abs(part), part / abs(part)) if part.is_Number and part != 0 else (_ONE, part)


def _is_nothing(part: Expr, here: Mapping[Symbol, Expr]) -> bool:
    """Whether a part is zero at a place, but for the rounding of decimals that cancel there."""
    value = _at(part, here)
    if value == 0:
        return True
    if isinstance(part, Mul):
        return any(_is_nothing(factor, here) for factor in part.args)
    if isinstance(part, Pow):
        return bool(part.exp.is_positive) and _is_nothing(part.base, here)
    if isinstance(part, _ODD):
        return _is_nothing(part.args[0], here)
    if isinstance(part, log):
        return _is_nothing(part.args[0] - 1, here)
    if not isinstance(part, Add) or not value.is_number:
        return False
    terms = [number for each in part.args for number in Add.make_args(_at(each, here))]
    sizes = [abs(each.evalf(15)) for each in (value, *terms) if each.is_number]
    # A term may have a pole of its own there.
    if not all(size.is_Float or size.is_Rational for size in sizes):
        return False
    return bool(sizes[0] < _NOTHING * Add(*sizes[1:]))


def _at(part: Expr, here: Mapping[Symbol, Expr]) -> Expr:
    """A part at a place; NaN where sympy, which evaluates at once, raises for what it comes to.

    >>> x = Symbol("x", real=True)
    >>> _at(Min(1, 1 / x), {x: Integer(0)})
    nan
    """
    try:
        value: Expr = part.xreplace(dict(here))
    except NO_VALUE:
        return nan
    return value
