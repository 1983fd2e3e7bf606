"""Exact values of an expression at a point, and comparing two of them to 50 digits and beyond."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any

import mpmath
import sympy as sp
from sympy.core.function import AppliedUndef

from causalopt.derive.statement.expressions import define, nodes
from causalopt.derive.statement.verdict import Point

LARGEST_EXPONENT = 3_000  # exact powers above it would fill the memory
BINDERS = (sp.Integral, sp.Sum, sp.Product, sp.Limit, sp.Derivative, sp.Subs)
INFINITE = (sp.nan, sp.zoo, sp.oo, -sp.oo)


class NoValue(Exception):
    """The expression has no finite value here, or none that can be trusted."""


class Compared(enum.Enum):
    """Two values at one point."""

    SAME = enum.auto()
    DIFFERENT = enum.auto()
    UNCLEAR = enum.auto()


def at(whole: Any, point: Point) -> Any:
    """The exact value of an expression at a point.

    Every part must be finite there: sympy takes 1/zoo for 0, which is no value of anything.

    Raises
    ------
    NoValue
        Where a part is infinite or undefined, or has no closed form.

    >>> x = sp.Symbol("x")
    >>> at(sp.sqrt(x) + 1 / x, Point(((x, sp.Integer(4)),)))
    9/4
    """
    return value(instantiate(whole, point), dict(point.symbols))


def instantiate(whole: Any, point: Point) -> Any:
    """``whole`` with its unknown functions made concrete, and derivatives taken."""
    for function, formula in point.functions:
        whole = define(whole, function, formula)
    return differentiate(whole)


def differentiate(whole: Any) -> Any:
    """Take all derivatives, but leave integrals, sums and limits as they stand."""
    for _ in range(8):  # a derivative may sit inside what another one leaves behind
        last, whole = whole, whole.replace(_is_derivative, _take)
        if whole == last:
            break
    return whole


def _is_derivative(node: Any) -> bool:
    return isinstance(node, sp.Derivative | sp.Subs)


def _take(node: Any) -> Any:
    return node.doit(deep=False) if isinstance(node, sp.Derivative) else node.doit()


def value(whole: Any, numbers: Mapping[Any, Any]) -> Any:
    """The exact value of an expression without unknown functions; see ``at``."""
    if isinstance(whole, sp.Symbol):
        if whole not in numbers:
            raise NoValue(f"{whole} has no number")
        return numbers[whole]
    if isinstance(whole, sp.Piecewise):
        return _piecewise(whole, numbers)
    if isinstance(whole, BINDERS):
        return _bound(whole, numbers)
    if not whole.args:
        return _finite(whole)
    if isinstance(whole, AppliedUndef):
        raise NoValue(f"{whole} is unknown")
    args = [value(arg, numbers) for arg in whole.args]
    if isinstance(whole, sp.Pow) and abs(args[1]) > LARGEST_EXPONENT:
        raise NoValue("the power is too large")
    return _finite(whole.func(*args))


def _finite(result: Any) -> Any:
    if result in INFINITE or isinstance(result, sp.AccumBounds):
        raise NoValue(f"{result}")
    if result.has(*INFINITE) or result.has(sp.DiracDelta):
        raise NoValue(f"{result}")
    return result


def _piecewise(whole: Any, numbers: Mapping[Any, Any]) -> Any:
    for branch, condition in whole.args:
        holds = value(condition, numbers)
        if holds == sp.true:
            return value(branch, numbers)
        if holds != sp.false:
            break
    raise NoValue("no branch of a Piecewise is known to apply")


def _bound(whole: Any, numbers: Mapping[Any, Any]) -> Any:
    """Integrals, sums and limits: a closed form that an independent computation confirms."""
    here = whole.subs({s: numbers[s] for s in whole.free_symbols if s in numbers})
    closed = here.doit()
    if closed.has(*BINDERS) or closed.free_symbols:
        raise NoValue(f"{here} has no closed form")
    closed = _finite(closed)
    if not _confirmed(here, closed):
        raise NoValue(f"{closed} could not be confirmed for {here}")
    return closed


def _confirmed(here: Any, closed: Any) -> bool:
    if isinstance(here, sp.Sum | sp.Product) and all(
        low.is_Integer and high.is_Integer for _, low, high in here.limits
    ):
        return True  # written out term by term
    if isinstance(here, sp.Integral | sp.Sum):
        try:
            other = here.evalf(15)
        except (ValueError, TypeError, NotImplementedError, ArithmeticError):
            return False
        gap, size = abs(other - closed).evalf(15), abs(closed).evalf(15)
        return bool(gap.is_Float and gap <= 1e-9 * max(1, size)) or gap == 0
    if isinstance(here, sp.Limit):
        whole, variable, to, side = here.args
        return approaches(whole, variable, to, str(side), closed)
    return True


def approaches(whole: Any, variable: Any, to: Any, side: str, target: Any) -> bool:
    """Whether numbers of ``whole`` ever nearer to a point come ever nearer to ``target``."""
    signs = {"+": (1,), "-": (-1,), "+-": (1, -1)}[side]
    return all(_approaches_from(whole, variable, to, sign, target) for sign in signs)


def _approaches_from(whole: Any, variable: Any, to: Any, sign: int, target: Any) -> bool:
    gaps = []
    for power in (2, 4, 8):
        small = sp.Rational(1, 10**power)
        near = {sp.oo: 1 / small, -sp.oo: -1 / small}.get(to, to + sign * small)
        # a float, since an exact one would have factorials of 10^8 written out
        got = whole.subs(variable, sp.Float(near, 120)).evalf(40, maxn=400)
        gap = abs(got - target).evalf(20)
        if not gap.is_number or gap in INFINITE or not gap.is_comparable:
            return False
        gaps.append(gap)
    size = max(1, abs(target).evalf(20))
    return bool(gaps[2] < size / 100 and (gaps[2] <= gaps[0] * 9 / 10 or gaps[2] < size / 10**12))


def compare(left: Any, right: Any) -> Compared:
    """Whether two exact numbers are the same to 50 digits, different beyond doubt, or neither.

    Different: by exact arithmetic, or because the difference, computed with 60 and with 120
    digits, comes out as the same number.

    >>> compare(sp.sqrt(2) * sp.sqrt(3), sp.sqrt(6))
    <Compared.SAME: 1>
    >>> compare(sp.exp(sp.pi * sp.sqrt(163)), sp.Integer(640320**3 + 744))
    <Compared.DIFFERENT: 2>
    """
    difference = left - right
    if difference == 0:
        return Compared.SAME
    if difference.is_Rational:
        return Compared.DIFFERENT
    (coarse, _), (fine, size) = (_numeric_gap(left, right, digits) for digits in (60, 120))
    with mpmath.workdps(140):
        agree = abs(fine - coarse) <= abs(fine) / mpmath.mpf(10) ** 10
        if fine != 0 and agree and abs(fine) > mpmath.mpf(10) ** -45 * size:
            return Compared.DIFFERENT
        # noise shrinks with the digits, and a difference does not
        noise = abs(coarse) <= mpmath.mpf(10) ** -50 and abs(fine) <= mpmath.mpf(10) ** -100
        if fine == 0 or abs(fine) <= mpmath.mpf(10) ** -50 * size or (noise and not agree):
            return Compared.SAME
    return Compared.UNCLEAR


def _numeric_gap(left: Any, right: Any, digits: int) -> tuple[Any, Any]:
    """left - right, and the size of the largest term on either side."""
    with mpmath.workdps(digits + 20):
        first, second = _numeric(left, digits), _numeric(right, digits)
        terms = (*sp.Add.make_args(left), *sp.Add.make_args(right))
        size = max(abs(_numeric(term, 15)) for term in terms) if len(terms) > 2 else 0
        return first - second, max(abs(first), abs(second), size)


def _numeric(number: Any, digits: int) -> Any:
    real, imaginary = sp.N(number, digits, maxn=digits + 100).as_real_imag()
    if not (real.is_Number and imaginary.is_Number):
        raise NoValue(f"{number} has no numeric value")
    parts = (sp.Float(part, digits)._mpf_ for part in (real, imaginary))
    return mpmath.mpc(*(mpmath.mp.make_mpf(part) for part in parts))


def orders(whole: Any) -> int:
    """The highest order of a derivative in an expression; 0 where there is none."""
    return max(
        (int(node.derivative_count) for node, _ in nodes(whole) if isinstance(node, sp.Derivative)),
        default=0,
    )
