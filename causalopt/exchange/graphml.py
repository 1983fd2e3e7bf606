"""Causal graphs as GraphML, for yEd, Gephi, Cytoscape and igraph: written, never read."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import networkx as nx

from causalopt.exchange.elements import NOT_IN_XML
from causalopt.ground.errors import DeclarationError
from causalopt.ground.files import replacement


def write_graphml(graph: nx.DiGraph, path: str | os.PathLike[str]) -> None:
    """Write a graph of names as GraphML, with what is said of its nodes and arrows as data.

    That of a model is ``causalopt.named_graph(model)``: the nodes have their ``unit``, ``formula``
    and ``start``, the arrows of a system their ``lag``.

    Raises ``DeclarationError`` for letters that no document in XML can hold, two nodes with one
    text, and data that are no text, number or truth.

    Source: Brandes et al., "GraphML Progress Report", Graph Drawing (2001).

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp(), "graph.graphml")
    >>> write_graphml(nx.DiGraph([("a", "b < c")]), path)
    >>> list(nx.read_graphml(path).edges)
    [('a', 'b < c')]
    """
    for text in _texts(graph):
        odd = NOT_IN_XML.search(text)
        if odd is not None:
            raise DeclarationError(
                f"{text!a} holds {odd[0]!a}, which no document in XML can hold: write letters."
            )
    for name, count in Counter(map(str, graph)).items():
        if count > 1:
            raise DeclarationError(f"Two nodes read {name!a}: call one of them differently.")
    try:
        lines = list(nx.generate_graphml(graph))
    except (nx.NetworkXError, TypeError) as error:
        raise DeclarationError(
            f"What is said of a node or an arrow is no text, number or truth ({error}): write it "
            "as text."
        ) from None
    with replacement(Path(path)) as temporary:
        temporary.write_text("\n".join((_HEAD, *lines, "")), encoding="utf-8")


_HEAD = '<?xml version="1.0" encoding="UTF-8"?>'


def _texts(graph: nx.DiGraph) -> Iterable[str]:
    """All that is written."""
    every = [graph.graph, *(said for _, said in graph.nodes(data=True))]
    every += [said for *_, said in graph.edges(data=True)]
    yield from map(str, graph)
    for said in every:
        for key, value in said.items():
            yield from (str(key), str(value))
