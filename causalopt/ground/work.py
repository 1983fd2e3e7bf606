"""Limits on work: calls of functions are counted, since seconds depend on how busy a machine is."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import sys
import threading
import types
from collections.abc import Callable, Iterator
from typing import Any

import mpmath
from sympy.core.parameters import global_parameters

from causalopt.ground.errors import TooLargeError

LIMIT = 60.0  # millions of calls, for one step of a derivation
FORMULAS = 6.0  # the same for one rewriting of a formula that stands in a model: seconds
MILLION = 1_000_000
_TOOL = 4  # among the numbers that sys.monitoring leaves to whoever takes one


class Exhausted(BaseException):
    """A limit was reached. Not an Exception, so that no handler inside sympy can swallow it."""


@dataclasses.dataclass
class Meter:
    """The calls of one piece of work in one thread, and the number at which it is stopped.

    ``whole`` is what all of it may take, ``reached`` whether a limit within it was met.
    """

    whole: float
    thread: int = dataclasses.field(default_factory=threading.get_ident)
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
_meters: list[Meter] = []  # of all threads; the limits within one share it


@contextlib.contextmanager
def measured(limit: float = LIMIT) -> Iterator[Meter]:
    """Count the calls in this block, which may take ``limit`` millions of them in all.

    >>> with measured(0.001) as meter:
    ...     try:
    ...         with at_most(0.5):
    ...             sum(abs(k) for k in range(10_000))
    ...     except Exhausted:
    ...         print(500 < meter.calls < 510, meter.reached)
    True True
    """
    meter = Meter(limit * MILLION)
    before = sys.gettrace()
    _meters.append(meter)
    _tell_of_calls(meter.count)
    try:
        yield meter
    finally:
        _meters.remove(meter)
        _tell_of_calls(before)  # a debugger's perhaps, or that of the block around


@contextlib.contextmanager
def at_most(share: float) -> Iterator[None]:
    """Raise ``Exhausted`` inside the block after a share of the work that all of it may take.

    Blocks may be nested: what the inner one takes is taken from the outer one too.
    """
    meter = _meter_here()
    if meter is None:  # asked for by itself, and not for a step
        with measured(), at_most(share):
            yield
        return
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


@contextlib.contextmanager
def bounded(what: str, instead: str, limit: float = FORMULAS) -> Iterator[None]:
    """Stop what sympy does with formulas of a model where it takes too much.

    Raises
    ------
    TooLargeError
        With what was too large, and what to do instead.
    """
    try:
        with measured(limit), at_most(1):
            yield
    except Exhausted:
        raise TooLargeError(
            f"{what} takes more than {limit:g} million calls of functions in sympy: {instead}."
        ) from None


def _meter_here() -> Meter | None:
    here = threading.get_ident()
    return next((meter for meter in reversed(_meters) if meter.thread == here), None)


#: Who is told of calls.
_Listener = Callable[..., Any]


def _tell_of_calls(listener: _Listener | None) -> None:
    """Have Python call the listener at every start of a function in this thread, or no one."""
    if sys.version_info < (3, 12):
        # a tracer makes all twice as slow; it returns None, so that it is told of calls alone
        sys.settrace(listener)
        return
    watch, starts = sys.monitoring, sys.monitoring.events  # slower by a tenth
    if watch.get_tool(_TOOL) is None:
        watch.use_tool_id(_TOOL, __name__)
    for start in (starts.PY_START, starts.PY_RESUME):
        watch.register_callback(_TOOL, start, _count_here)
    watch.set_events(_TOOL, starts.PY_START | starts.PY_RESUME if _meters else 0)


def _count_here(code: types.CodeType, place: int) -> None:
    # told of all threads at once: each has its own
    meter = _meter_here()
    if meter is not None:
        meter.count(code)
