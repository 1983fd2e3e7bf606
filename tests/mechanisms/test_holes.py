"""Where quotients are given polynomials, and where none is sought: by 60 digits, and by calls."""

import math
from fractions import Fraction

import mpmath
import pytest
import sympy
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sympy import Add, cos, cosh, exp, sin, symbols, tanh

from causalopt.backends.evaluation import evaluate
from causalopt.ground.work import measured
from causalopt.mechanisms.holes import smooth
from causalopt.mechanisms.steady import Beside
from causalopt.mechanisms.symbolic import Expression

x, y, z, k, m = symbols("x y z k m", real=True)


def holes(formula):
    return [part for part in sympy.preorder_traversal(smooth(formula)) if isinstance(part, Beside)]


@pytest.mark.parametrize(
    "formula",
    [
        (exp(x - y) - 1) / (x - y),
        (exp(2 * x - y * k) - 1) / (2 * x - y * k),
        sin(x + y - z) / (x + y - z),
        k * (x**2 - y**2) / (x - y) / (k + 1),
    ],
)
def test_a_hole_is_found_whichever_symbol_its_place_is_solved_for(formula):
    assert holes(formula)
    # Beside the hole the polynomial is the quotient, by 60 digits of that.
    near = smooth(formula).replace(Beside, lambda near, *_: near.doit())
    at = {y: sympy.Rational(3, 7), z: sympy.Rational(1, 5), k: sympy.Rational(2, 3)}
    place = sympy.solve(sympy.denom(sympy.together(formula)).subs(at), x)
    beside = max(root for root in place if root.is_real) + sympy.Rational(1, 10**4)
    with mpmath.workdps(60):
        expected = formula.subs(at).subs(x, beside).evalf(60)
        found = near.subs(at).subs(x, beside).evalf(60)
    assert abs(found / expected - 1) < 1e-30


@pytest.mark.parametrize(
    "formula",
    [
        # What divides out cancels no digits: 0/0 at k = 0 alone, and well computed beside it.
        x / (k * (1 + x / k)) + y / (k * (1 + y / k)),
        m * x / (k * (1 + x / k + y / m)) - z * y / (k * (1 + y / k)),
        # Zero above where it is zero below, but for symbols that the other side lacks.
        (x - y) / (x - z),
        (x + k * y) * (y - z) / (x + m * y),
    ],
)
def test_what_has_no_hole_is_left_as_it_is(formula):
    assert smooth(formula) == formula


@pytest.mark.parametrize(
    "formula",
    [
        # What has another value, or none, where a factor of the other side is zero.
        y * (x + y) / (3 * (x + y - sympy.Rational(3, 2))),
        (x + y) / ((x + y + 1) * sympy.floor(y)),
        10 * sympy.Min(1, 1 / sympy.sqrt(x)) / x,
        sympy.tanh(49 * x**2 / sympy.Max(3, 1 / (10 * x), sympy.tan(y))),
        (sympy.Max(5, sympy.cbrt(2 * y), x + x / y) + 1) / sympy.sqrt(y + 5),
        x / (sympy.sign(x**-2) + 5),
        (x + 1) / (x**2 * (sympy.Heaviside(sympy.sqrt(x)) + 1)),
        x * sympy.Heaviside(y**2) / (5 + sympy.Max(10, 7 * x, sympy.frac(1 / x) ** -2)),
        k * sympy.frac(x) / (sympy.Mod(sympy.sqrt(y), k) + m),
        sympy.Piecewise((sympy.log(2 * y), 1 / y >= 3), (x + 7, True)) / y,
        x * sympy.Piecewise((y, y >= 2), (x, True)) / sympy.sign(x) + y,
        y * sympy.cosh(sympy.Piecewise((x, x >= 4), (y**2, True))) / (x * sympy.floor(y)),
    ],
)
def test_what_sympy_has_no_value_for_at_a_place_is_no_hole(formula):
    assert smooth(formula) == formula


def test_decimals_cancel_in_every_order_as_they_are_written():
    mechanism = Expression((cos(0.1 * x) - 1 + 0.005 * x**2) / x**4)
    both = evaluate([mechanism.value({}), mechanism.partial(x)], {x: 1e-3})
    # 1e-4/24 - 1e-6/720 x^2 + ...
    assert float(both[0]) == pytest.approx(1e-4 / 24 - 1e-12 / 720, rel=1e-14)
    assert float(both[1]) == pytest.approx(-2e-9 / 720, rel=1e-9)


def test_a_pole_beside_a_zero_is_no_rounding_of_it():
    formula = (x - 1) / (x - 1 - sympy.Rational(1, 10**14))
    (value,) = evaluate([Expression(formula).value({})], {x: 1 + 1e-8})
    assert float(value) - 1 == pytest.approx(1e-6, rel=0.05)


def test_what_is_zero_but_for_rounding_is_seen_beside_symbols():
    formula = sin(x + y - 0.1 * 3) / (x + y - 0.3)
    assert 0.1 * 3 != 0.3
    assert holes(formula)


# Rates as they are written of channels in a membrane, with numbers in decimals: of a height c, a
# place -s and a width w, as formulas of sympy's, and as what they mean, by mpmath.
RATES = {
    "height over a wall": (
        lambda c, s, w: c * (x + s) / (1 - exp(-(x + s) / w)),
        lambda c, s, w, v: c * (v + s) / (1 - mpmath.exp(-(v + s) / w)),
    ),
    "over a tangent": (
        lambda c, s, w: c * (x + s) / tanh((x + s) / w),
        lambda c, s, w, v: c * (v + s) / mpmath.tanh((v + s) / w),
    ),
    "of two walls": (
        lambda c, s, w: (exp(c * (x + s)) - 1) / (1 - exp(-(x + s) / w)),
        lambda c, s, w, v: mpmath.expm1(c * (v + s)) / -mpmath.expm1(-(v + s) / w),
    ),
    "a wall over a height": (
        lambda c, s, w: (1 - exp(-(x + s) / w)) / (c * (x + s)),
        lambda c, s, w, v: -mpmath.expm1(-(v + s) / w) / (c * (v + s)),
    ),
    "twice zero": (
        lambda c, s, w: (c - c * cos((x + s) / w)) / (x + s) ** 2,
        lambda c, s, w, v: c * (1 - mpmath.cos((v + s) / w)) / (v + s) ** 2,
    ),
    "twice zero on both sides": (
        lambda c, s, w: (c - c * cos((x + s) / w)) / (cosh(c * (x + s)) - 1),
        lambda c, s, w, v: c * (1 - mpmath.cos((v + s) / w)) / (mpmath.cosh(c * (v + s)) - 1),
    ),
}
decimals = st.integers(1, 999).map(lambda n: n / 100)
widths = st.integers(30, 1999).map(lambda n: n / 100)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", RATES)
@given(decimals, st.integers(-800, 800).map(lambda n: n / 10), widths, st.floats(-13, 0))
@example(0.01, 55.0, 10.0, -13.0)
@example(0.01, 55.0, 10.0, -5.0)
@example(0.1, 54.4, 10.0, -13.0)
@example(0.1, -0.3, 10.0, -6.0)
@example(0.32, 52.1, 4.0, -13.0)
@settings(max_examples=40, deadline=None)
def test_decimals_are_read_as_they_are_written(name, height, place, width, power):
    written, meant = RATES[name]
    at = -place + 10.0**power * width
    exact = [Fraction(str(number)) for number in (height, place, width)]
    with mpmath.workdps(60):
        numbers = [mpmath.mpf(n.numerator) / n.denominator for n in exact]
        if mpmath.mpf(at) + numbers[1] == 0:
            return
        true = meant(*numbers, mpmath.mpf(at))
        slope = mpmath.diff(lambda v: meant(*numbers, v), at, h=mpmath.mpf(10) ** -25)
    mechanism = Expression(written(height, place, width))
    found, moved = (
        float(p) for p in evaluate([mechanism.value({}), mechanism.partial(x)], {x: at})
    )
    assert found == pytest.approx(float(true), rel=1e-11)
    scale = abs(true) / width
    assert moved == pytest.approx(float(slope), rel=1e-9, abs=float(1e-11 * scale))


@pytest.mark.sampled(5)
@pytest.mark.parametrize(
    ("formula", "meant"),
    [
        ((1 - sympy.besselj(0, x)) / x**2, lambda v: (1 - mpmath.besselj(0, v)) / v**2),
        (sympy.besselj(1, 2 * x) / x, lambda v: mpmath.besselj(1, 2 * v) / v),
        ((sympy.besseli(0, x) - 1) / x**2, lambda v: (mpmath.besseli(0, v) - 1) / v**2),
        (sympy.Si(x) / x, lambda v: mpmath.si(v) / v),
        (sympy.Si(x) / sin(x), lambda v: mpmath.si(v) / mpmath.sin(v)),
        ((1 - sympy.erfc(x)) / x, lambda v: mpmath.erf(v) / v),
        (sympy.erfi(x) / x, lambda v: mpmath.erfi(v) / v),
        (sympy.fresnels(x) / x**3, lambda v: mpmath.fresnels(v) / v**3),
        (sympy.fresnelc(x) / x, lambda v: mpmath.fresnelc(v) / v),
        (
            (sympy.airyai(x) - sympy.airyai(0)) / x,
            lambda v: (mpmath.airyai(v) - mpmath.airyai(0)) / v,
        ),
    ],
)
def test_special_functions_have_polynomials_too(formula, meant):
    mechanism = Expression(formula)
    for at in (1e-3, -1e-4, 1e-5, 1e-6, 1e-8, -1e-12):
        both = evaluate([mechanism.value({}), mechanism.partial(x)], {x: at})
        with mpmath.workdps(80):
            true = meant(mpmath.mpf(at))
            slope = mpmath.diff(meant, mpmath.mpf(at), h=mpmath.mpf(at) * mpmath.mpf(10) ** -20)
        assert float(both[0]) == pytest.approx(float(true), rel=1e-14)
        assert float(both[1]) == pytest.approx(float(slope), rel=1e-12)


@pytest.mark.parametrize(
    ("formula", "place", "there"),
    [
        # Zero to floats on both sides, as it is written.
        (0.01 * (x + 55) / (1 - exp(-(x + 55) / 10)), -55.0, math.nan),
        (0.1 * x / (exp(0.1 * x) - 1), 0.0, math.nan),
        # Of rounding on one side at least.
        (0.1 * (x + 54.4) / (1 - exp(-(x + 54.4) / 10)), -54.4, 1.0),
        (0.1 * (x - 0.3) / (1 - exp(-(x - 0.3) / 10)), 0.3, 1.0),
        ((exp(0.1 * (x + 54.4)) - 1) / (1 - exp(-(x + 54.4) / 10)), -54.4, 1.0),
        (sin(x) / (x - sympy.pi), math.pi, -1.0),
    ],
)
def test_at_the_place_itself_rounding_is_no_value(formula, place, there):
    (value,) = evaluate([Expression(formula).value({})], {x: place})
    assert float(value) == pytest.approx(there, rel=1e-14, nan_ok=True)


def test_work_goes_with_the_size_of_a_mean():
    """A weighted mean of n has n places at which its sum is zero, which are one."""

    def calls(n):
        parts = symbols(f"v0:{n}_{n}", real=True)
        above = Add(*(i * part for i, part in enumerate(parts, 2)))
        with measured() as meter:
            smooth(above / Add(*parts))
        return meter.calls

    assert calls(400) < 6 * calls(100)


def test_a_coefficient_that_would_take_long_to_see_is_given_up():
    many = [Add(*symbols(f"u{i}_0:9", real=True)) for i in range(8)]
    wide = sympy.Mul(*many, x - y) / (x - y) + sympy.Mul(*many) ** 2
    with measured() as meter:
        smooth((wide * exp(x - y) - wide) / (x - y))
    assert meter.calls < 1_000_000
