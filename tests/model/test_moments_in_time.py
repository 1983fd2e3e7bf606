"""An event with a condition on the time happens once, in one step, wherever in it the moment is."""

import functools

import numpy as np
import pytest
import sympy as sp
from hypothesis import example, given, settings
from hypothesis import strategies as st

from causalopt import EvaluationError, Event, System, parameters, run, time, variables

u, v = variables("u v")
at, period = parameters("at period")
BACKENDS = ("numpy", "numba")
# A method, and a tolerance: with one, steps are taken in parts.
WAYS = [(None, None), ("euler", None), ("rk4", None), ("dopri5", None), ("dopri5", 1e-6),
        ("auto", None)]  # fmt: skip
SIZES = (0.1, 0.125, 0.3, 1 / 7, 1e6, 86400.0)
STEPS = 8
CONDITIONS = {
    "from": time >= at,
    "after": time > at,
    "twice": 2 * time - at > at,
    "squared": time**2 >= at**2,
}
# What comes again: in a period of a dozen steps, once.
DOZEN = 12
PERIODIC = {
    "late in it": sp.Mod(time, period) >= at,
    "early in it": sp.Mod(time - at, period) < period / 2,
    "a swing": sp.sin(2 * sp.pi * ((time - at) / period + sp.Rational(1, 12))) > 0.5,
}

# How far from an end of a step, as a part of the time there, and which end that is.
beside = st.builds(
    lambda sign, digits, exponent: sign * digits * 10.0**exponent,
    st.sampled_from([-1, 1]),
    st.floats(1, 9.99),
    st.integers(-16, -4),
)
moments = st.lists(
    st.tuples(st.integers(0, STEPS - 1), st.just(0.0) | beside), min_size=1, max_size=30
)


@functools.cache
def counting(way, dt, when):
    """Counts how often a condition comes true; something else moves on."""
    method, tolerance = way
    given = {"start": {u: 0, v: 1}, "dt": dt, "parameters": {at: dt, period: DOZEN * dt},
             "events": [Event(when, {u: u + 1})]}  # fmt: skip
    if method is None:
        return System({u: u, v: v / 2}, **given)
    rates = {u: 0 * u, v: -v / dt}
    return System.from_ode(rates, method=method, tolerance=tolerance, **given)


def counted(way, dt, when, moments, steps, backend="numpy"):
    """How often it has come true by each step: (moments, steps)."""
    found = run(counting(way, dt, when).world(steps=steps), over={at: moments}, backend=backend).u
    return found.transpose("at", "world", "time").values[:, 0]


def moment(dt, end, part):
    return end * dt * (1 + part) if end else max(abs(part), 1e-100) * dt


@pytest.mark.sampled(6)
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("way", WAYS)
@settings(deadline=None, max_examples=5)
@given(moments=moments, dt=st.sampled_from(SIZES), name=st.sampled_from(sorted(CONDITIONS)))
def test_it_happens_in_the_step_in_which_its_time_comes(way, backend, moments, dt, name):
    times = [moment(dt, *one) for one in moments]
    found = counted(way, dt, CONDITIONS[name], times, STEPS, backend)
    assert (found[:, -1] == 1).all()
    # In which step, where rounding does not decide it.
    for row, (end, part) in zip(found, moments, strict=True):
        if abs(part) > 1e-11:
            assert np.argmax(row) == end + (part > 0 or end == 0)


@pytest.mark.parametrize("way", [*WAYS[:-1], pytest.param(WAYS[-1], marks=pytest.mark.long)])
@settings(deadline=None, max_examples=5)
@given(
    moments=st.lists(st.tuples(st.integers(1, DOZEN // 2 - 1), beside), min_size=1, max_size=30),
    dt=st.sampled_from(SIZES),
    name=st.sampled_from(sorted(PERIODIC)),
)
# One point needs a step in parts that the other has done with: for it they are of no length.
@pytest.mark.sampled(2)
@example(moments=[(1, -1e-4), (4, 1e-4)], dt=0.1, name="a swing")
def test_what_comes_again_does_so_once_a_period(way, moments, dt, name):
    times = [moment(dt, *one) for one in moments]
    found = counted(way, dt, PERIODIC[name], times, 4 * DOZEN)
    np.testing.assert_array_equal(found[:, ::DOZEN], [range(5)] * len(times))


@pytest.mark.parametrize(
    "dt", [0.1, *(pytest.param(dt, marks=pytest.mark.long) for dt in (1 / 7, 1e6))]
)
@pytest.mark.parametrize("way", WAYS)
def test_where_the_room_for_rounding_ends_it_ends_for_both_steps(way, dt):
    """The end of one is the beginning of the next to the last digit: floats one by one."""
    ends = np.arange(1, STEPS)[:, None] * dt
    edges = ends * (1 + 2.0**-40) + np.spacing(ends) * np.arange(-4, 5)
    for name in ("from", "twice"):
        assert (counted(way, dt, CONDITIONS[name], edges.ravel(), STEPS)[:, -1] == 1).all()


@pytest.mark.sampled(9)
@pytest.mark.parametrize("dt", [0.1, 0.3, 86400.0])
@pytest.mark.parametrize("way", WAYS)
def test_where_rounding_leaves_the_end_of_a_step_is_its_end(way, dt):
    """As a number in the formula, at what floats make of a multiple and at those beside it."""
    for end in (1, 3, 7):
        for part in (end * dt, np.nextafter(end * dt, 0), np.nextafter(end * dt, np.inf)):
            method, tolerance = way
            given = {"start": {u: 0}, "dt": dt, "events": [Event(time >= part, {u: u + 1})]}
            model = (
                System({u: u}, **given) if method is None
                else System.from_ode({u: 0 * u}, method=method, tolerance=tolerance, **given)
            )  # fmt: skip
            found = run(model.world(steps=STEPS), backend="numpy").u.values[0]
            np.testing.assert_array_equal(found, np.arange(STEPS + 1) >= end)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("way", WAYS)
def test_what_holds_from_the_start_never_comes_true(way):
    for when in (time >= at, sp.Mod(time, period) >= at):
        assert (counted(way, 0.1, when, [0.0], STEPS) == 0).all()
    # After the start is not at the start, however soon it is.
    soon = counted(way, 0.1, time >= at, [1e-300, 1e-20, 1e-12], STEPS)
    assert (soon == (np.arange(STEPS + 1) > 0)).all()
    assert (counted(way, 0.1, time > at, [0.0], STEPS) == (np.arange(STEPS + 1) > 0)).all()


def test_of_two_moments_that_are_all_but_one_none_is_left_out():
    """Inside a step there is no room for rounding: these are two, and are told."""
    for apart in (1e-12, 1e-11, 1e-10, 1e-7):
        model = System.from_ode(
            {u: 0 * u, v: 0 * v}, start={u: 0, v: 0}, dt=0.1, method="rk4",
            events=[Event(time >= 0.35, {u: 1}), Event(time >= 0.35 + apart, {v: 1})],
        )  # fmt: skip
        with pytest.raises(EvaluationError, match="two events fell into one step"):
            run(model.world(steps=5))
