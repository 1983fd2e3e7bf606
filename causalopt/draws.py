"""Draws: the numbers that each noise takes in each chain, the same for any backend and order.

The generator of a noise in a chain is seeded by ``SeedSequence(seed, spawn_key=(name, chain))``,
the name by its CRC-32. So the numbers of one noise do not depend on which others there are, on how
many chains run, or on how the steps are cut into pieces.
"""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt

from causalopt.laws import Floats, Law

_PIECE = 512


def generator(seed: int, name: str, chain: int) -> np.random.Generator:
    """The generator of one noise in one chain.

    >>> generator(0, "e", 3).random() == generator(0, "e", 3).random()
    True
    """
    key = (zlib.crc32(name.encode()), chain)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


class Stream:
    """The numbers of one noise, step after step, in one or several chains.

    ``chains`` (points,) says which chain each point of a sweep belongs to; None for a single run,
    in chain 0. Steps are asked for in order.

    >>> from causalopt.laws import normal
    >>> one, many = Stream(normal(), "e", 0), Stream(normal(), "e", 0, np.array([0, 1, 0]))
    >>> first = one.at(0)
    >>> (many.at(0) == first).tolist()
    [True, False, True]
    """

    def __init__(
        self, law: Law, name: str, seed: int, chains: npt.NDArray[np.int64] | None = None
    ) -> None:
        self._law = law
        # Only the chains that are there have a generator; each point reads the column of its own.
        used, columns = np.unique([0] if chains is None else chains, return_inverse=True)
        self._columns = None if chains is None else columns
        self._generators = [generator(seed, name, int(chain)) for chain in used]
        self._start = 0
        self._piece: Floats = np.empty((0, len(used)))

    def at(self, step: int) -> Floats | np.float64:
        """The number of this step; one for each point, where there are points."""
        while step >= self._start + len(self._piece):
            self._start += len(self._piece)
            drawn = [self._law.draw(one, _PIECE) for one in self._generators]
            self._piece = np.stack(drawn, axis=1)
        row: Floats = self._piece[step - self._start]
        return np.float64(row[0]) if self._columns is None else row[self._columns]
