"""Nothing false is proved: at seams, at ends, and for every value that a parameter may have."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence

import pytest
import sympy as sp
from sympy import Abs, Derivative, Eq, Max, Ne, Piecewise, Rational, exp, floor, oo, sign, sin

from causalopt.derive import (
    Derivation,
    Equal,
    Expands,
    Follows,
    Stationary,
    Status,
    TendsTo,
    Verdict,
)
from causalopt.derive.proof.routes import to_zero
from causalopt.derive.statement.scope import Scope
from causalopt.derive.statement.steps import Step
from causalopt.derive.trial.aimed import aimed_points
from causalopt.derive.trial.kinks import derivative_on_seam
from causalopt.derive.trial.sampling import points
from tests.derive.proof import falsehoods as made

x, y, a, b = made.GIVEN
SINC = Piecewise((sin(x) / x, Ne(x, 0)), (1, True))
SECOND = sp.diff(sin(x) / x, x, 2)


def verdict_on(step: Step) -> Verdict:
    return Derivation("page", given=made.GIVEN, steps=[step]).check().verdicts[0]


def prove_none(count: int, seed: int, families: Sequence[made.Family]) -> Counter[Status]:
    """Check falsehoods; the statuses, once no proof of one was seen."""
    false = list(made.falsehoods(count, seed, families))
    steps = [falsehood.step for falsehood in false]
    verdicts = Derivation("page", given=made.GIVEN, steps=steps).check().verdicts
    proved = [
        (falsehood, verdict.conditions)
        for falsehood, verdict in zip(false, verdicts, strict=True)
        if verdict.status is Status.PROVED and not falsehood.is_excluded_by(verdict.conditions)
    ]
    assert not proved
    return Counter(verdict.status for verdict in verdicts)


@pytest.mark.parametrize("count", [20, pytest.param(150, marks=pytest.mark.long)])
def test_no_slip_is_proved(count: int) -> None:
    statuses = prove_none(count, 1, made.QUICK)
    # refused for a reason, and not for want of one: most are told to be false
    assert statuses[Status.UNDECIDED] + statuses[Status.EXHAUSTED] <= count // 10
    assert statuses[Status.REFUTED] >= 2 * count // 3


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 12))
def test_no_slip_of_two_thousand_is_proved(seed: int) -> None:
    prove_none(200, seed, made.FAMILIES)


@pytest.mark.parametrize(
    ("whole", "series", "order", "status"),
    [
        (Abs(x), 0, 2, "refuted"),
        (Max(x, 0), x / 2, 2, "refuted"),
        (x * Abs(x), 0, 3, "refuted"),
        (x * Abs(x), 0, 2, "proved"),
        (Piecewise((x, x > 0), (0, True)), 0, 2, "refuted"),
        (SINC, 1 - x**2 / 6, 3, "proved"),
        (SINC, 1, 3, "refuted"),
        (Piecewise((sin(x) / x, Ne(x, 0)), (2, True)), 1 - x**2 / 6, 3, "refuted"),
        (Abs(a**2 + 1 + x), a**2 + 1 + x, 2, "proved"),
    ],
)
def test_a_series_is_that_of_both_sides(
    whole: sp.Expr, series: sp.Expr, order: int, status: str
) -> None:
    verdict = verdict_on(Expands(whole, series, variable=x, about=0, order=order))
    assert (str(verdict.status), verdict.conditions) == (status, ())


@pytest.mark.parametrize(
    ("whole", "value", "to"),
    [
        (a * x / (a * x + 1), 1, oo),
        (x / (x + a * exp(x)), 0, oo),
        (x**2 / (x**2 + a), 0, 0),
        ((Abs(a + x) - Abs(a)) / x, sign(a), 0),
    ],
)
def test_what_a_limit_needs_of_a_parameter_is_told(
    whole: sp.Expr, value: sp.Expr, to: sp.Expr
) -> None:
    verdict = verdict_on(TendsTo(whole, value, variable=x, to=to))
    assert (verdict.status, verdict.conditions) == (Status.PROVED, (Ne(a, 0),))
    assert all(dict(point.symbols)[a] != 0 for point in verdict.held_at)


@pytest.mark.parametrize(
    ("whole", "value", "to", "side", "status"),
    [
        (Piecewise((0, Ne(a, 0)), (x, True)), a, a, "+", "refuted"),
        (Piecewise((0, Ne(a, 0)), (x, True)), 0, a, "+", "proved"),
        (Piecewise((x, a > 0), (1, True)), 1, 0, "+-", "refuted"),
        (floor(x), floor(a), a, "+-", "refuted"),
        (floor(x), 2, 2, "+", "proved"),
        (floor(x), 2, 2, "-", "refuted"),
        (Abs(x) / x, 1, 0, "+", "proved"),
        (Abs(x) / x, 1, 0, "+-", "refuted"),
        (sin(1 / x), 0, 0, "+-", "refuted"),
        (x * sin(1 / x), 0, 0, "+-", "proved"),
        (sin(a * x) / x, a, 0, "+-", "proved"),
        (1 / x, oo, 0, "+", "proved"),
        (1 / x, oo, 0, "+-", "refuted"),
        ((exp(a * x) - exp(b * x)) / x, a - b, 0, "+-", "proved"),
    ],
)
def test_a_limit_is_that_of_every_case(
    whole: sp.Expr, value: sp.Expr, to: sp.Expr, side: str, status: str
) -> None:
    verdict = verdict_on(TendsTo(whole, value, variable=x, to=to, side=side))
    assert (str(verdict.status), verdict.conditions) == (status, ())


def test_derivatives_on_seams() -> None:
    kinked = verdict_on(Equal(Derivative(Abs(x), x), sign(x)))
    assert (kinked.status, kinked.conditions) == (Status.PROVED, (Ne(x, 0),))
    smooth = Derivative(SINC, x, 2)
    right = Piecewise((SECOND, Ne(x, 0)), (-Rational(1, 3), True))
    assert verdict_on(Equal(smooth, right)).status is Status.PROVED
    wrong = verdict_on(Equal(smooth, Piecewise((SECOND, Ne(x, 0)), (0, True))))
    assert wrong.status is Status.REFUTED
    assert wrong.counterexample is not None
    assert wrong.counterexample.left == -Rational(1, 3)
    assert derivative_on_seam(Derivative(Abs(x) ** 3, x, 2), {x: sp.S.Zero}) == 0
    assert derivative_on_seam(Derivative(Abs(x) ** 3, x, 3), {x: sp.S.Zero}) is None


def test_a_kink_is_not_stationary_and_a_smooth_seam_is() -> None:
    assert verdict_on(Stationary(Abs(x), at={x: 0})).status is Status.REFUTED
    assert verdict_on(Stationary(Max(x, 0), at={x: 0})).status is Status.REFUTED
    assert verdict_on(Stationary(x * Abs(x), at={x: 0})).status is Status.PROVED
    off = verdict_on(Stationary(x**2 * (1 + Abs(x - a)), at={x: 0}))
    assert (off.status, off.conditions) == (Status.PROVED, (Ne(a, 0),))


def test_odd_powers_over_the_reals_determine_their_bases() -> None:
    assert verdict_on(Follows(Eq(x, y), since=[Eq(x**3, y**3)])).status is Status.PROVED
    assert verdict_on(Follows(Eq(x, y), since=[Eq(x**4, y**4)])).status is Status.REFUTED


def test_limits_in_equations_are_for_every_value() -> None:
    at_steps = Equal(sp.Limit(floor(y), y, x, "-"), floor(x))
    assert verdict_on(at_steps).status is Status.REFUTED
    slope = Equal(sp.Limit(sin(x * y) / y, y, 0), x)
    assert verdict_on(slope).status is Status.PROVED


def test_cases_are_aimed_at_every_sign_and_at_gaps() -> None:
    aimed = list(aimed_points(Scope((x, y)), [x - 3 * y - 1], usual=0))
    signs = {tuple(sp.sign(value) for _, value in point.symbols) for point in aimed}
    assert len(signs) == 9
    assert any(dict(p.symbols)[x] == 3 * dict(p.symbols)[y] + 1 for p in aimed)


def test_cases_leave_the_line_where_a_symbol_may() -> None:
    z = sp.Symbol("z")
    F = sp.Function("F")(z)
    drawn = list(itertools.islice(points(Scope((z,), (F,))), 6))
    assert sum(not dict(point.symbols)[z].is_real for point in drawn) >= 2
    page = Derivation("page", given=[z], steps=[Equal(Abs(z) ** 2, z**2)])
    assert page.check().verdicts[0].status is Status.REFUTED


def test_what_fails_on_a_cut_or_across_it_is_refuted() -> None:
    z, v = sp.symbols("z v")
    claims = [
        (sp.sqrt(z) * sp.sqrt(v), sp.sqrt(z * v)),
        (sp.log(z * v), sp.log(z) + sp.log(v)),
        (sp.log(1 / z), -sp.log(z)),
        (sp.conjugate(sp.log(z)), sp.log(sp.conjugate(z))),
        (sp.arg(z * v), sp.arg(z) + sp.arg(v)),
    ]
    steps = [Equal(*claim) for claim in claims]
    verdicts = Derivation("page", given=[z, v], steps=steps).check().verdicts
    assert [verdict.status for verdict in verdicts] == [Status.REFUTED] * len(claims)


def test_binomials_below_zero_are_no_quotients_of_gamma_functions() -> None:
    n, m = sp.symbols("n m", integer=True)
    N = sp.Symbol("N", integer=True, nonnegative=True)
    mirrored, kept, square, pascal = (
        Derivation(
            "page",
            given=[n, m, N, x],
            steps=[
                Equal(sp.binomial(n, m), sp.binomial(n, n - m)),
                Equal(sp.binomial(N, m), sp.binomial(N, N - m)),
                Equal(sp.binomial(x, 2), x * (x - 1) / 2),
                Equal(sp.binomial(x, m) + sp.binomial(x, m - 1), sp.binomial(x + 1, m)),
            ],
        )
        .check()
        .verdicts
    )
    assert mirrored.status is Status.REFUTED
    assert dict(mirrored.counterexample.point.symbols)[n] < 0
    assert [kept.status, square.status] == [Status.PROVED] * 2
    assert pascal.status is not Status.REFUTED
    name, _ = to_zero(sp.binomial(n, m) - sp.binomial(n, n - m))
    assert name is None


def test_a_hypothesis_that_sympy_cannot_solve_is_no_fault() -> None:
    verdict = verdict_on(Follows(Eq(x, y), since=[Eq(floor(x), floor(y))]))
    assert verdict.status is not Status.PROVED
    assert "sympy failed" not in verdict.reason
