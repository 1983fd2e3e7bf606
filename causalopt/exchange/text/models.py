"""Models in text: the system or network that a file declares, once its symbols are known."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import cast

from sympy import Expr, Symbol

from causalopt.exchange.formulas import condition_in
from causalopt.exchange.text.entries import TomlEntry
from causalopt.exchange.text.mechanisms import mechanism_in
from causalopt.exchange.text.sizes import value_at
from causalopt.exchange.text.symbols import VARIABLE_KEYS, Words
from causalopt.ground.errors import DeclarationError
from causalopt.language.finite_variables import Finite
from causalopt.language.quantities import Parameter, Quantity
from causalopt.language.symbols import Lag, Next, Variable, time
from causalopt.mechanisms.declared import Formula
from causalopt.mechanisms.events import Event
from causalopt.mechanisms.interface import Mechanism
from causalopt.mechanisms.symbolic import Expression
from causalopt.model.amounts import Amount, Kept, in_turn
from causalopt.model.building import by_label
from causalopt.model.declaration import with_step
from causalopt.model.network import Network
from causalopt.model.solving import chosen
from causalopt.model.system import System

#: How a variable follows: from the step before, by its rate of change, or from others at once.
NEXT, RATE, EQUALS = "next", "rate", "equals"
#: What is said of a variable.
MODEL_KEYS = (*VARIABLE_KEYS, NEXT, RATE, EQUALS, "start", "newton", "history")

#: The most steps before the start at which a history is looked at.
MOST_HISTORY = 20_000


@dataclass(frozen=True)
class _Parts:
    """What a file says of its variables, by how it says it, with the entries that say so."""

    words: Words
    mechanisms: dict[str, dict[Variable, Mechanism]] = field(
        default_factory=lambda: {NEXT: {}, RATE: {}, EQUALS: {}}
    )
    start: dict[Variable, Amount] = field(default_factory=dict)
    newton: dict[Variable, float] = field(default_factory=dict)
    history: dict[Variable, Formula] = field(default_factory=dict)
    parameters: dict[Parameter, Kept] = field(default_factory=dict)
    entries: dict[tuple[str, Symbol], TomlEntry] = field(default_factory=dict)


def model_in(file: TomlEntry, words: Words) -> System | Network:
    """The model that a file declares.

    A system where a variable has a step (``next``) or a rate, else a network.
    """
    parts = _Parts(words)
    for section in ("parameters", "variables"):
        held = file.get(section)
        for entry in held.items() if held else ():
            symbol = words.symbols[entry.name]
            if isinstance(symbol, Parameter):
                _add_parameter(entry, symbol, parts)
            elif isinstance(symbol, Variable):
                _add_variable(entry, symbol, parts)
    variables = file.get("variables")
    if variables is None:
        raise file.refusal("no variable is declared here: write [variables.x] and what it follows.")
    _check_numbers(parts, file)
    rates, steps = parts.mechanisms[RATE], parts.mechanisms[NEXT]
    if rates and steps:
        odd = next(iter(steps))
        told = f"{odd} has a step, and others have rates: write one of the two for all."
        raise parts.entries[NEXT, odd].refusal(told, of_key=True)
    if not rates and not steps:
        return _network(file, variables, parts)
    return _system(file, variables, parts)


def _add_parameter(entry: TomlEntry, parameter: Parameter, parts: _Parts) -> None:
    held = entry if not isinstance(entry.value, dict) else entry.get("value")
    if held is None:
        raise entry.refusal(f"{parameter} has no value: write value = 1.0.", of_key=True)
    parts.parameters[parameter] = _amount(held, parameter, parts.words)
    parts.entries["value", parameter] = held


def _amount(entry: TomlEntry, quantity: Quantity, words: Words) -> Expr | float:
    """A number that the quantity may have, or the formula that it follows from."""
    amount = words.amount(entry)
    if isinstance(amount, Expr) and not amount.is_number:
        return amount
    # A constant that is written as a formula has its digits from there.
    number = entry.asked(lambda: quantity.domain.code(amount, f"{entry.name} of {quantity}"))
    return cast(float, number)


def _add_variable(entry: TomlEntry, variable: Variable, parts: _Parts) -> None:
    entry.table(MODEL_KEYS)
    ways = [way for way in parts.mechanisms if way in entry]
    if len(ways) > 1:
        told = f"{variable} has {' and '.join(ways)}: write one of them."
        raise entry[ways[1]].refusal(told, of_key=True)
    for way in ways:
        parts.mechanisms[way][variable] = mechanism_in(entry[way], variable, parts.words)
        parts.entries[way, variable] = entry[way]
    start = entry.get("start")
    if start is not None:
        parts.start[variable] = _start(start, variable, parts.words)
        parts.entries["start", variable] = start
    newton = entry.get("newton")
    if newton is not None:
        parts.newton[variable] = newton.number()
        parts.entries["newton", variable] = newton
    history = entry.get("history")
    if history is not None:
        parts.history[variable] = parts.words.amount(history)
        parts.entries["history", variable] = history
    if not ways and start is None:
        told = f"{variable} has neither next, rate, equals nor start: say what it follows from."
        raise entry.refusal(told, of_key=True)


def _start(entry: TomlEntry, variable: Variable, words: Words) -> Amount:
    if isinstance(variable, Finite):
        given = entry.value if isinstance(entry.value, str | int) else entry.text()
        entry.asked(lambda: variable.code(given, f"start of {variable}"))
        return given
    return _amount(entry, variable, words)


def _network(file: TomlEntry, variables: TomlEntry, parts: _Parts) -> Network:
    for key in ("dt", "method", "tolerance", "events"):
        if key in file:
            told = f"{key} is of systems, and no variable here has next or rate: leave it out."
            raise file[key].refusal(told, of_key=True)
    for way, symbol in parts.entries:
        if way in ("history", "newton"):
            told = f"{way} of {symbol} is of systems, and a network has no time: leave it out."
            raise parts.entries[way, symbol].refusal(told, of_key=True)
    return variables.asked(
        lambda: Network(
            parts.mechanisms[EQUALS],
            start=by_label(parts.start),
            parameters=by_label(parts.parameters),
        )
    )


def _system(file: TomlEntry, variables: TomlEntry, parts: _Parts) -> System:
    events = file.get("events")
    rates = parts.mechanisms[RATE]
    dt = _dt(file, parts.words)
    if rates and dt is None:
        raise variables.refusal('there are rates, and no dt: write dt = 0.01 and method = "rk4".')
    told = [_event(one, parts.words) for one in events.each()] if events else []
    known = parts.parameters
    if rates and dt is not None and not isinstance(dt, Parameter):
        # As ``System.from_ode`` has it: the length of a step is a parameter, to be swept.
        known, dt = variables.asked(lambda: with_step(known, dt, rates))
    by, tolerance = _method(file, is_of_rates=bool(rates), has_events=bool(told))
    return variables.asked(
        lambda: System(
            rates or parts.mechanisms[NEXT],
            start=parts.start,
            parameters=known,
            dt=dt,
            method=by,
            tolerance=tolerance,
            algebraic=parts.mechanisms[EQUALS],
            newton=parts.newton,
            history=parts.history,
            events=told,
        )
    )


def _method(
    file: TomlEntry, *, is_of_rates: bool, has_events: bool
) -> tuple[str | None, float | None]:
    """What carries rates over steps, and how right it has to be."""
    for key in ("method", "tolerance"):
        if key in file and not is_of_rates:
            told = f"a {key} is of rates, and no variable has one."
            raise file[key].refusal(told, of_key=True)
    method = file["method"].text() if "method" in file else "euler"
    tolerance = file["tolerance"].number() if "tolerance" in file else None
    by, tolerance = chosen(method, tolerance, has_events)
    return (cast(str, by) if is_of_rates else None), tolerance


def _dt(file: TomlEntry, words: Words) -> Parameter | float | None:
    entry = file.get("dt")
    if entry is None:
        return None
    if isinstance(entry.value, str):
        return words.parameter(entry)
    length = entry.number("a number, or the name of a parameter")
    if length <= 0:
        raise entry.refusal(f"dt is {length:g}: a step takes a positive time, such as 0.01.")
    return length


def _event(entry: TomlEntry, words: Words) -> Event:
    entry.table(("when", "set"))
    when, settings = entry.get("when"), entry.get("set")
    if when is None or settings is None:
        raise entry.refusal('an event has when = "x < 0" and set = {x = 1}.')
    condition = when.asked(lambda: condition_in(when.text(), words.symbols))
    values = {}
    for one in settings.table().items():
        variable = words.symbols.get(one.name)
        if not isinstance(variable, Variable):
            raise one.refusal(f"{one.name!r} is no variable of this file.", of_key=True)
        values[variable] = mechanism_in(one, variable, words)
    return when.asked(lambda: Event(condition, values))


# -- numbers that are worked out while a model is declared -----------------------------------------


def _check_numbers(parts: _Parts, file: TomlEntry) -> None:
    """Raise ``FileError`` for a formula that comes to no float, before sympy works it out whole.

    What no float holds has as many digits as it has: the exponential of it would fill the memory.
    """
    known: dict[Symbol, float] = {time: 0.0}
    _settle("value", parts.parameters, known, parts)
    history = {v: f for v, f in parts.history.items() if isinstance(f, Expr)}
    _check_history(history, known, parts, file)
    numbers = {
        v: v.domain.code(n, str(v)) if not isinstance(n, Expr) else n
        for v, n in parts.start.items()
    }
    equations = {
        v: rule.formula
        for v, rule in parts.mechanisms[EQUALS].items()
        if isinstance(rule, Expression)
    }
    _settle("", {**numbers, **equations}, known, parts)


def _settle(
    way: str,
    amounts: Mapping[Variable, Amount] | Mapping[Parameter, Kept],
    known: dict[Symbol, float],
    parts: _Parts,
) -> None:
    """What follows from what, in turn; what is not known is told where the model is declared."""
    formulas: dict[Symbol, Expr] = {}
    for symbol, amount in amounts.items():
        if isinstance(amount, Expr):
            formulas[symbol] = amount.xreplace(_at_once(amount))
        else:
            known[symbol] = cast(float, amount)
    for symbol in _turns(formulas):
        formula = formulas[symbol]
        if formula.free_symbols <= known.keys():
            entry = next(
                parts.entries[kind, symbol]
                for kind in (way, "start", EQUALS)
                if (kind, symbol) in parts.entries
            )
            known[symbol] = _value(formula, known, entry)


def _turns(formulas: Mapping[Symbol, Expr]) -> Iterable[Symbol]:
    try:
        return in_turn(formulas, "start")
    except DeclarationError:
        # A circle, which is told where the model is declared.
        return ()


def _at_once(formula: Expr) -> dict[Symbol, Symbol]:
    """What stands for the same moment, or an earlier one: at the start all are one."""
    return {s: s.variable for s in formula.free_symbols if isinstance(s, Next | Lag)}


def _value(formula: Expr, known: Mapping[Symbol, float], entry: TomlEntry) -> float:
    entry.file.at = entry.path
    value = value_at(formula, dict(known))
    if isinstance(value, str):
        told = f"{value} comes to no finite real number where the model is declared."
        raise entry.refusal(told)
    return value


def _check_history(
    history: Mapping[Variable, Expr], known: Mapping[Symbol, float], parts: _Parts, file: TomlEntry
) -> None:
    """What is looked back to, step by step and at the middle of each."""
    farthest: dict[Variable, float] = {}
    rules = [rule for way in parts.mechanisms.values() for rule in way.values()]
    for symbol in {s for rule in rules for s in rule.arguments if isinstance(s, Lag)}:
        farthest[symbol.variable] = max(farthest.get(symbol.variable, 0.0), symbol.by)
    dt = _dt(file, parts.words)
    length = 1.0 if dt is None else known.get(dt, 1.0) if isinstance(dt, Parameter) else dt
    for variable, formula in history.items():
        entry = parts.entries["history", variable]
        steps = farthest.get(variable, 0.0) / length if length > 0 else 0.0
        if steps > MOST_HISTORY:
            told = f"{variable} is looked back to over {steps:,.6g} steps, and {MOST_HISTORY:,} are"
            raise entry.refusal(f"{told} looked at (MOST_HISTORY): lengthen dt, or give a number.")
        for half in range(math.ceil(2 * steps) + 1):
            at = {**known, time: -half * length / 2}
            if formula.free_symbols <= at.keys():
                _value(formula, at, entry)
