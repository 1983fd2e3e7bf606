"""Events of SBML: when they happen, what they set, what waits, and what is refused."""

import math

import numpy as np
import pytest
from exchange.sbml_texts import (
    assignment,
    compartment,
    event,
    model,
    parameter,
    rate,
    reaction,
    reference,
    species,
)

from causalopt import EvaluationError, FileError, run
from causalopt.exchange import read_sbml

# A clock, and a value that nothing changes but events.
CLOCK = (parameter("x", 0, constant=False), rate("x", "1"))
Y = parameter("y", 1, constant=False)


pytestmark = pytest.mark.usefixtures("in_this_process")


@pytest.fixture
def read(tmp_path):
    def of(*parts, **how):
        path = tmp_path / "m.xml"
        path.write_text(model(*parts))
        return read_sbml(path, **{"dt": 0.1, "method": "rk4", **how})

    return of


@pytest.fixture
def course(read):
    """The values of a variable over two units of time, by a model's parts."""

    def of(name, *parts, steps=20):
        data = run(read(*parts).world(steps=steps)).sel(world="W")
        return data[name].values.ravel()

    return of


def switched(at, before, after, steps=20):
    """A value that is another one after a moment."""
    return np.where(np.arange(steps + 1) * 0.1 > at, after, before)


@pytest.mark.parametrize(
    ("trigger", "moment"),
    [
        ("time > 0.45", 0.45),
        ("time >= 1/4 + 0.3", 0.55),
        ("x > 0.45", 0.45),
        ("0.45 < x", 0.45),
        ("x > 0.45 && x < 5", 0.45),
        ("x > 0.45 && time > 0.77", 0.77),
        ("x > 0.95 || time > 0.45", 0.45),
        ("!(x < 0.45)", 0.45),
        ("!(x < 0.45 || time < 0.63)", 0.63),
        ("gt(2, x, 0.45)", 0.45),
    ],
)
def test_a_trigger_comes_true_at_its_moment(course, trigger, moment):
    found = course("y", *CLOCK, Y, event(trigger, {"y": "7"}))
    np.testing.assert_array_equal(found, switched(moment, 1, 7))


@pytest.mark.parametrize(("trigger", "moment"), [("time > 0.45", 0.45), ("2*x > 1.5", 0.75)])
def test_the_moment_is_found_to_the_last_digit(course, trigger, moment):
    found = course("x", *CLOCK, event(trigger, {"x": "-10"}))
    assert found[-1] == pytest.approx(-10 + 2 - moment, rel=1e-12)


def test_what_is_true_from_the_start_comes_true_no_more(course):
    for told in (True, False):
        found = course("y", *CLOCK, Y, event("x > 1.55", {"y": "7"}, true_before=told))
        np.testing.assert_array_equal(found, switched(1.55, 1, 7))
    found = course("y", *CLOCK, Y, event("x < 1.55", {"y": "7"}))
    np.testing.assert_array_equal(found, np.ones(21))


def test_a_state_that_is_reset_comes_again(course):
    # x rises by 1 and is set to 0 at 0.53: a saw.
    found = course("x", *CLOCK, event("x > 0.53", {"x": "0"}))
    np.testing.assert_allclose(found, np.arange(21) * 0.1 % 0.53, atol=1e-12)


def test_an_amount_is_set_where_it_decays(course):
    found = course(
        "S", compartment("c", 2), species("S", 3), reaction("r", reference("S"), "", "c*S"),
        event("time > 1", {"S": "S + 5"}),
    )  # fmt: skip
    assert found[-1] == pytest.approx((3 * math.exp(-1) + 5) * math.exp(-1), rel=1e-5)


def test_what_is_set_follows_from_what_was_there(course):
    given = (*CLOCK, Y, parameter("z", 4, constant=False), event("x > 0.45", {"y": "z", "z": "y"}))
    assert course("y", *given)[-1] == 4
    assert course("z", *given)[-1] == 1


# -- delays ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("trigger", ["time > 0.45", "x > 0.45"])
def test_what_is_delayed_comes_later(course, trigger):
    found = course("y", *CLOCK, Y, event(trigger, {"y": "7"}, delay="0.6"))
    np.testing.assert_array_equal(found, switched(1.05, 1, 7))


def test_a_delay_may_follow_from_the_state(course):
    found = course("y", *CLOCK, Y, event("x > 0.45", {"y": "7"}, delay="2*x"))
    np.testing.assert_array_equal(found, switched(0.45 + 0.9, 1, 7))


@pytest.mark.parametrize(("then", "expected"), [(True, 0.45), (False, 1.05)])
def test_values_are_those_of_the_trigger_or_of_the_time_of_execution(course, then, expected):
    found = course("y", *CLOCK, Y, event("x > 0.45", {"y": "x"}, delay="0.6", values_then=then))
    assert found[-1] == pytest.approx(expected, rel=1e-12)


# x is above 0.45 from 0.45 to 1.15, and from 2.05 on.
WAVE = (
    parameter("x", 0, constant=False),
    rate("x", "piecewise(1, time < 0.8, -1, time < 1.6, 1)"),
)


@pytest.mark.parametrize(("persistent", "moment"), [(True, 1.25), (False, 2.85)])
def test_what_does_not_persist_is_dropped_and_may_come_again(course, persistent, moment):
    waiting = event("x > 0.45", {"y": "7"}, delay="0.8", persistent=persistent)
    found = course("y", *WAVE, Y, waiting, steps=30)
    np.testing.assert_array_equal(found, switched(moment, 1, 7, 30))


@pytest.mark.long
def test_what_a_jump_would_drop_ends_the_run(read):
    waiting = event("x > 0.15", {"y": "7"}, delay="0.6", persistent=False)
    system = read(*CLOCK, Y, event("time > 0.25", {"x": "0"}), waiting, dt=0.2)
    with pytest.raises(EvaluationError):
        run(system.world(steps=2))


def test_what_is_carried_out_may_come_again(course):
    found = course(
        "y", *CLOCK, Y, event("x > 0.45", {"x": "0"}), event("x > 0.25", {"y": "2*y"}, delay="0.2")
    )
    # Triggers at 0.25, 0.7, 1.15, 1.6; carried out 0.2 later.
    t = np.arange(21) * 0.1
    expected = 2.0 ** sum((t > at).astype(int) for at in (0.45, 0.9, 1.35, 1.8))
    # x is set in the same moment as y: both are seen.
    np.testing.assert_allclose(found[[3, 6, 11, 15, 20]], expected[[3, 6, 11, 15, 20]])


@pytest.mark.parametrize("delay", ["0.05", pytest.param("0.7", marks=pytest.mark.long)])
def test_what_cannot_wait_ends_the_run(read, delay):
    # Made to happen again while it waits, or due within a step of 0.2.
    again = event("x > 0.34", {"y": "7"}, delay=delay)
    system = read(*CLOCK, Y, event("x > 0.45", {"x": "0.1"}), again, dt=0.2)
    with pytest.raises(EvaluationError, match="is due"):
        run(system.world(steps=4))


# -- order -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("first", "second", "expected"), [(1, 2, 10), (2, 1, 20), ("p", 1, 20)])
def test_the_lower_priority_comes_last(course, first, second, expected):
    found = course(
        "y", *CLOCK, Y, parameter("p", 3), event("x > 0.45", {"y": "10"}, priority=str(first)),
        event("x > 0.45", {"y": "20"}, priority=str(second)),
    )  # fmt: skip
    assert found[-1] == expected


SEEN = {"values_then": False}


def test_events_of_other_moments_may_see_each_other(course):
    found = course(
        "y", *CLOCK, Y, event("time > 0.45", {"y": "y + 1"}, **SEEN),
        event("time > 0.85", {"y": "y*10"}, **SEEN),
    )  # fmt: skip
    assert found[-1] == 20


REFUSED = {
    "an equality": ([event("x == 1", {"y": "2"})], "write inequalities"),
    "a number": ([event("x", {"y": "2"})], "write inequalities"),
    "either or": ([event("xor(x > 1, y > 1)", {"y": "2"})], "write inequalities"),
    "at the start": ([event("x >= 0", {"y": "2"}, true_before=False, id="E")],
                     "the event 'E' happens at the start itself"),
    "always": ([event("true", {"y": "2"}, true_before=False)], "at the start itself"),
    "a priority": ([event("x > 1", {"y": "2"}, priority="x")], "the priority of the event"),
    "twice": ([event("x > 1", {"y": "2"}).replace("</listOfEventA", event("x > 1", {"y": "3"})
               .partition("<listOfEventAssignments>")[2].partition("</listOfEventA")[0]
               + "</listOfEventA")], "sets 'y' twice|no sound SBML"),
    "a value that another sets": (
        [event("x > 1", {"y": "2*z"}, id="E", **SEEN), event("x > 1", {"z": "3"}, id="F")],
        "the event 'E' sees z, which 'F' sets",
    ),
    "a value through a rule": (
        [event("x > 1", {"y": "2*w"}, id="E", **SEEN), event("x > 1", {"z": "3"}, id="F")],
        "the event 'E' sees z, which 'F' sets",
    ),
    "a trigger that another sets": (
        [event("z > 1", {"y": "2"}, id="E", persistent=False), event("x > 1", {"z": "3"}, id="F")],
        "the event 'E' sees z, which 'F' sets",
    ),
    "no trigger": (['<event useValuesFromTriggerTime="true"></event>\n'],
                   "formula is missing|no sound SBML"),
    "nothing there": ([event("x > 1", {"q": "2"})], "there is no 'q'"),
    "a constant": ([event("x > 1", {"k": "2"})], "declared to be constant"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_an_event_cannot_be_is_told_with_its_place(case, read):
    events, told = REFUSED[case]
    beside = (parameter("z", 0, constant=False), parameter("k", 1),
              parameter("w", constant=False), assignment("w", "z + 1"))  # fmt: skip
    with pytest.raises(FileError, match=rf"m\.xml, line \d+, column \d+: .*({told})"):
        read(*CLOCK, Y, *beside, *events)


def test_events_and_delays_of_values_are_one_too_many(read):
    delayed = (Y, rate("y", "delay(x, 0.5)"))
    with pytest.raises(FileError, match="used with a delay"):
        read(*CLOCK, *delayed, event("x > 1", {"y": "2"}))
