"""What once took half a minute, or stayed open though it is false: told soon, and told rightly."""

from __future__ import annotations

import pytest
import sympy as sp
from sympy import Abs, Eq, Integral, Rational, Sum, ceiling, cos, floor, frac, log, oo, pi, sqrt

from causalopt.derive import Derivation, Equal, Stationary, Status, TendsTo, Verdict
from causalopt.derive.proof.judging import Task, judge
from causalopt.derive.statement.references import step_alone
from causalopt.derive.statement.steps import Step
from causalopt.derive.statement.verdict import Point
from causalopt.derive.trial.divergence import diverges
from causalopt.derive.trial.values import TooLong, at
from causalopt.ground.work import at_most, measured

x, t, u, a, b, c = sp.symbols("x t u a b c", real=True)
p, q = sp.Symbol("p", positive=True), sp.Symbol("q", nonnegative=True)
k, n = sp.Symbol("k", integer=True), sp.Symbol("n", integer=True, positive=True)
z, w, s = sp.symbols("z w s")

#: Millions of calls that a verdict may take, of the 60 that it took: seconds.
SOON = 20


def verdict_on(step: Step, *given: sp.Symbol) -> Verdict:
    return Derivation("page", given=given, steps=[step]).check().verdicts[0]


def tends(whole: sp.Expr, value: sp.Expr, variable: sp.Symbol, to: sp.Expr) -> TendsTo:
    return TendsTo(whole, value, variable=variable, to=to)


@pytest.mark.sampled(6)
@pytest.mark.parametrize(
    ("step", "given"),
    [
        (Equal(Integral(sqrt(1 - cos(t) ** 2), (t, 0, pi)), 2), ()),
        (Equal(Integral(sp.DiracDelta(t), (t, -oo, oo)), 1), ()),
        (Equal(Integral(sp.DiracDelta(t - x) * cos(t), (t, -oo, oo)), cos(x)), (x,)),
        (Equal(Sum(sp.sin(k**2) / k, (k, 1, oo)), 1), ()),
        (tends(Sum(c**k, (k, 0, n)), 1 / (1 - c), n, oo), (c, n)),
        (tends(Sum(k * c**k, (k, 0, n)), c / (1 - c) ** 2, n, oo), (c, n)),
    ],
    ids=str,
)
def test_what_is_not_decided_is_left_soon(step: Step, given: tuple[sp.Symbol, ...]) -> None:
    page = Derivation("page", given=given, steps=[step])
    with measured() as meter, at_most(1):
        verdict = judge(Task(step_alone(1, page.steps, page.given), page.given), lambda _: None)
    assert meter.calls < SOON * 1_000_000
    assert verdict.status is Status.UNDECIDED


def test_a_value_that_takes_too_much_is_left() -> None:
    slow = Sum(c**k / sp.gamma(k**2 + Rational(1, 3)), (k, 1, oo))
    with measured(0.01), pytest.raises(TooLong):
        at(slow, Point(((c, Rational(1, 3)),)))


@pytest.mark.parametrize(
    ("left", "right", "given"),
    [
        ((z * w) ** a, z**a * w**a, (z, w, a)),
        ((z * w) ** s, z**s * w**s, (z, w, s)),
        ((z**a) ** b, z ** (a * b), (z, a, b)),
        ((z**s) ** b, z ** (s * b), (z, s, b)),
        ((x**a) ** b, x ** (a * b), (x, a, b)),
        ((x * u) ** a, x**a * u**a, (x, u, a)),
    ],
)
def test_powers_that_are_alike_for_whole_exponents_alone(
    left: sp.Expr, right: sp.Expr, given: tuple[sp.Symbol, ...]
) -> None:
    verdict = verdict_on(Equal(left, right), *given)
    assert verdict.status is Status.REFUTED
    numbers = dict(verdict.counterexample.point.symbols)
    values = [complex(side.subs(numbers).evalf()) for side in (left, right)]
    assert abs(values[0] - values[1]) > 1e-9 * abs(values[0])


@pytest.mark.parametrize(
    ("left", "right", "given"),
    [
        ((p * z) ** a, p**a * z**a, (p, z, a)),
        ((z * w) ** k, z**k * w**k, (z, w, k)),
        ((p**a) ** b, p ** (a * b), (p, a, b)),
        ((z**s) ** k, z ** (s * k), (z, s, k)),
        (z ** (s + a), z**s * z**a, (z, s, a)),
    ],
)
def test_powers_that_are_alike(left: sp.Expr, right: sp.Expr, given: tuple[sp.Symbol, ...]) -> None:
    assert verdict_on(Equal(left, right), *given).status is Status.PROVED


@pytest.mark.parametrize(
    ("integral", "claimed"),
    [
        (Integral(1 / t, (t, -1, 1)), 0),
        (Integral(1 / t, (t, 2, -1)), -log(2)),
        (Integral(1 / t**2, (t, -1, 1)), -2),
        (Integral(t / (t**2 - 2), (t, 0, 3)), log(7) / 2),
        (1 + 2 * Integral(1 / t, (t, 0, 1)), 1),
    ],
)
def test_an_integral_over_a_pole_has_no_value(integral: sp.Expr, claimed: sp.Expr) -> None:
    for step in (Equal(integral, claimed), Equal(claimed, integral)):
        verdict = verdict_on(step)
        assert verdict.status is Status.REFUTED
        assert "has a pole in its range" in verdict.reason


@pytest.mark.parametrize(
    "integral",
    [
        Integral(1 / t, (t, 1, 2)),
        Integral(1 / t, (t, 0, 0)),
        Integral((t**2 - 1) / (t - 1), (t, 0, 2)),
        Integral(1 / (1 + t**2), (t, -1, 1)),
        Integral(1 / sqrt(t), (t, 0, 1)),
        Integral(1 / t, (t, -1, c)),
        Integral(c / t, (t, -1, 1)),
        Integral(1 / t, (t, -oo, oo)),
        Integral(1 / (t - u), (t, 0, 1), (u, 0, 1)),
    ],
)
def test_no_pole_is_told_where_there_may_be_a_value(integral: Integral) -> None:
    assert not diverges(integral)


@pytest.mark.parametrize(
    ("step", "given"),
    [
        (Equal(Integral(1 / t, (t, -1, c)), log(-c)), (c,)),
        (Equal(Integral(1 / t, (t, -1, 1)), Integral(1 / t, (t, -1, 1))), ()),
        (Equal(Integral(1 / t, (t, -1, 1)), Integral(2 / t, (t, -1, 1))), ()),
    ],
)
def test_what_has_values_somewhere_or_on_no_side_is_not_refuted(
    step: Step, given: tuple[sp.Symbol, ...]
) -> None:
    assert verdict_on(step, *given).status is not Status.REFUTED


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("integrand", "ends", "value"),
    [
        (1 / (a**2 + t**2), (-oo, oo), pi / Abs(a)),
        (1 / (a**2 + t**2), (0, oo), pi / (2 * Abs(a))),
        pytest.param(1 / (a**2 + (t - c) ** 2), (-oo, oo), pi / Abs(a), marks=pytest.mark.long),
    ],
)
def test_integrals_by_the_size_of_a_parameter(
    integrand: sp.Expr, ends: tuple[sp.Expr, sp.Expr], value: sp.Expr
) -> None:
    integral = Integral(integrand, (t, *ends))
    shown = verdict_on(Equal(integral, value), a, c)
    assert shown.status is Status.PROVED
    assert shown.conditions == (sp.Ne(a, 0),)
    assert verdict_on(Equal(integral, value.subs(Abs(a), a)), a, c).status is Status.REFUTED
    assert verdict_on(Equal(integral, 2 * value), a, c).status is Status.REFUTED


@pytest.mark.parametrize(
    ("whole", "to", "limit", "other"),
    [
        (x * floor(1 / x), 0, 1, 0),
        (x * ceiling(1 / x), 0, 1, 0),
        (x * frac(1 / x), 0, 0, 1),
        (floor(x) / x, oo, 1, 0),
        (x * floor(c / x), 0, c, 2 * c),
        (x**2 * floor(1 / x) ** 2 + x * ceiling(1 / x), 0, 2, 1),
    ],
)
def test_steps_that_are_squeezed(
    whole: sp.Expr, to: sp.Expr, limit: sp.Expr, other: sp.Expr
) -> None:
    assert verdict_on(tends(whole, limit, x, to), x, c).status is Status.PROVED
    assert verdict_on(tends(whole, other, x, to), x, c).status is Status.REFUTED


@pytest.mark.parametrize(
    ("whole", "value", "variable"),
    [
        (floor(1 / x) - 1 / x, 0, x),
        (frac(1 / x), Rational(1, 2), x),
        (z * floor(1 / z), 1, z),
        (x * sp.sign(floor(1 / x)) / x, 1, x),
    ],
)
def test_what_is_not_squeezed_is_not_shown(
    whole: sp.Expr, value: sp.Expr, variable: sp.Symbol
) -> None:
    verdict = verdict_on(tends(whole, value, variable, 0), variable)
    assert verdict.status is not Status.PROVED


def test_a_point_on_a_step_is_not_stationary() -> None:
    for whole in (floor(x), ceiling(x) + x**2, floor(x) * (x + 1), sp.Heaviside(x)):
        verdict = verdict_on(Stationary(whole, at={x: 0}), x)
        assert verdict.status is Status.REFUTED
        assert verdict.reason == "it jumps there"


@pytest.mark.parametrize(
    ("step", "given"),
    [
        (Stationary(floor(q), at={q: 0}), (q,)),
        (Stationary(floor(x), at={x: 0}, assuming=[x >= 0]), (x,)),
        (Stationary(floor(x), at={x: 0}, under=[Eq(x, 0)]), (x,)),
        (Stationary(x**2 * floor(x), at={x: 0}), (x,)),
        (Stationary(floor(x), at={x: Rational(1, 2)}), (x,)),
    ],
)
def test_what_may_be_stationary_is_not_refuted(step: Step, given: tuple[sp.Symbol, ...]) -> None:
    assert verdict_on(step, *given).status is not Status.REFUTED
