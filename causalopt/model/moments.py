"""What users declare, in terms of one step: delays in steps, equations that hold at one moment."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from sympy import Expr, Symbol

from causalopt.ground.errors import DeclarationError, QueryError
from causalopt.language.symbols import Lag, Next, Noise, Past, Variable, time
from causalopt.mechanisms.interface import Mechanism
from causalopt.mechanisms.methods import METHODS

# The part of a step by which a delay may miss a whole number of them: floats are rounded.
_ROUNDING = 1e-6

# What is looked back to is planned step by step, some 0.3 ms each.
_FARTHEST = 10_000


def in_steps(mechanism: Mechanism, length: float, where: object) -> Mechanism:
    """The mechanism with its delays in steps of a ``length``.

    Raises ``DeclarationError`` for a delay that is no whole number of steps.
    """
    lags = [s for s in mechanism.arguments if isinstance(s, Lag)]
    return mechanism.renamed({lag: _in_steps(lag, length, where) for lag in lags})


def _in_steps(lag: Lag, length: float, where: object) -> Past:
    steps = lag.by / length
    if round(steps) < 1 or abs(steps - round(steps)) > _ROUNDING * steps:
        whole = max(round(steps), 1)
        raise DeclarationError(
            f"The mechanism of {where} uses {lag}, a delay of {steps:.6g} steps of {length:g}, and "
            f"a delay is a whole number of them: write {lag.variable}.lag({whole * length:g}), or "
            f"dt={lag.by / whole:.6g}."
        )
    if steps > _FARTHEST:
        raise DeclarationError(
            f"The mechanism of {where} uses {lag}, a delay of {steps:,.0f} steps, and a run keeps "
            f"at most {_FARTHEST:,} of them for each variable: take longer steps."
        )
    return Past(lag.variable, round(steps))


def delayed_in(mechanism: Mechanism) -> frozenset[Variable]:
    """The variables that a mechanism, as written, uses with a delay."""
    return frozenset(s.variable for s in mechanism.arguments if isinstance(s, Lag))


def farthest(mechanisms: Iterable[Mechanism]) -> dict[Variable, int]:
    """How many steps before the start each variable is looked back to."""
    pasts = [s for m in mechanisms for s in m.arguments if isinstance(s, Past)]
    return {p.variable: max(q.by for q in pasts if q.variable == p.variable) for p in pasts}


def check_kept(
    key: object, delayed: Collection[Variable], kept: Collection[Variable], method: str | None
) -> None:
    """Raise ``DeclarationError`` where a method does not keep what was inside its steps."""
    tableau = None if method is None else METHODS[method].tableau
    if delayed and not kept and tableau is not None and tableau.halfway is not None:
        name = next(iter(delayed))
        raise DeclarationError(
            f"The mechanism of {key} uses {name} with a delay, and none that is declared does, so "
            f"that values inside the steps of {method} are not kept: declare a delay of it, "
            "weighted by a parameter that is 0."
        )


def check_memoryless(delayed: Iterable[Variable], what: str) -> None:
    """Raise ``QueryError`` where a step follows from more than the state one step before it."""
    for name in sorted(map(str, delayed)):
        raise QueryError(
            f"{what} follows the state from one step to the next, and this system looks back to "
            f"earlier values of {name}: in place of {name}.lag(2), let variables pass them on, "
            f"{{{name}1: {name}, {name}2: {name}1}}."
        )


def earlier(variable: Variable, steps: int) -> Symbol:
    """A variable so many steps before the one before: itself, where there are none."""
    return Past(variable, steps) if steps else variable


def at_end(mechanism: Mechanism, size: Expr) -> Mechanism:
    """An equation of one moment, as what gives a value at the end of a step, ``size`` long.

    In it R is R.next, what is delayed is a step later, and so is time.

    >>> from causalopt.language.symbols import variables
    >>> from causalopt.mechanisms.symbolic import Expression
    >>> (x,) = variables("x")
    >>> print(at_end(Expression(time - x + Past(x, 5)), Symbol("dt")))
    dt + t - x.next + x.past(4)
    """
    terms: dict[Symbol, Expr] = {time: time + size}
    for symbol in mechanism.arguments:
        if isinstance(symbol, Past):
            terms[symbol] = earlier(symbol.variable, symbol.by - 1)
        elif isinstance(symbol, Variable):
            terms[symbol] = symbol.next
    return mechanism.renamed(terms)


def at_start(mechanism: Mechanism, size: Expr) -> Mechanism:
    """The same for the start, from what gives a value at the end of a step."""
    return mechanism.renamed({time: time - size})


def check_equation(variable: Variable, mechanism: Mechanism) -> None:
    """Raise ``DeclarationError`` for what is no equation of one moment."""
    for symbol in mechanism.arguments:
        if isinstance(symbol, Next):
            raise DeclarationError(
                f"The equation of {variable} uses {symbol}: it holds at one moment, so write "
                f"{symbol.variable}."
            )
        if isinstance(symbol, Noise):
            raise DeclarationError(
                f"The equation of {variable} uses the noise {symbol}, which is drawn in the course "
                "of a step: let it enter a variable that has a step or a rate of its own."
            )


def check_history(
    history: Mapping[Variable, Mechanism], delayed: Iterable[Variable], parameters: Iterable[Symbol]
) -> None:
    """A history is a formula of time and parameters, of a variable that is delayed."""
    known, those = {*parameters, time}, set(delayed)
    for variable, mechanism in history.items():
        if variable not in those:
            raise DeclarationError(
                f"history tells of {variable}, which no mechanism uses with a delay: write "
                f"{variable}.lag(...) where it is used, or leave it out."
            )
        foreign = [s for s in mechanism.arguments if s not in known]
        if foreign:
            raise DeclarationError(
                f"The history of {variable} is {mechanism}, and uses {foreign[0]}: before the "
                "start there are time and parameters alone."
            )
