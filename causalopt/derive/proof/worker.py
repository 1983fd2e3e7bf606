"""A process that judges steps, so that a step that never ends can be stopped for sure.

sympy cannot be interrupted reliably from within: the limit on time is held by killing the worker.
It is a plain child with two pipes, not a fork, so that it works from notebooks, from threads and
from scripts without a main guard.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import pickle
import subprocess
import sys
import threading
import types
from collections.abc import Iterator
from typing import IO, Any

from causalopt.derive.proof.judging import Task, judge
from causalopt.derive.statement.steps import Status
from causalopt.derive.statement.verdict import Verdict, leave_open

MEMORY = 4 * 2**30  # bytes that the worker may take
STARTUP = 60.0  # seconds that a worker may take to import sympy
BOOTSTRAP = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from causalopt.derive.proof.worker import serve; serve()"
)


class Worker:
    """Judges one step after the other; after a kill, the next step gets a fresh process.

    >>> import sympy as sp
    >>> from causalopt.derive.statement.givens import Given
    >>> from causalopt.derive.statement.steps import Equal
    >>> x = sp.Symbol("x", real=True)
    >>> with Worker() as worker:
    ...     worker.judge(Task(Equal(x + x, 2 * x), (Given(x),)), 20).status
    <Status.PROVED: 'proved'>
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        self.close()

    def judge(self, task: Task, limit: float) -> Verdict:
        """The verdict on a task; undecided, with what was found so far, after ``limit`` seconds."""
        process = self._running()
        last: Verdict = leave_open("")
        # the kill closes the pipes, and with that ends the reading below, whatever sympy is at
        timer = threading.Timer(limit, process.kill)
        timer.start()
        try:
            _send(_pipe(process.stdin), task)
            while True:
                answer: tuple[bool, Verdict] = _receive(_pipe(process.stdout))
                done, last = answer
                if done:
                    return last
        except (EOFError, OSError, pickle.UnpicklingError):
            self.close()
            return _out_of_time(last, limit)
        except BaseException:  # a user's interrupt: leave no worker behind
            self.close()
            raise
        finally:
            timer.cancel()

    def close(self) -> None:
        """End the process, whatever it is doing."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for stream in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                _pipe(stream).close()
        process.wait()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.close()
            # the path of this process, so that the child finds the same package and no other
            self._process = subprocess.Popen(
                [sys.executable, "-c", BOOTSTRAP, json.dumps(sys.path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            timer = threading.Timer(STARTUP, self._process.kill)
            timer.start()
            try:
                _receive(_pipe(self._process.stdout))
            except EOFError:
                self.close()
                raise RuntimeError(
                    f"the checker's process did not start: {sys.executable} cannot import causalopt"
                ) from None
            finally:
                timer.cancel()
        return self._process


_idle: list[tuple[int, Worker]] = []  # at most one, with the process that it belongs to
_lock = threading.Lock()


@contextlib.contextmanager
def borrow() -> Iterator[Worker]:
    """A worker that is kept for the next one to ask, since starting one takes half a second."""
    with _lock:
        owner, worker = _idle.pop() if _idle else (os.getpid(), Worker())
    if owner != os.getpid():  # a fork has copied it: its pipes are the parent's
        worker = Worker()
    try:
        yield worker
    except BaseException:
        worker.close()
        raise
    with _lock:
        if not _idle:
            _idle.append((os.getpid(), worker))
            return
    worker.close()


@atexit.register
def _close_idle() -> None:
    while _idle:
        owner, worker = _idle.pop()
        if owner == os.getpid():
            worker.close()


def _out_of_time(last: Verdict, limit: float) -> Verdict:
    if last.status is Status.REFUTED:  # only its correction was still being looked for
        return last
    reason = f"not decided within {limit:g} seconds"
    return leave_open(reason, last.remains, last.held_at)


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise EOFError
    return stream


def _send(stream: IO[bytes], what: object) -> None:
    data = pickle.dumps(what)
    # the length first: a message that was cut off by a kill is then known for what it is
    stream.write(len(data).to_bytes(8, "big") + data)
    stream.flush()


def _receive(stream: IO[bytes]) -> Any:
    head = stream.read(8)
    size = int.from_bytes(head, "big")
    data = stream.read(size)
    if len(head) < 8 or len(data) < size:
        raise EOFError
    return pickle.loads(data)


def serve() -> None:
    """What the child does: read tasks from its input, write verdicts to its output."""
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # whatever prints must not get between the verdicts
    _bound_memory()
    sys.setrecursionlimit(5000)  # expressions at the limit of depth, through sympy's layers
    _send(sink, "ready")
    while True:
        try:
            task = _receive(source)
        except EOFError:
            return
        _send(sink, (True, _judge_safely(task, sink)))


def _judge_safely(task: Task, sink: IO[bytes]) -> Verdict:
    try:
        return judge(task, lambda so_far: _send(sink, (False, so_far)))
    except MemoryError:
        return leave_open("checking it takes more memory than a step may")
    except RecursionError:
        return leave_open("the expression is nested too deep for sympy")
    except Exception as error:  # a failure of sympy leaves the step open, and says so
        return leave_open(f"sympy failed: {type(error).__name__}: {str(error)[:200]}")


def _bound_memory() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource  # not on every system

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
