"""The trial before a sweep: what results look like, and how many points a chunk has."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from causalopt.ground.errors import EvaluationError, TooLargeError
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
# Work of so many seconds is done before others have started; and where one process keeps this part
# of the cores busy, others would take them from it.
_SOON, _BUSY = 20.0, 0.7
# A point that takes longer, in seconds, is looked at once.
_LONG = 10.0


@dataclass(frozen=True)
class Trial:
    """The results at one point; the bytes and seconds that a point takes; cores that it keeps busy.

    ``free`` are the bytes of memory where it was made, None where the system does not say.
    """

    first: xr.Dataset
    bytes: int
    seconds: float
    busy: float
    free: int | None

    def is_soon_done(self, points: int, cores: int) -> bool:
        """Whether one process does so many points as soon as several would, with their start."""
        return points * self.seconds < _SOON or self.busy >= _BUSY * cores

    def chunk(self, points: int, processes: int, wanted: int | None) -> int:
        """How many points a chunk has, of so many in all; those that are ``wanted``, if they fit.

        Raises ``TooLargeError`` where the results of a chunk for each process do not.
        """
        if wanted is not None:
            self._refuse_large(min(wanted, points), processes)
            return wanted
        seconds = max(_SECONDS, _EACH_PROCESS * processes)
        most = min(_BYTES // max(1, self.bytes), -(-points // (_EACH * processes)))
        return max(1, min(most, int(seconds / max(self.seconds, 1e-12))))

    def _refuse_large(self, points: int, processes: int) -> None:
        # They are there twice: as they are found, and as they are written.
        needed = 2 * self.bytes * points
        if self.free is not None and needed * processes > self.free:
            fitting = max(1, self.free // (2 * self.bytes * processes))
            raise TooLargeError(
                f"A chunk of {points:,} points has results of {self.bytes * points / 2**30:,.2f} "
                f"GiB, and {processes} processes hold one each: {self.free / 2**30:,.1f} GiB are "
                f"free. Write chunk={fitting:,} or less, or leave it out."
            )


def tried(sent: Sent, most: int | None = None) -> Trial:
    """Look at one point, and at some more, so many at ``most``, to see how long they take.

    Only how the work is cut, and who does it, depends on the clock: what is found does not.
    """
    survey, clock = sent.survey, _Clock()
    first = _first(survey)
    form, spent = ResultForm.of(first, dims_of(first, survey.extents)), clock.spent(1)
    # What takes long is not done twice to see how long it takes.
    measured = spent if spent[0] > _LONG or most == 0 else _measured(survey, form, most)
    return Trial(first, form.bytes, *measured, available())


def _first(survey: Survey) -> xr.Dataset:
    """The results at the first point at which there are some."""
    failed: Exception | None = None
    for part in _candidates(survey.shape):
        try:
            return answered(survey, part)
        except OF_POINTS as error:
            failed = failed or error
    raise failed or EvaluationError("There is no point.")


def _candidates(shape: tuple[int, ...]) -> Iterator[Part]:
    """Points to begin with: the first one, and then some that lie evenly among all."""
    whole = Chunks(shape, shape).points
    for flat in np.unique(np.linspace(0, whole - 1, min(_TRIED, whole)).astype(np.int64)):
        place = np.unravel_index(flat, shape)
        yield tuple(range(int(i), int(i) + 1) for i in place)


def _measured(survey: Survey, form: ResultForm, named: int | None) -> tuple[float, float]:
    """How many seconds a point takes, and how many cores are busy, by ever more points."""
    points, fitting = 1, max(1, _BYTES // max(1, form.bytes))
    most = min(math.prod(survey.shape), fitting, fitting if named is None else named)
    while True:
        part = Chunks.of(survey.shape, points).part(0)
        clock = _Clock()
        computed(survey, form, part, forgiving=True)
        each, busy = clock.spent(size(part))
        if each * size(part) >= _MEASURED or points >= most:
            return each, busy
        points = min(most, 8 * points)


@dataclass(frozen=True)
class _Clock:
    """When something began, by the clock, and by what this process had spent on all cores."""

    begin: float = field(default_factory=time.monotonic)
    used: float = field(default_factory=time.process_time)

    def spent(self, points: int) -> tuple[float, float]:
        """The seconds of each of so many points since then, and how many cores were busy."""
        seconds = max(time.monotonic() - self.begin, 1e-9)
        return seconds / points, (time.process_time() - self.used) / seconds
