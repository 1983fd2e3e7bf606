"""A system flattened to a loop: what each step assigns in all lanes, and what of it is needed."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from sympy import Add, Expr, Integer, Mul, Symbol

from causalopt.ground.errors import QueryError
from causalopt.language.symbols import LeftLimit, Past, Stage, Variable
from causalopt.language.words import listed
from causalopt.mechanisms.integrators import FEW
from causalopt.mechanisms.routines import LONG, Filled
from causalopt.model.moments import at_start
from causalopt.model.staging import (
    Treated,
    cuts_of,
    held_inside,
    starts_of,
    stretches_of,
    template_of,
    treatment_inside,
    treatment_of,
)
from causalopt.model.stepping import step_term
from causalopt.model.system import System
from causalopt.model.template import is_inner, owner_of
from causalopt.plan.block import Block, single_form, symbols_of
from causalopt.plan.doubts import values_in_doubt
from causalopt.plan.lanes import AnyWorld, Lane, Lanes
from causalopt.plan.loop import Loop, Remembered, Segment, Terms
from causalopt.plan.names import UNIT, Names, Slot
from causalopt.plan.pace import pace_of
from causalopt.plan.samples import NONE, divides_at, samples_of
from causalopt.plan.terms import NodeTerms

_ZERO, _ONE = Integer(0), Integer(1)

# Of more variables than this, short formulas too, from so few parts on, are put together once for
# all that are alike. A step takes longer by that: what neighbours share is computed for each.
_MANY, _SHORT = 64, 4


@functools.lru_cache(maxsize=64)
def flatten_system(
    system: System,
    steps: int,
    lanes: Lanes,
    wanted: tuple[Slot, ...],
    *,
    errors: bool = False,
    is_divided: bool = False,
) -> Loop:
    """The loop that computes the wanted slots; what they do not need is left out.

    With ``errors``, stages that estimate a step's errors can be wanted. Where it ``is_divided``,
    steps are taken in parts, as they are where there is a tolerance.
    """
    names = Names(system, system.beginning, _routines_from(len(system.variables)))
    worlds = [lane.world for lane in lanes.lanes]
    stretches = stretches_of(system, steps, worlds)
    pace = pace_of(names, system.dt, is_in_parts=is_divided or system.tolerance is not None)
    raws = [
        _assignments(system, lanes, names, start, treated, errors=errors)
        for start, _ in stretches
        for treated in (treatment_of, treatment_inside)[: pace.kinds]
    ]
    first = _initial(system, lanes, names, wanted)
    _carry_pasts(lanes, names, first, raws)
    # What no difference ever reaches is 0 for good: it need not be carried, nor what it enters.
    first, *raws = [raw | names.named for raw in (first, *raws)]
    zero = always_zero(lanes, names, [first, *raws])
    first = _with(zero, first)
    raws = [_with(pace.given, _with(zero, raw)) for raw in raws]
    doubted = values_in_doubt(wanted, names, lanes, [first, *raws])
    # (Something has to be, also where all that is wanted is zero.)
    wanted = tuple(slot for slot in wanted if names.after(slot) not in zero) or wanted[:1]
    # Of the rest, the state is what the wanted slots depend on, over any number of steps.
    slots = sorted(_needed((*wanted, *doubted), names, raws), key=_in_chains)
    inputs, noises = tuple(names.inputs.values()), (*names.noises.values(), *pace.inputs)
    given, drawn = ([entry.symbol for entry in entries] for entries in (inputs, noises))
    state, after = ([side(slot) for slot in slots] for side in (names.before, names.after))
    arguments = [*state, *given, *drawn, names.time]
    pieces = [(single_form(arguments, raw, after), Terms(arguments, raw, after)) for raw in raws]
    return Loop(
        slots=tuple(slots),
        inputs=inputs,
        noises=noises,
        initial=single_form([*given, names.time], first, after),
        beginning=Terms([*state, *given, names.time], first, after),
        segments=_segments(stretches, pieces, pace.kinds),
        steps=steps,
        dt=1.0 if system.step_size is None else system.step_size,
        recorded=tuple(slots.index(slot) for slot in wanted),
        scales=_scales(lanes, names, slots, raws),
        slopes={symbol: pace.seen_by(slope) for symbol, slope in names.slopes.values()},
        value_slots=_value_slots(system, lanes, slots),
        chains=_chains(slots),
        has_arrays=_has_arrays(system, worlds),
        pace=pace,
        samples=NONE if is_divided else samples_of(system, steps, worlds, inputs),
        borders=divides_at(system, worlds),
    )


def _routines_from(variables: int) -> int | None:
    """How many parts a formula of one of so many variables has at least, to be a routine."""
    if variables <= FEW:
        return None
    return LONG if variables <= _MANY else _SHORT


def _with(terms: Mapping[Symbol, Expr], raw: dict[Symbol, Expr]) -> dict[Symbol, Expr]:
    """Assignments with terms in the place of some symbols."""
    known = frozenset(terms)
    return {s: e if known.isdisjoint(symbols_of(e)) else e.xreplace(terms) for s, e in raw.items()}


def _segments(
    stretches: Sequence[tuple[int, int]], pieces: Sequence[tuple[Block, Terms]], kinds: int
) -> tuple[Segment, ...]:
    """The segments of stretches, of each of which there is one block, or one for its inside too."""
    every = [pieces[kinds * i : kinds * (i + 1)] for i in range(len(stretches))]
    return tuple(
        Segment(*stretch, *own, *(Segment(*stretch, *piece) for piece in inside))
        for stretch, (own, *inside) in zip(stretches, every, strict=True)
    )


def _has_arrays(system: System, worlds: Sequence[AnyWorld]) -> bool:
    """Whether a variable holds an array, or something is computed by a function."""
    bases = [t.base for world in worlds for t in world.treatments if t.base is not None]
    rules = [*system.declarations.values(), *(b.replacement for b in bases)]
    is_called = any(rule is not None and rule.is_opaque for rule in rules)
    return is_called or any(variable.domain.shape for variable in system.variables)


def _in_chains(slot: Slot) -> tuple[object, ...]:
    """Pasts come last, those of one variable side by side, the latest first."""
    past = slot.variable
    return (1, slot.lane, past.variable.name, past.by) if isinstance(past, Past) else (0,)


def _chains(slots: Sequence[Slot]) -> tuple[Remembered, ...]:
    """The runs of slots each of which takes over what the one before it was."""
    places = {slot: j for j, slot in enumerate(slots)}
    pasts = [slot for slot in slots if isinstance(slot.variable, Past)]
    first = [slot for slot in pasts if not isinstance(slot.earlier.variable, Past)]
    ends = [places[slot] for slot in first] + [len(slots)]
    return tuple(
        Remembered(places[slot.earlier], range(start, stop))
        for slot, (start, stop) in zip(first, pairwise(ends), strict=True)
    )


def _scales(
    lanes: Lanes, names: Names, slots: Sequence[Slot], raws: Sequence[Mapping[Symbol, Expr]]
) -> tuple[tuple[int, ...], ...]:
    """The places of the tangent slots, in groups: each lane with those that it copies from."""
    owner = {s: slot.lane for slot, pair in names.states.items() for s in pair}
    owner |= dict(names.parts.values())
    nobody = len(lanes.lanes)
    tangents = [i for i, lane in enumerate(lanes.lanes) if lane.is_tangent]
    groups = {lane: {lane} for lane in tangents}
    for raw in raws:
        for symbol, formula in raw.items():
            if symbol not in owner:
                continue
            own, seen = owner[symbol], {owner.get(s, nobody) for s in symbols_of(formula)}
            for lane in seen.intersection(tangents) if own in groups else ():
                if lane not in groups[own]:
                    groups[own] |= groups[lane]
                    groups |= dict.fromkeys(groups[own], groups[own])
    apart = {id(group): group for group in groups.values()}
    places = [
        tuple(j for j, slot in enumerate(slots) if slot.lane in group)
        for group in sorted(apart.values(), key=min)
    ]
    return tuple(group for group in places if group)


def _value_slots(system: System, lanes: Lanes, slots: Sequence[Slot]) -> tuple[int, ...]:
    """The places of the slots that hold values, in the order in which a step computes them."""
    places = {slot: j for j, slot in enumerate(slots)}
    values = [i for i, lane in enumerate(lanes.lanes) if not lane.is_tangent]
    own = [v for v in system.template if owner_of(v) in system.declarations]
    order = [Slot(i, variable) for i in values for variable in own]
    return tuple(places[slot] for slot in order if slot in places)


def _initial(
    system: System, lanes: Lanes, names: Names, wanted: Iterable[Slot]
) -> dict[Symbol, Expr]:
    """What is assigned at step 0, in terms of inputs and of what else is assigned there."""
    _check_nudged(system, lanes)
    first: dict[Symbol, Expr] = {}
    cuts = cuts_of(system, [lane.world for lane in lanes.lanes], 0, treatment_of)
    for place, lane in enumerate(lanes.lanes):
        rules = starts_of(system, lane.world, cuts[place])
        for variable in dict.fromkeys((*system.variables, *rules)):
            rule = rules.get(variable)
            own = None if rule is None else at_start(rule, step_term(system.dt))
            terms = NodeTerms(names, lanes, place, variable, 0, own, names.after)
            first[names.after(Slot(place, variable))] = lane.at(variable, 0).apply(terms)
        if lane.is_tangent:
            unit = names.after(Slot(place, UNIT))
            first[unit] = _ONE if _last_nudge(lane) > 0 else _ZERO
    # The inner stages of a step have no value at the start.
    return first | {names.after(slot): _ZERO for slot in wanted if is_inner(slot.variable)}


def _carry_pasts(
    lanes: Lanes, names: Names, first: dict[Symbol, Expr], raws: Sequence[dict[Symbol, Expr]]
) -> None:
    """Assign what is looked back to: each step takes over what was one step before."""
    kinds = {slot: slot.variable for slot in names.states}
    waiting = [slot for slot, kind in kinds.items() if isinstance(kind, Past)]
    # Inside a step it is looked back to where a mechanism says so, or one that stands in for it.
    seen = set().union(*(symbols_of(e) for raw in raws for e in raw.values()))
    inner = [slot for slot, kind in kinds.items() if is_inner(kind)]
    asked = [slot for slot in inner if names.before(slot) in seen]
    # A limit for which the variable itself stands in begins as that does, for who asks for it.
    back = {(slot.lane, _kept_of(slot.variable)) for slot in (*waiting, *asked)}
    limits = [s for s in inner if isinstance(s.variable, LeftLimit) and s not in asked]
    waiting += [*asked, *(s for s in limits if (s.lane, s.variable.owner) in back)]
    for slot in waiting:
        past, step = slot.variable, 0
        if isinstance(past, Past):
            before = slot.earlier.variable
            waiting += [slot.earlier] if isinstance(before, Past) or is_inner(before) else []
            for raw in raws:
                raw[names.after(slot)] = names.before(slot.earlier)
            past, step = past.variable, -past.by
        is_tangent = lanes.lanes[slot.lane].is_tangent
        first[names.after(slot)] = _ZERO if is_tangent else names.history(past, step)


def _kept_of(kind: Variable | Past) -> Variable:
    """The variable that is looked back to, or the inside of whose step is."""
    return owner_of(kind.variable if isinstance(kind, Past) else kind)


def _last_nudge(lane: Lane) -> int:
    """The last step at which a lane's tangents are nudged; -1 where they are not."""
    nudges = (t for t in lane.world.treatments if t.shift and t.shift.is_infinitesimal)
    return max((t.stop - 1 for t in nudges), default=-1)


def _assignments(
    system: System, lanes: Lanes, names: Names, step: int, treated: Treated, *, errors: bool
) -> dict[Symbol, Expr]:
    """What one step, or a part of it, assigns in every lane, by what is done there."""
    assigned: dict[Symbol, Expr] = {}
    worlds = [lane.world for lane in lanes.lanes]
    held, cuts = held_inside(system, worlds, step), cuts_of(system, worlds, step, treated)
    for place, lane in enumerate(lanes.lanes):
        _check_events(system, lane, step)
        template = template_of(system, lane.world, step, held, cuts[place], errors=errors)
        for target, mechanism in template.items():
            terms = NodeTerms(names, lanes, place, target, step, mechanism, names.after)
            treatment = treated(lane.world, target, step)
            assigned[names.after(Slot(place, target))] = treatment.apply(terms)
        if lane.is_tangent:
            # Carried no longer than it is needed: tangents may grow far beyond it.
            unit = Slot(place, UNIT)
            assigned[names.after(unit)] = names.before(unit) if step <= _last_nudge(lane) else _ZERO
    return assigned


def _check_nudged(system: System, lanes: Lanes) -> None:
    """Raise ``QueryError`` where what has no rate is nudged, and steps are taken in parts.

    It follows from the others at each moment, and so would be moved for no time at all.
    """
    if system.tolerance is None:
        return
    done = [effect for lane in lanes.lanes for effect in lane.world.effects]
    for variable in (key for key, course in done if any(t.shift for t in course)):
        if variable in system.algebraic:
            raise QueryError(
                f"{variable} is nudged, which follows from the others at each moment: in steps of "
                "no fixed length that lasts no time. Nudge what has a rate, or leave tolerance out."
            )


def _check_events(system: System, lane: Lane, step: int) -> None:
    """What an event sets is held as a whole or not at all, where it happens inside a step.

    Else it would happen at one moment in what is held, and at another in the rest.
    """
    for event in system.events if system.method is not None else ():
        first, *others = (treatment_of(lane.world, Stage(v, 2), step).base for v in event.set)
        for variable, base in zip(list(event.set)[1:], others, strict=True):
            if base != first:
                raise QueryError(
                    f"The event when {event.when} sets {listed(event.set)} at one moment, and here "
                    f"{variable} is held in another way than {next(iter(event.set))}: hold all of "
                    "them, or none."
                )


def always_zero(
    lanes: Lanes, names: Names, raws: Sequence[Mapping[Symbol, Expr]]
) -> dict[Symbol, Expr]:
    """The tangents that no perturbation ever reaches, so that they need not be computed."""
    # Before a step and after it, it is the same slot.
    states = {s: pair for slot, pair in names.states.items() for s in pair
              if lanes.lanes[slot.lane].is_tangent}  # fmt: skip
    parts = (s for s, lane in names.parts.values() if lanes.lanes[lane].is_tangent)
    tangents = states | {symbol: (symbol,) for symbol in parts}
    nothing, every = dict.fromkeys(tangents, _ZERO), frozenset(tangents)
    # A tangent is reached where a nudge is made, or where one that is reached enters it.
    entered: dict[Symbol, list[Symbol]] = {}
    reached: set[Symbol] = set()
    waiting: list[Symbol] = []
    for raw in raws:
        for symbol in raw.keys() & tangents.keys():
            for source in symbols_of(raw[symbol]) & every:
                entered.setdefault(source, []).append(symbol)
            if not _is_zero_with(nothing, raw[symbol]):
                waiting.append(symbol)
    while waiting:
        symbol = waiting.pop()
        if symbol not in reached:
            pair = tangents[symbol]
            reached.update(pair)
            waiting.extend(target for s in pair for target in entered.get(s, ()))
    return {s: _ZERO for s in tangents if s not in reached}


def _is_zero_with(nothing: Mapping[Symbol, Expr], formula: Expr) -> bool:
    """Whether a formula is 0 where some symbols are: mostly its terms tell, each by a factor."""
    if formula.is_Atom:
        return formula in nothing or formula == 0
    if isinstance(formula, Add):
        return all(_is_zero_with(nothing, term) for term in formula.args)
    if isinstance(formula, Mul) and not nothing.keys().isdisjoint(formula.args):
        return True
    if isinstance(formula, Filled):
        return bool(formula.paths) and all(_is_zero_with(nothing, path) for path in formula.paths)
    return bool(formula.xreplace(nothing) == 0)


def _needed(
    wanted: Iterable[Slot], names: Names, raws: Sequence[Mapping[Symbol, Expr]]
) -> list[Slot]:
    """The slots that the wanted ones depend on, over all steps, in the order of the plan."""
    needed = set(wanted)
    waiting = [names.after(slot) for slot in needed]
    owner = {before: slot for slot, (before, _) in names.states.items()}
    seen: set[Symbol] = set()
    while waiting:
        symbol = waiting.pop()
        if symbol in seen:
            continue
        seen.add(symbol)
        if symbol in owner:
            needed.add(owner[symbol])
            waiting.append(names.after(owner[symbol]))
        for raw in raws:
            if symbol in raw:
                waiting.extend(symbols_of(raw[symbol]) - seen)
    return [slot for slot in names.states if slot in needed]
