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
begin = time.process_time()
op(SYSTEM, A=a, n=b[0], m=b, steps=100_000)
print(time.process_time() - begin)
"""

_IMPORT = """
import time
begin = time.process_time()
{}
print(time.process_time() - begin)
"""

# The peak since the counter was last reset: that of the parent's memory is not inherited.
_MEMORY = """
import sys
from pathlib import Path
from benchmarks.lorenz import SYSTEM, a, b
from causalopt import op

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))

for steps in (100_000, int(sys.argv[1])):
    Path("/proc/self/clear_refs").write_text("5")
    op(SYSTEM, A=a, n=b[0], m=b, steps=steps, keep="last", backend="numba")
    print(peak())
"""


def printed(code: str, *arguments: str, cache: str | None = None) -> list[float]:
    """The numbers that a program prints in a new process; ``cache`` holds its compiled code."""
    environment = dict(os.environ)
    # Whoever has the package installed has its bytecode.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
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


def seconds_of(code: str) -> float:
    """What a program prints, in a new process with an empty cache."""
    with tempfile.TemporaryDirectory() as folder:
        return printed(code, cache=folder)[0]


def imports(rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of processor time to import what asks for Op; and of these, sympy and NumPy alone."""
    # Its bytecode is there from here on.
    printed(_IMPORT.format("from causalopt import System, op"))
    ours, theirs = [], []
    for _ in range(rounds):
        ours += printed(_IMPORT.format("from causalopt import System, op"))
        theirs += printed(_IMPORT.format("import numpy, sympy"))
    return ours, theirs


def first_calls(rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of processor time of the first call in a new process: with an empty cache, and with
    a filled one.
    """
    cold, kept = [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            cold += printed(_FIRST, cache=folder)
            kept += printed(_FIRST, cache=folder)
    return cold, kept


def memory(steps: int) -> tuple[float, float]:
    """MiB held at most during a run of 100,000 steps, and of many, that keep the last one."""
    before, after = printed(_MEMORY, str(steps))
    return before, after
