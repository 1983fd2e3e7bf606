"""The derivative of a mechanism where its formula gives none: as a limit of difference quotients.

sqrt(v^2 + w^2) v is smooth at rest, but its derivative reads 0/0 there. A difference quotient needs
no such formula: in digits enough, those to both sides of the point say whether there is a
derivative, and which.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import mpmath
import sympy
from sympy import Symbol

from causalopt.mechanisms.interface import Mechanism

#: A function of numbers, in as many digits as are set; None where it has no real value.
Precise = Callable[[Sequence[float]], mpmath.mpf | None]

# Quotients are taken between points so near, in digits that outlast them: where a function is
# smooth, even as rough as x^(6/5), the last two agree to as many digits as are asked.
_NEAR = [mpmath.mpf(f"1e-{power}") for power in (60, 90, 120)]
_DIGITS = 500
_AGREE = mpmath.mpf("1e-12")

# What a jump is more than: relatively, since constants are floats, and near zero.
_SAME, _NOTHING = mpmath.mpf("1e-12"), mpmath.mpf("1e-50")

# A quotient that is this much smaller for a difference smaller by 1e-30 tends to zero.
_VANISHES = mpmath.mpf("1e-3")


def partial_at(
    mechanism: Mechanism, argument: Symbol, values: Mapping[Symbol, float]
) -> float | None:
    """The derivative by one argument at a point, None where there is none.

    It is the limit of difference quotients, the same from both sides, or that from the one side on
    which there are values, at the edge of where a mechanism is defined. Where a condition of
    equality puts in a value that the function around it does not come to, it is zero, as at any
    jump.

    >>> from causalopt.language.symbols import variables
    >>> from causalopt.mechanisms.symbolic import Expression
    >>> v, w = variables("v w")
    >>> drag = Expression(v * sympy.sqrt(v**2 + w**2))
    >>> partial_at(drag, v, {v: 0.0, w: 0.0})
    0.0
    >>> partial_at(Expression(sympy.sqrt(v)), v, {v: 0.0}) is None
    True
    """
    place = mechanism.arguments.index(argument)
    return _limit(mechanism, place, tuple(values[s] for s in mechanism.arguments))


# Systems at rest ask for the same limit at every step.
@functools.lru_cache(maxsize=4096)
def _limit(mechanism: Mechanism, place: int, values: tuple[float, ...]) -> float | None:
    function = _precise(mechanism)
    with mpmath.workdps(_DIGITS):
        sides = [_Side.of(function, place, values, sign) for sign in (-1, 1)]
        center = function(values)
        there = [side for side in sides if side is not None]
        if not there:
            return None
        ends = [side.end for side in there]
        if not all(_is_same(end, ends[0]) for end in ends):
            return None
        if center is not None and not _is_same(center, ends[0]):
            return 0.0
        slopes = [side.slope for side in there if side.slope is not None]
        if len(slopes) < len(there) or not all(_agrees(slope, slopes[0]) for slope in slopes):
            return None
        return float(slopes[-1])


@dataclass(frozen=True)
class _Side:
    """A function on one side of a point: what it comes to, and its slope there, None for none."""

    end: mpmath.mpf
    slope: mpmath.mpf | None

    @classmethod
    def of(cls, function: Precise, place: int, values: Sequence[float], sign: int) -> _Side | None:
        """One side of a point, along one argument; None where it has no values."""
        points = [values[place] + sign * near for near in _NEAR]
        known = [function([*values[:place], point, *values[place + 1 :]]) for point in points]
        heights = [height for height in known if height is not None]
        if len(heights) < len(known):
            return None
        first, last = (
            (heights[i] - heights[i + 1]) / (points[i] - points[i + 1]) for i in range(2)
        )
        if abs(last) <= _VANISHES * abs(first):
            return cls(heights[-1], mpmath.mpf(0))
        return cls(heights[-1], last if _agrees(first, last) else None)


def _is_same(height: mpmath.mpf, other: mpmath.mpf) -> bool:
    return bool(abs(height - other) <= max(_SAME * abs(other), _NOTHING))


def _agrees(slope: mpmath.mpf, other: mpmath.mpf) -> bool:
    return bool(abs(slope - other) <= _AGREE * abs(other))


@functools.lru_cache(maxsize=1024)
def _precise(mechanism: Mechanism) -> Precise:
    """The mechanism's value in as many digits as are set; None where it has none."""
    names = [Symbol(f"a{i}", real=True) for i in range(len(mechanism.arguments))]
    formula = mechanism.value(dict(zip(mechanism.arguments, names, strict=True)))
    function = sympy.lambdify(names, formula, modules="mpmath")

    def value(point: Sequence[float]) -> mpmath.mpf | None:
        try:
            number = mpmath.mpmathify(function(*map(mpmath.mpf, point)))
        except (ZeroDivisionError, ValueError, OverflowError, TypeError):
            return None
        return number if isinstance(number, mpmath.mpf) and mpmath.isfinite(number) else None

    return value
