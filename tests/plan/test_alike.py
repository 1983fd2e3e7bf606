"""Nodes with alike mechanisms are planned together, and no number of theirs changes by that."""

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import Network, System, run, tangents, variables
from causalopt.mechanisms.patterns import loose_fractions, pattern_of
from causalopt.mechanisms.routines import Filled
from causalopt.plan import Slot, flatten_network, flatten_system, lanes_of

# Formulas of two nodes and two decimals: smooth ones, quotients that saturate, holes, choices.
ALIKE = [
    lambda u, v, p, q: sp.tanh(p * u - v) + q,
    lambda u, v, p, q: u * v / (p + q * u**2),
    lambda u, v, p, q: sp.exp(p * u) / (1 + sp.exp(p * u)) + v**3 * q,
    lambda u, v, p, q: sp.exp(p * u) / (sp.exp(p * u) + sp.exp(q * v)),
    lambda u, v, p, q: (u - p) / (sp.exp(u - p) - 1) * q + v,
    lambda u, v, p, q: sp.Piecewise((p * u, u > q), (q * v, True)),
    lambda u, v, p, q: sp.Max(p * u, q * v, u, p),
    lambda u, v, p, q: (1 + u**2) ** p * (2 + v**2) ** -q,
    lambda u, v, p, q: sp.sqrt(p**2 + u**2) - sp.Abs(q * v),
]
decimals = st.sampled_from([0.1, 0.3, 0.7, -0.4, 1.5, -2.25, 3.7])


def value_and_slopes(network, y, *nodes):
    W = network.world()
    moved = [W.perturb(node) for node in nodes]
    return [at(run(W), y), *(at(tangents(X), y) for X in moved)]


def at(found, node):
    return found["value"].sel(node=node.name).item()


@settings(max_examples=15, deadline=None)
@given(
    st.sampled_from(range(len(ALIKE))),
    st.lists(st.tuples(decimals, decimals), min_size=2, max_size=4, unique=True),
    st.tuples(decimals, decimals),
)
def test_alike_mechanisms_have_the_slopes_that_each_has_alone(number, pairs, start):
    u, v = variables("u v")
    targets = variables(" ".join(f"y{i}" for i in range(len(pairs))))
    make = ALIKE[number]
    formulas = {y: make(u, v, abs(p), abs(q)) if number in (1, 7) else make(u, v, p, q)
                for y, (p, q) in zip(targets, pairs, strict=True)}  # fmt: skip
    given_start = dict(zip((u, v), start, strict=True))
    together = Network(formulas, start=given_start)
    for y, formula in formulas.items():
        alone = Network({y: formula}, start=given_start)
        np.testing.assert_allclose(
            value_and_slopes(together, y, u, v), value_and_slopes(alone, y, u, v),
            rtol=1e-14, atol=1e-300,
        )  # fmt: skip


# Formulas of two nodes and two fractions.
FRACTIONS = [
    lambda u, v, p, q: sp.sin(u + p) * q + v,
    lambda u, v, p, q: sp.tanh(p * u - v) / 7 + q * u**2 - q,
    lambda u, v, p, q: sp.exp(-p * u**2) * (q - v) ** 3 + 2 * v,
    lambda u, v, p, q: sp.cosh(p * u) * sp.cos(q * v + 3) - sp.atan(p * v),
    lambda u, v, p, q: (u**2 + q) / (u**2 + 2 + p**2) + 5 * v,
    lambda u, v, p, q: 3 / (2 + sp.exp(-p * u) + sp.exp(q * v)),
    lambda u, v, p, q: sp.sqrt(1 + q**2 + (p * u) ** 2) - sp.Max(v, p * u) + 7,
]
fractions = st.fractions(-3, 3, max_denominator=40).map(lambda f: sp.Rational(f))


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(range(len(FRACTIONS))),
    st.lists(st.tuples(fractions, fractions), min_size=2, max_size=4, unique=True),
    st.tuples(decimals, decimals),
)
def test_formulas_that_differ_in_fractions_have_the_slopes_that_each_has_exactly(
    number, pairs, start
):
    u, v = variables("u v")
    targets = variables(" ".join(f"y{i}" for i in range(len(pairs))))
    formulas = dict(zip(targets, (FRACTIONS[number](u, v, p, q) for p, q in pairs), strict=True))
    values = dict(zip((u, v), start, strict=True))
    together = Network(formulas, start=values)
    exact = {node: sp.Rational(value) for node, value in values.items()}
    for y, formula in formulas.items():
        whole = [formula, sp.diff(formula, u), sp.diff(formula, v)]
        expected = [float(part.subs(exact).evalf(30)) for part in whole]
        np.testing.assert_allclose(
            value_and_slopes(together, y, u, v), expected, rtol=1e-12, atol=1e-12
        )


# In the last two, the slope has to know some of the numbers.
@pytest.mark.parametrize("make", FRACTIONS[:-2])
def test_a_network_of_formulas_that_differ_in_fractions_compiles_few_of_them(make):
    made = [
        lambda u, v, p=p, q=p + 2: make(u, v, sp.Rational(2 * p + 3, 64), sp.Rational(q, 7))
        for p in range(60)
    ]
    parents = np.stack([np.arange(-2, 60), np.arange(-1, 61)], axis=1)
    parents[:2] = -1
    network = Network.from_arrays(made, np.arange(-2, 60).clip(-1), parents, start=0.3)
    W = network.world()
    groups = flatten_network(network, lanes_of([W], [W.perturb(0)])).groups
    # Where numbers of one formula happen to be the same, or 1, it is a formula of its own.
    assert len({id(group.block) for group in groups if group.block is not None}) <= 8


def test_numbers_that_a_formula_cannot_do_without_stay_in_it():
    x, y = sp.symbols("x y", real=True)
    loose = loose_fractions
    assert loose(3 * x + sp.Rational(1, 3)) == {3, sp.Rational(1, 3)}
    assert loose(x**2 / (x**2 + sp.Rational(3, 7))) == {sp.Rational(3, 7)}
    assert loose(-x + y**3) == set()
    assert loose(3 * x**3 + 1) == {1}
    assert loose(x + 2**60) == set()
    assert loose(3 * x + x ** (3 * y)) == set()
    # What is compared, and what exponentials of a quotient grow by.
    assert loose(sp.Max(3 * x, y) + 5) == {5}
    assert loose(sp.Piecewise((3 * x, x < 7), (x + 7, True))) == {3}
    assert loose(sp.exp(3 * x) / (2 + sp.exp(5 * x))) == {2}
    assert loose(7 / (1 + sp.exp(-3 * x))) == {7}


def chain(count, make):
    """A chain of mechanisms, each with decimals of its own."""
    x = variables(" ".join(f"x{i:02}" for i in range(count + 2)))
    rules = {x[i + 2]: make(x[i], x[i + 1], 0.1 + i / 97, 0.2 + i / 89) for i in range(count)}
    return Network(rules, start={x[0]: 0.3, x[1]: 0.4}), x


@pytest.mark.parametrize("make", [*ALIKE[:2], ALIKE[8]])
def test_alike_mechanisms_are_compiled_once_however_many(make):
    for count in (5, 40):
        network, x = chain(count, make)
        W = network.world()
        groups = flatten_network(network, lanes_of([W], [W.perturb(x[0])])).groups
        assert len({id(group.block) for group in groups if group.block is not None}) == 1


def test_nodes_of_one_level_that_are_alike_are_one_group():
    x = variables(" ".join(f"x{i}" for i in range(30)))
    u, v = variables("u v")
    rules = {y: sp.sin((0.1 + i / 7) * (v if i % 2 else u)) for i, y in enumerate(x)}
    network = Network(rules, start={u: 0.3, v: 0.7})
    W = network.world()
    groups = flatten_network(network, lanes_of([W], [])).groups
    assert [len(group.targets) for group in groups] == [2, 30]
    found = run(W)
    for i, y in enumerate(x):
        np.testing.assert_allclose(
            at(found, y), np.sin((0.1 + i / 7) * (0.7 if i % 2 else 0.3)), rtol=1e-15
        )


def test_what_a_derivative_has_to_know_is_part_of_the_pattern():
    x, y = sp.symbols("x y", real=True)

    def same(first, second):
        return pattern_of(first, [x, y])[0] == pattern_of(second, [x, y])[0]

    assert same(sp.sin(0.3 * x) + y, sp.sin(0.7 * x) + y)
    assert not same(sp.sin(0.3 * x) + y, sp.sin(-0.7 * x) + y)
    assert not same(x**0.3 + y, x**0.7 + y)
    assert not same(
        sp.exp(0.3 * x) / (1 + sp.exp(0.3 * x)) + y, sp.exp(0.3 * x) / (1 + sp.exp(0.6 * x)) + y
    )
    assert not same(0.3 * x + 0.3 * y, 0.3 * x + 0.7 * y)


def test_short_rates_of_many_variables_are_one_routine():
    count, dt = 70, 0.1
    x = variables(" ".join(f"x{i:02}" for i in range(count)))
    pulls = 0.3 + np.arange(count) / 97
    system = System.from_ode(
        {v: sp.sin(x[i - 1] - v) * float(pulls[i]) for i, v in enumerate(x)},
        start={v: i / 10 for i, v in enumerate(x)}, dt=dt, method="rk4",
    )  # fmt: skip
    W = system.world(steps=5)
    X = W.perturb(x[3][0])
    loop = flatten_system(system, 5, lanes_of([W], [X]), tuple(Slot(0, v) for v in x))
    written = [f for segment in loop.segments for _, f in segment.block.assignments]
    routines = {call.routine for f in written for call in f.atoms(Filled)}
    assert len(routines) <= 2

    def rate(at):
        return pulls * np.sin(np.roll(at, 1) - at)

    def step(at):
        first = rate(at)
        second = rate(at + dt / 2 * first)
        third = rate(at + dt / 2 * second)
        return at + dt / 6 * (first + 2 * second + 2 * third + rate(at + dt * third))

    # The slope by an imaginary step, which rounds nothing away.
    at = np.arange(count) / 10 + 1e-30j * (np.arange(count) == 3)
    for _ in range(5):
        at = step(at)
    found = tangents(X)
    values = run(W)
    for i in (2, 3, 4, 7):
        name = x[i].name
        np.testing.assert_allclose(values[name].values.reshape(-1)[-1], at[i].real, rtol=1e-13)
        np.testing.assert_allclose(
            found[name].values.reshape(-1)[-1], at[i].imag * 1e30, rtol=1e-12, atol=1e-300
        )
