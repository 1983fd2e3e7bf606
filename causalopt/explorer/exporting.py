"""A page that needs no server: what it shows is computed beforehand, at values of its sliders."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np

from causalopt.explorer import answers, graphs
from causalopt.explorer.axes import SliderStops, axes_asked, axes_opened, screens
from causalopt.explorer.charts import numbers, thinned
from causalopt.explorer.discretion import discreet
from causalopt.explorer.joining import one_file
from causalopt.explorer.screen import Screen
from causalopt.explorer.serving import Subject, served
from causalopt.explorer.setting import Setting
from causalopt.ground import progress
from causalopt.ground.errors import FileError, TooLargeError
from causalopt.ground.files import replacement
from causalopt.study.record import Study

#: The most bytes that all points of a page may take.
MOST_BYTES = 2_600_000
# Into so many parts curves are cut, as fine as all of them fit; the first as the live page has it.
_PARTS = (200, 100, 50, 25, 12, 6)
# A number of a curve is kept in as many digits as the page prints of it.
_DIGITS = 8

Content = dict[str, object]


@dataclass(frozen=True)
class Export:
    """A page as a file holds it: over which axes it is computed, at how many points."""

    text: str
    axes: tuple[SliderStops, ...]
    points: int


def refuse_existing(path: Path, force: bool) -> None:
    """Refuse a file that is there already, unless it may be replaced, and a place that has none."""
    if path.is_dir():
        raise FileError(f"{path} is a folder: name a file, such as {path / 'page.html'}.")
    if path.exists() and not force:
        raise FileError(f"{path} is there already: name another file, or add --force.")
    if not path.parent.is_dir():
        raise FileError(f"{path} cannot be written: there is no folder {path.parent}.")


def write(export: Export, path: Path) -> None:
    """Write a page, replacing as a whole what is there."""
    with replacement(path) as temporary:
        # Half a letter, which a title can have, is in no file.
        temporary.write_bytes(export.text.encode(errors="backslashreplace"))


def exported(study: Study, named: str, along: Sequence[str] = ()) -> Export:
    """The page of a study, asked as it opens, at values ``along`` one or two of its sliders.

    ``named`` is how a script loads the model. Each of ``along`` is NAME or NAME=LOW:HIGH:COUNT;
    without any, it is the slider that matters most. Raises ``QueryError`` for what cannot be
    moved so, before anything is run, and ``TooLargeError`` where the page would have too many
    bytes.
    """
    asked = axes_asked(study.system, along) if study.system is not None else ()
    for screen in screens(asked):
        _moved(study, screen)
    subject = Subject.of(study, named)
    axes = asked or axes_opened(Setting.of(subject.model, Screen(), subject.opening))
    settings = [Setting.of(subject.model, s, subject.opening) for s in screens(axes)]
    work = progress.counted((_point(subject, s) for s in settings), len(settings), 0, "points")
    points = fitted(list(work))
    record = {
        "title": discreet(study.title),
        "source": discreet(study.source),
        "called": subject.called,
        "has_noise": bool(subject.model.noises),
        "axes": [axis.content() for axis in axes],
        "graph": graphs.folded(subject.model).content(),
        "points": points,
    }
    return Export(one_file(f"{record['title']} – causalopt", record), axes, len(points))


def fitted(points: Sequence[Content], most: int = MOST_BYTES) -> list[Content]:
    """Points with their curves as fine as all of them fit into so many bytes."""
    for parts in _PARTS:
        cut = [{**point, "charts": list(_cut(point, parts))} for point in points]
        if len(json.dumps(cut, separators=(",", ":"))) <= most:
            return cut
    raise TooLargeError(
        f"A page with {len(points)} points of this model has more than {most / 1e6:g} MB: write "
        "fewer values, with --along NAME=LOW:HIGH:COUNT."
    )


def _moved(study: Study, screen: Screen) -> None:
    """Have the model refuse values that it cannot take."""
    if study.system is not None:
        Setting.of(study.system, screen, Screen())


def _point(subject: Subject, setting: Setting) -> Content:
    """What the live page shows of a setting, and its code, or why there is none."""
    code = served(subject, {"do": "code", "address": setting.screen.address})
    return {**answers.answer(setting), **code}


def _cut(point: Content, parts: int) -> Iterator[Content]:
    """The curves of a point in so many parts, in the digits that are printed."""
    for chart in cast(list[Content], point["charts"]):
        traces = cast(Sequence[Mapping[str, object]], chart["traces"])
        lines = [np.array(trace["values"], dtype=np.float64) for trace in traces]
        x = np.array(chart["x"], dtype=np.float64)
        # Nodes have names and no order, of which none could be left out.
        kept = thinned(lines, parts) if lines and not chart["labels"] else np.arange(x.size)
        fewer = [
            {**trace, "values": [_rounded(v) for v in numbers(line[kept])]}
            for trace, line in zip(traces, lines, strict=True)
        ]
        yield {**chart, "x": [_rounded(v) for v in numbers(x[kept])], "traces": fewer}


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{_DIGITS}g}")
