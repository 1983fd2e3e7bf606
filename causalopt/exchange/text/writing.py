"""A system or network as the sections of a model in text."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import cast

from sympy import Expr, Symbol

from causalopt.exchange.formula_texts import condition_text, formula_text
from causalopt.exchange.text.mechanisms import mechanism_value
from causalopt.exchange.text.models import EQUALS, NEXT, RATE
from causalopt.exchange.text.symbols import in_sections, symbol_pairs
from causalopt.exchange.text.toml import TomlValue, toml_name
from causalopt.ground.checks import shown
from causalopt.ground.errors import DeclarationError
from causalopt.language.quantities import Noise, Parameter
from causalopt.language.symbols import Label, Variable
from causalopt.mechanisms.decisions import Utility
from causalopt.mechanisms.events import Event
from causalopt.mechanisms.interface import Mechanism, Terms
from causalopt.mechanisms.lookup import Lookup
from causalopt.mechanisms.symbolic import Expression
from causalopt.model.network import Network
from causalopt.model.system import System

#: A header of a file, such as ``[variables.R]``, and what stands below it.
Section = tuple[str, Mapping[str, TomlValue]]


@dataclass
class _Sheet:
    """What is written of a model, and the symbols that its formulas are of."""

    head: dict[str, TomlValue] = field(default_factory=dict)
    parameters: dict[str, TomlValue] = field(default_factory=dict)
    variables: dict[str, dict[str, TomlValue]] = field(default_factory=dict)
    events: list[dict[str, TomlValue]] = field(default_factory=list)
    symbols: dict[str, Symbol] = field(default_factory=dict)

    def add(self, variable: Variable, way: str, value: TomlValue) -> None:
        """Say one thing more of a variable."""
        held = self.variables.setdefault(variable.name, {})
        if not held:
            held |= symbol_pairs(variable)
        held[way] = value

    def mechanism(self, variable: Variable, way: str, mechanism: Mechanism) -> None:
        """Say how a variable follows."""
        self.add(variable, way, mechanism_value(mechanism, str(variable)))
        self.use(_symbols(mechanism))

    def use(self, symbols: Iterable[Symbol]) -> None:
        """Declare what formulas are of."""
        used = [s for s in symbols if isinstance(s, Noise) or type(s) is Symbol]
        self.symbols |= {symbol.name: symbol for symbol in sorted(used, key=str)}

    def parameter(self, parameter: Label, value: object) -> None:
        """Say what a parameter is."""
        if not isinstance(parameter, Parameter):
            raise DeclarationError(
                f"{shown(parameter)} is an input of this network and no parameter: it was unrolled "
                "from a system. Write the system."
            )
        amount = _amount(value, f"the parameter {parameter}")
        pairs = symbol_pairs(parameter)
        self.parameters[parameter.name] = {"value": amount, **pairs} if pairs else amount

    def sections(self) -> Iterator[Section]:
        """The headers, each with what stands below it."""
        if self.parameters:
            yield "[parameters]", self.parameters
        for kind, symbol in in_sections(self.symbols):
            yield f"[{kind}.{toml_name(symbol.name)}]", symbol_pairs(symbol)
        for name, pairs in self.variables.items():
            yield from _apart(f"variables.{toml_name(name)}", pairs)
        for event in self.events:
            yield "[[events]]", event


def _apart(header: str, pairs: Mapping[str, TomlValue]) -> Iterator[Section]:
    """A table, and the tables within it below headers of their own."""
    plain = {key: value for key, value in pairs.items() if not isinstance(value, dict)}
    flat = {key: pairs[key] for key in ("assume",) if key in pairs}
    yield f"[{header}]", {**plain, **flat}
    for key, value in pairs.items():
        if isinstance(value, dict) and key not in flat:
            yield from _rows_apart(f"{header}.{toml_name(key)}", value)


def _rows_apart(header: str, pairs: Mapping[str, TomlValue]) -> Iterator[Section]:
    """A table of chance: its rows have a header of their own, where there are several."""
    rows = pairs.get("rows")
    has_many = isinstance(rows, dict) and any(isinstance(row, dict) for row in rows.values())
    if not has_many:
        yield f"[{header}]", pairs
        return
    yield f"[{header}]", {key: value for key, value in pairs.items() if key != "rows"}
    yield f"[{header}.rows]", cast(Mapping[str, TomlValue], rows)


@functools.singledispatch
def model_sections(model: object) -> tuple[dict[str, TomlValue], list[Section]]:
    """What stands at the head of the file of a model, and its sections.

    Raises ``DeclarationError`` for what a model in text cannot say, by name.
    """
    raise DeclarationError(
        f"{shown(model)} ({type(model).__name__}) is no model: write a System or a Network."
    )


@model_sections.register
def _(model: System) -> tuple[dict[str, TomlValue], list[Section]]:
    sheet = _Sheet()
    if model.dt is not None:
        sheet.head["dt"] = model.dt.name if isinstance(model.dt, Parameter) else float(model.dt)
    if model.method is not None:
        sheet.head["method"] = model.method
    if model.tolerance is not None:
        sheet.head["tolerance"] = model.tolerance
    for parameter, value in model.parameters.items():
        sheet.parameter(parameter, value)
    way = NEXT if model.method is None else RATE
    for variable, rule in model.mechanisms.items():
        sheet.mechanism(variable, way, cast(Mechanism, rule))
        start = model.start[variable]
        sheet.add(variable, "start", _amount(start, f"the start of {variable}"))
    for variable, rule in model.algebraic.items():
        sheet.mechanism(variable, EQUALS, cast(Mechanism, rule))
    for variable, near in model.newton.items():
        sheet.add(variable, "newton", near)
    for variable, rule in model.history.items():
        sheet.mechanism(variable, "history", cast(Mechanism, rule))
    sheet.events += [_event(event, sheet) for event in model.events]
    return sheet.head, list(sheet.sections())


@model_sections.register
def _(model: Network) -> tuple[dict[str, TomlValue], list[Section]]:
    sheet = _Sheet()
    for parameter, value in model.parameters.items():
        sheet.parameter(parameter, value)
    for label in model.nodes:
        if not isinstance(label, Variable):
            raise DeclarationError(
                f"The node {shown(label)} ({type(label).__name__}) is no variable, and nodes of a "
                "model in text are: declare it with variable(...), in place of a label."
            )
        account = model.account(label)
        if account.start is not None:
            value = label.domain.value(cast(float, account.start))
            sheet.add(label, "start", _amount(value, f"the start of {label}"))
        else:
            # Nodes that share a mechanism have it in symbols of its own.
            rule = cast(Mechanism, account.assigned).renamed(cast(Terms, account.names))
            sheet.mechanism(label, EQUALS, rule)
    return sheet.head, list(sheet.sections())


def _amount(value: object, where: str) -> TomlValue:
    """A number, a formula, or the name of a value."""
    if isinstance(value, Expr):
        return formula_text(value)
    if isinstance(value, bool | int | float | str):
        return value
    raise DeclarationError(
        f"{where} is {shown(value)} ({type(value).__name__}), and a model in text has numbers and "
        "formulas: keep it in Python."
    )


def _event(event: Event, sheet: _Sheet) -> dict[str, TomlValue]:
    sheet.use(event.when.free_symbols)
    settings: dict[str, TomlValue] = {}
    for variable, rule in event.set.items():
        settings[variable.name] = mechanism_value(cast(Mechanism, rule), f"the event of {variable}")
        sheet.use(_symbols(cast(Mechanism, rule)))
    return {"when": condition_text(event.when), "set": settings}


@functools.singledispatch
def _symbols(mechanism: Mechanism) -> Iterable[Symbol]:
    """What the formulas of a mechanism are of."""
    return ()


@_symbols.register
def _(mechanism: Expression) -> Iterable[Symbol]:
    return mechanism.arguments


@_symbols.register
def _(mechanism: Lookup) -> Iterable[Symbol]:
    entries = mechanism.cells.entries
    masses = entries.ravel().tolist() if entries.dtype == object else []
    return {symbol for mass in masses for symbol in mass.free_symbols}


@_symbols.register
def _(mechanism: Utility) -> Iterable[Symbol]:
    amounts = [amount for amount in mechanism.amounts if isinstance(amount, Expr)]
    return {symbol for amount in amounts for symbol in amount.free_symbols}
