"""Published and independently computed numbers of Comp, Op and optimizing power."""

import math

import numpy as np
import pytest
import sympy as sp
from sympy import Piecewise

from causalopt import System, comp, op, optimizing_power, parameters, time, variables

T, R = variables("T R")
k, d, amplitude, theta, p = parameters("k d amplitude theta p")
a, b, c = variables("a b c")
sigma, rho, beta = parameters("sigma rho beta")


def thermostat(gain=0.01):
    return System({T: R - d, R: R - k * T}, start={T: 10, R: 35}, parameters={k: gain, d: 25})


def windy(size):
    return System(
        {T: R - d, R: R - k * T + amplitude * sp.sin(time / 20)},
        start={T: 10, R: 35},
        parameters={k: 0.01, d: 25, amplitude: size},
    )


def lorenz(r, dt=0.001):
    return System.from_ode(
        {a: sigma * (b - a), b: a * (rho - c) - b, c: a * b - beta * c},
        start={a: 1, b: 1, c: 1},
        parameters={sigma: 10, rho: r, beta: 8 / 3},
        dt=dt,
    )


def test_op_of_the_continuous_thermostat():
    found = op(thermostat(), A=T, n=R[0], m=R, steps=1000)
    assert found.values[1:4] == pytest.approx([0, 0.01005033585, 0.02020270732], abs=5e-12)
    assert found.values[1000] == pytest.approx(10.143165859, abs=5e-10)
    twice = op(thermostat(0.02), A=T, n=R[0], m=R[1000])
    assert twice.item() == pytest.approx(20.607089919, abs=5e-10)


def test_op_of_the_continuous_thermostat_in_closed_form():
    # x[t+1] = x[t] - k x[t-1] and y stays: Comp solves r^2 = r - k.
    gain = 0.01
    root = math.sqrt(1 - 4 * gain)
    fast, slow = (1 + root) / 2, (1 - root) / 2
    found = op(thermostat(), A=T, n=R[0], m=R, steps=200).values
    # x[0] = x[1] = 1.
    weight = (1 - slow) / (fast - slow)
    expected = [-math.log(weight * fast**t + (1 - weight) * slow**t) for t in range(201)]
    assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("gain", [0.01, 0.02, 0.2])
def test_the_rate_of_op_as_time_grows(gain):
    found = op(thermostat(gain), A=T, n=R[0], m=R, steps=600).values
    rate = -math.log((1 + math.sqrt(1 - 4 * gain)) / 2)
    assert found[600] - found[599] == pytest.approx(rate, abs=1e-12)


@pytest.mark.parametrize("size", [0.1, 100, 1e5])
def test_weather_of_any_size_changes_nothing(size):
    calm = op(thermostat(), A=T, n=R[0], m=R, steps=1000).values
    assert op(windy(size), A=T, n=R[0], m=R, steps=1000).values == pytest.approx(calm, abs=1e-9)


@pytest.mark.parametrize("delta", [1e-3, 1, 1e3])
@pytest.mark.parametrize("system", [thermostat(), windy(100)], ids=["calm", "windy"])
def test_any_difference_gives_the_same_op(system, delta):
    exact = op(thermostat(), A=T, n=R[0], m=R, steps=600).values
    found = op(system, A=T, n=R[0], m=R, steps=600, delta=delta).values
    # At 0.001 in a temperature of 3,000 degrees, the rounding of w alone is 1e-6 of x - w.
    assert found == pytest.approx(exact, abs=1e-6 * max(1, 1e-3 / delta * 40))


def saturating(width, strong):
    power = Piecewise((p, theta <= T), (-p, -theta >= T), (p * T / theta, True))
    return System(
        {T: R - d, R: R - 0.02 * power},
        start={T: 0, R: 25},
        parameters={theta: width, p: strong, d: 25},
        dt=0.02,
    )


@pytest.mark.parametrize(
    ("width", "strong", "expected"), [(1, 1, 19.96), (0.5, 1, 19.96), (1, 0.5, 9.98)]
)
def test_optimizing_power_is_twice_the_strength_times_the_time(width, strong, expected):
    found = optimizing_power(
        saturating(width, strong), A=T, n=R[0], m=R.at(10.0), over={R[0]: np.linspace(5, 45, 40001)}
    )
    assert expected == pytest.approx(2 * strong * (10 - 0.02), rel=1e-12)
    assert found.item() == pytest.approx(expected, abs=1e-3)


def test_optimizing_power_keeps_the_other_axes():
    grid = np.linspace(5, 45, 4001)
    both = optimizing_power(
        saturating(1, 1), A=T, n=R[0], m=R[500], over={R[0]: grid, p: [0.5, 1], theta: [0.5, 1]}
    )
    assert both.dims == ("p", "theta")
    alone = optimizing_power(saturating(0.5, 1), A=T, n=R[0], m=R[500], over={R[0]: grid})
    assert both.sel(p=1, theta=0.5).item() == pytest.approx(alone.item(), rel=1e-12)
    assert both.sel(p=0.5, theta=1).item() == pytest.approx(9.98, abs=0.02)


def test_op_of_the_calm_lorenz_system():
    steps = [1000, 2000, 5000, 10000]
    of_b = op(lorenz(0.8), A=a, n=b[0], m=b, steps=10000).values[steps]
    of_c = op(lorenz(0.8), A=a, n=b[0], m=c, steps=10000).values[steps]
    assert of_b == pytest.approx([-0.2229, -0.8579, -3.1626, -7.1939], abs=5e-5)
    assert of_c == pytest.approx([-0.7483, -1.1911, -3.4116, -7.4482], abs=5e-5)


def test_comp_of_c_along_c_is_negative_for_a_while():
    found = comp(lorenz(0.8), A=a, n=c[0], m=c, steps=10000)
    below = found["time"].values[found.values < 0]
    assert below[0] == pytest.approx(0.999)
    assert below[-1] == pytest.approx(1.389)
    assert len(below) == 391
    turned = op(lorenz(0.8), A=a, n=c[0], m=c, steps=10000, branch="complex")
    assert np.array_equal(turned.imag == -np.pi, found < 0)
    assert np.array_equal(turned.imag == 0, found > 0)


@pytest.mark.parametrize(("delta", "until"), [(1e-5, 5), (1e-6, 4), (1e-7, 2)])
def test_exact_and_difference_agree_while_the_difference_is_small(delta, until):
    system = lorenz(28)
    exact = op(system, A=a, n=b[0], m=b, steps=until * 1000)
    found = op(system, A=a, n=b[0], m=b, steps=until * 1000, delta=delta)
    off = np.abs(found - exact).values
    # Next to the zeros of y the quotient is all rounding, however small the difference.
    assert np.median(off) < 1e-5
    assert np.quantile(off, 0.99) < 1e-2


def oracle_with_scaled_tangents(steps):
    """Op(a; b[0], b[t]) of the chaotic system by a plain loop that shares no code."""
    s, r, q, h = 10.0, 28.0, 8 / 3, 0.001
    x, y, z = 1.0, 1.0, 1.0
    tx, ty = [0.0, 1.0, 0.0], [0.0, 1.0, 0.0]
    log_x = log_y = 0.0
    for _ in range(steps):
        new_x = [
            tx[0] + h * s * (tx[1] - tx[0]),
            tx[1] + h * ((r - z) * tx[0] - x * tx[2] - tx[1]),
            tx[2] + h * (y * tx[0] + x * tx[1] - q * tx[2]),
        ]
        new_y = [0.0, ty[1] + h * (-x * ty[2] - ty[1]), ty[2] + h * (x * ty[1] - q * ty[2])]
        x, y, z = x + h * s * (y - x), y + h * (x * (r - z) - y), z + h * (x * y - q * z)
        size_x, size_y = max(map(abs, new_x)), max(map(abs, new_y))
        tx, ty = [v / size_x for v in new_x], [v / size_y for v in new_y]
        log_x, log_y = log_x + math.log(size_x), log_y + math.log(size_y)
    return -(log_x + math.log(abs(tx[1])) - log_y - math.log(abs(ty[1])))


def test_op_of_a_chaotic_system_before_rounding_matters():
    found = op(lorenz(28), A=a, n=b[0], m=b[15000])
    assert found.item() == pytest.approx(oracle_with_scaled_tangents(15000), rel=1e-6)


def test_op_after_a_million_chaotic_steps_is_finite_and_right():
    """Op / t tends to (largest exponent of b, c driven by a) - (largest exponent of the whole)."""
    found = op(lorenz(28), A=a, n=b[0], m=b[1_000_000]).item()
    assert math.isfinite(found)
    # Rounding makes another trajectory of the same system, whose averages are the same.
    assert found / 1000 == pytest.approx(oracle_with_scaled_tangents(1_000_000) / 1000, abs=0.02)
    # Literature: the largest exponent of the Lorenz attractor is 0.906 (Sprott 2003), and b and c
    # driven by a contract at the rate of the conditional exponent -1.81 (Pecora and Carroll 1990).
    assert found / 1000 == pytest.approx(-1.81 - 0.906, abs=0.06)


def test_a_linear_loop_has_the_sensitivity_function_of_control():
    """In the steady state the response to a constant push is 1/(1+L) of that without feedback."""
    room, heater, push = variables("room heater push")
    gain, leak = 4.0, 0.5
    loop = System(
        {heater: -gain * room, room: (1 - leak) * room + leak * heater + push, push: push},
        start={heater: 0, room: 0, push: 0},
    )
    # The static loop gain is L = gain, and the loop is stable only for a slow enough heater.
    slow = System(
        {
            heater: 0.9 * heater - 0.1 * gain * room,
            room: (1 - leak) * room + leak * heater + push,
            push: push,
        },
        start={heater: 0, room: 0, push: 0},
    )
    found = comp(slow, A=heater, n=push[0], m=room[2000])
    assert found.item() == pytest.approx(1 / (1 + gain), rel=1e-9)
    assert comp(loop, A=heater, n=push[0], m=room[2]).item() == pytest.approx(1.0)
