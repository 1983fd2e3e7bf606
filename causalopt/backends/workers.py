"""How many threads compiled code runs on."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextvars import ContextVar

#: The number of threads, in place of the number of processors that this process may use.
VARIABLE = "CAUSALOPT_THREADS"

_alone: ContextVar[bool] = ContextVar("alone", default=True)


def available() -> int:
    """The number of threads: as ``CAUSALOPT_THREADS`` says, else one per processor."""
    given = os.environ.get(VARIABLE, "")
    if given.isdigit() and int(given):
        return int(given)
    if not _alone.get():
        return 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextlib.contextmanager
def one_of_many() -> Iterator[None]:
    """Within this, compiled code runs on one thread where nothing else is said: others run beside.

    >>> with one_of_many():
    ...     available() in (1, int(os.environ.get(VARIABLE, 1)))
    True
    """
    token = _alone.set(False)
    try:
        yield
    finally:
        _alone.reset(token)
