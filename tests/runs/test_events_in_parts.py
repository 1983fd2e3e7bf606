"""Events in steps that are taken in parts: none is passed over, and what follows is right."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import (
    Event,
    System,
    run,
    tangents,
    time,
    variables,
)
from causalopt.ground.errors import QueryError
from tests.runs.oscillator import mu, x, y

(z,) = variables("z")


def test_derivatives_go_through_events_in_parts_of_steps():
    """x' = 1, and at x = 1 it is set to 0: over any number of resets dx/dx0 is 1."""
    system = System.from_ode(
        {x: 1 + 0 * x, y: x - y}, start={x: 0.1, y: 0}, dt=0.7, method="dopri5", tolerance=1e-9,
        events=[Event(x > 1, {x: x - 1})],
    )  # fmt: skip
    W = system.world(steps=6)
    found = run(W).x.values[0]
    assert found == pytest.approx((0.1 + 0.7 * np.arange(7)) % 1.0, abs=1e-9)
    assert tangents(W.perturb(x[0]), labels=["X"]).x.values[0] == pytest.approx(np.ones(7))


@pytest.mark.sampled(5)
@pytest.mark.parametrize(
    ("moment", "dt"), [(1.0, 0.5), (1.25, 0.5), (1.25, 1.25), (0.9, 0.3), (1.1, 0.5)]
)
def test_an_event_that_makes_another_happen_is_not_passed_over(moment, dt):
    """At the end of a step too, and of a part, both were left out without a word."""
    jump, count = Event(time >= moment, {x: 5}), Event(x > 4, {z: z + 1})

    def along(*events):
        rates, start = {x: -x / 2, z: 0 * z}, {x: 1, z: 0}
        system = System.from_ode(rates, start=start, dt=dt, method="auto", events=events)
        return run(system.world(steps=8))

    with pytest.raises(QueryError, match="an event makes another one happen at the same moment"):
        along(jump, count)
    alone, t = along(jump), dt * np.arange(9)
    after = t > moment - 1e-9
    want = np.where(after, 5 * np.exp((moment - t) / 2), np.exp(-t / 2))
    assert alone.x.values[0] == pytest.approx(want, rel=1e-7)
    beside = along(jump, Event(time >= moment, {z: z + 1}))
    assert beside.z.values[0].tolist() == after.tolist()


@pytest.mark.sampled(2)
@pytest.mark.parametrize("moment", [1.25, 3.0, 4.999, 7.3])
def test_what_follows_a_jump_is_within_the_tolerance_too(moment):
    """At rest a part is as long as a step; what a jump sets off in it was 57,278 in place of 1."""
    system = System.from_ode(
        {x: -3 * (x - 1)}, start={x: 1}, dt=10, method="dopri5", tolerance=1e-9,
        events=[Event(time >= moment, {x: 5})],
    )  # fmt: skip
    found = run(system.world(steps=1), keep="last").x.item()
    assert found == pytest.approx(1 + 4 * np.exp(-3 * (10 - moment)), rel=1e-8)


@pytest.mark.long
@given(st.lists(st.integers(1, 400), min_size=1, max_size=6), st.sampled_from([0.1, 0.3, 1 / 3]))
@settings(max_examples=20, deadline=None)
def test_no_time_falls_between_two_parts(places, dt):
    """Events at times that steps and parts end at, or close to it: each happens, and once."""
    system = System.from_ode(
        {x: -3 * x, z: 0 * z}, start={x: 1, z: 0}, parameters={mu: 1.0}, dt=dt, method="dopri5",
        tolerance=1e-9, events=[Event(time >= mu, {z: z + 1})],
    )  # fmt: skip
    moments = [dt * place / 40 * (1 + nudge) for place in places for nudge in (0, 1e-7, -1e-16)]
    found = run(system.world(steps=11), over={mu: moments}, keep="last", backend="numpy")
    assert (found.z.values == 1).all()
