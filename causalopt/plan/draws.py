"""Draws: the numbers that each noise takes in each chain, the same for any backend and order.

They are counted, not carried on: draw i of chain j of a noise is the law's quantile of one uniform
number, which Philox (Salmon and others 2011) gives of a key and a counter. The key is the SHA-256
of seed and name, so that no two noises are one; the counter is the chain and the step. So a number
depends on nothing else: not on which other noises or chains there are, nor on how steps are cut
into pieces; and many chains are drawn at once. Of a noise that has no time each chain has one
number, and those of all chains lie side by side in the counter.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import math
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from causalopt.ground.errors import QueryError
from causalopt.ground.types import Array, Floats, Ints
from causalopt.language.data import Listed
from causalopt.language.laws import Law
from causalopt.language.symbols import Noise

#: The bytes that the draws of a chain take while they are made, as measured.
FOR_CHAIN = 400

# A counter gives so many numbers.
_FOR_COUNTER = 4
# The steps of a chain that lie side by side in the counter: four counters of four numbers each.
_TOGETHER = 16
# About so many numbers are made at once.
_AT_ONCE = 1 << 21


def uniforms(key: Ints, first: int, chains: int, tile: int, entry: int = 0) -> Floats:
    """Uniform numbers in [0, 1) of ``chains`` chains from ``first`` on, (chains, 16).

    Those of the 16 steps from 16 ``tile`` on, of one ``entry`` of an array. Philox 4x64-10 with the
    counters (4 chain + j, tile, entry), j from 1 to 4, each of which gives four numbers.
    """
    source = _generator(key, _TOGETHER // _FOR_COUNTER * first, tile, entry, 0)
    return source.random((chains, _TOGETHER))


def uniforms_without_time(key: Ints, first: int, chains: int, entry: int = 0) -> Floats:
    """Uniform numbers in [0, 1) of ``chains`` chains from ``first`` on, one for each (chains,).

    Philox 4x64-10 with the counters (j + 1, entry, 0, 1), of which chain c has number c mod 4 of
    j = floor(c / 4); the last 1 is a 0 in those of ``uniforms``.
    """
    before = first % _FOR_COUNTER
    source = _generator(key, first // _FOR_COUNTER, entry, 0, 1)
    return source.random(before + chains)[before:]


def _generator(key: Ints, *counter: int) -> np.random.Generator:
    """NumPy's generator, this thread's own until it asks for the next; it counts on, then draws."""
    generator = _HERE.generator
    generator.bit_generator.state = {
        "bit_generator": "Philox",
        "state": {
            "counter": np.array(counter, dtype=np.uint64),
            "key": np.asarray(key, dtype=np.uint64),
        },
        # Nothing is left of what was drawn before.
        "buffer": _NOTHING,
        "buffer_pos": _FOR_COUNTER,
        "has_uint32": 0,
        "uinteger": 0,
    }
    return generator


class _Here(threading.local):
    """One generator for each thread: to set it takes a tenth of the time that to make one does."""

    # On first use, for to import NumPy's random numbers takes longer than all of this package.
    @functools.cached_property
    def generator(self) -> np.random.Generator:
        return np.random.Generator(np.random.Philox(0))


_HERE = _Here()
_NOTHING = np.zeros(_FOR_COUNTER, dtype=np.uint64)


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


#: What gives the numbers of a law: those of the noise with a key, in some chains at some steps, of
#: one entry of an array, (steps, chains).
Source = Callable[[Law, Ints, Ints, range, int], Floats]


def drawn(law: Law, key: Ints, chains: Ints, steps: range, entry: int) -> Floats:
    """The numbers of a noise in some chains at some steps, by NumPy's generator (steps, chains).

    >>> from causalopt.language.laws import uniform
    >>> drawn(uniform(), key_of(0, "e"), np.arange(3), range(5), 0).shape
    (5, 3)
    """
    numbers = np.empty((len(steps), len(chains)))
    start, stop = steps.start, steps.stop
    for place, first, many in _side_by_side(chains):
        for tile in range(start // _TOGETHER, -(-stop // _TOGETHER)):
            low, high = max(tile * _TOGETHER, start), min((tile + 1) * _TOGETHER, stop)
            within = slice(low - tile * _TOGETHER, high - tile * _TOGETHER)
            chances = uniforms(key, first, many, tile, entry)[:, within]
            some = law.quantiles(np.ascontiguousarray(chances.T))
            numbers[low - start : high - start, place : place + many] = some
    return numbers


@dataclass(frozen=True, eq=False)
class DrawnChains:
    """Which chain of draws each point belongs to, (points,): all noises of a run share it.

    >>> chains = DrawnChains(np.array([4, 2, 3, 4]))
    >>> chains.drawn.tolist(), chains.places.tolist(), chains.side_by_side
    ([2, 3, 4], [2, 0, 1, 2], ((0, 2, 3),))
    """

    of_points: Ints

    @functools.cached_property
    def drawn(self) -> Ints:
        """The chains that are drawn, in order."""
        return self.of_points if self.places is None else np.unique(self.of_points)

    @functools.cached_property
    def places(self) -> Ints | None:
        """The place of each point's among those; None where each point has its own, in order."""
        chains = self.of_points
        if (chains[1:] > chains[:-1]).all():
            return None
        return np.unique(chains, return_inverse=True)[1].astype(np.int64)

    @functools.cached_property
    def side_by_side(self) -> tuple[tuple[int, int, int], ...]:
        """Those that are drawn as runs of neighbours: the place, the first and the number."""
        return tuple(_side_by_side(self.drawn))

    @functools.cached_property
    def is_single(self) -> bool:
        """Whether there is one point, in chain 0."""
        return len(self.of_points) == 1 and not self.of_points.any()

    def of(self, points: Ints) -> DrawnChains:
        """Those of some of the points."""
        return DrawnChains(self.of_points[points])


#: What a single run has: one point, in chain 0, though no point is told of it.
_ALONE = DrawnChains(np.zeros(1, dtype=np.int64))


class Stream:
    """The numbers of one noise, step after step, in one or several chains.

    ``chains`` say which chain each point of a sweep belongs to; None for a single run, in chain 0.
    Steps are asked for in order, one by one with ``at`` or many at once with ``take``.

    >>> from causalopt.language.laws import normal
    >>> one = Stream(normal(), "e", 0)
    >>> many = Stream(normal(), "e", 0, DrawnChains(np.array([0, 1, 0])))
    >>> first = one.at(0)
    >>> (many.at(0) == first).tolist()
    [True, False, True]
    >>> (many.of(np.array([2, 1])).take(5)[0] == first).tolist()
    [True, False]
    """

    def __init__(self, law: Law, name: str, seed: int, chains: DrawnChains | None = None) -> None:
        self.chains = chains
        self._law, self._name, self._seed = law, name, seed
        self._next = 0
        self._start = 0
        self._piece: Floats = np.empty((0, 0))

    def of(self, points: Ints) -> Stream:
        """The numbers of some of the points, from the first step on; all where there are none."""
        chains = None if self.chains is None else self.chains.of(points)
        return Stream(self._law, self._name, self._seed, chains)

    @property
    def is_single(self) -> bool:
        """Whether it has what a single run has: one point, or none, in chain 0."""
        return self.chains is None or self.chains.is_single

    def single(self) -> Stream:
        """The numbers of a single run, without points, from the first step on.

        >>> from causalopt.language.laws import normal
        >>> swept = Stream(normal(), "e", 0, DrawnChains(np.array([0])))
        >>> bool(swept.single().at(3) == swept.at(3)[0])
        True
        """
        return Stream(self._law, self._name, self._seed)

    def take(self, count: int, source: Source = drawn, /) -> Floats:
        """The numbers of the next ``count`` steps, (count, points); one column for a single run.

        Any ``source`` gives the same ones.
        """
        start, self._next = self._next, self._next + count
        return self._of_points(self._drawn(range(start, self._next), source), axis=1)

    def rows(self, count: int) -> Array:
        """The same; where they are given, of the kind in which they were."""
        return self.take(count)

    def at(self, step: int) -> Floats | np.float64:
        """The number of this step; one for each point, where there are points."""
        if not 0 <= step - self._start < len(self._piece):
            self._start = step - step % _TOGETHER
            self._piece = self._drawn(range(self._start, self._start + _TOGETHER), drawn)
        row: Floats = self._piece[step - self._start]
        return row[0] if self.chains is None else self._of_points(row, axis=0)

    def without_time(self) -> Floats | np.float64:
        """The one number that there is without time; one for each point, where there are points."""
        row = self._drawn_once()
        return row[0] if self.chains is None else self._of_points(row, axis=0)

    def _of_points(self, drawn: Floats, axis: int) -> Floats:
        """What was drawn for each chain, for each point."""
        places = None if self.chains is None else self.chains.places
        return drawn if places is None else np.take(drawn, places, axis)

    def _drawn_once(self) -> Floats:
        """The number of each chain that is drawn, without time (chains,)."""
        return self._entry_once(0)

    def _entry_once(self, entry: int) -> Floats:
        """That of one entry of an array, (chains,)."""
        key, parts = key_of(self._seed, self._name), (self.chains or _ALONE).side_by_side
        chances = [uniforms_without_time(key, first, many, entry) for _, first, many in parts]
        return self._law.quantiles(chances[0] if len(chances) == 1 else np.concatenate(chances))

    def _drawn(self, steps: range, source: Source) -> Floats:
        """The numbers of each chain that is drawn at some steps, (steps, chains)."""
        return self._entry(0, steps, source)

    def _entry(self, entry: int, steps: range, source: Source) -> Floats:
        """Those of one entry of an array, (steps, chains)."""
        chains = (self.chains or _ALONE).drawn
        return source(self._law, key_of(self._seed, self._name), chains, steps, entry)


class Track(Stream):
    """What is given step by step, (steps, *shape): the same for every point."""

    def __init__(self, noise: Noise, given: Listed, chains: DrawnChains | None = None) -> None:
        super().__init__(given, noise.name, 0, chains)
        self._noise, self._given = noise, given

    def of(self, points: Ints) -> Stream:
        """The same for other points."""
        chains = None if self.chains is None else self.chains.of(points)
        return Track(self._noise, self._given, chains)

    def single(self) -> Stream:
        """The same for a single run."""
        return Track(self._noise, self._given)

    def take(self, count: int, _: Source = drawn, /) -> Floats:
        """The values of the next steps, (count, points), as floats."""
        return self.rows(count).astype(np.float64)

    def rows(self, count: int) -> Array:
        """The values of the next steps, of their own kind; (count, 1, *shape) of arrays."""
        start, self._next = self._next, self._next + count
        self._refuse_beyond(self._next)
        rows = self._given.values.numbers[start : self._next, None]
        many = 1 if self.chains is None or self._noise.shape else len(self.chains.of_points)
        return np.repeat(rows, many, axis=1)

    def at(self, step: int) -> Floats | np.float64:
        """The value of this step."""
        self._refuse_beyond(step + 1)
        value = np.float64(self._given.values.numbers[step])
        return value if self.chains is None else np.full(len(self.chains.of_points), value)

    def without_time(self) -> Floats | np.float64:
        """The first value."""
        return self.at(0)

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

    def __init__(self, noise: Noise, seed: int, chains: DrawnChains | None = None) -> None:
        super().__init__(noise.law, noise.name, seed, chains)
        self._noise = noise

    def of(self, points: Ints) -> Stream:
        """The numbers of some of the points."""
        chains = None if self.chains is None else self.chains.of(points)
        return ArrayStream(self._noise, self._seed, chains)

    def single(self) -> Stream:
        """The numbers of a single run."""
        return ArrayStream(self._noise, self._seed)

    def _drawn(self, steps: range, source: Source) -> Floats:
        """The numbers of each chain that is drawn, (steps, chains, *shape)."""
        return self._joined([self._entry(i, steps, source) for i in self._entries])

    def _drawn_once(self) -> Floats:
        """The array of each chain that is drawn, without time (chains, *shape)."""
        return self._joined([self._entry_once(i) for i in self._entries])

    @property
    def _entries(self) -> range:
        return range(math.prod(self._noise.shape))

    def _joined(self, entries: list[Floats]) -> Floats:
        """Entries as arrays of their shape."""
        drawn = np.stack(entries, axis=-1)
        return drawn.reshape(*drawn.shape[:-1], *self._noise.shape)


def stream_of(noise: Noise, seed: int, chains: DrawnChains | None = None) -> Stream:
    """The numbers of a noise: drawn by its law, or given."""
    if isinstance(noise.law, Listed):
        return Track(noise, noise.law, chains)
    if noise.shape:
        return ArrayStream(noise, seed, chains)
    return Stream(noise.law, noise.name, seed, chains)


def _side_by_side(chains: Ints) -> Iterator[tuple[int, int, int]]:
    """Chains in order as runs of neighbours: the place, the first chain and the number of each."""
    cuts = np.flatnonzero(chains[1:] - chains[:-1] != 1) + 1
    for start, stop in itertools.pairwise([0, *cuts.tolist(), len(chains)]):
        for low in range(start, stop, _AT_ONCE // _TOGETHER):
            yield low, int(chains[low]), min(stop - low, _AT_ONCE // _TOGETHER)
