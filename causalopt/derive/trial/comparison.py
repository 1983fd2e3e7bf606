"""Comparing two exact numbers to 50 digits and beyond."""

from __future__ import annotations

import enum

import mpmath
import sympy as sp

from causalopt.derive.trial.values import NoValue


class Compared(enum.Enum):
    """Two values at one point."""

    SAME = enum.auto()
    DIFFERENT = enum.auto()
    UNCLEAR = enum.auto()


def compare(left: sp.Expr, right: sp.Expr) -> Compared:
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
        # rounding at 60 digits and at 120 has nothing in common: what both agree on is no rounding
        agree = abs(fine - coarse) <= abs(fine) / mpmath.mpf(10) ** 10
        if fine != 0 and agree and abs(fine) > mpmath.mpf(10) ** -45 * size:
            return Compared.DIFFERENT
        # noise shrinks with the digits, and a difference does not
        noise = abs(coarse) <= mpmath.mpf(10) ** -50 and abs(fine) <= mpmath.mpf(10) ** -100
        if fine == 0 or abs(fine) <= mpmath.mpf(10) ** -50 * size or (noise and not agree):
            return Compared.SAME
    return Compared.UNCLEAR


def _numeric_gap(left: sp.Expr, right: sp.Expr, digits: int) -> tuple[mpmath.mpc, mpmath.mpf]:
    """left - right, and the size of the largest term on either side."""
    with mpmath.workdps(digits + 20):
        first, second = _numeric(left, digits), _numeric(right, digits)
        # terms far larger than their sum cancel, and with them go the digits of both sides
        terms = (*sp.Add.make_args(left), *sp.Add.make_args(right))
        size = max(abs(_numeric(term, 15)) for term in terms) if len(terms) > 2 else 0
        return first - second, max(abs(first), abs(second), size)


def _numeric(number: sp.Expr, digits: int) -> mpmath.mpc:
    real, imaginary = sp.N(number, digits, maxn=digits + 100).as_real_imag()
    if not (real.is_Number and imaginary.is_Number):
        raise NoValue(f"{number} has no numeric value")
    # the bits as they are: nothing is rounded on the way to mpmath
    parts = (sp.Float(part, digits)._mpf_ for part in (real, imaginary))
    return mpmath.mpc(*(mpmath.mp.make_mpf(part) for part in parts))
