"""Formulas at many points: the one place where a formula is evaluated outside a run."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from sympy import Expr, Symbol

from causalopt.backends.functions import compiled
from causalopt.ground.errors import QueryError
from causalopt.ground.types import Floats, Number
from causalopt.mechanisms.truth import decided
from causalopt.plan import single_form


def evaluate(formulas: Sequence[Expr], columns: Mapping[Symbol, Floats | float]) -> list[Floats]:
    """Each formula at every point, as floats in the shape to which the columns broadcast.

    ``columns`` gives the values of each symbol. Where a formula is undefined or complex, or chooses
    by a condition that is, it gives NaN, where it overflows an infinity; that is for the caller to
    refuse. Names never become code.
    Raises ``QueryError`` for a symbol without values.

    >>> from sympy import symbols
    >>> x, y = symbols("x y")
    >>> [found.tolist() for found in evaluate([x + y, x**2], {x: np.array([1.0, 2.0]), y: 3.0})]
    [[4.0, 5.0], [1.0, 4.0]]
    """
    function = _function(tuple(formulas), tuple(columns))
    points = [np.asarray(column, dtype=np.float64) for column in columns.values()]
    shape = np.broadcast_shapes(*(column.shape for column in points))
    # Every branch of a Piecewise is evaluated, also where it is not taken.
    with np.errstate(all="ignore"):
        values = function(*points)
    return [np.broadcast_to(_real(value), shape) for value in values]


# A formula is asked about at other points again and again, and sharing its parts takes longer.
@functools.lru_cache(maxsize=1024)
def _function(
    formulas: tuple[Expr, ...], symbols: tuple[Symbol, ...]
) -> Callable[..., list[Number]]:
    """The formulas as one function of the values of the symbols."""
    names = {symbol: Symbol(f"x{place}", real=True) for place, symbol in enumerate(symbols)}
    unknown = set().union(*(formula.free_symbols for formula in formulas)) - set(names)
    if unknown:
        raise QueryError(f"{min(map(str, unknown))} has no values: give it some.")
    renamed = [decided(formula.xreplace(names)) for formula in formulas]
    return compiled(single_form(list(names.values()), {}, renamed))


def _real(value: object) -> Floats:
    array = np.asarray(value)
    if np.iscomplexobj(array):
        array = np.where(array.imag == 0, array.real, np.nan)
    return array.astype(np.float64)
