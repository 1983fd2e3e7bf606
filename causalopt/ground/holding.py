"""Records that hold arrays, equal and hashed by what they hold, wherever they were made."""

from __future__ import annotations

import functools
from collections.abc import Hashable, Mapping

import numpy as np
import sympy

from causalopt.ground.tensors import Tensor


@functools.singledispatch
def content(held: object) -> Hashable:
    """What is held as something that can be compared and hashed.

    >>> content({"k": np.ones(2), "d": [1, 2]}) == content({"d": [1, 2], "k": np.ones(2)})
    True
    >>> content(np.ones(2)) == content(np.ones(3))
    False
    """
    # Sparse matrices, whose library is not imported to ask.
    if hasattr(held, "tocsr"):
        rows = held.tocsr()
        rows.sort_indices()
        parts = (rows.shape, rows.indptr, rows.indices, rows.data)
        return tuple(map(content, parts))
    return held


@content.register
def _(held: np.ndarray) -> Hashable:
    if held.dtype == object:  # formulas
        return held.shape, tuple(map(content, held.reshape(-1).tolist()))
    return Tensor(held)


@content.register
def _(held: sympy.MatrixBase) -> Hashable:
    rows: Hashable = held.as_immutable()
    return rows


@content.register
def _(held: functools.partial) -> Hashable:  # type: ignore[type-arg]  # dispatched by its class
    return held.func, content(held.args), content(held.keywords)


@content.register(list)
@content.register(tuple)
def _(held: list[object] | tuple[object, ...]) -> Hashable:
    return tuple(map(content, held))


@content.register(set)
@content.register(frozenset)
def _(held: set[object] | frozenset[object]) -> Hashable:
    return frozenset(map(content, held))


@content.register(Mapping)
def _(held: Mapping[Hashable, object]) -> Hashable:
    return frozenset((content(key), content(value)) for key, value in held.items())


def contents(record: object) -> tuple[Hashable, ...]:
    """The fields of a frozen record, each as something that can be compared and hashed."""
    fields = getattr(record, "__dataclass_fields__", {}).values()
    return tuple(content(getattr(record, field.name)) for field in fields if field.compare)


def same(record: object, other: object) -> bool:
    """Whether two records are of one kind and hold the same: for the ``__eq__`` of a record."""
    return record is other or (type(record) is type(other) and contents(record) == contents(other))


def hashed(record: object) -> int:
    """A hash of what a record holds, the same for records that are ``same``: its ``__hash__``."""
    return hash(contents(record))
