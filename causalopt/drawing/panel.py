"""One world of a picture: the marks of its nodes and inputs, its arrows, and the legend to them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from causalopt.drawing import look
from causalopt.drawing.formula import wrapped
from causalopt.drawing.mathematics import right_side
from causalopt.drawing.picture import (
    Gap,
    Name,
    Skeleton,
    causes_in,
    inputs_in,
    perturbed_within,
    piece_at,
)
from causalopt.drawing.scale import Scale
from causalopt.drawing.sheet import Arrow, Mark
from causalopt.language.finite_variables import shown
from causalopt.model.world import World

_DOTS = "· · ·"
_LEFT_OUT = {"shape": "plaintext", "style": "", "fontcolor": "#666666"}
# The marks of a legend are lower than those of nodes.
_LOW = {"fontsize": "11", "height": "0.36"}


@dataclass(frozen=True)
class Content:
    """What all panels share: nodes, part A, what is written on nodes, and the values' colours."""

    bones: Skeleton
    inside: frozenset[Any]
    inputs: bool
    mechanisms: bool
    name: Name
    colours: Scale | None = None


@dataclass(frozen=True)
class Panel:
    """The marks of nodes and inputs, arrows between them, A, and the looks that occur."""

    title: str
    marks: Mapping[Any, Mark]
    inputs: Mapping[Any, Mark]
    arrows: tuple[Arrow, ...]
    inside: frozenset[Any]
    looks: frozenset[str]


def panel(
    number: int,
    world: World,
    title: str,
    differs: Mapping[Any, str],
    values: Mapping[Any, float],
    content: Content,
) -> Panel:
    """One world; ``differs`` gives its nodes' colours, ``values`` their numbers."""
    looks: dict[Any, list[str]] = {}
    marks = {}
    for node in content.bones.parents:
        looks[node] = _looks(world, node, differs)
        fill = content.colours.fill(values[node]) if content.colours and node in values else None
        style = look.styled(looks[node], inside=node in content.inside, fill=fill)
        if isinstance(node, Gap):
            style = _LEFT_OUT
        marks[node] = Mark((number, node), _lines(world, node, values, content), style)
    inputs = {}
    for one in _inputs(content):
        looks[one] = [look.input_look(one)]
        style = _LEFT_OUT if isinstance(one, Gap) else look.styled(looks[one])
        inputs[one] = Mark((number, one), (_named(one, content),), style)
    arrows = tuple(_arrows(number, world, differs, content))
    used = frozenset(name for found in looks.values() for name in found)
    return Panel(title, marks, inputs, arrows, content.inside, used)


def explained(panels: Sequence[Panel], colours: Scale | None) -> list[list[Mark]]:
    """The legend in rows: a mark for each look that occurs, then the values' colours."""
    used = {name for one in panels for name in one.looks}
    marks = [
        Mark(("legend", name), (entry.words,), {**look.styled([name]), **_LOW})
        for name, entry in look.LOOKS.items()
        if name in used and entry.words
    ]
    if colours is None:
        return [marks] if marks else []
    label = Mark(("legend", "value"), ("value:",), {"shape": "plaintext", "style": "", **_LOW})
    scale = [label, *(_tick(colours, tick) for tick in colours.ticks)]
    return [marks, scale] if marks else [scale]


def _tick(colours: Scale, tick: float) -> Mark:
    style = {**look.PLAIN, **colours.fill(tick), "shape": "box", **_LOW}
    return Mark(("value", tick), (_short(tick),), style)


def _looks(world: World, node: Any, differs: Mapping[Any, str]) -> list[str]:
    if isinstance(node, Gap):
        return []
    colour = [differs[node]] if node in differs else []
    return colour + look.done_to(piece_at(world, node))


def _lines(
    world: World, node: Any, values: Mapping[Any, float], content: Content
) -> tuple[str, ...]:
    if isinstance(node, Gap):
        return _hidden(world, node, content)
    piece = piece_at(world, node)
    lines = [content.name(node)]
    if content.mechanisms:
        lines += wrapped(right_side(world, node, content.name))
    lines += look.told(piece)
    if node in values:
        value = shown(node, values[node])
        lines.append(_short(value) if isinstance(value, float) else str(value))
    return tuple(lines)


def _hidden(world: World, gap: Gap, content: Content) -> tuple[str, ...]:
    """Dots, and where steps are left out that a world perturbs, the first of these."""
    found = perturbed_within(world, gap)
    more = f" ({len(found)} nodes)" if len(found) > 1 else ""
    return (_DOTS, *(f"{content.name(n)} {look.shift(piece)}{more}" for n, piece in found[:1]))


def _short(value: float) -> str:
    return f"{value:.3g}".replace("-", "−") if math.isfinite(value) else str(value)


def _named(one: Any, content: Content) -> str:
    return _DOTS if isinstance(one, Gap) else content.name(one)


def _inputs(content: Content) -> list[Any]:
    return list(content.bones.aside) if content.inputs else []


def _arrows(
    number: int, world: World, differs: Mapping[Any, str], content: Content
) -> Iterator[Arrow]:
    for node, declared in content.bones.parents.items():
        live = causes_in(content.bones, world, node)
        for parent in dict.fromkeys((*declared, *live)):
            last = parent.last if isinstance(parent, Gap) else parent
            kind = differs.get(last, "") if parent in live else "cut"
            yield Arrow((number, parent), (number, node), look.ARROWS.get(kind, {}))
        if not content.inputs:
            continue
        entering = inputs_in(content.bones, world, node)
        for one in dict.fromkeys((*content.bones.inputs[node], *entering)):
            style = look.ARROWS["input" if one in entering else "cut"]
            yield Arrow((number, one), (number, node), style)
