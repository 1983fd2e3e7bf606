"""Checks of single values: numbers, weights, options, paths. The same everywhere.

NumPy's integers, its floats and its arrays without axes count as numbers; truth values do not.
"""

from __future__ import annotations

import contextlib
import math
import operator
import os
from collections.abc import Container, Hashable, Iterable, Mapping, MappingView, Set
from pathlib import Path
from typing import Protocol, SupportsFloat, TypeGuard, TypeVar, runtime_checkable

import numpy as np

from causalopt.ground.errors import DeclarationError, FileError, QueryError
from causalopt.ground.types import Floats

Kind = TypeVar("Kind")

#: Numbers that stand for chances sum to 1 within this much. Nothing is ever renormalised.
TOLERANCE = 1e-9

# So many of a thing, and one more, have a number that fits in 64 bits.
_MOST = 2**62
# No value takes more letters than this in a message.
_LONGEST = 240


def as_whole(given: object) -> int | None:
    """A whole number as an int; None for whatever else, truth values among it.

    >>> as_whole(np.int64(3)), as_whole(np.array(3)), as_whole(3.0), as_whole(True)
    (3, 3, None, None)
    """
    if isinstance(given, bool | np.bool_) or getattr(given, "dtype", None) == np.bool_:
        return None
    with contextlib.suppress(TypeError):
        return operator.index(given)  # type: ignore[arg-type]  # that is what is asked here
    return None


def whole(given: object, name: str, least: int, most: float = _MOST) -> int:
    """A whole number from ``least`` on, or a ``QueryError`` that says what to write.

    >>> whole(np.int64(3), "steps", 1)
    3
    >>> whole(2.5, "steps", 1)
    Traceback (most recent call last):
    ...
    causalopt.ground.errors.QueryError: steps is 2.5: write a whole number of 1 or more.
    """
    number = as_whole(given)
    if number is None or number < least:
        raise QueryError(f"{name} is {given!r}: write a whole number of {least} or more.")
    if number > most:
        told = "too large to be counted" if most == _MOST else f"{number:,}, and at most {most:,}"
        raise QueryError(f"{name} is {told}: write a smaller whole number.")
    return number


def finite(given: object, where: str) -> float:
    """A finite float, or a ``DeclarationError`` that says what was given instead.

    >>> finite(np.array(3), "start[R]")
    3.0
    """
    value = as_float(given)
    if value is None:
        raise DeclarationError(
            f"{where} is {shown(given)} ({type(given).__name__}): write a finite real number."
        )
    if not math.isfinite(value):
        raise DeclarationError(f"{where} is {value}: write a finite real number.")
    return value


def is_single(given: object) -> bool:
    """Whether it is one value, a number or a text, and not several of them."""
    return isinstance(given, str) or as_float(given) is not None


def finite_row(given: object, where: str) -> Floats:
    """One or more finite numbers (k,), or a ``QueryError``: nothing is dropped to make them so.

    >>> finite_row([1, np.int8(2)], "over[k]")
    array([1., 2.])
    """
    hint = "write a list of one or more finite numbers, such as np.linspace(5, 45, 401)"
    # Texts are no numbers, an imaginary part would be dropped, and a mask with it.
    refuse_masked(given, where, QueryError)
    if isinstance(given, Set | Mapping) or given is None:
        raise QueryError(f"{where} is {shown(given)} ({type(given).__name__}): {hint}.")
    try:
        array = np.asarray(given)
    except ValueError:
        raise QueryError(f"{where} has rows of many lengths: {hint}.") from None
    except TypeError:
        raise QueryError(f"{where} is a {type(given).__name__}: {hint}.") from None
    if array.ndim != 1 or not array.size:
        if as_float(given) is not None:
            raise QueryError(
                f"{where} is one number, {given!r}, and takes a list of them: write [{given!r}], "
                "or more, such as np.linspace(5, 45, 401)."
            )
        raise QueryError(f"{where} has shape {array.shape}: {hint}.")
    if array.dtype.kind not in "iuf":
        for entry in array.tolist():
            if as_float(entry) is None:
                raise QueryError(
                    f"{where} holds {shown(entry)} ({type(entry).__name__}), which is no number: "
                    f"{hint}."
                )
    numbers = array.astype(np.float64)
    if not np.isfinite(numbers).all():
        count = int((~np.isfinite(numbers)).sum())
        raise QueryError(f"{where} has {count} values that are not finite: {hint}.")
    return numbers


def refuse_masked(
    given: object, where: str, error: type[DeclarationError | QueryError] = DeclarationError
) -> None:
    """Raise an error for an array with masked entries, whose numbers would lose their mask.

    >>> refuse_masked(np.ma.array([1, 2], mask=[True, False]), "start")
    Traceback (most recent call last):
    ...
    causalopt.ground.errors.DeclarationError: start has masked entries: fill them, or leave them
    out.
    """
    if np.ma.is_masked(given):
        raise error(f"{where} has masked entries: fill them, or leave them out.")


def shown(given: object) -> str:
    """A value for a message, shortened where it is long.

    >>> shown(10**400), shown([1, 2])
    ('a number of 401 digits', '[1, 2]')
    """
    if isinstance(given, int) and abs(given) >= 10**100:
        return f"a number of {math.floor(math.log10(abs(given))) + 1} digits"
    try:
        text = repr(given)
    except (ValueError, RecursionError):
        # Python writes no number of more than 4,300 digits, and nothing that is nested too deep.
        return "something too long to write"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 20]}...{text[-17:]}"


def as_float(given: object) -> float | None:
    """A real number as a float, infinite or NaN too; None for whatever is none.

    >>> as_float(np.float32(0.5)), as_float("2"), as_float(1j), as_float([1.0])
    (0.5, None, None, None)
    """
    if isinstance(given, str | bytes | bool | complex | np.complexfloating | np.bool_):
        return None
    if isinstance(given, np.ndarray) and (given.ndim or given.dtype.kind not in "iuf"):
        return None
    if isinstance(given, np.ma.MaskedArray) and np.ma.is_masked(given):
        return None
    if not isinstance(given, SupportsFloat) and as_whole(given) is None:
        return None
    try:
        return float(given)  # type: ignore[arg-type]  # the except clause is for the rest
    except (TypeError, ValueError, OverflowError, RecursionError):
        # Of a product of matrices that is not worked out, sympy asks without end what it is.
        return None


def as_floats(given: object) -> Floats | None:
    """Real numbers in an array of any shape; None where one is none, and for rows of many lengths.

    Texts are no numbers here, though NumPy reads them, and nothing loses an imaginary part.

    >>> as_floats([[1, 0.5]]), as_floats(["1"]), as_floats([1j]), as_floats([[1], [1, 2]])
    (array([[1. , 0.5]]), None, None, None)
    """
    try:
        array = np.asarray(given)
        is_foreign = array.dtype.kind not in "biuf"
        if is_foreign and any(as_float(entry) is None for entry in array.reshape(-1).tolist()):
            return None
        return array.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        return None


def is_option(given: object, known: Container[str]) -> TypeGuard[str]:
    """Whether it is one of the words that an option takes; what is no text is none.

    >>> is_option("last", ("all", "last")), is_option(np.array([1, 2]), ("all", "last"))
    (True, False)
    """
    return isinstance(given, str) and given in known


def switch(given: object, name: str) -> bool:
    """A truth value, or a ``QueryError``: text and numbers would be taken for one by their size.

    >>> switch("no", "edges")
    Traceback (most recent call last):
    ...
    causalopt.ground.errors.QueryError: edges is 'no': write True or False.
    """
    if not isinstance(given, bool | np.bool_):
        raise QueryError(f"{name} is {shown(given)}: write True or False.")
    return bool(given)


def of_kind(given: object, kind: type[Kind], name: str, instead: str) -> Kind:
    """A value of that kind, or a ``QueryError`` that says what was given instead.

    >>> of_kind(3, list, "H", "a list")
    Traceback (most recent call last):
    ...
    causalopt.ground.errors.QueryError: H is 3 (int): write a list.
    """
    if isinstance(given, kind):
        return given
    raise QueryError(f"{name} is {shown(given)} ({type(given).__name__}): write {instead}.")


def as_path(given: object, name: str, example: str) -> Path:
    """A path, or a ``FileError`` that says what was given instead.

    >>> as_path(None, "store", "home.zarr")
    Traceback (most recent call last):
    ...
    causalopt.ground.errors.FileError: store is None (NoneType): write a path, such as 'home.zarr'.
    """
    if isinstance(given, str | os.PathLike) and given != "":
        # Of a path in bytes Path makes none.
        with contextlib.suppress(TypeError):
            return Path(given)
    raise FileError(
        f"{name} is {shown(given)} ({type(given).__name__}): write a path, such as {example!r}."
    )


def as_list(given: object, name: str, example: str) -> list[object]:
    """What a list or array holds, or a ``DeclarationError`` that says what to write.

    A set has no order, and so would be another list in another session.

    >>> as_list(range(2), "weights", "[0.5, 0.5]"), as_list(("a",), "names", "['a']")
    ([0, 1], ['a'])
    >>> as_list({"a"}, "names", "['a']")
    Traceback (most recent call last):
    ...
    causalopt.ground.errors.DeclarationError: names is {'a'}, and a set has no order: write a list,
    such as ['a'].
    >>> as_list(np.array(1), "weights", "[0.5, 0.5]")
    Traceback (most recent call last):
    ...
    causalopt.ground.errors.DeclarationError: weights is array(1) (ndarray): write a list, such as
    [0.5, 0.5].
    """
    if isinstance(given, Set) and not isinstance(given, MappingView):
        raise DeclarationError(
            f"{name} is {shown(given)}, and a set has no order: write a list, such as {example}."
        )
    # A variable can be indexed without end, and so is not walked over.
    with contextlib.suppress(TypeError):
        if isinstance(given, Iterable) and not isinstance(given, str | bytes):
            return list(given)
    raise DeclarationError(
        f"{name} is {shown(given)} ({type(given).__name__}): write a list, such as {example}."
    )


@runtime_checkable
class HasKeys(Protocol):
    """What dict() takes for a mapping, such as a Series of pandas, whose index is its keys."""

    def keys(self) -> Iterable[Hashable]:
        """The keys."""

    def __getitem__(self, key: Hashable, /) -> object:
        """The value of a key."""


def as_mapping(given: object, name: str, example: str) -> Mapping[Hashable, object]:
    """A mapping as it is, or what has keys as one; a ``DeclarationError`` says what to write.

    >>> as_mapping(np.ones(2), "start", "{x: 1}")
    Traceback (most recent call last):
    ...
    causalopt.ground.errors.DeclarationError: start is array([1., 1.]) (ndarray): write a dict, such
    as {x: 1}.
    """
    if isinstance(given, Mapping):
        return given
    if not isinstance(given, HasKeys):
        raise DeclarationError(
            f"{name} is {shown(given)} ({type(given).__name__}): write a dict, such as {example}."
        )
    # By its keys, for a Series goes over its values.
    return {key: given[key] for key in given.keys()}  # noqa: SIM118


def are_chances(numbers: Iterable[float]) -> bool:
    """Whether numbers are chances of what excludes one another: from 0, with the sum 1.

    >>> are_chances([0.25, 0.75]), are_chances([0.5, 0.6]), are_chances([1.5, -0.5])
    (True, False, False)
    """
    chances = list(numbers)
    return min(chances, default=0.0) >= 0 and abs(math.fsum(chances) - 1) <= TOLERANCE


def beside_one(total: float) -> str:
    """How far a sum of chances is from 1, in words.

    >>> beside_one(0.9999999), beside_one(1.1)
    ('1e-07 too little', '0.1 too much')
    """
    return f"{abs(total - 1):.3g} too {'much' if total > 1 else 'little'}"
