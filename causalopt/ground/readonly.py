"""What cannot be changed: mappings, equal and hashed by what they hold, and frozen records."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, KeysView, Mapping, ValuesView
from typing import Generic, NoReturn, TypeVar

import numpy as np

from causalopt.ground.errors import DeclarationError

K = TypeVar("K")
V = TypeVar("V", covariant=True)


class ReadOnly(Mapping[K, V], Generic[K, V]):
    """A mapping that is what it was made of, for good.

    >>> k = ReadOnly({"k": 0.01})
    >>> k["k"], k == {"k": 0.01}, hash(k) == hash(ReadOnly({"k": 0.01}))
    (0.01, True, True)
    >>> k["k"] = 0.02
    Traceback (most recent call last):
    ...
    causalopt.ground.errors.DeclarationError: What is declared stays as it is: 'k' cannot be set...
    """

    __slots__ = ("_hash", "_items")
    _items: dict[K, V]
    _hash: int | None

    def __init__(self, items: Mapping[K, V]) -> None:
        self._items, self._hash = dict(items), None

    def __getitem__(self, key: K) -> V:
        return self._items[key]

    def __iter__(self) -> Iterator[K]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    # What follows from these three, as the dictionary itself does it: parameters and start values
    # are looked up by the thousand.
    def __contains__(self, key: object) -> bool:
        return key in self._items

    def keys(self) -> KeysView[K]:
        """What it has something for."""
        return self._items.keys()

    def values(self) -> ValuesView[V]:
        """What it has."""
        return self._items.values()

    def items(self) -> ItemsView[K, V]:
        """Both, in pairs."""
        return self._items.items()

    def __setitem__(self, key: object, value: object) -> NoReturn:
        raise DeclarationError(
            f"What is declared stays as it is: {key!r} cannot be set. Make a new model, with "
            f"with_parameters({{{key}: ...}}) or with_start({{{key}: ...}})."
        )

    def __delitem__(self, key: object) -> NoReturn:
        raise DeclarationError(f"What is declared stays as it is: {key!r} cannot be taken out.")

    def __eq__(self, other: object) -> bool:
        if isinstance(other, ReadOnly):
            return self._items == other._items
        return self._items == other

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(frozenset(self._items.items()))
        return self._hash

    def __reduce__(self) -> tuple[type[ReadOnly[K, V]], tuple[dict[K, V]]]:
        # Without the hash: that of text is another in each process.
        return ReadOnly, (self._items,)

    def __repr__(self) -> str:
        return repr(self._items)


def fields_alone(record: object) -> dict[str, object]:
    """The fields of a frozen record, as a pickle or a copy of it keeps them.

    What was worked out from the fields stays behind: it can be large, and the hash of text is
    another in each process.
    """
    names = getattr(record, "__dataclass_fields__", {})
    return {name: value for name, value in vars(record).items() if name in names}


def restore(record: object, state: Mapping[str, object]) -> None:
    """Give a frozen record its fields, as a pickle or a copy kept them, read-only once more.

    A pickle of an array forgets that it cannot be written to.
    """
    for value in state.values():
        if isinstance(value, np.ndarray):
            value.setflags(write=False)
    vars(record).update(state)
