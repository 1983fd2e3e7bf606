"""The default backend: who computes depends on the size of the work alone."""

from dataclasses import dataclass

import pytest
import sympy

from causalopt import System, op, parameters, run, variables
from causalopt.backends.auto import AutoBackend
from causalopt.backends.named import BACKENDS
from causalopt.backends.numba import COMPILED
from causalopt.backends.numpy import REFERENCE
from causalopt.backends.referring import ReferringBackend

T, R = variables("T R")
(k,) = parameters("k")
room = System({T: R - 25, R: R - k * T}, start={T: 10, R: 35}, parameters={k: 0.01})

phases = variables("p0:10")
pulls = {p: 1 + sum(sympy.sin(q - p) for q in phases) / 10 for p in phases}
STARTS = {p: 0.1 * i for i, p in enumerate(phases)}
oscillators = System.from_ode(pulls, start=STARTS, dt=0.01, method="rk4")


@dataclass(frozen=True)
class _Noted(ReferringBackend):
    """A backend that notes that it was asked."""

    notes: list

    def loop(self, plan, inputs, recorded, points):
        self.notes.append("compiled")
        yield from self.reference.loop(plan, inputs, recorded, points)

    def generators(self, plan, points, chains):
        return self.reference.generators(plan, points, chains)


@pytest.fixture
def compiled(monkeypatch):
    """The runs that were given to compiled code."""
    notes = []
    chosen = AutoBackend(REFERENCE, _Noted(COMPILED, notes), BACKENDS["jax"])
    monkeypatch.setattr("causalopt.runs.simulation.BACKENDS", {**BACKENDS, "auto": chosen})
    return notes


@pytest.mark.parametrize(
    ("steps", "points", "is_compiled"),
    [(2_000, None, False), (20_000, None, True), (80, 100_000, False), (100, 100_000, True)],
)
def test_small_systems_are_compiled_for_long_runs_and_wide_sweeps(
    steps, points, is_compiled, compiled
):
    over = None if points is None else {k: [0.01] * points}
    run(room.world(steps=steps), over=over, keep="last")
    assert bool(compiled) is is_compiled


@pytest.mark.parametrize(("steps", "is_compiled"), [(900, False), (2_000, True)])
def test_large_systems_are_compiled_for_shorter_runs(steps, is_compiled, compiled):
    asked = op(oscillators, A=phases[0], n=phases[1][0], m=phases[1][steps])
    assert bool(compiled) is is_compiled
    again = op(oscillators, A=phases[0], n=phases[1][0], m=phases[1][steps], backend="numpy")
    assert float(asked) == pytest.approx(float(again), rel=1e-9)
