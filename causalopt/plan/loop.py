"""A plan for a system: blocks of assignments that carry all lanes from step to step."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sympy import Expr, Symbol

from causalopt.ground.scaled import RatioForm
from causalopt.language.symbols import Label, Noise
from causalopt.mechanisms.borders import Border
from causalopt.model.selection import Key
from causalopt.model.template import owner_of
from causalopt.plan.block import Block, Input
from causalopt.plan.names import Slope, Slot
from causalopt.plan.pace import WHOLE, Pace
from causalopt.plan.samples import NONE, Samples


@dataclass(frozen=True)
class Segment:
    """Steps ``start <= i < stop`` that are computed by the same block.

    The block's arguments are the state of step i - 1, the inputs, the noises and the time of step
    i - 1; its results are the state of step i. ``terms`` say the same, part by part. Where steps
    are taken in parts, ``inside`` carries all parts of one but the last.
    """

    start: int
    stop: int
    block: Block
    terms: Terms
    inside: Segment | None = None


@dataclass(frozen=True, eq=False)
class Terms:
    """A segment's block before its parts were shared: ``results`` follow from ``assigned``."""

    arguments: Sequence[Symbol]
    assigned: Mapping[Symbol, Expr]
    results: Sequence[Symbol]


@dataclass(frozen=True)
class Remembered:
    """Slots that remember: the first takes over what ``source`` was, each other the one before."""

    source: int
    places: range


@dataclass(frozen=True, eq=False)
class Loop:
    """The state as ``slots``, its first value, the segments that carry it on, and what to record.

    ``beginning`` says the same as the block ``initial``, part by part.

    ``scales`` groups the tangent slots that enter each other. A step is linear and homogeneous in
    each group, so that a backend may multiply a group by a power of two, of which it keeps count,
    or may take it in parts. ``slopes`` are the partial derivatives that the segments' terms name.
    ``recorded`` are the slots whose values are wanted, or, where there are ``quotients``, those of
    some of them by others, pairs of places among them, in a ``form``. ``noises`` are inputs with a
    new value at every step. ``value_slots`` are the places of the slots that hold values, not
    tangents, in the order in which a step computes them: of those that are not finite after a step,
    the first is where it began. Without ``steps`` all there is is the start. ``chains`` are the
    slots for what is looked back to. Where it ``has_arrays``, some slots hold arrays, or some terms
    are calls of functions. ``pace`` says whether its steps are taken in parts, ``samples`` which of
    them are looked at, for whether they are short enough, and ``borders`` at which times they are
    to be divided.
    """

    slots: tuple[Slot, ...]
    inputs: tuple[Input, ...]
    noises: tuple[Input, ...]
    initial: Block
    beginning: Terms
    segments: tuple[Segment, ...]
    steps: int
    dt: float
    recorded: tuple[int, ...]
    scales: tuple[tuple[int, ...], ...]
    slopes: Mapping[Symbol, Slope]
    value_slots: tuple[int, ...]
    chains: tuple[Remembered, ...]
    has_arrays: bool
    pace: Pace = WHOLE
    samples: Samples = NONE
    borders: frozenset[Border] = frozenset()
    quotients: tuple[tuple[int, int], ...] = ()
    form: RatioForm = RatioForm.SCALED

    @property
    def length_of_steps(self) -> int:
        """The place among the inputs of the length of a step that is taken in parts."""
        return [entry.symbol for entry in self.inputs].index(self.pace.length)

    @property
    def drawn(self) -> int:
        """The number of noises that are drawn, at each step or once."""
        return len(self.noises) + sum(isinstance(entry.label, Noise) for entry in self.inputs)

    def carried(self, wanted: Sequence[tuple[int, Key]]) -> Sequence[tuple[int, Key]]:
        """What is recorded of what is wanted: not the tangents that are 0 for good."""
        slots = [self.slots[j] for j in self.recorded]
        return [(slot.lane, slot.variable) for slot in slots]

    def culprit(self, place: tuple[int, ...]) -> tuple[int, Key]:
        """The lane and the variable of a slot, the place of a value that is not finite."""
        slot = self.slots[place[0]]
        return slot.lane, slot.variable

    def place_of(self, slope: Slope) -> tuple[int, ...]:
        """A slot of what a slope's mechanism gives."""
        variable = owner_of(slope.target.variable)
        lanes = {slot.lane: j for j, slot in enumerate(self.slots) if slot.variable == variable}
        return (lanes.get(slope.target.lane, max(lanes.values())),)

    def known(self, given: Mapping[int, float]) -> dict[Label, float]:
        """Nothing: what a variable follows from lies one step before."""
        return {}

    def kept(self, rows: int) -> tuple[int, str]:
        """How many of what a result keeps: steps, or nodes where there is no time."""
        return (rows, "steps") if self.steps else (len(self.recorded), "nodes")

    def size(self, points: int, rows: int) -> int:
        """How many numbers a run holds: the state, the inputs, and what is recorded."""
        held, recorded = self._sizes
        return points * (held + recorded * rows)

    @functools.cached_property
    def _sizes(self) -> tuple[int, int]:
        """How many numbers a run holds of a point, and how many it records of a step."""
        count = max((e.directions.count for e in self.inputs if e.directions), default=1)
        moving = {j for group in self.scales for j in group}
        sizes = [
            math.prod(slot.shape) * (count if j in moving else 1)
            for j, slot in enumerate(self.slots)
        ]
        return sum(sizes) + len(self.inputs), sum(sizes[j] for j in self.recorded)


@functools.lru_cache(maxsize=256)
def in_quotients(plan: Loop, pairs: tuple[tuple[int, int], ...], form: RatioForm) -> Loop:
    """A plan of which quotients of tangents are wanted: pairs of places among its recorded slots.

    One and the same plan each time, for what a backend makes of it is kept.
    """
    return replace(plan, quotients=pairs, form=form)
