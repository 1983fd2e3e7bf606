"""Where everything stands on a picture with time: steps in columns, variables in rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from causalopt.drawing.look import FRAMES, input_frame
from causalopt.drawing.panels import Panel
from causalopt.drawing.picture import Gap, Item, Skeleton
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

    rows: Sequence[Sequence[Item]]
    frames: Sequence[tuple[str, Sequence[Item]]] = ()


@dataclass(frozen=True)
class _Spacing:
    """How far apart columns, rows, and inputs without time stand, so that no marks touch."""

    column: float
    row: float
    input: float

    @classmethod
    def of(cls, panels: Sequence[Panel]) -> _Spacing:
        """The spacing that the largest marks ask for."""
        nodes = [_size(mark) for panel in panels for mark in panel.marks.values()]
        inputs = [_size(mark) for panel in panels for mark in panel.inputs.values()]
        return cls(
            column=max(_COLUMN, *(width + 0.5 for width, _ in nodes + inputs)),
            row=max(_ROW, *(height + 0.4 for _, height in nodes + inputs)),
            input=max(_COLUMN, *(width + 0.3 for width, _ in inputs), 0),
        )


def grid_sheet(bones: Skeleton, panels: Sequence[Panel], legend: Sequence[Sequence[Mark]]) -> Sheet:
    """All panels one below the other, and the legend under them."""
    spacing = _Spacing.of(panels)
    columns = {step: i * spacing.column for i, step in enumerate(_columns(bones, panels))}
    marks: list[Mark] = []
    frames: list[Frame] = []
    top = 0.0
    for panel in panels:
        begin = top
        boxes: dict[Item, _Box] = {}
        for band in _bands(bones, panel):
            top -= _TITLE if band.frames else 0
            boxes |= _boxes(band, panel, columns, spacing, top)
            top -= len(band.rows) * spacing.row
            frames += [_frame_around(title, nodes, panel, boxes) for title, nodes in band.frames]
        marks += [_place(mark, boxes[item]) for item, mark in panel.everything.items()]
        if panel.title:
            middle = (begin + top + spacing.row) / 2
            marks.append(_heading(panel.title, -0.85 * spacing.column, middle))
        top -= 0.35
    marks += _in_rows(legend, top + spacing.row - 0.75 * _ROW, max(columns.values()))
    arrows = tuple(arrow for panel in panels for arrow in panel.arrows)
    return Sheet(tuple(marks), arrows, tuple(frames), placed=True)


def _columns(bones: Skeleton, panels: Sequence[Panel]) -> list[int | None]:
    """The steps from left to right, and before them those of what was before the start."""
    items = [item for panel in panels for item in panel.inputs]
    steps = {_step(item) for item in items if isinstance(item, Node | Gap)}
    before = {step for step in steps.difference(bones.columns) if step is not None}
    return [*sorted(before), *bones.columns]


def _boxes(
    band: _Band,
    panel: Panel,
    columns: Mapping[int | None, float],
    spacing: _Spacing,
    top: float,
) -> dict[Item, _Box]:
    """Where each item of a band stands: what has a time in its column, all else side by side."""
    boxes: dict[Item, _Box] = {}
    for number, row in enumerate(band.rows):
        for i, item in enumerate(row):
            x = columns[_step(item)] if isinstance(item, Node | Gap) else i * spacing.input
            y = top - number * spacing.row
            boxes[item] = _Box(x, y, *_size(panel.everything[item]))
    return boxes


def _bands(bones: Skeleton, panel: Panel) -> Iterator[_Band]:
    """A's rows, those that are in A for a while, B's rows, then the inputs of each kind."""
    rows = [_row_of(owner, bones, panel) for owner in bones.rows]
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
        kind = [item for item in panel.inputs if input_frame(item) == title]
        if kind:
            own = _rows_of_inputs(kind, max(4, len(bones.columns)))
            yield _Band(own, [(title, kind)])


def _row_of(owner: Item, bones: Skeleton, panel: Panel) -> list[Node | Gap]:
    """The nodes of one variable, and what stands for those left out, from left to right."""
    timed = [item for item in panel.marks if isinstance(item, Node | Gap)]
    row: list[Node | Gap] = [item for item in timed if _owner(item) == owner]
    return sorted(row, key=lambda item: bones.columns.index(_step(item)))


def _rows_of_inputs(kind: Sequence[Item], width: int) -> list[list[Item]]:
    """One row for each noise; inputs without time side by side."""
    if isinstance(kind[0], Node | Gap):
        owners = dict.fromkeys(map(_owner, kind))
        return [[item for item in kind if _owner(item) == owner] for owner in owners]
    return [list(kind[i : i + width]) for i in range(0, len(kind), width)]


def _flat(rows: Sequence[Sequence[Item]]) -> list[Item]:
    return [node for row in rows for node in row]


def _owner(item: Item) -> Item:
    if isinstance(item, Gap):
        return item.owner
    return item.variable if isinstance(item, Node) else item


def _step(item: Node | Gap) -> int | None:
    return None if isinstance(item, Gap) else int(item.step)


def _size(mark: Mark) -> tuple[float, float]:
    return extent(mark.lines, mark.style.get("shape", "ellipse"))


def _place(mark: Mark, box: _Box) -> Mark:
    style = {
        "pos": f"{box.x * _POINTS:.1f},{box.y * _POINTS:.1f}",
        "width": f"{box.width:.2f}",
        "height": f"{box.height:.2f}",
    }
    return replace(mark, style={**mark.style, **style})


def _frame_around(
    title: str, items: Sequence[Item], panel: Panel, where: Mapping[Item, _Box]
) -> Frame:
    boxes = [where[item] for item in items]
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
    keys = tuple(panel.everything[item].key for item in items)
    return Frame(title, keys, style=style)


def _heading(title: str, x: float, y: float) -> Mark:
    style = {"shape": "plaintext", "style": "", "fontsize": "20"}
    mark = Mark(("title", title, y), (title,), style)
    return _place(mark, _Box(x, y, 0.5, 0.5))


def _in_rows(legend: Sequence[Sequence[Mark]], top: float, width: float) -> list[Mark]:
    """The legend's rows from left to right, each in as many as it takes."""
    marks = []
    y = top
    for row in legend:
        x = -0.31
        for mark in row:
            wide, high = _size(mark)
            # A mark that would stand out on the right begins another line.
            if x > 0 and x + wide > max(width, 5.0) + 0.31:
                x, y = -0.31, y - 0.55
            marks.append(_place(mark, _Box(x + wide / 2, y, wide, min(high, 0.4))))
            x += wide + 0.25
        y -= 0.55
    return marks
