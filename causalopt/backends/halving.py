"""Whether steps of a fixed length are short enough: some are taken once more, in two halves."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from causalopt.backends.careful import first_state
from causalopt.backends.functions import compiled
from causalopt.ground.errors import LongStepsWarning
from causalopt.ground.types import Floats, Ints, Number
from causalopt.model.template import is_inner, owner_of
from causalopt.plan import Loop
from causalopt.plan.draws import Stream

# So many points of a sweep are looked at.
_POINTS = 8
# A tangent is compared with no less than this part of the largest in its group.
_OF_LARGEST = 0.1
# A run that keeps no states begins again to look at a step that comes so soon.
_SOON = 2


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The state (slots, points) of a run after a step, at some ``points`` of its sweep.

    ``drawn`` (noises, points) is what enters the next step.
    """

    step: int
    points: Ints
    state: Floats
    drawn: Floats

    @classmethod
    def of(
        cls, step: int, state: Sequence[Number], points: Ints, drawn: Sequence[Number] = ()
    ) -> Snapshot:
        """That of a state and draws whose values are numbers, or one for each point."""
        return cls(step, points, _rows(state, points), _rows(drawn, points))


def _rows(values: Sequence[Number], points: Ints) -> Floats:
    rows = np.empty((len(values), len(points)))
    for row, value in zip(rows, values, strict=True):
        row[:] = value[points] if isinstance(value, np.ndarray) and value.ndim else value
    return rows


@dataclass(frozen=True, eq=False)
class Retaken:
    """The steps after samples, (samples, slots, points): taken at once, and in two halves."""

    steps: Sequence[int]
    before: Floats
    whole: Floats
    halves: Floats


@functools.lru_cache(maxsize=64)
def points_looked_at(points: int) -> Ints:
    """A few of the points of a sweep, the first and the last among them."""
    return np.unique(np.linspace(0, points - 1, min(points, _POINTS)).astype(np.int64))


def remembered(plan: Loop) -> list[int]:
    """The slots of what is looked back to, which both halves of a step see as the whole does."""
    return [j for chain in plan.chains for j in chain.places]


def taken_again(plan: Loop, given: Sequence[Number], seen: Sequence[Snapshot]) -> Retaken:
    """The steps after what was seen, as blocks as functions of Python take them.

    ``given`` are the inputs: numbers, or one for each point of the sweep.
    """
    before, drawn = np.stack([one.state for one in seen]), np.stack([one.drawn for one in seen])
    whole, halves = np.empty_like(before), np.empty_like(before)
    points = seen[0].points
    inputs = [value[points] if np.ndim(value) else value for value in map(np.asarray, given)]
    half = [*inputs]
    half[plan.samples.length] = half[plan.samples.length] / 2
    steps = np.array([one.step for one in seen])
    for segment in plan.segments:
        which = np.flatnonzero((steps >= segment.start - 1) & (steps < segment.stop - 1))
        if which.size:
            take, time = compiled(segment.block), steps[which, None] * plan.dt
            start, draws = (np.moveaxis(rows[which], 1, 0) for rows in (before, drawn))
            middle = list(take(*start, *half, *draws, time))
            for j in remembered(plan):
                middle[j] = start[j]
            second = take(*middle, *half, *draws, time + plan.dt / 2)
            ends = take(*start, *inputs, *draws, time), second
            for table, end in zip((whole, halves), ends, strict=True):
                for j, value in enumerate(end):
                    table[which, j] = value
    return Retaken(steps.tolist(), before, whole, halves)


def first_again(
    plan: Loop, given: Sequence[Number], streams: Sequence[Stream], points: int | None
) -> list[Retaken]:
    """The first step that is looked at, where a run keeps no states: it begins once more here."""
    first, wanted = plan.samples.steps[0], points_looked_at(points or 1)
    if first > _SOON:
        return []
    with np.errstate(all="ignore"):
        state, segments = first_state(plan, given), plan.segments
        for step in range(first):
            drawn = [stream.at(step) for stream in streams]
            block = next(one.block for one in segments if one.start <= step + 1 < one.stop)
            state = list(compiled(block)(*state, *given, *drawn, np.float64(step * plan.dt)))
        drawn = [stream.at(first) for stream in streams]
        return [taken_again(plan, given, [Snapshot.of(first, state, wanted, drawn)])]


def warn_of_long_steps(plan: Loop, every: Iterable[Retaken]) -> None:
    """Warn where a step and its two halves differ by what no method would leave.

    For a slot u at a sample that is

        |whole - halves| / max(|before|, |whole|, least) > bound,

    where ``least`` is a thousandth of the largest that a value is at the samples, and for a tangent
    a tenth of the largest of its group there; ``bound`` is 0.15 (under Euler's method these are
    a tenth, and 0.25). Of u' = -k u rk4 is told from dt = 1.9 / k on, where it leaves twice of what
    it should, Euler's method from dt = 1 / k on, where it leaves nothing. Tangents are looked at as
    values are: where a world rests on a fast rate, they alone show that steps are too long. Where
    either is no number nothing is said.
    """
    beyond = [found for again in every if (found := _widest(plan, again)) is not None]
    if not beyond:
        return
    gap, step, slot = max(beyond)
    named = owner_of(plan.slots[slot].variable)
    what = "the derivative of " if any(slot in group for group in plan.scales) else ""
    warnings.warn(
        f"Steps of {plan.dt:g} are too long for this method: at step {step + 1} {what}{named} "
        f"differs by {gap:.0%} from what two halves of it give. What is computed may be far from "
        "the solution: take shorter steps, dt=..., or steps that find their own length, "
        'method="auto".',
        LongStepsWarning,
        stacklevel=2,
    )


def _widest(plan: Loop, again: Retaken) -> tuple[float, int, int] | None:
    """The widest gap, with the sample and the slot that has it; None where no point has enough."""
    size = np.maximum(abs(again.whole), abs(again.before))
    least = np.empty_like(size)
    least[:] = plan.samples.least * size.max(axis=0)
    for group in map(list, plan.scales):
        least[:, group] = _OF_LARGEST * size[:, group].max(axis=1, keepdims=True)
    with np.errstate(all="ignore"):
        gaps = abs(again.whole - again.halves) / np.maximum(size, least)
    # Inner stages of a step are where they are for its length.
    inner = [j for j, slot in enumerate(plan.slots) if is_inner(slot.variable)]
    gaps[:, inner], gaps[~np.isfinite(gaps)] = 0.0, 0.0
    # What is looked back to is the same in both.
    gaps[:, remembered(plan)] = 0.0
    # Witnesses are of one point: of several, each may just meet something once.
    witnesses = (gaps.max(axis=1) > plan.samples.bound).sum(axis=0)
    gaps[:, :, witnesses < plan.samples.witnesses] = 0.0
    place, slot, _ = map(int, np.unravel_index(gaps.argmax(), gaps.shape))
    gap = float(gaps.max())
    return (gap, again.steps[place], slot) if gap > plan.samples.bound else None
