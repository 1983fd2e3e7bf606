"""Work is stopped after a number of calls, also inside a block that is itself to be stopped."""

from __future__ import annotations

import ast
import contextlib
import pathlib

import mpmath
import pytest

import causalopt.derive
from causalopt.derive.trial.work import Exhausted, at_most, measured

ROOM = pathlib.Path(causalopt.derive.__file__).parent
CLOCKS = {"time", "datetime", "sched", "asyncio", "timeit"}
ALARMS = {"setitimer", "alarm", "ITIMER_REAL", "Timer", "monotonic", "perf_counter", "timeout"}


def call() -> None:
    """What costs one call."""


def work(calls: int) -> None:
    for _ in range(calls):
        call()


def test_calls_are_counted_and_stopped_at_the_limit() -> None:
    with measured(1) as meter:
        work(5_000)
        assert 5_000 <= meter.calls < 5_010
        with pytest.raises(Exhausted), at_most(0.01):
            work(20_000)
    assert 15_000 <= meter.calls < 15_050
    assert meter.reached


def test_limits_may_be_nested() -> None:
    with measured(1) as meter:
        with pytest.raises(Exhausted), at_most(0.001), at_most(0.5):
            work(100_000)  # what the inner one allows, the outer one does not
        assert meter.calls < 1_100
        with at_most(0.1):
            with pytest.raises(Exhausted), at_most(0.001):
                work(100_000)
            work(50_000)  # within the outer one still
            with pytest.raises(Exhausted):
                work(100_000)


@pytest.mark.parametrize("calls", range(90, 130))
def test_a_limit_reached_on_the_way_out_leaves_the_outer_one_in_place(calls: int) -> None:
    with measured(1) as meter:
        before = meter.stop
        with contextlib.suppress(Exhausted), at_most(0.0001):
            work(calls)
        assert meter.stop == before
        work(1_000)


def test_what_was_stopped_leaves_the_precision_as_it_was() -> None:
    def work_precisely() -> None:
        mpmath.mp.prec += 1000
        work(10_000)

    with measured(1), pytest.raises(Exhausted), at_most(0.0001):
        work_precisely()
    assert mpmath.mp.prec == 53


def test_nothing_is_counted_outside() -> None:
    with measured(1) as meter:
        work(10)
    after = meter.calls
    work(1_000)
    assert meter.calls == after


@pytest.mark.parametrize("path", sorted(ROOM.rglob("*.py")), ids=lambda p: p.name)
def test_no_clock_decides_a_verdict(path: pathlib.Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            assert not CLOCKS & {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert (node.module or "").split(".")[0] not in CLOCKS
        name = getattr(node, "attr", None) or getattr(node, "arg", None) or getattr(node, "id", "")
        assert name not in ALARMS
