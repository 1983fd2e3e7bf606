"""From worlds to numbers: plan them, hand the plan to a backend, put what comes back in place."""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from sympy import Add, Mul, Number, Symbol, preorder_traversal

from causalopt.backends import BACKENDS, Backend, Inputs, NotFinite, Recording, Stopped
from causalopt.backends.demand import GivesWay, TooManyParts
from causalopt.ground.checks import shown
from causalopt.ground.errors import QueryError, UndefinedError, nearest
from causalopt.ground.memory import refuse_what_does_not_fit
from causalopt.ground.scaled import Scaled, stacked
from causalopt.ground.types import Array, Floats
from causalopt.language.domains import domain_of
from causalopt.model.interface import Model
from causalopt.model.network import Network
from causalopt.model.selection import Key
from causalopt.model.system import System
from causalopt.model.world import World
from causalopt.plan import (
    Lanes,
    Layers,
    Loop,
    Plan,
    flatten,
    flatten_network,
    lanes_of,
)
from causalopt.plan.draws import FOR_CHAIN
from causalopt.runs.explanation import explained, told_of
from causalopt.runs.inputs import inputs_of
from causalopt.runs.parts import InParts, by_other_methods, divided_plan, in_parts
from causalopt.runs.reading import Read, Reading, numbers_of
from causalopt.runs.sweeps import Sweep

#: The rows of a series that are kept: some steps of a run, or some nodes of a network.
Rows = range | Sequence[int]

# What formulas are made of that are sums and products.
_PLAIN = (Add, Mul, Number, Symbol)


@dataclass(frozen=True)
class Want:
    """What a run is asked for: a series in a world, or its tangent (a derivative)."""

    world: World[Model]
    series: Key
    tangent: bool = False


def backend_named(name: str) -> Backend:
    """The backend of that name, or an error that lists them."""
    if not isinstance(name, str) or name not in BACKENDS:
        raise QueryError(f"There is no backend {shown(name)}." + nearest(name, BACKENDS))
    return BACKENDS[name]


def simulate(
    wants: Sequence[Want],
    rows: Rows,
    sweep: Sweep,
    backend: str,
    measure: Callable[[list[Scaled]], Array],
    *,
    in_words: bool = True,
) -> Array:
    """What is measured of the wanted series at some rows: (..., rows, *sweep).

    ``rows`` are steps of a system or places of a network's nodes. ``measure`` is given each want at
    some rows and points, (rows, points), or (rows, points, *shape) of arrays, and (..., k) of their
    tangents in k directions; it gives an array whose last two axes are rows and points. An error
    of a run is explained ``in_words``, but where it is only asked whether there is one.

    Raises ``TooLargeError``, before it starts, for what does not fit in memory, and
    ``EvaluationError`` where a node leaves the finite real numbers.
    """
    return _simulated(wants, rows, sweep, backend, (numbers_of, measure), in_words)


def simulate_ratios(
    pairs: Sequence[tuple[Want, Want]],
    rows: Rows,
    sweep: Sweep,
    backend: str,
    reading: Reading[Read],
    measure: Callable[[list[Read]], Array],
    *,
    in_words: bool = True,
) -> Array:
    """What is measured of quotients of tangents at some rows, as ``simulate`` measures numbers.

    They are read as ratios, or in a form that is one number: a run takes them, where it has both
    tangents, and makes that number of them, so that less is handed on.
    """
    wants = [want for pair in pairs for want in pair]
    return _simulated(wants, rows, sweep, backend, (reading, measure), in_words)


def _simulated(
    wants: Sequence[Want],
    rows: Rows,
    sweep: Sweep,
    backend: str,
    reading: tuple[Reading[Read], Callable[[list[Read]], Array]],
    in_words: bool,
) -> Array:
    """What is measured of a recording, read as numbers, as ratios, or as these in a form."""
    if not wants or not rows:
        raise QueryError("There is nothing to run: no variable and no node is kept.")
    read_of, measure = reading
    model, seed = wants[0].world.model, wants[0].world.seed
    lanes, places = lanes_wanted(wants, sweep)
    # A tangent that no infinitesimal perturbation reaches has no lane, and is zero.
    wanted = [(place, want.series) for place, want in zip(places, wants, strict=True)]
    # Worlds that differ in nothing but derivatives share a lane, and so what is wanted of it.
    distinct = list(dict.fromkeys(pair for pair in wanted if pair[0] >= 0))
    plan, division = divided_plan(
        flatten(model, rows[-1], lanes, tuple(distinct)), model, lanes, sweep
    )
    carried = plan.carried(distinct)
    kept = [(carried.index(pair) if pair in carried else None, pair[1]) for pair in wanted]
    runner = backend_named(backend)
    plan, read = read_of(plan, kept)
    look = functools.partial(values_at, backend=backend)
    _refuse_what_does_not_fit(plan, rows, sweep, runner)
    try:
        inputs = inputs_of(plan, model, sweep, seed)
        whole = in_parts(plan, division, model, lanes, sweep, runner.patience)
        parts = (
            (part, measure(read(part)))
            for part in recorded(whole, runner, inputs, rows, sweep.points)
        )
        measured = _put_together(parts, (len(rows), sweep.points or 1))
    except GivesWay:
        return _by_others(
            cast(System, model),
            wants,
            lambda those: _simulated(those, rows, sweep, backend, reading, in_words),
        )
    except NotFinite as error:
        if not in_words:
            raise UndefinedError("A value is not finite.", error.points.tolist()) from None
        refuse_where_it_began(error, wants, rows, sweep, backend)
        raise explained(error, plan, lanes, sweep, look) from None
    except Stopped as error:
        refuse_where_a_value_ends(wants, rows, sweep, backend)
        raise told_of(error) from None
    return measured.reshape(*measured.shape[:-1], *sweep.shape)


def _by_others(
    model: System, wants: Sequence[Want], again: Callable[[Sequence[Want]], Array]
) -> Array:
    """What is measured by the first of the other methods that goes through."""
    *others, last = (
        [replace(want, world=want.world.under(system)) for want in wants]
        for system in by_other_methods(model)
    )
    for these in others:
        with contextlib.suppress(TooManyParts):
            return again(these)
    return again(last)


def refuse_where_it_began(
    error: NotFinite, wants: Sequence[Want], rows: Rows, sweep: Sweep, backend: str
) -> None:
    """Raise an error about the first node whose derivative is not there, where there is no time.

    One pass has looked at the tangents that are wanted: those on the way are looked at now.
    """
    worlds = dict.fromkeys(want.world for want in wants if want.tangent)
    keys = [series.key for series in wants[0].world.model.series]
    every = [Want(world, key, tangent=True) for world in worlds for key in keys]
    in_time = wants[0].world.steps is not None
    if error.argument is not None and not in_time and len(every) > len(wants):
        simulate(every, rows, sweep, backend, stacked)


def refuse_where_a_value_ends(
    wants: Sequence[Want], rows: Rows, sweep: Sweep, backend: str
) -> None:
    """Raise an error about the first value that is not there, where a derivative stopped a run."""
    worlds = dict.fromkeys(want.world for want in wants if want.tangent)
    values = [Want(world, want.series) for world in worlds for want in wants]
    if values:
        simulate(values, rows, sweep, backend, stacked)


def _put_together(parts: Iterable[tuple[Recording, Array]], size: tuple[int, int]) -> Array:
    """What is measured of the parts of a recording, of so many (rows, points), in its place."""
    measured: Array | None = None
    for part, values in parts:
        if measured is None:
            shape = *values.shape[:-2], *size
            is_whole = _is_whole(part, values, size)
            measured = values if is_whole else np.empty(shape, dtype=values.dtype)
        if measured is not values:
            measured[..., part.rows, part.points] = values
    if measured is None:
        raise QueryError("There is nothing to run: no row is kept.")
    return measured


def _is_whole(part: Recording, values: Array, size: tuple[int, int]) -> bool:
    """Whether what is measured of a part is all, and lies by itself: it can be handed on as it is.

    What it is a small piece of would be kept as long as it is.
    """
    held = values if values.base is None else values.base
    is_all = isinstance(part.points, slice) and values.shape[-2:] == size
    is_own = values.flags.c_contiguous and values.flags.writeable
    is_most = getattr(held, "nbytes", math.inf) <= _BESIDE * values.nbytes
    return is_all and is_own and is_most


# So many times the memory of a result may be kept with it.
_BESIDE = 1.25


@functools.singledispatch
def recorded(
    plan: Plan | InParts, backend: Backend, inputs: Inputs, rows: Rows, points: int | None
) -> Iterator[Recording]:
    """The parts of a recording, as a backend gives them: (wanted, rows, points)."""
    raise TypeError(f"no way to run a {type(plan).__name__}")


@recorded.register
def _(
    plan: InParts, backend: Backend, inputs: Inputs, rows: Rows, points: int | None
) -> Iterator[Recording]:
    return plan.recorded(backend, inputs, _as_range(rows), points)


@recorded.register
def _(
    plan: Loop, backend: Backend, inputs: Inputs, rows: Rows, points: int | None
) -> Iterator[Recording]:
    if points == 1 and _is_plain(plan) and all(s.is_single for s in inputs.draws.values()):
        alone = {name: float(np.ravel(value)[0]) for name, value in inputs.values.items()}
        streams = {name: stream.single() for name, stream in inputs.draws.items()}
        inputs, points = replace(inputs, values=alone, draws=streams), None
    return backend.loop(plan, inputs, _as_range(rows), points)


@functools.lru_cache(maxsize=64)
def _is_plain(plan: Loop) -> bool:
    """Whether one point has the digits as a number that it has in an array, which takes longer.

    Sums and products have; powers and functions of NumPy's may be computed in another way there.
    """
    if plan.has_arrays:
        return False
    blocks = [plan.initial, *(segment.block for segment in plan.segments)]
    formulas = [e for block in blocks for e in (*(e for _, e in block.assignments), *block.results)]
    return all(isinstance(part, _PLAIN) for e in formulas for part in preorder_traversal(e))


def _as_range(rows: Rows) -> range:
    return rows if isinstance(rows, range) else range(rows[0], rows[-1] + 1)


@recorded.register
def _(
    plan: Layers, backend: Backend, inputs: Inputs, rows: Rows, points: int | None
) -> Iterator[Recording]:
    table = backend.layers(plan, inputs, points)
    which = _which(rows)
    lanes = list(plan.wanted)
    powers = {i: table.exponents[j][which] for i, j in enumerate(lanes) if j in table.exponents}
    values = [table.values[lane][which] for lane in lanes]
    yield Recording(values or np.zeros((0, len(rows), points or 1)), powers)


def _which(rows: Rows) -> slice | list[int]:
    """Rows as an index; of a range as a slice, which copies nothing."""
    if isinstance(rows, range) and rows.step > 0:
        return slice(rows.start, rows.stop, rows.step)
    return list(rows)


def gradients(
    world: World[Network], key: Key, held: Sequence[Sequence[Key]], sweep: Sweep, backend: str
) -> list[Scaled]:
    """The derivatives of one node by all nodes of a network: (nodes, *sweep) for each set held.

    The nodes in a set pass nothing on, nor do those that the world itself holds.
    """
    network = world.model
    applied = sweep.applied(world)
    lanes = lanes_of([applied], [])
    plan = flatten_network(network, lanes, with_partials=True)
    lane = lanes.values_of(applied)
    fixed = plan.cut_off(lane)
    cut = [np.append(fixed, [network.index[k] for k in more]).astype(np.int64) for more in held]
    runner, node = backend_named(backend), network.index[key]
    look = functools.partial(values_at, backend=backend)
    rows = range(len(network.nodes))
    _refuse_what_does_not_fit(plan, rows, sweep, runner, len(held))
    try:
        inputs = inputs_of(plan, network, sweep, world.seed)
        table = runner.gradients(plan, inputs, sweep.points, node, lane, cut)
    except NotFinite as error:
        raise explained(error, plan, lanes, sweep, look) from None
    whole = (len(rows), *sweep.shape)
    return [
        Scaled(mantissas.reshape(whole), table.exponents[i].reshape(whole))
        for i, mantissas in enumerate(table.values)
    ]


def _refuse_what_does_not_fit(
    plan: Plan, rows: Rows, sweep: Sweep, runner: Backend, adjoints: int = 0
) -> None:
    """What a run holds, and what is kept of it twice over, for labels are put on it, as floats."""
    points = sweep.points or 1
    drawn = runner.generators(plan, points, sweep.drawn)
    kept_twice = 2 * plan.size(points, len(rows)) - plan.size(points, 0)
    # A pass against the arrows has mantissas and powers, hands both on, and what it passes back.
    needed = 8 * (kept_twice + 5 * adjoints * points * len(rows)) + FOR_CHAIN * drawn
    many = f" and {points:,} points" if sweep.axes else ""
    count, unit = plan.kept(len(rows))
    refuse_what_does_not_fit(
        needed,
        f"Keeping {count:,} {unit}{many}",
        f'Keep fewer {unit} (keep="last", or keep=1000 for every 1000th step), name one node (such '
        "as R[1000]), or sweep fewer points at a time.",
    )


def lanes_wanted(wants: Sequence[Want], sweep: Sweep) -> tuple[Lanes, list[int]]:
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


def values_at(
    world: World[Model], series: Sequence[Key], step: int, sweep: Sweep, backend: str
) -> list[Floats]:
    """The values of series at one step of a world and one point of a sweep, for a message."""
    wants = [Want(world, key) for key in series]
    table = simulate(wants, range(step, step + 1), sweep, backend, stacked, in_words=False)
    sizes = [math.prod(domain_of(key).shape) for key in series]
    return np.split(table.reshape(-1), np.cumsum(sizes)[:-1])
