"""The ways in which a variable comes to a point: from two sides of a line, or across a plane."""

from __future__ import annotations

import sympy as sp

SIDES = (sp.S.One, sp.S.NegativeOne)
UPRIGHT = (sp.I, -sp.I)
#: Exact, and of size 1; the second four lie on no axis and halve none of the angles between them.
PLANE = (*SIDES, *UPRIGHT, *((a + b * sp.I) / 5 for a, b in ((3, 4), (-4, 3), (-3, -4), (4, -3))))


def is_on_line(variable: sp.Symbol) -> bool:
    """Whether a variable moves along the real line, by what is assumed of it."""
    return bool(variable.is_extended_real)


def directions_of(variable: sp.Symbol) -> tuple[sp.Expr, ...]:
    """Numbers d of size 1, such that ``about`` + d h comes to ``about`` as h > 0 goes to zero.

    >>> directions_of(sp.Symbol("x", real=True)), len(directions_of(sp.Symbol("z")))
    ((1, -1), 8)
    """
    if is_on_line(variable):
        return SIDES
    return UPRIGHT if variable.is_imaginary else PLANE


def small(variable: sp.Symbol) -> sp.Dummy:
    """A small h for an expansion that holds in all directions that the variable may take.

    On the line it is positive, for one side at a time; in the plane it is any complex number.
    """
    return sp.Dummy("h", positive=True) if is_on_line(variable) else sp.Dummy("h")
