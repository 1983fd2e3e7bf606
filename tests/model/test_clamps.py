"""Clamps: a world held to itself is unchanged, and a soft clamp weights what comes in."""

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import Network, QueryError, System, run, tangents, variables
from causalopt.model.template import is_inner
from tests.model import kinds, walks
from tests.model.kinds import STEPS, a, b, c, g, power
from tests.model.recipes import (
    IN_TIME,
    PROGRAMS,
    SMOOTH,
    WORLDS,
    close,
    flat,
    last_of,
    made,
    named,
    numbers,
    quarters,
    recipes,
    stretches,
    unchanged,
    weights,
)

# -- clamped to itself -----------------------------------------------------------------------------


@pytest.mark.sampled(3)
@pytest.mark.parametrize("kind", SMOOTH)
@given(data=st.data())
@settings(max_examples=4)
def test_a_world_clamped_to_itself_is_unchanged(kind, data):
    recipe = data.draw(recipes(kind, least=0))
    nodes = data.draw(stretches(kind))
    by = data.draw(st.one_of(st.just(1), weights))
    change = ("clamp", nodes, recipe, by)
    # A second gate takes the place of the first, and so may change what there is.
    gated = {n[0] for c in recipe if c[0] == "clamp" and c[3] != 1 for n in c[1]}
    again = by != 1 and gated & {n[0] for n in nodes}
    if not again:
        world = made(WORLDS[kind], recipe, kind)
        unchanged(world, made(WORLDS[kind], (*recipe, change), kind))


@pytest.mark.sampled(12)
@pytest.mark.parametrize(
    ("kind", "by"),
    # Between two names there is nothing.
    [(kind, by) for kind in WORLDS for by in (1, 0.3) if by == 1 or not kind.startswith("tables")],
)
@pytest.mark.parametrize(
    "part", [slice(2, None), slice(2, 3), slice(-1, None), slice(1), slice(None)], ids=str
)
def test_a_world_of_any_kind_clamped_to_itself_is_unchanged(kind, by, part):
    W = WORLDS[kind]
    nodes, is_named = sorted_nodes(W), kind.startswith("tables")
    world = W if is_named else W.perturb(nodes[0]).do(nodes[-1], 0.75).perturb(nodes[1], by=0.5)
    unchanged(world, world.clamp(nodes[part], to=world, by=by))


def test_a_node_held_to_its_own_world_amid_a_held_stretch_changes_nothing():
    v, x = variables("v x")
    S = System.from_ode({v: -v * x, x: v - x}, start={v: 1, x: 0.5}, dt=0.1, method="rk4")
    W = S.world(steps=4)
    V = W.clamp(x, to=W.perturb(v[0], by=1))
    U = V.clamp(x[1:3], to=V)
    for world in (V, U):
        for held in (x[2], x[2:4], x):
            unchanged(world, world.clamp(held, to=V))


def sorted_nodes(W):
    """Nodes of a world, the first ones first."""
    if isinstance(W.model, System):
        return [v[i] for i in range(STEPS + 1) for v in W.model.variables]
    labels = W.model.nodes
    return [node for node in labels if not is_inner(node)]


def test_a_replaced_rate_is_kept_by_the_stages_that_enter_a_clamp():
    v, x = variables("v x")
    S = System.from_ode({v: v, x: v}, start={v: 1, x: 0}, dt=0.5, method="rk4")
    W = S.world(steps=6).replace(v[1:], -3 * v)
    # One step of the method multiplies v by 1 + z + z**2/2 + z**3/6 + z**4/24 at z = -3/2.
    factor = 1 - 1.5 + 1.5**2 / 2 - 1.5**3 / 6 + 1.5**4 / 24
    moved = [(factor**i - 1) / -3 for i in range(7)]
    assert run(W).x.values[0] == pytest.approx(moved, rel=1e-14)
    assert np.array_equal(run(W).x, run(W.clamp(v[3:], to=W)).x)
    assert np.array_equal(run(W).v, run(W.clamp(v[3:], to=W)).v)


# Worlds, and nodes of them that lie beside what is held, set or gated in another way.
DRIVEN = (("do", (("b", 0, 1),), 2),)
BESIDE = {
    "held, then free": (
        (("do", (("b", 0, 1),), 0.25), ("clamp", (("a", 0, 2),), (), 1)),
        ("clamp", (("a", 0, 1),), 1),
    ),
    "held, then held behind a gate": (
        (("perturb", (("b", 0, 1),), 0.5), ("clamp", (("a", 3, 7),), (), 1)),
        ("clamp", (("a", 4, 7),), 0.25),
    ),
    "held, then set behind a gate": (
        (("do", (("a", 4, 7),), -1.0), ("clamp", (("a", 0, 7),), DRIVEN, 0.25)),
        ("clamp", (("a", 4, 5),), 1),
    ),
    "held where it is behind a gate there": (
        (("clamp", (("a", 0, 7),), DRIVEN, 0.25),),
        ("clamp", (("a", 0, 7),), 1),
    ),
}


@pytest.mark.sampled(4)
@pytest.mark.parametrize("kind", IN_TIME)
@pytest.mark.parametrize("name", BESIDE)
def test_steps_beside_a_stretch_that_is_held_to_its_own_world_are_as_they_were(name, kind):
    recipe, (deed, nodes, by) = BESIDE[name]
    held = (*recipe, (deed, nodes, recipe, by))
    unchanged(made(WORLDS[kind], recipe, kind), made(WORLDS[kind], held, kind))


def test_a_step_between_a_node_that_is_held_and_one_that_is_set_is_as_it_was():
    W = WORLDS["rk4"].do(a[1], 0).do(c[3:5], 0.5)
    for held in (a[0], a[2:], c[3], c[2:4], [a[0], c[:4]]):
        X = W.clamp(held, to=W)
        unchanged(W, X)
        unchanged(W, X.clamp([a, c], to=X, by=0.5))


# -- soft clamps -----------------------------------------------------------------------------------


@pytest.mark.sampled(3)
@pytest.mark.parametrize("kind", SMOOTH)
@given(data=st.data())
@settings(max_examples=3)
def test_by_0_changes_nothing_and_by_1_is_the_clamp(kind, data):
    nodes = data.draw(stretches(kind))
    outside = [name for name in "abc" if name not in {n[0] for n in nodes}]
    start = data.draw(st.integers(0, last_of(kind)))
    nudged = ((data.draw(st.sampled_from(outside)), start, start + 1),)
    moved = (("perturb", nudged, data.draw(st.one_of(quarters, st.none()))),)
    to = data.draw(st.sampled_from([(), (("perturb", nudged, None),), (("do", nudged, 0.5),)]))
    W = WORLDS[kind]
    X, V, target = made(W, moved, kind), made(W, to, kind), named(nodes, kind)
    free, held = (numbers(X.clamp(target, to=V, by=by), backend="numpy") for by in (0, 1))
    close(free, numbers(X, backend="numpy"), 1e-14)
    assert X.clamp(target, to=V, by=1) == X.clamp(target, to=V)
    assert X.clamp(target, to=V, by=np.float64(1)) == X.clamp(target, to=V)
    for measure in (run, tangents):
        swept = numbers(X.clamp(target, to=V, by=g), measure, over={g: [0, 1]}, backend="numpy")
        plain, hard = (numbers(w, measure, backend="numpy") for w in (X, X.clamp(target, to=V)))
        close({name: row[:, 0] for name, row in swept.items()}, plain, 1e-14)
        close({name: row[:, 1] for name, row in swept.items()}, hard, 1e-14)
    assert held.keys() == free.keys()


GATED = {
    "one variable": (("a", 0, 7),),
    "a part of the steps": (("a", 2, 5),),
    "from the second step on": (("a", 1, 7),),
    "two variables": (("a", 0, 7), ("c", 0, 7)),
    "two variables over other steps": (("a", 1, 4), ("c", 3, 6)),
    "the last step": (("c", 6, 7),),
}


@pytest.mark.sampled(8)
@pytest.mark.parametrize("name", GATED)
@pytest.mark.parametrize("kind", IN_TIME)
def test_a_swept_gate_is_a_plain_walk_at_each_weight(kind, name):
    moved = ("perturb", (("b", 0, 1),), None)
    to = (("perturb", (("c", 1, 2),), 0.5),)
    recipe = (moved, ("perturb", (("b", 1, 2),), 0.25), ("clamp", GATED[name], to, "g"))
    grid = [0.0, 0.125, 0.5, 0.875, 1.0]
    for world in (made(WORLDS[kind], recipe, kind), made(flat(kind), recipe, kind)):
        for measure, walked in ((run, walks.values), (tangents, walks.slopes)):
            swept = numbers(world, measure, over={g: grid}, backend="numpy")
            for j, weight in enumerate(grid):
                expected = walked(PROGRAMS[kind], recipe, STEPS, {"g": weight})
                close({name: row[:, j] for name, row in swept.items()}, expected)


def test_a_gate_keeps_what_the_set_says_to_itself():
    # a and c feed each other and b feeds both: only b is weighted.
    S = System({a: c + 3 * b, b: b, c: a + 5 * b}, start={a: 1, b: 2, c: 4})
    W = S.world(steps=2)
    gated = run(W.do(b, 10).clamp([a[1:], c[1:]], to=W, by=0.25), labels=["w"])
    # By hand, exactly. Step 1: a and c at step 0 are outside, and the same in both worlds.
    weighed = 0.75 * 10 + 0.25 * 2
    a1, c1 = 4 + 3 * weighed, 1 + 5 * weighed
    assert gated.a.values[0].tolist() == [1, a1, c1 + 3 * weighed]
    assert gated.c.values[0].tolist() == [4, c1, a1 + 5 * weighed]
    # Each alone is weighted by the other too.
    alone = run(W.do(b, 10).clamp(a[1:], to=W, by=0.25).clamp(c[1:], to=W, by=0.25), labels=["w"])
    plain = run(W, labels=["w"])
    a2 = 0.75 * c1 + 0.25 * plain.c.values[0, 1] + 3 * weighed
    assert alone.a.values[0].tolist() == [1, a1, a2]


def test_a_gate_over_a_root_and_over_a_value_that_is_set_weighs_these():
    N = Network({b: 2 * a}, start={a: 1})
    W = N.world()
    to = W.do(a, 5)
    assert run(W.clamp(a, to=to, by=0.25)).value.values.tolist() == [[2, 4]]
    assert run(W.do(b, 7).clamp(b, to=to, by=0.25)).value.values.tolist() == [[1, 7.75]]
    assert tangents(W.perturb(a).clamp(b, to=W, by=0.25)).value.values.tolist() == [[1, 1.5]]


@pytest.mark.sampled(4)
@pytest.mark.parametrize("kind", SMOOTH)
@pytest.mark.parametrize("by", [0, 0.25, "g"])
def test_a_difference_made_inside_a_gate_is_kept(kind, by):
    # A gate weights what comes in from other nodes. What is added to the node itself does not.
    W = WORLDS[kind]
    node = ((("b"), 0, 1),)
    for amount in (0.5, None):
        nudge = ("perturb", node, amount)
        V = made(W, (nudge,), kind)
        unchanged(V, made(W, (nudge, ("clamp", (("b", 0, 1),), (nudge,), by)), kind))
        if by == 0:
            unchanged(V, made(W, (nudge, ("clamp", (("b", 0, 1),), (), by)), kind))


@pytest.mark.parametrize("by", [0.5, -0.0])
def test_what_has_named_values_has_nothing_between_two_of_them(by):
    W = WORLDS["tables"]
    assert W.clamp(power, to=W, by=1) == W.clamp(power, to=W)
    if by:
        for world in (W, WORLDS["tables, unrolled"]):
            with pytest.raises(QueryError, match="named values"):
                world.clamp(power[2:], to=world, by=by)


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda W: W.clamp(a, to=W, by=1.5), "from 0"),
        (lambda W: W.clamp(a, to=W, by=-0.1), "from 0"),
        (lambda W: W.clamp(a, to=W, by=float("nan")), "from 0"),
        (lambda W: W.clamp(a, to=W, by="half"), "from 0"),
        (lambda W: W.clamp(a, to=W, by=True), "from 0"),
        (lambda W: W.clamp(a, to=W, by=sp.Symbol("g")), "no such parameter"),
        (lambda W: W.clamp(a, to=W, by=kinds.parameters("q")[0]), "no such parameter"),
    ],
)
def test_a_weight_is_a_number_from_0_to_1_or_a_parameter(ask, told):
    for kind in ("formulas", "declared"):
        with pytest.raises(QueryError, match=told):
            ask(WORLDS[kind])


@settings(deadline=None)
@given(st.floats(-1e3, 1e3), st.floats(-5, 5))
def test_weights_beyond_0_and_1_extrapolate(gamma, kick):
    x, y = variables("x y")
    W = System({x: x, y: 3 * x + y / 2}, start={x: 1, y: 1}, parameters={g: 0.5}).world(steps=2)
    soft = W.perturb(x[0], by=kick).clamp(y[1:], to=W, by=g)
    course = run(soft, labels=["X"], over={g: [gamma]}, backend="numpy").y.values.ravel()
    # y[1] follows from (1 - gamma) (1 + kick) + gamma, and y[2] from that and from itself
    heard = 1 + (1 - gamma) * kick
    first = 3 * heard + 0.5
    assert course[1] == pytest.approx(first, rel=1e-12, abs=1e-9)
    assert course[2] == pytest.approx(3 * heard + first / 2, rel=1e-12, abs=1e-9)
