"""Graphs as pictures: time from left to right, variables in rows, what interventions change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from causalopt.drawing.flow import flow_sheet
from causalopt.drawing.grid import grid_sheet
from causalopt.drawing.panels import Content, legend_rows, panel
from causalopt.drawing.picture import (
    Gap,
    Item,
    Skeleton,
    changes,
    check_worlds,
    members,
    name_by_slice,
    name_by_step,
    shorten,
    skeleton,
)
from causalopt.drawing.render import Drawing, drawing_of
from causalopt.drawing.scale import Scale, read
from causalopt.drawing.strokes import read_strokes
from causalopt.ground.checks import switch, whole
from causalopt.ground.errors import QueryError
from causalopt.model.asked import as_system
from causalopt.model.interface import Model
from causalopt.model.lettering import letters
from causalopt.model.system import System
from causalopt.model.world import World

if TYPE_CHECKING:
    import xarray as xr

#: The most nodes and arrows of a picture that can still be read.
LIMIT = 2000
# The most nodes that differences are followed through, shown or not.
_FOLLOWED = 200_000


def draw(
    model: Model,
    *,
    steps: int = 4,
    worlds: Sequence[World[Model]] = (),
    A: object = None,
    inputs: bool = False,
    mechanisms: bool = False,
    values: xr.Dataset | None = None,
    shares: xr.Dataset | None = None,
    columns: int = 12,
    legend: bool = True,
    stages: bool = False,
) -> Drawing:
    """The causal graph: of a network, or of a system's first steps.

    One panel a world, where ``worlds`` are given: what differs from W in X is red, with a thick
    stroke, and what differs from X in Y green, with a double one, thick on red where it differs
    from W too; clamped nodes are boxes, set ones hexagons, perturbed ones octagons. Nothing is run:
    a node differs where a difference can reach it. ``A`` is framed, and so is B, the rest.
    ``inputs`` adds parameters, noise and time, set apart; ``mechanisms`` adds to each node its
    formula, or its value at the start. ``values``, a result of ``run`` for the same worlds, colours
    the nodes; ``shares``, a result of ``steering_shares``, widens their strokes and, with
    ``edges=True``, those of arrows: blue for what regulates, orange and dashed for what works
    against it. A run with more steps than ``columns`` is shown by its first and last ones. A legend
    explains what occurs.

    Arrows are those of the formulas as they are written; ``stages`` adds those that the inner
    stages of a method make within a step.

    Raises ``QueryError`` for a picture of more than 2000 nodes and arrows, for worlds of another
    model, for values that are not of these worlds, and for shares of another model, or beside
    worlds, which have strokes of their own.

    Source: the pictures of "Defining Optimization in a Deeper Way", part 3.

    >>> from causalopt.language.symbols import variables
    >>> T, R = variables("T R")
    >>> room = System({T: R - 25, R: R - 0.1 * T}, start={T: 10, R: 35})
    >>> draw(room, steps=2).render("svg").count(b'class="node"')
    6
    """
    steps, columns = whole(steps, "steps", 1), whole(columns, "columns", 3)
    if not isinstance(model, Model):
        raise QueryError(f"{type(model).__name__} cannot be drawn: give a System or a Network.")
    _check_switches(inputs=inputs, mechanisms=mechanisms, legend=legend, stages=stages)
    _check_not_empty(model)
    check_worlds(model, worlds)
    shown = list(worlds) or [_base(model, steps)]
    _check_length(model, steps, len(shown))
    every = skeleton(model, steps)
    bones = shorten(every if stages else skeleton(model, steps, written=True), columns)
    _check_size(bones, len(shown), inputs)
    titles = letters(shown) if worlds else [""]
    nodes = list(bones.parents)
    if shares is not None and worlds:
        raise QueryError("Worlds have strokes of their own: draw shares without worlds.")
    strokes = None if shares is None else read_strokes(shares, model, nodes)
    numbers = [{}] * len(shown) if values is None else read(values, model, nodes, titles)
    colours = Scale.over(number for by_node in numbers for number in by_node.values())
    inside = _framed(bones, members(model, A, steps))
    content = Content(bones, inside, inputs, mechanisms, name_by_step, colours, strokes)
    differs = changes(every, shown) if len(shown) > 1 else [{}]
    return _picture(bones, shown, titles, differs, numbers, content, legend)


def draw_template(
    system: System,
    *,
    A: object = None,
    inputs: bool = False,
    mechanisms: bool = False,
    shares: xr.Dataset | None = None,
    legend: bool = True,
    stages: bool = False,
) -> Drawing:
    """The template of a system: two slices, each step and the one after it.

    The graph that a two-slice dynamic Bayesian network is printed as; ``A``, ``inputs``,
    ``mechanisms``, ``shares``, ``legend`` and ``stages`` are those of ``draw``.

    >>> from causalopt.language.symbols import variables
    >>> T, R = variables("T R")
    >>> room = System({T: R - 25, R: R - 0.1 * T}, start={T: 10, R: 35})
    >>> "T[i+1]" in draw_template(room).dot
    True
    """
    as_system(system, ": it has no template. Write draw(...).")
    _check_switches(inputs=inputs, mechanisms=mechanisms, legend=legend, stages=stages)
    _check_not_empty(system)
    bones = skeleton(system, 1, written=not stages)
    _check_size(bones, 1, inputs)
    inside = _framed(bones, members(system, A, 1))
    strokes = None if shares is None else read_strokes(shares, system, bones.parents)
    content = Content(bones, inside, inputs, mechanisms, name_by_slice, None, strokes)
    return _picture(bones, [_base(system, 1)], [""], [{}], [{}], content, legend)


def _base(model: Model, steps: int) -> World[Model]:
    return World(model, model.run_length(steps if model.has_time else None))


def _check_switches(**given: object) -> None:
    for name, value in given.items():
        switch(value, name)


def _check_not_empty(model: Model) -> None:
    if not model.size(0):
        raise QueryError("There is nothing to draw: this model has no variables and no nodes.")


def _check_length(model: Model, steps: int, panels: int) -> None:
    size = model.size(steps)
    if size * panels > _FOLLOWED:
        raise QueryError(
            f"This graph has {size * panels} nodes, and a picture follows at most {_FOLLOWED}: "
            "draw fewer steps, a smaller network, or fewer worlds at once."
        )


def _check_size(bones: Skeleton, panels: int, inputs: bool) -> None:
    nodes, arrows = len(bones.parents), sum(map(len, bones.parents.values()))
    if inputs:
        nodes += len(bones.aside)
        arrows += sum(map(len, bones.inputs.values()))
    if (nodes + arrows) * panels > LIMIT:
        fewer = "a smaller network" if not bones.columns else "fewer columns"
        raise QueryError(
            f"This picture would have {nodes * panels} nodes and {arrows * panels} arrows, and "
            f"more than {LIMIT} cannot be read: draw {fewer}, or fewer worlds at once."
        )


def _framed(bones: Skeleton, inside: set[Item]) -> frozenset[Item]:
    """The nodes of A that are shown; of those left out, first and last say it."""
    in_sight = {node for node in bones.parents if node in inside}
    gaps = (node for node in bones.parents if isinstance(node, Gap))
    return frozenset(in_sight | {gap for gap in gaps if {gap.first, gap.last} <= inside})


def _picture(
    bones: Skeleton,
    worlds: Sequence[World[Model]],
    titles: Sequence[str],
    differs: Sequence[Mapping[Item, str]],
    numbers: Sequence[Mapping[Item, float]],
    content: Content,
    legend: bool,
) -> Drawing:
    panels = [
        panel(i, world, titles[i], differs[i], numbers[i], content)
        for i, world in enumerate(worlds)
    ]
    entries = legend_rows(panels, content) if legend else []
    sheet = grid_sheet(bones, panels, entries) if bones.columns else flow_sheet(panels, entries)
    return drawing_of(sheet)
