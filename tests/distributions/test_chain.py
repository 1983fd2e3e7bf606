"""Finite Markov chains: pushes, where they settle, how fast, and what is refused."""

from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import Chain, DeclarationError, Distribution, QueryError, System, finite, table

spots = finite("spot", range(5))
two = finite("two", ["x", "y"])

rows = st.lists(st.integers(0, 9), min_size=5, max_size=5)
kernels = st.lists(rows, min_size=5, max_size=5).map(
    lambda found: [
        [Fraction(v + (i == j) + (j == (i + 1) % 5), sum(row) + 2) for j, v in enumerate(row)]
        for i, row in enumerate(found)
    ]
)


def exactly_settled(kernel):
    """The stationary masses as rationals, by sympy's null space."""
    matrix = sp.Matrix(kernel).applyfunc(lambda v: sp.Rational(v.numerator, v.denominator))
    (vector,) = (matrix.T - sp.eye(len(kernel))).nullspace()
    return [float(v / sum(vector)) for v in vector]


@given(kernels)
def test_it_settles_where_the_null_space_says(kernel):
    chain = Chain(spots, np.array(kernel, dtype=float))
    np.testing.assert_allclose(chain.settled().to_xarray(), exactly_settled(kernel), rtol=1e-12)


@given(kernels, st.integers(1, 6))
def test_a_push_is_a_power_of_the_kernel(kernel, steps):
    dense = np.array(kernel, dtype=float)
    start = Distribution.of(spots, [0.1, 0.2, 0.3, 0.4, 0.0])
    expected = start.to_xarray().values @ np.linalg.matrix_power(dense, steps)
    np.testing.assert_allclose(Chain(spots, dense).push(start, steps).to_xarray(), expected, 1e-12)


@settings(deadline=None)
@given(kernels, st.sampled_from([0.3, 0.01, 1e-6]))
def test_the_steps_that_are_left_are_those_of_a_plain_walk(kernel, tolerance):
    chain = Chain(spots, np.array(kernel, dtype=float))
    now, end = Distribution.delta({spots: 2}).floats(), chain.settled()
    walked = 0
    while now.total_variation(end) > tolerance:
        now, walked = chain.push(now), walked + 1
    assert chain.steps_to(Distribution.delta({spots: 2}), tolerance) == walked


def test_the_gap_of_two_states_is_the_sum_of_the_rates():
    for p, q in [(0.1, 0.5), (0.9, 0.7), (1e-9, 2e-9)]:
        assert Chain(two, [[1 - p, p], [q, 1 - q]]).gap() == pytest.approx(1 - abs(1 - p - q))


def test_small_masses_are_right_to_many_digits():
    # A walk that climbs against odds of a million to one: pi(i) goes with 1e-6 ** i.
    kernel = np.zeros((5, 5))
    for i in range(4):
        kernel[i, i + 1], kernel[i + 1, i] = 1e-7, 0.1
    np.fill_diagonal(kernel, 1 - kernel.sum(axis=1))
    found = Chain(spots, kernel).settled().to_xarray().values
    weights = 1e-6 ** np.arange(5.0)
    np.testing.assert_allclose(found, weights / weights.sum(), rtol=1e-9)


def test_a_system_of_tables_is_the_chain_that_it_pushes():
    T, R = finite("T", ["high", "low", "off"]), finite("R", ["hot", "warm", "cold"])
    chances = {"hot": {"off": 0.7, "low": 0.3}, "warm": "low", "cold": {"high": 1.0}}
    room = {
        "high": {"hot": "hot", "warm": "hot", "cold": {"warm": 0.9, "cold": 0.1}},
        "low": {"hot": "hot", "warm": "warm", "cold": "cold"},
        "off": {"hot": "warm", "warm": "cold", "cold": "cold"},
    }
    system = System({T: table(R, chances), R: table((T, R), room)}, start={T: "low", R: "warm"})
    chain, P = Chain.of(system), Distribution.uniform(T, R).floats()
    found, expected = chain.push(P, 3), P.push(system, 3)
    np.testing.assert_allclose(found.to_xarray(), expected.to_xarray(), rtol=1e-12, atol=1e-15)
    assert chain.variables == (T, R)


def test_detailed_balance_fails_by_the_flow_around_a_ring():
    ring = np.roll(np.eye(5), 1, axis=1) * 0.5 + np.eye(5) * 0.5
    chain = Chain(spots, ring)
    assert chain.imbalance(Distribution.uniform(spots)) == pytest.approx(0.1)
    both = Chain(spots, (ring + ring.T) / 2)
    assert both.imbalance(Distribution.uniform(spots)) == 0.0


def test_what_cannot_be_reached_is_named():
    kernel = np.eye(5)
    kernel[0] = [0.5, 0.5, 0, 0, 0]
    chain = Chain(spots, kernel)
    assert [chain.name(i) for i in chain.unreachable(0)] == ["spot = 2", "spot = 3", "spot = 4"]
    with pytest.raises(QueryError, match=r"more than one way: .* from spot = 1 to spot = 2"):
        chain.settled()


def test_states_that_are_left_for_good_have_no_mass():
    found = Chain(two, [[0.5, 0.5], [0.0, 1.0]]).settled()
    assert found.mass({two: "y"}) == 1.0


def test_a_periodic_chain_never_comes_near():
    with pytest.raises(QueryError, match="periodic"):
        Chain(two, [[0, 1], [1, 0]]).steps_to(Distribution.delta({two: "x"}))


@pytest.mark.parametrize(
    ("kernel", "said"),
    [
        (np.eye(3), r"shape \(3, 3\): for 2 states"),
        ([[0.5, 0.4], [0, 1]], "go on from two = x sum to 0.9"),
        ([[1.5, -0.5], [0, 1]], "holds -0.5"),
        ([[np.nan, 1], [0, 1]], "holds nan"),
        ([["0.5", "0.5"], [0, 1]], "write a square of chances"),
        ([[1j, 0], [0, 1]], "write a square of chances"),
        ([[1, 0], [1]], "write a square of chances"),
    ],
)
def test_what_is_no_kernel_is_refused(kernel, said):
    with pytest.raises(DeclarationError, match=said):
        Chain(two, kernel)


def test_a_run_of_five_among_a_hundred_fair_picks():
    length = finite("length", range(6))
    kernel = np.zeros((6, 6))
    kernel[np.arange(5), 0] = kernel[np.arange(5), np.arange(1, 6)] = 0.5
    kernel[5, 5] = 1.0
    found = Chain(length, kernel).push(Distribution.delta({length: 0}), 100).mass({length: 5})
    assert found == pytest.approx(0.8101, abs=5e-5)
    # Exactly: the sequences without such a run are counted by Fibonacci numbers of order 5.
    free = [1, 2, 4, 8, 16]
    while len(free) <= 100:
        free.append(sum(free[-5:]))
    assert found == pytest.approx(float(1 - Fraction(free[100], 2**100)), rel=1e-12)


def sparse_with_zeros(dense):
    """Every entry stored, those that are 0 too, and some of them twice."""
    import scipy.sparse as ss

    size = len(dense)
    places = np.indices((size, size)).reshape(2, -1)
    values = np.asarray(dense, float).ravel()
    twice = np.concatenate([values / 2, values / 2])
    return ss.coo_array((twice, np.tile(places, 2)), shape=(size, size))


@pytest.mark.parametrize(
    "dense", [[[0.5, 0.5], [0, 1]], [[1, 0], [0.25, 0.75]], [[0, 1], [1, 0]], [[1, 0], [0, 1]]]
)
@pytest.mark.parametrize("form", ["coo", "csr", "csc", "lil"])
def test_a_stored_zero_is_no_arrow(dense, form):
    ours, same = Chain(two, sparse_with_zeros(dense).asformat(form)), Chain(two, dense)
    assert ours.unreachable().tolist() == same.unreachable().tolist()
    if dense == [[1, 0], [0, 1]]:
        with pytest.raises(QueryError, match="more than one way"):
            ours.settled()
        return
    assert ours.settled() == same.settled()


def test_the_kernel_that_is_given_stays_as_it_was():
    import scipy.sparse as ss

    kernel = ss.csr_array(([0.5, 0.5, 1.0, 0.0], ([0, 0, 1, 1], [0, 1, 1, 0])), shape=(2, 2))
    before = kernel.copy()
    Chain(two, kernel, normalise=True)
    assert (kernel.nnz, kernel.data.tolist()) == (before.nnz, before.data.tolist())


def test_rounded_rows_say_how_far_off_and_are_divided_where_asked():
    rounded = [[0.33333333, 0.66666665], [0.5, 0.5]]
    with pytest.raises(DeclarationError, match=r"0.99999998, 2e-08 too little.*normalise=True"):
        Chain(two, rounded)
    settled = Chain(two, rounded, normalise=True).settled().to_xarray().values
    third = 0.33333333 / 0.99999998
    np.testing.assert_allclose(settled, [0.5 / (1.5 - third), (1 - third) / (1.5 - third)])
    with pytest.raises(DeclarationError, match="nothing to normalise by"):
        Chain(two, [[0, 0], [0.5, 0.5]], normalise=True)
    with pytest.raises(DeclarationError, match=r"holds -0\.5"):
        Chain(two, [[1.5, -0.5], [0.5, 0.5]], normalise=True)
    with pytest.raises(DeclarationError, match="has shape"):
        Chain(two, [[0, 0, 0]] * 3, normalise=True)


@pytest.mark.parametrize("state", [7, -1, "a", None, 1.5, True])
def test_a_state_is_one_that_there_is(state):
    spot = finite("spot", ["a", "b", "c"])
    chain = Chain(spot, [[0.5, 0.5, 0], [0.5, 0.5, 0], [0, 0, 1]])
    for ask in (chain.unreachable, chain.name):
        with pytest.raises(QueryError, match=r"state is|start is"):
            ask(state)
    for wrong in (np.ones(2), "x", None):
        with pytest.raises(QueryError, match="one mass for each of the 3 states"):
            chain.distribution(wrong)
    with pytest.raises(QueryError, match="between 0 and 1"):
        chain.steps_to(Distribution.uniform(spot), "0.1")
