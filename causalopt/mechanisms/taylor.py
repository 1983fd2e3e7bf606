"""Taylor polynomials of formulas, by arithmetic on series: exact where a quotient reads 0/0."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence

import mpmath
import sympy
from sympy import Add, Expr, Function, Integer, Mul, Pow, Symbol

#: The coefficients of a series, by their powers from 0 on.
Series = list[Expr]

_ZERO, _ONE = Integer(0), Integer(1)

# How many digits irrational numbers have, and the part of its terms that is left of a zero.
_DIGITS, _NOTHING = 40, 1e-30

# Longer coefficients are not worth their digits, and wider ones not the time to see it.
_LONGEST, _WIDEST = 150, 2_000


class NoSeriesError(Exception):
    """A formula has no Taylor series at a point that can be written down."""


def series_of(formula: Expr, symbol: Symbol, center: Expr, count: int) -> Series:
    """The first coefficients of a formula in powers of (symbol - center).

    >>> x = Symbol("x")
    >>> series_of(sympy.exp(2 * x), x, Integer(0), 4)
    [1, 2, 2, 4/3]
    """
    if symbol not in formula.free_symbols:
        return [_total(Add.make_args(formula)), *[_ZERO] * (count - 1)]
    if formula == symbol:
        return [_total([center]), _ONE, *[_ZERO] * (count - 2)]
    if type(formula) in _BY_DIGITS:
        return _by_digits(formula, symbol, center, count)
    if not isinstance(formula, Add | Mul | Pow) and type(formula) not in {*_FUNCTIONS, *_INTEGRALS}:
        raise NoSeriesError
    inner = [series_of(arg, symbol, center, count) for arg in formula.args]
    if isinstance(formula, Add):
        return [_total(column) for column in zip(*inner, strict=True)]
    if isinstance(formula, Mul):
        total, *rest = inner
        for factor in rest:
            total = times(total, factor)
        return total
    if isinstance(formula, Pow) and symbol not in formula.exp.free_symbols:
        return _power(inner[0], formula.exp)
    if type(formula) in _FUNCTIONS and len(inner) == 1:
        return _FUNCTIONS[type(formula)](inner[0])
    if type(formula) in _INTEGRALS and len(inner) == 1:
        slope = series_of(formula.fdiff(), symbol, center, count)
        return _integrated(slope, inner[0], type(formula)(inner[0][0]))
    raise NoSeriesError


def over(above: Series, below: Series) -> Series:
    """The quotient of two series, where it has no pole.

    >>> x = Symbol("x")
    >>> over(series_of(sympy.sin(x), x, Integer(0), 5), series_of(x, x, Integer(0), 5))
    [1, 0, -1/6, 0]
    """
    order = next((j for j, coefficient in enumerate(below) if coefficient != 0), None)
    if order is None or any(coefficient != 0 for coefficient in above[:order]):
        raise NoSeriesError
    above, below = above[order:], below[order:]
    result: Series = []
    for n, coefficient in enumerate(above):
        passed = (-below[k] * result[n - k] for k in range(1, n + 1))
        result.append(_total([_total([coefficient, *passed]) / below[0]]))
    return result


def times(first: Series, second: Series) -> Series:
    """The product of two series."""
    return [_total([first[k] * second[n - k] for k in range(n + 1)]) for n in range(len(first))]


def _total(terms: Sequence[Expr]) -> Expr:
    """The sum of some terms in a form in which zero is seen; irrational numbers as digits."""
    coefficient = Add(*terms)
    if coefficient.is_Rational:
        return coefficient
    if coefficient.is_number:
        number = coefficient.evalf(_DIGITS)
        if not number.is_Float:
            raise NoSeriesError
        largest = max(abs(term.evalf(15)) for term in terms)
        return _ZERO if abs(number) < _NOTHING * largest else number
    if _spread(coefficient) > _WIDEST:
        raise NoSeriesError
    tidied: Expr = sympy.expand(coefficient)
    if tidied.count_ops() > _LONGEST:
        raise NoSeriesError
    return tidied


def _unless_nothing(value: Expr) -> Expr:
    """A function's value, zero where that is all that the digits of its argument say."""
    return _ZERO if value.is_Float and abs(value) < _NOTHING else _total([value])


def _spread(formula: Expr) -> float:
    """About how many terms there are once a formula is multiplied out, before any cancel.

    >>> x, y = sympy.symbols("x y")
    >>> _spread((x + y) ** 3 * (x - 1) + y)
    17.0
    """
    if isinstance(formula, Add):
        return sum(map(_spread, formula.args))
    if isinstance(formula, Mul):
        return math.prod(map(_spread, formula.args))
    if isinstance(formula, Pow) and formula.exp.is_Integer:
        return math.pow(_spread(formula.base), min(abs(float(formula.exp)), 100.0))
    return 1.0


def _power(base: Series, exponent: Expr) -> Series:
    if base[0] == 0:
        if not (exponent.is_Integer and exponent > 0):
            raise NoSeriesError
        total = base
        for _ in range(int(exponent) - 1):
            total = times(total, base)
        return total
    result = [_total([Pow(base[0], exponent)])]
    for n in range(1, len(base)):
        terms = [(k * exponent - (n - k)) * base[k] * result[n - k] for k in range(1, n + 1)]
        result.append(_total([_total(terms) / (n * base[0])]))
    return result


def _integrated(slope: Series, u: Series, first: Expr) -> Series:
    """The series that begins with a number and has the slope times that of u."""
    result = [_unless_nothing(first)]
    for n in range(1, len(u)):
        terms = [k * u[k] * slope[n - k] / n for k in range(1, n + 1)]
        result.append(_total(terms))
    return result


def _by_digits(formula: Expr, symbol: Symbol, center: Expr, count: int) -> Series:
    """The series of a special function, whose coefficients are numbers that mpmath finds.

    >>> x = Symbol("x")
    >>> [float(number) for number in series_of(sympy.besselj(0, x), x, Integer(0), 5)]
    [1.0, 0.0, -0.25, 0.0, 0.015625]
    """
    *order, argument = formula.args
    u = series_of(argument, symbol, center, count)
    if not (all(n.is_Integer and n >= 0 for n in order) and u[0].is_number):
        raise NoSeriesError
    function = functools.partial(_BY_DIGITS[type(formula)], *map(int, order))
    with mpmath.workdps(_DIGITS + 20):
        numbers = mpmath.taylor(function, mpmath.mpf(u[0].evalf(_DIGITS)), count - 1)
        # A difference quotient leaves so much where there is nothing.
        largest = max(map(abs, numbers))
        kept = [number if abs(number) > _NOTHING * largest else 0 for number in numbers]
        coefficients = [sympy.Float(number, _DIGITS) if number else _ZERO for number in kept]
    off, total = [_ZERO, *u[1:]], [_ZERO] * count
    for coefficient in reversed(coefficients):
        total = times(total, off)
        total[0] = _total([total[0], coefficient])
    return total


def _grown(
    u: Series, firsts: Sequence[Expr], slopes: Callable[[Sequence[Series]], Sequence[Series]]
) -> list[Series]:
    """Functions of u whose slopes by u are functions of themselves, coefficient by coefficient."""
    results = [[_total([first])] for first in firsts]
    for n in range(1, len(u)):
        grown = slopes(results)
        for result, slope in zip(results, grown, strict=True):
            result.append(_total([k * u[k] * slope[n - k] / n for k in range(1, n + 1)]))
    return results


def _negative(series: Series) -> Series:
    return [-coefficient for coefficient in series]


def _tangent(u: Series, first: Expr, sign: int) -> Series:
    """tan and tanh: 1 + y^2 and 1 - y^2 are their slopes."""

    def slope(results: Sequence[Series]) -> list[Series]:
        squared = times(results[0], results[0])
        return [[(_ONE if n == 0 else _ZERO) + sign * c for n, c in enumerate(squared)]]

    return _grown(u, [_unless_nothing(first)], slope)[0]


def _pair(u: Series, odd: type[Function], even: type[Function], sign: int) -> list[Series]:
    """sin and cos, or sinh and cosh: each is the slope of the other, up to a sign."""
    return _grown(
        u, [_unless_nothing(odd(u[0])), _unless_nothing(even(u[0]))],
        lambda pair: [pair[1], _negative(pair[0]) if sign < 0 else pair[0]],
    )  # fmt: skip


_FUNCTIONS: Mapping[type, Callable[[Series], Series]] = {
    sympy.exp: lambda u: _grown(u, [sympy.exp(u[0])], list)[0],
    sympy.sin: lambda u: _pair(u, sympy.sin, sympy.cos, -1)[0],
    sympy.cos: lambda u: _pair(u, sympy.sin, sympy.cos, -1)[1],
    sympy.sinh: lambda u: _pair(u, sympy.sinh, sympy.cosh, 1)[0],
    sympy.cosh: lambda u: _pair(u, sympy.sinh, sympy.cosh, 1)[1],
    sympy.tan: lambda u: _tangent(u, sympy.tan(u[0]), 1),
    sympy.tanh: lambda u: _tangent(u, sympy.tanh(u[0]), -1),
}

# Functions whose slopes are made of others.
_INTEGRALS = frozenset(
    {sympy.log, sympy.atan, sympy.asin, sympy.acos, sympy.asinh, sympy.atanh, sympy.erf}
)

# Functions that have a series at any place, as mpmath has them; Bessel's of a whole order.
_BY_DIGITS: Mapping[type, Callable[..., mpmath.mpf]] = {
    sympy.besselj: mpmath.besselj,
    sympy.besseli: mpmath.besseli,
    sympy.Si: mpmath.si,
    sympy.erfc: mpmath.erfc,
    sympy.erfi: mpmath.erfi,
    sympy.fresnels: mpmath.fresnels,
    sympy.fresnelc: mpmath.fresnelc,
    sympy.airyai: mpmath.airyai,
    sympy.airybi: mpmath.airybi,
}
