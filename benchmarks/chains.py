"""Chains of SGD in and out of a pit, 1,000 steps each. Contestant: C with OpenMP."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.escape import BOTTOM, PIT, SHALLOW, TOP, W
from benchmarks.native import library
from benchmarks.page import Goal, Section
from benchmarks.timing import alternate
from causalopt import run, sgd
from causalopt.plan.draws import key_of

RATE, STEPS, SEED = 0.012, 1_000, 1
SYSTEM = sgd([SHALLOW, SHALLOW + PIT], W, RATE, start={W: BOTTOM})


def ours(chains: int) -> Callable[[], Any]:
    """W of each chain in the end."""
    world = SYSTEM.world(steps=STEPS, seed=SEED)
    return lambda: run(world, draws=chains, keep="last", backend="numba").W.values[0, 0]


def in_c(generator: str) -> Callable[[int], Callable[[], Any] | None]:
    """The same with a generator; the one that counts makes the same draws."""

    def of(chains: int) -> Callable[[], Any] | None:
        found = library("chains", "-fopenmp")
        if found is None:
            return None
        key = map(ctypes.c_uint64, key_of(SEED, "pick_j").tolist())
        sizes = ctypes.c_long(chains), ctypes.c_long(STEPS)
        given = [*sizes, ctypes.c_double(RATE), ctypes.c_double(BOTTOM), *key]

        def made() -> Any:
            end = np.empty(chains)
            getattr(found, generator)(*given, end.ctypes.data_as(ctypes.c_void_p))
            return end

        return made

    return of


CONTESTANTS = {
    "causalopt": ours,
    "C with OpenMP, Philox": in_c("counted"),
    "C with OpenMP, xoshiro256+": in_c("carried"),
}


def check(chains: int) -> None:
    """The same ends where the draws are the same; else as many that have left, but for chance."""
    ends = {name: run() for name, make in CONTESTANTS.items() if (run := make(chains))}
    mine = ends.pop("causalopt")
    share = float((mine > TOP).mean())
    for name, end in ends.items():
        if name.endswith("Philox"):
            # The chains contract but on the wall, where rounding may decide.
            far = np.abs(end - mine) > 1e-9
            if far.mean() > 1e-4:
                raise AssertionError(f"{far.sum()} chains end elsewhere")
        elif abs((end > TOP).mean() - share) > 6 * (2 * share * (1 - share) / chains) ** 0.5:
            raise AssertionError("as many chains should leave, whatever the generator")


def section(quick: bool) -> Section:
    chains = 20_000 if quick else 1_000_000
    check(20_000)
    runs = {name: run for name, make in CONTESTANTS.items() if (run := make(chains))}
    times = alternate(runs, 3, clock=time.process_time)
    goals = [
        Goal("C with OpenMP, Philox", "at most", 1.5, inverse=True),
        Goal("C with OpenMP, xoshiro256+", "at most", 1.5, inverse=True),
    ]
    notes = [
        "CPU seconds over all threads. Both C programs draw one uniform number a step; that with "
        "Philox draws the same ones as ours and ends in the same places, so that chain 7 is chain "
        "7 however many there are. xoshiro256+ carries a state from step to step, and cannot."
    ]
    return Section(f"{chains:,} chains of SGD in a pit, {STEPS:,} steps", times, {}, goals, notes)
