"""Closed forms in t against maps that are iterated in fractions, and where they go."""

import math
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sympy import Rational

from causalopt import (
    QueryError,
    System,
    closed_form_comp,
    closed_form_op,
    comp,
    noise,
    normal,
    op,
    parameters,
    symbolic_comp,
    time,
    variables,
)
from tests.measures.symbolic.test_formulas import R, T, by_hand, d, k, thermostat

a, b, c = variables("a b c")
(g,) = parameters("g")


def test_the_thermostat_in_closed_form():
    form = closed_form_comp(thermostat(), T, R[0], R)
    root = sp.sqrt(1 - 4 * k)
    larger, smaller = (1 + root) / 2, (1 - root) / 2
    by_roots = (larger ** (form.t + 1) - smaller ** (form.t + 1)) / root
    for strength in (0.01, 0.2, 0.6, 3):  # real roots and complex ones
        for steps in (0, 1, 2, 7, 30):
            at = {k: Rational(str(strength)), form.t: steps}
            assert abs(sp.N((form.expression - by_roots).subs(at), 30)) < 1e-20
    for steps in range(12):
        assert sp.expand(form.at(steps) - by_hand(steps)) == 0
    assert form.conditions == (sp.Ne(1 - 4 * k, 0),)
    assert form.first == ()


def test_where_roots_fall_together_there_is_a_polynomial_in_t():
    form = closed_form_comp(thermostat(), T, R[0], R, values={k: Rational(1, 4)})
    assert sp.simplify(form.expression - (form.t + 1) / 2**form.t) == 0
    assert form.limit == 0
    assert form.conditions == ()


def test_complex_pairs_are_sines():
    form = closed_form_comp(thermostat(), T, R[0], R, values={k: 1})
    assert form.expression.has(sp.sin)
    assert not form.expression.has(sp.I)
    assert [form.at(steps) for steps in range(6)] == [1, 1, 0, -1, -1, 0]
    with pytest.raises(QueryError, match="tends to nothing"):
        form.limit  # noqa: B018  # a property
    assert form.rate == 0


ENTRIES = st.sampled_from([Fraction(0), Fraction(0), Fraction(1), Fraction(-1), Fraction(1, 2),
                           Fraction(2), Fraction(-1, 3)])  # fmt: skip


def responses(matrix, steps, held):
    """How the second variable moves after a nudge of it; with the first one held, or not."""
    state, course = [Fraction(0), Fraction(1), Fraction(0)], []
    for _ in range(steps):
        course.append(state[1])
        state = [sum(m * x for m, x in zip(row, state, strict=True)) for row in matrix]
        if held:
            state[0] = Fraction(0)
    return course


@given(st.lists(st.lists(ENTRIES, min_size=3, max_size=3), min_size=3, max_size=3))
@example(
    [
        [Fraction(0), Fraction(1), Fraction(0)],
        [Fraction(-1, 4), Fraction(1), Fraction(0)],
        [Fraction(0)] * 3,
    ]
)  # one root twice
@example(
    [
        [Fraction(1), Fraction(1), Fraction(0)],
        [Fraction(-1), Fraction(-1), Fraction(0)],
        [Fraction(0)] * 3,
    ]
)  # nilpotent, but for A held
@settings(max_examples=6, deadline=None)
def test_random_systems_defective_and_nilpotent_ones_too(matrix):
    order = (a, b, c)
    rules = {v: sum((Rational(str(m)) * x for m, x in zip(row, order, strict=True)), Rational(3))
             for v, row in zip(order, matrix, strict=True)}  # fmt: skip
    form = closed_form_comp(System(rules, start=dict.fromkeys(order, 1)), a, b[0], b)
    both = [responses(matrix, 10, held) for held in (False, True)]
    for steps, (x, y) in enumerate(zip(*both, strict=True)):
        ours = form.at(steps)
        by_roots = form.expression.subs(form.t, steps) if y != 0 else None
        if steps >= len(form.first) and by_roots is not None:
            assert abs(sp.N(by_roots, 25) - Rational(str(x / y))) < 1e-12, (steps, matrix)
        if y == 0:
            assert ours is sp.nan if x == 0 else ours == sp.oo * sp.sign(Rational(str(x)))
        else:
            assert ours == Rational(str(x / y)), (steps, matrix)


@given(st.lists(st.lists(ENTRIES, min_size=2, max_size=2), min_size=2, max_size=2))
@settings(max_examples=10, deadline=None)
def test_limits_are_where_long_runs_are(matrix):
    order = (a, b)
    rules = {v: sum((Rational(str(m)) * x for m, x in zip(row, order, strict=True)), Rational(3))
             for v, row in zip(order, matrix, strict=True)}  # fmt: skip
    form = closed_form_comp(System(rules, start={a: 1, b: 1}), a, b[0], b)
    wide = [[*row, Fraction(0)] for row in matrix] + [[Fraction(0)] * 3]
    x, y = (responses(wide, 402, held)[-2:] for held in (False, True))
    try:
        limit = form.limit
    except QueryError:
        # Two largest roots of one size, a quotient that turns, or nothing to divide by.
        roots = sorted(np.linalg.eigvals(np.array(matrix, dtype=float)), key=abs)
        own = float(matrix[1][1])
        assert own == 0 or math.isclose(*map(abs, roots), abs_tol=1e-9) or roots[1] * own < 0
        return
    last = x[1] / y[1]
    if limit == 0:
        assert abs(last) < 0.05
    elif abs(limit) == sp.oo:
        assert abs(last) > 20
        assert (last > 0) == (limit > 0)
    else:
        assert float(last) == pytest.approx(float(limit), rel=1e-2)


def test_the_first_steps_are_told_apart_where_a_part_dies_out():
    delayed = System({a: b, b: c, c: g * a, T: T / 2}, start={a: 1, b: 1, c: 1, T: 1}
                     , parameters={g: 0.5})  # fmt: skip
    form = closed_form_comp(delayed, T, c[0], a)
    assert len(form.first) == 0 and form.at(0) is sp.nan and form.at(2) == 1  # noqa: PT018
    chain = System({a: b, b: c, c: 3 + 0 * c, T: a / 2}, start={a: 1, b: 1, c: 1, T: 1})
    ends = closed_form_comp(chain, T, c[0], a)
    assert ends.first[:2] == (sp.nan, sp.nan)
    assert ends.at(2) == 1
    assert ends.at(3) is sp.nan and ends.expression is sp.nan  # noqa: PT018


MODELS = {
    "a delay": System(
        {T: R.lag(2) - d, R: R - k * T}, start={T: 1, R: 35}, parameters={k: 0.1, d: 25}
    ),
    "in the same step": System(
        {T: R.next - d, R: R - k * T}, start={T: 1, R: 35}, parameters={k: 0.1, d: 25}
    ),
    "an equation": System(
        {R: R - k * T}, algebraic={T: R - d}, start={R: 35}, parameters={k: 0.1, d: 25}
    ),
    "order four": System.from_ode(
        {T: R - d, R: -k * T}, start={T: 1, R: 35}, parameters={k: 0.5, d: 25}, dt=0.5, method="rk4"
    ),
    "noise and time": System(
        {T: R - d + noise("e", normal(0, 1)), R: R - k * T + sp.sin(time)},
        start={T: 1, R: 35},
        parameters={k: 0.1, d: 25},
        dt=0.5,
    ),
    "beside what is not linear": System(
        {T: R - d, R: R - k * T + a**2, a: a**2 - 1}, start={T: 1, R: 35, a: 0.5},
        parameters={k: 0.1, d: 25},
    ),
}  # fmt: skip


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", MODELS)
def test_closed_forms_are_the_measure_at_every_step(name):
    model = MODELS[name]
    declared = {p: Rational(repr(float(v))) for p, v in model.parameter_values.items()}
    # A method of order four has long formulas: numbers are put for its parameters.
    put = declared if name == "order four" else {}
    for nudged in (R[0], R[2]):
        form, logarithm = (
            ask(model, T, nudged, R, values=put) for ask in (closed_form_comp, closed_form_op)
        )
        exact = comp(model, T, nudged, R, steps=12).values[nudged.step :]
        in_nats = op(model, T, nudged, R, steps=12).values[nudged.step :]
        for steps in range(10):
            number = sp.N(form.at(steps).subs(declared), 25)
            assert abs(number - exact[steps]) < 1e-10 * abs(exact[steps]), steps
            nats = sp.N(logarithm.at(steps).subs(declared), 25)
            assert abs(nats - in_nats[steps]) < 1e-9, steps


@pytest.mark.long
def test_what_is_done_in_a_world_for_good_is_in_its_closed_form():
    W = thermostat(0.2).world(steps=40)
    soft = W.clamp(T, to=W.do(R[0], 30), by=g)
    form = closed_form_comp(soft, T, R[0], R)
    assert sp.expand(form.at(4) - by_hand(4).subs(k, k * (1 - g))) == 0
    early = W.do(T[3], 7).perturb(R[2], by=1)
    form = closed_form_comp(early, T, R[0], R)
    exact = comp(early, T, R[0], R).values
    assert [float(form.at(s).subs(k, 0.2)) for s in range(20)] == pytest.approx(exact[:20], 1e-12)
    with pytest.raises(QueryError, match="give it at least"):
        closed_form_comp(W.do(T[39], 7), T, R[0], R)


def test_limits_and_rates_say_under_which_conditions():
    form = closed_form_comp(thermostat(), T, R[0], R)
    assert form.limit == 0
    larger = (1 + sp.sqrt(1 - 4 * k)) / 2
    assert any(
        sp.simplify(u.lhs - sp.Abs(larger)) == 0 and u.rhs == 1 for u in form.limit_conditions
    )
    nats = closed_form_op(thermostat(), T, R[0], R)
    assert nats.limit == sp.oo
    assert float(nats.rate.subs(k, 0.01)) == pytest.approx(-math.log((1 + math.sqrt(0.96)) / 2))
    half = System({a: b, b: b / 2 + g * a / 2}, start={a: 0, b: 1}, parameters={g: 0.25})
    assert closed_form_comp(half, a, b[0], b).limit == sp.oo
    stays = System({a: a / 2 + b / 4, b: b - 0 * a, c: c + b - a}, start={a: 0, b: 1, c: 0})
    form = closed_form_comp(stays, a, b[0], c)
    assert form.limit == Rational(1, 2)
    assert float(form.at(60)) == pytest.approx(0.5, rel=0.1)


LORENZ = System(
    {a: a + (b - a) / 9, b: b + a * (28 - c) / 9, c: c + (a * b - c) / 9}, start={a: 1, b: 1, c: 1}
)


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda: closed_form_comp(LORENZ, a, b[0], b), "slope .* which changes with"),
        (lambda: closed_form_comp(thermostat(), T[:10], R[0], R), "write A=T, or ask symbolic"),
        (lambda: closed_form_comp(thermostat(), T, R[0], R[10]), "write m=R, or ask symbolic"),
        (lambda: closed_form_comp(thermostat().unroll(3), T, R[0], R), "no steps to go on for"),
        (lambda: closed_form_comp(thermostat(), T, R, R), "n = R is not one node"),
        (lambda: closed_form_comp(thermostat(), T, R[0], T), "lies inside A"),
        (lambda: closed_form_comp(thermostat(), T, R[0], R, values={R[3]: 1}), "in_terms_of"),
        (lambda: closed_form_comp(thermostat(), T, R[0], R).at(-1), "whole number of 0 or more"),
        (lambda: symbolic_comp(thermostat(), T, R[0], R, steps=3), "closed_form_comp"),
    ],
)  # fmt: skip
def test_what_has_no_closed_form_says_why(ask, says):
    with pytest.raises(QueryError, match=says):
        ask()
