"""What a file in SBML gives at the start: values of parameters and variables, as formulas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import sympy
from sympy import Expr, Integer, Symbol

from causalopt.exchange.biology.description import Identified
from causalopt.exchange.biology.numbers import UnfitError, evaluated, number
from causalopt.exchange.biology.process import refused
from causalopt.exchange.biology.rates import Rates
from causalopt.ground.checks import shown
from causalopt.ground.errors import FileError
from causalopt.language.symbols import Lag, Quantity, time
from causalopt.model.amounts import in_turn


def given_in(rates: Rates) -> dict[Quantity, Expr]:
    """The values of parameters, and the start values of what has a rate.

    Raises ``FileError`` for a symbol without a value.
    """
    symbols, found = rates.symbols, {}
    for name, quantity in symbols.quantities.items():
        if name in symbols.amounts:
            found[cast(Quantity, symbols.amounts[name])] = _start(rates, name)
        elif name not in symbols.roles.assigned:
            found[quantity] = _start(rates, name)
    for reaction in rates.model["reactions"]:
        for fact in reaction["local"]:
            held = symbols.local[reaction["id"]][fact["id"]]
            found[held] = _number(rates, fact["value"], fact)
    return found


def _start(rates: Rates, name: str) -> Expr:
    """What a symbol starts from; of a species that is diluted, its amount."""
    roles, symbols = rates.symbols.roles, rates.symbols
    fact = roles.symbols[name]
    if name in roles.starts:
        rule = roles.starts[name]
        value = rates.formulas.number(rule["formula"], rule["at"])
        size = symbols.size(name) if name in symbols.amounts else 1
        return cast(Expr, value.xreplace({time: Integer(0)}) * size)
    if name in roles.species:
        return _of_species(rates, name)
    value = roles.parts[name]["stoichiometry"] if name in roles.parts else None
    held = roles.compartments.get(name) or roles.values.get(name)
    return _number(rates, value if held is None else held["value"], fact)


def _of_species(rates: Rates, name: str) -> Expr:
    symbols, fact = rates.symbols, rates.symbols.roles.species[name]
    is_amount = not symbols.roles.is_concentration(name) or name in symbols.amounts
    given = fact["amount"], fact["concentration"]
    own, other = given if is_amount else given[::-1]
    if own is not None or other is None:
        return _number(rates, own, fact)
    size = symbols.size(name)
    # A size that is a number makes a number, which has no unit of its own to disagree by.
    plain = rates.plain_numbers.get(size)
    if size is None or plain == 0:
        told = f"{shown(name)} is in a compartment of no size: write an amount and a size."
        raise refused(rates.source, fact["at"], told)
    if plain is not None:
        return _number(rates, other * plain if is_amount else other / plain, fact)
    return cast(Expr, _number(rates, other, fact) * (size if is_amount else 1 / size))


def _number(rates: Rates, value: float | None, fact: Identified) -> Expr:
    if value is None:
        told = f"{shown(fact['id'])} has no value: write one, or an initial assignment."
        raise refused(rates.source, fact["at"], told)
    try:
        return number(value)
    except UnfitError as error:
        told = f"{shown(fact['id'])} is {error}: write a finite one."
        raise refused(rates.source, fact["at"], told) from None


def numbers_at_start(rates: Rates, given: Mapping[Quantity, Expr]) -> dict[Symbol, float]:
    """What everything comes to at the start, worked out operation by operation.

    Raises ``FileError`` where something comes to no finite real number, and ``DeclarationError``
    where rules go round in a circle.
    """
    written: dict[Quantity, Expr] = {**given, **rates.equations}
    numbers: dict[Symbol, float] = {time: 0.0}
    numbers.update((q, float(f)) for q, f in written.items() if f.is_Number)
    # What was before the start is what is there.
    now = {
        q: f.xreplace({s: s.variable for s in f.atoms(Lag)})
        for q, f in written.items()
        if not f.is_Number
    }
    for quantity in in_turn(now, "What the rules of the file say"):
        try:
            value = evaluated(now[quantity], numbers)
        except UnfitError as error:
            raise _unfit(rates, quantity, now[quantity], str(error)) from None
        if value is sympy.nan:
            raise _unfit(rates, quantity, now[quantity], "no finite real number")
        numbers[quantity] = float(cast(Expr, value))
    return numbers


def _unfit(rates: Rates, quantity: Quantity, formula: Expr, why: str) -> FileError:
    told = f"{shown(str(quantity))} starts from {shown(formula)}, which comes to {why}."
    return refused(rates.source, [0, 0], told)
