"""Marks: what became of each chunk of a sweep, one file each, written when its data are there.

A chunk is marked as done, or with its faults. A file is replaced as a whole, and says by its name
what it is, so that nothing needs to be read to know what is left.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from causalopt.ground.errors import SweepError
from causalopt.ground.files import replacement
from causalopt.runs.cluster.digests import Digest, Files
from causalopt.runs.cluster.survey import Said

#: What each variable says of itself in a chunk, by its name; the results as a whole by none.
Attributes = Mapping[str, Said]

_NAME = re.compile(r"(\d+)\.(done|faults)")
# A file inside the store alone.
_PLACE = re.compile(r"(?!\.{1,2}/)[^/]+/c(/\d+)*")


@dataclass(frozen=True)
class ChunkMark:
    """What became of a chunk: who did it, in how many seconds, and what went wrong.

    ``attributes`` are what results say of themselves there, and of each variable.
    ``faults`` are places in the chunk, counted as points are, and why there is no number there (by
    its place in ``reasons``); a place below zero stands for the whole chunk.
    ``files`` are the digests of the files in which its numbers are; of a chunk that was never
    written, and in the mark of a version before, None.
    """

    by: str
    seconds: float
    attributes: Attributes
    reasons: Sequence[str] = ()
    faults: Sequence[tuple[int, int]] = ()
    files: Files | None = None


@dataclass(frozen=True)
class Marked:
    """The numbers of the chunks that are done, and of those with faults."""

    done: frozenset[int]
    faulty: frozenset[int]


def write_mark(folder: Path, number: int, mark: ChunkMark) -> None:
    """ChunkMark a chunk; a mark that is there already is replaced."""
    done, faulty = (folder / f"{number}.{kind}" for kind in ("done", "faults"))
    with replacement(faulty if mark.faults else done) as temporary:
        temporary.write_text(json.dumps(asdict(mark)), encoding="utf-8")
    # In this order, so that a chunk has a mark at any moment.
    (done if mark.faults else faulty).unlink(missing_ok=True)


def unmark(folder: Path, number: int) -> None:
    """Take the marks of a chunk away, so that it is done again."""
    for kind in ("done", "faults"):
        (folder / f"{number}.{kind}").unlink(missing_ok=True)


def is_done(folder: Path, number: int) -> bool:
    """Whether a chunk is marked as done."""
    return (folder / f"{number}.done").exists()


def marked(folder: Path) -> Marked:
    """Which chunks have a mark; what is done is not faulty, while one mark replaces another too."""
    numbers: dict[str, set[int]] = {"done": set(), "faults": set()}
    with os.scandir(folder) as files:
        for file in files:
            found = _NAME.fullmatch(file.name)
            if found is not None:
                numbers[found[2]].add(int(found[1]))
    return Marked(frozenset(numbers["done"]), frozenset(numbers["faults"] - numbers["done"]))


def marks_in(folder: Path, marks: Marked) -> Iterator[tuple[int, ChunkMark]]:
    """The marks of chunks, by their numbers: those that are done, then those with faults."""
    numbers = [(n, "done") for n in sorted(marks.done)]
    numbers += [(n, "faults") for n in sorted(marks.faulty)]
    for number, kind in numbers:
        mark = _read(folder / f"{number}.{kind}")
        if mark is not None:  # else another process does it again just now
            yield number, mark


def mark_of(folder: Path, number: int) -> ChunkMark | None:
    """The mark of a chunk, where it has one."""
    return _read(folder / f"{number}.done") or _read(folder / f"{number}.faults")


def _read(file: Path) -> ChunkMark | None:
    try:
        mark = ChunkMark(**json.loads(file.read_text(encoding="utf-8")))
        if mark.files is None:
            return mark
        files: dict[str, Digest] = {
            place: (int(size), str(sha)) for place, (size, sha) in mark.files.items()
        }
        if not all(_PLACE.fullmatch(place) for place in files):
            raise ValueError(files)
        return replace(mark, files=files)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, AttributeError):
        raise SweepError(
            f"{file} cannot be read: remove it, and the chunk is done again."
        ) from None
