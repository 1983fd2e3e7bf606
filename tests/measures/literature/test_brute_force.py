"""Measures of random finite worlds, against sums over states in Fractions."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import (
    causal_strength,
    control_bound,
    effective_information,
    empowerment,
    information_flow,
    optimization_bits,
    semantic_information,
    transfer_entropy,
    viability,
)
from tests.measures.literature.oracle import entropy, information, marginal, worlds

FEW = settings(max_examples=12, deadline=None)
near = lambda value: pytest.approx(value, abs=1e-11)  # noqa: E731

STEPS = st.integers(1, 3)


def now(i):
    return lambda s: s[0][i]


def later(i):
    return lambda s: s[1][i]


@FEW
@given(worlds(), STEPS)
def test_effective_information(world, steps):
    states = list(itertools.product(*map(range, world.sizes)))
    uniform = {state: Fraction(1, len(states)) for state in states}
    joint = world.joint(uniform, steps)
    expected = information(joint, lambda s: s[0], lambda s: s[1])
    assert float(effective_information(world.system, steps=steps)) == near(expected)


@FEW
@given(worlds(), st.data())
def test_effective_information_of_groups(world, data):
    A = world.variables[0]
    size = world.sizes[0]
    names = data.draw(st.lists(st.sampled_from("uvw"), min_size=size, max_size=size))
    groups = sorted(set(names))
    states = itertools.product(*map(range, world.sizes))
    masses = {
        (i, j): Fraction(1, len(groups) * names.count(names[i]) * world.sizes[1]) for i, j in states
    }
    joint = world.joint(masses, 1)
    expected = information(
        joint, lambda s: (names[s[0][0]], s[0][1]), lambda s: (names[s[1][0]], s[1][1])
    )
    coarse = {A: dict(enumerate(names))}
    assert float(effective_information(world.system, coarse=coarse)) == near(expected)


@FEW
@given(worlds(), st.data())
def test_effective_information_of_groups_of_joint_values(world, data):
    A, B = world.variables
    states = list(itertools.product(*map(range, world.sizes)))
    names = data.draw(st.lists(st.sampled_from("uvw"), min_size=len(states), max_size=len(states)))
    name = dict(zip(states, names, strict=True))
    masses = {s: Fraction(1, len(set(names)) * names.count(name[s])) for s in states}
    joint = world.joint(masses, 1)
    expected = information(joint, lambda s: name[s[0]], lambda s: name[s[1]])
    assert float(effective_information(world.system, coarse={(A, B): name})) == near(expected)
    turned = {(b, a): group for (a, b), group in name.items()}
    assert float(effective_information(world.system, coarse={(B, A): turned})) == near(expected)


@FEW
@given(worlds(), STEPS)
def test_information_flow(world, steps):
    (A, B), joint = world.variables, world.joint(world.apart(), steps)
    free = information_flow(world.system, A, B, world.P, steps=steps)
    assert float(free) == near(information(joint, now(0), later(1)))
    held = information_flow(world.system, A, B, world.P, do=B, steps=steps)
    assert float(held) == near(information(joint, now(0), later(1), now(1)))


@FEW
@given(worlds(), STEPS)
def test_transfer_entropy(world, steps):
    (A, B), joint = world.variables, world.joint(world.masses, steps)
    moved = transfer_entropy(world.system, A, B, world.P, steps=steps)
    assert float(moved) == near(information(joint, now(0), later(1), now(1)))


@FEW
@given(worlds())
def test_causal_strength(world):
    A, B = world.variables
    parents = [marginal(world.masses, lambda s, i=i: s[i]) for i in (0, 1)]
    rule = world.rules[1]
    # The table of B with A from a source of its own, and with both parents from such.
    without_a = {
        (i, j): [
            sum(p * rule[a, j][k] for a, p in parents[0].items()) for k in range(world.sizes[1])
        ]
        for i, j in rule
    }
    both = [
        sum(p * q * rule[i, j][k] for i, p in parents[0].items() for j, q in parents[1].items())
        for k in range(world.sizes[1])
    ]

    def apart(cut):
        return math.fsum(
            float(mass * chance) * math.log2(chance / cut(state)[k])
            for state, mass in world.masses.items()
            for k, chance in enumerate(rule[state])
            if chance
        )

    one = causal_strength(world.system, [(A, B)], world.P)
    assert float(one) == near(apart(lambda state: without_a[state]))
    two = causal_strength(world.system, [(A, B), (B, B)], world.P)
    assert float(two) == near(apart(lambda state: both))
    # Over several targets the strengths add up.
    more = causal_strength(world.system, [(A, B), (A, A)], world.P)
    assert float(more) == near(float(one) + float(causal_strength(world.system, [(A, A)], world.P)))


@FEW
@given(worlds(), STEPS)
def test_viability(world, steps):
    A, B = world.variables
    worth = viability(world.system, A | B, world.P, of=B, steps=steps)
    ends = [
        entropy(marginal(world.walk(masses, steps), lambda s: s[1]))
        for masses in (world.apart(), world.masses)
    ]
    assert float(worth) == near(ends[0] - ends[1])


def partitions(items):
    """All of them, by numbers of blocks that grow by one at most."""
    for labels in itertools.product(range(len(items)), repeat=len(items)):
        if all(n <= max(labels[:i], default=-1) + 1 for i, n in enumerate(labels)):
            yield dict(zip(items, labels, strict=True))


@FEW
@given(worlds(), st.integers(1, 2))
def test_semantic_information(world, steps):
    A, B = world.variables
    needed = semantic_information(world.system, A | B, world.P, of=B, steps=steps)
    actual = entropy(marginal(world.walk(world.masses, steps), lambda s: s[1]))
    of_a = marginal(world.masses, lambda s: s[0])
    least = math.inf
    for label in partitions(list(of_a)):
        blocks = marginal(world.masses, lambda s: (label[s[0]], s[1]))  # noqa: B023
        sizes = marginal(of_a, lambda a: label[a])  # noqa: B023
        confused = {
            (a, b): p * blocks[label[a], b] / sizes[label[a]]
            for a, p in of_a.items()
            for b in range(world.sizes[1])
            if (label[a], b) in blocks
        }
        if entropy(marginal(world.walk(confused, steps), lambda s: s[1])) <= actual + 1e-10:
            least = min(least, information(confused, lambda s: s[0], lambda s: s[1]))
    assert float(needed) == near(least)
    assert -1e-12 <= float(needed) <= float(needed["information"]) + 1e-12


def most_removed(rows):
    """Between what and what the most of H(x) - H(x') is: at an input, and by its tangent there.

    The input is found by a general optimizer; however near it came, the two enclose the most, since
    what is maximised is concave.
    """

    def removed(z):
        p = np.exp(z) / np.exp(z).sum()
        return h(p) - h(p @ rows)

    best = scipy.optimize.minimize(lambda z: -removed(z), np.zeros(len(rows)), method="BFGS").x
    p = np.exp(best) / np.exp(best).sum()
    after = np.log2(np.maximum(p @ rows, 1e-300))
    return removed(best), float((rows @ after - np.log2(p)).max())


def h(p):
    return -float(sum(v * math.log2(v) for v in p if v > 0))


def certify(power, rows):
    """That a capacity is one: its policy attains it, and no command tells more (Kuhn, Tucker)."""
    chances = {name: power["policy"].get(name, 0.0) for name in rows}
    assert sum(chances.values()) == pytest.approx(1, abs=1e-12)
    mean = sum(p * np.array(rows[name]) for name, p in chances.items())
    told = {
        name: sum(q * math.log2(q / m) for q, m in zip(row, mean, strict=True) if q)
        for name, row in rows.items()
    }
    attained = math.fsum(p * told[name] for name, p in chances.items())
    assert float(power) == pytest.approx(attained, abs=1e-9)
    assert max(told.values()) <= float(power) + power.gap + 1e-9
    assert power.gap < 1e-3


@FEW
@given(worlds(), st.data())
def test_empowerment(world, data):
    A, B = world.variables
    start = data.draw(st.integers(0, world.sizes[1] - 1))
    rows = {
        f"A[0] = {a}": [float(chance) for chance in world.rules[1][a, start]]
        for a in range(world.sizes[0])
    }
    certify(empowerment(world.system, A, B, start={B: start}), rows)


@FEW
@given(worlds(), st.integers(0, 1))
def test_empowerment_of_two_steps(world, start):
    A, B = world.variables
    rows = {}
    for first, second in itertools.product(range(world.sizes[0]), repeat=2):
        middle = world.rules[1][first, start]
        rows[f"A[0] = {first}, A[1] = {second}"] = [
            float(sum(p * world.rules[1][second, b][k] for b, p in enumerate(middle)))
            for k in range(world.sizes[1])
        ]
    power = empowerment(world.system, A, B, start={B: start}, steps=2)
    certify(power, rows)
    assert power["commands"] == world.sizes[0] ** 2


@FEW
@given(worlds())
def test_control_bound(world):
    A, B = world.variables
    bound = control_bound(world.system, A | B, world.P, of=B)
    before, after = (
        entropy(marginal(m, lambda s: s[1])) for m in (world.masses, world.step(world.masses))
    )
    assert float(bound) == near(before - after)
    within = [
        most_removed(
            np.array([[float(c) for c in world.rules[1][a, b]] for b in range(world.sizes[1])])
        )
        for a in range(world.sizes[0])
    ]
    low, high = (max(ends) for ends in zip(*within, strict=True))
    assert max(low, 0) - 1e-9 <= float(bound["open"]) <= max(high, 0) + 1e-9
    assert high - low < 0.01
    # The theorem.
    assert float(bound) <= float(bound["bound"]) + 1e-9


@FEW
@given(worlds(), STEPS, st.sampled_from(["count", "decorrelated"]), st.data())
def test_optimization_bits(world, steps, measure, data):
    A, B = world.variables
    size = world.sizes[1]
    scores = data.draw(st.lists(st.integers(0, 2), min_size=size, max_size=size))
    ends = marginal(world.walk(world.masses, steps), lambda s: s[1])
    others = {
        "count": {k: Fraction(1, size) for k in range(size)},
        "decorrelated": marginal(world.walk(world.apart(), steps), lambda s: s[1]),
    }[measure]
    expected = -math.fsum(
        float(p) * math.log2(sum(q for o, q in others.items() if scores[o] >= scores[k]))
        for k, p in ends.items()
        if p
    )
    bits = optimization_bits(
        world.system, B, world.P, better=dict(enumerate(scores)), measure=measure, A=A, steps=steps
    )
    assert float(bits) == near(expected)
    by_function = optimization_bits(
        world.system, B, world.P, better=scores.__getitem__, measure=measure, steps=steps
    )
    assert by_function == bits


@FEW
@given(worlds(sure=True), STEPS, st.data())
def test_bits_beside_a_held_part(world, steps, data):
    A, B = world.variables
    size = world.sizes[1]
    best = data.draw(st.integers(0, size - 1))
    course = [(0, 0)]
    for _ in range(steps):
        (after,) = world.step({course[-1]: 1})
        course.append(after)
    held = {(0, b): p for b, p in marginal(world.masses, lambda s: s[1]).items()}
    for command, _ in course[1:]:
        held = {(command, b): p for b, p in marginal(world.step(held), lambda s: s[1]).items()}
    others = marginal(held, lambda s: s[1])
    ends = marginal(world.walk(world.masses, steps), lambda s: s[1])
    share = others.get(best, 0)
    expected = (
        -float(ends.get(best, 0)) * (math.log2(share) if share else -math.inf)
        if best in ends
        else 0
    )
    bits = optimization_bits(
        world.system, B, world.P, better=best, measure="clamped", A=A, steps=steps
    )
    assert float(bits) == near(expected)


@FEW
@given(worlds())
def test_exact_masses_give_closed_forms_and_floats_the_same_numbers(world):
    A, B = world.variables
    asked = [
        lambda P: information_flow(world.system, A, B, P),
        lambda P: transfer_entropy(world.system, A, B, P),
        lambda P: causal_strength(world.system, [(A, B)], P),
        lambda P: viability(world.system, A | B, P, of=B),
        lambda P: semantic_information(world.system, A | B, P, of=B),
        lambda P: control_bound(world.system, A | B, P, of=B),
        lambda P: optimization_bits(world.system, B, P, better=0),
    ]
    for ask in asked:
        exact, rounded = ask(world.P), ask(world.P.floats())
        assert not exact.value.atoms(float) if hasattr(exact.value, "atoms") else True
        assert float(exact) == near(float(rounded))
