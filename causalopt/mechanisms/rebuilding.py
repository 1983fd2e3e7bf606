"""Formulas put together anew, where sympy turns a condition to and fro for ever.

sympy brings conditions to a canonical form, which some have none of: of 2*b - c >= -d - Abs(c) it
makes d + Abs(c) >= c - 2*b, and of that the first again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import sympy

T = TypeVar("T")


def rebuilt(build: Callable[[], T]) -> T:
    """What is built, left as it is written where sympy comes to no end of tidying it.

    >>> b, c, d = sympy.symbols("b c d", real=True)
    >>> rebuilt(lambda: sympy.Piecewise((1, 2*b - c >= -b - d - sympy.Abs(c)), (0, True)))
    Piecewise((1, 2*b - c >= (-b - d) - Abs(c)), (0, True))
    """
    try:
        return build()
    except RecursionError:
        with sympy.evaluate(False):
            return build()
