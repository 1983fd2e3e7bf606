"""How steps are taken in parts: as long as the estimate of an error allows, point by point.

One pass, as the reference backend computes, finds the parts; any backend then takes them. A point
that takes many is passed on to compiled code, where there is some. Tangents have a say as values
have: where a world rests, they alone move.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

import causalopt.backends as room
from causalopt.backends import demand as rules
from causalopt.backends.careful import first_state
from causalopt.backends.demand import Demand, GivesWay, NoParts, too_many, too_short
from causalopt.backends.functions import compiled
from causalopt.backends.interface import Inputs
from causalopt.ground.types import Bools, Floats, Number
from causalopt.plan import Block, Division, Loop, Pieces, Segment

if TYPE_CHECKING:
    from causalopt.backends.compiled_pacing import Walker


def division_of(
    plan: Loop,
    inputs: Inputs,
    points: int | None,
    demand: Demand,
    borders: Floats,
    patience: float,
) -> Division:
    """The parts of the steps of a plan that records the estimates of its errors.

    No part goes over one of the ``borders`` (points, times), at which formulas jump. A point that
    has made as many attempts as its ``patience`` allows is passed on to compiled code.

    Raises ``QueryError`` where no part of a step is short enough, and ``GivesWay`` in its place, or
    where stiffness alone keeps parts short, if another method can take over.
    """
    count = points or 1
    if not plan.steps:
        return Division(np.empty(0, np.int64), *np.empty((2, 0, count)))
    values = [inputs.values[entry.symbol.name] for entry in plan.inputs]
    given = np.stack([np.broadcast_to(np.float64(value), (count,)) for value in values])
    with np.errstate(all="ignore"):
        start = _stacked(first_state(plan, list(given)), count)
        course = _Course(plan, given, start.copy(), demand, borders, patience)
        course.run()
        pieces = [course.parts(), *_walked(course, start)]
    return Pieces.joined(pieces).side_by_side(plan.steps, course.whole)


def _walked(course: _Course, start: Floats) -> list[Pieces]:
    """The parts of the points that were passed on, each from its ``start`` (slots, points)."""
    if course.walker is None:
        return []
    found, lost = list[Pieces](), list[NoParts]()
    for point in np.flatnonzero(course.left).tolist():
        borders = course.borders[point if len(course.borders) > 1 else 0]
        try:
            found.append(
                course.walker.found(point, course.given[:, point], start[:, point], borders)
            )
        except NoParts as error:
            lost.append(error)
    if lost:
        raise lost[0].of([point for error in lost for point in error.points])
    return found


class _Course:
    """All points on their way: ``state`` (slots, points), and how long a part each would take."""

    def __init__(
        self,
        plan: Loop,
        given: Floats,
        state: Floats,
        demand: Demand,
        borders: Floats,
        patience: float,
    ) -> None:
        self.plan, self.demand, self.borders = plan, demand, borders
        self.given, self.state, self.peaks = given, state, abs(state)
        self.values, self.scales = list(plan.value_slots), [list(group) for group in plan.scales]
        self.whole = given[plan.length_of_steps]
        self.trial = self.whole
        # A part of no account: what happens in it is as nothing beside what does in a step.
        self.short = demand.tolerance * self.whole
        # How many parts of each point stiffness kept short, and how many of the last it did not.
        self.strained, self.calm = np.zeros((2, len(self.whole)), dtype=np.int64)
        # How often each point tried, and which were passed on, to steps that were made ready.
        self.tried, self.left = np.zeros_like(self.calm), np.zeros(len(self.whole), dtype=bool)
        self.walker: Walker | None = None
        self.patience = patience
        # The attempts: the step (from 0) each is at, the length of its part at each point (0 where
        # it is not good), and when this begins.
        self.steps, self.lengths, self.begins = list[int](), list[Floats](), list[Floats]()

    def run(self) -> None:
        """Carry all points to the end, but for those that are passed on."""
        self._pass_on()
        for segment in self.plan.segments:
            for number in range(segment.start, segment.stop):
                if not self.left.all():
                    self._step(segment, number)

    def parts(self) -> Pieces:
        """The parts of the points that were not passed on."""
        stay = np.flatnonzero(~self.left)
        shape = len(self.steps), len(self.whole)
        lengths, begins = (
            np.reshape(rows, shape)[:, stay].T for rows in (self.lengths, self.begins)
        )
        points, rows = np.nonzero(lengths)
        steps = np.array(self.steps, dtype=np.int64)[rows]
        return Pieces(stay[points], steps, lengths[points, rows], begins[points, rows])

    def _step(self, segment: Segment, number: int) -> None:
        """Carry all points over a step."""
        inside = segment.inside or segment
        # Where a part ends the next one begins, to the last digit, and the last one where the next
        # step does: so a moment lies in one of them, and an event at it is not passed over.
        begin, end = (number - 1) * self.whole, number * self.whole
        if number == segment.start:
            # What was done where the step begins is seen there, for a short part. (Nor does a run
            # so hop from one wave of a forcing to the same place of another.)
            self.trial = np.minimum(self.trial, self.short)
        borders = self._inside(begin, end)
        for _ in range(rules.MOST):
            goal = _next(borders, begin, end)
            rest = np.where(self.left, 0.0, goal - begin)
            if not (rest > 0.0).any():
                return
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
            self._refuse_too_short(number, begin, part, excess, is_good | (rest <= 0.0), after)
            strain, factor = self._strain(after), self.demand.factor(excess)
            self._look_for_stiffness(strain * factor > rules.STRAINED, is_good)
            self.state = self._rescaled(np.where(is_good, after, self.state))
            self.peaks = np.maximum(self.peaks, abs(self.state))
            longer = part * factor
            # One that was cut short by the end of the step says nothing against a longer one.
            longer = np.where(arrives, np.maximum(longer, self.trial), longer)
            longer = np.where(
                strain > 0.0, np.minimum(longer, part * (rules.STABLE / strain)), longer
            )
            self.trial = np.where(rest > 0.0, longer, self.trial)
            self._keep(number, np.where(is_good, part, 0.0), begin)
            self.tried += rest > 0.0
            self._pass_on()
            begin = np.where(arrives, goal, np.where(is_good, begin + part, begin))
        if self.demand.gives_way:
            raise GivesWay
        points = np.flatnonzero(~self.left & (begin < end)).tolist()
        raise too_many(number, end[0], points)

    def _keep(self, number: int, lengths: Floats, begins: Floats) -> None:
        self.steps.append(number - 1)
        self.lengths.append(lengths)
        self.begins.append(begins)

    def _pass_on(self) -> None:
        """Pass on the points that tried so often, if there is compiled code to go on with."""
        tired = ~self.left & (self.tried >= self.patience)
        if not tired.any():
            return
        self.walker = self.walker or room.walker(self.plan, self.demand)
        if self.walker is None:
            self.patience = np.inf
        else:
            self.left |= tired

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
        self.strained = np.where(self.calm < rules.CALM, self.strained + (is_good & is_held), 0)
        if self.demand.gives_way and (self.strained > rules.MANY).any():
            raise GivesWay

    def _refuse_too_short(
        self,
        number: int,
        begin: Floats,
        part: Floats,
        excess: Floats,
        is_good: Bools,
        after: Floats,
    ) -> None:
        """Raise an error where a part that is not good is too short to be cut once more."""
        least = rules.SHORTEST * abs(begin)
        nowhere = rules.SHORTEST_TO_NOWHERE * np.maximum(abs(begin), self.whole)
        stuck = ~is_good & (part <= np.where(np.isinf(excess), nowhere, least))
        if stuck.any():
            if self.demand.gives_way:
                raise GivesWay
            points = np.flatnonzero(stuck).tolist()
            point = points[0]
            slot = rules.without_number(after[:, point], self.values)
            raise too_short(number, begin[point], self.demand.tolerance, points, slot)


def _next(borders: Floats, begin: Floats, end: Floats) -> Floats:
    """What comes next of the borders and the end of the step."""
    ahead = np.where(borders > begin[:, None], borders, np.inf)
    following: Floats = np.minimum(ahead.min(axis=1, initial=np.inf), end)
    return following


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
