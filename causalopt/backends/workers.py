"""How many threads compiled code runs on."""

from __future__ import annotations

import os

#: The number of threads, in place of the number of processors that this process may use.
VARIABLE = "CAUSALOPT_THREADS"


def available() -> int:
    """The number of threads: as ``CAUSALOPT_THREADS`` says, else one per processor."""
    given = os.environ.get(VARIABLE, "")
    if given.isdigit() and int(given):
        return int(given)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
