"""GraphML, in which programs that draw and measure graphs take them: graphs of arrows, written."""

from __future__ import annotations

import os

import networkx as nx

from causalopt.exchange.arrows import by_names
from causalopt.ground.checks import as_path
from causalopt.ground.files import replacement


def write_graphml(graph: nx.DiGraph, path: str | os.PathLike[str]) -> None:
    """Write a graph as a GraphML file, which ``networkx.read_graphml`` reads back.

    Names are the ids of nodes, and what is said of nodes and arrows are their data: text, numbers
    and truths. The graph of a model is ``causalopt.named_graph(model)``.

    Raises ``DeclarationError``, before anything is written, for what is no graph of single arrows,
    nodes that read alike, letters that no file in XML gives back, and other values; ``FileError``
    where the file cannot be written.

    Source: Brandes et al., "GraphML progress report" (2002).

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp(), "graph.graphml")
    >>> graph = nx.DiGraph([("a", "b <c>")])
    >>> graph.nodes["a"]["exposure"] = True
    >>> write_graphml(graph, path)
    >>> nx.read_graphml(path).nodes(data=True)
    NodeDataView({'a': {'exposure': True}, 'b <c>': {}})
    """
    # The class itself: the functions of networkx take whatever writer is installed, and split
    # lines at letters that a name may hold.
    writer = nx.GraphMLWriter(by_names(graph), encoding="utf-8")
    with (
        replacement(as_path(path, "path", "graph.graphml")) as temporary,
        temporary.open("wb") as stream,
    ):
        writer.dump(stream)
