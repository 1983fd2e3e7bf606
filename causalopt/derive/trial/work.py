"""Limits on work: calls of functions are counted, since seconds depend on how busy a machine is."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import sys
import types
from collections.abc import Callable, Iterator

import mpmath
from sympy.core.parameters import global_parameters

LIMIT = 60.0  # millions of calls, for one step
MILLION = 1_000_000
_TOOL = 4  # among the numbers that sys.monitoring leaves to whoever takes one


class Exhausted(BaseException):
    """A limit was reached. Not an Exception, so that no handler inside sympy can swallow it."""


@dataclasses.dataclass
class Meter:
    """The calls of one piece of work, and the number of them at which it is stopped.

    ``whole`` is what all of it may take, ``reached`` whether a limit within it was met.
    """

    whole: float
    calls: int = 0
    stop: float = math.inf
    reached: bool = False

    def count(self, where: types.FrameType | types.CodeType, *event: object) -> None:
        """One call more, told of by the interpreter with the frame or the code that starts."""
        self.calls += 1
        # not on the way out of a block: the limit around it would never be put back
        if self.calls > self.stop and _file_of(where) not in _BLOCKS:
            self.reached = True
            raise Exhausted


def _file_of(where: types.FrameType | types.CodeType) -> str:
    code = where if isinstance(where, types.CodeType) else where.f_code
    return code.co_filename


_BLOCKS = (__file__, contextlib.__file__)
_meters: list[Meter] = []  # at most one: limits within limits share it


@contextlib.contextmanager
def measured(limit: float = LIMIT) -> Iterator[Meter]:
    """Count the calls in this block, in which a step may take ``limit`` millions of them.

    >>> with measured(0.001) as meter:
    ...     try:
    ...         with at_most(0.5):
    ...             sum(abs(k) for k in range(10_000))
    ...     except Exhausted:
    ...         print(500 < meter.calls < 510, meter.reached)
    True True
    """
    meter = Meter(limit * MILLION)
    outer = _meters[-1].count if _meters else None
    _meters.append(meter)
    _tell_of_calls(meter.count)
    try:
        yield meter
    finally:
        _meters.remove(meter)
        _tell_of_calls(outer)


@contextlib.contextmanager
def at_most(share: float) -> Iterator[None]:
    """Raise ``Exhausted`` inside the block after a share of the work that a step may take.

    Blocks may be nested: what the inner one takes is taken from the outer one too.
    """
    if not _meters:  # asked for by itself, and not for a step
        with measured(), at_most(share):
            yield
        return
    meter = _meters[-1]
    outer = meter.stop
    precision, evaluate = mpmath.mp.prec, global_parameters.evaluate
    meter.stop = min(outer, meter.calls + share * meter.whole)
    try:
        yield
    finally:
        meter.stop = outer
        # whoever was stopped may have had no time to put them back
        mpmath.mp.prec, global_parameters.evaluate = precision, evaluate
        _tell_of_calls(meter.count)  # Python drops a tracer that has raised


def _tell_of_calls(listener: Callable[..., None] | None) -> None:
    """Have the interpreter call the listener at every start of a function, or no one."""
    if sys.version_info < (3, 12):
        # a tracer makes all twice as slow; it returns None, so that it is told of calls alone
        sys.settrace(listener)
        return
    watch, starts = sys.monitoring, sys.monitoring.events  # slower by a tenth
    if watch.get_tool(_TOOL) is None:
        watch.use_tool_id(_TOOL, __name__)
    for start in (starts.PY_START, starts.PY_RESUME):
        watch.register_callback(_TOOL, start, listener)
    watch.set_events(_TOOL, starts.PY_START | starts.PY_RESUME if listener else 0)
