"""Langevin dynamics: its stationary law, its temperature beside that of SGD, and Op."""

import numpy as np
import pytest
import sympy as sp

from causalopt import (
    DeclarationError,
    geometric,
    langevin,
    op,
    run,
    sgd,
    time,
    variables,
)

(W,) = variables("W")
c, k = 2.0, 0.1  # the curvature of W**2, and the rate


def variance(system, steps=120, draws=4000):
    found = run(system.world(steps), draws=draws, keep="last").W.values.reshape(-1)
    return found.var(), found.var() * np.sqrt(2 / draws)


def test_the_variance_is_that_of_the_discrete_steps():
    T = 0.3
    found, error = variance(langevin(W**2, W, T, k, start={W: 0}))
    # v = (1 - k c)^2 v + 2 k T
    assert abs(found - 2 * T / (c * (2 - k * c))) < 5 * error


def test_for_small_rates_it_is_boltzmanns():
    T, small = 0.3, 0.005
    found, error = variance(langevin(W**2, W, T, small, start={W: 0}), steps=600)
    assert abs(found - T / c) < 5 * error + 0.01 * T / c


def test_sgd_has_the_temperature_of_half_its_rate_times_the_variance_of_its_gradients():
    # Losses (W - 1)^2 and (W + 1)^2: gradients 2 W -+ 2, so that S^2 = 4 around the mean loss W^2.
    S2 = 4.0
    T = k * S2 / 2
    exact = k * S2 / (c * (2 - k * c))
    noisy, error = variance(sgd([(W - 1) ** 2, (W + 1) ** 2], W, k, start={W: 0}))
    warm, _ = variance(langevin(W**2, W, T, k, start={W: 0}))
    assert abs(noisy - exact) < 5 * error
    assert abs(warm - exact) < 5 * error
    assert exact == pytest.approx(k / (1 - k))


def test_op_of_the_drift_is_that_of_descent_along_the_noisy_run():
    loss = W**4 / 4 - W**2 / 2
    system = langevin(loss, W, geometric(1, 0.01, steps=50), 0.02, start={W: 0.3})
    g = next(v for v in system.variables if v.name == "g")
    path = run(system.world(60)).W.sel(world="W").values
    curvature = sp.lambdify(W, sp.diff(loss, W, 2))
    expected = -np.log(np.abs(1 - 0.02 * curvature(path[:-1]))).sum()
    assert op(system, A=g, n=W[0], m=W[60]).item() == pytest.approx(expected, rel=1e-12)


def test_several_parameters_have_noises_of_their_own():
    V, U = variables("V U")
    system = langevin(V**2 + U**2 / 2, [V, U], 0.5, 0.1, start={V: 0, U: 0})
    found = run(system.world(100), draws=5000, keep="last")
    assert abs(np.corrcoef(found.V.values.ravel(), found.U.values.ravel())[0, 1]) < 0.08
    assert found.V.values.var() < found.U.values.var()


def test_a_schedule_that_reaches_zero_is_refused():
    with pytest.raises(DeclarationError, match="is 0 at step 5: a temperature is above 0"):
        langevin(W**2, W, 5 - time, 0.1, start={W: 0})
