"""The parts of the steps of one point in compiled code: those that ``pacing`` finds, to rounding.

What decides how long parts are is compiled once, for all plans: it calls a plan's compiled step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from causalopt.backends import cache
from causalopt.backends import demand as rules
from causalopt.backends.advancing import loop_of
from causalopt.backends.codegen import NARROW_SIGNATURE
from causalopt.backends.demand import Demand, GivesWay, too_many, too_short
from causalopt.backends.numba import is_there, not_compiled
from causalopt.backends.shape import Shape
from causalopt.ground.types import Floats, Ints
from causalopt.plan import Block, Loop, Pieces, Segment

# Compiled code hears nothing from outside, so one call into it lasts about this many nanoseconds,
# and keeps no more than so many parts.
_CALL, _KEPT = 1e8, 1 << 14

# How a call ends: at the end of a segment, at that of its time, or where there is no way on.
_DONE, _PAUSED, _STUCK, _MANY, _STIFF = range(5)

# The arguments of ``paced``: two steps; the point's state, and its memory; what a step is given;
# where things are in a state; how good a part has to be; where formulas jump; what is found; and
# what a step records, which is nothing.
_SIGNATURE = (
    f"int64(FunctionType({NARROW_SIGNATURE}), FunctionType({NARROW_SIGNATURE}), boolean,"
    " float64[:,::1], float64[:,::1], float64[::1], float64[::1], int64[::1],"
    " float64[::1], int64[::1], int64[::1], float64[:,:,::1],"
    " int64[::1], int64[::1], int64[::1], int64[:,::1], boolean[::1], int64[:,::1],"
    " float64, int64, boolean, float64[::1], float64[::1], float64[::1], int64[::1],"
    " int64[:,::1], float64[:,:,::1], int64[:,:,::1])"
)


# The loop ``paced`` carries a point part by part until a segment or a call ends. ``clock`` has the
# length of a step, that of the next part, and when it begins; ``marks`` the step, the first and the
# last but one of the segment, the attempts at this step, how many parts stiffness kept short and
# how many of the last it did not, the attempts that are left to the call, how many parts it has
# found, and the most attempts at a step.
_SOURCE = f"""
@compiled
def copy(taken, given):
    for j in range(len(given)):
        taken[j, 0] = given[j, 0]


@compiled
def larger(x, y):
    return choose((x >= y) | (x != x), x, y)


@compiled
def size_of(j, before, after, peaks):
    return larger(larger(abs(before[j, 0]), abs(after[j, 0])), {rules.SMALL!r} * peaks[j])


@compiled
def excess_of(before, after, peaks, values, errors, moving, tolerance, is_short):
    for k in range(len(values)):
        j = values[k]
        if after[j, 0] - after[j, 0] != 0.0:
            return math.inf
    worst = 0.0
    for k in range(errors.shape[1]):
        j = errors[1, k]
        error = abs(after[errors[0, k], 0])
        if error <= {rules.NOTHING!r} or (is_short and peaks[j] == 0.0):
            continue
        missed = error / (tolerance * size_of(j, before, after, peaks))
        if missed - missed == 0.0:
            worst = max(worst, missed)
        elif not moving[k]:
            return math.inf
    return worst


@compiled
def strain_of(before, after, peaks, looks):
    turned = 0.0
    apart = 0.0
    for k in range(looks.shape[1]):
        size = size_of(looks[2, k], before, after, peaks)
        one = (after[looks[0, k], 0] / size) ** 2
        other = (after[looks[1, k], 0] / size) ** 2
        turned += choose(one == one, one, 0.0)
        apart += choose(other == other, other, 0.0)
    apart = math.sqrt(apart)
    if not apart > {rules.UNSEEN!r}:
        return 0.0
    strain = math.sqrt(turned) / apart
    return choose(strain - strain == 0.0, strain, 0.0)


@compiled
def rescale(state, groups, ends):
    first = 0
    for m in range(len(ends)):
        stop = ends[m]
        size = 0.0
        for k in range(first, stop):
            size = larger(abs(state[groups[k], 0]), size)
        if size > 0.0 and size - size == 0.0:
            for k in range(first, stop):
                state[groups[k], 0] /= size
        first = stop


def paced(inside, last, is_other, state, after, peaks, clock, marks, given, offset, stride, pace,
          groups, ends, values, errors, moving, looks, tolerance, order, gives_way, borders,
          lengths, begins, counts, powers, kept, kept_powers):
    whole, trial, begin = clock[0], clock[1], clock[2]
    number, start, stop, tried = marks[0], marks[1], marks[2], marks[3]
    strained, calm, left = marks[4], marks[5], marks[6]
    never = {np.iinfo(np.int64).max}
    short = tolerance * whole
    filled = 0
    cut = 0
    status = {_DONE}
    while number < stop:
        end = number * whole
        if tried == 0:
            begin = (number - 1) * whole
            if number == start:
                trial = min(trial, short)
        if not begin < end:
            number += 1
            tried = 0
            continue
        if left == 0 or filled == len(lengths):
            status = {_PAUSED}
            break
        if tried == marks[8]:
            status = {_MANY}
            break
        left -= 1
        tried += 1
        while cut < len(borders) and borders[cut] <= begin:
            cut += 1
        goal = end
        if cut < len(borders):
            goal = min(end, borders[cut])
        rest = goal - begin
        part = trial
        if trial >= rest * (1.0 - 1e-9):
            part = rest
        elif 2.0 * trial > rest:
            part = rest / 2
        arrives = part == rest
        if arrives:
            part = part + (goal - (begin + part))
        pace[0, 0, 0] = part
        pace[1, 0, 0] = begin
        copy(after, state)
        inside(after, powers, 0, given, offset, stride, pace, 1, 2, 0.0, 0, never, 1, kept,
               kept_powers)
        excess = excess_of(state, after, peaks, values, errors, moving, tolerance, part <= short)
        is_good = excess <= 1.0
        if is_good and is_other and arrives and goal == end:
            copy(after, state)
            last(after, powers, 0, given, offset, stride, pace, 1, 2, 0.0, 0, never, 1, kept,
                 kept_powers)
        if not is_good:
            least = {rules.SHORTEST!r} * abs(begin)
            if excess == math.inf:
                least = {rules.SHORTEST_TO_NOWHERE!r} * max(abs(begin), whole)
            if part <= least:
                status = {_STUCK}
                break
        strain = strain_of(state, after, peaks, looks)
        factor = {rules.MARGIN!r} * excess ** (-1.0 / (order + 1))
        factor = min(max(factor, {rules.SHORTER!r}), {rules.LONGER!r})
        is_held = strain * factor > {rules.STRAINED!r}
        if is_good:
            calm = 0 if is_held else calm + 1
            strained += is_held
            copy(state, after)
            lengths[filled] = part
            begins[filled] = begin
            filled += 1
            counts[number - 1] += 1
        if calm >= {rules.CALM}:
            strained = 0
        if gives_way and strained > {rules.MANY}:
            status = {_STIFF}
            break
        rescale(state, groups, ends)
        for j in range(len(peaks)):
            peaks[j] = larger(abs(state[j, 0]), peaks[j])
        longer = part * factor
        if arrives and is_good:
            longer = max(longer, trial)
        if strain > 0.0:
            longer = min(longer, part * ({rules.STABLE!r} / strain))
        trial = longer
        if is_good:
            begin = goal if arrives else begin + part
    clock[1], clock[2] = trial, begin
    marks[0], marks[3], marks[4], marks[5], marks[7] = number, tried, strained, calm, filled
    return status
"""


@dataclass(frozen=True)
class Ready:
    """A segment made ready: the compiled step of parts, that of the last, and what one costs."""

    segment: Segment
    inside: cache.Compiled
    last: cache.Compiled
    nanoseconds: int

    @classmethod
    def of(cls, segment: Segment, noises: int) -> Ready:
        """A segment whose blocks can be compiled."""
        # Nothing is checked, rescaled or recorded in these steps.
        shape = Shape((), (), (), noises)
        loops = [loop_of("narrow", block, shape) for block in _blocks(segment)]
        return cls(segment, loops[0][0], loops[-1][0], loops[0][2])


def _blocks(segment: Segment) -> tuple[Block, Block]:
    return (segment.inside or segment).block, segment.block


@dataclass(frozen=True, eq=False)
class Walker:
    """Finds the parts of a plan's steps for one point after another."""

    plan: Loop
    segments: Sequence[Ready]
    demand: Demand

    def found(self, point: int, given: Floats, state: Floats, borders: Floats) -> Pieces:
        """The parts of a point with its inputs (inputs,), and the state (slots,) at the start.

        Raises ``NoParts`` that names the point, and ``GivesWay`` as the pass of ``pacing`` does.
        """
        whole = given[self.plan.length_of_steps]
        clock, marks = np.array([whole, whole, 0.0]), np.zeros(9, dtype=np.int64)
        memory = state[:, None].copy(), np.empty((len(state), 1)), abs(state), clock, marks
        rest = *self._told(given), *self._places(), np.sort(borders[np.isfinite(borders)])
        counts, pieces = np.zeros(self.plan.steps, dtype=np.int64), list[tuple[Floats, Floats]]()
        for ready in self.segments:
            first, stop = ready.segment.start, ready.segment.stop
            marks[:4], marks[8] = (first, first, stop, 0), rules.MOST
            status = _PAUSED
            while status == _PAUSED:
                marks[6] = max(1, int(_CALL / ready.nanoseconds))
                status, piece = _called(ready, *memory, *rest, counts)
                pieces.append(piece)
            self._refuse(status, point, int(marks[0]), clock)
        lengths, begins = (np.concatenate(rows) for rows in zip(*pieces, strict=True))
        steps = np.repeat(np.arange(len(counts)), counts)
        return Pieces(np.full(len(steps), point), steps, lengths, begins)

    def _told(self, given: Floats) -> tuple[Floats, Ints, Ints, Floats]:
        """What a step is given, as it looks it up: inputs, and the length and begin of a part."""
        entries = len(given) + 1
        offset, stride = np.arange(entries), np.zeros(entries, dtype=np.int64)
        return np.append(given, 0.0), offset, stride, np.empty((len(self.plan.noises), 1, 1))

    def _places(self) -> tuple[object, ...]:
        """Where things are in a state, and how good a part has to be."""
        plan, asked = self.plan, self.demand
        groups = [j for group in plan.scales for j in group]
        ends = np.cumsum([len(group) for group in plan.scales], dtype=np.int64)
        numbers = np.array(groups, dtype=np.int64), ends, np.array(plan.value_slots, np.int64)
        errors = np.stack([asked.estimates, asked.own]).astype(np.int64)
        looks = np.ascontiguousarray(asked.strains, dtype=np.int64)
        good = asked.tolerance, asked.order, asked.gives_way
        return *numbers, errors, asked.moving, looks, *good

    def _refuse(self, status: int, point: int, number: int, clock: Floats) -> None:
        """Raise an error for a status that is no end of a segment."""
        if status == _DONE:
            return
        if self.demand.gives_way:
            raise GivesWay
        if status == _MANY:
            raise too_many(number, number * clock[0], [point])
        raise too_short(number, clock[2], self.demand.tolerance, [point])


def _called(ready: Ready, *memory: object) -> tuple[int, tuple[Floats, Floats]]:
    """One call: how it ends, and the lengths and begins of the parts that it found."""
    *before, counts = memory
    lengths, begins = np.empty((2, _KEPT))
    nothing = np.empty((0, 1), np.int64), np.empty((0, 0, 0)), np.empty((0, 0, 0), np.int64)
    paced = cache.function(_SOURCE, "paced", _SIGNATURE)
    steps = ready.inside, ready.last, ready.inside is not ready.last
    status = paced(*steps, *before, lengths, begins, counts, *nothing)
    filled = cast(Ints, memory[4])[7]
    return status, (lengths[:filled].copy(), begins[:filled].copy())


def walker(plan: Loop, demand: Demand) -> Walker | None:
    """What finds the parts of a plan's steps; None where one of them has no compiled code."""
    blocks = {block for segment in plan.segments for block in _blocks(segment)}
    if not is_there() or any(map(not_compiled, blocks)):
        return None
    from numba.core.errors import NumbaError

    try:
        return Walker(plan, [Ready.of(s, len(plan.noises)) for s in plan.segments], demand)
    except (NumbaError, RecursionError):
        return None
