"""Surveys of folders: each model file of a folder is read, compared, and asked one question."""

from __future__ import annotations

import functools
import hashlib
import os
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

import numpy as np

from causalopt.exchange.dynamics.assembly import FIRST
from causalopt.exchange.reading import MOST_BYTES
from causalopt.ground.errors import FileError, QueryError
from causalopt.ground.types import Floats
from causalopt.language.naming import BESIDE_VALUES
from causalopt.language.symbols import Parameter, Variable
from causalopt.model.network import Network
from causalopt.model.system import System
from causalopt.runs.cluster.work import why
from causalopt.study.foreign import FORMATS, Format, chances_in
from causalopt.study.native import (
    COURSE,
    MARGINALS,
    Course,
    Deviation,
    beside,
    deviation,
    read_course,
    read_marginals,
)
from causalopt.study.regulators import Regulator, Regulators, regulators_of

Found = TypeVar("Found")

# A run of more steps is not made for an answer, and what moves by less has not moved.
_MOST_STEPS, _MOVES = 1_000_000, 1e-9
# Of a run without an answer so many rows are looked at.
_ROWS = 1000
# So many letters of a message are kept.
_LONGEST = 2000


@dataclass(frozen=True)
class FileRow:
    """What a survey finds of one file.

    ``file`` is its place in the folder, ``format`` what it is, ``fault`` why it was not imported
    (empty where it was), ``how`` what its reader and its runs warned of. ``deviation`` is that from
    the native answer; where there is none, ``unanswered`` says why. ``regulators`` come strongest
    first, ``asked`` says how they were asked for. ``reading`` and ``running`` are CPU seconds, and
    no part of what is compared. ``digest`` is that of all that the row follows from.
    """

    file: str
    format: str
    digest: str
    fault: str = ""
    how: str = ""
    deviation: Deviation | None = None
    unanswered: str = ""
    regulators: tuple[Regulator, ...] = ()
    asked: str = ""
    reading: float = field(default=0.0, compare=False)
    running: float = field(default=0.0, compare=False)


def survey_files(folder: str | Path) -> tuple[FileRow, ...]:
    """What the model files of a folder, and of folders in it, are, and who regulates what in them.

    Files are those with a suffix of ``FORMATS``; models in Python are code and are not run. Each is
    read as the terminal reads it, compared with the native answer beside it (``deviation``), if
    there is one, and asked which variable regulates which (``regulators_of``). Whatever is wrong
    with a file is told in its row. A system runs over the times of its answer; else over the time
    that its file says, or as long as ``causalopt run`` runs it.

    Raises ``FileError`` where there is no such folder.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "room.toml").write_text('''
    ... [variables.T]
    ... start = 10
    ... next = "R - 25"
    ... [variables.R]
    ... start = 35
    ... next = "R - 0.1 * T"
    ... ''')
    ...     (row,) = survey_files(folder)
    >>> row.file, row.fault, [str(regulator) for regulator in row.regulators]
    ('room.toml', '', ['T on R: 10.63'])
    """
    return tuple(rows_of(Path(folder), {}))


def files_of(folder: Path) -> tuple[list[Path], int]:
    """The files of a folder that can be read, by their places, and the number of those in Python.

    Raises ``FileError`` where there is no such folder, or it cannot be read.
    """
    if not folder.is_dir():
        what = "a file" if folder.exists() else "not there"
        raise FileError(f"{folder} is {what}: write the path of a folder with model files.")
    try:
        with os.scandir(folder):
            every = sorted(path for path in folder.rglob("*") if _is_file(path))
    except OSError as error:
        raise FileError(f"{folder} cannot be read: {error.strerror or error}.") from None
    readable = [path for path in every if path.suffix.lower() in FORMATS]
    return readable, sum(path.suffix.lower() == ".py" for path in every)


def _is_file(path: Path) -> bool:
    """Whether it is a file, or a link that leads nowhere; what waits for others is none."""
    return path.is_file() or (path.is_symlink() and not path.exists())


def rows_of(folder: Path, known: Mapping[str, FileRow]) -> Iterator[FileRow]:
    """The rows of a folder's files, one after the other, as they are done.

    A row that is ``known`` is taken as it is, where nothing that it follows from has changed; one
    of a file that could not be read is made again.
    """
    for path in files_of(folder)[0]:
        name, digest = name_in(folder, path), digest_of(path)
        before = known.get(name)
        is_as_it_was = before is not None and not before.fault and before.digest == digest
        yield before if before and is_as_it_was else _row_of(path, name, digest)


def name_in(folder: Path, path: Path) -> str:
    """The place of a file in a folder; letters that no text can hold by their numbers."""
    name = path.relative_to(folder).as_posix()
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def digest_of(path: Path) -> str:
    """What a row follows from, as a hash: the file, the answer beside it, this version."""
    told = hashlib.sha256(version("causalopt").encode())
    for file in (path, beside(path, COURSE), beside(path, MARGINALS)):
        told.update(b"\0" if file is None else _content(file))
    return told.hexdigest()


def _content(path: Path) -> bytes:
    """The hash of a file, as far as files are read; that of nothing where it cannot be."""
    try:
        with path.open("rb") as file:
            return hashlib.sha256(file.read(MOST_BYTES + 1)).digest()
    except OSError:
        return b""


def _seconds() -> float:
    """CPU seconds of this process, and of those that have ended in its service."""
    return sum(os.times()[:4])


def _row_of(path: Path, name: str, digest: str) -> FileRow:
    """The row of one file, whatever it holds."""
    begin = _seconds()
    form = suffixed = FORMATS[path.suffix.lower()]
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            form = suffixed.of(path)
            study = form.study(path)
        except Exception as error:
            fault = in_one_line(why(error).removeprefix(str(path)).lstrip(",: "))
            return FileRow(name, form.name, digest, fault=fault, reading=_seconds() - begin)
        read = _seconds()
        looked = _looked(study.system, path, form)
    notes = [line for line in study.source.split("\n")[1:] if study.source.startswith(str(path))]
    notes += [str(one.message) for one in told if issubclass(one.category, RuntimeWarning)]
    return FileRow(
        name,
        form.name,
        digest,
        how=in_one_line(" ".join(dict.fromkeys(notes))),
        deviation=looked.deviation,
        unanswered=looked.unanswered,
        regulators=looked.regulators.found,
        asked=looked.regulators.told,
        reading=read - begin,
        running=_seconds() - read,
    )


def in_one_line(text: str) -> str:
    """A text without line ends, and no longer than anyone reads."""
    return " ".join(text.split())[:_LONGEST]


def first_sentence(text: str) -> str:
    """The first sentence of a message.

    >>> first_sentence("a.bif is empty: a model was expected. Write one.")
    'a.bif is empty: a model was expected.'
    """
    return re.split(r"(?<=[.!?])\s+(?=[A-Z])", in_one_line(text), maxsplit=1)[0]


def _tried(ask: Callable[..., Found], *given: object) -> tuple[Found | None, str]:
    """What a function gives; or nothing, and why."""
    try:
        return ask(*given), ""
    except Exception as error:
        return None, first_sentence(why(error))


# -- what is looked at -----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Looked:
    """What was found of a model that was read."""

    deviation: Deviation | None
    unanswered: str
    regulators: Regulators


_NO_ANSWER = "no answer beside it"


@functools.singledispatch
def _looked(model: object, path: Path, form: Format) -> _Looked:
    """What there is to see of a model."""
    return _Looked(None, "", Regulators((), "no model in it"))


@_looked.register
def _(model: Network, path: Path, form: Format) -> _Looked:
    ours, failed = _tried(chances_in, model)
    place, compared, told = beside(path, MARGINALS), None, _NO_ANSWER
    if ours is None:
        told = failed
    elif place is not None:
        compared, told = _tried(_compared_chances, ours, place)
    return _Looked(compared, told, Regulators((), "no time in it"))


def _compared_chances(ours: Mapping[str, Mapping[str, float]], place: Path) -> Deviation:
    native = read_marginals(place)
    both = {
        node: np.array([ours[node][value] for value in values])
        for node, values in native.items()
        if node in ours and values and values.keys() <= ours[node].keys()
    }
    theirs = {node: np.array(list(of.values())) for node, of in native.items()}
    return deviation(both, theirs, relative=False)


@_looked.register
def _(model: System, path: Path, form: Format) -> _Looked:
    place = beside(path, COURSE)
    native, told = (None, _NO_ANSWER) if place is None else _tried(read_course, place)
    ran, compared = None, None
    if native is not None:
        ran, told = _tried(_run_at, model, native)
    if ran is not None and native is not None:
        compared, told = _tried(deviation, ran.columns(native.rows), native.columns)
    failed = told
    if ran is None:
        ran, failed = _tried(_run_through, model, form)
    if ran is None:
        return _Looked(compared, told, Regulators((), failed))
    found, failed = _tried(regulators_of, ran.system, ran.steps, ran.moving)
    return _Looked(compared, told, found or Regulators((), failed))


@dataclass(frozen=True, eq=False)
class _Ran:
    """A system that ran so many steps, with its values at some of them."""

    system: System
    steps: int
    values: Mapping[Variable, Floats]

    @property
    def moving(self) -> list[Variable]:
        """What moves, and is no more than a name for other things at its moment."""
        return [
            v
            for v, values in self.values.items()
            if v not in self.system.algebraic and np.ptp(values) > _MOVES * abs(values).max()
        ]

    def columns(self, rows: int) -> dict[str, Floats]:
        """All variables and constants, by the names that the file has for them."""
        constants = {str(p): np.full(rows, x) for p, x in self.system.parameter_values.items()}
        ran = {str(v): values for v, values in self.values.items()}
        # Whose name the dims of results have, has a low line after it.
        plain = {f"{name}_": name for name in BESIDE_VALUES}
        return {**constants, **{plain.get(name, name): values for name, values in ran.items()}}


def _run_at(system: System, native: Course) -> _Ran:
    """A system at the times of an answer."""
    constants = {str(p): x for p, x in system.parameter_values.items()}
    begin = constants.get(FIRST, 0.0)
    if abs(native.begin - begin) > 1e-9 * native.spacing:
        raise QueryError(f"its answer begins at {native.begin:g}, and the model at {begin:g}.")
    step = system.step_size or 1.0
    if system.tolerance is not None and isinstance(system.dt, Parameter):
        system, step = system.with_parameters({system.dt: native.spacing}), native.spacing
    stride = round(native.spacing / step)
    if stride < 1 or abs(native.spacing - stride * step) > 1e-9 * native.spacing:
        raise QueryError(
            f"the times of its answer are {native.spacing:g} apart, and a step is {step:g} long."
        )
    return _run(system, (native.rows - 1) * stride, stride)


def _run_through(system: System, form: Format) -> _Ran:
    """A system over the time that is its own."""
    steps = form.steps(system)
    return _run(system, steps, max(1, steps // _ROWS))


def _run(system: System, steps: int, stride: int) -> _Ran:
    from causalopt.runs.results import run

    if steps > _MOST_STEPS:
        raise QueryError(f"{steps:,} steps are more than the {_MOST_STEPS:,} of a survey.")
    data = run(system.world(steps=steps), keep=stride if stride > 1 else "all")
    found = data.sel(world="W")
    numbers = {v: found[str(v)].values for v in system.variables if found[str(v)].ndim == 1}
    return _Ran(system, steps, {v: x for v, x in numbers.items() if x.dtype.kind in "fiu"})
