"""What no distribution over real variables is, and what is assumed of their values."""

import math

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import (
    Box,
    CausaloptError,
    DeclarationError,
    Ensemble,
    Gaussian,
    QueryError,
    System,
    TooLargeError,
    finite,
    noise,
    normal,
    parameter,
    variable,
    variables,
)

x, y = variables("x y")
k, named = parameter("k"), finite("f", ["a", "b"])

# What numbers keep each assumption, said once more by counting: of numbers that lie in an interval.
KEEPS = {
    "positive": lambda n: n > 0,
    "negative": lambda n: n < 0,
    "nonnegative": lambda n: n >= 0,
    "nonpositive": lambda n: n <= 0,
    "nonzero": lambda n: n != 0,
    "integer": lambda n: n == int(n),
    "noninteger": lambda n: n != int(n),
    "even": lambda n: n % 2 == 0,
}


def inside(low, high):
    """Numbers between two others, none of them special."""
    return [low + (high - low) * (i + 0.123) / 50 for i in range(50)]


HALVES = st.integers(-6, 6).map(lambda n: n / 2)


@settings(deadline=None, max_examples=50)
@given(st.sampled_from(sorted(KEEPS)), st.booleans(), HALVES, st.integers(1, 8), HALVES)
def test_a_box_is_what_is_assumed_before_and_after(fact, is_so, low, width, shift):
    try:
        q = variable("q", **{fact: is_so})
        step = System({q: q + shift}, start={q: 1 if fact != "negative" else -1})
    except CausaloptError:
        return
    high = low + width / 2

    def is_right(by):
        return all(KEEPS[fact](n) == is_so for n in inside(low + by, high + by))

    def refused(ask):
        try:
            ask()
        except DeclarationError as error:
            assert "is assumed to be" in str(error)  # noqa: PT017  # either way is right here
            return True
        return False

    points = np.array(inside(low, high))
    assert refused(lambda: Box.of({q: (low, high)})) == (not is_right(0))
    assert refused(lambda: Ensemble.of({q: points})) == (not is_right(0))
    if is_right(0):
        for spread in (Box.of({q: (low, high)}), Ensemble.of({q: points})):
            on_the_way = is_right(shift) and is_right(2 * shift)
            assert refused(lambda spread=spread: spread.push(step, 2)) == (not on_the_way)


def test_a_value_that_strays_on_the_way_and_comes_back_is_refused():
    q = variable("q", positive=True)
    turn = System({q: 4 - q}, start={q: 1})
    for P in (Box.of({q: (3, 5)}), Ensemble.of({q: [3.0, 5.0]})):
        with pytest.raises(DeclarationError, match="assumed to be positive"):
            P.push(turn, 2)
    assert Box.of({q: (1, 3)}).push(turn, 2).entropy() == 1


def test_a_normal_distribution_lies_nearly_all_where_it_may():
    q = variable("q", positive=True)
    half = System({q: q / 2}, start={q: 1})
    assert Gaussian.of({q: (3, 1)}).push(half).mean[0] == sp.Rational(3, 2)
    with pytest.raises(DeclarationError, match="q spreads from -1/10 to 59/10"):
        Gaussian.of({q: (2.9, 1)})
    with pytest.raises(DeclarationError, match="assumed to be positive"):
        Gaussian.of({q: (5, 1)}).push(System({q: q - 3}, start={q: 1}))
    with pytest.raises(DeclarationError, match="assumed to be integer"):
        Gaussian.of({variable("m", integer=True): (3, 1)})
    assert Gaussian.of({q: (sp.Symbol("m"), 1)}).mean[0] == sp.Symbol("m")


NO_NUMBERS = [math.nan, math.inf, -math.inf, 1j, "1", True, None, sp.nan, sp.oo, sp.zoo, sp.I,
              2 + sp.I,
              "__import__('os')", b"1", 10**400, np.inf, np.datetime64("2020")]  # fmt: skip


@pytest.mark.parametrize("number", NO_NUMBERS, ids=lambda n: repr(n)[:20])
@pytest.mark.parametrize(
    "make",
    [
        lambda n: Gaussian((x,), [n], [[1]]),
        lambda n: Gaussian((x,), [0], [[n]]),
        lambda n: Gaussian.of({x: (n, 1)}),
        lambda n: Gaussian.of({x: (0, n)}),
        lambda n: Box.of({x: (n, 1)}),
        lambda n: Box.of({x: (0, n)}),
    ],
)
def test_what_is_no_number(make, number):
    with pytest.raises(CausaloptError):
        make(number)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda v: Gaussian((v,), [0], [[1]]), "over"),
        (lambda v: Gaussian.of({v: (0, 1)}), "over"),
        (lambda v: Box.of({v: (0, 1)}), "over"),
        (lambda v: Ensemble((v,), np.ones((3, 1))), "over"),
    ],
)
@pytest.mark.parametrize("of", [named, k, "x", 3, sp.Symbol("x"), x[0], x + 1])
def test_what_is_no_real_variable(make, words, of):
    with pytest.raises(DeclarationError, match=words):
        make(of)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Gaussian((x, x), [0, 0], sp.eye(2)), "has x twice"),
        (lambda: Ensemble((x, x), np.ones((3, 2))), "has x twice"),
        (lambda: Gaussian((), [], []), "no variables"),
        (lambda: Gaussian(x, [0], [[1]]), r"write a list, such as \(T, R\)"),
        (lambda: Gaussian((x, y), [0, 0], [[1], [0, 1]]), r"must be \(2, 2\)"),
        (lambda: Gaussian((x,), 3, [[1]]), r"must be \(1, 1\)"),
        (lambda: Gaussian.of({x: (0, -1)}), "standard deviation -1: write one above 0"),
        (lambda: Gaussian.of({x: (0, 0)}), "standard deviation 0: write one above 0"),
        (lambda: Gaussian((x,), [np.ones((2, 2)), np.ones((2, 3))], [[1]]), "many lengths"),
        (lambda: Ensemble.of({x: []}), "no samples"),
    ],
)
def test_what_is_no_distribution(make, words):
    with pytest.raises(DeclarationError, match=words):
        make()


SPREADS = [Gaussian.of({x: (0, 1), y: (1, 2)}), Box.of({x: (0, 1), y: (1, 2)})]


@pytest.mark.parametrize("P", SPREADS, ids=["Gaussian", "Box"])
@pytest.mark.parametrize("samples", [0, -3, 2.5, "3", None, True, 2**70, [3]])
def test_no_number_of_samples(P, samples):
    with pytest.raises(QueryError, match="samples is"):
        P.sample(samples, seed=1)


@pytest.mark.parametrize("P", SPREADS, ids=["Gaussian", "Box"])
def test_samples_that_fit_in_no_memory(P):
    with pytest.raises(TooLargeError, match="An ensemble of 100,000,000,000 samples needs"):
        P.sample(10**11, seed=1)
    assert len(P.sample(np.int64(3), seed=1).samples) == 3


@settings(deadline=None)
@given(st.fractions(min_value=-50, max_value=50, max_denominator=999))
def test_a_rational_parameter_stays_exact(ratio):
    step = System(
        {x: k * x + noise("e", normal(0, 1))}, start={x: 0}, parameters={k: sp.Rational(ratio)}
    )
    later = Gaussian.of({x: (1, 1)}).push(step, 2)
    r = sp.Rational(ratio)
    assert later.mean[0] == r**2
    assert later.covariance[0] == r**4 + r**2 + 1


@given(st.integers(-(10**9), 10**9), st.integers(0, 9))
def test_a_decimal_stays_what_it_prints_as(digits, places):
    text = f"{digits}e-{places}"
    assert Gaussian((x,), [float(text)], [[1]]).mean[0] == sp.Rational(text)
