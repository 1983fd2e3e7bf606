"""Reductions of two Jacobians: the laws that define them, on random matrices."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt.measures.response.optimization import OP
from causalopt.measures.response.reductions import (
    Jacobian,
    lengths,
    pencil,
    sizes,
    spectrum,
    volumes,
)

seeds = st.integers(0, 10**6)
shapes = st.tuples(st.integers(1, 4), st.integers(1, 4))


def plain(matrix):
    matrix = np.asarray(matrix, dtype=float)
    return Jacobian(matrix[None], np.zeros((1, matrix.shape[1]), dtype=np.int64))


def matrices(seed, *sizes):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=size) for size in sizes]


def rms(x, y):
    return OP.function(sizes(x, y))[0]


def volume(x, y):
    return volumes(x, y).values[0, 0]


@given(seeds)
def test_of_one_number_all_are_the_op_of_numbers(seed):
    x, y = matrices(seed, (1, 1), (1, 1))
    wanted = -math.log(abs(x[0, 0] / y[0, 0]))
    both = plain(x), plain(y)
    for got in (
        OP.function(lengths(*both))[0, 0],
        rms(*both),
        volume(*both),
        spectrum(*both).values[0, 0],
        pencil(*both).values[0, 0].real,
    ):
        assert got == pytest.approx(wanted, abs=1e-12)


@given(seeds, shapes)
@settings(max_examples=30)
def test_what_each_is_free_of(seed, shape):
    q, p = shape
    x, y, P, Q = matrices(seed, (q, p), (q, p), (q, q), (p, p))
    turn_m, turn_n = np.linalg.qr(P)[0], np.linalg.qr(Q)[0]
    plainly = plain(x), plain(y)
    turned = plain(turn_m @ x @ turn_n), plain(turn_m @ y @ turn_n)
    assert rms(*turned) == pytest.approx(rms(*plainly), abs=1e-10)
    if q <= p:  # of the coordinates of m
        changed = plain(P @ x), plain(P @ y)
        assert volume(*changed) == pytest.approx(volume(*plainly), abs=1e-6)
    if q >= p:  # of the coordinates of n
        changed = plain(x @ Q), plain(y @ Q)
        assert volume(*changed) == pytest.approx(volume(*plainly), abs=1e-6)
    if p == q:
        changed = plain(P @ x @ Q), plain(P @ y @ Q)
        both = (pencil(*pair) for pair in (changed, plainly))
        one, other = ((found.values.real, found.rounding) for found in both)
        assert (np.abs(one[0] - other[0]) <= one[1] + other[1] + 1e-12).all()


@given(seeds, shapes)
@settings(max_examples=30)
def test_the_spectrum_is_of_extremes_and_sums_to_the_volume(seed, shape):
    q, p = shape
    x, y = matrices(seed, (q, p), (q, p))
    values = spectrum(plain(x), plain(y)).values[0]
    if q >= p:
        assert values.sum() == pytest.approx(volume(plain(x), plain(y)), abs=1e-8)
    directions = np.random.default_rng(seed).normal(size=(p, 200))
    ratios = np.log(np.linalg.norm(y @ directions, axis=0) / np.linalg.norm(x @ directions, axis=0))
    finite = values[np.isfinite(values)]
    assert ratios.max() <= np.nanmax(values) + 1e-9
    if len(finite) == p:
        assert ratios.min() >= finite.min() - 1e-9


@given(seeds)
def test_the_volume_is_a_difference_of_normal_entropies(seed):
    x, y, root = matrices(seed, (2, 4), (2, 4), (4, 4))
    entropy = [
        0.5 * np.linalg.slogdet(2 * np.pi * np.e * J @ root @ root.T @ J.T)[1] for J in (x, y)
    ]
    under = [plain(J @ root) for J in (x, y)]
    assert volume(*under) == pytest.approx(entropy[1] - entropy[0], abs=1e-9)


def test_the_metric_of_m_measures_lengths():
    x, y = matrices(3, (3, 1), (3, 1))
    G = np.diag([1.0, 4.0, 9.0])
    wanted = 0.5 * math.log((y.T @ G @ y).item() / (x.T @ G @ x).item())
    got = OP.function(lengths(*(plain(J).under(G) for J in (x, y))))
    assert got.item() == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("least", [1e-2, 1e-6, 1e-10])
def test_a_small_singular_value_is_not_squared(least):
    """By logdet(J J') 1e-10 would give 22.69 for 26.02."""
    U, V = (np.linalg.qr(m)[0] for m in matrices(0, (3, 3), (3, 3)))
    x, y = U @ np.diag([0.5, 0.1, least]) @ V.T, U @ V.T
    wanted = -math.log(0.5 * 0.1 * least)
    assert volume(plain(x), plain(y)) == pytest.approx(wanted, rel=1e-6)
    assert spectrum(plain(x), plain(y)).values[0, 0] == pytest.approx(-math.log(least), rel=1e-6)


def test_what_rounding_hides_is_counted_and_not_printed():
    U, V = (np.linalg.qr(m)[0] for m in matrices(1, (3, 3), (3, 3)))
    x, y = U @ np.diag([0.5, 0.1, 0.0]) @ V.T, U @ V.T
    found = spectrum(plain(x), plain(y))
    assert found.values[0, 0] == found.rounding[0, 0] == math.inf
    assert found.hidden[0] == 1
    assert found.values[0, 1:] == pytest.approx([math.log(10), math.log(2)])
    assert (found.rounding[0, 1:] < 1e-13).all()
    whole = volumes(plain(x), plain(y))
    assert whole.values[0, 0] == whole.rounding[0, 0] == math.inf
    by_size = pencil(plain(x), plain(y))
    assert by_size.values[0, 0] == by_size.rounding[0, 0] == math.inf
    assert by_size.hidden[0] == 1
    assert by_size.values[0, 1:] == pytest.approx([math.log(10), math.log(2)])


@given(seeds, st.floats(0, 11))
def test_eigenvalues_are_off_by_no_more_than_they_say(seed, spread):
    """Against 60 digits, however far apart they are; those that rounding hides are none."""
    P, Q = matrices(seed, (3, 3), (3, 3))
    scales = np.random.default_rng(seed).uniform(-spread, spread, size=3)
    x, y = P @ np.diag(10.0**scales) @ Q, P @ Q
    with mpmath.workdps(60):
        wanted = mpmath.eig(
            mpmath.inverse(mpmath.matrix(y.tolist())) * mpmath.matrix(x.tolist()),
            left=False, right=False,
        )  # fmt: skip
        logs = sorted((-float(mpmath.log(abs(one))) for one in wanted), reverse=True)
    found = pencil(plain(x), plain(y))
    assert found.hidden[0] == np.isinf(found.rounding[0]).sum()
    known = np.isfinite(found.rounding[0])
    off = np.abs(found.values[0].real - logs)[known]
    assert (off <= 2 * found.rounding[0][known] + 1e-13).all()
    assert known.all() or spread > 4


def test_nothing_over_nothing_is_undefined_and_comes_last():
    x, y = np.diag([0.5, 0.0, 0.0]), np.diag([1.0, 1.0, 0.0])
    values = spectrum(plain(x), plain(y)).values
    assert values[0].tolist()[:2] == [math.inf, pytest.approx(math.log(2))]
    assert math.isnan(values[0, 2])
    back = spectrum(plain(y), plain(x)).values
    assert back[0, 1] == -math.inf
    assert np.isnan(volume(plain(x * 0), plain(y * 0)))


@given(seeds, st.lists(st.integers(-4000, 4000), min_size=3, max_size=3))
@settings(max_examples=40)
def test_powers_of_two_lose_nothing(seed, powers):
    x, y = matrices(seed, (4, 3), (4, 3))
    shifts = np.array([powers], dtype=np.int64)
    moved = Jacobian(x[None], shifts)
    logs = np.array(powers) * math.log(2)
    got = OP.function(lengths(moved, plain(y)))[0]
    assert got == pytest.approx(OP.function(lengths(plain(x), plain(y)))[0] - logs, abs=1e-9)
    wanted = volume(plain(x), plain(y)) - logs.sum()
    assert volume(moved, plain(y)) == pytest.approx(wanted, rel=1e-12, abs=1e-8)
    alike = Jacobian(x[None], np.full((1, 3), powers[0], dtype=np.int64))
    assert rms(alike, plain(y)) == pytest.approx(rms(plain(x), plain(y)) - logs[0], abs=1e-9)
    both = (spectrum(side, plain(y)).values[0] for side in (alike, plain(x)))
    both = tuple(both)
    assert both[0] == pytest.approx(both[1] - logs[0], rel=1e-12, abs=1e-8)
