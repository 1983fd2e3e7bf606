"""The derivative of a mechanism where its formula gives none: as a limit of difference quotients.

sqrt(v^2 + w^2) v is smooth at rest, but its derivative reads 0/0 there. A difference quotient needs
no such formula: in digits enough, those to both sides of the point say whether there is a
derivative, and which.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import mpmath
import sympy
from sympy import Symbol

from causalopt.backends.special import came_true_precisely, settled_precisely, size_precisely
from causalopt.mechanisms.interface import Mechanism
from causalopt.mechanisms.rebuilding import NO_VALUE

#: Where a formula in many digits finds its functions.
PRECISE = [
    {"came_true": came_true_precisely, "settled": settled_precisely, "abs": size_precisely},
    "mpmath",
]

#: A function of numbers, in as many digits as are set; None where it has no real value.
Precise = Callable[[Sequence[mpmath.mpf]], mpmath.mpf | None]

# Quotients are taken between points so near, in digits that outlast them: where a function is
# smooth, even as rough as x^(6/5), the last two agree to as many digits as are asked.
_NEAR = [mpmath.mpf(f"1e-{power}") for power in (60, 90, 120)]
_DIGITS = 500
_AGREE = mpmath.mpf("1e-12")

# A polynomial through so many values on each side, and how far, relatively, it may be off between.
_NODES, _ROUND = 10, mpmath.mpf("1e-9")

# What a jump is more than: relatively, since constants are floats; near zero, since roots are slow.
_SAME, _NOTHING = mpmath.mpf("1e-12"), mpmath.mpf("1e-9")

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
    limit = limit_at(mechanism, argument, values)
    return None if limit is None else float(limit)


def limit_at(
    mechanism: Mechanism, argument: Symbol, values: Mapping[Symbol, float]
) -> mpmath.mpf | None:
    """As ``partial_at``, as a number that may be beyond the floats."""
    place = mechanism.arguments.index(argument)
    return _limit(mechanism, place, tuple(values[s] for s in mechanism.arguments))


# Systems at rest ask for the same limit at every step.
@functools.lru_cache(maxsize=4096)
def _limit(mechanism: Mechanism, place: int, values: tuple[float, ...]) -> mpmath.mpf | None:
    if not all(map(math.isfinite, values)):
        return None
    function = _precise(mechanism, place)
    # What saturates is as near to its bound as a power of its arguments, up and down.
    sizes = (abs(math.frexp(value)[1]) for value in values)
    with mpmath.workdps(_DIGITS + 4 * max(sizes, default=0)):
        point = [mpmath.mpf(value) for value in values]
        sides = [_Side.of(function, place, point, sign) for sign in (-1, 1)]
        center = function(point)
        there = [side for side in sides if side is not None]
        slope = _common_slope(there, center)
        if slope is None and len(there) == 2 and _has_decimals(mechanism):
            slope = _slope_across(function, place, point)
        if slope is None and there and center is not None and _is_same(there[0].end, there[-1].end):
            # What is left is a value that is apart from those around it, or a kink.
            slope = None if _is_same(center, there[0].end) else mpmath.mpf(0)
        return slope


def _common_slope(sides: Sequence[_Side], center: mpmath.mpf | None) -> mpmath.mpf | None:
    """The slope of the sides, where they come to one value with one slope."""
    ends = [side.end for side in sides] + ([] if center is None else [center])
    slopes = [side.slope for side in sides if side.slope is not None]
    if not slopes or len(slopes) < len(sides) or not all(_is_same(end, ends[0]) for end in ends):
        return None
    return slopes[-1] if all(_agrees(slope, slopes[0]) for slope in slopes) else None


@functools.lru_cache(maxsize=1024)
def _has_decimals(mechanism: Mechanism) -> bool:
    return bool(mechanism.value({}).atoms(sympy.Float))


def _slope_across(function: Precise, place: int, point: Sequence[mpmath.mpf]) -> mpmath.mpf | None:
    """The slope of the polynomial through values on both sides, if it is the function between them.

    Decimals such as 0.1 are rounded, so that a hole has a pole beside it, too narrow for a float to
    see: what counts is the function as it looks from farther off.
    """
    middle = point[place]

    def height(offset: mpmath.mpf) -> mpmath.mpf | None:
        return function([*point[:place], middle + offset, *point[place + 1 :]])

    for reach in (max(abs(middle), 1) * mpmath.mpf(10) ** -power for power in range(1, 13)):
        offsets = [
            sign * reach * (0.5 + 0.5 * j / _NODES) for sign in (-1, 1) for j in range(_NODES)
        ]
        heights = [height(offset) for offset in offsets]
        known = [number for number in heights if number is not None]
        if len(known) < len(heights):
            return None
        slopes = _divided(offsets, known)
        between = [0, *(part * reach for part in (-0.3, -0.1, 0.1, 0.3))]
        size = _ROUND * (max(known) - min(known)) + _SAME * max(map(abs, known))
        real = [(offset, height(offset)) for offset in between]
        if all(y is None or abs(_along(slopes, offsets, x) - y) <= size for x, y in real):
            return _slope_at_middle(slopes, offsets)
    return None


def _divided(offsets: Sequence[mpmath.mpf], heights: Sequence[mpmath.mpf]) -> list[mpmath.mpf]:
    """The coefficients of Newton's polynomial through some points."""
    row = list(heights)
    for order in range(1, len(row)):
        for i in range(len(row) - 1, order - 1, -1):
            row[i] = (row[i] - row[i - 1]) / (offsets[i] - offsets[i - order])
    return row


def _along(
    coefficients: Sequence[mpmath.mpf], offsets: Sequence[mpmath.mpf], x: mpmath.mpf
) -> mpmath.mpf:
    total = mpmath.mpf(0)
    for coefficient, offset in zip(reversed(coefficients), reversed(offsets), strict=True):
        total = total * (x - offset) + coefficient
    return total


def _slope_at_middle(
    coefficients: Sequence[mpmath.mpf], offsets: Sequence[mpmath.mpf]
) -> mpmath.mpf:
    total = slope = mpmath.mpf(0)
    for coefficient, offset in zip(reversed(coefficients), reversed(offsets), strict=True):
        slope = slope * -offset + total
        total = total * -offset + coefficient
    return slope


@dataclass(frozen=True)
class _Side:
    """A function on one side of a point: what it comes to, and its slope there, None for none."""

    end: mpmath.mpf
    slope: mpmath.mpf | None

    @classmethod
    def of(
        cls, function: Precise, place: int, values: Sequence[mpmath.mpf], sign: int
    ) -> _Side | None:
        """One side of a point, along one argument; None where it has no values."""
        # Nearer than to zero: there may be a pole, such as that of 1/x. Far out, what changes with
        # a power of an argument does so within little.
        size = abs(values[place])
        scale = (size if size < 1 else size**-3) or 1
        points = [values[place] + sign * near * scale for near in _NEAR]
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
def _precise(mechanism: Mechanism, place: int) -> Precise:
    """The terms of a mechanism's value that one of its arguments is in."""
    names = [Symbol(f"a{i}", real=True) for i in range(len(mechanism.arguments))]
    formula = mechanism.value(dict(zip(mechanism.arguments, names, strict=True)))
    terms = [term for term in sympy.Add.make_args(formula) if names[place] in term.free_symbols]
    function = sympy.lambdify(names, sympy.Add(*terms), modules=PRECISE)

    def value(point: Sequence[mpmath.mpf]) -> mpmath.mpf | None:
        try:
            number = mpmath.mpmathify(function(*point))
        except NO_VALUE:
            return None
        return number if isinstance(number, mpmath.mpf) and mpmath.isfinite(number) else None

    return value
