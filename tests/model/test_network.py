"""Networks without time: structure, d-separation, and what is refused."""

import networkx as nx
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import (
    DeclarationError,
    EvaluationError,
    Network,
    QueryError,
    System,
    parameter,
    run,
    tangents,
    time,
    variable,
    variables,
)
from causalopt.model.columns import ranges

a, b, c, e, f = variables("a b c e f")


def diamond():
    return Network({b: 2 * a, c: a + 1, e: b * c}, start={a: 3})


def test_structure():
    network = diamond()
    assert set(network.graph.edges) == {(a, b), (a, c), (b, e), (c, e)}
    assert network.parents(e) == {b, c}
    assert network.children(a) == {b, c}
    assert network.ancestors(e) == {a, b, c}
    assert network.descendants(a) == {b, c, e}
    assert network.formula(e) == b * c
    assert network.formula(a) is None


def test_parents_come_from_the_formula_alone():
    # b cancels, so it is no parent.
    network = Network({c: a + b - b}, start={a: 1, b: 2})
    assert network.parents(c) == {a}


def test_d_separation():
    network = diamond()
    assert not network.d_separated(b, c)
    assert network.d_separated(b, c, given=[a])
    assert not network.d_separated(b, c, given=[a, e])


def test_values():
    found = run(diamond().world())["value"].sel(world="W")
    assert dict(zip(found["node"].values, found.values, strict=True)) == {
        "a": 3, "b": 6, "c": 4, "e": 24,
    }  # fmt: skip


def test_parameters_are_inputs_not_nodes():
    k = parameter("k")
    network = Network({b: k * a}, start={a: 3}, parameters={k: 5})
    assert network.nodes == (a, b)
    assert run(network.world(), over={k: [1, 2]})["value"].sel(node="b").values.tolist() == [[3, 6]]


def test_one_mechanism_on_a_graph():
    graph = nx.gn_graph(60, seed=3).reverse()
    network = Network.from_graph(
        graph,
        lambda *u: sp.tanh(sum(u)) + 0.5,
        start={n: 0.1 for n, k in graph.in_degree if k == 0},
    )
    assert nx.utils.graphs_equal(nx.DiGraph(network.graph.edges), nx.DiGraph(graph.edges))
    assert len(network.columns.mechanisms) == len({k for _, k in graph.in_degree if k})
    values = run(network.world())["value"].sel(world="W").values
    for node in graph:
        parents = [values[network.index[p]] for p in graph.predecessors(node)]
        expected = np.tanh(sum(parents)) + 0.5 if parents else 0.1
        assert values[network.index[node]] == pytest.approx(expected, rel=1e-14)


def test_parents_of_one_mechanism_keep_the_order_of_the_graph():
    graph = nx.DiGraph([("z", "sink"), ("y", "sink"), ("x", "sink")])
    network = Network.from_graph(
        graph, lambda p, q, r: p - 10 * q + 100 * r, start={"z": 1, "y": 2, "x": 3}
    )
    assert run(network.world())["value"].sel(node="sink").item() == 1 - 20 + 300


@settings(max_examples=30)
@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 5)), max_size=20).map(
        lambda pairs: [(s, s + k) for s, k in pairs]
    )
)
def test_ranges(pairs):
    starts = np.array([s for s, _ in pairs], dtype=np.int64)
    stops = np.array([s for _, s in pairs], dtype=np.int64)
    expected = [i for s, t in pairs for i in range(s, t)]
    assert ranges(starts, stops).tolist() == expected


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6), count=st.integers(2, 12))
def test_levels_are_longest_paths(seed, count):
    rng = np.random.default_rng(seed)
    nodes = variables(" ".join(f"n{i}" for i in range(count)))
    order = rng.permutation(count)
    formulas, roots = {}, {}
    for i, place in enumerate(order):
        chosen = [nodes[order[j]] for j in range(i) if rng.random() < 0.4]
        if chosen:
            formulas[nodes[place]] = sum(chosen)
        else:
            roots[nodes[place]] = 1
    # Declared in any order.
    network = Network(dict(sorted(formulas.items(), key=lambda pair: str(pair[0]))), start=roots)
    longest = {}
    for node in nx.topological_sort(network.graph):
        longest[node] = max((longest[p] + 1 for p in network.parents(node)), default=0)
    assert [longest[n] for n in network.nodes] == network.columns.levels.tolist()


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Network({b: c, c: e, e: b}, start={}), r"\w -> \w -> \w -> \w.*earlier step"),
        (lambda: Network({b: b + a}, start={a: 1}), "b -> b"),
        (lambda: Network({b: variable("aa") + a}, start={a: 1}), "uses aa.*Did you mean a"),
        (lambda: Network({b: sp.Symbol("q")}, start={}), r'variable\("q"\) or parameter\("q"\)'),
        (lambda: Network({b: parameter("k") * a}, start={a: 1}), r"parameters=\{k: \.\.\.\}"),
        (lambda: Network({b: a + parameter("a")}, start={a: 1}), "a is declared twice"),
        (lambda: Network({b: 2 * a}, start={a: float("nan")}), r"start\[a\] is nan"),
        (lambda: Network({b: 2 * a}, start={a: "3"}), "finite real number"),
        (lambda: Network({b: 2 * a}, start={a: 1, b: 2}), "one or the other"),
        (lambda: Network({b: a.next}, start={a: 1}), "a Network has no time"),
        (lambda: Network({b: a * time}, start={a: 1}), "a Network has no time"),
        (lambda: Network({"b": 2 * a}, start={a: 1}), "only a variable can"),
        (lambda: Network([b], start={a: 1}), "write a dict"),
        (lambda: Network({b: 2 * a}, start={parameter("k"): 1}), "its keys are variables"),
        (lambda: Network.from_graph(nx.Graph([(1, 2)]), lambda u: u, start={1: 1}), "DiGraph"),
        (lambda: Network.from_graph(nx.DiGraph([(1, 2)]), lambda u: u, start={}), "root 1 has no"),
        (
            lambda: Network.from_graph(nx.DiGraph([(1, 2)]), lambda u: u, start={1: 1, 2: 1}),
            "no root",
        ),
        (
            lambda: Network.from_graph(nx.DiGraph([(1, 2)]), lambda u: u + b, start={1: 1}),
            "uses b",
        ),
    ],
)
def test_impossible_networks_are_refused(make, told):
    with pytest.raises(DeclarationError, match=told):
        make()


def test_an_unknown_node_suggests_the_nearest():
    with pytest.raises(QueryError, match="not a node"):
        diamond().parents(f)


def test_a_value_that_is_not_finite_names_its_node():
    network = Network({b: sp.log(a), c: b + 1}, start={a: 1})
    with pytest.raises(EvaluationError, match=r"b is infinite.*where a = 0.*log\(a\)"):
        run(network.world(), over={a: [1, 0]})
    with pytest.raises(EvaluationError, match="b is complex or undefined"):
        run(network.world().do(a, -1))


def test_tangents_do_not_overflow_in_deep_networks():
    nodes = variables(" ".join(f"n{i}" for i in range(600)))
    formulas = {nodes[i]: 10 * nodes[i - 1] - 9 * nodes[i - 1] ** 2 for i in range(1, 600)}
    network = Network(formulas, start={nodes[0]: 0.0})
    # The values stay at 0 and the derivative is 10^599, beyond float64.
    from causalopt import op

    found = op(network, A=[nodes[1]], n=nodes[0], m=nodes[599])
    assert found.item() == -np.inf
    slope = tangents(network.world().perturb(nodes[0]))["value"].sel(node="n200").item()
    assert slope == pytest.approx(10.0**200, rel=1e-12)


def test_it_prints_as_code_and_latex():
    assert "e = b*c" in repr(diamond())
    assert "e &= b c" in diamond()._repr_latex_()


def test_worlds_may_order_the_same_nodes_differently():
    a, b, c = variables("a b c")
    W = Network({b: 2 * a, c: b + 1}, start={a: 1}).world()
    X = W.replace(b, c).replace(c, 3 * a).perturb(a)
    assert run(W, X).value.values.tolist() == [[1, 2, 3], [1, 3, 3]]
    assert tangents(X, X.clamp(c, to=W)).value.values.tolist() == [[1, 3, 3], [1, 0, 0]]
    with pytest.raises(DeclarationError, match="form a cycle"):
        run(W, W.replace(b, c))
    assert run(W.replace(b, c).do(c, 7)).value.values.tolist() == [[1, 7, 7]]


def test_a_replaced_mechanism_is_not_computed_where_it_is_replaced():
    a, b, c = variables("a b c")
    W = Network({b: sp.log(a), c: b + 1}, start={a: -1}).world()
    assert run(W.replace(b, 2 * a)).value.values.tolist() == [[-1, -2, -1]]
    with pytest.raises(EvaluationError, match=r"^b is complex or undefined"):
        run(W.replace(b, 2 * a), W)


@given(st.integers(0, 2**32))
def test_replaced_columns_are_those_of_the_network_declared_so(seed):
    draw = np.random.default_rng(seed)
    names = variables(" ".join(f"x{i}" for i in range(12)))
    formulas = {
        v: draw.choice([sp.Integer(1), sp.S.Half]) * sum(draw.choice(names[:i], min(i, 2)))
        for i, v in enumerate(names)
        if i
    }
    changed = {
        names[i]: -sum(draw.choice(names[:i], min(i, int(draw.integers(3))), replace=False))
        for i in draw.choice(range(1, 12), 4, replace=False).tolist()
    }
    W = Network(formulas, start={names[0]: 1.5}).world()
    world = W
    for node, formula in changed.items():
        world = world.replace(node, formula)
    declared = Network({**formulas, **changed}, start={names[0]: 1.5}).world()
    found, expected = run(world, W).value[0], run(declared).value[0]
    assert found.sel(node=expected.node).values.tolist() == expected.values.tolist()
    slopes = tangents(world.perturb(names[0])).value[0].sel(node=expected.node)
    assert slopes.values.tolist() == tangents(declared.perturb(names[0])).value[0].values.tolist()


def test_an_error_names_the_mechanism_that_the_world_follows():
    a, b = variables("a b")
    W = Network({b: a + 1}, start={a: -1}).world()
    with pytest.raises(EvaluationError, match=r"^b is .* its mechanism is log\(a\)\. "):
        run(W.replace(b, sp.log(a)))
    system = System({a: a - 1}, start={a: 1})
    with pytest.raises(EvaluationError, match=r"^a\[2\] .* its mechanism is sqrt\(a - 1\)\. "):
        run(system.world(steps=3).replace(a[2:], sp.sqrt(a - 1)))
