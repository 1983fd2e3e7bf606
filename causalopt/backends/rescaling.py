"""Tangents kept in range, as source text: what is checked of new values, and how they are divided.

New values are called n0, n1, ...; slots in chains, which are not computed, by their place j.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from causalopt.backends.bands import EXACT, LOW
from causalopt.backends.shape import Shape, indented, named
from causalopt.ground.scaled import LARGE


def all_finite(shape: Shape) -> str:
    """Whether the new values are all finite."""
    # x - x is 0 for what is finite, and NaN for the rest.
    return "(" + (" + ".join(f"(n{j} - n{j})" for j in shape.values) or "0.0") + " == 0.0)"


def all_plainly_tame(shape: Shape) -> str:
    """Whether the new tangents are inside the bounds and none is zero: the usual case, in brief."""
    tangents = shape.tangents
    total = " + ".join(f"abs(n{j})" for j in tangents)
    low = [f"(abs(n{j}) > {LOW!r})" for j in tangents]
    return "(" + " & ".join([f"({total} < {LARGE!r})", *low]) + ")" if tangents else "True"


def all_tame(shape: Shape) -> str:
    """Whether the new tangents are all zero or inside the bounds; NaN is not."""
    tangents = shape.tangents
    if not tangents:
        return "True"
    total = " + ".join(f"abs(n{j})" for j in tangents)
    low = [f"((abs(n{j}) > {LOW!r}) | (n{j} == 0.0))" for j in tangents]
    return "(" + " & ".join([f"({total} < {LARGE!r})", *low]) + ")"


def rescaled(shape: Shape, held: str, entering: str = "") -> list[str]:
    """Take its size, 2**f, out of each group; ``apart`` where that costs its tangents digits.

    ``held`` is slot j of a chain, and ``entering`` what is about to enter it.
    """
    groups = [_Moving.of(shape, group, held, entering) for group in shape.scales]
    return [
        *(line for k, group in enumerate(groups) for line in group.measured(k)),
        # All or none of them: a step that is not taken leaves what is remembered as it was.
        "if not apart:",
        *(f"    {line}" for k, group in enumerate(groups) for line in group.divided(k)),
        "    pass",
    ]


@dataclass(frozen=True)
class _Moving:
    """A group of tangents: the names of some, and the ranges of slots in chains of the others."""

    names: list[str]
    ranges: list[range]
    held: str

    @classmethod
    def of(cls, shape: Shape, group: Sequence[int], held: str, entering: str) -> _Moving:
        own, chains = shape.moving(group)
        names = named("n", own) + ([entering.format(m) for m in chains] if entering else [])
        return cls(names, [shape.chains[m].places for m in chains], held)

    def measured(self, scale: int) -> list[str]:
        """The power of two of the largest, f; ``apart`` where others would lose digits."""
        return [
            f"f{scale} = 0",
            "size = 0.0",
            "least = math.inf",
            "sound = 0.0",
            *(line for name in self.names for line in _compared(name)),
            *(line for places in self.ranges for line in for_each(places, _compared(self.held))),
            f"if sound != 0.0 or (size > 0.0 and (least < {EXACT!r} or least <= size * {LOW!r})):",
            "    apart = True",
            "elif size > 0.0:",
            f"    f{scale} = math.frexp(size)[1]",
        ]

    def divided(self, scale: int) -> list[str]:
        """All of them without that power."""
        divided = [f"{self.held} *= factor"]
        return [
            f"factor = math.ldexp(1.0, -f{scale})",
            *(f"{name} *= factor" for name in self.names),
            *(line for places in self.ranges for line in for_each(places, divided)),
        ]


def _compared(name: str) -> list[str]:
    return [
        f"other = abs({name})",
        "sound += other - other",
        "size = choose(other > size, other, size)",
        "least = choose((other < least) & (other > 0.0), other, least)",
    ]


def for_each(places: range, lines: Iterable[str]) -> list[str]:
    """Some lines for each slot j of a range."""
    return [f"for j in range({places.start}, {places.stop}):", *indented(1, lines)]


def in_chains(shape: Shape, line: str) -> list[str]:
    """A line for each slot j in a chain."""
    return [part for chain in shape.chains for part in for_each(chain.places, [line])]
