"""Basin stability: what is lost, and what is no run at all and must be said."""

import numpy as np
import pytest
from sympy import Symbol
from thermostats import O_T, R, T

from causalopt import (
    CausaloptError,
    EvaluationError,
    QueryError,
    System,
    basin_stability,
    decision,
    finite,
    table,
    utility,
    variable,
    variables,
)

(x,) = variables("x")
p = Symbol("p", positive=True)
B = finite("B", ["x", "y"])
halved = System({x: x / 2}, start={x: 1})


def test_what_cannot_run_is_no_lost_start():
    chance = System({B: table(B, {"x": {"x": p, "y": 1 - p}, "y": "y"})}, start={B: "x"})
    with pytest.raises(EvaluationError, match="masses with symbols"):
        basin_stability(chance, {B: ["x", "y"]}, over={B[0]: ["x", "y"]}, steps=1, stay=0)
    u, s = variable("u"), finite("s", [0, 1])
    wished = System({s: s, u: utility(s, {0: p, 1: 2})}, start={s: 0, u: 0})
    with pytest.raises(EvaluationError, match="has symbols in it"):
        basin_stability(wished, {u: (0, 1)}, over={s[0]: [0, 1]}, steps=1, stay=0)


def test_a_value_that_was_assumed_away_is_no_lost_start():
    y = variable("y", positive=True)
    with pytest.raises(EvaluationError, match="assumed to be"):
        basin_stability(System({y: y - 1}, start={y: 5}), {y: (1, 9)}, over={y[0]: [1, 5]}, steps=2)


def test_only_starts_that_leave_the_finite_numbers_are_lost():
    squared = System({x: x**2}, start={x: 0.5})
    share = basin_stability(squared, {x: (0, 1)}, over={x[0]: [0.5, 1.0, 9.0, -0.5]}, steps=20)
    assert share.item() == 0.75
    assert share.attrs["lost"] == 1


def test_a_decision_that_nobody_made_is_named():
    open_room = System({T: decision(R), R: table((T, R), O_T)}, start={T: "off", R: "hot"})
    with pytest.raises(QueryError, match=r"^T is a decision without a policy"):
        basin_stability(open_room, {R: "warm"}, over={R[0]: R.values}, steps=1, stay=0)


@pytest.mark.parametrize("target", [x, ~x, (x > 0) & x, x > p, 1, None, "x"])
def test_a_target_that_is_no_condition_is_refused(target):
    with pytest.raises(CausaloptError):
        basin_stability(halved, target, over={x[0]: [1, 2]}, steps=1)


@pytest.mark.parametrize("starts", [[], (), np.array([])])
def test_no_starts_are_refused(starts):
    system = System({B: B}, start={B: "x"})
    with pytest.raises(CausaloptError, match="over"):
        basin_stability(system, {B: "x"}, over={B[0]: starts}, steps=1)


@pytest.mark.parametrize("backend", [[], {}, np.array([1]), None, 3, "nump"])
def test_a_backend_that_is_none_is_refused(backend):
    with pytest.raises(CausaloptError):
        basin_stability(halved, {x: (0, 1)}, over={x[0]: [1, 2]}, steps=1, backend=backend)


def test_masses_of_a_table_are_told_in_one_sentence():
    with pytest.raises(CausaloptError, match=r"The masses of the table of B"):
        System({B: table(B, {"x": {"x": 0.5, "y": 0.4}, "y": "y"})}, start={B: "x"})
