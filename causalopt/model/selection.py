"""Which nodes are meant: keys, and stretches of steps of them."""

from __future__ import annotations

import sys
from collections.abc import Hashable
from dataclasses import dataclass

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
    """Nodes of one key over ``start <= step < stop``; in a network without time, step 0 alone."""

    key: Key
    start: int
    stop: int

    def overlaps(self, other: Stretch) -> bool:
        """Whether some node is in both."""
        return self.key == other.key and max(self.start, other.start) < min(self.stop, other.stop)

    def holds(self, key: Key, step: int) -> bool:
        """Whether a node is one of these."""
        return self.key == key and self.start <= step < self.stop
