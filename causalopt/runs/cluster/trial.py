"""The trial before a sweep: what results look like, and how many points a chunk has."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from causalopt.backends.workers import one_of_many
from causalopt.ground.errors import TooLargeError
from causalopt.ground.memory import available
from causalopt.runs.cluster.chunks import Chunks, Part, size
from causalopt.runs.cluster.forms import ResultForm
from causalopt.runs.cluster.survey import Survey, dims_of
from causalopt.runs.cluster.work import OF_POINTS, Sent, answered, computed

if TYPE_CHECKING:
    import xarray as xr

# A chunk takes about so many seconds, as far as the first ones tell, and is measured for so many;
# more where so many processes work that a scheduler would be kept busy by them, at so much each.
_SECONDS, _MEASURED, _EACH_PROCESS = 2.0, 0.2, 0.01
# Its results take no more bytes than this, and each process that works has so many chunks to do.
_BYTES, _EACH = 2**26, 4
# So many points are tried before it is said that none can be computed.
_TRIED = 64


@dataclass(frozen=True)
class Trial:
    """The results at one point, and how many points a chunk has."""

    first: xr.Dataset
    points: int


def tried(sent: Sent, chunk: int | None, processes: int) -> Trial:
    """Look at one point, and, where no chunk is named, at some more, to see how long they take.

    Only how the work is cut depends on the clock: what is found does not depend on that.
    """
    survey = sent.survey
    with one_of_many():
        first = _first(survey)
        form = ResultForm.of(first, dims_of(first, survey.extents))
        whole = Chunks(survey.shape, survey.shape).points
        if chunk is not None:
            refuse_large(form.bytes, min(chunk, whole), processes)
            return Trial(first, chunk)
        most = max(1, min(_BYTES // max(1, form.bytes), -(-whole // (_EACH * processes))))
        seconds = max(_SECONDS, _EACH_PROCESS * processes)
        return Trial(first, max(1, min(most, _in_time(survey, form, most, seconds))))


def refuse_large(each: int, points: int, processes: int) -> None:
    """Raise ``TooLargeError`` where results of a chunk for each process do not fit in memory."""
    free = available()
    # They are there twice: as they are found, and as they are written.
    needed = 2 * each * points
    if free is not None and needed * processes > free:
        fitting = max(1, free // (2 * each * processes))
        raise TooLargeError(
            f"A chunk of {points:,} points has results of {each * points / 2**30:,.2f} GiB, and "
            f"{processes} processes hold one each: {free / 2**30:,.1f} GiB are free. Write "
            f"chunk={fitting:,} or less, or leave it out."
        )


def _first(survey: Survey) -> xr.Dataset:
    """The results at the first point at which there are some."""
    failed: Exception | None = None
    for part in _candidates(survey.shape):
        try:
            return answered(survey, part)
        except OF_POINTS as error:
            failed = failed or error
    assert failed is not None
    raise failed


def _candidates(shape: tuple[int, ...]) -> Iterator[Part]:
    """Points to begin with: the first one, and then some that lie evenly among all."""
    whole = Chunks(shape, shape).points
    for flat in np.unique(np.linspace(0, whole - 1, min(_TRIED, whole)).astype(np.int64)):
        place = np.unravel_index(flat, shape)
        yield tuple(range(int(i), int(i) + 1) for i in place)


def _in_time(survey: Survey, form: ResultForm, most: int, wanted: float) -> int:
    """How many points are done in the time of a chunk, by ever more of them."""
    points = 1
    while True:
        part = Chunks.of(survey.shape, points).part(0)
        begin = time.monotonic()
        computed(survey, form, part, forgiving=False)
        seconds = time.monotonic() - begin
        count = size(part)
        if seconds >= _MEASURED or points >= most:
            return int(count * wanted / max(seconds, 1e-9))
        points = min(most, 8 * points)
