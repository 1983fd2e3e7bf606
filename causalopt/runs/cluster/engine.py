"""Who computes: processes of this machine, started for a sweep, or the workers of a scheduler.

All sockets of what is started here are on the loopback interface, and there is no dashboard. The
scheduler is part of this process. Each worker has a nanny, a process that starts it again where it
dies; these are started as programs of their own, so that a script needs no guard around its sweeps.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from causalopt.backends import workers
from causalopt.ground import memory
from causalopt.ground.checks import whole
from causalopt.ground.errors import SweepError
from causalopt.runs.cluster.libraries import library

if TYPE_CHECKING:
    from distributed import Client

_LOOPBACK = "127.0.0.1"
_WATCH = "causalopt.runs.cluster.orphans"
# Seconds in which a worker gives up to find the scheduler, in which a scheduler has to answer, and
# in which the first process has to start.
_PATIENCE, _ANSWER, _START = 60, 10, 120
# A nanny that ends is started again after so many seconds.
_PAUSE = 0.5
# What is set for workers where nothing else is said: they hold their peace, show no pages, take no
# samples of what runs in them, put nothing aside for want of memory (their results are on disk),
# keep to one thread each, and leave memory of a GPU to one another.
_ENVIRONMENT = {
    "DASK_LOGGING__DISTRIBUTED": "critical",
    "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
    "DASK_DISTRIBUTED__WORKER__HTTP__ROUTES": "[]",
    "DASK_DISTRIBUTED__NANNY__HTTP__ROUTES": "[]",
    "DASK_DISTRIBUTED__WORKER__MEMORY__TARGET": "False",
    "DASK_DISTRIBUTED__WORKER__MEMORY__SPILL": "False",
    "DASK_DISTRIBUTED__WORKER__MEMORY__PAUSE": "False",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
}


@contextlib.contextmanager
def connected(client: Client | str | None, processes: int | None, points: int) -> Iterator[Client]:
    """The client of a scheduler: the one given, that at an address, or one of this machine's own.

    Raises ``SweepError`` where no scheduler answers at an address.
    """
    library("distributed")
    if client is None:
        with _own(min(points, _processes(processes))) as own:
            yield own
    elif isinstance(client, str):
        with _at(client) as found:
            yield found
    else:
        if not hasattr(client, "submit") or not hasattr(client, "nthreads"):
            raise SweepError(
                f"client is a {type(client).__name__}: give a Client of dask.distributed, or leave "
                "it out for this machine's cores."
            )
        yield client


def _processes(given: int | None) -> int:
    return workers.available() if given is None else whole(given, "workers", 1)


@contextlib.contextmanager
def _at(address: str) -> Iterator[Client]:
    """The client of the scheduler at an address."""
    from distributed import Client
    from distributed.comm.addressing import get_address_host_port

    try:
        # Of what is no address: its client would hang when it is closed, with an error of its own.
        if not address.startswith("inproc://"):
            get_address_host_port(address)
        client = Client(address, timeout=_ANSWER, set_as_default=False)
    except (OSError, TimeoutError, ValueError, TypeError) as error:  # the last without TLS
        reason = str(error).split("\n")[0] or type(error).__name__
        raise SweepError(
            f"No scheduler answers at {address} within {_ANSWER} seconds ({reason}): start one, "
            "dask scheduler, and write the address that it tells, such as tcp://10.0.0.5:8786."
        ) from None
    with client:
        yield client


@contextlib.contextmanager
def _own(count: int) -> Iterator[Client]:
    """A scheduler in this process, and so many workers."""
    if os.name != "posix":
        raise SweepError(
            "On this system processes are not started for you: write "
            "client=Client(LocalCluster()), of dask.distributed, inside if __name__ == '__main__'."
        )
    import dask
    from distributed import Client, Scheduler
    from distributed.deploy.spec import SpecCluster
    from distributed.utils import silence_logging_cmgr

    sockets = {"host": _LOOPBACK, "dashboard": False, "dashboard_address": f"{_LOOPBACK}:0"}
    scheduler = {"cls": Scheduler, "options": {**sockets, "port": 0}}
    free = memory.available()
    options = {
        **sockets,
        "nthreads": 1,
        "death_timeout": _PATIENCE,
        "preload": [_WATCH],
        "preload_nanny": [_WATCH],
        # A worker that takes more is stopped before the system stops whichever it likes.
        "memory_limit": 0 if free is None else free // count,
    }
    each = {"cls": _nanny(), "options": {"worker_kwargs": options}}
    with (
        # Until all is closed: what is on its way then would be told.
        silence_logging_cmgr(logging.CRITICAL),
        dask.config.set({"distributed.scheduler.http.routes": []}),
        SpecCluster(dict.fromkeys(range(count), each), scheduler, silence_logs=False) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        try:
            client.wait_for_workers(1, timeout=_START)
        except TimeoutError:
            raise SweepError(
                f"The processes that would compute have not started within {_START} seconds: see "
                "what python -m dask spec says here, or give a client of your own."
            ) from None
        yield client


def _nanny() -> type:
    """A nanny as a program: dask's own, in our environment, started again wherever it ends."""
    from distributed.deploy.subprocess import SubprocessWorker

    class Nanny(SubprocessWorker):
        watching: asyncio.Task[None] | None = None

        async def _start(self) -> None:
            await self._spawn()
            self.watching = asyncio.create_task(self._watch())

        async def _spawn(self) -> None:
            spec = {"cls": self.worker_class, "opts": self.worker_kwargs}
            command = [sys.executable, "-m", "dask", "spec", self.scheduler, "--spec"]
            # Out of reach of Ctrl-C, which is for who asked. Errors come back as results; what
            # libraries say when they are killed is for nobody.
            self.process = await asyncio.create_subprocess_exec(
                *(*command, json.dumps(spec)),
                env=_environment(),
                start_new_session=True,
                stderr=asyncio.subprocess.DEVNULL,
            )

        async def _watch(self) -> None:
            while self.process is not None:
                await self.process.wait()
                await asyncio.sleep(_PAUSE)
                await self._spawn()

        async def close(self) -> None:
            if self.watching is not None:
                self.watching.cancel()
            await super().close()

    return Nanny


def _environment() -> dict[str, str]:
    """The environment of workers: they find modules where this process does."""
    places = [os.path.abspath(place) for place in sys.path]
    return {**_ENVIRONMENT, **os.environ, "PYTHONPATH": os.pathsep.join(places)}
