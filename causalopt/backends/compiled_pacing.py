"""The parts of the steps of one point in compiled code: those that ``pacing`` finds, to rounding.

What decides how long parts are is compiled once, for all plans: it calls a plan's compiled step.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from causalopt.backends import cache
from causalopt.backends import demand as rules
from causalopt.backends.advancing import loop_of
from causalopt.backends.demand import Demand, GivesWay, too_many, too_short
from causalopt.backends.native import Bound, Loaded
from causalopt.backends.numba import is_there, not_compiled
from causalopt.backends.shape import Shape
from causalopt.ground.types import Floats
from causalopt.plan import Block, Loop, Pieces, Segment

# Compiled code hears nothing from outside, so one call into it lasts about this many nanoseconds,
# and keeps no more than so many parts.
_CALL, _KEPT = 1e8, 1 << 14

# How a call ends: at the end of a segment, at that of its time, or where there is no way on.
_DONE, _PAUSED, _STUCK, _MANY, _STIFF = range(5)

# What ``paced`` is given: two steps, with all that they are; the point's state, and its memory; the
# length and the begin of a part; where things are in a state; how good a part has to be; where
# formulas jump; and what is found.
_SIGNATURE = (
    "int64(call, call, boolean, float64[:,::1], float64[:,::1], float64[::1], float64[::1],"
    " int64[::1], float64[:,:,::1], int64[::1], int64[::1], int64[::1], int64[:,::1], boolean[::1],"
    " int64[:,::1], float64, int64, boolean, float64[::1], float64[::1], float64[::1], int64[::1])"
)

_LARGER = "choose(({0} >= {1}) | ({0} != {0}), {0}, {1})"


def _size(place: str, indent: str) -> str:
    """Lines that set ``size``: how large a number is, or a small part of what it was."""
    lines = (
        f"size = abs(before[{place}, 0])",
        f"other = abs(after[{place}, 0])",
        f"size = {_LARGER.format('size', 'other')}",
        f"other = {rules.SMALL!r} * peaks[{place}]",
        f"size = {_LARGER.format('size', 'other')}",
    )
    return f"\n{indent}".join(lines)


# The loop carries a point part by part until a segment or a call ends. A step goes from ``before``
# to ``after``, in place of which stands what was before when it begins. ``clock`` has the length of
# a step, that of the next part, and when it begins; ``marks`` the step, the first and the last but
# one of the segment, the attempts at this step, how many parts stiffness kept short and how many of
# the last it did not, the attempts that are left to the call, how many parts it has found, and the
# most attempts at a step.
_SOURCE = f"""
def paced(inside, last, is_other, before, after, peaks, clock, marks, pace, groups, ends, values,
          errors, moving, looks, tolerance, order, gives_way, borders, lengths, begins, counts):
    whole, trial, begin = clock[0], clock[1], clock[2]
    number, start, stop, tried = marks[0], marks[1], marks[2], marks[3]
    strained, calm, left = marks[4], marks[5], marks[6]
    short = tolerance * whole
    filled = 0
    cut = 0
    status = {_DONE}
    while number < stop:
        end = number * whole
        if tried == 0:
            begin = (number - 1) * whole
            if number == start:
                trial = choose(short < trial, short, trial)
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
            goal = choose(borders[cut] < end, borders[cut], end)
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
        for j in range(len(peaks)):
            after[j, 0] = before[j, 0]
        inside()

        excess = 0.0
        for k in range(len(values)):
            j = values[k]
            if after[j, 0] - after[j, 0] != 0.0:
                excess = math.inf
        for k in range(errors.shape[1]):
            j = errors[1, k]
            error = abs(after[errors[0, k], 0])
            if error <= {rules.NOTHING!r} or (part <= short and peaks[j] == 0.0):
                continue
            {_size("j", " " * 12)}
            missed = error / (tolerance * size)
            if missed - missed == 0.0:
                excess = choose(missed > excess, missed, excess)
            elif not moving[k]:
                excess = math.inf
        is_good = excess <= 1.0
        if is_good and is_other and arrives and goal == end:
            for j in range(len(peaks)):
                after[j, 0] = before[j, 0]
            last()
        if not is_good:
            least = {rules.SHORTEST!r} * abs(begin)
            if excess == math.inf:
                far = choose(abs(begin) > whole, abs(begin), whole)
                least = {rules.SHORTEST_TO_NOWHERE!r} * far
            if part <= least:
                status = {_STUCK}
                break

        turned = 0.0
        apart = 0.0
        for k in range(looks.shape[1]):
            j = looks[2, k]
            {_size("j", " " * 12)}
            one = (after[looks[0, k], 0] / size)**2
            turned += choose(one == one, one, 0.0)
            one = (after[looks[1, k], 0] / size)**2
            apart += choose(one == one, one, 0.0)
        apart = math.sqrt(apart)
        strain = choose(apart > {rules.UNSEEN!r}, math.sqrt(turned) / apart, 0.0)
        strain = choose(strain - strain == 0.0, strain, 0.0)
        factor = {rules.MARGIN!r} * excess**(-1.0 / (order + 1))
        factor = choose(factor < {rules.SHORTER!r}, {rules.SHORTER!r}, factor)
        factor = choose(factor > {rules.LONGER!r}, {rules.LONGER!r}, factor)
        is_held = strain * factor > {rules.STRAINED!r}
        if is_good:
            calm += 1
            if is_held:
                calm = 0
                strained += 1
            for j in range(len(peaks)):
                before[j, 0] = after[j, 0]
            lengths[filled] = part
            begins[filled] = begin
            filled += 1
            counts[number - 1] += 1
        if calm >= {rules.CALM}:
            strained = 0
        if gives_way and strained > {rules.MANY}:
            status = {_STIFF}
            break

        first = 0
        for m in range(len(ends)):
            size = 0.0
            for k in range(first, ends[m]):
                other = abs(before[groups[k], 0])
                size = {_LARGER.format("other", "size")}
            if size > 0.0 and size - size == 0.0:
                for k in range(first, ends[m]):
                    before[groups[k], 0] /= size
            first = ends[m]
        for j in range(len(peaks)):
            other = abs(before[j, 0])
            peaks[j] = choose((other >= peaks[j]) | (other != other), other, peaks[j])
        longer = part * factor
        if arrives and is_good:
            longer = choose(trial > longer, trial, longer)
        if strain > 0.0:
            stable = part * ({rules.STABLE!r} / strain)
            longer = choose(stable < longer, stable, longer)
        trial = longer
        if is_good:
            begin = begin + part
            if arrives:
                begin = goal
    clock[1], clock[2] = trial, begin
    marks[0], marks[3], marks[4], marks[5], marks[7] = number, tried, strained, calm, filled
    return status
"""


@dataclass(frozen=True)
class Ready:
    """A segment made ready: the compiled step of parts, that of the last, and what one costs."""

    segment: Segment
    inside: Loaded
    last: Loaded
    nanoseconds: int


def _blocks(segment: Segment) -> tuple[Block, Block]:
    return (segment.inside or segment).block, segment.block


@dataclass(frozen=True, eq=False)
class Walker:
    """Finds the parts of a plan's steps for one point after another."""

    plan: Loop
    segments: Sequence[Ready]
    demand: Demand
    paced: cache.Compiled

    def found(self, point: int, given: Floats, state: Floats, borders: Floats) -> Pieces:
        """The parts of a point with its inputs (inputs,), and the state (slots,) at the start.

        Raises ``NoParts`` that names the point, and ``GivesWay`` as the pass of ``pacing`` does.
        """
        whole = given[self.plan.length_of_steps]
        clock, marks = np.array([whole, whole, 0.0]), np.zeros(9, dtype=np.int64)
        before, after = state[:, None].copy(), np.empty((len(state), 1))
        pace = np.empty((len(self.plan.noises), 1, 1))
        memory = before, after, abs(state), clock, marks, pace
        rest = *self._places, np.sort(borders[np.isfinite(borders)])
        counts, pieces = np.zeros(self.plan.steps, dtype=np.int64), list[Floats]()
        for ready in self.segments:
            steps = _steps(ready, after, given, pace)
            first, stop = ready.segment.start, ready.segment.stop
            marks[:4], marks[8] = (first, first, stop, 0), rules.MOST
            status = _PAUSED
            while status == _PAUSED:
                marks[6] = max(1, int(_CALL / ready.nanoseconds))
                kept = np.empty((2, _KEPT))
                status = self.paced(*steps, *memory, *rest, *kept, counts)
                pieces.append(kept[:, : marks[7]])
            self._refuse(status, point, int(marks[0]), clock, after)
        lengths, begins = np.concatenate(pieces, axis=1)
        steps_of = np.repeat(np.arange(len(counts)), counts)
        return Pieces(np.full(len(steps_of), point), steps_of, lengths, begins)

    @functools.cached_property
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

    def _refuse(self, status: int, point: int, number: int, clock: Floats, after: Floats) -> None:
        """Raise an error for a status that is no end of a segment."""
        if status == _DONE:
            return
        if self.demand.gives_way:
            raise GivesWay
        if status == _MANY:
            raise too_many(number, number * clock[0], [point])
        slot = rules.without_number(after[:, 0], self.plan.value_slots)
        raise too_short(number, clock[2], self.demand.tolerance, [point], slot)


def _steps(ready: Ready, after: Floats, given: Floats, pace: Floats) -> tuple[Bound, Bound, bool]:
    """The two steps of a segment with all that they are given, and whether they differ."""
    offset = np.arange(len(given) + 1)
    looked_up = np.append(given, 0.0), offset, np.zeros_like(offset), pace
    # One step, which records nothing.
    once = 1, 2, 0.0, 0, np.iinfo(np.int64).max, 1, np.empty((0, 0, 0)), _NO_POWERS[None]
    one, other = (
        loop.bound(after, _NO_POWERS, 0, *looked_up, *once) for loop in (ready.inside, ready.last)
    )
    return one, other, ready.inside is not ready.last


_NO_POWERS = np.empty((0, 1), dtype=np.int64)


def walker(plan: Loop, demand: Demand) -> Walker | None:
    """What finds the parts of a plan's steps; None where one of them is no machine code of ours."""
    blocks = {block for segment in plan.segments for block in _blocks(segment)}
    if not is_there() or any(map(not_compiled, blocks)):
        return None
    # Nothing is checked, rescaled or recorded in these steps.
    shape = Shape((), (), (), len(plan.noises))
    ready = []
    for segment in plan.segments:
        try:
            inside, last = (loop_of("narrow", block, shape) for block in _blocks(segment))
        except (cache.NotCompiled, RecursionError):
            return None
        if not isinstance(inside[0], Loaded) or not isinstance(last[0], Loaded):
            return None
        ready.append(Ready(segment, inside[0], last[0], inside[2]))
    return Walker(plan, ready, demand, cache.function(_SOURCE, "paced", _SIGNATURE))
