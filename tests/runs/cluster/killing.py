"""Sweeps whose processes are killed at random moments, workers and clients alike."""

import os
import random
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import psutil

from causalopt import open_sweep, sweep
from tests.runs.cluster import asked

ROOT = Path(__file__).parent.parent.parent.parent
POINTS = 60  # unless a test says how many
# By what the processes that a sweep starts are known.
WORDS = {"worker": "spawn_main", "nanny": "dask spec"}


def values(folder):
    """What is swept here: a number with all its digits, and a note of each call."""
    return partial(asked.rough, str(folder))


def run_to_the_end(store, folder, workers, points):
    """One call of a sweep, in a process that may be killed."""
    sweep(values(folder), {"n": range(int(points))}, store=store, workers=int(workers), chunk=1)


PROGRAM = """
import sys
from tests.runs.cluster.killing import run_to_the_end
run_to_the_end(*sys.argv[1:])
"""


class Client:
    """A process that sweeps, with the processes that it starts."""

    def __init__(self, *words):
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *map(str, words)], env=env, cwd=ROOT,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip

    def started(self):
        """All processes below it, and it."""
        try:
            own = psutil.Process(self.process.pid)
            return [own, *own.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def those(self, kind):
        """The processes that compute, which a nanny has spawned; or the nannies."""
        found = []
        for process in self.started():
            try:
                if WORDS[kind] in " ".join(process.cmdline()):
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def ended(self):
        return self.process.poll() is not None


def swept_with_kills(store, folder, kills, seed, workers=2, points=POINTS):
    """Sweep until all is done, with these SIGKILLs on the way, if it is not done before.

    ``kills`` says of what: workers, nannies or clients, one after the other, each at a random
    moment once something has been written. Gives how many there were of each kind, and who lost
    its client.
    """
    guess = random.Random(seed)
    dealt = {"worker": 0, "nanny": 0, "client": 0}
    left, orphans = list(kills), []
    client = Client(store, folder, workers, points)
    while not client.ended():
        time.sleep(guess.uniform(0.05, 0.6))
        if not left or not _done(store):
            continue
        if left[0] in WORDS:
            some = client.those(left[0])
            if not some:
                continue
            _kill(guess.choice(some))
        else:
            orphans += client.started()
            client.process.send_signal(signal.SIGKILL)
            client.process.communicate()
            client = Client(store, folder, workers, points)
        dealt[left.pop(0)] += 1
    _, said = client.process.communicate()
    assert client.process.returncode == 0, said.decode()
    return dealt, orphans


def _done(store):
    """Whether a sweep has begun to write."""
    return Path(store).exists() and bool(open_sweep(store).marked.done)


def _kill(process):
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return
