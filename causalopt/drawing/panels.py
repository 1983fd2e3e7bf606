"""One world of a picture: the marks of its nodes and inputs, its arrows, and the legend to them."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from causalopt.drawing import look
from causalopt.drawing.formula import wrap_formula
from causalopt.drawing.mathematics import right_side
from causalopt.drawing.picture import (
    AnyWorld,
    Gap,
    Item,
    Name,
    Skeleton,
    causes_in,
    inputs_in,
    perturbed_within,
    treatment_at,
)
from causalopt.drawing.scale import Scale
from causalopt.drawing.sheet import Arrow, Mark
from causalopt.drawing.strokes import Strokes, name_of_owner
from causalopt.language.domains import domain_of

_DOTS = "· · ·"
# The marks of a legend are lower than those of nodes.
_LOW = {"fontsize": "11", "height": "0.36"}


@dataclass(frozen=True)
class Content:
    """What all panels share: nodes, part A, what is written on nodes, colours and strokes."""

    bones: Skeleton
    inside: frozenset[Item]
    inputs: bool
    mechanisms: bool
    name: Name
    colours: Scale | None = None
    strokes: Strokes | None = None


@dataclass(frozen=True)
class Panel:
    """The marks of nodes and inputs, arrows between them, A, and the looks that occur."""

    title: str
    marks: Mapping[Item, Mark]
    inputs: Mapping[Item, Mark]
    arrows: tuple[Arrow, ...]
    inside: frozenset[Item]
    looks: frozenset[str]

    @functools.cached_property
    def everything(self) -> Mapping[Item, Mark]:
        """The marks of nodes and of inputs."""
        return {**self.marks, **self.inputs}


def panel(
    number: int,
    world: AnyWorld,
    title: str,
    differs: Mapping[Item, str],
    values: Mapping[Item, float],
    content: Content,
) -> Panel:
    """One world; ``differs`` gives its nodes' colours, ``values`` their numbers."""
    looks: dict[Item, list[str]] = {}
    marks: dict[Item, Mark] = {}
    for node in content.bones.parents:
        looks[node] = _looks(world, node, differs)
        fill = content.colours.fill(values[node]) if content.colours and node in values else None
        style = look.node_style(looks[node], inside=node in content.inside, fill=fill)
        if content.strokes is not None:
            style |= content.strokes.outline(name_of_owner(world.model, node))
        if isinstance(node, Gap):
            style = dict(look.LEFT_OUT)
        marks[node] = Mark((number, node), _lines(world, node, values, content), style)
    inputs: dict[Item, Mark] = {}
    for item in _inputs(content):
        looks[item] = [look.input_look(item)]
        style = look.LEFT_OUT if isinstance(item, Gap) else look.node_style(looks[item])
        inputs[item] = Mark((number, item), (_input_name(item, content),), style)
    arrows = tuple(_arrows(number, world, differs, content))
    used = frozenset(name for names in looks.values() for name in names)
    return Panel(title, marks, inputs, arrows, content.inside, used)


def legend_rows(panels: Sequence[Panel], content: Content) -> list[list[Mark]]:
    """The legend in rows: a mark for each look that occurs, the values' colours, the strokes."""
    used = {name for panel in panels for name in panel.looks}
    marks = [
        Mark(("legend", name), (entry.words,), {**look.node_style([name]), **_LOW})
        for name, entry in look.LOOKS.items()
        if name in used and entry.words
    ]
    rows = [marks, _scale_row(content.colours), _strokes_row(content.strokes)]
    return [row for row in rows if row]


def _scale_row(colours: Scale | None) -> list[Mark]:
    if colours is None:
        return []
    return [_heading("value"), *(_tick(colours, tick) for tick in colours.ticks)]


def _strokes_row(strokes: Strokes | None) -> list[Mark]:
    if strokes is None or not strokes.ticks:
        return []
    looks = {tick: {**look.PLAIN, **strokes.sample(tick), **_LOW} for tick in strokes.ticks}
    ticks = (Mark(("share", tick), (_short(tick),), style) for tick, style in looks.items())
    return [_heading("share"), *ticks]


def _heading(name: str) -> Mark:
    return Mark(("legend", name), (f"{name}:",), {"shape": "plaintext", "style": "", **_LOW})


def _tick(colours: Scale, tick: float) -> Mark:
    style = {**look.PLAIN, **colours.fill(tick), "shape": "box", **_LOW}
    return Mark(("value", tick), (_short(tick),), style)


def _looks(world: AnyWorld, node: Item, differs: Mapping[Item, str]) -> list[str]:
    if isinstance(node, Gap):
        return []
    colour = [differs[node]] if node in differs else []
    return colour + look.looks_of(treatment_at(world, node))


def _lines(
    world: AnyWorld, node: Item, values: Mapping[Item, float], content: Content
) -> tuple[str, ...]:
    if isinstance(node, Gap):
        return _gap_lines(world, node, content)
    treatment = treatment_at(world, node)
    lines = [content.name(node)]
    if content.mechanisms:
        lines += wrap_formula(right_side(world, node, content.name))
    lines += look.label_lines(treatment)
    if node in values:
        value = domain_of(node).shown(values[node])
        lines.append(_short(value) if isinstance(value, float) else str(value))
    return tuple(lines)


def _gap_lines(world: AnyWorld, gap: Gap, content: Content) -> tuple[str, ...]:
    """Dots, and where steps are left out that a world perturbs, the first of these."""
    perturbed = perturbed_within(world, gap)
    more = f" ({len(perturbed)} nodes)" if len(perturbed) > 1 else ""
    return (
        _DOTS,
        *(f"{content.name(n)} {look.shift_text(shift)}{more}" for n, shift in perturbed[:1]),
    )


def _short(value: float) -> str:
    return f"{value:.3g}".replace("-", "−") if math.isfinite(value) else str(value)


def _input_name(item: Item, content: Content) -> str:
    return _DOTS if isinstance(item, Gap) else content.name(item)


def _inputs(content: Content) -> list[Item]:
    return list(content.bones.aside) if content.inputs else []


def _arrows(
    number: int, world: AnyWorld, differs: Mapping[Item, str], content: Content
) -> Iterator[Arrow]:
    for node, declared in content.bones.parents.items():
        # What is declared and what another mechanism asks for; an arrow that has no say is cut.
        live = causes_in(content.bones, world, node)
        for parent in dict.fromkeys((*declared, *live)):
            last = parent.last if isinstance(parent, Gap) else parent
            kind = differs.get(last, "") if parent in live else "cut"
            style = look.ARROWS.get(kind, {})
            if content.strokes is not None:
                ends = (name_of_owner(world.model, item) for item in (parent, node))
                style = {**style, **content.strokes.arrow(*ends)}
            yield Arrow((number, parent), (number, node), style)
        if not content.inputs:
            continue
        entering = inputs_in(content.bones, world, node)
        for item in dict.fromkeys((*content.bones.inputs[node], *entering)):
            style = look.ARROWS["input" if item in entering else "cut"]
            yield Arrow((number, item), (number, node), style)
