"""The generated symbols of a loop: names given by users are labels and end here."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar, cast

from sympy import Expr, Symbol

from causalopt.ground.tensors import Tensor
from causalopt.language.domains import Coded
from causalopt.language.subspaces import Directions
from causalopt.language.symbols import Node, Noise, Parameter, Past, Time, Variable
from causalopt.mechanisms.interface import Mechanism
from causalopt.model.beginning import Beginning
from causalopt.model.interface import Model
from causalopt.model.moments import earlier
from causalopt.model.template import node_at, owner_of
from causalopt.model.views import Outside
from causalopt.plan.block import Input

T = TypeVar("T")


class Unit(Variable):
    """The size of an infinitesimal nudge, 1: carried along where tangents may be rescaled."""

    __slots__ = ()


UNIT = Unit("1")


@dataclass(frozen=True)
class Slot:
    """One number or array of the state: a variable in a lane, or its value some steps before."""

    lane: int
    variable: Variable | Past

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of what it holds."""
        return self.variable.domain.shape

    @property
    def earlier(self) -> Slot:
        """Of a past: what it was one step before, a past of one step less."""
        past = cast(Past, self.variable)
        return Slot(self.lane, earlier(past.variable, past.by - 1))


@dataclass(frozen=True, eq=False)
class Slope:
    """A partial derivative in a step: of which mechanism, by which argument, at which terms.

    ``target`` is what the mechanism gives, a variable or an inner stage of it.
    """

    mechanism: Mechanism
    argument: Symbol
    at: Mapping[Symbol, Expr]
    target: Slot


@dataclass
class Names:
    """What the numbers of one plan are called: state before and after a step, inputs, time.

    It grows while a plan is written: each is named when it is first asked for. ``beginning`` says
    what was before the start, where there is a time. Smooth formulas are abbreviated from
    ``routines_from`` parts on.
    """

    model: Model
    beginning: Beginning | None = None
    routines_from: int | None = None
    inputs: dict[object, Input] = field(default_factory=dict)
    noises: dict[Noise, Input] = field(default_factory=dict)
    time: Symbol = field(default_factory=lambda: Symbol("t", real=True))
    states: dict[Slot, tuple[Symbol, Symbol]] = field(default_factory=dict)
    slopes: dict[Expr, tuple[Symbol, Slope]] = field(default_factory=dict)
    parts: dict[Expr, tuple[Symbol, int]] = field(default_factory=dict)
    _arguments: dict[int, dict[Symbol, Expr]] = field(default_factory=dict)
    _known: dict[Hashable, object] = field(default_factory=dict)

    def before(self, slot: Slot) -> Symbol:
        """A slot before the step."""
        return self._pair(slot)[0]

    def after(self, slot: Slot) -> Symbol:
        """A slot after the step."""
        return self._pair(slot)[1]

    def parameter(self, symbol: Parameter) -> Symbol:
        """A parameter of the model."""
        held = self.model.parameter_arrays.get(symbol)
        known = self.model.parameter_values[symbol] if held is None else held
        return self._input(symbol, symbol, known)

    def start(self, variable: Variable) -> Symbol:
        """A start value, or that of a root."""
        value = cast("float | Tensor", self.model.account(variable, 0).start)
        return self._input(("start", variable), None, value)

    def history(self, variable: Variable, step: int) -> Expr:
        """What a variable was before the start, or a stage of a step up to it."""
        before = None if self.beginning is None else self.beginning.before(variable, step)
        if before is None:
            return self.start(owner_of(variable))
        known = {s: self.parameter(s) for s in before.free_symbols if isinstance(s, Parameter)}
        return before.xreplace(known)

    def directions(self, along: Directions) -> Symbol:
        """The directions in which an array is nudged."""
        return self._input(("along", along), None, along.rows, along)

    def constant(self, value: Outside) -> Symbol:
        """A value from outside; a parameter by its own name, another symbol as a swept input."""
        if isinstance(value, Parameter) and value in self.model.parameters:
            return self.parameter(value)
        if isinstance(value, Symbol):
            return self._input(value, value, float("nan"))
        return self._input(("constant", value), None, value)

    def seen_in(self, lane: int) -> dict[Symbol, Expr]:
        """What arguments of mechanisms are in one lane, those that were asked for."""
        return self._arguments.setdefault(lane, {})

    def argument(self, lane: int, symbol: Symbol) -> Symbol:
        """What an argument of a mechanism is called in one lane."""
        # The step that ends at 1 stands for any: nodes at 0 are before it, nodes at 1 after it.
        if isinstance(symbol, Past):
            return self.before(Slot(lane, symbol))
        node = node_at(symbol, 1)
        if not isinstance(node, Node):
            return self.parameter(symbol)
        if isinstance(node.variable, Time):
            return self.time
        if isinstance(node.variable, Noise):
            return self._noise(node.variable)
        slot = Slot(lane, node.variable)
        return self.after(slot) if node.step else self.before(slot)

    def once(self, key: Hashable, compute: Callable[[], T]) -> T:
        """What is worked out when it is first asked for: lanes and stages ask for the same."""
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = compute()
        return cast(T, known)

    def slope(self, formula: Expr, slope: Slope) -> Symbol:
        """A partial derivative that has a formula."""
        if formula not in self.slopes:
            self.slopes[formula] = Symbol(f"d{len(self.slopes)}", real=True), slope
        return self.slopes[formula][0]

    def part(self, formula: Expr, lane: int) -> Expr:
        """What several nodes of a lane are made of: a rate, or how it moves."""
        if formula.is_Atom:
            return formula
        if formula not in self.parts:
            self.parts[formula] = Symbol(f"r{len(self.parts)}", real=True), lane
        return self.parts[formula][0]

    @property
    def named(self) -> dict[Symbol, Expr]:
        """The formulas of slopes and parts, by what they are called."""
        slopes = {symbol: formula for formula, (symbol, _) in self.slopes.items()}
        return slopes | {symbol: formula for formula, (symbol, _) in self.parts.items()}

    def _pair(self, slot: Slot) -> tuple[Symbol, Symbol]:
        pair = self.states.get(slot)
        if pair is None:
            i = len(self.states)
            pair = self.states[slot] = Symbol(f"s{i}", real=True), Symbol(f"n{i}", real=True)
        return pair

    def _input(
        self, key: object, label: object, value: Coded, directions: Directions | None = None
    ) -> Symbol:
        if key not in self.inputs:
            symbol = Symbol(f"p{len(self.inputs)}", real=True)
            self.inputs[key] = Input(symbol, label, value, directions)
        return self.inputs[key].symbol

    def _noise(self, symbol: Noise) -> Symbol:
        if symbol not in self.noises:
            drawn = Symbol(f"e{len(self.noises)}", real=True)
            self.noises[symbol] = Input(drawn, symbol, float("nan"))
        return self.noises[symbol].symbol
