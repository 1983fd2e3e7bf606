"""Handing out chunks: so many at a time, each again where it fails, until all have a mark."""

from __future__ import annotations

import itertools
import secrets
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from causalopt.ground.errors import FileError, SweepError
from causalopt.runs.cluster.marks import ChunkMark, write_mark
from causalopt.runs.cluster.store import Store
from causalopt.runs.cluster.trial import Trial, tried
from causalopt.runs.cluster.work import Refused, Sent, perform, told, whoami, why

if TYPE_CHECKING:
    from distributed import Client, Future

#: So often a chunk is tried; the last time, errors are recorded at their points.
TRIALS = 3

# Chunks that are handed out ahead, for each thread that works; how often these are counted anew.
_AHEAD, _COUNTED = 3, 64
# What ends a sweep, for it would come to every chunk: what is done by then stays.
_ENDS = (FileError, SweepError)


def trial_by(client: Client, sent: Sent, chunk: int | None) -> Trial:
    """The trial of a survey, on some worker; errors of the question are raised."""
    future = client.submit(told, tried, sent, chunk, _expected(client), pure=False)
    found: Trial | Refused = future.result()
    if isinstance(found, Refused):
        raise found.kind(found.words)
    return found


def done_by(client: Client, sent: Sent, store: Store, chunks: Sequence[int]) -> Iterator[int]:
    """The chunks of a store, as they get their marks.

    A chunk that fails three times is marked with its error, and the rest goes on. What would come
    to every chunk (a full disk, a worker of another version) is raised.
    """
    from distributed import as_completed

    name, failed = f"sweep-{secrets.token_hex(4)}", Counter[int]()
    # Kept by the scheduler, which makes it anew where the worker that has it dies.
    shared = client.submit(_itself, sent, key=f"{name}-question")
    waiting = iter(chunks)
    number_of: dict[Future[bool | Refused], int] = {}

    def handed_out(number: int) -> Future[bool | Refused]:
        trial = failed[number] + 1
        future = client.submit(
            *(told, perform, shared, str(store.path), store.token, number),
            forgiving=trial == TRIALS,
            key=f"{name}-{number}-{trial}",
        )
        number_of[future] = number
        return future

    first = [handed_out(number) for number in itertools.islice(waiting, _ahead(client))]
    following = as_completed(first, loop=client.loop)
    try:
        for count, future in enumerate(following, start=1):
            number, error = number_of.pop(future), _error_of(future)
            if error is None:
                yield number
            else:
                failed[number] += 1
                if failed[number] < TRIALS:
                    following.add(handed_out(number))
                    continue
                write_mark(store.marks, number, _of_a_whole_chunk(error))
                yield number
            room = 1 if count % _COUNTED else 1 + max(0, _ahead(client) - len(number_of))
            for following_number in itertools.islice(waiting, room):
                following.add(handed_out(following_number))
    finally:
        client.cancel(list(number_of), force=True)


def _ahead(client: Client) -> int:
    """How many chunks are handed out at a time."""
    return max(2 * _AHEAD, _AHEAD * _threads(client))


def _threads(client: Client) -> int:
    """How many threads work for a client."""
    return sum(client.nthreads().values())


def _expected(client: Client) -> int:
    """How many threads will, where some are still on their way."""
    coming = len(getattr(client.cluster, "worker_spec", ()))
    return max(1, coming, _threads(client))


def _itself(sent: Sent) -> Sent:
    return sent


def _error_of(future: Future[bool | Refused]) -> BaseException | None:
    """Why a chunk has no mark; an error that ends the sweep is raised."""
    if future.status in ("cancelled", "lost"):
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


def _of_a_whole_chunk(error: BaseException) -> ChunkMark:
    return ChunkMark(whoami(), 0.0, {}, [why(error)], [(-1, 0)])
