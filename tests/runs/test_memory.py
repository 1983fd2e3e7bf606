"""Memory: what does not fit is refused before it runs, and only what does not fit."""

import tracemalloc

import numpy as np
import pytest
import sympy as sp

from causalopt import (
    Network,
    System,
    TooLargeError,
    comp,
    every_m,
    every_n,
    noise,
    normal,
    op,
    run,
    tangents,
    variables,
)
from causalopt.ground import memory
from causalopt.runs import simulation

a, b, c = variables("a b c")
HUGE = np.linspace(0.1, 1, 10**5)


def shared(count=10):
    """Two roots, and nodes that each see both."""
    kinds = [-1, -1, *[0] * (count - 3), 1]
    parents = [[-1, -1], [-1, -1], *[[0, 1]] * (count - 3), [2, 3]]
    rules = [lambda u, v: sp.tanh(u - v / 2), lambda u, v: u * v]
    return Network.from_arrays(rules, kinds, parents, start=0.5)


def loop():
    return System({a: sp.sin(b) + a / 2, b: a / 3}, start={a: 1, b: 2})


def shaken():
    first, second = noise("first", normal()), noise("second", normal())
    return System({a: a / 2 + first, b: b / 3 + second}, start={a: 0, b: 0})


def nothing_runs(monkeypatch):
    def planned(*_):
        raise AssertionError("this has begun to run")

    for name in ("inputs_of", "recorded"):
        monkeypatch.setattr(simulation, name, planned)


TOO_LARGE = {
    "run": lambda over: run(shared().world(), over=over),
    "tangents": lambda over: tangents(shared().world().perturb(1), over=over),
    "comp": lambda over: comp(shared(), A=[2], n=0, m=9, over=over),
    "op": lambda over: op(shared(), A=[2], n=0, m=9, over=over, delta=0.1),
    "every_m": lambda over: every_m(shared(), A=[2], n=0, over=over),
    "every_n": lambda over: every_n(shared(), A=[2], m=9, over=over),
}


@pytest.mark.parametrize("ask", TOO_LARGE)
def test_a_network_that_does_not_fit_is_refused_before_it_runs(ask, monkeypatch):
    nothing_runs(monkeypatch)
    # 10^10 points of 10 nodes, at 8 bytes a number: at least 800 GB.
    with pytest.raises(TooLargeError, match=r"10,000,000,000 points needs [\d,.]+ GiB of memory"):
        TOO_LARGE[ask]({0: HUGE, 1: HUGE})


@pytest.mark.parametrize(
    "ask",
    [
        lambda over: run(loop().world(steps=5), over=over),
        lambda over: run(loop().world(steps=5), over=over, keep="last"),
        lambda over: comp(loop(), A=a, n=b[0], m=b[5], over=over),
        lambda over: every_m(loop(), A=a, n=b[0], steps=5, over=over),
        lambda over: every_n(loop(), A=a, m=b[5], over=over),
        lambda over: run(loop().unroll(5).world(), over=over),
    ],
)
def test_a_system_that_does_not_fit_is_refused_before_it_runs(ask, monkeypatch):
    nothing_runs(monkeypatch)
    with pytest.raises(TooLargeError, match="GiB of memory"):
        ask({a[0]: HUGE, b[0]: HUGE})


def test_a_long_run_is_refused_and_its_last_step_is_not(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 10**6)
    W = loop().world(steps=200_000)
    with pytest.raises(TooLargeError, match=r"200,001 steps.*keep=.last."):
        run(W)
    nothing_runs(monkeypatch)
    with pytest.raises(AssertionError, match="begun to run"):
        run(W, keep="last")


# Large enough that what is computed outweighs what surrounds it.
MANY = np.linspace(0.1, 1, 50)
MEASURED = {
    "run": lambda: run(shared(10_000).world(), over={0: MANY}, backend="numpy"),
    "tangents": lambda: tangents(
        shared(10_000).world().perturb(1), over={0: MANY}, backend="numpy"
    ),
    "comp": lambda: comp(shared(10_000), A=[2], n=0, m=9_999, over={1: MANY}, backend="numpy"),
    "every_m": lambda: every_m(shared(10_000), A=[2], n=0, over={1: MANY}, backend="numpy"),
    "every_n": lambda: every_n(shared(10_000), A=[2], m=9_999, over={1: MANY}, backend="numpy"),
    "system": lambda: run(
        loop().world(steps=100), over={a[0]: np.linspace(0, 1, 5000)}, backend="numpy"
    ),
    "comp of a system": lambda: comp(
        loop(), A=a, n=b[0], m=b, steps=100, over={a[0]: np.linspace(0, 1, 5000)}, backend="numpy"
    ),
    "draws": lambda: run(shaken().world(steps=3), draws=3000, backend="numpy"),
    "draws of a network": lambda: run(shaken().unroll(3).world(), draws=3000, backend="numpy"),
    "unrolled": lambda: loop().unroll(5000),
}


@pytest.mark.parametrize("ask", MEASURED)
def test_what_is_asked_for_is_what_is_needed(ask, monkeypatch):
    """The estimate is within a factor of two of the most that the run holds at once."""
    MEASURED[ask]()  # Compiled, and imported, so that this is not counted.
    tracemalloc.start()
    try:
        MEASURED[ask]()
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # What is measured here in little time is too small to be asked about elsewhere.
    monkeypatch.setattr(memory, "_FITS", 0)
    monkeypatch.setattr(memory, "available", lambda: most // 2)
    with pytest.raises(TooLargeError):
        MEASURED[ask]()
    monkeypatch.setattr(memory, "available", lambda: most * 2)
    MEASURED[ask]()


@pytest.mark.parametrize(
    "ask",
    [
        lambda: loop().unroll(10**9),
        lambda: every_n(loop(), A=a, m=b[10**9]),
        lambda: run(shaken().world(steps=3), draws=10**10),
        lambda: run(shaken().world(steps=3), draws=2**61, keep="last"),
        lambda: op(shaken(), A=a, n=b[0], m=b[3], draws=10**10),
        lambda: run(shaken().unroll(3).world(), draws=10**10),
    ],
)
def test_what_would_take_an_age_to_make_is_refused_at_once(ask):
    tracemalloc.start()
    try:
        with pytest.raises(TooLargeError, match="GiB of memory"):
            ask()
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 50 * 2**20


def test_where_nobody_says_how_much_there_is_all_is_tried(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: None)
    assert run(loop().world(steps=3), backend="numpy").sizes["time"] == 4
