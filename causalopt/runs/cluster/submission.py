"""Handing out chunks: so many at a time, each again where it fails, until all have a mark."""

from __future__ import annotations

import itertools
import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from causalopt.ground.errors import FileError, SweepError
from causalopt.runs.cluster.marks import ChunkMark, is_done, write_mark
from causalopt.runs.cluster.store import Store
from causalopt.runs.cluster.trial import Trial, tried
from causalopt.runs.cluster.work import Refused, Sent, beside_others, perform, whoami, why

if TYPE_CHECKING:
    from distributed import Client, Future

#: So often a chunk is tried; the last time, errors are recorded at their points.
TRIALS = 3

# Chunks that are handed out ahead, for each thread that works; how often these are counted anew.
_AHEAD, _COUNTED = 3, 64
# What ends a sweep, for it would come to every chunk: what is done by then stays.
_ENDS = (FileError, SweepError)
# What is told of a chunk during which processes die even where nothing else waits for them.
_DEADLY = "each process that computes it dies, by a fault of some library or for want of memory"


def trial_by(client: Client, sent: Sent, most: int | None) -> Trial:
    """The trial of a survey, on some worker; errors of the question are raised."""
    from distributed import KilledWorker

    try:
        future = client.submit(beside_others, tried, sent, most, pure=False)
        found: Trial | Refused = future.result()
    except KilledWorker:
        raise SweepError(
            "The first points end the process that computes them. Where others do not, name a "
            "chunk, such as chunk=100: then one point alone is looked at before."
        ) from None
    if isinstance(found, Refused):
        raise found.kind(found.words)
    return found


def done_here(sent: Sent, store: Store, chunks: Sequence[int]) -> Iterator[int]:
    """The chunks of a store, done one after the other in this process, which has all cores."""
    for number in chunks:
        for trial in range(1, TRIALS + 1):
            try:
                given = sent, str(store.path), store.token, number
                perform(*given, forgiving=trial == TRIALS)
                break
            except _ENDS:
                raise
            except Exception as error:
                if trial == TRIALS:
                    write_mark(store.marks, number, _of_a_whole_chunk(store, why(error)))
        yield number


def done_by(client: Client, sent: Sent, store: Store, chunks: Sequence[int]) -> Iterator[int]:
    """The chunks of a store, as they get their marks.

    A chunk that fails three times is marked with its error, and the rest goes on. So is one that
    ends the processes that do it. As chunks that waited for the same processes are suspects too,
    each of these is done by itself in the end. What would come to every chunk (a full disk, a
    worker of another version) is raised.
    """
    name = f"sweep-{secrets.token_hex(4)}"
    # Kept by the scheduler, which makes it anew where the worker that has it dies.
    desk = _Desk(client, name, client.submit(_itself, sent, key=f"{name}-question"), store)
    suspects: list[int] = []
    yield from desk.done(chunks, suspects.append)
    for number in suspects:
        yield from desk.done([number], None)


@dataclass(frozen=True)
class _Desk:
    """Where the chunks of a store are handed out, and come back."""

    client: Client
    name: str
    question: Future[Sent]
    store: Store
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def handed_out(self, number: int, trial: int) -> Future[bool | Refused]:
        """A chunk on its way; the last time that it is tried, errors are put down to points."""
        return self.client.submit(
            *(beside_others, perform, self.question, str(self.store.path), self.store.token),
            *(number,),
            forgiving=trial == TRIALS,
            key=f"{self.name}-{number}-{next(self.numbers)}",
        )

    def done(self, chunks: Sequence[int], suspect: Callable[[int], None] | None) -> Iterator[int]:
        """Chunks as they get their marks; where processes die, a ``suspect`` gets none, if told."""
        from distributed import KilledWorker, as_completed

        waiting, failed = iter(chunks), Counter[int]()
        number_of: dict[Future[bool | Refused], int] = {}

        def more(count: int) -> list[Future[bool | Refused]]:
            new = {self.handed_out(n, 1): n for n in itertools.islice(waiting, count)}
            number_of.update(new)
            return list(new)

        following = as_completed(more(_ahead(self.client)), loop=self.client.loop)
        try:
            for count, future in enumerate(following, start=1):
                number, is_lost = number_of.pop(future), _is_lost(future)
                if is_lost and not is_done(self.store.marks, number):
                    again = self.handed_out(number, failed[number] + 1)
                    number_of[again] = number
                    following.add(again)
                    continue
                error = None if is_lost else _error_of(future)
                failed[number] += error is not None
                is_deadly = isinstance(error, KilledWorker)
                if is_deadly and suspect is not None:
                    suspect(number)
                elif error is not None and not is_deadly and failed[number] < TRIALS:
                    again = self.handed_out(number, failed[number] + 1)
                    number_of[again] = number
                    following.add(again)
                    continue
                else:
                    if error is not None:
                        told = _DEADLY if is_deadly else why(error)
                        write_mark(self.store.marks, number, _of_a_whole_chunk(self.store, told))
                    yield number
                room = 1 if count % _COUNTED else _ahead(self.client) - len(number_of)
                following.update(more(max(1, room)))
        finally:
            self.client.cancel(list(number_of), force=True)


def _ahead(client: Client) -> int:
    """How many chunks are handed out at a time."""
    return max(2 * _AHEAD, _AHEAD * _threads(client))


def _threads(client: Client) -> int:
    """How many threads work for a client."""
    return sum(client.nthreads().values())


def expected(client: Client) -> int:
    """How many threads will, where some are still on their way."""
    coming = len(getattr(client.cluster, "worker_spec", ()))
    return max(1, coming, _threads(client))


def _itself(sent: Sent) -> Sent:
    return sent


def _is_lost(future: Future[bool | Refused]) -> bool:
    """Whether a chunk came to its end, and its worker died before what it says was fetched."""
    return future.status == "lost"


def _error_of(future: Future[bool | Refused]) -> BaseException | None:
    """Why a chunk has no mark; an error that ends the sweep is raised."""
    if future.status == "cancelled":
        raise SweepError(
            "The scheduler is gone, or has forgotten this sweep. What is done stays: write the "
            "same sweep again to go on."
        )
    error = future.exception() if future.status == "error" else None
    if isinstance(error, ImportError | AttributeError) and "causalopt" in str(error):
        raise SweepError(
            f"A worker has another version of causalopt ({error}): install the same there."
        )
    found = None if error else future.result()
    if isinstance(found, Refused):
        error = found.kind(found.words)
    if isinstance(error, _ENDS):
        raise error
    return error


def _of_a_whole_chunk(store: Store, told: str) -> ChunkMark:
    return ChunkMark(whoami(), 0.0, store.form.unsaid(), [told], [(-1, 0)])
