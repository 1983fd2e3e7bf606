"""A plan whose steps are taken in parts, as a plan of those parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from causalopt.ground.types import Floats, Ints
from causalopt.plan.draws import DrawnChains, Source, Stream, drawn
from causalopt.plan.loop import Loop, Segment


@dataclass(frozen=True, eq=False)
class Division:
    """The parts of steps: ``counts`` (steps,) says how many there are in each.

    ``lengths`` and ``begins`` (parts, points) are how long each is, and when it begins. Points have
    parts of their own; a point that needs fewer has some of length 0, in which nothing moves.
    """

    counts: Ints
    lengths: Floats
    begins: Floats

    @property
    def ends(self) -> Ints:
        """At which part each step ends (steps + 1,); the start is 0."""
        return np.concatenate([[0], np.cumsum(self.counts)]).astype(np.int64)

    def at_points(self, points: int) -> Division:
        """The same parts at so many points, where they are those of all."""
        shape = len(self.lengths), points
        return replace(
            self,
            lengths=np.broadcast_to(self.lengths, shape),
            begins=np.broadcast_to(self.begins, shape),
        )

    def step_of(self, part: int) -> int:
        """The step that a part belongs to."""
        return int(np.searchsorted(self.ends, part))


class Told(Stream):
    """A number in every part (parts, points), told step by step like draws."""

    def __init__(self, numbers: Floats, *, is_single: bool) -> None:
        self.chains = None if is_single else DrawnChains(np.arange(numbers.shape[1]))
        self._numbers, self._is_single, self._next = numbers, is_single, 0

    def of(self, points: Ints) -> Stream:
        """The numbers of some of the points."""
        if self._is_single:
            return Told(self._numbers, is_single=True)
        return Told(self._numbers[:, points], is_single=False)

    def take(self, count: int, _: Source = drawn, /) -> Floats:
        """The numbers of the next parts, (count, points)."""
        start, self._next = self._next, self._next + count
        return self._numbers[start : self._next]

    def at(self, step: int) -> Floats | np.float64:
        """The numbers of a part."""
        row: Floats = self._numbers[step]
        return row[0] if self._is_single else row


def divided(plan: Loop, division: Division) -> Loop:
    """The plan of the parts of a plan's steps."""
    segments = tuple(_divided(plan, division))
    return replace(plan, segments=segments, steps=int(division.ends[-1]))


def _divided(plan: Loop, division: Division) -> Iterator[Segment]:
    ends = division.ends
    for segment in plan.segments:
        inside = segment.inside
        if inside is None or inside.block == segment.block:
            first, stop = ends[segment.start - 1] + 1, ends[segment.stop - 1] + 1
            yield replace(segment, start=int(first), stop=int(stop), inside=None)
            continue
        for step in range(segment.start, segment.stop):
            first, last = int(ends[step - 1]) + 1, int(ends[step])
            if first < last:
                yield replace(inside, start=first, stop=last)
            yield replace(segment, start=last, stop=last + 1, inside=None)


def divided_at(moments: Floats, steps: int, size: Floats) -> Division:
    """Steps of a ``size`` (points,) in parts that end at ``moments``.

    >>> found = divided_at(np.array([[2.5]]), 3, np.array([0.1]))
    >>> found.counts.tolist(), found.lengths.ravel().round(3).tolist()
    ([1, 1, 2], [0.1, 0.1, 0.05, 0.05])
    """
    points, places = np.nonzero(np.isfinite(moments))
    inside = moments[points, places]
    return _in_order(points, inside.astype(np.int64), inside, steps, size)


def _in_order(points: Ints, numbers: Ints, moments: Floats, steps: int, size: Floats) -> Division:
    """The division of steps at moments, in order point by point, each inside the step it is of."""
    rank = _ranks(points * steps + numbers)
    counts = np.ones(steps, dtype=np.int64)
    np.maximum.at(counts, numbers, rank + 2)
    first = np.r_[0, np.cumsum(counts)[:-1]]
    # What a point needs no more begins where its step ends, and takes no time.
    begins = np.repeat(np.arange(1, steps + 1), counts)[:, None] * size
    begins[first] = np.arange(steps)[:, None] * size
    begins[first[numbers] + rank + 1, points] = moments * size[points]
    stops = np.r_[begins[1:], steps * size[None, :]]
    stops[first + counts - 1] = np.arange(1, steps + 1)[:, None] * size
    return Division(counts, stops - begins, begins)


def _ranks(pairs: Ints) -> Ints:
    """The how manieth of its like each is, where those that are alike lie side by side."""
    order = np.arange(len(pairs))
    is_first = np.r_[True, pairs[1:] != pairs[:-1]][: len(pairs)]
    return order - np.maximum.accumulate(np.where(is_first, order, 0))


@dataclass(frozen=True, eq=False)
class Pieces:
    """Parts of steps in a row, point after point: each is of a point, and in a step from 0 on.

    ``points``, ``steps``, ``lengths`` and ``begins`` have one entry for each part.
    """

    points: Ints
    steps: Ints
    lengths: Floats
    begins: Floats

    @classmethod
    def joined(cls, pieces: Sequence[Pieces]) -> Pieces:
        """The parts of some points, and those of others."""
        columns = [(p.points, p.steps, p.lengths, p.begins) for p in pieces]
        return cls(*(np.concatenate(column) for column in zip(*columns, strict=True)))

    def side_by_side(self, steps: int, size: Floats) -> Division:
        """These parts as the division of so many steps, each of a ``size`` (points,)."""
        rank = _ranks(self.points * steps + self.steps)
        counts = np.zeros(steps, dtype=np.int64)
        np.maximum.at(counts, self.steps, rank + 1)
        rows = np.r_[0, np.cumsum(counts)[:-1]][self.steps] + rank
        # What a point needs no more begins where its step ends, and takes no time.
        begins = np.repeat(np.arange(1, steps + 1), counts)[:, None] * size
        lengths = np.zeros_like(begins)
        lengths[rows, self.points], begins[rows, self.points] = self.lengths, self.begins
        return Division(counts, lengths, begins)
