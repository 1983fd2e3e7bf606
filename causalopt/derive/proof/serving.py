"""What the checker's process does: each step is judged by a copy of it, which a limit can end.

A copy knows what sympy knew when it was loaded, and nothing of the steps before: so the calls that
a step takes, and with them its verdict, are its own. The process itself runs no mathematics, and so
hears at once that its parent has gone.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from typing import IO, Any

from sympy import Abs, Symbol, exp, simplify, sin, solve
from sympy.core import random

from causalopt.derive.proof.judging import Task, judge
from causalopt.derive.statement.verdict import Progress, Verdict, exhaust, leave_open
from causalopt.ground.work import Exhausted, at_most, measured

MEMORY = 4 * 2**30  # bytes that judging a step may take
#: Seconds of the processor after which a step is ended that makes no calls, inside one enormous
#: product say: for each million calls that it may make, ten times and more of what these take.
NET, LEAST_NET = 10.0, 3.0

#: Whether it is the last word on a step, and the verdict; None where there is none.
Message = tuple[bool, Verdict | None]


def send(stream: IO[bytes], what: object) -> None:
    """Write one message to a pipe."""
    data = pickle.dumps(what)
    # the length first: a message that was cut off is then known for what it is
    stream.write(len(data).to_bytes(8, "big") + data)
    stream.flush()


def receive(stream: IO[bytes]) -> Any:
    """Read one message from a pipe.

    Raises
    ------
    EOFError
        Where the other end has gone.
    """
    return pickle.loads(_receive_bytes(stream))


def _receive_bytes(stream: IO[bytes]) -> bytes:
    head = stream.read(8)
    size = int.from_bytes(head, "big")
    data = stream.read(size)
    if len(head) < 8 or len(data) < size:
        raise EOFError
    return data


def serve() -> None:
    """Read tasks from the input, write verdicts to the output, until the input ends."""
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # whatever prints must not get between the verdicts
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is told too, and closes the input
    sys.setrecursionlimit(5000)  # expressions at the limit of depth, through sympy's layers
    _warm_up()
    send(sink, "ready")
    attend = _attend_copy if hasattr(os, "fork") else _attend
    with contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            attend(_receive_bytes(source), lambda message: send(sink, message))


def _warm_up() -> None:
    """Have sympy load what it loads on first use, once for all copies."""
    x = Symbol("x", real=True)
    simplify(sin(x) ** 2 + exp(Abs(x)))
    solve(x**2 - 2, x)


def _attend(order: bytes, answer: Callable[[Message], None]) -> None:
    task, limit = pickle.loads(order)
    bound(limit)
    answer((True, judge_within(task, limit, lambda so_far: answer((False, so_far)))))


def _attend_copy(order: bytes, answer: Callable[[Message], None]) -> None:
    """Have a copy of this process judge a step, and hand on what it says until it ends."""
    reader, writer = multiprocessing.Pipe(duplex=False)
    copy = os.fork()
    if copy == 0:
        _judge_and_leave(order, writer)
    writer.close()
    try:
        while (message := _next_message(reader)) is not None:
            answer(message)
            if message[0]:
                return
        answer((True, None))  # it was ended from outside
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(copy, signal.SIGKILL)
        os.waitpid(copy, 0)
        reader.close()


def _next_message(reader: Connection) -> Message | None:
    """What the copy says next, or None where it has ended without the last word."""
    # the parent sends nothing while it waits: its end of the pipe shows only that it has gone
    if sys.stdin.fileno() in wait([reader, sys.stdin.fileno()]):
        raise EOFError
    try:
        message: Message = reader.recv()
    except (EOFError, OSError):
        return None
    return message


def _judge_and_leave(order: bytes, writer: Connection) -> None:
    """All that a copy does; it leaves without the clean-up that is its original's to do."""
    try:
        _attend(order, writer.send)
    finally:
        os._exit(0)


def judge_within(task: Task, limit: float, progress: Progress) -> Verdict:
    """The verdict on a task; after ``limit`` millions of calls what was found so far."""
    last = [leave_open("")]

    def tell(so_far: Verdict) -> None:
        last.append(so_far)
        progress(so_far)

    random.seed(task.seed)  # sympy's own
    with measured(limit) as meter:
        verdict = _judge_safely(task, tell, last)
    # as a share of what a step may take a route has its own limit: it may have been that one
    return (
        exhaust(verdict, f"stopped at the limit on work, {limit:g}") if meter.reached else verdict
    )


def _judge_safely(task: Task, progress: Progress, last: list[Verdict]) -> Verdict:
    try:
        with at_most(1):
            return judge(task, progress)
    except Exhausted:
        return last[-1]
    except MemoryError:
        return exhaust(last[-1], "checking it takes more memory than a step may")
    except RecursionError:
        return leave_open("the expression is nested too deep for sympy")
    except Exception as error:  # a failure of sympy leaves the step open, and says so
        return leave_open(f"sympy failed: {type(error).__name__}: {str(error)[:200]}")


def bound(limit: float) -> None:
    """Bound this process's memory, and its time where it may not come to make any calls."""
    with contextlib.suppress(ImportError):
        import resource  # not on every system

        seconds = int(max(LEAST_NET, NET * limit))
        for kind, most in (
            (resource.RLIMIT_AS, MEMORY),
            (resource.RLIMIT_CPU, seconds),
            (resource.RLIMIT_CORE, 0),
        ):
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(kind, (most, most))
