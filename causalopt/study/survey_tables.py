"""Surveys of folders as tables: CSV that is read back, Markdown, and lines of a terminal."""

from __future__ import annotations

import csv
import io
import json
import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from causalopt.exchange.reading import read_text
from causalopt.ground.errors import FileError
from causalopt.study.folders import FileRow, first_sentence
from causalopt.study.native import Deviation
from causalopt.study.regulators import Regulator

_COLUMNS = (
    *("file", "format", "fault", "how", "deviation", "column", "compared", "missing"),
    *("unanswered", "regulators", "asked", "reading", "running", "digest"),
)
_HEAD = ("file", "format", "imported", "deviation", "CPU s", "regulators")
# So many regulators of a model are shown.
_SHOWN = 3
#: The first line of a survey in Markdown, by which it is known again.
MARK = "<!-- made by causalopt survey -->"
# What Markdown, or the HTML in it, would read as more than letters.
_ESCAPED = {ord(letter): f"&#{ord(letter)};" for letter in "\\`*_{}[]<>()#+!|~&$^\"':@"}
# The width of each cell of a line, in parts of all.
_PARTS = (20, 9, 20, 16, 9, 26)


# -- CSV -------------------------------------------------------------------------------------------


def as_csv(rows: Iterable[FileRow]) -> str:
    """Rows as CSV, with all that they say; ``rows_in`` reads it back.

    >>> rows_in(as_csv([FileRow("a.bif", "BIF", "1f")]), "a.csv")
    {'a.bif': FileRow(file='a.bif', format='BIF', digest='1f', fault='', how='', deviation=None,
    unanswered='', regulators=(), asked='', reading=0.0, running=0.0)}
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows([_cells(row)[name] for name in _COLUMNS] for row in rows)
    return text.getvalue()


def _cells(row: FileRow) -> Mapping[str, object]:
    found = row.deviation
    return {
        **{name: getattr(row, name) for name in ("file", "format", "fault", "how", "unanswered")},
        "deviation": "" if found is None else repr(found.largest),
        "column": "" if found is None else found.column,
        "compared": "" if found is None else found.compared,
        "missing": "" if found is None else json.dumps(found.missing),
        "regulators": json.dumps([[r.A, r.m, r.op] for r in row.regulators]),
        "asked": row.asked,
        "reading": f"{row.reading:.2f}",
        "running": f"{row.running:.2f}",
        "digest": row.digest,
    }


def rows_in(text: str, name: str) -> dict[str, FileRow]:
    """The rows of a survey in CSV, by their files. Raises ``FileError`` for any other file."""
    try:
        head, *lines = csv.reader(io.StringIO(text))
        if tuple(head) != _COLUMNS:
            raise ValueError
        rows = [_row(dict(zip(_COLUMNS, line, strict=True))) for line in lines]
    except (ValueError, TypeError, csv.Error, RecursionError):
        raise FileError(f"{name} is there, and is no survey: choose another name.") from None
    return {row.file: row for row in rows}


def _row(cells: Mapping[str, str]) -> FileRow:
    plain = ("file", "format", "digest", "fault", "how", "unanswered", "asked")
    found = None
    if cells["column"] or cells["deviation"]:
        missing = tuple(str(column) for column in json.loads(cells["missing"]))
        largest, compared = float(cells["deviation"]), int(cells["compared"])
        found = Deviation(largest, cells["column"], compared, missing)
    return FileRow(
        **{name: cells[name] for name in plain},
        deviation=found,
        regulators=tuple(
            Regulator(str(A), str(m), float(op)) for A, m, op in json.loads(cells["regulators"])
        ),
        reading=float(cells["reading"]),
        running=float(cells["running"]),
    )


def known_in(path: Path) -> dict[str, FileRow]:
    """The rows of an earlier survey; none where there is none, or it is in Markdown.

    Raises ``FileError`` where a file is there that is no survey.
    """
    if not path.exists():
        return {}
    text = read_text(path, "a survey")
    if path.suffix.lower() == ".csv":
        return rows_in(text, str(path))
    if not text.startswith(MARK):
        raise FileError(f"{path} is there, and is no survey: choose another name.")
    return {}


# -- words -----------------------------------------------------------------------------------------


def _words(row: FileRow, *, short: bool) -> tuple[str, ...]:
    """The cells of a row as text, its reasons in full or their first sentence."""
    told = first_sentence if short else str
    if row.fault:
        return row.file, row.format, told(row.fault), "", f"{row.reading:.1f}", ""
    imported = f"yes. {told(row.how)}" if row.how else "yes"
    strongest = "; ".join(map(str, row.regulators[:_SHOWN])) or "none"
    more = f"; {len(row.regulators) - _SHOWN} more" if row.regulators[_SHOWN:] else ""
    asked = f"{strongest}{more} ({row.asked})"
    seconds = f"{row.reading:.1f} + {row.running:.1f}"
    return row.file, row.format, imported, _deviation(row), seconds, asked


def _deviation(row: FileRow) -> str:
    """The largest deviation in words."""
    found = row.deviation
    if found is None:
        return row.unanswered
    size = f"{found.largest:.1e} in {found.column}" if found.largest else "0"
    apart = f", {len(found.missing)} not found" if found.missing else ""
    return f"{size} ({found.compared} compared{apart})"


def foot_of(rows: Sequence[FileRow], python: int) -> str:
    """What is said below a table: how many were read, and what was left alone."""
    read = sum(not row.fault for row in rows)
    apart = f" Models in Python are code, and were not run: {python}." if python else ""
    return f"{read} of {len(rows)} files were read.{apart}"


# -- Markdown and the terminal ---------------------------------------------------------------------


def as_markdown(rows: Sequence[FileRow], python: int = 0) -> str:
    """Rows as a table in Markdown; what files say is escaped, and is text alone."""
    lines = [_HEAD, *[["---"] * len(_HEAD)]]
    table = ["| " + " | ".join(line) + " |" for line in lines]
    for row in rows:
        cells = (" ".join(cell.split()).translate(_ESCAPED) for cell in _words(row, short=False))
        table.append("| " + " | ".join(cells) + " |")
    return "\n".join([MARK, "", *table, "", foot_of(rows, python), ""])


def head_lines(width: int) -> str:
    """The head of a table of so many columns of a terminal."""
    return f"{_line(_HEAD, width)}\n{'-' * width}"


def lines_of(row: FileRow, width: int) -> str:
    """A row, its cells broken where they are too long."""
    return _line(_words(row, short=True), width)


def _line(cells: Sequence[str], width: int) -> str:
    room = width - len(_PARTS) + 1
    widths = [math.floor(part * room / sum(_PARTS)) for part in _PARTS]
    printable = ["".join(c if c.isprintable() else "?" for c in cell) for cell in cells]
    broken = [textwrap.wrap(cell, size) for cell, size in zip(printable, widths, strict=True)]
    height = max(map(len, broken))
    padded = [part + [""] * (height - len(part)) for part in broken]
    return "\n".join(
        " ".join(part.ljust(size) for part, size in zip(line, widths, strict=True)).rstrip()
        for line in zip(*padded, strict=True)
    )
