"""A picture without time: Graphviz's layered layout, causes on the left."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from causalopt.drawing.look import FRAMES, input_frame
from causalopt.drawing.panels import Panel
from causalopt.drawing.sheet import Frame, Mark, Sheet


def flow_sheet(panels: Sequence[Panel], legend: Sequence[Sequence[Mark]]) -> Sheet:
    """A frame for each world, with frames of A, B and the inputs inside it, and one legend."""
    entries = [mark for row in legend for mark in row]
    frames = [_legend(entries)] if entries else []
    # dot stacks frames from the bottom up.
    for panel in reversed(panels):
        inner = (*_parts(panel), *_inputs(panel))
        if panel.title:
            keys = tuple(mark.key for mark in panel.marks.values())
            # A mark stands in one frame: those that an inner frame holds are not the panel's own.
            held = {key for frame in inner for key in frame.keys}
            free = tuple(key for key in keys if key not in held)
            frames.append(Frame(panel.title, free, inner, FRAMES["panel"]))
        else:
            frames += inner
    marks = [m for p in panels for m in (*p.marks.values(), *p.inputs.values())]
    arrows = tuple(arrow for panel in panels for arrow in panel.arrows)
    return Sheet((*marks, *entries), arrows, tuple(frames), placed=False)


def _parts(panel: Panel) -> list[Frame]:
    if not panel.inside:
        return []
    parts = {
        "A": tuple(mark.key for node, mark in panel.marks.items() if node in panel.inside),
        "B": tuple(mark.key for node, mark in panel.marks.items() if node not in panel.inside),
    }
    return [Frame(title, keys, style=FRAMES[title]) for title, keys in parts.items() if keys]


def _inputs(panel: Panel) -> list[Frame]:
    by_kind = sorted(panel.inputs, key=input_frame)
    return [
        Frame(title, tuple(panel.inputs[item].key for item in kind), style=FRAMES[title])
        for title, kind in groupby(by_kind, key=input_frame)
    ]


def _legend(legend: Sequence[Mark]) -> Frame:
    # And marks within a frame too.
    return Frame("", tuple(mark.key for mark in reversed(legend)), style=FRAMES["legend"])
