"""Who computes: processes of this machine, or another scheduler; what is sent, and what is open."""

import contextlib
import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
import urllib.error
import urllib.request
from functools import partial
from pathlib import Path

import numpy as np
import psutil
import pytest

import causalopt
from causalopt import FileError, SweepError, TooLargeError, open_sweep, run, sweep
from causalopt.runs.cluster import trial
from tests.runs.cluster import asked
from tests.runs.cluster.asked import called, k, room
from tests.runs.cluster.elsewhere import connect, scheduler_with_workers

ROOT = Path(__file__).parent.parent.parent.parent


def in_a_process(code, *words, path=ROOT, **kwargs):
    env = {**os.environ, "PYTHONPATH": str(path)}
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, words)], env=env, check=False,
        capture_output=True, text=True, **kwargs,
    )  # fmt: skip


# -- what is open, and what is left behind ---------------------------------------------------------


def listening(process):
    """The addresses at which a process and all below it listen."""
    for one in [process, *process.children(recursive=True)]:
        with contextlib.suppress(psutil.Error):
            yield from (c.laddr for c in one.net_connections() if c.status == psutil.CONN_LISTEN)


def test_no_socket_is_open_outside_loopback_and_there_is_no_dashboard(client):
    addresses = list(listening(psutil.Process()))
    assert addresses  # a scheduler, two nannies and two workers listen
    assert {address.ip for address in addresses} == {"127.0.0.1"}
    served = client.scheduler_info()["services"].values()
    for port in served:
        for page in ("status", "health", "info/main/workers.html", "json/counts.json"):
            with pytest.raises(urllib.error.HTTPError, match="404"):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/{page}")
    threads = client.run(lambda: (os.environ["OMP_NUM_THREADS"], os.environ["XLA_FLAGS"]))
    assert set(threads.values()) == {("1", "--xla_cpu_multi_thread_eigen=false")}


SCRIPT = """
import sys
from causalopt import sweep

def cube(n):
    return n**3

print(sweep(cube, {"n": range(5)}, store=sys.argv[1], workers=1).data.value.values.tolist())
"""


@pytest.mark.long
def test_a_script_needs_no_guard_and_leaves_no_process(tmp_path):
    script = tmp_path / "mine.py"
    script.write_text(SCRIPT)
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, str(script), "x.zarr"], env=env, cwd=tmp_path, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.stdout == "[0.0, 1.0, 8.0, 27.0, 64.0]\n", done.stderr
    assert not done.stderr
    assert not [p for p in psutil.process_iter(["cmdline"])
                if str(tmp_path) in " ".join(p.info["cmdline"] or ())]  # fmt: skip


# -- without the extra, and without dask -----------------------------------------------------------


def test_without_the_extra_all_else_works_and_sweeps_say_what_they_need():
    done = in_a_process("""
        import sys
        for name in ("zarr", "distributed", "cloudpickle", "dask"):
            sys.modules[name] = None
        import causalopt as co
        T, R = co.variables("T R")
        home = co.System({T: R - 25, R: R - 0.1 * T}, start={T: 0, R: 26})
        assert co.op(home, A=T, n=R[0], m=R[3]).item() > 0
        survey = co.Survey(lambda n: n, {"n": [1, 2]})
        assert survey().value.values.tolist() == [1, 2]
        for call in (lambda: co.sweep(survey, store="x.zarr"), lambda: co.open_sweep("x.zarr")):
            try:
                call()
            except co.SweepError as error:
                print(error)
    """)
    assert not done.returncode, done.stderr
    needs = "which is not installed: run pip install 'causalopt[cluster]'."
    assert done.stdout.splitlines() == [f"Sweeps that are kept need cloudpickle, {needs}",
                                        f"Sweeps that are kept need zarr, {needs}"]  # fmt: skip


def test_what_is_kept_opens_without_dask(client, tmp_path):
    kept = sweep(partial(run, room.world(3)), {k: [0.1, 0.2]}, store=tmp_path / "x.zarr",
                 client=client)  # fmt: skip
    done = in_a_process("""
        import sys
        for name in ("distributed", "cloudpickle", "dask"):
            sys.modules[name] = None
        import causalopt as co
        kept = co.open_sweep(sys.argv[1])
        print(kept.data.R.values.tolist(), kept.status.done, kept.failures)
    """, tmp_path / "x.zarr")  # fmt: skip
    assert not done.returncode, done.stderr
    status = kept.status
    assert done.stdout == f"{kept.data.R.values.tolist()} {status.done} ()\n"


# -- another scheduler -----------------------------------------------------------------------------


@pytest.mark.long
def test_two_schedulers_on_one_machine_go_on_for_one_another(tmp_path):
    """Workers elsewhere: other processes, folders and caches, which share nothing but the store."""
    folder, store, grid = tmp_path / "calls", tmp_path / "x.zarr", {"n": range(30)}
    folder.mkdir()
    ask = partial(ending_it, str(folder))
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    with scheduler_with_workers(tmp_path / "one") as (started, told), connect(told) as client:
        (tmp_path / "victim").write_text(str(started[0].pid))
        client.wait_for_workers(2)
        with pytest.raises(SweepError, match=r"scheduler is gone.*What is done stays"):
            sweep(ask, grid, store=store, client=client, chunk=1)
    (tmp_path / "victim").unlink()
    before = open_sweep(store).status
    assert 5 <= before.done < 30
    with scheduler_with_workers(tmp_path / "other") as (_, told), connect(told) as client:
        client.wait_for_workers(2)
        # By its address, as well as by a client.
        whole = sweep(ask, grid, store=store, client=client.scheduler.address)
    assert whole.data.value.values.tolist() == [n**2 for n in range(30)]
    assert len(whole.status.by) == len(before.by) + 2
    assert sum(called(folder).values()) <= 30 + 1 + 2


def ending_it(folder, n):
    """A number; when ten were computed, a scheduler is killed, if its number is written down."""
    found = asked.slow(folder, n)
    victim = Path(folder).parent / "victim"
    if victim.exists() and sum(called(folder).values()) >= 10:
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(victim.read_text()), signal.SIGKILL)
    return found


def test_a_scheduler_that_does_not_answer_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("causalopt.runs.cluster.engine._ANSWER", 1)
    for address in ("tcp://127.0.0.1:1", "127.0.0.1:1"):
        with pytest.raises(SweepError, match=f"No scheduler answers at {address} within 1 seconds"):
            sweep(lambda n: n, {"n": [1]}, store=tmp_path / "x.zarr", client=address)
    with pytest.raises(SweepError, match="No scheduler answers at nonsense://x"):
        sweep(lambda n: n, {"n": [1]}, store=tmp_path / "x.zarr", client="nonsense://x")
    assert not list(tmp_path.iterdir())


def test_of_what_is_no_address_there_is_no_client(tmp_path, monkeypatch):
    # It would hang for 20 seconds when it is closed, and tell an error of dask's.
    made = []
    monkeypatch.setattr("distributed.Client", lambda *asked, **_: made.append(asked))
    for address in ("nowhere", "tcp://host", "nonsense://x:1"):
        with pytest.raises(SweepError, match=f"No scheduler answers at {address}"):
            sweep(lambda n: n, {"n": [1]}, store=tmp_path / "x.zarr", client=address)
    assert not made


def test_a_worker_of_another_version_is_refused_and_computes_nothing(tmp_path):
    other = tmp_path / "other"
    shutil.copytree(Path(causalopt.__file__).parent, other / "causalopt",
                    ignore=shutil.ignore_patterns("__pycache__"))  # fmt: skip
    file = other / "causalopt" / "ground" / "masses.py"
    file.write_text(file.read_text() + "\n# another version\n")
    ask = partial(run, room.world(3))
    with (
        scheduler_with_workers(tmp_path, 1, other) as (_, told),
        connect(told) as client,
        pytest.raises(SweepError, match=r"A worker has other versions: .*has causalopt"),
    ):
        sweep(ask, {k: [0.1, 0.2]}, store=tmp_path / "x.zarr", client=client)
    assert not (tmp_path / "x.zarr").exists()


# -- what does not fit -----------------------------------------------------------------------------


def test_a_chunk_that_does_not_fit_in_memory_is_refused_before(tmp_path, client):
    with pytest.raises(TooLargeError, match=r"A chunk of 1,000,000,000 points has .*Write chunk="):
        sweep(partial(run, room.world(10_000)), {k: np.linspace(0.01, 0.5, 100_000),
                                                 asked.d: np.linspace(20, 30, 10_000)},
              store=tmp_path / "x.zarr", client=client, chunk=10**9)  # fmt: skip
    assert not list(tmp_path.iterdir())


def test_what_a_run_cannot_hold_is_done_in_smaller_pieces(tmp_path, client, monkeypatch):
    def greedy(over):
        values = over["n"]
        if len(values) > 3:
            raise TooLargeError(f"{len(values)} values do not fit.")
        return __import__("xarray").DataArray(values * 2.0, dims="n", name="twice")

    kept = sweep(greedy, {"n": range(40)}, store=tmp_path / "x.zarr", client=client, chunk=20)
    assert kept.data.twice.values.tolist() == [2.0 * n for n in range(40)]
    assert not kept.failures


def test_chunks_are_as_large_as_memory_and_time_allow():
    few = trial.tried(sent(lambda n: n))
    assert few.chunk(1000, 2, None) == 125  # four for each of two processes, of what takes no time
    slow = trial.tried(sent(lambda n: time.sleep(0.1) or n))
    assert 5 <= slow.chunk(1000, 2, None) <= 20
    assert slow.chunk(1000, 1000, None) == 1
    assert slow.chunk(10**9, 1000, None) > 50  # a scheduler takes so many tasks a second
    large = trial.tried(sent(lambda n: __import__("xarray").DataArray(np.zeros(2**20))))
    assert large.chunk(1000, 2, None) <= 8
    assert large.chunk(1000, 2, 33) == 33


def test_one_process_does_what_is_soon_done_or_keeps_all_cores_busy():
    made = trial.Trial(None, 8, seconds=0.1, busy=1.0, free=None)
    assert made.is_soon_done(100, 8)
    assert not made.is_soon_done(1000, 8)
    assert dataclasses.replace(made, busy=7.0).is_soon_done(1000, 8)
    assert made.is_soon_done(1000, 1)


def test_what_takes_long_is_looked_at_once(monkeypatch):
    monkeypatch.setattr(trial, "_LONG", 0.05)
    calls = []
    asked_once = trial._measured
    monkeypatch.setattr(trial, "_measured", lambda *given: calls.append(1) or asked_once(*given))
    assert trial.tried(sent(lambda n: time.sleep(0.1) or n)).seconds >= 0.1
    assert not calls
    trial.tried(sent(lambda n: n))
    assert calls


def sent(function):
    from causalopt.runs.cluster.survey import Survey
    from causalopt.runs.cluster.sweeping import packed

    return packed(Survey(function, {"n": range(1000)}))


@pytest.mark.skipif(os.geteuid() != 0 or sys.platform != "linux", reason="mounts a small disk")
def test_a_disk_that_fills_up_is_told_and_what_was_done_stays(tmp_path, client):
    disk, more = tmp_path / "disk", tmp_path / "more"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)], check=False,
        capture_output=True,
    )  # fmt: skip
    if mounted.returncode:
        pytest.skip("no disk can be mounted here")
    try:
        ask, grid = partial(noise_of, 20_000), {"n": range(40)}
        with pytest.raises(
            FileError, match=r"x.zarr cannot be written: No space left.*What is done"
        ):
            sweep(ask, grid, store=disk / "x.zarr", client=client, chunk=1)
        kept = open_sweep(disk / "x.zarr")
        assert 1 <= kept.status.done < 40
        for number in kept.marked.done:
            assert (
                kept.data.value[number].values.tolist() == noise_of(20_000, number).values.tolist()
            )
        # Where there is room, it goes on.
        shutil.copytree(disk / "x.zarr", more)
        whole = sweep(ask, grid, store=more, client=client)
        assert whole.status.is_complete
        assert not np.isnan(whole.data.value).any()
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def noise_of(size, n):
    """What cannot be packed."""
    import xarray as xr

    return xr.DataArray(np.random.default_rng(n).normal(size=size), dims="i")
