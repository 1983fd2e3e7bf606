"""Stopping one computation early inside the worker, which runs nothing but the checker."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType


class TookTooLong(BaseException):
    """Not an Exception, so that no handler inside sympy can swallow it."""


@contextlib.contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raise ``TookTooLong`` inside the block after some seconds.

    Where signals cannot be had (another thread, another system) this does nothing: the worker is
    killed from outside at the limit of the whole step, whatever happens here. Blocks may be nested:
    the time of an outer one runs on inside the inner one, and rings after it at the latest.
    """
    if not hasattr(signal, "setitimer") or (
        threading.current_thread() is not threading.main_thread()
    ):
        yield
        return

    def ring(number: int, frame: FrameType | None) -> None:
        raise TookTooLong

    # the system has one timer: an inner block takes it over, and hands back what is left of it
    start = time.monotonic()
    before = signal.signal(signal.SIGALRM, ring)
    outer, _ = signal.getitimer(signal.ITIMER_REAL)
    signal.setitimer(signal.ITIMER_REAL, min(seconds, outer) if outer else seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if outer:
            left = outer - (time.monotonic() - start)
            signal.setitimer(signal.ITIMER_REAL, max(left, 1e-3))
