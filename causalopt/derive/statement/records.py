"""The expressions inside steps, rules, givens and verdicts: listed, or rewritten all at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar, cast

import sympy as sp

Record = TypeVar("Record")


def expressions_of(record: object) -> Iterator[sp.Basic]:
    """Every expression that a step, a rule or a given holds, however deep."""
    if isinstance(record, sp.Basic):
        yield record
    elif dataclasses.is_dataclass(record):
        for field in dataclasses.fields(record):
            yield from expressions_of(getattr(record, field.name))
    elif isinstance(record, Iterable) and not isinstance(record, str):
        for part in record:
            yield from expressions_of(part)


def map_expressions(record: Record, change: Callable[[sp.Basic], sp.Basic]) -> Record:
    """``record`` with ``change`` applied to every expression that it holds.

    >>> x = sp.Symbol("x")
    >>> map_expressions((x, "a name", sp.Eq(x, 1)), lambda whole: whole.subs(x, 2))
    (2, 'a name', Eq(2, 1))
    """
    return cast(Record, _map_parts(record, change))


def _map_parts(record: object, change: Callable[[sp.Basic], sp.Basic]) -> object:
    if isinstance(record, sp.Dict):
        return sp.Dict({change(old): change(new) for old, new in record.items()})
    if isinstance(record, sp.Equality):  # sympy would decide a new one on the spot
        return sp.Eq(change(record.lhs), change(record.rhs), evaluate=False)
    if isinstance(record, sp.Basic):
        return change(record)
    if dataclasses.is_dataclass(record) and not isinstance(record, type):
        # past __init__: what was read once is not read again, and may now be of another form
        copy = object.__new__(type(record))
        for field in dataclasses.fields(record):
            object.__setattr__(copy, field.name, _map_parts(getattr(record, field.name), change))
        return copy
    if isinstance(record, tuple):
        return tuple(_map_parts(part, change) for part in record)
    return record
