"""What a loop does around its block, and how its lines are named and set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from causalopt.plan import Block, Remembered


@dataclass(frozen=True)
class Shape:
    """What a loop does around its block: the places of slots in the block's state.

    ``values`` are checked to be finite, each group of ``scales`` is rescaled by one power of two,
    and ``recorded`` are kept. ``noises`` counts the arguments, the last but for the time, that are
    drawn afresh at each step. What is in ``chains`` is moved on in memory, not computed.
    """

    values: tuple[int, ...]
    scales: tuple[tuple[int, ...], ...]
    recorded: tuple[int, ...]
    noises: int = 0
    chains: tuple[Remembered, ...] = ()

    def computed(self, slots: int) -> list[int]:
        """The places of the slots that a step computes: all but those in chains."""
        chained = {j for chain in self.chains for j in chain.places}
        return [j for j in range(slots) if j not in chained]

    def looked_at(self, block: Block) -> list[int]:
        """The places of the slots in chains that a step looks at."""
        formulas = [e for _, e in block.assignments]
        formulas += [block.results[j] for j in self.computed(len(block.results))]
        seen = set().union(*(formula.free_symbols for formula in formulas))
        places = (j for chain in self.chains for j in chain.places)
        return [j for j in places if block.arguments[j] in seen]

    def moving(self, group: Sequence[int]) -> tuple[list[int], list[int]]:
        """Of a group of tangents, those that a step computes, and the numbers of its chains."""
        chained = {j for chain in self.chains for j in chain.places}
        numbers = [m for m, c in enumerate(self.chains) if c.places.start in group]
        return [j for j in group if j not in chained], numbers

    @property
    def tangents(self) -> list[int]:
        """The tangents that a step computes."""
        return [j for group in self.scales for j in self.moving(group)[0]]

    @property
    def powers(self) -> tuple[tuple[int, int], ...]:
        """The place and the group of each recorded slot that is a tangent: it has a power too."""
        group_of = {j: k for k, group in enumerate(self.scales) for j in group}
        return tuple((j, group_of[j]) for j in self.recorded if j in group_of)


def named(letter: str, places: Iterable[int]) -> list[str]:
    """The names of some numbers: s0, s1, ..."""
    return [f"{letter}{j}" for j in places]


def indented(depth: int, lines: Iterable[str]) -> list[str]:
    """Lines further in."""
    return ["    " * depth + line for line in lines]
