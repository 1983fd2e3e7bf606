"""A sweep that is kept: its results, its failures, and how far it is."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from causalopt.runs.cluster.chunks import Part
from causalopt.runs.cluster.marks import Attributes, ChunkMark, Marked, marked, marks_in
from causalopt.runs.cluster.store import Store
from causalopt.runs.cluster.survey import common

if TYPE_CHECKING:
    from pathlib import Path

    import xarray as xr


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
    """

    done: int
    faulty: int
    chunks: int
    by: Mapping[str, int]
    seconds: float

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
        """The results, a lazy dataset; NaN where there are none, or none yet."""
        return self.store.data()

    @property
    def marked(self) -> Marked:
        """Which chunks have been done."""
        return marked(self.store.marks)

    @property
    def failures(self) -> tuple[Failure, ...]:
        """Where there is no number though it was asked for, and why, in the order of the points."""
        numbers, labels = sorted(self.marked.faulty), self._labels()
        marks = marks_in(self.store.marks, numbers, "faults")
        return tuple(
            failure
            for number, mark in zip(numbers, marks, strict=True)
            for failure in self._failures(number, mark, labels)
        )

    @property
    def status(self) -> SweepStatus:
        """How far it is."""
        known, marks = self.marked, list(self.all_marks())
        by = Counter(mark.by for mark in marks)
        seconds = sum(mark.seconds for mark in marks)
        return SweepStatus(len(marks), len(known.faulty), self.store.chunks.count, by, seconds)

    def all_marks(self) -> Iterator[ChunkMark]:
        """The marks of all chunks that have one."""
        known = self.marked
        yield from marks_in(self.store.marks, sorted(known.done), "done")
        yield from marks_in(self.store.marks, sorted(known.faulty), "faults")

    def settled(self) -> StoredSweep:
        """The same, where results say of themselves what all chunks say together."""
        form = self.store.form
        names = ("", *form.orders)
        first: Attributes = {name: form.said(name) for name in names}
        of_chunks = (
            {name: mark.attributes.get(name, first[name]) for name in names}
            for mark in self.all_marks()
        )
        total = functools.reduce(
            lambda one, other: {n: common([one[n], other[n]]) for n in names}, of_chunks
        )
        self.store.settle(total)
        return self

    def _labels(self) -> dict[str, list[tuple[str, list[object]]]]:
        """The names and values of what is swept along each dim."""
        data = self.data
        return {
            dim: [
                (str(name), labels.values.tolist())
                for name, labels in data.coords.items()
                if labels.dims == (dim,)
            ]
            for dim in self.store.dims
        }

    def _failures(
        self, number: int, mark: ChunkMark, labels: Mapping[str, list[tuple[str, list[object]]]]
    ) -> Iterator[Failure]:
        part = self.store.chunks.part(number)
        sizes = tuple(map(len, part))
        for flat, reason in sorted(mark.faults):
            place = None if flat < 0 else [int(i) for i in np.unravel_index(flat, sizes)]
            yield Failure(self._where(part, place, labels), mark.reasons[reason], number)

    def _where(
        self, part: Part, place: list[int] | None,
        labels: Mapping[str, list[tuple[str, list[object]]]],
    ) -> dict[str, object]:  # fmt: skip
        where: dict[str, object] = {}
        for i, (dim, places) in enumerate(zip(self.store.dims, part, strict=True)):
            for name, values in labels[dim]:
                ends = values[places[0]], values[places[-1]]
                where[name] = ends if place is None else values[places[place[i]]]
        return where
