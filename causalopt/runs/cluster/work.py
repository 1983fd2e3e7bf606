"""What a worker does: it computes a chunk, writes it, and then its mark."""

from __future__ import annotations

import functools
import os
import pickle
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from causalopt.backends.auto import as_part
from causalopt.backends.workers import one_of_many
from causalopt.ground.errors import CausaloptError, EvaluationError, NotAtPointsError, SweepError
from causalopt.ground.types import Array
from causalopt.runs.cluster.chunks import Chunks, Part, halves, points_of, size
from causalopt.runs.cluster.forms import ResultForm
from causalopt.runs.cluster.gaps import Gaps
from causalopt.runs.cluster.identity import refuse_other_versions
from causalopt.runs.cluster.marks import Attributes, ChunkMark, write_mark
from causalopt.runs.cluster.store import Store, opened
from causalopt.runs.cluster.survey import Said, Survey, common
from causalopt.runs.masking import AllFailed

if TYPE_CHECKING:
    import xarray as xr

T = TypeVar("T")

#: What may be wrong at one point, or with too many points at once: the others go on.
OF_POINTS = (EvaluationError, NotAtPointsError, MemoryError)


@dataclass(frozen=True)
class Sent:
    """A survey as it is sent, with the versions of who asks.

    Nothing of ``packed`` is unpacked before the versions are the same.
    """

    versions: Mapping[str, str]
    packed: bytes

    @property
    def survey(self) -> Survey:
        """The survey, unpacked once in a process."""
        refuse_other_versions(self.versions, whoami())
        return _unpacked(self.packed)


@dataclass(frozen=True)
class Computed:
    """What was found at a part: numbers, what is said of them, and why there are none at some."""

    arrays: Mapping[str, Array]
    attributes: Attributes
    faults: Mapping[tuple[int, ...], str]


@dataclass(frozen=True)
class Refused:
    """An error of the package as a result: not all errors survive the way to another process."""

    kind: type[CausaloptError]
    words: str


def beside_others(work: Callable[..., T], *given: object, **named: object) -> T | Refused:
    """What a piece of work gives where others run beside it, or the error of the package."""
    try:
        with one_of_many():
            return work(*given, **named)
    except CausaloptError as error:
        return Refused(type(error), str(error))


def perform(sent: Sent, place: str, token: str, number: int, *, forgiving: bool) -> bool:
    """Compute a chunk, write it, and then its mark; whether there is a number at every point.

    ``forgiving``, any error at a point is recorded as a fault of it, in place of being raised.
    """
    begin = time.monotonic()
    survey, store = sent.survey, _store(place, token)
    part, form = store.chunks.part(number), _form(store)
    found = computed(survey, form, part, forgiving=forgiving)
    files = store.write(form, part, found.arrays)
    reasons = list(dict.fromkeys(found.faults.values()))
    places = {point: i for i, point in enumerate(points_of(part))} if found.faults else {}
    faults = sorted((places[point], reasons.index(told)) for point, told in found.faults.items())
    spent = time.monotonic() - begin
    mark = ChunkMark(whoami(), spent, found.attributes, reasons, faults, files)
    write_mark(store.marks, number, mark)
    return not faults


def computed(survey: Survey, form: ResultForm, part: Part, *, forgiving: bool) -> Computed:
    """What is found at a part; where that fails, at each half of it, down to single points."""
    caught: tuple[type[Exception], ...] = (Exception,) if forgiving else OF_POINTS
    arrays = form.blank(part)
    said: dict[str, Said] = {}
    faults: dict[tuple[int, ...], str] = {}
    waiting = [part]
    while waiting:
        piece = waiting.pop()
        try:
            found = answered(survey, piece)
            form.put(arrays, found, piece, part, survey.extents)
        except caught as error:
            if isinstance(error, AllFailed) and error.points == size(piece):
                faults.update(Gaps.everywhere(piece, why(error)).told(piece))
            elif size(piece) > 1:
                waiting += halves(piece)
            else:
                faults[next(points_of(piece))] = why(error)
            continue
        gaps = Gaps.of(found, form.dims)
        faults.update(() if gaps is None else gaps.told(piece))
        for name in ("", *form.orders):
            attrs = (found[name] if name else found).attrs
            said[name] = common([said[name], attrs]) if name in said else common([attrs])
    return Computed(arrays, said or form.unsaid(), faults)


def answered(survey: Survey, part: Part) -> xr.Dataset:
    """What is found at a part, by the backend that all points at once would have."""
    whole = Chunks(survey.shape, survey.shape).points
    with as_part(size(part), whole):
        return survey.answer(part)


def why(error: BaseException) -> str:
    """An error in words: its own, where it is the package's, else with its kind."""
    if isinstance(error, CausaloptError):
        return str(error)
    return f"{type(error).__name__}: {error}"


@functools.cache
def whoami() -> str:
    """This process, by its machine and number."""
    return f"{socket.gethostname()}:{os.getpid()}"


@functools.lru_cache(maxsize=4)
def _unpacked(packed: bytes) -> Survey:
    survey: Survey = pickle.loads(packed)
    return survey


@functools.lru_cache(maxsize=4)
def _store(place: str, token: str) -> Store:
    store = opened(Path(place))
    if store.token != token:
        raise SweepError(f"{place} is another store by now: somebody has put one in its place.")
    return store


@functools.lru_cache(maxsize=4)
def _form(store: Store) -> ResultForm:
    return store.form
