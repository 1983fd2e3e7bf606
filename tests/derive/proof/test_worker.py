"""The limit on work holds, whatever a step does, and the next step is none the worse for it."""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
import pathlib
import pickle
import resource
import subprocess
import sys
import time
from collections.abc import Callable

import pytest
import sympy as sp

from causalopt.derive import Derivation, Equal, Given, Status
from causalopt.derive.proof import serving
from causalopt.derive.proof.judging import Task
from causalopt.derive.proof.worker import Worker, borrow
from causalopt.derive.statement.verdict import Progress, Verdict, leave_open

x, y = sp.symbols("x y", real=True)
n = sp.Symbol("n", integer=True, positive=True)
FINE = Equal(sp.sin(2 * x), 2 * sp.sin(x) * sp.cos(x))
# one multiplication of enormous integers after the other: no signal gets through to sympy
ENDLESS = Equal(sp.Sum(2 ** (n * 10**8) * 3 ** (n * 10**8), (n, 1, 50)), x)
SLOW = Equal(
    sp.Integral(sp.exp(sp.sin(x) ** 3 + sp.log(1 + x**4)) * sp.sqrt(1 + x**6), (x, 0, y)), y
)


@pytest.mark.parametrize("step", [ENDLESS, SLOW], ids=["endless", "slow"])
def test_a_step_that_never_ends_is_stopped(step: Equal) -> None:
    page = Derivation("page", given=[x, y, n], steps=[FINE, step, FINE])
    report = page.check(limit=0.5)
    assert [v.status for v in report.verdicts] == ["proved", "exhausted", "proved"]
    assert report.verdicts[1].reason
    assert "exhausted (expected: proved)" in str(report)


def test_more_work_decides_what_less_does_not() -> None:
    page = Derivation("page", given=[x], steps=[Equal(sp.sin(x) ** 2 + sp.cos(x) ** 2, 1)])
    statuses = [page.check(limit=limit).verdicts[0].status for limit in (0.002, 5)]
    assert statuses == [Status.EXHAUSTED, Status.PROVED]


def test_a_step_that_takes_all_memory_is_exhausted(monkeypatch: pytest.MonkeyPatch) -> None:
    def fill_memory(task: Task, progress: Progress) -> Verdict:
        progress(leave_open("nothing yet"))
        raise MemoryError

    monkeypatch.setattr(serving, "judge", fill_memory)
    verdict = serving.judge_within(Task(FINE, (Given(x),)), 1, lambda so_far: None)
    assert verdict.status is Status.EXHAUSTED
    assert "nothing yet; checking it takes more memory" in verdict.reason


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits of others: Linux tells them")
def test_what_judges_has_limits_of_memory_and_time() -> None:
    wanted = [(4 * 2**30,) * 2, (200, 200)]
    kinds = (resource.RLIMIT_AS, resource.RLIMIT_CPU)

    def limits() -> list[tuple[int, int]]:
        here = [] if running._process is None else processes_under(running._process.pid)
        return [resource.prlimit(pid, kind) for pid in here for kind in kinds]

    with Worker() as running, concurrent.futures.ThreadPoolExecutor(1) as pool:
        judged = pool.submit(running.judge, Task(SLOW, (Given(x), Given(y))), 20.0)
        wait_until(lambda: limits() == wanted)
        running.close()
        assert judged.result().status is Status.EXHAUSTED


def test_the_same_verdicts_while_others_eat_the_processor() -> None:
    steps = [FINE, Equal(sp.sin(3 * x), 3 * sp.sin(x) - 4 * sp.sin(x) ** 3), Equal(x, x + 1), SLOW]
    page = Derivation("page", given=[x, y], steps=steps)
    alone = page.check(limit=1).verdicts
    eaters = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"])
        for _ in range(2 * (os.cpu_count() or 1))
    ]
    try:
        crowded = page.check(limit=1).verdicts
    finally:
        for eater in eaters:
            eater.kill()
            eater.wait()
    assert crowded == alone


def test_a_verdict_does_not_depend_on_the_steps_before() -> None:
    hard = Equal(sp.cos(4 * x), 8 * sp.cos(x) ** 4 - 8 * sp.cos(x) ** 2 + 1)
    once = Derivation("page", given=[x], steps=[hard]).check().verdicts
    often = Derivation("page", given=[x], steps=[hard] * 3).check().verdicts
    assert often == once * 3


def test_one_worker_serves_many_steps_and_survives_its_own_death() -> None:
    with Worker() as running:
        task = Task(FINE, (Given(x),))
        assert running.judge(task).status is Status.PROVED
        first = running._process
        assert running.judge(task).status is Status.PROVED
        assert running._process is first
        assert first is not None
        first.kill()
        first.wait()
        assert running.judge(task).status is Status.PROVED
        assert running._process is not first
    assert running._process is None


def test_a_worker_is_kept_for_the_next_page() -> None:
    page = Derivation("page", given=[x], steps=[FINE])
    with borrow() as first:
        pass
    for _ in range(3):
        page.check()
    with borrow() as later:
        assert later is first


def test_it_works_from_other_threads() -> None:
    page = Derivation("page", given=[x], steps=[FINE])
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(lambda _: page.check(), range(2)))
    assert all(report.as_expected for report in reports)


def test_it_works_from_a_script_without_a_main_guard(tmp_path: pathlib.Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import sympy as sp\n"
        "from causalopt.derive import Derivation, Equal\n"
        "x = sp.Symbol('x')\n"
        "print(Derivation('page', given=[x], steps=[Equal(x, x)]).check().verdicts[0].status)\n"
    )
    run = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=True, timeout=60
    )
    assert run.stdout == "proved\n"


def test_reports_and_pages_travel() -> None:
    f = sp.Function("f", positive=True)(x)
    page = Derivation("page", given=[x, f], steps=[Equal(sp.Derivative(f, x), f)])
    report = page.check()
    assert pickle.loads(pickle.dumps(page)) == page
    assert str(pickle.loads(pickle.dumps(report))) == str(report)


SHADOWS = ("json", "sympy", "causalopt", "pickle", "mpmath", "gmpy2", "sitecustomize", "signal")


@pytest.mark.sampled(2)
@pytest.mark.parametrize("path", [[], [""], ["."], ["", "FOLDER"]], ids=str)
def test_nothing_in_the_working_folder_is_run(path: list[str], tmp_path: pathlib.Path) -> None:
    # the parent has loaded its own before the folder comes first on its path, as for python -m
    code = (
        f"import sys; sys.path[:] = {[entry for entry in sys.path if entry]!r}\n"
        "import json, mpmath, multiprocessing.connection, pickle, signal, sympy as sp\n"
        "from causalopt.derive import Derivation, Equal\n"
        f"sys.path[:0] = {[entry.replace('FOLDER', str(tmp_path)) for entry in path]!r}\n"
        "x = sp.Symbol('x')\n"
        "print(Derivation('page', given=[x], steps=[Equal(x, x)]).check().verdicts[0].status)\n"
    )
    for name in SHADOWS:
        (tmp_path / f"{name}.py").write_text(f"open('run.txt', 'a').write({name!r})\n")
    run = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert run.stdout == "proved\n"
    assert not (tmp_path / "run.txt").exists()


def processes_under(pid: int) -> list[int]:
    """The children of a process, and theirs; what has ended but was not waited for aside."""
    below = []
    for status in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            child, rest = status.read_text().split(" (", 1)
            state, parent = rest.rsplit(") ", 1)[1].split()[:2]
            if int(parent) == pid and state != "Z":
                below += [int(child), *processes_under(int(child))]
    return below


def runs(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0] != "Z"
    return False


def wait_until(true: Callable[[], bool]) -> None:
    for _ in range(600):
        if true():
            return
        time.sleep(0.1)
    raise AssertionError("it did not come to be within a minute")


@pytest.mark.skipif(not pathlib.Path("/proc").exists(), reason="processes are looked up in /proc")
@pytest.mark.parametrize("step", ["SLOW", "ENDLESS"])
def test_a_worker_ends_with_its_parent(step: str) -> None:
    code = (
        "import sys, runpy; sys.path[:] = " + repr(sys.path) + "\n"
        f"names = runpy.run_path({__file__!r})\n"
        "x, y, n = (names[k] for k in 'xyn')\n"
        f"names['Derivation']('page', given=[x, y, n], steps=[names[{step!r}]]).check()\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code])
    try:
        wait_until(lambda: len(processes_under(parent.pid)) == 2)
        below = processes_under(parent.pid)
    finally:
        parent.kill()
        parent.wait()
    wait_until(lambda: not any(map(runs, below)))
