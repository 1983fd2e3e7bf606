"""Numbers of any size: a mantissa times a power of two.

Derivatives grow or vanish without end along a run. They are carried as ``mantissa * 2**power``:
multiplying a float by a power of two changes none of its digits, so that only the range grows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np

from causalopt.ground.types import Array, Bools, Floats, Ints

#: A number whose size leaves 2**-POWER to 2**POWER is brought back: far enough inside the range of
#: floats (2**-1022 to 2**1023) that one step of any reasonable system stays in it.
POWER = 300
LARGE, SMALL = 2.0**POWER, 2.0**-POWER

#: The power of what is zero, when powers are compared: below any other.
NO_POWER = np.iinfo(np.int64).min // 2

# A shift by more powers of two than this leaves nothing of a float, or more than fits.
_FARTHEST = 5000

# Between these sizes, a quotient has lost no digit.
_TINY, _HUGE = 1e-280, 1e280
# Work on long results goes in blocks that stay in the cache of a processor.
_BLOCK = 1 << 14
_LOG2 = math.log(2.0)
# A mantissa from 1/2 to 1 times 2 to less than this power, either way, is a float with all digits.
_FARTHEST_FLOAT = 1000


def shifted(mantissa: Array, power: Array) -> Floats:
    """mantissa * 2**power, with powers of any size: what is too small becomes 0.

    >>> shifted(np.array([1.5, 1.0]), np.array([4, -10**9])).tolist()
    [24.0, 0.0]
    """
    # What a run that ended early has not written may be anything.
    with np.errstate(invalid="ignore"):
        product: Floats = np.ldexp(mantissa, np.clip(power, -_FARTHEST, _FARTHEST).astype(np.int32))
    return product


@overload
def is_tame(size: Array) -> Bools: ...
@overload
def is_tame(size: float) -> bool: ...
def is_tame(size: Array | float) -> Bools | bool:
    """Whether a size is 0, or inside the range that needs no rescaling."""
    inside: Bools | bool = (size < LARGE) & ((size > SMALL) | (size == 0.0))
    return inside


def aligned(mantissas: Floats, powers: Ints, axis: int) -> tuple[Floats, Ints]:
    """Numbers brought to one power, the largest along an axis, so that they can be added.

    Returns the mantissas at that power, and the powers with the axis left out. Zeros have no say in
    it.
    """
    # frexp gives mantissas from 1/2 to 1: only then do powers alone tell which number is larger.
    mantissas, lift = np.frexp(mantissas)
    each = np.where(mantissas != 0.0, powers + lift, NO_POWER)
    top = each.max(axis=axis)
    return shifted(mantissas, each - np.expand_dims(top, axis)), top


@dataclass(frozen=True, eq=False)
class Scaled:
    """Numbers ``mantissa * 2**power`` that may lie outside the range of float64.

    ``power`` has the shape of ``mantissa``, or none where all have the same.
    """

    mantissa: Floats
    power: Ints

    @classmethod
    def of(cls, numbers: Floats) -> Scaled:
        """Numbers that are floats as they stand."""
        return cls(numbers, np.zeros((), dtype=np.int64))

    def plain(self) -> Floats:
        """As floats; what is too large becomes infinite.

        >>> Scaled(np.array([1.5]), np.array([4])).plain().tolist()
        [24.0]
        """
        if not self.power.any():
            return self.mantissa
        with np.errstate(over="ignore", under="ignore"):
            return shifted(self.mantissa, self.power)


def stacked(numbers: Sequence[Scaled]) -> Floats:
    """Several as floats, one after the other along a new first axis.

    Of arrays (rows, points, *shape), each entry is one.
    """
    parts = [_entries_first(number.plain()) for number in numbers]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _entries_first(numbers: Floats) -> Floats:
    rows, points = numbers.shape[:2]
    # What is a number at each row and point needs no copy.
    plain = numbers.ndim == 2
    return numbers[None] if plain else np.moveaxis(numbers.reshape(rows, points, -1), -1, 0)


@dataclass(frozen=True, eq=False)
class Ratio:
    """x / y, whose numbers may lie outside the range of floats.

    0/0 is NaN, x/0 infinite and 0/y zero, on every backend.
    """

    x: Scaled
    y: Scaled

    def value(self) -> Floats:
        """The ratio as floats, zero or infinite where it is out of their range."""
        return self._each(lambda mantissa, power: Scaled(mantissa, power).plain())

    def log_size(self) -> Floats:
        """log |x / y|, finite wherever the ratio is neither zero nor infinite.

        Its digits depend on the ratio alone, and not on which powers of two were taken out of it.
        """
        return self._each(_log_size)

    def is_negative(self) -> Bools:
        """Whether x and y have opposite signs."""
        return self._each(lambda mantissa, _: mantissa) < 0

    def _each(self, measure: Callable[[Floats, Ints], Floats]) -> Floats:
        """A measure of (mantissa, power), the ratio being mantissa * 2**power, at every point."""
        shape = self.x.mantissa.shape
        columns = [
            _flat(a, shape) for side in (self.x, self.y) for a in (side.mantissa, side.power)
        ]
        measured = np.empty(math.prod(shape))
        with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
            for low in range(0, measured.size, _BLOCK):
                block = slice(low, low + _BLOCK)
                x, above, y, below = (a if a.ndim == 0 else a[block] for a in columns)
                measured[block] = measure(*_divided(x, _alike(above), y, _alike(below)))
        return measured.reshape(shape)


def _alike(powers: Ints) -> Ints:
    """Powers as one number where they are the same all along, which is less to work with."""
    if powers.ndim == 0 or powers[0] != powers[-1] or (powers != powers[0]).any():
        return powers
    one: Ints = powers[0]
    return one


def _log_size(mantissa: Floats, power: Ints) -> Floats:
    """log |mantissa * 2**power|."""
    size = np.abs(mantissa)
    if not power.any():
        return _log(size)
    low, high = _range_of_powers(size, power)
    if low > -_FARTHEST_FLOAT and high < _FARTHEST_FLOAT:
        return _log(np.ldexp(size, power.astype(np.int32)))
    top, up = np.frexp(size)
    whole = power + up
    if high <= -_FARTHEST_FLOAT or low >= _FARTHEST_FLOAT:
        return _log(top) + whole * _LOG2
    # Of a number that is a float, the log of that float: near 1, a sum would lose its digits.
    inside = np.abs(whole) < _FARTHEST_FLOAT
    plain = _log(shifted(top, np.where(inside, whole, 0)))
    return plain + np.where(inside, 0, whole) * _LOG2


def _log(size: Floats) -> Floats:
    # In place, in memory that is in the processor's cache already.
    logs: Floats = np.log(size, out=size)
    return logs


def _range_of_powers(size: Floats, power: Ints) -> tuple[float, float]:
    """Between which powers of two all of size * 2**power lie; -inf and inf where it is not said.

    Powers seldom change along a run: most stretches of it are inside the range of floats from end
    to end, or outside, and no number needs a choice of its own.
    """
    least, most = float(size.min()), float(size.max())
    if not _TINY < least <= most < _HUGE:
        return -math.inf, math.inf
    lifts = math.frexp(least)[1], math.frexp(most)[1]
    return float(lifts[0] + int(power.min())), float(lifts[1] + int(power.max()))


def _flat(column: Array, shape: tuple[int, ...]) -> Array:
    if column.ndim == 0:
        return column
    return (column if column.shape == shape else np.broadcast_to(column, shape)).reshape(-1)


def _divided(x: Floats, above: Ints, y: Floats, below: Ints) -> tuple[Floats, Ints]:
    """x * 2**above / (y * 2**below) as a mantissa and a power of two."""
    # Divided as they are where that loses nothing, which is nearly always.
    mantissa, power = x / y, above - below
    size = np.abs(mantissa)
    if ((size > _TINY) & (size < _HUGE)).all():
        return mantissa, power
    # Somewhere x or y is zero, or their mantissas are too far apart to be divided as they are.
    (top, up), (bottom, down) = np.frexp(x), np.frexp(y)
    mantissa = top / bottom
    power = power + up - down
    return mantissa, np.where(np.isfinite(mantissa) & (mantissa != 0), power, 0)
