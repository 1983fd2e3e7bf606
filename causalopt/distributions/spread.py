"""What a measure needs of a distribution, whatever it is made of."""

from __future__ import annotations

from typing import Protocol, Self, runtime_checkable

from sympy import Expr

from causalopt.ground.checks import shown
from causalopt.ground.errors import QueryError
from causalopt.language.splits import Split
from causalopt.model.system import System


class Entropy(Protocol):
    """An entropy as its distribution gives it: a closed form, a float, or an ``Estimate``."""

    def __sub__(self, other: Self, /) -> Self:
        """The difference of two entropies of one kind."""

    def __float__(self) -> float:
        """The entropy as a float."""


@runtime_checkable
class Spread(Protocol):
    """A distribution that can be pushed through a system, decorrelated, and has an entropy.

    ``Distribution`` (finite), ``Box`` and ``Gaussian`` (closed forms), ``Ensemble`` (samples).
    """

    def split(self, *parts: object) -> Split:
        """The split that the parts name, checked against the variables."""

    def decorrelate(self, *parts: object) -> Self:
        """The product of the marginals of the parts."""

    def push(self, system: System, steps: int = 1) -> Self:
        """The distribution a number of steps later."""

    def entropy(self, base: Expr | float = 2) -> Entropy:
        """The entropy in units of log(base): an expression, a float, or an ``Estimate``."""


def as_spread(P: object) -> Spread:
    """The distribution itself, or a ``QueryError`` that says what was given instead."""
    if isinstance(P, Spread) and not isinstance(P, type):
        return P
    raise QueryError(
        f"P is {shown(P)} ({type(P).__name__}): write a distribution over the system's variables, "
        "such as Distribution.uniform(T, R), or of real values a Box, a Gaussian or an Ensemble."
    )
