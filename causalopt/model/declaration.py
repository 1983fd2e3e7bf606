"""Checks of what a user declares: formulas, symbols and values, before anything is built."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sympy import Expr, Symbol

from causalopt.ground.errors import DeclarationError, QueryError, nearest
from causalopt.language.finite_variables import Finite, finite_of, listed
from causalopt.language.symbols import Next, Noise, Quantity, Time, Variable
from causalopt.language.tables import Table, formula_for
from causalopt.mechanisms.symbolic import Expression, expression


def check_formulas(
    mechanisms: Mapping[Variable, Expr | float | Table], *, same_step: bool
) -> dict[Variable, Expression]:
    """The mechanisms of a declaration, each with a variable on its left side."""
    if not isinstance(mechanisms, Mapping):
        raise DeclarationError(
            f"The mechanisms are {type(mechanisms).__name__}: write a dict, such as "
            "{T: R - d, R: R - k*T}."
        )
    formulas: dict[Variable, Expression] = {}
    for target, given in mechanisms.items():
        if not isinstance(target, Variable):
            kind = type(target).__name__
            raise DeclarationError(
                f"{target!r} ({kind}) stands on the left of a mechanism: only a variable can, "
                f'such as {target} = variable("{target}").'
            )
        formulas[target] = mechanism_of(target, given)
        if not same_step:
            timed = [s for s in formulas[target].arguments if isinstance(s, Next | Time)]
            if timed:
                raise DeclarationError(
                    f"The mechanism of {target} uses {timed[0]}, but a Network has no time: "
                    "declare a System."
                )
    _refuse_shared_names({s for f in formulas.values() for s in f.arguments} | set(formulas))
    return formulas


def mechanism_of(target: object, given: object) -> Expression:
    """The mechanism of a variable or node, from a formula, a number or a lookup table."""
    return expression(formula_for(target, given), str(target))


def _refuse_shared_names(symbols: Iterable[Symbol]) -> None:
    owners: dict[str, Symbol] = {}
    for symbol in symbols:
        if not isinstance(symbol, Quantity):
            continue
        other = owners.setdefault(symbol.name, symbol)
        if other != symbol:
            kinds = sorted(_kind(s) for s in (other, symbol))
            raise DeclarationError(
                f"{symbol} is declared twice, as a {kinds[0]} and as a {kinds[1]}: "
                "give each symbol its own name."
            )


def _kind(symbol: Quantity) -> str:
    if isinstance(symbol, Finite):
        return f"variable with the values {listed(symbol.values)}"
    return f"{type(symbol).__name__.lower()} in {symbol.unit or 1}"


def check_symbols(formulas: Mapping[Any, Expression], known: Iterable[Symbol], remedy: str) -> None:
    """Every symbol of every formula is known; else name the nearest one and what to write.

    ``remedy`` says what a variable wants; parameters and foreign symbols want the same everywhere.
    """
    everything = set(known)
    _refuse_shared_names(everything | {s for f in formulas.values() for s in f.arguments})
    for target, formula in formulas.items():
        for symbol in formula.arguments:
            owner = symbol.variable if isinstance(symbol, Next) else symbol
            if owner not in everything and not isinstance(owner, Time | Noise):
                raise DeclarationError(
                    f"The mechanism of {target} uses {owner}, which is not declared here: "
                    f"{_remedy(owner, remedy)}.{nearest(owner, sorted(map(str, everything)))}"
                )


def noises_of(mechanisms: Iterable[Expression]) -> tuple[Noise, ...]:
    """The noises that mechanisms use, by name; two of one name are refused."""
    found = {s for m in mechanisms for s in m.arguments if isinstance(s, Noise)}
    return tuple(sorted(found, key=lambda noise: noise.name))


def check_seed(seed: object) -> int:
    """A seed: a whole number, 0 or more."""
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise QueryError(f"seed is {seed!r}: write a whole number of 0 or more.")
    return seed


def _remedy(owner: Symbol, for_variable: str) -> str:
    if isinstance(owner, Variable):
        return for_variable
    if isinstance(owner, Quantity):
        return f"give it a value in parameters={{{owner}: ...}}"
    return f'make it with variable("{owner}") or parameter("{owner}")'


def numbers(given: Mapping[Any, Any], kind: type[Quantity], where: str) -> dict[Any, float]:
    """The finite values of a mapping whose keys are all of one kind of symbol."""
    if not isinstance(given, Mapping):
        raise DeclarationError(
            f"{where} is {type(given).__name__}: write a dict, such as {where}={{...: 1.0}}."
        )
    for key in given:
        if not isinstance(key, kind):
            raise DeclarationError(
                f"{where} has the key {key!r} ({type(key).__name__}): "
                f"its keys are {kind.__name__.lower()}s."
            )
    return {key: coded(key, value, f"{where}[{key}]") for key, value in given.items()}


def coded(key: object, given: object, where: str) -> float:
    """A value of a variable or node as a number: the place of a named value, else the number."""
    finite = finite_of(key)
    return number(given, where) if finite is None else float(finite.code(given, where))


def number(given: object, where: str) -> float:
    """A finite float, or an error that says what was given instead.

    >>> number(3, "start[R]")
    3.0
    """
    try:
        if isinstance(given, str | bool):
            raise TypeError
        value = float(given)  # type: ignore[arg-type]  # the except clause is for the rest
    except (TypeError, ValueError, OverflowError):
        raise DeclarationError(
            f"{where} is {given!r} ({type(given).__name__}): write a finite real number."
        ) from None
    if not math.isfinite(value):
        raise DeclarationError(f"{where} is {value}: write a finite real number.")
    return value


def cycle_message(loop: Sequence[str]) -> str:
    """What is wrong with a cycle, named node by node."""
    return (
        f"The nodes form a cycle: {' -> '.join(loop)}. Each one would have to be computed before "
        "itself; let one of them depend on an earlier step, in a System."
    )
