"""The answer of the program that a model file was made for, and how far ours is from it."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from causalopt.exchange.reading import read_text
from causalopt.ground.checks import shown
from causalopt.ground.errors import FileError, QueryError
from causalopt.ground.types import Floats

#: What is smaller than this part of the largest number of its column is no digit of anything.
SMALLEST = 1e-12
#: How the names of answers end: courses, and chances.
COURSE, MARGINALS = ".csv", ".marginals.json"
# Times of one spacing, as far as they are printed.
_EQUAL = 1e-9
_WHAT = "an answer"


@dataclass(frozen=True)
class Deviation:
    """The largest deviation, the ``column`` that has it, how many were compared, and which not."""

    largest: float
    column: str
    compared: int
    missing: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Course:
    """An answer over time: a number of each column at each time, at one spacing.

    ``columns`` are by the names that variables have here: ``[S]``, a concentration, is S.
    """

    begin: float
    spacing: float
    rows: int
    columns: Mapping[str, Floats]


def beside(path: Path, ending: str) -> Path | None:
    """The answer that lies beside a model file: of cup.mdl, and ``.csv``, that is cup.mdl.csv or
    cup.csv; None where there is none.
    """
    named = (f"{stem}{ending}" for stem in (path.name, path.stem))
    return next((p for name in named if (p := path.with_name(name)).is_file()), None)


def read_course(path: Path) -> Course:
    """An answer over time of a CSV file: a column ``time``, and one of each variable.

    Raises ``FileError`` where the first column is no time, two columns have one name, a row is of
    another length, what stands there is no finite number, or times are not equally far apart.
    """
    head, *rows = _cells(path)
    if head[0] != "time" or not head[1:]:
        raise FileError(f"{path} has no column time, with others after it.")
    names = _names(head[1:])
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise FileError(f"{path} has two columns {shown(twice)}.")
    if len(rows) < 2:
        raise FileError(f"{path} has {len(rows)} times, and a course has two or more.")
    numbers = np.array([_numbers(path, line, row, head) for line, row in enumerate(rows, 2)])
    times, columns = numbers[:, 0], numbers[:, 1:].T
    spacing = float(times[-1] - times[0]) / (len(times) - 1)
    even = times[0] + spacing * np.arange(len(times))
    if not spacing > 0.0 or (abs(times - even) > _EQUAL * abs(times).max()).any():
        raise FileError(f"{path} has times that are not equally far apart.")
    return Course(float(times[0]), spacing, len(times), dict(zip(names, columns, strict=True)))


def _names(heads: list[str]) -> list[str]:
    """What columns are called here; an amount beside the concentration of its name stays apart."""
    return [
        head[1:-1]
        if head.startswith("[") and head.endswith("]")
        else f"{head} (amount)"
        if f"[{head}]" in heads
        else head
        for head in heads
    ]


def _cells(path: Path) -> list[list[str]]:
    """The cells of a CSV file, by rows."""
    try:
        rows = [row for row in csv.reader(io.StringIO(read_text(path, _WHAT))) if row]
    except csv.Error as error:
        raise FileError(f"{path} is no CSV: {error}.") from None
    return rows or [[""]]


def _numbers(path: Path, line: int, row: list[str], head: list[str]) -> list[float]:
    """The numbers of a row."""
    if len(row) != len(head):
        raise FileError(f"{path}, row {line}: {len(row)} cells, and {len(head)} columns.")
    return [_number(f"{path}, row {line}", *pair) for pair in zip(head, row, strict=True)]


def _number(where: str, name: str, given: object) -> float:
    """A finite number, or ``FileError``."""
    try:
        number = float(given)  # type: ignore[arg-type]  # that is what is asked here
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number) or isinstance(given, bool):
        raise FileError(f"{where}: {shown(given)} of {shown(name)} is no finite number.")
    return number


def read_marginals(path: Path) -> Mapping[str, Mapping[str, float]]:
    """The chance of each value of each node, of a JSON file ``{"node": {"value": chance}}``.

    Raises ``FileError`` for whatever else the file holds.
    """
    try:
        held = json.loads(read_text(path, _WHAT))
    except (ValueError, RecursionError) as error:
        why = str(error) or "it is too deep"
        raise FileError(f"{path} is no JSON: {why}.") from None
    if not isinstance(held, dict) or not all(isinstance(of, dict) for of in held.values()):
        raise FileError(f'{path} holds no chances: {{"node": {{"value": 0.5}}}} was expected.')
    return {
        node: {value: _number(str(path), node, chance) for value, chance in of.items()}
        for node, of in held.items()
    }


def deviation(
    ours: Mapping[str, Floats], native: Mapping[str, Floats], *, relative: bool = True
) -> Deviation:
    """How far our columns are from the native ones, where it is most.

        deviation of a column = max over rows |ours - native| / max(|native|, 1e-12 max |native|),

    where the second maximum is over the column; of one that is 0 throughout, and of numbers such as
    chances that are not ``relative``, it is the largest difference itself. Columns of ``native``
    that ``ours`` has not, or not as long, are ``missing``.

    Raises ``QueryError`` where no column is in both.

    >>> native = {"a": np.array([1.0, 2.0]), "b": np.array([5.0, 0.0]), "c": np.array([1.0])}
    >>> deviation({"a": np.array([1.0, 2.5]), "b": np.array([5.0, 0.0])}, native)
    Deviation(largest=0.25, column='a', compared=2, missing=('c',))
    """
    there = {n: v for n, v in native.items() if n in ours and np.shape(ours[n]) == np.shape(v)}
    missing = tuple(name for name in native if name not in there)
    if not there:
        raise QueryError(f"none of the columns of its answer is in the model: {_few(missing)}.")
    each = {name: _of_column(ours[name], values, relative) for name, values in there.items()}
    column = max(each, key=each.__getitem__)
    return Deviation(each[column], column, len(each), missing)


def _of_column(ours: Floats, native: Floats, relative: bool) -> float:
    least = SMALLEST * abs(native).max()
    size = np.maximum(abs(native), least) if relative and least else 1.0
    with np.errstate(over="ignore"):
        return float((abs(ours - native) / size).max())


def _few(names: Iterable[str], most: int = 5) -> str:
    """Some names, and how many more there are."""
    every = list(names)
    more = f" and {len(every) - most} more" if every[most:] else ""
    return ", ".join(every[:most]) + more
