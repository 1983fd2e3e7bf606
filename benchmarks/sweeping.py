"""Sweeps that are kept: what a chunk costs, and how much faster two processes are than one."""

from __future__ import annotations

import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.page import Section
from causalopt import System, op, parameters, sweep, variables
from causalopt.runs.cluster.engine import connected

T, R = variables("T R")
k, d = parameters("k d")
ROOM = System({T: R - d, R: R - k * T}, start={T: 10, R: 35}, parameters={k: 0.01, d: 25})
STRENGTH = partial(op, ROOM, A=T, n=R[0], m=R[1000])


def nothing(n: int) -> float:
    """A chunk without work."""
    return float(n)


def busy(seconds: float, n: int) -> float:
    """So many seconds of the processor's time, whoever else there is."""
    begin = time.process_time()
    while time.process_time() - begin < seconds:
        pass
    return float(n)


@contextmanager
def _store() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "x.zarr"


def _seconds(run: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


def overhead(chunks: int) -> tuple[float, float, float]:
    """Milliseconds of a chunk without work: by the clock, of the client's processor, of a worker's.

    The client's process has the scheduler in it, which all chunks go through.
    """
    with connected(None, 2, chunks) as client:
        with _store() as place:
            sweep(nothing, {"n": range(20)}, store=place, client=client, chunk=1)
        with _store() as place:
            begin, spent = time.perf_counter(), time.process_time()
            workers = sum(client.run(_spent).values())
            sweep(nothing, {"n": range(chunks)}, store=place, client=client, chunk=1)
            seconds, spent = time.perf_counter() - begin, time.process_time() - spent
            workers = sum(client.run(_spent).values()) - workers
    return tuple(1e3 * each / chunks for each in (seconds, spent, workers))


def _spent() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def speed_up(chunks: int, seconds: float) -> float:
    """How much faster two workers are than one, for chunks of so many seconds of work."""
    # Ten points each, so that the one that is looked at before is little beside them.
    ask, times = partial(busy, seconds / 10), {}
    for workers in (1, 2):
        with connected(None, workers, workers) as client, _store() as place:
            # Workers are there, and have imported what they need.
            client.wait_for_workers(workers)
            sweep(ask, {"n": range(30 * workers)}, store=place, client=client, chunk=10)
            times[workers] = _seconds(
                partial(sweep, ask, {"n": range(10 * chunks)}, store=place.with_name("y.zarr"),
                        client=client, chunk=10)
            )  # fmt: skip
    return times[1] / times[2]


def beside_one_call(points: int) -> tuple[float, float, float]:
    """Seconds of one call, of the same with threads of dask, and of ``client=None``, all told."""
    from distributed import Client, LocalCluster

    over = {k: np.linspace(0.001, 0.1, points), d: np.linspace(20, 30, points)}
    STRENGTH(over={k: [0.1] * 1, d: [25.0]})
    alone = _seconds(partial(STRENGTH, over=over))
    with _store() as place:
        kept = _seconds(partial(sweep, STRENGTH, over, store=place))
    threads = {"processes": False, "dashboard_address": None}
    with (
        LocalCluster(n_workers=1, threads_per_worker=os.cpu_count(), **threads) as cluster,
        Client(cluster, set_as_default=False) as client,
        _store() as place,
    ):
        threaded = _seconds(partial(sweep, STRENGTH, over, store=place, client=client))
    return alone, threaded, kept


def device() -> str:
    """On which device JAX computes here."""
    try:
        import jax
    except ImportError:
        return "JAX was skipped: it is not on this machine."
    kinds = sorted({f"{each.platform} ({each.device_kind})" for each in jax.devices()})
    if jax.default_backend() == "cpu":
        return "The row of a GPU was skipped: JAX sees none here."
    return f"JAX computes on {', '.join(kinds)}."


def section(quick: bool) -> Section:
    """What keeping a sweep costs, and what it gains."""
    wall, client, worker = overhead(200 if quick else 2_000)
    gain = statistics.median(
        speed_up(4 if quick else 16, 0.25 if quick else 1.0) for _ in range(1 if quick else 3)
    )
    alone, threaded, kept = beside_one_call(300 if quick else 3_000)
    rows = [
        "| | found | goal |",
        "|---|---|---|",
        f"| a chunk without work, by the clock | {wall:.1f} ms | at most 30 ms |",
        f"| the same, of the scheduler's and client's processor | {client:.1f} ms | |",
        f"| the same, of a worker's processor | {worker:.1f} ms | |",
        f"| two workers beside one, chunks of one second | {gain:.2f} x | at least 1.8 x |",
        f"| one call, without a store | {alone:.1f} s | |",
        f"| the same sweep, client=None, with its start | {kept:.1f} s | at most 1.05 x of it |",
        f"| the same, threads in place of processes | {threaded:.1f} s | |",
    ]
    return Section("Sweeps that are kept", rows=rows, notes=[device()])
