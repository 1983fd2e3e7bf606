"""Mechanisms: derivatives against central differences in 50 digits, kinks, and what is refused."""

import mpmath
import numpy as np
import pytest
import sympy as sp

from causalopt import DeclarationError, Network, run, tangents, variable, variables
from causalopt.mechanisms.symbolic import expression

x, y = variables("x y")

# A formula, the same in mpmath, and where it is smooth.
ELEMENTARY = [
    (sp.sin(x), mpmath.sin, (-3, 3)),
    (sp.cos(x), mpmath.cos, (-3, 3)),
    (sp.tan(x), mpmath.tan, (-1.4, 1.4)),
    (sp.sec(x), mpmath.sec, (-1.4, 1.4)),
    (sp.csc(x), mpmath.csc, (0.2, 2.9)),
    (sp.cot(x), mpmath.cot, (0.2, 2.9)),
    (sp.asin(x), mpmath.asin, (-0.9, 0.9)),
    (sp.acos(x), mpmath.acos, (-0.9, 0.9)),
    (sp.atan(x), mpmath.atan, (-3, 3)),
    (sp.acot(x), mpmath.acot, (0.2, 3)),
    (sp.asec(x), mpmath.asec, (1.2, 3)),
    (sp.acsc(x), mpmath.acsc, (1.2, 3)),
    (sp.atan2(x, 2), lambda u: mpmath.atan2(u, 2), (-3, 3)),
    (sp.sinh(x), mpmath.sinh, (-3, 3)),
    (sp.cosh(x), mpmath.cosh, (-3, 3)),
    (sp.tanh(x), mpmath.tanh, (-3, 3)),
    (sp.sech(x), mpmath.sech, (-3, 3)),
    (sp.csch(x), mpmath.csch, (0.2, 3)),
    (sp.coth(x), mpmath.coth, (0.2, 3)),
    (sp.asinh(x), mpmath.asinh, (-3, 3)),
    (sp.acosh(x), mpmath.acosh, (1.2, 3)),
    (sp.atanh(x), mpmath.atanh, (-0.9, 0.9)),
    (sp.asech(x), mpmath.asech, (0.1, 0.9)),
    (sp.acsch(x), mpmath.acsch, (0.2, 3)),
    (sp.acoth(x), mpmath.acoth, (1.2, 3)),
    (sp.exp(x), mpmath.exp, (-3, 3)),
    (sp.log(x), mpmath.log, (0.1, 3)),
    (sp.log(x, 10), mpmath.log10, (0.1, 3)),
    (sp.sqrt(x), mpmath.sqrt, (0.1, 3)),
    (sp.cbrt(x), mpmath.cbrt, (0.1, 3)),
    (x ** sp.Rational(5, 2), lambda u: u**2.5, (0.1, 3)),
    (2**x, lambda u: mpmath.mpf(2) ** u, (-3, 3)),
    (x**x, lambda u: u**u, (0.1, 3)),
    (sp.sinc(x), mpmath.sinc, (0.1, 3)),
    (sp.Abs(x), abs, (0.1, 3)),
    (sp.sign(x) * x, abs, (-3, -0.1)),
    (sp.Max(x, 1, x**2), lambda u: max(u, 1, u * u), (1.1, 3)),
    (sp.Min(x, 1, x**2), lambda u: min(u, 1, u * u), (0.1, 0.9)),
    (sp.floor(3 * x) * x, lambda u: mpmath.floor(3 * u) * u, (0.4, 0.6)),
    (sp.ceiling(3 * x) * x, lambda u: mpmath.ceil(3 * u) * u, (0.4, 0.6)),
    (sp.frac(x) * x, lambda u: (u - mpmath.floor(u)) * u, (1.1, 1.9)),
    (sp.Mod(x, 2) * x, lambda u: (u - 2 * mpmath.floor(u / 2)) * u, (2.1, 3.9)),
    (sp.Heaviside(x - 1) * x, lambda u: u, (1.1, 3)),
    (sp.Piecewise((x**2, x < 0), (sp.sin(x), True)), mpmath.sin, (0.1, 3)),
    (sp.Piecewise((x**2, (x < 0) | (x > 9)), (1, x > 5), (sp.exp(x), True)), mpmath.exp, (0.1, 3)),
    (sp.erf(x), mpmath.erf, (-2, 2)),
    (sp.gamma(x), mpmath.gamma, (0.5, 3)),
]


@pytest.mark.parametrize(
    ("formula", "oracle", "where"), [pytest.param(*row, id=str(row[0])) for row in ELEMENTARY]
)
def test_value_and_derivative_of_every_elementary_function(formula, oracle, where):
    points = np.linspace(*where, 23)
    W = Network({y: formula}, start={x: 0}).world()
    values = run(W, over={x: points})["value"].sel(node="y").values.ravel()
    slopes = tangents(W.perturb(x), over={x: points})["value"].sel(node="y").values.ravel()
    with mpmath.workdps(50):
        h = mpmath.mpf(10) ** -15
        for point, value, slope in zip(map(mpmath.mpf, points), values, slopes, strict=True):
            expected = (oracle(point + h) - oracle(point - h)) / (2 * h)
            assert value == pytest.approx(float(oracle(point)), rel=1e-13, abs=1e-14)
            assert slope == pytest.approx(float(expected), rel=1e-11, abs=1e-13)


@pytest.mark.parametrize(
    ("formula", "at", "slope"),
    [
        (sp.Abs(x), 0, 1),
        (sp.Max(x, 0), 0, (0, 1)),
        (sp.Min(x, 0), 0, (0, 1)),
        (sp.sign(x), 0, 0),
        (sp.Piecewise((2 * x, x >= 1), (3 * x, True)), 1, 2),
        (sp.Piecewise((2 * x, x > 1), (3 * x, True)), 1, 3),
        (sp.floor(x), 1, 0),
        (sp.sinc(x), 0, 0),
    ],
)
def test_at_a_kink_the_derivative_is_that_of_the_branch_taken(formula, at, slope):
    W = Network({y: formula}, start={x: at}).world()
    found = tangents(W.perturb(x))["value"].sel(node="y").item()
    assert found in (slope if isinstance(slope, tuple) else (slope,))


def test_scalars_and_arrays_mix_in_conditions():
    formula = sp.Piecewise((x, (x > 1) & (y > 0)), (y, (x < 0) | (y < 0)), (sp.Max(x, y, 3), True))
    (z,) = variables("z")
    network = Network({z: formula}, start={x: 0.5, y: 1})
    found = run(network.world(), over={x: [-1, 0.5, 2]})["value"].sel(node="z", world="W")
    assert found.values.tolist() == [1, 3, 2]


@pytest.mark.parametrize(
    ("given_", "told"),
    [
        ("R - k*T", "text is never parsed"),
        (x > 1, r"Piecewise\(\(1, x > 1\)"),
        (sp.Function("f")(x), "undefined function f"),
        (sp.I * x, "complex"),
        (sp.zoo, "undefined"),
        (sp.Integral(x, x), "doit"),
        (None, "NoneType"),
        (True, "bool"),
        ([1, 2], "list"),
    ],
)
def test_what_is_no_mechanism_is_refused(given_, told):
    with pytest.raises(DeclarationError, match=told):
        expression(given_, "T")


@pytest.mark.parametrize("number", [2, 2.5, np.float64(2.5), sp.Rational(1, 3)])
def test_numbers_are_mechanisms(number):
    W = Network({y: number}, start={}).world()
    assert run(W)["value"].item() == pytest.approx(float(number), rel=1e-15)


def test_names_that_look_like_code_run_nothing():
    odd = variable("os.system('touch owned')")
    W = Network({y: 2 * odd}, start={odd: 3}).world()
    assert run(W)["value"].sel(node="y").item() == 6
