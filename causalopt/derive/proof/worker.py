"""A process that judges steps, so that a step that never ends can be stopped for sure.

It is a plain child with two pipes, not a fork, so that it works from notebooks, from threads and
from scripts without a main guard. It runs nothing of the working folder, and ends with its parent.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import pickle
import subprocess
import sys
import threading
import types
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from causalopt.derive.proof import apart
from causalopt.derive.proof.judging import Task
from causalopt.derive.proof.serving import Message, receive, send
from causalopt.derive.statement.verdict import Verdict, exhaust, leave_open
from causalopt.ground.errors import DerivationError
from causalopt.ground.work import LIMIT


class Worker:
    """Judges one step after the other; after a kill, the next step gets a fresh process.

    >>> import sympy as sp
    >>> from causalopt.derive.statement.givens import Given
    >>> from causalopt.derive.statement.steps import Equal
    >>> x = sp.Symbol("x", real=True)
    >>> with Worker() as worker:
    ...     worker.judge(Task(Equal(x + x, 2 * x), (Given(x),))).status
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

    def judge(self, task: Task, limit: float = LIMIT) -> Verdict:
        """The verdict on a task; exhausted, with what was found so far, where it is stopped."""
        process = self._running()
        last: Verdict = leave_open("")
        try:
            send(_pipe(process.stdin), (task, limit))
            while True:
                message: Message = receive(_pipe(process.stdout))
                done, verdict = message
                if verdict is not None:
                    last = verdict
                if done:
                    return last if verdict is not None else _ended(last)
        except (EOFError, OSError, pickle.UnpicklingError):
            self.close()
            return _ended(last)
        except BaseException:  # a user's interrupt: leave no worker behind
            self.close()
            raise

    def close(self) -> None:
        """End the process, whatever it is doing."""
        process, self._process = self._process, None
        if process is None:
            return
        for stream in (process.stdin, process.stdout):  # its sign to end what it has started
            with contextlib.suppress(OSError):
                _pipe(stream).close()
        process.wait()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._process = _start()
            try:
                receive(_pipe(self._process.stdout))
            except EOFError:
                self.close()
                raise DerivationError(
                    f"The checker's process did not start: {sys.executable} cannot load sympy, or "
                    "it was ended. Check again, or else look at how this Python is installed."
                ) from None
        return self._process


def _start() -> subprocess.Popen[bytes]:
    # as python -I would, which takes no seed of hashes: with one, sets have one order in all runs
    settings = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    return subprocess.Popen(
        [sys.executable, "-P", "-s", apart.__file__, *_installed_path()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**settings, "PYTHONHASHSEED": "0"},
    )


def _installed_path() -> list[str]:
    """Where this process finds modules, but for the working folder."""
    here = Path.cwd().resolve()
    return [e for e in sys.path if os.path.isabs(e) and Path(e).resolve() != here]


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


def _ended(last: Verdict) -> Verdict:
    """What is left of a step whose process was ended: by a limit of the system's, or by someone."""
    return exhaust(last, "its process was ended before it was decided")


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise EOFError
    return stream
