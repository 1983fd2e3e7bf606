"""Series and limits as epsilon vanishes, against 50-digit arithmetic and sympy's own limits."""

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp
from sympy import Rational, Symbol, log
from thermostats import R, T, smart

from causalopt import (
    Distribution,
    QueryError,
    adjusted_optimizing_strength,
    limit_at_zero,
    series_at_zero,
)

e = Symbol("epsilon", positive=True)


@pytest.fixture(scope="module")
def smart_near_zero():
    """Adjusted strength of P_t, and S[P_{t-1}], for the neighbourhood of (low, warm)."""
    before = Distribution.neighbourhood({T: "low", R: "warm"}, e)
    found = adjusted_optimizing_strength(smart, T | R, before.push(smart))
    return found.value, before.entropy()


@pytest.mark.parametrize(
    ("at", "ratio"),
    [("1/10", "0.3569931891"), ("1/100", "0.4836269711"), ("1/10000", "0.4998304897")],
)
def test_the_ratio_at_small_epsilon(smart_near_zero, at, ratio):
    adjusted, entropy = smart_near_zero
    found = sympy.N((adjusted / entropy).subs(e, Rational(at)), 20)
    assert abs(found - Rational(ratio)) <= Rational(5, 10**11)


def test_the_limit_of_one_half_is_proved(smart_near_zero):
    adjusted, entropy = smart_near_zero
    assert limit_at_zero(adjusted / entropy, e) == Rational(1, 2)
    # By hand: the leading terms are -e log e / log 2 and -2 e log e / log 2.
    leading = -e * log(e) / log(2)
    assert limit_at_zero(adjusted / leading, e) == 1
    assert limit_at_zero(entropy / leading, e) == 2


def test_the_series_agrees_with_fifty_digits(smart_near_zero):
    """The remainder of the series below e**n is O(e**n log e): its size is checked at 1e-12."""
    for expression in smart_near_zero:
        for order in (1, 2, 3, 4):
            terms = series_at_zero(expression, e, order).removeO()
            with mp.workdps(80):
                small = Rational(1, 10**12)
                off = abs(sympy.N((expression - terms).subs(e, small), 60, maxn=400))
            assert off < 60 * order**3 * 10 ** (-12 * order) * 28


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(1, 9)), min_size=1, max_size=3),
    st.lists(st.tuples(st.integers(1, 3), st.integers(1, 9)), min_size=1, max_size=3),
)
def test_limits_of_ratios_of_entropies(first, second):
    """S[1 - sum c e**j, c e**j, ...]: to leading order the lowest j decides, -j c e**j log e."""

    def entropy(terms):
        masses = [c * e**j for j, c in terms]
        masses.append(1 - sum(masses))
        return -sum(m * log(m) for m in masses)

    def leading(terms):
        low = min(j for j, _ in terms)
        return low, low * sum(c for j, c in terms if j == low)

    (j, c), (i, d) = leading(first), leading(second)
    expected = Rational(c, d) if j == i else (sympy.oo if j < i else 0)
    assert limit_at_zero(entropy(first) / entropy(second), e) == expected


@pytest.mark.parametrize(
    "expression",
    [e * log(e), log(e), 1 / log(e), (1 + e) / (2 - e), log(1 + e) / e, log(e) ** 2,
     log((1 + 2 * e) / (3 + e)), (e + e**2) / e, e / e**3, log(e) / log(2 * e), 1 / e - log(e) / e],
)  # fmt: skip
def test_limits_against_sympy(expression):
    assert limit_at_zero(expression, e) == sympy.limit(expression, e, 0, "+")


def test_what_cancels_is_seen_to_vanish():
    assert limit_at_zero(log(e**2) - 2 * log(e), e) == 0
    assert limit_at_zero((log(6 * e) - log(2 * e) - log(3)) / e, e) == 0
    assert limit_at_zero((log(6 * e) - log(2 * e)) / log(3), e) == 1


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (sympy.sin(1 / e), "is not made of rational functions"),
        (log(sympy.sin(e)), "not the logarithm of a rational function"),
        (log(e - 1), "not known to be real for small epsilon"),
        (log(Symbol("a") * e), "declare the symbols in it positive"),
        (0.5, "give an expression"),
    ],
)
def test_what_has_no_limit_here_is_refused(expression, message):
    with pytest.raises(QueryError, match=message):
        limit_at_zero(expression, e)


def test_series_against_sympy():
    for f in (1 / (1 - e), log(1 + e) / (2 + e), (e + e**2) / e, log((1 + e) / (1 - 3 * e))):
        ours = series_at_zero(f, e, 4).removeO()
        assert sympy.expand(ours - sympy.series(f, e, 0, 4).removeO()) == 0
    assert series_at_zero(log(e) / e, e, 2).removeO() == log(e) / e
    with pytest.raises(QueryError, match="ask for limit_at_zero"):
        series_at_zero(1 / log(e), e)
    with pytest.raises(QueryError, match="order is 0"):
        series_at_zero(e, e, 0)
    with pytest.raises(QueryError, match="cannot tend to zero from above"):
        limit_at_zero(Symbol("n", negative=True), Symbol("n", negative=True))


def test_a_whole_number_of_numpy_is_an_order():
    assert series_at_zero(1 / (1 - e), e, np.int64(3)) == series_at_zero(1 / (1 - e), e, 3)
    with pytest.raises(QueryError, match="order is True"):
        series_at_zero(1 / (1 - e), e, True)
