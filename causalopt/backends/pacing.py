"""How steps are taken in parts: as long as the estimate of an error allows, point by point.

One pass, as the reference backend computes, finds the parts; any backend then takes them. Tangents
have a say as values have: where a world rests, they alone move.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from causalopt.backends.careful import first_state
from causalopt.backends.functions import compiled
from causalopt.backends.interface import Inputs
from causalopt.ground.errors import QueryError
from causalopt.ground.types import Bools, Floats, Ints, Number
from causalopt.language.symbols import Stage, Variable
from causalopt.mechanisms.integrators import Method
from causalopt.model.template import is_inner, owner_of
from causalopt.plan import Block, Division, Loop, Segment, Slot

# A part is as long as its estimate allows, less a margin; by no more than these factors longer or
# shorter than the one before (Hairer, Norsett and Wanner 1993, section II.4).
_MARGIN, _SHORTER, _LONGER = 0.9, 0.1, 5.0
# A variable on its way through 0 is compared with this part of the largest that it has been.
_SMALL = 1e-6
# What is shorter than this part of the time so far is no way on; and the most attempts at a step.
_SHORTEST, _MOST = 1e-15, 30_000
# Where a value is not finite, this is: a shorter part would begin where it should end, to rounding,
# and step over what made it so, such as an event that makes another one happen at its moment.
_SHORTEST_TO_NOWHERE = 1e-12
# What is closer to 0 is 0: below, floats have fewer digits.
_NOTHING = 1e-290
# An explicit part is no longer than h |lambda| = 2: so it amplifies nothing that does not grow of
# itself. Beyond that a tolerance holds what it sees; but parts are taken once more, and rounding,
# of which it sees nothing there, would grow from part to part to any size.
_STABLE = 2.0
# What looks at the rates are apart by rounding, beside what they look at, tells of no rate.
_UNSEEN = 1e-12
# Stiffness keeps parts short where for all that is seen of errors they could come to 2.5. So many
# are too many, where never so many others in a row are between them.
_STRAINED, _MANY, _CALM = 2.5, 500, 6


class GivesWay(Exception):
    """Stiffness alone keeps parts short, or none is short enough: another method takes over."""


class NoParts(QueryError):
    """A step has no parts that keep the tolerance; ``points`` of a sweep are known to be why."""

    def __init__(self, message: str, points: Sequence[int] = ()) -> None:
        super().__init__(message)
        self.points = points


class TooManyParts(NoParts):
    """A step takes more parts than are taken."""


@dataclass(frozen=True)
class Demand:
    """How good a part has to be: an estimate of order ``order`` is at most ``tolerance`` of sizes.

    ``estimates`` are the places of the estimates, ``own`` those of what each is of, and ``moving``
    says which are of tangents. ``strains`` are the places of what tells of stiffness: ``TURNED``,
    ``APART``, and that of what they are of. Where it ``gives_way`` another method can take over.
    """

    tolerance: float
    order: int
    estimates: Ints
    own: Ints
    strains: Ints
    moving: Bools
    gives_way: bool

    @classmethod
    def of(cls, plan: Loop, tolerance: float, method: Method) -> Demand:
        """What a plan records are variables, and stages that tell how good a step of them is."""
        place = {plan.slots[j]: j for j in plan.recorded}
        owners = [slot for slot in place if not is_inner(slot.variable)]

        def places(stages: Callable[[Variable], Sequence[Stage]], count: int) -> Ints:
            """The places of stages of each variable, and its own, (count + 1, variables)."""
            slots = [[*(Slot(s.lane, k) for k in stages(owner_of(s.variable))), s] for s in owners]
            # A stage that is 0 for good has no place, and tells nothing.
            rows = [[place[s] for s in row] for row in slots if place.keys() >= {*row}]
            return np.array([r for r in rows if len(r) > count], int).reshape(-1, count + 1).T

        estimates, own = places(lambda v: (method.error(v),), 1)
        tangents = {j for group in plan.scales for j in group}
        moving = np.array([j in tangents for j in own], dtype=bool)
        order, gives_way = cast(int, method.estimates), bool(method.stiff)
        strains = places(method.strain, 2)
        return cls(tolerance, order, estimates, own, strains, moving, gives_way)

    def excess(self, before: Floats, after: Floats, peaks: Floats, is_short: Bools) -> Floats:
        """By what factor each point misses it, (points,), 0 to infinity.

        What was 0 until now and grows as a high power of the time is never right beside its size,
        however short a part is: in a part that ``is_short`` (points,), of no account, it passes.
        """
        errors = abs(after[self.estimates])
        size = _size(before[self.own], after[self.own], peaks[self.own])
        missed = errors / (self.tolerance * size)
        missed[(errors <= _NOTHING) | ((peaks[self.own] == 0.0) & is_short)] = 0.0
        # A derivative that is not there says nothing of a length; a value that is not, all.
        strange = ~np.isfinite(missed)
        missed = np.where(strange, np.where(self.moving[:, None], 0.0, np.inf), missed)
        worst: Floats = missed.max(axis=0)
        return worst

    def strain(self, before: Floats, after: Floats, peaks: Floats) -> Floats:
        """The length of a part beside the fastest rate, h |lambda|, of each point; 0 if unseen."""
        *looks, own = self.strains
        size = _size(before[own], after[own], peaks[own])
        turned, apart = (np.sqrt(np.nansum((after[j] / size) ** 2, axis=0)) for j in looks)
        is_seen = apart > _UNSEEN
        strain: Floats = np.divide(turned, apart, out=np.zeros_like(turned), where=is_seen)
        return strain

    def factor(self, excess: Floats) -> Floats:
        """How much longer the next part may be."""
        with np.errstate(divide="ignore"):
            return np.clip(_MARGIN * excess ** (-1.0 / (self.order + 1)), _SHORTER, _LONGER)


def division_of(
    plan: Loop, inputs: Inputs, points: int | None, demand: Demand, borders: Floats
) -> Division:
    """The parts of the steps of a plan that records the estimates of its errors.

    No part goes over one of the ``borders`` (points, times), at which formulas jump.

    Raises ``QueryError`` where no part of a step is short enough, and ``GivesWay`` in its place, or
    where stiffness alone keeps parts short, if another method can take over.
    """
    every = [(np.empty((0, points or 1)),) * 2]
    if plan.steps:
        with np.errstate(all="ignore"):
            course = _Course(plan, inputs, points or 1, demand, borders)
            every += [
                course.step(segment, number)
                for segment in plan.segments
                for number in range(segment.start, segment.stop)
            ]
    counts = np.array([len(lengths) for lengths, _ in every[1:]], dtype=np.int64)
    lengths, begins = (np.concatenate(rows) for rows in zip(*every, strict=True))
    return Division(counts, lengths, begins)


class _Course:
    """All points on their way: ``state`` (slots, points), and how long a part each would take."""

    def __init__(
        self, plan: Loop, inputs: Inputs, points: int, demand: Demand, borders: Floats
    ) -> None:
        self.demand, self.borders = demand, borders
        values = [inputs.values[entry.symbol.name] for entry in plan.inputs]
        self.given = [np.broadcast_to(np.float64(value), (points,)) for value in values]
        self.values, self.scales = list(plan.value_slots), [list(group) for group in plan.scales]
        self.state = _stacked(first_state(plan, self.given), points)
        self.whole = self.given[plan.length_of_steps]
        self.trial = self.whole
        # A part of no account: what happens in it is as nothing beside what does in a step.
        self.short = demand.tolerance * self.whole
        self.peaks = abs(self.state)
        # How many parts of each point stiffness kept short, and how many of the last it did not.
        self.strained, self.calm = np.zeros((2, points), dtype=np.int64)

    def step(self, segment: Segment, number: int) -> tuple[Floats, Floats]:
        """Carry all points over a step: the lengths (parts, points) of its parts, and begins."""
        inside = segment.inside or segment
        # Where a part ends the next one begins, to the last digit, and the last one where the next
        # step does: so a moment lies in one of them, and an event at it is not passed over.
        begin, end = (number - 1) * self.whole, number * self.whole
        if number == segment.start:
            # What was done where the step begins is seen there, for a short part. (Nor does a run
            # so hop from one wave of a forcing to the same place of another.)
            self.trial = np.minimum(self.trial, self.short)
        lengths, begins = list[Floats](), list[Floats]()
        borders = self._inside(begin, end)
        for _ in range(_MOST):
            goal = _next(borders, begin, end)
            rest = goal - begin
            if not (rest > 0.0).any():
                return _in_front(np.stack(lengths), np.stack(begins), end)
            part = _part_of(rest, self.trial)
            arrives = (part == rest) & (rest > 0.0)
            part = np.where(arrives, part + (goal - (begin + part)), part)
            after = self._carried(inside.block, part, begin)
            excess = self._excess(after, part)
            is_good = (excess <= 1.0) & (rest > 0.0)
            arrives &= is_good
            is_last = arrives & (goal == end)
            if inside is not segment and is_last.any():
                after = np.where(is_last, self._carried(segment.block, part, begin), after)
            self._refuse_too_short(number, begin, part, excess, is_good | (rest <= 0.0))
            strain, factor = self._strain(after), self.demand.factor(excess)
            self._look_for_stiffness(strain * factor > _STRAINED, is_good)
            self.state = self._rescaled(np.where(is_good, after, self.state))
            self.peaks = np.maximum(self.peaks, abs(self.state))
            longer = part * factor
            # One that was cut short by the end of the step says nothing against a longer one.
            longer = np.where(arrives, np.maximum(longer, self.trial), longer)
            longer = np.where(strain > 0.0, np.minimum(longer, part * (_STABLE / strain)), longer)
            self.trial = np.where(rest > 0.0, longer, self.trial)
            lengths.append(np.where(is_good, part, 0.0))
            begins.append(begin)
            begin = np.where(arrives, goal, np.where(is_good, begin + part, begin))
        if self.demand.gives_way:
            raise GivesWay
        raise _too_many(number, begin, end)

    def _inside(self, begin: Floats, end: Floats) -> Floats:
        """The borders inside of a step, (points, some)."""
        is_there = (self.borders > begin[:, None]) & (self.borders < end[:, None])
        columns = is_there.any(axis=0)
        return np.where(is_there[:, columns], self.borders[:, columns], np.inf)

    def _carried(self, block: Block, part: Floats, begin: Floats) -> Floats:
        """What a block gives after a part."""
        arguments = [*self.state, *self.given, part, begin, np.zeros_like(part)]
        return _stacked(compiled(block)(*arguments), len(part))

    def _rescaled(self, state: Floats) -> Floats:
        """The state with tangents that enter each other divided by the largest: they are linear."""
        for group in self.scales:
            size = abs(state[group]).max(axis=0)
            state[group] /= np.where(np.isfinite(size) & (size > 0.0), size, 1.0)
        return state

    def _excess(self, after: Floats, part: Floats) -> Floats:
        """By what factor each point misses the demand; infinitely, where a value is not finite."""
        fine = np.isfinite(after[self.values]).all(axis=0)
        missed = self.demand.excess(self.state, after, self.peaks, part <= self.short)
        return np.where(fine, missed, np.inf)

    def _strain(self, after: Floats) -> Floats:
        """h |lambda| of a part, of each point; 0 where nothing tells of it."""
        strain = self.demand.strain(self.state, after, self.peaks)
        return np.where(np.isfinite(strain), strain, 0.0)

    def _look_for_stiffness(self, is_held: Bools, is_good: Bools) -> None:
        """Raise ``GivesWay`` where it kept most of many parts of a point short, if it may."""
        self.calm = np.where(is_good, np.where(is_held, 0, self.calm + 1), self.calm)
        self.strained = np.where(self.calm < _CALM, self.strained + (is_good & is_held), 0)
        if self.demand.gives_way and (self.strained > _MANY).any():
            raise GivesWay

    def _refuse_too_short(
        self, number: int, begin: Floats, part: Floats, excess: Floats, is_good: Bools
    ) -> None:
        """Raise an error where a part that is not good is too short to be cut once more."""
        least = _SHORTEST * abs(begin)
        nowhere = _SHORTEST_TO_NOWHERE * np.maximum(abs(begin), self.whole)
        stuck = ~is_good & (part <= np.where(np.isinf(excess), nowhere, least))
        if stuck.any():
            if self.demand.gives_way:
                raise GivesWay
            points = np.flatnonzero(stuck).tolist()
            point = points[0]
            raise NoParts(
                f"Near time {begin[point]:.6g}, in step {number}, no part of a step is short "
                f"enough for the tolerance of {self.demand.tolerance:g}: a value leaves the finite "
                "numbers there, or jumps, or an event makes another one happen at the same moment. "
                "End the run before, make an event of a jump, let one event set what two would, or "
                "allow more.",
                points,
            )


def _next(borders: Floats, begin: Floats, end: Floats) -> Floats:
    """What comes next of the borders and the end of the step."""
    ahead = np.where(borders > begin[:, None], borders, np.inf)
    following: Floats = np.minimum(ahead.min(axis=1, initial=np.inf), end)
    return following


def _size(before: Floats, after: Floats, peaks: Floats) -> Floats:
    """What errors are compared with: how large numbers are, or a small part of what they were."""
    return np.maximum(np.maximum(abs(before), abs(after)), _SMALL * peaks)


def _part_of(rest: Floats, trial: Floats) -> Floats:
    """The length of the next part: no remainder is left that is shorter than half of another."""
    part = np.where(
        trial >= rest * (1.0 - 1e-9), rest, np.where(2.0 * trial > rest, rest / 2, trial)
    )
    return np.where(rest > 0.0, part, 0.0)


def _stacked(values: Sequence[Number], points: int) -> Floats:
    """Numbers, or one of each for every point, as rows."""
    rows = np.empty((len(values), points))
    for row, value in zip(rows, values, strict=True):
        row[:] = value
    return rows


def _too_many(number: int, begin: Floats, end: Floats) -> TooManyParts:
    """What is told of a step whose parts, begun so late, do not come to its end."""
    return TooManyParts(
        f"Step {number}, to time {end[0]:.6g}, takes more than {_MOST:,} attempts at "
        "parts of it. Where a rate is large beside what it leads to, an implicit method takes "
        'fewer, method="rodas4"; where a value leaves the finite numbers, or a derivative '
        "fades at such a rate, nothing helps but an earlier end; else take shorter steps dt, "
        "or a larger tolerance.",
        np.flatnonzero(end - begin > 0.0).tolist(),
    )


def _in_front(lengths: Floats, begins: Floats, end: Floats) -> tuple[Floats, Floats]:
    """The parts that each point took, in front; behind them those of no length."""
    order = np.argsort(lengths == 0.0, axis=0, kind="stable")
    count = int((lengths > 0.0).sum(axis=0).max())
    lengths = np.take_along_axis(lengths, order, axis=0)[:count]
    begins = np.take_along_axis(begins, order, axis=0)[:count]
    return lengths, np.where(lengths > 0.0, begins, end)
