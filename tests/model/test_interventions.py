"""The laws of do, perturb, clamp (hard and soft) and replace, for every kind of model.

Values and derivatives are held to a plain walk of 50 digits, ``tests/model/walks.py``.
"""

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import Network, QueryError, System, World, run, tangents, variables
from tests.model import kinds, walks
from tests.model.kinds import STEPS, a, b, c, g, k, power, room, world_of
from tests.model.walks import Program

SYMBOLS = {"a": a, "b": b, "c": c, "power": power, "room": room}
GATE = 0.3  # The value of the parameter g in the models.


# -- models, and the same as plain functions -------------------------------------------------------

ODE = {
    "rules": {
        "a": lambda see: see("b"),
        "b": lambda see: see("c") - mpmath.sin(see("a")) - mpmath.mpf(0.2) * see("b"),
        "c": lambda see: mpmath.tanh(see("a") - see("c")),
    },
    "start": {"a": 1, "b": 0, "c": -0.5},
    "dt": 0.25,
    "others": {"pull": lambda see: -2 * see("a") + see("c") / 4, "rest": lambda see: 0},
}
PROGRAMS = {
    "formulas": Program(
        rules={
            "a": lambda see: see("b") - mpmath.mpf(0.5) * see("a"),
            "b": lambda see: mpmath.sin(see("a")) + see("b") / 3 + see("t") / 9,
            "c": lambda see: see("a.next") * see("b") / 4 + see("c") / 5,
        },
        start={"a": 0.3, "b": 1, "c": -0.5},
        dt=0.5,
        others={"pull": lambda see: see("c") / 2 - see("b") * see("b") / 4, "rest": lambda see: 0},
    ),
    "euler": Program(**ODE, method="euler"),
    "rk4": Program(**ODE, method="rk4"),
    "declared": Program(
        rules={
            "b": lambda see: mpmath.mpf(0.5) * see("a") + 1,
            "c": lambda see: mpmath.sin(see("b")) - see("a") * see("b"),
        },
        start={"a": 1, "b": 0, "c": 0},
        others={"pull": lambda see: 2 * see("a") - see("a") ** 2 / 4, "rest": lambda see: 0},
        is_network=True,
    ),
}
OTHERS = {
    "formulas": {"pull": c / 2 - b**2 / 4, "rest": 0},
    "euler": {"pull": -2 * a + c / 4, "rest": 0},
    "rk4": {"pull": -2 * a + c / 4, "rest": 0},
    "declared": {"pull": 2 * a - a**2 / 4, "rest": 0},
}
SMOOTH = list(PROGRAMS)
IN_TIME = ["formulas", "euler", "rk4"]
WORLDS = {name: world_of(build()) for name, build in kinds.MODELS.items()}


def last_of(kind):
    return 0 if WORLDS[kind].steps is None else STEPS


def named(nodes, kind):
    """Nodes as a user names them."""
    if kind == "declared":
        return [SYMBOLS[name] for name, *_ in nodes]
    return [SYMBOLS[name][start:stop] for name, start, stop in nodes]


def made(W, recipe, kind):
    """The world of a recipe."""
    world = W
    for deed, nodes, *what in recipe:
        target = named(nodes, kind)
        if deed == "do":
            world = world.do(target, what[0])
        elif deed == "perturb":
            world = world.perturb(target, by=what[0])
        elif deed == "sustain":
            world = world.perturb(
                [n.variable[n.start] for n in target], by=what[0], every_step=True
            )
        elif deed == "replace":
            world = world.replace(target, OTHERS[kind.split(",")[0]][what[0]])
        else:
            by = g if what[1] == "g" else what[1]
            world = world.clamp(target, to=made(W, what[0], kind), by=by)
    return world


def numbers(world, measure=run, **options):
    """What is measured of a world, by the names of its variables: (steps, *swept)."""
    data = measure(world, labels=["w"], **options).sel(world="w")
    if "value" in data and world.steps is None:
        index = world.model.index
        along = sorted({(str(n.variable), n.step) for n in world.model.nodes if hasattr(n, "step")})
        if along:
            rows = {name: [index[SYMBOLS[name][i]] for n, i in along if n == name]
                    for name, _ in along if name in SYMBOLS}  # fmt: skip
            return {name: data["value"].values[row] for name, row in rows.items()}
        return {str(node): data["value"].values[[i]] for i, node in enumerate(world.model.nodes)}
    return {name: data[name].values for name in data}


def close(found, expected, scale=1e-12):
    assert found.keys() == expected.keys()
    for name, row in expected.items():
        row = np.array(row, dtype=float)
        np.testing.assert_allclose(found[name], row, rtol=scale, atol=scale, err_msg=name)


# -- recipes ---------------------------------------------------------------------------------------

quarters = st.integers(-8, 8).map(lambda n: n / 4)
weights = st.sampled_from([0.25, 0.5, 0.75, "g"])


def stretches(kind, names="abc"):
    last = last_of(kind)
    bounds = st.integers(0, last).flatmap(
        lambda start: st.tuples(st.just(start), st.integers(start + 1, last + 1))
    )
    one = st.tuples(st.sampled_from(names), bounds).map(lambda pair: (pair[0], *pair[1]))
    return st.lists(one, min_size=1, max_size=2, unique_by=lambda s: s[0]).map(tuple)


def single(kind):
    return st.tuples(st.sampled_from("abc"), st.integers(0, last_of(kind))).map(
        lambda pair: ((pair[0], pair[1], pair[1] + 1),)
    )


def plain_changes(kind, differences=None):
    """Changes that hold nothing to another world."""
    bys, rules = st.one_of(quarters, st.none()), st.sampled_from(["pull", "rest"])
    kinds_of_change = [
        st.tuples(st.just("do"), stretches(kind), quarters),
        st.tuples(st.just("perturb"), differences or stretches(kind), bys),
        st.tuples(st.just("replace"), stretches(kind, replaceable(kind)), rules),
    ]  # fmt: skip
    if kind in IN_TIME:
        kinds_of_change.append(st.tuples(st.just("sustain"), single(kind), bys))
    return st.one_of(kinds_of_change)


def replaceable(kind):
    # The rule of a network sees a alone, so that no order of b and c closes a cycle.
    return "bc" if kind == "declared" else "abc"


def clamps(kind, others, by):
    return st.tuples(st.just("clamp"), stretches(kind), others, by)


@st.composite
def recipes(draw, kind, least=1):
    """Up to four changes; worlds that nodes are held to have up to two, clamps among them."""
    simple = st.lists(plain_changes(kind), max_size=2).map(tuple)
    held = st.one_of(st.just(()), simple)
    # A world that is held to itself is that world, by another name.
    other = simple.filter(lambda recipe: walks.settled(recipe) != ())
    nested = st.one_of(held, clamps(kind, other, st.just(1)).map(lambda change: (change,)))
    by = st.one_of(st.just(1), weights)
    changes = st.one_of(plain_changes(kind), clamps(kind, nested, by))
    return tuple(draw(st.lists(changes, min_size=least, max_size=4)))


# -- against the plain walk ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", SMOOTH)
@given(data=st.data())
@settings(max_examples=10)
def test_worlds_are_those_of_a_plain_walk(kind, data):
    recipe = data.draw(recipes(kind))
    program, last = PROGRAMS[kind], last_of(kind)
    world = made(WORLDS[kind], recipe, kind)
    close(numbers(world, backend="numpy"), walks.values(program, recipe, last, {"g": GATE}))
    expected = walks.slopes(program, recipe, last, {"g": GATE})
    close(numbers(world, tangents, backend="numpy"), expected)


# One of every deed together, in an order that covers and uncovers; and gates of sets and stretches.
FIXED = {
    "everything": (
        ("perturb", (("b", 0, 1),), None),
        ("do", (("c", 2, 4),), 0.75),
        ("replace", (("c", 5, 7),), "pull"),
        ("sustain", (("b", 3, 4),), 0.25),
        ("clamp", (("a", 2, 5),), (("perturb", (("b", 1, 2),), 0.5),), 1),
    ),
    "soft": (
        ("perturb", (("b", 0, 1),), None),
        ("replace", (("a", 1, 7),), "pull"),
        ("clamp", (("a", 2, 5), ("c", 3, 7)), (("do", (("b", 2, 3),), 1.25),), 0.5),
    ),
    "soft by a parameter, to a moving world": (
        ("perturb", (("b", 1, 2),), None),
        ("clamp", (("a", 0, 7), ("c", 0, 4)), (("perturb", (("c", 0, 1),), None),), "g"),
    ),
    "sustained": (("sustain", (("a", 2, 3),), None), ("sustain", (("c", 1, 2),), 0.5)),
}


# Compiling takes seconds a plan: a few, which together hold every deed and every method.
COMPILED = [
    ("formulas", "everything", tangents, "numba"),
    ("rk4", "soft by a parameter, to a moving world", tangents, "numba"),
    ("euler", "soft", run, "numba"),
    ("rk4", "soft", run, "numba"),
]
READ = [(kind, name, measure, "numpy") for kind in IN_TIME for name in FIXED
        for measure in (run, tangents)]  # fmt: skip


@pytest.mark.parametrize(("kind", "name", "measure", "backend"), [*READ, *COMPILED])
def test_backends_walk_as_the_plain_walk(kind, name, measure, backend):
    recipe = FIXED[name]
    world = made(WORLDS[kind], recipe, kind)
    walked = walks.values if measure is run else walks.slopes
    expected = walked(PROGRAMS[kind], recipe, STEPS, {"g": GATE})
    close(numbers(world, measure, backend=backend), expected)
    # Nothing of it is zero by accident.
    assert max(abs(x) for row in expected.values() for x in row) > 0.1


def test_a_gate_lets_in_its_own_where_these_are_set_again():
    # a[0] is inside the gate, and then set as a[1:3] are: nothing about a itself changes at step 1.
    recipe = (
        ("do", (("a", 0, 3),), 0.75),
        ("clamp", (("b", 0, 3), ("a", 0, 1)), (), 0.25),
        ("do", (("a", 0, 1),), 0.75),
    )
    for kind in IN_TIME:
        expected = walks.values(PROGRAMS[kind], recipe, STEPS)
        close(numbers(made(WORLDS[kind], recipe, kind), backend="numpy"), expected)


# -- systems and the networks that they unroll to --------------------------------------------------


def flat(kind):
    return WORLDS[f"{kind}, unrolled"]


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("name", FIXED)
@pytest.mark.parametrize("kind", IN_TIME)
def test_an_unrolled_system_agrees(kind, name, backend):
    # A formula of a network names its nodes, so that it cannot replace one over time.
    recipe = tuple(change for change in FIXED[name] if change[0] != "replace")
    along, across = made(WORLDS[kind], recipe, kind), made(flat(kind), recipe, kind)
    for measure in (run, tangents):
        close(numbers(across, measure, backend=backend), numbers(along, measure, backend="numpy"))


def parity(kind, differences, by):
    """Changes that mean the same in a system and in the network that it unrolls to."""
    held = st.one_of(st.just(()), st.tuples(st.tuples(st.just("do"), stretches(kind), quarters)))
    bys = st.one_of(quarters, st.none()) if differences else st.nothing()
    nudges = [
        st.tuples(st.just("perturb"), single(kind), bys),
        st.tuples(st.just("sustain"), single(kind), bys),
    ]
    return st.one_of(
        st.tuples(st.just("do"), stretches(kind), quarters), clamps(kind, held, by), *nudges
    )


def touching_once(changes):
    """At most one value, clamp or gate for each variable.

    Two side by side are one for a system, which holds the stages between them too.
    """
    kept, taken = [], set()
    for change in changes:
        names = {n[0] for n in change[1]}
        if change[0] in ("do", "clamp"):
            if names & taken:
                continue
            taken |= names
        kept.append(change)
    return kept


@pytest.mark.parametrize("kind", IN_TIME)
@given(data=st.data())
@settings(max_examples=6)
def test_systems_and_networks_agree(kind, data):
    by = st.one_of(st.just(1), weights)
    changes = st.lists(parity(kind, True, by), min_size=1, max_size=4).map(touching_once)
    recipe = data.draw(changes)
    along, across = made(WORLDS[kind], recipe, kind), made(flat(kind), recipe, kind)
    for measure in (run, tangents):
        close(numbers(across, measure, backend="numpy"), numbers(along, measure, backend="numpy"))


@given(
    st.integers(0, 9), st.integers(0, STEPS), quarters, st.integers(0, STEPS), st.booleans()
)  # fmt: skip
@settings(max_examples=6)
def test_systems_and_networks_agree_with_noise(seed, nudged, by, start, soft):
    made_of = [kinds.noisy(), kinds.noisy().unroll(STEPS)]
    worlds = []
    for W in (world_of(model, seed) for model in made_of):
        X = W.perturb(a[nudged], by=by).perturb(b[0])
        to = W.do(a[2], 1)
        worlds.append(X.clamp(b[start:], to=to, by=0.5 if soft and start else 1))
    for measure in (run, tangents):
        close(*(numbers(world, measure, backend="numpy") for world in reversed(worlds)))


@pytest.mark.parametrize("by", [None, 0.5])
@pytest.mark.parametrize("nodes", [a[2:5], a, [a[1:3], b]], ids=str)
def test_a_difference_is_made_at_the_ends_of_steps_alone(nodes, by):
    # Stages are nodes, but not of their own: a system has no way to nudge one.
    along, across = (WORLDS[x].perturb(nodes, by=by) for x in ("rk4", "rk4, unrolled"))
    for measure in (run, tangents):
        close(numbers(across, measure, backend="numpy"), numbers(along, measure, backend="numpy"))


# -- clamped to itself -----------------------------------------------------------------------------


def unchanged(world, other):
    for measure in (run, tangents):
        first, second = (measure(w, labels=["w"], backend="numpy") for w in (world, other))
        for name in first:
            np.testing.assert_allclose(second[name], first[name], rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("kind", SMOOTH)
@given(data=st.data())
@settings(max_examples=6)
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


@pytest.mark.parametrize(
    ("kind", "by"),
    # Between two names there is nothing.
    [(kind, by) for kind in WORLDS for by in (1, 0.3) if by == 1 or not kind.startswith("tables")],
)
def test_a_world_of_any_kind_clamped_to_itself_is_unchanged(kind, by):
    W = WORLDS[kind]
    nodes, is_named = sorted_nodes(W), kind.startswith("tables")
    world = W if is_named else W.perturb(nodes[0]).do(nodes[-1], 0.75).perturb(nodes[1], by=0.5)
    for held in (nodes[2:], nodes[2:3], nodes[-1:], nodes[:1], nodes):
        unchanged(world, world.clamp(held, to=world, by=by))


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
    return [node for node in labels if not str(getattr(node, "variable", "")).count("stage")]


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


# -- sustained nudges ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", IN_TIME)
@given(start=st.integers(0, STEPS), name=st.sampled_from("abc"), by=st.one_of(quarters, st.none()))
@settings(max_examples=3)
def test_a_sustained_nudge_is_added_at_every_later_step(kind, start, name, by):
    recipe = (("sustain", ((name, start, start + 1),), by),)
    worlds = made(WORLDS[kind], recipe, kind), made(flat(kind), recipe, kind)
    pulses = WORLDS[kind]
    for step in range(start, STEPS + 1):
        pulses = pulses.perturb(SYMBOLS[name][step], by=by)
    assert worlds[0] == pulses
    for measure, walked in ((run, walks.values), (tangents, walks.slopes)):
        expected = walked(PROGRAMS[kind], recipe, STEPS)
        for world in worlds:
            close(numbers(world, measure, backend="numpy"), expected)


@pytest.mark.parametrize("kind", ["declared", "arrays", "graph"])
def test_a_network_without_time_has_no_later_step(kind):
    W = WORLDS[kind]
    with pytest.raises(QueryError, match=r"no later step.* leave every_step out"):
        W.perturb(W.model.nodes[0], by=1, every_step=True)


def test_names_can_be_nudged_neither_once_nor_always():
    for kind in ("tables", "tables, unrolled"):
        for options in ({}, {"by": 1}, {"every_step": True}):
            with pytest.raises(QueryError, match="named values"):
                WORLDS[kind].perturb(power[0], **options)


# -- laws of worlds as values ----------------------------------------------------------------------


def deeds(kind):
    """Interventions on a world, as functions with the nodes that they touch."""
    other = made(WORLDS[kind], (("do", (("b", 0, 1),), 0.5),), kind)
    W = WORLDS[kind]

    def deed(what):
        name, nodes, value, weight = what
        target = named(nodes, kind)
        by = g if weight == "g" else weight
        if name == "sustain":
            target = [n.variable[n.start] for n in target]
        return nodes, {
            "do": lambda world: world.do(target, value),
            "perturb": lambda world: world.perturb(target, by=value),
            "nudge": lambda world: world.perturb(target),
            "sustain": lambda world: world.perturb(target, by=value, every_step=True),
            "clamp": lambda world: world.clamp(target, to=other),
            "soft": lambda world: world.clamp(target, to=W, by=by),
            "replace": lambda world: world.replace(target, OTHERS[kind]["rest"]),
        }[name]

    names = ["do", "perturb", "nudge", "clamp", "soft", "replace"]
    names += ["sustain"] if kind in IN_TIME else []
    parts = st.tuples(st.sampled_from(names), stretches(kind), quarters, weights)
    return parts.map(deed)


@pytest.mark.parametrize("kind", SMOOTH)
@given(data=st.data())
@settings(max_examples=25)
def test_deeds_are_idempotent_and_commute_on_disjoint_variables(kind, data):
    before = made(WORLDS[kind], data.draw(recipes(kind, least=0)), kind)
    (nodes, first), (others, second) = data.draw(deeds(kind)), data.draw(deeds(kind))
    once = first(before)
    assert first(once) == once
    assert hash(first(once)) == hash(once)
    if not {n[0] for n in nodes} & {n[0] for n in others}:
        assert second(once) == first(second(before))
        assert hash(second(once)) == hash(first(second(before)))
        return
    both = second(once)
    assert second(both) == both


def test_worlds_that_commute_have_the_same_numbers():
    for kind in SMOOTH:
        W = WORLDS[kind]
        to = made(W, (("do", (("a", 0, 1),), 2),), kind)
        b_nodes, c_nodes = (named(((name, 0, last_of(kind) + 1),), kind) for name in "bc")
        one = W.clamp(b_nodes, to=to, by=0.5).clamp(c_nodes, to=to, by=g)
        two = W.clamp(c_nodes, to=to, by=g).clamp(b_nodes, to=to, by=0.5)
        assert one == two
        unchanged(one, two)


@pytest.mark.parametrize("kind", [*SMOOTH, "rk4, unrolled"])
def test_the_last_word_counts(kind):
    W = WORLDS[kind]
    node = a if kind == "declared" else a[3]
    other = W.do(b if kind == "declared" else b[1], 2)
    held, soft = W.clamp(node, to=other), W.clamp(node, to=other, by=0.5)
    for before in (W.do(node, 1), held, soft, W.perturb(node, by=1), W.perturb(node)):
        assert before.do(node, 3) == W.do(node, 3)
        assert before.clamp(node, to=other) == held
        assert before.replace(node, 0) == W.replace(node, 0)
    # A second gate takes the place of the first, and both keep what is under them.
    assert soft.clamp(node, to=W, by=0.25) == W.clamp(node, to=W, by=0.25)
    assert W.do(node, 1).clamp(node, to=other, by=0.5) != soft
    assert W.perturb(node, by=1).perturb(node, by=2) == W.perturb(node, by=2)
    assert held.perturb(node, by=1) != held
    assert isinstance(soft, World)


def test_formulas_that_stand_in_see_the_models_parameters():
    for kind in ("formulas", "rk4"):
        W = WORLDS[kind]
        swept = numbers(W.replace(c[1:], k * c), over={k: [0.0, 0.5]}, backend="numpy")["c"]
        assert np.ptp(swept, axis=1).max() > 0.01
