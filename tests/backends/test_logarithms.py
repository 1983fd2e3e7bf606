"""Logarithms in compiled code: to one unit in the last place, and of the number alone."""

import math

import hypothesis.strategies as st
import mpmath
import numpy as np
import pytest
from hypothesis import example, given

from causalopt import op
from causalopt.backends import cache, logarithms, native
from causalopt.backends.logarithms import log_size
from tests.backends.cases import a, b, lorenz

pytestmark = pytest.mark.skipif(not native.is_there(), reason="an LLVM whose text has old pointers")

SIZES = st.floats(min_value=5e-324, max_value=1.7976931348623157e308)
POWERS = st.one_of(st.integers(-3, 3), st.integers(-(2**20), 2**20), st.integers(-(2**50), 2**50))


def taken(mantissas, powers):
    return log_size(np.array(mantissas, dtype=float), np.array(powers, dtype=np.int64))


@given(mantissa=SIZES, power=POWERS, is_negative=st.booleans())
@example(mantissa=1.0, power=0, is_negative=False)
@example(mantissa=math.nextafter(1.0, 0.0), power=0, is_negative=False)
@example(mantissa=math.nextafter(0.5, 1.0), power=1, is_negative=True)
@example(mantissa=5e-324, power=1074, is_negative=False)
@example(mantissa=2.0**-1022, power=1022, is_negative=False)
def test_it_is_the_logarithm_to_one_unit_in_the_last_place(mantissa, power, is_negative):
    (found,) = taken([-mantissa if is_negative else mantissa], [power])
    with mpmath.workdps(50):
        exact = mpmath.log(mpmath.mpf(mantissa)) + power * mpmath.log(2)
        assert abs(mpmath.mpf(float(found)) - exact) <= mpmath.mpf(math.ulp(float(exact)))


@given(
    mantissa=st.floats(0.5, 1.0, exclude_max=True), power=st.integers(-(2**40), 2**40),
    moved=st.lists(st.integers(-1000, 1000), min_size=1, max_size=9),
)  # fmt: skip
def test_its_digits_depend_on_the_number_alone(mantissa, power, moved):
    mantissas, powers = [math.ldexp(mantissa, by) for by in moved], [power - by for by in moved]
    assert len(set(taken([mantissa, *mantissas], [power, *powers]).tolist())) == 1


def test_zero_and_what_is_not_finite_have_the_logarithms_that_numpy_gives_them():
    mantissas = np.array([0.0, -0.0, math.inf, -math.inf, math.nan])
    with np.errstate(divide="ignore"):
        expected = np.log(np.abs(mantissas))
    for power in (-(2**40), 0, 2**40):
        np.testing.assert_array_equal(log_size(mantissas, np.array(power)), expected)


def test_numba_gives_the_same_bits():
    numbers = np.random.default_rng(0).normal(size=1000) * 2.0 ** np.arange(-1000, 1000, 2)
    powers = np.arange(1000) - 500
    numbers[:4] = 0.0, math.inf, math.nan, 5e-324
    found = np.empty(1000)
    cache._by_numba(logarithms._SOURCE, "logs", logarithms._SIGNATURE)(numbers, powers, found)
    np.testing.assert_array_equal(found, log_size(numbers, powers))


@pytest.mark.parametrize("steps", [7, 3000])
def test_op_of_one_step_has_the_digits_that_it_has_among_all(steps):
    asked = {"of": lorenz(), "A": a, "n": b[0], "m": b, "steps": steps}
    every = op(**asked, backend="numba")
    assert op(**asked, keep="last", backend="numba").item() == every.values[-1]
    np.testing.assert_allclose(every, op(**asked, backend="numpy"), rtol=1e-13, atol=1e-13)
