"""Numbers of any size: what is measured of a ratio depends on the ratio alone."""

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from causalopt.ground.scaled import Ratio, Scaled, shifted

mantissas = st.floats(0.5, 1.0, exclude_max=True)
powers = st.integers(-5000, 5000) | st.integers(-500, 500)


def log_size(x, above, y, below):
    """The log of one ratio, as it stands beside one whose powers are zero."""
    sides = [Scaled(np.array([m, 1.0]), np.array([p, 0])) for m, p in ((x, above), (y, below))]
    return Ratio.of(*sides).log_size()[0]


@given(mantissas, mantissas, powers, powers, st.integers(-400, 400), st.integers(-400, 400))
def test_it_does_not_matter_which_powers_of_two_were_taken_out(x, y, above, below, up, down):
    plain = log_size(x, above, y, below)
    moved = log_size(np.ldexp(x, up), above - up, np.ldexp(y, down), below - down)
    assert plain == moved


@given(mantissas, mantissas, powers, powers)
def test_the_log_of_a_ratio_is_right_to_the_last_digits(x, y, above, below):
    found = log_size(x, above, y, below)
    with mpmath.workdps(60):
        ratio = mpmath.mpf(x) / mpmath.mpf(y) * mpmath.mpf(2) ** (above - below)
        exact = mpmath.log(abs(ratio))
    # The quotient is rounded once, which moves its log by half an epsilon; then the log is.
    assert abs(found - float(exact)) <= 2**-52 + 2**-51 * abs(float(exact))


@pytest.mark.parametrize("power", [0, 7, -7])
def test_a_ratio_beside_one_has_all_the_digits_of_its_log(power):
    for size in (1.0, 1 + 2**-40, 1 - 2**-41):
        found = log_size(size, power, 1.0, power)
        assert found == pytest.approx(float(mpmath.log(size)), rel=1e-15, abs=0)


@given(st.floats(), st.integers(-3000, 3000))
def test_one_power_for_all_leaves_the_digits_that_each_with_its_own_has(number, power):
    numbers = np.array([number, 1.0])
    with np.errstate(all="ignore"):
        together, each = (
            shifted(numbers, powers) for powers in (np.int64(power), np.array([power, power]))
        )
    assert together.tobytes() == each.tobytes()


stretches = {
    "floats": (0, 900),
    "floats, all of them near 1": (0, 0),
    "within floats": (300, 900),
    "beyond floats": (1100, 4000),
    "below floats": (-4000, -1100),
    "across the largest float": (900, 1100),
    "across the smallest": (-1100, -900),
    "one power for all, beyond floats": (2500, 2500),
    "one power for all, below floats": (-2500, -2500),
    "one power for all, at the largest float": (1000, 1000),
    "one power for all, at the smallest": (-1000, -1000),
    "one power for all, where more comes out of some": (3000, 3000),
}


@pytest.mark.parametrize(("low", "high"), stretches.values(), ids=stretches)
def test_what_a_number_stands_beside_changes_no_digit_of_its_log(low, high):
    draws = np.random.default_rng(7)
    x, y = draws.uniform(0.5, 1.0, (2, 40)) * 2.0 ** draws.integers(-20, 20, (2, 40))
    above = draws.integers(low, high + 1, 40)
    below = np.full(40, 30)
    sides = Scaled(x, above + 30), Scaled(y, below)
    found = Ratio.of(*sides).log_size()
    for i in range(40):
        with mpmath.workdps(60):
            ratio = mpmath.mpf(x[i]) / mpmath.mpf(y[i]) * mpmath.mpf(2) ** int(above[i])
            exact = float(mpmath.log(ratio))
        assert abs(found[i] - exact) <= 2**-52 + 2**-51 * abs(exact)
        assert found[i] == log_size(x[i], above[i] + 30, y[i], 30)


@given(st.integers(-2600, 2600), st.integers(0, 700), st.sampled_from([1, 7, 2047, 2049, 9000]))
def test_what_a_long_stretch_comes_to_is_what_each_of_it_does(power, spread, count):
    # Some are floats where others are not, so that more comes out of some than of others.
    draws = np.random.default_rng(count)
    mantissas = np.ldexp(draws.uniform(0.5, 1.0, count), draws.integers(-spread, spread + 1, count))
    powers = np.full(count, power)
    together, apart = Ratio(mantissas, np.array(power)), Ratio(mantissas, powers)
    each = [Ratio(mantissas[[i]], powers[[i]]) for i in range(0, count, 61)]
    for measure in (Ratio.log_size, Ratio.value):
        np.testing.assert_array_equal(measure(together), measure(apart))
        found = [measure(one)[0] for one in each]
        np.testing.assert_array_equal(measure(apart)[::61], found)


def test_a_zero_or_a_hole_in_a_stretch_beyond_floats_stays_one():
    x, y = np.array([1.0, 0.0, 1.0, np.nan, 3.0]), np.array([2.0, 2.0, 0.0, 1.0, 4.0])
    power = np.full(5, 2000)
    found = Ratio.of(Scaled(x, power), Scaled(y, np.zeros(5, np.int64))).log_size()
    big = 2000 * np.log(2.0)
    assert found[[0, 4]] == pytest.approx([big + np.log(0.5), big + np.log(0.75)], rel=1e-15)
    assert found[1] == -np.inf
    assert found[2] == np.inf
    assert np.isnan(found[3])


def test_a_power_that_differs_between_two_equal_ends_is_seen():
    power = np.array([2000, 2000, 2001, 2000])
    found = Ratio.of(Scaled(np.ones(4), power), Scaled.of(np.ones(4))).log_size()
    assert found == pytest.approx(power * np.log(2.0), rel=1e-15)


def test_a_single_number_and_one_beside_many_are_ratios_too():
    two, four = (Scaled.of(np.array(number)) for number in (2.0, 4.0))
    assert Ratio.of(two, four).log_size() == np.log(0.5)
    assert Ratio.of(two, four).value() == 0.5
    beside = Ratio.of(Scaled.of(np.array([2.0, -8.0])), four)
    assert beside.log_size().tolist() == [np.log(0.5), np.log(2.0)]
    assert beside.is_negative().tolist() == [False, True]


def test_a_zero_below_has_no_sign():
    x, zeros = np.array([2.0, 2.0, -2.0, -2.0]), np.array([0.0, -0.0, 0.0, -0.0])
    found = Ratio.of(Scaled.of(x), Scaled.of(zeros))
    assert found.value().tolist() == [np.inf, np.inf, -np.inf, -np.inf]
    assert found.is_negative().tolist() == [False, False, True, True]
