"""What formulas give, and their slopes, beside branches and edges where sympy has no value."""

import mpmath
import numpy as np
import pytest
import sympy as sp
from sympy import (
    ITE,
    Abs,
    Ci,
    Max,
    Min,
    Mod,
    Ne,
    Piecewise,
    Rational,
    acos,
    acoth,
    asin,
    atanh,
    ceiling,
    exp,
    expint,
    log,
    loggamma,
    sqrt,
)  # fmt: skip

from causalopt import (
    DeclarationError,
    EvaluationError,
    Network,
    System,
    comp,
    run,
    tangents,
    variables,
)
from tests.backends.cases import BY_NAME

a, b, c, y, z = variables("a b c y z")
every = pytest.mark.parametrize("backend", BY_NAME)

CHOSEN = Piecewise((b, c < 1), (a, True))

#: A formula, its arguments, and its value and slopes by a, b and c, worked out by hand.
THERE = [
    (Abs(asin(Piecewise((c, Ne(a, -3)), (5, True)))), (1, 2, -0.122),
     (np.arcsin(0.122), 0, 0, -1 / np.sqrt(1 - 0.122**2))),
    (Min(a, 1 / (b - CHOSEN)), (2.6, 2.1, 1.44), (-2, 4, -4, 0)),
    (Max(-a, 1 / (CHOSEN - b)), (2.6, 2.1, 1.44), (2, -4, 4, 0)),
    (Min(1 / ceiling(b), (b + c) / (a * (b - CHOSEN))), (2.6, 2.05, 0.44), (1 / 3, 0, 0, 0)),
    (Mod(a, Piecewise((c, b >= -2), (0, True))), (0.5, 3, 0.375), (0.125, 1, 0, -1)),
    (Piecewise((c**2, ITE(Ne(a / c, 3.3), Max(0, 1 / (1 + exp(-0.5 / b))) < 1, False)), (a, True)),
     (1.75, 0.042, 0.75), (0.5625, 0, 0, 1.5)),
    (Piecewise((a, sp.Eq(b, -1)), (b, True)) + Piecewise((a, a < 7), (b, True)) + exp(c),
     (0.5, 0.75, 0), (2.25, 1, 1, 1)),
    # The whole number of periods is that of the remainder: 1.0 / 0.1 is rounded up to ten.
    (Mod(a, b), (1.0, 0.1, 0), (0.09999999999999995, 1, -9, 0)),
    (Mod(a, b), (-3.0, 1 / 3, 0), (float(mpmath.mpf(-3) + 10 * mpmath.mpf(1 / 3)), 1, 10, 0)),
    (Mod(a, b), (7.5, -2.0, 0), (-0.5, 1, 4, 0)),
    (Mod(a, c**b), (0.5, 1, -2), (-1.5, 1, None, 1)),
    (Mod(a ** Rational(2, 3), Rational(1, 2)), (0, 0, 0), (0, None, 0, 0)),
    (Mod(asin(a), b), (1, 0.5, 0), (np.pi / 2 - 1.5, None, -3, 0)),
    # sympy turns the condition of the larger one to and fro.
    (sp.log(Abs(Mod(b / a, c))) + Max(b - a, a - c), (2.0, 5.0, 1.0),
     (np.log(0.5) + 3, -1.25 / 0.5 - 1, 0.5 / 0.5 + 1, -2 / 0.5)),
    # A power of a negative number is real for whole exponents alone.
    ((-2) ** a, (2, 0, 0), (4, None, 0, 0)),
    (b - (-0.3) ** a, (-1, 2, 0), (2 + 1 / 0.3, None, 1, 0)),
    (sp.frac((-0.5) ** a), (2, 0, 0), (0.25, None, 0, 0)),
    (b**a, (2, -2, 0), (4, None, -4, 0)),
]  # fmt: skip


def slopes_of(network, backend):
    """The slopes of y, None where there is none."""
    W = network.world()
    for node in (a, b, c):
        try:
            yield tangents(W.perturb(node), backend=backend)["value"].sel(node="y").item()
        except EvaluationError as error:
            yield None if "has no derivative" in str(error) else error


@every
@pytest.mark.parametrize(("formula", "at", "expected"), THERE)
def test_values_and_slopes_beside_what_has_none(formula, at, expected, backend):
    start = dict(zip((a, b, c), at, strict=True))
    network = Network({y: formula + 0 * z, z: a + b + c}, start=start)
    found = run(network.world(), backend=backend)["value"].sel(node="y").item()
    assert found == pytest.approx(expected[0], rel=1e-14)
    for slope, wanted in zip(slopes_of(network, backend), expected[1:], strict=True):
        assert slope == (None if wanted is None else pytest.approx(wanted, rel=1e-13))


@pytest.mark.sampled(3)
@every
@pytest.mark.parametrize(
    ("formula", "at", "expected"), [case for case in THERE if None not in case[2]]
)
def test_systems_give_the_same(formula, at, expected, backend):
    system = System(
        {y: formula, a: a, b: b, c: c}, start={y: 0, **dict(zip((a, b, c), at, strict=True))}
    )
    W = system.world(steps=2)
    found = run(W, backend=backend)["y"].values.reshape(-1)
    np.testing.assert_allclose(found, [0, expected[0], expected[0]], rtol=1e-14)
    for node, slope in zip((a, b, c), expected[1:], strict=True):
        moved = tangents(W.perturb(node[0]), backend=backend)["y"].values.reshape(-1)
        np.testing.assert_allclose(moved, [0, slope, slope], rtol=1e-13)


@every
def test_a_power_that_is_complex_is_told_whatever_else_is_alike(backend):
    for formulas in ({y: (-0.3) ** a}, {y: (-0.3) ** a, z: (-0.7) ** b}):
        network = Network(formulas, start={a: -1, b: 2} if z in formulas else {a: -1})
        with pytest.raises(EvaluationError, match="y has no derivative by a"):
            tangents(network.world().perturb(a), backend=backend)
    with pytest.raises(EvaluationError, match="y is complex or undefined"):
        tangents(Network({y: (-2) ** a}, start={a: 0.5}).world().perturb(a), backend=backend)


#: Formulas in a, and where they have no value, though most of their slopes have a formula there.
NOWHERE = [
    (log(a), -4), (log(a**3), -0.5), (log(log(a)), 0.5), (log(a) + log(-a), 2), (atanh(a), 1.5),
    (acoth(a), 0.5), (loggamma(a), -2.5), (Ci(a), -2), (expint(1, a), -1), (sqrt(a), -4),
    (acos(a), 2), (a ** Rational(3, 2), -1), (log(a), 0),
]  # fmt: skip


@every
@pytest.mark.filterwarnings("ignore:.*has no compiled form:RuntimeWarning")
@pytest.mark.parametrize(("formula", "at"), NOWHERE)
def test_what_has_no_value_has_no_slope_either(formula, at, backend):
    """The slope alone is asked for: y enters nothing, so that its value is not computed."""
    W = System({a: a, y: y + formula}, start={a: at, y: 0}).world(steps=2)
    with pytest.raises(EvaluationError) as by_value:
        run(W, backend=backend)
    with pytest.raises(EvaluationError) as by_slope:
        tangents(W.perturb(a[0]), backend=backend)
    assert "y[1] is " in str(by_value.value)
    assert str(by_slope.value) == str(by_value.value)


@every
def test_what_has_no_value_has_no_slope_by_what_it_is_simple_in_either(backend):
    """sqrt(b) + a moves as a does, wherever b is, and is nowhere where b is negative."""
    said = []
    for formulas in ({y: sqrt(b) + y, z: z + y}, {y: 1 / (b + 1) + y, z: z + y}):
        W = System({a: a, b: b, **formulas}, start={a: 0, b: -1, y: 1, z: 2}).world(steps=2)
        with pytest.raises(EvaluationError) as by_value:
            run(W, backend=backend)
        said.append(str(by_value.value))
        # By what it is simple in, by what it does not follow from at all, and one step further on.
        for nudged, kept in ((y, "all"), (a, "all"), (y, z[1:])):
            with pytest.raises(EvaluationError) as by_slope:
                tangents(W.perturb(nudged[0]), keep=kept, backend=backend)
            assert str(by_slope.value) == said[-1]
        with pytest.raises(EvaluationError, match=r"y\[1\] is "):
            comp(W, y[0], z[1], z[2], backend=backend)
        assert tangents(W.perturb(y[0]), keep=a[1:], backend=backend).a.values.tolist() == [[0, 0]]
    assert "complex or undefined" in said[0]
    assert "infinite" in said[1]


@every
def test_what_has_no_value_inside_a_step_has_no_slope_either(backend):
    """A division at an inner stage of a step, where y is found, is one of the step."""
    rates = {a: 1 + 0 * a, y: 1 / a + y}
    W = System.from_ode(rates, start={a: -1, y: 1}, dt=2, method="rk4").world(steps=2)
    with pytest.raises(EvaluationError, match=r"y\[1\] is infinite") as by_value:
        run(W, backend=backend)
    with pytest.raises(EvaluationError) as by_slope:
        tangents(W.perturb(y[0]), backend=backend)
    assert str(by_slope.value) == str(by_value.value)


@every
@pytest.mark.parametrize("beyond", [asin(5), a * acos(7), 2 + atanh(Rational(11, 10)) * b])
def test_a_constant_that_is_complex_counts_where_it_is_taken(beyond, backend):
    choice = Piecewise((a / 2 + b, a < 10), (beyond, True))
    system = System({a: choice, b: b}, start={a: 1, b: 0})
    moved = tangents(system.world(steps=2).perturb(a[0]), backend=backend).a.values.reshape(-1)
    np.testing.assert_allclose(moved, [1, 0.5, 0.25])
    found = run(system.world(steps=2), over={a[0]: [4, 9]}, backend=backend)
    np.testing.assert_allclose(found.a[0].T, [[4, 2, 1], [9, 4.5, 2.25]])
    with pytest.raises(EvaluationError, match=r"a\[1\] is complex or undefined"):
        run(system.with_start({a: 11}).world(steps=2), backend=backend)
    network = Network({y: choice}, start={a: 1, b: 3})
    assert run(network.world(), backend=backend)["value"].sel(node="y").item() == 3.5


def test_a_constant_that_is_complex_and_always_asked_is_refused():
    for formula in (a + asin(5), Piecewise((a, a < 1), (b, True)) * acos(7)):
        with pytest.raises(DeclarationError, match="which is complex"):
            System({a: formula, b: b}, start={a: 1, b: 1})
