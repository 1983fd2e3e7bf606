"""A small stock-and-flow model in XMILE, an epidemic. Contestant: PySD."""

from __future__ import annotations

import importlib.util
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.page import Section, beside, without
from benchmarks.timing import Run, alternate
from causalopt import run
from causalopt.exchange import read_xmile

STEPS, DT = 800, 0.125

# PySD makes code of what it reads: this is text of our own.
_MODEL = f"""<?xml version="1.0" encoding="utf-8"?>
<xmile version="1.0" xmlns="http://docs.oasis-open.org/xmile/ns/XMILE/v1.0">
<header><vendor>none</vendor><product version="1.0">none</product></header>
<sim_specs method="Euler" time_units="Day"><start>0</start><stop>{STEPS * DT:g}</stop>
<dt>{DT}</dt></sim_specs>
<model><variables>
<stock name="Susceptible"><eqn>9990</eqn><outflow>Infection</outflow></stock>
<stock name="Infected"><eqn>10</eqn><inflow>Infection</inflow><outflow>Recovery</outflow></stock>
<stock name="Recovered"><eqn>0</eqn><inflow>Recovery</inflow></stock>
<flow name="Infection"><eqn>Contacts * Susceptible * Infected / Everyone</eqn></flow>
<flow name="Recovery"><eqn>Infected / Duration</eqn></flow>
<aux name="Everyone"><eqn>Susceptible + Infected + Recovered</eqn></aux>
<aux name="Contacts"><eqn>0.4</eqn></aux>
<aux name="Duration"><eqn>7</eqn></aux>
</variables></model></xmile>
"""


def by_hand() -> Any:
    """The infected at each step."""
    susceptible, infected, recovered = 9990.0, 10.0, 0.0
    found = [infected]
    for _ in range(STEPS):
        everyone = susceptible + infected + recovered
        caught, healed = 0.4 * susceptible * infected / everyone, infected / 7
        susceptible -= DT * caught
        infected += DT * (caught - healed)
        recovered += DT * healed
        found.append(infected)
    return np.array(found)


def ours(path: Path) -> Run:
    world = read_xmile(path).world(steps=STEPS)
    return lambda: run(world)["Infected"].values.ravel()


def theirs(path: Path) -> Run:
    import pysd

    model = pysd.read_xmile(str(path))
    return lambda: model.run(return_columns=["Infected"])["Infected"].to_numpy()


def section(quick: bool) -> Section:
    """The infected at all steps, by Euler's."""
    has_peer = importlib.util.find_spec("pysd") is not None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "epidemic.xmile")
        path.write_text(_MODEL, encoding="utf-8")
        runs = {"causalopt": ours(path)} | ({"PySD": theirs(path)} if has_peer else {})
        for name, go in runs.items():
            np.testing.assert_allclose(go(), by_hand(), rtol=1e-9, err_msg=name)
        times = alternate(runs, 3 if quick else 15, clock=time.process_time)
    told = beside(times["causalopt"].median, times["PySD"].median) if has_peer else ""
    notes = [f"CPU seconds; causalopt takes {told}."] if has_peer else [without("PySD")]
    return Section(f"An epidemic in XMILE, {STEPS} Euler steps", times, notes=notes)
