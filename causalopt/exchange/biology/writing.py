"""A system of rates as a document in SBML: a parameter for each symbol, and rules for what changes.

Stocks are parameters with rate rules. A species would be a concentration in a compartment, with an
amount beside it, and a system says nothing of these.
"""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn, cast
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from sympy import Basic, Expr, Integer, Symbol

from causalopt.exchange.biology.mathml import mathml_of
from causalopt.exchange.biology.units import Factors, factors_of, is_of_time
from causalopt.ground.checks import shown
from causalopt.ground.errors import DeclarationError
from causalopt.language.symbols import Parameter, Quantity, Variable
from causalopt.mechanisms.events import Event
from causalopt.mechanisms.symbolic import Expression
from causalopt.model.amounts import followed
from causalopt.model.circles import named
from causalopt.model.system import System

_SPACE = "http://www.sbml.org/sbml/level3/version2/core"
_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NOT_IN_IDS = re.compile(r"[^A-Za-z0-9_]+")
# What no document in XML can hold.
_NOT_IN_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@functools.singledispatch
def document_of(system: object) -> str:
    """The text of a document in SBML, level 3 version 2, of a system of rates.

    Raises ``DeclarationError`` for what SBML has no place for, by name.
    """
    raise DeclarationError(
        f"{shown(system)} ({type(system).__name__}) is no system, and SBML holds rates of change: "
        "declare it with System.from_ode(...)."
    )


@document_of.register
def _(system: System) -> str:
    if system.method is None:
        raise DeclarationError(
            "This system goes step by step, and SBML holds rates of change: declare it with "
            "System.from_ode(...)."
        )
    root = Element("sbml", {"xmlns": _SPACE, "level": "3", "version": "2"})
    _RuleSheet(system, root).write()
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, "unicode")}\n'


def ids_of(names: Iterable[str]) -> dict[str, str]:
    """An id for each name: itself, where it is one, else its letters and digits.

    >>> ids_of(["heat flow", "x", "heat_flow", "2x"])
    {'heat flow': 'heat_flow_2', 'x': 'x', 'heat_flow': 'heat_flow', '2x': '_2x'}
    """
    listed = list(names)
    taken = {name for name in listed if _ID.fullmatch(name)}
    found: dict[str, str] = {}
    for name in listed:
        one = plain = name if name in taken else _plain(name)
        number = 1
        while one != name and one in taken:
            number += 1
            one = f"{plain}_{number}"
        taken.add(one)
        found[name] = one
    return found


def _plain(name: str) -> str:
    plain = _NOT_IN_IDS.sub("_", name)
    return plain if _ID.fullmatch(plain) else f"_{plain}"


@dataclass(frozen=True)
class _RuleSheet:
    """A system, and the document that it is written to."""

    system: System
    root: Element

    def write(self) -> None:
        """All that it declares, in the order that SBML has."""
        system = self.system
        if system.circles:
            _refuse_circles(system)
        rates, equations = _formulas(system.mechanisms), _formulas(system.algebraic)
        events = [(event, _formulas(event.set)) for event in system.events]
        quantities = self._quantities([*rates.values(), *equations.values(), *_in_events(events)])
        ids = ids_of(q.name for q in quantities)
        symbols: dict[Symbol, str] = {q: ids[q.name] for q in quantities}
        units = _UnitsWritten.of([q.unit for q in quantities], self._unit_of_time)
        model = SubElement(self.root, "model", dict(units.of_time))
        units.write(model)
        self._parameters(model, symbols, units.ids)
        self._starts(model, symbols)
        rules = SubElement(model, "listOfRules")
        for kind, formulas in (("rateRule", rates), ("assignmentRule", equations)):
            for variable, formula in formulas.items():
                rule = SubElement(rules, kind, {"variable": symbols[variable]})
                rule.append(mathml_of(formula, symbols, str(variable)))
        self._events(model, symbols, events)
        for empty in [part for part in model if not len(part)]:
            model.remove(empty)

    @property
    def _unit_of_time(self) -> str:
        return self.system.dt.unit if isinstance(self.system.dt, Parameter) else ""

    def _quantities(self, formulas: Iterable[Basic]) -> list[Quantity]:
        """The symbols to be written: the length of a step is none, unless a formula uses it."""
        system = self.system
        given = {p: f for p, f in system.parameters.items() if isinstance(f, Expr)}
        starts = [f for f in system.start.values() if isinstance(f, Expr)]
        used = {s for formula in (*formulas, *starts) for s in formula.free_symbols}
        for parameter, formula in given.items():
            used |= formula.free_symbols if parameter != system.dt else set()
        is_left_out = system.dt not in used | followed(given, used)
        kept = [p for p in system.parameters if not (is_left_out and p == system.dt)]
        return [_checked(q) for q in (*system.variables, *kept)]

    def _parameters(
        self, model: Element, symbols: Mapping[Symbol, str], units: Mapping[str, str]
    ) -> None:
        within = SubElement(model, "listOfParameters")
        amounts: Mapping[Symbol, object] = {**self.system.start, **self.system.parameters}
        for symbol, own in symbols.items():
            quantity, amount = cast(Quantity, symbol), amounts.get(symbol)
            told = {"id": own} if own == quantity.name else {"id": own, "name": quantity.name}
            if isinstance(amount, int | float):
                told["value"] = _digits(quantity, float(amount))
            elif amount is not None and not isinstance(amount, Expr):
                _refuse(f"{quantity}, which is {shown(amount)},", "numbers and formulas")
            if quantity.unit in units:
                told["units"] = units[quantity.unit]
            told["constant"] = str(isinstance(symbol, Parameter)).lower()
            SubElement(within, "parameter", told)

    def _starts(self, model: Element, symbols: Mapping[Symbol, str]) -> None:
        within = SubElement(model, "listOfInitialAssignments")
        for symbol, amount in {**self.system.start, **self.system.parameters}.items():
            if symbol in symbols and isinstance(amount, Expr):
                one = SubElement(within, "initialAssignment", {"symbol": symbols[symbol]})
                one.append(mathml_of(amount, symbols, str(symbol)))

    def _events(
        self,
        model: Element,
        symbols: Mapping[Symbol, str],
        events: Sequence[tuple[Event, Mapping[Variable, Expr]]],
    ) -> None:
        within = SubElement(model, "listOfEvents")
        for place, (event, values) in enumerate(events):
            one = SubElement(within, "event", {"useValuesFromTriggerTime": "true"})
            told = {"initialValue": "true", "persistent": "true"}
            where = f"the event when {event.when}"
            SubElement(one, "trigger", told).append(mathml_of(event.when, symbols, where))
            if len(events) > 1:
                # Of several at once the first has the last word, which the lowest priority has.
                priority = mathml_of(Integer(place), symbols, where)
                SubElement(one, "priority").append(priority)
            settings = SubElement(one, "listOfEventAssignments")
            for variable, value in values.items():
                to = SubElement(settings, "eventAssignment", {"variable": symbols[variable]})
                to.append(mathml_of(value, symbols, f"{variable} in {where}"))


def _in_events(
    events: Iterable[tuple[Event, Mapping[Variable, Expr]]],
) -> Iterator[Basic]:
    for event, values in events:
        yield event.when
        yield from values.values()


def _formulas(declared: Mapping[Variable, object]) -> dict[Variable, Expr]:
    """What variables follow by, each of which has to be a formula."""
    found: dict[Variable, Expr] = {}
    for variable, rule in declared.items():
        if not isinstance(rule, Expression):
            _refuse(f"{variable}, which follows by {shown(str(rule))},", "formulas")
        found[variable] = rule.formula
    return found


def _checked(quantity: Quantity) -> Quantity:
    """A symbol that can be written: a real number, with a name that XML can hold."""
    if quantity.domain.shape:
        _refuse(f"{quantity}, an array,", "single numbers")
    if quantity.domain.why_no_difference() is not None:
        _refuse(f"{quantity}, which takes named values,", "real numbers")
    if _NOT_IN_XML.search(quantity.name):
        _refuse(f"the name {quantity.name!a}, with letters that XML cannot hold:", "other names")
    return quantity


def _digits(quantity: Quantity, value: float) -> str:
    """A value with the digits that give the same float back."""
    if 0 < abs(value) < sys.float_info.min:
        # In an attribute they are read as nan, though not in a formula.
        raise DeclarationError(
            f"{quantity} is {value!r}, and of values nearer to 0 than {sys.float_info.min:.2g} "
            "readers of SBML find none: write 0, or choose a smaller unit."
        )
    return repr(value)


def _refuse_circles(system: System) -> NoReturn:
    raise DeclarationError(
        f"SBML has no place for a circle of equations, of {named(system.circles)}: rules follow "
        "one another, and an algebraic rule says neither what it is solved for nor from where, and "
        "would come back as another equation. Solve the circle by hand, or write the system as "
        "text, write_model."
    )


def _refuse(what: str, instead: str) -> NoReturn:
    raise DeclarationError(f"SBML has no place for {what} and holds {instead} alone.")


# -- units -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _UnitsWritten:
    """The units of a document: ids by their texts, and the factors of each."""

    ids: Mapping[str, str]
    factors: Mapping[str, Factors]
    of_time: Mapping[str, str]

    @classmethod
    def of(cls, texts: Iterable[str], time: str) -> _UnitsWritten:
        """Those that SBML has words for; the others are left out, as the reader leaves them."""
        found = {text: factors_of(text) for text in dict.fromkeys((*texts, time)) if text}
        factors = {text: known for text, known in found.items() if known is not None}
        ids = {text: f"unit_{one}" for text, one in ids_of(factors).items()}
        is_known = time in factors and is_of_time(factors[time])
        return cls(ids, factors, {"timeUnits": ids[time]} if is_known else {})

    def write(self, model: Element) -> None:
        within = SubElement(model, "listOfUnitDefinitions")
        for text, factors in self.factors.items():
            one = SubElement(within, "unitDefinition", {"id": self.ids[text], "name": text})
            inside = SubElement(one, "listOfUnits")
            for kind, exponent, scale, multiplier in factors:
                told = {"kind": kind, "exponent": repr(exponent), "scale": str(scale)}
                SubElement(inside, "unit", {**told, "multiplier": repr(multiplier)})
