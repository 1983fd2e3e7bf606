"""Functions beyond the elementary ones: scipy's numbers, or a refusal where they are declared."""

import mpmath
import numpy as np
import pytest
import sympy as sp

from causalopt import (
    DeclarationError,
    EvaluationError,
    Network,
    System,
    run,
    tangents,
    variables,
)
from tests.backends.cases import BY_NAME

x, y = variables("x y")
every = pytest.mark.parametrize("backend", BY_NAME)

# numba has none of these, and hands them to NumPy: that it says so is tested elsewhere.
pytestmark = pytest.mark.filterwarnings("ignore:.*has no compiled form")

#: A function, where it is asked, and mpmath's own.
KNOWN = {
    "erfinv": (sp.erfinv(x), 0.3, mpmath.erfinv),
    "erfcinv": (sp.erfcinv(x), 0.4, lambda u: mpmath.erfinv(1 - u)),
    "erfi": (sp.erfi(x), 0.4, mpmath.erfi),
    "E1": (sp.expint(1, x), 0.5, mpmath.e1),
    "E3": (sp.expint(3, x), 0.5, lambda u: mpmath.expint(3, u)),
    "elliptic_k": (sp.elliptic_k(x), 0.3, mpmath.ellipk),
    "elliptic_e": (sp.elliptic_e(x), 0.3, mpmath.ellipe),
    "LambertW": (sp.LambertW(x), 0.7, mpmath.lambertw),
    "gamma": (sp.gamma(x), 2.3, mpmath.gamma),
    "Si": (sp.Si(x), 1.2, mpmath.si),
    "besselj": (sp.besselj(1, x), 1.2, lambda u: mpmath.besselj(1, u)),
}


@every
@pytest.mark.parametrize("name", KNOWN)
def test_value_and_tangent(name, backend):
    formula, point, oracle = KNOWN[name]
    system = System({x: formula}, start={x: point})
    world = system.world(steps=1)
    value = run(world, backend=backend)["x"].values[0, 1]
    slope = tangents(world.perturb(x[0]), backend=backend)["x"].values.ravel()[1]
    with mpmath.workdps(40):
        assert value == pytest.approx(float(mpmath.re(oracle(mpmath.mpf(point)))), rel=1e-13)
        expected = float(mpmath.re(mpmath.diff(oracle, mpmath.mpf(point))))
    assert slope == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    "formula",
    [
        sp.polylog(2, x), sp.DiracDelta(x - 5), sp.expint(x, 1), sp.expint(-1 * x, 2),
        sp.elliptic_e(x, y), sp.primepi(x), sp.Chi(x), sp.meijerg([[1], []], [[1], [0]], x),
    ],
)  # fmt: skip
def test_what_has_no_code_is_refused_where_it_is_declared(formula):
    with pytest.raises(DeclarationError, match="no numerical code"):
        System({x: formula, y: y}, start={x: 0, y: 0})
    with pytest.raises(DeclarationError, match="no numerical code"):
        Network({variables("z")[0]: formula}, start={x: 0, y: 0})


def test_a_function_without_a_derivative_runs_and_says_so():
    system = System({x: sp.zeta(x)}, start={x: 2.5})
    assert run(system.world(steps=1))["x"].values[0, 1] == pytest.approx(float(mpmath.zeta(2.5)))
    with pytest.raises(DeclarationError, match="no derivative"):
        tangents(system.world(steps=1).perturb(x[0]))


@every
@pytest.mark.parametrize(
    ("formula", "start"),
    [(sp.LambertW(x), -2.5), (sp.log(x), -1.0), (sp.sqrt(x), -1.0), (x ** sp.Rational(1, 3), -8.0),
     (sp.asin(x), 2.0), (sp.acosh(x), 0.5), (sp.erfinv(x), 2.0), (x**x, -0.5)],
)  # fmt: skip
def test_what_is_complex_is_no_value(formula, start, backend):
    system = System({x: formula}, start={x: start})
    for over in (None, {x[0]: [0.5, start]}):
        with pytest.raises(EvaluationError, match="complex or undefined"):
            run(system.world(steps=1), over=over, backend=backend)
    with pytest.raises(EvaluationError, match="complex or undefined"):
        run(Network({y: formula}, start={x: start}).world(), backend=backend)


def test_real_branches_stay_real_in_a_sweep():
    system = System({x: sp.LambertW(x)}, start={x: 1})
    points = [-0.3, 0.5, 2.0]
    found = run(system.world(steps=1), over={x[0]: points})["x"].values[0, 1]
    expected = [float(mpmath.lambertw(point).real) for point in points]
    np.testing.assert_allclose(found, expected, rtol=1e-14)


@pytest.mark.parametrize("branch", [0, -1])
def test_lamberts_w_beside_its_branch_point(branch):
    formula = sp.LambertW(x, branch)
    for power in range(-17, 0):
        at = -0.36787944117144233 + 10.0**power / 3
        with mpmath.workdps(60):
            exact = mpmath.lambertw(mpmath.mpf(at), branch)
            slope = mpmath.exp(-exact.real) / (1 + exact.real)
        world = System({x: formula}, start={x: at}).world(steps=1)
        if exact.imag != 0:
            with pytest.raises(EvaluationError, match="complex or undefined"):
                run(world)
            continue
        assert run(world).x.values[0, 1] == pytest.approx(float(exact.real), rel=1e-14)
        moved = tangents(world.perturb(x[0])).x.values.ravel()[1]
        assert moved == pytest.approx(float(slope), rel=1e-12)


@pytest.mark.parametrize("start", [-0.5, -1.5, -7.25, 0.0, 0.5, 4.0])
def test_factorials_are_those_of_gamma(start):
    world = System({x: sp.factorial(x)}, start={x: start}).world(steps=1)
    assert run(world).x.values[0, 1] == pytest.approx(float(mpmath.gamma(start + 1)), rel=1e-13)
    with mpmath.workdps(40):
        slope = float(mpmath.diff(lambda u: mpmath.gamma(u + 1), start))
    moved = tangents(world.perturb(x[0])).x.values.ravel()[1]
    assert moved == pytest.approx(slope, rel=1e-12)


def test_a_beta_function_of_what_is_far_below_zero():
    world = System({x: sp.beta(x, sp.Rational(3, 2))}, start={x: -171.25}).world(steps=1)
    assert run(world).x.values[0, 1] == pytest.approx(float(mpmath.beta(-171.25, 1.5)), rel=1e-11)


@pytest.mark.parametrize(
    ("formula", "start"),
    [(sp.loggamma(x), -1.5), (sp.loggamma(x), -0.25), (sp.Ci(x), -1.0), (sp.factorial(x), -2.0),
     (sp.elliptic_k(x), 2.0), (sp.besselk(0, x), -1.0), (sp.LambertW(x, -1), -0.4),
     (sp.LambertW(x, -1), 0.5), (sp.bessely(0, x), -1.0), (sp.E**x * sp.expint(1, x), -1.0)],
)  # fmt: skip
def test_no_real_part_passes_for_a_complex_value(formula, start):
    with pytest.raises(EvaluationError, match=r"complex or undefined|infinite"):
        run(System({x: formula}, start={x: start}).world(steps=1))


def test_orders_that_scipy_lacks_are_refused_where_they_are_declared():
    for formula in (sp.hermite(y, x), sp.hermite(sp.Rational(1, 2), x)):
        with pytest.raises(DeclarationError, match="no numerical code"):
            System({x: formula, y: y}, start={x: 1, y: 1})
