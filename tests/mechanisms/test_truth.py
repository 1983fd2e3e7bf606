"""Choices by conditions that are neither true nor false, on every backend."""

import functools
import math

import numpy as np
import pytest
import sympy as sp
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sympy.core.relational import Relational

from causalopt import (
    CausaloptError,
    DeclarationError,
    EvaluationError,
    Event,
    Network,
    System,
    comp,
    parameters,
    run,
    tangents,
    time,
    variables,
)
from causalopt.backends.evaluation import evaluate
from causalopt.mechanisms.symbolic import Expression
from causalopt.mechanisms.truth import decided

x, y, z = variables("x y z")
BACKENDS = ("numpy", "numba", "jax")


def _log(u):
    return None if u < 0 else math.log(u) if u else -math.inf


def _quotient(u, v):
    return u / v if v else math.copysign(math.inf, u) if u else None


# What is compared, beside what it is in plain Python: None where it is no real number.
SIDES = [
    (x, lambda x, y: x),
    (sp.sqrt(x), lambda x, y: math.sqrt(x) if x >= 0 else None),
    (sp.log(y), lambda x, y: _log(y)),
    (x / y, _quotient),
    (sp.acos(x), lambda x, y: math.acos(x) if abs(x) <= 1 else None),
    (1 + x**2, lambda x, y: 1 + x**2),
]
# A comparison, and what it says of two numbers.
COMPARISONS = [
    (sp.Lt, lambda u, v: u < v),
    (sp.Ge, lambda u, v: u >= v),
    (sp.Gt, lambda u, v: u > v),
    (sp.Eq, lambda u, v: u == v),
    (sp.Ne, lambda u, v: u != v),
]


def compared(side, comparison, level):
    (formula, value), (relation, holds) = side, comparison

    def told(x, y):
        u = value(x, y)
        return None if u is None else holds(u, level)

    return relation(formula, level), told


def negated(one):
    condition, told = one

    def other(x, y):
        return None if told(x, y) is None else not told(x, y)

    return sp.Not(condition), other


def joined(kind, parts):
    """In Kleene's logic: what settles it does so whatever the others are."""
    relations = set().union(*(condition.atoms(Relational) for condition, _ in parts))
    # Of a condition and its negation sympy makes what it is of all real numbers.
    assume(all(relation.negated not in relations for relation in relations))
    settling = kind is sp.Or

    def told(x, y):
        known = [part(x, y) for _, part in parts]
        if settling in known:
            return settling
        return None if None in known else not settling

    return kind(*(condition for condition, _ in parts)), told


comparisons = st.builds(
    compared, st.sampled_from(SIDES), st.sampled_from(COMPARISONS), st.sampled_from([-0.5, 0.5, 2])
)
conditions = st.recursive(
    comparisons,
    lambda inner: (
        st.builds(negated, inner)
        | st.builds(
            joined, st.sampled_from([sp.And, sp.Or]), st.lists(inner, min_size=2, max_size=3)
        )
    ),
    max_leaves=4,
)
POINTS = [(u, v) for u in (-2.0, -0.25, 0.0, 0.25, 1.0, 4.0) for v in (-1.0, 0.0, 0.5, 8.0)]


@functools.cache
def chosen(formula, backend):
    """What a formula gives at the points, NaN where a run says that it is no number."""
    model = Network({x: 0.0, y: 0.0, z: formula})
    points = [{x: u, y: v} for u, v in POINTS]
    found = run(model.world(), over=points, backend=backend, on_failure="mask")
    return found.value.sel(node="z").values.ravel()


@pytest.mark.parametrize("backend", BACKENDS)
@settings(deadline=None, max_examples=25)
@given(first=conditions, second=conditions)
def test_a_choice_is_a_number_where_its_conditions_have_answers(backend, first, second):
    formula = sp.Piecewise((1, first[0]), (2, second[0]), (3, True))
    if not formula.has(sp.Piecewise):
        return

    def expected(u, v):
        told = first[1](u, v), second[1](u, v)
        if told[0] is None or (not told[0] and told[1] is None):
            return math.nan
        return 1.0 if told[0] else 2.0 if told[1] else 3.0

    found = chosen(formula, backend)
    np.testing.assert_array_equal(found, [expected(*point) for point in POINTS])


def test_what_compares_real_numbers_alone_is_left_as_it_is():
    root = sp.sqrt(sp.Abs(x)) < 3
    for condition in (x > 2, root, sp.log(1 + x**2) > y, sp.Mod(x, 3) < 1, sp.asinh(x) > 2,
                      sp.sin(x) < y, sp.Eq(sp.Max(x, y), 1)):  # fmt: skip
        formula = 2 * sp.Piecewise((x, condition), (y, True))
        assert decided(formula) is formula


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_slope_is_chosen_by_what_has_an_answer_too(backend):
    """Where nothing but a difference at y is asked for, no value of y is computed."""
    choice = sp.Piecewise((2 * x, sp.sqrt(x) < 0.5), (3 * x, True))
    model = System({x: x - 0.3, y: choice, z: z}, start={x: 1, y: 0, z: 0})
    asked = {"A": z, "n": x[0], "m": y, "keep": "last", "backend": backend}
    assert comp(model, steps=4, **asked).item() == 1.0
    with pytest.raises(EvaluationError, match=r"y\[5\]"):
        comp(model, steps=5, **asked)


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_many_branches_are_no_deeper_than_a_few(backend):
    """Of one side that all compare, and of a side for each."""
    for side in (lambda k: sp.sqrt(x), lambda k: sp.sqrt(x + k / 1000)):
        steps = [(k, side(k) < 0.1 * k) for k in range(1, 120)]
        formula = sp.Piecewise(*steps, (0, True), evaluate=False)
        model = Network({x: 0.0, z: formula})
        points = {x: [-1.0, 0.0, 1.0, 30.0]}
        found = run(model.world(), over=points, backend=backend, on_failure="mask")
        found = found.value.sel(node="z").values.ravel()
        root = np.sqrt(1.0 + 0.001 * np.arange(1, 120) * (side(1) != side(2)))
        first = 1 + np.argmax(root < 0.1 * np.arange(1, 120))
        np.testing.assert_array_equal(found, [math.nan, 1, first, 55])


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_overflows_may_be_no_number(backend):
    for side in (sp.exp(-999 * x) - sp.exp(-1999 * x), y * sp.exp(-999 * x),
                 sp.sin(sp.exp(-999 * x))):  # fmt: skip
        found = chosen(sp.Piecewise((1, side > 0), (2, True)), backend)
        lost = [u < -0.75 and (side.has(sp.sin) or not side.has(y) or v == 0) for u, v in POINTS]
        np.testing.assert_array_equal(np.isnan(found), lost)


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_is_asked_of_a_choice_is_asked_of_its_conditions_too(backend):
    """It is true where it would be so whichever had been chosen, as sympy writes it out."""
    inner = sp.Piecewise((1, sp.sqrt(x) < 0.5), (2, True))
    found = chosen(sp.Piecewise((1, inner + y > 1.5), (3, True)), backend)

    def expected(u, v):
        if u < 0:
            return 1 if 1 + v > 1.5 else math.nan
        return 1 if 1 + (u >= 0.25) + v > 1.5 else 3

    np.testing.assert_array_equal(found, [expected(*point) for point in POINTS])


LARGEST = [
    *(sp.Max(sp.sqrt(x), z), -sp.Min(-sp.sqrt(x), -z, 1 - z)),
    *(sp.Max(sp.sqrt(x), *(k * z for k in range(1, 12))), sp.Abs(sp.sqrt(x) + z)),
]


@pytest.mark.parametrize(("largest", "expected"), [*zip(LARGEST, (1, 1, 11, 1), strict=True)])
def test_what_cannot_be_compared_has_no_slope(largest, expected):
    """Nor has a size; in a run the value is told of first."""
    (slope,) = evaluate([Expression(largest).partial(z)], {x: np.array([-1.0, 0.01]), z: 1.0})
    assert np.isnan(slope[0])
    assert slope[1] == expected


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("largest", LARGEST)
def test_of_what_cannot_be_compared_none_is_the_largest(backend, largest):
    """Of a size too: |i + z| has a slope, of a number that is not real."""
    model = System({x: x, y: largest, z: z / 2}, start={x: -1, y: 0, z: 1})
    asked = {"A": x, "n": z[0], "m": y, "keep": "last", "backend": backend}
    with pytest.raises(EvaluationError, match=r"y\[1\] is complex or undefined"):
        comp(model, steps=2, **asked)
    there = model.with_start({x: 0.01})
    assert comp(there, steps=2, **asked).item() == 1.0


@pytest.mark.parametrize("backend", BACKENDS)
def test_amounts_that_are_chosen_are_numbers_too(backend):
    """A start value and a parameter: as declared, and at the points of a sweep."""
    k, q = parameters("k q")
    choice = sp.Piecewise((1, sp.sqrt(q) < 0.1), (2, True))
    by_parameter = System({x: x + k}, start={x: 1}, parameters={k: choice, q: 1})
    by_start = System({x: x}, start={x: choice}, parameters={q: 1})
    for model in (by_parameter, by_start):
        with pytest.raises(DeclarationError, match=r"Piecewise.* no finite real number at q = -1"):
            model.with_parameters({q: -1})
        asked = {"over": {q: [1.0, -1.0, 0.0]}, "backend": backend}
        with pytest.raises(CausaloptError, match=r"q = -1"):
            run(model.world(steps=1), **asked)
        found = run(model.world(steps=1), **asked, on_failure="mask").x.values[0, -1]
        np.testing.assert_array_equal(found - found[2], [1, math.nan, 0])


def test_where_no_case_holds_a_run_says_which_there_are():
    model = System({x: sp.Piecewise((x - 1, x >= 0))}, start={x: 1})
    with pytest.raises(EvaluationError, match=r"x\[3\] is .* one of its cases holds, x >= 0, or"):
        run(model.world(steps=4))
    with pytest.raises(EvaluationError, match="x >= 0"):
        tangents(model.world(steps=4).perturb(x[0]))


def test_a_message_says_to_guard_it():
    model = System({x: x, y: sp.Piecewise((1, sp.sqrt(x) < 0.1), (2, True))}, start={x: -1, y: 0})
    with pytest.raises(EvaluationError, match=r"y\[1\] is complex or undefined.* guard what is as"):
        run(model.world(steps=2))


@pytest.mark.sampled(4)
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("method", [None, "euler", "rk4", "dopri5"])
def test_an_event_whose_condition_has_no_answer_is_no_event_that_did_not_happen(method, backend):
    """x falls through 0 inside a step: by then sqrt(x) < 0.1 has come true, and is gone again."""

    def falling(dt, when):
        given = {"start": {x: 1}, "dt": dt, "events": [Event(when, {x: 1})]}
        if method is None:
            return System({x: x - dt}, **given)
        return System.from_ode({x: -sp.Integer(1)}, method=method, **given)

    def last(dt, when):
        return run(falling(dt, when).world(steps=round(1.5 / dt)), backend=backend).x.values[0, -1]

    asked, same = sp.sqrt(x) < 0.1, x < 0.01
    # In steps that do not leap over it, it is what it is in terms of x.
    assert last(0.007, asked) == last(0.007, same)
    with pytest.raises(EvaluationError, match=r"x\[\d+\] is complex or undefined"):
        last(0.15, asked)
    assert 0 < last(0.15, same) < 1


def test_an_end_that_another_event_keeps_from_is_not_asked():
    """Without its events a step may end where nothing can be asked: what counts is how it does."""
    model = System.from_ode(
        {x: -sp.Integer(1), y: 0 * y}, start={x: 1, y: 0}, dt=0.15, method="rk4",
        events=[Event(x < 0.05, {x: 1}), Event(sp.sqrt(x) > 2, {y: 1})],
    )  # fmt: skip
    found = run(model.world(steps=30))
    assert (found.y == 0).all()
    assert found.x.min() > 0.05


def test_what_may_have_come_true_before_the_first_event_of_a_step_is_told():
    """x goes through 0 on its way to a jump that brings it back: by then sqrt(x) < 0.1 was true."""

    def counted(when, moment):
        model = System.from_ode(
            {x: -sp.Integer(1), y: 0 * y}, start={x: 1, y: 0}, dt=0.3, method="rk4",
            events=[Event(time >= moment, {x: 1}), Event(when, {y: y + 1})],
        )  # fmt: skip
        return run(model.world(steps=5)).y.values[0, -1]

    for asked in (x < 0.01, sp.sqrt(x) < 0.1):
        assert counted(asked, 0.95) == 0
        with pytest.raises(EvaluationError, match="undefined, or two events"):
            counted(asked, 1.1)
