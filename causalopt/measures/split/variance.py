"""The strength of a split in terms of variance in place of entropy, which the source tried."""

from __future__ import annotations

from typing import Protocol, Self, runtime_checkable

from sympy import Expr

from causalopt.distributions.spread import Entropy
from causalopt.ground.checks import shown
from causalopt.ground.errors import QueryError
from causalopt.ground.masses import check_base, unit_of
from causalopt.language.splits import Split
from causalopt.measures.split.strength import AdjustedStrength, Strength
from causalopt.model.declaration import check_steps
from causalopt.model.system import System


@runtime_checkable
class Varying(Protocol):
    """A distribution with a covariance: ``Box``, ``Gaussian`` or ``Ensemble``."""

    def split(self, *parts: object) -> Split:
        """The split that the parts name, checked against the variables."""

    def decorrelate(self, *parts: object) -> Self:
        """The product of the marginals of the parts."""

    def push(self, system: System, steps: int = 1) -> Self:
        """The distribution a number of steps later."""

    def log_variance(self, base: Expr | float = 2) -> Entropy:
        """log det covariance, in units of log(base)."""


def log_variance_strength(
    system: System, split: object, P: Varying, *, steps: int = 1, base: Expr | float = 2
) -> AdjustedStrength:
    """Optimizing strength with log V in place of S, V = det covariance; plain and adjusted.

    plain    = log V[push(P')] - log V[push(P)],  P' = decorrelate(P)
    adjusted = plain - (log V[P'] - log V[P])

    ``.strength.value`` is the plain one, ``.value`` the adjusted one, in units of log(base). Under
    an affine step z -> M z + c every V gains the same factor det(M)^2, so that the adjusted one is
    zero for every distribution: the source's finding for the linear thermostat.

    Raises ``QueryError`` for samples that are too few, and for those whose covariance is singular,
    at the start or after the steps: their log V is minus infinity.

    Source: "Defining Optimization in a Deeper Way", part 2.

    >>> from causalopt.distributions import Gaussian
    >>> from causalopt.language.symbols import variables
    >>> T, R = variables("T R")
    >>> thermostat = System({T: R, R: R - 0.3 * T}, start={T: 1, R: 1})
    >>> P = Gaussian.of({T: (10, 1), R: (10, 1)}).push(thermostat)
    >>> log_variance_strength(thermostat, T | R, P).value
    0
    """
    check_base(base)
    check_steps(steps)
    if not isinstance(P, Varying):
        raise QueryError(
            f"P is {shown(P)} ({type(P).__name__}), which has no covariance: write a Box, a "
            "Gaussian or an Ensemble, or ask optimizing_strength, by entropy."
        )
    chosen = P.split(split)
    apart = P.decorrelate(chosen)
    strength = Strength(
        chosen,
        steps,
        unit_of(base),
        P.push(system, steps).log_variance(base),
        apart.push(system, steps).log_variance(base),
    )
    return AdjustedStrength(strength, P.log_variance(base), apart.log_variance(base))
