"""Work is stopped after a number of calls, also inside a block that is itself to be stopped."""

from __future__ import annotations

import contextlib
import gc
import sys
import types
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import mpmath
import pytest

from causalopt.ground.errors import TooLargeError
from causalopt.ground.work import Exhausted, at_most, bounded, measured


def call() -> None:
    """What costs one call."""


def work(calls: int) -> None:
    for _ in range(calls):
        call()


def work_on(calls: int) -> None:
    """Work that swallows the first stop, as a bare ``except`` would."""
    with contextlib.suppress(Exhausted):
        work(calls)
    work(calls)


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

    # Other modules of tests may have set another precision for good.
    before = mpmath.mp.prec
    with measured(1), pytest.raises(Exhausted), at_most(0.0001):
        work_precisely()
    assert mpmath.mp.prec == before


def test_what_was_stopped_cleans_up() -> None:
    log = []

    class Tidy:
        def __enter__(self) -> None:
            """Nothing to do."""

        def __exit__(self, *error: object) -> None:
            work(100)
            log.append("exit")

    def tidy() -> None:
        work(100)
        log.append("finally")

    with measured(1) as meter:
        for share in (0.001, 0.002):
            with contextlib.suppress(Exhausted), at_most(0.1), at_most(share), Tidy():
                try:
                    work(10_000)
                finally:
                    tidy()
        assert log == ["finally", "exit"] * 2
        assert 3_000 < meter.calls < 3_600


@pytest.mark.skipif(sys.version_info < (3, 12), reason="Python drops a tracer that has raised")
def test_whoever_swallows_the_stop_is_stopped_again() -> None:
    with measured(1) as meter:
        with pytest.raises(Exhausted), at_most(0.001):
            work_on(500_000)
        assert meter.calls < 110_000


class Dying:
    """Works when it is taken away, where the interpreter drops whatever is raised."""

    def __del__(self) -> None:
        work(5_000)


def closed() -> None:
    """Generators that are left half way: each is closed by the interpreter, and so resumed."""
    for _ in range(500):
        any(i > 0 for i in range(3))


def collected(phase: str, info: object) -> None:
    work(5_000)


def work_after(end: Callable[[], object]) -> None:
    end()
    work(500_000)


def test_a_stop_waits_until_it_is_heard() -> None:
    for end in (lambda: Dying(), gc.collect, closed):
        gc.callbacks.append(collected)
        try:
            with measured(1) as meter:
                with pytest.raises(Exhausted), at_most(0.001):
                    work_after(end)
                assert meter.calls < 25_000
        finally:
            gc.callbacks.remove(collected)


def test_nothing_is_counted_outside() -> None:
    with measured(1) as meter:
        work(10)
    after = meter.calls
    work(1_000)
    assert meter.calls == after


def test_work_in_another_thread_is_not_counted() -> None:
    with measured(1) as meter, at_most(0.001), ThreadPoolExecutor(1) as pool:
        pool.submit(work, 10_000).result()
    assert meter.calls < 1_000


def test_a_limit_is_told_as_an_error_of_the_house() -> None:
    @bounded("The sum of a million terms", "sum fewer")
    def add() -> None:
        work(10**8)

    with pytest.raises(TooLargeError, match=r"The sum of a million terms .* million .*: sum fewer"):
        add()


def test_whoever_listens_to_calls_listens_again() -> None:
    heard = []

    def listen(frame: types.FrameType, event: str, arg: object) -> None:
        heard.append(frame.f_code.co_name)

    before = sys.gettrace()
    sys.settrace(listen)
    try:
        with measured(1):
            work(3)
        call()
    finally:
        sys.settrace(before)
    assert heard[-1] == "call"
