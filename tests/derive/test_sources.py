"""The derivations of the sources: every step as recorded, and the numbers that they turn on."""

from __future__ import annotations

import functools
import pathlib
import runpy
from typing import Any

import pytest
import sympy as sp

from causalopt.derive import Report, Status
from causalopt.study import load_model

MODELS = pathlib.Path(__file__).parents[2] / "models"
FILES = sorted(MODELS.glob("derive_*.py"))


@functools.cache
def model(name: str) -> dict[str, Any]:
    return runpy.run_path(str(MODELS / f"derive_{name}.py"))


@functools.cache
def checked(name: str, derivation: str) -> Report:
    report: Report = model(name)[derivation]().check()
    return report


ALL = [
    (path.stem.removeprefix("derive_"), build.__name__)
    for path in FILES
    for build in load_model(str(path)).derivations
]


# The proofs of these take longest; the site checks them too.
LONG = [
    ("invariances", "units"), ("free_energy", "stirling"), ("current", "end_states"),
    ("comp_and_op", "rate_of_the_thermostat"),
]  # fmt: skip


@pytest.mark.sampled(4)
@pytest.mark.parametrize(
    ("name", "derivation"),
    [pytest.param(*one, marks=pytest.mark.long) if one in LONG else one for one in ALL],
)
def test_every_step_has_the_recorded_verdict(name: str, derivation: str) -> None:
    report = checked(name, derivation)
    assert report.as_expected, str(report)
    for step, verdict in zip(report.derivation.steps, report.verdicts, strict=True):
        assert verdict.status is step.expect
        assert (verdict.counterexample is not None) == (verdict.status is Status.REFUTED)
        assert bool(verdict.route) == (verdict.status is Status.PROVED)


def expanded(whole: sp.Expr) -> sp.Expr:
    return sp.expand(whole.doit())


@pytest.mark.long
def test_master_equation_is_corrected_to_a_half_three_quarters_and_a_quarter() -> None:
    names = model("current")
    W, T, P, S2 = (names[label] for label in ("W", "T", "P", "S2"))
    right, printed, *_ = checked("current", "master_equation").verdicts
    assert right.status is Status.PROVED
    assert printed.status is Status.REFUTED
    terms = expanded(printed.corrected / T**2)
    assert terms.coeff(S2 * P.diff(W, 2)) == sp.Rational(1, 2)
    assert terms.coeff(S2.diff(W) * P.diff(W)) == sp.Rational(3, 4)
    assert terms.coeff(S2.diff(W, 2) * P) == sp.Rational(1, 4)
    assert len(terms.args) == 3


@pytest.mark.long
def test_counterexample_to_the_printed_master_equation_is_one_by_hand() -> None:
    names = model("current")
    W, T, P, S2 = (names[label] for label in ("W", "T", "P", "S2"))
    case = checked("current", "master_equation").verdicts[1].counterexample
    assert case is not None
    formulas, numbers = dict(case.point.functions), dict(case.point.symbols)
    density, variance = formulas[P], formulas[S2]
    current = -(T**2) * (variance * density.diff(W) / 2 + density * variance.diff(W) / 4)
    half = sp.Rational(1, 2)
    printed = (
        T**2
        * half
        * (
            variance.diff(W) * density.diff(W)
            + variance * density.diff(W, 2)
            + variance.diff(W, 2) * density
        )
    )
    left, right = (-current.diff(W)).subs(numbers), printed.subs(numbers)
    assert left.is_Rational
    assert (left, right) == (case.left, case.right)
    assert left != right


@pytest.mark.long
def test_current_in_terms_of_the_variance() -> None:
    names = model("current")
    W, T, P, S = (names[label] for label in ("W", "T", "P", "S"))
    report = checked("current", "heat_capacity")
    assert report.verdicts[2].status is Status.PROVED
    quarter = -(T**2) * (S**2 * P.diff(W) / 2 + P * (S**2).diff(W) / 4)
    assert expanded(report.verdicts[3].corrected - quarter) == 0


@pytest.mark.long
def test_end_state_tells_that_the_variance_must_not_vanish() -> None:
    S2 = model("current")["S2"]
    verdicts = checked("current", "end_states").verdicts
    assert verdicts[0].conditions == ()
    for verdict in verdicts[1:]:
        assert verdict.status is Status.PROVED
        assert verdict.conditions == (sp.Ne(S2, 0),)


@pytest.mark.long
def test_conventions_differ_by_exactly_their_drift() -> None:
    report = checked("current", "conventions")
    assert [v.status for v in report.verdicts[:6]] == [Status.PROVED] * 6
    assert report.verdicts[6].status is Status.REFUTED


def test_a_minimum_twice_as_wide_counts_four_times_in_the_drift_only() -> None:
    verdicts = checked("current", "wide_minimum").verdicts
    assert [v.status for v in verdicts] == [*[Status.PROVED] * 3, Status.REFUTED]
    assert verdicts[3].corrected is not None


@pytest.mark.parametrize("k", [sp.Rational(1, 100), sp.Rational(1, 50), sp.Rational(6, 25)])
def test_closed_form_of_the_thermostat_against_the_recurrence(k: sp.Rational) -> None:
    """The formula that is proved, against forty exact steps of the system itself."""
    names = model("comp_and_op")
    derivation = names["continuous_thermostat"]()
    formula = derivation.given[-1].value.subs(sp.Symbol("b", real=True), 1 - names["a"])
    root = (1 + sp.sqrt(1 - 4 * k)) / 2
    before, now = sp.Integer(1), sp.Integer(1)
    for step in range(1, 40):
        closed = formula.subs({names["a"]: root, names["t"]: step})
        assert abs(sp.N(closed - now, 40)) < 1e-35
        before, now = now, now - k * before


def test_power_of_the_thermostat_against_a_simulation() -> None:
    """2 p (t - dt), against the integral of 1 - Comp by exact steps from two first temperatures."""
    p, dt, theta, wanted = sp.Integer(1), sp.Rational(1, 50), sp.Integer(1), sp.Integer(25)

    def last(room: sp.Expr) -> sp.Expr:
        setting = sp.Integer(0)
        for _ in range(500):
            heat = p * sp.sign(setting) if abs(setting) >= theta else sp.Integer(0)
            room, setting = room - dt * heat, room - wanted
        return room

    low, high = sp.Integer(5), sp.Integer(45)
    assert (high - last(high)) - (low - last(low)) == sp.Rational(499, 25)
