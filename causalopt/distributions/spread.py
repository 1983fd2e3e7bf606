"""What a measure needs of a distribution, whatever it is made of."""

from __future__ import annotations

from typing import Any, Protocol, Self

from sympy import Expr

from causalopt.language.splits import Split
from causalopt.model.system import System


class Spread(Protocol):
    """A distribution that can be pushed through a system, decorrelated, and has an entropy.

    ``Distribution`` (finite), ``Box`` and ``Gaussian`` (closed forms), ``Ensemble`` (samples).
    """

    def split(self, *parts: Any) -> Split:
        """The split that the parts name, checked against the variables."""

    def decorrelate(self, *parts: Any) -> Self:
        """The product of the marginals of the parts."""

    def push(self, system: System, steps: int = 1) -> Self:
        """The distribution a number of steps later."""

    def entropy(self, base: Expr | float = 2) -> Any:
        """The entropy in units of log(base): an expression, a float, or an ``Estimate``."""
