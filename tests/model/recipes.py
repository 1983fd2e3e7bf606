"""Recipes of interventions for every kind of model, drawn at random, and what they make."""

import mpmath
import numpy as np
from hypothesis import strategies as st

from causalopt import run, tangents, time
from tests.model import kinds, walks
from tests.model.kinds import STEPS, a, b, c, g, power, room, world_of
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
    "delayed": Program(
        rules={
            "a": lambda see: see("b") / 2 - mpmath.mpf(0.5) * see("a.lag2") + see("t") / 9,
            "b": lambda see: mpmath.sin(see("a.lag1")) + see("b.lag1") * see("a") / 4,
            "c": lambda see: see("a.next") * see("c.lag2") / 4 + see("c") / 5,
        },
        start={"a": 0.3, "b": lambda see: see("a") ** 2 - mpmath.mpf(0.3), "c": -0.5},
        dt=0.5,
        history={"a": lambda t: t**2 - mpmath.mpf(0.5), "b": lambda t: mpmath.mpf(1)},
        others={"pull": lambda see: see("c.lag2") / 2 - see("b") ** 2 / 4, "rest": lambda see: 0},
    ),
    "governed": Program(
        rules={
            "a": lambda see: see("b.lag2"),
            "b": lambda see: see("c") - mpmath.sin(see("a")) - mpmath.mpf(0.2) * see("b"),
            "c": lambda see: mpmath.tanh(see("a.lag1")) - see("b") / 2 + see("t") / 9,
        },
        start={"a": 1, "b": lambda see: see("a") / 2 - mpmath.mpf(0.3), "c": None},
        dt=0.25,
        method="rk4",
        equations=frozenset("c"),
        history={"a": mpmath.cos, "b": lambda t: t},
        others={"pull": lambda see: -2 * see("a.lag2") + see("t") / 4, "rest": lambda see: 0},
    ),
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
    "delayed": {"pull": c.lag(1) / 2 - b**2 / 4, "rest": 0},
    "governed": {"pull": -2 * a.lag(0.5) + time / 4, "rest": 0},
    "declared": {"pull": 2 * a - a**2 / 4, "rest": 0},
}
SMOOTH = list(PROGRAMS)
IN_TIME = ["formulas", "euler", "rk4", "delayed", "governed"]
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
        st.tuples(st.just("replace"), rule_stretches(kind), rules),
    ]  # fmt: skip
    if kind in IN_TIME:
        kinds_of_change.append(st.tuples(st.just("sustain"), single(kind), bys))
    return st.one_of(kinds_of_change)


def rule_stretches(kind):
    """Stretches that other rules can be given to: no start by itself, for it has no rule."""
    free = {"declared": "abc", "governed": "c"}.get(kind, "")
    return stretches(kind, replaceable(kind)).filter(
        lambda drawn: all(one[0] in free or one[1:] != (0, 1) for one in drawn)
    )


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


def flat(kind):
    return WORLDS[f"{kind}, unrolled"]


def unchanged(world, other):
    for measure in (run, tangents):
        first, second = (measure(w, labels=["w"], backend="numpy") for w in (world, other))
        for name in first:
            np.testing.assert_allclose(second[name], first[name], rtol=1e-13, atol=1e-14)
