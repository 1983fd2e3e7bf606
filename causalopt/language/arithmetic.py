"""Arithmetic with what is declared: NumPy's with a symbol, and none with what names nodes."""

from __future__ import annotations

import numpy as np
from sympy import Symbol

from causalopt.ground.checks import shown
from causalopt.ground.errors import DeclarationError


class OutsideFormulas:
    """A name of nodes: it is held, nudged and asked about, and is no part of a mechanism."""

    def _refuse(self, other: object = None) -> DeclarationError:
        beside = "" if other is None else f" with {shown(other)}"
        raise DeclarationError(
            f"{self!r} stands in a formula{beside}, and is a name of nodes: a mechanism is written "
            "with variables, u for the value one step before and u.next for that in the same step."
        )

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __neg__ = __abs__ = _refuse
    __truediv__ = __rtruediv__ = __pow__ = __rpow__ = __mod__ = __rmod__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = _refuse


class InNumPy:
    """A symbol that NumPy meets: arithmetic is sympy's, other functions are refused in words."""

    __slots__ = ()

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *given: object, **how: object
    ) -> object:
        try:
            return getattr(ufunc, method)(*map(_as_object, given), **how)
        except TypeError:
            raise DeclarationError(
                f"numpy.{ufunc.__name__} takes numbers, and {self} is a symbol: write sympy's "
                "function, such as sympy.sin, sympy.Max or sympy.Abs."
            ) from None


def _as_object(given: object) -> object:
    """A symbol as an array without axes, so that NumPy asks it for its arithmetic."""
    if not isinstance(given, Symbol):
        return given
    array = np.empty((), dtype=object)
    array[()] = given
    return array
