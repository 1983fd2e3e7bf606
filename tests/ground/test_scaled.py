"""Numbers of any size: what is measured of a ratio depends on the ratio alone."""

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from causalopt.ground.scaled import Ratio, Scaled

mantissas = st.floats(0.5, 1.0, exclude_max=True)
powers = st.integers(-5000, 5000)


def log_size(x, above, y, below):
    """The log of one ratio, as it stands beside one whose powers are zero."""
    sides = [Scaled(np.array([m, 1.0]), np.array([p, 0])) for m, p in ((x, above), (y, below))]
    return Ratio(*sides).log_size()[0]


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
