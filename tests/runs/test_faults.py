"""What the error of a run tells: which node left the finite real numbers, when, and from where."""

import re

import numpy as np
import pytest
import sympy as sp

from causalopt import (
    EvaluationError,
    Network,
    System,
    gradient_descent,
    noise,
    op,
    run,
    uniform,
    variables,
)
from causalopt.backends import BACKENDS, NotFinite

a, b, c, W = variables("a b c W")
every = pytest.mark.parametrize("backend", ["numpy", "numba", "auto"])


def told(*worlds, **options):
    """The message of the run, up to its advice."""
    with pytest.raises(EvaluationError) as caught:
        run(*worlds, **options)
    return str(caught.value).split(". Nodes hold")[0]


def falling(start, limit):
    """Descent on W^(3/2) at rate 1/2 in plain floats: all W up to the first below zero."""
    path = [start]
    while path[-1] >= limit:
        path.append(path[-1] - 0.5 * 1.5 * path[-1] ** 0.5)
    return path


@every
def test_descent_tells_the_point_where_its_gradient_is_not_real(backend):
    path = falling(9.0, 0.0)
    system = gradient_descent(W ** sp.Rational(3, 2), W, 0.5, start={W: 9.0})
    step = len(path)
    assert told(system.world(steps=50), backend=backend) == (
        f"g[{step}] is complex or undefined (step {step}), at W[{step - 1}] = {path[-1]:.6g}: "
        "its mechanism is 3*sqrt(W)/2"
    )


@every
@pytest.mark.parametrize("points", [2, 100])
def test_a_swept_run_tells_the_values_of_the_point_that_failed(backend, points):
    # Of the swept starts only the last falls below zero within the run.
    starts = [*np.linspace(400, 300, points - 1), 9.0]
    path = falling(9.0, 0.0)
    system = gradient_descent(W ** sp.Rational(3, 2), W, 0.5, start={W: 9.0})
    found = told(system.world(steps=len(path)), over={W[0]: starts}, backend=backend)
    step = len(path)
    at = f"where W[0] = 9, at W[{step - 1}] = {path[-1]:.6g}: "
    assert found.startswith(f"g[{step}] is complex or undefined (step {step}) {at}")


@every
def test_what_is_computed_first_in_a_step_is_named(backend):
    system = System(
        {c: b.next + 1, b: a.next * 2, a: sp.log(a - 1)}, start={a: 1.5, b: 0.0, c: 0.0}
    )
    at = f"at a[1] = {np.log(0.5):.6g}: "
    assert told(system.world(steps=5), backend=backend).startswith(
        f"a[2] is complex or undefined (step 2), {at}"
    )


@every
def test_a_node_tells_what_its_own_step_follows_from(backend):
    system = System({a: a - 1, b: sp.sqrt(a.next)}, start={a: 2.0, b: 0.0})
    found = told(system.world(steps=5), backend=backend)
    assert found.startswith("b[3] is complex or undefined (step 3), at a[2] = 0: ")


@every
def test_the_world_that_failed_is_the_one_whose_values_are_told(backend):
    base = System({a: a / 2, b: sp.sqrt(a)}, start={a: 1.0, b: 0.0}).world(steps=4)
    found = told(base, base.do(a[2], -3.0), backend=backend)
    assert found.startswith(
        "b[3] is complex or undefined (step 3) in a world with interventions, at a[2] = -3: "
    )
    replaced = base.replace(b[3:], 1 / (a - 0.25))
    assert told(replaced, backend=backend).startswith(
        "b[3] is infinite (step 3) in a world with interventions, at a[2] = 0.25: "
    )


def test_the_noise_of_the_draw_that_failed_is_told():
    e = noise("e", uniform(-1, 100))
    system = System({a: sp.sqrt(e) + b, b: b + 1}, start={a: 0.0, b: 7.0})
    found = told(system.world(steps=3), draws=400)
    draw, value = re.search(
        r"where draw = (\d+), at b\[0\] = 7, e\[0\] = (-0\.\d+): ", found
    ).groups()
    quiet = System({a: e}, start={a: 0.0})
    assert run(quiet.world(steps=1), draws=400).a.isel(world=0, time=1)[int(draw)] == (
        pytest.approx(float(value), rel=1e-5)
    )


def test_a_variable_of_an_integrated_system_is_named_itself_not_its_inner_stage():
    swing = System.from_ode({a: sp.sqrt(a) - 3}, start={a: 1.0}, dt=0.5, method="rk4")
    assert told(swing.world(steps=9)).startswith(
        "a[1] is complex or undefined (step 1), at a[0] = "
    )


def test_a_network_tells_the_values_of_the_parents():
    network = Network({b: a - 2, c: sp.log(b)}, start={a: 1.0})
    assert told(network.world(), over={a: [5.0, 0.5]}) == (
        "c is complex or undefined where a = 0.5, at b = -1.5: its mechanism is log(b)"
    )
    unrolled = System({a: sp.sqrt(a) - 1}, start={a: 3.0}).unroll(5)
    assert ", at a[2] = -0.1444" in told(unrolled.world())


def test_many_parents_are_told_in_part():
    many = variables(" ".join(f"x{i}" for i in range(9)))
    system = System(
        {one: one for one in many} | {a: sp.log(-sum(many))}, start=dict.fromkeys((*many, a), 1.0)
    )
    assert "x5[0] = 1, ...: " in told(system.world(steps=2))


class Unrepeatable:
    """A backend whose every run fails one step earlier than the one before."""

    step, patience = 5, 0

    def generators(self, plan, points, chains):
        return 0

    def loop(self, plan, inputs, recorded, points):
        self.step -= 1
        raise NotFinite((0,), self.step, 0, float("nan"))
        yield


def test_a_run_that_cannot_be_repeated_still_names_its_node(monkeypatch):
    monkeypatch.setitem(BACKENDS, "unrepeatable", Unrepeatable())
    system = System({a: a / 2}, start={a: 1.0})
    assert told(system.world(steps=9), backend="unrepeatable") == (
        "a[4] is complex or undefined (step 4): its mechanism is a/2"
    )


@every
def test_a_measure_tells_them_too(backend):
    system = gradient_descent(W ** sp.Rational(3, 2), W, 0.5, start={W: 9.0})
    path = falling(9.0, 0.0)
    with pytest.raises(EvaluationError, match=rf"at W\[{len(path) - 1}\] = {path[-1]:.6g}: "):
        op(system, A=system.variables[0], n=W[0], m=W, steps=50, backend=backend)


@pytest.mark.parametrize(
    ("rate", "dt", "method", "stable"),
    [
        (lambda u: -1000 * (u - sp.cos(u)), 0.01, "euler", 2 / 1000),
        (lambda u: -1000 * (u - sp.cos(u)), 0.01, "rk4", 2.8 / 1000),
        (lambda u: -300 * u**3, 0.01, "euler", 2 / (300 * 25)),
    ],
)
def test_a_step_that_is_too_long_is_told_with_one_that_is_not(rate, dt, method, stable):
    (u,) = variables("u")
    system = System.from_ode({u: rate(u)}, start={u: 5}, dt=dt, method=method)
    with pytest.raises(
        EvaluationError, match=r"its rate of change is .* passes here with"
    ) as caught:
        run(system.world(steps=400))
    said = float(re.search(r"dt=([\d.e-]+)", str(caught.value)).group(1).rstrip("."))
    # By the theory of stability twice as long would do; that of a cube is three times as steep, and
    # what is told is right as well, to some tenths of what is left after a step.
    assert stable / 16 < said < stable
    fine = System.from_ode({u: rate(u)}, start={u: 5}, dt=said, method=method)
    assert np.isfinite(run(fine.world(steps=400)).u).all()


@pytest.mark.parametrize("method", ["euler", "rk4"])
def test_what_blows_up_with_any_step_wants_a_bound(method):
    (u,) = variables("u")
    system = System.from_ode({u: u**2}, start={u: 5}, dt=0.01, method=method)
    with pytest.raises(EvaluationError, match="bound it, with Min, Max"):
        run(system.world(steps=400))
