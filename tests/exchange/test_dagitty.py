"""DAGitty: what a text draws is the graph, and what is no such text is told."""

import random
import re

import networkx as nx
import pytest
from exchange.random_networks import names
from hypothesis import given
from hypothesis import strategies as st
from sympy import Add

from causalopt import DeclarationError, FileError, Network, named_graph, variables
from causalopt.exchange import read_dagitty, write_dagitty

# Each with its nodes and arrows, worked out by hand from the grammar.
DRAWN = {
    "dag { x -> y }": ("xy", "xy"),
    "dag{x->y<-z->w}": ("xyzw", "xy zy zw"),
    "dag named { x; y; y <- x }": ("xy", "xy"),
    "dag { x -> { y z } -> w }": ("xyzw", "xy xz yw zw"),
    "dag { { a b } -> { c { d -> e } } }": ("abcde", "ac ad ae bc bd be de"),
    "dag { a // no -> arrow\n -> /* nor\n <- */ b # nor -> this\n }": ("ab", "ab"),
    'dag { bb="-2,-2,3,3" "a" [pos="0.1,-2", exposure] a -> b [beta=-0.3] }': ("ab", "ab"),
    "dag { x }": ("x", ""),
}


def read_text_of(folder, text):
    (folder / "graph.txt").write_text(text, encoding="utf-8")
    return read_dagitty(folder / "graph.txt")


@pytest.mark.parametrize("text", DRAWN)
def test_a_text_draws_its_graph(text, tmp_path):
    nodes, arrows = DRAWN[text]
    graph = read_text_of(tmp_path, text)
    assert list(graph) == list(nodes)
    assert sorted(graph.edges) == sorted((a, b) for a, b in arrows.split())


def test_what_is_said_of_nodes_is_kept(tmp_path):
    graph = read_text_of(tmp_path, 'dag { a [e,pos="1,-2"] b [outcome] c [l] d [u] f [adjusted] }')
    assert dict(graph.nodes(data=True)) == {
        "a": {"exposure": True, "pos": "1,-2"}, "b": {"outcome": True}, "c": {"latent": True},
        "d": {"latent": True}, "f": {"adjusted": True},
    }  # fmt: skip


def test_an_arrow_with_two_heads_is_a_hidden_cause(tmp_path):
    graph = read_text_of(tmp_path, "dag { y <-> x; x -> y; x <-> y }")
    assert sorted(graph.edges) == [("U(x, y)", "x"), ("U(x, y)", "y"), ("x", "y")]
    assert graph.nodes["U(x, y)"] == {"latent": True}
    assert nx.is_d_separator(graph, {"x"}, {"y"}, {"U(x, y)"}) is False


@given(called=st.lists(names(), min_size=1, max_size=6, unique=True), data=st.data())
def test_what_is_written_is_read_back(called, data, tmp_path_factory):
    graph = nx.DiGraph()
    for name in called:
        roles = data.draw(st.sets(st.sampled_from(["exposure", "outcome", "latent", "adjusted"])))
        graph.add_node(name, **dict.fromkeys(roles, True))
    for i, name in enumerate(called):
        for other in called[:i]:
            if data.draw(st.booleans()):
                graph.add_edge(other, name)
    path = tmp_path_factory.mktemp("written") / "graph.txt"
    write_dagitty(graph, path)
    again = read_dagitty(path)
    assert list(again.nodes(data=True)) == list(graph.nodes(data=True))
    assert list(again.edges) == list(graph.edges)


def test_a_graph_becomes_a_network_and_comes_back(tmp_path):
    graph = read_text_of(tmp_path, "dag { a -> b -> c <- a }")
    network = Network.from_graph(graph, lambda *u: Add(*u), start=1.0)
    assert network.parents("c") == {"a", "b"}
    write_dagitty(named_graph(network), tmp_path / "again")
    again = read_dagitty(tmp_path / "again")
    assert set(again.edges) == set(graph.edges)


def test_graphs_that_no_dag_holds_are_told(tmp_path):
    T, R = variables("T R")
    for graph in (nx.DiGraph([(1, 2), (2, 1)]), nx.DiGraph([(T, R), (R, T)])):
        with pytest.raises(DeclarationError, match="cycle"):
            write_dagitty(graph, tmp_path / "graph")
    for name in ('a"b', "a\nb", " "):
        with pytest.raises(DeclarationError, match="cannot be a name"):
            write_dagitty(nx.DiGraph([(name, "b")]), tmp_path / "graph")
    assert not list(tmp_path.iterdir())


WRONG = {
    "no dag": ("graph { a -> b }", "line 1, column 1: 'dag', the kind of graph"),
    "another kind": ("pdag { a -- b }", "'dag', the kind of graph that is read"),
    "no brace": ("dag a b", "column 7: '{' was expected"),
    "no end": ("dag { a -> b", "the name of a node was expected, and here the file ends"),
    "no end of an arrow": ("dag { a -> }", "column 12: the name of a node was expected"),
    "more": ("dag { a } b", "column 11: the end of the file"),
    "nothing": ("dag { }", "no node is named"),
    "no direction": ("dag { a -- b }", "column 9: '--' has no direction"),
    "a circle": ("dag { a -> b -> a }", "circle, through . -> ."),
    "no value": ("dag { a [pos=] }", "column 13: a value was expected"),
    "no bracket": ("dag { a [pos", "what is said of a node"),
    "half a quote": ('dag { "a }', "column 7: a name in quotes that begins here has no end"),
    "a bell": ('dag { "a\a" }', "holds '.x07'"),
    "a head alone": ("dag { a > b }", "column 9: '>' cannot be read"),
    "depth": ("dag " + "{" * 5000, "deeper than 20"),
    "arrows": (
        "dag { {" + " ".join(f"a{i}" for i in range(400)) + "} -> {"
        + " ".join(f"b{i}" for i in range(400)) + "} }",
        "more than 50,000 arrows",
    ),
    "one arrow again and again": ("dag {" + "a -> b " * 200_000 + "}", "more than 50,000 arrows"),
    "one name again and again": ("dag { {" + "a " * 300_000 + "} -> {" + "b " * 300_000 + "} }",
                                 "more than 250,000 words and marks"),
    "hidden causes": (
        "dag { {" + " ".join(f"a{i}" for i in range(200)) + "} <-> {"
        + " ".join(f"b{i}" for i in range(200)) + "} }",
        "more than 20,000 nodes",
    ),
    "marks": ("dag {" + ";" * 1_000_000 + "a }", "MOST_TOKENS"),
    "what is said": ("dag { a [" + "b," * 500_000 + "] }", "MOST_TOKENS"),
    "nodes": ("dag {" + " ".join(f"a{i}" for i in range(20_001)) + "}", "more than 20,000 nodes"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_such_text_is_told_with_its_place(case, tmp_path):
    text, told = WRONG[case]
    with pytest.raises(FileError, match=told) as caught:
        read_text_of(tmp_path, text)
    assert re.search(r"line \d+, column \d+: ", str(caught.value))


def test_arrows_are_not_counted_over_again(tmp_path, monkeypatch):
    # Of n nodes that takes n^2: minutes for a text that is small.
    def count(graph, u=None, v=None):
        raise AssertionError("all arrows are counted")

    monkeypatch.setattr(nx.DiGraph, "number_of_edges", count)
    chain = " -> ".join(f"a{i}" for i in range(20_000))
    assert len(read_text_of(tmp_path, f"dag {{ {chain} }}")) == 20_000


def test_broken_texts_are_told(tmp_path):
    whole = 'dag { bb="0,0" a [pos="1,2", e]; {a "b c"} -> d <-> f // end\n}'
    read_text_of(tmp_path, whole)
    for end in range(1, len(whole)):
        with pytest.raises(FileError, match=r"line \d+, column \d+: "):
            read_text_of(tmp_path, whole[:end])
    draw, read = random.Random(1), 0
    for _ in range(500):
        pieces = re.findall(r"\w+|\s+|.", whole)
        for _ in range(draw.randint(1, 4)):
            pieces[draw.randrange(len(pieces))] = draw.choice([*pieces, "--", "\a", "@", "}"])
        try:
            read_text_of(tmp_path, "".join(pieces))
            read += 1
        except FileError as error:
            message = str(error)
            told = re.search(r"line \d+, column \d+: ", message)
            if not told:
                raise
    assert 0 < read < 500
