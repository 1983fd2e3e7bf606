"""The moment of an event inside a step: found wherever the condition comes true, or nowhere.

Motions are polynomials of degree three at most, on which the method and its extension are exact.
"""

import math

import mpmath
import numpy as np
import pytest
import sympy as sp

from causalopt import EvaluationError, Event, System, parameters, run, tangents, time, variables

h, v, x, y, c = variables("h v x y c")
H, V, r1, r2, r3 = parameters("H V r1 r2 r3")
BACKENDS = ("numpy", "numba")
G, DT = 12.0, 0.05


def bounced(height, speed):
    """A ball one step on, in closed form: where it is, how fast, and d height / d both."""
    root = np.sqrt(speed**2 + 2 * G * height)
    moment = (speed + root) / G
    left = DT - moment
    after = root / 2
    by_height, by_speed = 1 / root, (1 + speed / root) / G
    slopes = [
        G / root / 2 * left - (after - G * left) * by_height,
        speed / root / 2 * left - (after - G * left) * by_speed,
    ]
    return moment, after * left - G * left**2 / 2, after - G * left, slopes


# Where it does not come down twice: speed + 2 sqrt(speed^2 + 2 g height) > g dt.
GRIDS = {
    "rising first": (np.geomspace(1e-8, 0.01, 41), np.linspace(0.201, 0.3, 37)),
    "about its crest": (np.linspace(0.0051, 0.02, 41), np.linspace(-0.2, 0.2, 37)),
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("grid", GRIDS)
def test_a_ball_bounces_in_one_step_from_wherever_it_starts(grid, backend):
    heights, speeds = GRIDS[grid]
    moment, *values, slopes = bounced(*np.meshgrid(heights, speeds, indexing="ij"))
    happens = moment < DT * (1 - 1e-12)
    assert happens.sum() > 300
    W = System.from_ode(
        {h: v, v: -G + 0 * v}, start={h: 1, v: 0}, events=[Event(h < 0, {v: -v / 2})],
        dt=DT, method="rk4",
    ).world(steps=1)  # fmt: skip
    over = {h[0]: heights, v[0]: speeds}

    def at_end(worlds, variable):
        data = worlds[str(variable)].isel(time=1).squeeze()
        return data.transpose("h[0]", "v[0]").values[happens]

    data = run(W, over=over, backend=backend)
    for variable, value in zip((h, v), values, strict=True):
        np.testing.assert_allclose(at_end(data, variable), value[happens], atol=1e-14)
    for variable, slope in zip((h, v), slopes, strict=True):
        moved = tangents(W.perturb(variable[0]), over=over, backend=backend)
        np.testing.assert_allclose(at_end(moved, h), slope[happens], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_cubic_comes_true_at_a_root_of_its_own(backend):
    """(t - r1)(t - r2)(t - r3), with roots that may be one: the method is exact on it."""
    z = sp.Symbol("z")
    height = (z - r1) * (z - r2) * (z - r3)
    system = System.from_ode(
        {x: height.diff(z).xreplace({z: time}), c: 0 * c}, start={x: -r1 * r2 * r3, c: 0},
        parameters={r1: 0.5, r2: 0.5, r3: 0.5}, events=[Event(x > 0, {c: time})],
        dt=1, method="rk4",
    )  # fmt: skip
    roots = np.array([1, 2, 3, 5, 8, 13, 21, 26, 30, 31]) / 32
    over = {r1: roots, r2: roots, r3: roots}
    moment = run(system.world(steps=1), over=over, backend=backend).c.isel(time=1).squeeze()
    found = moment.transpose("r1", "r2", "r3").values
    each = np.meshgrid(roots, roots, roots, indexing="ij")
    # On a root up to the rounding of the height, eight floats near 1 being added up.
    left_over = np.prod([found - root for root in each], axis=0)
    assert np.abs(left_over).max() < 8 * np.finfo(float).eps
    # Of three apart, it is the first or the last: at the second one it comes false.
    ordered = np.sort(each, axis=0)
    apart = np.diff(ordered, axis=0).min(axis=0) > 0
    assert (np.abs(found - ordered[1])[apart] > 0.01).all()
    # Where two of them are one, the height touches zero there, and comes to be above it at one.
    assert found[1, 1, 5] == pytest.approx(roots[5], abs=1e-12)


# Conditions on what grows as time does, and when they come true.
CONDITIONS = {
    "a root of order three": ((x - 0.57) ** 3 >= 0, 0.57),
    "a root of order nine": ((x - 0.57) ** 9 > 0, 0.57),
    "steep": (sp.tanh(60 * (x - 0.51)) > 0, 0.51),
    "steeper": (sp.tanh(6000 * (x - 0.51)) > 0, 0.51),
    "an exponential": (sp.exp(200 * (x - 0.5)) > sp.exp(10), 0.55),
    "a logarithm": (sp.log(x + 1e-9) > -4, float(mpmath.exp(-4) - mpmath.mpf("1e-9"))),
    "a kink": (sp.Max(0, x - 0.58) > 0.01, 0.59),
    "a root of a distance": (sp.sqrt(sp.Abs(x - 0.3)) * sp.sign(x - 0.3) > 0, 0.3),
    "a jump": (sp.sign(x - 0.55) > 0, 0.55),
    "steps": (sp.floor(4 * x) > 1, 0.5),
    "a choice": (sp.Piecewise((0, x < 0.55), (1, True)) > 0.5, 0.55),
    "wiggles": (x + sp.sin(300 * x) / 1000 > 0.5, None),
}


@pytest.mark.sampled(6)
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", CONDITIONS)
def test_a_condition_comes_true_where_it_does(name, backend):
    """However steep, flat or kinked; and a start that is later by e brings it forward by e."""
    when, moment = CONDITIONS[name]
    if moment is None:
        moment = float(mpmath.findroot(lambda z: z + mpmath.sin(300 * z) / 1000 - 0.5, 0.5))
    system = System.from_ode(
        {x: 1 + 0 * x, c: 0 * c}, start={x: 0, c: -1}, events=[Event(when, {c: time})],
        dt=0.1, method="rk4",
    )  # fmt: skip
    W = system.world(steps=8)
    assert run(W, backend=backend).c.item(-1) == pytest.approx(moment, abs=3e-16 * 8)
    assert tangents(W.perturb(x[0]), backend=backend).c.item(-1) == pytest.approx(-1, abs=1e-9)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_swing_near_its_crest_is_no_second_event(backend):
    """x = cos(t - phase) leaves its crest in a step in which it came to it."""
    system = System.from_ode(
        {x: v, v: -x, c: 0 * c}, start={x: sp.cos(H), v: sp.sin(H), c: -1}, parameters={H: 0.1},
        events=[Event(x < 0.999, {c: time})], dt=0.2, method="rk4",
    )  # fmt: skip
    width = math.acos(0.999)
    phases = np.linspace(-width, width, 43)[1:-1]
    found = run(system.world(steps=1), over={H: phases}, backend=backend).c.isel(time=1)
    happens = phases + width < 0.2
    # Inside a step the extension is off by dt^4 / 4! at most, and x has the slope sin(width).
    np.testing.assert_allclose(
        found.values.ravel()[happens], (phases + width)[happens], atol=0.2**4 / 24 / width
    )
    assert (found.values.ravel()[~happens] == -1).all()


def test_conditions_that_say_the_same_are_one_event():
    """Written in two ways, they come true a rounding apart."""
    same = [x > 0.3, 7 * x > 2.1, x / 3 - 0.1 > 0, sp.exp(x) > sp.exp(sp.Float(0.3))]
    system = System.from_ode(
        {x: 1 + 0 * x, c: 0 * c, y: 0 * y, h: 0 * h, v: 0 * v},
        start={x: 0.1, c: 0, y: 0, h: 0, v: 0},
        events=[Event(when, {s: s + 1}) for when, s in zip(same, (c, y, h, v), strict=True)],
        dt=0.7, method="rk4",
    )  # fmt: skip
    data = run(system.world(steps=2))
    assert [data[name].item(-1) for name in "cyhv"] == [1, 1, 1, 1]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dt", [0.1, 0.3, 0.7])
def test_a_moment_at_the_end_of_a_step_comes_once(dt, backend):
    """An edge that a run meets at the end of a step to the last digit, and those a digit beside."""
    edge = parameters("edge")[0]
    settings = {"start": {x: 1, v: 1, c: 0}, "dt": dt, "method": "rk4"}
    rates = {x: v * x / 3 + sp.sin(x) / 9, v: 0 * v, c: 0 * c}
    plain = run(System.from_ode(rates, **settings).world(steps=15), backend="numpy").x.values[0, 1:]
    edges = np.concatenate([plain, np.nextafter(plain, 0), np.nextafter(plain, 99)])
    # From the edge on it grows twice as fast.
    system = System.from_ode(
        rates, parameters={edge: 2}, events=[Event(x > edge, {v: 2 * v, c: c + 1})], **settings
    )
    last = run(system.world(steps=20), over={edge: edges}, backend=backend).isel(time=-1).squeeze()
    assert (last.c.values == 1).all()
    assert (last.v.values == 2).all()


@pytest.mark.parametrize("method", ["euler", "rk4"])
def test_what_no_event_touches_runs_as_without_events(method):
    rates = {x: v - x / 3, v: sp.sin(time) - x, c: 0 * c, y: c - x}
    start, settings = {x: 0.3, v: 1, c: 0, y: 0}, {"dt": 0.25, "method": method}
    counted = System.from_ode(rates, start=start, events=[Event(x > 0.5, {c: c + 1})], **settings)
    plain = run(System.from_ode(rates, start=start, **settings).world(steps=60))
    data = run(counted.world(steps=60))
    assert data.c.item(-1) >= 3
    for variable in "xv":
        np.testing.assert_allclose(data[variable].values, plain[variable].values, atol=1e-13)
    # And what follows from it does so up to the first event.
    first = int(np.argmax(data.c.values[0] > 0))
    np.testing.assert_allclose(data.y.values[:, :first], plain.y.values[:, :first], atol=1e-13)


@pytest.mark.sampled(10)
@pytest.mark.parametrize(("steps", "dt"), [(5, 0.1), (5, 0.2), (3, 0.05), (7, 1 / 3), (4, 0.01)])
@pytest.mark.parametrize("method", ["rk4", "dopri5"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_bounce_at_the_very_end_of_a_step_is_one(backend, method, steps, dt):
    """Rounding leaves it a little before or after: some of these were two events."""
    g, r = 9.81, 0.8
    for height in (g * (steps * dt) ** 2 / 2 * (1 + e) for e in (-2e-12, -2e-15, 0, 2e-15, 2e-12)):
        W = System.from_ode(
            {h: v, v: -g + 0 * v}, start={h: height, v: 0}, events=[Event(h < 0, {v: -r * v})],
            dt=dt, method=method,
        ).world(steps=2 * steps)  # fmt: skip
        fall, speed = math.sqrt(2 * height / g), math.sqrt(2 * height * g)
        t = dt * np.arange(2 * steps + 1)
        bounced = r * speed * (t - fall) - g * (t - fall) ** 2 / 2
        found = run(W, backend=backend).h.values[0]
        expected = np.where(t < fall, height - g * t**2 / 2, bounced)
        np.testing.assert_allclose(found, expected, atol=1e-13 * height)
        # The slope by the height of what it is after the bounce.
        slope = (r * (g * (t - fall) - speed) + g * (t - fall)) / speed
        moved = tangents(W.perturb(h[0]), labels=["X"], backend=backend).h.values[0]
        after = slice(steps + 1, None)
        np.testing.assert_allclose(moved[after], slope[after], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_rounding_left_below_the_edge_bounces_again_in_the_next_step(backend):
    W = System.from_ode(
        {h: v, v: -10.0 + 0 * v}, start={h: 5.0, v: 0}, events=[Event(h < 0, {v: 0.75})], dt=0.2,
        method="rk4",
    ).world(steps=6)  # fmt: skip
    data = run(W, backend=backend)
    assert -1e-14 < data.h.item(5) < 0
    # It is back after 0.15 s, and on its way up again.
    assert data.h.item(6) == pytest.approx(0.75 * 0.05 - 5 * 0.05**2, abs=1e-12)
    assert data.v.item(6) == pytest.approx(0.75 - 10 * 0.05, abs=1e-12)


def test_a_second_event_at_the_very_end_of_a_step_is_told():
    """x jumps back at 1 - 5e-7, and a rate that grows takes it over its edge before the end."""
    late = System.from_ode(
        {x: y, y: 0 * y}, start={x: 0, y: 1 + 5e-7}, dt=1, method="rk4",
        events=[Event(x > 1, {x: x - 2e-6, y: 100})],
    )  # fmt: skip
    with pytest.raises(EvaluationError, match="two events fell into one step"):
        run(late.world(steps=1))
