"""Bits of optimization where they are many, infinite, or not to be asked."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Abs
from thermostats import P0, R, T, smart

from causalopt import (
    Box,
    CausaloptError,
    Distribution,
    EvaluationError,
    Gaussian,
    QueryError,
    System,
    finite,
    op,
    optimization_bits,
    run,
    variables,
)
from tests.measures.literature.examples import linear_thermostat, r, t

a, m = variables("a m")


def of_home(steps, best=None):
    home = linear_thermostat()
    best = run(home.world(steps)).r.values[0, -1] if best is None else best
    return optimization_bits(
        home, r[steps], Box.of({r: (34, 36)}), better=-Abs(r - best), measure="clamped", A=t
    )


@pytest.mark.parametrize("steps", [1, 300, 1500])
def test_bits_that_floats_tell_are_those_of_op(steps):
    strength = op(linear_thermostat(), A=t, n=r[0], m=r[steps]).item()
    if strength >= 0:
        assert float(of_home(steps)) == pytest.approx((strength + 1) / math.log(2), abs=1e-3)


@pytest.mark.parametrize("best", [None, 25])
@pytest.mark.parametrize("steps", [3000, 3400, 4000, 10000])
def test_bits_that_rounding_decides_are_an_error_that_says_so(steps, best):
    with pytest.raises(EvaluationError, match=r"rounding of .* steps .*ask op"):
        of_home(steps, best)


@settings(max_examples=12)
@given(st.floats(-4, 4), st.floats(0.25, 4))
def test_bits_of_what_a_halves_by_hand(low, width):
    """m[2] is m/2 free and m - 1/2 where a does what it does from m = 1."""
    S = System({a: m, m: m - a / 2}, start={a: 0, m: 1})
    starts = Box.of({m: (low, low + width)})
    bits = float(optimization_bits(S, m[2], starts, better=-Abs(m), measure="clamped", A=a))

    def share(far):  # of |m - 1/2| <= far
        return max(0.0, min(low + width, 0.5 + far) - max(low, 0.5 - far)) / width

    shares = np.array([share(abs(u / 2)) for u in np.linspace(low, low + width, 20_001)])
    empty = (shares[:-1] == 0) & (shares[1:] == 0)
    if empty.any():
        assert bits == math.inf or not (empty[1:] & empty[:-1]).any()
    else:
        midst = np.array([share(abs(low + width * (i + 0.5) / 20_000) / 2) for i in range(20_000)])
        assert bits == pytest.approx(-np.log2(midst).mean(), abs=0.01)


@pytest.mark.parametrize("measure", ["count", "decorrelated", "clamped"])
@pytest.mark.parametrize("A", [R, [T, R], R[0], "nonsense"])
def test_who_optimizes_is_of_the_system_and_without_m(measure, A):
    with pytest.raises(QueryError):
        optimization_bits(smart, R, P0, better="warm", measure=measure, A=A)


@pytest.mark.parametrize("A", [r, [t, r], "nonsense"])
def test_who_optimizes_a_real_variable_is_without_it(A):
    with pytest.raises(QueryError):
        optimization_bits(
            linear_thermostat(), r[3], Box.of({r: (0, 1)}), better=-r, measure="clamped", A=A
        )


X = finite("X", [0, 1, 2])
still, spread = System({X: X}, start={X: 0}), Distribution.uniform(X)


def test_a_best_value_of_numpy_is_a_value():
    assert optimization_bits(still, X, spread, better=np.int64(1)) == optimization_bits(
        still, X, spread, better=1
    )


@pytest.mark.parametrize("better", [[], (), 1j, True, {}, [[]], math.inf])
def test_what_is_no_goal_is_refused(better):
    with pytest.raises(CausaloptError):
        optimization_bits(still, X, spread, better=better)


def test_a_p_of_another_kind_says_which_would_do():
    with pytest.raises(QueryError, match="write a Box over one variable"):
        optimization_bits(
            linear_thermostat(), r, Gaussian.of({t: (0, 1), r: (0, 1)}), better=-Abs(r), A=t
        )
    with pytest.raises(QueryError, match=r"Distribution\.uniform"):
        optimization_bits(smart, R, Box.of({r: (0, 1)}), better="warm", measure="clamped")


@pytest.mark.parametrize("measure", [np.array(["count"]), ["count"], 3])
def test_a_measure_that_is_none_is_refused_in_words(measure):
    with pytest.raises(QueryError, match="write one of count"):
        optimization_bits(still, X, spread, better=1, measure=measure)
