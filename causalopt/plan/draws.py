"""Draws: the numbers that each noise takes in each chain, the same for any backend and order.

The generator of a noise in a chain is seeded by ``SeedSequence(seed, spawn_key=(name, chain))``,
the name by its SHA-256, since two names have one CRC. So the numbers of one noise do not depend on
which others there are, on how many chains run, or on how the steps are cut into pieces.
"""

from __future__ import annotations

import functools
import hashlib

import numpy as np

from causalopt.ground.types import Floats, Ints
from causalopt.language.laws import Law

# How many steps ``at`` draws ahead: few at first, then twice as many each time, up to the most; and
# of all chains together about so many numbers.
_FIRST, _LARGEST = 8, 512
_TOGETHER = 1 << 21


#: The bytes that a generator takes, as measured.
FOR_GENERATOR = 1900


def generator(seed: int, name: str, chain: int) -> np.random.Generator:
    """The generator of one noise in one chain.

    >>> generator(0, "e", 3).random() == generator(0, "e", 3).random()
    True
    """
    digest = np.frombuffer(hashlib.sha256(name.encode()).digest(), dtype="<u4")
    key = (*digest.tolist(), chain)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


class Stream:
    """The numbers of one noise, step after step, in one or several chains.

    ``chains`` (points,) says which chain each point of a sweep belongs to; None for a single run,
    in chain 0. Steps are asked for in order, one by one with ``at`` or many at once with ``take``.

    >>> from causalopt.language.laws import normal
    >>> one, many = Stream(normal(), "e", 0), Stream(normal(), "e", 0, np.array([0, 1, 0]))
    >>> first = one.at(0)
    >>> (many.at(0) == first).tolist()
    [True, False, True]
    >>> (many.of(np.array([2, 1])).take(5)[0] == first).tolist()
    [True, False]
    """

    def __init__(self, law: Law, name: str, seed: int, chains: Ints | None = None) -> None:
        self.chains = chains
        self._law, self._name, self._seed = law, name, seed
        self._start = 0
        self._piece: Floats = np.empty((0, 0))

    @functools.cached_property
    def _distinct(self) -> tuple[Ints, Ints]:
        """The chains that are drawn, and the place among them of each point's."""
        chains = np.zeros(1, np.int64) if self.chains is None else self.chains
        distinct, places = np.unique(chains, return_inverse=True)
        return distinct, places.astype(np.int64)

    @functools.cached_property
    def _generators(self) -> list[np.random.Generator]:
        return [generator(self._seed, self._name, int(chain)) for chain in self._distinct[0]]

    def of(self, points: Ints) -> Stream:
        """The numbers of some of the points, from the first step on; all where there are none."""
        chains = None if self.chains is None else self.chains[points]
        return Stream(self._law, self._name, self._seed, chains)

    def take(self, count: int) -> Floats:
        """The numbers of the next ``count`` steps, (count, points); one column for a single run."""
        return np.take(self._drawn(count), self._distinct[1], axis=1)

    def at(self, step: int) -> Floats | np.float64:
        """The number of this step; one for each point, where there are points."""
        while step >= self._start + len(self._piece):
            self._start += len(self._piece)
            self._piece = self._drawn(self._ahead())
        row: Floats = self._piece[step - self._start]
        return np.float64(row[0]) if self.chains is None else row[self._distinct[1]]

    def _ahead(self) -> int:
        """How many steps the next piece has."""
        fit = max(_FIRST, _TOGETHER // len(self._generators))
        return min(max(_FIRST, 2 * len(self._piece)), _LARGEST, fit)

    def _drawn(self, count: int) -> Floats:
        """The next numbers of each chain that is drawn, (count, chains)."""
        return np.stack([self._law.draw(source, count) for source in self._generators], axis=1)
