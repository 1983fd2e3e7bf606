"""``perturb(n, to=value)``: a difference that brings a node to a value; and noises that come in."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from causalopt import (
    Network,
    QueryError,
    System,
    comp,
    draw,
    every_n,
    finite,
    noise,
    normal,
    op,
    run,
    table,
    variables,
)

x, y, z = variables("x y z")
A, B = finite("A", ["p", "q", "r"]), finite("B", ["p", "q", "r"])
start = {x: 1.5, y: -0.5, z: 0.25}
formulas = {x: x / 2 + y, y: x * y + z, z: z / 3 + x.next}
WORLDS = {
    "system": (System(formulas, start=start).world(steps=5), lambda v, i: v[i]),
    "rk4": (
        System.from_ode({x: y, y: -x * z, z: x - z}, start=start, dt=0.1, method="rk4").world(5),
        lambda v, i: v[i],
    ),
    "unrolled": (System(formulas, start=start).unroll(5).world(), lambda v, i: v[i]),
    "network": (Network({y: x**2, z: x * y}, start={x: 1.5}).world(), lambda v, i: v),
}
numbers = st.floats(-2, 2).map(lambda value: round(value, 3))


@given(st.sampled_from(sorted(WORLDS)), st.sampled_from([x, y, z]), st.integers(0, 5), numbers)
def test_a_value_is_the_difference_that_brings_the_node_there(kind, variable, step, value):
    W, name = WORLDS[kind]
    node = name(variable, step)
    at = run(W, keep=[node], backend="numpy")
    now = (at["value"] if "value" in at else at[variable.name]).values.ravel()[0]
    to, by = W.perturb(node, to=value), W.perturb(node, by=value - now)
    for found, expected in zip(*(run(v, backend="numpy").data_vars.values() for v in (to, by)),
                               strict=True):  # fmt: skip
        assert np.allclose(found, expected, rtol=1e-9, atol=1e-9)
    assert to.perturb(node, to=value) == to
    assert W.perturb(node, by=3).perturb(node, to=value) == to
    assert to.perturb(node, by=value - now) == by
    # A clamp is made of the node itself, and so what was added to it is gone.
    assert to.clamp(node, to=W) == W.clamp(node, to=W)
    held = run(to.clamp(node, to=W), W, backend="numpy")
    for values in held.data_vars.values():
        assert np.array_equal(values[0], values[1])


def test_a_nudge_comes_on_top_of_the_value():
    W, _ = WORLDS["system"]
    moved, done = W.perturb(x[2], to=0.75), W.do(x[2], 0.75)
    for delta in (None, 1e-3):
        first, second = (comp(v, A=z, n=x[2], m=y[5], delta=delta) for v in (moved, done))
        assert first.item() == pytest.approx(second.item(), rel=1e-12)
    network = WORLDS["network"][0].perturb(y, to=2.0)
    # y no longer answers to x, and z = x y goes with 2 x.
    assert every_n(network, A=[y], m=z).values[0] == 1
    assert comp(network, A=[y], n=x, m=z).item() == 1


@given(st.sampled_from(A.values), st.integers(0, 3))
def test_a_finite_variable_is_moved_to_a_name(value, step):
    copy = table(B, {"p": "q", "q": "r", "r": "p"})
    system = System({A: copy, B: A}, start={A: "p", B: "q"})
    W = system.world(steps=4)
    moved, done = run(W.perturb(A[step], to=value), W.do(A[step], value)).A.values, None
    assert np.array_equal(*moved), done
    for ask in (
        lambda: op(system, A=B, n=A[step], m=B[4], delta=1),
        lambda: comp(system, A=B, n=A[step], m=B[4]),
    ):
        with pytest.raises(QueryError, match=r"optimizing_strength\(.*perturb\(A.*to='p'"):
            ask()
    with pytest.raises(QueryError, match=r"perturb\(A\[0\], to='p'\)"):
        W.perturb(A[0], by=1)


def test_what_cannot_be_moved_is_refused():
    W, _ = WORLDS["system"]
    with pytest.raises(QueryError, match="write one of the two"):
        W.perturb(x[0], by=1, to=2)
    with pytest.raises(QueryError, match="write the difference, by="):
        W.clamp(x, to=W.perturb(x[1], to=2), by=0.5)
    assert "→ 2" in draw(W.model, steps=2, worlds=[W.model.world(2).perturb(x[0], to=2)]).dot


def test_a_noise_comes_in_with_another_mechanism():
    e = noise("e", normal(0, 1))
    base = Network({y: 2 * x, z: y + x}, start={x: 1}).world(seed=3)
    declared = Network({y: x + e, z: y + x}, start={x: 1}).world(seed=3)
    new = base.replace(y, x + e)
    assert np.array_equal(run(new).value, run(declared).value)
    assert np.array_equal(run(new, draws=4).value, run(declared, draws=4).value)
    assert comp(new, A=y, n=x, m=z, draws=3).dims == ("draw",)
    system = System({x: x / 2}, start={x: 1}).world(steps=5, seed=2)
    noisy = System({x: x / 2 + e}, start={x: 1}).world(steps=5, seed=2)
    found = run(system.replace(x[1:], x / 2 + e), draws=3).x
    assert np.array_equal(found, run(noisy, draws=3).x)
