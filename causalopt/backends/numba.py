"""The compiled backend: a system's plan as one fused loop, compiled by numba, kept on disk.

It gives what the NumPy backend gives. Sums and products come in the same order, so that values are
the same to the last digit where a mechanism has no transcendental functions and no powers. Noise is
drawn by the same generators, a stretch of steps at a time, and handed to the loop.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from causalopt.backends.advancing import CompiledSegment, Ledger, advance, loop_of
from causalopt.backends.cache import NotCompiled
from causalopt.backends.compiled_run import (
    CompiledRun,
    blame,
    drawn_by,
    only_part,
    start,
    streams_of,
)
from causalopt.backends.halving import warn_of_long_steps
from causalopt.backends.interface import Inputs, Recording, refuse_arrays
from causalopt.backends.numpy import REFERENCE
from causalopt.backends.referring import ReferringBackend
from causalopt.backends.retaking import looked_at, retaken_of, seen_at
from causalopt.backends.shape import Shape
from causalopt.backends.workers import available, shared
from causalopt.backends.writer import CannotCompile, check
from causalopt.ground.progress import track
from causalopt.ground.scaled import RatioForm
from causalopt.plan import Block, Layers, Loop

# Compiled code hears nothing from outside, so one call into it lasts about this long, in
# nanoseconds: Ctrl-C is heard between two calls.
_CALL = 1e8

# One call records about this many numbers of a slot: what is made of them finds them in the cache.
_KEPT = 1 << 16

# What a loop has made one number of already may lie further away.
_MADE = 1 << 20

# One call takes about this many numbers of noise, so few that they stay in the second-level cache,
# and, where it can, for this many steps, so many that asking a law for them costs little.
_DRAWN = 1 << 17
_STRETCH = 1024


@dataclass(frozen=True)
class NumbaBackend(ReferringBackend):
    """One compiled loop over time for each stretch of steps, parallel over the points of a sweep.

    Falls back on the NumPy backend, with a warning, where numba is missing or a function has no
    compiled form.
    """

    @property
    def patience(self) -> int:
        """None: parts of steps are looked for in compiled code from the first."""
        return 0

    def loop(
        self, plan: Loop, inputs: Inputs, recorded: range, points: int | None
    ) -> Iterator[Recording]:
        """Run a system's plan in compiled code."""
        refuse_arrays(plan, "numba")
        if not _can_compile(plan):
            yield from self.reference.loop(plan, inputs, recorded, points)
            return
        run = start(plan, inputs, recorded, 1 if points is None else points)
        segments = _compiled_segments(run)
        if segments is None:
            yield from self.reference.loop(plan, inputs, recorded, points)
            return
        if not segments and 0 in recorded:
            yield only_part(run)
        yield from _carry_out(run, segments)
        warn_of_long_steps(plan, retaken_of(run, segments))

    def generators(self, plan: Loop | Layers, points: int, chains: int) -> int:
        """Those of the batches that are run at once."""
        if isinstance(plan, Loop):
            refuse_arrays(plan, "numba")
        if isinstance(plan, Layers) or not _can_compile(plan):
            return self.reference.generators(plan, points, chains)
        return min(chains * plan.drawn, _DRAWN * available())


#: The backend of long work in numbers.
COMPILED = NumbaBackend(REFERENCE)


def _can_compile(plan: Loop) -> bool:
    """Whether numba is there and knows every function of a plan; warns once where not."""
    if not is_there():
        _warn_once("numba is not installed: running with NumPy, which is slower.")
        return False
    for segment in plan.segments:
        unknown = not_compiled(segment.block)
        if unknown is not None:
            _warn_once(
                f"{unknown} has no compiled form: systems that use it run with NumPy, "
                'which is slower. Write backend="numpy" to ask for that.'
            )
            return False
    return True


@functools.cache
def is_there() -> bool:
    """Whether numba is installed."""
    return importlib.util.find_spec("numba") is not None


@functools.lru_cache(maxsize=256)
def not_compiled(block: Block) -> str | None:
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


def _compiled_segments(run: CompiledRun) -> list[CompiledSegment] | None:
    """The segments made ready; None, with a warning, where numba cannot compile one."""
    plan = run.plan
    shape = Shape.of(plan)
    name = "narrow" if run.tile == 1 else "wide"
    try:
        return [
            CompiledSegment(
                s.start, s.stop, s.block, s.terms, shape, *loop_of(name, s.block, shape)
            )
            for s in plan.segments
        ]
    except (NotCompiled, RecursionError) as error:
        why = str(error) if isinstance(error, NotCompiled) else type(error).__name__
        _warn_once(
            f"numba could not compile a system of {len(plan.slots)} values ({why}): it runs with "
            "NumPy, which is slower."
        )
        return None


def _carry_out(run: CompiledRun, segments: Sequence[CompiledSegment]) -> Iterator[Recording]:
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
        blame(run, step, points[points < run.points])


def _share(
    run: CompiledRun, segments: Sequence[CompiledSegment], batches: Sequence[range], workers: int
) -> Iterator[Recording]:
    """Batches of tiles over threads: compiled code runs without the interpreter's lock."""

    def carried(batch: range) -> list[Recording]:
        return list(_carry(run, segments, batch, show=False))

    with contextlib.closing(shared(batches, carried, workers, run.halted.set)) as work:
        for _ in track(range(len(batches)), "batches"):
            yield from next(work)


def _carry(
    run: CompiledRun, segments: Sequence[CompiledSegment], batch: range, *, show: bool
) -> Iterator[Recording]:
    """Carry a batch of tiles to the last step, a stretch of steps at a call."""
    rows = np.empty(max(segment.buffer for segment in segments))
    streams, points = streams_of(run, batch), looked_at(run, batch)
    samples = run.plan.samples.steps if points.size else ()
    for segment in segments:
        calls, together = _calls(run, segment, batch)
        for number, begin in enumerate(track(calls, "steps") if show else calls):
            if run.halted.is_set():
                return
            if number % together == 0:
                until = min(begin + together * calls.step, segment.stop)
                ledger = Ledger.of(run, batch, begin, until)
            end = min(begin + calls.step, segment.stop)
            cuts = [s + 1 for s in samples if begin < s + 1 < end]
            for first, stop in pairwise((begin, *cuts, end)):
                drawn = drawn_by(streams, stop - first)
                if first - 1 in samples and run.apart.keys().isdisjoint(points.tolist()):
                    run.seen.append(seen_at(run, batch, first - 1, points, drawn))
                advance(run, segment, batch, rows, drawn, first, stop, ledger)
                if (run.faults[batch.start : batch.stop] > 0).all():
                    return
            if end == until and ledger.values.shape[1]:
                yield ledger.part(run)


def _calls(run: CompiledRun, segment: CompiledSegment, batch: range) -> tuple[range, int]:
    """The steps at which calls of compiled code begin, and how many record together."""
    width = run.tile * len(batch)
    kept = max(1, (_KEPT if run.plan.form is RatioForm.SCALED else _MADE) // width)
    longest = run.recorded.step * kept if len(run.recorded) > kept else run.plan.steps
    size = min(longest, int(_CALL / (segment.nanoseconds * width)))
    if run.streams:
        size = min(size, _DRAWN // (len(run.streams) * width))
    size = max(1, size)
    return range(segment.start, segment.stop, size), -(-longest // size)
