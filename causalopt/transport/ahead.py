"""What is ahead of a system: all paths of its first steps, and then a matrix of chances."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from causalopt.ground.errors import QueryError
from causalopt.ground.types import Floats
from causalopt.transport.reached import Reached
from causalopt.transport.transfer import TransferOperator, powers, summed

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

# The first steps go along this many paths, and this many steps, at most; where paths meet again,
# this many.
_PATHS = 4096
_DEEPEST = 64
_DEEPEST_MET = 1024
# What sums over as many steps as these may round, and what goes on by one factor a step.
_ROUNDED = 1e-12
_CUT = 1e-9


@dataclass(frozen=True)
class Paths:
    """All paths of the first steps: what has left by each, and where the rest is at the end."""

    below: tuple[float, ...]
    above: tuple[float, ...]
    places: Floats
    chances: Floats

    @classmethod
    def of(cls, operator: TransferOperator, start: Floats) -> Paths:
        """As many steps from the start (d,) as keep the number of paths within bounds."""
        places, chances = start[None, :], np.ones(1)
        below, above = [0.0], [0.0]
        many = max(len(operator.maps), 2)
        while len(places) and len(places) * many <= _PATHS and len(below) <= _DEEPEST:
            places = np.concatenate([branch.image(places) for branch in operator.maps])
            chances = np.concatenate([branch.chance * chances for branch in operator.maps])
            kept, under, over = operator.sides(places)
            below.append(below[-1] + float(chances[under.any(axis=0)].sum()))
            above.append(above[-1] + float(chances[over.any(axis=0)].sum()))
            places, chances = places[kept], chances[kept]
        return cls(tuple(below), tuple(above), places, chances)

    @classmethod
    def among(cls, reached: Reached) -> Paths:
        """The steps among places that are reached from the first of them."""
        chances = np.zeros(len(reached.places))
        chances[0] = 1.0
        below, above = [0.0], [0.0]
        turned = reached.matrix.T.tocsr()
        depth = _DEEPEST_MET if reached.depth is None else min(reached.depth, _DEEPEST_MET)
        for _ in range(depth):
            below.append(below[-1] + float(reached.below.sum(axis=0) @ chances))
            above.append(above[-1] + float(reached.above.sum(axis=0) @ chances))
            chances = turned @ chances
        return cls(tuple(below), tuple(above), reached.places, chances)

    @property
    def left(self) -> tuple[float, ...]:
        """What has left on any side by each step."""
        return tuple(map(sum, zip(self.below, self.above, strict=True)))


@dataclass(frozen=True)
class Ahead:
    """The first steps, and the matrix K (n, n) by which what is inside then goes on.

    ``below`` and ``above`` (n,) leave in a step; ``mass`` (n,) is inside after the first steps.
    Where ``is_bounded``, K says nothing of how far off it is: what is inside may leave or stay.
    """

    paths: Paths
    matrix: csr_matrix
    below: Floats
    above: Floats
    mass: Floats
    where: str
    is_bounded: bool

    @classmethod
    def on(cls, operator: TransferOperator, paths: Paths, *, is_bounded: bool) -> Ahead:
        """The first steps, and then a grid: what is inside is laid on it."""
        mass = operator.spread(paths.places, paths.chances)
        below, above = operator.below.sum(axis=0), operator.above.sum(axis=0)
        return cls(paths, operator.matrix, below, above, mass, operator.where, is_bounded)

    @classmethod
    def among(cls, reached: Reached, paths: Paths, where: str) -> Ahead:
        """The places that are ever reached, and no grid."""
        below, above = reached.below.sum(axis=0), reached.above.sum(axis=0)
        return cls(paths, reached.matrix, below, above, paths.chances, where, is_bounded=False)

    def expected(self, gain: Floats) -> Floats:
        """What is gained in all at each place visited before leaving, from each place (n,)."""
        return summed(self.matrix, gain, self.where)

    def escape_chances(self, side: str, counts: Sequence[int]) -> Floats:
        """The probability of having left on a side by each of some steps."""
        left, depth = self._left_on(side), len(self.paths.below) - 1
        chances = [left[n] for n in counts if n <= depth]
        later = [n - depth for n in counts if n > depth]
        if later and self.mass.any():
            whole = SIDES[side](self)
            # Of all that leaves on this side, K^n e is what does so more than n steps later: the
            # rest has left by then.
            after = powers(self.matrix, whole, later)
            return np.array(chances + [left[-1] + float(self.mass @ (whole - u)) for u in after])
        return np.array(chances + [left[-1]] * len(later))

    def error(self, side: str, escaped: Floats, counts: Sequence[int]) -> Floats:
        """How far off the chances to have left may be, but for what cells are to blame for."""
        is_later = (np.array(counts) >= len(self.paths.below)) & bool(self.mass.any())
        after = np.full(len(counts), _CUT)
        if self.is_bounded:
            left, rest = self._left_on(side)[-1], float(self.mass.sum())
            after = _CUT + np.maximum(escaped - left, left + rest - escaped)
        return np.where(is_later, after, _ROUNDED * escaped)

    def _left_on(self, side: str) -> tuple[float, ...]:
        """What has left on a side by each of the first steps."""
        left = {"below": self.paths.below, "above": self.paths.above, "any": self.paths.left}
        return left[side]

    def mean_time(self) -> float:
        """The mean number of steps until it leaves."""
        # The mean of n is the sum of the chances to be inside still, from step 0 on.
        first = math.fsum(1 - left for left in self.paths.left[:-1])
        if not self.mass.any():
            return first
        if self.is_bounded:
            raise QueryError(digits_missing("mean time"))
        return float(first + self.mass @ self.expected(np.ones(len(self.mass))))


def digits_missing(asked: str) -> str:
    """Why a number has no digits where steps of many digits are added, and what to write."""
    return (
        f"The steps add up to too many places to be followed, and a grid does not show the {asked} "
        "with an error that holds: write steps, start and ends with fewer digits, such as 0.17 in "
        "place of 0.172733, or run an ensemble."
    )


#: For each side: what leaves there in all, from each place.
SIDES: Mapping[str, Callable[[Ahead], Floats]] = {
    "any": lambda ahead: np.ones(len(ahead.mass)),
    "below": lambda ahead: ahead.expected(ahead.below),
    "above": lambda ahead: ahead.expected(ahead.above),
}
