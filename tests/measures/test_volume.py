"""Strength by volume: the change of variables, and the log-variance that the source tried."""

import math

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate
from sympy import cos, sin

from causalopt import (
    Box,
    Ensemble,
    Gaussian,
    QueryError,
    System,
    adjusted_optimizing_strength,
    adjusted_strength_by_volume,
    jacobian_determinant,
    log_variance_strength,
    parameters,
    variables,
)
from causalopt.language.symbols import time

T, R = variables("T R")
k, s = parameters("k s")
thermostat = System({T: R, R: R - k * T}, start={T: 10, R: 10}, parameters={k: 0.3})
# One to one: a local diffeomorphism everywhere (det J > 0), and proper (Hadamard).
waves = System({T: T + 0.3 * sin(T + R), R: R - 0.3 * T + 0.2 * sin(T + R)}, start={T: 0, R: 0})
half = sympy.Rational(1, 2)
tilted = Gaussian((T, R), [0, 0], [[1, 4 * half / 5], [4 * half / 5, 1]])


def test_determinants():
    assert jacobian_determinant(thermostat) == k
    c = cos(T + R)
    a, b = sympy.Rational(3, 10), sympy.Rational(1, 5)
    exact = System({T: T + a * sin(T + R), R: R - a * T + b * sin(T + R)}, start={T: 0, R: 0})
    expected = (1 + a * c) * (1 + b * c) - a * c * (b * c - a)
    assert sympy.expand(jacobian_determinant(exact) - expected) == 0
    kinked = System({T: sympy.Max(T, 2 * T), R: R}, start={T: 0, R: 0})
    assert jacobian_determinant(kinked).subs({T: 3}) == 2
    assert jacobian_determinant(kinked).subs({T: -3}) == 1


def test_inner_stages_are_put_in():
    """det J of an rk4 step of x' = -x is the fourth-order Taylor polynomial of exp(-dt)."""
    (x,) = variables("x")
    decay = System.from_ode({x: -x}, start={x: 1}, dt=0.1, method="rk4")
    found = jacobian_determinant(decay).subs(decay.parameters)
    assert float(found) == pytest.approx(sum((-0.1) ** n / math.factorial(n) for n in range(5)))


@settings(max_examples=20, deadline=None)
@given(st.floats(0.01, 3), st.integers(0, 100), st.integers(1, 4))
def test_the_linear_thermostat_has_none_ever(strength, seed, steps):
    """det J = k is a constant, so that the two means are equal, sample by sample."""
    system = System({T: R, R: R - k * T}, start={T: 0, R: 0}, parameters={k: strength})
    P = Gaussian.of({T: (10, 1), R: (10, 3)}).sample(200, seed).push(system)
    found = adjusted_strength_by_volume(system, T | R, P, steps=steps)
    assert found.value == 0
    assert found.error == 0


def mean_log(variance):
    """E[log det J] for the waves, T + R normal with this variance, by quadrature."""

    def integrand(u):
        density = math.exp(-u * u / (2 * variance)) / math.sqrt(2 * math.pi * variance)
        c = math.cos(u)
        return density * math.log((1 + 0.3 * c) * (1 + 0.2 * c) - 0.3 * c * (0.2 * c - 0.3))

    return integrate.quad(integrand, -30, 30, limit=500)[0]


def test_the_mean_of_the_log_against_quadrature():
    """T + R has variance 2 + 2 * 0.4 correlated, and 2 apart."""
    expected = (mean_log(2.0) - mean_log(2.8)) / math.log(2)
    found = adjusted_strength_by_volume(waves, T | R, tilted.sample(100_000, seed=2))
    assert abs(expected) > 0.02
    assert abs(found.value - expected) < 4 * found.error
    assert found.error < 0.005


def test_volume_and_entropy_agree():
    """The estimator of entropies, which knows nothing of Jacobians, finds the same."""
    P = tilted.sample(40_000, seed=3)
    for steps in (1, 2):
        by_volume = adjusted_strength_by_volume(waves, T | R, P, steps=steps)
        by_entropy = adjusted_optimizing_strength(waves, T | R, P, steps=steps).value
        spread = math.hypot(by_volume.error, by_entropy.error)
        assert abs(by_volume.value - by_entropy.value) < 4 * spread + 0.01
        assert abs(by_volume.value) > 20 * by_volume.error


def test_two_steps_are_one_step_of_the_composed_map():
    """det of a product is the product of dets: sample by sample, along the way."""
    once = {v: waves.mechanisms[v].formula for v in (T, R)}
    twice = {v: formula.xreplace(once) for v, formula in once.items()}
    composed = System(twice, start={T: 0, R: 0})
    P = tilted.sample(500, seed=5)
    found = adjusted_strength_by_volume(waves, T | R, P, steps=2)
    expected = adjusted_strength_by_volume(composed, T | R, P)
    assert found.value == pytest.approx(expected.value, abs=1e-12)
    assert found.batches == pytest.approx(expected.batches, abs=1e-12)
    assert abs(found.value - 2 * adjusted_strength_by_volume(waves, T | R, P).value) > 1e-3


def test_the_change_of_variables_itself():
    """S[push(P)] = S[P] + E_P[log |det J|]."""
    P = tilted.sample(40_000, seed=4)
    stretch = np.log(np.float64([
        float((1 + 0.3 * c) * (1 + 0.2 * c) - 0.3 * c * (0.2 * c - 0.3))
        for c in np.cos(P.samples.sum(axis=1))
    ])).mean()  # fmt: skip
    gained = P.push(waves).entropy(math.e).value - P.entropy(math.e).value
    assert gained == pytest.approx(stretch, abs=0.02)


def test_a_step_that_folds_is_refused():
    folds = System({T: T**2, R: R}, start={T: 0, R: 0})
    P = Gaussian.of({T: (0, 1), R: (0, 1)}).sample(200, seed=1)
    with pytest.raises(QueryError, match="vanishes or changes its sign"):
        adjusted_strength_by_volume(folds, T | R, P)
    driven = System({T: T + time, R: R}, start={T: 0, R: 0})
    with pytest.raises(QueryError, match="depends on time"):
        jacobian_determinant(driven)


# -- log-variance --------------------------------------------------------------------------------


def test_log_variance_of_the_linear_thermostat_in_closed_form():
    """Plain: log of 109/9 over 1; adjusted: zero, for boxes and Gaussians of any size."""
    for size in (1, sympy.Rational(1, 100)):
        box = Box.of({T: (10 - size, 10 + size), R: (10 - size, 10 + size)})
        normal = Gaussian.of({T: (10, size), R: (10, size)})
        for P in (box.push(thermostat), normal.push(thermostat)):
            found = log_variance_strength(thermostat, T | R, P, base=sympy.E)
            assert found.value == 0
            # var T = v, var R = 1.09 v, det = 0.09 v^2.
            assert found.strength.value.equals(sympy.log(sympy.Rational(109, 9)))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 3))
def test_log_variance_of_samples_under_a_linear_step(seed, steps):
    P = Gaussian.of({T: (10, 2), R: (10, 1)}).sample(300, seed).push(thermostat)
    found = log_variance_strength(thermostat, T | R, P, steps=steps)
    assert found.value == pytest.approx(0, abs=1e-10)
    assert found.strength.value == pytest.approx(found.information, abs=1e-10)
    assert found.strength.value > 0


COUNT = np.arange(200.0)


@pytest.mark.parametrize(
    ("samples", "told"),
    [
        ({T: [1.0], R: [2.0]}, "1 samples are too few for the covariance of 2 variables"),
        ({T: [1.0, 2.0], R: [1.0, 3.0]}, "2 samples are too few.*draw 30 or more"),
        ({T: np.full(200, 1.0), R: np.full(200, 2.0)}, "surface"),
        ({T: np.full(200, 0.1), R: COUNT}, "surface"),
        ({T: 0.1 * COUNT, R: 0.3 * COUNT}, r"surface.*log of the variance are minus infinity"),
        ({T: 1e200 * COUNT, R: COUNT**2}, "beyond the range of floats"),
        ({T: 1e-200 * COUNT, R: COUNT**2}, "beyond the range of floats"),
    ],
)
def test_log_variance_of_samples_without_a_density_is_refused(samples, told):
    swap = System({T: R, R: T}, start={T: 1, R: 1})
    with pytest.raises(QueryError, match=told):
        log_variance_strength(swap, T | R, Ensemble.of(samples))


def test_log_variance_of_samples_that_a_step_makes_flat_is_refused():
    flat, P = System({T: R, R: 2 * R}, start={T: 1, R: 1}), Ensemble.of({T: COUNT**2, R: COUNT})
    assert P.log_variance() == pytest.approx(math.log2(np.linalg.det(P.covariance())))
    with pytest.raises(QueryError, match="surface"):
        log_variance_strength(flat, T | R, P)


def test_twice_the_entropy_for_gaussians():
    """For a normal distribution log V is 2 S and a constant."""
    P = Gaussian.of({T: (10, 2), R: (10, 1)}).push(thermostat)
    by_variance = log_variance_strength(thermostat, T | R, P).strength.value
    by_entropy = adjusted_optimizing_strength(thermostat, T | R, P).strength.value
    assert sympy.simplify(by_variance - 2 * by_entropy) == 0
