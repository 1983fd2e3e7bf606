"""A page that needs no server: what it shows is computed beforehand, at values of its sliders."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np

from causalopt.explorer import answers, graphs, opened
from causalopt.explorer.axes import NOTHING, SliderStops, axes_asked, axes_opened, screens
from causalopt.explorer.charts import numbers, thinned
from causalopt.explorer.discretion import discreet, or_fault
from causalopt.explorer.joining import one_file
from causalopt.explorer.screen import Screen
from causalopt.explorer.script import script_of
from causalopt.explorer.serving import Subject
from causalopt.explorer.setting import Setting, can_differ, variable_of
from causalopt.ground import progress
from causalopt.ground.errors import FileError, TooLargeError
from causalopt.ground.files import replacement
from causalopt.measures.question import Question
from causalopt.model.interface import Model
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
    if path.exists() and not path.is_file():
        raise FileError(f"{path} is no file that could be replaced: name another one.")
    if path.exists() and not force:
        raise FileError(f"{path} is there already: name another file, or add --force.")
    if not path.parent.is_dir():
        raise FileError(f"{path} cannot be written: there is no folder {path.parent}.")


def write(export: Export, path: Path) -> None:
    """Write a page, replacing as a whole what is there."""
    # Where a link leads, and not the link, is what is replaced.
    with replacement(path.resolve()) as temporary:
        # Half a letter, which a title can have, is in no file.
        temporary.write_bytes(export.text.encode(errors="backslashreplace"))


def question_in(address: str) -> Screen:
    """What the address bar of the live page asks, all of it or what stands behind #; no tabs.

    >>> question_in("http://127.0.0.1:8000/secret/#n=R[0]&A=T&m=R&tab=measures").A
    ('T',)
    """
    return replace(Screen.of(address.rpartition("#")[2]), along=(), opened=opened.NOTHING)


def exported(
    study: Study, named: str, along: Sequence[str] = (), question: Screen = NOTHING
) -> Export:
    """The page of a study, at values ``along`` one or two of its sliders.

    ``named`` is how a script loads the model. What ``question`` leaves open is asked as the page
    opens. Each of ``along`` is NAME or NAME=LOW:HIGH:COUNT; without any, it is the slider that
    matters most. Raises ``QueryError`` for what the model has not, and for what cannot be moved
    so, before anything is run, and ``TooLargeError`` where the page would have too many bytes.
    """
    asked = _checked(study.system, along, question) if study.system is not None else ()
    subject = Subject.of(study, named)
    opening = Setting.of(subject.model, question, subject.opening)
    _refuse_what_has_no_answer(opening)
    axes = asked or axes_opened(opening)
    at = list(screens(axes, question))
    settings = [Setting.of(subject.model, s, subject.opening, len(at)) for s in at]
    work = progress.counted((_point(subject, s) for s in settings), len(settings), 0, "points")
    points = fitted(list(work))
    record = {
        "title": discreet(study.title),
        "source": discreet(subject.study.source),
        "called": subject.called,
        "has_noise": bool(subject.model.noises),
        "axes": [axis.content() for axis in axes],
        "moved": list(_moved_beside(question, axes)),
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


def _checked(model: Model, along: Sequence[str], question: Screen) -> tuple[SliderStops, ...]:
    """The axes that are asked for; the model refuses names that it has not, and values."""
    for name in (question.n, question.m, question.show, *(question.A or ())):
        if name is not None:
            model.find(name)
    axes = axes_asked(model, along, question)
    for screen in screens(axes, question):
        Setting.of(model, screen, NOTHING)
    return axes


def _refuse_what_has_no_answer(setting: Setting) -> None:
    """Refuse nodes that a run of this length has not, and an n or m that lies in A."""
    screen = setting.screen
    for name in (screen.n, screen.m, *(screen.A or ())):
        setting.found(name or "")
    if screen.A and can_differ(setting.n) and can_differ(variable_of(setting.m)):
        Question(
            *(setting.W, setting.A, setting.n, setting.m), delta=screen.delta, draws=screen.draws
        )


def _moved_beside(question: Screen, axes: Sequence[SliderStops]) -> Iterator[tuple[str, str]]:
    """What a question moves that no slider of the page does: by name, with its value."""
    known = {axis.key for axis in axes}
    for kind, values in (("p.", question.parameters), ("s.", question.start)):
        for name, value in values.items():
            if kind + name not in known:
                yield name, str(value)


def _point(subject: Subject, setting: Setting) -> Content:
    """What the live page shows of a setting, and its code, or why there is none."""
    code = or_fault(lambda: {"script": script_of(setting, subject.called)})
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
