"""Subspaces of arrays: some of the entries, or the coordinates along some directions."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np
from sympy import Symbol

from causalopt.ground.errors import QueryError
from causalopt.ground.tensors import Tensor
from causalopt.ground.types import Array, Bools, Floats

#: A blend of two arrays by some inputs.
Rule: TypeAlias = "Callable[..., Array]"


def _by_mask(own: Array, other: Array, mask: Array) -> Array:
    """Each entry from the one or the other."""
    # Arrays of any library say which one they are of.
    blended: Array = own.__array_namespace__().where(mask, other, own)
    return blended


def _by_number(own: Array, other: Array, masks: Array, number: Array) -> Array:
    """Each entry from the one or the other, by the mask of that number."""
    mask: Array = masks[number.astype(int)]
    return _by_mask(own, other, mask)


def _by_gates(own: Array, other: Array, gates: Array) -> Array:
    """Each entry on its way from the one to the other, as far as its gate is closed."""
    blended: Array = own + gates * (other - own)
    return blended


def _by_coordinates(own: Array, other: Array, write: Array, readings: Array) -> Array:
    """The one, with the coordinates of the other."""
    d, r = (rows.reshape(len(rows), -1) for rows in (write, readings))
    change: Array = (r @ (other - own).reshape(-1)) @ d
    # A zero of a plan has no shape of its own.
    blended: Array = own + change.reshape(write.shape[1:])
    return blended


class Subspace(ABC):
    """A part of an array: what of it is held, moved or read, and what is left as it is."""

    @property
    @abstractmethod
    def directions(self) -> Floats:
        """The directions in which it extends, (k, *shape): what a difference at it may be."""

    @property
    @abstractmethod
    def readings(self) -> Floats:
        """The rows that read its coordinates off an array, (k, *shape)."""

    #: An array with a part of another one in it, as a function of the inputs that decide the part.
    rule: ClassVar[Rule]

    @property
    @abstractmethod
    def inputs(self) -> tuple[Tensor | Symbol, ...]:
        """What decides which part it is: data of a run, so that its code is one for all parts."""

    def blend(self, own: Floats, other: Floats) -> Floats:
        """An array with this part of another one in it."""
        given = [array.numbers for array in self.inputs if isinstance(array, Tensor)]
        return np.asarray(type(self).rule(own, other, *given))

    @property
    def own_shape(self) -> tuple[int, ...] | None:
        """The shape in which its values may be written; None where that is the array's alone."""
        return None

    def spread(self, values: Array) -> Array:
        """Values (..., *own_shape) where they belong in the array, (..., *shape), 0 elsewhere."""
        raise QueryError(f"{self} has no values of a shape of its own: write the whole array.")

    def mask_of(self, part: object) -> Bools:
        """The entries, as a mask; a ``QueryError`` for what is none."""
        raise QueryError(f"{part} is no set of entries: ask about it alone, with comp or op.")

    def overlaps(self, other: Subspace) -> bool:
        """Whether holding both holds something twice: one may read what the other writes."""
        return True

    #: Whether it is of whole entries.
    is_entries: ClassVar[bool] = False

    @property
    def is_whole(self) -> bool:
        """Whether it is all of the array."""
        return False

    @property
    def order(self) -> bytes:
        """What entries that do not overlap are put in order by."""
        return b""

    def without(self, other: Subspace) -> Subspace | None:
        """What it has that another has not; None where that is nothing."""
        return self

    def joined(self, other: Subspace) -> Subspace:
        """Both together: all that either reads, along all directions of both."""
        if other == self:
            return self
        write, read = (
            np.concatenate(pair)
            for pair in ((self.directions, other.directions), (self.readings, other.readings))
        )
        if is_singular(write, read):
            raise QueryError(
                f"{self} and {other} cannot be held at once, for read'd of both together is "
                "singular: name what they have in common once, or hold one after the other."
            )
        return Coordinates(Tensor(write), Tensor(read))

    def outside(self, difference: Tensor) -> Tensor:
        """What a difference (..., *shape) is in the rest of the array."""
        rows = difference.numbers.reshape(-1, *self.directions.shape[1:])
        rest = [self.blend(row, np.zeros_like(row)) for row in rows]
        return Tensor(np.reshape(rest, difference.shape))


@dataclass(frozen=True)
class Entries(Subspace):
    """Some entries of an array, those where the mask is true.

    ``places`` are the same, as whole numbers in the shape and the order in which they were named.
    """

    mask: Tensor
    text: str
    places: Tensor | None = None

    @property
    def own_shape(self) -> tuple[int, ...] | None:
        """That of the index by which they were named, where none of them is named twice."""
        if self.places is None or self.places.numbers.size > self.mask.numbers.sum():
            return None
        return self.places.shape

    def spread(self, values: Array) -> Array:
        """Each value at its place."""
        if self.places is None:
            return super().spread(values)
        lead = values.shape[: values.ndim - self.places.numbers.ndim]
        whole = np.zeros((*lead, self.mask.numbers.size))
        whole[..., self.places.numbers.reshape(-1)] = values.reshape(*lead, -1)
        return whole.reshape(*lead, *self.mask.shape)

    @property
    def directions(self) -> Floats:
        """One unit vector for each entry."""
        places = np.flatnonzero(self.mask.numbers)
        units = np.zeros((len(places), self.mask.numbers.size))
        units[np.arange(len(places)), places] = 1.0
        return units.reshape(len(places), *self.mask.shape)

    readings = directions

    def mask_of(self, part: object) -> Bools:
        """The mask."""
        return np.asarray(self.mask.numbers)

    rule: ClassVar[Rule] = _by_mask

    @property
    def inputs(self) -> tuple[Tensor | Symbol, ...]:
        """The mask."""
        return (self.mask,)

    def overlaps(self, other: Subspace) -> bool:
        """Whether some entry is in both."""
        if isinstance(other, Entries):
            return bool((self.mask.numbers & other.mask.numbers).any())
        return True

    is_entries: ClassVar[bool] = True

    @property
    def is_whole(self) -> bool:
        """Whether every entry is one of them."""
        return bool(self.mask.numbers.all())

    @property
    def order(self) -> bytes:
        """The mask, as bytes."""
        return self.mask.numbers.tobytes()

    def without(self, other: Subspace) -> Subspace | None:
        """Those that are not in the other."""
        if not self.overlaps(other) or not isinstance(other, Entries):
            return self
        return _of_mask(self.mask.numbers & ~other.mask.numbers)

    def joined(self, other: Subspace) -> Subspace:
        """Those of both."""
        if not isinstance(other, Entries):
            return super().joined(other)
        return _of_mask(self.mask.numbers | other.mask.numbers) or self

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Entries) and self.mask == other.mask

    def __hash__(self) -> int:
        return hash(self.mask)

    def __str__(self) -> str:
        return f"part[{self.text}]"


@dataclass(frozen=True)
class ByData(Subspace):
    """Entries of an array of a shape, held as an input of the run says."""

    shape: tuple[int, ...]
    given: Symbol

    @property
    def inputs(self) -> tuple[Tensor | Symbol, ...]:
        """What is given."""
        return (self.given,)

    @property
    def directions(self) -> Floats:
        """Those of the whole array."""
        size = math.prod(self.shape)
        return np.eye(size).reshape(size, *self.shape)

    readings = directions

    def __str__(self) -> str:
        return f"part[by {self.given}]"


@dataclass(frozen=True)
class Chosen(ByData):
    """One of several parts (k, *shape), by its number: A as data."""

    masks: Tensor
    rule: ClassVar[Rule] = _by_number

    @property
    def inputs(self) -> tuple[Tensor | Symbol, ...]:
        """The masks, and the number."""
        return self.masks, self.given


class Gates(ByData):
    """All entries, each as far as its gate is closed: 0 is free, and 1 is held."""

    rule: ClassVar[Rule] = _by_gates


@dataclass(frozen=True)
class Coordinates(Subspace):
    """The coordinates r'h along directions d, both (k, *shape): h <- h + d (r'd)^-1 r'(other - h).

    What r does not see stays as it is. Where r = d that is the orthogonal projection.
    """

    write: Tensor
    read: Tensor

    @property
    def directions(self) -> Floats:
        """The directions d."""
        return self.write.numbers

    @property
    def readings(self) -> Floats:
        """(r'd)^-1 r', so that the coordinates of a direction d are a unit vector."""
        d, r = (rows.reshape(len(rows), -1) for rows in (self.write.numbers, self.read.numbers))
        return np.linalg.solve(r @ d.T, r).reshape(self.write.shape)

    rule: ClassVar[Rule] = _by_coordinates

    @property
    def inputs(self) -> tuple[Tensor | Symbol, ...]:
        """The directions, and what reads the coordinates."""
        return self.write, Tensor(self.readings)

    def __str__(self) -> str:
        return f"along({len(self.directions)} directions)"


def at_size_one(rows: Floats) -> Floats:
    """Rows brought to sizes from 1/2 to 1 by powers of two, which changes no digit."""
    largest = np.abs(rows).max(axis=tuple(range(1, rows.ndim)), keepdims=True)
    scaled: Floats = np.ldexp(rows, -np.frexp(largest)[1])
    return scaled


def is_singular(write: Floats, read: Floats) -> bool:
    """Whether r'd has no inverse, of directions d and rows r (k, *shape), as far as floats tell.

    Sizes do not matter: each row is taken at length 1.

    >>> is_singular(np.array([[0.3, 0.3, -0.3]]), np.array([[0.1, 0.2, 0.3]]))
    True
    """
    d, r = (at_size_one(rows).reshape(len(rows), -1) for rows in (write, read))
    lengths = np.outer(*(np.linalg.norm(rows, axis=1) for rows in (r, d)))
    if not lengths.all():
        return True
    sizes = np.linalg.svd(r @ d.T / lengths, compute_uv=False)
    return bool(sizes[-1] <= d.size * np.finfo(np.float64).eps)


def _of_mask(mask: Bools) -> Entries | None:
    """The entries where a mask is true, called by their places; None where there are none."""
    places = np.flatnonzero(mask)
    if not places.size:
        return None
    first, last = int(places[0]), int(places[-1])
    if mask.ndim == 1 and places.size == last - first + 1:
        text = str(first) if first == last else f"{first}:{last + 1}"
    else:
        text = as_text(mask.nonzero()[0].tolist()) if mask.ndim == 1 else f"{places.size} entries"
    return Entries(Tensor(mask), text)


def as_text(key: object) -> str:
    """An index as it is written."""
    if isinstance(key, tuple):
        return ", ".join(map(as_text, key))
    if isinstance(key, slice):
        ends = ["" if end is None else str(end) for end in (key.start, key.stop)]
        return ":".join(ends if key.step is None else [*ends, str(key.step)])
    if key is Ellipsis:
        return "..."
    size = np.size(key) if isinstance(key, list | np.ndarray) else 0
    if size > 8 and np.asarray(key).dtype == bool:
        return f"{np.asarray(key).sum()} of {size} entries"
    return f"{size} entries" if size > 8 else str(np.asarray(key).tolist() if size else key)


@dataclass(frozen=True)
class Directions:
    """Directions (k, *shape) in which an array is nudged, each by itself.

    As a frame, they matter by the volume that they span alone: then others of the same span and
    volume may stand in for them, which keeps them apart on a long run.
    """

    rows: Tensor
    as_frame: bool = False

    @property
    def count(self) -> int:
        """The number of directions."""
        return len(self.rows.numbers)


@dataclass(frozen=True)
class Blending:
    """An array with (1 - by) of its own part and ``by`` of another's, as a function of both."""

    rule: Rule
    by: float = 1.0

    def __call__(self, own: Array, other: Array, *inputs: Array) -> Array:
        blended: Array = self.rule(own, other, *inputs)
        return blended if self.by == 1.0 else own + self.by * (blended - own)
