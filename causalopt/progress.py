"""Progress of long work: a bar on the terminal, shown only where somebody asked for one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

_SECONDS_BEFORE_SHOWING = 2.0
_shown: ContextVar[bool] = ContextVar("shown", default=False)


@contextlib.contextmanager
def shown() -> Iterator[None]:
    """Within this block, work that takes longer than two seconds shows a bar."""
    token = _shown.set(True)
    try:
        yield
    finally:
        _shown.reset(token)


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
        unit=what.rstrip("s"),
        unit_scale=steps.step if steps.step > 1 else False,
        delay=_SECONDS_BEFORE_SHOWING,
        leave=False,
        disable=None,
    )
