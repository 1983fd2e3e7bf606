"""Draws: the numbers that each noise takes in each chain, the same for any backend and order.

They are counted, not carried on: draw i of chain j of a noise is the law's quantile of one uniform
number, which Philox (Salmon and others 2011) gives of a key and a counter. The key is the SHA-256
of seed and name, so that no two noises are one; the counter is the chain and the step. So a number
depends on nothing else: not on which other noises or chains there are, nor on how steps are cut
into pieces; and many chains are drawn at once.
"""

from __future__ import annotations

import functools
import hashlib
import math
from collections.abc import Iterator

import numpy as np

from causalopt.ground.errors import QueryError
from causalopt.ground.types import Array, Floats, Ints
from causalopt.language.data import Listed
from causalopt.language.laws import Law
from causalopt.language.symbols import Noise

#: The bytes that the draws of a chain take while they are made, as measured.
FOR_CHAIN = 400

# The steps of a chain that lie side by side in the counter: four counters of four numbers each.
_TOGETHER = 16
# About so many numbers are made at once.
_AT_ONCE = 1 << 21


def uniforms(key: Ints, first: int, chains: int, tile: int, entry: int = 0) -> Floats:
    """Uniform numbers in [0, 1) of ``chains`` chains from ``first`` on, (chains, 16).

    Those of the 16 steps from 16 ``tile`` on, of one ``entry`` of an array. Philox 4x64-10 with the
    counters (4 chain + j, tile, entry), j from 1 to 4, each of which gives four numbers.
    """
    # NumPy's generator counts on before it draws.
    counter = np.array([4 * first, tile, entry, 0], dtype=np.uint64)
    source = np.random.Generator(np.random.Philox(key=key, counter=counter))
    return source.random((chains, _TOGETHER))


@functools.lru_cache(maxsize=1024)
def key_of(seed: int, name: str) -> Ints:
    """The key of a noise (2,), of 64 bits each.

    >>> bool((key_of(0, "e") == key_of(0, "f")).any())
    False
    """
    # The length of the seed parts it from the name, whatever that begins with.
    text = f"{len(str(seed))}:{seed}:{name}"
    key = np.frombuffer(hashlib.sha256(text.encode()).digest()[:16], dtype="<u8")
    key.setflags(write=False)
    return key


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
        self._next = 0
        self._start = 0
        self._piece: Floats = np.empty((0, 0))

    @functools.cached_property
    def _distinct(self) -> tuple[Ints, Ints]:
        """The chains that are drawn, and the place among them of each point's."""
        chains = np.zeros(1, np.int64) if self.chains is None else self.chains
        distinct, places = np.unique(chains, return_inverse=True)
        return distinct, places.astype(np.int64)

    def of(self, points: Ints) -> Stream:
        """The numbers of some of the points, from the first step on; all where there are none."""
        chains = None if self.chains is None else self.chains[points]
        return Stream(self._law, self._name, self._seed, chains)

    def take(self, count: int) -> Floats:
        """The numbers of the next ``count`` steps, (count, points); one column for a single run."""
        start, self._next = self._next, self._next + count
        return np.take(self._drawn(start, count), self._distinct[1], axis=1)

    def rows(self, count: int) -> Array:
        """The same; where they are given, of the kind in which they were."""
        return self.take(count)

    def at(self, step: int) -> Floats | np.float64:
        """The number of this step; one for each point, where there are points."""
        if not 0 <= step - self._start < len(self._piece):
            self._start = step - step % _TOGETHER
            self._piece = self._drawn(self._start, _TOGETHER)
        row: Floats = self._piece[step - self._start]
        return row[0] if self.chains is None else row[self._distinct[1]]

    def _drawn(self, start: int, count: int) -> Floats:
        """The numbers of each chain that is drawn at steps from ``start`` on, (count, chains)."""
        return self._entry(0, start, count)

    def _entry(self, entry: int, start: int, count: int) -> Floats:
        """Those of one entry of an array, (count, chains)."""
        distinct, _ = self._distinct
        drawn = np.empty((count, len(distinct)))
        key = key_of(self._seed, self._name)
        for place, first, many in _side_by_side(distinct):
            for tile in range(start // _TOGETHER, -(-(start + count) // _TOGETHER)):
                low = max(tile * _TOGETHER, start)
                high = min((tile + 1) * _TOGETHER, start + count)
                chances = uniforms(key, first, many, tile, entry)
                within = slice(low - tile * _TOGETHER, high - tile * _TOGETHER)
                numbers = self._law.quantiles(np.ascontiguousarray(chances[:, within].T))
                drawn[low - start : high - start, place : place + many] = numbers
        return drawn


class Track(Stream):
    """What is given step by step, (steps, *shape): the same for every point."""

    def __init__(self, noise: Noise, given: Listed, chains: Ints | None = None) -> None:
        super().__init__(given, noise.name, 0, chains)
        self._noise, self._given = noise, given

    def of(self, points: Ints) -> Stream:
        """The same for other points."""
        chains = None if self.chains is None else self.chains[points]
        return Track(self._noise, self._given, chains)

    def take(self, count: int) -> Floats:
        """The values of the next steps, (count, points), as floats."""
        return self.rows(count).astype(np.float64)

    def rows(self, count: int) -> Array:
        """The values of the next steps, of their own kind; (count, 1, *shape) of arrays."""
        start, self._next = self._next, self._next + count
        self._refuse_beyond(self._next)
        rows = self._given.values.numbers[start : self._next, None]
        many = 1 if self.chains is None or self._noise.shape else len(self.chains)
        return np.repeat(rows, many, axis=1)

    def at(self, step: int) -> Floats | np.float64:
        """The value of this step."""
        self._refuse_beyond(step + 1)
        value = np.float64(self._given.values.numbers[step])
        return value if self.chains is None else np.full(len(self.chains), value)

    def _refuse_beyond(self, steps: int) -> None:
        if steps > self._given.steps:
            raise QueryError(
                f"The series {self._noise} has {self._given.steps} values, and the run takes more: "
                f"run {self._given.steps} steps, or give a longer one."
            )


class ArrayStream(Stream):
    """The numbers of a noise that holds an array, each entry drawn by itself.

    >>> from causalopt.language.laws import normal
    >>> from causalopt.language.symbols import noise
    >>> stream = ArrayStream(noise("e", normal(), shape=2), seed=0)
    >>> bool((stream.take(3)[2, 0] == stream.at(2)).all())
    True
    """

    def __init__(self, noise: Noise, seed: int, chains: Ints | None = None) -> None:
        super().__init__(noise.law, noise.name, seed, chains)
        self._noise = noise

    def of(self, points: Ints) -> Stream:
        """The numbers of some of the points."""
        chains = None if self.chains is None else self.chains[points]
        return ArrayStream(self._noise, self._seed, chains)

    def _drawn(self, start: int, count: int) -> Floats:
        """The numbers of each chain that is drawn, (count, chains, *shape)."""
        entries = [self._entry(i, start, count) for i in range(math.prod(self._noise.shape))]
        drawn = np.stack(entries, axis=-1)
        return drawn.reshape(*drawn.shape[:2], *self._noise.shape)


def stream_of(noise: Noise, seed: int, chains: Ints | None = None) -> Stream:
    """The numbers of a noise: drawn by its law, or given."""
    if isinstance(noise.law, Listed):
        return Track(noise, noise.law, chains)
    if noise.shape:
        return ArrayStream(noise, seed, chains)
    return Stream(noise.law, noise.name, seed, chains)


def _side_by_side(chains: Ints) -> Iterator[tuple[int, int, int]]:
    """Chains in order as runs of neighbours: the place, the first chain and the number of each."""
    cuts = np.flatnonzero(np.diff(chains) != 1) + 1
    for part in np.split(np.arange(len(chains)), cuts):
        for low in range(0, len(part), max(_AT_ONCE // _TOGETHER, 1)):
            some = part[low : low + _AT_ONCE // _TOGETHER]
            yield int(some[0]), int(chains[some[0]]), len(some)
