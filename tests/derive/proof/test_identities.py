"""No true identity is refuted, no false one is proved, and few are left undecided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import mpmath
import pytest
import sympy as sp
from sympy.core.function import AppliedUndef

from causalopt.derive import Counterexample, Derivation, Equal, Report, Status
from causalopt.derive.statement.expressions import Formula
from tests.derive.proof import identities

OPEN = (Status.UNDECIDED, Status.EXHAUSTED)
PARTS = 16  # so that several workers can share the suite


def report_on(pairs: Sequence[tuple[Formula, Formula]]) -> Report:
    steps = [Equal(left, right) for left, right in pairs]
    return Derivation("suite", given=identities.GIVEN, steps=steps).check()


def test_the_suite_is_as_large_as_it_claims() -> None:
    assert len(identities.TRUE) >= 60
    assert len(identities.FALSE) >= 60
    assert any(left.has(AppliedUndef) for left, _ in identities.TRUE)
    assert any(left.has(AppliedUndef) for left, _ in identities.FALSE)


# Each takes a second to prove: an eighth of them at every run, the others with what takes long.
@pytest.mark.sampled(16)
@pytest.mark.parametrize("part", range(PARTS))
def test_no_true_identity_is_refuted(part: int) -> None:
    pairs = identities.TRUE[part::PARTS]
    statuses = [verdict.status for verdict in report_on(pairs).verdicts]
    refuted = [pair for pair, status in zip(pairs, statuses, strict=True) if status == "refuted"]
    assert not refuted
    print(f"true identities, part {part}: {Counter(statuses)}")
    assert sum(status in OPEN for status in statuses) / len(statuses) < 0.2


@pytest.mark.sampled(16)
@pytest.mark.parametrize("part", range(PARTS))
def test_no_false_identity_is_proved(part: int) -> None:
    pairs = identities.FALSE[part::PARTS]
    verdicts = report_on(pairs).verdicts
    proved = [p for p, verdict in zip(pairs, verdicts, strict=True) if verdict.status == "proved"]
    assert not proved
    for (left, right), verdict in zip(pairs, verdicts, strict=True):
        if verdict.counterexample is not None:
            check_counterexample(left, right, verdict.counterexample)
    statuses = [verdict.status for verdict in verdicts]
    print(f"false identities, part {part}: {Counter(statuses)}")
    assert sum(status in OPEN for status in statuses) / len(statuses) < 0.1


def check_counterexample(left: Formula, right: Formula, case: Counterexample) -> None:
    """Put the case into both sides once more, by sympy's own means and not by the checker's."""
    exact = (*case.left.free_symbols, *case.right.free_symbols)
    assert not exact
    assert not case.left.has(sp.Float)
    assert not case.right.has(sp.Float)
    if isinstance(left, sp.MatrixBase):
        entries = list(zip(left, right, strict=True))
    else:
        entries = [(left, right)]
    values = [(put_in(first, case), put_in(second, case)) for first, second in entries]
    with mpmath.workdps(50):
        gaps = [abs(sp.N(first - second, 40)) for first, second in values]
    assert max(gaps) > sp.Float("1e-25")
    claimed = abs(sp.N(case.left - case.right, 40))
    assert any(abs(gap - claimed) < 1e-9 * (1 + claimed) for gap in gaps)


def put_in(whole: sp.Expr, case: Counterexample) -> sp.Expr:
    for function, formula in case.point.functions:
        whole = whole.replace(function.func, sp.Lambda(function.args, formula))
    return whole.doit().subs(dict(case.point.symbols)).doit()
