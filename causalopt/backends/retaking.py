"""Steps of a compiled run that are taken once more, in compiled code: at once, and in halves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np

from causalopt.backends.advancing import CompiledSegment
from causalopt.backends.compiled_run import CompiledRun, InputTable
from causalopt.backends.halving import Retaken, Snapshot, points_looked_at, remembered
from causalopt.ground.types import Floats, Ints

# Nothing is recorded: no step is so late.
_NO_VALUES, _EXPONENTS = np.empty((0, 0, 0)), np.empty((0, 0, 0), dtype=np.int64)
_NEVER = np.iinfo(np.int64).max


def looked_at(run: CompiledRun, batch: range) -> Ints:
    """The points of a batch of tiles that are looked at, for whether steps are short enough."""
    points = points_looked_at(run.points)
    first, last = np.searchsorted(points, [batch.start * run.tile, batch.stop * run.tile])
    return points[first:last]


def seen_at(run: CompiledRun, batch: range, step: int, points: Ints, drawn: Floats) -> Snapshot:
    """What there is after a step, at some points of a batch, with what it draws next."""
    columns = points - batch.start * run.tile
    return Snapshot(step, points, run.state[:, points], drawn[:, 0, columns] if drawn.size else
                    np.empty((0, len(points))))  # fmt: skip


def retaken_of(run: CompiledRun, segments: Sequence[CompiledSegment]) -> Iterator[Retaken]:
    """The steps after what was seen of a run, of the points of each batch by themselves."""
    seen = sorted(run.seen, key=lambda one: (one.points[0], one.step))
    for _, group in groupby(seen, key=lambda one: one.points[0]):
        some = list(group)
        before = np.stack([one.state for one in some])
        ends = [_taken(run, segments, some, before, parts) for parts in (1, 2)]
        yield Retaken([one.step for one in some], before, *ends)


def _taken(
    run: CompiledRun,
    segments: Sequence[CompiledSegment],
    seen: Sequence[Snapshot],
    before: Floats,
    parts: int,
) -> Floats:
    """The states (samples, slots, points) after steps in equal parts; NaN where there is none."""
    points, scales = seen[0].points, run.plan.scales
    width = run.tile if run.tile > 1 else len(points)
    states = _side_by_side(before, width)
    draws = _side_by_side(np.stack([one.drawn for one in seen]), width)[:, :, None]
    powers = np.zeros((len(seen), len(scales), width), dtype=np.int64)
    given = _inputs(run, points, parts, width)
    for one, *rows in zip(seen, states, powers, draws, strict=True):
        segment = next(s for s in segments if s.start <= one.step + 1 < s.stop)
        _take(run, segment, one.step, parts, given, *rows)
    for k, group in enumerate(map(list, scales)):
        states[:, group] = np.ldexp(states[:, group], powers[:, k, None])
    return states[..., : len(points)]


def _inputs(run: CompiledRun, points: Ints, parts: int, width: int) -> InputTable:
    """The inputs of points, side by side, with a step in equal parts."""
    given = run.given
    table = given.flat[given.offset[:-1, None] + points * given.stride[:-1, None]]
    table[run.plan.samples.length] /= parts
    return InputTable.of(list(_side_by_side(table, width)))


def _side_by_side(rows: Floats, width: int) -> Floats:
    """Rows of points, the last of them again and again up to a width; a copy."""
    filled = np.empty((*rows.shape[:-1], width))
    filled[..., : rows.shape[-1]] = rows
    filled[..., rows.shape[-1] :] = rows[..., -1:]
    return filled


def _take(
    run: CompiledRun,
    segment: CompiledSegment,
    after: int,
    parts: int,
    inputs: InputTable,
    state: Floats,
    powers: Ints,
    draws: Floats,
) -> None:
    """Carry a state, of points side by side, over the step after one that is taken in parts."""
    looked_back, given = remembered(run.plan), (inputs.flat, inputs.offset, inputs.stride)
    past, first = state[looked_back], parts * after + 1
    # What is drawn and what is looked back to is the same in both halves: else they go together.
    together = 1 if looked_back or run.streams else parts
    for step in range(first, first + parts, together):
        state[looked_back] = past
        stop = step + together
        rest = step, stop, run.plan.dt / parts, 0, _NEVER, 1, _NO_VALUES, _EXPONENTS
        if run.tile > 1:
            faults, rows = np.zeros(1, dtype=np.int64), np.empty(segment.buffer)
            segment.loop(state, powers, 0, 1, rows, *given, draws, *rest, faults)
            if faults[0]:
                state[:] = np.nan
            continue
        for point in range(state.shape[1]):
            own = np.ascontiguousarray(draws[:, :, point : point + 1])
            if segment.loop(state, powers, point, *given, own, *rest) != stop:
                state[:, point] = np.nan
