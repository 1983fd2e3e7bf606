"""Progress of long work: a bar on the terminal, shown only where somebody asked for one."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextvars import ContextVar
from typing import TypeVar

Task = TypeVar("Task")

_SECONDS_BEFORE_SHOWING = 2.0
_SECONDS_BETWEEN_BEATS = 1.0
_shown: ContextVar[bool] = ContextVar("shown", default=False)
_since: ContextVar[float] = ContextVar("since", default=0.0)


@contextlib.contextmanager
def shown(wanted: bool = True) -> Iterator[None]:
    """Within this block, work that takes longer than two seconds shows a bar."""
    token, start = _shown.set(wanted), _since.set(time.monotonic())
    try:
        yield
    finally:
        _shown.reset(token)
        _since.reset(start)


def track(steps: range, what: str) -> Iterator[int]:
    """The steps, with a bar and the time remaining where bars are shown.

    Where the range has strides, each of them counts as that many steps.

    >>> list(track(range(3), "steps"))
    [0, 1, 2]
    """
    if not _shown.get():
        yield from steps
        return
    from tqdm import tqdm

    # disable=None: no bar where the output is not a terminal.
    yield from tqdm(
        steps,
        desc=what,
        unit=_one(what),
        unit_scale=steps.step if steps.step > 1 else False,
        delay=_SECONDS_BEFORE_SHOWING,
        leave=False,
        disable=None,
    )


def counted(work: Iterable[Task], total: int, done: int, what: str) -> Iterator[Task]:
    """Pieces of work as they are finished, of which some were done before, with a bar.

    >>> list(counted(iter(["c"]), 3, 2, "chunks"))
    ['c']
    """
    if not _shown.get():
        yield from work
        return
    from tqdm import tqdm

    yield from tqdm(
        work,
        total=total,
        initial=done,
        desc=what,
        unit=_one(what),
        delay=_SECONDS_BEFORE_SHOWING,
        leave=False,
        disable=None,
    )


def pieces(work: Sequence[Task], what: str) -> Iterator[Task]:
    """A few long pieces of work, with a bar that moves on also while one of them takes long.

    >>> list(pieces(["one", "two"], "claims"))
    ['one', 'two']
    """
    if not _shown.get() or not sys.stderr.isatty():
        yield from work
        return
    from tqdm import tqdm

    over = threading.Event()

    def beat() -> None:
        if not over.wait(_SECONDS_BEFORE_SHOWING):
            while not over.wait(_SECONDS_BETWEEN_BEATS):
                bar.refresh()

    with tqdm(work, desc=what, unit=_one(what), delay=_SECONDS_BEFORE_SHOWING, leave=False) as bar:
        heart = threading.Thread(target=beat, daemon=True)
        heart.start()
        try:
            yield from bar
        finally:
            over.set()
            heart.join()
            bar.clear()


@contextlib.contextmanager
def above() -> Iterator[None]:
    """Text that is printed within this block goes above the bars."""
    # To write above bars draws them: those of short work are not to flash up.
    if not _shown.get() or time.monotonic() - _since.get() < _SECONDS_BEFORE_SHOWING:
        yield
        return
    from tqdm import tqdm

    with tqdm.external_write_mode(file=sys.stdout):
        yield


def _one(what: str) -> str:
    return what.removesuffix("es") if what.endswith("ches") else what.removesuffix("s")
