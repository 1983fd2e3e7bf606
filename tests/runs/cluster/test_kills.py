"""Processes that are killed at random moments lose nothing, and double nothing."""

import random

import numpy as np
import psutil
import pytest

from causalopt import open_sweep
from tests.runs.cluster import asked, killing
from tests.runs.cluster.asked import called


def check(store, folder, dealt, orphans, points=killing.POINTS):
    kept = open_sweep(store)
    assert kept.status.is_complete
    assert not kept.failures
    expected = np.array([asked.rough(str(folder), n) for n in range(points)])
    assert kept.data.value.values.tobytes() == expected.tobytes()
    # One mark for each chunk, and nothing else that counts as one.
    marks = sorted(file.name for file in kept.store.marks.iterdir() if file.suffix == ".done")
    assert marks == sorted(f"{number}.done" for number in range(points))
    # A kill costs what was in work, and no more: a chunk of each process, and one without its mark.
    again = sum(called(folder).values()) - 2 * points
    assert again <= 1 + dealt["worker"] + dealt["nanny"] + 3 * dealt["client"], dealt
    # Whoever lost its client has ended by itself.
    _, alive = psutil.wait_procs(orphans, timeout=30)
    assert not alive
    return again


def test_two_kills_lose_nothing(tmp_path):
    folder = tmp_path / "calls"
    folder.mkdir()
    kills, store = ["worker", "client"], tmp_path / "x.zarr"
    dealt, orphans = killing.swept_with_kills(store, folder, kills, seed=2, workers=1, points=24)
    assert dealt == {"worker": 1, "nanny": 0, "client": 1}
    check(store, folder, dealt, orphans, points=24)


@pytest.mark.long
def test_a_hundred_kills_lose_nothing(tmp_path):
    total, seed = {"worker": 0, "nanny": 0, "client": 0}, 0
    while sum(total.values()) < 100:
        seed += 1
        store, folder = tmp_path / f"{seed}.zarr", tmp_path / f"calls{seed}"
        folder.mkdir()
        kills = random.Random(seed).choices(["worker", "worker", "client", "client", "nanny"], k=8)
        dealt, orphans = killing.swept_with_kills(store, folder, kills, seed)
        again = check(store, folder, dealt, orphans)
        total = {kind: total[kind] + dealt[kind] for kind in total}
        print(f"{total}, {again} points again")
    assert min(total.values()) >= 10
