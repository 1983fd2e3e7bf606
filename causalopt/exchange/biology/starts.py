"""What a file in SBML gives at the start: values of parameters and variables, as formulas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

import networkx as nx
import sympy
from sympy import Expr, Integer, Symbol

from causalopt.exchange.biology.implied import groups_in, is_around, root_of
from causalopt.exchange.biology.numbers import UnfitError, constant_of, evaluated, number
from causalopt.exchange.biology.process import refused
from causalopt.exchange.biology.rates import Rates
from causalopt.ground.checks import shown
from causalopt.ground.errors import DeclarationError, FileError
from causalopt.language.symbols import Lag, Quantity, Variable, time
from causalopt.model.amounts import in_turn
from causalopt.model.circles import circles_in

if TYPE_CHECKING:
    from causalopt.exchange.biology.description import Identified, Place, RuleFact


def given_in(rates: Rates) -> dict[Quantity, Expr]:
    """The values of parameters, and the start values of what has a rate.

    A compartment of no size is left out where sizes divide out.

    Raises ``FileError`` for another symbol without a value.
    """
    symbols, found = rates.symbols, {}
    for name, quantity in symbols.quantities.items():
        if name in symbols.amounts:
            found[cast(Quantity, symbols.amounts[name])] = _start(rates, name)
        elif name not in symbols.roles.assigned and not _is_idle(rates, name):
            found[quantity] = _start(rates, name)
    turns = {symbols.turn(variable): formula for variable, formula in rates.equations.items()}
    found |= {turn: Integer(1) for turn, formula in turns.items() if formula.has(turn)}
    for reaction in rates.model["reactions"]:
        for fact in reaction["local"]:
            held = symbols.local[reaction["id"]][fact["id"]]
            found[held] = _number(rates, fact["value"], fact)
    return found


def _is_idle(rates: Rates, name: str) -> bool:
    """Whether it is a compartment of no size that nothing follows from: each species is in one."""
    roles = rates.symbols.roles
    if name not in roles.compartments or roles.compartments[name]["value"] is not None:
        return False
    is_given = name in roles.changing or name in roles.starts or name in rates.named
    return not is_given and rates.symbols.quantities[name] not in rates.used


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


def guesses_in(rates: Rates) -> dict[Variable, float]:
    """What the search for a root begins at: the values that the file gives to what is sought.

    These are the variables of algebraic rules on circles of equations.

    Raises ``FileError`` where the file gives none, and where there are events, beside which no
    circles are solved.
    """
    around = set[Variable]().union(*circles_in({
        variable: cast(set[Variable], formula.free_symbols)
        for variable, formula in rates.equations.items()
    }))  # fmt: skip
    return {
        variable: _guess(rates, name, rule)
        for name, rule in rates.symbols.roles.assigned.items()
        if rule["kind"] == "algebraic" and (variable := rates.symbols.variable(name)) in around
    }


def _guess(rates: Rates, name: str, rule: RuleFact) -> float:
    told = f"the algebraic rule determines {shown(name)} by no formula, but as a root"
    if rates.model["events"]:
        told += ", which is not sought inside of steps, where events are found"
        raise refused(rates.source, rule["at"], f"{told}: solve it, and write an assignment rule.")
    try:
        near = constant_of(_start(rates, name), rates.plain_numbers)
    except FileError:
        near = None
    if near is None:
        told += f", and the file does not say near to which number: give {shown(name)} a value."
        raise refused(rates.source, rule["at"], told)
    return near


def numbers_at_start(
    rates: Rates,
    given: Mapping[Quantity, Expr],
    guesses: Mapping[Variable, float],
    places: Mapping[Quantity, Place],
) -> dict[Symbol, float]:
    """What everything comes to at the start, worked out operation by operation.

    Circles of equations are solved from the ``guesses``. ``places`` are those of what starts from
    something else than the file says where it says what it is. What nothing follows from and has no
    number there, as a mean over none, is left out.

    Raises ``FileError`` where something comes to no finite real number, and where rules go round in
    a circle.
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
    straight = {q: f for q, f in now.items() if q not in guesses}
    order = _in_turn(rates, straight)
    for group in groups_in(now, order, guesses):
        if is_around(group, now):
            numbers |= _root(rates, group, now, guesses, numbers)
        else:
            (one,) = group
            at = places.get(one) or _place(rates, one)
            try:
                numbers[one] = _value(rates, one, now[one], numbers, at)
            except FileError:
                if one not in rates.outputs:
                    raise
    return numbers


def _in_turn(rates: Rates, formulas: Mapping[Quantity, Expr]) -> list[Quantity]:
    """What starts from formulas, each after what it follows from; a circle has a place."""
    try:
        return in_turn(formulas, "What the rules of the file say")
    except DeclarationError as error:
        edges = ((s, q) for q, f in formulas.items() for s in f.free_symbols if s in formulas)
        around = nx.find_cycle(nx.DiGraph(edges))
        at = min(_place(rates, cast(Quantity, source)) for source, _ in around)
        raise refused(rates.source, at, str(error)) from None


def _value(
    rates: Rates, quantity: Quantity, formula: Expr, numbers: Mapping[Symbol, float], at: Place
) -> float:
    told = f"{shown(str(quantity))} starts from {shown(formula)}, which comes to"
    if not formula.free_symbols <= numbers.keys():
        raise refused(rates.source, at, f"{told} nothing, since what it follows from has none.")
    try:
        value = evaluated(formula, numbers)
    except UnfitError as error:
        raise refused(rates.source, at, f"{told} {error}.") from None
    if value is sympy.nan:
        raise refused(rates.source, at, f"{told} no finite real number.")
    return float(cast(Expr, value))


def _root(
    rates: Rates,
    group: Sequence[Quantity],
    formulas: Mapping[Quantity, Expr],
    guesses: Mapping[Variable, float],
    numbers: Mapping[Symbol, float],
) -> dict[Symbol, float]:
    """The numbers of a circle of equations, which algebraic rules close."""
    name = next(str(rates.symbols.id_of(v)) for v in group if v in guesses)
    at = rates.symbols.roles.assigned[name]["at"]
    with rates.formulas.within(at):
        found = root_of(group, formulas, guesses, numbers)
    if found is None:
        near = ", ".join(f"{v} = {guesses[v]:g}" for v in group if v in guesses)
        told = f"Newton's method comes to no root of the algebraic rule from {near}, as the file"
        raise refused(rates.source, at, f"{told} says: write a value near to the root meant.")
    return found


def _place(rates: Rates, quantity: Quantity) -> Place:
    """Where the file says what a symbol starts from: in a rule, an assignment, or where it is."""
    roles, symbols = rates.symbols.roles, rates.symbols
    owned = (*symbols.amounts.items(), *symbols.quantities.items())
    name = next(name for name, own in owned if own == quantity)
    rule = roles.assigned.get(name) or roles.starts.get(name)
    return roles.symbols[name]["at"] if rule is None else rule["at"]
