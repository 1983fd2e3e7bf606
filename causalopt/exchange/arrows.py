"""A graph of arrows as formats hold it: names that differ, and plain values that are said of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import networkx as nx

from causalopt.ground.checks import shown
from causalopt.ground.errors import DeclarationError

# Letters that no document in XML gives back: a return at the end of a line is read as another one.
_NOT_GIVEN_BACK = re.compile(r"[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Whole numbers that fit in 64 bits.
_MOST_WHOLE = 2**63


def by_names(graph: nx.DiGraph) -> nx.DiGraph:
    """A graph of names alone, with what is said of its nodes and arrows, checked.

    Raises ``DeclarationError`` for what is no graph of single arrows, nodes that read alike, names
    and values with letters that no file in XML gives back, and values that are not text, numbers
    or truths.

    >>> by_names(nx.DiGraph([(1, "a")])).edges
    OutEdgeView([('1', 'a')])
    """
    check_graph(graph)
    found = nx.DiGraph()
    names: dict[object, str] = {}
    for node, about in graph.nodes(data=True):
        names[node] = name = _name(str(node))
        if name in found:
            raise DeclarationError(f"Two nodes read {name!r}: rename one.")
        found.add_node(name)
        found.nodes[name].update(_checked(about, f"node {name!r}"))
    for source, target, about in graph.edges(data=True):
        first, second = names[source], names[target]
        found.add_edge(first, second)
        found.edges[first, second].update(_checked(about, f"arrow {first!r} -> {second!r}"))
    return found


def check_graph(graph: object) -> None:
    """Raise ``DeclarationError`` for what is no graph of single arrows."""
    if not isinstance(graph, nx.DiGraph) or graph.is_multigraph():
        raise DeclarationError(
            f"{shown(graph)} is no graph of single arrows: give a networkx.DiGraph, and of a model "
            "causalopt.named_graph(model)."
        )


def _name(text: str) -> str:
    if not text.strip():
        raise DeclarationError(f"{text!a} cannot be a name: write letters.")
    return _letters(text)


def _letters(text: str) -> str:
    odd = _NOT_GIVEN_BACK.search(text)
    if odd:
        raise DeclarationError(
            f"{shown(ascii(text))} holds {odd[0]!a}, a letter that no file in XML gives back: "
            "leave it out. causalopt.named_graph(model) shows such letters by their pictures."
        )
    return text


def _checked(about: Mapping[object, object], where: str) -> dict[str, str | float]:
    """What is said of a node or an arrow, by names."""
    return {_name(str(name)): _value(name, said, where) for name, said in about.items()}


def _value(name: object, said: object, where: str) -> str | float:
    """A value as one of Python's own, of which formats know the types."""
    kind: Callable[..., str | float] | None = next(
        (kind for kind in (bool, int, float, str) if isinstance(said, kind)), None
    )
    if kind is None or not isinstance(name, str):
        raise DeclarationError(
            f"{shown(name)} of {where} is {shown(said)} ({type(said).__name__}), and graphs are "
            "written with text, numbers and truths by names: write it as text."
        )
    value: str | float = kind(said)
    if isinstance(value, int) and not -_MOST_WHOLE <= value < _MOST_WHOLE:
        raise DeclarationError(
            f"{shown(name)} of {where} has more than 64 bits as a whole number: write it as text."
        )
    return _letters(value) if isinstance(value, str) else value
