"""What a run says of events that it cannot carry out, and what it advises."""

import re

import pytest

from causalopt import EvaluationError, Event, System, run, variables

x, y = variables("x y")


def told(system, steps):
    with pytest.raises(EvaluationError) as raised:
        run(system.world(steps=steps))
    return str(raised.value)


def of_steps(dt, *events):
    return System.from_ode(
        {x: 1 + 0 * x, y: 0 * y}, start={x: 0, y: 0}, dt=dt, method="rk4", events=events
    )


@pytest.mark.sampled(4)
@pytest.mark.parametrize("dt", [0.3, 0.1, 0.07, 0.05, 0.025, 0.0125, 0.01])
def test_where_one_event_makes_another_true_no_shorter_steps_are_advised(dt):
    """Where rounding puts the first at the very end of a step, they are told in the next one."""
    message = told(of_steps(dt, Event(x >= 0.5, {y: 1}), Event(y >= 0.5, {x: 0})), round(1.2 / dt))
    assert "two events fell into one step" in message
    assert "write them as one" in message
    assert "passes here" not in message


@pytest.mark.parametrize("dt", [0.5, 0.3, 0.1])
def test_shorter_steps_that_are_advised_pass(dt):
    events = Event(x > 0.55, {y: 1}), Event(x > 0.57, {y: 2})
    shorter = re.search(r"passes here with dt=([\d.e-]+)\.", told(of_steps(dt, *events), 12))
    size = float(shorter[1])
    assert run(of_steps(size, *events).world(steps=round(2 / size))).y.item(-1) == 2
