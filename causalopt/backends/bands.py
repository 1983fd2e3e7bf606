"""Tangents carried through steps, each as a mantissa times a power of two, in NumPy.

A step is linear in the tangents of a group. While their sizes lie close together, they share one
power of two, and a step takes them as they are. Once they are too far apart for that, a step takes
them band by band: several times, each time with those of about one size and zeros for the others,
and the results are added, each with its own power. Nothing of a small tangent is lost beside a
large one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from causalopt.backends.careful import careful_step
from causalopt.ground.scaled import LARGE, NO_POWER, aligned, shifted
from causalopt.ground.types import Bools, Floats, Ints, Number
from causalopt.plan import Loop, Segment

#: Tangents whose powers differ by less than this are taken together, as one band: a factor as small
#: as 2**-1000 (1e-301) leaves all digits of each.
BAND = 20

#: As many powers of two below the largest of its group, a tangent leaves their common scale.
SPREAD = 72

#: Once all are so close again, they share a scale again.
CLOSE = 36

#: A step that takes a tangent below this is looked at again, and above ``LARGE``.
LOW = 2.0**-SPREAD

#: What is smaller has lost digits: the step is taken again, band by band.
EXACT = 2.0**-1000

# Bands after the first are taken side by side, about so many numbers of a slot at once.
_SIDE_BY_SIDE = 256


class Powers:
    """The powers (slots, *points) of all slots, those of values zero; they follow each step.

    Tangents ``are_together`` while those of a group share one power.
    """

    def __init__(self, plan: Loop, shape: tuple[int, ...]) -> None:
        self.plan = plan
        self.groups = [list(group) for group in plan.scales]
        self.powers: Ints = np.zeros((len(plan.slots), *shape), dtype=np.int64)
        self._tangents = [j for group in self.groups for j in group]
        self._values = list(plan.value_slots)
        self._is_scalar = not shape
        self.are_together = True

    def advance(
        self,
        segment: Segment,
        step: Callable[..., list[Number]],
        state: list[Number],
        rest: Sequence[Number],
        number: int,
    ) -> list[Number]:
        """The state after a ``step`` of the state and the rest, the compiled ``segment.block``."""
        if self.are_together:
            after = step(*state, *rest)
            if self._are_tame(after) or self._rescaled(after):
                return after
        after, powers = self._in_bands(step, state, rest)
        self._mend(after, powers, segment, state, rest, number)
        self.powers = powers
        self.are_together = self._brought_together(after)
        return after

    def _mend(
        self,
        after: list[Number],
        powers: Ints,
        segment: Segment,
        state: Sequence[Number],
        rest: Sequence[Number],
        number: int,
    ) -> None:
        """Take the step with care at the points whose tangents are not finite, in place."""
        shape = self.powers.shape[1:]
        numbers = self._table(after)
        is_lost = ~np.isfinite(numbers[self._tangents]).all(axis=0)
        for point in np.argwhere(is_lost & np.isfinite(numbers[self._values]).all(axis=0)):
            place = tuple(point)
            old, others = ([self._spread(n)[place] for n in part] for part in (state, rest))
            at = number, int(point[0]) if shape else 0
            careful, own = careful_step(
                self.plan, segment.terms, old, self.powers[:, *place].tolist(), others, at
            )
            numbers[:, *place], powers[:, *place] = careful, own
        if is_lost.any():
            after[:] = list(numbers)

    def _are_tame(self, state: Sequence[Number]) -> bool:
        """Whether no tangent has a size that is to be looked at; it is asked at every step."""
        for j in self._tangents:
            if self._is_scalar:
                size = abs(float(state[j]))
                if not (LOW < size < LARGE or size == 0.0):
                    return False
                continue
            sizes = np.abs(state[j])
            if not (((sizes > LOW) & (sizes < LARGE)) | (sizes == 0.0)).all():
                return False
        return True

    def _rescaled(self, state: list[Number]) -> bool:
        """Take the size of each group out of its tangents, if that leaves them all their digits."""
        removed = []
        for group in self.groups:
            sizes = np.abs(self._table([state[j] for j in group]))
            largest, least = sizes.max(axis=0), np.where(sizes == 0.0, np.inf, sizes).min(axis=0)
            height, depth = np.frexp(largest)[1], np.frexp(np.where(largest == 0.0, 1.0, least))[1]
            is_whole = np.isfinite(largest) & (least >= EXACT)
            if not (is_whole & ((height - depth < SPREAD) | (largest == 0.0))).all():
                return False
            is_tame = (least > LOW) & (largest < LARGE)
            removed.append(np.where(is_tame, 0, height))
        for group, power in zip(self.groups, removed, strict=True):
            self.powers[group] += power
            for j in group:
                state[j] = shifted(self._spread(state[j]), -power)
        return True

    def _in_bands(
        self, step: Callable[..., list[Number]], state: Sequence[Number], rest: Sequence[Number]
    ) -> tuple[list[Number], Ints]:
        """The state after a step, and the powers of its tangents, whose mantissas are below 1."""
        parts, tops = zip(*self._bands(state), strict=True)
        taken = [*state]
        for j, part in zip(self._tangents, parts[0], strict=True):
            taken[j] = part
        after = step(*taken, *rest)
        terms = [self._table([after[j] for j in self._tangents])]
        count = max(1, _SIDE_BY_SIDE // max(1, terms[0][0].size))
        for first in range(1, len(parts), count):
            terms.extend(self._side_by_side(step, state, rest, parts[first : first + count]))
        sums, powers = _added(np.stack(terms), np.stack(tops))
        for j, mantissa in zip(self._tangents, sums, strict=True):
            after[j] = mantissa
        all_powers = np.zeros_like(self.powers)
        all_powers[self._tangents] = powers
        return after, all_powers

    def _bands(self, state: Sequence[Number]) -> Iterator[tuple[Floats, Ints]]:
        """The tangents of each band without a power of two, and that power; zeros are the rest."""
        mantissas, lifts = np.frexp(self._table(state))
        waiting = np.zeros(mantissas.shape, dtype=np.bool_)
        waiting[self._tangents] = mantissas[self._tangents] != 0.0
        raised = self.powers + lifts
        while True:
            top = self._highest(raised, waiting)
            band = waiting & (raised > top - BAND)
            part = np.where(band, shifted(mantissas, np.where(band, raised - top, 0)), 0.0)
            yield part[self._tangents], top[self._tangents]
            waiting &= ~band
            if not waiting.any():
                return

    def _side_by_side(
        self,
        step: Callable[..., list[Number]],
        state: Sequence[Number],
        rest: Sequence[Number],
        parts: Sequence[Floats],
    ) -> Floats:
        """The tangents (bands, tangents, *points) after a step of some bands, in one call."""
        along = np.stack(parts, axis=-1)
        # Points come first, and beside each its bands.
        taken = [*map(_at_points, (*state, *rest))]
        for j, part in zip(self._tangents, along, strict=True):
            taken[j] = part
        after = step(*taken)
        whole = np.empty(along.shape)
        for row, j in zip(whole, self._tangents, strict=True):
            row[...] = after[j]
        return np.moveaxis(whole, -1, 0)

    def _brought_together(self, state: list[Number]) -> bool:
        """Give each group one power again, if its tangents are close enough."""
        mantissas = self._table(state)
        counts = np.zeros(mantissas.shape, dtype=np.bool_)
        counts[self._tangents] = (mantissas != 0.0)[self._tangents]
        counts &= np.isfinite(mantissas)
        top = self._highest(self.powers, counts)
        if (counts & (self.powers < top - CLOSE)).any():
            return False
        for j in self._tangents:
            state[j] = shifted(mantissas[j], np.where(counts[j], self.powers[j] - top[j], 0))
        self.powers = np.where(top == NO_POWER, 0, top)
        return True

    def _highest(self, powers: Ints, counts: Bools) -> Ints:
        """The highest power in the group of each slot among those that count; else none."""
        top = np.full_like(powers, NO_POWER)
        for group in self.groups:
            top[group] = np.where(counts[group], powers[group], NO_POWER).max(axis=0)
        return top

    def _table(self, numbers: Sequence[Number]) -> Floats:
        """Some numbers, or one for each point, as (numbers, *points)."""
        table = np.empty((len(numbers), *self.powers.shape[1:]))
        for row, number in enumerate(numbers):
            table[row] = number
        return table

    def _spread(self, number: Number) -> Floats:
        return np.broadcast_to(np.asarray(number, dtype=np.float64), self.powers.shape[1:])


def _at_points(number: Number) -> Number:
    return number[..., None] if isinstance(number, np.ndarray) and number.ndim else number


def _added(terms: Floats, powers: Ints) -> tuple[Floats, Ints]:
    """The sums along the first axis of terms * 2**powers, as mantissas below 1 and powers."""
    mantissas, top = aligned(terms, powers, axis=0)
    total, more = np.frexp(mantissas.sum(axis=0))
    return total, np.where(total == 0.0, 0, top + more)
