"""Marginals and posteriors of finite networks, against sums over all that their noises can do."""

import itertools
import math
from fractions import Fraction

import networkx as nx
import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from networkx.algorithms.approximation import treewidth_min_degree, treewidth_min_fill_in
from sympy import Rational, Symbol

from causalopt import (
    DeclarationError,
    Distribution,
    Network,
    QueryError,
    System,
    TooLargeError,
    decision,
    finite,
    marginal,
    marginals,
    noise,
    normal,
    probability,
    run,
    table,
    variable,
)
from causalopt.distributions.inference.cliques import cliques_of
from causalopt.distributions.inference.inquiry import Inquiry, named_spots
from tests.distributions.inference.oracle import conditioned, events, examples, marginal_of

FEW = settings(max_examples=25, deadline=None)


def masses(P):
    """The masses of a distribution by the places of its values."""
    sizes = [v.size for v in P.variables]
    places = [tuple(map(int, np.unravel_index(int(s), sizes))) for s in P.states]
    return dict(zip(places, P.masses, strict=True))


def named(example, event):
    return {example.variables[i]: place for i, place in event.items()}


def ask_of(draw, example):
    count = len(example.sizes)
    return draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=3, unique=True))


@FEW
@given(examples(), st.data())
def test_a_posterior_is_a_sum_over_all_states(example, data):
    event, asked = events(data.draw, example), ask_of(data.draw, example)
    joint = conditioned(example.worlds(example.state), lambda s: agrees(s[0], event))
    network, x = example.network(), example.variables
    ask = lambda net: marginal(net, *(x[i] for i in asked), given=named(example, event))  # noqa: E731
    if joint is None:
        with pytest.raises(QueryError, match="has probability 0"):
            ask(network)
        with pytest.raises(QueryError, match="has probability 0"):
            ask(example.network(float))
        return
    expected = marginal_of(joint, lambda s: tuple(s[0][i] for i in asked))
    exact, rounded = ask(network), ask(example.network(float))
    assert exact.exact
    assert masses(exact) == expected
    assert not rounded.exact or rounded.states.size == 1
    assert masses(rounded) == pytest.approx({k: float(v) for k, v in expected.items()}, rel=1e-12)


def agrees(state, event):
    return all(state[i] == place for i, place in event.items())


@FEW
@given(examples(), st.data())
def test_all_marginals_and_the_chance_of_an_event(example, data):
    event, wanted = events(data.draw, example), events(data.draw, example, 3)
    network, x, known = example.network(), example.variables, named(example, event)
    joint = conditioned(example.worlds(example.state), lambda s: agrees(s[0], event))
    if joint is None:
        for ask in (marginals, lambda net, given: probability(net, {x[0]: 0}, given=given)):
            with pytest.raises(QueryError, match="has probability 0"):
                ask(network, given=known)
        return
    for number in (lambda mass: mass, float):
        every = marginals(example.network(number), given=known)
        assert list(every) == list(network.nodes) or set(every) == set(network.nodes)
        for i, v in enumerate(x):
            expected = marginal_of(joint, lambda s, i=i: (s[0][i],))
            assert masses(every[v]) == pytest.approx(expected, rel=1e-12)
    chance = sum(mass for state, mass in joint.items() if agrees(state[0], wanted))
    assert probability(network, named(example, wanted), given=known) == chance
    rounded = probability(example.network(float), named(example, wanted), given=known)
    assert float(rounded) == pytest.approx(float(chance), rel=1e-12)


@FEW
@given(examples(), st.data())
def test_an_intervention_cuts_what_came_before(example, data):
    done, event = events(data.draw, example), events(data.draw, example)
    x = example.variables
    replaced = {}
    if data.draw(st.booleans()):
        i = data.draw(st.integers(0, len(x) - 1))
        places = itertools.product(*(range(example.sizes[j]) for j in example.parents[i]))
        mass = [Fraction(1, example.sizes[i])] * example.sizes[i]
        replaced = {i: dict.fromkeys(places, tuple(mass))}
    world = example.network().world()
    for i, rows in replaced.items():
        world = world.replace(x[i], example.table(i, rows))
    for i, place in done.items():
        world = world.do(x[i], place)
    joint = example.worlds(
        lambda noise: example.state(noise, done, rows=replaced), others=[replaced]
    )
    joint = conditioned(joint, lambda s: agrees(s[0], event))
    if joint is None:
        with pytest.raises(QueryError, match="has probability 0"):
            marginal(world, x[0], given=named(example, event))
        return
    asked = ask_of(data.draw, example)
    found = marginal(world, *(x[i] for i in asked), given=named(example, event))
    assert masses(found) == marginal_of(joint, lambda s: tuple(s[0][i] for i in asked))


@FEW
@given(examples(), st.data())
def test_to_do_a_root_is_to_see_it(example, data):
    roots = [i for i, parents in enumerate(example.parents) if not parents]
    i = data.draw(st.sampled_from(roots))
    place = data.draw(st.integers(0, example.sizes[i] - 1))
    network, x = example.network(), example.variables
    if probability(network, {x[i]: place}) == 0:
        return
    for v in x:
        done = marginal(network.world().do(x[i], place), v)
        assert done == marginal(network, v, given={x[i]: place})


@FEW
@given(examples(), st.data())
def test_the_order_of_elimination_does_not_matter(example, data):
    x, asked = example.variables, ask_of(data.draw, example)
    inquiry = Inquiry.about(example.network(), (), None, None)
    spots = named_spots(inquiry.world, x)
    numbers = [inquiry.unfolding.variable(spot) for spot in spots]
    wanted = [numbers[i] for i in asked if numbers[i] not in inquiry.known()]
    factors = inquiry.factors(inquiry.arithmetic(), inquiry.known())

    def in_any_order(graph):
        """A tree of bags by an order that is drawn."""
        left, bags = graph.copy(), []
        for node in data.draw(st.permutations(sorted(graph))):
            bags.append(frozenset(left[node]) | {node})
            left.add_edges_from(itertools.combinations(left[node], 2))
            left.remove_node(node)
        return 0, tree_of(bags)

    totals = [
        cliques_of(factors, wanted, [ordering]).total(frozenset(wanted)).over(sorted(wanted))
        for ordering in (treewidth_min_fill_in, treewidth_min_degree, in_any_order)
    ]
    assert (totals[0] == totals[1]).all()
    assert (totals[0] == totals[2]).all()


def tree_of(bags):
    """The largest bags, each joined to one that has what it shares with all later ones."""
    kept = [
        bag for i, bag in enumerate(bags) if not any(bag < o for o in bags) and bag not in bags[:i]
    ]
    graph = nx.Graph()
    graph.add_nodes_from(kept)
    for one, other in itertools.combinations(kept, 2):
        graph.add_edge(one, other, weight=-len(one & other))
    return nx.minimum_spanning_tree(graph)


# -- large, exact, symbolic -----------------------------------------------------------------------


def chain_of(count, number, seed=0):
    """Binary nodes, each with two parents among the five before it."""
    random = np.random.default_rng(seed)
    x = [finite(f"x{i}", [0, 1]) for i in range(count)]
    tables = {}
    for i, v in enumerate(x):
        own = sorted(set(random.integers(max(0, i - 5), i, 2).tolist())) if i else []
        rows = {}
        for place in itertools.product([0, 1], repeat=len(own)):
            mass = number(int(random.integers(1, 10)))
            rows[place] = {0: mass, 1: 1 - mass}
        tables[v] = table([x[j] for j in own], rows if own else rows[()])
    return Network(tables), x


@pytest.mark.parametrize(
    "number", [lambda n: n / 10, lambda n: Rational(n, 10)], ids=["float", "exact"]
)
def test_fifty_nodes_are_never_summed_as_one(number):
    """All 2**50 states would be 8 PiB: the cliques have a few nodes each."""
    network, x = chain_of(50, number)
    P = marginal(network, x[0], x[49], given={x[25]: 1})
    assert float(sum(P.masses)) == pytest.approx(1)
    every = marginals(network, given={x[25]: 1})
    assert masses(P.marginal(x[0])) == pytest.approx(masses(every[x[0]]))
    whole = probability(network, dict.fromkeys(x, 1))
    chances = [probability(network, {v: 1}, given=dict.fromkeys(x[:i], 1)) for i, v in enumerate(x)]
    assert float(whole) == pytest.approx(math.prod(map(float, chances)), rel=1e-9)
    inquiry = Inquiry.about(network, (), None, None)
    for spot in named_spots(inquiry.world, x):
        inquiry.unfolding.variable(spot)
    factors = inquiry.factors(inquiry.arithmetic(), {})
    assert max(map(len, cliques_of(factors).tree)) <= 8


def test_exact_and_float_agree_on_fifty_nodes():
    exact, x = chain_of(50, lambda n: Rational(n, 10))
    rounded, _ = chain_of(50, lambda n: n / 10)
    given = {x[10]: 0, x[40]: 1}
    both = zip(
        marginals(exact, given=given).values(),
        marginals(rounded, given=given).values(),
        strict=True,
    )
    for one, other in both:
        assert float(one.total_variation(other)) < 1e-14


def test_symbols_stay_and_give_what_numbers_give():
    p = Symbol("p", positive=True)
    a, b = finite("a", [0, 1]), finite("b", [0, 1])
    net = Network({
        a: table((), {0: p, 1: 1 - p}),
        b: table(a, {0: {0: Rational(9, 10), 1: Rational(1, 10)}, 1: {0: p**2, 1: 1 - p**2}}),
    })  # fmt: skip
    P = marginal(net, a, given={b: 1})
    expected = (p / 10) / (p / 10 + (1 - p) * (1 - p**2))
    assert sympy.simplify(P.mass({a: 0}) - expected) == 0
    assert P.subs({p: Rational(1, 3)}).mass({a: 0}) == expected.subs(p, Rational(1, 3))
    assert sympy.simplify(probability(net, {b: 0}) - (p * Rational(9, 10) + (1 - p) * p**2)) == 0
    root = sympy.sqrt(2) / 2
    odd = Network({a: table((), {0: root, 1: 1 - root})})
    assert sympy.simplify(marginal(odd, a).mass({a: 0}) - root) == 0
    waves = Network({a: table((), {0: sympy.sin(p) ** 2, 1: sympy.cos(p) ** 2})})
    assert marginal(waves, a).mass({a: 1}) == sympy.cos(p) ** 2


def test_long_evidence_does_not_vanish():
    """2**-1100 is no float: chances keep a power of two beside them, or are summed exactly."""
    cause = finite("cause", [0, 1])
    signs = [finite(f"s{i}", [0, 1]) for i in range(1100)]
    even = {0: {0: 0.5, 1: 0.5}, 1: {0: 0.25, 1: 0.75}}
    network = Network(
        {cause: table((), {0: 0.5, 1: 0.5}), **{s: table(cause, even) for s in signs}}
    )
    given = {s: i % 2 for i, s in enumerate(signs)}
    odds = float(Fraction(1, 2) ** 1100 / (Fraction(3, 16) ** 550))
    assert marginal(network, cause, given=given).mass({cause: 0}) == pytest.approx(
        odds / (1 + odds)
    )
    assert probability(network, given) == 0.0  # below the floats, and no error
    # What is left of one cause is nothing beside the other, until that is seen not to be.
    sure = Network(
        {
            cause: table((), {0: 0.5, 1: 0.5}),
            **{s: table(cause, {0: {0: 1.0, 1: 0.0}, 1: {0: 1e-3, 1: 1 - 1e-3}}) for s in signs},
        }
    )
    last = {**dict.fromkeys(signs[:-1], 0), signs[-1]: 1}
    assert marginal(sure, cause, given=last).mass({cause: 1}) == 1


def test_chances_near_the_end_of_the_floats_keep_their_digits():
    """2**-1060 has 14 bits as a float; the posterior has them all."""
    cause = finite("cause", [0, 1])
    signs = [finite(f"s{i}", [0, 1]) for i in range(1060)]
    rows = {0: {0: 0.5, 1: 0.5}, 1: {0: 0.499, 1: 0.501}}
    network = Network(
        {cause: table((), {0: 0.5, 1: 0.5}), **{s: table(cause, rows) for s in signs}}
    )
    odds = math.exp(530 * (math.log(0.998) + math.log(1.002)))
    found = marginal(network, cause, given={s: i % 2 for i, s in enumerate(signs)})
    assert found.mass({cause: 1}) == pytest.approx(odds / (1 + odds), rel=1e-12)


def test_a_copy_is_the_same_variable():
    a, b, c = (finite(name, ["y", "n"]) for name in "abc")
    differ = table((a, b), {"y": {"y": "y", "n": "n"}, "n": {"y": "n", "n": third}})
    net = Network({a: table((), third), b: a, c: differ})
    # b is a: rows where they differ are never asked.
    assert probability(net, {c: "y"}) == Rational(1, 3) + Rational(2, 3) * Rational(1, 3)
    assert masses(marginal(net, a, b)) == {(0, 0): Rational(1, 3), (1, 1): Rational(2, 3)}
    with pytest.raises(QueryError, match="a = y, b = n has probability 0"):
        marginal(net, c, given={a: "y", b: "n"})


def test_a_chain_longer_than_pythons_stack():
    x = [finite(f"x{i}", [0, 1]) for i in range(1500)]
    turn = {0: {0: 0.9, 1: 0.1}, 1: {0: 0.2, 1: 0.8}}
    net = Network({x[0]: table((), {0: 1.0, 1: 0.0}),
                   **{b: table(a, turn) for a, b in itertools.pairwise(x)}})  # fmt: skip
    assert marginal(net, x[-1]).mass({x[-1]: 0}) == pytest.approx(2 / 3)


# -- over time ------------------------------------------------------------------------------------

A, B = finite("A", ["y", "n"]), finite("B", ["y", "n"])
half = {"y": Rational(1, 2), "n": Rational(1, 2)}
third = {"y": Rational(1, 3), "n": Rational(2, 3)}
hidden = System(
    {A: table(A, {"y": half, "n": third}), B: table(A.next, {"y": third, "n": {"y": 1, "n": 0}})},
    start={A: "y", B: "n"},
)


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_a_system_is_asked_by_its_nodes(steps):
    P = Distribution.product(Distribution.uniform(A), Distribution.of(B, third))
    pushed = P.push(hidden, steps)
    found = marginal(hidden, A[steps], B[steps], P=P)
    assert found.masses.tolist() == pushed.masses.tolist()
    assert [str(v) for v in found.variables] == [f"A[{steps}]", f"B[{steps}]"]
    assert found.mass({A[steps]: "y"}) == pushed.mass({A: "y"})
    assert found.marginal(A[steps]).mass({A[steps]: "n"}) == pushed.mass({A: "n"})
    alone = marginal(hidden, A[steps])
    assert (
        alone.masses.tolist()
        == Distribution.delta({A: "y", B: "n"}).push(hidden, steps).marginal(A).masses.tolist()
    )


def test_what_is_seen_later_tells_of_before():
    """Smoothing, by hand: A[1] given B[1] and B[2]."""
    step = {
        "y": {"y": Fraction(1, 2), "n": Fraction(1, 2)},
        "n": {"y": Fraction(1, 3), "n": Fraction(2, 3)},
    }
    shown = {
        "y": {"y": Fraction(1, 3), "n": Fraction(2, 3)},
        "n": {"y": Fraction(1), "n": Fraction(0)},
    }
    joint = {
        (a, c): step["y"][a] * shown[a]["y"] * step[a][c] * shown[c]["n"]
        for a in "yn"
        for c in "yn"
    }
    total = sum(joint.values())
    found = marginal(hidden, A[1], given={B[1]: "y", B[2]: "n"})
    assert found.mass({A[1]: "y"}) == (joint["y", "y"] + joint["y", "n"]) / total
    unrolled = hidden.unroll(2)
    assert marginal(unrolled, A[1], given={B[1]: "y", B[2]: "n"}) == found


def test_what_was_before_the_start_is_an_input_of_the_unrolled_system():
    late = System({A: table(A, {"y": half, "n": third}), B: A.lag(2)}, start={A: "y", B: "n"},
                  history={A: sympy.Integer(1)})  # fmt: skip
    with pytest.raises(QueryError, match=r"B\[1\] looks back to A\[-\d\], before the start"):
        marginal(late, B[1], A[2])
    unrolled = late.unroll(4)
    assert masses(marginal(unrolled, B[1])) == {(1,): 1}
    assert masses(marginal(unrolled, A[1], B[4])) == {
        (0, 0): Rational(1, 2),
        (1, 1): Rational(1, 2),
    }


def test_samples_of_runs_have_the_marginals():
    draws = run(hidden.world(steps=3), draws=20_000).sel(world="W", time=3)
    for node in (A, B):
        share = float((draws[node.name] == 0).mean())
        assert share == pytest.approx(float(probability(hidden, {node[3]: "y"})), abs=0.02)


def test_formulas_of_finite_variables_are_tables_too():
    c = finite("c", ["y", "n"])
    picked = sympy.Piecewise((A, sympy.Eq(B, 0)), (sympy.Integer(1), True))
    net = Network({A: table((), third), B: table((), half), c: picked})
    assert probability(net, {c: "y"}) == Rational(1, 6)


# -- what cannot be asked -------------------------------------------------------------------------


def test_what_cannot_be_asked_says_why():
    d, x = finite("d", ["y", "n"]), variable("x")
    net = Network({A: table((), third), B: table(A, {"y": half, "n": third})})
    with pytest.raises(QueryError, match=r"B = y, A = n has probability 0|A = n, B = y has prob"):
        marginal(net.world().do(A, "y"), B, given={A: "n", B: "y"})
    with pytest.raises(DeclarationError, match="given: A is 'maybe', which is no value of A"):
        marginal(net, B, given={A: "maybe"})
    with pytest.raises(QueryError, match="d"):
        marginal(net, d)
    deciding = Network({A: table((), third), d: decision(A)})
    with pytest.raises(QueryError, match=r"d is a decision without a policy: .*replace\(D"):
        marginal(deciding, d)
    assert probability(deciding, {A: "y"}) == Rational(1, 3)
    mixed = Network({x: A + noise("e", normal(0, 1)), A: table((), third)})
    with pytest.raises(QueryError, match="x takes no named values"):
        marginal(mixed, x)
    with pytest.raises(QueryError, match="P gives B, which follows from a mechanism"):
        marginal(net, A, P=Distribution.of(B, half))
    with pytest.raises(QueryError, match="seen_in is no world of the same model"):
        marginal(net, A, given={B: "y"}, seen_in=deciding.world())
    with pytest.raises(QueryError, match=r"P is \{A: 'y'\} \(dict\): write a Distribution"):
        marginal(net, A, P={A: "y"})
    with pytest.raises(QueryError, match=r"steps is missing: .* such as system\.world"):
        marginals(hidden)
    with pytest.raises(DeclarationError, match="name one or more"):
        marginal(net)
    with pytest.raises(DeclarationError, match="has A twice"):
        marginal(net, A, A)
    noisy = Network({A: sympy.Piecewise((0, noise("e", normal(0, 1)) > 0), (1, True))})
    with pytest.raises(QueryError, match="A follows from e, which takes no named values"):
        marginal(noisy, A)


def test_a_factor_that_would_not_fit_is_refused_with_its_size():
    many = [finite(f"m{i}", range(10)) for i in range(12)]
    even = {k: Rational(1, 10) for k in range(10)}
    net = Network({v: table((), even) for v in many})
    with pytest.raises(
        TooLargeError, match=r"A factor over 12 nodes, with 1,000,000,000,000 joint"
    ):
        marginal(net, *many)
    assert probability(net, dict.fromkeys(many, 3)) == Rational(1, 10**12)


def test_a_prior_is_a_table_without_parents():
    prior = table((), third)
    assert repr(prior) == "table((), {'y': 1/3, 'n': 2/3})"
    net = Network({A: prior})
    assert net == Network({A: table([], third)}, start={})
    assert not net.parents(A)
    assert float(run(net.world(), draws=9000).value.mean()) == pytest.approx(2 / 3, abs=0.03)
    assert masses(marginal(Network({A: table((), "n")}), A)) == {(1,): 1}
    with pytest.raises(DeclarationError, match="The masses of the table of A sum to 2/3"):
        Network({A: table((), {"y": Rational(1, 3), "n": Rational(1, 3)})})
    with pytest.raises(DeclarationError, match="without parents there is one row"):
        table((), {("y",): 1})


def test_what_is_known_of_a_network_may_come_as_a_distribution():
    net = Network({B: table(A, {"y": half, "n": third})}, start={A: "y"})
    P = Distribution.of(A, third)
    whole = Network({A: table((), third), B: table(A, {"y": half, "n": third})})
    assert marginal(net, A, B, P=P) == marginal(whole, A, B)
    assert marginal(net, A, given={B: "y"}, P=P) == marginal(whole, A, given={B: "y"})
    assert masses(marginal(net, A)) == {(0,): 1}
