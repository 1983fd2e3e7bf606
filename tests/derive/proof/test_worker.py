"""The limit on time holds, whatever a step does, and the next step is none the worse for it."""

from __future__ import annotations

import concurrent.futures
import pathlib
import pickle
import subprocess
import sys
import time

import pytest
import sympy as sp

from causalopt.derive import Derivation, Equal, Given, Status
from causalopt.derive.proof import worker
from causalopt.derive.proof.judging import Task
from causalopt.derive.proof.worker import Worker

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
    start = time.monotonic()
    report = page.check(limit=2)
    assert time.monotonic() - start < 2 + 8
    assert [v.status for v in report.verdicts] == ["proved", "undecided", "proved"]


def test_a_kill_is_told() -> None:
    (verdict,) = Derivation("page", given=[x, y, n], steps=[ENDLESS]).check(limit=1).verdicts
    assert verdict.status is Status.UNDECIDED
    assert verdict.reason


def test_one_worker_serves_many_steps_and_survives_its_own_death() -> None:
    with Worker() as running:
        task = Task(FINE, (Given(x),))
        assert running.judge(task, 30).status is Status.PROVED
        first = running._process
        assert running.judge(task, 30).status is Status.PROVED
        assert running._process is first
        assert first is not None
        first.kill()
        first.wait()
        assert running.judge(task, 30).status is Status.PROVED
        assert running._process is not first
    assert running._process is None


def test_a_worker_is_kept_for_the_next_page() -> None:
    page = Derivation("page", given=[x], steps=[FINE])
    page.check()
    start = time.monotonic()
    for _ in range(5):
        page.check()
    assert time.monotonic() - start < 5


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


def test_the_child_is_told_where_it_stands() -> None:
    assert f"from {worker.__name__} import serve" in worker.BOOTSTRAP
    assert callable(worker.serve)
