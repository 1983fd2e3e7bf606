"""The compiled backend: a system's plan as one fused loop, compiled by numba, kept on disk.

It gives what the NumPy backend gives. Sums and products come in the same order, so that values are
the same to the last digit where a mechanism has no transcendental functions and no powers. Noise is
drawn by the same generators, a stretch of steps at a time, and handed to the loop.
"""

from __future__ import annotations

import functools
import importlib.util
import threading
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from causalopt.backends import cache
from causalopt.backends.codegen import (
    LOOPS,
    TILE,
    Shape,
    buffer_size,
)
from causalopt.backends.functions import compiled
from causalopt.backends.interface import Inputs, NotFinite, Recording
from causalopt.backends.numpy import NumPyBackend
from causalopt.backends.workers import available
from causalopt.backends.writer import CannotCompile, check, weight
from causalopt.ground.progress import track
from causalopt.ground.types import Floats, Ints
from causalopt.plan import Block, Layers, Loop
from causalopt.plan.draws import Stream

# Compiled code hears nothing from outside, so one call into it lasts about this long, in
# nanoseconds: Ctrl-C is heard between two calls.
_CALL = 1e8

# One call records about this many numbers of a slot: what is made of them finds them in the cache.
_KEPT = 1 << 14

# One call takes about this many numbers of noise, so few that they stay in the second-level cache,
# and, where it can, for this many steps, so many that asking a law for them costs little.
_DRAWN = 1 << 17
_STRETCH = 1024

# From this many points on, a tile of points side by side is faster than one point after another.
_FEW = 8


class NumbaBackend:
    """One compiled loop over time for each stretch of steps, parallel over the points of a sweep.

    Falls back on the NumPy backend, with a warning, where numba is missing or a function has no
    compiled form.
    """

    def __init__(self) -> None:
        self._reference = NumPyBackend()

    def loop(
        self, plan: Loop, inputs: Inputs, recorded: range, points: int | None
    ) -> Iterator[Recording]:
        """Run a system's plan in compiled code."""
        if not _can_compile(plan):
            yield from self._reference.loop(plan, inputs, recorded, points)
            return
        run = _start(plan, inputs, recorded, 1 if points is None else points)
        segments = _compiled_segments(run)
        if segments is None:
            yield from self._reference.loop(plan, inputs, recorded, points)
            return
        if 0 in recorded:
            yield _part(run, run.state[list(plan.recorded), None], run.powers[:, None], 0)
        yield from _carry_out(run, segments)

    def layers(self, plan: Layers, inputs: Inputs, points: int | None) -> Recording:
        """Run a network's plan."""
        return self._reference.layers(plan, inputs, points)

    def gradients(
        self,
        plan: Layers,
        inputs: Inputs,
        points: int | None,
        node: int,
        lane: int,
        held: Sequence[Ints],
    ) -> Recording:
        """The derivatives of one node by all nodes."""
        return self._reference.gradients(plan, inputs, points, node, lane, held)


def _can_compile(plan: Loop) -> bool:
    """Whether numba is there and knows every function of a plan; warns once where not."""
    if not _numba_is_there():
        _warn_once("numba is not installed: running with NumPy, which is slower.")
        return False
    for segment in plan.segments:
        unknown = _not_compiled(segment.block)
        if unknown is not None:
            _warn_once(
                f"{unknown} has no compiled form: systems that use it run with NumPy, "
                'which is slower. Write backend="numpy" to ask for that.'
            )
            return False
    return True


@functools.cache
def _numba_is_there() -> bool:
    return importlib.util.find_spec("numba") is not None


@functools.lru_cache(maxsize=256)
def _not_compiled(block: Block) -> str | None:
    """The name of a function that has no compiled form; None where all have."""
    try:
        check(block)
    except CannotCompile as unknown:
        return str(unknown)
    return None


_said: set[str] = set()


def _warn_once(message: str) -> None:
    if message not in _said:
        _said.add(message)
        warnings.warn(message, RuntimeWarning, stacklevel=2)


@dataclass(frozen=True, eq=False)
class _InputTable:
    """The inputs in one array: input j of a point is ``flat[offset[j] + point * stride[j]]``."""

    flat: Floats
    offset: Ints
    stride: Ints


@dataclass(frozen=True, eq=False)
class _Passage:
    """One run: the state (slots, points), the powers taken out of it, and where it went wrong.

    ``order`` (points,) says which point of the sweep each point of the run is, None where they are
    the same.
    """

    plan: Loop
    given: _InputTable
    streams: tuple[Stream, ...]
    order: Ints | None
    recorded: range
    state: Floats
    powers: Ints
    faults: Ints
    halted: threading.Event = field(default_factory=threading.Event)

    @property
    def points(self) -> int:
        """The number of points, one where nothing is swept."""
        return int(self.state.shape[1])

    @property
    def tile(self) -> int:
        """How many points are computed side by side."""
        return TILE if self.points >= _FEW else 1


def _start(plan: Loop, inputs: Inputs, recorded: range, points: int) -> _Passage:
    """A run at step 0."""
    streams = tuple(inputs.draws[entry.symbol.name] for entry in plan.noises)
    order = _by_chain(streams)
    values = [inputs.values[entry.symbol.name] for entry in plan.inputs]
    columns = [np.atleast_1d(np.asarray(value, np.float64)) for value in values]
    if order is not None:
        columns = [column[order] if len(column) > 1 else column for column in columns]
    sizes = np.array([len(column) for column in columns], dtype=np.int64)
    given = _InputTable(
        flat=np.concatenate([*columns, np.zeros(1)]),
        offset=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        stride=np.append(sizes > 1, False).astype(np.int64),
    )
    with np.errstate(all="ignore"):
        first = compiled(plan.initial)(*(c if len(c) > 1 else c[0] for c in columns), 0.0)
    state = np.empty((len(plan.slots), points))
    for j, value in enumerate(first):
        state[j] = value
    tile = TILE if points >= _FEW else 1
    run = _Passage(
        plan=plan,
        given=given,
        streams=streams,
        order=order,
        recorded=recorded,
        state=state,
        powers=np.zeros((len(plan.scales), points), dtype=np.int64),
        faults=np.zeros(-(-points // tile), dtype=np.int64),
    )
    _blame(run, 0, np.arange(points))
    return run


def _by_chain(streams: Sequence[Stream]) -> Ints | None:
    """The points in the order of their chains, so that points side by side share their draws."""
    chains = streams[0].chains if streams else None
    if chains is None or (chains[1:] >= chains[:-1]).all():
        return None
    return np.argsort(chains, kind="stable")


def _part(run: _Passage, values: Floats, exponents: Ints, row: int, point: int = 0) -> Recording:
    """Recorded values (slots, rows, points) and exponents as a part that begins at a place."""
    points = slice(point, point + values.shape[2])
    return Recording(
        values,
        dict(zip(run.plan.scales, exponents, strict=True)),
        slice(row, row + values.shape[1]),
        points if run.order is None else run.order[points],
    )


def _blame(run: _Passage, step: int, points: Ints) -> None:
    """Raise for the first slot, and in it the first of some points, that is not finite."""
    for j in run.plan.value_slots:
        bad = points[~np.isfinite(run.state[j, points])]
        if bad.size:
            named = bad if run.order is None else run.order[bad]
            first = int(np.argmin(named))
            raise NotFinite((j,), step, int(named[first]), float(run.state[j, bad[first]]))


@dataclass(frozen=True, eq=False)
class _CompiledSegment:
    """A segment made ready: its compiled loop, and how many steps one call may take."""

    start: int
    stop: int
    loop: cache.Compiled
    buffer: int
    nanoseconds: int


@functools.lru_cache(maxsize=256)
def _loop_of(name: str, block: Block, shape: Shape) -> tuple[cache.Compiled, int, int]:
    """The compiled loop of a block, the size of its buffer, and what a step costs."""
    write, signature = LOOPS[name]
    loop = cache.function(write(block, shape), name, signature)
    return loop, buffer_size(block, shape), weight(block)


def _compiled_segments(run: _Passage) -> list[_CompiledSegment] | None:
    """The segments made ready; None, with a warning, where numba cannot compile one."""
    from numba.core.errors import NumbaError

    plan = run.plan
    scales = tuple(plan.scales.values())
    shape = Shape(plan.value_slots, scales, plan.recorded, len(plan.noises))
    name = "narrow" if run.tile == 1 else "wide"
    try:
        return [
            _CompiledSegment(s.start, s.stop, *_loop_of(name, s.block, shape))
            for s in plan.segments
        ]
    except (NumbaError, RecursionError) as error:
        _warn_once(
            f"numba could not compile a system of {len(plan.slots)} values "
            f"({type(error).__name__}): it runs with NumPy, which is slower."
        )
        return None


def _carry_out(run: _Passage, segments: Sequence[_CompiledSegment]) -> Iterator[Recording]:
    """Carry all points to the last step, several at once; raise where one is not finite."""
    if not segments:
        return
    tiles = len(run.faults)
    workers = min(available(), tiles)
    longest = max((s.stop - s.start) * s.nanoseconds for s in segments)
    together = 1 if run.tile == 1 else int(_CALL / (longest * run.tile))
    together = max(1, min(together, -(-tiles // (4 * workers)) if workers > 1 else tiles))
    if run.streams:
        stretch = min(run.plan.steps, _STRETCH)
        together = min(together, max(1, _DRAWN // (len(run.streams) * run.tile * stretch)))
    batches = [range(low, min(low + together, tiles)) for low in range(0, tiles, together)]
    if len(batches) == 1:
        yield from _carry(run, segments, batches[0], show=True)
    else:
        yield from _share(run, segments, batches, workers)
    faulty = np.flatnonzero(run.faults)
    if faulty.size:
        step = int(run.faults[faulty].min())
        tiles_there = np.flatnonzero(run.faults == step)
        points = (tiles_there[:, None] * run.tile + np.arange(run.tile)).reshape(-1)
        _blame(run, step, points[points < run.points])


def _share(
    run: _Passage, segments: Sequence[_CompiledSegment], batches: Sequence[range], workers: int
) -> Iterator[Recording]:
    """Batches of tiles over threads: compiled code runs without the interpreter's lock."""

    def carried(batch: range) -> list[Recording]:
        return list(_carry(run, segments, batch, show=False))

    with ThreadPoolExecutor(workers) as pool:
        work = [pool.submit(carried, batch) for batch in batches]
        work.reverse()
        try:
            for _ in track(range(len(work)), "batches"):
                yield from work.pop().result()
        finally:
            # Nothing is left to do, unless an error or Ctrl-C ended this early.
            run.halted.set()
            for batch in work:
                batch.cancel()


def _carry(
    run: _Passage, segments: Sequence[_CompiledSegment], batch: range, *, show: bool
) -> Iterator[Recording]:
    """Carry a batch of tiles to the last step, a stretch of steps at a call."""
    rows = np.empty(max(segment.buffer for segment in segments))
    width = run.tile * len(batch)
    kept = max(1, _KEPT // width)
    longest = run.recorded.step * kept if len(run.recorded) > kept else run.plan.steps
    streams = _of_batch(run, batch)
    if streams:
        longest = min(longest, _DRAWN // (len(streams) * width))
    for segment in segments:
        size = min(longest, int(_CALL / (segment.nanoseconds * width)))
        chunks = range(segment.start, segment.stop, max(1, size))
        for first in track(chunks, "steps") if show else chunks:
            if run.halted.is_set():
                return
            stop = min(first + chunks.step, segment.stop)
            drawn = _drawn(streams, stop - first)
            yield from _advance(run, segment, batch, rows, drawn, first, stop)
            if run.faults[batch.start : batch.stop].all():
                return


def _of_batch(run: _Passage, batch: range) -> list[Stream]:
    """The streams of a batch of tiles; the last tile is filled up with copies of its last point."""
    places = np.arange(batch.start * run.tile, batch.stop * run.tile)
    places = np.minimum(places, run.points - 1)
    points = places if run.order is None else run.order[places]
    return [stream.of(points) for stream in run.streams]


def _drawn(streams: Sequence[Stream], steps: int) -> Floats:
    """The next numbers of each noise, (noises, steps, points)."""
    return np.stack([stream.take(steps) for stream in streams]) if streams else np.empty((0, 0, 0))


def _advance(
    run: _Passage,
    segment: _CompiledSegment,
    batch: range,
    rows: Floats,
    drawn: Floats,
    first: int,
    stop: int,
) -> Iterator[Recording]:
    """One call into compiled code, from step ``first`` to ``stop``, and what it recorded."""
    low, high = _rows(run.recorded, first), _rows(run.recorded, stop)
    due = run.recorded[low] if low < high else np.iinfo(np.int64).max
    origin = batch.start * run.tile
    shape = high - low, min(batch.stop * run.tile, run.points) - origin
    values = np.empty((len(run.plan.recorded), *shape))
    exponents = np.empty((len(run.plan.scales), *shape), dtype=np.int64)
    given = run.given.flat, run.given.offset, run.given.stride, drawn
    clock = first, stop, run.plan.dt, 0, due, run.recorded.step
    if run.tile == 1:
        run.faults[origin] = segment.loop(
            *(run.state, run.powers, origin, *given, *clock, values, exponents)
        )
    else:
        segment.loop(
            *(run.state, run.powers, batch.start, batch.stop, rows, *given, *clock),
            *(values, exponents, run.faults),
        )
    if low < high:
        yield _part(run, values, exponents, low, origin)


def _rows(recorded: range, step: int) -> int:
    """How many of the recorded steps come before a step."""
    return min(len(recorded), max(0, -(-(step - recorded.start) // recorded.step)))
