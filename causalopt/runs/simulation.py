"""From worlds to numbers: plan them, hand the plan to a backend, say what went wrong in words."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sympy import Symbol

from causalopt.backends import BACKENDS, Backend, NotFinite, Recording
from causalopt.ground.errors import EvaluationError, QueryError, nearest
from causalopt.ground.memory import refuse_what_does_not_fit
from causalopt.language.symbols import Next, Node, Noise, Stage, Variable
from causalopt.model.network import Network
from causalopt.model.system import System
from causalopt.model.world import Base, Fixed, Held, Replaced, World
from causalopt.plan import (
    Input,
    Lanes,
    Layers,
    Loop,
    Slot,
    flatten_network,
    flatten_system,
    lanes_of,
)
from causalopt.plan.draws import Stream
from causalopt.runs.sweeps import Sweep

Floats = npt.NDArray[np.float64]
Array = npt.NDArray[Any]

# A message about a node tells the values of this many of its parents.
_TOLD = 6


@dataclass(frozen=True)
class Scaled:
    """Numbers ``mantissa * 2**power`` that may lie outside the range of float64."""

    mantissa: Floats
    power: npt.NDArray[np.int64]

    def plain(self) -> Floats:
        """As floats; what is too large becomes infinite."""
        power = np.clip(self.power, -5000, 5000).astype(np.int32)
        with np.errstate(over="ignore", under="ignore"):
            made: Floats = np.ldexp(self.mantissa, power)
        return made


def stacked(found: Sequence[Scaled]) -> Floats:
    """Several as floats, one after the other along a new first axis."""
    return np.stack([one.plain() for one in found])


@dataclass(frozen=True)
class Want:
    """What a run is asked for: a node's value in a world, or its tangent (a derivative)."""

    world: World
    key: Any
    tangent: bool = False


def backend_named(name: str) -> Backend:
    """The backend of that name, or an error that lists them."""
    if name not in BACKENDS:
        raise QueryError(f"There is no backend {name!r}." + nearest(name, BACKENDS))
    return BACKENDS[name]


def simulate_system(
    wants: Sequence[Want],
    recorded: range,
    sweep: Sweep,
    backend: str,
    measure: Callable[[list[Scaled]], Array],
) -> Array:
    """What is measured of the wanted variables at the recorded steps: (..., steps, *sweep).

    ``measure`` is given each want at some steps and points, (steps, points), and gives an array
    whose last two axes are these.
    """
    system, steps = wants[0].world.model, recorded[-1]
    assert isinstance(system, System)
    lanes, places = _lanes(wants, sweep)
    slots = [Slot(place, want.key) for place, want in zip(places, wants, strict=True)]
    # A tangent that no infinitesimal perturbation reaches has no lane, and is zero.
    kept = [slot for slot in slots if slot.lane >= 0]
    distinct = list(dict.fromkeys(kept))
    if not distinct:
        distinct = [Slot(0, system.variables[0])]
    plan = flatten_system(system, max(steps, 0), lanes, tuple(distinct))
    runner = backend_named(backend)
    _refuse_what_does_not_fit(plan, recorded, sweep)
    made = None
    try:
        for part in runner.loop(
            plan, _inputs(plan, sweep, wants[0].world.seed), recorded, sweep.points
        ):
            found = measure([_pick_slot(part, distinct, slot) for slot in slots])
            if made is None:
                shape = *found.shape[:-2], len(recorded), sweep.points or 1
                made = np.empty(shape, dtype=found.dtype)
            made[..., part.rows, part.points] = found
    except NotFinite as error:
        slot = plan.slots[error.place[0]]
        where = slot.variable, lanes.lanes[slot.lane].world
        given = _values_before(error, *where, sweep, runner)
        raise _explained(error, *where, sweep, given) from None
    assert made is not None
    return made.reshape(*made.shape[:-1], *sweep.shape)


def simulate_network(wants: Sequence[Want], sweep: Sweep, backend: str) -> list[Scaled]:
    """Each wanted node: arrays of shape (*sweep); for the key None, all nodes: (nodes, *sweep)."""
    network = wants[0].world.model
    assert isinstance(network, Network)
    lanes, places = _lanes(wants, sweep)
    plan = flatten_network(network, lanes)
    runner = backend_named(backend)
    try:
        made = runner.layers(plan, _inputs(plan, sweep, wants[0].world.seed), sweep.points)
    except NotFinite as error:
        lane, node = error.place
        where = network.columns.labels[node], lanes.lanes[lane].world
        raise _explained(error, *where, sweep, _arguments(error, network, plan)) from None
    return [
        _pick_node(made, network, place, want.key, sweep.shape)
        for place, want in zip(places, wants, strict=True)
    ]


def gradients(
    world: World, key: Any, held: Sequence[Sequence[Any]], sweep: Sweep, backend: str
) -> list[Scaled]:
    """The derivatives of one node by all nodes of a network: (nodes, *sweep) for each set held.

    The nodes in a set pass nothing on, nor do those that the world itself holds.
    """
    network = world.model
    assert isinstance(network, Network)
    applied = sweep.applied(world)
    plan = flatten_network(network, lanes_of([applied], []), with_partials=True)
    fixed = [k for k, (piece,) in applied.effects if isinstance(piece.base, Fixed | Held)]
    cut = [np.array([network.index[k] for k in (*fixed, *more)], dtype=np.int64) for more in held]
    runner, node = backend_named(backend), network.index[key]
    try:
        made = runner.gradients(plan, _inputs(plan, sweep, world.seed), sweep.points, node, cut)
    except NotFinite as error:
        where = network.columns.labels[error.place[1]], applied
        raise _explained(error, *where, sweep, _arguments(error, network, plan)) from None
    whole = (len(network.nodes), *sweep.shape)
    return [
        Scaled(values.reshape(whole), made.exponents[i].reshape(whole))
        for i, values in enumerate(made.values)
    ]


def _refuse_what_does_not_fit(plan: Loop, recorded: range, sweep: Sweep) -> None:
    """What is kept, as much again to put labels on it, and the state, as floats."""
    points = sweep.points or 1
    columns = 2 * len(plan.recorded)
    needed = 8 * points * (columns * len(recorded) + len(plan.slots) + len(plan.inputs))
    many = f" and {points:,} points" if sweep.axes else ""
    refuse_what_does_not_fit(
        needed,
        f"Keeping {len(recorded):,} steps{many}",
        'Keep fewer steps (keep="last", or keep=1000 for every 1000th), name one node (such as '
        f"{plan.slots[0].variable}[{recorded[-1]}]), or sweep fewer points at a time.",
    )


def _lanes(wants: Sequence[Want], sweep: Sweep) -> tuple[Lanes, list[int]]:
    """The lanes that the wants need, and the lane of each; -1 for a tangent that is zero."""
    worlds = {want.world: sweep.applied(want.world) for want in wants}
    lanes = lanes_of(
        [worlds[want.world] for want in wants if not want.tangent],
        [worlds[want.world] for want in wants if want.tangent],
    )
    if not lanes.lanes:
        lanes = lanes_of([worlds[wants[0].world]], [])
    places = [
        lanes.tangent_of.get(worlds[want.world], -1)
        if want.tangent
        else lanes.value_of[worlds[want.world]]
        for want in wants
    ]
    return lanes, places


def _inputs(plan: Loop | Layers, sweep: Sweep, seed: int) -> dict[str, Any]:
    """The value of each input, and the stream of draws of each noise, by generated names."""
    swept = sweep.inputs()
    chains = sweep.chains()

    @functools.cache
    def stream(noise: Noise) -> Stream:
        return Stream(noise.law, noise.name, seed, chains)

    def value(one: Input) -> Any:
        match one.label:
            case Noise():
                return stream(one.label).at(0)
            case Node(Noise() as noise, step):
                # A noise of an unrolled system; its nodes come in the order of their steps.
                return stream(noise).at(step)
            case None:
                return one.value
        return swept.get(one.label, one.value)

    made = {one.symbol.name: value(one) for one in plan.inputs}
    noises = plan.noises if isinstance(plan, Loop) else ()
    return made | {one.symbol.name: stream(one.label) for one in noises}


def _pick_slot(part: Recording, distinct: Sequence[Slot], slot: Slot) -> Scaled:
    shape = part.values.shape[1:]
    if slot.lane < 0:
        return Scaled(np.zeros(shape), np.zeros((), dtype=np.int64))
    values = part.values[distinct.index(slot)]
    return Scaled(values, part.exponents.get(slot.lane, np.zeros((), dtype=np.int64)))


def _pick_node(
    made: Recording, network: Network, lane: int, key: Any, shape: tuple[int, ...]
) -> Scaled:
    which: Any = slice(None) if key is None else network.index[key]
    whole = (len(network.nodes), *shape) if key is None else shape
    if lane < 0:
        return Scaled(np.zeros(whole), np.zeros(whole, dtype=np.int64))
    values = made.values[lane][which].reshape(whole)
    powers = made.exponents.get(lane)
    if powers is None:
        return Scaled(values, np.zeros((), dtype=np.int64))
    return Scaled(values, powers[which].reshape(whole))


def _arguments(error: NotFinite, network: Network, plan: Layers) -> dict[object, float]:
    """The values of the nodes and noises that a node of a network is computed from."""
    labels = [*network.columns.labels, *(one.label for one in plan.inputs)]
    named = {labels[i]: value for i, value in error.given.items()}
    return {
        label: value
        for label, value in named.items()
        if label in network.index or isinstance(label, Noise | Node)
    }


def _values_before(
    error: NotFinite, key: Variable, world: World, sweep: Sweep, runner: Backend
) -> dict[object, float]:
    """What a node follows from, one step before: the point is run again, up to that step."""
    last, point = error.step - 1, sweep.only(error.point)
    found = _sources(world, key, error.step) if error.step else []
    states = [one for one in found if isinstance(one, Variable)]
    chains = point.chains()
    drawn = {
        one: Stream(one.law, one.name, world.seed, chains).at(last)
        for one in found
        if isinstance(one, Noise)
    }
    given: dict[object, float] = {Node(n, last): np.ravel(v)[0] for n, v in drawn.items()}
    if not states:
        return given
    lanes = lanes_of([world], [])
    slots = tuple(Slot(lanes.value_of[world], one) for one in states)
    assert isinstance(world.model, System)
    plan = flatten_system(world.model, last, lanes, slots)
    inputs = _inputs(plan, point, world.seed)
    try:
        (part,) = runner.loop(plan, inputs, range(last, last + 1), point.points)
    except NotFinite:
        # A chaotic run, whose rounding is another for one point than for many, may fail earlier.
        return given
    return {Node(v, last): part.values[i, 0, 0] for i, v in enumerate(states)} | given


def _sources(world: World, key: Variable, step: int) -> list[Symbol]:
    """The variables and noises of the step before that a node follows from, in their order."""
    assert isinstance(world.model, System)
    found: dict[Symbol, None] = {}
    seen = [key]
    for variable in seen:
        base = world.at(variable, step).base
        mechanism = base.mechanism if isinstance(base, Replaced) else world.model.template[variable]
        for symbol in mechanism.arguments:
            if isinstance(symbol, Next) and symbol.variable not in seen:
                seen.append(symbol.variable)
            elif isinstance(symbol, Variable | Noise):
                found[symbol] = None
    return list(found)


def _explained(
    error: NotFinite, key: Any, world: World, sweep: Sweep, given: Mapping[object, float]
) -> EvaluationError:
    """Which node, at which step and sweep point, from which values, and what its mechanism is."""
    key = key.owner if isinstance(key, Stage) else key
    kind = "infinite" if np.isinf(error.value) else "complex or undefined"
    timed = world.steps is not None
    node, step = (f"{key}[{error.step}]", f" (step {error.step})") if timed else (key, "")
    changed = " in a world with interventions" if _is_changed(world) else ""
    pairs = [f"{label} = {value:.6g}" for label, value in given.items()]
    told = [*pairs[:_TOLD], "..."] if len(pairs) > _TOLD else pairs
    at = f", at {', '.join(told)}" if told else ""
    return EvaluationError(
        f"{node} is {kind}{step}{changed}{sweep.describe(error.point)}{at}: "
        f"its mechanism is {_mechanism_of(world, key, error.step)}. Nodes hold finite real "
        "numbers; bound the mechanism, with Min, Max or Piecewise, or start it elsewhere."
    )


def _is_changed(world: World) -> bool:
    """Whether anything but a sweep acts on the world."""
    pieces = [piece for found in world.treatments for piece in found]
    return any(p.shift or not _is_swept(p.base) for p in pieces)


def _is_swept(base: Base | None) -> bool:
    return isinstance(base, Fixed) and isinstance(base.value, Symbol)


def _mechanism_of(world: World, key: Any, step: int) -> object:
    """The formula that a node follows in this world."""
    base = world.at(key, step).base
    if isinstance(base, Replaced):
        return base.mechanism.formula
    if isinstance(world.model, Network):
        return world.model.formula(key)
    assert isinstance(world.model, System)
    found = world.model.mechanisms.get(key)
    return None if found is None else found.formula
