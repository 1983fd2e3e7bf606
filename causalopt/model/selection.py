"""Which nodes are meant: keys, and stretches of steps of them."""

from __future__ import annotations

import sys
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace

from causalopt.ground.errors import QueryError
from causalopt.language.subspaces import Subspace

#: A variable of a system, or the label of a network's node.
Key = Hashable

#: Where a set of nodes ends that is named without a run to end it.
ENDLESS = sys.maxsize


def parameter_message(parameter: Key) -> str:
    """What to write in place of an intervention on a parameter, which is no node."""
    return (
        f"{parameter} is a parameter, which has one value for the whole run, and no node: give it "
        f"another with with_parameters({{{parameter}: ...}}), or many with over={{{parameter}: "
        "[...]}."
    )


@dataclass(frozen=True)
class Stretch:
    """Nodes of one key over ``start <= step < stop``; in a network without time, step 0 alone.

    Of nodes that hold arrays, it may be a ``part`` that is meant.
    """

    key: Key
    start: int
    stop: int
    part: Subspace | None = field(default=None, repr=False)

    def overlaps(self, other: Stretch) -> bool:
        """Whether some node, or a part of it, is in both."""
        together = max(self.start, other.start) < min(self.stop, other.stop)
        if self.key != other.key or not together:
            return False
        return self.part is None or other.part is None or self.part.overlaps(other.part)

    def covers(self, other: Stretch) -> bool:
        """Whether all of the other one, where steps are shared, lies in this one."""
        return self.overlaps(other) and (self.part is None or self.part == other.part)

    def holds(self, key: Key, step: int) -> bool:
        """Whether a node is one of these, as a whole."""
        return self.key == key and self.start <= step < self.stop and self.part is None


def held_together(stretches: Sequence[Stretch]) -> tuple[Stretch, ...]:
    """The same, where parts that see one another are one part: they are meant at once.

    Held one after the other, what is held last would move what was held first.
    """
    if all(at.part is None or at.part.is_entries for at in stretches):
        return tuple(stretches)
    left, found = list(dict.fromkeys(stretches)), []
    while left:
        first = left.pop(0)
        while first.part is not None:
            near = next((at for at in left if _see_one_another(first, at)), None)
            if near is None or near.part is None:
                break
            if (near.start, near.stop) != (first.start, first.stop):
                raise QueryError(
                    f"{first.key}.{first.part} and {near.key}.{near.part} are named together over "
                    "different steps: name them over the same ones, or one after the other."
                )
            left.remove(near)
            first = replace(first, part=first.part.joined(near.part))
        found.append(first)
    return tuple(found)


def _see_one_another(one: Stretch, other: Stretch) -> bool:
    """Whether holding a part moves what another one holds; entries leave one another alone."""
    if one.part is None or other.part is None or (one.part.is_entries and other.part.is_entries):
        return False
    return one.overlaps(other)
