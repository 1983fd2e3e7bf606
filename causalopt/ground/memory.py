"""Memory: how much there is, and a refusal, before it starts, of work that would not fit."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from causalopt.ground.errors import TooLargeError

# Where a group of processes may use only a part of the machine (a container), Linux says so here.
_LIMIT = Path("/sys/fs/cgroup/memory.max")
_USED = Path("/sys/fs/cgroup/memory.current")

# So many bytes are there wherever Python is; to ask the system takes longer than small runs do.
_FITS = 1 << 22

# The bytes in which Linux has said how much is free.
_FIRST_LINES = 512


def available() -> int | None:
    """The bytes of memory that are free to use; None where the system does not say."""
    counts = [count for count in (_free(), _left_in_group()) if count is not None]
    return min(counts, default=None)


def refuse_what_does_not_fit(needed: int, what: str, remedy: str) -> None:
    """Raise ``TooLargeError`` where ``needed`` bytes are more than there are.

    >>> refuse_what_does_not_fit(10**18, "1 value at 10^17 steps", "Keep fewer.")
    Traceback (most recent call last):
    ...
    causalopt.ground.errors.TooLargeError: 1 value at 10^17 steps needs 931,322,574.6 GiB...
    """
    if needed <= _FITS:
        return
    free = available()
    if free is not None and needed > free:
        raise TooLargeError(
            f"{what} needs {needed / 2**30:,.1f} GiB of memory, and {free / 2**30:,.1f} GiB are "
            f"free. {remedy}"
        )


def _free() -> int | None:
    with contextlib.suppress(OSError, ValueError, IndexError):
        # Its first lines at once, for it is asked often, and the line is one of them.
        with Path("/proc/meminfo").open("rb", buffering=0) as lines:
            told = lines.read(_FIRST_LINES).partition(b"\nMemAvailable:")[2]
        return int(told.split(maxsplit=1)[0]) * 1024
    with contextlib.suppress(AttributeError, OSError, ValueError):
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def _left_in_group() -> int | None:
    with contextlib.suppress(OSError, ValueError):
        return int(_LIMIT.read_text()) - int(_USED.read_text())
    return None
