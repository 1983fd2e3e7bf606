"""One run of compiled code: its state, what it is given, and where it went wrong."""

from __future__ import annotations

import functools
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from causalopt.backends.bands import CLOSE
from causalopt.backends.careful import first_state
from causalopt.backends.codegen import TILE
from causalopt.backends.counting import counted
from causalopt.backends.halving import Snapshot
from causalopt.backends.interface import Inputs, NotFinite, Recording, as_wanted
from causalopt.backends.logarithms import log_size
from causalopt.ground.scaled import RatioForm
from causalopt.ground.types import Floats, Ints
from causalopt.plan import Loop
from causalopt.plan.draws import Stream

#: From this many points on, a tile of points side by side is faster than one point after another.
FEW = 8


@dataclass(frozen=True, eq=False)
class InputTable:
    """The inputs in one array: input j of a point is ``flat[offset[j] + point * stride[j]]``."""

    flat: Floats
    offset: Ints
    stride: Ints

    @classmethod
    def of(cls, columns: Sequence[Floats]) -> InputTable:
        """That of each input's numbers: one for all points, or one for each."""
        sizes = np.array([len(column) for column in columns], dtype=np.int64)
        return cls(
            flat=np.concatenate([*columns, np.zeros(1)]),
            offset=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
            stride=np.append(sizes > 1, False).astype(np.int64),
        )


@dataclass(frozen=True, eq=False)
class CompiledRun:
    """One run: the state (slots, points), the powers (scales, points) taken out of it, its faults.

    ``apart`` has the points whose tangents are too far apart for that: the power (slots,) of each
    beyond that of its scale. ``faults`` (tiles,) is the step at which a value left the finite
    numbers, 0 where none did. ``order`` (points,) says which point of the sweep each point of the
    run is, None where they are the same.
    """

    plan: Loop
    given: InputTable
    streams: tuple[Stream, ...]
    order: Ints | None
    recorded: range
    state: Floats
    powers: Ints
    faults: Ints
    apart: dict[int, Ints] = field(default_factory=dict)
    halted: threading.Event = field(default_factory=threading.Event)
    seen: list[Snapshot] = field(default_factory=list)

    @functools.cached_property
    def tangents(self) -> tuple[int, ...]:
        """The places, among the recorded slots, of those that are tangents."""
        every = {j for group in self.plan.scales for j in group}
        return tuple(r for r, j in enumerate(self.plan.recorded) if j in every)

    @functools.cached_property
    def powered(self) -> tuple[int, ...]:
        """The places, among what is recorded, of what has a power: quotients and tangents.

        None of these where each is one number, in which the power is.
        """
        if self.plan.form is not RatioForm.SCALED:
            return ()
        return tuple(range(len(self.plan.quotients))) or self.tangents

    def record_of(self, state: Floats, powers: Ints) -> Recording:
        """What is recorded of a state (slots, points) with powers of its own."""
        slots = self.plan.recorded
        tangents = {r: powers[slots[r], None] for r in self.tangents}
        return as_wanted(self.plan, Recording(state[list(slots), None], tangents, log=log_size))

    def named(self, points: slice) -> slice | Ints:
        """Which points of the sweep some points of the run are."""
        return points if self.order is None else self.order[points]

    @functools.cached_property
    def points(self) -> int:
        """The number of points, one where nothing is swept."""
        return int(self.state.shape[1])

    @functools.cached_property
    def tile(self) -> int:
        """How many points are computed side by side."""
        return TILE if self.points >= FEW else 1

    def inputs_at(self, point: int) -> Floats:
        """The inputs of a point."""
        values: Floats = self.given.flat[self.given.offset + point * self.given.stride][:-1]
        return values

    def powers_at(self, point: int) -> Ints:
        """The power (slots,) of each slot of a point."""
        powers = self.apart.get(point, np.zeros(len(self.state), dtype=np.int64)).copy()
        for k, group in enumerate(self.plan.scales):
            powers[list(group)] += self.powers[k, point]
        return powers

    def put(self, point: int, state: Sequence[float], powers: Sequence[int]) -> None:
        """Put a state in place, each of whose tangents has a power of its own."""
        self.state[:, point] = state
        self.apart[point] = np.array(powers, dtype=np.int64)
        for k, group in enumerate(self.plan.scales):
            top = max((powers[j] for j in group if state[j] != 0.0), default=0)
            self.powers[k, point] = top
            for j in group:
                self.apart[point][j] = powers[j] - top if state[j] != 0.0 else 0

    def bring_together(self, point: int) -> None:
        """Give the tangents of a point one power in each scale again, if they are close enough."""
        powers = self.apart[point]
        if (powers >= -CLOSE).all():
            self.state[:, point] = np.ldexp(self.state[:, point], powers)
            del self.apart[point]


def start(plan: Loop, inputs: Inputs, recorded: range, points: int) -> CompiledRun:
    """A run at step 0."""
    streams = tuple(inputs.draws[entry.symbol.name] for entry in plan.noises)
    order = _by_chain(streams)
    values = [inputs.values[entry.symbol.name] for entry in plan.inputs]
    columns = [np.atleast_1d(np.asarray(value, np.float64)) for value in values]
    if order is not None:
        columns = [column[order] if len(column) > 1 else column for column in columns]
    with np.errstate(all="ignore"):
        first = first_state(plan, [c if len(c) > 1 else c[0] for c in columns])
    state = np.empty((len(plan.slots), points))
    for j, value in enumerate(first):
        state[j] = value
    tile = TILE if points >= FEW else 1
    run = CompiledRun(
        plan=plan,
        given=InputTable.of(columns),
        streams=streams,
        order=order,
        recorded=recorded,
        state=state,
        powers=np.zeros((len(plan.scales), points), dtype=np.int64),
        faults=np.zeros(-(-points // tile), dtype=np.int64),
    )
    blame(run, 0, np.arange(points))
    return run


def _by_chain(streams: Sequence[Stream]) -> Ints | None:
    """The points in the order of their chains, so that points side by side share their draws."""
    shared = streams[0].chains if streams else None
    if shared is None or shared.places is None:
        return None
    chains = shared.of_points
    if (chains[1:] >= chains[:-1]).all():
        return None
    return np.argsort(chains, kind="stable")


def part_of(
    run: CompiledRun, values: Floats, exponents: Ints, row: int, point: int = 0
) -> Recording:
    """Recorded values (recorded, rows, points), exponents, as a part that begins at a place."""
    return Recording(
        values,
        dict(zip(run.powered, exponents, strict=True)),
        slice(row, row + values.shape[1]),
        run.named(slice(point, point + values.shape[2])),
        log=log_size,
    )


def only_part(run: CompiledRun) -> Recording:
    """What a run without steps records."""
    found = run.record_of(run.state, np.zeros(run.state.shape, dtype=np.int64))
    return replace(found, points=run.named(slice(0, run.points)))


def blame(run: CompiledRun, step: int, points: Ints) -> None:
    """Raise for the first slot, and in it the first of some points, that is not finite."""
    for j in run.plan.value_slots:
        bad = points[~np.isfinite(run.state[j, points])]
        if bad.size:
            named = bad if run.order is None else run.order[bad]
            first = int(np.argmin(named))
            value = float(run.state[j, bad[first]])
            raise NotFinite((j,), step, int(named[first]), value, points=_lost(run))


def _lost(run: CompiledRun) -> Ints:
    """All points that have left the finite numbers: tiles go on where another one stops."""
    values = run.state[list(run.plan.value_slots)]
    lost = np.flatnonzero(~np.isfinite(values).all(axis=0))
    return lost if run.order is None else run.order[lost]


def streams_of(run: CompiledRun, batch: range) -> list[Stream]:
    """The streams of a batch of tiles; the last tile is filled up with copies of its last point."""
    places = np.arange(batch.start * run.tile, batch.stop * run.tile)
    places = np.minimum(places, run.points - 1)
    points = places if run.order is None else run.order[places]
    return [stream.of(points) for stream in run.streams]


def drawn_by(streams: Sequence[Stream], steps: int) -> Floats:
    """The next numbers of each noise, (noises, steps, points)."""
    if not streams:
        return np.empty((0, 0, 0))
    rows = [stream.take(steps, counted)[None] for stream in streams]
    # Compiled code is for rows that lie one after the other, as points taken out need not.
    return np.ascontiguousarray(rows[0] if len(rows) == 1 else np.concatenate(rows))


def rows_before(recorded: range, step: int) -> int:
    """How many of the recorded steps come before a step."""
    return min(len(recorded), max(0, -(-(step - recorded.start) // recorded.step)))
