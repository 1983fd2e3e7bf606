"""The process that computes for a page: it loads the model once, and answers line by line.

A model in Python is run here, and nowhere else. The process ends with the one that started it: when
its input ends, and, where the system can do that, when its parent is killed.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import queue
import signal
import sys
import threading
from typing import IO

from causalopt.explorer.serving import Subject, served
from causalopt.ground.errors import CausaloptError
from causalopt.study.loading import load_model

# The number of Linux's call by which a process is ended with its parent.
_PARENT_DEATH = 1


def work(model: str) -> None:
    """Load a model, tell its facts, and answer requests until the input ends."""
    _end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is told too, and ends this
    sink = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    # What a model prints must not get between the answers.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    requests = _requests(sys.stdin)
    try:
        subject = Subject.of(load_model(model), model)
    except CausaloptError as error:
        _write(sink, {"refused": str(error)})
        return
    _write(sink, served(subject, {"do": "facts"}))
    while True:
        _write(sink, served(subject, json.loads(requests.get())))


def _write(sink: IO[str], content: dict[str, object]) -> None:
    """One answer in one line; half a letter by its number, as JSON writes all that is not ASCII."""
    with contextlib.suppress(BrokenPipeError):
        sink.write(json.dumps(content, allow_nan=False) + "\n")
        sink.flush()


def _requests(source: IO[str]) -> queue.SimpleQueue[str]:
    """The lines of the input as they come; when it ends, so does the process, at once."""
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def read() -> None:
        for line in source:
            lines.put(line)
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    return lines


def _end_with_parent() -> None:
    """Ask Linux to end this process when its parent is gone, in the middle of a run too."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PARENT_DEATH, signal.SIGKILL)


if __name__ == "__main__":
    work(sys.argv[1])
