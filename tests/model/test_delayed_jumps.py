"""Jumps that are seen a delay later: at the start, where something is done, and in a history.

A stage at the end of a step sees what was before the jump, and the next step what was after it.
"""

import itertools
from fractions import Fraction

import numpy as np
import pytest
import scipy.integrate
import sympy as sp

from causalopt import (
    DeclarationError,
    System,
    comp,
    every_m,
    every_n,
    run,
    tangents,
    time,
    variables,
)
from causalopt.language.symbols import LeftLimit, Past
from causalopt.plan import flatten, lanes_of

x, y, u = variables("x y u")
BACKENDS = ("numpy", "numba", "jax")
BEFORE_1 = {x: sp.Piecewise((1, time < -sp.Rational(1, 2)), (0, True))}


def late(dt=0.1, **options):
    return System.from_ode({x: -x.lag(1)}, **{"start": {x: 1}, **options}, dt=dt, method="rk4")


def by_steps(steps, lag, *, start, before, done=lambda step, value: value, held=()):
    """x' = -x(t - 1) in exact fractions: a polynomial in each of ``lag`` parts of a unit of time.

    ``before(step)`` is the value in the part that begins at a step before the start; ``done`` gives
    the value at a step from what x comes to there, and in the parts that are ``held`` it stays.
    """
    known, pieces = [Fraction(start)], []
    for i in range(steps):
        past = pieces[i - lag] if i >= lag else [Fraction(before(i - lag))]
        rise = [-c / (n * lag) for n, c in enumerate(past, start=1)]
        pieces.append([known[-1], *([] if i in held else rise)])
        known.append(Fraction(done(i + 1, sum(pieces[-1]))))
    return np.array(known, dtype=float)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("lag", [10, 20, 40])
@pytest.mark.parametrize("before", [0, 3])
def test_a_history_that_does_not_meet_the_start(lag, before, backend):
    found = run(late(1 / lag, history={x: before}).world(steps=3 * lag), backend=backend)
    expected = by_steps(3 * lag, lag, start=1, before=lambda step: before)
    np.testing.assert_allclose(found.x.values[0], expected, atol=1e-13)


@pytest.mark.sampled(6)
@pytest.mark.parametrize(
    "backend",
    [pytest.param(one, marks=[pytest.mark.long] * (one == "jax")) for one in BACKENDS],
)
@pytest.mark.parametrize("history", [{}, {x: 1}, {x: sp.cos(3 * time)}])
@pytest.mark.parametrize("step", [0, 4, 10, 13])
def test_a_nudge_jumps_wherever_it_is_made(step, history, backend):
    """It leaves alone what was before it, whether the history meets the start or not."""
    expected = by_steps(
        40, 10, start=step == 0, before=lambda _: 0, done=lambda i, value: value + (i == step)
    )
    W = late(history=history).world(steps=40)
    found = tangents(W.perturb(x[step]), backend=backend)
    np.testing.assert_allclose(found.x.values.ravel(), expected, atol=1e-13)
    moved = run(W.perturb(x[step], by=0.5), backend=backend).x.values[0]
    np.testing.assert_allclose(moved - run(W).x.values[0], expected / 2, atol=1e-13)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("first", [0, 5, 10])
@pytest.mark.parametrize("last", [0, 4])
def test_what_is_set_jumps_at_both_ends(first, last, backend):
    stop = first + last
    expected = by_steps(
        30, 10, start=2 if first == 0 else 1, before=lambda _: 1,
        done=lambda i, value: 2 if first <= i <= stop else value, held=range(first, stop),
    )  # fmt: skip
    W = late().world(steps=30)
    held = W.do(x[first : stop + 1], 2)
    np.testing.assert_allclose(run(held, backend=backend).x.values[0], expected, atol=1e-13)
    # What is held to that world is what it is there, and so is what it comes to.
    other = W.perturb(x[2], by=0.5).clamp(x, to=held)
    np.testing.assert_allclose(run(other, backend=backend).x.values[0], expected, atol=1e-13)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_sweep_of_the_start_leaves_what_was_before(backend):
    found = run(late().world(steps=30), over={x[0]: [1, 3]}, backend=backend)
    for place, start in enumerate([1, 3]):
        expected = by_steps(30, 10, start=start, before=lambda _: 1)
        np.testing.assert_allclose(found.x.values[0, :, place], expected, atol=1e-13)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_history_may_jump_itself(backend):
    found = run(late(history=BEFORE_1).world(steps=30), backend=backend)
    expected = by_steps(30, 10, start=1, before=lambda step: step < -5)
    np.testing.assert_allclose(found.x.values[0], expected, atol=1e-13)


def test_a_history_of_negative_times_alone_has_a_limit():
    found = run(late(history={x: sp.Piecewise((3, time < 0))}).world(steps=20)).x.values[0]
    expected = by_steps(20, 10, start=1, before=lambda step: 3)
    np.testing.assert_allclose(found, expected, atol=1e-13)
    with pytest.raises(DeclarationError, match=r"What x was at time = 0, before the start"):
        run(late(history={x: 1 / time}).world(steps=20))


@pytest.mark.parametrize("backend", BACKENDS)
def test_equations_jump_too(backend):
    """An equation that jumps itself and looks back, and one that is looked back to."""
    again = System.from_ode(
        {x: -u}, algebraic={u: sp.Piecewise((x.lag(1), time < 2), (2 * x.lag(1), True))},
        start={x: 1}, dt=0.1, method="rk4",
    )  # fmt: skip
    found = run(again.world(steps=30), backend=backend).x.values[0]
    # 1 - t, then (t - 1)^2 / 2 - (t - 1), whose integral from 1 to 2 is -1/3.
    np.testing.assert_allclose(found[[10, 20, 30]], [0, -1 / 2, -1 / 2 + 2 / 3], atol=1e-13)
    back = System.from_ode(
        {x: -u.lag(1), y: 0 * y}, algebraic={u: sp.Piecewise((1, time < 1), (0, True)) + y},
        history={u: 3}, start={x: 1, y: 0}, dt=0.1, method="rk4",
    )  # fmt: skip
    W = back.world(steps=40)
    found = run(W, backend=backend).x.values[0]
    np.testing.assert_allclose(found[[10, 20, 30, 40]], [-2, -3, -3, -3], atol=1e-13)
    # What it follows from is set at 1.5, which comes to x at 2.5.
    found = run(W.do(y[15], 1), backend=backend).x.values[0]
    np.testing.assert_allclose(found[[20, 25, 30, 40]], [-3, -3, -3.5, -4.5], atol=1e-13)


def hutchinson(units, before, start):
    """x' = -x(t-1)(1 + x) and its derivative by the start, unit by unit: another library."""
    pieces, state = [lambda t: (before(t), 0.0)], np.array([start, 1.0])

    def rate(t, state, past):
        (late_x, late_v), (now, v) = past(t - 1), state
        return -late_x * (1 + now), -late_v * (1 + now) - late_x * v

    for unit in range(units):
        solved = scipy.integrate.solve_ivp(
            rate, (unit, unit + 1), state, args=(pieces[-1],), method="DOP853",
            rtol=1e-13, atol=1e-14, dense_output=True,
        )  # fmt: skip
        state = solved.y[:, -1]
        pieces.append(solved.sol)
    return state


def test_the_method_keeps_its_order_of_four_over_jumps():
    exact = hutchinson(4, lambda t: np.cos(t) - 0.7, 1.0)

    def last(dt):
        system = System.from_ode(
            {x: -x.lag(1) * (1 + x)}, start={x: 1}, history={x: sp.cos(time) - 0.7}, dt=dt,
            method="rk4",
        )  # fmt: skip
        W = system.world(steps=round(4 / dt))
        return [
            run(W, keep="last").x.item(),
            tangents(W.perturb(x[0]), keep="last").x.item(),
        ]

    errors = np.array([abs(np.array(last(dt)) - exact) for dt in (0.1, 0.05, 0.025)])
    assert (errors[0] < 1e-4).all(), errors
    for coarse, finer in itertools.pairwise(errors):
        ratios = coarse / finer
        assert ((ratios > 12) & (ratios < 20)).all(), errors  # 2^4, for order four


@pytest.mark.parametrize("history", [{}, {x: 0.3}])
@pytest.mark.parametrize("held", [y, u])
def test_measures_agree_where_a_nudge_jumps(held, history):
    system = System.from_ode(
        {x: -sp.sin(x.lag(1)) * y + u, y: x.lag(0.5) ** 2 - y}, algebraic={u: x.lag(0.25) * y / 3},
        start={x: 1, y: 0.5}, dt=0.25, method="rk4", history=history,
    )  # fmt: skip
    whole = comp(system, A=held, n=x[0], m=x, steps=12, backend="numpy")
    every = every_m(system, A=held, n=x[0], steps=12, measure="comp").sel(variable="x")
    for step in (5, 9, 12):
        expected = pytest.approx(whole.sel(time=step / 4).item(), rel=1e-10)
        assert comp(system.unroll(12), A=held, n=x[0], m=x[step]).item() == expected
        assert every.sel(time=step / 4).item() == expected
        backwards = every_n(system, A=held, m=x[step], measure="comp")
        assert backwards.sel(variable="x", time=0).item() == expected


def kept(world, tangent=False):
    """The limits that a plan of x keeps to look back to."""
    lanes = lanes_of([world], [world] if tangent else [])
    plan = flatten(world.model, world.steps, lanes, [(len(lanes.lanes) - 1, x)])
    kinds = [slot.variable for slot in plan.slots]
    kinds = [kind.variable if isinstance(kind, Past) else kind for kind in kinds]
    return sum(isinstance(kind, LeftLimit) for kind in kinds)


def test_no_limit_is_kept_where_nothing_jumps():
    W = late().world(steps=30)
    assert kept(W) == 0
    assert kept(W.perturb(x[0], by=1)) == kept(W.perturb(x[0]), tangent=True) == 10
    assert kept(late(history={x: 0}).world(steps=30)) == 10
