"""Draws in compiled code: the numbers of ``plan/draws.py``, a counter at a time in every chain."""

from __future__ import annotations

import functools

import numpy as np

from causalopt.backends import cache
from causalopt.ground.types import Floats, Ints
from causalopt.language.laws import Choice, Law

# Of a law with more values than this, NumPy's search finds the value.
_MOST_VALUES = 8

_SIGNATURE = (
    "void(float64[:,::1], uint64, uint64, int64[::1], int64, int64, float64[::1], float64[::1], "
    "float64[::1])"
)
# Philox 4x64-10 (Salmon and others 2011), with NumPy's constants. Chains are in the inner loop,
# so that one does not wait for another; a number that stairs make of another is made in a row, for
# which there is room (points,).
_SOURCE = """
def counted(numbers, key, other, chains, first, entry, bounds, values, row):
    steps, points = numbers.shape
    for block in range(first // 4, (first + steps + 3) // 4):
        low = 4 * block - first
        tile, place = numpy.uint64(block // 4), numpy.uint64(block % 4 + 1)
        for q in range(points):
            a = numpy.uint64(chains[q]) * numpy.uint64(4) + place
            b = tile
            c = numpy.uint64(entry)
            d = numpy.uint64(0)
            k = key
            l = other
            for _ in range(10):
                e = high_product(a, numpy.uint64(0xD2E7470EE14C6C93))
                f = high_product(c, numpy.uint64(0xCA5A826395121157))
                g = a * numpy.uint64(0xD2E7470EE14C6C93)
                h = c * numpy.uint64(0xCA5A826395121157)
                a = f ^ b ^ k
                b = h
                c = e ^ d ^ l
                d = g
                k = k + numpy.uint64(0x9E3779B97F4A7C15)
                l = l + numpy.uint64(0xBB67AE8584CAA73B)
            if low >= 0:
                numbers[low, q] = (a >> numpy.uint64(11)) * 2.0**-53
            if 0 <= low + 1 < steps:
                numbers[low + 1, q] = (b >> numpy.uint64(11)) * 2.0**-53
            if 0 <= low + 2 < steps:
                numbers[low + 2, q] = (c >> numpy.uint64(11)) * 2.0**-53
            if 0 <= low + 3 < steps:
                numbers[low + 3, q] = (d >> numpy.uint64(11)) * 2.0**-53
        if len(values) == 0:
            continue
        for s in range(max(low, 0), min(low + 4, steps)):
            for q in range(points):
                row[q] = values[0]
            for j in range(len(bounds)):
                bound, value = bounds[j], values[j + 1]
                for q in range(points):
                    row[q] = choose(numbers[s, q] >= bound, value, row[q])
            for q in range(points):
                numbers[s, q] = row[q]
"""


def counted(law: Law, key: Ints, chains: Ints, steps: range, entry: int) -> Floats:
    """The numbers of a noise in some chains at some steps, as ``plan/draws.py: drawn`` gives them.

    >>> from causalopt.language.laws import uniform
    >>> from causalopt.plan.draws import drawn, key_of
    >>> asked = uniform(), key_of(0, "e"), np.array([0, 3]), range(2, 9), 0
    >>> bool((counted(*asked) == drawn(*asked)).all())
    True
    """
    numbers = np.empty((len(steps), len(chains)))
    stairs = stairs_of(law)
    bounds, values, row = _NO_STAIRS if stairs is None else (*stairs, np.empty(len(chains)))
    _compiled()(numbers, *key, chains, steps.start, entry, bounds, values, row)
    return law.quantiles(numbers) if stairs is None else numbers


# Bounds, values and room, where numbers stay as they are.
_NO_STAIRS = np.empty(0), np.empty(0), np.empty(0)


@functools.singledispatch
def stairs_of(law: object) -> tuple[Floats, Floats] | None:
    """The chances at which a law of few values steps up to the next one, and all its values."""
    return None


@stairs_of.register
def _(law: Choice) -> tuple[Floats, Floats] | None:
    return (law.bounds, np.array(law.values)) if len(law.values) <= _MOST_VALUES else None


@functools.cache
def _compiled() -> cache.Compiled:
    return cache.function(_SOURCE, "counted", _SIGNATURE)
