"""A picture as DOT text, its labels as they are written, and its rendering to a file."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from causalopt.drawing.look import ARROW
from causalopt.drawing.sheet import Frame, Sheet
from causalopt.ground.checks import as_path
from causalopt.ground.errors import QueryError
from causalopt.ground.files import replacement
from causalopt.ground.fonts import fonts_for
from causalopt.ground.letters import visible

if TYPE_CHECKING:
    import pydot

#: A node, an edge or a cluster of pydot's.
Part = TypeVar("Part", bound="pydot.Common")

_FORMATS = ("svg", "png", "pdf", "dot")
# Above this, Graphviz would take minutes to lead edges around nodes and to untangle them.
_ROUTED_NODES, _ROUTED_EDGES = 70, 300
_QUICK = {"splines": "line", "nslimit": "0.5", "nslimit1": "0.5", "mclimit": "0.1"}
# What Graphviz would read as the character that it names, such as &lt;.
_ENTITY = re.compile(r"&(?=#?\w*;)")


@dataclass(frozen=True)
class Drawing:
    """A picture as DOT text, rendered by the Graphviz that comes with pygraphviz.

    ``engine`` is the layout that it is made for: ``dot``, or ``nop2`` where every node has its
    place already (``neato -n2`` on the command line).
    """

    dot: str
    engine: str

    def render(self, format: str) -> bytes:
        """The picture as ``svg``, ``png``, ``pdf`` or ``dot``."""
        if format not in _FORMATS:
            raise QueryError(f"There is no format {format!r}: write one of {', '.join(_FORMATS)}.")
        if format == "dot":
            return self.dot.encode()
        import pygraphviz

        if format != "svg":  # in which letters stay letters, for the fonts of who looks at it
            fonts_for([self.dot])
        graph = pygraphviz.AGraph(string=self.dot)
        with _quiet():
            picture: bytes = graph.draw(prog=self.engine, format=format)
        return picture

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture; its ending says the format. The file is replaced as a whole.

        Raises ``FileError`` where it cannot be written.
        """
        target = as_path(path, "path", "graph.svg")
        content = self.render(target.suffix.lstrip(".").lower())
        with replacement(target) as temporary:
            temporary.write_bytes(content)
        return target

    def _repr_svg_(self) -> str:
        return self.render("svg").decode()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the rendering libraries say of this machine's fonts off the terminal."""
    kept = os.dup(2)
    try:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def drawing_of(sheet: Sheet) -> Drawing:
    """A sheet as DOT: ids are numbers, and names that users give stand in labels alone."""
    import pydot

    graph = _empty_graph(sheet)
    ids = {mark.key: f"n{i}" for i, mark in enumerate(sheet.marks)}
    numbers = iter(range(len(sheet.marks) + len(sheet.frames) + 1))
    left = {mark.key: mark for mark in sheet.marks}

    def add_marks(holder: pydot.Graph, keys: Iterable[Hashable]) -> None:
        for key in keys:
            mark = left.pop(key)
            node = pydot.Node(ids[key], label=_label(mark.lines))
            holder.add_node(_dress(node, mark.style))

    def add_frame(holder: pydot.Graph, frame: Frame) -> None:
        cluster = pydot.Cluster(str(next(numbers)), label=_label((frame.title,)))
        _dress(cluster, frame.style)
        for inner in frame.frames:
            add_frame(cluster, inner)
        add_marks(cluster, frame.keys)
        # A cluster is a subgraph to Graphviz, and none to pydot's types.
        holder.add_subgraph(cast("pydot.Subgraph", cluster))

    for frame in sheet.frames:
        add_frame(graph, frame)
    # What no frame holds.
    add_marks(graph, list(left))
    for arrow in sheet.arrows:
        edge = pydot.Edge(ids[arrow.source], ids[arrow.target])
        graph.add_edge(_dress(edge, arrow.style))
    return Drawing(graph.to_string(), "nop2" if sheet.placed else "dot")


def _empty_graph(sheet: Sheet) -> pydot.Dot:
    """A graph without nodes, and how its nodes and edges look before anything is said of them."""
    import pydot

    few = len(sheet.arrows) <= _ROUTED_EDGES and (
        len(sheet.marks) <= _ROUTED_NODES or not sheet.placed
    )
    effort = {"splines": "true"} if few else _QUICK
    graph = pydot.Dot(
        "causal", graph_type="digraph", rankdir="LR", pad="0.2", outputorder="edgesfirst",
        esep='"+3"', fontname="Helvetica", **effort,
    )  # fmt: skip
    graph.set_node_defaults(
        style="filled", shape="ellipse", width="0.62", height="0.62", margin="0.04",
        fontsize="12", fontname="Helvetica",
    )  # fmt: skip
    graph.set_edge_defaults(**ARROW)
    return graph


def _dress(part: Part, style: Mapping[str, str]) -> Part:
    """Give a node, an edge or a cluster its look."""
    for name, value in style.items():
        part.set(name, f'"{value}"')
    return part


def _label(lines: Iterable[str]) -> str:
    """Lines of a label as DOT writes them: as they are, whatever they hold."""
    inside = "\\n".join(map(_escape, lines))
    return f'"{inside}"'


def _escape(line: str) -> str:
    shown = visible(line)
    return _ENTITY.sub("&amp;", shown).replace("\\", "\\\\").replace('"', '\\"')
