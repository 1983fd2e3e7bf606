"""Rules of acceptance: which member of a set of states is next, at a temperature.

Each rule is said twice: as chances (for kernels), and as a threshold for one draw (for runs). A
proposal that raises the reward by d is taken where d > T threshold(u), u uniform on (0, 1).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from sympy import Expr, log

from causalopt.ground.checks import is_option, shown
from causalopt.ground.errors import DeclarationError, nearest
from causalopt.ground.types import Floats

RuleName = Literal["metropolis", "glauber", "heat-bath"]


#: Two members of each set, and the chance (sets,) to go from the first to the second.
Pair = tuple[int, int, Floats]


@dataclass(frozen=True)
class Acceptance:
    """``pairs`` of members from exponents R/T (members, sets); ``threshold`` of a draw u.

    ``threshold`` is None where the next member is drawn, whatever the present one is.
    """

    pairs: Callable[[Floats], Iterator[Pair]]
    threshold: Callable[[Expr], Expr] | None


def _proposals(taken: Callable[[Floats], Floats]) -> Callable[[Floats], Iterator[Pair]]:
    """Any of the other members is proposed, and taken with a chance by the difference."""

    def pairs(exponents: Floats) -> Iterator[Pair]:
        count = len(exponents)
        for i, j in itertools.permutations(range(count), 2):
            with np.errstate(invalid="ignore", over="ignore"):
                gain = exponents[j] - exponents[i]
            # Between two forbidden states, where no mass is.
            gain[np.isnan(gain)] = 0.0
            yield i, j, taken(gain) / (count - 1)

    return pairs


# Proposals are symmetric, so that detailed balance, p(i) K(i, j) = p(j) K(j, i), asks of a chance
# that chance(gain) / chance(-gain) = exp(gain): both of these have it.
def _metropolis(gain: Floats) -> Floats:
    chance: Floats = np.exp(np.minimum(gain, 0.0))
    return chance


def _glauber(gain: Floats) -> Floats:
    # 1 / (1 + exp(-gain)), of whose two forms the one that cannot overflow.
    small = np.exp(-np.abs(gain))
    chance: Floats = np.where(gain < 0, small, 1.0) / (1.0 + small)
    return chance


def _heat_bath(exponents: Floats) -> Iterator[Pair]:
    """Each member with its Boltzmann chance among the members."""
    # Less the largest, so that no exponential overflows; -inf less -inf is kept out.
    top = exponents.max(axis=0)
    weights = np.exp(exponents - np.where(np.isinf(top), 0.0, top))
    total = weights.sum(axis=0)
    # Where all members are forbidden, none is likelier than another.
    weights[:, total == 0] = 1.0
    chances = weights / np.where(total == 0, len(weights), total)
    for i, j in itertools.permutations(range(len(exponents)), 2):
        yield i, j, chances[j]


# u < chance(gain) just where gain > threshold(u): a threshold is the inverse function of a chance.
_RULES: Mapping[str, Acceptance] = {
    "metropolis": Acceptance(_proposals(_metropolis), log),
    "glauber": Acceptance(_proposals(_glauber), lambda u: log(u / (1 - u))),
    "heat-bath": Acceptance(_heat_bath, None),
}


def rule_named(name: str) -> Acceptance:
    """The rule of that name, or an error that lists them.

    "metropolis": a proposal is taken with chance min(1, exp(d/T)) (Metropolis et al. 1953);
    "glauber": with chance 1 / (1 + exp(-d/T)) (Glauber 1963, Barker 1965); "heat-bath": the next
    member is drawn with the chances of the Boltzmann distribution among the members of the set.
    """
    if not is_option(name, _RULES):
        raise DeclarationError(f"There is no rule {shown(name)}." + nearest(name, _RULES))
    return _RULES[name]
