"""Sweeps that outgrow a machine: in chunks, kept in a store, and going on where they stopped."""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from causalopt.backends.workers import available
from causalopt.ground.checks import as_path, switch, whole
from causalopt.ground.errors import QueryError, SweepError
from causalopt.ground.progress import counted
from causalopt.runs.cluster.chunks import Chunks
from causalopt.runs.cluster.engine import connected
from causalopt.runs.cluster.forms import ResultForm
from causalopt.runs.cluster.gaps import Gaps
from causalopt.runs.cluster.identity import Identity, versions
from causalopt.runs.cluster.libraries import library
from causalopt.runs.cluster.marks import unmark
from causalopt.runs.cluster.store import Store, created, opened
from causalopt.runs.cluster.stored import StoredSweep
from causalopt.runs.cluster.submission import done_by, done_here, expected, trial_by
from causalopt.runs.cluster.survey import Survey, coordinates, dims_of, surveyed
from causalopt.runs.cluster.trial import Trial, tried
from causalopt.runs.cluster.work import Sent
from causalopt.runs.sweeps import Draws, Over

if TYPE_CHECKING:
    from distributed import Client


def sweep(
    asked: object,
    over: Over | None = None,
    *,
    store: str | Path,
    draws: Draws | None = None,
    client: Client | str | None = None,
    chunk: int | None = None,
    workers: int | None = None,
    retry: bool = False,
) -> StoredSweep:
    """Ask a question at many points, in chunks that are kept: on all cores, or on a cluster.

    ``asked`` is a ``Question`` (its Op), a ``Survey``, or a pure function of labelled results. One
    that takes ``over`` (and ``draws``), as ``partial(op, system, A=T, n=R[0], m=R[100])`` and
    ``partial(run, W, X)`` do, is given many points at once; any other is called at each point by
    keyword, ``f(k=0.1, seed=3)``. ``over`` is a grid, {k: values, ...}, or a list of points, and
    ``draws`` a number of chains of the noise, or a range of them.

    ``store`` is a new folder, or one that the same sweep has begun: then it goes on where that
    stopped, and nothing is computed twice. Each ``chunk`` of so many points is written, and marked
    when it is there; left out, it is chosen by memory and by how long the first points take.
    ``client`` is a ``Client`` of dask.distributed or the address of a scheduler. Without it,
    ``workers`` processes of this machine compute; where their number is left out, as many as it has
    cores, or this process alone, if that keeps all cores busy or is done before others start.

    A point where a value leaves the finite numbers, and a chunk that fails three times, is NaN, and
    recorded with its error in ``failures``; with ``retry``, these are done again. Where the
    function is given ``on_failure="mask"``, ``data`` has the coordinate ``failed`` of one call, and
    of points that failed side by side ``failures`` have the error of the first. Digits depend
    neither on who computes, nor on how often it was stopped, nor, but with JAX, on the chunks.

    Returns the ``StoredSweep``: ``data`` is a lazy dataset.

    Raises ``SweepError`` for a store of another sweep, a worker of another version and a scheduler
    that does not answer, ``FileError`` where the store cannot be written, ``TooLargeError`` for a
    chunk that does not fit in memory, and ``QueryError`` for no points, or one that comes twice.
    What was done by then stays. All files that a store has are read first: a chunk of which one is
    missing or changed is told by a ``RuntimeWarning``, and done again.

    >>> import tempfile
    >>> from functools import partial
    >>> from causalopt.language.symbols import parameters, variables
    >>> from causalopt.model.system import System
    >>> from causalopt.runs.results import run
    >>> T, R = variables("T R")
    >>> (k,) = parameters("k")
    >>> room = System({T: R - 25, R: R - k * T}, start={T: 10, R: 35}, parameters={k: 0.01})
    >>> last = partial(run, room.world(100), keep=R[100])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     kept = sweep(last, {k: [0.01, 0.02, 0.05]}, store=f"{folder}/room.zarr")
    ...     kept.data.R.values.round(3).ravel(), kept.status.done, kept.failures
    (array([28.623, 26.272, 25.044]), 3, ())
    """
    survey, place = surveyed(asked, over, draws), _place(store)
    retry = switch(retry, "retry")
    if workers is not None:
        whole(workers, "workers", 1)
    sent = packed(survey)
    identity = Identity.of(survey)
    wanted = None if chunk is None else whole(chunk, "chunk", 1)
    known = _begun(place, identity, wanted) if place.exists() else None
    if known is not None:
        _unmark_damaged(known)
        if not _left(known, retry):
            return StoredSweep(known)
    is_named = client is not None or workers is not None
    trial = None if is_named or known is not None else tried(sent, wanted)
    points = math.prod(survey.shape)
    if known is None and trial is not None and trial.is_soon_done(points, available()):
        known = _begin(place, survey, identity, trial, trial.chunk(points, 1, wanted), alone=True)
    if known is not None and known.alone and not is_named:
        return _finished(known, functools.partial(done_here, sent, known), retry)
    with connected(client, workers, points) as found:
        if known is None:
            # Of chunks that are named nothing needs to be known but what results look like.
            trial = trial or trial_by(found, sent, None if wanted is None else 0)
            size = trial.chunk(points, expected(found), wanted)
            known = _begin(place, survey, identity, trial, size, alone=False)
        return _finished(known, functools.partial(done_by, found, sent, known), retry)


def open_sweep(store: str | Path) -> StoredSweep:
    """The sweep in a store, as far as it is; nothing is computed, and dask is not needed.

    Raises ``SweepError`` where there is none, and ``FileError`` where it is damaged; results are
    looked at when they are read.
    """
    return StoredSweep(opened(_place(store)))


def packed(survey: Survey) -> Sent:
    """A survey as it is sent; what cannot be imported elsewhere goes along by value.

    Raises ``SweepError`` for what cannot be sent.
    """
    pickling = library("cloudpickle")
    try:
        return Sent(versions(), pickling.dumps(survey))
    except Exception as error:  # each library refuses in its own way
        raise SweepError(
            f"{survey.ask.words()} cannot be sent to other processes ({type(error).__name__}: "
            f"{error}): write it as a function of a module of yours, of values alone."
        ) from None


def _place(store: str | Path) -> Path:
    if isinstance(store, str) and "://" in store:
        raise QueryError(f"store is {store!r}: write a folder that all workers see.")
    return as_path(store, "store", "home.zarr").expanduser().absolute()


def _begun(place: Path, identity: Identity, chunk: int | None) -> Store:
    """The store that is there, if it is of the same sweep."""
    known = opened(place)
    identity.refuse_another(known.identity, place)
    if (
        chunk is not None
        and Chunks.of(known.chunks.whole, whole(chunk, "chunk", 1)) != known.chunks
    ):
        raise SweepError(
            f"{place} was begun with chunks of {known.chunks.each}: leave chunk out to go on."
        )
    return known


def _begin(
    place: Path, survey: Survey, identity: Identity, trial: Trial, points: int, *, alone: bool
) -> Store:
    """A new store; where another process has begun one meanwhile, that one, if it is the same."""
    form = ResultForm.of(trial.first, dims_of(trial.first, survey.extents))
    cut, coords = Chunks.of(survey.shape, points), coordinates(trial.first, survey.extents)
    masks = Gaps.of(trial.first, form.dims) is not None
    known = created(place, form, coords, cut, identity, alone=alone, masks=masks)
    identity.refuse_another(known.identity, place)
    return known


def _finished(
    store: Store, done: Callable[[Sequence[int]], Iterator[int]], retry: bool
) -> StoredSweep:
    """The sweep of a store, when what is left of it has been done."""
    left, total = _left(store, retry), store.chunks.count
    for _ in counted(done(left), total, total - len(left), "chunks"):
        pass
    return StoredSweep(store).settled()


def _unmark_damaged(store: Store) -> None:
    """Take away the marks of chunks whose files are not what was written, so that they are done."""
    damaged = StoredSweep(store).damaged(in_full=True)
    if not damaged:
        return
    first, *others = damaged.values()
    more = f" {len(others):,} more chunks are damaged too." if others else ""
    warnings.warn(f"{first}{more} What was lost is computed again.", RuntimeWarning, stacklevel=3)
    for number in damaged:
        unmark(store.marks, number)


def _left(store: Store, retry: bool) -> list[int]:
    """The chunks without a mark; to ``retry``, those with faults too."""
    marked = StoredSweep(store).marked
    done = marked.done if retry else marked.done | marked.faulty
    return [number for number in range(store.chunks.count) if number not in done]
