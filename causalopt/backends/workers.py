"""The threads that compiled code runs on: how many there are, and how they share work."""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar
from typing import Generic, TypeVar

Job = TypeVar("Job")
Made = TypeVar("Made")

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


def shared(
    jobs: Sequence[Job], work: Callable[[Job], Made], threads: int, halt: Callable[[], object]
) -> Generator[Made, None, None]:
    """What is made of jobs, in their order, by so many threads, of which the one that asks is one.

    Where it ends early, by an error, by Ctrl-C or since no more is asked for, work that has begun
    is told to ``halt`` and waited for. Of errors the first in the order of the jobs is raised.

    >>> list(shared([1, 2, 3], lambda job: job * job, threads=2, halt=lambda: None))
    [1, 4, 9]
    """
    share = _Share(work, deque((job, Future()) for job in jobs))
    with ThreadPoolExecutor(max(1, threads - 1)) as beside:
        waiting = deque(future for _, future in share.left)
        for _ in range(min(threads, len(jobs)) - 1):
            beside.submit(share.work_off)
        try:
            while waiting:
                coming = waiting.popleft()
                while not coming.done() and share.take_one():
                    pass
                yield coming.result()
        finally:
            share.left.clear()
            halt()


class _Share(Generic[Job, Made]):
    """Work that is left, which each thread takes from the front."""

    def __init__(self, work: Callable[[Job], Made], left: deque[tuple[Job, Future[Made]]]) -> None:
        self.work = work
        self.left = left

    def take_one(self) -> bool:
        """Do what is in front; whether there was something."""
        try:
            job, made = self.left.popleft()
        except IndexError:
            return False
        try:
            made.set_result(self.work(job))
        except BaseException as error:
            made.set_exception(error)
            # Ctrl-C is heard at once, by the thread that asks.
            if not isinstance(error, Exception):
                raise
        return True

    def work_off(self) -> None:
        """Do all that is left."""
        while self.take_one():
            pass
