"""Numbers of any size: a mantissa times a power of two.

Derivatives grow or vanish without end along a run. They are carried as ``mantissa * 2**power``:
multiplying a float by a power of two changes none of its digits, so that only the range grows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from typing import TypeVar, overload

import numpy as np

from causalopt.ground.types import Array, Bools, Floats, Ints

Whole = TypeVar("Whole", int, Ints)

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
_BLOCK = 1 << 16
# A block whose power changes more often is not cut.
_FEW = 16
# A stretch of which more comes out of some than of others is halved, down to so many.
_SHORT = 1 << 11
_LOG2 = math.log(2.0)
# A mantissa from 1/2 to 1 times 2 to less than this power, either way, is a float with all digits.
_FARTHEST_FLOAT = 1000


def shifted(mantissa: Array, power: Array) -> Floats:
    """mantissa * 2**power, with powers of any size: what is too small becomes 0.

    >>> shifted(np.array([1.5, 1.0]), np.array([4, -10**9])).tolist()
    [24.0, 0.0]
    """
    if power.ndim == 0:
        return _moved(mantissa, int(np.clip(power, -_FARTHEST, _FARTHEST)))
    # What a run that ended early has not written may be anything.
    with np.errstate(invalid="ignore"):
        product: Floats = np.ldexp(mantissa, np.clip(power, -_FARTHEST, _FARTHEST).astype(np.int32))
    return product


def _moved(mantissa: Array, by: int, out: Floats | None = None) -> Floats:
    """mantissa * 2**by: where 2**by is a float as a product, which is as exact, and faster."""
    moved: Floats
    if abs(by) < _FARTHEST_FLOAT:
        moved = np.multiply(mantissa, 2.0**by, out=out)
    else:
        moved = np.ldexp(mantissa, by, out=out)
    return moved


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


def log_size(mantissa: Floats, power: Ints) -> Floats:
    """log |mantissa * 2**power|, finite wherever that is neither zero nor infinite.

    >>> log_size(np.array([0.75]), np.array([2000])).item()
    1386.0066790474386
    """
    return _in_stretches(mantissa, power, _log_size)


#: Gives log |mantissa * 2**power|; its digits depend on that number alone.
LogSize = Callable[[Floats, Ints], Floats]


class RatioForm(Enum):
    """How a ratio is told: as a mantissa and a power, as a float, or by the log of its size."""

    SCALED = "scaled"
    FLOAT = "float"
    LOG = "log"


@dataclass(frozen=True, eq=False)
class Ratio:
    """x / y as ``mantissa * 2**power``, which may lie outside the range of floats.

    0/0 is NaN, x/0 infinite, with the sign of x, and 0/y zero, on every backend. ``power`` has the
    shape of ``mantissa``, or none where all have the same. ``log`` takes its logarithm.
    """

    mantissa: Floats
    power: Ints
    log: LogSize = log_size

    @classmethod
    def of(cls, x: Scaled, y: Scaled, *, log: LogSize = log_size) -> Ratio:
        """x / y, with all its digits.

        >>> Ratio.of(Scaled.of(np.array([1.0, -1.0])), Scaled.of(np.array([4.0, 0.0]))).value()
        array([0.25, -inf])
        """
        shape = x.mantissa.shape
        tops, bottoms = (_flat(side.mantissa, shape) for side in (x, y))
        above, below = (np.broadcast_to(side.power, shape).reshape(-1) for side in (x, y))
        mantissas, powers = np.empty(tops.size), np.empty(tops.size, dtype=np.int64)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
            for low in range(0, tops.size, _BLOCK):
                some = slice(low, low + _BLOCK)
                beside = above[some] - below[some]
                mantissas[some], powers[some] = _divided(tops[some], bottoms[some], beside)
        return cls(mantissas.reshape(shape), powers.reshape(shape), log)

    def value(self) -> Floats:
        """The ratio as floats, zero or infinite where it is out of their range."""
        return _in_stretches(self.mantissa, self.power, _as_float)

    def log_size(self) -> Floats:
        """log |x / y|, finite wherever the ratio is neither zero nor infinite.

        Its digits depend on the ratio alone, and not on which powers of two were taken out of it.
        """
        return self.log(self.mantissa, self.power)

    def told(self, form: RatioForm) -> Floats:
        """It in a form that is one number."""
        return self.log_size() if form is RatioForm.LOG else self.value()

    def is_negative(self) -> Bools:
        """Whether x and y have opposite signs."""
        return self.mantissa < 0


def _in_stretches(
    mantissa: Floats, power: Ints, measure: Callable[[Floats, Ints, Floats], object]
) -> Floats:
    """What a measure of mantissas and their power writes, stretch by stretch."""
    shape = mantissa.shape
    mantissas, powers = _flat(mantissa, shape), _column(power, shape)
    measured = np.empty(mantissas.size)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        for first, stop, own in _stretches(powers, mantissas.size):
            some = slice(first, stop)
            measure(mantissas[some], own, measured[some])
    return measured.reshape(shape)


def _flat(numbers: Array, shape: tuple[int, ...]) -> Array:
    whole = numbers if numbers.shape == shape else np.broadcast_to(numbers, shape)
    return whole.reshape(-1)


def _column(powers: Ints, shape: tuple[int, ...]) -> Ints:
    return powers if powers.ndim == 0 else _flat(powers, shape)


def _stretches(powers: Ints, size: int) -> Iterator[tuple[int, int, Ints]]:
    """Blocks, each cut where its power changes, where that is seldom.

    Along a run powers change once in many steps: with one power for all there is less to do.
    """
    for low in range(0, size, _BLOCK):
        high = min(low + _BLOCK, size)
        if powers.ndim == 0:
            yield low, high, powers
            continue
        own = powers[low:high]
        cuts = np.flatnonzero(own[1:] != own[:-1]) + 1
        if len(cuts) > _FEW:
            yield low, high, own
            continue
        for first, stop in pairwise((0, *cuts.tolist(), high - low)):
            yield low + first, low + stop, own[first]


def _divided(x: Floats, y: Floats, power: Ints) -> tuple[Floats, Ints]:
    """x / y * 2**power, as a mantissa and a power."""
    # Divided as they are where that loses nothing, which is nearly always.
    mantissa = x / y
    if _extremes(np.abs(mantissa)) is not None:
        return mantissa, power
    # Somewhere x or y is zero, or their mantissas are too far apart to be divided as they are.
    (top, up), (bottom, down) = np.frexp(x), np.frexp(y)
    # A zero has no sign: which it is of -0.0 and 0.0 is left by the order of a sum, and no result.
    mantissa = top / (bottom + 0.0)
    sound = np.isfinite(mantissa) & (mantissa != 0)
    return mantissa, np.where(sound, power + up - down, 0)


def _extremes(sizes: Floats) -> tuple[int, int] | None:
    """The powers of two of the least and the largest; None where some have lost digits."""
    least, most = float(sizes.min(initial=1.0)), float(sizes.max(initial=1.0))
    return (math.frexp(least)[1], math.frexp(most)[1]) if least > _TINY and most < _HUGE else None


def _as_float(mantissa: Floats, power: Ints, out: Floats) -> None:
    out[:] = Scaled(mantissa, power).plain()


def _log_size(mantissa: Floats, power: Ints, out: Floats) -> None:
    """log |mantissa * 2**power|.

    Of a number that is a float, the log of that float: near 1, a sum would lose its digits. Of one
    that is not, ``_taken_out`` comes out first, as much for all where that is as much for all.
    """
    np.abs(mantissa, out=out)
    if power.ndim == 0:
        if _has_one_log(int(power), out):
            return
        if out.size > _SHORT:
            for half in (slice(out.size // 2), slice(out.size // 2, None)):
                _log_size(mantissa[half], power, out[half])
            return
    size, own = np.frexp(out)
    power = own + power
    taken = _taken_out(power)
    np.log(np.ldexp(size, (power - taken).astype(np.int32)), out=out)
    out += taken * _LOG2


def _has_one_log(power: int, out: Floats) -> bool:
    """Whether as much comes out of all, and then their logs are written."""
    extremes = _extremes(out)
    if extremes is None:
        return False
    taken, other = (_taken_out(own + power) for own in extremes)
    if taken != other:
        return False
    if power != taken:
        _moved(out, power - taken, out)
    np.log(out, out=out)
    if taken:
        np.add(out, taken * _LOG2, out=out)
    return True


def _taken_out(power: Whole) -> Whole:
    """What is taken out of mantissas from 1/2 to 1 times 2**power, a matter of their size alone.

    It leaves a float, and of a float it is nothing.
    """
    return (power + _FARTHEST_FLOAT) // (2 * _FARTHEST_FLOAT) * (2 * _FARTHEST_FLOAT)
