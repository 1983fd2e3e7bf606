"""Integrals are worked out along ranges on which a primitive is continuous, and nowhere else."""

import itertools

import mpmath
import numpy as np
import pytest
import sympy as sp
from sympy import I, Integral, Rational, cos, exp, log, oo, pi, sin, sqrt, tan

from causalopt.derive import Derivation, Equal, Follows, Status
from causalopt.derive.proof.integrals import worked_out

t, a, b = sp.symbols("t a b", real=True)
z = sp.Symbol("z")
p, q = sp.symbols("p q", positive=True)


def verdicts(givens, claims, limit=60):
    steps = [Equal(left, right) for left, right in claims]
    return Derivation("page", given=givens, steps=steps).check(limit=limit).verdicts


# Where the argument of a root or a logarithm crosses the branch cut on the way, the primitive has a
# jump: each of these is false for Im z < 0, or for a beyond the cut.
ACROSS_A_CUT = [
    (Integral(I * exp(I * t) / (2 * sqrt(exp(I * t))), (t, 0, a)), sqrt(exp(I * a)) - 1),
    (Integral(z / (z * t - 1), (t, 0, 1)), log(z - 1) - I * pi),
    (Integral(z / (2 * sqrt(z * t - 1)), (t, 0, 1)), sqrt(z - 1) - I),
    (Integral(2 * t * z / (t**2 * z - 1), (t, 0, 1)), log(z - 1) - I * pi),
    (
        Integral(z * (z * t - 1) ** Rational(5, 2), (t, 0, 1)),
        Rational(2, 7) * (z - 1) ** Rational(7, 2) + 2 * I / 7,
    ),
    (
        Integral(-I / (2 * sqrt(-I * t - 1 + 1000 * I)), (t, 0, a)),
        sqrt(-I * a - 1 + 1000 * I) - sqrt(-1 + 1000 * I),
    ),
]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("claim", ACROSS_A_CUT, ids=str)
def test_a_primitive_that_jumps_on_the_way_proves_nothing(claim):
    # Millions of calls, of which false proofs took fewer than one.
    (found,) = verdicts([z, a], [claim], limit=6)
    assert found.status is not Status.PROVED


def test_a_pole_on_the_way_is_no_matter_of_the_ends():
    odd = Integral(t**-3, (t, -a, a)), sp.S.Zero
    tangent = Integral(cos(t) ** -2, (t, 0, a)), tan(a)
    for found in verdicts([a], [odd, tangent]):
        assert found.status is not Status.PROVED


def test_that_no_pole_is_between_the_ends_is_a_condition():
    thousand = Integral((1000 - t) ** -2, (t, 0, a)), 1 / (1000 - a) - Rational(1, 1000)
    claims = {
        (Integral(t**-2, (t, a, b)), 1 / a - 1 / b): a * b > 0,
        (Integral((t - a) ** -2, (t, 0, 1)), 1 / (a * (a - 1))): -a * (1 - a) > 0,
        thousand: a - 1000 < 0,
    }
    for found, needs in zip(verdicts([a, b], claims), claims.values(), strict=True):
        assert found.status is Status.PROVED
        assert needs in found.conditions


def test_a_conclusion_does_not_drop_what_an_integral_takes():
    y = sp.Symbol("y", real=True)
    premise = sp.Eq(y, Integral(t**-2, (t, a, b)))
    steps = [Follows(sp.Eq(y, 1 / a - 1 / b), since=[premise])]
    (found,) = Derivation("page", given=[a, b, y], steps=steps).check(limit=6).verdicts
    assert found.status is not Status.PROVED or (a * b > 0) in found.conditions


CONTINUOUS = [
    (Integral(t**-2, (t, p, q)), 1 / p - 1 / q),
    (Integral(1 / t, (t, 1, p)), log(p)),
    (Integral(1 / sqrt(t), (t, 0, p)), 2 * sqrt(p)),
    (Integral(sqrt(p - t), (t, 0, p)), 2 * p ** Rational(3, 2) / 3),
    (Integral(1 / (1 + t), (t, 0, p)), log(1 + p)),
    (Integral(t**p, (t, 0, 1)), 1 / (1 + p)),
    (Integral(exp(z * t), (t, 0, 1)), (exp(z) - 1) / z),
    (Integral(cos(a * t), (t, 0, 1)), sin(a) / a),
    (Integral(t * exp(-(t**2) / 2), (t, 0, a)), 1 - exp(-(a**2) / 2)),
]


@pytest.mark.sampled(6)
@pytest.mark.parametrize("claim", CONTINUOUS, ids=str)
def test_what_has_a_continuous_primitive_is_proved(claim):
    (found,) = verdicts([p, q, z, a], [claim])
    assert found.status is Status.PROVED


def test_a_primitive_between_two_positive_ends_is_continuous():
    (known,) = verdicts([a, b, a > 0, b > 0], [(Integral(t**-2, (t, a, b)), 1 / a - 1 / b)])
    assert known.status is Status.PROVED


INTEGRANDS = [
    *(1 / (t - a) ** 2, 1 / (t - a), sqrt(t - a), log(t + a), cos(t) ** -2, t * sin(a * t)),
    *(1 / (z * t - 1), sqrt(z * t - 1), log(z * t + 1), exp(z * t), sp.Abs(t - a)),
    *(sp.floor(t), exp(I * t) / sqrt(exp(I * t)), 1 / (t - I)),
]
RANGES = [(-1, 2), (0, a), (p, q)]


@pytest.mark.sampled(4)
@pytest.mark.parametrize("integrand", INTEGRANDS, ids=range(len(INTEGRANDS)))
def test_what_is_worked_out_is_what_quadrature_gives_where_its_conditions_hold(integrand):
    rng = np.random.default_rng(0)
    for low, high in RANGES:
        done = worked_out(Integral(integrand, (t, low, high)))
        if done.hidden:
            continue
        for _ in range(6):
            numbers = {a: Rational(int(rng.integers(-60, 60)), 10)}
            numbers |= {s: Rational(int(rng.integers(1, 60)), 10) for s in (p, q)}
            numbers[z] = Rational(int(rng.integers(-40, 40)), 10) + I * int(rng.integers(-3, 4))
            if all(need.subs(numbers) == sp.true for need in done.conditions):
                compare(integrand, (low, high), done.whole, numbers)


def compare(integrand, ends, claimed, numbers):
    found = claimed.subs(numbers)
    if found.has(sp.nan, sp.zoo, oo):
        # the claim has no value here, which a condition on its own form says
        return
    low, high = (float(sp.sympify(end).subs(numbers)) for end in ends)
    along = sp.lambdify(t, integrand.subs(numbers), "mpmath")
    points = np.linspace(low, high, 9).tolist()
    by_quadrature = sum(mpmath.quad(along, pair) for pair in itertools.pairwise(points))
    assert mpmath.almosteq(by_quadrature, mpmath.mpmathify(found.evalf(20)), 1e-6, 1e-6)


def test_at_an_end_a_primitive_may_tend_to_what_it_is():
    assert worked_out(Integral(1 / sqrt(1 - t**2), (t, 0, 1))).whole == pi / 2
    assert worked_out(Integral(log(t), (t, 0, 1))).whole == -1
    assert worked_out(Integral(exp(-p * t), (t, 0, oo))).whole == 1 / p


def test_what_is_bound_outside_is_seen_in_what_is_hidden():
    n = sp.Symbol("n", integer=True)
    hidden = worked_out(sp.Sum(Integral(cos(n * t) ** -2, (t, 0, a)), (n, 1, 2)))
    first, second = hidden.whole.doit().args
    assert first != second
