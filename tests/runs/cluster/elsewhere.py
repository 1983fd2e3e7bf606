"""A scheduler and workers in processes of their own, with folders and caches of their own."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import psutil

ROOT = Path(__file__).parent.parent.parent.parent


@contextlib.contextmanager
def scheduler_with_workers(folder, count=2, path=ROOT, secured=()):
    """Gives the processes, and the file in which the scheduler says where it is.

    ``secured`` are words of the command line for all of them.
    """
    env = {**os.environ, "PYTHONPATH": str(path), "DASK_LOGGING__DISTRIBUTED": "critical",
           "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "5s"}  # fmt: skip
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    told = folder / "scheduler.json"
    dask = [sys.executable, "-m", "dask"]
    host = "tls://127.0.0.1" if secured else "127.0.0.1"
    local = ["--scheduler-file", told, "--host", host, "--no-dashboard", *secured]
    started = [subprocess.Popen([*dask, "scheduler", *local, "--port", "0"],
                                env=env, cwd=folder, **quiet)]  # fmt: skip
    try:
        for number in range(count):
            own = folder / f"worker{number}"
            own.mkdir()
            words = ["worker", *local, "--nthreads", "1", "--no-nanny"]
            started.append(subprocess.Popen(
                [*dask, *words, "--local-directory", own],
                env={**env, "CAUSALOPT_CACHE_DIR": str(own / "cache")}, cwd=own, **quiet,
            ))  # fmt: skip
        yield started, told
    finally:
        for process in started:
            with contextlib.suppress(psutil.Error):
                for below in psutil.Process(process.pid).children(recursive=True):
                    below.kill()
            process.kill()
            process.wait()


def connect(told, **kwargs):
    """The client of a scheduler, found by its file."""
    from distributed import Client

    return Client(scheduler_file=str(told), set_as_default=False, timeout=20, **kwargs)
