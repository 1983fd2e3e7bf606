"""Each kind of step: proved, refuted, told its conditions, or left open with something to show."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import sympy as sp
from sympy import Eq, exp, log, oo
from sympy.logic.boolalg import Boolean

from causalopt.derive import (
    Apply,
    Derivation,
    Equal,
    Expands,
    Follows,
    Let,
    OverTheLine,
    Report,
    Stationary,
    Status,
    Substitution,
    TendsTo,
)
from causalopt.derive.statement.expressions import Formula
from causalopt.derive.statement.steps import Step

x, y, w, a = sp.symbols("x y w a", real=True)
q = sp.Symbol("q", positive=True)
n = sp.Symbol("n", positive=True)
t = sp.Symbol("t", real=True)
f = sp.Function("f", real=True)(x)
g = sp.Function("g", real=True)(x)
P = sp.Function("P", positive=True)(x, t)
GIVEN = (x, y, w, a, q, n, t, f, g, P)


def check(*steps: Step, given: Sequence[object] = GIVEN, **options: int) -> Report:
    return Derivation("page", given=given, steps=steps).check(**options)


def statuses(report: Report) -> list[str]:
    return [str(verdict.status) for verdict in report.verdicts]


def test_implications_that_hold() -> None:
    report = check(
        Follows(Eq(f.diff(x, 2), f), since=[Eq(f.diff(x), f)]),
        Follows(Eq(f.diff(x), 1), since=[Eq(f, x + a)]),
        Follows(Eq(x, w), since=[Eq(x, y), Eq(y, w)]),
        Follows(Eq(x + y, 3), since=[Eq(2 * x + y, 4), Eq(x + 2 * y, 5)]),
        Follows(Eq(q, 2), since=[Eq(q**2, 4)]),
        Follows(Eq(q, exp(y)), since=[Eq(log(q), y)]),
        Follows(Eq(log(q), y), since=[Eq(q, exp(y))]),
        Follows(Eq(f.diff(x), g.diff(x)), since=[Eq(f, g)]),
        Follows(Eq(x**3, y**3), since=[Eq(x, y)], by=Apply(sp.Lambda(w, w**3))),
        Follows(Eq(sp.Derivative(f * g, x), 0), since=[Eq(f.diff(x), -f), Eq(g.diff(x), g)]),
        Follows(Eq(f.subs(x, y) + 1, 3), since=[Eq(f.subs(x, y), 2)]),
    )
    assert statuses(report) == ["proved"] * 11


def test_implications_that_do_not() -> None:
    report = check(
        Follows(Eq(f.diff(x, 2), -f), since=[Eq(f.diff(x), f)]),
        Follows(Eq(f.diff(x), 2), since=[Eq(f, x + a)]),
        Follows(Eq(x, 2 * w), since=[Eq(x, y), Eq(y, w)]),
        Follows(Eq(x, 2), since=[Eq(x**2, 4)]),
        Follows(Eq(f, g), since=[Eq(f.diff(x), g.diff(x))]),
        Follows(Eq(x, y), since=[Eq(x**2, y**2)]),
    )
    assert statuses(report) == ["refuted"] * 6
    assert report.verdicts[1].corrected == 1
    assert report.verdicts[2].corrected == w


def test_division_by_what_may_vanish_is_told() -> None:
    lost, granted = check(
        Follows(Eq(x, y), since=[Eq(a * x, a * y)]),
        Follows(Eq(x, y), since=[Eq(a * x, a * y)], assuming=[sp.Ne(a, 0)]),
    ).verdicts
    assert lost.status is Status.REFUTED
    assert lost.conditions == (sp.Ne(a, 0),)
    assert dict(lost.counterexample.point.symbols)[a] == 0
    assert granted.status is Status.PROVED
    assert granted.conditions == ()


def test_doing_the_same_to_both_sides_tells_what_it_loses() -> None:
    divide = Apply(sp.Lambda(w, w / a))
    lost, granted, logs = check(
        Follows(Eq(x, y), since=[Eq(a * x, a * y)], by=divide),
        Follows(Eq(x, y), since=[Eq(a * x, a * y)], by=divide, assuming=[sp.Ne(a, 0)]),
        Follows(Eq(log(x), log(y)), since=[Eq(x, y)], by=Apply(sp.Lambda(w, log(w)))),
    ).verdicts
    assert lost.status is Status.REFUTED
    assert sp.Ne(a, 0) in lost.conditions
    assert (granted.status, granted.conditions) == (Status.PROVED, ())
    assert logs.status is Status.PROVED
    assert set(logs.conditions) == {x > 0, y > 0}


def test_hypotheses_at_single_arguments_say_nothing_of_others() -> None:
    at_y, at_w = f.subs(x, y), f.subs(x, w)
    (verdict,) = check(Follows(Eq(at_w, w), since=[Eq(at_y, y)])).verdicts
    assert verdict.status is not Status.PROVED


def test_hypotheses_that_contradict_each_other_prove_nothing() -> None:
    (verdict,) = check(Follows(Eq(x, 7), since=[Eq(y, 1), Eq(y, 2)])).verdicts
    assert verdict.status is Status.UNDECIDED


@pytest.mark.parametrize(
    ("left", "right", "conditions"),
    [
        ((x**2 - 1) / (x - 1), x + 1, (sp.Ne(x - 1, 0),)),
        (sp.Derivative(log(x), x), 1 / x, (x > 0,)),
        (log(q * n), log(q) + log(n), ()),
        (1 / (1 + x**2) + x**2 / (1 + x**2), 1, ()),
        (sp.tan(x) * sp.cos(x), sp.sin(x), (sp.Ne(sp.cos(x), 0),)),
    ],
)
def test_conditions_of_equations(
    left: Formula, right: Formula, conditions: tuple[Boolean, ...]
) -> None:
    (verdict,) = check(Equal(left, right)).verdicts
    assert verdict.status is Status.PROVED
    assert verdict.conditions == conditions


def test_assumptions_take_conditions_away_and_make_proofs() -> None:
    given = (x, x > 2, a, a < 0)
    steps = (
        Equal(1 / (x - 1) - 1 / x, 1 / (x * (x - 1))),
        Equal(sp.sqrt(x**2), x),
        Equal(sp.Abs(a), -a),
        Equal(sp.sqrt(a**2), a),
    )
    verdicts = check(*steps, given=given).verdicts
    assert [v.status for v in verdicts[1:]] == ["undecided", "proved", "refuted"]
    assert (verdicts[0].status, verdicts[0].conditions) == ("proved", ())


def test_an_assumption_that_sympy_knows_already_is_no_fault() -> None:
    report = check(Equal(sp.sqrt(q**2), q), given=(q, q > 0))
    assert statuses(report) == ["proved"]


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("whole", "value", "options"),
    [
        (sp.sin(x) / x, 1, {"variable": x, "to": 0}),
        ((1 + 1 / n) ** n, sp.E, {"variable": n, "to": oo}),
        ((f.subs(x, x + t) - f) / t, f.diff(x), {"variable": t, "to": 0}),
        (
            (f.subs(x, x + t) - 2 * f + f.subs(x, x - t)) / t**2,
            f.diff(x, 2),
            {"variable": t, "to": 0},
        ),
        (sp.loggamma(n + 1) - n * log(n) + n, oo, {"variable": n, "to": oo}),
        (x**2 * exp(-x), 0, {"variable": x, "to": oo}),
    ],
)
def test_limits(whole: sp.Expr, value: sp.Expr, options: dict[str, sp.Expr]) -> None:
    (right,) = check(TendsTo(whole, value, **options)).verdicts
    assert right.status is not Status.REFUTED
    assert right.status is Status.PROVED or value is oo
    wrong = 0 if value is oo else value + 1
    (other,) = check(TendsTo(whole, wrong, **options)).verdicts
    assert other.status is not Status.PROVED
    assert other.status is Status.REFUTED or value is oo


def test_a_limit_from_one_side_only() -> None:
    steps = [TendsTo(sp.Abs(x) / x, 1, variable=x, to=0, side=side) for side in ("+", "-", "+-")]
    assert statuses(check(*steps))[:2] == ["proved", "refuted"]
    assert statuses(check(*steps))[2] != "proved"


def test_series_against_coefficients_from_elsewhere() -> None:
    bernoulli = 1 - x / 2 + x**2 / 12  # the Bernoulli numbers 1, -1/2, 1/6 over k!
    report = check(
        Expands(exp(x), 1 + x + x**2 / 2, variable=x, order=3),
        Expands(exp(x), 1 + x + x**2, variable=x, order=3),
        Expands(x / (exp(x) - 1), bernoulli, variable=x, order=3),
        Expands(log(q), q - 1 - (q - 1) ** 2 / 2, variable=q, about=1, order=3),
        Expands(f**2, f.subs(x, 0) ** 2, variable=x, order=1),
    )
    assert statuses(report) == ["proved", "refuted", "proved", "proved", "proved"]
    assert sp.expand(report.verdicts[1].corrected - (1 + x + x**2 / 2)) == 0


def test_stationary_points() -> None:
    nearest = {x: 3, y: 4}
    circle = [Eq(x**2 + y**2, 25)]
    report = check(
        Stationary(3 * x + 4 * y, at=nearest, under=circle),
        Stationary(3 * x + 4 * y, at=nearest, under=circle, multipliers=(sp.Rational(1, 2),)),
        Stationary(3 * x + 4 * y, at=nearest, under=circle, multipliers=(2,)),
        Stationary(3 * x + 4 * y, at={x: 4, y: 3}, under=circle),
        Stationary(3 * x + 4 * y, at={x: 1, y: 1}, under=circle),
        Stationary((x - a) ** 2 + y**2, at={x: a, y: 0}),
    )
    expected = ["proved", "proved", "refuted", "refuted", "refuted", "proved"]
    assert statuses(report) == expected
    assert report.verdicts[4].reason == "a constraint does not hold there"


def test_integrals_over_the_line() -> None:
    P_here = P
    line = (x, -oo, oo)
    right, wrong = check(
        Equal(
            sp.Integral(x * sp.Derivative(P_here, x), line),
            -sp.Integral(P_here, line),
            by=OverTheLine(x, x * P_here),
        ),
        Equal(
            sp.Integral(x * sp.Derivative(P_here, x), line),
            sp.Integral(P_here, line),
            by=OverTheLine(x, x * P_here),
        ),
    ).verdicts
    assert right.status is Status.PROVED
    assert len(right.conditions) == 2
    assert all(
        condition.lhs == sp.Limit(x * P_here, x, end)
        for condition, end in zip(right.conditions, (-oo, oo), strict=True)
    )
    assert wrong.status is Status.UNDECIDED


def test_what_stays_open_shows_what_remains_and_where_it_held() -> None:
    (verdict,) = check(Equal(sp.Abs(x) / x, sp.sign(x))).verdicts
    assert verdict.status is Status.UNDECIDED
    assert verdict.remains is not None
    assert len(verdict.held_at) >= 5
    for point in verdict.held_at:
        number = dict(point.symbols)[x]
        assert sp.Abs(number) / number == sp.sign(number)


def test_a_seam_is_looked_at_however_far_it_lies() -> None:
    huge = 10**9
    (verdict,) = check(Equal(sp.Max(x, -huge), x)).verdicts
    assert verdict.status is Status.REFUTED
    assert dict(verdict.counterexample.point.symbols)[x] < -huge


def test_definitions_substitutions_and_references() -> None:
    k = sp.Symbol("k", real=True)
    G = sp.Function("G", real=True)(x)
    given = (*GIVEN, Let(k, 2 * a), Let(G, k * x**2))
    report = check(
        Equal(sp.Derivative(G, x), 4 * a * x, name="slope"),
        Equal(G, 18 * a, by=Substitution({x: 3})),
        Follows(Eq(sp.Derivative(G, x) / 2, 2 * a * x), since="slope"),
        Equal(x, y, expect="refuted"),
        Follows(Eq(2 * x, 2 * y), since=4),
        given=given,
    )
    assert statuses(report) == ["proved", "proved", "proved", "refuted", "proved"]
    assert report.as_expected
    assert report.verdicts[4].reason == "rests on step 4, which is refuted"


def test_a_derivative_by_the_value_of_a_function_is_one_by_a_place() -> None:
    F, D, slope = sp.Function("F", real=True), sp.Derivative, sp.Derivative(f, x)
    claims = [
        (D(x * F(f), f), x * D(F(f), f), 2 * x * D(F(f), f)),
        (D(F(f), x), D(F(f), f) * slope, D(F(f), f)),
        (D(x * F(f), f, x), D(F(f), f) + x * D(F(f), (f, 2)) * slope, x * D(F(f), (f, 2))),
        # as in Euler and Lagrange, who move values and slopes apart
        (D(f * slope, f), slope, sp.S.Zero),
        (D(f * slope**2, slope), 2 * f * slope, 2 * slope),
    ]
    given = (x, y, f, F(y))
    for whole, right, wrong in claims:
        report = check(Equal(whole, right), Equal(whole, wrong), given=given)
        assert statuses(report) == ["proved", "refuted"]
        assert len(report.verdicts[0].held_at) == 8
        # where f is x, x itself stays what it is
        one = check(Equal(whole, right), given=(x, y, Let(f, x), F(y)))
        assert statuses(one) == ["proved"]
    for formula in (x**2, sp.Integer(3)):
        one = check(Equal(*claims[0][:2]), given=(x, y, Let(f, formula), F(y)))
        assert statuses(one) == ["proved"]


def test_what_is_defined_as_a_symbol_is_told_by_that_symbol() -> None:
    refuted = check(Equal(w, 2 * x), given=(x, Let(w, x))).verdicts[0].counterexample
    assert refuted is not None
    assert [symbol for symbol, _ in refuted.point.symbols] == [x]


def test_unexpected_verdicts_are_listed() -> None:
    report = check(Equal(x, x), Equal(x, y), Equal(x, x + 1, expect=Status.REFUTED))
    assert report.unexpected == (2,)
    assert not report.as_expected


def test_the_same_seed_gives_the_same_report() -> None:
    steps = (Equal(sp.sin(x + y), sp.sin(x)), Equal(f.diff(x), g))
    assert check(*steps, seed=5) == check(*steps, seed=5)
    assert str(check(*steps, seed=5)) == str(check(*steps, seed=5))


def test_random_polynomials_are_proved_and_their_neighbours_refuted() -> None:
    first = [sum((k * i % 7 - 3) * x**i * y ** (k % 3) for i in range(4)) for k in range(1, 9)]
    products = [(left, right) for left, right in zip(first, reversed(first), strict=True)]
    true = [Equal(a_ * b_, sp.expand(a_ * b_)) for a_, b_ in products]
    false = [Equal(a_ * b_, sp.expand(a_ * b_) + x * y) for a_, b_ in products]
    assert statuses(check(*true, *false)) == ["proved"] * 8 + ["refuted"] * 8
