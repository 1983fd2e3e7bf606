"""Equations of one moment: nodes that follow from the others, at the start and inside steps too."""

import math
import pickle

import numpy as np
import pytest
import sympy as sp

from causalopt import (
    DeclarationError,
    System,
    array,
    comp,
    every_n,
    finite,
    function,
    noise,
    normal,
    op,
    parameters,
    run,
    table,
    time,
    variables,
)

x, u, w = variables("x u w")
h, q = array("h", 2), array("q", 2)
k, c = parameters("k c")
BACKENDS = ("numpy", "numba")


def regulated(method="rk4", dt=0.01):
    """A room that a controller u = -k x brings to 0."""
    return System.from_ode(
        {x: u}, algebraic={u: -k * x}, start={x: 1}, parameters={k: 2}, dt=dt, method=method
    )


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_controller_is_a_node_that_can_be_held(backend):
    """x' = -2 x in X; held at W's values u moves nothing, so that Op is 2 t, in nats."""
    found = op(regulated(), A=u, n=x[0], m=x, steps=100, backend=backend)
    np.testing.assert_allclose(found, 2 * found.time, atol=1e-8)
    assert found.values[0] == 0


def test_it_is_what_the_rate_says_when_it_is_put_in():
    """With u put into the rate of x nothing else changes: to the last digits."""
    put_in = System.from_ode({x: -k * x}, start={x: 1}, parameters={k: 2}, dt=0.01, method="rk4")
    apart, together = (run(s.world(steps=50)).x.values for s in (regulated(), put_in))
    np.testing.assert_allclose(apart, together, rtol=1e-14)
    data = run(regulated().world(steps=50))
    np.testing.assert_allclose(data.u.values, -2 * data.x.values, rtol=1e-14)


def test_the_start_follows():
    W = regulated().world(steps=1)
    assert run(W).u.values[0, 0] == -2
    assert run(W.perturb(x[0], by=1)).u.values[0, 0] == -4
    assert run(W.do(u[0], 5)).u.values[0, 0] == 5
    other = run(W.replace(u, -x / 2)).u.values[0]
    assert other.tolist() == pytest.approx([-0.5, -0.5 * math.exp(-0.005)], abs=1e-12)
    np.testing.assert_array_equal(run(W, over={x[0]: [1, 3]}).u.values[0, 0], [-2, -6])
    np.testing.assert_array_equal(run(W, over={k: [1, 3]}).u.values[0, 0], [-1, -3])


@pytest.mark.parametrize("backend", BACKENDS)
def test_it_can_be_nudged_and_asked_about(backend):
    """u[0] nudged by e moves x by the first stage of a step alone: e dt/6 in the rk4 method."""
    X = regulated().world(steps=1).perturb(u[0], by=1)
    moved = run(X, backend=backend).x.values[0, 1] - run(regulated().world(steps=1)).x.values[0, 1]
    # The stages that follow hear of it through x: (1/6)(1 - k dt + (k dt)^2/2 - (k dt)^3/4) dt.
    z = 0.02
    expected = 0.01 / 6 * (1 + 2 * (-z / 2) + 2 * (z / 2) ** 2 - 2 * (z / 2) ** 2 * z / 2)
    assert moved == pytest.approx(expected, rel=1e-9)
    found = comp(regulated(), A=x[1:], n=x[0], m=u[5], backend=backend)
    # Held from step 1 on, x leaves u where it was in W: nothing to divide by.
    assert math.isinf(found.item())
    assert found.attrs["infinite"] == 1


def test_equations_of_equations_and_of_time():
    system = System.from_ode(
        {x: w}, algebraic={w: u + time, u: -k * x + sp.cos(time)}, start={x: 1},
        parameters={k: 0.5}, dt=0.1, method="rk4",
    )  # fmt: skip
    data = run(system.world(steps=40))
    t = data.time.values
    np.testing.assert_allclose(data.u.values[0], -data.x.values[0] / 2 + np.cos(t), rtol=1e-12)
    np.testing.assert_allclose(data.w.values[0], data.u.values[0] + t, rtol=1e-12)
    # x' = -x/2 + t + cos t, solved in closed form.
    exact = 2 * t - 4 + (2 * np.cos(t) + 4 * np.sin(t)) / 5 + (1 + 4 - 2 / 5) * np.exp(-t / 2)
    np.testing.assert_allclose(data.x.values[0], exact, atol=1e-6)


def test_in_steps_an_equation_holds_at_every_step():
    system = System({x: x / 2 + u}, algebraic={u: time - x}, start={x: 1})
    data = run(system.world(steps=5))
    np.testing.assert_array_equal(data.u.values[0], data.time.values - data.x.values[0])
    flat = run(system.unroll(5).world()).value
    np.testing.assert_array_equal(flat.sel(node=[f"u[{i}]" for i in range(6)])[0], data.u[0])
    assert every_n(system, A=u, m=x[3], measure="op").sel(variable="x", time=0).item() == (
        pytest.approx(op(system, A=u, n=x[0], m=x[3]).item())
    )


def test_finite_equations_hold_too():
    lamp, hand = finite("lamp", ["off", "on"]), finite("hand", ["off", "on"])
    system = System(
        {hand: table(hand, {"off": "on", "on": "off"})},
        algebraic={lamp: table(hand, {"off": "on", "on": "off"})},
        start={hand: "off"},
    )
    data = run(system.world(steps=4))
    assert data.hand.values[0].tolist() == [0, 1, 0, 1, 0]
    assert data.lamp.values[0].tolist() == [1, 0, 1, 0, 1]


def test_it_shows_itself_as_written_and_is_equal_by_value():
    text = repr(regulated())
    assert "    dx/dt = u\n    u = -k*x\n" in text
    assert "u[0]" not in text
    assert "u &= - k x" in regulated()._repr_latex_()
    assert pickle.loads(pickle.dumps(regulated())) == regulated()
    assert hash(regulated()) == hash(regulated())
    assert regulated() != regulated().with_parameters({k: 3})
    assert regulated().causes()["u[i+1]"] == ["x[i+1]"]


REFUSED = {
    "a loop": ({u: -w, w: u + x}, {x: 1}, "cycle"),
    "a rate besides": ({x: -u, u: x}, {x: 1}, "has a mechanism and an equation"),
    "a start": ({u: -x}, {x: 1, u: 1}, "leave the value out"),
    "the same step": ({u: -x.next}, {x: 1}, "so write x"),
    "a noise": ({u: noise("e", normal())}, {x: 1}, "drawn in the course of a step"),
    "an unknown symbol": ({u: -x + c}, {x: 1}, r"parameters=\{c"),
    "a list": ([u], {x: 1}, "write a dict"),
    "a number on the left": ({1: x}, {x: 1}, "only a variable can"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_equation_says_so(case):
    equations, start, told = REFUSED[case]
    with pytest.raises(DeclarationError, match=told):
        System.from_ode({x: u}, algebraic=equations, start=start, dt=0.1)


@pytest.mark.parametrize(
    "make",
    [
        lambda: System({h: h / 2}, algebraic={x: function(sum)(h)}, start={h: [1, 2]}),
        lambda: System.from_ode({h: -h}, algebraic={x: function(sum)(h)}, start={h: [1, 2]}, dt=1),
        lambda: System({h: h / 2}, algebraic={q: 2 * h}, start={h: [1, 2]}),
        lambda: System({h: h / 2, x: x}, start={h: [1, 2], x: 2 * h}),
        lambda: System({x: x}, start={x: k}, parameters={k: np.ones(2)}),
    ],
)
def test_what_is_no_number_gives_no_start_by_a_formula(make):
    with pytest.raises(DeclarationError, match="follows at the start by"):
        make()
