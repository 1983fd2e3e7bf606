"""Named symbols with a unit: what variables, parameters and noises have in common."""

from __future__ import annotations

import functools
from typing import ClassVar, Self

from sympy import Symbol
from sympy.core.facts import InconsistentAssumptions

from causalopt.ground.errors import DeclarationError
from causalopt.language.arithmetic import Labelled
from causalopt.language.assumptions import checked, limits
from causalopt.language.domains import REAL, Domain, Real
from causalopt.language.laws import Law
from causalopt.language.naming import check_name, check_unit
from causalopt.language.shaped import Shaped
from causalopt.language.words import listed


class Quantity(Labelled):
    """A named real symbol with a unit: what variables and parameters have in common.

    Two quantities are the same where kind, name, unit and assumptions are.
    """

    __slots__ = ("unit",)
    unit: str
    #: The function that makes such ones, where it is not called as the class is.
    made_by: ClassVar[str] = ""

    def __new__(cls, name: str, unit: str = "", **assumptions: bool) -> Self:
        check_name(name, cls.made_by or cls.__name__.lower())
        check_unit(unit, name)
        assumed = checked(assumptions, name) or {"real": True}
        try:
            quantity: Self = Symbol.__xnew__(cls, name, **assumed)
        except InconsistentAssumptions:
            raise DeclarationError(
                f"{name} is assumed to be {listed(assumed)}, which no number is: leave one out."
            ) from None
        quantity.unit = unit
        return quantity

    @property
    def domain(self) -> Domain:
        """What its values are: real numbers, unless it is declared otherwise."""
        return _domain_where(tuple(self._assumptions_orig.items()))

    def _hashable_content(self) -> tuple[object, ...]:
        return (*super()._hashable_content(), self.unit)

    def __getnewargs_ex__(self) -> tuple[tuple[object, ...], dict[str, bool]]:
        return (self.name, self.unit), self._assumptions_orig


@functools.lru_cache(maxsize=256)
def _domain_where(assumptions: tuple[tuple[str, bool], ...]) -> Domain:
    assumed = limits(dict(assumptions))
    return Real(assumed) if assumed else REAL


class Parameter(Quantity):
    """A constant of the system, with one value for the whole run; it can be swept."""

    __slots__ = ()


class Noise(Quantity):
    """An exogenous input with a law of chance, drawn afresh at every step, or given step by step.

    Of an array, each entry is drawn by itself.
    """

    __slots__ = ("law", "shape")
    law: Law
    shape: tuple[int, ...]

    def __new__(cls, name: str, law: Law, unit: str = "", shape: tuple[int, ...] = ()) -> Self:
        noise = super().__new__(cls, name, unit)
        noise.law, noise.shape = law, shape
        return noise

    @property
    def domain(self) -> Domain:
        """What its values are."""
        return Shaped(self.shape) if self.shape else REAL

    def _hashable_content(self) -> tuple[object, ...]:
        # sympy sorts symbols of one name by this, and laws have no order.
        return (*super()._hashable_content(), repr(self.law), self.shape)

    def __getnewargs_ex__(self) -> tuple[tuple[object, ...], dict[str, bool]]:
        return (self.name, self.law, self.unit, self.shape), {}
