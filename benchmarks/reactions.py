"""A chain of ten enzymatic reactions, read from SBML and run. Contestant: libroadrunner."""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp

from benchmarks.page import Section, beside, without
from benchmarks.timing import Run, alternate, used
from causalopt import System, parameters, run, variables
from causalopt.exchange import read_sbml, write_sbml

COUNT, UNTIL, TOLERANCE = 10, 100, 1e-6
SPEED, HALF, FED = 2.0, 0.5, 1.0

# Steps of one length that come closer than the tolerance.
_STEP = 0.05

_PEER = "libroadrunner, CVODE"


def written(path: Path) -> None:
    """Each substance becomes the next, by Michaelis and Menten; the first is fed."""
    s, (v, k) = variables(" ".join(f"S{i}" for i in range(COUNT))), parameters("V K")
    flows = [FED, *(v * a / (k + a) for a in s)]
    rates = {a: flows[i] - flows[i + 1] for i, a in enumerate(s)}
    start = dict.fromkeys(s, 0.0) | {s[0]: 5.0}
    write_sbml(System.from_ode(rates, start=start, parameters={v: SPEED, k: HALF}, dt=1), path)


def expected() -> Any:
    """The course by hand, (times, substances), to eleven digits."""

    def rates(_: float, s: Any) -> Any:
        flows = np.concatenate([[FED], SPEED * s / (HALF + s)])
        return flows[:-1] - flows[1:]

    start, times = np.eye(COUNT)[0] * 5, np.arange(UNTIL + 1)
    return solve_ivp(rates, (0, UNTIL), start, "DOP853", times, rtol=1e-12, atol=1e-12).y.T


def ours(path: Path, backend: str, **steps: Any) -> Run:
    """The course at whole times."""
    world = read_sbml(path, **steps).world(steps=round(UNTIL / steps["dt"]))
    every, names = round(1 / steps["dt"]), [f"S{i}" for i in range(COUNT)]

    def course() -> Any:
        found = run(world, keep=every, backend=backend)
        return np.stack([found[name].values.ravel() for name in names], axis=-1)

    return course


def theirs(path: Path) -> Run:
    """The same by CVODE."""
    import roadrunner

    model = roadrunner.RoadRunner(str(path))
    model.integrator.relative_tolerance = model.integrator.absolute_tolerance = TOLERANCE
    model.timeCourseSelections = [f"S{i}" for i in range(COUNT)]

    def course() -> Any:
        model.reset()
        return np.array(model.simulate(0, UNTIL, UNTIL + 1))

    return course


def readers(path: Path) -> dict[str, Callable[[], Run]]:
    """What reads the file and gives a run of it, by how it takes its steps."""
    made: dict[str, Callable[[], Run]] = {
        "causalopt, dopri5 to a tolerance": lambda: ours(
            path, "auto", dt=1, method="dopri5", tolerance=TOLERANCE
        ),
        "the same, compiled": lambda: ours(
            path, "numba", dt=1, method="dopri5", tolerance=TOLERANCE
        ),
        f"causalopt, rk4 by {_STEP}, compiled": lambda: ours(path, "numba", dt=_STEP, method="rk4"),
    }
    is_there = importlib.util.find_spec("roadrunner")
    return made | ({_PEER: lambda: theirs(path)} if is_there else {})


def section(quick: bool) -> Section:
    """Errors of all, and their seconds beside the last one's."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "chain.xml")
        written(path)
        made = readers(path)
        runs = {name: read() for name, read in made.items()}
        errors = {name: abs(go() - expected()).max() for name, go in runs.items()}
        for name, error in errors.items():
            np.testing.assert_array_less(error, 100 * TOLERANCE, err_msg=name)
        reading = alternate(made, 1 if quick else 5, clock=used)
        times = alternate(runs, 3 if quick else 15, clock=process_time)
    has_peer = _PEER in made
    peer = [*times.values()][-1].median
    rows = ["| | read, CPU s | run, CPU s | largest error | |", "|---|---|---|---|---|"]
    for name in made:
        told = beside(times[name].median, peer) if has_peer and name != _PEER else ""
        seconds = f"{reading[name].median:.3g} | {times[name].median:.3g}"
        rows.append(f"| {name} | {seconds} | {errors[name]:.2g} | {told} |")
    notes = [] if has_peer else [without("libroadrunner")]
    notes.append(f"{UNTIL} units of time, a tolerance of {TOLERANCE:g} where there is one.")
    return Section("A chain of 10 enzymatic reactions in SBML", rows=rows, notes=notes)
