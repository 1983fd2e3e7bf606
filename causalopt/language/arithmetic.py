"""What can be done with what is declared: arithmetic with symbols, and none with names of nodes."""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn

import numpy as np
from sympy import Symbol

from causalopt.ground.checks import shown
from causalopt.ground.errors import DeclarationError


class OutsideFormulas:
    """A name of nodes: it is held, nudged and asked about, and is no part of a mechanism."""

    #: What it is, and what to write instead.
    why_outside: ClassVar[str] = (
        "a name of nodes: a mechanism is written with variables, u for the value one step before "
        "and u.next for that in the same step"
    )

    def _refuse(self, other: object = None) -> NoReturn:
        beside = "" if other is None else f" with {shown(other)}"
        raise DeclarationError(f"{self!r} stands in a formula{beside}, and is {self.why_outside}.")

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __neg__ = __abs__ = _refuse
    __truediv__ = __rtruediv__ = __pow__ = __rpow__ = __mod__ = __rmod__ = __pos__ = _refuse
    __floordiv__ = __rfloordiv__ = __matmul__ = __rmatmul__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = _refuse
    # sympy's functions ask this of what is no formula of its own.
    _sympy_ = _refuse

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *given: object, **how: object
    ) -> object:
        """NumPy compares an array with it, element by element; all else is arithmetic."""
        try:
            return getattr(ufunc, method)(*map(_as_object, given), **how)
        except TypeError:
            self._refuse()


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


class NoStepsError(DeclarationError, AttributeError):
    """What has no values at steps is asked for one; ``hasattr`` takes it as a no."""


# What a variable has beside other symbols.
_OF_VARIABLES = ("next", "lag", "at", "between")


class Labelled(InNumPy, Symbol):
    """A symbol of this package: sympy sorts it by its name, whatever its kind.

    Variables alone have values at steps; what is asked for those of another is told so.
    """

    __slots__ = ()
    _iterable = False  # sympy asks this of what can be indexed

    def __eq__(self, other: object) -> bool:
        # sympy would make a formula of a name of nodes, to compare the two
        return not isinstance(other, OutsideFormulas) and super().__eq__(other)

    __hash__ = Symbol.__hash__

    def __matmul__(self, other: object) -> NoReturn:
        raise DeclarationError(
            f"{self} @ {shown(other)}: a formula goes entry by entry, and has no products of "
            "matrices: write function(lambda a, b: a @ b)(...)."
        )

    __rmatmul__ = __matmul__

    def __contains__(self, value: object) -> bool:
        """Whether it is a value of this variable at some step or steps: R[3] is in R."""
        return getattr(value, "variable", None) == self

    def __getitem__(self, step: Any) -> Any:
        raise self._without_steps(f"[{shown(step)}]")

    def __getattr__(self, name: str) -> Any:
        if name in _OF_VARIABLES:
            raise self._without_steps(f".{name}")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def _without_steps(self, what: str) -> NoStepsError:
        # of R.next, R.lag(5): a variable at one step already
        owner = getattr(self, "variable", None)
        instead = "" if owner is None else f": write {owner}{what}"
        return NoStepsError(
            f"{self}{what} is asked of {self} ({type(self).__name__}), and variables alone have "
            f"values at steps, R[0] in questions and R.next in formulas{instead}."
        )

    @classmethod
    def class_key(cls) -> tuple[int, int, str]:
        """The class under which sympy sorts this symbol."""
        key: tuple[int, int, str] = Symbol.class_key()
        return key


def _as_object(given: object) -> object:
    """What is declared as an array without axes, so that NumPy asks it for its arithmetic."""
    if not isinstance(given, Symbol | OutsideFormulas):
        return given
    array = np.empty((), dtype=object)
    array[()] = given
    return array
