"""Parts of arrays: some of the entries, or the coordinates along some directions."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, cast

import numpy as np
from sympy import Symbol

from causalopt.ground.errors import QueryError
from causalopt.ground.tensors import Tensor
from causalopt.ground.types import Array, Bools, Floats
from causalopt.language.arithmetic import OutsideFormulas


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

    @abstractmethod
    def blend(self, own: Array, other: Array, *inputs: Array) -> Array:
        """An array with this part of another one in it; ``inputs`` are what decides the part."""

    @property
    def inputs(self) -> tuple[Symbol, ...]:
        """The inputs of a run that decide which part it is."""
        return ()

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
        """Both together, where both are of entries."""
        return self

    def outside(self, difference: Tensor) -> Tensor:
        """What a difference (..., *shape) is in the rest of the array."""
        rows = difference.numbers.reshape(-1, *self.directions.shape[1:])
        rest = [np.asarray(self.blend(row, np.zeros_like(row))) for row in rows]
        return Tensor(np.reshape(rest, difference.shape))


@dataclass(frozen=True)
class Entries(Subspace):
    """Some entries of an array, those where the mask is true."""

    mask: Tensor
    text: str

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

    def blend(self, own: Array, other: Array, *inputs: Array) -> Array:
        """Each entry from the one or the other."""
        # Arrays of any library say which one they are of.
        blended: Array = own.__array_namespace__().where(self.mask.numbers, other, own)
        return blended

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
        mask = self.mask.numbers | other.mask.numbers if isinstance(other, Entries) else None
        return self if mask is None else _of_mask(mask) or self

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Entries) and self.mask == other.mask

    def __hash__(self) -> int:
        return hash(self.mask)

    def __str__(self) -> str:
        return f"part[{self.text}]"


@dataclass(frozen=True)
class Chosen(Subspace):
    """One of several parts (k, *shape), by a number that the run is given: A as data."""

    masks: Tensor
    number: Symbol

    @property
    def inputs(self) -> tuple[Symbol, ...]:
        """The number."""
        return (self.number,)

    @property
    def directions(self) -> Floats:
        """Those of the whole array."""
        size = math.prod(self.masks.shape[1:])
        return np.eye(size).reshape(size, *self.masks.shape[1:])

    readings = directions

    def blend(self, own: Array, other: Array, *inputs: Array) -> Array:
        """Each entry from the one or the other, by the mask of that number."""
        library = own.__array_namespace__()
        masks, (number,) = library.asarray(self.masks.numbers), inputs
        blended: Array = library.where(masks[number.astype(int)], other, own)
        return blended

    def __str__(self) -> str:
        return f"part[one of {len(self.masks.numbers)}]"


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

    def blend(self, own: Array, other: Array, *inputs: Array) -> Array:
        """The one, with the coordinates of the other."""
        count = len(self.directions)
        d, r = self.directions.reshape(count, -1), self.readings.reshape(count, -1)
        change: Array = (r @ (other - own).reshape(-1)) @ d
        blended: Array = own + change.reshape(own.shape)
        return blended

    def __str__(self) -> str:
        return f"along({len(self.directions)} directions)"


def _of_mask(mask: Bools) -> Entries | None:
    """The entries where a mask is true, called by their places; None where there are none."""
    places = np.flatnonzero(mask)
    if not places.size:
        return None
    first, last = int(places[0]), int(places[-1])
    if mask.ndim == 1 and places.size == last - first + 1:
        text = str(first) if first == last else f"{first}:{last + 1}"
    else:
        text = _text(mask.nonzero()[0].tolist()) if mask.ndim == 1 else f"{places.size} entries"
    return Entries(Tensor(mask), text)


def entries(shape: tuple[int, ...], key: object, of: object) -> Entries:
    """The entries that an index or a mask names, one or more."""
    mask = np.zeros(shape, dtype=np.bool_)
    text = _text(key)
    where = f"{of}.part[{text}]"
    plain = np.asarray(key) if isinstance(key, list | np.ndarray) else None
    if plain is not None and plain.dtype == np.bool_ and plain.shape != shape[: plain.ndim]:
        raise QueryError(
            f"{where} is a mask of shape {plain.shape}, and {of} has the shape {shape}: write a "
            "mask of that shape."
        )
    try:
        mask[cast(int, key if plain is None else plain)] = True
    except (IndexError, TypeError, ValueError):
        raise QueryError(
            f"{where} names no entries of an array of shape {shape}: write places inside it, such "
            f"as {of}.part[0:{shape[0] if shape else 1}]."
        ) from None
    _refuse_outside(shape, key, where)
    if not mask.any():
        raise QueryError(f"{where} is empty: name one entry or more.")
    return Entries(Tensor(mask), text)


def _refuse_outside(shape: tuple[int, ...], key: object, where: str) -> None:
    """A slice that ends beyond the array is no shorter one: it was meant to have what is not there.

    >>> _refuse_outside((3,), slice(0, 9), "h.part[0:9]")
    Traceback (most recent call last):
    ...
    causalopt.ground.errors.QueryError: h.part[0:9] reaches beyond the 3 entries that there are: ...
    """
    for size, piece in zip(shape, key if isinstance(key, tuple) else (key,), strict=False):
        ends = (piece.start, piece.stop) if isinstance(piece, slice) else ()
        if any(end is not None and not -size <= end <= size for end in ends):
            raise QueryError(
                f"{where} reaches beyond the {size} entries that there are: end it inside."
            )


def _text(key: object) -> str:
    """An index as it is written."""
    if isinstance(key, tuple):
        return ", ".join(map(_text, key))
    if isinstance(key, slice):
        ends = ["" if end is None else str(end) for end in (key.start, key.stop)]
        return ":".join(ends if key.step is None else [*ends, str(key.step)])
    if key is Ellipsis:
        return "..."
    size = np.size(key) if isinstance(key, list | np.ndarray) else 0
    return f"{size} entries" if size > 8 else str(np.asarray(key).tolist() if size else key)


def coordinates(
    shape: tuple[int, ...], directions: object, read: object, of: object
) -> Coordinates:
    """The coordinates along one direction or several, as ``read`` reads them."""
    write, rows = (_rows(shape, given, name, of) for given, name in
                   ((directions, "the directions"), (read, "read")))  # fmt: skip
    if len(write) != len(rows):
        raise QueryError(
            f"{of}.along(...) has {len(write)} directions and reads {len(rows)} coordinates: write "
            "one row of read for each direction."
        )
    d, r = (part.reshape(len(part), -1) for part in (write, rows))
    sizes = np.linalg.svd(r @ d.T, compute_uv=False)
    if sizes[-1] <= len(d) * np.finfo(np.float64).eps * sizes[0]:
        raise QueryError(
            f"{of}.along(...): read'd is singular, so that what is read off says not how far to "
            "move along the directions. Write rows of read that see every direction."
        )
    return Coordinates(Tensor(write), Tensor(rows))


def _rows(shape: tuple[int, ...], given: object, name: str, of: object) -> Floats:
    """Rows (k, *shape) of finite numbers; a single one may stand without its axis."""
    try:
        rows = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise QueryError(f"{of}.along: {name} is no array of numbers.") from None
    rows = rows[None] if rows.shape == shape else rows
    if rows.shape[1:] != shape or not len(rows) or not np.isfinite(rows).all():
        raise QueryError(
            f"{of}.along: {name} has the shape {rows.shape}: write finite rows, each of the "
            f"shape {shape}."
        )
    return rows


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

    part: Subspace
    by: float = 1.0

    def __call__(self, own: Array, other: Array, *inputs: Array) -> Array:
        blended = self.part.blend(own, other, *inputs)
        return blended if self.by == 1.0 else own + self.by * (blended - own)


@dataclass(frozen=True)
class PartOf(OutsideFormulas):
    """A part of nodes that hold arrays: ``h.part[3:10]``, ``h[0].part[2]``, ``h.along(...)``."""

    nodes: object
    subspace: Subspace

    def __getitem__(self, step: int | slice) -> PartOf:
        """The same part at one step, or over a stretch of steps."""
        if not hasattr(self.nodes, "next"):
            raise QueryError(f"{self} is at its steps already: write {self.nodes}[...] once.")
        return PartOf(self.nodes[step], self.subspace)  # type: ignore[index]  # a variable

    @property
    def domain(self) -> object:
        """What the values of the nodes are."""
        return getattr(self.nodes, "domain", None)

    def __repr__(self) -> str:
        return f"{self.nodes}.{self.subspace}"


@dataclass(frozen=True)
class Parts:
    """What is indexed by entries to give a part of some nodes: ``h.part``."""

    nodes: object

    def __getitem__(self, key: object) -> PartOf:
        return PartOf(self.nodes, entries(shape_of(self.nodes), key, self.nodes))


def shape_of(nodes: object) -> tuple[int, ...]:
    """The shape of what nodes hold; a ``QueryError`` for numbers, which have no parts."""
    shape: tuple[int, ...] = getattr(getattr(nodes, "domain", None), "shape", ())
    if not shape:
        raise QueryError(
            f"{nodes} holds a number, and has no parts: parts are of arrays, such as those of "
            'h = array("h", (3,)).'
        )
    return shape


class Partible:
    """Nodes of which parts can be named."""

    __slots__ = ()

    @property
    def part(self) -> Parts:
        """Some entries, by an index or a mask: ``h.part[3:10]``, ``h[0].part[mask]``."""
        return Parts(self)

    def along(self, directions: object, *, read: object) -> PartOf:
        """The coordinates along directions d (k, *shape), as rows r (k, *shape) read them.

        Held to another world, h <- h - d (r'd)^-1 r'(h - h_W): the rest of h stays as it is. With
        ``read=d`` that is the orthogonal projection, which holds what else r = d sees too: in a
        network whose units share directions, take rows that read the coordinate alone.
        """
        return PartOf(self, coordinates(shape_of(self), directions, read, self))
