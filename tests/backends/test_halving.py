"""Steps of a fixed length that are too long are told, and those that are not, are not."""

import math
import re
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import sin

from causalopt import Event, System, noise, normal, op, parameters, run, time, variables
from causalopt.backends import retaking

x, y, z = variables("x y z")
(rate,) = parameters("rate")
BACKENDS = ("numpy", "numba")


def stiff(length, method="rk4"):
    """x follows y at a rate of 1000; ``length`` is that of a step in units of that time."""
    return System.from_ode(
        {x: -1000 * (x - y), y: z / 10 - y, z: x - z},
        start={x: 1, y: 1, z: 0}, dt=length / 1000, method=method,
    )  # fmt: skip


def told(ask):
    """What is said of the steps, as (the step, of what, by how many hundredths); None: nothing."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ask()
    if not caught:
        return None
    (warning,) = caught
    assert issubclass(warning.category, RuntimeWarning)
    found = re.search(r"at step (\d+) (.+) differs by (\d+)% from", str(warning.message))
    return int(found[1]), found[2], int(found[3])


# A step of rk4 leaves of x' = -1000 x so much, and two halves the square of what half of it does.
def left(length):
    return sum((-length) ** k / math.factorial(k) for k in range(5))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("length", "is_told"), [(0.5, False), (1, False), (2, True), (2.5, True)])
def test_where_a_world_rests_its_derivatives_tell(backend, length, is_told):
    system = stiff(length)
    assert told(lambda: run(system.world(steps=60), backend=backend)) is None
    found = told(lambda: op(system, z, x[20], x[40], backend=backend))
    assert (found is not None) == is_told
    if is_told:
        assert found[1].startswith("the derivative of ")


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("length", [1.7, 2, 2.5, 2.7])
def test_the_gap_is_that_of_the_closed_form(backend, length):
    system = System.from_ode({x: -1000 * x}, start={x: 1}, dt=length / 1000, method="rk4")
    whole, halves = left(length), left(length / 2) ** 2
    gap = abs(whole - halves) / max(1, abs(whole))
    expected = None if gap <= 0.15 else (1, "x", round(100 * gap))
    assert told(lambda: run(system.world(steps=1), backend=backend)) == expected


@given(st.floats(0.05, 6.0), st.sampled_from(["euler", "rk4"]), st.sampled_from(BACKENDS))
def test_it_is_told_where_the_gap_is_beyond_the_bound(length, method, backend):
    system = System.from_ode(
        {x: -rate * x}, start={x: 1}, parameters={rate: length}, dt=1.0, method=method
    )
    bound, remains = (0.25, lambda h: 1 - h) if method == "euler" else (0.15, left)
    whole, halves = remains(length), remains(length / 2) ** 2
    gap = abs(whole - halves) / max(1, abs(whole))
    if abs(gap - bound) > 1e-6:
        assert bool(told(lambda: run(system.world(steps=1), backend=backend))) == (gap > bound)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("count", [3, 20, 1000])
def test_points_of_a_sweep_are_looked_at(backend, count):
    system = System.from_ode(
        {x: -rate * x}, start={x: 1}, parameters={rate: 1}, dt=0.001, method="rk4"
    )
    fine, coarse = np.linspace(1, 100, count), np.linspace(1, 2500, count)
    for values, expected in ((fine, False), (coarse, True)):
        asked = told(
            lambda values=values: run(
                system.world(steps=5), over={rate: values}, keep="last", backend=backend
            )
        )
        assert bool(asked) == expected


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_is_done_to_a_world_is_no_long_step(backend):
    # A value that is set jumps at a step, and so does what is nudged: neither says anything.
    system = System.from_ode({x: y - x, y: -x / 10}, start={x: 1, y: 1}, dt=0.05, method="rk4")
    W = system.world(steps=60)
    worlds = [
        W.do(x[30], 9.0), W.perturb(x[10], by=3.0), W.perturb(x[10], by=3.0, every_step=True),
        W.perturb(y[20]).clamp(x, to=W), W.replace(x[10:], x / 2),
    ]  # fmt: skip
    for world in worlds:
        assert told(lambda world=world: run(world, backend=backend)) is None


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_begins_in_the_middle_is_looked_at(backend):
    # Fast from step 301 on alone, and quiet soon after: no step along the run is there.
    system = System.from_ode({x: -1000 * y * x, y: 0}, start={x: 1, y: 0}, dt=0.0025, method="rk4")
    W = system.world(steps=1000)
    assert told(lambda: run(W, backend=backend)) is None
    step, what, _ = told(lambda: run(W.do(y[301:], 1.0), backend=backend))
    assert what == "x"
    assert 301 <= step <= 303


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_has_no_halves_is_not_looked_at(backend):
    (dt,) = parameters("dt")
    systems = [
        System({x: -5 * x}, start={x: 1}),
        System.from_ode({x: -x / dt}, start={x: 1}, parameters={dt: 0.3}, dt=dt, method="rk4"),
        System.from_ode(
            {x: -9 * x + x.lag(0.3)}, start={x: 1}, history={x: 1}, dt=0.3, method="rk4"
        ),
    ]
    for system in systems:
        assert told(lambda system=system: run(system.world(steps=20), backend=backend)) is None


shaken = noise("shaken", normal(0, 1))
#: Rates that fall back at a rate, and what else there is, by what it is.
BESIDE = {
    "noise": lambda k, dt: System.from_ode(
        {x: -k * x + shaken}, start={x: 1}, dt=dt, method="euler"
    ),
    "noise, by stages": lambda k, dt: System.from_ode(
        {x: -k * (x - shaken)}, start={x: 1}, dt=dt, method="rk4"
    ),
    "a delay": lambda k, dt: System.from_ode(
        {x: -k * x + x.lag(3 * dt)}, start={x: 1}, history={x: 1}, dt=dt, method="rk4"
    ),
    "a short delay": lambda k, dt: System.from_ode(
        {x: -k * x + x.lag(dt)}, start={x: 1}, history={x: 1}, dt=dt, method="euler"
    ),
    "an event in time": lambda k, dt: System.from_ode(
        {x: -k * x}, start={x: 1}, dt=dt, method="rk4", events=[Event(time > 1, {x: 1})]
    ),
    "an event in state": lambda k, dt: System.from_ode(
        {x: -k * x, y: 1}, start={x: 1, y: 0}, dt=dt, method="rk4",
        events=[Event(y > 1.234, {y: 0})],
    ),
    "an equation of time": lambda k, dt: System.from_ode(
        {x: -k * x + y}, algebraic={y: sin(time)}, start={x: 1}, dt=dt, method="rk4"
    ),
}  # fmt: skip


@pytest.mark.sampled(7)
@pytest.mark.parametrize("backend", [*BACKENDS, "jax"])
@pytest.mark.parametrize("points", [None, 3, 20])
@pytest.mark.parametrize("case", BESIDE)
def test_what_is_beside_rates_hides_nothing_and_is_no_long_step(case, points, backend):
    over = None if points is None else {x[0]: np.linspace(0.5, 1, points)}
    if backend == "jax" and "event" in case:
        return  # its first step alone is looked at, and with events two are asked for
    for length, is_told in ((0.2, False), (0.5, False), (3.0, True)):
        system = BESIDE[case](3, length / 3)
        asked = told(lambda system=system: run(system.world(steps=40), over=over, backend=backend))
        assert bool(asked) == is_told, (length, asked)


@pytest.mark.parametrize("backend", BACKENDS)
def test_jumps_are_no_long_steps(backend):
    """What is set within a step differs where a half just misses it: one such says nothing."""
    systems = [
        System.from_ode({x: y, y: -9.8}, start={x: 1, y: 0}, dt=0.1, method="rk4",
                        events=[Event(x < 0, {y: -0.9 * y})]),
        System.from_ode({x: 3 - x}, start={x: 0}, dt=0.1, method="rk4",
                        events=[Event(x > 1, {x: 0})]),
        System.from_ode({x: 1}, start={x: 0}, dt=0.25, method="euler",
                        events=[Event(x >= 1, {x: 0})]),
        System.from_ode({x: -x / 9}, start={x: 1}, dt=0.1, method="rk4",
                        events=[Event(time > 0.1 * k, {x: 9 - x}) for k in range(1, 30, 7)]),
    ]  # fmt: skip
    for system in systems:
        assert told(lambda system=system: run(system.world(steps=40), backend=backend)) is None


def test_what_is_measured_is_the_same_to_the_last_digit(monkeypatch):
    # Calls are cut where a step is looked at; nothing that is measured may know of it.
    system = stiff(1)
    asked = {"steps": 2000, "over": {x[0]: np.linspace(0, 1, 70)}, "backend": "numba"}
    found = op(system, z, x[20], x, **asked).values
    nothing = np.empty(0, dtype=np.int64)
    monkeypatch.setattr(retaking, "points_looked_at", lambda points: nothing)
    np.testing.assert_array_equal(op(system, z, x[20], x, **asked).values, found)
