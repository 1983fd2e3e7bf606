"""Closed forms for boxes and Gaussians, against quadrature, samples and each other."""

import math

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp
from scipy import integrate, stats
from sympy import Rational, Symbol, log, pi

from causalopt import (
    Box,
    DeclarationError,
    Gaussian,
    QueryError,
    Split,
    System,
    adjusted_optimizing_strength,
    finite,
    optimizing_strength,
    parameters,
    variables,
)
from causalopt.language.symbols import time

T, R, V = variables("T R V")
(k,) = parameters("k")


def linear(strength):
    """Part 2's continuous thermostat: T[t+1] = R[t], R[t+1] = R[t] - k T[t]."""
    return System({T: R, R: R - k * T}, start={T: 10, R: 10}, parameters={k: strength})


thermostat = linear(0.3)
square = Box.of({T: (9.95, 10.05), R: (9.95, 10.05)})


def test_the_corners_of_the_rhombus():
    """The corner (10 + s, 10 + r) of the square goes to T = 10 + r, R = 10 (1 - k) + r - k s."""
    rhombus = square.push(thermostat)
    assert list(rhombus.offset) == [10, 7]
    half = sympy.Matrix([Rational(1, 2), -Rational(1, 2)])
    corner = rhombus.offset + rhombus.matrix * half
    assert list(corner) == [10 - Rational(1, 20), 7 - Rational(1, 20) - Rational(3, 10) / 20]


def test_the_rhombus_sequence_in_closed_form():
    """Side 1/10, k = 3/10: T uniform of width 1/10, R a trapezoid of widths 1/10 and 3/100."""
    found = adjusted_optimizing_strength(thermostat, T | R, square.push(thermostat), base=sympy.E)
    assert found.before.equals(log(Rational(1, 100)) + log(Rational(3, 10)))
    assert found.before_decorrelated.equals(2 * log(Rational(1, 10)) + Rational(3, 20))
    assert found.value == 0
    assert found.strength.value.equals(-log(Rational(3, 10)) + Rational(3, 20))


def test_a_symbol_for_the_side():
    e = Symbol("epsilon", positive=True)
    box = Box.of({T: (10 - e / 2, 10 + e / 2), R: (10 - e / 2, 10 + e / 2)})
    found = adjusted_optimizing_strength(thermostat, T | R, box.push(thermostat))
    assert found.value == 0
    assert found.strength.value.free_symbols == set()
    assert found.before.equals(2 * log(e, 2) + log(Rational(3, 10), 2))


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 50), st.integers(1, 50))
def test_trapezoids_by_quadrature(a, b):
    """The entropy of a U + b U', from its density by mpmath to 25 digits."""
    twist = System({T: a * T + b * R, R: T - R}, start={T: 0, R: 0})
    one = Box.of({T: (0, 1), R: (0, 1)}).push(twist).decorrelate(T, R)
    found = one.entropy(sympy.E) - Box.of({T: (0, 1), R: (0, 1)}).push(
        System({T: T + R, R: T - R}, start={T: 0, R: 0})
    ).decorrelate(T, R).entropy(sympy.E)  # less the triangle of T - R and that of T + R
    triangle = Rational(1, 2)
    with mp.workdps(30):
        large, small = mp.mpf(max(a, b)), mp.mpf(min(a, b))

        def term(x):
            density = min(x / (large * small), 1 / large)
            return -density * mp.log(density) if density > 0 else mp.mpf(0)

        expected = 2 * mp.quad(term, [0, small]) + (large - small) * mp.log(large) / large
        got = mp.mpf(sympy.N(found + triangle, 30))
        assert abs(got - expected) < mp.mpf(10) ** -20


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.fractions(-3, 3, max_denominator=7), min_size=9, max_size=9),
    st.sampled_from([Split(T, R, V), Split((T, R), V), Split(T, (V, R))]),
    st.integers(1, 3),
)
def test_affine_steps_have_no_adjusted_strength(entries, split, steps):
    """S gains log|det M| whatever the distribution: proved by closed forms, term by term."""
    matrix = sympy.Matrix(3, 3, [Rational(f.numerator, f.denominator) for f in entries])
    rows = matrix * sympy.Matrix([T, R, V])
    system = System(dict(zip((T, R, V), rows, strict=True)), start={T: 0, R: 0, V: 0})
    start = Gaussian((T, R, V), sympy.zeros(3, 1), [[2, 1, 0], [1, 3, 1], [0, 1, 1]])
    if matrix.det() == 0:
        with pytest.raises(QueryError, match="flattens its states onto a surface"):
            start.push(system)
        return
    found = adjusted_optimizing_strength(system, split, start, steps=steps)
    assert sympy.simplify(found.value) == 0
    apart = found.before_decorrelated - found.before
    assert float(apart) >= 0
    assert float(found.strength) == pytest.approx(float(apart), abs=1e-12)


def test_gaussians_against_scipy():
    covariance = [[4, 1], [1, 9]]
    P = Gaussian((T, R), [10, 20], covariance)
    theirs = stats.multivariate_normal([10, 20], covariance)
    assert float(P.entropy(math.e)) == pytest.approx(theirs.entropy(), abs=1e-13)
    M = np.array([[0, 1], [-0.3, 1]])
    after = P.push(thermostat, 2)
    both = M @ M @ np.array(covariance) @ M.T @ M.T
    assert np.allclose(np.array(after.covariance.tolist(), float), both, rtol=0, atol=1e-14)
    assert list(after.mean) == list(sympy.Matrix([[0, 1], [Rational(-3, 10), 1]]) ** 2
                                    * sympy.Matrix([10, 20]))  # fmt: skip
    assert P.entropy(sympy.E).equals(log((2 * pi * sympy.E) ** 2 * 35) / 2)


def test_information_of_a_gaussian_is_that_of_its_correlation():
    """I = -log(1 - r^2) / 2."""
    r = Rational(3, 5)
    P = Gaussian((T, R), [0, 0], [[1, r], [r, 1]])
    found = P.decorrelate(T, R).entropy(sympy.E) - P.entropy(sympy.E)
    assert found.equals(-log(1 - r**2) / 2)


def test_the_entropy_of_a_rhombus_over_a_grid():
    """The decorrelated step on, integrated numerically: the density is a product of trapezoids."""
    P = square.push(thermostat).decorrelate(T, R)

    def trapezoid(x):
        wide, narrow = 0.1, 0.03
        return np.clip(((wide + narrow) / 2 - abs(x)) / (wide * narrow), 0, 1 / wide)

    def term(x):
        p = trapezoid(x)
        return -p * np.log(p) if p > 0 else 0.0

    one, _ = integrate.quad(term, -0.065, 0.065, points=[-0.035, 0.035], epsabs=1e-12)
    assert float(P.entropy(math.e)) == pytest.approx(one + math.log(0.1), abs=1e-10)
    stepped = float(P.push(thermostat).entropy(math.e))
    assert stepped == pytest.approx(one + math.log(0.1) + math.log(0.3), abs=1e-10)


def test_floats_are_the_decimals_that_they_print_as():
    assert linear(0.1).parameters[k] == 0.1
    found = optimizing_strength(linear(0.1), T | R, square.push(linear(0.1)), base=sympy.E)
    assert found.value.equals(log(10) + Rational(1, 20))


def test_what_has_no_closed_form_is_refused():
    bent = System({T: R, R: R - T**2}, start={T: 0, R: 0})
    with pytest.raises(QueryError, match=r"not affine: dR/dT = -2\*T.*push an Ensemble"):
        square.push(bent)
    driven = System({T: R, R: R + time}, start={T: 0, R: 0})
    with pytest.raises(QueryError, match="depends on time"):
        square.push(driven)
    flat = System({T: R, R: R}, start={T: 0, R: 0})
    with pytest.raises(QueryError, match="flattens its states onto a surface"):
        square.push(flat)
    with pytest.raises(QueryError, match="over T, R, the system over T"):
        square.push(System({T: T}, start={T: 0}))
    named = finite("named", ["a"])
    with pytest.raises(QueryError, match="named takes named values"):
        square.push(System({named: named}, start={named: "a"}))
    mix = System({T: T + R + V, R: R, V: V}, start={T: 0, R: 0, V: 0})
    cube = Box.of({T: (0, 1), R: (0, 1), V: (0, 1)}).push(mix)
    with pytest.raises(QueryError, match=r"mixture of 3 independent uniform ones.*estimate it"):
        cube.decorrelate(T, R, V).entropy()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Box.of({T: (1, 1)}), r"T runs from 1 to 1: write \(low, high\)"),
        (lambda: Box.of({T: (0, math.inf)}), "inf is no finite number"),
        (lambda: Box.of({T: (0, 1, 2)}), "T has 3 numbers"),
        (lambda: Box.of({}), "one entry"),
        (lambda: Gaussian((T, R), [0, 0], [[1, 2], [2, 1]]), "not symmetric and positive definite"),
        (lambda: Gaussian((T, R), [0, 0], [[1, 0]]), "covariance has shape"),
        (lambda: Gaussian.of({T: (0, "1")}), "'1' is no number"),
    ],
)
def test_bad_input(make, message):
    with pytest.raises((DeclarationError, QueryError), match=message):
        make()


@given(
    st.lists(st.integers(-4, 4), min_size=9, max_size=9),
    st.sampled_from([(0, 0, 1), (0, 1, 0), (1, 0, 0), (0, 1, 2)]),
)
@settings(max_examples=30, deadline=None)
def test_decorrelating_leaves_no_covariance_between_parts_and_all_within(entries, part_of):
    # M M^T + 1 is a covariance, whatever M is.
    spread = sympy.Matrix(3, 3, entries)
    covariance = spread * spread.T + sympy.eye(3)
    variables_there = (T, R, V)
    gaussian = Gaussian(variables_there, sympy.Matrix([1, 2, 3]), covariance)
    parts = [
        [v for v, owner in zip(variables_there, part_of, strict=True) if owner == part]
        for part in sorted(set(part_of))
    ]
    apart = gaussian.decorrelate(*parts)
    for i, first in enumerate(part_of):
        for j, second in enumerate(part_of):
            expected = covariance[i, j] if first == second else 0
            assert apart.covariance[i, j] == expected
    assert apart.mean == gaussian.mean
