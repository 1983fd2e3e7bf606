"""Vectors of symbols: a tuple of them on the left of a mapping, and as many things on the right."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import TypeVar

import numpy as np
from sympy import MatrixBase, MatrixExpr, MatrixSymbol, NDimArray

from causalopt.ground.checks import is_single, shown
from causalopt.ground.errors import DeclarationError
from causalopt.ground.types import Array
from causalopt.language.words import listed

K = TypeVar("K")


def spread(
    entries: Mapping[K, object], where: str, single: Collection[object] = ()
) -> dict[Hashable, object]:
    """The entries of a mapping, those of a tuple of symbols one by one, in their order.

    ``where`` says in messages what the mapping is. Keys in ``single`` are left as they are, tuples
    among them: labels of a network may be.

    Raises ``DeclarationError`` for as many things as there are not symbols, and for a key that
    comes twice.

    >>> spread({("a", "b"): [1, 2], "c": 3, ("d", "e"): 0}, "start")
    {'a': 1, 'b': 2, 'c': 3, 'd': 0, 'e': 0}
    """
    pairs: dict[Hashable, object] = {}
    for key, value in entries.items():
        is_vector = isinstance(key, tuple) and key not in single
        for name, entry in _paired(key, value, where) if is_vector else ((key, value),):  # type: ignore[arg-type]  # a tuple, as was asked
            if name in pairs:
                raise DeclarationError(
                    f"{where} names {name} twice: give each symbol one entry, alone or in a tuple."
                )
            pairs[name] = entry
    return pairs


def _paired(
    names: tuple[Hashable, ...], value: object, where: str
) -> list[tuple[Hashable, object]]:
    """Each of several symbols with its entry."""
    if not names:
        raise DeclarationError(
            f"{where} has an empty tuple on the left: write symbols there, such as "
            'variables("x", count=3).'
        )
    if is_single(value):
        return [(name, value) for name in names]
    entries = _entries(value, names, where)
    if len(entries) != len(names):
        raise DeclarationError(
            f"{where} gives {_counted(len(entries), 'value')} for the "
            f"{_counted(len(names), 'symbol')} {listed(names)}: write one for each, in their order."
        )
    return list(zip(names, entries, strict=True))


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" + ("" if count == 1 else "s")


def _entries(value: object, names: Sequence[Hashable], where: str) -> list[object]:
    """What a list, an array or a matrix of one row or column holds, in its order."""
    if isinstance(value, MatrixExpr):
        value = _explicit(value, names, where)
    if isinstance(value, MatrixBase | NDimArray):
        return _in_line(np.array(value.tolist(), dtype=object), names, where)
    if isinstance(value, np.ma.MaskedArray) and np.ma.getmaskarray(value).any():
        raise _refused("an array with masked values", names, where)
    if hasattr(value, "__array__"):
        return _in_line(np.asarray(value), names, where)
    if isinstance(value, list | tuple | range):
        return list(value)
    raise _refused(f"{shown(value)} ({type(value).__name__})", names, where)


def _in_line(array: Array, names: Sequence[Hashable], where: str) -> list[object]:
    """The entries of an array of one axis, or of two of which one has the length 1."""
    if array.ndim not in (1, 2) or (array.ndim == 2 and 1 not in array.shape):
        raise _refused(f"an array of shape {array.shape}", names, where)
    return list(array.reshape(-1))


def _explicit(matrix: MatrixExpr, names: Sequence[Hashable], where: str) -> MatrixBase:
    """A product or sum of matrices worked out, where each of them says what it holds."""
    if matrix.has(MatrixSymbol):
        unknown = listed(sorted(map(str, matrix.atoms(MatrixSymbol))))
        raise DeclarationError(
            f"{where} gives {matrix} for {listed(names)}, and {unknown} says nothing of what it "
            "holds: write a Matrix of formulas, such as Matrix([[0, 1], [-1, 0]]) * Matrix(x)."
        )
    # Asked first, for to work out what is far too large takes without end.
    if matrix.shape not in ((len(names), 1), (1, len(names))):
        raise _refused(f"a matrix of shape {matrix.shape}", names, where)
    try:
        return matrix.doit().as_explicit()
    except (ValueError, TypeError, AttributeError, NotImplementedError):
        raise _refused(f"{matrix}, which cannot be worked out", names, where) from None


def _refused(what: str, names: Sequence[Hashable], where: str) -> DeclarationError:
    many = _counted(len(names), "symbol")
    return DeclarationError(
        f"{where} gives {what} for the {many} {listed(names)}: write a list, an array or a "
        "Matrix of one row or column, with one entry for each; or one number for all of them."
    )
