"""Names in results: whatever things are called, every dim is one thing and every value is there."""

import itertools

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import (
    DeclarationError,
    Network,
    QueryError,
    System,
    comp,
    draw,
    every_m,
    every_n,
    noise,
    normal,
    op,
    optimizing_power,
    parameter,
    run,
    variable,
    variables,
)

NAMES = ["world", "time", "node", "variable", "draw", "sample", "value", "comp", "op", "x[0]", "k"]
x, y = variables("x y")


@pytest.mark.parametrize("name", ["world", "time", "draw", "sample"])
def test_a_variable_that_would_lose_its_values_is_refused(name):
    taken = variable(name)
    with pytest.raises(DeclarationError, match=f"{name}, as is a dim.* write another name"):
        System({taken: taken + 1}, start={taken: 5})


@pytest.mark.parametrize("name", ["node", "variable", "value", "comp", "x[0]", "x.next", "t"])
def test_any_other_name_keeps_its_values(name):
    odd = variable(name)
    system = System({odd: odd + x, x: x.next + 1 if odd == x else x + 1}, start={odd: 5, x: 0})
    data = run(system.world(steps=3), over={x[0]: [0, 10]})
    assert data[name].sel(world="W").values.tolist() == [[5, 5], [5, 15], [6, 26], [8, 38]]
    every = every_m(system, A=x, n=odd[0], steps=3)
    assert every.sel(variable=name).values.tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize("name", NAMES)
def test_a_parameter_of_any_name_is_swept_along_a_dim_of_its_own(name):
    p, still, e = parameter(name), parameter("still"), noise("e", normal())
    start = {x: 1, y: 0}
    system = System({x: p * x + y, y: y + still * e}, start=start, parameters={p: 1, still: 0})
    for count in (2, 3):
        values = np.arange(1.0, count + 1)
        swept = {"over": {p: values, x[0]: [1, 2, 3]}, "draws": 2}
        data = run(system.world(steps=2), **swept)
        assert len(set(data.x.dims)) == 5
        assert data.x.shape == (1, 3, count, 3, 2)
        # x goes with the square of p after two steps.
        expected = np.multiply.outer(values**2, [1, 2, 3])
        assert np.array_equal(data.x.isel(world=0, time=2, draw=1), expected)
        name_of_dim = data.x.dims[2]
        assert data[name_of_dim].values.tolist() == values.tolist()
        for measured in (comp, op):
            answer = measured(system, A=y, n=x[0], m=x, steps=2, **swept)
            assert answer.dims == ("time", name_of_dim, data.x.dims[3], "draw")
            assert answer.to_dataset()[answer.name].shape == answer.shape
        every = every_m(system, A=y, n=x[0], steps=2, **swept)
        assert every.dims == ("variable", "time", name_of_dim, data.x.dims[3], "draw")
        power = optimizing_power(system, y, x[0], x[2], over={p: values}, along=p)
        assert power.item() == 0


LABELS = st.sampled_from([1, "1", (1,), "(1,)", 2, "2", "node", "world", "value", "1 (int)"])


@settings(max_examples=40)
@given(st.lists(LABELS, min_size=2, max_size=4, unique=True))
def test_roots_that_print_alike_are_swept_apart(roots):
    graph = nx.DiGraph([(root, "sum") for root in roots])
    weights = [10.0**i for i in range(len(roots))]
    network = Network.from_graph(
        graph,
        lambda *parents: sum(w * u for w, u in zip(weights, parents, strict=True)),
        start=dict.fromkeys(roots, 0),
    )
    order = list(graph.predecessors("sum"))
    values = [[1.0, 2.0], [3.0, 5.0, 7.0], [4.0, 6.0], [8.0, 9.0]][: len(order)]
    data = run(network.world(), over=dict(zip(order, values, strict=True)))
    total = data.value.sel(world="W", node="sum")
    assert len(set(data.value.dims)) == 2 + len(order)
    for point in itertools.product(*(range(len(v)) for v in values)):
        expected = sum(w * v[i] for w, v, i in zip(weights, values, point, strict=True))
        assert total.values[point] == expected
    nodes = data.node.values.tolist()
    assert len(set(nodes)) == len(roots) + 1
    assert every_n(network, A="sum", m=order[0]).node.values.tolist() == nodes
    assert list(network.causes().values()) == [sorted(set(nodes) - {"sum"})]
    assert [network.find(name) for name in nodes] == list(network.nodes)


def test_the_two_labels_of_the_graph_are_both_swept():
    graph = nx.DiGraph([(1, "a"), ("1", "a")])
    network = Network.from_graph(graph, lambda u, v: u + v, start={1: 10, "1": 20})
    found = run(network.world(), over={1: [5, 15], "1": [10, 11]}).value.sel(world="W", node="a")
    assert found.values.tolist() == [[15, 16], [25, 26]]
    plain = run(network.world()).value.sel(world="W")
    assert plain.sel(node="1 (int)") == 10
    assert plain.sel(node="1 (str)") == 20
    dot = draw(network, values=run(network.world())).dot
    assert all(told in dot for told in (r"1\n10", r"1\n20", r"a\n30"))


def test_a_node_that_is_swept_twice_is_refused():
    system = System({x: x / 2}, start={x: 1}, dt=0.5)
    with pytest.raises(QueryError, match=r"over names x\.at\(0\.0\).* x\[0\]"):
        run(system.world(steps=2), over={x[0]: [1, 2], x.at(0): [3, 4]})
