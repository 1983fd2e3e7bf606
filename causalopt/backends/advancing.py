"""A stretch of steps in compiled code: all points of a batch side by side, or one at a time."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from causalopt.backends import cache, tabling
from causalopt.backends.banding import BANDED_SIGNATURE, banded
from causalopt.backends.careful import careful_step
from causalopt.backends.codegen import (
    NARROW_SIGNATURE,
    TILE,
    WIDE_SIGNATURE,
    buffer_size,
    narrow,
    wide,
)
from causalopt.backends.compiled_run import CompiledRun, part_of, rows_before
from causalopt.backends.grouping import Groups, grouped
from causalopt.backends.interface import Recording
from causalopt.backends.shape import Shape
from causalopt.backends.telling import STEPS
from causalopt.backends.writer import weight
from causalopt.ground.scaled import RatioForm
from causalopt.ground.types import Floats, Ints
from causalopt.plan import Block, Terms

_Written = Callable[[Block, Shape], str]
_Tabled = Callable[[Groups, Shape, int], str]

# How a loop is written, and that of a large block, by its name.
_LOOPS: Mapping[str, tuple[_Written, _Tabled, str]] = {
    "narrow": (narrow, tabling.narrow, NARROW_SIGNATURE),
    "wide": (wide, tabling.wide, WIDE_SIGNATURE),
    "banded": (banded, tabling.banded, BANDED_SIGNATURE),
}


@dataclass(frozen=True, eq=False)
class CompiledSegment:
    """A segment made ready: its compiled loop, and how many steps one call may take."""

    start: int
    stop: int
    block: Block
    terms: Terms
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
    write, write_large, signature = _LOOPS[name]
    slots = len(block.results)
    groups = grouped(block, shape.computed(slots))
    source = write(block, shape) if groups is None else write_large(groups, shape, slots)
    loop = cache.function(source, name, signature)
    alone, beside = weight(block)
    # A table of numbers keeps compilers from some of the vector code.
    is_quick = name == "wide" and groups is None
    return loop, buffer_size(block, shape), beside if is_quick else alone


@dataclass(frozen=True, eq=False)
class Ledger:
    """What some steps of a batch record, from row ``low`` and point ``origin`` on.

    ``values`` are (recorded, rows, points), ``exponents`` those of what has a power.
    """

    low: int
    origin: int
    values: Floats
    exponents: Ints

    @classmethod
    def of(cls, run: CompiledRun, batch: range, first: int, stop: int) -> Ledger:
        """An empty one for the steps from ``first`` to ``stop``; step 0 is entered with the first.

        A result in one part is that part, and is not copied.
        """
        low = rows_before(run.recorded, first if first > 1 else 0)
        points = slice(batch.start * run.tile, min(batch.stop * run.tile, run.points))
        width = points.stop - points.start
        shape = rows_before(run.recorded, stop) - low, width
        values = np.empty((len(run.plan.quotients or run.plan.recorded), *shape))
        exponents = np.empty((len(run.powered), *shape), dtype=np.int64)
        ledger = cls(low, points.start, values, exponents)
        if first == 1 and 0 in run.recorded:
            powers = np.zeros((len(run.state), width), dtype=np.int64)
            ledger.enter(run, 0, slice(0, width), run.state[:, points], powers)
        return ledger

    def room(self, run: CompiledRun, rows: int, width: int) -> Ints:
        """Where a loop puts powers: among what is recorded, or beside what is one number each."""
        if run.plan.form is RatioForm.SCALED:
            return self.exponents
        beside = len(self.values), min(rows, self.values.shape[1]), width
        return np.empty(beside, dtype=np.int64)

    def enter(self, run: CompiledRun, row: int, column: slice, state: Floats, powers: Ints) -> None:
        """What is recorded of a state (slots, points) with powers of its own."""
        found = run.record_of(state, powers)
        self.values[:, row, column] = np.concatenate(found.values)
        for place, power in found.exponents.items():
            self.exponents[run.powered.index(place), row, column] = power[0]

    def part(self, run: CompiledRun) -> Recording:
        """What is in it."""
        return part_of(run, self.values, self.exponents, self.low, self.origin)

    def column(self, place: int) -> Ledger:
        """One of its points by itself: the ledger where it has no other, else a copy."""
        if self.values.shape[2] == 1:
            return self
        one = slice(place, place + 1)
        copies = self.values[:, :, one].copy(), self.exponents[:, :, one].copy()
        return Ledger(self.low, self.origin + place, *copies)

    def put(self, place: int, column: Ledger) -> None:
        """What one of its points has recorded by itself."""
        if column is not self:
            self.values[:, :, place] = column.values[:, :, 0]
            self.exponents[:, :, place] = column.exponents[:, :, 0]


@dataclass(frozen=True, eq=False)
class _Call:
    """One stretch of steps of a batch: what is drawn in it, and where it records."""

    first: int
    stop: int
    drawn: Floats
    ledger: Ledger

    def clock(self, run: CompiledRun, first: int) -> tuple[int, int, float, int, int, int]:
        """What a loop is told of time, where it begins at a step: when and where to record."""
        row, low = rows_before(run.recorded, first), self.ledger.low
        is_due = row < low + self.ledger.values.shape[1]
        due = run.recorded[row] if is_due else np.iinfo(np.int64).max
        return first, self.stop, run.plan.dt, row - low, due, run.recorded.step


def advance(
    run: CompiledRun,
    segment: CompiledSegment,
    batch: range,
    rows: Floats,
    drawn: Floats,
    first: int,
    stop: int,
    ledger: Ledger,
) -> None:
    """Carry a batch of tiles from step ``first`` to ``stop``, and record that in a ledger."""
    call = _Call(first, stop, drawn, ledger)
    if run.tile == 1:
        run.faults[ledger.origin] = _Alone.of(run, segment, call, ledger.origin, 0).carry()
    else:
        _carry_tiles(run, segment, call, batch, rows)


def _carry_tiles(
    run: CompiledRun, segment: CompiledSegment, call: _Call, batch: range, rows: Floats
) -> None:
    """All points of the tiles side by side; those of some tiles one by one, where they must be."""
    # Other batches may add to it meanwhile.
    tiles = {point // run.tile for point in tuple(run.apart)}
    for tile in tiles.intersection(batch):
        run.faults[tile] = run.faults[tile] or -1
    given = run.given.flat, run.given.offset, run.given.stride, call.drawn
    room = call.ledger.room(run, call.stop - call.first, TILE)
    segment.loop(
        *(run.state, run.powers, batch.start, batch.stop, rows, *given),
        *(*call.clock(run, call.first), call.ledger.values, room, run.faults),
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
    first = batch.start * run.tile
    faults = [_Alone.of(run, segment, call, p, p - first).carry() for p in points]
    run.faults[tile] = min((fault for fault in faults if fault), default=0)
    for column, fault in enumerate(faults):
        if fault > run.faults[tile]:
            # The tile stops at its first fault: a later one has not happened by then.
            run.state[:, points[column]] = before[:, column]


@dataclass(frozen=True, eq=False)
class _Alone:
    """One point of a stretch, carried by itself: its column in the batch, and what it records."""

    run: CompiledRun
    segment: CompiledSegment
    call: _Call
    point: int
    column: int
    ledger: Ledger

    @classmethod
    def of(
        cls, run: CompiledRun, segment: CompiledSegment, call: _Call, point: int, column: int
    ) -> _Alone:
        """A point, with what it recorded before this stretch."""
        return cls(run, segment, call, point, column, call.ledger.column(column))

    def carry(self) -> int:
        """Carry it to the end of the stretch; the step at which a value is not finite, or 0.

        As the others are, and band by band where its tangents are too far apart for that.
        """
        step = self.call.first
        while 0 < step < self.call.stop:
            if self.point in self.run.apart:
                step = self._in_bands(step)
            else:
                step = self._looped("narrow", step, ())
                if 0 < step < self.call.stop:
                    self.run.apart[self.point] = np.zeros(len(self.run.state), dtype=np.int64)
        self.call.ledger.put(self.column, self.ledger)
        return -min(step, 0)

    def _in_bands(self, step: int) -> int:
        reached = self._looped("banded", step, (self.run.apart[self.point],))
        if reached <= -self.call.stop:
            reached = self._with_care(-reached - self.call.stop)
        self.run.bring_together(self.point)
        return reached

    def _looped(self, name: str, step: int, apart: tuple[Ints, ...]) -> int:
        run, call = self.run, self.call
        drawn = call.drawn[:, step - call.first :, self.column : self.column + 1]
        is_own = name == "narrow" and run.tile == 1
        loop = self.segment.loop if is_own else self.segment.loop_named(name)
        reached: int = loop(
            *(run.state, run.powers, *apart, self.point),
            *(run.given.flat, run.given.offset, run.given.stride, np.ascontiguousarray(drawn)),
            *(*call.clock(run, step), self.ledger.values, self.ledger.room(run, STEPS, 1)),
        )
        return reached

    def _with_care(self, step: int) -> int:
        """A step at which a tangent would not be finite; the next step, or minus this one."""
        run, call = self.run, self.call
        drawn = call.drawn[:, step - call.first, self.column] if run.streams else ()
        rest = [*run.inputs_at(self.point), *drawn, (step - 1) * run.plan.dt]
        at = step, self.point if run.order is None else int(run.order[self.point])
        state, powers = list(run.state[:, self.point]), run.powers_at(self.point).tolist()
        after, new_powers = careful_step(run.plan, self.segment.terms, state, powers, rest, at)
        run.put(self.point, after, new_powers)
        row, due = call.clock(run, step)[3:5]
        if due == step:
            columns = np.array(after)[:, None], np.array(new_powers, dtype=np.int64)[:, None]
            self.ledger.enter(run, row, slice(0, 1), *columns)
        is_finite = np.isfinite([after[j] for j in run.plan.value_slots]).all()
        return step + 1 if is_finite else -step
