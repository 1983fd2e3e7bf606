"""What a hand writes into a step or a given: each part is what it must be, or is refused."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import sympy as sp

from causalopt.derive.statement.expressions import MOST_NODES, Formula, expression, nodes
from causalopt.ground.errors import DerivationError

#: Expressions of sympy that stand for no number, nor for an explicit matrix of numbers.
_NO_NUMBERS = (sp.MatrixExpr, sp.NDimArray, sp.Order, sp.AccumBounds, sp.Lambda, sp.Wild, sp.Idx,
               sp.IndexedBase, sp.Indexed)  # fmt: skip
_UNDEFINED = (sp.nan, sp.zoo)


def as_formula(value: object) -> Formula:
    """A scalar or an explicit matrix of scalars."""
    whole = expression(value)
    if isinstance(whole, sp.MatrixBase):
        for entry in whole:
            as_scalar(entry)
        return whole
    return as_scalar(whole)


def as_scalar(value: object) -> sp.Expr:
    """A formula that stands for one number.

    >>> as_scalar(sp.Symbol("x") > 0)
    Traceback (most recent call last):
    ...
    causalopt.ground.errors.DerivationError: x > 0 (StrictGreaterThan) stands for no number: ...
    """
    whole = expression(value)
    is_number = isinstance(whole, sp.Expr) and not isinstance(whole, _NO_NUMBERS)
    if not is_number or isinstance(whole, sp.MatrixBase):
        raise DerivationError(
            f"{_short(whole)} ({type(whole).__name__}) stands for no number: write an expression "
            "of the symbols and functions that are given."
        )
    inside = [node for node, _ in itertools.islice(nodes(whole), MOST_NODES)]
    sums = (node for node in inside if isinstance(node, sp.Add | sp.Mul | sp.Pow))
    for odd in (arg for node in sums for arg in node.args if not isinstance(arg, sp.Expr)):
        raise DerivationError(f"{_short(odd)} is no number, and cannot be calculated with.")
    if any(node in _UNDEFINED for node in inside):
        raise DerivationError(f"{_short(whole)} is undefined: write what has a value.")
    return whole


def as_symbol(value: object) -> sp.Symbol:
    """The symbol that something is done by: that a limit is taken in, say."""
    if not isinstance(value, sp.Symbol) or isinstance(value, sp.Wild):
        raise DerivationError(f"{_short(value)} is no symbol: write one, such as x = Symbol('x').")
    return value


def as_words(value: object, what: str) -> str:
    """A text for the reader."""
    if not isinstance(value, str):
        raise DerivationError(f"{what}={_short(value)}: write text.")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise DerivationError(f"{what}={value!r} holds what is no character.") from None
    return value


def as_listed(value: object, what: str) -> tuple[object, ...]:
    """Several entries; one alone may stand for a list of itself."""
    if isinstance(value, list | tuple):
        return tuple(value)
    if value is None or isinstance(value, Mapping | set | frozenset):
        raise DerivationError(f"{what}={_short(value)}: write a list, such as {what}=[...].")
    return (value,)


def as_pairs(value: object, what: str) -> list[tuple[object, object]]:
    """The pairs of a mapping."""
    if not isinstance(value, Mapping | sp.Dict):
        raise DerivationError(f"{what} takes a mapping, such as {{x: 0}}, and not {_short(value)}.")
    return list(value.items())


def _short(value: object) -> str:
    try:
        text = repr(value)
    except Exception:  # sympy cannot print all that it can hold
        text = f"a {type(value).__name__}"
    return text if len(text) <= 80 else f"{text[:77]}..."
