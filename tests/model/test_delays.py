"""Delays: what a mechanism sees of earlier times, and what was before the start."""

import itertools
import math
import pickle
from fractions import Fraction

import numpy as np
import pytest
import scipy.integrate
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import (
    Box,
    DeclarationError,
    Ensemble,
    Gaussian,
    Network,
    QueryError,
    System,
    choice,
    comp,
    escape_probability,
    every_m,
    every_n,
    finite,
    noise,
    op,
    parameters,
    run,
    table,
    time,
    variables,
)
from causalopt.backends.banding import banded
from causalopt.backends.codegen import narrow, wide
from causalopt.backends.shape import Shape
from causalopt.plan import flatten, lanes_of

x, y, u = variables("x y u")
k, d = parameters("k d")
BACKENDS = ("numpy", "numba")


def walked(last, *, lag, start=1.0, before=None, nudge=0.0):
    """x[i+1] = x[i]/2 + sin(x[i-lag])/4, in a plain loop."""
    known = [start + nudge]
    for i in range(last):
        past = known[i - lag] if i >= lag else (before(i - lag) if before else start)
        known.append(known[i] / 2 + math.sin(past) / 4)
    return np.array(known)


def delayed(lag, **options):
    return System({x: x / 2 + sp.sin(x.lag(lag)) / 4}, start={x: 1}, **options)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("lag", [1, 2, 7, 40])
def test_a_delay_in_steps_is_a_plain_loop(lag, backend):
    W = delayed(lag).world(steps=60)
    np.testing.assert_allclose(run(W, backend=backend).x.values[0], walked(60, lag=lag), rtol=1e-14)
    X = W.perturb(x[0], by=0.5)
    np.testing.assert_allclose(
        run(X, labels=["X"], backend=backend).x.values[0],
        walked(60, lag=lag, nudge=0.5),
        rtol=1e-14,
    )


F = finite("F", ["a", "b"])


def test_a_named_value_may_have_been_another_before():
    known = System({F: F.lag(2)}, start={F: "b"}, history={F: "a"})
    assert run(known.world(steps=5)).F.values.ravel().tolist() == [1, 0, 0, 1, 0, 0]
    bits = finite("G", [1, 0])
    counted = System({bits: bits.lag(1)}, start={bits: 1}, history={bits: 0})
    assert run(counted.world(steps=3)).G.values.ravel().tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_history_is_what_was_before(backend):
    past = delayed(5, history={x: sp.cos(time) * k}, parameters={k: 2})
    expected = walked(20, lag=5, before=lambda t: 2 * math.cos(t))
    found = run(past.world(steps=20), backend=backend)
    np.testing.assert_allclose(found.x.values[0], expected, rtol=1e-14)
    # It follows the parameters that it is written with, and no difference made at the start.
    over = run(past.world(steps=20), over={k: [2, 0]}, backend=backend)
    np.testing.assert_allclose(over.x.values[0, :, 0], expected, rtol=1e-14)
    silent = walked(20, lag=5, before=lambda t: 0.0)
    np.testing.assert_allclose(over.x.values[0, :, 1], silent, rtol=1e-14)


def test_measures_of_a_delay_agree():
    system = System(
        {x: x / 2 + sp.sin(y.lag(3)) / 4, y: y / 3 + x.lag(2) * x.next / 2}, start={x: 1, y: 0.5}
    )
    exact = op(system, A=y, n=x[0], m=x, steps=40, backend="numba")
    np.testing.assert_allclose(exact, op(system, A=y, n=x[0], m=x, steps=40, backend="numpy"))
    for step in (7, 19, 40):
        whole = exact.sel(time=step).item()
        assert op(system.unroll(40), A=y, n=x[0], m=x[step]).item() == pytest.approx(whole)
        every = every_m(system, A=y, n=x[0], steps=40, measure="op")
        assert every.sel(variable="x", time=step).item() == pytest.approx(whole)
        backwards = every_n(system, A=y, m=x[step], measure="op")
        assert backwards.sel(variable="x", time=0).item() == pytest.approx(whole)
        finite_difference = op(system, A=y, n=x[0], m=x[step], delta=1e-6).item()
        assert finite_difference == pytest.approx(whole, abs=1e-4)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("points", [1, 10])
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("rate", [Fraction(1, 2), Fraction(3), Fraction(-1, 5)])
def test_what_is_remembered_has_its_size_at_every_step(rate, backend, points):
    """Tangents that shrink or grow by thousands of bits, against exact fractions at each step."""
    system = System(
        {x: sp.Rational(rate) * x, y: y / 4 + x.lag(30) / 8 + k * x.lag(2)},
        start={x: 1, y: 1}, parameters={k: 0.25},
    )  # fmt: skip
    over = {k: [0.25] * points} if points > 1 else None
    found = op(system, A=x[40:50], n=x[0], m=y, steps=900, over=over, backend=backend)
    values = found.values if points == 1 else found.values[:, points // 2]

    def tangents_of(held):
        xs, ys = [Fraction(1)], [Fraction(0)]
        for i in range(900):
            past, near = (xs[i - lag] if i >= lag else Fraction(0) for lag in (30, 2))
            ys.append(ys[i] / 4 + past / 8 + near / 4)
            xs.append(Fraction(0) if 40 <= i + 1 < 50 and held else rate * xs[i])
        return ys

    moved, kept = tangents_of(held=False), tangents_of(held=True)
    for step in range(3, 901):
        expected = _log(abs(kept[step])) - _log(abs(moved[step]))
        assert values[step] == pytest.approx(expected, rel=1e-11, abs=1e-11), step


def _log(number):
    """The logarithm of a fraction of any size."""
    shift = number.numerator.bit_length() - number.denominator.bit_length()
    near = number / Fraction(2) ** shift
    return math.log(near) + shift * math.log(2)


@pytest.mark.parametrize("backend", BACKENDS)
def test_wide_runs_remember_each_point(backend):
    starts = np.linspace(-1, 1, 150)
    found = run(delayed(4).world(steps=30), over={x[0]: starts}, backend=backend)
    for place in (0, 63, 64, 149):
        # A sweep of the start leaves what was before as it is.
        expected = walked(30, lag=4, start=starts[place], before=lambda t: 1.0)
        np.testing.assert_allclose(found.x.values[0, :, place], expected, rtol=1e-13)
    grown = System({x: 40 * x + x.lag(3) / 9}, start={x: 1})
    every = comp(grown, A=x[400:410], n=x[0], m=x[700], over={x[0]: starts}, backend=backend)
    single = comp(grown, A=x[400:410], n=x[0], m=x[700], backend="numpy").item()
    np.testing.assert_allclose(every, single, rtol=1e-9)


def steps_by_hand(t):
    """x' = -x(t - 1) from x = 1: a polynomial on each unit of time (Driver 1977)."""
    n = int(t) + 1
    return sum((-1) ** j * (t - (j - 1)) ** j / math.factorial(j) for j in range(1, n + 1)) + 1


@pytest.mark.parametrize("dt", [0.1, 0.05])
def test_a_linear_delay_is_the_method_of_steps(dt):
    system = System.from_ode({x: -x.lag(1)}, start={x: 1}, dt=dt, method="rk4")
    found = run(system.world(steps=round(3 / dt))).x.values[0]
    expected = [steps_by_hand(i * dt) for i in range(len(found))]
    # On the first three units the solution is a cubic, which the method follows exactly.
    np.testing.assert_allclose(found, expected, atol=1e-14)


def test_the_method_keeps_its_order_with_delays():
    def last(dt):
        system = System.from_ode(
            {x: -x.lag(1) * (1 + x)}, start={x: 1}, dt=dt, method="rk4", history={x: sp.cos(time)}
        )
        return run(system.world(steps=round(4 / dt)), keep="last").x.values[0, -1]

    fine = _hutchinson()
    errors = [abs(last(dt) - fine) for dt in (0.1, 0.05, 0.025)]
    assert errors[0] < 1e-6
    for coarse, finer in itertools.pairwise(errors):
        assert 13 < coarse / finer < 19  # 2^4, for order four


def _hutchinson():
    """x' = -x(t-1)(1 + x), x = cos before 0, at t = 4: unit by unit with another library."""
    pieces = [np.cos]

    def rate(t, state, before, origin):
        return -before(t - 1 - origin) * (1 + state)

    value = 1.0
    for unit in range(4):
        before = pieces[-1]
        shift = 0 if unit == 0 else unit - 1
        solved = scipy.integrate.solve_ivp(
            rate,
            (unit, unit + 1),
            [value],
            args=(before if unit == 0 else (lambda s, f=before: f(s)[0]), shift),
            method="DOP853",
            rtol=1e-13,
            atol=1e-13,
            dense_output=True,
        )
        value = solved.y[0, -1]
        pieces.append(lambda s, f=solved.sol, at=unit: f(s + at))
    return value


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.sampled_from(["euler", "rk4"]))
def test_unrolled_delays_are_the_same(first, second, method):
    system = System.from_ode(
        {x: y.lag(first / 4) - x, y: sp.sin(x.lag(second / 4)) - u},
        algebraic={u: x.lag(first / 4) * y / 3},
        start={x: 1, y: x / 2 - k},
        history={y: time},
        parameters={k: 0.3},
        dt=0.25,
        method=method,
    )
    along, flat = run(system.world(steps=9)), run(system.unroll(9).world()).value
    for step in range(10):
        for variable in (x, y, u):
            other = flat.sel(node=f"{variable}[{step}]").item()
            assert along[variable.name].values[0, step] == pytest.approx(other, rel=1e-13)
    assert pickle.loads(pickle.dumps(system)) == system


def test_many_lags_are_planned_compiled_and_run_at_once():
    """Mackey and Glass with 170 lags: what is remembered is moved in loops, not line by line."""
    system = System.from_ode(
        {x: x.lag(17) / 5 / (1 + x.lag(17) ** 10) - x / 10}, start={x: 1.2}, dt=0.1
    )
    found = run(system.world(steps=2000), keep="last", backend="numba").x.values[0, -1]
    known = [1.2] * 171
    for _ in range(2000):
        known.append(known[-1] + 0.1 * (known[-171] / 5 / (1 + known[-171] ** 10) - known[-1] / 10))
    assert found == pytest.approx(known[-1], rel=1e-9)


def test_code_does_not_grow_with_a_delay():
    def lines(lag, write):
        lanes = lanes_of([delayed(lag).world(steps=9)], [delayed(lag).world(steps=9).perturb(x[0])])
        plan = flatten(delayed(lag), 9, lanes, [(0, x), (1, x)])
        shape = Shape(plan.value_slots, plan.scales, plan.recorded, chains=plan.chains)
        assert len(plan.slots) > 2 * lag
        return [write(segment.block, shape).count("\n") for segment in plan.segments]

    for write in (narrow, wide, banded):
        assert lines(20, write) == lines(170, write)


def test_the_graph_shows_what_is_looked_back_to():
    system = System({x: x / 2 + y.lag(3), y: x.next}, start={x: 1, y: 0})
    assert system.causes() == {"x[i+1]": ["x[i]", "y[i-3]"], "y[i+1]": ["x[i+1]"]}
    lags = {(str(a), str(b)): edge["lag"] for a, b, edge in system.graph.edges(data=True)}
    assert lags == {("x", "x"): 1, ("y", "x"): 4, ("x", "y"): 0}
    assert system.wiring(5).parents[x[5]] == (x[4], y[1])
    assert system.wiring(5).parents[x[2]] == (x[1],)


def test_what_a_delay_has_not_reached_is_told_apart():
    # The nudge of x[0] comes to y at step 5: before, m is not downstream of n.
    system = System({x: x / 2, y: x.lag(4)}, start={x: 1, y: 0})
    answer = comp(system, A=x[7:], n=x[0], m=y, steps=8)
    assert np.isnan(answer.values[:5]).all()
    assert not np.isnan(answer.values[5:]).any()
    assert (answer.attrs["undefined"], answer.attrs["saturated"]) == (5, 0)


REFUSED = {
    "no delay": (lambda: x.lag(0), "x itself is the value one step before"),
    "a delay to the future": (lambda: x.lag(-1), "a delay is a positive number"),
    "a parameter": (lambda: x.lag(k), "a delay is a positive number"),
    "text": (lambda: x.lag("5"), "a delay is a positive number"),
    "half a step": (lambda: delayed(2.5), r"x\.lag\(2\)"),
    "a part of dt": (
        lambda: System.from_ode({x: -x.lag(0.25)}, start={x: 1}, dt=0.1),
        r"2\.5 steps of 0\.1.*x\.lag\(0\.2\), or dt=0\.125",
    ),
    "too long": (lambda: delayed(10**7), "at most 10,000"),
    "a history of nothing": (
        lambda: System({x: x / 2}, start={x: 1}, history={x: 0}),
        "no mechanism uses with a delay",
    ),
    "a history of no value": (
        lambda: System({F: F.lag(1)}, start={F: "b"}, history={F: "z"}),
        "'z', which is no value of F",
    ),
    "a history of others": (lambda: delayed(2, history={x: y}), "time and parameters alone"),
    "a network": (lambda: Network({x: y.lag(2)}, start={y: 1}), "has no time"),
    "a table": (
        lambda: System(
            {(f := finite("f", ["a", "b"])): table(f.lag(2), {"a": "b", "b": "a"})}, start={f: "a"}
        ),
        "one step before. Hand the value on by a variable",
    ),
    "an equation without a history": (
        lambda: System({x: u.lag(2)}, algebraic={u: -x}, start={x: 1}),
        r"history=\{u: \.\.\.\}",
    ),
    "a new delay inside steps": (
        lambda: (
            System.from_ode({x: -x}, start={x: 1}, dt=0.1, method="rk4")
            .world(steps=3)
            .replace(x, -x.lag(0.1))
        ),
        "weighted by a parameter that is 0",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_delay_that_cannot_be_says_so(case):
    ask, told = REFUSED[case]
    with pytest.raises(DeclarationError, match=told):
        ask()


def test_what_follows_one_state_refuses_to_look_back():
    back = delayed(3)
    coin = System({x: x.lag(2) + noise("c", choice([-1, 1]))}, start={x: 3})
    for ask in (
        lambda: Gaussian.of({x: (0, 1)}).push(System({x: x.lag(3) / 2}, start={x: 1})),
        lambda: Box.of({x: (0, 1)}).push(System({x: x.lag(3) / 2}, start={x: 1})),
        lambda: Ensemble.of({x: [0.0, 1.0]}, seed=1).push(back),
        lambda: escape_probability(coin, (0, 8), [4], cells=16),
    ):
        with pytest.raises(QueryError, match=r"in place of x\.lag\(2\)"):
            ask()
