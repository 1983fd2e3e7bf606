"""Events: values that jump when a condition comes true, and the derivatives through the jump."""

import math
import pickle

import numpy as np
import pytest
import scipy.integrate
import sympy as sp

from causalopt import (
    DeclarationError,
    EvaluationError,
    Event,
    QueryError,
    System,
    every_A,
    every_n,
    finite,
    noise,
    normal,
    op,
    parameters,
    run,
    table,
    tangents,
    time,
    variables,
)

h, v, x, n, u = variables("h v x n u")
g, r = parameters("g r")
BACKENDS = ("numpy", "numba")
G, R = 9.81, 0.8


def ball(height=1.0, dt=0.05):
    return System.from_ode(
        {h: v, v: -g}, start={h: height, v: 0}, parameters={g: G, r: R},
        events=[Event(h < 0, {v: -r * v})], dt=dt, method="rk4",
    )  # fmt: skip


def flight(t, height=1.0):
    """A ball that is dropped and bounces, in closed form: its height, and how often it bounced."""
    fall, speed = math.sqrt(2 * height / G), math.sqrt(2 * height * G)
    if t < fall:
        return height - G * t * t / 2, 0
    t, speed, bounces = t - fall, R * speed, 1
    while t > 2 * speed / G:
        t, speed, bounces = t - 2 * speed / G, R * speed, bounces + 1
    return speed * t - G * t * t / 2, bounces


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_ball_bounces_as_in_closed_form(backend):
    data = run(ball().world(steps=63), backend=backend)
    expected, bounces = zip(*map(flight, data.time.values.tolist()), strict=True)
    assert bounces[-1] >= 5
    np.testing.assert_allclose(data.h.values[0], expected, atol=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
def test_tangents_go_through_five_bounces(backend):
    """The moment of each bounce moves with the height: the saltation matrix, by differences."""
    W = ball().world(steps=63)
    found = tangents(W.perturb(h[0]), labels=["X"], backend=backend)
    e = 1e-6
    slopes = [
        (flight(t, 1 + e)[0] - flight(t, 1 - e)[0]) / (2 * e) for t in found.time.values.tolist()
    ]
    np.testing.assert_allclose(found.h.values[0], slopes, atol=2e-8)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_neuron_fires_at_its_own_times(backend):
    """x' = 1.5 - x from 0, set to 0 at 1: it fires every log 3."""
    system = System.from_ode(
        {x: 1.5 - x, n: 0 * n}, start={x: 0, n: 0}, events=[Event(x >= 1, {x: 0, n: n + 1})],
        dt=0.01, method="rk4",
    )  # fmt: skip
    data = run(system.world(steps=1000), backend=backend)
    passed = np.arange(1001) * 0.01
    np.testing.assert_array_equal(data.n.values[0], np.floor(passed / math.log(3)))
    since = passed % math.log(3)
    np.testing.assert_allclose(data.x.values[0], 1.5 * (1 - np.exp(-since)), atol=1e-8)
    # Whatever it starts from, it has forgotten after one spike but for the time of that spike.
    moved = tangents(system.world(steps=400).perturb(x[0]), labels=["X"], backend=backend)
    assert moved.x.values[0, 400] == pytest.approx(math.exp(-(4 % math.log(3))), abs=1e-7)


def impacts(dt):
    """What is pushed against a wall, and bounces, at t = 3."""
    system = System.from_ode(
        {x: v, v: 2 - sp.sin(x) + sp.cos(3 * time) / 2}, start={x: 0, v: 0},
        events=[Event(x > 0.5, {v: -0.7 * v})], dt=dt, method="rk4",
    )  # fmt: skip
    data = run(system.world(steps=round(3 / dt)), keep="last")
    return np.array([data.x.item(), data.v.item()])


def test_the_method_keeps_its_order_through_events():
    def rate(t, state):
        return [state[1], 2 - math.sin(state[0]) + math.cos(3 * t) / 2]

    def wall(t, state):
        return state[0] - 0.5

    wall.terminal, wall.direction = True, 1
    state, t, hits = [0.0, 0.0], 0.0, 0
    while t < 3:
        solved = scipy.integrate.solve_ivp(
            rate, (t, 3), state, events=wall, rtol=1e-12, atol=1e-12, method="DOP853"
        )
        state, t = solved.y[:, -1], solved.t[-1]
        if solved.t_events[0].size:
            # Off the wall by less than what is compared, so that the next search begins free.
            state, hits = [0.5 - 1e-13, -0.7 * state[1]], hits + 1
    assert hits == 3
    errors = [abs(impacts(dt) - state).max() for dt in (0.1, 0.05, 0.025)]
    assert errors[0] < 1e-4
    # Order four is 256 over two halvings; where in a step a moment falls makes it less even.
    assert errors[0] / errors[2] > 100


def test_in_steps_the_values_of_the_step_are_set():
    system = System(
        {x: x + 1, n: n + x.next}, algebraic={u: x * 10}, start={x: 0, n: 0},
        events=[Event(x > 3, {x: 0 * x, n: n / 2})],
    )  # fmt: skip
    data = run(system.world(steps=9))
    # What is set is seen by equations and by the next step; the step itself has seen what was.
    known = [(0.0, 0.0)]
    for _ in range(9):
        before, total = known[-1]
        after, total = before + 1, total + before + 1
        known.append((0.0, total / 2) if after > 3 >= before else (after, total))
    np.testing.assert_array_equal(data.x.values[0], [a for a, _ in known])
    np.testing.assert_array_equal(data.n.values[0], [b for _, b in known])
    np.testing.assert_array_equal(data.u.values[0], data.x.values[0] * 10)


@pytest.mark.sampled(9)
@pytest.mark.parametrize("dt", [0.1, 0.07, 0.01])
@pytest.mark.parametrize("method", ["euler", "rk4", "dopri5"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_what_is_set_forgets_what_it_was(backend, method, dt):
    # With the way through u closed, nothing of a nudge before the jump is left of x: exactly.
    system = System.from_ode(
        {x: u - x, u: x / 10 - u / 5}, start={x: 1, u: 0.5}, dt=dt, method=method,
        events=[Event(time >= 1.5, {x: 0.01})],
    )  # fmt: skip
    step = round(1.5 / dt)
    asked = op(system, u, x[step // 2], x[step - 3 : step + 5], steps=step + 5, backend=backend)
    assert np.isfinite(asked.values[:2]).all()
    assert (asked.values[-3:] == -math.inf).all()
    if method != "dopri5":
        every = every_A(system, n=x[step // 2], m=x[step + 4], among=[u])
        assert every.values.tolist() == [-math.inf]


@pytest.mark.parametrize("method", ["euler", "rk4"])
@pytest.mark.parametrize(("when", "after"), [(0.3, 3), (0.35, 4), (0.7, 7), (0.05, 1)])
def test_times_are_met_though_they_are_no_floats(method, when, after):
    system = System.from_ode(
        {x: 1 + 0 * x}, start={x: 0}, events=[Event(time >= when, {x: x + 10})], dt=0.1,
        method=method,
    )  # fmt: skip
    found = run(system.world(steps=9)).x.values[0]
    np.testing.assert_allclose(found, [i / 10 + 10 * (i >= after) for i in range(10)], atol=1e-12)


def test_of_two_events_the_first_comes_first():
    def system(events):
        return System.from_ode({x: 1 + 0 * x, n: 0 * n}, start={x: 0, n: 0}, events=events, dt=1,
                               method="rk4")  # fmt: skip

    early, late = Event(x > 0.25, {n: 1 + 0 * n, x: -5 + 0 * x}), Event(x > 0.75, {n: 2 + 0 * n})
    for events in ([early, late], [late, early]):
        data = run(system(events).world(steps=1))
        assert (data.x.item(1), data.n.item(1)) == (pytest.approx(-4.25), 1)
    # Both in one step is one too many: said, and never left out.
    with pytest.raises(EvaluationError, match=r"two events fell into one step.*dt="):
        run(system([Event(x > 0.25, {n: 1 + 0 * n}), late]).world(steps=1))


def test_events_at_one_moment_all_happen():
    def system(*events):
        return System.from_ode({x: 1 + 0 * x, n: 0 * n, v: 0 * v}, start={x: 0, n: 0, v: 0},
                               events=events, dt=1, method="rk4")  # fmt: skip

    reset, counted = Event(x >= 0.5, {x: -5, n: 1}), Event(x >= 0.5, {v: 2, n: 3})
    for events, number in (((reset, counted), 1), ((counted, reset), 3)):
        data = run(system(*events).world(steps=1))
        assert (data.x.item(1), data.n.item(1), data.v.item(1)) == (-4.5, number, 2)
    # What a jump makes true is an event too: said, and never left out.
    with pytest.raises(EvaluationError, match="two events fell into one step"):
        run(system(Event(x >= 0.5, {n: 7}), Event(n > 5, {v: 1})).world(steps=1))
    with pytest.raises(EvaluationError, match="two events fell into one step"):
        run(system(Event(time >= 1, {n: 7}), Event(n > 5, {v: 1})).world(steps=1))


def test_a_ball_that_bounces_twice_in_a_step_is_told():
    with pytest.raises(EvaluationError, match=r"two events fell into one step.*dt="):
        run(ball().world(steps=120))
    # What stays on the edge is no second event.
    stays = System.from_ode(
        {x: 1 + 0 * x, n: 0 * n}, start={x: 0, n: 0}, events=[Event(x >= 0.55, {n: n + 1})],
        dt=0.1, method="rk4",
    )  # fmt: skip
    assert run(stays.world(steps=30)).n.values[0, -1] == 1


def test_worlds_share_what_is_held():
    system = ball()
    W = system.world(steps=40)
    held = run(W.clamp(v, to=W), labels=["Y"])
    np.testing.assert_allclose(held.h.values, run(W, labels=["Y"]).h.values, atol=1e-14)
    # With the speeds of W a nudge of the height stays what it is, through all bounces.
    found = op(system, A=v, n=h[0], m=h[20])
    moved = tangents(W.perturb(h[0]), labels=["X"]).h.values[0, 20]
    assert found.item() == pytest.approx(-math.log(abs(moved)), abs=1e-9)
    flat = op(system.unroll(20), A=v, n=h[0], m=h[20])
    assert flat.item() == pytest.approx(found.item(), abs=1e-12)
    backwards = every_n(system, A=v, m=h[20], measure="op").sel(variable="h", time=0)
    assert backwards.item() == pytest.approx(found.item(), abs=1e-12)
    # What one event sets is held as a whole: else it would happen at two moments.
    neuron = System.from_ode(
        {x: 1.5 - x, n: 0 * n}, start={x: 0, n: 0}, events=[Event(x >= 1, {x: 0, n: n + 1})],
        dt=0.1, method="rk4",
    )  # fmt: skip
    with pytest.raises(QueryError, match="hold all of them, or none"):
        op(neuron, A=n, n=x[0], m=x, steps=20)
    assert run(neuron.world(steps=20).do([x[5:9], n[5:9]], 0)).n.values[0, 8] == 0


def test_what_an_event_sets_is_held_together():
    system = System.from_ode(
        {x: u - x + 1, v: x - v, u: x / 10 - u / 5}, start={x: 0, v: 0, u: 0.5}, dt=0.1,
        method="rk4", events=[Event(x > 0.8, {x: 0.1, v: v + 0.2})],
    )  # fmt: skip
    for part in (x, v):
        with pytest.raises(QueryError, match="sets x, v at one moment"):
            op(system, part, u[5], u[60])
        with pytest.raises(QueryError, match=f"of these {part} would be held alone"):
            every_A(system, n=u[5], m=u[60], among=[[x, v], part])
    both = every_A(system, n=u[5], m=u[60], among=[[x, v]]).item()
    assert both == pytest.approx(op(system, [x, v], u[5], u[60]).item(), abs=1e-12)


def test_it_is_declared_and_shown():
    assert "when h < 0: v = -r*v" in repr(ball())
    assert pickle.loads(pickle.dumps(ball())) == ball()
    assert hash(ball()) == hash(ball())
    assert ball() != System.from_ode({h: v, v: -g}, start={h: 1, v: 0}, parameters={g: G, r: R},
                                     dt=0.05, method="rk4")  # fmt: skip
    assert ball().causes()["v[i+1]"] == ["h[i]", "v[i]"]
    assert ball().graph.has_edge(h, v)


def with_event(*events, **options):
    return System.from_ode({x: v, v: -x}, start={x: 1, v: 0}, dt=0.1, events=events, **options)


REFUSED = {
    "no condition": (lambda: Event(x, {x: 0}), "The condition of an event is x"),
    "a truth": (lambda: Event(True, {x: 0}), "The condition of an event is True"),
    "text": (lambda: Event("x > 1", {x: 0}), "The condition of an event is 'x > 1'"),
    "a set": (lambda: Event(sp.Contains(x, sp.Interval(0, 1)), {x: 0}), "when .* asks whether"),
    "no code": (lambda: Event(sp.polylog(2, x) > 1, {x: 0}), "no numerical code"),
    "no formula": (lambda: Event(sp.Function("f")(x) > 1, {x: 0}), "undefined function f"),
    "nothing to set": (lambda: Event(x > 1, {}), "sets nothing"),
    "no mapping": (lambda: Event(x > 1, [x]), "write a dict"),
    "no variable": (lambda: Event(x > 1, {g: 2}), "sets g, which is no variable"),
    "text to set": (lambda: Event(x > 1, {x: "0"}), "text is never parsed"),
    "a noise": (lambda: Event(x > noise("e", normal()), {x: 0}), "uses e: it happens at one"),
    "the next step": (lambda: Event(x.next > 1, {x: 0}), r"uses x\.next"),
    "a delay": (lambda: Event(x > 1, {x: x.lag(2)}), r"uses x\.lag\(2\)"),
    "two conditions": (lambda: with_event(Event((x > 1) & (v > 0), {x: 0})), "one inequality"),
    "an equality": (lambda: with_event(Event(sp.Eq(x, 1), {x: 0})), "write one inequality"),
    "an unknown symbol": (lambda: with_event(Event(x > g, {x: 0})), "uses g, which is not"),
    "another variable": (lambda: with_event(Event(x > 1, {n: 0})), "sets n, which has no step"),
    "an equation": (
        lambda: System({x: x}, algebraic={u: -x}, start={x: 1}, events=[Event(x > 1, {u: 0})]),
        "sets u, which has no step",
    ),
    "a named value": (
        lambda: System(
            {(f := finite("f", ["a", "b"])): table(f, {"a": "b", "b": "a"}), x: x},
            start={f: "a", x: 0}, events=[Event(x > 1, {f: f})],
        ),
        "write the case into its table",
    ),
    "no list": (lambda: System({x: x}, start={x: 1}, events=Event(x > 1, {x: 0})), "write a list"),
    "a delay beside it": (
        lambda: System.from_ode(
            {x: -x.lag(1)}, start={x: 1}, dt=0.1, events=[Event(x > 1, {x: 0})]
        ),
        "x is used with a delay",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_event_says_so(case):
    ask, told = REFUSED[case]
    with pytest.raises(DeclarationError, match=told):
        ask()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("method", [None, "rk4"])
def test_a_condition_is_written_in_any_functions_that_a_mechanism_may_hold(method, backend):
    """sec, whose code is that of others; conditions with jumps and choices."""
    conditions = [sp.sec(x) > 2, sp.sign(x - 1) > 0, sp.floor(x * 2) >= 2, sp.Max(x, 0) >= 1.25,
                  sp.Piecewise((0, x < 1.5), (1, True)) > 0.5]  # fmt: skip
    moments = [math.acos(0.5), 1, 1, 1.25, 1.5]
    for when, moment in zip(conditions, moments, strict=True):
        system = (
            System({x: x + 0.1, n: n}, start={x: 0.05, n: 0}, events=[Event(when, {n: x})])
            if method is None
            else System.from_ode({x: 1 + 0 * x, n: 0 * n}, start={x: 0.05, n: 0},
                                 events=[Event(when, {n: x})], dt=0.1, method=method)
        )  # fmt: skip
        last = run(system.world(steps=20), backend=backend).n.item(-1)
        expected = moment if method else 0.05 + 0.1 * math.ceil((moment - 0.05) / 0.1)
        assert last == pytest.approx(expected, abs=1e-12)


def test_messages_name_the_event_and_the_start():
    """Not the mechanism of a variable, which they are not."""
    for entry in (math.nan, [1], "0", sp.I):
        with pytest.raises(DeclarationError, match="The mechanism of x in the event when x > 1"):
            Event(x > 1, {x: entry})
        with pytest.raises(DeclarationError, match="The mechanism of x before the start"):
            System({x: x.lag(2)}, start={x: 1}, history={x: entry})


def test_a_tuple_of_variables_is_set_as_one_wherever_it_is_written():
    pair = Event(x > 1, {(x, v): [v, -x], n: 0})
    assert pair == Event(x > 1, {x: v, v: -x, n: 0})
    with pytest.raises(DeclarationError, match="twice"):
        Event(x > 1, {(x, v): [v, -x], x: 0})


def test_no_events_are_none_of_them():
    plain = System.from_ode({x: -x}, start={x: 1}, dt=0.1)
    assert System.from_ode({x: -x}, start={x: 1}, dt=0.1, events=None) == plain
    with pytest.raises(DeclarationError, match="write a list"):
        System.from_ode({x: -x}, start={x: 1}, dt=0.1, events=Event(x < 0, {x: 1}))


def test_what_overflows_is_no_second_event():
    grows = System.from_ode({x: x**2, n: 0 * n}, start={x: 1, n: 0}, dt=0.5, method="rk4",
                            events=[Event(x > 2, {n: n + 1})])  # fmt: skip
    with pytest.raises(EvaluationError) as raised:
        run(grows.world(steps=30))
    assert "is infinite" in str(raised.value)
    assert "two events" not in str(raised.value)
    twice = System.from_ode(
        {x: 1 + 0 * x, n: 0 * n, u: 0 * u}, start={x: 0, n: 0, u: 0}, dt=0.5, method="rk4",
        events=[Event(x > 0.2, {n: 7}), Event(n > 5, {u: 1})],
    )  # fmt: skip
    with pytest.raises(EvaluationError, match=r"two events fell into one step.*write them as one"):
        run(twice.world(steps=3))


def test_an_empty_list_names_no_node():
    with pytest.raises(QueryError, match=r"\[\] names no node"):
        ball().unroll(2).world().do([], 1)


def test_many_events_may_set_one_variable():
    """At the times 1 to 5 x, which rises by 1 in between, is halved; sixteen can be declared."""
    (x,) = variables("x")

    def halved(count):
        events = [Event(time >= k, {x: 0.5 * x}) for k in range(1, count + 1)]
        return System.from_ode({x: 1 + 0 * x}, start={x: 0}, events=events, dt=0.5, method="rk4")

    exact = [0.0]
    for _ in range(5):
        exact.append((exact[-1] + 1) / 2)
    found = run(halved(5).world(steps=10), backend="numpy").x.values[0, ::2]
    assert found == pytest.approx(exact, rel=1e-12)
    assert len(halved(16).events) == 16


# -- an event that sets its own edge ---------------------------------------------------------------

EVERY_METHOD = [("euler", None), ("rk4", None), ("dopri5", None), ("dopri5", 1e-9), ("auto", None)]


@pytest.mark.sampled(2)
@pytest.mark.parametrize(("method", "tolerance"), EVERY_METHOD)
def test_what_sets_its_own_edge_and_falls_on_is_refused(method, tolerance):
    """It would happen without end: where that is sure it is told at once, else by the run."""

    def falling(rate, event, **more):
        given = {"start": {x: 1}, "dt": 0.13, "method": method, "tolerance": tolerance, **more}
        return System.from_ode({x: rate}, events=[event], **given)

    told = r"when x < 0\.6 sets x = 0\.6, the edge .* without end\. Set what lies beyond"
    for rate, known in ((-x, {}), (-g * x, {g: 0.5})):
        with pytest.raises(DeclarationError, match=told):
            falling(rate, Event(x < 0.6, {x: 0.6}), parameters=known)
    with pytest.raises(DeclarationError, match="without end"):
        falling(-x, Event(x < g, {x: g}), parameters={g: 0.6})
    # What the rate is there is known to the run alone.
    held = System.from_ode(
        {x: -v, v: 0 * v}, start={x: 1, v: 1}, dt=0.13, method=method, tolerance=tolerance,
        events=[Event(x < 0.6, {x: 0.6})],
    )  # fmt: skip
    with pytest.raises(
        (EvaluationError, QueryError), match=r"sets its own edge|makes another one happen"
    ):
        run(held.world(steps=8))
    # Before it happens, and where it never does, there is nothing wrong.
    assert run(held.world(steps=3)).x.values[0, -1] == pytest.approx(1 - 0.39)


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("method", "tolerance"), EVERY_METHOD)
def test_what_sets_its_own_edge_and_turns_is_a_good_model(method, tolerance):
    """A ball that is put on the floor as it bounces, and what the specification of SBML allows."""
    given = {"dt": 0.02, "method": method, "tolerance": tolerance}
    put = System.from_ode(
        {h: v, v: -g + 0 * v}, start={h: 1, v: 0}, parameters={g: 2},
        events=[Event(h < 0, {h: 0, v: -v / 2})], **given,
    )  # fmt: skip
    # It falls for a unit of time with the speed 2, and comes up by a quarter in half of one.
    found = run(put.world(steps=75))
    tolerated = 0.03 if method == "euler" else 1e-12
    assert found.h.values[0, -1] == pytest.approx(0.25, abs=tolerated)
    # Beyond the edge, and the way back: a saw between 0.6 and 0.9.
    saw = System.from_ode({x: -1 + 0 * x}, start={x: 1}, events=[Event(x < 0.6, {x: 0.9})], **given)
    t = np.arange(76) * 0.02
    expected = np.where(t <= 0.4 + 1e-9, 1 - t, 0.6 + (0.3 - (t - 0.4)) % 0.3)
    off = np.abs(run(saw.world(steps=75)).x.values[0] - expected)
    assert (np.minimum(off, 0.3 - off) < 1e-12).all()
    # A condition that holds on the edge holds on: it comes true once.
    once = System.from_ode({x: -x}, start={x: 1}, events=[Event(x <= 0.6, {x: 0.6})], **given)
    assert run(once.world(steps=75)).x.values[0, -1] < 0.6


def test_a_sum_of_steps_stays_on_its_edge():
    floor = System({x: x - 0.1}, start={x: 1}, events=[Event(x < 0.6, {x: 0.6})])
    np.testing.assert_allclose(run(floor.world(steps=9)).x.values[0, 4:], 0.6, rtol=1e-15)


@pytest.mark.parametrize("method", [None, "rk4"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_what_leaves_a_variable_as_it_is_leaves_it_to_others(backend, method):
    # Both happen at 1, and the one named first has the last word where it has one.
    rules = {x: 0 * x if method else x, u: 0 * u if method else u}
    for known, expected in ((3, 7), (-3, 5), (0, 7)):
        first = Event(time >= 1, {x: sp.Piecewise((6, u > 5), (x, u > -1), (5, True))})
        events = [first, Event(time >= 1, {x: x + 6})]
        kind = System.from_ode if method else System
        more = {"method": method} if method else {}
        model = kind(rules, start={x: 1, u: known}, events=events, dt=0.25, **more)
        assert run(model.world(steps=8), backend=backend).x.values[0, -1] == expected
