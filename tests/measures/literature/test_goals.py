"""Goal-directedness: the thermostats' values, its laws, and a search over beta by hand."""

import itertools
import math
import warnings
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import scipy.optimize
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Rational, Symbol
from thermostats import P0, R, T, dumb, smart

from causalopt import (
    DeclarationError,
    Distribution,
    Network,
    QueryError,
    compare,
    decision,
    finite,
    goal_directedness,
    solve,
    table,
    utility,
    variable,
)

FEW = settings(max_examples=15, deadline=None)
UNIFORM = Distribution.uniform(T, R)


def test_the_thermostats_from_anywhere():
    """Decision T[1], utility R[2] warm, P uniform: to the digits that were asked for."""
    values = {}
    for name, system in (("dumb", dumb), ("smart", smart)):
        reading = goal_directedness(system, T[1], {R[2]: "warm"}, UNIFORM)
        values[name] = float(reading)
        assert reading.unit == "nat"
    assert values["dumb"] == pytest.approx(0.103585298, abs=5e-10)
    assert values["smart"] == pytest.approx(0.414873383, abs=5e-10)


def test_the_thermostats_by_hand():
    """Whatever is seen, one value in three leads to a warm room: it is warm 5 times of 9, or 7.

    Of a policy that has chance q of it, pi_beta is e^b / (e^b + 2), and the best fit is exact.
    """
    for system, share in ((dumb, 5 / 9), (smart, 7 / 9)):
        assert float(UNIFORM.push(system, 2).mass({R: "warm"})) == share
        reading = goal_directedness(system, T[1], {R[2]: "warm"}, UNIFORM)
        own = share * math.log(share) + (1 - share) * math.log((1 - share) / 2) + math.log(3)
        assert float(reading) == pytest.approx(own, abs=1e-12)
        assert reading["beta"] == pytest.approx(math.log(2 * share / (1 - share)))


def test_what_is_never_unsure_and_always_best():
    assert float(goal_directedness(smart, T[1], {R[2]: "warm"}, P0)) == pytest.approx(math.log(3))
    best = goal_directedness(smart, T[1], {R[2]: "warm"}, P0)
    assert best["beta"] == math.inf
    worst = goal_directedness(smart, T[1], {R[2]: {"hot": 1, "warm": 0, "cold": 1}}, P0)
    assert worst["beta"] == -math.inf
    assert float(worst) == float(best)
    # From P0 the dumb one is as likely to take one as another, whatever it leads to.
    assert float(goal_directedness(dumb, T[1], {R[2]: "warm"}, P0)) == 0
    # What the decision cannot change is no goal of it.
    nothing = goal_directedness(smart, T[1], {R[1]: "warm"}, UNIFORM)
    assert (float(nothing), nothing["beta"]) == (0, 0)


# -- any decision ---------------------------------------------------------------------------------


@st.composite
def choices(draw):
    """What is seen (its chances), what is chosen then, and what that is worth."""
    seen, values = draw(st.integers(1, 3)), draw(st.integers(2, 3))
    weights = draw(st.lists(st.integers(1, 4), min_size=seen, max_size=seen))
    rows = [draw(st.lists(st.integers(0, 3), min_size=values, max_size=values).filter(any))
            for _ in range(seen)]  # fmt: skip
    worth = [
        draw(st.lists(st.integers(-2, 2), min_size=values, max_size=values)) for _ in range(seen)
    ]
    return weights, rows, worth


def network_of(weights, rows, worth, scale=1, shift=0):
    s, d, u = finite("s", range(len(weights))), finite("d", range(len(rows[0]))), variable("u")
    share = lambda each: {i: Rational(w, sum(each)) for i, w in enumerate(each)}  # noqa: E731
    amounts = {i: {j: scale * w + shift for j, w in enumerate(row)} for i, row in enumerate(worth)}
    return Network({
        s: table((), share(weights)),
        d: table(s, {i: share(row) for i, row in enumerate(rows)}),
        u: utility((s, d), amounts),
    }), s, d, u  # fmt: skip


def fit_of(weights, rows, worth, beta):
    """E log(pi_beta n), by its definition."""
    total = 0.0
    for weight, row, amounts in zip(weights, rows, worth, strict=True):
        logs = np.array([beta * a for a in amounts])
        logs = logs - logs.max()
        logs = logs - math.log(np.exp(logs).sum())
        for chosen, log in zip(row, logs, strict=True):
            if chosen:
                total += weight / sum(weights) * chosen / sum(row) * (log + math.log(len(row)))
    return total


@FEW
@given(choices())
def test_no_beta_fits_better(drawn):
    network, _, d, u = network_of(*drawn)
    reading = goal_directedness(network, d, u)
    value, beta = float(reading), reading["beta"]
    found = scipy.optimize.minimize_scalar(
        lambda b: -fit_of(*drawn, b), bounds=(-60, 60), method="bounded"
    )
    assert value >= -found.fun - 1e-9
    assert value <= max(-found.fun, fit_of(*drawn, 60.0), fit_of(*drawn, -60.0)) + 1e-6
    if math.isfinite(beta):
        assert value == pytest.approx(fit_of(*drawn, beta), abs=1e-12)
    assert 0 <= value <= math.log(len(drawn[1][0])) + 1e-12


@FEW
@given(choices(), st.sampled_from([-3, -1, 2, 5]), st.integers(-4, 4))
def test_a_utility_is_the_same_at_any_scale(drawn, scale, shift):
    network, _, d, u = network_of(*drawn)
    other, *_ = network_of(*drawn, scale, shift)
    one, two = goal_directedness(network, d, u), goal_directedness(other, d, u)
    assert float(two) == pytest.approx(float(one), abs=1e-11)
    if math.isfinite(one["beta"]):
        assert two["beta"] * scale == pytest.approx(one["beta"], abs=1e-6)


@FEW
@given(choices())
def test_the_best_policy_is_the_most_directed(drawn):
    weights, rows, worth = drawn
    _, s, d, u = network_of(*drawn)
    free = Network({s: table((), {i: Rational(w, sum(weights)) for i, w in enumerate(weights)}),
                    d: decision(s), u: utility((s, d), {(i, j): w for i, row in enumerate(worth)
                                                        for j, w in enumerate(row)})})  # fmt: skip
    best = goal_directedness(solve(free).world, d, u)
    ties = [row.count(max(row)) for row in worth]
    size = len(rows[0])
    if all(n == size for n in ties):
        assert float(best) == 0
    else:
        share = [w / sum(weights) for w in weights]
        expected = sum(p * math.log(size / n) for p, n in zip(share, ties, strict=True))
        assert float(best) == pytest.approx(expected)
        assert best["beta"] == math.inf


def test_utilities_add_up_and_may_be_events():
    a, b, d = finite("a", [0, 1]), finite("b", [0, 1]), finite("d", [0, 1])
    even = {0: Rational(1, 2), 1: Rational(1, 2)}
    net = Network({d: table((), {0: Rational(1, 4), 1: Rational(3, 4)}), a: table(d, {0: 0, 1: 1}),
                   b: table(d, {0: even, 1: 1})})  # fmt: skip
    both = goal_directedness(net, d, {a: 1, b: 1})
    summed = goal_directedness(net, d, {a: {0: 0, 1: 1}, b: {0: 0, 1: 1}})
    assert float(both) == pytest.approx(float(summed))  # one decision of two values: the same fit
    assert both["beta"] * 1 == pytest.approx(summed["beta"] * 1.5)


def test_a_comparison_asks_what_is_decided_just_before():
    table = compare(dumb, T, R, P=UNIFORM, better="warm", steps=2)
    assert table["goal_directedness"] == goal_directedness(dumb, T[1], {R[2]: "warm"}, UNIFORM)
    with pytest.raises(QueryError, match=r"T\[0\] starts from a value"):
        compare(dumb, T, R, P=UNIFORM, better="warm")["goal_directedness"]
    with pytest.raises(QueryError, match="needs better="):
        compare(dumb, T, R, P=UNIFORM)["goal_directedness"]


def test_what_cannot_be_asked_says_why():
    u = variable("u")
    with pytest.raises(QueryError, match="A = T names 3 nodes"):
        goal_directedness(smart, T, {R[2]: "warm"}, UNIFORM)
    with pytest.raises(QueryError, match=r"T\[0\] starts from a value"):
        goal_directedness(smart, T[0], {R[2]: "warm"}, UNIFORM)
    with pytest.raises(DeclarationError, match=r"utility: R\[2\] is 'wram'.*Did you mean warm"):
        goal_directedness(smart, T[1], {R[2]: "wram"}, UNIFORM)
    with pytest.raises(QueryError, match=r"R\[2\] is no utility: write which value"):
        goal_directedness(smart, T[1], R[2], UNIFORM)
    with pytest.raises(QueryError, match="utility names a variable over several steps"):
        goal_directedness(smart.world(steps=2), T[1], {R: "warm"}, UNIFORM)
    with pytest.raises(DeclarationError, match=r"no row for R\[2\] = cold"):
        goal_directedness(smart, T[1], {R[2]: {"hot": 1, "warm": 2}}, UNIFORM)
    for nothing in ({}, []):
        with pytest.raises(QueryError, match="nothing is wanted"):
            goal_directedness(smart, T[1], nothing, UNIFORM)
    with pytest.raises(QueryError, match="The symbol q meets floats here"):
        goal_directedness(smart, T[1], {R[2]: {"hot": Symbol("q"), "warm": 1, "cold": 0}}, UNIFORM)
    with pytest.raises(QueryError, match="u is not a variable of this system"):
        goal_directedness(smart, T[1], {u: 1}, UNIFORM)


def test_pairs_of_what_is_seen_and_done_are_all_counted():
    """The mean is over what is seen as it is, not as the free decision would make it."""
    states = itertools.product(T.values, R.values)
    weights = {s: Rational(i + 1, 45) for i, s in enumerate(states)}
    P = Distribution.of((T, R), weights)
    share = float(P.push(dumb.world(steps=2)).mass({R: "warm"}))
    reading = float(goal_directedness(dumb, T[1], {R[2]: "warm"}, P))
    assert reading == pytest.approx(
        share * math.log(share) + (1 - share) * math.log((1 - share) / 2) + math.log(3)
    )


# -- worths of very different size -----------------------------------------------------------------

see, do, pay = finite("see", [0, 1]), finite("do", [0, 1]), variable("pay")


def staked(rows, stakes):
    """A decision by what is seen, at even chances, and what is paid for each pair."""
    return Network(
        {
            see: table((), {0: Rational(1, 2), 1: Rational(1, 2)}),
            do: table(see, rows),
            pay: utility((see, do), {(a, b): stakes[a][b] for a in (0, 1) for b in (0, 1)}),
        }
    )


@pytest.mark.parametrize("kind", [int, float])
@pytest.mark.parametrize("power", [0, 6, 12, 13, 15, 40, 300])
def test_the_best_of_each_row_is_best_whatever_is_at_stake_in_others(power, kind):
    stakes = [[kind(0), kind(10) ** power], [kind(0), kind(1)]]
    best = goal_directedness(staked({0: 1, 1: 1}, stakes), do, pay)
    assert float(best) == pytest.approx(math.log(2))
    assert best["beta"] == math.inf
    worst = goal_directedness(staked({0: 0, 1: 0}, stakes), do, pay)
    assert float(worst) == pytest.approx(math.log(2))
    assert worst["beta"] == -math.inf


@pytest.mark.parametrize("offset", [10**6, 10**15, 10**40, 1e6, 1e12, 1e15, -1e12])
def test_what_is_paid_in_any_case_does_not_matter(offset):
    same = goal_directedness(staked({0: 1, 1: 1}, [[offset, offset + 1]] * 2), do, pay)
    assert float(same) == pytest.approx(math.log(2))


@FEW
@given(st.integers(0, 30), st.integers(0, 30), st.fractions(Fraction(1, 9), Fraction(8, 9)))
def test_a_row_beside_one_of_another_size_is_fitted_as_it_stands(first, second, mistake):
    """The same decision in both rows: beta of the row that is less sure, by the sum of both."""
    p = Rational(mistake.numerator, mistake.denominator)
    stakes = [10**first, 10**second]
    rows = {0: {0: p, 1: 1 - p}, 1: 1}
    value = float(goal_directedness(staked(rows, [[0, s] for s in stakes]), do, pay))

    def fit(scaled):  # of beta in parts of the larger stake, in 60 digits
        a, b = (scaled * mpmath.mpf(s) / max(stakes) for s in stakes)
        q = mpmath.mpf(int(p.p)) / int(p.q)
        one = (1 - q) * a - mpmath.log(1 + mpmath.exp(a))
        return (one + b - mpmath.log(1 + mpmath.exp(b))) / 2 + mpmath.log(2)

    with mpmath.workdps(60):
        tried = [mpmath.mpf(0)]
        tried += [
            s * mpmath.mpf(2) ** (mpmath.mpf(j) / 4) for s in (1, -1) for j in range(-30, 430)
        ]
        top = max(map(fit, tried))
    assert value >= float(top) - 1e-9
    assert value <= float(top) + 0.01


def test_the_largest_floats_are_paid_without_overflow():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        largest = staked({0: {0: 0.2, 1: 0.8}, 1: 1}, [[-1e308, 1e308], [0, 1]])
        smaller = staked({0: {0: 0.2, 1: 0.8}, 1: 1}, [[-1, 1], [0, 1e-308]])
        large, small = (goal_directedness(each, do, pay) for each in (largest, smaller))
    assert float(large) == pytest.approx(float(small))
    assert large["beta"] * 1e308 == pytest.approx(small["beta"])
