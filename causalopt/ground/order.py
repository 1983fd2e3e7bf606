"""Things in order: each after those that it follows from, and else as they are given."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from graphlib import TopologicalSorter
from heapq import heappop, heappush
from typing import TypeVar

K = TypeVar("K", bound=Hashable)


def ordered(sources: Mapping[K, Iterable[K]]) -> list[K]:
    """The keys, each after those among them that are its sources, the first given first.

    Raises ``graphlib.CycleError`` where they go round in a circle.

    >>> ordered({"a": "cx", "b": "", "c": "b"})
    ['b', 'c', 'a']
    """
    place = {key: number for number, key in enumerate(sources)}
    keys = tuple(sources)
    sorter = TopologicalSorter(
        {key: [source for source in own if source in place] for key, own in sources.items()}
    )
    sorter.prepare()
    ready: list[int] = []
    order: list[K] = []
    while sorter.is_active():
        for key in sorter.get_ready():
            heappush(ready, place[key])
        order.append(keys[heappop(ready)])
        sorter.done(order[-1])
    return order
