"""Timing side by side: contestants take turns, so that whatever else the machine does hits all."""

from __future__ import annotations

import gc
import resource
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Run = Callable[[], Any]


@dataclass(frozen=True)
class Times:
    """Seconds of several runs of one contestant."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def spread(self) -> str:
        """The range of the middle half."""
        ordered = sorted(self.seconds)
        quarter = len(ordered) // 4
        return f"{ordered[quarter]:.4g} to {ordered[-1 - quarter]:.4g}"


def alternate(
    runs: Mapping[str, Run],
    rounds: int,
    warm: int = 1,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, Times]:
    """The times of each contestant, one after the other in every round, the first ones thrown
    away; with ``time.process_time`` as the ``clock``, CPU seconds over all threads."""
    found: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(warm + rounds):
        for name, run in runs.items():
            gc.collect()
            begin = clock()
            run()
            if turn >= warm:
                found[name].append(clock() - begin)
    return {name: Times(tuple(seconds)) for name, seconds in found.items()}


def once(run: Run) -> tuple[float, Any]:
    """Seconds of one run, and its result."""
    begin = time.perf_counter()
    result = run()
    return time.perf_counter() - begin, result


def used() -> float:
    """CPU seconds of this process so far, over all threads, and of those that it has waited for."""
    whose = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
    return sum(each.ru_utime + each.ru_stime for each in map(resource.getrusage, whose))


def spent(run: Run) -> tuple[float, Any]:
    """CPU seconds of one run, over all threads, and its result."""
    begin = time.process_time()
    result = run()
    return time.process_time() - begin, result


def slope(sizes: Any, seconds: Sequence[float]) -> float:
    """The exponent b of seconds = a * size**b, by least squares in logarithms."""
    import numpy as np

    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])
