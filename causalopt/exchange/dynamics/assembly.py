"""The system of an outline: stocks with rates, equations of one moment, and constants."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import networkx as nx
from sympy import Expr

from causalopt.exchange.chances import FEW
from causalopt.exchange.dynamics.arrays import written_out
from causalopt.exchange.dynamics.evaluation import Building, value_of
from causalopt.exchange.dynamics.expansion import flat
from causalopt.exchange.dynamics.measured import units_of
from causalopt.exchange.dynamics.syntax import (
    Applied,
    Definition,
    Delayed,
    Draw,
    GraphicalFunction,
    Outline,
    Syntax,
    key_of,
    parts_in,
    references_in,
)
from causalopt.exchange.reading import FileText
from causalopt.ground.checks import shown
from causalopt.ground.errors import DeclarationError, FileError, TooLargeError, nearest
from causalopt.ground.work import bounded
from causalopt.language.naming import BESIDE_VALUES
from causalopt.language.symbols import Parameter, Variable, time
from causalopt.mechanisms.symbolic import expression
from causalopt.model.system import System

#: What the clock of a file is called, whatever the format.
TIME, STEP, FIRST, LAST = "Time", "TIME STEP", "INITIAL TIME", "FINAL TIME"
# Millions of calls that sympy may take: for a file, for each part of a formula, each point of a
# graph, and each largest or smallest, which it compares at length; twice and more what models need.
_CALLS, _CALLS_A_PART, _CALLS_A_POINT, _CALLS_AN_EXTREME = 0.3, 0.004, 0.015, 0.03
# The same for units, which are read on first use.
_CALLS_FOR_UNITS = 4.0


@dataclass(frozen=True)
class Stock:
    """What adds up over time: its name in the file, its rate, and what it starts from."""

    definition: Definition
    rate: Syntax
    initial: Syntax


@dataclass(frozen=True)
class Kinds:
    """The definitions of a file by what they are, each with the key of its name."""

    source: FileText
    every: Mapping[str, Definition]

    @cached_property
    def stocks(self) -> Mapping[str, Stock]:
        """What adds up over time, by a rate."""
        return {
            key: Stock(d, *d.formula.arguments)
            for key, d in self.every.items()
            if isinstance(d.formula, Applied) and d.formula.function == "integ"
        }

    def at_start(self, key: str) -> Syntax:
        """The formula that gives the value of a variable at the start."""
        return self.stocks[key].initial if key in self.stocks else self.every[key].formula

    @cached_property
    def constants(self) -> Mapping[str, Definition]:
        """What follows from numbers and constants alone, each after those that it follows from."""
        found: dict[str, Definition] = {}
        for key in self.order:
            definition = self.every[key]
            plain = not any(isinstance(p, Delayed | Draw) for p in parts_in(definition.formula))
            if plain and key not in self.stocks and all(
                r.key in found for r in references_in(definition.formula)
            ):  # fmt: skip
                found[key] = definition
        return found

    @cached_property
    def equations(self) -> Mapping[str, Definition]:
        """What follows from others at the same moment."""
        apart = self.stocks.keys() | self.constants.keys()
        return {key: d for key, d in self.every.items() if key not in apart}

    @cached_property
    def work(self) -> float:
        """How many millions of calls all formulas may take in sympy."""
        parts = [part for d in self.every.values() for part in parts_in(d.formula)]
        points = sum(len(p.points) for p in parts if isinstance(p, GraphicalFunction))
        extremes = sum(isinstance(p, Applied) and p.function in ("min", "max") for p in parts)
        apart = _CALLS_A_POINT * points + _CALLS_AN_EXTREME * extremes
        return _CALLS + _CALLS_A_PART * len(parts) + apart

    @cached_property
    def order(self) -> Sequence[str]:
        """All, each after those that it follows from at one moment, and a stock at the start."""
        self._in_turn({key: d.formula for key, d in self.every.items() if key not in self.stocks})
        return self._in_turn({key: self.at_start(key) for key in self.every})

    def _in_turn(self, formulas: Mapping[str, Syntax]) -> list[str]:
        graph = nx.DiGraph()
        graph.add_nodes_from(formulas)
        for key, formula in formulas.items():
            graph.add_edges_from((r.key, key) for r in references_in(formula) if r.key in formulas)
        if nx.is_directed_acyclic_graph(graph):
            places = {key: place for place, key in enumerate(formulas)}
            return list(nx.lexicographical_topological_sort(graph, key=places.__getitem__))
        around = [edge[0] for edge in nx.find_cycle(graph)]
        names = [self.every[key].name.text for key in (*around, around[0])]
        path = " -> ".join(names) if len(around) <= FEW else f"{len(around)} variables long"
        offset = min(self.every[key].name.offset for key in around)
        told = f"the formulas run in a circle, {path}: let a stock or a delay stand in it."
        raise self.source.refusal(offset, told)


def system_of(outline: Outline) -> System:
    """The system of a file.

    Units are kept where they are understood and agree; else a ``RuntimeWarning`` tells why not.
    Raises ``FileError``, with line and column, for what cannot be.
    """
    definitions = flat(outline, written_out(outline))
    kinds = Kinds(outline.source, _by_key(outline, definitions))
    _check_names(outline, kinds)
    _numbers(kinds)
    units, strange = units_of(definitions, outline.same_units)
    told = [f"{shown(', '.join(strange[:3]))} is no unit that is understood"] if strange else []
    try:
        system = _built(outline, kinds, units)
    except FileError as error:
        if not units:
            raise
        system = _built(outline, kinds, {})
        told = [f"they do not agree: {str(error).partition(': ')[2].partition('. ')[0]}"]
    if told:
        warnings.warn(
            f"{outline.source.path}: units are left out, for {told[0]}.",
            RuntimeWarning,
            stacklevel=3,
        )
    return system


def steps_of(system: System) -> int:
    """How many steps a system that was read takes from its INITIAL TIME to its FINAL TIME.

    Raises ``DeclarationError`` for a system that has no such parameters.
    """
    values = {str(parameter): value for parameter, value in system.parameter_values.items()}
    if not {FIRST, LAST, STEP} <= values.keys():
        raise DeclarationError(
            f"The system has no {FIRST}, {LAST} and {STEP}: it was not read from a file of system "
            "dynamics, so say how many steps it is to take."
        )
    return round((values[LAST] - values[FIRST]) / values[STEP])


# -- checks ----------------------------------------------------------------------------------------


def _by_key(outline: Outline, definitions: Iterable[Definition]) -> dict[str, Definition]:
    known: dict[str, Definition] = {}
    graphs = [d for d in outline.definitions if isinstance(d.formula, GraphicalFunction)]
    for definition in (*definitions, *graphs):
        other = known.setdefault(definition.key, definition)
        name = definition.name
        if other is not definition:
            raise outline.source.refusal(name.offset, f"{shown(name.text)} is declared twice.")
        if definition.key == key_of(TIME):
            raise outline.source.refusal(name.offset, "Time is what the clock says: rename this.")
    return {d.key: known[d.key] for d in definitions}


def _check_names(outline: Outline, kinds: Kinds) -> None:
    """Every name in a formula is that of a variable, or the time."""
    arrays = {d.key for d in outline.definitions if d.subscripts}
    graphs = {d.key for d in outline.definitions if isinstance(d.formula, GraphicalFunction)}
    for definition in kinds.every.values():
        for reference in references_in(definition.formula):
            if reference.key in kinds.every or reference.key == key_of(TIME):
                continue
            why = "is no variable here."
            if reference.key in arrays:
                why = f"is an array: write an element of it, as in {reference.name}[...]."
            elif reference.key in graphs:
                why = f"is a graphical function: write {reference.name}(x)."
            elif len(kinds.every) <= FEW:
                why += nearest(reference.name, [d.name.text for d in kinds.every.values()])
            raise outline.source.refusal(reference.offset, f"{shown(reference.name)} {why}")


def _check_clock(kinds: Kinds, numbers: Mapping[str, float]) -> None:
    """The times of a file are constants, and follow one another."""
    for name in (FIRST, LAST, STEP):
        definition = kinds.every.get(key_of(name))
        if definition is None:
            raise kinds.source.refusal(0, f"{name} is not declared: a run needs it.")
        if key_of(name) not in kinds.constants:
            told = f"{name} changes over time, and is to be a constant."
            raise kinds.source.refusal(definition.name.offset, told)
    first, last, step = (numbers[key_of(name)] for name in (FIRST, LAST, STEP))
    if step <= 0 or last < first:
        offset = kinds.every[key_of(STEP if step <= 0 else LAST)].name.offset
        told = f"a run from {first:g} to {last:g} by steps of {step:g} has no steps: correct them."
        raise kinds.source.refusal(offset, told)
    if not kinds.stocks:
        told = "no stock is declared here: a system has one or more, which change over time."
        raise kinds.source.refusal(0, told)


def _numbers(kinds: Kinds) -> dict[str, float]:
    """The number that each variable is at the start, or ``FileError`` where one is none."""
    numbers: dict[str, float] = {}
    for key, definition in kinds.constants.items():
        numbers[key] = value_of(kinds.source, definition.formula, numbers)
    _check_clock(kinds, numbers)
    numbers[key_of(TIME)] = numbers[key_of(FIRST)]
    for key in kinds.order:
        if key not in kinds.constants:
            numbers[key] = value_of(kinds.source, kinds.at_start(key), numbers)
    return numbers


# -- the system ------------------------------------------------------------------------------------


def _built(outline: Outline, kinds: Kinds, units: Mapping[str, str]) -> System:
    """The system, with units or without."""
    symbols: dict[str, Expr] = {}
    for key, definition in kinds.every.items():
        name, unit = definition.name.text, units.get(key, "")
        if key in kinds.constants:
            symbols[key] = Parameter(name, unit)
        else:
            # Values of variables stand beside the dims of results.
            symbols[key] = Variable(f"{name}_" if name in BESIDE_VALUES else name, unit)
    symbols[key_of(TIME)] = time + symbols[key_of(FIRST)]
    forming = _Forming(Building(kinds.source, symbols), kinds)
    try:
        most = kinds.work + (_CALLS_FOR_UNITS if units else 0)
        with bounded("this formula, with those before it,", "write shorter ones", most):
            return forming.system(outline.method)
    except (TooLargeError, DeclarationError) as error:
        raise kinds.source.refusal(forming.offset, str(error)) from None


@dataclass
class _Forming:
    """Formulas that become terms one by one; ``offset`` is where the one at hand is declared."""

    building: Building
    kinds: Kinds
    offset: int = 0

    def term(
        self, definition: Definition, formula: Syntax, building: Building | None = None
    ) -> Expr:
        """A formula as a term that a model may hold."""
        self.offset = definition.name.offset
        term = (building or self.building).number_of(formula)
        return expression(term, definition.name.text).formula

    def system(self, method: str) -> System:
        kinds, symbols = self.kinds, self.building.symbols
        constants = {symbols[k]: self.term(d, d.formula) for k, d in kinds.constants.items()}
        algebraic = {symbols[k]: self.term(d, d.formula) for k, d in kinds.equations.items()}
        stocks = {symbols[k]: stock for k, stock in kinds.stocks.items()}
        rates = {v: self.term(s.definition, s.rate) for v, s in stocks.items()}
        # There is one time at the start.
        at_start = {**symbols, key_of(TIME): symbols[key_of(FIRST)]}
        forming = replace(self.building, symbols=at_start)
        start = {v: self.term(s.definition, s.initial, forming) for v, s in stocks.items()}
        history = {
            symbols[part.reference.key]: self.term(definition, part.before)
            for definition in kinds.every.values()
            for part in parts_in(definition.formula)
            if isinstance(part, Delayed)
        }
        self.offset = 0
        return System.from_ode(
            rates,
            algebraic=algebraic,
            start=start,
            parameters=constants,
            dt=symbols[key_of(STEP)],
            method=method,
            history=history,
        )
