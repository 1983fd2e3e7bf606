"""Why a distribution is not at equilibrium: each fault is made, and found."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from causalopt import (
    Chain,
    Distribution,
    Enthalpies,
    Fault,
    QueryError,
    boltzmann,
    finite,
    why_not_equilibrium,
)

level = finite("level", ["a", "b", "c", "d", "e"])
HEIGHTS = [0.0, 0.4, 1.1, 1.5, 2.3]

changes = st.lists(st.floats(-3, 3), min_size=5, max_size=5)
conventions = st.sampled_from(["maximise", "minimise"])


def enthalpies(convention="maximise"):
    return Enthalpies.of(level, HEIGHTS, convention)


def lazy_metropolis(H, T):
    """A chain over neighbours that settles at the Boltzmann distribution of H."""
    rewards, size = H.sign * H.values, len(HEIGHTS)
    kernel = np.zeros((size, size))
    for i in range(size - 1):
        for here, there in ((i, i + 1), (i + 1, i)):
            kernel[here, there] = 0.3 * min(1.0, math.exp((rewards[there] - rewards[here]) / T))
    np.fill_diagonal(kernel, 1 - kernel.sum(axis=1))
    return Chain(level, kernel)


@given(st.floats(0.2, 5), conventions)
def test_equilibrium_has_no_fault(T, convention):
    H = enthalpies(convention)
    found = why_not_equilibrium(boltzmann(H, T), H, T)
    assert found.fault is Fault.NONE
    assert found.gap == pytest.approx(0, abs=1e-9)
    assert found.temperature == pytest.approx(T)


@given(st.integers(1, 40), conventions)
def test_a_run_that_is_not_over_says_how_long_it_needs(steps, convention):
    H, T = enthalpies(convention), 0.8
    chain = lazy_metropolis(H, T)
    start = Distribution.delta({level: "a" if convention == "maximise" else "e"})
    found = why_not_equilibrium(chain.push(start, steps), H, T, chain=chain)
    assert found.fault is Fault.NOT_CONVERGED
    whole = why_not_equilibrium(start, H, T, chain=chain)
    assert found.steps_left == whole.steps_left - steps
    later = chain.push(start, whole.steps_left)
    assert why_not_equilibrium(later, H, T, chain=chain).fault is Fault.NONE


@given(st.floats(0.1, 3.0), st.floats(0.3, 3), conventions)
def test_a_phase_is_read_off_the_slope(theta, T, convention):
    H = enthalpies(convention)
    modulus = np.abs(np.exp(np.exp(1j * theta) * H.sign * H.values / T))
    P = Distribution.of(level, modulus / modulus.sum())
    found = why_not_equilibrium(P, H, T)
    assume(found.distance > 1e-3)
    assert found.fault is Fault.PHASE
    assert found.phase == pytest.approx(theta, abs=1e-6)
    assert found.temperature == pytest.approx(T / math.cos(theta), rel=1e-6)


@given(changes, st.floats(0.3, 3), conventions)
def test_the_hidden_enthalpies_make_it_the_equilibrium(more, T, convention):
    H = enthalpies(convention)
    P = boltzmann(Enthalpies.of(level, H.values + np.array(more), convention), T)
    found = why_not_equilibrium(P, H, T)
    again = boltzmann(Enthalpies.of(level, H.values + found.hidden, convention), T)
    np.testing.assert_allclose(again.to_xarray(), P.to_xarray(), rtol=1e-9)


@pytest.mark.parametrize("convention", ["maximise", "minimise"])
def test_pumped_and_filtered_states_are_named(convention):
    H, T = enthalpies(convention), 1.0
    weights = np.exp(H.sign * H.values / T)
    weights[1] *= math.exp(2.0)
    weights[3] = 0.0
    found = why_not_equilibrium(Distribution.of(level, weights / weights.sum()), H, T)
    assert found.fault is Fault.CONSTRAINT
    assert found.pumped == {"level = b": pytest.approx(H.sign * 2.0)}
    assert found.filtered == {"level = d": -H.sign * math.inf}
    assert "filtered: level = d, by" in str(found)


def test_a_chain_that_settles_elsewhere_is_no_excuse():
    H, T = enthalpies(), 0.8
    pumped = boltzmann(Enthalpies.of(level, [0.0, 3.0, 1.1, 1.5, 2.3]), T)
    elsewhere = lazy_metropolis(Enthalpies.of(level, [0.0, 3.0, 1.1, 1.5, 2.3]), T)
    found = why_not_equilibrium(pumped, H, T, chain=elsewhere)
    assert found.fault is Fault.CONSTRAINT
    assert found.steps_left is None


@pytest.mark.parametrize("tolerance", [0, 1, -1.0, float("nan")])
def test_a_tolerance_is_between_0_and_1(tolerance):
    H = enthalpies()
    with pytest.raises(QueryError, match="between 0 and 1"):
        why_not_equilibrium(boltzmann(H, 1), H, 1, tolerance=tolerance)
