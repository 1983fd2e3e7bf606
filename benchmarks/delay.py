"""Mackey and Glass with 170 lags, compiled and not, from the first call on. Contestant: JiTCDDE."""

from __future__ import annotations

import importlib.util
import statistics
import tempfile

from benchmarks.page import Section
from benchmarks.setup import printed
from causalopt import System, World, run, tangents, variables

(x,) = variables("x")
STEPS, DT = 20_000, 0.1
DELAYED = x.lag(17)
SYSTEM = System.from_ode({x: DELAYED / 5 / (1 + DELAYED**10) - x / 10}, start={x: 1.2}, dt=DT)


def values(backend: str) -> None:
    """x at the end."""
    run(_world(), keep="last", backend=backend)


def derivative(backend: str) -> None:
    """dx/dx[0] at the end, through everything that is remembered."""
    tangents(_world().perturb(x[0]), keep="last", backend=backend)


def _world() -> World:
    return SYSTEM.world(steps=STEPS)


# CPU seconds of a call and of another one, in a new process, those of what it starts included.
_SPENT = """
for _ in range(2):
    begin = used()
    call()
    print(used() - begin)
"""
_USED = "from benchmarks.timing import used\n"
_OURS = _USED + "from benchmarks import delay\ncall = lambda: delay.{}('{}')" + _SPENT
# Its steps are as long as they need to be, for the tolerance that it has by default. What it writes
# to be compiled is taken for a package where there is one around it.
_THEIRS = (
    _USED
    + """
import os, tempfile
os.chdir(tempfile.mkdtemp())

def call():
    from jitcdde import jitcdde, t, y
    past = y(0, t - 17)
    solver = jitcdde([0.2 * past / (1 + past**10) - 0.1 * y(0)], verbose=False)
    solver.constant_past([1.2])
    solver.compile_C()
    solver.step_on_discontinuities()
    solver.integrate(2000.0)
"""
    + _SPENT
)


def first_and_next(code: str, rounds: int) -> tuple[float, float, float]:
    """CPU seconds of a first call, with nothing compiled and with all of it, and of the next."""
    cold, kept, later = [], [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            cold.append(printed(code, cache=folder)[0])
            again = printed(code, cache=folder)
        kept.append(again[0])
        later.append(again[1])
    return statistics.median(cold), statistics.median(kept), statistics.median(later)


def section(quick: bool) -> Section:
    rounds = 1 if quick else 5
    asked = {
        f"{what}, {backend}": _OURS.format(what, backend)
        for what in ("values", "derivative")
        for backend in ("numba", "numpy")
    }
    notes = ["JiTCDDE was skipped: it is not on this machine."]
    if importlib.util.find_spec("jitcdde"):
        asked["values, JiTCDDE"] = _THEIRS
        notes = ["JiTCDDE chooses its steps, and has no derivative; compiling is C's here."]
    rows = [
        "| | first call, nothing compiled | compiled before | next call |",
        "|---|---|---|---|",
    ]
    for name, code in asked.items():
        rows.append("| " + " | ".join([name, *_told(*first_and_next(code, rounds))]) + " |")
    notes.append(
        "CPU seconds in a new process, from the question to the labels. A step of NumPy's backend "
        "takes 4 microseconds here."
    )
    return Section(f"Mackey and Glass, 170 lags, {STEPS:,} steps", rows=rows, notes=notes)


def _told(*seconds: float) -> list[str]:
    return [f"{each:.3g}" for each in seconds]
