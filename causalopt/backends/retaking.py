"""Steps of a compiled run that are taken once more, in compiled code: at once, and in halves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np

from causalopt.backends.advancing import CompiledSegment
from causalopt.backends.compiled_run import CompiledRun
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
        inputs = {parts: _inputs(run, some[0].points, parts) for parts in (1, 2)}
        ends = {parts: np.stack([_taken(run, segments, one, flat, parts) for one in some])
                for parts, flat in inputs.items()}  # fmt: skip
        before = np.stack([one.state for one in some])
        yield Retaken([one.step for one in some], before, ends[1], ends[2])


def _inputs(run: CompiledRun, points: Ints, parts: int) -> Floats:
    """The inputs of points, side by side, (inputs * width + 1,), with a step in equal parts."""
    given = run.given
    table = given.flat[given.offset[:-1, None] + points * given.stride[:-1, None]]
    table[run.plan.samples.length] /= parts
    width = run.tile if run.tile > 1 else len(points)
    filled = np.concatenate([table, np.repeat(table[:, -1:], width - len(points), axis=1)], axis=1)
    return np.append(filled.reshape(-1), 0.0)


def _side_by_side(rows: Floats, width: int) -> Floats:
    """Rows of points, the last of them again and again up to a width."""
    return np.concatenate([rows, np.repeat(rows[:, -1:], width - rows.shape[1], axis=1)], axis=1)


def _taken(
    run: CompiledRun, segments: Sequence[CompiledSegment], seen: Snapshot, flat: Floats, parts: int
) -> Floats:
    """The state after the step, which is taken in equal parts; NaN where it cannot be."""
    segment = next(s for s in segments if s.start <= seen.step + 1 < s.stop)
    count, scales = len(seen.points), run.plan.scales
    width = run.tile if run.tile > 1 else count
    state, draws = _side_by_side(seen.state, width), _side_by_side(seen.drawn, width)[:, None]
    looked_back = remembered(run.plan)
    past = state[looked_back]
    powers = np.zeros((len(scales), width), dtype=np.int64)
    entries = len(run.given.offset)
    offset, stride = np.arange(entries) * width, np.ones(entries, dtype=np.int64)
    stride[-1] = 0
    first = parts * seen.step + 1
    # What is drawn and what is looked back to is the same in both halves: else they go together.
    together = 1 if looked_back or run.streams else parts
    for step in range(first, first + parts, together):
        state[looked_back] = past
        stop = step + together
        rest = step, stop, run.plan.dt / parts, 0, _NEVER, 1, _NO_VALUES, _EXPONENTS
        if run.tile > 1:
            faults, rows = np.zeros(1, dtype=np.int64), np.empty(segment.buffer)
            given = flat, offset, stride, draws
            segment.loop(state, powers, 0, 1, rows, *given, *rest, faults)
            if faults[0]:
                state[:] = np.nan
            continue
        for point in range(width):
            given = flat, offset, stride, np.ascontiguousarray(draws[:, :, point : point + 1])
            if segment.loop(state, powers, point, *given, *rest) != stop:
                state[:, point] = np.nan
    for group, power in zip(scales, powers, strict=True):
        state[list(group)] = np.ldexp(state[list(group)], power)
    return state[:, :count]
