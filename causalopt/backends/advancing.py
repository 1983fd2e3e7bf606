"""A stretch of steps in compiled code: all points of a batch side by side, or one at a time."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from causalopt.backends import cache
from causalopt.backends.banding import BANDED_SIGNATURE, banded
from causalopt.backends.codegen import (
    NARROW_SIGNATURE,
    WIDE_SIGNATURE,
    Shape,
    buffer_size,
    narrow,
    wide,
)
from causalopt.backends.compiled_run import CompiledRun, part_of, rows_before
from causalopt.backends.interface import Recording
from causalopt.backends.writer import weight
from causalopt.ground.types import Floats, Ints
from causalopt.plan import Block

# How a loop is written, by its name.
_LOOPS: Mapping[str, tuple[Callable[[Block, Shape], str], str]] = {
    "narrow": (narrow, NARROW_SIGNATURE),
    "wide": (wide, WIDE_SIGNATURE),
    "banded": (banded, BANDED_SIGNATURE),
}


@dataclass(frozen=True, eq=False)
class CompiledSegment:
    """A segment made ready: its compiled loop, and how many steps one call may take."""

    start: int
    stop: int
    block: Block
    shape: Shape
    loop: cache.Compiled
    buffer: int
    nanoseconds: int

    def loop_named(self, name: str) -> cache.Compiled:
        """Another loop of the same block, compiled when it is first asked for."""
        return loop_of(name, self.block, self.shape)[0]


@functools.lru_cache(maxsize=256)
def loop_of(name: str, block: Block, shape: Shape) -> tuple[cache.Compiled, int, int]:
    """The compiled loop of a block, the size of its buffer, and what a step costs."""
    write, signature = _LOOPS[name]
    loop = cache.function(write(block, shape), name, signature)
    return loop, buffer_size(block, shape), weight(block)


@dataclass(frozen=True, eq=False)
class _Call:
    """One stretch of steps of a batch: what is drawn in it, and what it records.

    ``values`` (recorded, rows, points) and ``exponents`` (recorded tangents, rows, points) are
    those of the recorded steps from row ``low`` on.
    """

    first: int
    stop: int
    drawn: Floats
    low: int
    values: Floats
    exponents: Ints

    def clock(self, run: CompiledRun, first: int) -> tuple[int, int, float, int, int, int]:
        """What a loop is told of time, where it begins at a step: when and where to record."""
        row = rows_before(run.recorded, first)
        is_due = row < self.low + self.values.shape[1]
        due = run.recorded[row] if is_due else np.iinfo(np.int64).max
        return first, self.stop, run.plan.dt, row - self.low, due, run.recorded.step


def advance(
    run: CompiledRun,
    segment: CompiledSegment,
    batch: range,
    rows: Floats,
    drawn: Floats,
    first: int,
    stop: int,
) -> Iterator[Recording]:
    """Carry a batch of tiles from step ``first`` to ``stop``, and give what it recorded."""
    low, high = rows_before(run.recorded, first), rows_before(run.recorded, stop)
    origin = batch.start * run.tile
    shape = high - low, min(batch.stop * run.tile, run.points) - origin
    values = np.empty((len(run.plan.recorded), *shape))
    exponents = np.empty((len(run.tangents), *shape), dtype=np.int64)
    call = _Call(first, stop, drawn, low, values, exponents)
    if run.tile == 1:
        run.faults[origin] = _carry_point(run, segment, call, origin, 0)
    else:
        _carry_tiles(run, segment, call, batch, rows)
    if low < high:
        yield part_of(run, values, exponents, low, origin)


def _carry_tiles(
    run: CompiledRun, segment: CompiledSegment, call: _Call, batch: range, rows: Floats
) -> None:
    """All points of the tiles side by side; those of some tiles one by one, where they must be."""
    # Other batches may add to it meanwhile.
    tiles = {point // run.tile for point in tuple(run.apart)}
    for tile in tiles.intersection(batch):
        run.faults[tile] = run.faults[tile] or -1
    given = run.given.flat, run.given.offset, run.given.stride, call.drawn
    segment.loop(
        *(run.state, run.powers, batch.start, batch.stop, rows, *given),
        *(*call.clock(run, call.first), call.values, call.exponents, run.faults),
    )
    for tile in batch:
        if run.faults[tile] < 0:
            _carry_one_by_one(run, segment, call, batch, tile)


def _carry_one_by_one(
    run: CompiledRun, segment: CompiledSegment, call: _Call, batch: range, tile: int
) -> None:
    origin = tile * run.tile
    points = range(origin, min(origin + run.tile, run.points))
    before = run.state[:, points.start : points.stop].copy()
    faults = [_carry_point(run, segment, call, p, p - batch.start * run.tile) for p in points]
    run.faults[tile] = min((fault for fault in faults if fault), default=0)
    for column, fault in enumerate(faults):
        if fault > run.faults[tile]:
            # The tile stops at its first fault: a later one has not happened by then.
            run.state[:, points[column]] = before[:, column]


def _carry_point(
    run: CompiledRun, segment: CompiledSegment, call: _Call, point: int, column: int
) -> int:
    """One point to the end of the stretch; the step at which a value is not finite, or 0.

    It is carried as the others are, and band by band where its tangents are too far apart for that.
    """
    if not segment.block.results:
        return 0
    given = run.given.flat, run.given.offset, run.given.stride
    values = np.empty((*call.values.shape[:2], 1))
    exponents = np.empty((*call.exponents.shape[:2], 1), dtype=np.int64)
    step = call.first
    while 0 < step < call.stop:
        drawn = np.ascontiguousarray(call.drawn[:, step - call.first :, column : column + 1])
        rest = *given, drawn, *call.clock(run, step), values, exponents
        if point in run.apart:
            loop = segment.loop_named("banded")
            step = loop(run.state, run.powers, run.apart[point], point, *rest)
            run.bring_together(point)
        else:
            step = segment.loop_named("narrow")(run.state, run.powers, point, *rest)
            if 0 < step < call.stop:
                run.apart[point] = np.zeros(len(run.state), dtype=np.int64)
    call.values[:, :, column], call.exponents[:, :, column] = values[:, :, 0], exponents[:, :, 0]
    return -min(step, 0)
