"""What of a system's plan is code for JAX: equal where plans differ in numbers alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sympy

from causalopt.language.trees import Structure, Tree
from causalopt.plan import UNIT, Block, Loop


@dataclass(frozen=True)
class Lasting:
    """Steps ``start <= i < stop`` that one block carries on."""

    start: int
    stop: int
    block: Block


@dataclass(frozen=True)
class Program:
    """A plan without its numbers, so that a run with other ones is compiled once.

    ``shapes`` are those of the slots. Of inputs there are the ``structures`` of trees, and whether
    one ``moves``: holds the directions of a nudge. Tangents have so many ``directions``, which go
    ``as_frame`` where only the volume that they span matters. All else is as in the plan.
    """

    shapes: tuple[tuple[int, ...], ...]
    structures: tuple[Structure | None, ...]
    moves: tuple[bool, ...]
    directions: int
    as_frame: bool
    initial: Block
    stretches: tuple[Lasting, ...]
    dt: float
    recorded: tuple[int, ...]
    scales: tuple[tuple[int, ...], ...]
    value_slots: tuple[int, ...]
    has_arrays: bool

    @property
    def tangents(self) -> frozenset[int]:
        """The slots that hold tangents."""
        return frozenset(j for group in self.scales for j in group)

    def lasting(self, block: Block) -> list[int]:
        """The value slots that stay as they are in a step, or to which something is added.

        What is not finite in them stays so, and need be looked for only after all steps.
        """
        assigned = dict(block.assignments)

        def lasts(j: int) -> bool:
            before, after = block.arguments[j], block.results[j]
            while after in assigned:
                after = assigned[after]
            return after == before or (isinstance(after, sympy.Add) and before in after.args)

        return [j for j in self.value_slots if lasts(j)]

    @property
    def may_haste(self) -> bool:
        """Whether its tangents may be looked at after some steps only: numbers are, at each."""
        return self.has_arrays and bool(self.scales) and not self.as_frame


def program_of(plan: Loop) -> Program:
    """What is compiled of a plan."""
    along = [entry.directions for entry in plan.inputs if entry.directions is not None]
    # A frame is another one after each step, and what enters later would have to follow it.
    enters = any(slot.variable == UNIT for slot in plan.slots)
    values = [entry.value for entry in plan.inputs]
    return Program(
        shapes=tuple(slot.shape for slot in plan.slots),
        # What is no array in a tree is a part of the code.
        structures=tuple(v.structure if isinstance(v, Tree) else None for v in values),
        moves=tuple(entry.directions is not None for entry in plan.inputs),
        directions=along[0].count if along else 1,
        as_frame=bool(along) and along[0].as_frame and not enters,
        initial=plan.initial,
        stretches=tuple(Lasting(s.start, s.stop, s.block) for s in plan.segments),
        dt=plan.dt,
        recorded=plan.recorded,
        scales=plan.scales,
        value_slots=plan.value_slots,
        has_arrays=plan.has_arrays,
    )


@dataclass(frozen=True)
class Piece:
    """Steps of one stretch: ``records`` times ``every`` of them, each time recorded at the end.

    Where it is not ``kept``, there is one record of all steps, which is dropped.
    """

    block: Block
    start: int
    records: int
    every: int
    kept: bool = True


def pieces_of(stretches: Sequence[Lasting], recorded: range) -> list[Piece]:
    """How a run is cut, so that no more is kept than is recorded."""
    pieces: list[Piece] = []
    for stretch in stretches:
        low, high, block = stretch.start, stretch.stop, stretch.block
        rows = recorded_in(recorded, low, high)
        if rows and rows[0] - low + 1 != rows.step:
            pieces.append(Piece(block, low, 1, rows[0] - low + 1))
            low, rows = rows[0] + 1, rows[1:]
        if rows:
            pieces.append(Piece(block, low, len(rows), rows.step))
            low = rows[-1] + 1
        if low < high:
            pieces.append(Piece(block, low, 1, high - low, kept=False))
    return pieces


def recorded_in(recorded: range, low: int, high: int) -> range:
    """The recorded steps among some.

    >>> recorded_in(range(0, 100, 10), 15, 41)
    range(20, 50, 10)
    """
    first = max(0, -(-(low - recorded.start) // recorded.step))
    last = min(len(recorded), -(-(high - recorded.start) // recorded.step))
    return recorded[first : max(first, last)]
