"""Events of SBML: when they happen, what they set, what waits, and what is refused."""

import math

import numpy as np
import pytest
from exchange.sbml_texts import (
    CLOCK,
    assignment,
    compartment,
    event,
    model,
    parameter,
    rate,
    reaction,
    reference,
    species,
    start,
)

from causalopt import EvaluationError, FileError, run, tangents

# A value that nothing changes but events.
Y = parameter("y", 1, constant=False)


pytestmark = pytest.mark.usefixtures("in_this_process")


def switched(at, before, after, steps=20):
    """A value that is another one after a moment."""
    return np.where(np.arange(steps + 1) * 0.1 > at, after, before)


@pytest.mark.sampled(3)
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


GROWING = (compartment("c", 1, constant=False), rate("c", "0.5"), species("S", 1))


@pytest.mark.parametrize("then", [True, False])
@pytest.mark.parametrize(
    ("when", "moment", "told"),
    [
        ("time > 0.45", 0.75, {}),
        ("S < 0.8", 0.8, {}),
        ("time >= 0", 0.3, {"true_before": False}),
    ],
)
def test_a_concentration_that_waits_is_set_whatever_its_compartment_grows_to(
    course, when, moment, told, then
):
    """By libroadrunner 2.10.0 too."""
    late = event(when, {"S": "3"}, delay="0.3", values_then=then, **told)
    t = np.arange(21) * 0.1
    size, at = 1 + 0.5 * t, 1 + 0.5 * moment
    expected = np.where(t > moment + 1e-9, 3 * at / size, 1 / size)
    far = np.abs(t - moment) > 1e-6
    np.testing.assert_allclose(course("S", *GROWING, late)[far], expected[far], rtol=1e-9)


def test_a_concentration_is_set_before_its_compartment_or_not_at_one_moment(course, read):
    """The amount stays as the size is set; what follows from a size that is set before is told."""
    cell = (compartment("c", 1, constant=False), species("S", 1))
    sized = event("x > 0.45", {"c": "4"}, id="grows")
    filled = event("x > 0.45", {"S": "3"}, id="fills")
    assert course("S", *CLOCK, *cell, filled, sized)[-1] == 0.75
    with pytest.raises(FileError, match=r"fills.* sets S, a concentration, and .*grows.* sets c"):
        read(*CLOCK, *cell, sized, filled)
    last = event("x > 0.45", {"S": "3"}, id="fills", priority="2")
    assert course("S", *CLOCK, *cell, sized, last)[-1] == 0.75


# A concentration that has a rate of its own, in a compartment that grows.
RATED = (*GROWING[:2], species("X", 1), rate("X", "2"))


@pytest.mark.parametrize("then", [True, False])
@pytest.mark.parametrize(
    ("when", "moment", "delay", "told"),
    [
        ("time > 0.45", 0.45, None, {}),
        ("c > 1.125", 0.25, None, {}),
        ("time > 0.45", 0.45, 0.3, {}),
        ("time >= 0", 0, None, {"true_before": False}),
        ("time >= 0", 0, 0.3, {"true_before": False}),
    ],
)
def test_a_compartment_that_is_set_keeps_the_amount_of_what_has_a_rate(
    course, when, moment, delay, told, then
):
    """By libroadrunner 2.10.0 too."""
    told = told if delay is None else {**told, "delay": str(delay)}
    found = course("X", *RATED, event(when, {"c": "c + 2"}, values_then=then, **told))
    done = moment + (delay or 0)
    size, new = 1 + 0.5 * done, 3 + 0.5 * (moment if then else done)
    t = np.arange(21) * 0.1
    after = (1 + 2 * done) * size / new + 2 * (t - done)
    np.testing.assert_allclose(found, np.where(t > done - 1e-9, after, 1 + 2 * t), rtol=1e-12)


def test_a_concentration_with_a_rate_is_set_in_the_new_compartment(course, read):
    cell = (compartment("c", 2, constant=False), species("X", 1), rate("X", "0"))
    sized, set_too = {"c": "4"}, {"X": "3"}
    assert course("X", *cell, event("time > 0.45", {**sized, **set_too}))[-1] == 3
    one, other = event("time > 0.45", sized, id="grows"), event("time > 0.45", set_too, id="fills")
    assert course("X", *cell, one, other)[-1] == 3
    with pytest.raises(FileError, match=r"'grows' sets the size of what X is in, and 'fills' sets"):
        read(*cell, other, one)
    by_rule = (compartment("c", constant=False), assignment("c", "2*y"), *cell[1:], Y)
    with pytest.raises(FileError, match=r"'grows' sets y, which the size of 'c' follows.*'X'"):
        read(*by_rule, event("time > 0.45", {"y": "3"}, id="grows"))
    assert course("X", *by_rule, event("time > 0.45", {"y": "3", "X": "7"}))[-1] == 7


# -- order -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("first", "second", "expected"), [(1, 2, 10), (2, 1, 20), ("p", 1, 20)])
def test_the_lower_priority_comes_last(course, first, second, expected):
    found = course(
        "y", *CLOCK, Y, parameter("p", 3), event("x > 0.45", {"y": "10"}, priority=str(first)),
        event("x > 0.45", {"y": "20"}, priority=str(second)),
    )  # fmt: skip
    assert found[-1] == expected


SEEN = {"values_then": False}
# What y = 1 comes to by y*10 and then y + 5, and in the other order: by values of the moment at
# which each is carried out, and by those from before, where one of them sets it in vain.
IN_TURN = {(False, False): (15, 60), (True, True): (6, 10), (True, False): (15, 10)}


@pytest.mark.parametrize("then", IN_TURN)
@pytest.mark.parametrize("delays", [(None, None), ("0", None), (None, "0"), ("0", "0")])
def test_events_without_priorities_happen_in_the_order_of_the_file(course, then, delays):
    """libroadrunner draws it, and so one time in two it comes to the same."""
    first = event("time >= 0", {"y": "y*10"}, delay=delays[0], values_then=then[0],
                  true_before=False)  # fmt: skip
    second = event("time >= 0", {"y": "y + 5"}, delay=delays[1], values_then=then[1],
                   true_before=False)  # fmt: skip
    found = [course("y", *CLOCK, Y, *events)[-1] for events in ((first, second), (second, first))]
    assert tuple(found) == IN_TURN[then]


@pytest.mark.parametrize("delays", [(None, None), ("0", None), (None, "0")])
def test_and_so_they_do_later_on(course, delays):
    first = event("x > 0.55", {"y": "y*10"}, delay=delays[0])
    second = event("x > 0.55", {"y": "y + 5"}, delay=delays[1])
    found = [course("y", *CLOCK, Y, *events)[-1] for events in ((first, second), (second, first))]
    assert tuple(found) == (6, 10)


def test_events_of_other_moments_may_see_each_other(course):
    found = course(
        "y", *CLOCK, Y, event("time > 0.45", {"y": "y + 1"}, **SEEN),
        event("time > 0.85", {"y": "y*10"}, **SEEN),
    )  # fmt: skip
    assert found[-1] == 20


# -- at the start ----------------------------------------------------------------------------------

FIRST = {"true_before": False}
Z = parameter("z", 4, constant=False)
# What events set at the start, at 0.4 and at 0.5. libroadrunner 2.10.0 gives the same values, by
# simulate(0, 2, 21) of each file, and so do the rules of SBML level 3 version 2, 4.11.6.
AT_START = {
    "a state": ([event("x >= 0", {"y": "7"}, **FIRST)], {"y": (7, 7, 7)}),
    "always": ([event("true", {"y": "7"}, **FIRST)], {"y": (7, 7, 7)}),
    "what was so before": ([event("x >= 0", {"y": "7"})], {"y": (1, 1, 1)}),
    "what follows from itself": ([event("y > 0.5", {"y": "y + 1"}, **FIRST)], {"y": (2, 2, 2)}),
    "a clock and a parameter": (
        [parameter("k", 3), event("y > 0.5", {"y": "k*y + x", "x": "k"}, **FIRST)],
        {"y": (3, 3, 3), "x": (3, 3.4, 3.5)}),
    "two that are exchanged": (
        [event("x >= 0", {"y": "z", "z": "y"}, **FIRST)], {"y": (4, 4, 4), "z": (1, 1, 1)}),
    "values of the moment of execution": (
        [event("true", {"y": "y*10"}, priority="1", values_then=False, **FIRST),
         event("time >= 0", {"y": "y + 5"}, priority="2", values_then=False, **FIRST)],
        {"y": (60, 60, 60)}),
    "values of the trigger's moment": (
        [event("x >= 0", {"y": "y*10"}, priority="1", **FIRST),
         event("time >= 0", {"y": "y + 5"}, priority="2", **FIRST)],
        {"y": (10, 10, 10)}),
    "one makes another happen": (
        [event("x >= 0", {"z": "9"}, **FIRST), event("z > 5", {"y": "3"})],
        {"y": (3, 3, 3), "z": (9, 9, 9)}),
    "one takes away what another waited for": (
        [event("time >= 0", {"z": "9"}, priority="5", **FIRST),
         event("z < 5", {"y": "3"}, persistent=False, priority="1", **FIRST)],
        {"y": (1, 1, 1), "z": (9, 9, 9)}),
    "a delay": ([event("x >= 0", {"y": "x + 5"}, delay="0.45", **FIRST)], {"y": (1, 1, 5)}),
    "a delay below a step": (
        [event("x >= 0", {"y": "x + 5"}, delay="0.05", **FIRST)], {"y": (1, 5, 5)}),
    "a delay of what holds always": (
        [event("true", {"y": "x + 5"}, delay="y*0.45", **FIRST)], {"y": (1, 1, 5)}),
    "a delay, and values of its end": (
        [event("x >= 0", {"y": "x + 5"}, delay="0.45", values_then=False, **FIRST)],
        {"y": (1, 1, 5.45)}),
    "a delay by what then changes": (
        [event("x >= 0", {"y": "z"}, delay="0.1125*z", priority="2", **FIRST),
         event("x >= 0", {"z": "9"}, **FIRST)], {"y": (1, 1, 4), "z": (9, 9, 9)}),
    "a delay that is broken off": (
        [event("x <= 0.25", {"y": "7"}, delay="0.45", persistent=False, **FIRST)],
        {"y": (1, 1, 1)}),
    "what else starts from it stays": (
        [parameter("w", constant=False), start("w", "y^2 + 1"),
         event("x >= 0", {"y": "3"}, **FIRST)],
        {"y": (3, 3, 3), "w": (2, 2, 2)}),
    "what follows by a rule": (
        [parameter("w", constant=False), assignment("w", "y + 1"),
         event("w > 1.5", {"y": "w*2"}, **FIRST)], {"y": (4, 4, 4), "w": (5, 5, 5)}),
    "what started from a rule": (
        [parameter("w", constant=False), assignment("w", "y + 1"),
         parameter("u", constant=False), start("u", "w*2"), event("x >= 0", {"y": "5"}, **FIRST)],
        {"w": (6, 6, 6), "u": (4, 4, 4)}),
}  # fmt: skip


@pytest.mark.sampled(6)
@pytest.mark.parametrize("case", AT_START)
def test_what_happens_at_the_start_changes_what_all_start_from(read, case):
    parts, expected = AT_START[case]
    data = run(read(*CLOCK, Y, Z, *parts).world(steps=20)).sel(world="W")
    for name, values in expected.items():
        found = data[name].values.ravel()
        # The first value that a delay leaves is that before it.
        assert found[[0, 4, 5]] == pytest.approx(values, rel=1e-12), name


def test_what_a_delay_of_the_start_sets_comes_at_its_time(course):
    found = course("y", *CLOCK, Y, event("x >= 0", {"y": "7"}, delay="0.45", **FIRST))
    np.testing.assert_array_equal(found, switched(0.45, 1, 7))


def test_what_happened_at_the_start_may_happen_again(course):
    # x falls from 1 to 0 and rises again: it is above 0.55 anew from 1.55 on.
    wave = (parameter("x", 1, constant=False), rate("x", "piecewise(-1, time < 1, 1)"))
    for told, before in ((False, 2), (True, 1)):
        event_of = event("x > 0.55", {"y": "y + 1"}, true_before=told)
        found = course("y", *wave, Y, event_of)
        np.testing.assert_array_equal(found, switched(1.55, before, before + 1))


def test_an_amount_that_is_set_at_the_start_decays_from_there(course):
    found = course(
        "S", compartment("c", 2), species("S", 3), reaction("r", reference("S"), "", "c*S"),
        event("S > 1", {"S": "S + 5"}, **FIRST),
    )  # fmt: skip
    np.testing.assert_allclose(found, 8 * np.exp(-np.arange(21) * 0.1), rtol=1e-5)


def test_a_start_that_no_event_changes_is_a_cause_of_what_is_set(read):
    system = read(*CLOCK, Y, event("true", {"y": "2*x + y"}, **FIRST))
    x, y = (v for v in system.variables if str(v) in "xy")
    W = system.world(steps=2)
    assert tangents(W.perturb(x[0]))["y"].values.ravel().tolist() == [2, 2, 2]
    assert tangents(W.perturb(y[0]))["x"].values.ravel().tolist() == [0, 0, 0]


def test_a_start_that_no_float_holds_is_told(read):
    first = event("time >= 0", {"z": "1000"}, priority="1", **FIRST)
    then = event("time >= 0", {"y": "exp(z)"}, **SEEN, **FIRST)
    told = r"'y' starts from exp\(z\).* beyond the largest float"
    with pytest.raises(FileError, match=told) as caught:
        read(*CLOCK, Y, Z, first, then)
    # It is the event that sets it.
    lines = model(*CLOCK, Y, Z, first, then).splitlines()
    place = max(number for number, line in enumerate(lines, 1) if line.startswith("<event "))
    assert f"m.xml, line {place}, column 1: " in str(caught.value)


REFUSED = {
    "two equalities": ([event("x == 1 && y == 2 + x", {"y": "2"})], "write inequalities"),
    "a number": ([event("x", {"y": "2"})], "write inequalities"),
    "either or": ([event("xor(x > 1, y > 1)", {"y": "2"})], "write inequalities"),
    "a delay below 0": ([event("x >= 0", {"y": "2"}, delay="y - 2", true_before=False, id="E")],
                        r"the event 'E' waits for -1\.0+ at the start: write 0 or more"),
    "again while it waits": (
        [event("z < 1", {"y": "2"}, delay="1", true_before=False, id="E"),
         event("x >= 0", {"z": "3"}, true_before=False),
         event("z > 2", {"z": "0"})],
        "the event 'E' happens twice at the start"),
    "without end": (
        [event("z < 1", {"z": "3"}, true_before=False), event("z > 2", {"z": "0"})],
        r"more than 100 events happen at the start \(MOST_AT_START\)"),
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
