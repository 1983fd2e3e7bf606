"""A plan for a system: blocks of assignments that carry all lanes from step to step."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from sympy import Expr, Integer, Symbol

from causalopt.language.symbols import Next, Noise, Parameter, Stage, Time, Variable
from causalopt.mechanisms.symbolic import Expression, weighted_sum
from causalopt.model.system import System, in_order
from causalopt.model.world import Fixed, Held, Piece, Replaced
from causalopt.plan.block import Block, Input, block
from causalopt.plan.lanes import Lane, Lanes

_ZERO = Integer(0)


@dataclass(frozen=True)
class Slot:
    """One number of the state: a variable in a lane."""

    lane: int
    variable: Variable


@dataclass(frozen=True)
class Segment:
    """Steps ``start <= i < stop`` that are computed by the same block.

    The block's arguments are the state of step i - 1, the inputs, the noises and the time of step
    i - 1; its results are the state of step i.
    """

    start: int
    stop: int
    block: Block


@dataclass(frozen=True)
class Loop:
    """The state as ``slots``, its first value, the segments that carry it on, and what to record.

    ``scales`` groups the tangent slots that share one scale: a backend may multiply each group by
    a power of two, of which it keeps count. ``recorded`` are the slots whose values are wanted.
    ``noises`` are inputs with a new value at every step. ``value_slots`` are the places of the
    slots that hold values, not tangents, in the order in which a step computes them: of those that
    are not finite after a step, the first is where it began.
    """

    slots: tuple[Slot, ...]
    inputs: tuple[Input, ...]
    noises: tuple[Input, ...]
    initial: Block
    segments: tuple[Segment, ...]
    steps: int
    dt: float
    recorded: tuple[int, ...]
    scales: Mapping[int, tuple[int, ...]]
    value_slots: tuple[int, ...]


@functools.lru_cache(maxsize=64)
def flatten_system(system: System, steps: int, lanes: Lanes, wanted: tuple[Slot, ...]) -> Loop:
    """The loop that computes the wanted slots; what they do not need is left out."""
    names = _Names(system)
    stretches = _stretches(system, steps, lanes)
    raws = [_assignments(system, lanes, names, start) for start, _ in stretches]
    first = _initial(system, lanes, names)
    zero = _always_zero(lanes, names, first, raws)
    raws = [{s: e.xreplace(zero) for s, e in raw.items()} for raw in raws]
    slots = _needed(wanted, names, raws)
    inputs = tuple(names.inputs.values())
    noises = tuple(names.noises.values())
    given = [one.symbol for one in inputs]
    drawn = [one.symbol for one in noises]
    state = [names.before(slot) for slot in slots]
    after = [names.after(slot) for slot in slots]
    segments = [
        Segment(start, stop, block([*state, *given, *drawn, names.time], raw, after))
        for (start, stop), raw in zip(stretches, raws, strict=True)
    ]
    return Loop(
        slots=tuple(slots),
        inputs=inputs,
        noises=noises,
        initial=block([*given, names.time], {}, [first[slot] for slot in slots]),
        segments=tuple(segments),
        steps=steps,
        dt=1.0 if system.dt is None else system.dt,
        recorded=tuple(slots.index(slot) for slot in wanted),
        scales={
            i: tuple(j for j, slot in enumerate(slots) if slot.lane == i)
            for i, lane in enumerate(lanes.lanes)
            if lane.is_tangent
        },
        value_slots=_value_slots(system, lanes, slots),
    )


def _value_slots(system: System, lanes: Lanes, slots: Sequence[Slot]) -> tuple[int, ...]:
    """The places of the slots that hold values, in the order in which a step computes them."""
    places = {slot: j for j, slot in enumerate(slots)}
    values = [i for i, lane in enumerate(lanes.lanes) if not lane.is_tangent]
    order = [Slot(i, variable) for i in values for variable in system.template]
    return tuple(places[slot] for slot in order if slot in places)


@dataclass
class _Names:
    """The generated symbols of one plan: state before and after a step, inputs, time."""

    system: System
    inputs: dict[object, Input] = field(default_factory=dict)
    noises: dict[Noise, Input] = field(default_factory=dict)
    time: Symbol = field(default_factory=lambda: Symbol("t", real=True))
    states: dict[Slot, tuple[Symbol, Symbol]] = field(default_factory=dict)

    def before(self, slot: Slot) -> Symbol:
        return self._pair(slot)[0]

    def after(self, slot: Slot) -> Symbol:
        return self._pair(slot)[1]

    def _pair(self, slot: Slot) -> tuple[Symbol, Symbol]:
        if slot not in self.states:
            i = len(self.states)
            self.states[slot] = Symbol(f"s{i}", real=True), Symbol(f"n{i}", real=True)
        return self.states[slot]

    def input(self, key: object, label: object, value: float) -> Symbol:
        if key not in self.inputs:
            symbol = Symbol(f"p{len(self.inputs)}", real=True)
            self.inputs[key] = Input(symbol, label, value)
        return self.inputs[key].symbol

    def parameter(self, symbol: Parameter) -> Symbol:
        return self.input(symbol, symbol, self.system.parameters[symbol])

    def noise(self, symbol: Noise) -> Symbol:
        if symbol not in self.noises:
            drawn = Symbol(f"e{len(self.noises)}", real=True)
            self.noises[symbol] = Input(drawn, symbol, float("nan"))
        return self.noises[symbol].symbol

    def start(self, variable: Variable) -> Symbol:
        return self.input(("start", variable), None, self.system.start[variable])

    def constant(self, value: float | Symbol) -> Symbol:
        if isinstance(value, Symbol):
            return self.input(value, value, float("nan"))
        return self.input(("constant", value), None, value)

    def replacement(self, lane: int, mechanism: Expression) -> dict[Symbol, Symbol]:
        """What each argument of a mechanism is called in one lane."""
        return {s: self._in_lane(lane, s) for s in mechanism.arguments}

    def _in_lane(self, lane: int, symbol: Symbol) -> Symbol:
        if isinstance(symbol, Next):
            return self.after(Slot(lane, symbol.variable))
        if isinstance(symbol, Variable):
            return self.before(Slot(lane, symbol))
        if isinstance(symbol, Time):
            return self.time
        if isinstance(symbol, Noise):
            return self.noise(symbol)
        return self.parameter(symbol)


def _initial(system: System, lanes: Lanes, names: _Names) -> dict[Slot, Expr]:
    """The state at step 0, in terms of inputs."""
    first: dict[Slot, Expr] = {}
    for i, lane in enumerate(lanes.lanes):
        for variable in system.variables:
            piece = lane.at(variable, 0)
            if isinstance(piece.base, Held):
                source = lanes.held_to(lane, piece.base)
                value = _ZERO if source is None else first[Slot(source, variable)]
            elif lane.is_tangent:
                value = _ZERO
            elif isinstance(piece.base, Fixed):
                value = names.constant(piece.base.value)
            else:
                value = names.start(variable)
            first[Slot(i, variable)] = value + _shift(lane, piece, names)
    return first


def _assignments(system: System, lanes: Lanes, names: _Names, step: int) -> dict[Symbol, Expr]:
    """What one step assigns in every lane, by the interventions in force at that step."""
    assigned: dict[Symbol, Expr] = {}
    for i, lane in enumerate(lanes.lanes):
        for target, mechanism in _template(system, lane, step).items():
            piece = _piece(lane, target, step)
            if isinstance(piece.base, Held):
                source = lanes.held_to(lane, piece.base)
                value = _ZERO if source is None else names.after(Slot(source, target))
            elif isinstance(piece.base, Fixed):
                value = _ZERO if lane.is_tangent else names.constant(piece.base.value)
            elif lane.is_tangent:
                value = _pushed(mechanism, i, lane.values, names)
            else:
                value = mechanism.formula.xreplace(names.replacement(i, mechanism))
            assigned[names.after(Slot(i, target))] = value + _shift(lane, piece, names)
    return assigned


def _pushed(mechanism: Expression, tangent: int, values: int, names: _Names) -> Expr:
    """The tangent of a node: sum over its arguments u of df/du at the values, times u's tangent."""
    moving = [s for s in mechanism.arguments if isinstance(s, Variable | Next)]
    at_values = names.replacement(values, mechanism)
    along = names.replacement(tangent, mechanism)
    weights = [mechanism.partial(s).xreplace(at_values) for s in moving]
    return weighted_sum(weights, [along[s] for s in moving])


def _shift(lane: Lane, piece: Piece, names: _Names) -> Expr:
    if piece.shift is None:
        return _ZERO
    if piece.shift.by is None:
        return Integer(1) if lane.is_tangent else _ZERO
    return _ZERO if lane.is_tangent else names.constant(piece.shift.by)


def _template(system: System, lane: Lane, step: int) -> Mapping[Variable, Expression]:
    replaced = {}
    for variable in system.variables:
        base = lane.at(variable, step).base
        if isinstance(base, Replaced):
            replaced[variable] = base.mechanism
    if not replaced:
        return system.template
    return in_order(system.realise({**system.mechanisms, **replaced}))


def _piece(lane: Lane, target: Variable, step: int) -> Piece:
    """What happens to a node; a stage between two held nodes is held, and else left alone."""
    if not isinstance(target, Stage):
        return lane.at(target, step)
    before, after = lane.at(target.owner, step - 1), lane.at(target.owner, step)
    held = all(isinstance(piece.base, Held | Fixed) for piece in (before, after))
    return Piece(step, step + 1, base=after.base if held else None)


def _stretches(system: System, steps: int, lanes: Lanes) -> list[tuple[int, int]]:
    """The stretches of steps, from 1 on, over which the interventions stay the same."""
    reach = 1 if any(isinstance(target, Stage) for target in system.template) else 0
    cuts = {1, steps + 1}
    for lane in lanes.lanes:
        for _, pieces in lane.world.effects:
            ends = {end for piece in pieces for end in (piece.start, piece.stop)}
            cuts |= ends | {end + reach for end in ends}
    kept = sorted(cut for cut in cuts if 1 <= cut <= steps + 1)
    return list(pairwise(kept))


def _always_zero(
    lanes: Lanes,
    names: _Names,
    first: Mapping[Slot, Expr],
    raws: Sequence[Mapping[Symbol, Expr]],
) -> dict[Symbol, Expr]:
    """The tangents that no perturbation ever reaches, so that they need not be computed."""
    tangents = {
        symbol: slot
        for slot, pair in names.states.items()
        for symbol in pair
        if lanes.lanes[slot.lane].is_tangent
    }
    nothing = dict.fromkeys(tangents, _ZERO)
    reached = {s for s, slot in tangents.items() if first.get(slot, _ZERO) != 0}
    while True:
        found = set(reached)
        for raw in raws:
            for symbol in raw.keys() & tangents.keys():
                formula = raw[symbol]
                if formula.free_symbols & found or formula.xreplace(nothing) != 0:
                    found |= set(names.states[tangents[symbol]])
        if found == reached:
            return {s: _ZERO for s in tangents if s not in reached}
        reached = found


def _needed(
    wanted: Iterable[Slot], names: _Names, raws: Sequence[Mapping[Symbol, Expr]]
) -> list[Slot]:
    """The slots that the wanted ones depend on, over all steps, in the order of the plan."""
    needed = set(wanted)
    for slot in needed:
        names.before(slot)
    owner = {before: slot for slot, (before, _) in names.states.items()}
    while True:
        found = set(needed)
        for raw in raws:
            for symbol in _reached(raw, [names.after(slot) for slot in needed]):
                if symbol in owner:
                    found.add(owner[symbol])
        if found == needed:
            return [slot for slot in names.states if slot in needed]
        needed = found


def _reached(raw: Mapping[Symbol, Expr], targets: Iterable[Symbol]) -> set[Symbol]:
    seen: set[Symbol] = set()
    waiting = list(targets)
    while waiting:
        symbol = waiting.pop()
        if symbol not in seen:
            seen.add(symbol)
            waiting.extend(raw[symbol].free_symbols if symbol in raw else ())
    return seen
