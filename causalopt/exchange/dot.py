"""Causal graphs as DOT, the language of Graphviz: written, never read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import networkx as nx

from causalopt.ground.errors import DeclarationError
from causalopt.ground.files import replacement

# What is written of a node: no other attribute, for Graphviz takes some as files to open.
_SAID = ("unit", "formula", "start")


def write_dot(graph: nx.DiGraph, path: str | os.PathLike[str]) -> None:
    r"""Write a graph of names as DOT.

    Nodes are called n0, n1, ... and have their name as their label, whatever it holds: nothing in a
    name is an escape, a port or HTML. The ``unit``, ``formula`` and ``start`` of
    ``causalopt.named_graph(model)`` stand beside it, and the ``lag`` of an arrow, where it is not
    0, is its label. Graphviz draws it: ``dot -Tsvg graph.dot``.

    Raises ``DeclarationError`` for a name that is no text of a file: half of a letter, or a null.

    Source: Gansner and North, "An open graph visualization system and its applications to software
    engineering", Software: Practice and Experience 30 (2000).

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp(), "graph.dot")
    >>> write_dot(nx.DiGraph([("a", 'b "c"')]), path)
    >>> print(path.read_text())
    digraph {
      n0 [label="a"];
      n1 [label="b \"c\""];
      n0 -> n1;
    }
    """
    called = {node: f"n{number}" for number, node in enumerate(graph)}
    lines = [
        f"  {called[node]} {_attributes({'label': node, **_chosen(said)})};"
        for node, said in graph.nodes(data=True)
    ]
    for source, target, said in graph.edges(data=True):
        lag = said.get("lag") or None
        behind = "" if lag is None else f" {_attributes({'label': lag})}"
        lines.append(f"  {called[source]} -> {called[target]}{behind};")
    with replacement(Path(path)) as temporary:
        temporary.write_text("\n".join(("digraph {", *lines, "}\n")), encoding="utf-8")


def _chosen(said: Mapping[str, object]) -> dict[str, object]:
    return {key: said[key] for key in _SAID if key in said}


def _attributes(said: Mapping[str, object]) -> str:
    return f"[{', '.join(f'{key}={_quoted(str(value))}' for key, value in said.items())}]"


def _quoted(text: str) -> str:
    """Text in quotes, in which nothing is an escape but what is made one here."""
    if any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in text):
        raise DeclarationError(
            f"{text!a} holds half of a letter, or a null, which no file of text has: write letters."
        )
    # Graphviz reads &amp; and its like as letters, and a backslash as the begin of an escape.
    plain = text.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")
    return f'"{plain.replace(chr(10), chr(92) + "n").replace(chr(13), chr(92) + "n")}"'
