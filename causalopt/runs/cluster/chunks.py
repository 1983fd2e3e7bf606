"""Chunks of a sweep: which part of the grid of all points each of them is."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

#: A part of a grid: the places along each dim.
Part = tuple[range, ...]


@dataclass(frozen=True)
class Chunks:
    """A grid of the shape ``whole``, cut into chunks of the shape ``each``; the last may be less.

    They are counted as points are, the last dim running fastest.

    >>> cut = Chunks((3, 4), (2, 4))
    >>> cut.count, cut.part(1)
    (2, (range(2, 3), range(0, 4)))
    """

    whole: tuple[int, ...]
    each: tuple[int, ...]

    @classmethod
    def of(cls, whole: tuple[int, ...], points: int) -> Chunks:
        """Chunks of so many points at most: whole dims from the last on, then a part of one.

        >>> Chunks.of((10, 4), 9).each
        (2, 4)
        """
        each, left = [], max(1, points)
        for size in reversed(whole):
            # Parts of one size, as far as can be: 10 in chunks of up to 9 are two of 5.
            each.append(math.ceil(size / math.ceil(size / min(size, left))))
            left //= size
            left = max(1, left)
        return cls(whole, tuple(reversed(each)))

    @property
    def points(self) -> int:
        """The number of points of the grid."""
        return math.prod(self.whole)

    @property
    def along(self) -> tuple[int, ...]:
        """The number of chunks along each dim."""
        return tuple(-(-size // part) for size, part in zip(self.whole, self.each, strict=True))

    @property
    def count(self) -> int:
        """The number of chunks."""
        return math.prod(self.along)

    def part(self, number: int) -> Part:
        """The part of the grid that is a chunk."""
        places = np.unravel_index(number, self.along)
        return tuple(
            range(int(i) * part, min((int(i) + 1) * part, size))
            for i, part, size in zip(places, self.each, self.whole, strict=True)
        )

    def number(self, places: Sequence[int]) -> int:
        """The number of a chunk by its place among the chunks along each dim.

        >>> Chunks((3, 4), (2, 4)).number((1, 0))
        1
        """
        return int(np.ravel_multi_index(tuple(places), self.along))


def size(part: Part) -> int:
    """The number of points of a part."""
    return math.prod(map(len, part))


def halves(part: Part) -> tuple[Part, Part]:
    """A part of more than one point, cut across its first dim that can be cut."""
    dim = next(i for i, places in enumerate(part) if len(places) > 1)
    middle = len(part[dim]) // 2
    low, high = part[dim][:middle], part[dim][middle:]
    return (*part[:dim], low, *part[dim + 1 :]), (*part[:dim], high, *part[dim + 1 :])


def points_of(part: Part) -> Iterator[tuple[int, ...]]:
    """The points of a part, each by its place along each dim."""
    for place in np.ndindex(*map(len, part)):
        yield tuple(places[i] for places, i in zip(part, place, strict=True))


def within(part: Part, outer: Part) -> tuple[slice, ...]:
    """Where a part lies in one that holds it."""
    return tuple(
        slice(inner.start - places.start, inner.stop - places.start)
        for inner, places in zip(part, outer, strict=True)
    )
