"""Tangents of any size: small ones beside large ones lose nothing, on any backend and any route.

The oracle carries exact rationals: a linear system's tangents are products of its matrix.
"""

from fractions import Fraction
from itertools import pairwise

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import example, given, settings
from hypothesis import strategies as st

from causalopt import System, every_m, every_n, op, parameters, tangents, time, variables
from tests.backends.cases import BY_NAME

STATE = u, v, w = variables("u v w")
RATES = [[*row] for row in np.reshape(parameters(" ".join(f"p{i}" for i in range(9))), (3, 3))]
FLAT = [rate for row in RATES for rate in row]
STEPS = 12

#: Rates that grow, decay and are gone within a run, none negative: nothing cancels.
SIZES = [0.0, 1.0, 0.5, 3.0, 1e-300, 1e300, 2.0**-60, 2.0**90, 1e-30, 7e150]
rates = st.lists(st.sampled_from(SIZES), min_size=9, max_size=9)


def linear(numbers):
    mechanisms = {
        variable: sum(rate * other for rate, other in zip(row, STATE, strict=True))
        for variable, row in zip(STATE, RATES, strict=True)
    }
    values = dict(zip(FLAT, numbers, strict=True))
    return System(mechanisms, start=dict.fromkeys(STATE, 0), parameters=values)


def exact(numbers, held=(), nudged=0, steps=STEPS):
    """The tangents after each step as rationals; those of held variables are zero."""
    matrix = [[Fraction(number) for number in row] for row in np.reshape(numbers, (3, 3))]
    state = [Fraction(int(i == nudged)) for i in range(3)]
    course = [state]
    for _ in range(steps):
        state = [sum(p * s for p, s in zip(row, state, strict=True)) for row in matrix]
        state = [Fraction(0) if i in held else s for i, s in enumerate(state)]
        course.append(state)
    return course


def answers(numbers, m):
    """Op of v from u[0] at each step: log |dm_Y / dm_X|."""
    free, held = exact(numbers), exact(numbers, held=[1])
    return [op_of(x[m], y[m]) for x, y in zip(free, held, strict=True)]


def op_of(x, y):
    if x == 0 and y == 0:
        return float("nan")
    if x == 0 or y == 0:
        return float("inf") if x == 0 else float("-inf")
    ratio = abs(y / x)
    with mpmath.workdps(50):
        return float(mpmath.log(ratio.numerator) - mpmath.log(ratio.denominator))


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12, equal_nan=True)


@pytest.mark.parametrize("backend", BY_NAME)
@given(rates)
@example([1e-300, 0, 0, 0, 1, 0, 0, 1e-300, 0.5])
@example([1e300, 0, 0, 1e-300, 1e300, 0, 0, 0, 1e300])
@example([0, 0, 7e150, 7e150, 0, 0, 1e-300, 1e-30, 0])
@settings(max_examples=30, deadline=None)
def test_op_is_exact_whatever_the_rates(backend, numbers):
    system = linear(numbers)
    for m in (0, 2):
        found = op(system, A=v, n=u[0], m=STATE[m], steps=STEPS, backend=backend)
        close(found, answers(numbers, m))


def test_op_is_exact_in_jax_too():
    """Where a tangent may be lost beside others, the reference takes the run."""
    for numbers in (
        [0, 0, 7e150, 7e150, 0, 0, 1e-300, 1e-30, 0],
        [0.5, 3, 0, 2, 0.5, 1, 1, 0.25, 1],
    ):
        found = op(linear(numbers), A=v, n=u[0], m=w, steps=STEPS, backend="jax")
        close(found, answers(numbers, 2))


@pytest.mark.sampled(3)
@pytest.mark.parametrize("backend", BY_NAME)
@given(rates)
@settings(max_examples=4, deadline=None)
def test_points_side_by_side_are_what_each_is_alone(backend, numbers):
    over = {FLAT[0]: SIZES, FLAT[6]: SIZES}
    swept = op(linear(numbers), A=v, n=u[0], m=w, steps=STEPS, over=over, backend=backend)
    for i, first in enumerate(SIZES):
        for j, other in enumerate(SIZES):
            alone = answers([first, *numbers[1:6], other, *numbers[7:]], 2)
            close(swept.values[:, i, j], alone)


@pytest.mark.parametrize("backend", BY_NAME)
@given(rates)
@settings(max_examples=25, deadline=None)
def test_all_m_all_n_and_the_unrolled_network_agree(backend, numbers):
    system = linear(numbers)
    given_back = {"measure": "op", "backend": backend}
    all_m = every_m(system, A=v, n=u[0], steps=STEPS, **given_back)
    all_n = every_n(system, A=v, m=w[STEPS], **given_back)
    network = system.unroll(steps=STEPS)
    unrolled = op(network, A=[v[i] for i in range(STEPS + 1)], n=u[0], m=w[STEPS], backend=backend)
    expected = answers(numbers, 2)
    close(all_m.sel(variable="w"), expected)
    close(all_m.sel(variable="u"), answers(numbers, 0))
    close(all_n.sel(variable="u", time=0), expected[-1])
    close(unrolled, expected[-1])


@pytest.mark.parametrize("backend", BY_NAME)
@pytest.mark.parametrize("points", [None, 20])
def test_two_time_scales_side_by_side(backend, points):
    h, s, q, r = variables("h s q r")
    (k,) = parameters("k")
    system = System({h: 0 * h, s: s * 99 / 100 + h, q: r / 10, r: r / 5 - q.next / 2 + h + k * s},
                    start={h: 0, s: 0, q: 0, r: 0}, parameters={k: 0})  # fmt: skip
    over = None if points is None else {k: np.zeros(points)}
    found = op(system, A=q, n=h[0], m=r, steps=1000, over=over, backend=backend).values
    for step, expected in ((420, 120.54), (500, 143.55)):
        assert found[step].ravel() == pytest.approx(expected, abs=0.005)
    # r_Y = r/5 and r_X = (1/5 - 1/20) r, each step but the first: their ratio is 4/3 a step.
    close(found[1:].T, np.log(4 / 3) * np.arange(1000) + 0 * found[1:].T)


@pytest.mark.parametrize("backend", BY_NAME)
@pytest.mark.parametrize("points", [None, 20])
def test_a_sustained_nudge_is_of_its_own_size(backend, points):
    # T' = 4 T + 1 up to step 300, then T' = T/4 + 1, which ends at 4/3 from any size.
    (c,) = parameters("c")
    system = System({u: sp.Piecewise((4 * u, time < 300), (u / 4, True)) + c},
                    start={u: 0}, parameters={c: 0})  # fmt: skip
    pushed = system.world(steps=900).perturb(u, every_step=True)
    over = None if points is None else {c: np.zeros(points)}
    found = tangents(pushed, over=over, backend=backend)["u"].values.reshape(901, -1)
    exact = [Fraction(1)]
    for step in range(900):
        exact.append((4 if step < 300 else Fraction(1, 4)) * exact[-1] + 1)
    for point in found.T:
        np.testing.assert_allclose(point, [float(e) for e in exact], rtol=1e-12)


@pytest.mark.parametrize("backend", BY_NAME)
@pytest.mark.parametrize("points", [None, 20])
@pytest.mark.parametrize("rate", [4, Fraction(1, 4)])
def test_a_tangent_that_grows_or_decays_alone_is_as_large_as_it_is(backend, points, rate):
    # Powers of two, so that a float is exact up to 4^500.
    (c,) = parameters("c")
    system = System({u: sp.Rational(rate) * u + c}, start={u: 0}, parameters={c: 0})
    over = None if points is None else {c: np.zeros(points)}
    found = tangents(system.world(steps=500).perturb(u[0]), over=over, backend=backend)["u"]
    expected = [float(rate**step) for step in range(501)]
    for point in found.values.reshape(501, -1).T:
        assert point.tolist() == expected


@pytest.mark.parametrize("backend", BY_NAME)
def test_a_lane_held_to_another_keeps_the_size_of_each(backend):
    # v of Y is that of X, some 2**1200 times what Y has left of its own.
    system = System({u: 8 * u, v: 4 * v + u, w: w / 8 + v / 2**30}, start={u: 0, v: 0, w: 0})
    W = system.world(steps=400)
    X, Z = W.perturb(u[0]), W.perturb(w[0])
    held = tangents(Z.clamp(v[200:], to=X), backend=backend)
    free = tangents(X, backend=backend)
    exact_v, exact_w = [Fraction(0)], [Fraction(1)]
    u_x = v_x = Fraction(0)
    u_x = Fraction(1)
    for step in range(1, 401):
        exact_w.append(exact_w[-1] / 8 + exact_v[-1] / 2**30)
        v_x, u_x = 4 * v_x + u_x, 8 * u_x
        exact_v.append(v_x if step >= 200 else Fraction(0))
    for name, exact in (("v", exact_v), ("w", exact_w)):
        expected = [float(e) if e < 2**1023 else np.inf for e in exact]
        np.testing.assert_allclose(held[name].values.ravel(), expected, rtol=1e-12)
    assert free["v"].values.ravel()[200] == held["v"].values.ravel()[200]


@pytest.mark.parametrize("backend", BY_NAME)
def test_what_is_kept_of_a_run_is_what_the_whole_has(backend):
    system = linear([1e-30, 0, 0, 1e-300, 3, 0.5, 2.0**90, 0, 0.5])
    whole = op(system, A=v, n=u[0], m=w, steps=200, backend=backend)
    assert np.isfinite(whole.values[1:]).all()
    for step in (1, 17, 111, 200):
        assert op(system, A=v, n=u[0], m=w[step], backend=backend).item() == whole.values[step]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("points", [1, 5, 300])
def test_how_many_bands_go_side_by_side_changes_no_digit(points, monkeypatch):
    # Down a chain a nudge falls by 1e-40 from each to the next: a dozen bands at a time.
    *x, beside = variables(" ".join(f"x{i}" for i in range(13)))
    (rate,) = parameters("rate")
    rules = {b: rate * b + 1e-40 * sp.tanh(a) for a, b in pairwise(x)}
    rules |= {x[0]: rate * x[0], beside: x[10] * 1e-41, x[11]: rules[x[11]] + beside}
    chain = System(rules, start=dict.fromkeys(rules, 0.5), parameters={rate: 1})
    asked = {"n": x[0][0], "m": x[11], "A": beside, "steps": 30, "backend": "numpy"}
    over = {rate: np.linspace(0.5, 1, points)}
    W = chain.world(steps=30).perturb(x[0])
    found = [tangents(W, over=over, backend="numpy")[v.name].values for v in x]
    strength = op(chain, over=over, **asked).values
    monkeypatch.setattr("causalopt.backends.bands._SIDE_BY_SIDE", 1)
    again = [tangents(W, over=over, backend="numpy")[v.name].values for v in x]
    np.testing.assert_array_equal(found, again)
    assert np.isfinite(strength[13:]).all()
    np.testing.assert_array_equal(strength, op(chain, over=over, **asked).values)


def test_lorenz_over_twelve_thousand_steps_both_ways():
    x, y, z = variables("x y z")
    lorenz = System.from_ode(
        {x: 10 * (y - x), y: x * (28 - z) - y, z: x * y - sp.Rational(8, 3) * z},
        start={x: 1, y: 1, z: 1}, dt=0.01, method="rk4",
    )  # fmt: skip
    forward = every_m(lorenz, A=y, n=x[0], steps=12_000, measure="op").isel(time=-1)
    assert float(forward.sel(variable="x")) == pytest.approx(-1295.6, abs=0.05)
