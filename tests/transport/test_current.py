"""Probability current: closed forms of stationary moments, conservation, positivity, end states."""

import math

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import (
    Current,
    DeclarationError,
    EvaluationError,
    GradientMoments,
    QueryError,
    TooLargeError,
    variables,
)

W, V = variables("W V")
l0 = -sympy.exp(-((W - 2) ** 2))
l1 = l0 - sympy.exp(-100 * (W - 1) ** 2)
LINEAR = (sympy.Rational(3, 5) * W**2 - 2 * W, sympy.Rational(2, 5) * W**2 - 2 * W)
CONVENTIONS = ("ito", "stratonovich", "modified")
# Losses whose S^2 has the degree 4, and four complex zeros.
QUARTICS = (
    [-(W**3) + W**2 - 2 * W, -(W**2) - W, 2 * W**2 - 4 * W],
    [-2 * W**2 + 2 * W, -(W**2) - 4 * W, W**3 + 5 * W**2 - 4 * W],
)


def moments(data):
    """Mean and variance at the last time."""
    last, width = data.density[-1], float(data.W[1] - data.W[0])
    mean = float((last * data.W).sum()) * width
    return mean, float((last * (data.W - mean) ** 2).sum()) * width


def test_g_and_s_squared_of_the_third_validation():
    flow = Current.of(LINEAR, W, 0.5)
    assert sympy.simplify(flow.G - (W - 2)) == 0
    assert sympy.simplify(flow.S2 - W**2 / 25) == 0
    # Weights are those of the average and of the variance.
    uneven = Current.of((W, 3 * W), W, 0.5, weights=[0.25, 0.75])
    assert float(uneven.G) == 2.5
    assert float(uneven.S2) == 0.75


@pytest.mark.filterwarnings("ignore:.*of the width of the well:RuntimeWarning")
@pytest.mark.parametrize(
    ("convention", "mean", "variance"),
    [
        # SGD itself has 2 and 2/37 = 0.0541. dm/dt = 0 and dv/dt = 0 of each flow, solved by hand.
        ("ito", 2, 0.04 / 0.99),
        ("stratonovich", 1 / 0.495, None),
        ("modified", 2, 0.04 / 1.24),
    ],
)
def test_stationary_moments_of_the_third_validation(convention, mean, variance):
    flow = Current.of(LINEAR, W, 0.5, convention=convention)
    found = moments(flow.evolve((0.2, 5), (1.0, 0.2), [200], cells=1600))
    assert found[0] == pytest.approx(mean, abs=1e-4)
    if variance is None:
        # The same as Ito's flow with the drift 0.495 W - 1, so dv/dt = -0.99 v + 0.01 (v + m^2).
        variance = 0.01 * mean**2 / 0.98
    assert found[1] == pytest.approx(variance, rel=1e-3)


def test_moments_of_the_gradient_in_three_dimensions_are_those_of_numbers():
    U = variables("U")[0]
    losses = [W**2 * V + U, sympy.sin(V) * W - U**2, sympy.exp(U * V), W]
    weights = [0.1, 0.2, 0.3, 0.4]
    found = GradientMoments.of(losses, [W, V, U], weights=weights)
    place = {W: 0.7, V: -1.2, U: 0.4}
    slopes = np.array([[float(f.diff(p).subs(place)) for p in (W, V, U)] for f in losses])
    mean = np.average(slopes, axis=0, weights=weights)
    spread = np.cov(slopes.T, aweights=weights, bias=True)
    assert np.allclose(np.array(found.G.subs(place), float)[:, 0], mean, rtol=1e-12)
    assert np.allclose(np.array(found.S2.subs(place), float), spread, rtol=1e-12)


def test_the_density_of_the_third_validation_is_an_inverse_gamma_that_vanishes_where_s2_does():
    from scipy.stats import invgamma

    # With Ito: |W|^-2 exp(-int (W - 2) / 0.01 W^2) = W^-102 exp(-200 / W).
    flow = Current.of(LINEAR, W, 0.5)
    assert sympy.simplify(flow.end_state() + 102 * sympy.log(sympy.Abs(W)) + 200 / W) == 0
    density = flow.stationary((0, 6), cells=6000)
    assert np.allclose(density, invgamma(101, scale=200).pdf(density.W), rtol=1e-4, atol=1e-9)
    assert float(density[0]) == 0


def test_the_density_is_gibbs_where_s2_is_constant():
    flow = Current.of([W**4 + W, W**4 - W], W, 0.25)
    assert sympy.expand(flow.end_state() + 8 * W**4) == 0


def test_an_end_state_beside_complex_zeros_of_s2_has_the_slope_of_the_flow():
    flow = Current.of([-(W**2) + W, 3 * W**2 - 4 * W, W**2 + 2 * W], W, 0.25)
    assert len(sympy.Poly(flow.S2, W).real_roots()) == 0
    # log|D| has the slope of log D, which sympy takes of what is real.
    slope = flow.end_state().replace(sympy.Abs, lambda inner: inner).diff(W)
    gap = sympy.nsimplify(slope - flow.log_slope(), rational=True)
    assert sympy.simplify(gap) == 0


def test_jumps_against_the_width_of_the_well_are_warned_of():
    # The curvature of the pit is about 100 in L: T L'' is 0.1, and then 1.
    start, inside = (1.0, 0.02), (0.8, 1.2)
    calm = Current.of([l0, l1], W, 0.001).evolve(inside, start, [1])
    assert calm.attrs["jump"] == pytest.approx(0.1, abs=0.002)
    with pytest.warns(RuntimeWarning, match=r"rate 0.01 jumps .* of the width of the well"):
        Current.of([l0, l1], W, 0.01).evolve(inside, start, [1])
    # A parabola of curvature 1 in both losses: T exactly.
    flat = Current.of([W**2 / 2 + W, W**2 / 2 - W], W, 0.125).evolve((-1, 1), (0.0, 0.1), [1])
    assert flat.attrs["jump"] == pytest.approx(0.125)


@pytest.mark.parametrize("convention", ["ito", "stratonovich"])
def test_the_second_validation_grows_by_the_rate_squared_a_step(convention):
    flow = Current.of((W, -W), W, 0.1, convention=convention)
    data = flow.evolve((-12, 12), (0.0, 0.5), [1e-9, 50], cells=600, dt=5)
    first = moments(data.isel(time=[0]))[1]
    assert moments(data)[1] - first == pytest.approx(50 * 0.1**2, rel=1e-7)


def test_without_variance_the_mean_follows_descent():
    rate = 0.02
    flow = Current.of([l0], W, rate)
    assert flow.S2 == 0
    data = flow.evolve((0, 3), (0.5, 0.02), [60], cells=3000, dt=0.1)
    w = 0.5
    for _ in range(60_000):
        w -= rate / 1000 * 2 * (w - 2) * math.exp(-((w - 2) ** 2))
    assert moments(data)[0] == pytest.approx(w, abs=0.01)


@pytest.mark.filterwarnings("ignore:.*of the width of the well:RuntimeWarning")
@settings(max_examples=10, deadline=None)
@given(
    st.floats(0.001, 0.5), st.sampled_from(CONVENTIONS), st.floats(0.1, 50), st.integers(20, 300)
)
def test_mass_is_kept_and_never_negative_where_the_source_blew_up(rate, convention, dt, cells):
    flow = Current.of((l0, l1), W, rate, convention=convention)
    data = flow.evolve((0, 3), (0.5, 0.175), [1, 30, 1000], cells=cells, dt=dt)
    totals = data.density.sum("W") * 3 / cells
    assert np.allclose(totals, 1, rtol=0, atol=1e-12)
    assert (data.density.values >= 0).all()


def test_what_absorbing_ends_take_is_counted():
    flow = Current.of((W, -W), W, 0.2)
    data = flow.evolve((0, 1), (0.5, 0.02), [5, 50], cells=200, absorbing=True, dt=0.05)
    # The slowest mode of the heat equation between absorbing walls decays by D pi^2 a step.
    rate = -math.log(float(data.density[1].sum() / data.density[0].sum())) / 45
    inside = data.density.sum("W") / 200
    assert np.allclose(inside + data.left.sum("end"), 1, rtol=0, atol=1e-12)
    assert float(data.left[0].sum()) > 0.1
    assert np.allclose(data.left.sel(end="low"), data.left.sel(end="high"), rtol=1e-10)
    assert rate == pytest.approx(0.02 * math.pi**2, rel=0.02)


def test_what_leaves_is_told_by_side_as_the_gambler_s_ruin_has_it():
    # Speed v = -T G = -0.04 and D = T^2 S^2 / 2 = 0.02: from x in (0, 1) the low end comes first
    # with probability 1 - (1 - exp(-v x / D)) / (1 - exp(-v / D)), and x is normal.
    flow = Current.of((1.2 * W, -0.8 * W), W, 0.2)
    data = flow.evolve((0, 1), (0.4, 0.05), [400], cells=400, absorbing=True, dt=0.5)
    high = (1 - math.exp(2 * 0.4 + 2 * 0.05**2)) / (1 - math.exp(2))
    low, up = data.left.sel(end=["low", "high"])[0].values
    assert low + up == pytest.approx(1, abs=1e-4)
    assert up == pytest.approx(high, abs=5e-4)


def test_what_piles_up_at_a_closed_end_is_told_with_the_place():
    down = Current.of((1.2 * W, -0.8 * W), W, 0.2)
    with pytest.warns(RuntimeWarning, match=r"near W = 0.0025: 0.2\d of it"):
        down.evolve((0, 1), (0.4, 0.05), [400], cells=200)
    with pytest.warns(RuntimeWarning, match=r"piles up at the closed end near W = 0.9975"):
        Current.of((-1.2 * W, 0.8 * W), W, 0.2).evolve((0, 1), (0.4, 0.05), [400], cells=200)
    # Level in the end: no end holds more than the rest.
    Current.of((W, -W), W, 0.2).evolve((0, 1), (0.5, 0.05), [4000], cells=200)


def test_the_end_state_is_that_of_the_source():
    flow = Current.of(LINEAR, W, 0.5, convention="stratonovich")
    published = -sympy.log(flow.S2).diff(W) / 2 - 2 * flow.G / (flow.rate * flow.S2)
    assert sympy.simplify(flow.log_slope() - published).equals(0)


def test_steps_are_as_short_as_the_course_needs():
    # In a well that steps of 1 cross a third of at once, these leave the variance a third off.
    flow = Current.of([(W + 1) ** 2 / 2, (W - 1) ** 2 / 2], W, 0.24)
    fine, own, coarse = (
        flow.evolve((-6, 6), (2.0, 0.2), [2, 5], cells=600, **how)
        for how in ({"dt": 0.002}, {}, {"dt": 1.0})
    )
    width = 12 / 600
    assert float(abs(own.density - fine.density).sum("W").max()) * width < 0.02
    assert float(abs(coarse.density - fine.density).sum("W").max()) * width > 0.1
    assert own.attrs["dt"] < 0.1


@pytest.mark.filterwarnings("ignore:.*of the width of the well:RuntimeWarning")
@pytest.mark.parametrize("convention", CONVENTIONS)
def test_the_long_run_is_the_end_state(convention):
    flow = Current.of(LINEAR, W, 0.5, convention=convention)
    data = flow.evolve((1, 3.5), (2.5, 0.2), [400], cells=800)
    held = sympy.Dummy("w", positive=True)
    exponent = sympy.integrate(sympy.expand(flow.log_slope().xreplace({W: held})), held)
    places = data.W.values
    shape = np.exp(sympy.lambdify(held, exponent - exponent.subs(held, 2))(places))
    shape /= shape.sum() * (places[1] - places[0])
    assert np.allclose(data.density[-1], shape, rtol=0, atol=2e-3 * shape.max())


@pytest.mark.parametrize(
    ("error", "make", "told"),
    [
        (DeclarationError, lambda: Current.of([], W, 0.1), "no loss"),
        (DeclarationError, lambda: Current.of([l0], W, 0), "above 0"),
        (DeclarationError, lambda: Current.of([W * V], W, 0.1), "V"),
        (DeclarationError, lambda: Current.of([W, -W], W, 1, weights=[0.5, 0.6]), "sum to 1"),
        (DeclarationError, lambda: GradientMoments.of([l0], []), "list of variables"),
        (DeclarationError, lambda: Current.of([W, -W], W, -0.1), "above 0"),
        (DeclarationError, lambda: Current.of(["W"], W, 0.1), "never parsed"),
        (QueryError, lambda: Current.of([l0], W, 0.1, convention="itto"), "Did you mean ito"),
        (QueryError, lambda: Current.of([l0], W, 0.1).end_state(), "0 everywhere"),
        (QueryError, lambda: Current.of([l0, l1], W, 0.1).end_state(), "no closed form"),
        # Of the first ratio sympy 1.14 gives the integral 0, of the second a sum over zeros.
        (QueryError, lambda: Current.of(QUARTICS[0], W, 0.1).end_state(), "no closed form"),
        (QueryError, lambda: Current.of(QUARTICS[1], W, 0.1).stationary((1, 3)), "no closed form"),
        (QueryError, lambda: Current.of(LINEAR, W, 0.5).stationary((-1, 5)), r"\(0, 5\)"),
        (
            QueryError,
            lambda: Current.of([W**2, 2 * W**2], W, 0.1).stationary((0, 5)),
            "All probability collects at W = 0",
        ),
    ],
)
def test_impossible_flows_are_refused(error, make, told):
    with pytest.raises(error, match=told):
        make()


@pytest.mark.parametrize(
    ("error", "changes", "told"),
    [
        (QueryError, {"inside": (2, 1)}, "is empty"),
        (QueryError, {"start": (9.0, 0.1)}, "widen"),
        (QueryError, {"start": (0.5, 0.0)}, "above 0"),
        (QueryError, {"start": np.ones(40)}, "sums to 40"),
        (QueryError, {"times": [5, 2]}, "in order"),
        (QueryError, {"times": 5}, "in order"),
        (QueryError, {"times": ["5"]}, r"times is \['5'\]"),
        (QueryError, {"start": "often"}, "write one probability for each of 40 cells"),
        (QueryError, {"start": (0.5, 0.1, 2.0)}, r"shape \(3,\)"),
        (QueryError, {"cells": 2}, "3 or more"),
        (QueryError, {"dt": 0}, "above 0"),
    ],
)
def test_impossible_evolutions_are_refused(error, changes, told):
    given = {"inside": (0, 1), "start": (0.5, 0.1), "times": [1], "cells": 40, **changes}
    with pytest.raises(error, match=told):
        Current.of([W, -W], W, 0.1).evolve(**given)


def test_a_loss_that_is_not_real_on_the_interval_is_an_error():
    with pytest.raises(EvaluationError, match=r"not real and finite at W = -1"):
        Current.of([W**1.5, W], W, 0.1).evolve((-1, 1), (0.0, 0.1), [1])


def test_densities_that_would_not_fit_are_refused_before_they_are_made():
    flow = Current.of([W**2 + W, W**2 - W], W, 0.1)
    with pytest.raises(TooLargeError, match=r"1,000,000,000,000 cells .* cells=4000"):
        flow.stationary((-1, 1), cells=10**12)
    with pytest.raises(TooLargeError, match="1,000,000,000 cells"):
        flow.evolve((-1, 1), (0.0, 0.1), [1], cells=10**9)


def test_whole_numbers_of_numpy_are_numbers_of_cells():
    flow = Current.of([W**2 + W, W**2 - W], W, 0.1)
    ours = flow.stationary((-1, 1), cells=np.int64(40))
    assert ours.identical(flow.stationary((-1, 1), cells=40))
