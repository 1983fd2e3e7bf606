"""Formulas and conditions in text, made one operation at a time from a list of what may be said.

Python's parser says how a text is put together; nothing of it is ever compiled or evaluated.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import TypeVar

import sympy
from sympy import Basic, Expr, Symbol
from sympy.logic.boolalg import Boolean

from causalopt.exchange.text.parts import is_condition, put_together
from causalopt.exchange.text.tokens import FormulaError, tokens_of
from causalopt.ground.checks import as_mapping, shown
from causalopt.ground.errors import DeclarationError, TooLargeError
from causalopt.ground.work import bounded

T = TypeVar("T")

# Millions of calls that a formula may take of sympy: half a second, and a little for each letter.
_WORK, _WORK_OF_A_LETTER = 0.4, 0.0003


def formula_of(text: str, symbols: Mapping[str, Symbol]) -> Expr:
    """The formula that a text is, of symbols by their names.

    ``+ - * / **`` and brackets are as in Python, and what is in brackets is put together first.
    ``R.next`` is a variable in the same step, ``R.lag(5)`` 5 units of time before, ``time`` the
    clock. Cases are ``x if x > 0 and k < 1 else y``, functions those of ``FUNCTIONS``. A name in
    quotes, 'heat flow', may hold any letters. ``as_written(2*(x + y))`` keeps an operation as it
    is, where sympy would tidy it.

    Raises ``FormulaError``, which says the column, for anything else, and for what is too large:
    numbers beyond floats, and exponents whose product is above 1,000.

    >>> from causalopt.language.symbols import variables
    >>> x, y = variables("x y")
    >>> formula_of("2*x/3 - y.next**2 if x >= 0 else sin(pi*y)", {"x": x, "y": y})
    Piecewise((2*x/3 - y.next**2, x >= 0), (sin(pi*y), True))
    >>> formula_of("__import__('os')", {"x": x})
    Traceback (most recent call last):
    ...
    causalopt.exchange.text.tokens.FormulaError: Column 1 of the formula: there is no function
    '__import__' in formulas.
    """
    as_mapping(symbols, "symbols", '{"x": x}')
    return _within_limits(text, lambda: formula_in(text, symbols))


def formula_in(text: str, symbols: Mapping[str, Symbol]) -> Expr:
    """The same within limits on work that are set around it, of a whole file."""
    part = _read(text, symbols)
    if not isinstance(part, Expr):
        raise FormulaError("this is a condition, and no number: write 1 if ... else 0.", 0)
    if part.has(sympy.I, sympy.zoo, sympy.nan, sympy.oo, -sympy.oo):
        raise FormulaError(f"this comes to {shown(part)}, which is no real number everywhere.", 0)
    return part


def condition_of(text: str, symbols: Mapping[str, Symbol]) -> Boolean:
    """The condition that a text is: comparisons, joined by ``and``, ``or`` and ``not``.

    Raises ``FormulaError`` as ``formula_of`` does.

    >>> from causalopt.language.symbols import variables
    >>> h, v = variables("h v")
    >>> condition_of("h < 0 and not v == 2", {"h": h, "v": v})
    (h < 0) & Ne(v, 2)
    """
    as_mapping(symbols, "symbols", '{"x": x}')
    return _within_limits(text, lambda: condition_in(text, symbols))


def condition_in(text: str, symbols: Mapping[str, Symbol]) -> Boolean:
    """The same within limits on work that are set around it, of a whole file."""
    part = _read(text, symbols)
    if not is_condition(part):
        raise FormulaError("this is a number, and no condition: write one such as h < 0.", 0)
    return part


def _read(text: str, symbols: Mapping[str, Symbol]) -> Basic:
    tokens = tokens_of(text)
    try:
        tree = ast.parse(tokens.plain, mode="eval").body
    except SyntaxError as error:
        at = min(max((error.offset or 1) - 2, 0), max(len(text) - 1, 0))
        told = "this is no formula: cases are written x if x > 0 else y, and not stands alone."
        raise FormulaError(told, at) from None
    except (RecursionError, MemoryError):
        raise FormulaError("this is nested too deep to be read.", 0) from None
    try:
        return put_together(tree, tokens, symbols)
    except RecursionError:
        raise FormulaError("this is nested too deep to be put together.", 0) from None


def work_of(letters: int) -> float:
    """Millions of calls that a text of so many letters may take of sympy.

    Half a second's, and a little for each letter.
    """
    return _WORK + _WORK_OF_A_LETTER * letters


def _within_limits(text: str, read: Callable[[], T]) -> T:
    if not isinstance(text, str):
        raise DeclarationError(
            f"A formula in text is {shown(text)} ({type(text).__name__}): write text, such as "
            "'R - k*T'."
        )
    try:
        with bounded("The formula", "write it in simpler parts", work_of(len(text))):
            return read()
    except TooLargeError as error:
        raise FormulaError(str(error), 0) from None
