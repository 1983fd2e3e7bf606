"""0/0 told apart: m is not downstream of n, or it is and still nothing reaches it."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Max

from causalopt import Network, QueryError, System, comp, op, variables

u, v, w, x, y = variables("u v w x y")


@pytest.mark.parametrize("measure", [comp, op])
def test_what_is_not_reached_and_what_is_at_a_wall(measure):
    system = System({x: x / 2, y: y + Max(x - 5, 0), w: w / 2, u: y},
                    start={x: 1, y: 0, w: 1, u: 0})  # fmt: skip

    def counts(m, A=w, **given_too):
        found = measure(system, A=A, n=x[2], m=m, **given_too)
        assert found.attrs["undefined"] == np.isnan(found.values).sum()
        return found.attrs["undefined"], found.attrs["saturated"]

    assert counts(x, steps=6) == (2, 0)
    assert counts(y, steps=6) == (7, 4)
    assert counts(w, A=u, steps=6) == (7, 0)
    assert counts(u, steps=6) == (7, 3)
    assert counts(y[5]) == (1, 1)
    assert counts(w[5], A=u) == (1, 0)
    assert counts(y, steps=6, over={x[0]: [1, 2, 100]}, keep=2) == (4 * 3 - 2, 4)


def test_in_a_network():
    network = Network({y: Max(x, 0), w: 2 * u, v: y + w}, start={x: -1, u: 1})
    for m, saturated in ((y, 1), (w, 0), (v, 1)):
        found = comp(network, A=u, n=x, m=m)
        assert (found.attrs["undefined"], found.attrs["saturated"]) == (1, saturated)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.booleans()), max_size=8))
@settings(max_examples=30, deadline=None)
def test_over_time_it_is_the_unrolled_graph_that_says_so(arrows):
    # Walls everywhere: no difference passes, so that every value is 0/0.
    names = [u, v, w, x]
    rules = {}
    for place, target in enumerate(names):
        before = [names[i] for i, j, same in arrows if j == place and not same]
        now = [names[i].next for i, j, same in arrows if j == place and same and i < place]
        rules[target] = sum((Max(term - 100, 0) for term in [*before, *now]), 0 * y)
    system = System(rules | {y: y}, start=dict.fromkeys([*names, y], 0))
    graph = nx.DiGraph(system.unroll(5).graph)
    found = comp(system, A=y, n=u[1], m=x, steps=5)
    reached = [x[i] in nx.descendants(graph, u[1]) for i in range(6)]
    assert (found.attrs["undefined"], found.attrs["saturated"]) == (6, sum(reached))


def test_a_difference_that_is_lost_at_n_is_no_wall():
    home = System({y: x - 25, x: x - y / 9, w: w / 2}, start={x: 35, y: 10, w: 0})
    asked = {"A": y, "n": x[0], "m": x[2]}
    with pytest.raises(QueryError, match=r"delta is 1e-17, which is lost beside x\[0\] = 35"):
        comp(home, **asked, delta=1e-17)
    for option in ({"on_failure": "raise"}, {"on_failure": "mask"}):
        with pytest.raises(QueryError, match=r"lost beside x\[0\] = 35"):
            op(home, **asked, delta=1e-17, over={x[0]: [0, 35]}, **option)
    assert np.isfinite(comp(home, **asked, delta=1e-13))
    # Where all of it arrives at n, 0/0 says what it said.
    street = comp(home, A=y, n=w[0], m=x[2], delta=1e-3)
    assert (street.attrs["undefined"], street.attrs["saturated"]) == (1, 0)
    pair = Network({v: x * y}, start={x: 2, y: 3})
    with pytest.raises(QueryError, match="lost beside x = 2"):
        comp(pair, A=y, n=x, m=v, delta=1e-17)
