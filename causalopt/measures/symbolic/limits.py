"""Where a quotient of two sequences goes as t grows: by their largest modes at given numbers."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import sympy
from sympy import Abs, Expr, Integer, Poly, Symbol
from sympy.logic.boolalg import Boolean, BooleanAtom

from causalopt.measures.symbolic.recurrence import Mode, Sequenced, SequencePart, t
from causalopt.measures.symbolic.tidying import tidied

_DIGITS = 40
# How near two sizes are taken to be one.
_NEAR = sympy.Float(10, _DIGITS) ** -25


@dataclass(frozen=True)
class Limit:
    """The limit of a quotient as t grows, and where it holds.

    ``value`` is None where it has none, as where signs alternate, and ``size`` the limit of its
    size. ``rate`` is how fast its logarithm grows in a step; None for what becomes zero.
    """

    value: Expr | None
    size: Expr | None
    rate: Expr | None
    conditions: tuple[Boolean, ...]


@dataclass(frozen=True)
class _Sized:
    """A mode, how large its root is as a number, and the power of t beside it."""

    mode: Mode | None
    size: Expr
    power: int

    def exceeds(self, other: _Sized) -> bool:
        """Whether it grows faster."""
        return self.power > other.power if self.is_like(other) else bool(self.size > other.size)

    def is_like(self, other: _Sized) -> bool:
        """Whether the roots are of one size."""
        return bool(abs(self.size - other.size) <= _NEAR * (1 + self.size))


def limit_of(x: Sequenced, y: Sequenced, numbers: Mapping[Symbol, Expr]) -> Limit | None:
    """The limit of x_t / y_t, by the roots that are largest where symbols have ``numbers``.

    None where no formula gives these roots, and where y becomes zero.
    """
    of_x, of_y = _by_size(x, numbers), _by_size(y, numbers)
    if not of_y or any(each.mode is None for each in (*of_x, *of_y)):
        return None
    if not of_x:
        return Limit(Integer(0), Integer(0), None, ())
    top_x, top_y = of_x[0], of_y[0]
    rate = tidied(_root(top_x) / _root(top_y))
    rate = sympy.log(Abs(rate))
    alone = all(len(side) == 1 or side[0].exceeds(side[1]) for side in (of_x, of_y))
    below = [(each, top_y) for each in of_y[1:]]
    if top_y.exceeds(top_x):
        zero = Integer(0)
        return Limit(zero, zero, rate, _smaller([*((each, top_y) for each in of_x), *below]))
    below += [(each, top_x) for each in of_x[1:]]
    quotient = _leading(top_x) / _leading(top_y)
    turns = _at(_root(top_x) / _root(top_y), numbers)
    keeps_sign = alone and turns.is_real and turns.is_positive
    if top_x.exceeds(top_y):
        grows = sympy.sign(_at(quotient, numbers)) * sympy.oo if keeps_sign else None
        return Limit(grows, sympy.oo, rate, _smaller([*below, (top_y, top_x)]))
    if not alone or tidied(_root(top_x) - _root(top_y)) != 0:
        return Limit(None, None, rate, _smaller(below))
    value = tidied(sympy.radsimp(quotient))
    return Limit(value, Abs(value), rate, _smaller(below))


def _by_size(sequence: Sequenced, numbers: Mapping[Symbol, Expr]) -> list[_Sized]:
    """The modes of a sequence that are there at the numbers, the largest first."""
    sized = [each for part in sequence.parts for each in _sized(part, numbers)]
    return sorted(sized, key=functools.cmp_to_key(_which_first))


def _which_first(one: _Sized, other: _Sized) -> int:
    return other.exceeds(one) - one.exceeds(other)


def _sized(part: SequencePart, numbers: Mapping[Symbol, Expr]) -> Iterator[_Sized]:
    if part.roots is not None:
        yield _Sized(None, Integer(0), 0)
    for mode in part.modes:
        power = Poly(mode.coefficient, t).degree()
        if abs(_at(Poly(mode.coefficient, t).LC(), numbers)) > _NEAR:
            yield _Sized(mode, abs(_at(mode.root, numbers)), power)


def _at(formula: Expr, numbers: Mapping[Symbol, Expr]) -> Expr:
    return formula.subs(numbers).evalf(_DIGITS)


def _root(sized: _Sized) -> Expr:
    return Integer(1) if sized.mode is None else sized.mode.root


def _leading(sized: _Sized) -> Expr:
    return Integer(1) if sized.mode is None else Poly(sized.mode.coefficient, t).LC()


def _smaller(pairs: Sequence[tuple[_Sized, _Sized]]) -> tuple[Boolean, ...]:
    """That roots are smaller than others, where that does not go without saying."""
    told: dict[Boolean, None] = {}
    for one, other in pairs:
        condition = Abs(_root(one)) < Abs(_root(other))
        if not one.is_like(other) and not isinstance(condition, BooleanAtom):
            told[condition] = None
    return tuple(told)
