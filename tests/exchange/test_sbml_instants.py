"""Events of SBML that hold for a moment alone, or while something is as it was set."""

import numpy as np
import pytest
from exchange.sbml_texts import CLOCK, event, parameter, rate

from causalopt import EvaluationError, FileError, run, tangents

# Values that nothing changes but events.
Y = parameter("y", 1, constant=False)
FLAG = parameter("flag", 0, constant=False)

pytestmark = pytest.mark.usefixtures("in_this_process")


def counted(moments):
    """How many moments have passed at each of fifty steps, those at a step among them."""
    return np.array([sum(m <= i * 0.1 + 1e-9 for m in moments) for i in range(51)])


COUNT = {"y": "y + 1"}
CASES = {
    "one": (["time == 2.05"], [2.05]),
    "by a parameter": (["time == k"], [1.25]),
    "turned": (["0 == k - time"], [1.25]),
    "two events": (["time == 2.05", "time == 3"], [2.05, 3]),
    "either of two": (["time == 2.05 || time == 3"], [2.05, 3]),
    "one of many": ([" || ".join(f"time == {m}" for m in (0, 0.55, 2, 1.15, 4.5))],
                    [0.55, 1.15, 2, 4.5]),
    "the past": (["time == -1"], []),
    "the start": (["time == 0"], []),
    "periods": (["time - 1.5*floor(time/1.5) == 0.25"], [0.25, 1.75, 3.25, 4.75]),
    "whole periods": (["rem(time, 1.25) == 0"], [1.25, 2.5, 3.75, 5]),
    "periods as a choice": (
        ["piecewise(time - 2*ceil(time/2), time < 0, time - 2*floor(time/2)) == 1"], [1, 3, 5]),
    "periods from then on": (["time >= 2 && time - floor(time) == 0.5"], [2.5, 3.5, 4.5]),
    "periods within": (["time > 1 && rem(time, 1) == 0.5 && time < 4"], [1.5, 2.5, 3.5]),
    "two periods": (["rem(time, 2) == 0 || rem(time, 3) == 1"], [1, 2, 4]),
    "a period and a time": (["rem(time, 2) == 0.5 || time == k || time == 3.35"],
                            [0.5, 1.25, 2.5, 3.35, 4.5]),
    "what holds then": (["time == 2.05 && x > 1", "time == 3.05 && x < 1"], [2.05]),
    "what holds later": (["time == 2.05 && x > 3"], []),
    "a constant choice": (["k == 1.25 && x > 0.75", "k == 2 && x > 0.5"], [0.75]),
    "another choice": (["k == 2 || x > 0.75", "k != 2 && x > 1.45"], [0.75, 1.45]),
    "equal from below": (["x == 1.55"], [1.55]),
    "periods as quotients": (["floor(time/1.5) == time/1.5", "time/2 - floor(time/2) == 0.35"],
                             [1.5, 3, 4.5, 0.7, 2.7, 4.7]),
    "periods that are parameters": (["rem(time, k) == 0", "time - k*floor(time/k) == k/5"],
                                    [1.25, 2.5, 3.75, 5, 0.25, 1.5, 2.75, 4]),
    "shifted periods": (["rem(time - 1, 1.5) == 0", "rem(time - 0.1, 0.3) == 0 && time < 0.8"],
                        [1, 2.5, 4, 0.1, 0.4, 0.7]),
    "rests from a time on": (["rem(time - 2.25, 1) == 0.5"], [2.75, 3.75, 4.75]),
    "rests until then": (["rem(time - 2.25, 1) == -0.5"], [0.75, 1.75]),
    "rests that never are": (
        ["rem(time, 2) == 2", "rem(time, 2) == -0.5", "rem(time, k) == 2*k"], []),
    "at one moment with what does not hold": (
        ["time == 2.05 && x > 3", "time == 2.05", "rem(time, 1) == 0.05 && x > 8"], [2.05]),
    "a stretch": (["floor(time) == 3", "ceil(time) == 2", "floor(2*time) == 3"], [3, 1, 1.5]),
    "no stretch": (["floor(time) == 2.5"], []),
    "a time or else": (["time == 0.55 || x >= 2.15", "time == 3 || x >= 1.25"], [0.55, 2.15, 1.25]),
    "periods or else": (["rem(time, 1) == 0.5 || (x > 1.25 && x < 3.25)"], [0.5, 1.25, 3.5, 4.5]),
}  # fmt: skip


@pytest.mark.sampled(3)
@pytest.mark.parametrize("case", CASES)
def test_events_happen_at_their_moments(case, course):
    triggers, moments = CASES[case]
    parts = (*CLOCK, Y, parameter("k", 1.25), *(event(t, COUNT) for t in triggers))
    assert course("y", *parts, steps=50) == pytest.approx(1 + counted(moments))


def test_what_is_not_the_case_before_happens_at_the_start(course):
    now = event("time == 0 || time == 2", COUNT, true_before=False)
    assert course("y", *CLOCK, Y, now, steps=50) == pytest.approx(2 + counted([2]))


def test_what_falls_comes_to_be_equal_too(course):
    falling = (parameter("z", 5, constant=False), rate("z", "-1"))
    assert course("y", *falling, Y, event("z == 3.45", COUNT), steps=50) == pytest.approx(
        1 + counted([1.55])
    )


def test_the_next_moment_may_follow_from_the_last(course):
    # A dose at each whole time up to 3: the counter says when the next one is.
    counter = parameter("next", 1, constant=False)
    sets = {"y": "y + 10", "next": "next + 1"}
    doses = course("y", *CLOCK, Y, counter, event("time == next && next < 3.5", sets), steps=50)
    assert doses == pytest.approx(1 + 10 * counted([1, 2, 3]))


def test_a_flag_lets_an_event_happen_once(course):
    # x goes up and is set back; the flag, set with it, keeps the second passage from counting.
    sets = {"x": "0", "flag": "flag + 1", "y": "y + 1"}
    parts = (*CLOCK, FLAG, Y, event("x >= 1.05 && flag == 0", sets))
    assert course("y", *parts, steps=50) == pytest.approx(1 + counted([1.05]))


def test_tangents_take_the_moment_of_an_event_that_is_chosen(read):
    # y becomes 2 at x = 1, which is at time 1 - x[0], and then it grows with the time.
    grows = (parameter("y", 1, constant=False), rate("y", "flag"))
    jump = event("x > 1 && k == 1.25", {"y": "2*x", "flag": "1"})
    system = read(*CLOCK, FLAG, *grows, parameter("k", 1.25), jump)
    named = {str(v): v for v in system.variables}
    nudged = system.world(steps=20).perturb(named["x"][0])
    assert tangents(nudged)["y"].sel(world="X").values.ravel()[-1] == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(
    ("trigger", "more", "told"),
    [
        ("x == 1 && y == 1.5 + x", {}, "write inequalities"),
        ("time == 1 && time == 2", {}, "write inequalities"),
        ("time == 1 || x != 2", {}, "write inequalities"),
        ("time^2 == 4 || x > 2", {}, "write inequalities"),
        ("rem(time, 2) == rem(time, 3)", {}, "write inequalities"),
        ("time^2 == 4", {}, "write inequalities"),
        ("time == 1", {"delay": "1"}, "for a moment alone, and waits"),
    ],
)
def test_what_is_not_read_is_told(trigger, more, told, read):
    with pytest.raises(FileError, match=told):
        read(*CLOCK, Y, event(trigger, COUNT, **more))


def test_a_choice_that_another_event_makes_is_told_by_the_run(read):
    # What another's jump makes true in its own moment is a second event of a step.
    makes = event("x > 1", {"flag": "1"})
    system = read(*CLOCK, FLAG, Y, makes, event("flag == 1", COUNT))
    with pytest.raises(EvaluationError):
        run(system.world(steps=20))
