"""Large networks from arrays: the same as the same network declared in words."""

import networkx as nx
import numpy as np
import pytest
import sympy as sp

from causalopt import (
    DeclarationError,
    Network,
    comp,
    finite,
    noise,
    normal,
    parameters,
    run,
    time,
    variables,
)

(k,) = parameters("k")
MECHANISMS = [lambda u, v: k * u - sp.sin(v), lambda u: sp.exp(-(u**2)) / 2]


def drawn(count, seed=0):
    rng = np.random.default_rng(seed)
    kinds = rng.integers(0, 2, count)
    kinds[:3] = -1
    parents = (rng.random((count, 2)) * np.arange(count)[:, None]).astype(int)
    parents[kinds == 1, 1] = -1
    parents[:3] = -1
    return kinds, parents, rng.random(count)


def in_words(kinds, parents, start):
    xs = variables(" ".join(f"x{i}" for i in range(len(kinds))))
    mechanisms, values = {}, {}
    for i, kind in enumerate(kinds):
        if kind < 0:
            values[xs[i]] = start[i]
        else:
            mechanisms[xs[i]] = MECHANISMS[kind](*(xs[p] for p in parents[i] if p >= 0))
    return Network(mechanisms, start=values, parameters={k: 0.6}), xs


def from_arrays(kinds, parents, start, **more):
    return Network.from_arrays(MECHANISMS, kinds, parents, start=start, parameters={k: 0.6}, **more)


@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_network_declared_in_words(seed):
    arrays = drawn(40, seed)
    network, (words, xs) = from_arrays(*arrays), in_words(*arrays)
    found = run(network.world()).value.sel(world="W")
    expected = run(words.world()).value.sel(world="W")
    np.testing.assert_allclose(found, expected.sel(node=[str(x) for x in xs]), rtol=1e-14)
    places = {x: i for i, x in enumerate(xs)}
    assert nx.utils.graphs_equal(network.graph, nx.relabel_nodes(words.graph, places))
    held = [i for i in range(4, 39) if i % 3 == 0]
    for m in (37, 38):
        np.testing.assert_allclose(
            comp(network, A=held, n=0, m=m),
            comp(words, A=[xs[i] for i in held], n=xs[0], m=xs[m]),
            rtol=1e-12,
        )


def test_the_order_of_nodes_does_not_matter():
    kinds, parents, start = drawn(60)
    order = np.random.default_rng(1).permutation(60)
    place = np.append(np.argsort(order), -1)
    turned = from_arrays(kinds[order], place[parents[order]], start[order])
    before = run(from_arrays(kinds, parents, start).world()).value[0]
    np.testing.assert_array_equal(run(turned.world()).value[0], before[order])


def test_levels_are_longest_paths():
    kinds, parents, start = drawn(300)
    network = from_arrays(kinds, parents, start)
    longest = {}
    for node in nx.topological_sort(network.graph):
        longest[node] = max((longest[p] + 1 for p in network.graph.predecessors(node)), default=0)
    assert network.columns.levels.tolist() == [longest[i] for i in range(300)]


def test_a_long_chain():
    count = 20_000
    network = Network.from_arrays(
        [lambda u: u + 1], np.r_[-1, np.zeros(count, int)], np.arange(-1, count)[:, None], start=0.0
    )
    np.testing.assert_array_equal(network.columns.levels, np.arange(count + 1))


def test_many_nodes_are_held_at_once():
    network = from_arrays(*drawn(5_000))
    W = network.world()
    held = range(100, 4_000)
    X = W.perturb(0, by=0.5)
    values = run(W, X, X.clamp(held, to=W)).value
    assert (values.sel(world="Y")[100:4000] == values.sel(world="W")[100:4000]).all()
    assert (values.sel(world="Y")[:100] == values.sel(world="X")[:100]).all()
    assert run(W.do(held, 0.25)).value[0, 100:4000].values.tolist() == [0.25] * 3900


def test_labels_may_be_given():
    labels = [f"node {i}" for i in range(40)]
    named = from_arrays(*drawn(40), labels=labels)
    assert named.parents("node 39") == {labels[p] for p in drawn(40)[1][39] if p >= 0}
    assert 39 not in named.index
    plain = from_arrays(*drawn(40))
    assert 39 in plain.index
    assert 40 not in plain.index
    assert True not in plain.index


CHAIN = {"kinds": [-1, 1, 1], "parents": [[-1], [0], [1]], "start": 0.5}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"parents": [[-1], [2], [1]]}, "form a cycle: (1 -> 2 -> 1|2 -> 1 -> 2)"),
        ({"parents": [[-1], [0], [3]]}, "parents of node 2 is 3"),
        ({"parents": [[-1], [0]]}, "one row per node"),
        ({"parents": [[-1, -1], [0, -1], [0, 1]]}, "Node 2 has 2 parents|has 1 parents and node 2"),
        ({"parents": [[-1, -1], [-1, 0], [-1, 1]]}, "fill up with -1 at the end"),
        ({"parents": [[0], [0], [1]]}, "is a root .* but it has parents"),
        ({"parents": [[-1.0], [0.0], [1.0]]}, "whole numbers"),
        ({"kinds": [-1, 1, 2]}, "kinds of node 2 is 2"),
        ({"start": [np.nan, 0, 0]}, "start of the root 0 is nan"),
        ({"start": np.ma.array([1.0, 0, 0], mask=[1, 0, 0])}, "start of the root 0 is masked"),
        ({"start": np.ma.masked}, "start of the root 0 is masked"),
        ({"kinds": np.ma.array([-1, 1, 1], mask=[0, 0, 1])}, "kinds has masked entries"),
        ({"parents": np.ma.array([[-1], [0], [1]], mask=[[1], [0], [0]])}, "parents has masked"),
        ({"labels": np.ma.array([5, 7, 9], mask=[0, 0, 1])}, "labels has masked entries"),
        ({"parents": np.array([[2**64 - 1], [2**63], [1]], np.uint64)}, "parents holds 1844674407"),
        ({"kinds": np.array([2**63, 1, 1], np.uint64)}, "kinds holds 9223372036854775808"),
        ({"start": [1.0]}, "write one number, or one for each"),
        ({"start": "one"}, "no number"),
        ({"start": "1"}, "no number"),
        ({"start": ["1", "0", "0"]}, "no number"),
        ({"labels": ["a", "b"]}, "one row per node"),
    ],
)
def test_arrays_that_cannot_be(change, words):
    given = CHAIN | change
    with pytest.raises(DeclarationError, match=words):
        from_arrays(**given)


def test_what_is_ignored_may_be_masked():
    hidden = np.ma.array([0.5, 7, 7], mask=[False, True, True])
    assert from_arrays(**CHAIN) == from_arrays(**CHAIN | {"start": hidden})


def test_a_noise_is_drawn_once_for_all_nodes_as_in_words():
    e, d = noise("e", normal(0, 1)), noise("d", normal(2, 3))
    (k,) = parameters("k")
    a, b, c, f = variables("a b c f")
    words = Network({b: k * a + e, c: k * b + e, f: b + c * d}, start={a: 1}, parameters={k: 0.5})
    arrays = Network.from_arrays(
        [lambda u: k * u + e, lambda u, v: u + v * d],
        [-1, 0, 0, 1],
        [[-1, -1], [0, -1], [1, -1], [1, 2]],
        start=1,
        parameters={k: 0.5},
        labels=[a, b, c, f],
    )
    graph = Network.from_graph(
        nx.DiGraph([(a, b), (b, c), (b, f), (c, f)]),
        lambda u, v=None: k * u + e if v is None else u + v * d,
        start=1,
        parameters={k: 0.5},
    )
    assert [words.formula(v) for v in (b, c, f)] == [arrays.formula(v) for v in (b, c, f)]
    assert arrays.noises == graph.noises == (d, e)
    numbers = [run(n.world(seed=3), draws=20).sel(node=["b", "c", "f"]).value.values
               for n in (words, arrays, graph)]  # fmt: skip
    assert np.ptp(numbers[0]) > 1
    np.testing.assert_array_equal(numbers[0], numbers[1])
    np.testing.assert_array_equal(numbers[0], numbers[2])


LAWS = [noise("e", normal(0, 1)), noise("e", normal(0, 2))]


@pytest.mark.parametrize(
    ("mechanism", "words"),
    [
        (lambda u: u + time, "uses t, but a Network has no time"),
        (lambda u: u.next, r"uses u0.next, but a Network has no time"),
        (lambda u: u - u.lag(2), r"uses u0.lag\(2\), but a Network has no time"),
        (lambda u: u + finite("f", ["a"]), "uses f, which is not declared here"),
        (lambda: 1, r"a node with 1 parents fails \(TypeError: .*takes 0 positional"),
        (lambda u: 1 / 0, r"a node with 1 parents fails \(ZeroDivisionError: division by zero\)"),
        (lambda u: [][0], r"a node with 1 parents fails \(IndexError: list index out of range\)"),
        (lambda u: normal(0, -1), r"^normal\(deviation=-1\): write a number above 0"),
    ],
)
def test_what_no_network_has(mechanism, words):
    with pytest.raises(DeclarationError, match=words):
        Network.from_arrays([mechanism], [-1, 0], [[-1], [0]], start=1)
    with pytest.raises(DeclarationError, match=words):
        Network.from_graph(nx.DiGraph([(1, 2)]), mechanism, start=1)


def test_two_noises_of_one_name():
    with pytest.raises(DeclarationError, match="e is declared twice"):
        Network.from_arrays(
            [lambda u: u + LAWS[0], lambda u: u * LAWS[1]], [-1, 0, 1], [[-1], [0], [0]], start=1
        )
    with pytest.raises(DeclarationError, match="e is declared twice"):
        Network.from_graph(
            nx.DiGraph([(1, 2), (1, 3), (2, 3)]), lambda *u: sum(u) + LAWS[len(u) - 1], start=1
        )


def test_parallel_edges_are_refused():
    once, twice = nx.MultiDiGraph([(1, 2), (2, 3)]), nx.MultiDiGraph([(1, 2), (2, 3), (2, 3)])
    assert Network.from_graph(once, lambda *u: sum(u), start=1).parents(3) == {2}
    with pytest.raises(DeclarationError, match=r"has 2 edges from 2 to 3.*DiGraph"):
        Network.from_graph(twice, lambda *u: sum(u), start=1)


@pytest.mark.parametrize("labels", [3, "ab", [[1], [2]], [1, {}], None.__class__])
def test_labels_that_cannot_be(labels):
    with pytest.raises(DeclarationError, match="labels"):
        Network.from_arrays([lambda u: u], [-1, 0], [[-1], [0]], start=1, labels=labels)
