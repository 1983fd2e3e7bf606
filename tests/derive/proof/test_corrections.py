"""A correction is offered where it is shown to hold, and where it says what the claim does not."""

from __future__ import annotations

import pytest
import sympy as sp
from sympy import Abs, Derivative, Eq, Expr, cos, exp, floor, log, oo, sin

from causalopt.derive import (
    Derivation,
    Equal,
    Expands,
    Follows,
    Let,
    Status,
    TendsTo,
    Verdict,
)
from causalopt.derive.proof import equality
from causalopt.derive.proof.judging import Task, judge
from causalopt.derive.statement.givens import Given
from causalopt.derive.statement.steps import Step
from tests.derive.proof import falsehoods as made

x, y, a, b, h = sp.symbols("x y a b h", real=True)
p, q = sp.symbols("p q")
f = sp.Function("f", real=True)(x)
GIVEN = (x, y, a, b, h, p, q, f)


def refuted(step: Step) -> Verdict:
    (verdict,) = Derivation("page", given=GIVEN, steps=[step]).check().verdicts
    assert verdict.status is Status.REFUTED
    return verdict


NOT_TO_BE_CORRECTED = [
    # wherever x is a whole number there is no limit, and elsewhere the claim is right
    TendsTo((floor(x + h) - floor(x)) / h, 0, variable=h, to=0),
    TendsTo((floor(x + h) - floor(x)) / h, 1, variable=h, to=0),
    # right for all a but one: that one has no part in what is offered
    TendsTo(h**2 / (h**2 + a), 1, variable=h, to=0),
    TendsTo(a * h / (a * h + 1), 2, variable=h, to=oo),
    TendsTo(Abs(h) / h, 0, variable=h, to=0),
    # p = p says nothing, and neither does the same written otherwise
    Equal(p, q),
    Equal(p, 2 * p),
    Equal(p * (q + 1), q),
    Equal(p * q + p, q),
    Follows(Eq(p, q), since=[Eq(a, b)]),
    Follows(Eq(p * (q + 1), q), since=[Eq(a, b)]),
    Follows(Eq(x, y), since=[Eq(x**2, y**2)]),
    Expands(Abs(x), 0, variable=x, order=2),
    Expands(1 / x, 0, variable=x, order=2),
]


@pytest.mark.parametrize("step", NOT_TO_BE_CORRECTED, ids=range(len(NOT_TO_BE_CORRECTED)))
def test_what_is_not_shown_or_says_nothing_is_not_offered(step: Step) -> None:
    assert refuted(step).corrected is None


@pytest.mark.parametrize(
    ("step", "right"),
    [
        (TendsTo(sin(a * h) / (b * h), 1, variable=h, to=0), a / b),
        (TendsTo(exp(1 / h), 5, variable=h, to=0, side="-"), 0),
        (TendsTo((f.subs(x, x + h) - f) / (a * h), f.diff(x), variable=h, to=0), f.diff(x) / a),
        (Equal((x + 1) ** 2, x**2 + x + 1), x**2 + 2 * x + 1),
        (Equal(sin(x) ** 2 + cos(x) ** 2, 2), 1),
        (Equal((x**2 - 1) / (x - 1), x), x + 1),
        # below zero, where the case against it lies, the logarithm is not real
        (Equal(Derivative(log(x), x), x), 1 / x),
        (Follows(Eq(x, 2 * b), since=[Eq(x, y), Eq(y, b)]), b),
        (Follows(Eq(x, y), since=[Eq(a * x, b)]), b / a),
        (Expands(exp(x), 1, variable=x, order=3), 1 + x + x**2 / 2),
    ],
)
def test_what_is_shown_is_offered(step: Step, right: Expr) -> None:
    assert sp.expand(refuted(step).corrected - right) == 0


@pytest.mark.parametrize(
    ("proposed", "kept"),
    [
        (x + 2 * y, False),  # wrong
        (Abs(x) + y, False),  # right on one side only
        ((x**2 + x * y) / x, True),  # right wherever it is defined
        (x + y, False),  # the left side
    ],
)
def test_whatever_is_proposed_has_to_be_proved(
    proposed: Expr, kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(equality, "find_correction", lambda *_: proposed)
    verdict = judge(Task(Equal(x + y, x), (Given(x), Given(y))), lambda _: None)
    assert verdict.status is Status.REFUTED
    assert (verdict.corrected == proposed) is kept


def test_a_definition_may_be_corrected_to_what_it_says() -> None:
    k = sp.Symbol("k", real=True)
    page = Derivation("page", given=[a, Let(k, 2 * a)], steps=[Equal(k, 3 * a)])
    assert page.check().verdicts[0].corrected == 2 * a


def test_no_limit_is_said_to_hold_on_a_condition_that_does_not_help() -> None:
    # what its correction divides by is no condition under which the claim itself would hold
    step = TendsTo((f.subs(x, x + h) - f) / (a * h), f.diff(x), variable=h, to=0)
    assert refuted(step).conditions == ()


@pytest.mark.parametrize("count", [9, pytest.param(60, marks=pytest.mark.long)])
def test_corrections_of_many_falsehoods_are_proved_as_claims_of_their_own(count: int) -> None:
    false = [falsehood.step for falsehood in made.falsehoods(count, 3, made.QUICK)]
    verdicts = Derivation("page", given=made.GIVEN, steps=false).check().verdicts
    mended = [
        step.with_right(verdict.corrected)
        for step, verdict in zip(false, verdicts, strict=True)
        if verdict.corrected is not None
    ]
    assert len(mended) >= count // 6
    again = Derivation("page", given=made.GIVEN, steps=mended).check(seed=7).verdicts
    assert {verdict.status for verdict in again} == {Status.PROVED}
