"""Formulas in a shorter form, by steps that are exact and may take so much work and no more."""

from __future__ import annotations

from collections.abc import Callable

import sympy
from sympy import Expr

from causalopt.ground.work import Exhausted, at_most, measured

# Millions of calls that one way to a shorter form may take.
_WORK = 0.6
# Longer formulas are left as they are.
_LONGEST = 400

_WAYS: tuple[Callable[[Expr], Expr], ...] = (sympy.cancel, sympy.factor)


def tidied(formula: Expr) -> Expr:
    """The shortest form that ``cancel`` and ``factor`` find, or the formula itself.

    >>> k = sympy.Symbol("k", real=True)
    >>> tidied((k - k**2) / k - k * (1 - k))
    (k - 1)**2
    """
    if formula.is_Atom or sympy.count_ops(formula) > _LONGEST:
        return formula
    forms = [formula, *(form for way in _WAYS if (form := within(way, formula)) is not None)]
    return min(forms, key=sympy.count_ops)


def within(way: Callable[[Expr], Expr], formula: Expr) -> Expr | None:
    """What a way comes to, or None where it takes too much work or is none for the formula."""
    try:
        with measured(_WORK), at_most(1):
            return way(formula)
    except (Exhausted, sympy.PolynomialError, NotImplementedError):
        return None
