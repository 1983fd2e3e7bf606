"""Nodes named one by one: the same in a system and unrolled, and no start that is replaced."""

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import QueryError, System, comp, op, parameters, run, tangents, variables

x, y, u = variables("x y u")
k, g = parameters("k g")
STEPS = 6
SWING = System.from_ode(
    {x: y - sp.sin(x) * y / 3, y: u - k * y}, algebraic={u: -sp.tanh(x)},
    start={x: 1, y: 0.3}, parameters={k: 0.2, g: 0.4}, dt=0.2, method="rk4",
)  # fmt: skip
FLAT = SWING.unroll(STEPS)
NODES = [variable[i] for variable in (x, y, u) for i in range(STEPS + 1)]
sets = st.lists(st.sampled_from(NODES), min_size=1, max_size=12, unique=True)


def parts(nodes):
    """The same nodes, two and two in lists of their own."""
    return [nodes[i : i + 2] for i in range(0, len(nodes), 2)]


def ends(data):
    """The values of all nodes at the ends of steps, by name."""
    if "node" in data.dims:
        values = dict(zip(data.node.values.tolist(), data["value"].values[0], strict=True))
        return np.array([values[str(node)] for node in NODES])
    return np.concatenate([data[name].values[0] for name in "xyu"])


ACTS = {
    "held": lambda V, nodes, W: V.clamp(nodes, to=W),
    "softly": lambda V, nodes, W: V.clamp(nodes, to=W, by=0.3),
    "softly by a parameter": lambda V, nodes, W: V.clamp(nodes, to=W, by=g),
    "set": lambda V, nodes, W: V.do(nodes, 0.25),
    "moved": lambda V, nodes, W: V.perturb(nodes, by=0.125),
}


@pytest.mark.sampled(3)
@pytest.mark.parametrize("act", ACTS)
@settings(max_examples=6, deadline=None)
@given(nodes=sets)
def test_a_list_of_nodes_is_the_same_unrolled(act, nodes):
    worlds = []
    for model in (SWING.world(steps=STEPS), FLAT.world()):
        nudged = model.perturb(x[1], by=0.5)
        worlds.append(ACTS[act](nudged, nodes if model.steps else parts(nodes), model))
    whole, flat = (ends(run(world, backend="numpy")) for world in worlds)
    np.testing.assert_allclose(flat, whole, rtol=1e-13, atol=1e-15)
    whole, flat = (ends(tangents(world.perturb(y[0]), backend="numpy")) for world in worlds)
    np.testing.assert_allclose(flat, whole, rtol=1e-12, atol=1e-14)


def test_all_nodes_one_by_one_are_the_variable():
    swing = System.from_ode(
        {x: -x * y, y: x - y}, start={x: 1, y: 0.3}, dt=0.1, method="rk4"
    )  # fmt: skip
    each = [y[i] for i in range(6)]
    asked = {"n": x[1], "m": x[5]}
    found = [
        comp(model, A=nodes, **asked).item()
        for model in (swing, swing.unroll(5))
        for nodes in (y, each, (*each[::-1],), [y[:3], y[3], [y[4], {y[5]}]])
    ]
    np.testing.assert_allclose(found, found[0], rtol=1e-12)
    # Those that are held apart from one another have no step between them.
    apart = [op(model, A=[y[1], y[3]], **asked).item() for model in (swing, swing.unroll(5))]
    assert apart[0] == pytest.approx(apart[1], rel=1e-12)
    assert apart[0] != pytest.approx(op(swing, A=y, **asked).item(), rel=1e-3)


def test_a_start_is_not_replaced_in_silence():
    system = System({x: x / 2 + y, y: -x}, algebraic={u: x + y}, start={x: y**2 * k, y: 3},
                    parameters={k: 2})  # fmt: skip
    W = system.world(steps=3)
    for node, formula in ((x[0], 2 * y), (y[0], 2), ([x[2], x[0]], y)):
        with pytest.raises(QueryError, match=r"is a start value.*do\(.\[0\], \.\.\.\).*with_start"):
            W.replace(node, formula)
    # A stretch of steps begins where there are steps; what is no start has an equation there.
    assert run(W.replace(x[:2], 7)).x.values[0, :2].tolist() == [18, 7]
    assert run(W.replace(u[0], x - y)).u.values[0, :2].tolist() == [15, 12 - 18]
