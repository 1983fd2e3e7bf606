"""Derivations of Comp: every step is proved, and ends in the formula; broken ones are noticed."""

import dataclasses

import pytest
import sympy as sp

from causalopt import (
    Network,
    QueryError,
    System,
    derivation_of,
    parameters,
    symbolic_comp,
    variables,
)
from causalopt.derive import Derivation, Equal, Status
from tests.measures.symbolic.test_formulas import R, T, limited, thermostat

a, b, c = variables("a b c")
k, dt = parameters("k dt")

PAGES = {
    "thermostat": (thermostat(), T, R[0], R[3], {}),
    "network": (
        Network({b: k * a**2, c: sp.sin(b) - a * b}, start={a: 1}, parameters={k: 0.5}),
        *(b, a, c, {}),
    ),
    "not linear": (System({a: b**2, b: a / 2 + b**2}, start={a: 1, b: 2}), a, b[1], b[3], {}),
    "a branch": (limited(), T, R[0], R[2], {"at": {}}),
    "order four": (
        System.from_ode({a: -b, b: a - k * b}, start={a: 1, b: 0}, parameters={k: 1}, dt=0.1,
                        method="rk4"),
        *(a, b[0], b[1], {"values": {k: 1}}),
    ),
    "a soft clamp": (
        (lambda W: W.clamp(T, to=W, by=0.5))(thermostat().world(steps=3)), T, R[0], R[3], {},
    ),
}  # fmt: skip


# Of these pages a sum of many products, or a sine, takes sympy many seconds.
SLOW = {"order four", "network"}


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.long] * (name in SLOW)) for name in PAGES]
)
def test_every_step_is_proved_and_the_end_is_the_formula(name):
    of, A, n, m, more = PAGES[name]
    page = derivation_of(of, A, n, m, **more)
    report = page.check()
    assert [v.status for v in report.verdicts] == [Status.PROVED] * len(page.steps)
    (ratio,) = [step.right for step in page.steps if step.name == "Comp"]
    formula = symbolic_comp(of, A, n, m, **more)
    if name in ("thermostat", "a branch", "a soft clamp", "order four"):
        known = {s: s.name for s in ratio.free_symbols}
        ours = formula.expression.subs(
            {s: sp.Symbol(s.name) for s in formula.expression.free_symbols}
        )
        assert sp.cancel(ratio.subs({s: sp.Symbol(n) for s, n in known.items()}) - ours) == 0


def test_a_wrong_slope_is_refuted():
    page = derivation_of(*PAGES["thermostat"][:4])
    first = next(step for step in page.steps if isinstance(step, Equal) and step.right != 1)
    wrong = dataclasses.replace(first, right=2 * first.right)
    report = Derivation(page.title, given=page.given, steps=(wrong,)).check()
    assert report.verdicts[0].status is Status.REFUTED


def test_a_path_that_is_left_out_is_refuted():
    page = derivation_of(*PAGES["network"][:4])
    (chain,) = [step for step in page.steps if step.name == "X"]
    wrong = dataclasses.replace(chain, right=chain.right.args[0])
    report = Derivation(page.title, given=page.given, steps=(wrong,)).check()
    assert report.verdicts[0].status is Status.REFUTED


def test_a_page_reads_from_slopes_to_the_ratio():
    text = str(derivation_of(thermostat(), A=T, n=R[0], m=R[2]))
    assert "given  p_1 = -k: along R[0] → T[1] → R[2]" in text
    assert "given  x_R_2 = -k*x_T_1 + x_R_1: R[2] in X" in text
    assert "given  y_R_2 = -T_1*k + y_R_1: R[2] in Y, where A is held" in text
    steps = [line.split(". ", 1)[1] for line in text.splitlines() if line[:3].strip().isdigit()]
    assert steps[0] == "d(R_0 - d)/dR_0 = 1"
    assert steps[-1] == "(p_1 + p_2)/q_1 = 1 - k"


def test_where_no_path_is_left_the_page_says_so():
    page = derivation_of(thermostat(), A=R, n=T[0], m=T[3])
    assert page.steps[-1].by == ("A is held: no path is left",)
    assert page.check().as_expected


def test_too_many_paths_are_refused():
    with pytest.raises(QueryError, match="More than 24 paths lead from R\\[0\\] to R\\[12\\]"):
        derivation_of(thermostat(), A=T, n=R[0], m=R[12])
