"""Parts of nodes that hold arrays, as they are named: h.part[3:10], h.along(d, read=r)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn, cast

import numpy as np

from causalopt.ground.errors import DeclarationError, QueryError
from causalopt.ground.tensors import Tensor, finite_tensor
from causalopt.ground.types import Floats
from causalopt.language.arithmetic import OutsideFormulas
from causalopt.language.subspaces import (
    Coordinates,
    Entries,
    Subspace,
    as_text,
    at_size_one,
    is_singular,
)


def entries(shape: tuple[int, ...], key: object, of: object) -> Entries:
    """The entries that an index or a mask names, one or more."""
    mask = np.zeros(shape, dtype=np.bool_)
    text = as_text(key)
    where = f"{of}.part[{text}]"
    if key is None or isinstance(key, bool | np.bool_):
        raise QueryError(f"{where} is no index: write places, such as {of}.part[0], or a mask.")
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
    places = np.arange(mask.size).reshape(shape)[cast(int, key if plain is None else plain)]
    return Entries(Tensor(mask), text, Tensor(places))


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
    # What reads is free of its size.
    rows = at_size_one(rows)
    if is_singular(write, rows):
        raise QueryError(
            f"{of}.along(...): read'd is singular, so that what is read off says not how far to "
            "move along the directions. Write rows of read that see every direction."
        )
    return Coordinates(Tensor(write), Tensor(rows))


def _rows(shape: tuple[int, ...], given: object, name: str, of: object) -> Floats:
    """Rows (k, *shape) of finite numbers; a single one may stand without its axis."""
    try:
        rows = finite_tensor(given, f"{of}.along: {name}").numbers
    except DeclarationError as error:
        raise QueryError(str(error)) from None
    rows = rows[None] if rows.shape == shape else rows
    if rows.shape[1:] != shape or not rows.size:
        raise QueryError(
            f"{of}.along: {name} has the shape {rows.shape}: write rows, each of the shape {shape}."
        )
    return rows


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

    @property
    def part(self) -> Parts:
        """An error: a part is named once, of the array."""
        raise QueryError(f"{self} is a part already: write {self.nodes}.part[...] once.")

    def along(self, directions: object, *, read: object = None) -> NoReturn:
        """An error: directions are named once, of the array."""
        raise QueryError(f"{self} is a part already: write {self.nodes}.along(d, read=r).")

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

    def along(self, directions: object, *, read: object = None) -> PartOf:
        """The coordinates along directions d (k, *shape), as rows r (k, *shape) read them.

        Held to another world, h <- h - d (r'd)^-1 r'(h - h_W): the rest of h stays as it is. With
        ``read=d`` that is the orthogonal projection, which holds what else r = d sees too: in a
        network whose units share directions, take rows that read the coordinate alone.
        """
        if read is None:
            raise QueryError(
                f"{self}.along(d) says where to move, and not what is read: write "
                f"{self}.along(d, read=r), with read=d for the orthogonal projection."
            )
        return PartOf(self, coordinates(shape_of(self), directions, read, self))
