"""Graphs as formulas are written: of rates without their stages, and exported by names."""

import json

import networkx as nx
import pygraphviz
import pytest

from causalopt import (
    Network,
    QueryError,
    System,
    draw,
    draw_template,
    named_graph,
    run,
    variable,
    variables,
)
from causalopt.drawing.picture import changes, skeleton

a, b, c = variables("a b c")


def repressilator(method):
    """Three genes in a ring: each makes its protein, which stops the next gene."""
    m, p = variables("m_1 m_2 m_3"), variables("p_1 p_2 p_3")
    rates = {m[i]: 200 / (1 + p[i - 1] ** 2) - m[i] for i in range(3)}
    rates |= {p[i]: m[i] - p[i] for i in range(3)}
    return System.from_ode(rates, start=dict.fromkeys(rates, 1), dt=0.1, method=method), m, p


@pytest.mark.parametrize("method", ["euler", "rk4"])
def test_the_graph_of_rates_is_the_one_that_is_written(method):
    system, m, p = repressilator(method)
    ring = {(m[i], p[i]) for i in range(3)} | {(p[i - 1], m[i]) for i in range(3)}
    assert set(system.graph.edges) == ring | {(v, v) for v in (*m, *p)}
    arrows = {(f"{s}[i]", f"{t}[i+1]") for s, t in system.graph.edges}
    for picture, two in ((draw_template(system), arrows), (draw(system, steps=1), None)):
        graph = pygraphviz.AGraph(string=picture.dot)
        assert len(graph.edges()) == 12
        if two:
            names = {node: node.attr["label"] for node in graph.nodes()}
            assert {(names[s], names[t]) for s, t in graph.edges()} == two
    assert sum(map(len, system.causes().values())) == 12


def test_stages_are_drawn_on_request_and_followed_in_any_case():
    system, m, p = repressilator("rk4")
    graph = pygraphviz.AGraph(string=draw_template(system, stages=True).dot)
    # Four stages carry a difference up to four arrows along the ring.
    assert len(graph.edges()) == 6 * 5
    assert len(pygraphviz.AGraph(string=draw(system, steps=1, stages=True).dot).edges()) == 30
    W = system.world(steps=1)
    reached = changes(skeleton(system, 1), [W, W.perturb(m[0][0])])[1]
    differs = {node for node in reached if node.step == 1}
    assert differs == {m[0][1], p[0][1], m[1][1], p[1][1], m[2][1]}
    moved = run(W, W.perturb(m[0][0], by=1)).diff("world").isel(time=1, world=0)
    assert differs == {v[1] for v in (*m, *p) if float(moved[v.name]) != 0}


def test_rates_without_a_memory_of_their_own_have_none_in_the_graph():
    ode = System.from_ode({a: b, b: -a}, start={a: 1, b: 0}, dt=0.1, method="rk4")
    assert set(ode.graph.edges) == {(b, a), (a, b)}
    # But a step adds the rate to the variable itself.
    assert ode.causes() == {"a[i+1]": ["a[i]", "b[i]"], "b[i+1]": ["a[i]", "b[i]"]}
    steps = System({a: b, b: a.next, c: a + a.next}, start={a: 0, b: 1, c: 0})
    assert list(steps.graph.edges(data="lag")) == [(a, b, 0), (a, c, 1), (b, a, 1)]


ODD = ["<b>", "a & b", '"', "\\n", "é", "温度", "x.y[0]", "\x00", "\x1b[0m"]


def test_graphs_are_exported_by_names_alone(tmp_path):
    symbols = [variable(name, unit="degC") for name in ODD]
    ring = {s: 2 * symbols[i - 1] for i, s in enumerate(symbols)}
    system = System(ring, start=dict.fromkeys(symbols, 1))
    for model in (system, system.unroll(2), Network({b: 2 * a}, start={a: 1})):
        graph = named_graph(model)
        names = [
            model.name_of(node).replace("\x00", "␀").replace("\x1b", "␛") for node in model.graph
        ]
        assert list(graph) == names
        again = nx.node_link_graph(json.loads(json.dumps(nx.node_link_data(graph))))
        nx.write_graphml(graph, tmp_path / "graph.graphml")
        for read in (again, nx.read_graphml(tmp_path / "graph.graphml")):
            assert dict(read.nodes(data=True)) == dict(graph.nodes(data=True))
            assert sorted(read.edges(data=True)) == sorted(graph.edges(data=True))
    twins = variable("\x00"), variable("␀")
    with pytest.raises(QueryError, match="rename one"):
        named_graph(System({v: v for v in twins}, start=dict.fromkeys(twins, 1)))
    assert named_graph(system).nodes["温度"] == {"unit": "degC", "formula": "2*é", "start": 1.0}
