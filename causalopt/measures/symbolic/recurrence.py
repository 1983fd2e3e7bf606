"""Powers of a matrix in closed form: row M^t column, for a symbol t, exactly.

By the resolvent: sum over t of (row M^t column) z^-(t+1) is row (z I - M)^-1 column, a quotient of
polynomials in z. Each factor of what is below the line has a part of its own, roots to the power of
t, and a factor z a part in the first steps alone, where M is nilpotent.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sympy
from sympy import Add, Expr, Integer, Matrix, Mul, Ne, Poly, Pow, Symbol
from sympy.logic.boolalg import Boolean

from causalopt.ground.errors import QueryError
from causalopt.measures.symbolic.tidying import tidied

#: The steps that a closed form is a function of.
t = Symbol("t", integer=True, nonnegative=True)

_z = Symbol("z")


@dataclass(frozen=True)
class Mode:
    """A part of a sequence: a coefficient, a polynomial in t, times a root to the power of t."""

    coefficient: Expr
    root: Expr


@dataclass(frozen=True)
class SequencePart:
    """What a factor of the resolvent gives: a formula of t, and its modes.

    Where the ``roots`` of the factor have no formula, it is a sum over them, and has no modes.
    """

    formula: Expr
    modes: tuple[Mode, ...] = ()
    roots: Poly | None = None


@dataclass(frozen=True)
class Sequenced:
    """A sequence: the ``first`` terms by themselves, and from then on the sum of the ``parts``.

    It holds under ``conditions``: roots that differ as symbols differ as numbers.
    """

    first: tuple[Expr, ...]
    parts: tuple[SequencePart, ...]
    conditions: tuple[Boolean, ...]

    @property
    def formula(self) -> Expr:
        """Its terms from ``len(first)`` on, as a formula of t."""
        return Add(*(part.formula for part in self.parts))


def terms_of(matrix: Matrix, row: int, column: Matrix, count: int) -> list[Expr]:
    """The first entries ``row`` of matrix^t column."""
    terms = []
    for _ in range(count):
        terms.append(tidied(column[row]))
        column = (matrix * column).applyfunc(tidied)
    return terms


def sequence_of(matrix: Matrix, row: int, column: Matrix) -> Sequenced:
    """The entry ``row`` of matrix^t column, for every t.

    Raises ``QueryError`` for repeated roots that no formula gives.

    >>> k = Symbol("k", positive=True)
    >>> sequence_of(Matrix([[1, k], [0, 1]]), 0, Matrix([0, 1])).formula
    k*t
    >>> sequence_of(Matrix([[0, 1], [-1, 1]]), 0, Matrix([1, 0])).formula.subs(t, 3)
    -1
    """
    size = matrix.rows
    terms = terms_of(matrix, row, column, size)
    falling = matrix.charpoly(_z).all_coeffs()
    above = Add(*(
        Mul(falling[j], terms[i - j], Pow(_z, size - 1 - i))
        for i in range(size) for j in range(i + 1)
    ))  # fmt: skip
    below = Add(*(c * _z ** (size - j) for j, c in enumerate(falling)))
    first = 0
    parts: list[SequencePart] = []
    conditions: list[Boolean] = []
    for fraction in Add.make_args(sympy.apart(sympy.cancel(above / below), _z)):
        factor, power, numerator = _taken_apart(fraction)
        conditions += _not_zero(sympy.denom(sympy.together(numerator)))
        if factor == Poly(_z, _z):
            first = max(first, power)
        elif numerator != 0:
            parts.append(_part(factor, power, numerator))
            conditions += _simple(factor, power)
    return Sequenced(tuple(terms[:first]), tuple(parts), tuple(dict.fromkeys(conditions)))


def _taken_apart(fraction: Expr) -> tuple[Poly, int, Expr]:
    """A partial fraction as numerator / factor^power, where z^n has 1 before it in the factor."""
    for base, power in (each.as_base_exp() for each in Mul.make_args(fraction)):
        if base.has(_z) and power.is_Integer and power < 0:
            factor = Poly(base, _z)
            lead = factor.LC()
            numerator = sympy.cancel(fraction * base**-power / lead**-power)
            monic = Poly([tidied(c / lead) for c in factor.all_coeffs()], _z)
            return monic, int(-power), numerator
    return Poly(1, _z), 0, fraction


def _not_zero(whole: Expr) -> Iterator[Boolean]:
    """What may not vanish for an expression to be no zero: its factors."""
    _, factors = sympy.factor_list(whole) if not whole.is_number else (whole, [])
    return (Ne(factor, 0) for factor, _ in factors if not factor.is_nonzero)


def _simple(factor: Poly, power: int) -> list[Boolean]:
    """That the roots of a factor differ, and, where they are repeated, that none is zero."""
    gaps = [] if factor.degree() == 1 else [sympy.factor(sympy.discriminant(factor))]
    last = [factor.all_coeffs()[-1]] if power > 1 else []
    return [Ne(each, 0) for each in (*gaps, *last) if not each.is_nonzero]


def _discriminant(factor: Poly) -> Expr:
    _, b, c = factor.all_coeffs()
    return tidied(b**2 - 4 * c)


def _part(factor: Poly, power: int, numerator: Expr) -> SequencePart:
    """The sequence of numerator / factor^power."""
    if factor.degree() == 1:
        return _of_modes(_at_root(-factor.all_coeffs()[1], Integer(0), power, numerator))
    if factor.degree() == 2:
        return _of_pair(factor, power, numerator)
    if power > 1:
        raise QueryError(
            f"The roots of {factor.as_expr()} are repeated, and no formula gives them: give "
            "numbers by values={...}, or ask symbolic_comp about one step."
        )
    weight = numerator / factor.diff(_z).as_expr()
    summed = sympy.RootSum(
        factor.as_expr(), sympy.Lambda(_z, weight * _z**t), x=_z, auto=False, quadratic=False
    )
    return SequencePart(summed, roots=factor)


def _of_modes(modes: Sequence[Mode]) -> SequencePart:
    return SequencePart(Add(*(mode.coefficient * mode.root**t for mode in modes)), tuple(modes))


def _at_root(root: Expr, other: Expr, power: int, numerator: Expr, others: int = 0) -> list[Mode]:
    """The mode of a root in numerator / ((z - root)^power (z - other)^others).

    By its Taylor series at the root: 1/(z - r)^i is the sequence binomial(t, i - 1) r^(t - i + 1).
    """
    away = numerator / (_z - other) ** others
    coefficient = Integer(0)
    for j in range(power):
        place = power - j - 1
        at_root = away.diff(_z, j).subs(_z, root) / sympy.factorial(j) / root**place
        chosen = sympy.ff(t, place) / sympy.factorial(place)
        coefficient += sympy.radsimp(at_root) * sympy.expand_func(chosen)
    return [Mode(coefficient, root)]


def _of_pair(factor: Poly, power: int, numerator: Expr) -> SequencePart:
    """That of two roots: as U_t = (a^t - b^t) / (a - b), or, where they are complex, by a sine."""
    _, b, c = factor.all_coeffs()
    gap = _discriminant(factor)
    apart = _square_root(gap)
    roots = [(-b + sign * apart) / 2 for sign in (1, -1)]
    if power > 1:
        pairs = itertools.permutations(roots)
        return _of_modes([
            mode for root, other in pairs
            for mode in _at_root(root, other, power, numerator, power)
        ])  # fmt: skip
    steep, level = (Poly(numerator, _z).coeff_monomial(_z**j) for j in (1, 0))
    modes = tuple(
        Mode(sign * (steep * root + level) / apart, root)
        for sign, root in zip((1, -1), roots, strict=True)
    )
    if gap.is_negative:
        angle = sympy.acos(-b / (2 * sympy.sqrt(c)))
        turned = [2 * c ** (s / 2) * sympy.sin(s * angle) / sympy.sqrt(-gap) for s in (t + 1, t)]
    else:
        turned = [(roots[0] ** s - roots[1] ** s) / apart for s in (t + 1, t)]
    return SequencePart(steep * turned[0] + level * turned[1], modes)


def _square_root(square: Expr) -> Expr:
    """One of the two roots of a number, whichever: of x^2 k it is x sqrt(k)."""
    number, factors = sympy.factor_list(square)
    outside = Mul(*(Pow(factor, power // 2) for factor, power in factors))
    sign = -1 if number.is_negative else 1
    inside = Mul(sign, *(Pow(factor, power % 2) for factor, power in factors))
    return sympy.sqrt(sign * number) * outside * sympy.sqrt(inside)
