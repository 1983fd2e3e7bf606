"""DOT, the text that Graphviz lays out: graphs of arrows, written as data and not as a drawing."""

from __future__ import annotations

import os
from collections.abc import Mapping

import networkx as nx

from causalopt.exchange.arrows import by_names
from causalopt.ground.checks import as_path
from causalopt.ground.files import replacement

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "&": "&amp;"})
# A letter takes at most five bytes.
_PIECE = 3_000


def write_dot(graph: nx.DiGraph, path: str | os.PathLike[str]) -> None:
    r"""Write a graph as a DOT file, for Graphviz and what else reads its text.

    Nodes have the ids n0, n1, ... and their names as labels, so that no name is read as anything
    else: of backslashes, quotes, line ends and ampersands the escapes ``\\``, ``\"``, ``\n`` and
    ``&amp;`` are written, which Graphviz shows as what they stand for. What is said of nodes and
    arrows stands behind ``data_``, where Graphviz acts on none of it: ``image`` would open a file.
    The graph of a model is ``causalopt.named_graph(model)``; ``causalopt.draw`` makes a picture.

    Raises ``DeclarationError``, before anything is written, for what is no graph of single arrows,
    nodes that read alike, letters that no file in XML gives back (pictures are such files), and
    values that are not text, numbers or truths; ``FileError`` where the file cannot be written.

    Source: "The DOT language", graphviz.org/doc/info/lang.html.

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp(), "graph.dot")
    >>> graph = nx.DiGraph([("a", 'b "c"')])
    >>> graph.nodes["a"]["exposure"] = True
    >>> write_dot(graph, path)
    >>> print(path.read_text())
    digraph {
    n0 [label="a", "data_exposure"="true"]
    n1 [label="b \"c\""]
    n0 -> n1
    }
    """
    named = by_names(graph)
    ids = {name: f"n{place}" for place, name in enumerate(named)}
    lines = [
        f"{ids[name]} [{', '.join((f'label={_quoted(name)}', *_said(about)))}]"
        for name, about in named.nodes(data=True)
    ]
    for source, target, about in named.edges(data=True):
        said = f" [{', '.join(_said(about))}]" if about else ""
        lines.append(f"{ids[source]} -> {ids[target]}{said}")
    with replacement(as_path(path, "path", "graph.dot")) as temporary:
        temporary.write_text("\n".join(("digraph {", *lines, "}\n")), encoding="utf-8")


def _said(about: Mapping[str, str | float]) -> list[str]:
    return [f"{_quoted(f'data_{name}')}={_quoted(_text(value))}" for name, value in about.items()]


def _text(value: str | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _quoted(text: str) -> str:
    """A text in quotes, in pieces put together: Graphviz reads none of more than 16,384 bytes."""
    starts = range(0, max(len(text), 1), _PIECE)
    pieces = (text[start : start + _PIECE].translate(_ESCAPES) for start in starts)
    return " + ".join(f'"{piece}"' for piece in pieces)
