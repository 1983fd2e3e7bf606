"""What a loop does around its block, and how its lines are named and set."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from causalopt.ground.scaled import RatioForm
from causalopt.plan import Block, Loop, Remembered


@dataclass(frozen=True)
class Shape:
    """What a loop does around its block: the places of slots in the block's state.

    ``values`` are checked to be finite, each group of ``scales`` is rescaled by one power of two,
    and ``recorded`` are kept, or the ``quotients`` of pairs of tangents, in a
    ``form``. ``noises`` counts the
    arguments, the last but for the time, that are drawn afresh at each step. What is in ``chains``
    is moved on in memory, not computed.
    """

    values: tuple[int, ...]
    scales: tuple[tuple[int, ...], ...]
    recorded: tuple[int, ...]
    noises: int = 0
    chains: tuple[Remembered, ...] = ()
    quotients: tuple[tuple[int, int], ...] = ()
    form: RatioForm = RatioForm.SCALED

    @classmethod
    def of(cls, plan: Loop) -> Shape:
        """That of a plan's loops."""
        pairs = tuple((plan.recorded[x], plan.recorded[y]) for x, y in plan.quotients)
        rest = len(plan.noises), plan.chains, pairs, plan.form
        return cls(plan.value_slots, plan.scales, plan.recorded, *rest)

    def computed(self, slots: int) -> list[int]:
        """The places of the slots that a step computes: all but those in chains."""
        chained = {j for chain in self.chains for j in chain.places}
        return [j for j in range(slots) if j not in chained]

    def looked_at(self, block: Block) -> list[int]:
        """The places of the slots in chains that a step looks at."""
        places = [j for chain in self.chains for j in chain.places]
        if not places:
            return places
        formulas = [e for _, e in block.assignments]
        formulas += [block.results[j] for j in self.computed(len(block.results))]
        seen = set().union(*(formula.free_symbols for formula in formulas))
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
        group_of = self.group_of
        return tuple((j, group_of[j]) for j in self.recorded if j in group_of)

    @property
    def group_of(self) -> dict[int, int]:
        """The group of each tangent."""
        return {j: k for k, group in enumerate(self.scales) for j in group}

    def values_recorded(self, slot: Callable[[int], str]) -> list[str]:
        """What is recorded, by how a ``slot`` is written: x, or x / y.

        A zero below has no sign, and tangents are close enough to 1 for a quotient of all digits.
        """
        if self.quotients:
            return [f"{slot(x)} / ({slot(y)} + 0.0)" for x, y in self.quotients]
        return [slot(j) for j in self.recorded]

    def powers_recorded(self, power: Callable[[int, int], str]) -> list[str]:
        """The powers beside it, by how that of a slot, of a group, is written."""
        if self.quotients:
            group_of = self.group_of
            both = [[power(j, group_of[j]) for j in pair] for pair in self.quotients]
            return [f"{above} - {below}" for above, below in both]
        return [power(j, k) for j, k in self.powers]


def named(letter: str, places: Iterable[int]) -> list[str]:
    """The names of some numbers: s0, s1, ..."""
    return [f"{letter}{j}" for j in places]


def indented(depth: int, lines: Iterable[str]) -> list[str]:
    """Lines further in."""
    return ["    " * depth + line for line in lines]


def joined(*parts: str | Iterable[str]) -> str:
    """Lines, and lists of lines, as one text."""
    lines: list[str] = []
    for part in parts:
        lines.extend([part] if isinstance(part, str) else part)
    return "\n".join(lines) + "\n"
