"""Tables asked by index: the row of each of many points, and what is drawn from it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from causalopt.ground.types import Array, Floats, Ints


@dataclass(frozen=True, eq=False)
class Picked:
    """A table of numbers, one a row, as a function of the places of its parents.

    ``sizes`` says how many places each parent has.
    """

    sizes: tuple[int, ...]
    numbers: Floats

    @classmethod
    def of(cls, table: Array) -> Picked:
        """That of an array with an axis for each parent.

        >>> Picked.of(np.array([[1, 2], [3, 4]]))(np.array([0.0, 1.0]), np.array([1.0, 0.0]))
        array([2., 3.])
        """
        return cls(table.shape, table.reshape(-1).astype(np.float64))

    def __call__(self, *places: Floats) -> Floats:
        """The number of each point's row."""
        return self.numbers.take(_rows(self.sizes, places), mode="clip")


@dataclass(frozen=True, eq=False)
class ByChance:
    """A table of chances as a function of the places of its parents and a uniform number u.

    It gives the first value up to which the masses of the row sum to more than u: the number of
    sums that are no more than u. ``sums`` are those up to each value but the last, row by row.
    """

    sizes: tuple[int, ...]
    sums: tuple[Floats, ...]

    @classmethod
    def of(cls, masses: Floats) -> ByChance:
        """That of masses (sizes of parents, values).

        >>> ByChance.of(np.array([0.25, 0.5, 0.25]))(np.array([0.0, 0.25, 0.7, 0.75]))
        array([0, 1, 1, 2], dtype=int8)
        """
        sizes, sums = _sums(masses)
        return cls(sizes, tuple(np.ascontiguousarray(column) for column in sums.T))

    def __call__(self, *given: Floats) -> Array:
        """The place of each point's value."""
        *places, u = given
        row = _rows(self.sizes, places)
        place: Array = np.zeros((), dtype=np.int8)
        for column in self.sums:
            # One byte each, and no number is made another kind on the way.
            place = place + (u >= column.take(row, mode="clip")).view(np.int8)
        return place


@dataclass(frozen=True, eq=False)
class ByHalving:
    """The same of many values, found by halves: as many comparisons as the number has digits.

    ``sums`` are row after row, filled up to 2^m - 1 in each by what is above all u: so many that m
    ``halvings`` find the value.
    """

    sizes: tuple[int, ...]
    sums: Floats
    halvings: int

    @classmethod
    def of(cls, masses: Floats) -> ByHalving:
        """That of masses (sizes of parents, values).

        >>> ByHalving.of(np.array([0.25, 0.5, 0.25]))(np.array([0.0, 0.25, 0.7, 0.75]))
        array([0, 1, 1, 2])
        """
        sizes, sums = _sums(masses)
        halvings = sums.shape[1].bit_length()
        filled = np.full((len(sums), 2**halvings - 1), np.inf)
        filled[:, : sums.shape[1]] = sums
        return cls(sizes, filled.reshape(-1), halvings)

    def __call__(self, *given: Floats) -> Array:
        """The place of each point's value."""
        *places, u = given
        first = _rows(self.sizes, places) * (2**self.halvings - 1)
        place: Ints = np.zeros((), dtype=np.int64)
        for halving in reversed(range(self.halvings)):
            middle = self.sums.take(first + place + (2**halving - 1), mode="clip")
            place = place + (u >= middle) * 2**halving
        return place


def drawing(masses: Floats) -> ByChance | ByHalving:
    """A table of chances as a function, in the way that takes less time for so many values."""
    return (ByChance if masses.shape[-1] <= _FEW else ByHalving).of(masses)


# With no more values than this, to compare with each is faster than by halves.
_FEW = 16


def _sums(masses: Floats) -> tuple[tuple[int, ...], Floats]:
    """The sizes of the parents, and the sums of masses (rows, values - 1)."""
    *sizes, values = masses.shape
    # The last sum is 1 but for rounding; without it the last value takes the rest.
    return tuple(sizes), np.cumsum(masses, axis=-1)[..., :-1].reshape(math.prod(sizes), values - 1)


def _rows(sizes: Sequence[int], places: Sequence[Floats]) -> Ints:
    """The number of each point's row, the last parent fastest; 0 where there are no parents.

    What is no place, for it is NaN, has some row: it is told of where it came from.
    """
    row: Array = places[0] if places else np.zeros(())
    for size, place in zip(sizes[1:], places[1:], strict=True):
        row = row * size + place
    return row.astype(np.int64)
