"""Moments at which a difference of the time is zero: once, or again and again."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import cast

import sympy
from sympy import Abs, And, Dummy, Expr, Max, Piecewise, Symbol, ceiling, floor, sign

from causalopt.exchange.biology.numbers import number
from causalopt.language.symbols import time
from causalopt.mechanisms.borders import zero_of

#: When what waits for nothing is due.
NEVER = number(1e300)
#: In the place of the instant that is due.
DUE = Dummy("due")
# Where in its period a rest comes to a number, but for rounding.
_ROUNDING = number(1e-9)


@dataclass(frozen=True)
class Instants:
    """Moments one after another: the first after the start, and the one that follows ``DUE``."""

    first: Expr
    following: Expr


def instants_of(difference: Expr, positive: Collection[Symbol]) -> list[Instants]:
    """The instants at which the rest of the time by a period is a number; nothing where unclear.

    A rest towards 0 of what is negative at first, as of ``time - 5``, has two: until then, and from
    then on. Of the symbols those that are ``positive`` are taken for such.

    >>> instants_of(time - 12 * floor(time / 12) - 3, ())
    [Instants(first=3, following=_due + 12)]
    """
    names = {s: Dummy(s.name, positive=True) for s in difference.free_symbols & {*positive}}
    back = {dummy: symbol for symbol, dummy in names.items()}
    # What is taken for positive has no instants where it is not.
    is_sound = And(*(symbol > 0 for symbol in names))
    found = []
    for side, low, high in _sides(difference.xreplace(names)):
        one = _within(side, low, high)
        if one is None:
            return []
        first, following = (e.xreplace(back) for e in (one.first, one.following))
        if names:
            first, following = (Piecewise((e, is_sound)) for e in (first, following))
        found.append(Instants(first, following))
    return found


def _sides(difference: Expr) -> Iterator[tuple[Expr, Expr | None, Expr | None]]:
    """What a difference is before and after what its signs are of is 0, from when and until when.

    A run begins at time 0: what is never negative from there on has one side.
    """
    inner = {a.args[0] for a in difference.atoms(sign, Abs) if time in a.free_symbols}
    if not inner:
        yield difference, None, None
        return
    turn, *others = {_turn(of) for of in inner}
    if turn is None or others:
        return
    after = {of: 1 if of.diff(time).is_positive else -1 for of in inner}
    if turn.is_positive is not False:
        yield _with_signs(difference, {of: -s for of, s in after.items()}), None, turn
    yield _with_signs(difference, after), turn, None


def _with_signs(difference: Expr, signs: Mapping[Expr, int]) -> Expr:
    known = {sign(of): sympy.Integer(s) for of, s in signs.items()}
    known |= {Abs(of): s * of for of, s in signs.items()}
    return cast(Expr, difference.xreplace(known))


def _turn(inner: Expr) -> Expr | None:
    """When what is linear in time is 0; None where that cannot be told."""
    zero, slope = zero_of(inner), inner.diff(time)
    is_told = zero is not None and zero.period is None and slope.is_positive is not None
    return zero.first if zero is not None and is_told else None


def _within(difference: Expr, low: Expr | None, high: Expr | None) -> Instants | None:
    """The instants at which a difference is zero, from a time on or until then."""
    zero = zero_of(difference)
    wholes = [w for w in difference.atoms(floor) if time in w.free_symbols]
    if zero is None or zero.period is None or len(wholes) != 1:
        return None
    at, period = zero.first, Abs(zero.period)
    rest = wholes[0].args[0].xreplace({time: at})
    is_met = And(rest >= -_ROUNDING, rest < 1 - _ROUNDING)
    first = at + period * (floor(-at / period) + 1)
    if low is not None:
        first = Max(first, at + period * ceiling((low - at) / period))
    following = DUE + period
    if high is not None:
        first, following = (Piecewise((e, e < high), (NEVER, True)) for e in (first, following))
    return Instants(Piecewise((first, is_met), (NEVER, True)), following)
