"""Passes along and against the edges of a linearised world, against tangents and differences."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import System, tangents, variables
from causalopt.linearisation import gates, passes
from causalopt.linearisation.gates import GatedNudge
from causalopt.linearisation.world import linearised
from tests.model.kinds import NETWORKS, STEPS, SYSTEMS, world_of, worlds

SMOOTH = [name for name in SYSTEMS if name != "tables"]
# Each clamp of this one is planned anew, for seconds.
QUICK = [name for name in SMOOTH if name != "jumping"]
FLAT = [name for name in NETWORKS if "tables" not in name]
NUDGES = ("pulse", "sustained")


def gated(world, m, nudge="pulse", start=0):
    """A nudge at m, and a gate at every other variable on a cycle through it."""
    whole = linearised(world)
    own = whole.place_of(m)
    loop = whole.loops_through([own])
    members = [p for p in sorted(loop - {own}) if whole.declared[p]]
    nudges = np.zeros((len(whole.rows), 1))
    nudges[start if nudge == "pulse" else slice(start, None)] = 1.0
    watched = np.array([whole.keys.index(m)])
    rows = range(start, len(whole.rows))
    return GatedNudge(whole.among(loop), watched, rows, nudges, np.array(members, dtype=np.int64))


def names_of(nudged):
    return [nudged.linear.members[place] for place in nudged.members]


def log_norms(*worlds, m):
    course = tangents(*worlds, labels=[str(i) for i in range(len(worlds))])[m.name].values
    with np.errstate(divide="ignore"):
        return 0.5 * np.log((course**2).sum(axis=1))


@pytest.mark.sampled(3)
@pytest.mark.parametrize("nudge", NUDGES)
@pytest.mark.parametrize("kind", SMOOTH)
def test_open_and_closed_gates_are_the_tangents_of_x_and_of_the_clamp(kind, nudge):
    model = SYSTEMS[kind]()
    W = world_of(model)
    for m in model.variables if kind in QUICK else model.variables[-1:]:
        nudged = gated(W, m, nudge)
        others = names_of(nudged)
        X = W.perturb(m[0], every_step=nudge == "sustained")
        Y = X.clamp(others, to=W) if others else X
        ends = np.repeat([[1.0, 0.0]], len(others), axis=0)
        found = nudged.log_norm(ends)
        np.testing.assert_allclose(found, log_norms(X, Y, m=m), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", QUICK)
def test_half_open_gates_are_soft_clamps(kind):
    model = SYSTEMS[kind]()
    W = world_of(model)
    for m in model.variables:
        nudged = gated(W, m)
        # Of one variable: where several are clamped together, their inputs from one another pass.
        for place, held in enumerate(names_of(nudged)):
            weights = np.ones((len(nudged.members), 1))
            weights[place] = 0.3
            Y = W.perturb(m[0]).clamp(held, to=W, by=0.7)
            found = nudged.log_norm(weights)
            np.testing.assert_allclose(found, log_norms(Y, m=m), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", SMOOTH)
def test_what_goes_through_edges_is_the_derivative_by_their_gates(kind):
    model = SYSTEMS[kind]()
    for m in model.variables:
        nudged = gated(world_of(model), m, "sustained")
        count = len(nudged.members)
        size, through = nudged.gradient(np.full((count, 1), 0.6))
        for gate in range(count):
            shift = np.zeros((count, 1))
            shift[gate] = 1e-5
            up, down = (nudged.log_norm(0.6 + by * shift) for by in (1, -1))
            expected = (up - down)[0] / 2e-5
            assert through[nudged.gates == gate].sum() == pytest.approx(
                expected, rel=1e-7, abs=1e-8
            )
        np.testing.assert_allclose(size, nudged.log_norm(np.full((count, 1), 0.6)), rtol=1e-14)


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    "name", [n for n, w in worlds().items() if w.steps is not None and n != "named"]
)
def test_worlds_under_interventions_let_through_what_their_tangents_do(name):
    W = worlds()[name].values_only()
    for m in W.model.variables:
        for step in (0, 3):
            X = W.nudge(m[step])
            own = linearised(W)
            nudges = np.zeros((STEPS + 1, 1))
            nudges[step] = 1.0
            watched = np.array([own.keys.index(m)])
            free = GatedNudge(own, watched, range(STEPS + 1), nudges, np.empty(0, dtype=np.int64))
            found = free.log_norm(np.empty((0, 1)))
            np.testing.assert_allclose(found, log_norms(X, m=m), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", ["rk4", "governed", "noisy"])
def test_pieces_of_a_run_are_the_whole(kind, monkeypatch):
    model = SYSTEMS[kind]()
    m = model.variables[0]
    weights = np.full((len(gated(world_of(model), m).members), 2), [[0.3, 0.9]])
    whole = gated(world_of(model), m, "sustained").gradient(weights)
    monkeypatch.setattr(gates, "_TOGETHER", 1)
    nudged = gated(world_of(model), m, "sustained")
    assert len(nudged._pieces(weights)) > 1
    for found, expected in zip(nudged.gradient(weights), whole, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-13)
    pushed = nudged.worth_of_pushes()
    monkeypatch.undo()
    np.testing.assert_allclose(pushed, gated(world_of(model), m).worth_of_pushes(), rtol=1e-13)


@pytest.mark.parametrize("kind", ["rk4", "delayed"])
def test_compiled_passes_are_the_plain_ones(kind, monkeypatch):
    model = SYSTEMS[kind]()
    m = model.variables[0]
    nudged = gated(world_of(model), m, "sustained")
    weights = np.full((len(nudged.members), 2), [[0.3, 0.9]])
    compiled = nudged.gradient(weights)
    monkeypatch.setattr(gates, "compiled_carry", lambda: passes.carry)
    monkeypatch.setattr(gates, "compiled_carry_back", lambda: passes.carry_back)
    for found, expected in zip(nudged.gradient(weights), compiled, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-14)


@given(
    growth=st.floats(-6.0, 6.0),
    coupling=st.floats(-3.0, 3.0).filter(lambda w: abs(w) > 0.01),
    gamma=st.floats(0.0, 1.0),
)
@settings(max_examples=20, deadline=None)
def test_what_grows_or_dies_beyond_floats_keeps_its_size_and_derivative(growth, coupling, gamma):
    a, m = variables("a m")
    factor = float(np.exp(growth))
    # One loop of two: m comes back every second step, times factor * coupling * weight.
    system = System({a: m * factor, m: coupling * a}, start={a: 0, m: 0})
    nudged = gated(system.world(steps=1000), m)
    weight = 1.0 - 0.99 * gamma
    size, through = nudged.gradient(np.array([[weight]]))
    rate = 2.0 * (growth + np.log(abs(coupling) * weight))
    rounds = np.arange(501)
    expected = 0.5 * np.logaddexp.reduce(rate * rounds)
    assert size[0] == pytest.approx(expected, rel=1e-10, abs=1e-10)
    portion = np.exp(rate * rounds - 2.0 * expected)
    derivative = float((rounds * portion).sum()) / weight
    assert through[nudged.gates == 0].sum() == pytest.approx(derivative, rel=1e-9)


@pytest.mark.parametrize("kind", FLAT)
def test_a_network_lets_through_what_its_tangents_do(kind):
    W = NETWORKS[kind]().world()
    whole = linearised(W)
    network = W.model
    first = network.nodes[0]
    for m in list(network.nodes)[1:6]:
        watched = np.array([whole.keys.index(first), whole.keys.index(m)])
        free = GatedNudge(
            whole, watched, range(1), np.array([[1.0, 0.0]]), np.empty(0, dtype=np.int64)
        )
        course = tangents(W.perturb(first)).value.values[0]
        expected = 0.5 * np.log(sum(course[network.index[n]] ** 2 for n in (first, m)))
        assert free.log_norm(np.empty((0, 1)))[0] == pytest.approx(expected, abs=1e-12)
