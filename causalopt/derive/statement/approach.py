"""Whether a variable may come to a point by what is assumed of it: from inside its range alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import sympy as sp
from sympy.core.relational import Relational
from sympy.logic.boolalg import Boolean

from causalopt.derive.statement.contradiction import find_conflict
from causalopt.derive.statement.fitting import SIGNS, facts_of, is_stiff, tell

INFINITIES = (sp.oo, -sp.oo)
SIDES = {"+": (1,), "-": (-1,), "+-": (1, -1)}


@dataclasses.dataclass(frozen=True)
class Stray:
    """An assumption that a variable does not keep on its way, or is not known to (``sure``)."""

    needs: str
    sure: bool


def stray_on_way(
    variable: sp.Symbol, to: sp.Expr, side: str, relations: Sequence[Boolean]
) -> Stray | None:
    """What is broken on the way of a limit, on one of its sides at least.

    >>> p = sp.Symbol("p", positive=True)
    >>> stray_on_way(p, sp.S.Zero, "+", [])
    >>> stray_on_way(p, sp.S.Zero, "-", [])
    Stray(needs='p is positive', sure=True)
    """
    if to not in INFINITIES and is_stiff(variable):
        return Stray(_listed(variable), True)
    strays = [_stray_beside(variable, to, sign, relations) for sign in _signs(to, side)]
    found = [stray for stray in strays if stray is not None]
    return max(found, key=lambda stray: stray.sure, default=None)


def stray_about(variable: sp.Symbol, about: sp.Expr, relations: Sequence[Boolean]) -> Stray | None:
    """What is broken about a point, on both of its sides: at an end of a range one is enough."""
    if is_stiff(variable):
        return Stray(_listed(variable), True)
    strays = [_stray_beside(variable, about, sign, relations) for sign in SIDES["+-"]]
    found = [stray for stray in strays if stray is not None]
    return min(found, key=lambda stray: stray.sure) if len(found) == len(strays) else None


def _listed(variable: sp.Symbol) -> str:
    return ", ".join(tell(variable, fact, truth) for fact, truth in facts_of(variable).items())


def _signs(to: sp.Expr, side: str) -> tuple[int, ...]:
    return (1,) if to in INFINITIES else SIDES[side]


def _stray_beside(
    variable: sp.Symbol, to: sp.Expr, sign: int, relations: Sequence[Boolean]
) -> Stray | None:
    if variable.is_extended_real and to not in INFINITIES and not to.is_real:
        return Stray(f"{variable} is real", to.is_real is False)
    if variable.is_imaginary and not (to.is_imaginary or to == 0):
        return Stray(f"{variable} is imaginary", to.is_imaginary is False)
    open_ones = []
    for gap, words in _gaps(variable, relations):
        held = _is_above(gap, variable, to, sign, relations)
        if held is False:
            return Stray(words, True)
        if held is None:
            open_ones.append(Stray(words, False))
    return next(iter(open_ones), None)


def _gaps(variable: sp.Symbol, relations: Sequence[Boolean]) -> Iterator[tuple[sp.Expr, str]]:
    """What must not be below zero, by what is assumed of the variable, with words for it."""
    for fact, truth in facts_of(variable).items():
        if truth and fact in SIGNS and fact != "nonzero":
            upward = fact in ("positive", "nonnegative")
            yield (variable if upward else -variable), tell(variable, fact, truth)
    for relation in relations:
        if isinstance(relation, Relational) and relation.has(variable):
            gap = relation.lhs - relation.rhs
            if isinstance(relation, sp.Unequality):
                # off a point the zeros of a polynomial are left behind
                if not gap.is_polynomial(variable):
                    yield sp.Abs(gap), str(relation)
            else:
                upward = isinstance(relation, sp.GreaterThan | sp.StrictGreaterThan)
                yield (gap if upward else -gap), str(relation)


def _is_above(
    gap: sp.Expr, variable: sp.Symbol, to: sp.Expr, sign: int, relations: Sequence[Boolean]
) -> bool | None:
    """Whether a gap is above zero on the way to a point; None where it is not known."""
    if to in INFINITIES:
        outward = gap.subs(variable, -variable) if to == -sp.oo else gap
        if not outward.is_polynomial(variable):
            return None
        return _is_positive(sp.Poly(outward, variable).LC(), relations)
    here, slope = gap.subs(variable, to), sign * sp.diff(gap, variable).subs(variable, to)
    if here.is_zero or (here.is_nonnegative and slope.is_positive):
        return _is_positive(slope, relations)
    return _is_positive(here, relations)


def _is_positive(number: sp.Expr, relations: Sequence[Boolean]) -> bool | None:
    if number.is_positive or number.is_negative:
        return bool(number.is_positive)
    if not number.is_real or number.is_zero:
        return None
    if find_conflict([*relations, number <= 0]) is not None:
        return True
    return False if find_conflict([*relations, number >= 0]) is not None else None
