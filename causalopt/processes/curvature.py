"""Curvature: whether second derivatives determine Newton's step, and the step by determinants."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Sequence

import mpmath
from sympy import Add, Expr, Float, Integer, Rational, Symbol

PLACES = 12  # at which it is looked whether a determinant is zero
DIGITS = 50

#: The second derivatives of a loss, row by row.
Curvature = Sequence[Sequence[Expr]]


def newton_step(curvature: Curvature, slopes: Sequence[Expr]) -> list[Expr]:
    """The parts of s, where H s = g: by Cramer's rule, which needs no pivot to differ from zero.

    >>> from sympy.abc import a, b, c, g, h
    >>> newton_step([[a, b], [b, c]], [g, h])
    [(-b*h + c*g)/(a*c - b**2), (a*h - b*g)/(a*c - b**2)]
    """
    size = len(slopes)
    whole = _determinant(lambda i, j: curvature[i][j], size)
    places = range(size)
    return [_determinant(_with_column(curvature, slopes, j), size) / whole for j in places]


def _with_column(rows: Curvature, column: Sequence[Expr], place: int) -> Callable[[int, int], Expr]:
    return lambda i, j: column[i] if j == place else rows[i][j]


def _determinant(entry: Callable[[int, int], Expr], size: int) -> Expr:
    """Row by row along the columns left; zeros fall out, and nothing is multiplied out."""

    @functools.cache
    def minor(first: int, columns: tuple[int, ...]) -> Expr:
        if not columns:
            return Integer(1)
        terms = []
        for sign, column in enumerate(columns):
            factor = entry(first, column)
            if factor != 0:
                rest = tuple(c for c in columns if c != column)
                terms.append((-1) ** sign * factor * minor(first + 1, rest))
        return Add(*terms)

    return minor(0, tuple(range(size)))


def products_of_step(curvature: Curvature, most: int) -> int:
    """How many products Newton's step is a sum of, in all of its parts; ``most`` for that or more.

    >>> from sympy.abc import a, b, c
    >>> products_of_step([[a, b], [b, c]], 100), products_of_step([[a, 0], [0, c]], 100)
    (8, 4)
    """
    is_there = [[entry != 0 for entry in row] for row in curvature]
    places = range(len(curvature))
    total = 0
    # the determinant below each part, and the one above it, with a column of slopes
    for column in (None, *places):
        paths = {0: 1}  # ways to take one entry of each row so far, by the columns that they took
        for row in is_there:
            longer: dict[int, int] = {}
            for taken, count in paths.items():
                for j in places:
                    if not taken >> j & 1 and (j == column or row[j]):
                        longer[taken | 1 << j] = longer.get(taken | 1 << j, 0) + count
            paths = longer
            if len(paths) > most // 10:  # each is a formula of its own
                return most
        total += sum(paths.values()) * (len(places) if column is None else 1)
        if total >= most:
            return most
    return total


def is_singular(curvature: Curvature) -> bool:
    """Whether the determinant is zero at every place where it has a value, and it has one.

    A formula that is not zero everywhere is zero at random places with no chance to speak of. It is
    not brought to a simple form, which may take without end.

    >>> from sympy import Integer
    >>> from sympy.abc import x, y
    >>> is_singular([[x, y], [x * y, y**2]]), is_singular([[x, y], [y, x]])
    (True, False)
    """
    symbols = sorted({s for row in curvature for entry in row for s in entry.free_symbols}, key=str)
    source = random.Random(0)
    seen = False
    for turn in range(PLACES):
        place = {symbol: _value_of(symbol, turn, source) for symbol in symbols}
        zero = _vanishes([[_number(entry.xreplace(place)) for entry in row] for row in curvature])
        if zero is False:
            return False
        seen = seen or zero is True
    return seen


def _value_of(symbol: Symbol, turn: int, source: random.Random) -> Rational:
    """A number that may stand for the symbol, of either sign and of all sizes, as the turn goes."""
    size = Rational(source.randint(1, 97), 1 if symbol.is_integer else 10 ** (turn % 3))
    both = not (symbol.is_nonnegative or symbol.is_nonpositive)
    below = symbol.is_nonpositive or (both and source.random() < 0.5)
    return -size if below else size


def _number(whole: Expr) -> mpmath.mpf | None:
    """A real number to 50 digits, 0 for one that is none but rounding; None where there is none."""
    number = whole.evalf(DIGITS)
    if not number.is_comparable or not number.is_finite:
        return None
    rounding = isinstance(number, Float) and number._prec == 1
    return mpmath.mpf(0) if rounding else mpmath.make_mpf(Float(number, DIGITS)._mpf_)


def _vanishes(numbers: Sequence[Sequence[mpmath.mpf | None]]) -> bool | None:
    if any(number is None for row in numbers for number in row):
        return None
    with mpmath.workdps(DIGITS):
        sizes = [mpmath.norm(row) for row in numbers]
        if 0 in sizes:
            return True
        # rows of one size, so that what is small beside 1 is rounding
        unit = [[number / size for number in row] for row, size in zip(numbers, sizes, strict=True)]
        return bool(abs(mpmath.det(mpmath.matrix(unit))) < mpmath.mpf(10) ** (-DIGITS // 2))
