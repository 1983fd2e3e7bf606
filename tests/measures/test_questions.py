"""What Comp and Op return at their edges, and the questions that they refuse."""

import numpy as np
import pytest

from causalopt import (
    Network,
    QueryError,
    System,
    comp,
    every_n,
    op,
    optimizing_power,
    parameter,
    run,
    variables,
)

T, R, Q = variables("T R Q")
a, b, c = variables("a b c")
system = System({T: R - 25, R: R - 0.1 * T, Q: R * 0 + Q}, start={T: 10, R: 35, Q: 1}, dt=0.5)


def test_over_time_and_at_one_node():
    along = op(system, A=T, n=R[0], m=R, steps=20)
    assert along.dims == ("time",)
    assert along["time"].values[-1] == 10.0
    assert op(system, A=T, n=R[0], m=R[20]).item() == along.values[-1]
    assert op(system, A=T, n=R[0], m=R.at(10.0)).item() == along.values[-1]
    assert np.array_equal(op(system, A=T, n=R[0], m=R[5:8]).values, along.values[5:8])
    assert along.attrs["A"] == "T"
    assert along.attrs["units"] == "nat"


def test_what_is_not_downstream_is_nan_and_flagged():
    found = op(system, A=T, n=R[3], m=R, steps=6)
    assert np.isnan(found.values[:3]).all()
    assert not np.isnan(found.values[3:]).any()
    assert found.attrs["undefined"] == 3
    assert np.isnan(op(system, A=T, n=R[0], m=Q[5]).item())
    assert np.isnan(op(system, A=T, n=R[9], m=R[5]).item())
    assert np.isnan(comp(system, A=T, n=R[0], m=Q[5], delta=0.1).item())


@pytest.mark.parametrize("delta", [None, 0.5])
def test_zero_and_infinite_ratios(delta):
    # All of the difference passes through a: y = 0, x is not.
    through = Network({b: 2 * a, c: 3 * b}, start={a: 1})
    found = op(through, A=[b], n=a, m=c, delta=delta)
    assert found.item() == -np.inf
    assert comp(through, A=[b], n=a, m=c, delta=delta).item() == np.inf
    assert found.attrs["infinite"] == 1
    # The answer cancels the difference: x = 0, y is not.
    cancels = Network({b: -a, c: a + b}, start={a: 1})
    assert op(cancels, A=[b], n=a, m=c, delta=delta).item() == np.inf
    assert comp(cancels, A=[b], n=a, m=c, delta=delta).item() == 0
    # And in a sweep, next to ordinary values.
    k = parameter("k")
    swept = Network({b: -k * a, c: a + b}, start={a: 1}, parameters={k: 1})
    row = op(swept, A=[b], n=a, m=c, over={k: [0, 0.5, 1, 3]}, delta=delta).values
    assert row == pytest.approx([0, np.log(2), np.inf, -np.log(2)])


def test_signs_and_branches():
    k = parameter("k")
    network = Network({b: -k * a, c: a + b}, start={a: 1}, parameters={k: 3})
    assert comp(network, A=[b], n=a, m=c).item() == -2
    assert op(network, A=[b], n=a, m=c).item() == pytest.approx(-np.log(2))
    turned = op(network, A=[b], n=a, m=c, branch="complex").item()
    assert turned == pytest.approx(-np.log(-2 + 0j))
    assert turned.imag == -np.pi


def test_a_world_may_be_measured_in_place_of_a_system():
    W = system.world(steps=30).do(T[5:10], 0.0)
    held = op(W, A=T, n=R[0], m=R)
    free = op(system, A=T, n=R[0], m=R, steps=30)
    assert held.sizes == free.sizes
    assert not np.allclose(held[7:], free[7:])
    assert np.allclose(held[:5], free[:5])


def test_a_run_of_zero_steps():
    assert op(system, A=T, n=R[0], m=R[0]).item() == 0


def test_limited_membership():
    few = op(system, A=T[:4], n=R[0], m=R, steps=20).values
    same = op(system, A=[T[0], T[1], T[2], T[3]], n=R[0], m=R, steps=20).values
    times = op(system, A=T.between(0, 1.5), n=R[0], m=R, steps=20).values
    whole = op(system, A=T, n=R[0], m=R, steps=20).values
    assert np.array_equal(few, same)
    assert np.array_equal(few, times)
    assert np.array_equal(few[:5], whole[:5])
    assert not np.allclose(few[8:], whole[8:])


def test_clamping_a_variable_clamps_its_stages():
    # With b held, da/dt sees b's values of W also inside each step, so y stays exactly as far.
    rates = {a: -b, b: a - b}
    ode = System.from_ode(rates, start={a: 1, b: 0}, dt=0.1, method="rk4")
    found = comp(ode, A=b, n=a[0], m=a, steps=30)
    from causalopt import tangents

    X = ode.world(steps=30).perturb(a[0])
    free = tangents(X, X.clamp(b, to=ode.world(steps=30)))["a"]
    assert np.array_equal(free.values[1], np.ones(31))
    assert np.allclose(found.values, free.values[0], rtol=1e-14)


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda: op(system, A=R, n=R[0], m=T, steps=5), "n = R.0. lies inside A"),
        (lambda: op(system, A=T, n=R[0], m=T, steps=5), "m = T lies inside A"),
        (lambda: op(system, A=T[:3], n=R[0], m=T, steps=5), r"such as m=T\[3:\]"),
        (lambda: op(system, A=T[2], n=T[2], m=R, steps=5), "n = T.2. lies inside A"),
        (lambda: op(system, A=T, n=R, m=R, steps=5), r"write R\[0\]"),
        (lambda: op(system, A=T, n=R[0], m=R), "steps is missing"),
        (lambda: op(system, A=T, n=R[0], m=R[9], steps=5), "after the last step, 5"),
        (lambda: op(system, A=T, n=R[9], m=R[5], steps=5), "after the last step, 5"),
        (lambda: op(system, A=a, n=R[0], m=R[5]), "a is not a variable"),
        (lambda: op(system, A=T, n=R[0], m=[R[1], R[2]]), "ask about one"),
        (lambda: op(system, A=T, n=R[0], m=R[5], delta=0), "delta is 0"),
        (lambda: op(system, A=T, n=R[0], m=R[5], branch="both"), 'branch="complex"'),
        (lambda: op(system, A=T, n=R[0], m=R[5], backend="none"), "no backend"),
        (lambda: op(system.world(steps=3), A=T, n=R[0], m=R[5]), "last step, 3"),
        (lambda: op(system.world(steps=3), A=T, n=R[0], m=R, steps=5), "leave steps out"),
        (lambda: op("system", A=T, n=R[0], m=R[5]), "cannot be measured"),
        (
            lambda: optimizing_power(system, A=T, n=R[0], m=R[5], over={}),
            "no values for R.0., the axis",
        ),
        (
            lambda: optimizing_power(system, A=T, n=R[0], m=R[5], over={R[0]: [3, 2, 1]}),
            "do not increase",
        ),
    ],
)
def test_impossible_questions_are_refused(ask, told):
    with pytest.raises(QueryError, match=told):
        ask()


def test_a_difference_that_is_no_number_is_refused():
    from causalopt import DeclarationError

    with pytest.raises(DeclarationError, match="delta is 'x'"):
        op(system, A=T, n=R[0], m=R[5], delta="x")


def test_a_nudge_adds_to_what_is_there_already():
    # Around a world that is perturbed at n, as around one in which n has that value.
    b, x, y = variables("b x y")
    network = Network({b: -x / 2, y: x**2 + b}, start={x: 1})
    moved, done = network.world().perturb(x, by=2), network.world().do(x, 3)
    for delta in (None, 1e-6):
        found = [comp(world, A=[b], n=x, m=y, delta=delta).item() for world in (moved, done)]
        assert found == pytest.approx([5.5 / 6, 5.5 / 6], rel=1e-6 if delta else 1e-14)
    assert every_n(moved, A=[b], m=y).sel(node="x").item() == pytest.approx(5.5 / 6, rel=1e-14)


def test_a_nudge_of_a_system_adds_to_what_is_there_already():
    a, b = variables("a b")
    system = System({a: a**2 / 3 + b / 4, b: a}, start={a: 0.5, b: 1})
    moved = system.world(steps=4).perturb(a[1], by=0.25)
    base = run(system.world(steps=4)).a.values[0, 1]
    done = system.world(steps=4).do(a[1], base + 0.25)
    found = [comp(world, A=b, n=a[1], m=a[4]).item() for world in (moved, done)]
    assert found[0] == pytest.approx(found[1], rel=1e-13)
