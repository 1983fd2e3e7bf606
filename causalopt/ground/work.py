"""Limits on work: calls of functions are counted, since seconds depend on how busy a machine is."""

from __future__ import annotations

import _weakrefset
import contextlib
import dataclasses
import gc
import inspect
import math
import sys
import threading
import types
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import mpmath
from sympy.core.parameters import global_parameters

from causalopt.ground.errors import TooLargeError

LIMIT = 60.0  # millions of calls, for one step of a derivation
FORMULAS = 6.0  # the same for one rewriting of a formula that stands in a model: seconds
MILLION = 1_000_000
CLEANING = 100_000  # calls that ``finally`` and ``__exit__`` may take on the way out
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

    def trace(self, frame: types.FrameType, event: str, arg: object) -> None:
        """One call more, told of by the interpreter with the frame that starts."""
        self.calls += 1
        if self.calls > self.stop:
            self.end(frame.f_code)

    def end(self, code: types.CodeType) -> None:
        """Raise ``Exhausted`` where a function starts; what is on the way out may then clean up."""
        # not on the way out of a block: the limit around it would never be put back
        if code.co_filename not in _BLOCKS and not _is_unheard(code):
            self.reached = True
            # a second time only where somebody swallowed it; Python 3.11 does not ask again
            self.stop = self.calls + CLEANING
            raise Exhausted


def _is_unheard(started: types.CodeType) -> bool:
    """Whether the interpreter called what runs by itself, and so drops whatever it raises.

    That is so while it takes away what nobody needs: in a generator that is closed half way, in
    ``__del__``, and in what is called back then. The next call is soon enough.
    """
    if started.co_flags & inspect.CO_GENERATOR:
        return True
    called_back = {getattr(callback, "__code__", None) for callback in gc.callbacks}
    frame: types.FrameType | None = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        if code.co_name == "__del__" or code in called_back or code.co_filename in _REFERENCES:
            return True
        frame = frame.f_back
    return False


_REFERENCES = (weakref.__file__, _weakrefset.__file__)
_BLOCKS = (__file__, contextlib.__file__)
_meters: dict[int, list[Meter]] = {}  # of each thread, the innermost last; limits in one share it


@contextlib.contextmanager
def measured(limit: float = LIMIT) -> Iterator[Meter]:
    """Count the calls in this block, which may take ``limit`` millions of them in all.

    >>> with measured(0.001) as meter:  # a thousand calls
    ...     try:
    ...         with at_most(0.5):
    ...             while True:
    ...                 (lambda: None)()
    ...     except Exhausted:
    ...         print("stopped", meter.reached, meter.calls < 1_000)
    stopped True True
    """
    meter = Meter(limit * MILLION)
    before = sys.gettrace()
    here = _meters.setdefault(meter.thread, [])
    here.append(meter)
    _tell_of_calls(meter.trace)
    try:
        yield meter
    finally:
        here.remove(meter)
        if not here:
            del _meters[meter.thread]
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
        _tell_of_calls(meter.trace)  # Python 3.11 drops a tracer that has raised


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


def is_spent() -> bool:
    """Whether what the block around may take is used up: then it was not the inner limit's fault.

    >>> with measured(0.001), at_most(1):
    ...     is_spent()
    False
    """
    meter = _meter_here()
    return meter is not None and meter.calls >= meter.stop


def _meter_here() -> Meter | None:
    here = _meters.get(threading.get_ident())
    return here[-1] if here else None


#: Who is told of calls.
_Listener = Callable[..., Any]


_thread_here = threading.get_ident


def _tell_of_calls(listener: _Listener | None) -> None:
    """Have Python call the listener at every start of a function in this thread, or no one."""
    if sys.version_info < (3, 12):
        # it returns None, so that it is told of calls alone
        sys.settrace(listener)
        return
    watch, starts = sys.monitoring, sys.monitoring.events
    if watch.get_tool(_TOOL) is None:
        watch.use_tool_id(_TOOL, __name__)
    for start in (starts.PY_START, starts.PY_RESUME):
        watch.register_callback(_TOOL, start, _count_here)
    watch.set_events(_TOOL, starts.PY_START | starts.PY_RESUME if _meters else 0)


def _count_here(code: types.CodeType, place: int) -> None:
    # told of all threads at once: each has its own. Written out, since it runs at every call
    here = _meters.get(_thread_here())
    if here:
        meter = here[-1]
        meter.calls += 1
        if meter.calls > meter.stop:
            meter.end(code)
