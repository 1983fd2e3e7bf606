"""Conditions on time as conditions on steps: times are multiples of dt, floats only nearly so.

3 * 0.1 is no 0.3 to a float, so that ``Eq(time, 0.3)`` would never hold. A comparison that is
linear in time is made with room for rounding, which no other time comes into, and so is a whole
part: 2/3 + 1/3 may be a little less than 1. What is asked once where a step ends and once more
where the next one begins is asked of the same float.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TypeVar

import sympy
from sympy import (
    Abs,
    And,
    Basic,
    Dummy,
    Expr,
    Float,
    Mod,
    Or,
    Piecewise,
    Rational,
    ceiling,
    floor,
)
from sympy.core.relational import Relational
from sympy.logic.boolalg import Boolean

from causalopt.ground.errors import DeclarationError
from causalopt.language.symbols import time
from causalopt.mechanisms.crossing import SHARE

# Time takes either side, so that sympy need not look which it is.
_below, _most, _above, _least = (
    functools.partial(kind, evaluate=False) for kind in (sympy.Lt, sympy.Le, sympy.Gt, sympy.Ge)
)

# What a comparison of a difference with zero becomes, with room on either side, which may be 0.
_WITH_ROOM: Mapping[type[Relational], Callable[[Expr, Expr], Boolean]] = {
    sympy.Eq: lambda d, room: And(_most(d, room), _least(d, -room)),
    sympy.Ne: lambda d, room: Or(_above(d, room), _below(d, -room)),
    sympy.Lt: lambda d, room: _below(d, -room),
    sympy.Le: lambda d, room: _most(d, room),
    sympy.Gt: lambda d, room: _above(d, room),
    sympy.Ge: lambda d, room: _least(d, -room),
}


# The part of a time that rounding may take: at the start of a run, at 0, it takes nothing.
_ROUNDED = Float(2.0**-40)

F = TypeVar("F", Expr, Boolean)


def in_steps(formula: Expr, room: float, length: float, where: str) -> Expr:
    """The formula, its conditions on time made with room for rounding.

    Times are multiples of ``length``, dt or a part of it, and rounding is less than ``room``.
    Raises ``DeclarationError`` for an equality that is not linear in time, or that no time meets.

    >>> x = sympy.Symbol("x")
    >>> in_steps(sympy.Piecewise((x, time < 3), (0, True)), 1e-7, 0.1, "x")
    Piecewise((x, t < 2.9999999), (0, True))
    """
    return _with_room(formula, Float(room), length, where)


def as_times_go(formula: F, length: float | None, where: str) -> F:
    """An event's condition, or its height, with room for rounding of multiples of a ``length``.

    The room is a part of the time itself, so that a time that is not 0 is after the start of a run,
    however soon. Without a ``length``, time counts steps, and is as it is. Raises as ``in_steps``.

    >>> as_times_go(time >= 3, 0.1, "x")
    t - 3 >= -9.09494701772928e-13*t
    """
    return formula if length is None else _with_room(formula, _ROUNDED * time, length, where)


def end_of_step(size: Expr) -> Expr:
    """The time at which a step of a ``size`` ends, to the last digit that at which the next begins.

    That is size (number + 1) where the step begins at size number, as whole steps do, and what is
    added up elsewhere, in parts of steps, which may be of no length.
    """
    begun = floor(time / size + Rational(1, 2)) * size
    is_whole = And(size > 0, Abs(time - begun) <= 0)
    return Piecewise((floor(time / size + Rational(3, 2)) * size, is_whole), (time + size, True))


def _with_room(formula: F, room: Expr, length: float, where: str) -> F:
    changed: dict[Basic, Basic] = {
        part: _in_steps(part, room, length, where)
        if isinstance(part, Relational)
        else _whole_with_room(part, room)
        for part in _by_the_clock(formula)
    }
    made: F = formula.xreplace(changed) if changed else formula
    return made


@functools.lru_cache(maxsize=4096)
def _by_the_clock(formula: Basic) -> tuple[Basic, ...]:
    """The conditions on time and whole parts of it: asked of a rate at each stage of a step."""
    # Inside a step, where a moment is looked for, times are no multiples of anything.
    parts = formula.atoms(Relational, floor, ceiling, Mod)
    return tuple(part for part in parts if {time, SHARE} & part.free_symbols == {time})


def _whole_with_room(part: Expr, room: Expr) -> Expr:
    """A whole part of the time as it is where rounding has left it a little short of a number."""
    if isinstance(part, Mod):
        inner, period = part.args
        whole = floor(inner / period)
        roomy = _whole_with_room(whole, room)
        return part if roomy == whole else inner - period * roomy
    rate = part.args[0].diff(time) if part.args else sympy.Integer(0)
    if rate.is_zero or rate.has(sympy.Derivative, sympy.Subs) or time in rate.free_symbols:
        return part
    by = abs(rate) * room
    return part.func(part.args[0] + (by if isinstance(part, floor) else -by))


def _in_steps(condition: Relational, room: Expr, length: float, where: str) -> Boolean:
    difference = condition.lhs - condition.rhs
    wholes = [w for w in difference.atoms(floor, ceiling, Mod) if time in w.free_symbols]
    # From one whole number to the next one, they stay, and the rest of a period goes with the time.
    frozen = difference.xreplace({w: Dummy(real=True) if not isinstance(w, Mod)
                                  else w.args[0] + Dummy(real=True) for w in wholes})  # fmt: skip
    rate = frozen.diff(time)
    own = difference.xreplace({w: _whole_with_room(w, room) for w in wholes})
    is_equality = isinstance(condition, sympy.Eq | sympy.Ne)
    is_linear = rate.is_number and rate.is_finite and not rate.is_zero
    if is_linear and not (is_equality and wholes):
        if isinstance(condition, sympy.Eq):
            _check_met(condition, difference / rate - time, length, where)
        return _WITH_ROOM[condition.func](own, abs(rate) * room)
    if is_equality and not (wholes and rate.is_zero):
        raise DeclarationError(
            f"The mechanism of {where} asks whether {condition}: times are multiples of "
            f"{length:g}, as floats, and nearly never equal to anything. Write a stretch of time, "
            f"such as Mod(time, 24) < {length:g}."
        )
    return condition.func(own, 0, evaluate=False) if wholes else condition


def _check_met(condition: Relational, offset: Expr, length: float, where: str) -> None:
    """An equality with a number is met at some time."""
    if not offset.is_number:
        return
    steps = -float(offset) / length
    if abs(steps - round(steps)) > 1e-5:
        raise DeclarationError(
            f"The mechanism of {where} asks whether {condition}, which no time meets: times are "
            f"multiples of {length:g}. Write {length * round(steps):g}, or a stretch of time."
        )
