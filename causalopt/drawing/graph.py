"""Graphs as pictures: time from left to right, variables in rows, what interventions change."""

from __future__ import annotations

import contextlib
import functools
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from causalopt.drawing.picture import Skeleton, changes, check_worlds, piece_at, skeleton
from causalopt.errors import QueryError
from causalopt.network import Network
from causalopt.symbols import Node
from causalopt.system import System, check_steps
from causalopt.world import Held, World, letters

#: The largest picture that can still be read.
LIMIT = 2000

_FORMATS = ("svg", "png", "pdf", "dot")
# In inches.
_COLUMN, _ROW = 1.15, 1.0
_PLAIN = {"color": "#444444", "fillcolor": "#ffffff"}
# Okabe and Ito's vermilion and bluish green; stroke tells them apart without colour.
_STYLES: Mapping[str, Mapping[str, str]] = {
    "red": {"color": "#d55e00", "fillcolor": "#fbe3d4", "penwidth": "2.2"},
    "green": {"color": "#009e73", "fillcolor": "#d3efe6", "penwidth": "1.4", "peripheries": "2"},
}
_HELD = {"shape": "box"}


@dataclass(frozen=True)
class Drawing:
    """A picture as DOT text, rendered by the Graphviz that comes with pygraphviz."""

    dot: str
    engine: str

    def render(self, format: str) -> bytes:
        """The picture as ``svg``, ``png``, ``pdf`` or ``dot``."""
        if format not in _FORMATS:
            raise QueryError(f"There is no format {format!r}: write one of {', '.join(_FORMATS)}.")
        if format == "dot":
            return self.dot.encode()
        import pygraphviz

        graph = pygraphviz.AGraph(string=self.dot)
        with _quiet():
            made: bytes = graph.draw(prog=self.engine, format=format)
        return made

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture; its ending says the format. The file is replaced as a whole."""
        target = Path(path)
        content = self.render(target.suffix.lstrip(".").lower())
        handle, name = tempfile.mkstemp(dir=target.parent, suffix=target.suffix)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(name, 0o644)
        os.replace(name, target)
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


def draw(
    model: System | Network, *, steps: int = 4, worlds: Sequence[World] = (), A: Any = None
) -> Drawing:
    """The causal graph: of a network, or of a system's first steps.

    One panel a world, where ``worlds`` are given: what differs from W in X is red, with a thick
    stroke, and what differs from X in Y green, with a double one; clamped nodes are boxes. ``A``
    marks a set of nodes by grey. Nothing is run: a node differs where a difference can reach it.

    Source: the pictures of "Defining Optimization in a Deeper Way", part 3.

    >>> from causalopt.symbols import variables
    >>> T, R = variables("T R")
    >>> room = System({T: R - 25, R: R - 0.1 * T}, start={T: 10, R: 35})
    >>> draw(room, steps=2).render("svg").count(b'class="node"')
    6
    """
    check_steps(steps)
    check_worlds(model, worlds)
    bones = skeleton(model, steps)
    shown: list[World] = list(worlds) or [
        model.world(steps) if isinstance(model, System) else model.world()
    ]
    count = len(bones.parents) * len(shown)
    if count > LIMIT:
        raise QueryError(
            f"This picture would have {count} nodes, and more than {LIMIT} cannot be read: draw "
            "fewer steps, or fewer worlds at once."
        )
    inside = _members(model, A, steps)
    titles = letters(shown) if worlds else [""]
    return _dot(bones, shown, titles, inside)


def _members(model: System | Network, A: Any, steps: int) -> set[Any]:
    if A is None:
        return set()
    if isinstance(model, Network):
        return {stretch.key for stretch in model.select(A)}
    return {Node(s.key, i) for s in model.select(A, steps) for i in range(s.start, s.stop)}  # type: ignore[arg-type]


def _dot(
    bones: Skeleton, worlds: Sequence[World], titles: Sequence[str], inside: set[Any]
) -> Drawing:
    import pydot

    engine = "neato" if bones.has_time else "dot"
    graph = pydot.Dot("causal", graph_type="digraph", rankdir="LR", splines="true", pad="0.2")
    graph.set_node_defaults(
        style="filled", shape="ellipse", width="0.62", height="0.62", margin="0.04",
        fontsize="12", fontname="Helvetica",
    )  # fmt: skip
    graph.set_edge_defaults(color="#777777", arrowsize="0.6")
    height = 1 + max((row for _, row in bones.places.values()), default=0)
    panels = list(enumerate(zip(worlds, titles, changes(bones, worlds), strict=True)))
    # dot stacks clusters from the bottom up.
    for panel, (world, title, differs) in panels if bones.has_time else reversed(panels):
        name = functools.partial("n{}_{}".format, panel)
        ids = {node: name(i) for i, node in enumerate(bones.parents)}
        holder: Any = graph
        if not bones.has_time and title:
            holder = pydot.Cluster(str(panel), label=_quoted(title), color="#cccccc")
        shift = panel * (height + 0.45)
        if bones.has_time and title:
            holder.add_node(_title(name("title"), title, shift + (height - 1) / 2))
        for node, node_id in ids.items():
            style = _style(world, node, differs.get(node), node in inside)
            if bones.has_time:
                column, row = bones.places[node]
                style["pos"] = _position(column * _COLUMN, -(row + shift) * _ROW)
            holder.add_node(pydot.Node(node_id, label=_quoted(_label(node)), **style))
        _add_edges(holder, bones, ids, differs, world)
        if holder is not graph:
            graph.add_subgraph(holder)
    return Drawing(graph.to_string(), engine)


def _add_edges(
    holder: Any, bones: Skeleton, ids: Mapping[Any, str], differs: Mapping[Any, str], world: World
) -> None:
    import pydot

    for node, parents in bones.parents.items():
        cut = piece_at(world, node).base is not None
        for parent in parents:
            style: Mapping[str, Any] = {"style": "dotted", "color": "#bbbbbb"} if cut else {}
            if not cut and parent in differs:
                style = {"color": _STYLES[differs[parent]]["color"]}
            holder.add_edge(pydot.Edge(ids[parent], ids[node], **style))


def _style(world: World, node: Any, colour: str | None, inside: bool) -> dict[str, Any]:
    piece = piece_at(world, node)
    style: dict[str, Any] = dict(_PLAIN)
    if inside:
        style["fillcolor"] = "#e6e6e6"
    if colour is not None:
        style |= _STYLES[colour]
    if isinstance(piece.base, Held):
        style |= _HELD
    if piece.shift is not None:
        style["shape"] = "doubleoctagon"
    return style


def _label(node: Any) -> str:
    return f"{node.variable}[{node.step}]" if isinstance(node, Node) else str(node)


def _title(name: str, title: str, row: float) -> Any:
    import pydot

    position = _position(-0.95 * _COLUMN, -row * _ROW)
    return pydot.Node(name, label=_quoted(title), shape="plaintext", fontsize="20", style="",
                      pos=position)  # fmt: skip


def _position(x: float, y: float) -> str:
    return f'"{x:.2f},{y:.2f}!"'


def _quoted(label: str) -> str:
    """A label as DOT writes it: as it is, whatever it holds."""
    escaped = label.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
    return f'"{escaped}"'
