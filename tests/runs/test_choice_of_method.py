"""Stiffness: what a step tells of it, parts that stay stable, and the method that auto takes."""

from fractions import Fraction

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from causalopt import (
    Event,
    System,
    op,
    run,
    time,
    variables,
)
from causalopt.backends import demand
from causalopt.ground.errors import QueryError
from causalopt.mechanisms.integrators import AUTO, DOPRI5
from tests.backends.cases import BY_NAME
from tests.runs.oscillator import mu, van_der_pol, x, y

(z,) = variables("z")


@given(st.fractions(-5, -1, max_denominator=20), st.fractions(1, 9, max_denominator=20))
def test_the_last_two_looks_tell_the_length_of_a_part_beside_the_rate(rate, size):
    """x' = lambda x: |turned| / |apart| is h |lambda|, in exact fractions."""
    looks = []
    for row in AUTO.matrix:
        looks.append(
            rate
            * (1 + size * sum(Fraction(w.p, w.q) * k for w, k in zip(row, looks, strict=False)))
        )
    _, turned, apart = (
        sum(Fraction(w.p, w.q) * k for w, k in zip(weights, looks, strict=True))
        for weights in AUTO.judged(x).values()
    )
    assert turned == size * rate * apart
    assert list(AUTO.judged(x)) == [AUTO.error(x), *AUTO.strain(x)]
    assert AUTO.judged(x) == DOPRI5.judged(x)


def values_of(system, steps):
    """Of W, X, Y and of Op."""
    W = system.world(steps=steps)
    X = W.perturb(x[0], by=0.01).do(y[1], 0.1)
    found = run(W, X, X.clamp(y, to=W)), op(system, A=y, n=x[0], m=x, steps=steps)
    return [found[0].x.values, found[0].y.values, found[1].values]


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("stiff", "dt", "taken", "left"),
    [(1.0, 0.5, "dopri5", "rodas4"), (100.0, 20.0, "rodas4", "dopri5")],
)
def test_auto_is_the_method_that_stiffness_asks_for(stiff, dt, taken, left):
    found, same, other = (
        values_of(van_der_pol(method, dt=dt, tolerance=1e-6, stiff=stiff), 2)
        for method in ("auto", taken, left)
    )
    for mine, its, another in zip(found, same, other, strict=True):
        np.testing.assert_allclose(mine, its, rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(mine, another, rtol=1e-3, atol=1e-4)
    # Each keeps to the tolerance, and goes its own way there.
    assert not np.allclose(found[-1], other[-1], rtol=1e-11, atol=1e-12)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("backend", BY_NAME)
@pytest.mark.parametrize("tolerance", [1e-4, 1e-8])
def test_rounding_does_not_grow_in_explicit_parts_of_stiff_rates(backend, tolerance):
    """At the edge of stability it grew to some percent in 1,700 parts. Beside scipy's Radau."""

    def rates(_, state):
        return [state[1], 100 * (1 - state[0] ** 2) * state[1] - state[0]]

    want = solve_ivp(rates, (0, 20), [2.01, 0], method="Radau", rtol=1e-10, atol=1e-14).y[0, -1]
    W = van_der_pol("dopri5", dt=20.0, tolerance=tolerance, stiff=100.0).world(steps=1)
    found = run(W.perturb(x[0], by=0.01), backend=backend, keep="last").x.item()
    assert found == pytest.approx(want, rel=max(10 * tolerance, 1e-7))


@pytest.mark.long
def test_one_stiff_point_has_all_points_by_the_same_method():
    asked = {"steps": 1, "over": {mu: [1.0, 1000.0]}, "backend": "numpy"}
    found, want = (
        op(van_der_pol(method, dt=20.0, tolerance=1e-5), A=y, n=x[0], m=x, **asked).values
        for method in ("auto", "rodas4")
    )
    np.testing.assert_array_equal(found, want)


def test_a_method_takes_over_only_where_short_parts_are_many():
    """x' = -50 (x - cos t): some parts at the bound of stability are none to elude."""

    def along(length, method):
        rates = {x: -50 * (x - sympy.cos(time))}
        system = System.from_ode(rates, start={x: 0}, dt=length, method=method, tolerance=1e-3)
        return run(system.world(steps=1), keep="last").x.item()

    for length, taken, left in ((5, "dopri5", "rodas4"), (100, "rodas4", "dopri5")):
        assert along(length, "auto") == pytest.approx(along(length, taken), rel=1e-13)
        assert along(length, "auto") != pytest.approx(along(length, left), rel=1e-9)


@pytest.mark.long
def test_auto_goes_back_where_the_implicit_method_takes_too_many_parts(monkeypatch):
    """A fast oscillation that is damped: short parts of order five are fewer."""
    monkeypatch.setattr(demand, "MOST", 3500)
    rates = {x: -50 * x + 2000 * y, y: -2000 * x - 50 * y + z, z: -z}

    def along(method):
        system = System.from_ode(
            rates, start={x: 1, y: 0, z: 1}, dt=1.0, method=method, tolerance=1e-5
        )
        return run(system.world(steps=1)).x.values

    with pytest.raises(QueryError, match="takes more than 3,500 attempts"):
        along("rodas4")
    np.testing.assert_allclose(along("auto"), along("dopri5"), rtol=1e-12)


def test_auto_has_a_tolerance_and_stays_explicit_where_events_are_looked_for():
    rate, start = {x: -x}, {x: 1}
    found = System.from_ode(rate, start=start, dt=1, method="auto")
    assert found == System.from_ode(rate, start=start, dt=1, method="auto", tolerance=1e-9)
    assert found.method == "auto"
    closer = System.from_ode(rate, start=start, dt=1, method="auto", tolerance=1e-6)
    assert closer.tolerance == 1e-6
    with_events = System.from_ode(
        rate, start=start, dt=1, method="auto", events=[Event(x < 0.5, {x: 1})]
    )
    assert with_events.method == "dopri5"
    # From 1 to 0.5 it takes log(2), and so again and again.
    last = run(with_events.world(steps=2), keep="last").x.item()
    assert last == pytest.approx(np.exp(-(2 % np.log(2))), rel=1e-8)
