"""Domains: what the values of a variable are, and all that depends on it.

A run computes with numbers. A domain says how the values that users write become numbers and back,
whether a difference can be added, and what a result says of them.
"""

from __future__ import annotations

import functools
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast
from urllib.parse import quote

import numpy as np

from causalopt.ground import checks
from causalopt.ground.errors import DeclarationError, QueryError, nearest
from causalopt.ground.tensors import Tensor
from causalopt.ground.types import Floats
from causalopt.language.assumptions import Assumed, kept
from causalopt.language.naming import check_letters
from causalopt.language.trees import Tree
from causalopt.language.words import listed

#: What a named value is called: a name, or a whole number.
Value = str | int
#: A value as a run computes with it: a number, or an array or a tree of them.
Coded = float | Tensor | Tree


class Domain(ABC):
    """What the values of a variable are."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of a value: () for a number."""
        return ()

    @property
    def unlimited(self) -> Domain:
        """The same with nothing assumed of the values."""
        return self

    @abstractmethod
    def code(self, value: object, where: str) -> Coded:
        """A value as what a run computes with; ``where`` says what was given."""

    @abstractmethod
    def value(self, number: Coded) -> Value | Coded:
        """The value that a number of a run stands for."""

    @abstractmethod
    def shown(self, number: Coded) -> str | float:
        """A value as a reader sees it: a number, or the name that no other value has."""

    @abstractmethod
    def values_of(self, numbers: Floats) -> Floats | list[Value]:
        """The values that several numbers of a run stand for."""

    @abstractmethod
    def codes(self, values: object, where: str) -> Floats:
        """Several values (k,), one or more, as numbers."""

    @property
    def limits(self) -> Assumed:
        """What is assumed of the values, where some number contradicts it."""
        return ()

    def strays(self, numbers: Floats) -> tuple[int, str] | None:
        """The place (of the flat array) of a number that is assumed not to be, and what it is not.

        None where all keep what is assumed.
        """
        for fact, is_so in self.limits:
            stray = np.flatnonzero(~kept(numbers, fact, is_so=is_so))
            if stray.size:
                return int(stray[0]), fact if is_so else f"{fact}=False"
        return None

    @abstractmethod
    def why_no_difference(self) -> str | None:
        """Why nothing can be added to a value; None where something can."""

    @abstractmethod
    def example(self) -> Value | Coded:
        """Some value, for a message that says what to write."""

    @abstractmethod
    def attributes(self) -> dict[str, object]:
        """What a labelled result says of the values."""


@dataclass(frozen=True)
class Real(Domain):
    """Real numbers: they stand for themselves. Some are assumed to be positive, whole, ...

    >>> Real((("positive", True),)).code(-1, "start[x]")
    Traceback (most recent call last):
    ...
    causalopt.ground.errors.DeclarationError: start[x] is -1.0, and the symbol is assumed to be \
    positive: write another number, or declare it without that.
    """

    limits: Assumed = ()

    @property
    def unlimited(self) -> Domain:
        """All real numbers."""
        return REAL

    def code(self, value: object, where: str) -> float:
        """The number itself, if it is finite and what it is assumed to be."""
        # Adding 0 makes one zero of the two: they are equal, and so must what follows from them be.
        number = checks.finite(value, where) + 0.0
        stray = self.strays(np.array([number])) if self.limits else None
        if stray is not None:
            raise DeclarationError(_stray(where, number, stray[1]))
        return number

    def value(self, number: Coded) -> Coded:
        """The number itself."""
        return number

    def shown(self, number: Coded) -> str | float:
        """The number itself."""
        return str(number) if isinstance(number, Tensor | Tree) else number

    def values_of(self, numbers: Floats) -> Floats:
        """The numbers themselves."""
        return numbers

    def codes(self, values: object, where: str) -> Floats:
        """The numbers themselves, if all are finite and what they are assumed to be."""
        numbers = checks.finite_row(values, where)
        stray = self.strays(numbers)
        if stray is not None:
            raise QueryError(_stray(where, f"{numbers[stray[0]]} at place {stray[0]}", stray[1]))
        return numbers

    def why_no_difference(self) -> None:
        """Any difference can be added."""
        return

    def example(self) -> float:
        """A number."""
        return 1.0

    def attributes(self) -> dict[str, object]:
        """Numbers need no explanation."""
        return {}


@dataclass(frozen=True)
class Named(Domain):
    """A few named values; a run computes with their places in the list, from 0.

    >>> level = Named(("high", "low", "off"))
    >>> level.code("off", "T"), level.value(2.0)
    (2.0, 'off')
    """

    values: tuple[Value, ...]

    @property
    def size(self) -> int:
        """The number of values."""
        return len(self.values)

    @property
    def names(self) -> tuple[str, ...]:
        """What the values are called in text: in quotes, where some would read alike otherwise.

        >>> Named(("high", "low")).names, Named((1, "1")).names
        (('high', 'low'), ('1', "'1'"))
        """
        return _names_apart(self.values)

    @property
    def labels(self) -> list[Value]:
        """The values as the coordinate of a result: by name, where some are text and some numbers.

        An array holds values of one kind alone.

        >>> Named((1, 2)).labels, Named((1, "off")).labels
        ([1, 2], ['1', 'off'])
        """
        kinds = {type(value) for value in self.values}
        return list(self.values if len(kinds) == 1 else self.names)

    def place(self, value: object, where: str) -> int:
        """The place of a value in the list, from 0."""
        known = value if isinstance(value, str) else checks.as_whole(value)
        place = _places(self.values).get(known) if known is not None else None
        if place is None:
            raise DeclarationError(
                f"{where}: its values are {listed(self.names)}."
                + (nearest(value, self.values) if isinstance(value, str) else "")
            )
        return place

    def code(self, value: object, where: str) -> float:
        """The place of a value."""
        return float(self.place(value, f"{where} is {value!r}, which it cannot be"))

    def value(self, number: Coded) -> Value:
        """The value at a place."""
        return self.values[_as_place(number)]

    def shown(self, number: Coded) -> str:
        """What the value at a place is called."""
        return self.names[_as_place(number)]

    def values_of(self, numbers: Floats) -> list[Value]:
        """The values at some places, as the coordinate of a result."""
        labels = self.labels
        return [labels[int(number)] for number in numbers]

    def codes(self, values: object, where: str) -> Floats:
        """The places of several values."""
        if isinstance(values, str) or not isinstance(values, Iterable):
            raise QueryError(
                f"{where} is {values!r}: write a list of its values, {listed(self.names)}."
            )
        return np.array([self.code(value, where) for value in values], dtype=np.float64)

    def why_no_difference(self) -> str:
        """A name is no number."""
        return f"it takes named values ({listed(self.names)}), and nothing adds to a name"

    def example(self) -> Value:
        """The first value."""
        return self.values[0]

    def attributes(self) -> dict[str, object]:
        """The names of the values, as the CF conventions write them for netCDF."""
        places = np.arange(self.size, dtype=np.float64)
        return {"flag_values": places, "flag_meanings": " ".join(_words(self.names))}


def _as_place(number: Coded) -> int:
    """A number of a run as a place."""
    return int(cast(float, number))


def _stray(where: str, value: object, fact: str) -> str:
    return (
        f"{where} is {value}, and the symbol is assumed to be {fact}: write another number, or "
        "declare it without that."
    )


#: The domain of all that is not declared to have another.
REAL = Real()


def domain_of(label: object) -> Domain:
    """The domain of a variable, a node or a label: that of real numbers unless it says another."""
    domain = getattr(label, "domain", REAL)
    return domain if isinstance(domain, Domain) else REAL


def named(values: object, name: object) -> Named:
    """The domain of a list of values, checked: one or more, no two the same."""
    given = checks.as_list(values, f"What {name} takes", f'finite({name!r}, ["high", "low"])')
    checked = [_named_value(value, name) for value in given]
    if not checked:
        raise DeclarationError(f"finite({name!r}, []) has no values: give it one or more.")
    _refuse_twice(checked, name)
    return Named(tuple(checked))


def _named_value(value: object, name: object) -> Value:
    if isinstance(value, str):
        check_letters(value, f"a value of {name}")
    # NumPy's strings as Python's own, which print as themselves.
    known = str.__str__(value) if isinstance(value, str) else checks.as_whole(value)
    if known is None:
        raise DeclarationError(
            f"finite({name!r}, ...) has the value {value!r} ({type(value).__name__}): "
            "a value is a string or a whole number."
        )
    if isinstance(known, str) and any(letter in "\0" or _is_half(letter) for letter in known):
        raise DeclarationError(
            f"finite({name!a}, ...) has the value {known!a}, which no file can hold: it has half a "
            "letter, or a zero. Write whole letters."
        )
    return known


def _is_half(letter: str) -> bool:
    """Whether it is one of the two surrogates that stand for one letter."""
    return "\ud800" <= letter <= "\udfff"


def _refuse_twice(values: Sequence[Value], name: object) -> None:
    if len(set(values)) < len(values):
        twice = next(value for value in values if values.count(value) > 1)
        raise DeclarationError(
            f"finite({name!r}, ...) has the value {twice!r} twice: each value has its own name."
        )


@functools.lru_cache(maxsize=1024)
def _names_apart(values: tuple[Value, ...]) -> tuple[str, ...]:
    names = tuple(map(str, values))
    # A value of blanks, or with blanks around it, reads like another one, or like none.
    read = {name.strip() for name in names} - {""}
    return names if len(read) == len(names) else tuple(map(repr, values))


def _words(names: Iterable[str]) -> list[str]:
    """Names as words without blanks, no two the same.

    >>> _words(["a b", "c"]), _words(["a b", "a_b"])
    (['a_b', 'c'], ['a%20b', 'a_b'])
    """
    texts = list(names)
    words = [re.sub(r"\s", "_", text) for text in texts]
    if len(set(words)) == len(words):
        return words
    return [re.sub(r"[\s%]", lambda letter: quote(letter[0]), text) for text in texts]


@functools.lru_cache(maxsize=1024)
def _places(values: tuple[Value, ...]) -> Mapping[Value, int]:
    return {value: place for place, value in enumerate(values)}
