"""Graphs as GraphML and DOT: other readers find the same names, arrows and data."""

import networkx as nx
import pygraphviz
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import DeclarationError, FileError, System, named_graph, variables
from causalopt.exchange import write_dot, write_graphml

HOSTILE = [
    *('a"b', "back\\slash", "\\N \\G \\n", "a:b", "<b>bold</b>", "]]>", "a;b", "{x|y}", "&amp;"),
    *("-- ->", "n0", "graph", "digraph { }", "λ → 💧", " ", "two\nlines", "tab\there", "#", "//"),
]
HELD = st.characters(codec="utf-8", exclude_characters="\r", exclude_categories=["Cs", "Cc", "Cn"])
NAMES = st.lists(st.text(HELD, min_size=1, max_size=8), min_size=1, max_size=6, unique=True)

T, R = variables("T R", unit="degC")
ROOM = System({T: R - 25, R: R - 0.1 * T}, start={T: 10, R: 35})


def ring(names):
    return nx.DiGraph([(a, b) for a, b in zip(names, [*names[1:], names[0]], strict=True)])


def read_dot(path):
    """The labels and arrows that Graphviz's own parser finds, its escapes undone."""
    graph = pygraphviz.AGraph(str(path))
    labels = {node: plain(node.attr["label"]) for node in graph.nodes()}
    return list(labels.values()), [(labels[a], labels[b]) for a, b in graph.edges()]


def plain(label):
    kept = "\x01"
    return (label.replace("\\\\", kept).replace("\\n", "\n").replace(kept, "\\")
            .replace("&amp;", "&"))  # fmt: skip


@pytest.mark.parametrize("names", [HOSTILE])
def test_hostile_names_are_text(tmp_path, names):
    graph = ring(names)
    write_graphml(graph, tmp_path / "g.graphml")
    assert set(nx.read_graphml(tmp_path / "g.graphml").edges) == set(graph.edges)
    write_dot(graph, tmp_path / "g.dot")
    labels, arrows = read_dot(tmp_path / "g.dot")
    assert labels == names
    assert set(arrows) == set(graph.edges)


@settings(max_examples=60, deadline=None)
@given(NAMES)
def test_any_names_come_back(tmp_path_factory, names):
    folder, graph = tmp_path_factory.mktemp("graphs"), ring(names)
    write_graphml(graph, folder / "g.graphml")
    assert set(nx.read_graphml(folder / "g.graphml").edges) == set(graph.edges)
    write_dot(graph, folder / "g.dot")
    labels, arrows = read_dot(folder / "g.dot")
    assert (labels, set(arrows)) == (names, set(graph.edges))


def test_a_model_goes_out_with_what_is_said_of_it(tmp_path):
    graph = named_graph(ROOM)
    write_graphml(graph, tmp_path / "room.graphml")
    again = nx.read_graphml(tmp_path / "room.graphml")
    assert dict(again.nodes(data=True)) == dict(graph.nodes(data=True))
    assert {(a, b): lag for a, b, lag in again.edges(data="lag")} == {
        (a, b): lag for a, b, lag in graph.edges(data="lag")
    }
    write_dot(graph, tmp_path / "room.dot")
    found = pygraphviz.AGraph(str(tmp_path / "room.dot"))
    about = {node.attr["label"]: dict(node.attr) for node in found.nodes()}
    assert about["T"]["unit"] == "degC"
    assert about["T"]["formula"] == "R - 25"
    assert float(about["T"]["start"]) == 10.0
    assert {edge.attr["label"] for edge in found.edges()} == {"1"}


def test_no_attribute_of_a_stranger_reaches_graphviz(tmp_path):
    graph = nx.DiGraph()
    graph.add_node("a", image="/etc/passwd", URL="javascript:alert(1)", shape="record")
    write_dot(graph, tmp_path / "g.dot")
    assert (tmp_path / "g.dot").read_text() == 'digraph {\n  n0 [label="a"];\n}\n'


@pytest.mark.parametrize("name", ["half \ud800", "null \0"])
def test_what_no_text_holds_is_refused_and_nothing_is_written(tmp_path, name):
    kept = tmp_path / "kept"
    kept.write_text("before")
    for write in (write_dot, write_graphml):
        with pytest.raises(DeclarationError, match="write letters"):
            write(nx.DiGraph([("a", name)]), kept)
    assert kept.read_text() == "before"


def test_what_graphml_cannot_hold_is_refused(tmp_path):
    for graph, told in (
        (nx.DiGraph([("a", "bell \a")]), "no document in XML can hold"),
        (nx.DiGraph([(1, "1")]), "Two nodes read '1'"),
        (nx.DiGraph([("a", "b", {"lag": [1, 2]})]), "no text, number or truth"),
    ):
        with pytest.raises(DeclarationError, match=told):
            write_graphml(graph, tmp_path / "g.graphml")
    assert not list(tmp_path.iterdir())


def test_no_folder_is_told(tmp_path):
    for write in (write_dot, write_graphml):
        with pytest.raises(FileError, match="there is no folder"):
            write(nx.DiGraph([("a", "b")]), tmp_path / "nowhere" / "g")
