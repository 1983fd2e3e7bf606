"""How good the parts of steps have to be, and what is said where none is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from causalopt.ground.errors import NotAtPointsError
from causalopt.ground.types import Bools, Floats, Ints
from causalopt.language.symbols import Stage, Variable
from causalopt.mechanisms.integrators import Method
from causalopt.model.template import is_inner, owner_of
from causalopt.plan import Loop, Slot

# A part is as long as its estimate allows, less a margin; by no more than these factors longer or
# shorter than the one before (Hairer, Norsett and Wanner 1993, section II.4).
MARGIN, SHORTER, LONGER = 0.9, 0.1, 5.0
# A variable on its way through 0 is compared with this part of the largest that it has been.
SMALL = 1e-6
# What is shorter than this part of the time so far is no way on; and the most attempts at a step.
SHORTEST, MOST = 1e-15, 30_000
# Where a value is not finite, this is: a shorter part would begin where it should end, to rounding,
# and step over what made it so, such as an event that makes another one happen at its moment.
SHORTEST_TO_NOWHERE = 1e-12
# What is closer to 0 is 0: below, floats have fewer digits.
NOTHING = 1e-290
# An explicit part is no longer than h |lambda| = 2: so it amplifies nothing that does not grow of
# itself. Beyond that a tolerance holds what it sees; but parts are taken once more, and rounding,
# of which it sees nothing there, would grow from part to part to any size.
STABLE = 2.0
# What looks at the rates are apart by rounding, beside what they look at, tells of no rate.
UNSEEN = 1e-12
# Stiffness keeps parts short where for all that is seen of errors they could come to 2.5. So many
# are too many, where never so many others in a row are between them.
STRAINED, MANY, CALM = 2.5, 500, 6


class GivesWay(Exception):
    """Stiffness alone keeps parts short, or none is short enough: another method takes over."""


class NoParts(NotAtPointsError):
    """A step has no parts that keep the tolerance.

    Where that is since a value is no number in any of them, however short, ``lost`` says which: the
    step and the slot that it is in.
    """

    def __init__(
        self, message: str, points: Sequence[int] = (), lost: tuple[int, int] | None = None
    ) -> None:
        super().__init__(message, points)
        self.lost = lost

    def of(self, points: Sequence[int]) -> NoParts:
        """The same, known of other points."""
        return type(self)(str(self), points, self.lost)


class TooManyParts(NoParts):
    """A step takes more parts than are taken."""


@dataclass(frozen=True)
class Demand:
    """How good a part has to be: an estimate of order ``order`` is at most ``tolerance`` of sizes.

    ``estimates`` are the places of the estimates, ``own`` those of what each is of, and ``moving``
    says which are of tangents. ``strains`` are the places of what tells of stiffness: ``TURNED``,
    ``APART``, and that of what they are of. Where it ``gives_way`` another method can take over.
    """

    tolerance: float
    order: int
    estimates: Ints
    own: Ints
    strains: Ints
    moving: Bools
    gives_way: bool

    @classmethod
    def of(cls, plan: Loop, tolerance: float, method: Method) -> Demand:
        """What a plan records are variables, and stages that tell how good a step of them is."""
        place = {plan.slots[j]: j for j in plan.recorded}
        owners = [slot for slot in place if not is_inner(slot.variable)]

        def places(stages: Callable[[Variable], Sequence[Stage]], count: int) -> Ints:
            """The places of stages of each variable, and its own, (count + 1, variables)."""
            slots = [[*(Slot(s.lane, k) for k in stages(owner_of(s.variable))), s] for s in owners]
            # A stage that is 0 for good has no place, and tells nothing.
            rows = [[place[s] for s in row] for row in slots if place.keys() >= {*row}]
            return np.array([r for r in rows if len(r) > count], int).reshape(-1, count + 1).T

        estimates, own = places(lambda v: (method.error(v),), 1)
        tangents = {j for group in plan.scales for j in group}
        moving = np.array([j in tangents for j in own], dtype=bool)
        order, gives_way = cast(int, method.estimates), bool(method.stiff)
        strains = places(method.strain, 2)
        return cls(tolerance, order, estimates, own, strains, moving, gives_way)

    def excess(self, before: Floats, after: Floats, peaks: Floats, is_short: Bools) -> Floats:
        """By what factor each point misses it, (points,), 0 to infinity.

        What was 0 until now and grows as a high power of the time is never right beside its size,
        however short a part is: in a part that ``is_short`` (points,), of no account, it passes.
        """
        errors = abs(after[self.estimates])
        size = _size(before[self.own], after[self.own], peaks[self.own])
        missed = errors / (self.tolerance * size)
        missed[(errors <= NOTHING) | ((peaks[self.own] == 0.0) & is_short)] = 0.0
        # A derivative that is not there says nothing of a length; a value that is not, all.
        strange = ~np.isfinite(missed)
        missed = np.where(strange, np.where(self.moving[:, None], 0.0, np.inf), missed)
        worst: Floats = missed.max(axis=0)
        return worst

    def strain(self, before: Floats, after: Floats, peaks: Floats) -> Floats:
        """The length of a part beside the fastest rate, h |lambda|, of each point; 0 if unseen."""
        *looks, own = self.strains
        size = _size(before[own], after[own], peaks[own])
        turned, apart = (np.sqrt(np.nansum((after[j] / size) ** 2, axis=0)) for j in looks)
        is_seen = apart > UNSEEN
        strain: Floats = np.divide(turned, apart, out=np.zeros_like(turned), where=is_seen)
        return strain

    def factor(self, excess: Floats) -> Floats:
        """How much longer the next part may be."""
        with np.errstate(divide="ignore"):
            return np.clip(MARGIN * excess ** (-1.0 / (self.order + 1)), SHORTER, LONGER)


def _size(before: Floats, after: Floats, peaks: Floats) -> Floats:
    """What errors are compared with: how large numbers are, or a small part of what they were."""
    return np.maximum(np.maximum(abs(before), abs(after)), SMALL * peaks)


def too_short(
    number: int, begin: float, tolerance: float, points: Sequence[int], slot: int | None
) -> NoParts:
    """What is told of a step, begun so late, of which no part is good however short it is.

    Of those that are tried last the value in a ``slot`` is no number.
    """
    return NoParts(
        f"Near time {begin:.6g}, in step {number}, no part of a step is short "
        f"enough for the tolerance of {tolerance:g}: a value leaves the finite "
        "numbers there, or jumps, or an event makes another one happen at the same moment. "
        "End the run before, make an event of a jump, let one event set what two would, or "
        "allow more.",
        points,
        None if slot is None else (number, slot),
    )


def without_number(values: Floats, slots: Sequence[int]) -> int | None:
    """The first of the slots whose value (slots,) is no number, though no infinite one either."""
    return next((j for j in slots if np.isnan(values[j])), None)


def too_many(number: int, end: float, points: Sequence[int]) -> TooManyParts:
    """What is told of a step whose parts do not come to its end."""
    return TooManyParts(
        f"Step {number}, to time {end:.6g}, takes more than {MOST:,} attempts at "
        "parts of it. Where a rate is large beside what it leads to, an implicit method takes "
        'fewer: method="rodas4", where it is another; where a value leaves the finite numbers, or '
        "a derivative fades at such a rate, nothing helps but an earlier end; else take shorter "
        "steps dt, or a larger tolerance.",
        points,
    )
