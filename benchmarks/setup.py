"""What one pays before the first number: compiling, or reading what was compiled; and memory."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent

_FIRST = """
import time
from benchmarks.lorenz import SYSTEM, a, b
from causalopt import op
begin = time.perf_counter()
op(SYSTEM, A=a, n=b[0], m=b, steps=100_000)
print(time.perf_counter() - begin)
"""

_MEMORY = """
import resource
import sys
from benchmarks.lorenz import SYSTEM, a, b
from causalopt import op

def held():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

ask = {"A": a, "n": b[0], "m": b, "keep": "last", "backend": "numba"}
op(SYSTEM, steps=100_000, **ask)
before = held()
op(SYSTEM, steps=int(sys.argv[1]), **ask)
print(before, held())
"""


def _output(code: str, *arguments: str, cache: str | None = None) -> list[float]:
    environment = dict(os.environ)
    if cache is not None:
        environment["CAUSALOPT_CACHE_DIR"] = cache
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return [float(word) for word in done.stdout.split()]


def first_calls(rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of the first call in a new process: with an empty cache, and with a filled one."""
    cold, kept = [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            cold += _output(_FIRST, cache=folder)
            kept += _output(_FIRST, cache=folder)
    return cold, kept


def memory(steps: int) -> tuple[float, float]:
    """MiB held before and after a run of many steps that keeps the last one."""
    before, after = _output(_MEMORY, str(steps))
    return before, after
