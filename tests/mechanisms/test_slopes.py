"""Slopes keep their digits at any size of the arguments, beside holes too.

The oracle is sympy's own derivative of the formula as it is written, in up to 2000 digits.
"""

import functools
import math

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sympy import Abs, Eq, Max, Ne, Piecewise, Rational, cosh, exp, log, sin, sinh, sqrt, tanh

from causalopt import System, comp, parameters, tangents, variables
from causalopt.backends.evaluation import evaluate
from causalopt.backends.limits import partial_at
from causalopt.mechanisms.holes import smooth
from causalopt.mechanisms.symbolic import Expression, expression

x, y, z = variables("x y z")
k, n = parameters("k n")
u = sp.Symbol("u", real=True)

SATURATING = [
    x / (exp(x) - 1), 1 / (2 + exp(x)), 1 / (1 + x**2), 1 / cosh(x) ** 2, sp.asinh(x),
    x**4 / (1 + x**4), x / sqrt(1 + x**2), sinh(x) / cosh(x), exp(x) / (1 + exp(x)),
    x**2 / (x**2 + x + 1), (1 + x) / (2 + x), (x - 1) / (x + 1), x**3 / ((1 + x) * (2 + x**2)),
    (1 + x**2) ** Rational(-3, 2), x / (1 + Abs(x)), 1 / (1 + exp(-x)),
    (exp(x) - exp(-x)) / (exp(x) + exp(-x)), log(1 + x**2) / (1 + x**2), 1 / (1 + 1 / (1 + x**2)),
    sqrt(x) / (1 + sqrt(x)), x**2.5 / (0.3**2.5 + x**2.5), 1 / (1 + (x / 3) ** 4), x**-7,
    Abs(x) ** 3 / (2 + Abs(x) ** 3), (1 + x + x**2) / (1 + x + x**2 + x**3), (x / (1 + x)) ** 4,
    exp(2 * x) / (1 + exp(x) + exp(2 * x)), (1 + x) * exp(-x), sp.asin(x), sp.acos(x), sp.atanh(x),
    sp.atan(x), tanh(x) ** 2, 1 / tanh(x), log(x) / (1 + log(x)), x * exp(-(x**2)),
    Max(x, 0) ** 2 / (1 + Max(x, 0) ** 2), sp.atan2(x, 1), (x - sin(x)) / x**3,
    (sqrt(1 + x) - 1) / x,
]  # fmt: skip

#: A quotient, and where it reads 0/0.
HOLES = [
    ((10 - x) / (100 * (exp((10 - x) / 10) - 1)), 10), (x / (1 - exp(-x)), 0), (sin(x) / x, 0),
    ((1 - sp.cos(x)) / x**2, 0), (log(1 + x) / x, 0), (1 / tanh(x) - 1 / x, 0),
    ((exp(x) - 1) / x, 0), (x / sinh(x), 0), ((x**2 - 1) / (x - 1), 1),
    (sin(sp.pi * x) / (x - 1), 1),
    (sp.atan(x) / x, 0), ((x - sin(x)) / x**3, 0), (1 / x - 1 / (exp(x) - 1), 0),
    ((exp(x) - 1) / (exp(2 * x) - 1), 0), (log(x) / (x - 1), 1), (x**3 / (exp(x) - 1), 0),
    (sin(x) / sinh(x), 0), (x**2 * exp(x) / (exp(x) - 1) ** 2, 0),
]  # fmt: skip

wide = st.builds(
    lambda sign, power, part: sign * part * 10.0**power,
    st.sampled_from([-1.0, 1.0]), st.integers(-299, 299), st.floats(1, 9.99),
)  # fmt: skip
usual = st.builds(
    lambda sign, power: sign * 10.0**power, st.sampled_from([-1.0, 1.0]), st.floats(-12, 2.8)
)
near = st.builds(
    lambda sign, power: sign * 10.0**power, st.sampled_from([-1.0, 1.0]), st.floats(-14, -0.1)
)


@functools.cache
def in_digits(formula):
    """The formula and sympy's derivative of it, as functions of numbers of many digits."""
    plain = formula.xreplace({x: u})
    return [sp.lambdify([u], part, "mpmath") for part in (plain, sp.diff(plain, u).doit())]


def exact(formula, at):
    """Value and slope, NaN where they are not real."""
    digits = 2000 if not 1e-30 < abs(at) < 1e30 else 400
    with mpmath.workdps(digits + 10):
        try:
            numbers = [part(mpmath.mpf(at)) for part in in_digits(formula)]
        except (ZeroDivisionError, ValueError):
            return math.nan, math.nan
        return [
            n if isinstance(n, mpmath.mpf) else mpmath.nan for n in map(mpmath.mpmathify, numbers)
        ]


def computed(formula, at):
    """Value and slope as a run has them: as a limit where the formula of the slope has none."""
    mechanism = expression(formula, "z")
    value, slope = (
        float(n) for n in evaluate([mechanism.value({}), mechanism.partial(x)], {x: at})
    )
    if math.isfinite(value) and not math.isfinite(slope):
        slope = partial_at(mechanism, x, {x: at})
    return value, slope


def assert_same(found, expected, tolerance):
    if abs(expected) < 1e-290:
        assert abs(found) < 1e-289
    elif abs(expected) > 1e308:
        assert math.isinf(found)
    else:
        assert float(abs((found - expected) / expected)) < tolerance


@pytest.mark.sampled(3)
@pytest.mark.parametrize("formula", SATURATING, ids=str)
@given(st.one_of(wide, usual))
@example(400.0)
@example(-400.0)
@example(1e80)
@example(1e9)
@settings(max_examples=40, deadline=None)
def test_the_slope_of_what_saturates_has_all_its_digits(formula, at):
    (value, slope), (true_value, true_slope) = computed(formula, at), exact(formula, at)
    if not (math.isfinite(value) and mpmath.isfinite(true_slope)):
        return
    # Where x^2 is no float any more, 1 / (1 + x^2) may be zero as it is written, and so its slope.
    if abs(value - true_value) <= 1e-12 * abs(true_value):
        assert_same(slope, true_slope, 1e-10)


@pytest.mark.parametrize(("formula", "hole"), HOLES, ids=str)
@given(near)
@example(1e-12)
@example(-1e-9)
@settings(max_examples=30, deadline=None)
def test_beside_a_hole_value_and_slope_have_all_their_digits(formula, hole, off):
    at = hole + off
    if at == hole or at <= -1:
        return
    (value, slope), (true_value, true_slope) = computed(formula, at), exact(formula, at)
    assert_same(value, true_value, 1e-12)
    assert_same(slope, true_slope, 1e-11)


@given(near, st.floats(0.1, 30), st.floats(-80, 80))
@settings(max_examples=30, deadline=None)
def test_a_hole_may_lie_where_parameters_say(off, width, middle):
    rate = (x - k) / (1 - exp(-(x - k) / n))
    at = middle + off * width
    if at == middle:
        return
    mechanism = Expression(Piecewise((rate, Ne(x, k)), (n, True)))
    points = {x: at, k: middle, n: width}
    value, slope = (float(p) for p in evaluate([mechanism.value({}), mechanism.partial(x)], points))
    with mpmath.workdps(60):
        h, w = mpmath.mpf(at) - mpmath.mpf(middle), mpmath.mpf(width)
        e = mpmath.exp(-h / w)
        assert_same(value, h / (1 - e), 1e-12)
        assert_same(slope, 1 / (1 - e) - h * e / w / (1 - e) ** 2, 1e-11)


def test_what_fills_a_hole_stays_as_it_is_written():
    jump = expression(Piecewise((sin(x) / x, Ne(x, 0)), (5, True)), "z")
    assert [float(v) for v in evaluate([jump.value({})], {x: np.array([0.0, 1e-9])})[0]] == [
        5.0,
        1.0,
    ]
    assert "sin(x)/x" in str(jump)
    assert smooth(Piecewise((3, Eq(x, 0)), (x / (1 + x), True))).args[0] == (3, Eq(x, 0))
    assert math.isnan(float(evaluate([expression(x / (exp(x) - 1), "z").value({})], {x: 0.0})[0]))


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_comp_through_a_rate_that_is_nearly_gone(backend):
    rate = System({x: x, z: x / (exp(x) - 1), y: x * exp(-400) + z}, start={x: 400, z: 0, y: 0})
    assert comp(rate, A=z, n=x[0], m=y[2], backend=backend).item() == pytest.approx(-398, rel=1e-12)
    hill = System({x: x, z: x**4 / (1 + x**4), y: 1e-20 * x + z}, start={x: 1e4, z: 0, y: 0})
    assert comp(hill, A=z, n=x[0], m=y[2], backend=backend).item() == pytest.approx(5, rel=1e-12)


@given(st.floats(1e-3, 1e12), st.integers(1, 12))
@settings(max_examples=40, deadline=None)
def test_a_hill_function_of_any_steepness(at, power):
    mechanism = expression(x**n / (k**n + x**n), "z")
    (slope,) = evaluate([mechanism.partial(x)], {x: at, n: float(power), k: 1.5})
    with mpmath.workdps(400):
        a, b = mpmath.mpf(at) ** power, mpmath.mpf("1.5") ** power
        assert_same(float(slope), power * a / at * b / (a + b) ** 2, 1e-12)


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize(("formula", "at"), [(x**-7, 1e-40), (1 / x, 1e-160), (1 / x, -1e-160)])
def test_a_slope_beyond_floats_is_infinite(formula, at, backend):
    system = System({x: formula}, start={x: at})
    moved = tangents(system.world(steps=1).perturb(x[0]), backend=backend)
    assert float(moved.x[0, 1]) == -math.inf


SMALL_SHAPES = {
    "1/x": lambda x, exp, sin: 1 / x,
    "sin(x)/x": lambda x, exp, sin: sin(x) / x,
    "x/(exp(x) - 1)": lambda x, exp, sin: x / (exp(x) - 1),
    "(x + x**2)/x": lambda x, exp, sin: (x + x**2) / x,
    "(x + 2)/(x - 1)": lambda x, exp, sin: (x + 2) / (x - 1),
    "x + 1/x": lambda x, exp, sin: x + 1 / x,
}


@pytest.mark.parametrize("name", SMALL_SHAPES)
@given(power=st.integers(-150, 150), at=st.floats(1e-9, 0.9), decimal=st.floats(1, 9.9))
@settings(max_examples=25, deadline=None)
def test_no_size_of_a_quotient_is_taken_for_nothing(name, power, at, decimal):
    shape = SMALL_SHAPES[name]
    factor = decimal * 10.0**power
    formula = smooth(factor * shape(x, sp.exp, sp.sin))
    found = float(evaluate([formula], {x: at})[0])
    with mpmath.workdps(60):
        there, size = mpmath.mpf(at), mpmath.mpf(factor)
        expected = size * shape(there, mpmath.exp, mpmath.sin)
    assert found == pytest.approx(float(expected), rel=1e-13)
