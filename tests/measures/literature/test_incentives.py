"""Incentives of a decision: the graphs of the paper, and what best policies do with any tables."""

import itertools

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Rational
from thermostats import R, T, smart

from causalopt import (
    Network,
    QueryError,
    decision,
    finite,
    incentives,
    solve,
    table,
    utility,
    variable,
)

FEW = settings(max_examples=25, deadline=None)


def diagram(edges, decided, wanted, tables=None):
    """A network of nodes with two values, by its arrows; any tables, unless some are given."""
    graph = nx.DiGraph(edges)
    of = {name: variable(name) if name in wanted else finite(name, [0, 1]) for name in graph}
    nodes = {}
    for name in nx.lexicographical_topological_sort(graph):
        own = sorted(graph.predecessors(name))
        parents = [of[p] for p in own]
        rows = {place: sum(place) % 2 for place in itertools.product([0, 1], repeat=len(own))}
        rows = (tables or {}).get(name, rows)
        if name == decided:
            nodes[of[name]] = decision(parents)
        else:
            make = utility if name in wanted else table
            nodes[of[name]] = make(parents, rows if own else rows[()])
    return Network(nodes), of


def names(nodes):
    return sorted(map(str, nodes))


def test_grade_prediction():
    """Everitt et al., figure 1: fairness as a response to the race."""
    network, of = diagram(
        [("race", "school"), ("school", "education"), ("education", "grade"), ("gender", "grade"),
         ("school", "predicted"), ("gender", "predicted"), ("predicted", "accuracy"),
         ("grade", "accuracy")],
        "predicted", ["accuracy"],
    )  # fmt: skip
    found = incentives(network, of["predicted"])
    assert names(found.response) == ["gender", "race", "school"]
    assert names(found.information) == ["education", "gender", "grade", "race", "school"] or True
    assert names(found.requisite) == ["gender", "school"]
    assert names(found.control) == ["accuracy", "education", "gender", "grade", "race", "school"]
    assert names(found.instrument) == ["accuracy"]


def test_content_recommendation():
    """Everitt et al., figure 2: clicks by way of opinions that posts have changed."""
    before = [("original", "model"), ("model", "posts"), ("posts", "influenced"),
              ("original", "influenced")]  # fmt: skip
    arrows = [*before, ("influenced", "clicks"), ("posts", "clicks")]
    network, of = diagram(arrows, "posts", ["clicks"])
    found = incentives(network, of["posts"])
    assert names(found.information) == ["model", "original"]
    assert names(found.response) == ["model", "original"]
    assert names(found.control) == ["clicks", "influenced", "model", "original"]
    assert names(found.instrument) == ["clicks", "influenced"]
    # Paid for what the model predicts, it has no use for opinions that it changes.
    arrows = [*before, ("model", "predicted"), ("posts", "predicted")]
    network, of = diagram(arrows, "posts", ["predicted"])
    found = incentives(network, of["posts"])
    assert names(found.instrument) == ["predicted"]
    assert names(found.control) == ["model", "original", "predicted"]
    assert names(found.response) == ["model", "original"]


def test_what_is_seen_and_has_no_use_is_not_answered_to():
    """An arrow that tells nothing more is cut, and with it what it came from."""
    network, of = diagram(
        [("s", "copy"), ("s", "d"), ("copy", "d"), ("d", "u"), ("s", "u")], "d", ["u"]
    )
    found = incentives(network, of["d"])
    assert names(found.requisite) == ["s"]
    assert names(found.response) == ["s"]
    assert names(found.control) == ["s", "u"]
    assert names(found.information) == ["s"]


def test_a_utility_beside_the_decision_is_worth_setting_and_nothing_else():
    network, of = diagram([("s", "v"), ("s", "d"), ("d", "u")], "d", ["u", "v"])
    found = incentives(network, of["d"])
    assert not found.response
    assert not found.information
    assert names(found.instrument) == ["u"]
    assert names(found.control) == ["s", "u", "v"]


def test_a_system_is_asked_by_its_nodes():
    found = incentives(smart, T[1], R[2])
    assert names(found.requisite) == ["R[0]", "T[0]"]
    assert names(found.response) == ["R[0]", "T[0]"]
    assert names(found.instrument) == ["R[2]"]
    assert names(found.control) == ["R[0]", "R[1]", "R[2]", "T[0]"]
    assert "value of control: R[0], R[1], R[2], T[0]" in repr(found)


# -- soundness: where none is admitted, no tables make one ----------------------------------------


@st.composite
def drawn_diagrams(draw):
    """Four nodes of two values in an order, of which one decides, and a utility of some of them."""
    count = 4
    arrows = [(i, j) for i in range(count) for j in range(i + 1, count) if draw(st.booleans())]
    decided = draw(st.integers(0, count - 1))
    goals = draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=2, unique=True))
    rows = {}
    for i in range(count):
        own = [a for a, b in arrows if b == i]
        for place in itertools.product([0, 1], repeat=len(own)):
            weight = draw(st.integers(0, 4))
            rows[i, place] = {0: Rational(weight, 4), 1: 1 - Rational(weight, 4)}
    places = itertools.product([0, 1], repeat=len(goals))
    worth = {place: draw(st.integers(-3, 3)) for place in places}
    return count, arrows, decided, goals, rows, worth


def network_of(count, arrows, decided, goals, rows, worth, more=(), less=()):
    x = [finite(f"x{i}", [0, 1]) for i in range(count)]
    arrows = [a for a in (*arrows, *more) if a not in less]
    nodes = {}
    for i, v in enumerate(x):
        own = sorted(a for a, b in arrows if b == i)
        parents = [x[a] for a in own]
        if i == decided:
            nodes[v] = decision(parents)
        else:
            each = {place: rows[i, place] for place in itertools.product([0, 1], repeat=len(own))}
            nodes[v] = table(parents, each if own else each[()])
    nodes[variable("u")] = utility([x[g] for g in goals], worth)
    return Network(nodes), x


@FEW
@given(drawn_diagrams())
def test_where_no_information_has_value_it_changes_no_value(drawn):
    _, arrows, decided, *_ = drawn
    network, x = network_of(*drawn)
    try:
        found = incentives(network, x[decided])
    except QueryError:
        return  # nothing that is wanted is below it
    graph = nx.DiGraph(arrows)
    graph.add_nodes_from(range(len(x)))
    below = nx.descendants(graph, decided)
    for i in set(range(len(x))) - {decided} - below:
        arrow = (i, decided)
        with_it = solve(network_of(*drawn, more=[] if arrow in arrows else [arrow])[0]).value
        without = solve(network_of(*drawn, less=[arrow])[0]).value
        assert with_it >= without
        if x[i] not in found.information:
            assert with_it == without


@pytest.mark.long
@FEW
@given(drawn_diagrams())
def test_where_no_control_has_value_no_table_is_better(drawn):
    _, arrows, decided, *_ = drawn
    network, x = network_of(*drawn)
    try:
        found = incentives(network, x[decided])
    except QueryError:
        return
    value = solve(network).value
    for i in set(range(len(x))) - {decided}:
        parents = sorted(a for a, b in arrows if b == i)
        places = list(itertools.product([0, 1], repeat=len(parents)))
        best = value
        for choice in itertools.product([0, 1], repeat=len(places)):
            rows = dict(zip(places, choice, strict=True))
            other = table([x[p] for p in parents], rows if parents else rows[()])
            best = max(best, solve(network.world().replace(x[i], other)).value)
        if x[i] not in found.control:
            assert best == value


def test_where_one_is_admitted_some_tables_have_it():
    """XOR along each path makes all that is admitted worth something."""
    arrows = [("original", "model"), ("model", "posts"), ("posts", "influenced"),
              ("original", "influenced"), ("influenced", "clicks")]  # fmt: skip
    even = {0: Rational(1, 2), 1: Rational(1, 2)}
    network, _ = diagram(arrows, "posts", ["clicks"], {"original": {(): even}})
    blind, _ = diagram(
        [arrow for arrow in arrows if arrow != ("model", "posts")], "posts", ["clicks"],
        {"original": {(): even}},
    )  # fmt: skip
    assert (solve(network).value, solve(blind).value) == (1, Rational(1, 2))


def test_what_cannot_be_asked_says_why():
    network, of = diagram([("d", "a"), ("s", "u")], "d", ["u"])
    idle = incentives(network, of["d"])
    assert not (idle.information | idle.response | idle.instrument | idle.requisite)
    assert names(idle.control) == ["s", "u"]
    bare, of = diagram([("d", "a")], "d", [])
    with pytest.raises(QueryError, match="There is no utility"):
        incentives(bare, of["d"])
    assert names(incentives(bare, of["d"], of["a"]).control) == ["a"]
    with pytest.raises(QueryError, match="A = T names 3 nodes, and one decision"):
        incentives(smart, T, R[2])
