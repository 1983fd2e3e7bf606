"""Steps taken in parts by an estimate of their error: published answers, derivatives, laws."""

import math
from itertools import pairwise

import mpmath
import numpy as np
import pytest
import sympy
from scipy.integrate import solve_ivp

from causalopt import (
    Event,
    System,
    array,
    every_n,
    function,
    op,
    run,
    tangents,
    time,
    variables,
)
from causalopt.backends import demand
from causalopt.ground.errors import DeclarationError, EvaluationError, QueryError
from causalopt.mechanisms.methods import METHODS
from tests.runs.oscillator import mu, van_der_pol, x, y

(z,) = variables("z")


# -- values ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["dopri5", "rodas4"])
@pytest.mark.parametrize("tolerance", [1e-6, 1e-9])
def test_the_error_follows_the_tolerance(method, tolerance):
    exact = solve_ivp(
        lambda t, s: [s[1], (1 - s[0] ** 2) * s[1] - s[0]],
        (0, 4), [2, 0], method="DOP853", rtol=1e-13, atol=1e-14,
    ).y[:, -1]  # fmt: skip
    found = run(van_der_pol(method, tolerance=tolerance).world(steps=8), keep="last")
    assert abs(found.x.item() - exact[0]) < 3 * tolerance
    assert abs(found.y.item() - exact[1]) < 3 * tolerance


def test_a_stiff_oscillator_has_the_published_value():
    """mu = 1000 to t = 2000. Mazzia and Magherini, Test Set for IVP Solvers (2008)."""
    found = run(van_der_pol(dt=2000, tolerance=1e-8, stiff=1000.0).world(steps=1))
    assert found.x[0, -1].item() == pytest.approx(1.706167732170483, rel=1e-6)
    assert found.y[0, -1].item() == pytest.approx(-0.8928097010247975e-3, rel=1e-6)


def test_slow_and_fast_reactions_have_the_published_values_up_to_a_time_of_1e11():
    """Robertson's problem, over eleven powers of ten. Mazzia and Magherini (2008)."""
    fast = 3e7 * y**2
    system = System.from_ode(
        {x: -0.04 * x + 1e4 * y * z, y: 0.04 * x - 1e4 * y * z - fast, z: fast},
        start={x: 1, y: 0, z: 0},
        dt=1e11,
        method="rodas4",
        tolerance=1e-10,
    )
    found = run(system.world(steps=1), keep="last")
    published = 0.2083340149701255e-7, 0.8333360770334713e-13, 0.9999999791665050
    for name, value in zip("xyz", published, strict=True):
        assert found[name].item() == pytest.approx(value, rel=1e-6, abs=0)


@pytest.mark.long
def test_eight_reactions_have_the_published_values():
    """HIRES at t = 321.8122. Mazzia and Magherini (2008)."""
    s = variables(" ".join(f"s{i}" for i in range(1, 9)))
    a, b, c, d, e, f, g, h = s
    bound = 280 * f * h
    system = System.from_ode(
        {
            a: -1.71 * a + 0.43 * b + 8.32 * c + 0.0007,
            b: 1.71 * a - 8.75 * b,
            c: -10.03 * c + 0.43 * d + 0.035 * e,
            d: 8.32 * b + 1.71 * c - 1.12 * d,
            e: -1.745 * e + 0.43 * f + 0.43 * g,
            f: -bound + 0.69 * d + 1.71 * e - 0.43 * f + 0.69 * g,
            g: bound - 1.81 * g,
            h: -bound + 1.81 * g,
        },
        start=dict(zip(s, [1, 0, 0, 0, 0, 0, 0, 0.0057], strict=True)),
        dt=321.8122,
        method="rodas4",
        tolerance=1e-7,
    )
    found = run(system.world(steps=1), keep="last")
    published = [
        *(0.7371312573325668e-3, 0.1442485726316185e-3, 0.5888729740967575e-4),
        *(0.1175651343283149e-2, 0.2386356198831331e-2, 0.6238968252742796e-2),
        *(0.2849998395185769e-2, 0.2850001604814231e-2),
    ]
    ours = [found[str(v)].item() for v in s]
    assert ours == pytest.approx(published, rel=1e-6, abs=0)


def test_the_oregonator_has_the_published_values():
    """At t = 360. Mazzia and Magherini (2008)."""
    system = System.from_ode(
        {
            x: 77.27 * (y + x * (1 - 8.375e-6 * x - y)),
            y: (z - (1 + x) * y) / 77.27,
            z: 0.161 * (x - z),
        },
        start={x: 1, y: 2, z: 3},
        dt=360,
        method="rodas4",
        tolerance=1e-8,
    )
    found = run(system.world(steps=1), keep="last")
    published = 0.1000814870318523e1, 0.1228178521549917e4, 0.1320554942846706e3
    for name, value in zip("xyz", published, strict=True):
        assert found[name].item() == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize("length", [5, pytest.param(9, marks=pytest.mark.long)])
@pytest.mark.parametrize("method", ["dopri5", "rodas4"])
def test_what_grows_from_nothing_is_right_beside_its_own_size(method, length, monkeypatch):
    """A chain that empties into itself: the k-th is t^k exp(-t) / k!, however little that is."""
    monkeypatch.setattr(demand, "MOST", 2000)
    chain = variables(" ".join(f"c{k}" for k in range(length)))
    rates = {chain[0]: -chain[0], **{b: a - b for a, b in pairwise(chain)}}
    starts = {c: float(c is chain[0]) for c in chain}
    system = System.from_ode(rates, start=starts, dt=0.1, method=method, tolerance=1e-7)
    found, times = run(system.world(steps=2)), np.array([0.1, 0.2])
    for k, c in enumerate(chain):
        exact = times**k / math.factorial(k) * np.exp(-times)
        assert found[str(c)].values[0, 1:] == pytest.approx(exact, rel=1e-7, abs=0)


def test_a_long_chain_fills_from_nothing(monkeypatch):
    """What no float can hold as yet is no error."""
    monkeypatch.setattr(demand, "MOST", 2000)
    chain = variables(" ".join(f"c{k}" for k in range(40)))
    rates = {chain[0]: -chain[0], **{b: a - b for a, b in pairwise(chain)}}
    starts = {c: float(c is chain[0]) for c in chain}
    system = System.from_ode(rates, start=starts, dt=1, method="dopri5", tolerance=1e-3)
    last = run(system.world(steps=1), keep="last").c39.item()
    assert last == pytest.approx(math.exp(-1) / math.factorial(39), rel=1e-3, abs=0)


def test_a_forcing_and_an_equation_are_seen_at_their_times():
    """x' = -50 (x - u) - sin(t), with u = cos(t): x = cos(t)."""
    rate = {x: -50 * (x - y) - sympy.sin(time)}
    for method in ("dopri5", "rodas4"):
        system = System.from_ode(
            rate, algebraic={y: sympy.cos(time)}, start={x: 1}, dt=0.7, method=method,
            tolerance=1e-10,
        )  # fmt: skip
        found = run(system.world(steps=5))
        assert found.x.values[0] == pytest.approx(np.cos(found.time.values), abs=1e-8)
        assert found.y.values[0] == pytest.approx(np.cos(found.time.values), abs=1e-14)


def test_a_rate_that_depends_on_nothing_but_time_is_followed():
    """x' = 100 cos(100 t), y' = 3, z' = 0: sin(100 t), 3 t and 7."""
    rates = {x: 100 * sympy.cos(100 * time), y: 3 + 0 * y, z: 0 * z}
    for method in ("dopri5", "rodas4"):
        system = System.from_ode(
            rates, start={x: 0, y: 0, z: 7}, dt=1, method=method, tolerance=1e-9
        )
        found = run(system.world(steps=2))
        assert found.x.values[0] == pytest.approx(np.sin(100 * np.arange(3)), abs=1e-6)
        assert found.y.values[0] == pytest.approx(3 * np.arange(3), rel=1e-14)
        assert found.z.values[0].tolist() == [7, 7, 7]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("waves", [1, 10, 90, 500])
@pytest.mark.parametrize("method", ["dopri5", "rodas4"])
def test_a_forcing_is_seen_though_a_step_holds_whole_waves_of_it(waves, method):
    """All nodes of dopri5 are multiples of 1/90, and those of rodas4 of 1/500."""
    system = System.from_ode(
        {x: sympy.cos(2 * sympy.pi * waves * time)},
        start={x: 1}, dt=1, method=method, tolerance=1e-6,
    )  # fmt: skip
    assert run(system.world(steps=1), keep="last").x.item() == pytest.approx(1, abs=1e-4)


# -- derivatives -----------------------------------------------------------------------------------


@pytest.mark.sampled(2)
@pytest.mark.parametrize("method", ["dopri5", "rodas4"])
@pytest.mark.parametrize(("A", "n"), [(y, x[0]), (y[2:5], x[3])])
def test_op_is_what_differences_find(method, A, n):
    system = van_der_pol(method)
    exact = op(system, A=A, n=n, m=x, steps=5).values[n.step :]
    near = op(system, A=A, n=n, m=x, steps=5, delta=1e-6).values[n.step :]
    assert exact == pytest.approx(near, abs=2e-4)


def test_a_nudge_and_a_hold_are_those_of_the_flow():
    """x' = -x + y, y' = -2 y - x: dx/dx0 is an entry of exp(J t), and exp(-t) where y is held."""
    system = System.from_ode(
        {x: -x + y, y: -2 * y - x}, start={x: 1, y: 1}, dt=0.5, method="rodas4", tolerance=1e-11
    )
    W = system.world(steps=6)
    X = W.perturb(x[2])
    found = tangents(X, X.clamp(y, to=W), labels=["X", "Y"])
    t = 0.5 * np.arange(5)
    whole = [float(mpmath.expm(mpmath.matrix([[-1, 1], [-1, -2]]) * s)[0, 0]) for s in t]
    assert found.x.values[0, 2:] == pytest.approx(whole, rel=1e-9)
    assert found.x.values[1, 2:] == pytest.approx(np.exp(-t), rel=1e-9)
    assert (found.x.values[:, :2] == 0).all()


@pytest.mark.parametrize("method", ["dopri5", "rodas4"])
def test_where_a_world_rests_the_parts_are_those_of_its_derivatives(method):
    """At a fixed point nothing moves but tangents: exp(-20 t), exp(t), cos t, in steps of 5."""

    def tangent(rates, start):
        system = System.from_ode(rates, start=start, dt=5, method=method, tolerance=1e-9)
        return tangents(system.world(steps=2).perturb(x[0]), labels=["X"]).x.values[0]

    t = np.array([0.0, 5.0, 10.0])
    assert tangent({x: -20 * (x - 1)}, {x: 1}) == pytest.approx(np.exp(-20 * t), rel=1e-6, abs=0)
    assert tangent({x: x * (1 - x)}, {x: 0}) == pytest.approx(np.exp(t), rel=1e-7)
    swing = tangent({x: y, y: -x}, {x: 0, y: 0})
    assert swing == pytest.approx(np.cos(t), abs=1e-7)


@pytest.mark.parametrize("method", ["dopri5", "rodas4"])
def test_what_is_let_go_is_free_from_then_on(method):
    """x' = u and u = -2 x: held up to t = 1, and exp(-2 (t - 1)) after that."""
    system = System.from_ode(
        {x: y}, algebraic={y: -2 * x}, start={x: 1}, dt=0.5, method=method, tolerance=1e-9
    )
    W = system.world(steps=6)
    X = W.perturb(x[0])
    found = tangents(X.clamp(y[:3], to=W), labels=["Y"]).x.values[0]
    t = 0.5 * np.arange(7)
    assert found == pytest.approx(np.exp(-2 * np.maximum(t - 1, 0)), rel=1e-7)


@pytest.mark.parametrize("method", ["dopri5", "rodas4"])
def test_what_is_set_has_no_error(method):
    """x' = -x + 1/2, with y set from the start."""
    system = System.from_ode(
        {x: -x + y, y: -3 * y}, start={x: 2, y: 1}, dt=0.5, method=method, tolerance=1e-9
    )
    found = run(system.world(steps=4).do(y, 0.5)).x.values[0]
    assert found == pytest.approx(0.5 + 1.5 * np.exp(-0.5 * np.arange(5)), rel=1e-7)


# -- the parts are a point's own -------------------------------------------------------------------


def test_a_point_is_what_it_is_alone_whatever_is_swept_with_it():
    system = van_der_pol()
    values = [0.5, 40.0]
    swept = op(system, A=y, n=x[0], m=x, steps=2, over={mu: values}, backend="numpy")
    for value in values:
        alone = system.with_parameters({mu: value})
        want = op(alone, A=y, n=x[0], m=x, steps=2, over={mu: [value]}, backend="numpy")
        assert (swept.sel(mu=value).values == want.values[:, 0]).all()
        single = op(alone, A=y, n=x[0], m=x, steps=2).values
        assert swept.sel(mu=value).values == pytest.approx(single, rel=1e-10, abs=1e-12)


@pytest.mark.parametrize(
    ("backend", "method"),
    [("numba", "rodas4"), pytest.param("jax", "dopri5", marks=pytest.mark.long)],
)
def test_every_backend_takes_the_same_parts(backend, method):
    system = van_der_pol(method, tolerance=1e-5)
    want = op(system, A=y, n=x[1], m=x, steps=3, backend="numpy").values
    found = op(system, A=y, n=x[1], m=x, steps=3, backend=backend).values
    assert found == pytest.approx(want, rel=1e-9, abs=1e-11, nan_ok=True)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("backend", ["numba", "jax"])
@pytest.mark.parametrize("delta", [None, 1e-3])
def test_every_backend_sweeps_in_the_same_parts(backend, delta):
    asked = {"A": y, "n": x[0], "m": x, "steps": 3, "delta": delta}
    asked["over"] = {mu: [0.5, 1.0, 2.0], x[0]: np.linspace(1, 2, 7)}
    system = van_der_pol("dopri5", tolerance=1e-5)
    want = op(system, backend="numpy", **asked).values
    found = op(system, backend=backend, **asked).values
    np.testing.assert_allclose(found, want, rtol=1e-8, atol=1e-10)


def test_what_is_kept_is_the_same_however_much_is_kept():
    W = van_der_pol().world(steps=8)
    every = run(W)
    assert (run(W, keep="last").x.values[0, 0] == every.x.values[0, -1]).all()
    assert (run(W, keep=3).x.values[0] == every.x.values[0, ::3]).all()
    assert (run(W, keep=[x[0], x[1]]).x.values[0] == every.x.values[0, :2]).all()
    assert op(W.model, A=y, n=x[0], m=x[0]).item() == 0
    assert list(every.time.values) == list(0.5 * np.arange(9))


# -- what cannot be --------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["dopri5", "auto"])
def test_a_value_that_leaves_the_finite_numbers_is_told_where(method):
    """x' = x^2 from 1 is 1/(1 - t)."""
    system = System.from_ode({x: x**2}, start={x: 1}, dt=0.3, method=method, tolerance=1e-9)
    assert run(system.world(steps=3)).x.values[0, -1] == pytest.approx(10, rel=1e-7)
    with pytest.raises(QueryError, match=r"Near time (1|0\.99999\d*), in step 4, no part"):
        run(system.world(steps=5))


def test_an_explicit_method_that_would_take_for_ever_says_which_does_not(monkeypatch):
    monkeypatch.setattr(demand, "MOST", 2000)
    system = van_der_pol("dopri5", dt=2000, stiff=1e6)
    with pytest.raises(QueryError, match=r'2,000 attempts .*method="rodas4"'):
        run(system.world(steps=1))


def test_a_nudge_that_lasts_no_time_is_refused():
    system = System.from_ode({x: y}, algebraic={y: -x}, start={x: 1}, dt=0.5, method="auto")
    with pytest.raises(QueryError, match="y is nudged, which follows from the others at each"):
        run(system.world(steps=2).perturb(y[0], by=1))


def test_what_has_no_estimates_is_refused():
    pair = array("a", 2)
    with pytest.raises(DeclarationError, match="a is an array, and estimates of errors"):
        System.from_ode({pair: -pair}, start={pair: [1, 2]}, dt=0.5, method="auto")
    with pytest.raises(DeclarationError, match="x is followed by a function, and estimates"):
        System.from_ode(
            {x: function(lambda x: -x)(x)}, start={x: 1}, dt=0.5, method="dopri5", tolerance=1e-6
        )
    with pytest.raises(DeclarationError, match="Known here: euler, rk4, dopri5, rodas4, auto"):
        System.from_ode({x: -x}, start={x: 1}, dt=0.5, method="AUTO")


def test_what_belongs_to_whole_steps_is_refused():
    system = van_der_pol("dopri5")
    with pytest.raises(QueryError, match="A network of nodes is made of one step, and with"):
        system.unroll(2)
    with pytest.raises(QueryError, match="arrows of a step is made of one step"):
        every_n(system, A=y, m=x[4])


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"method": "rk4"}, "method='rk4' has none: write method='dopri5' or method='rodas4'"),
        ({"tolerance": 0}, "tolerance=0 is no error"),
        ({"tolerance": 1}, "tolerance=1 is no error"),
        ({"tolerance": "small"}, "tolerance is 'small'"),
        ({"tolerance": float("nan")}, "tolerance is nan"),
    ],
)
def test_a_tolerance_that_cannot_be_is_told(more, told):
    with pytest.raises(DeclarationError, match=told):
        van_der_pol(**more)


def test_systems_are_equal_where_their_tolerances_are():
    assert van_der_pol() == van_der_pol() != van_der_pol(tolerance=1e-8)
    assert "tolerance = 1e-09" in repr(van_der_pol())


def test_an_error_of_a_run_in_parts_names_the_step_of_the_system():
    """A rate with a root of what gets negative: no part is short enough where it does."""
    system = System.from_ode(
        {x: -1 + 0 * x, y: sympy.sqrt(x)}, start={x: 1, y: 0}, dt=0.3, method="dopri5",
        tolerance=1e-6,
    )  # fmt: skip
    with pytest.raises((QueryError, EvaluationError), match="step 4"):
        run(system.world(steps=6))


UNDECIDED = {
    "a rate": ({y: sympy.Piecewise((1, sympy.sqrt(x) < 0.1), (2, True))}, ()),
    "an event": ({y: 0 * y}, [Event(sympy.sqrt(x) < 0.1, {y: y + 1})]),
}


@pytest.mark.sampled(3)
@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize(
    ("name", "method"),
    [("a rate", "dopri5"), ("a rate", "rodas4"), ("a rate", "auto"), ("an event", "dopri5")],
)
def test_a_condition_without_an_answer_is_told_as_in_whole_steps(name, method, backend):
    rates, events = UNDECIDED[name]

    def told(over, **how):
        system = System.from_ode(
            {x: -1 + 0 * x, **rates}, start={x: 1, y: 0}, dt=0.3, events=events, **how
        )
        W = system.world(steps=6)
        masked = run(W, over=over, on_failure="mask", backend=backend)
        with pytest.raises(EvaluationError) as error:
            run(W, over=over, backend=backend)
        assert masked.failed.attrs["reason"] == str(error.value)
        return masked.failed.values.tolist(), str(error.value)

    # Before it is asked of a negative number it has an answer.
    for over in ({x[0]: [1.0, 9.0, 2.5]}, {x[0]: [9.0, -1.0]}):
        failed, words = told(over, method=method, tolerance=1e-6)
        alike, whole = told(over, method="rk4")
        assert failed == alike
        # Values that lead there differ by the tolerance, and are told in the order of the method.
        assert words.split(", at")[0] == whole.split(", at")[0]
        assert words.split("its rate")[1] == whole.split("its rate")[1]


def test_events_that_fall_into_one_moment_are_told_as_that():
    events = [Event(x < 0.5, {x: x - 1}), Event(x < 0, {y: 1})]
    system = System.from_ode(
        {x: -1 + 0 * x, y: 0 * y}, start={x: 1, y: 0}, dt=0.3, method="auto", events=events
    )
    with pytest.raises(QueryError, match="an event makes another one happen at the same moment"):
        run(system.world(steps=6))


def test_methods_with_estimates_are_those_that_take_a_tolerance():
    assert [name for name, kind in METHODS.items() if kind.estimates] == [
        "dopri5",
        "rodas4",
        "auto",
    ]
