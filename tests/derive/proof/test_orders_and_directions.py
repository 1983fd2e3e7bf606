"""Nothing is proved by an order that it has not, along one line alone, or across a pole."""

from __future__ import annotations

from collections import Counter

import pytest
import sympy as sp
from sympy import I, Rational, exp, oo, pi, sqrt

from causalopt.derive import Derivation, Equal, Expands, OverTheLine, Status, TendsTo, Verdict
from causalopt.derive.statement.steps import Step
from causalopt.derive.trial.nearby import Nearby
from causalopt.derive.trial.remainder import remainder_beside
from tests.derive.proof import families as made

x, a, p, z, w = made.GIVEN
f, K = sp.Function("f", real=True)(x), sp.Function("K")(z)


def verdict_on(step: Step) -> Verdict:
    return Derivation("page", given=(*made.GIVEN, f, K), steps=[step]).check().verdicts[0]


def series(whole: sp.Expr, known: sp.Expr, order: int, at: sp.Expr = 0, by: sp.Symbol = x) -> Step:
    return Expands(whole, known, variable=by, about=at, order=order)


def prove_none(count: int, seed: int) -> Counter[Status]:
    false = made.claims(count, seed, made.FALSE)
    steps = [claim.step for claim in false]
    verdicts = Derivation("page", given=made.GIVEN, steps=steps).check(limit=20).verdicts
    proved = [
        (claim.step, verdict.conditions)
        for claim, verdict in zip(false, verdicts, strict=True)
        if verdict.status is Status.PROVED and not claim.is_excluded_by(verdict.conditions)
    ]
    assert not proved
    return Counter(verdict.status for verdict in verdicts)


@pytest.mark.parametrize("count", [5, pytest.param(35, marks=pytest.mark.long)])
def test_nothing_false_is_proved(count: int) -> None:
    statuses = prove_none(count, 1)
    assert statuses[Status.REFUTED] >= count // 3  # told to be false, by an exact case


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 22))
def test_nothing_false_of_two_thousand_is_proved(seed: int) -> None:
    prove_none(105, seed)


@pytest.mark.parametrize("count", [5, pytest.param(40, marks=pytest.mark.long)])
def test_what_is_true_of_the_same_kinds_is_proved(count: int) -> None:
    steps = [claim.step for claim in made.claims(count, 1, made.TRUE)]
    verdicts = Derivation("page", given=made.GIVEN, steps=steps).check().verdicts
    assert {verdict.status for verdict in verdicts} == {Status.PROVED}
    assert not any(verdict.conditions for verdict in verdicts)


@pytest.mark.sampled(8)
@pytest.mark.parametrize(
    ("step", "status"),
    [
        (series(sqrt(x), 0, 1), "refuted"),
        (series(x ** Rational(5, 2), 0, 3), "refuted"),
        (series(x ** Rational(5, 2), 0, 2), "proved"),
        (series(sp.acos(x), 0, 1, 1), "undecided"),
        (series(x**x, 1, 1), "undecided"),
        (series(sp.LambertW(x), -1, 1, -exp(-1)), "undecided"),
        (series(sqrt(x - 1), I - I * x / 2, 2), "proved"),
        (series(sp.cos(sqrt(x)), 1 - x / 2, 2), "proved"),
        (series(sp.besselj(0, x), 1 - x**2 / 4, 4), "proved"),
        (series(f, f.subs(x, 0) + x * sp.Subs(f.diff(x), x, 0), 2), "proved"),
        (series(K, K.subs(z, 0) + z * sp.Subs(K.diff(z), z, 0), 2, by=z), "proved"),
        (series(sp.conjugate(z), z, 2, by=z), "refuted"),
        (series(sqrt(z), I, 1, -1, by=z), "refuted"),
        (series(sqrt(z), 1 + (z - 1) / 2, 2, 1, by=z), "proved"),
        (series(sqrt(w + I * x), sqrt(w) + I * x / (2 * sqrt(w)), 2), "refuted"),
        (TendsTo(sp.log(z), I * pi, variable=z, to=-1), "refuted"),
        (TendsTo(sp.log(z), 0, variable=z, to=1), "proved"),
        (TendsTo(sp.arg(z), pi, variable=z, to=-1), "undecided"),
        (TendsTo(exp(-1 / z**2), 0, variable=z, to=0), "refuted"),
        (TendsTo(sp.sin(z) / z, 1, variable=z, to=0), "proved"),
        (TendsTo(1 / z, 0, variable=z, to=oo), "proved"),
        (TendsTo(exp(-z), 0, variable=z, to=oo), "undecided"),
        (TendsTo(1 / z, oo, variable=z, to=0), "refuted"),
        (Equal(sp.Limit(sqrt(z), z, -1, "+-"), I), "undecided"),
    ],
)
def test_orders_and_directions(step: Step, status: str) -> None:
    verdict = verdict_on(step)
    assert (str(verdict.status), verdict.conditions) == (status, ())


def over_the_line(primitive: sp.Expr) -> Verdict:
    integral = sp.Integral(sp.diff(primitive, x), (x, -oo, oo))
    return verdict_on(Equal(integral, 0, by=OverTheLine(x, primitive)))


@pytest.mark.sampled(4)
@pytest.mark.parametrize(
    ("primitive", "why"),
    [
        (1 / x, "1/x is not known to be continuous"),
        (1 / (x**2 - 2), "is not known to be continuous"),
        (1 / (x - a), "is not known to be continuous"),
        (f / x, "1/x is not known to be continuous"),
        (sp.atan(x), "is not known to vanish at -oo"),
        (exp(x), "is not known to vanish at oo"),
        (1 + exp(-(x**2)), "is not known to vanish at -oo"),
        (exp(x) + f, "is not known to vanish at oo"),
        (f**2 + 1, "is not known to vanish at -oo"),
        (exp(a * x), "no case in which that holds is known"),
    ],
)
def test_a_primitive_with_a_pole_or_an_end_proves_nothing(primitive: sp.Expr, why: str) -> None:
    verdict = over_the_line(primitive)
    assert verdict.status is Status.UNDECIDED
    assert why in verdict.reason


def test_ends_that_are_known_are_no_condition() -> None:
    bell = over_the_line(x * exp(-p * x**2))
    assert (bell.status, bell.conditions) == (Status.PROVED, ())
    assert len(over_the_line(x * f).conditions) == 2
    assert len(over_the_line(exp(-a * x**2)).conditions) == 2


def test_conditions_that_nothing_satisfies_prove_nothing() -> None:
    one = sp.sin(x) ** 2 + sp.cos(x) ** 2
    for whole in (sp.log(x) + sp.log(-x), a / (one - 1), sp.log(-(x**2) - 1)):
        verdict = verdict_on(Equal(whole, whole))
        assert (verdict.status, verdict.conditions) == (Status.UNDECIDED, ())


@pytest.mark.parametrize(
    ("gap", "order", "outcome"),
    [
        (x**3, 3, Nearby.AGREE),
        (x ** Rational(29, 10), 3, Nearby.DISAGREE),
        (x**2 * sp.log(x), 2, Nearby.DISAGREE),
        (sp.log(-sp.log(x)) * x, 1, Nearby.DISAGREE),
        (sp.acos(1 - x), 1, Nearby.DISAGREE),
        (sp.acos(1 - x) ** 2, 1, Nearby.AGREE),
        (exp(x) - 1 - x, 2, Nearby.AGREE),
    ],
)
def test_numbers_tell_the_order_of_a_remainder(gap: sp.Expr, order: int, outcome: Nearby) -> None:
    assert remainder_beside(gap, x, sp.S.Zero, sp.S.One, order) is outcome
