"""The one number that loops make of a quotient: the float nearest to it, by both compilers."""

import math
from fractions import Fraction

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import example, given

from causalopt import comp
from causalopt.backends import cache, native
from causalopt.backends.shape import Shape, indented, joined
from causalopt.backends.telling import STEPS, over_steps, statements
from causalopt.ground.scaled import RatioForm
from tests.backends.cases import a, b, lorenz

SOURCE = joined(
    "def told(mantissas, powers, out):",
    "    for i in range(out.size):",
    indented(2, statements(RatioForm.FLOAT, "mantissas[i]", "powers[i]", "out[i]")),
)
SIGNATURE = "void(float64[::1], int64[::1], float64[::1])"

with_both = pytest.mark.parametrize(
    "compiled",
    [
        pytest.param(
            lambda *of: cache.function(*of),
            marks=pytest.mark.skipif(
                not native.is_there(), reason="an LLVM whose text has old pointers"
            ),
            id="llvm",
        ),
        pytest.param(lambda *of: cache._by_numba(*of), id="numba"),
    ],
)
# Tangents are brought back to within 2**-300 and 2**300.
SIZES = st.floats(min_value=2.0**-600, max_value=2.0**600)
POWERS = st.one_of(st.integers(-40, 40), st.integers(-1700, 1700), st.integers(-(2**60), 2**60))


def nearest(mantissa, power):
    """mantissa * 2**power as a float, by Python's exact fractions."""
    if abs(power) > 3000:
        return math.copysign(math.inf if power > 0 else 0.0, mantissa)
    try:
        return float(Fraction(mantissa) * Fraction(2) ** power) or math.copysign(0.0, mantissa)
    except OverflowError:
        return math.copysign(math.inf, mantissa)


@with_both
@given(mantissa=SIZES, power=POWERS, is_negative=st.booleans())
@example(mantissa=1.5, power=-1074, is_negative=False)
@example(mantissa=1.5, power=-1075, is_negative=True)
@example(mantissa=2.0**-600, power=-474, is_negative=False)
@example(mantissa=math.nextafter(2.0**600, 0.0), power=-1674, is_negative=False)
@example(mantissa=1.0, power=1024, is_negative=False)
@example(mantissa=math.nextafter(2.0, 0.0), power=1023, is_negative=True)
def test_it_is_the_float_nearest_to_it(compiled, mantissa, power, is_negative):
    number, out = -mantissa if is_negative else mantissa, np.empty(1)
    compiled(SOURCE, "told", SIGNATURE)(np.array([number]), np.array([power]), out)
    assert out[0] == nearest(number, power)
    assert math.copysign(1.0, out[0]) == math.copysign(1.0, number)


@with_both
@pytest.mark.parametrize("power", [-(2**40), -1000, 0, 1000, 2**40])
def test_zero_and_what_is_not_finite_stay_what_they_are(compiled, power):
    numbers, out = np.array([0.0, -0.0, math.inf, -math.inf, math.nan]), np.empty(5)
    compiled(SOURCE, "told", SIGNATURE)(numbers, np.full(5, power), out)
    np.testing.assert_array_equal(out, numbers)
    np.testing.assert_array_equal(np.signbit(out), np.signbit(numbers))


def test_what_is_scaled_is_recorded_step_by_step():
    assert over_steps(Shape((), (), ()), ["x = i"]) == ["for i in range(first, stop):", "    x = i"]


@pytest.mark.parametrize("steps", [7, 2 * STEPS + 3])
def test_comp_of_one_step_has_the_digits_that_it_has_among_all(steps):
    asked = {"of": lorenz(), "A": a, "n": b[0], "m": b, "steps": steps}
    every = comp(**asked, backend="numba")
    assert comp(**asked, keep="last", backend="numba").item() == every.values[-1]
    np.testing.assert_array_equal(
        comp(**asked, keep=5, backend="numba"), every.sel(time=every.time[::5])
    )
