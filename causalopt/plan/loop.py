"""A plan for a system: blocks of assignments that carry all lanes from step to step."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import networkx as nx
from sympy import Add, Expr, Integer, Mul, Symbol

from causalopt.language.symbols import Label, Next, Parameter, Variable
from causalopt.mechanisms.interface import Mechanism
from causalopt.model.interventions import Treatment
from causalopt.model.selection import Key
from causalopt.model.system import System
from causalopt.model.template import Template, in_order, is_stage, node_at, owner_of
from causalopt.model.views import Gate
from causalopt.plan.block import Block, Input, single_form
from causalopt.plan.lanes import AnyWorld, Lane, Lanes
from causalopt.plan.names import UNIT, Names, Slope, Slot

_ZERO, _ONE = Integer(0), Integer(1)


@dataclass(frozen=True)
class Segment:
    """Steps ``start <= i < stop`` that are computed by the same block.

    The block's arguments are the state of step i - 1, the inputs, the noises and the time of step
    i - 1; its results are the state of step i. ``terms`` say the same, part by part.
    """

    start: int
    stop: int
    block: Block
    terms: Terms


@dataclass(frozen=True, eq=False)
class Terms:
    """A segment's block before its parts were shared: ``results`` follow from ``assigned``."""

    arguments: Sequence[Symbol]
    assigned: Mapping[Symbol, Expr]
    results: Sequence[Symbol]


@dataclass(frozen=True)
class Loop:
    """The state as ``slots``, its first value, the segments that carry it on, and what to record.

    ``scales`` groups the tangent slots that enter each other. A step is linear and homogeneous in
    each group, so that a backend may multiply a group by a power of two, of which it keeps count,
    or may take it in parts. ``slopes`` are the partial derivatives that the segments' terms name.
    ``recorded`` are the slots whose values are wanted. ``noises`` are inputs with a new value at
    every step. ``value_slots`` are the places of the slots that hold values, not tangents, in the
    order in which a step computes them: of those that are not finite after a step, the first is
    where it began.
    """

    slots: tuple[Slot, ...]
    inputs: tuple[Input, ...]
    noises: tuple[Input, ...]
    initial: Block
    segments: tuple[Segment, ...]
    steps: int
    dt: float
    recorded: tuple[int, ...]
    scales: tuple[tuple[int, ...], ...]
    slopes: Mapping[Symbol, Slope]
    value_slots: tuple[int, ...]

    @property
    def drawn(self) -> int:
        """The number of noises that are drawn."""
        return len(self.noises)

    def culprit(self, place: tuple[int, ...]) -> tuple[int, Key]:
        """The lane and the variable of a slot, the place of a value that is not finite."""
        slot = self.slots[place[0]]
        return slot.lane, slot.variable

    def place_of(self, slope: Slope) -> tuple[int, ...]:
        """A slot of what a slope's mechanism gives."""
        variable = owner_of(slope.target.variable)
        lanes = {slot.lane: j for j, slot in enumerate(self.slots) if slot.variable == variable}
        return (lanes.get(slope.target.lane, max(lanes.values())),)

    def known(self, given: Mapping[int, float]) -> dict[Label, float]:
        """Nothing: what a variable follows from lies one step before."""
        return {}

    def size(self, points: int, rows: int) -> int:
        """How many numbers a run holds: the state, the inputs, and what is recorded."""
        return points * (len(self.slots) + len(self.inputs) + len(self.recorded) * rows)


@functools.lru_cache(maxsize=64)
def flatten_system(system: System, steps: int, lanes: Lanes, wanted: tuple[Slot, ...]) -> Loop:
    """The loop that computes the wanted slots; what they do not need is left out."""
    names = Names(system)
    stretches = _stretches(system, steps, lanes)
    raws = [_assignments(system, lanes, names, start) for start, _ in stretches]
    raws = [raw | {name: f for f, (name, _) in names.slopes.items()} for raw in raws]
    first = _initial(system, lanes, names)
    # What no difference ever reaches is 0 for good: it need not be carried, nor what it enters.
    zero = _always_zero(lanes, names, first, raws)
    raws = [{s: e.xreplace(zero) for s, e in raw.items()} for raw in raws]
    # Of the rest, the state is what the wanted slots depend on, over any number of steps.
    slots = _needed(wanted, names, raws)
    inputs = tuple(names.inputs.values())
    noises = tuple(names.noises.values())
    given = [entry.symbol for entry in inputs]
    drawn = [entry.symbol for entry in noises]
    state = [names.before(slot) for slot in slots]
    after = [names.after(slot) for slot in slots]
    arguments = [*state, *given, *drawn, names.time]
    segments = [
        Segment(start, stop, single_form(arguments, raw, after), Terms(arguments, raw, after))
        for (start, stop), raw in zip(stretches, raws, strict=True)
    ]
    return Loop(
        slots=tuple(slots),
        inputs=inputs,
        noises=noises,
        initial=single_form([*given, names.time], {}, [first[slot] for slot in slots]),
        segments=tuple(segments),
        steps=steps,
        dt=1.0 if system.step_size is None else system.step_size,
        recorded=tuple(slots.index(slot) for slot in wanted),
        scales=_scales(lanes, names, slots, raws),
        slopes=dict(names.slopes.values()),
        value_slots=_value_slots(system, lanes, slots),
    )


def _scales(
    lanes: Lanes, names: Names, slots: Sequence[Slot], raws: Sequence[Mapping[Symbol, Expr]]
) -> tuple[tuple[int, ...], ...]:
    """The places of the tangent slots, in groups: each lane with those that it copies from."""
    owner = {s: slot.lane for slot, pair in names.states.items() for s in pair}
    tangents = [i for i, lane in enumerate(lanes.lanes) if lane.is_tangent]
    linked = nx.Graph()
    linked.add_nodes_from(tangents)
    for raw in raws:
        for symbol, formula in raw.items():
            if symbol not in owner:
                continue
            seen = {owner[s] for s in formula.free_symbols if s in owner}
            linked.add_edges_from((owner[symbol], lane) for lane in seen.intersection(tangents))
    linked = linked.subgraph(tangents)
    groups = sorted(sorted(group) for group in nx.connected_components(linked))
    places = [tuple(j for j, slot in enumerate(slots) if slot.lane in group) for group in groups]
    return tuple(group for group in places if group)


def _value_slots(system: System, lanes: Lanes, slots: Sequence[Slot]) -> tuple[int, ...]:
    """The places of the slots that hold values, in the order in which a step computes them."""
    places = {slot: j for j, slot in enumerate(slots)}
    values = [i for i, lane in enumerate(lanes.lanes) if not lane.is_tangent]
    order = [Slot(i, variable) for i in values for variable in system.template]
    return tuple(places[slot] for slot in order if slot in places)


@dataclass(frozen=True)
class _NodeTerms:
    """What a node of one lane becomes, as an expression of the state: the view of a system's plan.

    ``own`` is the mechanism that gives it, None at the start; ``same`` gives the node in another
    lane.
    """

    names: Names
    lanes: Lanes
    place: int
    target: Variable
    step: int
    own: Mechanism | None
    same: Callable[[Slot], Expr]

    @property
    def lane(self) -> Lane:
        return self.lanes.lanes[self.place]

    def computed(self, mechanism: Mechanism | None, gate: Gate[AnyWorld] | None) -> Expr:
        # Another mechanism is a part of ``own`` already: an integrator has made a step of it.
        if self.own is None:
            start = _ZERO if self.lane.is_tangent else self.names.start(self.target)
            return start if gate is None else self.mixed(start, self.there(gate.world), gate.by)
        at = self._arguments(self.own, self.lane.values, gate)
        if not self.lane.is_tangent:
            return self.own.value(at)
        # The chain rule: slopes at the values, times what moves along each argument.
        along = self._arguments(self.own, self.place, gate)
        slopes = self.own.reverse(at, _ONE)
        moving = [s for s in self.own.arguments if isinstance(s, Variable | Next)]
        return Add(*(Mul(self._slope(slopes[s], s, at), along[s]) for s in moving))

    def _slope(self, formula: Expr, argument: Symbol, at: Mapping[Symbol, Expr]) -> Expr:
        """A partial derivative: as it stands where it is a polynomial, else by a name."""
        if self.own is None or formula.is_polynomial():
            return formula
        target = Slot(self.lane.values, self.target)
        return self.names.slope(formula, Slope(self.own, argument, at, target))

    def constant(self, value: float | Symbol) -> Expr:
        return _ZERO if self.lane.is_tangent else self.names.constant(value)

    def copied(self, world: AnyWorld) -> Expr:
        return self._in(self.lanes.of_world(self.lane, world))

    def there(self, world: AnyWorld) -> Expr:
        shift, copied = world.at(self.target, self.step).shift, self.copied(world)
        lane = self.lanes.of_world(self.lane, world)
        if shift is None or lane is None:
            return copied
        return copied - shift.apply(replace(self, place=lane), _ZERO)

    def mixed(self, own: Expr, other: Expr, by: float | Parameter) -> Expr:
        weight = self.names.constant(by)
        return Add(Mul(_ONE - weight, own), Mul(weight, other))

    def moved(self, term: Expr, by: float | Symbol) -> Expr:
        return term if self.lane.is_tangent else term + self.names.constant(by)

    def nudged(self, term: Expr) -> Expr:
        if not self.lane.is_tangent:
            return term
        # At the start no power has been taken out of a tangent yet, later the nudge has its own.
        return term + (self.names.before(Slot(self.place, UNIT)) if self.step else _ONE)

    def _in(self, lane: int | None) -> Expr:
        """This node in a lane; a tangent that has no lane is zero."""
        return _ZERO if lane is None else self.same(Slot(lane, self.target))

    def _arguments(
        self, mechanism: Mechanism, place: int, gate: Gate[AnyWorld] | None
    ) -> dict[Symbol, Expr]:
        """What each argument of a mechanism is in a lane, behind the gate if there is one."""
        terms: dict[Symbol, Expr] = {s: self.names.argument(place, s) for s in mechanism.arguments}
        if gate is None:
            return terms
        is_tangent = self.lanes.lanes[place].is_tangent
        behind = (
            self.lanes.tangent_of.get(gate.world)
            if is_tangent
            else self.lanes.values_of(gate.world)
        )
        if behind == place:
            return terms
        for symbol in mechanism.arguments:
            if isinstance(symbol, Variable | Next) and not self._is_inside(symbol, gate):
                other = _ZERO if behind is None else self.names.argument(behind, symbol)
                terms[symbol] = self.mixed(terms[symbol], other, gate.by)
        return terms

    def _is_inside(self, symbol: Symbol, gate: Gate[AnyWorld]) -> bool:
        """Whether an argument is one of the nodes inside a gate; a stage is between two of them."""
        node = node_at(symbol, self.step)
        owner = owner_of(node.variable)
        if owner is node.variable:
            return gate.lets_in(owner, node.step)
        return gate.lets_in(owner, node.step - 1) and gate.lets_in(owner, node.step)


def _initial(system: System, lanes: Lanes, names: Names) -> dict[Slot, Expr]:
    """The state at step 0, in terms of inputs."""
    first: dict[Slot, Expr] = {}
    for place, lane in enumerate(lanes.lanes):
        for variable in system.variables:
            terms = _NodeTerms(names, lanes, place, variable, 0, None, first.__getitem__)
            first[Slot(place, variable)] = lane.at(variable, 0).apply(terms)
        if lane.is_tangent:
            first[Slot(place, UNIT)] = _ONE if _last_nudge(lane) > 0 else _ZERO
    return first


def _last_nudge(lane: Lane) -> int:
    """The last step at which a lane's tangents are nudged; -1 where they are not."""
    nudges = (t for t in lane.world.treatments if t.shift and t.shift.is_infinitesimal)
    return max((t.stop - 1 for t in nudges), default=-1)


def _assignments(system: System, lanes: Lanes, names: Names, step: int) -> dict[Symbol, Expr]:
    """What one step assigns in every lane, by the interventions in force at that step."""
    assigned: dict[Symbol, Expr] = {}
    for place, lane in enumerate(lanes.lanes):
        for target, mechanism in _template(system, lane, step).items():
            terms = _NodeTerms(names, lanes, place, target, step, mechanism, names.after)
            assigned[names.after(Slot(place, target))] = _treatment(lane, target, step).apply(terms)
        if lane.is_tangent:
            # Carried no longer than it is needed: tangents may grow far beyond it.
            unit = Slot(place, UNIT)
            assigned[names.after(unit)] = names.before(unit) if step <= _last_nudge(lane) else _ZERO
    return assigned


def _template(system: System, lane: Lane, step: int) -> Template:
    """What a step assigns in a lane, where some mechanisms may be replaced."""
    replaced: dict[Variable, Mechanism] = {}
    for variable in system.variables:
        base = lane.at(variable, step).base
        if base is None:
            continue
        # Only a method has inner stages; they follow one even where the step's end is held.
        staged = base.replacement if system.method is None else base.mechanism_at(variable, step)
        if staged is not None:
            replaced[variable] = staged
    if not replaced:
        return system.template
    return in_order(system.realise({**system.declarations, **replaced}))


def _treatment(lane: Lane, target: Variable, step: int) -> Treatment[AnyWorld]:
    """What happens to a variable at the end of a step, or to an inner stage of it."""
    owner = owner_of(target)
    at_end = lane.at(owner, step)
    return at_end if owner is target else at_end.inside(lane.at(owner, step - 1), owner, step)


def _stretches(system: System, steps: int, lanes: Lanes) -> list[tuple[int, int]]:
    """The stretches of steps, from 1 on, over which the interventions stay the same."""
    treatments = [t for lane in lanes.lanes for t in lane.world.treatments]
    # What depends on both ends of a step changes once more, one step later.
    staged = any(map(is_stage, system.template))
    reach = int(staged or any(t.base is not None and t.base.looks_back for t in treatments))
    gates = {t.base.gate_on_it for t in treatments if t.base is not None}
    # Nodes inside a gate may have been given another treatment since.
    inside = [stretch for gate in gates if gate is not None for stretch in gate.among]
    ends = {end for t in treatments for end in (t.start, t.stop)}
    ends |= {end for stretch in inside for end in (stretch.start, stretch.stop)}
    cuts = {1, steps + 1, *ends, *(end + reach for end in ends)}
    return list(pairwise(sorted(cut for cut in cuts if 1 <= cut <= steps + 1)))


def _always_zero(
    lanes: Lanes,
    names: Names,
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
    # A fixed point: a tangent is reached where a reached one enters it, or a shift does.
    while True:
        more = set(reached)
        for raw in raws:
            for symbol in raw.keys() & tangents.keys():
                formula = raw[symbol]
                if formula.free_symbols & more or formula.xreplace(nothing) != 0:
                    more |= set(names.states[tangents[symbol]])
        if more == reached:
            return {s: _ZERO for s in tangents if s not in reached}
        reached = more


def _needed(
    wanted: Iterable[Slot], names: Names, raws: Sequence[Mapping[Symbol, Expr]]
) -> list[Slot]:
    """The slots that the wanted ones depend on, over all steps, in the order of the plan."""
    needed = set(wanted)
    for slot in needed:
        names.before(slot)
    owner = {before: slot for slot, (before, _) in names.states.items()}
    while True:
        more = set(needed)
        for raw in raws:
            for symbol in _reached(raw, [names.after(slot) for slot in needed]):
                if symbol in owner:
                    more.add(owner[symbol])
        if more == needed:
            return [slot for slot in names.states if slot in needed]
        needed = more


def _reached(raw: Mapping[Symbol, Expr], targets: Iterable[Symbol]) -> set[Symbol]:
    seen: set[Symbol] = set()
    waiting = list(targets)
    while waiting:
        symbol = waiting.pop()
        if symbol not in seen:
            seen.add(symbol)
            waiting.extend(raw[symbol].free_symbols if symbol in raw else ())
    return seen
