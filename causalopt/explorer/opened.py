"""What is asked in the tabs of a page: which one is open, and what its fields and buttons say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from causalopt.explorer.written import finite_written, whole_written

#: The most steps before and after a split, and the most of a graph that is unrolled.
MOST_PUSHED, MOST_UNROLLED = 100, 40
_SINGLE = ("tab", "unrolled", "before", "after", "low", "high")
#: What an address may have of it.
KEYS = (*_SINGLE, "ask", "mass")


@dataclass(frozen=True)
class Opened:
    """The open ``tab``, and what has been ``ask``ed by its button; None is left to the page.

    ``masses`` are those of a finite world as they are written, ``before`` and ``after`` the steps
    before its split and after it. ``low`` and ``high`` are the ends of an interval that is watched.
    ``unrolled`` is how many steps the graph shows.

    >>> Opened.of([("tab", "tables"), ("mass", "1/3"), ("mass", "2/3"), ("after", "2")]).masses
    ('1/3', '2/3')
    """

    tab: str | None = None
    ask: tuple[str, ...] = ()
    masses: tuple[str, ...] | None = None
    before: int | None = None
    after: int | None = None
    low: float | None = None
    high: float | None = None
    unrolled: int | None = None

    @classmethod
    def of(cls, pairs: Sequence[tuple[str, str]]) -> Opened:
        """What the names and values of an address say; ``QueryError`` for what is no number."""
        single = {key: value for key, value in pairs if key in _SINGLE and value}
        masses = tuple(value for key, value in pairs if key == "mass")
        low, high = (
            finite_written(key, single[key]) if key in single else None for key in ("low", "high")
        )
        return cls(
            tab=single.get("tab"),
            ask=tuple(value for key, value in pairs if key == "ask" and value),
            masses=masses or None,
            before=whole_written(single, "before", 0, MOST_PUSHED),
            after=whole_written(single, "after", 1, MOST_PUSHED),
            low=low,
            high=high,
            unrolled=whole_written(single, "unrolled", 1, MOST_UNROLLED),
        )

    def pairs(self) -> Iterator[tuple[str, str]]:
        """The same as names and values, of which ``of`` makes it again."""
        for key in _SINGLE:
            value = getattr(self, key)
            if value is not None:
                yield key, value if isinstance(value, str) else repr(value)
        yield from (("ask", what) for what in self.ask)
        yield from (("mass", mass) for mass in self.masses or ())


#: A page whose tabs are as it opens them.
NOTHING = Opened()
