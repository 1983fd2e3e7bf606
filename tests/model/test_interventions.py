"""The laws of do, perturb, clamp (hard and soft) and replace, for every kind of model.

Values and derivatives are held to a plain walk of 50 digits, ``tests/model/walks.py``.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import QueryError, World, run, tangents
from tests.model import kinds, walks
from tests.model.kinds import STEPS, a, b, c, g, k, power, world_of
from tests.model.recipes import (
    GATE,
    IN_TIME,
    OTHERS,
    PROGRAMS,
    SMOOTH,
    SYMBOLS,
    WORLDS,
    clamps,
    close,
    flat,
    last_of,
    made,
    named,
    numbers,
    quarters,
    recipes,
    rule_stretches,
    single,
    stretches,
    unchanged,
    weights,
)

# -- against the plain walk ------------------------------------------------------------------------


@pytest.mark.sampled(3)
@pytest.mark.parametrize("kind", SMOOTH)
@given(data=st.data())
@settings(max_examples=5)
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


@pytest.mark.sampled(4)
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


@pytest.mark.sampled(4)
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


@pytest.mark.sampled(2)
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
    nodes = {"replace": rule_stretches(kind)}
    parts = st.sampled_from(names).flatmap(
        lambda name: st.tuples(st.just(name), nodes.get(name, stretches(kind)), quarters, weights)
    )
    return parts.map(deed)


@pytest.mark.sampled(3)
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
