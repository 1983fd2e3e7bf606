"""Where everything stands on a picture with time: steps in columns, variables in rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from causalopt.drawing.look import FRAMES, input_frame
from causalopt.drawing.panel import Panel
from causalopt.drawing.picture import Gap, Skeleton
from causalopt.drawing.sheet import Frame, Mark, Sheet, extent
from causalopt.language.symbols import Node

# In inches; Graphviz counts points.
_COLUMN, _ROW, _TITLE, _MARGIN = 1.15, 1.0, 0.34, 0.14
_POINTS = 72
_INPUTS = ("noise", "time", "parameters")


@dataclass(frozen=True)
class _Box:
    """The middle of a mark, its width and its height."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class _Band:
    """Rows of nodes that stand together, and what is framed among them: (title, nodes)."""

    rows: Sequence[Sequence[Any]]
    frames: Sequence[tuple[str, Sequence[Any]]] = ()


def laid_out(bones: Skeleton, panels: Sequence[Panel], legend: Sequence[Sequence[Mark]]) -> Sheet:
    """All panels one below the other, and the legend under them."""
    sizes = {m.key: _size(m) for p in panels for m in (*p.marks.values(), *p.inputs.values())}
    wide = max(_COLUMN, *(width + 0.5 for width, _ in sizes.values()))
    tall = max(_ROW, *(height + 0.4 for _, height in sizes.values()))
    columns = {step: i * wide for i, step in enumerate(bones.columns)}
    narrow = max(_COLUMN, *(sizes[m.key][0] + 0.3 for p in panels for m in p.inputs.values()), 0)
    marks: list[Mark] = []
    frames: list[Frame] = []
    top = 0.0
    for panel in panels:
        every = {**panel.marks, **panel.inputs}
        boxes: dict[Any, _Box] = {}
        begin = top
        for band in _bands(bones, panel):
            top -= _TITLE if band.frames else 0
            for row in band.rows:
                for i, node in enumerate(row):
                    x = columns[_step(node)] if _timed(node) else i * narrow
                    boxes[node] = _Box(x, top, *sizes[every[node].key])
                top -= tall
            frames += [
                _framed(title, tuple(every[n].key for n in nodes), [boxes[n] for n in nodes])
                for title, nodes in band.frames
            ]
        marks += [_placed(mark, boxes[node]) for node, mark in every.items()]
        if panel.title:
            marks.append(_heading(panel.title, -0.85 * wide, (begin + top + tall) / 2))
        top -= 0.35
    marks += _in_rows(legend, top + tall - 0.75 * _ROW, max(columns.values()))
    arrows = tuple(arrow for panel in panels for arrow in panel.arrows)
    return Sheet(tuple(marks), arrows, tuple(frames), placed=True)


def _bands(bones: Skeleton, panel: Panel) -> Iterator[_Band]:
    """A's rows, those that are in A for a while, B's rows, then the inputs of each kind."""
    rows = [[node for node in panel.marks if _owner(node) == v] for v in bones.rows]
    rows = [sorted(row, key=lambda node: bones.columns.index(_step(node))) for row in rows]
    whole = [row for row in rows if panel.inside.issuperset(row)]
    outside = [row for row in rows if panel.inside.isdisjoint(row)]
    if whole:
        yield _Band(whole, [("A", _flat(whole))])
    for row in rows:
        if row not in whole and row not in outside:
            runs = groupby(row, key=panel.inside.__contains__)
            yield _Band([row], [("A", list(run)) for held, run in runs if held])
    if outside:
        yield _Band(outside, [("B", _flat(outside))] if panel.inside else [])
    for title in _INPUTS:
        found = [node for node in panel.inputs if input_frame(node) == title]
        if found:
            own = _rows_of_inputs(found, max(4, len(bones.columns)))
            yield _Band(own, [(title, found)])


def _rows_of_inputs(found: Sequence[Any], width: int) -> list[list[Any]]:
    """One row for each noise; inputs without time side by side."""
    if _timed(found[0]):
        names = dict.fromkeys(map(_owner, found))
        return [[node for node in found if _owner(node) == name] for name in names]
    return [list(found[i : i + width]) for i in range(0, len(found), width)]


def _flat(rows: Sequence[Sequence[Any]]) -> list[Any]:
    return [node for row in rows for node in row]


def _timed(node: Any) -> bool:
    return isinstance(node, Node | Gap)


def _owner(node: Any) -> Any:
    return node.owner if isinstance(node, Gap) else getattr(node, "variable", node)


def _step(node: Any) -> int | None:
    return None if isinstance(node, Gap) else int(node.step)


def _size(mark: Mark) -> tuple[float, float]:
    return extent(mark.lines, mark.style.get("shape", "ellipse"))


def _placed(mark: Mark, box: _Box) -> Mark:
    style = {
        "pos": f"{box.x * _POINTS:.1f},{box.y * _POINTS:.1f}",
        "width": f"{box.width:.2f}",
        "height": f"{box.height:.2f}",
    }
    return replace(mark, style={**mark.style, **style})


def _framed(title: str, keys: tuple[Any, ...], boxes: Sequence[_Box]) -> Frame:
    left = min(box.x - box.width / 2 for box in boxes) - _MARGIN
    wide, _ = extent((title,), "plaintext")
    right = max(left + wide + 0.1, *(box.x + box.width / 2 + _MARGIN for box in boxes))
    # Arrows leave inputs upwards: their title stands below.
    under = title in _INPUTS
    low = min(box.y - box.height / 2 for box in boxes) - _MARGIN - (0.2 if under else 0)
    high = max(box.y + box.height / 2 for box in boxes) + _MARGIN + (0 if under else 0.2)
    corners = ",".join(f"{side * _POINTS:.1f}" for side in (left, low, right, high))
    line = low + 0.13 if under else high - 0.13
    middle = f"{(left + wide / 2 + 0.05) * _POINTS:.1f},{line * _POINTS:.1f}"
    style = {**FRAMES[title], "bb": corners, "lp": middle, "fontsize": "11"}
    return Frame(title, keys, style=style)


def _heading(title: str, x: float, y: float) -> Mark:
    mark = Mark(("title", title, y), (title,), {"shape": "plaintext", "style": "",
                                                "fontsize": "20"})  # fmt: skip
    return _placed(mark, _Box(x, y, 0.5, 0.5))


def _in_rows(legend: Sequence[Sequence[Mark]], top: float, width: float) -> list[Mark]:
    """The legend's rows from left to right, each in as many as it takes."""
    made = []
    y = top
    for row in legend:
        x = -0.31
        for mark in row:
            wide, high = _size(mark)
            if x > 0 and x + wide > max(width, 5.0) + 0.31:
                x, y = -0.31, y - 0.55
            made.append(_placed(mark, _Box(x + wide / 2, y, wide, min(high, 0.4))))
            x += wide + 0.25
        y -= 0.55
    return made
