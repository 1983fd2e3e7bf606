"""Steps of formulas that jump at known times: as if each stretch between them were run alone."""

import itertools
import math

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm
from sympy import And, Eq, Heaviside, Mod, Ne, Or, Piecewise, ceiling, floor, sign, sin

from causalopt import Event, QueryError, System, every_n, parameters, run, tangents, time, variables
from causalopt.backends import BACKENDS
from causalopt.mechanisms.borders import INSIDE, between_borders, borders_of
from tests.runs.test_every_method import KINDS

x, y, light = variables("x y light")
c, p = parameters("c p")
RATE = 0.1
LOOKING = [name for name in KINDS if name != "euler"]


def lit(stretches, end, start=0.0):
    """x at the end of x' = light - RATE x, by the stretches (from, to) in which light is 1."""
    edges = sorted({0.0, end, *(min(max(e, 0.0), end) for pair in stretches for e in pair)})
    for begin, stop in itertools.pairwise(edges):
        middle = (begin + stop) / 2
        rests = sum(a <= middle < b for a, b in stretches) / RATE
        start = rests + (start - rests) * math.exp(-RATE * (stop - begin))
    return start


def system(formula, kind="rk4", dt=0.25, **more):
    """x follows a light that is a formula of time."""
    return System.from_ode({x: formula - RATE * x}, start={x: 0}, dt=dt, **KINDS[kind].how, **more)


def last(model, steps, name="x", **how):
    return run(model.world(steps=steps), **how).sel(world="W")[name].values.ravel()[-1]


def on(condition):
    return Piecewise((1, condition), (0, True))


CASES = {
    "at the end of a step": (on(time < 3), [(0, 3)]),
    "up to there and there": (on(time <= 3), [(0, 3)]),
    "inside a step": (on(time < 3.1), [(0, 3.1)]),
    "two in a step": (on(And(time >= 2.05, time < 2.15)), [(2.05, 2.15)]),
    "several stretches": (on(Or(time < 1.1, And(time > 3, time < 4.3))), [(0, 1.1), (3, 4.3)]),
    "day and night": (on(Mod(time, 2) < 0.65), [(2 * k, 2 * k + 0.65) for k in range(4)]),
    "the same by a whole part": (
        on(time - 2 * floor(time / 2) < 0.65),
        [(2 * k, 2 * k + 0.65) for k in range(4)],
    ),
    "shifted": (on(Mod(time - 0.3, 2) < 0.65), [(2 * k + 0.3, 2 * k + 0.95) for k in range(4)]),
    "by Heaviside": (Heaviside(time - 1.1), [(1.1, 9)]),
    "by sign": ((1 - sign(time - 1.1)) / 2, [(0, 1.1)]),
    "by a whole part alone": (ceiling(time / 8 - 0.4) * 1, [(3.2, 9)]),
}  # fmt: skip


@pytest.mark.sampled(12)
@pytest.mark.parametrize("kind", LOOKING)
@pytest.mark.parametrize("case", CASES)
def test_each_stretch_is_a_run_of_its_own(case, kind):
    formula, stretches = CASES[case]
    expected = lit(stretches, 8.0)
    assert last(system(formula, kind), 32) == pytest.approx(expected, rel=3e-8)


@pytest.mark.parametrize("kind", LOOKING)
@pytest.mark.parametrize("relation", [sympy.Lt, sympy.Le])
def test_a_rate_of_time_alone_adds_up_to_the_last_digits(kind, relation):
    model = System.from_ode({x: on(relation(time, 1))}, start={x: 0}, dt=0.1, **KINDS[kind].how)
    assert last(model, 20) == pytest.approx(1, rel=1e-14)


@pytest.mark.sampled(12)
@pytest.mark.parametrize("kind", LOOKING)
@pytest.mark.parametrize("case", CASES)
def test_a_node_that_jumps_is_beyond_its_border_where_a_step_begins(case, kind):
    formula, stretches = CASES[case]
    model = System.from_ode(
        {x: light - RATE * x}, algebraic={light: formula}, start={x: 0}, dt=0.25, **KINDS[kind].how
    )
    assert last(model, 32) == pytest.approx(lit(stretches, 8.0), rel=3e-8)
    # What is recorded of it is what its formula says of that moment.
    told = run(model.world(steps=32)).sel(world="W")["light"].values.ravel()
    at = np.array([float(formula.subs(time, 0.25 * k)) for k in range(33)])
    assert told == pytest.approx(at, abs=1e-12)


@pytest.mark.sampled(4)
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", ["rk4", "rodas4", "auto"])
def test_points_have_borders_of_their_own(backend, kind):
    formula = on(Or(time < c, And(time >= 3 * c, time < 3 * c + p)))
    model = system(formula, kind, parameters={c: 1, p: 0.5})
    begins, lengths = [1, 0.6, 1.25, 30], [0.5, 0.01, 0.03]
    found = run(model.world(steps=32), over={c: begins, p: lengths}, backend=backend)
    expected = [lit([(0, a), (3 * a, 3 * a + b)], 8.0) for a in begins for b in lengths]
    assert found.sel(world="W")["x"].values[-1].ravel() == pytest.approx(expected, rel=3e-8)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_sweep_of_something_else_has_the_borders_of_all(backend):
    model = System.from_ode({x: on(time < c) - p * x}, start={x: 0}, parameters={c: 1.1, p: 1},
                            dt=0.04, method="rk4")  # fmt: skip
    rates = [0.5, 1.0, 2.0]
    found = run(model.world(steps=50), over={p: rates}, backend=backend)
    expected = [(1 - math.exp(-1.1 * k)) / k * math.exp(-k * 0.9) for k in rates]
    assert found.sel(world="W")["x"].values[-1].ravel() == pytest.approx(expected, rel=1e-6)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("kind", LOOKING)
def test_tangents_are_those_of_the_stretches(kind):
    # x' = s x with s = 2 until 1.1 and -1 from there on: dx/dx(0) = exp(2 * 1.1 - 0.9) at 2.
    rate = Piecewise((2, time < 1.1), (-1, True)) * x
    model = System.from_ode({x: rate}, start={x: 1}, dt=0.05, **KINDS[kind].how)
    exact = math.exp(2 * 1.1 - 0.9)
    moved = tangents(model.world(steps=40).perturb(x[0]), labels=["X"])["x"].values[0, -1]
    assert moved == pytest.approx(exact, rel=2e-6)
    difference = [last(model.with_start({x: 1 + e}), 40) for e in (-1e-4, 1e-4)]
    assert moved == pytest.approx((difference[1] - difference[0]) / 2e-4, rel=1e-8)


@pytest.mark.parametrize("kind", ["rk4", "dopri5", "auto"])
def test_what_is_held_is_held_between_borders_too(kind):
    model = System.from_ode(
        {x: on(time < 1.1) * y - x, y: x - y}, start={x: 1, y: 1}, dt=0.05, **KINDS[kind].how
    )
    unmoved = model.world(steps=40)
    moved = unmoved.perturb(x[0])
    found = tangents(moved, moved.clamp(y, to=unmoved), labels=["X", "Y"])["x"].values[:, -1]
    free, bound = np.array([[-1, 1], [1, -1]]), np.array([[-1, 0], [1, -1]])
    # With y held there is nothing but the fall of x.
    expected = (expm(0.9 * bound) @ expm(1.1 * free))[0, 0], math.exp(-2)
    assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("kind", ["rk4", "dopri5", "auto"])
def test_events_and_borders_may_share_a_step(kind):
    # y counts what x' = light does once x has come to 1: light from 0 to 1.1 and from 2.05 on.
    model = System.from_ode(
        {x: on(Or(time < 1.1, time >= 2.05)), y: 0},
        start={x: 0, y: 0},
        events=[Event(x > 1.2, {y: time})],
        dt=0.25,
        **KINDS[kind].how,
    )
    # 1.1 is there at 1.1, and the rest 0.1 after 2.05.
    assert last(model, 12, "y") == pytest.approx(2.15, rel=1e-9)
    assert last(model, 12) == pytest.approx(1.1 + 0.95, rel=1e-12)


def test_delays_see_borders_at_the_ends_of_steps():
    model = System.from_ode(
        {x: on(time < 1), y: x.lag(0.5)}, start={x: 0, y: 0}, dt=0.125, method="rk4"
    )
    # y is the integral of min(t - 0.5, 1) from 0.5 on.
    assert last(model, 24, "y") == pytest.approx(0.5 + 1.5, rel=1e-12)


@settings(max_examples=6, deadline=None)
@given(
    st.lists(st.tuples(st.floats(-1, 9), st.floats(0.001, 3)), min_size=1, max_size=4),
    st.sampled_from([0.1, 0.25, 0.5, 1.0, 1.7]),
    st.sampled_from(LOOKING),
)
def test_pulses_add_up_to_what_is_given(pulses, dt, kind):
    steps = int(8 / dt)
    end = steps * dt
    given_by = [on(And(time >= a, time < a + long)) for a, long in pulses]
    model = System.from_ode({x: sympy.Add(*given_by)}, start={x: 0}, dt=dt, **KINDS[kind].how)
    total = sum(max(0.0, min(a + long, end) - max(a, 0.0)) for a, long in pulses)
    assert last(model, steps) == pytest.approx(total, abs=1e-10)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 5), st.integers(-3, 3), st.integers(1, 12), st.integers(0, 10), st.booleans())
def test_between_borders_nothing_jumps(rate, offset, period, edge, by_rest):
    u = sympy.Rational(rate, 3) * time + offset
    rest = Mod(u, period) if by_rest else u - period * floor(u / period)
    condition = rest < sympy.Rational(edge, 3)
    formula = Piecewise((1, condition), (0, True)) if condition not in (True, False) else rest
    found = borders_of(formula)
    times = set()
    for border in found:
        first, again = float(border.first), float(border.period)
        times |= {first + again * k for k in range(-200, 400)}
    inside = sorted(t for t in times if 0 < t < 20)
    for begin, stop in itertools.pairwise([0.0, *inside, 20.0]):
        if stop - begin < 1e-9:
            continue
        values = {between_borders(formula).subs({INSIDE: begin + share * (stop - begin), time: 1.0})
                  for share in (0.01, 0.3, 0.5, 0.99)}  # fmt: skip
        assert len({round(float(v), 9) for v in values}) == 1


def test_what_cannot_be_told_is_left_as_it_is():
    k = parameters("k")[0]
    for formula in (on(sin(time) > 0), on(time**2 < 2), on(x < time), floor(time * x)):
        assert not borders_of(formula)
        assert between_borders(formula) == formula
    # Of these the whole parts alone are known to jump.
    for formula in (on(time - 3 * floor(time / 2) < 1), on(floor(time) < floor(2 * time))):
        assert all(border.period is not None for border in borders_of(formula))
    assert {b.first for b in borders_of(on(k * time < 1))} == {1 / k}


def test_what_jumps_too_often_is_refused():
    for kind in ("rk4", "auto"):
        with pytest.raises(QueryError, match=r"jumps every 0.0001 units of time, more than 1,000"):
            run(system(on(Mod(time, 0.0001) < 0.00005), kind).world(steps=2))


def test_what_is_made_of_whole_steps_says_so():
    inside, at_end, shifted = (
        System.from_ode({x: on(when) - y, y: x}, start={x: 1, y: 0}, dt=0.25, method="rk4")
        for when in (Mod(time, 1) < 0.3, Mod(time, 1) < 0.5, Mod(time + 0.1, 1) < 0.5)
    )
    with pytest.raises(QueryError, match="a formula jumps at"):
        shifted.unroll(4)
    for ask in (lambda model: model.unroll(4), lambda model: every_n(model, m=x[4], A=y)):
        ask(at_end)
        with pytest.raises(QueryError, match=r"a formula jumps at 0\.3, inside of one of 0\.25"):
            ask(inside)
    unrolled = at_end.unroll(8)
    assert run(unrolled.world()).value.sel(node="x[8]").item() == pytest.approx(last(at_end, 8))


PERIODIC = {
    "a rest": lambda q: Mod(time, q) < 0.5,
    "a rest by a whole part": lambda q: time - q * floor(time / q) < 0.5,
    "a whole part": lambda q: floor(time / q) > x,
}


@pytest.mark.sampled(10)
@pytest.mark.parametrize("method", ["euler", "rk4", "auto"])
@pytest.mark.parametrize("case", PERIODIC)
@pytest.mark.parametrize(("dt", "period"), [(1, 3), (0.3, 3), (0.7, 2.1), (0.1, 2.1), (0.25, 1.3)])
def test_no_moment_of_an_event_falls_between_two_steps(method, case, dt, period):
    # The end of a step, t/3 + dt/3, may be 1.99... where the next one begins at 2.
    for q, known in ((period, {}), (p, {"parameters": {p: period}})):
        counting = [Event(PERIODIC[case](q), {x: x + 1})]
        model = System.from_ode(
            {x: 0 * x}, start={x: 0}, events=counting, dt=dt, method=method, **known
        )
        steps = round(12.65 / dt)
        assert last(model, steps) == math.floor(steps * dt / period + 1e-9)


@pytest.mark.parametrize("method", ["euler", "rk4", "rodas4", "auto"])
def test_what_is_recorded_at_a_border_is_what_begins_there(method):
    for rule in (time - 3 * floor(time / 3), Mod(time, 3), 3 * ceiling(time / 3) - time):
        model = System.from_ode(
            {x: 0 * x}, algebraic={light: rule}, start={x: 0}, dt=1, method=method
        )
        told = run(model.world(steps=9)).sel(world="W")["light"].values.ravel()
        assert told == pytest.approx([float(rule.subs(time, k)) for k in range(10)], abs=1e-9)


@pytest.mark.parametrize("kind", LOOKING)
def test_a_formula_put_in_has_its_borders_too(kind):
    model = System.from_ode(
        {x: light - y * x, y: 0 * y}, algebraic={light: 0 * time}, start={x: 0, y: 0}, dt=1,
        **KINDS[kind].how,
    )  # fmt: skip
    put_in = model.world(steps=4).replace(light[0:], Heaviside(time - 1.4))
    assert run(put_in, keep="last").x.item() == pytest.approx(2.6, rel=1e-12)
    rated = model.world(steps=4).replace(x[0:], on(time < 2.3) - light)
    assert run(rated, keep="last").x.item() == pytest.approx(2.3, rel=1e-12)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("kind", LOOKING)
@pytest.mark.parametrize(("begin", "long"), [(1.5 + 1e-6, 1e-7), (1.5 + 1e-6, 1e-5), (1.51, 1e-7)])
def test_a_short_pulse_beside_the_end_of_a_step_is_met(kind, begin, long):
    pulse = Piecewise((1 / long, And(time >= begin, time < begin + long)), (0, True))
    model = System.from_ode({x: pulse}, start={x: 0}, dt=0.5, **KINDS[kind].how)
    assert last(model, 8) == pytest.approx(1, rel=1e-7)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("kind", LOOKING)
def test_whole_parts_of_what_is_never_negative_and_equalities_of_them(kind):
    remainder = time - 3 * floor(sympy.Abs(time) / 3) * sign(time)
    for formula, total in (
        (remainder, 13.5), (on(remainder < 1), 3), (floor(sympy.Abs(time) / 3) * sign(time), 9),
        (on(Eq(floor(time), 2)), 1), (on(Ne(floor(time / 2), 1)), 7), (on(Eq(ceiling(time), 2)), 1),
    ):  # fmt: skip
        model = System.from_ode({x: formula}, start={x: 0}, dt=1, **KINDS[kind].how)
        assert last(model, 9) == pytest.approx(total, rel=1e-12)


def test_a_point_without_a_period_leaves_the_others_alone():
    model = system(on(Mod(time, p) < 0.5), "rk4", parameters={p: 1})
    found = run(model.world(steps=32), over={p: [0.0, 2.0]}, on_failure="mask")
    found = found.sel(world="W")["x"].values[-1]
    # There is no rest by a period of 0, and so nothing that it is less than.
    assert np.isnan(found[0])
    assert found[1] == pytest.approx(lit([(2 * k, 2 * k + 0.5) for k in range(4)], 8.0), rel=3e-8)
