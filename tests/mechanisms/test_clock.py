"""Conditions on time: they hold at the steps that they name, whatever floats make of them."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Eq, Ge, Gt, Le, Lt, Mod, Ne, Piecewise, Rational, Symbol

from causalopt import DeclarationError, System, parameters, run, time, variables
from causalopt.backends.evaluation import evaluate
from causalopt.mechanisms.clock import end_of_step
from causalopt.mechanisms.symbolic import Expression
from tests.backends.cases import BY_NAME

(x,) = variables("x")
t0, h = parameters("t0 h")
STEPS = 30

CONDITIONS = {
    Eq: lambda a, b: a == b,
    Ne: lambda a, b: a != b,
    Lt: lambda a, b: a < b,
    Le: lambda a, b: a <= b,
    Gt: lambda a, b: a > b,
    Ge: lambda a, b: a >= b,
}
sizes = st.sampled_from(["0.1", "0.01", "0.3", "0.7", "0.001", "1", "2.5", "0.125"])


def held(system, unrolled=False, backend="auto"):
    """The steps i whose time meets the condition: x[i+1] is 1 there."""
    if unrolled:
        values = run(system.unroll(STEPS).world(), backend=backend).to_array().values.ravel()
    else:
        values = run(system.world(steps=STEPS), backend=backend)["x"].values.ravel()
    return [bool(value) for value in values[1:]]


@pytest.mark.parametrize("relation", CONDITIONS)
@given(sizes, st.integers(0, STEPS), st.sampled_from([1, 2, -3]), st.booleans(), st.booleans())
@settings(max_examples=12, deadline=None)
def test_it_holds_at_the_steps_that_it_names(relation, size, step, rate, swapped, named):
    # The moment as a person writes it: the decimal, not 3 * 0.1.
    moment = float(Fraction(size) * step)
    left, right = rate * time, rate * (t0 if named else moment)
    condition = relation(right, left) if swapped else relation(left, right)
    rule = Piecewise((1, condition), (0, True))
    system = System(
        {x: rule}, start={x: 0}, dt=float(size), parameters={t0: moment} if named else {}
    )
    sides = [(rate * i, rate * step) for i in range(STEPS)]
    expected = [CONDITIONS[relation](*(pair[::-1] if swapped else pair)) for pair in sides]
    assert held(system) == expected
    assert held(system, unrolled=True) == expected


@pytest.mark.parametrize("backend", BY_NAME)
def test_every_backend_and_a_dt_that_is_a_parameter(backend):
    rule = Piecewise((1, Eq(time, 0.3)), (0, True))
    system = System({x: rule}, start={x: 0}, dt=h, parameters={h: 0.1})
    assert held(system, backend=backend).index(True) == 3
    assert held(system.with_parameters({h: 0.05}), backend=backend).index(True) == 6


def test_a_replaced_mechanism_keeps_time_too():
    system = System({x: 0 * x}, start={x: 0}, dt=0.1)
    world = system.world(steps=10).replace(x, Piecewise((1, Eq(time, 0.7)), (0, True)))
    assert run(world)["x"].values.ravel().tolist() == [0] * 8 + [1, 0, 0]


@pytest.mark.parametrize(("moment", "near"), [(0.25, "0.2"), (0.23, "0.2"), (0.36, "0.4")])
def test_a_time_that_never_comes_is_refused(moment, near):
    with pytest.raises(
        DeclarationError, match=f"no time meets: times are multiples of 0.1. Write {near}"
    ):
        System({x: Piecewise((1, Eq(time, moment)), (0, True))}, start={x: 0}, dt=0.1)


def test_what_no_float_is_equal_to_is_refused():
    with pytest.raises(DeclarationError, match="Write a stretch of time"):
        System({x: Piecewise((1, Eq(Mod(time, 0.3), 0)), (0, True))}, start={x: 0}, dt=0.1)


def test_a_method_looks_inside_a_step():
    rule = Piecewise((1, Eq(time, Rational(1, 4))), (0, True))
    system = System.from_ode({x: rule}, start={x: 0}, dt=0.5, method="rk4")
    # The middle of the first step counts two thirds of it, though nothing is there but a moment.
    with pytest.warns(RuntimeWarning, match="at step 1 x differs by 75% from what two halves"):
        found = run(system.world(steps=3))["x"].values.ravel()
    assert found.tolist() == pytest.approx([0, 1 / 3, 1 / 3, 1 / 3])
    with pytest.raises(DeclarationError, match=r"multiples of 0\.5"):
        System.from_ode({x: rule}, start={x: 0}, dt=0.5, method="euler")


def test_the_end_of_a_step_is_where_the_next_one_begins_and_one_of_no_length_ends_at_once():
    size = Symbol("size", real=True)
    sizes, begun = np.array([0.1, 0.25, 1 / 7, 0.0]), np.array([3 * 0.1, 0.3, 2.0, 2.0])
    (found,) = evaluate([Expression(end_of_step(size)).value({})], {size: sizes, time: begun})
    assert found.tolist() == [4 * 0.1, 0.55, 15 * (1 / 7), 2.0]


def test_steps_are_counted_as_they_are():
    system = System({x: Piecewise((1, Eq(Mod(time, 3), 0)), (0, True))}, start={x: 0})
    assert held(system) == [i % 3 == 0 for i in range(STEPS)]


def test_a_system_is_shown_as_it_was_declared():
    rule = Piecewise((1, Eq(time, 0.3)), (0, True))
    assert "Eq(t, 0.3)" in str(System({x: rule}, start={x: 0}, dt=0.1))
