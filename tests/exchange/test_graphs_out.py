"""GraphML and DOT: what other readers find in a file is the graph, whatever its names hold."""

import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import networkx as nx
import numpy as np
import pygraphviz
import pytest
from hypothesis import given
from hypothesis import strategies as st

from causalopt import DeclarationError, FileError, System, named_graph, variables
from causalopt.exchange import write_dot, write_graphml

WRITERS = {"graphml": write_graphml, "dot": write_dot}
HOSTILE = [
    '"', "\\", "a\\", '\\"', "a\nb", "<b>", "<<b>bold</b>>", "&amp;", "a & b", "\\N", "\\n", "é",
    "温度", "a\u2028b", "a\x85b", "x -> y", "]; n9 [", "node", "n1", "]]>", "<!--", "\ta",
    '" image="/etc/passwd', "x" * 20_000, "&" * 7_000, "温" * 6_001,
]  # fmt: skip
# All that XML gives back.
LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\r\ufffe\uffff").filter(
    lambda letter: letter >= " " or letter in "\t\n"
)
AWKWARD = st.sampled_from('"\\&;<>#{}[]|nNGlr\n -/*=')
TEXTS = st.text(LETTERS | AWKWARD, min_size=1, max_size=8)
NAMES = TEXTS.filter(str.strip)
VALUES = TEXTS | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False)
ABOUT = st.dictionaries(NAMES, VALUES, max_size=3)


def from_graphml(graph, folder):
    write_graphml(graph, folder / "graph.graphml")
    return nx.read_graphml(folder / "graph.graphml")


def from_dot(graph, folder):
    """The graph that Graphviz's own parser reads: names by their labels, what is said as text."""
    write_dot(graph, folder / "graph.dot")
    read = pygraphviz.AGraph(string=(folder / "graph.dot").read_text(encoding="utf-8"))
    names = {node: _undone(node.attr["label"]) for node in read.nodes()}
    found = nx.DiGraph()
    for node in read.nodes():
        found.add_node(names[node], **_data(node))
    for edge in read.edges():
        found.add_edge(names[edge[0]], names[edge[1]], **_data(edge))
    return found


def _data(part):
    # Graphviz gives each part all attributes that any part has, empty where they are not said.
    return {
        _undone(name).removeprefix("data_"): _undone(value)
        for name, value in part.attr.iteritems()
        if name != "label" and value
    }


def _undone(text):
    def plain(found):
        return "\n" if found[1] == "n" else found[1]

    return re.sub(r"\\(.)", plain, text).replace("&amp;", "&")


def as_text(graph):
    found = nx.DiGraph()
    for node, about in graph.nodes(data=True):
        found.add_node(node, **{name: _as_text(value) for name, value in about.items()})
    for source, target, about in graph.edges(data=True):
        found.add_edge(source, target, **{name: _as_text(value) for name, value in about.items()})
    return found


def _as_text(value):
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def same(first, second):
    assert dict(first.nodes(data=True)) == dict(second.nodes(data=True))
    assert sorted(first.edges) == sorted(second.edges)
    assert all(first.edges[edge] == about for edge, about in second.edges.items())


def test_hostile_names_are_names(tmp_path):
    graph = nx.DiGraph(list(pairwise(HOSTILE)))
    for name in HOSTILE:
        graph.nodes[name].update({"image": name, name: name})
    same(from_graphml(graph, tmp_path), graph)
    same(from_dot(graph, tmp_path), graph)


@st.composite
def graphs(draw):
    names = draw(st.lists(NAMES, min_size=1, max_size=5, unique=True))
    graph = nx.DiGraph()
    for name in names:
        graph.add_node(name)
        graph.nodes[name].update(draw(ABOUT))
    for source, target in draw(st.sets(st.tuples(*[st.sampled_from(names)] * 2), max_size=6)):
        graph.add_edge(source, target)
        graph.edges[source, target].update(draw(ABOUT))
    return graph


@given(graph=graphs())
def test_what_is_written_is_what_others_read(graph, tmp_path_factory):
    folder = tmp_path_factory.mktemp("written")
    same(from_graphml(graph, folder), graph)
    same(from_dot(graph, folder), as_text(graph))


def test_graphviz_shows_names_as_they_are(tmp_path):
    names = [name for name in HOSTILE if name.isprintable() and len(name) < 100]
    graph = nx.DiGraph()
    for name in names:
        graph.add_node(name, image="/nowhere.png", URL="http://example.org", shape="nonsense")
    write_dot(graph, tmp_path / "graph.dot")
    svg = pygraphviz.AGraph(str(tmp_path / "graph.dot")).draw(format="svg", prog="dot")
    tags = {node.tag.rpartition("}")[2]: node for node in ET.fromstring(svg).iter()}
    assert set(tags) == {"svg", "g", "title", "text", "ellipse", "polygon"}
    found = [node.text for node in ET.fromstring(svg).iter() if node.tag.endswith("}text")]
    assert sorted(text.replace("\xa0", " ") for text in found) == sorted(names)


def test_the_graph_of_a_model_goes_out(tmp_path):
    T, R = variables("T R", unit="degC")
    graph = named_graph(System({T: R - 25, R: R - T / 10}, start={T: 10, R: 35}))
    same(from_graphml(graph, tmp_path), graph)
    read = from_dot(graph, tmp_path)
    assert read.nodes["T"] == {"unit": "degC", "formula": "R - 25", "start": "10.0"}
    assert read.edges["R", "T"] == {"lag": "1"}


def test_numbers_of_arrays_are_numbers(tmp_path):
    graph = nx.DiGraph()
    graph.add_node("a", weight=np.float64(0.5), name=np.str_("b"))
    same(from_graphml(graph, tmp_path), graph)
    assert from_dot(graph, tmp_path).nodes["a"] == {"weight": "0.5", "name": "b"}


REFUSED = {
    "no graph": ([("a", "b")], "no graph of single arrows"),
    "lines": (nx.Graph([("a", "b")]), "no graph of single arrows"),
    "several arrows": (nx.MultiDiGraph([("a", "b")]), "no graph of single arrows"),
    "twins": (nx.DiGraph([(1, "1")]), "Two nodes read '1'"),
    "a blank": (nx.DiGraph([("a", " ")]), "cannot be a name"),
    "nothing": (nx.DiGraph([("a", "")]), "cannot be a name"),
}  # fmt: skip
for letter in ("\0", "\x1b", "\r", "\ud800", "\uffff"):
    REFUSED[f"letter {letter!a}"] = (nx.DiGraph([("a", f"b{letter}")]), "that no file in XML")
    value = nx.DiGraph([("a", "b", {"said": letter})])
    REFUSED[f"a value with {letter!a}"] = (value, "that no file in XML")
for kind, odd in {"list": [1], "none": None, "complex": 1j, "large": 2**63}.items():
    about = nx.DiGraph()
    about.add_node("a", said=odd)
    REFUSED[kind] = (about, "'said' of node 'a' .*write it as text")
about = nx.DiGraph([("a", "b")])
about.edges["a", "b"][1] = "x"
REFUSED["a number for a name"] = (about, "1 of arrow 'a' -> 'b' is")


@pytest.mark.parametrize("format_", WRITERS)
@pytest.mark.parametrize("case", REFUSED)
def test_what_no_file_holds_is_refused_before_it_is_written(case, format_, tmp_path):
    graph, told = REFUSED[case]
    path = tmp_path / "graph"
    path.write_text("before")
    with pytest.raises(DeclarationError, match=told):
        WRITERS[format_](graph, path)
    assert path.read_text() == "before"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("format_", WRITERS)
def test_a_folder_that_is_not_there_is_told(format_, tmp_path):
    with pytest.raises(FileError, match="no folder"):
        WRITERS[format_](nx.DiGraph([("a", "b")]), tmp_path / "none" / "graph")
