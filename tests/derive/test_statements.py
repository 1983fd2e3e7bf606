"""Whatever is written on a page: it has a verdict and prints, or is refused in words."""

from __future__ import annotations

import contextlib
import random

import pytest
import sympy as sp

from causalopt.derive import Derivation, DerivationError, Equal, Status
from causalopt.ground.errors import CausaloptError
from tests.derive import statements as written

pytestmark = [
    # sympy warns of what it should refuse
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    # a limit may be met while a generator of sympy is closed, and Python lets nothing out of there
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def pages(seeds: range) -> list[Derivation]:
    """The pages that are accepted; the others are refused by errors of the house alone."""
    accepted = []
    for seed in seeds:
        with contextlib.suppress(CausaloptError):
            accepted.append(written.some_page(random.Random(seed)))
    return accepted


def prints(shown: object) -> bool:
    """Whether it prints in all three forms."""
    return all((str(shown), shown._repr_html_(), shown._repr_latex_()))


@pytest.mark.parametrize("count", [100, pytest.param(300, marks=pytest.mark.long)])
def test_hundreds_of_statements_are_read_or_refused(count: int) -> None:
    accepted = pages(range(count))
    assert 0.15 * count < len(accepted) < 0.85 * count
    assert all(map(prints, accepted))


@pytest.mark.long
def test_thirty_thousand_statements_are_read_or_refused() -> None:
    assert all(map(prints, pages(range(300, 32_000))))


def check(seeds: range) -> None:
    """A verdict on every step, and it prints."""
    for page in pages(seeds):
        report = page.check(limit=0.1)
        assert all(verdict.status in tuple(Status) for verdict in report.verdicts)
        assert prints(report)


def test_what_is_read_has_a_verdict() -> None:
    check(range(60))


@pytest.mark.long
def test_much_that_is_read_has_a_verdict() -> None:
    check(range(60, 1_500))


class Own(sp.Function):  # type: ignore[misc]  # sympy is untyped
    """A function of a user's own, whose code the checker would have to run."""


def test_functions_of_ones_own_are_refused() -> None:
    x = sp.Symbol("x")
    with pytest.raises(DerivationError, match="step 1: Own is a class of your own"):
        Derivation("page", given=[x], steps=[Equal(Own(x), x)])
