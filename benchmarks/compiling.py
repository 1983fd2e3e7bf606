"""Kuramoto's oscillators, from the first line to the first answer. Contestant: JiTCODE."""

from __future__ import annotations

import importlib.util
import statistics
import tempfile

import numpy as np

from benchmarks.page import Goal, Section, without
from benchmarks.setup import printed

# CPU seconds in a new process, those of what it starts included and imports left out; and where the
# first oscillator is at time 1. JiTCODE chooses the steps that its tolerance needs, and what it
# writes to be compiled is taken for a package where there is one around it.
_OURS = """
import xarray
from sympy import Add, sin
from benchmarks.timing import used
from causalopt import System, comp, run, variables

x = variables(" ".join(f"th{{i}}" for i in range({count})))
begin = used()
rates = {{a: i / 10 + Add(*(sin(b - a) for b in x if b != a)) / {count} for i, a in enumerate(x)}}
system = System.from_ode(rates, start={{a: i for i, a in enumerate(x)}}, dt=0.01, method="rk4")
comp(system, A=x[1], n=x[0][0], m=x[0][100], backend="{backend}")
print(used() - begin)
print(run(system.world(steps=100), keep="last")["th0"].values.item())
"""
_THEIRS = """
import os, tempfile
from jitcode import jitcode, y
from symengine import sin
from benchmarks.timing import used

os.chdir(tempfile.mkdtemp())
places = range({count})
begin = used()
rates = [i / 10 + sum(sin(y(j) - y(i)) for j in places if j != i) / {count} for i in places]
solver = jitcode(rates, verbose=False)
solver.generate_f_C({how})
solver.compile_C()
print(used() - begin)
solver.set_integrator("dopri5", rtol=1e-10, atol=1e-10)
solver.set_initial_value([float(i) for i in places], 0.0)
print(solver.integrate(1.0)[0])
"""

# Oscillators, what JiTCODE is told beside their rates, and how often each is timed. Left to itself,
# it simplifies the rates of up to ten. A hundred take it most of a minute: once is enough to tell.
_CASES = ((10, "", 5), (10, "simplify=False", 5), (30, "", 3), (100, "", 1))


def waited(code: str, rounds: int) -> tuple[float, float]:
    """The median of the seconds, with nothing compiled before, and the answer."""
    found = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            found.append(printed(code, cache=folder))
    return statistics.median(seconds for seconds, _ in found), found[0][1]


def section(quick: bool) -> Section:
    """First Comp, values and tangents of two worlds, beside JiTCODE's code of the rates alone."""
    goal = Goal("", "at least", 3)
    has_peer = importlib.util.find_spec("jitcode") is not None
    rows = [
        "| oscillators | first Comp, CPU s | by numba, CPU s | JiTCODE compiles, CPU s | |",
        "|---|---|---|---|---|",
    ]
    for count, how, rounds in _CASES[: -1 if quick else None]:
        codes = [_OURS.format(count=count, backend=backend) for backend in ("auto", "numba")]
        codes += [_THEIRS.format(count=count, how=how)] if has_peer else []
        rounds = 1 if quick else rounds
        seconds, answers = zip(*(waited(code, rounds) for code in codes), strict=True)
        np.testing.assert_allclose(answers, answers[0], rtol=1e-7)
        told = [f"{each:.3g}" for each in seconds]
        told += [goal.told(seconds[0], seconds[2])] if has_peer else ["", ""]
        rows.append("| " + " | ".join([f"{count}, {how}" if how else str(count), *told]) + " |")
    notes = [
        "100 steps are few, and NumPy's code does them where nothing else is said. JiTCODE's "
        "code is of the rates alone; Comp's has their derivatives too. It simplifies the rates of "
        "up to ten variables first, unless it is told not to.",
        *([] if has_peer else [without("JiTCODE")]),
    ]
    return Section("Kuramoto, rk4: a new process, nothing compiled yet", rows=rows, notes=notes)
