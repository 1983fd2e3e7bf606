"""Names for what a file has no name for: parts of macros, draws, and sums in sums."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from causalopt.exchange.dynamics.syntax import key_of


@dataclass
class NewLabels:
    """Names that are made; ``taken`` are the keys of all that there are.

    >>> labels = NewLabels({"sum in y"})
    >>> labels.label("SUM in x"), labels.label("SUM in y"), labels.label("SUM in y")
    ('SUM in x', 'SUM in y (2)', 'SUM in y (3)')
    """

    taken: set[str]
    # How often each was asked for, so that a free one is looked for once.
    counts: Counter[str] = field(default_factory=Counter)

    def label(self, text: str) -> str:
        """A name that no variable has: with a number, where it is taken."""
        while True:
            self.counts[text] += 1
            number = self.counts[text]
            label = text if number == 1 else f"{text} ({number})"
            if key_of(label) not in self.taken:
                self.taken.add(key_of(label))
                return label
