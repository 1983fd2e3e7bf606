"""Stopping one computation early inside the worker, which runs nothing but the checker."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


class TookTooLong(BaseException):
    """Not an Exception, so that no handler inside sympy can swallow it."""


@contextlib.contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raise ``TookTooLong`` inside the block after some seconds.

    Where signals cannot be had (another thread, another system) this does nothing: the worker is
    killed from outside at the limit of the whole step, whatever happens here.
    """
    if not hasattr(signal, "setitimer") or (
        threading.current_thread() is not threading.main_thread()
    ):
        yield
        return

    def ring(number: int, frame: FrameType | None) -> None:
        raise TookTooLong

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
