"""A sweep that is kept: its results, its failures, and how far it is."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from causalopt.language.naming import apart
from causalopt.runs.cluster.chunks import Part
from causalopt.runs.cluster.digests import AGAIN, fault_among
from causalopt.runs.cluster.marks import Attributes, ChunkMark, Marked, marked, marks_in
from causalopt.runs.cluster.store import Store
from causalopt.runs.cluster.survey import common
from causalopt.runs.masking import said

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt
    import xarray as xr


# What the table says of points whose chunk is still to be done.
_WAITING = "not done yet"

#: A place along each dim.
Place = tuple[int, ...]


@dataclass(frozen=True)
class Failure:
    """Where there is no number, and why: the labels of a point; of a chunk, the first and last."""

    where: Mapping[str, object]
    error: str
    chunk: int

    def __str__(self) -> str:
        places = [
            f"{name} from {label[0]} to {label[1]}" if isinstance(label, tuple)
            else f"{name} = {label}"
            for name, label in self.where.items()
        ]  # fmt: skip
        return f"{', '.join(places)}: {self.error}"


@dataclass(frozen=True)
class SweepStatus:
    """How far a sweep is: chunks that are done, those of them with faults, and how many there are.

    ``by`` counts them by who did them, ``seconds`` is how long that took all of them together.
    ``damaged`` chunks were done, and have files that are missing or cut by now.
    """

    done: int
    faulty: int
    chunks: int
    by: Mapping[str, int]
    seconds: float
    damaged: int = 0

    @property
    def is_complete(self) -> bool:
        """Whether every chunk has been done."""
        return self.done == self.chunks


@dataclass(frozen=True)
class StoredSweep:
    """A sweep in a store: ``data``, which is read from disk when it is asked for, and ``failures``.

    What lies in the store is an ordinary zarr group, that ``xarray.open_zarr`` opens too.
    """

    store: Store

    @property
    def path(self) -> Path:
        """The folder of the store."""
        return self.store.path

    @property
    def data(self) -> xr.Dataset:
        """The results, a lazy dataset; NaN where there are none, or none yet.

        Those of a function that is given ``on_failure="mask"`` say where runs failed, ``failed``.
        """
        data = self.store.data()
        return data.assign_coords(self._failed()) if self.store.masks else data

    @property
    def marked(self) -> Marked:
        """Which chunks have been done."""
        return marked(self.store.marks)

    @property
    def failures(self) -> tuple[Failure, ...]:
        """Where there is no number though it was asked for, and why, in the order of the points.

        So are chunks whose files are missing or cut by now.
        """
        labels, known, damaged = self._labels(), self.marked, self.damaged()
        faults = [fault for fault in self._faults(known) if fault[0] not in damaged]
        faults += [(n, None, f"{told} {AGAIN}") for n, told in damaged.items()]
        return tuple(
            Failure(self._where(self.store.chunks.part(n), place, labels), error, n)
            for n, place, error in sorted(faults, key=lambda fault: fault[0])
        )

    @property
    def table(self) -> xr.Dataset:
        """The results with a column ``error``: why there is no number; empty where there is one."""
        data, errors = self.data, self._errors()
        for number, told in self.damaged().items():
            errors[np.ix_(*self.store.chunks.part(number))] = f"{told} {AGAIN}"
        (name,) = apart(["error"], set(map(str, data.variables)))
        return data.assign({name: (self.store.dims, errors.astype(str))})

    @property
    def status(self) -> SweepStatus:
        """How far it is."""
        marks = dict(marks_in(self.store.marks, self.marked))
        damaged = self._damaged_among(marks.items(), in_full=False)
        sound = [mark for number, mark in marks.items() if number not in damaged]
        by = Counter(mark.by for mark in sound)
        faulty = sum(bool(mark.faults) for mark in sound)
        seconds = sum(mark.seconds for mark in sound)
        return SweepStatus(len(sound), faulty, self.store.chunks.count, by, seconds, len(damaged))

    def damaged(self, *, in_full: bool = False) -> dict[int, str]:
        """Chunks that were done and have lost some of it since, and what is wrong with their files.

        Files that are missing or cut are seen without being read. ``in_full``, all are read, which
        tells of a byte that has changed too.
        """
        return self._damaged_among(marks_in(self.store.marks, self.marked), in_full=in_full)

    def _damaged_among(
        self, marks: Iterable[tuple[int, ChunkMark]], *, in_full: bool
    ) -> dict[int, str]:
        """Damaged chunks among some; of marks of a version before nothing is known."""
        told = (
            (number, fault_among(self.path, mark.files or {}, in_full=in_full))
            for number, mark in marks
        )
        return {number: fault for number, fault in told if fault}

    def all_marks(self) -> Iterator[ChunkMark]:
        """The marks of all chunks that have one."""
        return (mark for _, mark in marks_in(self.store.marks, self.marked))

    def settled(self) -> StoredSweep:
        """The same, where results say of themselves what all chunks say together."""
        form = self.store.form
        names = ("", *form.orders)
        # A mark of a version before may leave out what is said everywhere.
        usual: Attributes = {name: form.said(name) for name in names}
        of_chunks = ({**usual, **mark.attributes} for mark in self.all_marks())
        total = functools.reduce(
            lambda one, other: {n: common([one[n], other[n]]) for n in names}, of_chunks
        )
        self.store.settle(total)
        return self

    def _labels(self) -> dict[str, list[tuple[str, list[object]]]]:
        """The names and values of what is swept along each dim."""
        data = self.store.data()
        return {
            dim: [
                (str(name), labels.values.tolist())
                for name, labels in data.coords.items()
                if labels.dims == (dim,)
            ]
            for dim in self.store.dims
        }

    def _errors(self) -> npt.NDArray[np.object_]:
        """Why there is no number, in words, at every point; empty where there is one."""
        known = self.marked
        errors = np.full(self.store.chunks.whole, _WAITING, dtype=object)
        for number in known.done | known.faulty:
            errors[np.ix_(*self.store.chunks.part(number))] = ""
        for number, place, error in self._faults(known):
            part = self.store.chunks.part(number)
            errors[np.ix_(*part) if place is None else _at(part, place)] = error
        return errors

    def _failed(self) -> dict[str, xr.Variable]:
        """Where runs failed, and why the first did, as a masked sweep labels it in one call."""
        errors = self._errors()
        failed = (errors != "") & (errors != _WAITING)
        reason = str(errors[failed][0]) if failed.any() else ""
        return said(self.store.dims, failed, reason)

    def _faults(self, known: Marked) -> Iterator[tuple[int, Place | None, str]]:
        """Chunks with faults: where in the chunk (None: all of it), and why, in order."""
        faulty = Marked(frozenset(), known.faulty)
        for number, mark in marks_in(self.store.marks, faulty):
            sizes = tuple(map(len, self.store.chunks.part(number)))
            for flat, reason in sorted(mark.faults):
                place = None if flat < 0 else tuple(map(int, np.unravel_index(flat, sizes)))
                yield number, place, mark.reasons[reason]

    def _where(
        self, part: Part, place: Place | None,
        labels: Mapping[str, list[tuple[str, list[object]]]],
    ) -> dict[str, object]:  # fmt: skip
        where: dict[str, object] = {}
        for i, (dim, places) in enumerate(zip(self.store.dims, part, strict=True)):
            for name, values in labels[dim]:
                ends = values[places[0]], values[places[-1]]
                where[name] = ends if place is None else values[places[place[i]]]
        return where


def _at(part: Part, place: Place) -> Place:
    """The place in the grid of a place in a part of it."""
    return tuple(places[i] for places, i in zip(part, place, strict=True))
