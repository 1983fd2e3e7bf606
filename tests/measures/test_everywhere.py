"""Every m at once and every n at once give the numbers of one at a time."""

import networkx as nx
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import (
    Network,
    QueryError,
    System,
    comp,
    comp_from_all,
    comp_to_all,
    noise,
    normal,
    op,
    parameter,
    variables,
)

from .test_properties import SYMBOLS, declared, systems

u, v, w = SYMBOLS
STEPS = 5


@settings(max_examples=15, deadline=None)
@given(systems)
def test_all_m_of_a_system(case):
    system = declared(case)
    found = comp_to_all(system, A=u, n=v[0], steps=STEPS)
    for m in (v, w):
        for measure in (comp, op):
            one = measure(system, A=u, n=v[0], m=m, steps=STEPS).values
            row = found[measure.__name__].sel(variable=str(m)).values
            assert row == pytest.approx(one, rel=1e-12, abs=1e-13, nan_ok=True)
    assert np.isnan(found["comp"].sel(variable="u")).all()


@settings(max_examples=10, deadline=None)
@given(systems, st.sampled_from([u, u[2:4]]))
def test_all_n_of_a_system(case, A):
    system = declared(case)
    found = comp_from_all(system, A=A, m=w[STEPS])
    for n in (v, w):
        for step in range(STEPS):
            one = comp(system, A=A, n=n[step], m=w[STEPS]).item()
            here = found["comp"].sel(variable=str(n), time=step).item()
            assert here == pytest.approx(one, rel=1e-8, abs=1e-10, nan_ok=True)
    assert np.isnan(found["comp"].sel(variable="u", time=2))


def random_network(seed, count=14):
    rng = np.random.default_rng(seed)
    nodes = variables(" ".join(f"x{i}" for i in range(count)))
    gain = parameter("gain")
    formulas = {}
    for i in range(3, count):
        a, b = (nodes[j] for j in rng.choice(i, 2, replace=False))
        formulas[nodes[i]] = [a * b, sp.sin(a) + b, a - gain * b, sp.tanh(a * b) + a][i % 4]
    start = {nodes[i]: float(rng.normal()) for i in range(3)}
    return Network(formulas, start=start, parameters={gain: 0.7}), nodes, gain


@pytest.mark.parametrize("seed", range(8))
def test_all_m_and_all_n_of_a_network(seed):
    network, nodes, gain = random_network(seed)
    A = [nodes[5], nodes[8]]
    over = {gain: [0.2, 0.9], nodes[0]: [0.1, 0.4, 0.7]}
    forward = comp_to_all(network, A=A, n=nodes[1], over=over)
    backward = comp_from_all(network, A=A, m=nodes[-1], over=over)
    for other in nodes:
        if other in A:
            assert np.isnan(forward["op"].sel(node=str(other))).all()
            assert np.isnan(backward["op"].sel(node=str(other))).all()
            continue
        to = comp(network, A=A, n=nodes[1], m=other, over=over)
        assert forward["comp"].sel(node=str(other)).values == pytest.approx(
            to.values, rel=1e-12, abs=1e-13, nan_ok=True
        )
        back = op(network, A=A, n=other, m=nodes[-1], over=over)
        assert backward["op"].sel(node=str(other)).values == pytest.approx(
            back.values, rel=1e-9, abs=1e-10, nan_ok=True
        )


def test_the_reverse_pass_neither_over_nor_underflows():
    a, b = variables("a b")
    # b grows by 3 a step on its own and by 2 with a's answer: Op = t log(3/2), beyond any float.
    system = System({a: -b, b: 3 * b + a.next}, start={a: 0, b: 0})
    found = comp_from_all(system, A=a, m=b[2000])
    times = np.arange(1999)
    expected = (2000 - times) * np.log(3 / 2)
    assert found["op"].sel(variable="b").values[:1999] == pytest.approx(expected, rel=1e-12)


def test_one_mechanism_on_a_graph_takes_the_reverse_pass_too():
    graph = nx.gn_graph(200, seed=1).reverse()
    start = {node: 0.1 for node, k in graph.in_degree if k == 0}
    network = Network.from_graph(graph, lambda *p: sp.sin(sum(p)) + 0.3, start=start)
    last = next(iter(nx.topological_sort(graph.reverse())))
    root = next(iter(nx.ancestors(graph, last)))
    found = comp_from_all(network, A=[n for n in graph if n not in (root, last)][:20], m=last)
    assert found["comp"].sel(node=str(last)).item() == 1.0


def test_the_same_draws():
    e = noise("e", normal())
    a, b = variables("a b")
    system = System({a: -e * b, b: b + a.next / 3}, start={a: 0, b: 1})
    one = comp(system.world(steps=4, seed=5), A=a, n=b[1], m=b[4]).item()
    found = comp_from_all(system, A=a, m=b[4], seed=5)
    assert found["comp"].sel(variable="b", time=1).item() == pytest.approx(one, rel=1e-12)


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda s: comp_from_all(s, A=u, m=w), r"write u\[100\]"),
        (lambda s: comp_from_all(s, A=u, m=u[3]), "inside A"),
        (lambda s: comp_from_all(3, A=u, m=u[3]), "cannot be measured"),
        (lambda s: comp_to_all(s, A=u, n=u[0], steps=3), "inside A"),
        (lambda s: comp_to_all(s, A=u, n=v, steps=3), r"write v\[0\]"),
    ],
)
def test_impossible_questions_are_refused(ask, told):
    system = System({u: v, v: u, w: u}, start={u: 1, v: 1, w: 1})
    with pytest.raises(QueryError, match=told):
        ask(system)
