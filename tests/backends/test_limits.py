"""Derivatives as limits: where a formula for them reads 0/0, and where there are none."""

import mpmath
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Abs, Eq, Max, Ne, Piecewise, Rational, exp, log, sin, sqrt

from causalopt import EvaluationError, Network, comp, every_m, every_n, variables
from causalopt.backends.limits import partial_at
from causalopt.mechanisms.symbolic import Expression

v, w, z = variables("v w z")


def at(formula, *point):
    mechanism = Expression(sp.sympify(formula, strict=True))
    values = dict(zip((v, w), point, strict=False))
    return partial_at(mechanism, v, {s: values[s] for s in mechanism.arguments})


@pytest.mark.parametrize(
    ("formula", "point", "expected"),
    [
        (sqrt(v**2 + w**2) * v, (0.0, 0.0), 0.0),
        (sqrt(v**2 + w**2) * v + 3 * v, (0.0, 0.0), 3.0),
        (sqrt(Max(v, 0) + Max(w, 0)), (-0.5, -0.5), 0.0),
        (exp(-1 / v**2), (0.0,), 0.0),
        ((v**3) ** Rational(1, 3), (0.0,), 1.0),
        (sqrt(v) * sin(v), (0.0,), 0.0),
        (Abs(v) ** Rational(6, 5), (0.0,), 0.0),
        (v**2 * log(v), (0.0,), 0.0),
        (v**2 * sin(1 / v), (0.0,), 0.0),
        (w / (sqrt(v) + Rational(1, 10**8)), (0.0, 0.0), 0.0),
        (v**w, (0.0, 2.0), 0.0),
        (sin(v) / v, (0.0,), 0.0),
        ((1 - sp.cos(v)) / v, (0.0,), 0.5),
        # Holes that a condition of equality fills in: to first order, and with a jump.
        (Piecewise((v / (exp(v) - 1), Ne(v, 0)), (1, True)), (0.0,), -0.5),
        (Piecewise((1, Eq(v, 0)), (v / (exp(v) - 1), True)), (0.0,), -0.5),
        (Piecewise((0.01 * (v + 55) / (1 - exp(-0.1 * (v + 55))), Ne(v, -55)), (0.1, True)),
         (-55.0,), 0.005),
        (Piecewise((5, Eq(v, 0)), (v, True)), (0.0,), 0.0),
    ],
)  # fmt: skip
def test_where_a_derivative_exists_it_is_the_limit(formula, point, expected):
    is_decimal = sp.sympify(formula).has(sp.Float)
    rel = 1e-10 if is_decimal else 1e-14
    assert at(formula, *point) == pytest.approx(expected, rel=rel, abs=1e-30)


@pytest.mark.parametrize(
    ("formula", "point"),
    [
        (sqrt(v), (0.0,)),
        (sqrt(v**2 + w**2), (0.0, 0.0)),
        (Abs(v), (0.0,)),
        (Max(v, 2 * v), (0.0,)),
        (v * log(v), (0.0,)),
        (v * sin(1 / v), (0.0,)),
        (w / (sqrt(v) + Rational(1, 10**8)), (0.0, 1.0)),
        (sp.cbrt(v), (0.0,)),
        (1 / v, (0.0,)),
        (log(v), (-1.0,)),
        (Piecewise((0, Eq(v, 0)), (Abs(v), True)), (0.0,)),
        (sp.atan(1 / v), (0.0,)),
    ],
)
def test_where_there_is_none_there_is_none(formula, point):
    assert at(formula, *point) is None


def test_slopes_beside_a_pole_and_far_out_are_limits_too():
    assert at(1 / v, 1e-160) == -float("inf")
    assert at(1 / v, 1e-150) == pytest.approx(-1e300, rel=1e-12)
    assert at(v**4 / (1 + v**4), 1e50) == pytest.approx(4e-250, rel=1e-12)
    assert at(v * exp(-(v**2)), 1e200) == 0


def test_a_network_says_that_a_slope_overflows():
    network = Network({w: 1 / v, z: 1 / v + w}, start={v: 1e-160})
    for ask in (
        lambda: comp(network, A=w, n=v, m=z),
        lambda: every_n(network, A=w, m=z),
        lambda: every_m(network, A=w, n=v),
    ):
        with pytest.raises(EvaluationError, match="derivative by v beyond the largest float"):
            ask()


smooth = st.sampled_from(
    [sin(v) * w, exp(v / 3) - w, v**3 / (1 + v**2), sp.tanh(v * w), log(3 + sp.cos(v)), v * w**2]
)
points = st.floats(-3, 3).map(lambda number: round(number, 3))


@given(smooth, smooth, points, points)
@settings(max_examples=30, deadline=None)
def test_where_a_formula_has_a_value_the_limit_is_that_value(first, second, x, y):
    formula = first + 2 * second
    with mpmath.workdps(50):
        plain = {v: sp.Symbol("p"), w: sp.Symbol("q")}
        slope = sp.diff(formula.xreplace(plain), plain[v])
        expected = float(
            sp.lambdify(tuple(plain.values()), slope, "mpmath")(mpmath.mpf(x), mpmath.mpf(y))
        )
    assert at(formula, x, y) == pytest.approx(expected, rel=1e-13, abs=1e-25)


@given(points, st.booleans())
@settings(max_examples=30, deadline=None)
def test_a_value_that_fills_a_hole_changes_no_derivative(hole, as_decimals):
    # h + 2 (exp(s) - 1)/s with s = v - h has the slope 1 at h.
    middle = hole if as_decimals else Rational(repr(hole))
    around = 2 * (exp(v - middle) - 1) / (v - middle)
    filled = Piecewise((around, Ne(v, middle)), (2.0 if as_decimals else 2, True))
    # Rounded constants leave a hole that is not quite filled.
    assert at(filled, hole) == pytest.approx(1.0, rel=1e-10 if as_decimals else 1e-14)
