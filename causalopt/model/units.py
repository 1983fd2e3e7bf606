"""The units of a declaration: what its symbols have, and whether its formulas agree with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import TypeVar, cast

from sympy import Piecewise, Symbol

from causalopt.language.laws import is_standard
from causalopt.language.symbols import Noise, Parameter, Quantity, Shifted, Time, Variable
from causalopt.language.units import NUMBER, PURE, UNKNOWN, Measured, UnitOfMeasure, times, unit_of
from causalopt.mechanisms.events import Event
from causalopt.mechanisms.interface import Mechanism
from causalopt.mechanisms.symbolic import Expression

K = TypeVar("K")


def check_units(
    mechanisms: Mapping[K, Mechanism],
    dt: float | Parameter | None = None,
    *,
    is_rate: bool = False,
) -> None:
    """Raise ``DeclarationError`` for a formula whose units surely do not fit together.

    A rate of change is in the unit of its variable over that of ``dt``. Without ``dt`` time counts
    steps, and is a number; where ``dt`` has no unit, nobody knows that of time.
    """
    duration = PURE if dt is None else _unit(dt)
    clock = NUMBER if duration == PURE else Measured(duration)

    def of(symbol: Symbol) -> Measured:
        if isinstance(symbol, Time):
            return clock
        # Of a number that is drawn, a formula of parameters makes what has a unit.
        if isinstance(symbol, Noise) and is_standard(symbol.law):
            return NUMBER
        unit = _unit(symbol)
        return UNKNOWN if unit is None else Measured(unit)

    for target, mechanism in mechanisms.items():
        # Most systems say no units, and then nothing is to be done.
        if not any(_text(symbol) for symbol in mechanism.arguments):
            continue
        own = _unit(target)
        if is_rate:
            own = _over(own, duration)
        mechanism.check_units(of, own, str(target))


def check_other_units(
    stated: Iterable[Mapping[K, Mechanism]], events: Iterable[Event], dt: float | Parameter | None
) -> None:
    """The same for formulas of one moment, and for what events compare and set."""
    for formulas in stated:
        check_units(formulas, dt)
    for event in events:
        condition = Expression(Piecewise((1, event.when), (0, True)))
        check_units({f"the event when {event.when}": condition}, dt)
        check_units(cast(Mapping[Variable, Mechanism], event.set), dt)


def _over(unit: UnitOfMeasure | None, duration: UnitOfMeasure | None) -> UnitOfMeasure | None:
    if unit is None or duration is None:
        return None
    return times([unit, duration.to_the(Fraction(-1))])


def _unit(owner: object) -> UnitOfMeasure | None:
    """The unit of a symbol that has one; None where it is not known."""
    return unit_of(_text(owner))


def _text(owner: object) -> str:
    symbol = owner.variable if isinstance(owner, Shifted) else owner
    if not isinstance(symbol, Quantity) or not symbol.unit:
        return ""
    # A formula sees the places of named values, whatever these are in.
    return symbol.unit if symbol.domain.why_no_difference() is None else ""
