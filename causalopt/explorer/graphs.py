"""The causal graph as a page draws it: laid out by Graphviz, every node by its name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import cast

from causalopt.drawing.grid import grid_sheet
from causalopt.drawing.panels import Content, panel
from causalopt.drawing.picture import Gap, Item, name_by_step, shorten, skeleton
from causalopt.drawing.render import drawing_of
from causalopt.drawing.sheet import Arrow, Mark, Sheet, extent
from causalopt.explorer.opened import MOST_UNROLLED
from causalopt.explorer.setting import variable_of
from causalopt.ground.errors import QueryError
from causalopt.ground.letters import visible
from causalopt.language.symbols import Label
from causalopt.model.interface import Model
from causalopt.model.world import World

#: The most nodes of a graph that can still be read.
MOST_NODES = 300
# A network is drawn as it is; a picture of steps has so many columns at most.
_COLUMNS = 12


@dataclass(frozen=True)
class DrawnNode:
    """A node at its place: its name, that of its variable, and which node of it is nudged.

    What stands for steps that are left out has no name, and cannot be chosen.
    """

    key: str
    lines: tuple[str, ...]
    name: str
    variable: str
    nudged: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class DrawnArrow:
    """An arrow between two nodes as a path, and the corners of its head."""

    source: str
    target: str
    path: str
    head: str


@dataclass(frozen=True)
class LaidOut:
    """A graph as it lies on the page, in points; ``fault`` says why there is none."""

    width: float = 0.0
    height: float = 0.0
    nodes: tuple[DrawnNode, ...] = ()
    arrows: tuple[DrawnArrow, ...] = ()
    fault: str = ""

    def content(self) -> dict[str, object]:
        """The graph as JSON holds it."""
        return asdict(self)


#: What an item of a picture is called: by its own name, its variable's, and where it is nudged.
Names = Callable[[Item], tuple[str, str, str]]


def folded(model: Model) -> LaidOut:
    """Each variable once, of a model in time; of one without, every node.

    >>> from causalopt.language.symbols import variables
    >>> from causalopt.model.system import System
    >>> T, R = variables("T R")
    >>> room = System({T: R - 25, R: R - 0.1 * T}, start={T: 10, R: 35})
    >>> plan = folded(room)
    >>> [(node.name, node.nudged) for node in plan.nodes], len(plan.arrows)
    ([('T', 'T[0]'), ('R', 'R[0]')], 3)
    """
    graph = model.graph
    if len(graph) > MOST_NODES:
        return LaidOut(fault=_too_many(len(graph)))
    marks = tuple(_mark(node, visible(model.name_of(node))) for node in graph)
    arrows = tuple(Arrow(source, target) for source, target in graph.edges)
    return _laid_out(Sheet(marks, arrows, (), placed=False), lambda key: _folded(model, key))


def unrolled(model: Model, steps: int) -> LaidOut:
    """The nodes of the first steps, from left to right, variables in rows.

    Raises ``QueryError`` for more steps than can be read.
    """
    if not 1 <= steps <= MOST_UNROLLED:
        raise QueryError(f"{steps} steps cannot be unrolled: write 1 to {MOST_UNROLLED}.")
    bones = shorten(skeleton(model, steps, written=True), _COLUMNS)
    if len(bones.parents) > MOST_NODES:
        return LaidOut(fault=_too_many(len(bones.parents)))
    content = Content(bones, frozenset(), inputs=False, mechanisms=False, name=name_by_step)
    drawn = panel(0, World(model, model.run_length(steps)), "", {}, {}, content)
    return _laid_out(grid_sheet(bones, [drawn], []), lambda key: _single(model, key))


def _too_many(count: int) -> str:
    return f"{count:,} nodes are too many for a picture: choose by name below."


def _mark(key: Label, name: str) -> Mark:
    width, height = extent((name,))
    return Mark(key, (name,), {"width": f"{width:.2f}", "height": f"{height:.2f}"})


def _folded(model: Model, key: Item) -> tuple[str, str, str]:
    name = model.name_of(key)
    return name, name, f"{name}[0]" if model.has_time else name


def _single(model: Model, key: Item) -> tuple[str, str, str]:
    """A node of a picture with time; what stands for those left out cannot be chosen."""
    _, item = cast(tuple[int, Item], key)
    if isinstance(item, Gap):
        return "", "", ""
    name = model.name_of(item)
    return name, model.name_of(variable_of(item)), name


def _laid_out(sheet: Sheet, names: Names) -> LaidOut:
    """A sheet at the places that Graphviz gives it."""
    import pygraphviz

    drawing = drawing_of(sheet)
    graph = pygraphviz.AGraph(string=drawing.dot)
    told = json.loads(graph.draw(prog=drawing.engine, format="json"))
    left, low, right, high = map(float, told["bb"].split(","))
    flip = _Flip(left, high)
    nodes = tuple(
        _node(found, mark, names, flip)
        for mark, found in zip(sheet.marks, told.get("objects", ()), strict=True)
    )
    arrows = tuple(_arrows(told.get("edges", ()), nodes, flip))
    return LaidOut(right - left, high - low, nodes, arrows)


@dataclass(frozen=True)
class _Flip:
    """From Graphviz's points, counted from below, to those of a page, counted from above."""

    left: float
    high: float

    def __call__(self, text: str) -> tuple[float, float]:
        x, y = map(float, text.split(","))
        return round(x - self.left, 2), round(self.high - y, 2)


def _node(found: Mapping[str, str], mark: Mark, names: Names, flip: _Flip) -> DrawnNode:
    called = names(mark.key)
    x, y = flip(found["pos"])
    inches = float(found["width"]), float(found["height"])
    return DrawnNode(found["name"], mark.lines, *called, x, y, *(72 * size for size in inches))


def _arrows(
    found: Sequence[Mapping[str, object]], nodes: Sequence[DrawnNode], flip: _Flip
) -> Iterator[DrawnArrow]:
    for edge in found:
        source, target = (nodes[cast(int, edge[end])].key for end in ("tail", "head"))
        tip, points = _points(cast(str, edge["pos"]), flip)
        yield DrawnArrow(source, target, _path(points), _head(points[-1], tip))


def _points(text: str, flip: _Flip) -> tuple[tuple[float, float], list[tuple[float, float]]]:
    """The tip of an arrow and the corners of its curve, out of e,x,y x,y x,y ..."""
    parts = text.split()
    tips = [part[2:] for part in parts if part.startswith("e,")]
    points = [flip(part) for part in parts if part[:2] not in ("e,", "s,")]
    return (flip(tips[0]) if tips else points[-1]), points


def _path(points: Sequence[tuple[float, float]]) -> str:
    (x, y), *rest = points
    return f"M{x},{y}C" + " ".join(f"{x},{y}" for x, y in rest)


def _head(base: tuple[float, float], tip: tuple[float, float]) -> str:
    """The corners of a head from the end of the curve to the tip."""
    across = 0.35 * (tip[1] - base[1]), 0.35 * (base[0] - tip[0])
    corners = [(base[0] + across[0], base[1] + across[1]), tip]
    corners.append((base[0] - across[0], base[1] - across[1]))
    return " ".join(f"{x:.2f},{y:.2f}" for x, y in corners)
