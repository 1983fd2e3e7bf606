"""The pass back along a run: every n of a system, against comp and the unrolled network."""

import numpy as np
import pytest
import sympy as sp

from causalopt import (
    EvaluationError,
    System,
    comp,
    every_n,
    self_regulation,
    steering_shares,
    variables,
)
from tests.model.kinds import SYSTEMS, worlds

QUICK = [name for name in SYSTEMS if name not in ("tables", "jumping")]


@pytest.mark.parametrize("kind", QUICK)
def test_one_pass_back_is_the_unrolled_network(kind):
    model = SYSTEMS[kind]()
    first, *_, last = model.variables
    for A, m in ((first, last[6]), (last[1:4], first[5])):
        found = every_n(model, A, m)
        flat = every_n(model, A, m, over={first[0]: [model.start_values[first]]})
        np.testing.assert_allclose(found.values, flat.values[..., 0], rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("name", ["every intervention", "held to that one", "drawn"])
def test_worlds_of_systems_are_asked_about_too(name):
    W = worlds()[name].values_only()
    A, *_, last = W.model.variables
    found = every_n(W, A, last[5])
    for n in (last[0], last[2], last[4]):
        alone = comp(W, A, n, last[5]).item()
        assert found.sel(variable=last.name, time=W.model.time_of(n.step)).item() == pytest.approx(
            alone, rel=1e-10, nan_ok=True
        )


def test_a_long_run_needs_no_network():
    T, R = variables("T R")
    room = System({T: R - 25, R: R - 0.01 * T}, start={T: 0, R: 25})
    found = every_n(room, T, R[20_000], measure="op").sel(variable="R")
    for start in (0, 12_345, 19_990):
        expected = self_op(20_000 - start)
        assert found.values[start] == pytest.approx(expected, abs=1e-8)


def self_op(steps):
    """Op(T; R[0], R[steps]): minus the log of an entry of a power, in closed form."""
    (low, high), vectors = np.linalg.eig(np.array([[0, 1], [-0.01, 1]]))
    parts = vectors[1] * np.linalg.inv(vectors)[:, 1]
    top = max(low, high)
    return -(steps * np.log(top) + np.log(abs(parts @ (np.array([low, high]) / top) ** steps)))


def test_a_slope_that_is_not_there_is_missed_only_where_something_passes_it():
    a, b, m = variables("a b m")
    # sqrt has no slope at 0: b stays there, and what enters it is set.
    bent = System({a: a / 2, b: sp.sqrt(a), m: m / 2 + b}, start={a: 0, b: 0, m: 1})
    W = bent.world(steps=4)
    with pytest.raises(EvaluationError, match="by a"):
        every_n(W, m[1:2], m[4])
    held = W.do(b, 0)
    assert every_n(held, a, m[4]).sel(variable="m").values.tolist() == [1.0] * 5
    looped = System({a: a / 2 + m / 9, b: sp.sqrt(a), m: m / 2 + b / 9}, start={a: 0, b: 0, m: 0})
    with pytest.raises(EvaluationError, match="by a"):
        steering_shares(looped, m, steps=5)
    assert self_regulation(looped.world(5).do(b, 0), a, m).item() == 0.0
