"""Noise in a step: the law of what is pushed, draw by draw and in closed form."""

import math

import numpy as np
import pytest
import scipy.stats
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate
from sympy import Rational

from causalopt import (
    Box,
    Ensemble,
    EvaluationError,
    Gaussian,
    QueryError,
    System,
    adjusted_optimizing_strength,
    adjusted_strength_by_volume,
    choice,
    jacobian_determinant,
    log_variance_strength,
    noise,
    normal,
    optimizing_strength,
    parameters,
    split_sequence,
    uniform,
    variables,
)

x, y = variables("x y")
(k,) = parameters("k")
e, f = noise("e", normal()), noise("f", normal(2, 3))
walk = System({x: Rational(9, 10) * x + e}, start={x: 0})
pair = System({x: Rational(9, 10) * x + e, y: x + y / 2}, start={x: 0, y: 0})
P = Gaussian.of({x: (0, 1), y: (0, 1)})

entries = st.integers(-3, 3).map(lambda n: Rational(n, 2))


def two_noises(a):
    """x and y from both, with e and f in both: a (2, 5)."""
    rows = [a[5 * i] * x + a[5 * i + 1] * y + a[5 * i + 2] * e + a[5 * i + 3] * f + a[5 * i + 4]
            for i in (0, 1)]  # fmt: skip
    return System({x: rows[0] + 0 * x, y: rows[1] + 0 * y}, start={x: 0, y: 0})


# -- in closed form --------------------------------------------------------------------------------


def test_the_variances_of_state_and_noise_add_up():
    later = Gaussian.of({x: (0, 1)}).push(walk)
    assert (later.mean[0], later.covariance[0]) == (0, Rational(181, 100))
    assert later.mean.free_symbols == set()


@settings(max_examples=30, deadline=None)
@given(st.lists(entries, min_size=10, max_size=10), st.integers(1, 3))
def test_a_pushed_gaussian_against_its_characteristic_function(a, steps):
    """State, noise of each step: one long vector of independent normals, and a matrix of it."""
    system = two_noises(a)
    A = np.array([[a[0], a[1]], [a[5], a[6]]], float)
    B = np.array([[a[2], a[3]], [a[7], a[8]]], float)
    c = np.array([a[4], a[9]], float)
    if np.linalg.matrix_rank(np.hstack([A, B])) < 2:
        with pytest.raises(QueryError, match="flattens"):
            P.push(system, steps)
        return
    pushed = P.push(system, steps)
    whole, mean = np.eye(2), np.zeros(2)
    for _ in range(steps):
        whole = np.hstack([A @ whole, B * [1, 3]])
        mean = A @ mean + B @ [0, 2] + c
    np.testing.assert_allclose(np.array(pushed.mean.tolist(), float).ravel(), mean)
    np.testing.assert_allclose(np.array(pushed.covariance.tolist(), float), whole @ whole.T)


def test_the_entropy_of_a_noisy_pair():
    exact = 0.5 * math.log2((2 * math.pi * math.e) ** 2 * (1.81 * 1.25 - 0.81))
    assert float(optimizing_strength(pair, x | y, P).correlated) == pytest.approx(exact, rel=1e-12)
    assert float(optimizing_strength(pair, x | y, P).value) == 0


def test_the_entropy_of_a_noisy_step_by_quadrature():
    """The density one step later as an integral over where it came from."""
    later = Gaussian.of({x: (1, 2)}).push(System({x: x / 2 + f}, start={x: 0}))
    before, shake = scipy.stats.norm(1, 2), scipy.stats.norm(2, 3)

    def density(there):
        return integrate.quad(lambda s: before.pdf(s) * shake.pdf(there - s / 2), -20, 22)[0]

    def surprise(there):
        return -density(there) * math.log(density(there))

    expected = integrate.quad(surprise, -18, 22, limit=100)[0]
    assert float(later.entropy(sympy.E)) == pytest.approx(expected, abs=1e-6)


def test_noise_fills_what_the_state_leaves_flat():
    forgetful = System({x: e, y: x}, start={x: 0, y: 0})
    later = P.push(forgetful, 2)
    assert later.covariance == sympy.eye(2)
    with pytest.raises(QueryError, match="flattens"):
        P.push(System({x: e, y: e + 1}, start={x: 0, y: 0}))


def test_the_adjusted_strength_by_variance_sees_noise():
    """Noise makes the step lose what det(M)^2 kept: no longer zero for parts that correlate."""
    tied = Gaussian((x, y), [0, 0], [[2, 1], [1, 2]])
    swap = System({x: y + e, y: x + noise("g", normal())}, start={x: 0, y: 0})
    value = log_variance_strength(swap, x | y, tied, base=sympy.E)
    assert float(value.strength.value) == pytest.approx(math.log(9 / 8))
    assert float(value.value) == pytest.approx(math.log(9 / 8) - math.log(4 / 3))


def test_a_noise_within_the_step_is_one_draw():
    same = System({x: x + e, y: y - x.next + x}, start={x: 0, y: 0})
    assert P.push(same).covariance == sympy.Matrix([[2, -1], [-1, 2]])
    ensemble = P.sample(50, seed=3)
    moved = ensemble.push(same).samples - ensemble.samples
    np.testing.assert_allclose(moved[:, 0], -moved[:, 1], atol=1e-12)


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (x + noise("u", uniform(0, 1)), "closed form is for normal noise.*Ensemble"),
        (x + noise("c", choice([0, 1])), "closed form is for normal noise.*Ensemble"),
        (x * (1 + e), "not affine: dx/dx = e.*Ensemble"),
        (x + e**2, "not affine in its noise: d/de.*2\\*e.*Ensemble"),
        (x + e * f, "not affine in its noise.*Ensemble"),
        (x + sympy.floor(e), "not affine: x becomes.*Ensemble"),
        (x + sympy.floor(x), "not affine: x becomes.*Ensemble"),
    ],
)
def test_what_has_no_closed_form_says_what_to_use(step, message):
    with pytest.raises(QueryError, match=message):
        Gaussian.of({x: (0, 1)}).push(System({x: step}, start={x: 0}))


@pytest.mark.parametrize("law", [normal(), uniform(0, 1)])
def test_a_box_takes_no_noise(law):
    noisy = System({x: x + noise("e", law)}, start={x: 0})
    with pytest.raises(QueryError, match=r"has the noise e, .* is no Box: push an Ensemble"):
        Box.of({x: (0, 1)}).push(noisy)
    with pytest.raises(QueryError, match="is no Box"):
        adjusted_optimizing_strength(
            System({x: x + e, y: y}, start={x: 0, y: 0}), x | y, Box.of({x: (0, 1), y: (0, 1)})
        )


# -- by samples ------------------------------------------------------------------------------------


def test_samples_take_numbers_of_their_own():
    pushed = Gaussian.of({x: (0, 1)}).sample(20_000, seed=1).push(walk, 3).samples.ravel()
    variance = 0.81**3 + 1 + 0.81 + 0.81**2
    test = scipy.stats.kstest(pushed, scipy.stats.norm(0, math.sqrt(variance)).cdf)
    assert test.pvalue > 1e-4


@pytest.mark.parametrize(
    ("law", "frozen"),
    [
        (uniform(-1, 3), scipy.stats.uniform(-1, 4)),
        (scipy.stats.gamma(2.5), scipy.stats.gamma(2.5)),
        (normal(2, 3), scipy.stats.norm(2, 3)),
    ],
)
def test_any_law_is_drawn_from(law, frozen):
    jump = System({x: 0 * x + noise("e", law)}, start={x: 0})
    pushed = Ensemble.of({x: np.zeros(5000)}, seed=4).push(jump).samples.ravel()
    assert scipy.stats.kstest(pushed, frozen.cdf).pvalue > 1e-4


def test_draws_of_steps_names_seeds_and_samples_are_independent():
    both = System({x: 0 * x + e, y: 0 * y + noise("g", normal())}, start={x: 0, y: 0})
    start = Ensemble.of({x: np.zeros(4000), y: np.zeros(4000)}, seed=1)
    once = start.push(both)
    columns = [*once.samples.T, *once.push(both).samples.T]
    columns += [*Ensemble(start.variables, start.samples, 2).push(both).samples.T]
    columns += [np.roll(columns[0], 1)]
    correlations = np.corrcoef(columns) - np.eye(len(columns))
    assert abs(correlations).max() < 4.5 / math.sqrt(4000)


@pytest.mark.parametrize("first", [1, 2, 3])
def test_pushes_in_pieces_are_one_push(first):
    start = P.sample(40, seed=2)
    pieces = start.push(pair, first).push(pair, 4 - first)
    np.testing.assert_array_equal(pieces.samples, start.push(pair, 4).samples)
    assert pieces.age == 4


def test_steps_without_noise_count_too():
    """Else a push by two and two by one would differ where the systems take turns."""
    still = System({x: x}, start={x: 0})
    start = Ensemble.of({x: np.zeros(10)})
    assert (start.push(still).push(walk).samples != start.push(walk).samples).all()
    pieces = start.push(still).push(still).push(still).push(walk)
    np.testing.assert_array_equal(pieces.samples, start.push(still, 3).push(walk).samples)


def test_more_samples_leave_the_first_ones_as_they_are():
    few, many = (Ensemble.of({x: np.zeros(n)}, seed=5).push(walk, 4).samples for n in (10, 1000))
    np.testing.assert_array_equal(few, many[:10])


def test_a_noise_more_leaves_the_others_as_they_are():
    more = System({x: Rational(9, 10) * x + e, y: y + f}, start={x: 0, y: 0})
    zeros = np.zeros(20)
    alone = Ensemble.of({x: zeros}).push(walk, 2).samples[:, 0]
    np.testing.assert_array_equal(
        Ensemble.of({x: zeros, y: zeros}).push(more, 2).samples[:, 0], alone
    )


def test_noise_in_a_rate_of_change_is_held_over_a_step():
    """By hand: rk4 of da/dt = -a + e with e constant over the step."""
    for method in ("euler", "rk4"):
        drift = System.from_ode(
            {x: e - k * x}, start={x: 0}, parameters={k: 1}, dt=0.5, method=method
        )
        start = Ensemble.of({x: np.zeros(300)}, seed=1)
        push = start.push(drift).samples.ravel()
        growth = {"euler": 0.5, "rk4": 1 - (1 - 0.5 + 0.125 - 0.125 / 6 + 0.0625 / 24)}[method]
        drawn = push / growth
        assert scipy.stats.kstest(drawn, scipy.stats.norm.cdf).pvalue > 1e-4


def test_estimates_with_noise_hold_the_closed_form():
    tied = Gaussian((x, y), [0, 0], [[2, 1], [1, 2]])
    swap = System({x: y + e, y: x + noise("g", normal())}, start={x: 0, y: 0})
    exact = adjusted_optimizing_strength(swap, x | y, tied)
    estimate = adjusted_optimizing_strength(swap, x | y, tied.sample(20_000, seed=1))
    assert estimate.strength.value.value == pytest.approx(float(exact.strength), abs=0.03)
    by_variance = log_variance_strength(swap, x | y, tied.sample(20_000, seed=1))
    exactly = log_variance_strength(swap, x | y, tied)
    assert float(by_variance) == pytest.approx(float(exactly), abs=0.04)


def test_a_decorrelated_ensemble_takes_the_same_draws():
    data = split_sequence(pair, x | y, P.sample(200, seed=1))
    moved = data.x.sel(stage="t+1") - 0.9 * data.x.sel(stage="t")
    apart = data.x.sel(stage="t+1 decorrelated") - 0.9 * data.x.sel(stage="t decorrelated")
    np.testing.assert_allclose(moved, apart, atol=1e-12)


def test_a_sample_that_noise_drives_off_is_named_with_its_draw():
    burst = System({x: sympy.log(x - e)}, start={x: 1})
    with pytest.raises(EvaluationError, match=r"where x\[0\] = 0, e ="):
        Ensemble.of({x: np.zeros(20)}).push(burst)


# -- volumes ---------------------------------------------------------------------------------------


def test_a_noisy_step_is_not_one_to_one():
    with pytest.raises(QueryError, match="noise e, which spreads every state over many"):
        adjusted_strength_by_volume(pair, x | y, P.sample(200, seed=1))


def test_the_jacobian_of_a_noisy_step():
    assert jacobian_determinant(pair) == Rational(9, 20)
    assert jacobian_determinant(System({x: x * e}, start={x: 1})) == e
