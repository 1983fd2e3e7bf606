"""Systems: the template, integrators against known solutions, time, unrolling, what is refused."""

import numpy as np
import pytest
import sympy as sp

from causalopt import (
    DeclarationError,
    EvaluationError,
    QueryError,
    System,
    parameter,
    parameters,
    run,
    time,
    variable,
    variables,
)

T, R = variables("T R")
a, b = variables("a b")
k, d = parameters("k d")


def thermostat(**options):
    return System(
        {T: R - d, R: R - k * T}, start={T: 10, R: 35}, parameters={k: 0.01, d: 25}, **options
    )


def values(system, steps, name, **options):
    return run(system.world(steps=steps), **options)[name].sel(world="W").values


def test_the_thermostat_step_by_step():
    found = run(thermostat().world(steps=3)).sel(world="W")
    room, dial = 35.0, 10.0
    for step in range(4):
        assert found["R"].values[step] == room
        assert found["T"].values[step] == dial
        room, dial = room - 0.01 * dial, room - 25


def test_same_step_dependence():
    found = values(System({T: R.next - 1, R: 2 * R}, start={T: 0, R: 1}), 3, "T")
    assert found.tolist() == [0, 1, 3, 7]


def test_time_is_that_of_the_step_before():
    found = values(System({a: time}, start={a: -1}, dt=0.5), 3, "a")
    assert found.tolist() == [-1, 0, 0.5, 1.0]
    found = values(System({a: time}, start={a: -1}), 3, "a")
    assert found.tolist() == [-1, 0, 1, 2]


def test_euler_is_what_it_says():
    system = System.from_ode({a: b, b: -a}, start={a: 1, b: 0}, dt=0.1)
    x, v = 1.0, 0.0
    for step, found in enumerate(values(system, 20, "a")):
        assert found == pytest.approx(x, rel=1e-13), step
        x, v = x + 0.1 * v, v - 0.1 * x


def test_rk4_is_of_order_four():
    errors = []
    for dt in (0.1, 0.05, 0.025):
        system = System.from_ode(
            {a: b, b: -a + sp.sin(2 * time)}, start={a: 1, b: 0}, dt=dt, method="rk4"
        )
        steps = round(2 / dt)
        exact = np.cos(2) + (2 * np.sin(2) - np.sin(4)) / 3
        errors.append(abs(values(system, steps, "a")[-1] - exact))
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert np.allclose(orders, 4, atol=0.15)


def test_rk4_against_scipy():
    from scipy.integrate import solve_ivp

    def rates(_, s):
        return [10 * (s[1] - s[0]), s[0] * (28 - s[2]) - s[1], s[0] * s[1] - 8 / 3 * s[2]]

    (c,) = variables("c")
    system = System.from_ode(
        {a: 10 * (b - a), b: a * (28 - c) - b, c: a * b - sp.Rational(8, 3) * c},
        start={a: 1, b: 1, c: 1},
        dt=0.001,
        method="rk4",
    )
    exact = solve_ivp(rates, (0, 2), [1, 1, 1], rtol=1e-12, atol=1e-12).y[:, -1]
    found = run(system.world(steps=2000)).sel(world="W").isel(time=-1)
    assert [found[n].item() for n in "abc"] == pytest.approx(list(exact), rel=1e-7)


def test_dt_may_be_a_parameter_and_gives_the_time_axis():
    dt = parameter("dt", unit="s")
    system = System({a: a - dt}, start={a: 1}, parameters={dt: 0.25}, dt=dt)
    found = run(system.world(steps=4))
    assert found["time"].values.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert found["time"].attrs["units"] == "s"
    assert found["a"].values[0, -1] == 0


def test_unroll_is_the_same_network():
    system = System(
        {T: R.next - d * time, R: R - k * T}, start={T: 10, R: 35}, parameters={k: 0.1, d: 2}
    )
    network = system.unroll(6)
    assert network.parents(T[3]) == {R[3]}
    assert network.parents(R[3]) == {R[2], T[2]}
    assert network.ancestors(R[2]) == {R[0], T[0], R[1], T[1]}
    flat = run(network.world())["value"].sel(world="W")
    for name, symbol in (("T", T), ("R", R)):
        along = values(system, 6, name)
        assert [flat.values[network.index[symbol[i]]] for i in range(7)] == along.tolist()


def test_parameters_and_starts_are_swept_together():
    found = run(thermostat().world(steps=50), over={R[0]: [20.0, 30.0, 40.0], k: [0.01, 0.02]})
    assert found["R"].dims == ("world", "time", "R[0]", "k")
    for i, start in enumerate((20.0, 30.0, 40.0)):
        for j, gain in enumerate((0.01, 0.02)):
            one = System(
                {T: R - d, R: R - k * T}, start={T: 10, R: start}, parameters={k: gain, d: 25}
            )
            assert np.array_equal(values(one, 50, "R"), found["R"].values[0, :, i, j])


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: System({a: b.next, b: a.next}, start={a: 1, b: 1}), "a.next -> b.next -> a.next"),
        (lambda: System({a: a.next + 1}, start={a: 1}), "a.next -> a.next"),
        (lambda: System({a: variable("bb"), b: b}, start={a: 1, b: 1}), "Did you mean b"),
        (lambda: System({a: k * a}, start={a: 1}), r"parameters=\{k: \.\.\.\}"),
        (lambda: System({a: a}, start={}), r"start=\{a: \.\.\.\}"),
        (lambda: System({a: a}, start={a: 1, b: 2}), "b, which has no mechanism"),
        (lambda: System({a: a}, start={a: float("inf")}), "finite"),
        (lambda: System({a: a}, start={a: 1j}), "finite real number"),
        (lambda: System({a: a}, start={a: True}), "bool"),
        (lambda: System({a: a}, start={a: 1}, parameters={k: None}), r"parameters\[k\] is None"),
        (lambda: System({a: a + parameter("a")}, start={a: 1}), "declared twice"),
        (lambda: System({a: a}, start={a: 1}, dt=0), "positive"),
        (lambda: System({a: a}, start={a: 1}, dt=k), "k, which has no value"),
        (lambda: System.from_ode({a: -a}, start={a: 1}, dt=0.1, method="rk5"), "Did you mean rk4"),
        (lambda: System.from_ode({a: -a.next}, start={a: 1}, dt=0.1), "present state"),
        (lambda: System.from_ode({a: -a}, start={a: 1}, dt="x"), "dt is 'x'"),
    ],
)
def test_impossible_systems_are_refused(make, told):
    with pytest.raises(DeclarationError, match=told):
        make()


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda s: s.world(steps=0), "1 or more"),
        (lambda s: s.world(steps=2.5), "whole number"),
        (lambda s: s.world(steps=10).perturb(R[11]), "after the last step, 10"),
        (lambda s: s.world(steps=10).perturb(R.at(2.0)), "has no dt"),
        (lambda s: s.world(steps=10).perturb(a[0]), "not a variable of this system"),
        (lambda s: s.world(steps=10).perturb("R"), "names no nodes"),
        (lambda s: s.world(steps=10).perturb([]), "names no nodes"),
        (lambda s: s.world(steps=10).do(R[2:20], "warm"), "finite real number"),
        (lambda s: s.world(steps=10).clamp(T, to=s.world(steps=9)), "same number of steps"),
        (
            lambda s: s.world(steps=10).clamp(T, to=s.with_start({T: 11}).world(steps=10)),
            "same model",
        ),
    ],
)
def test_impossible_worlds_are_refused(ask, told):
    with pytest.raises((QueryError, DeclarationError), match=told):
        ask(thermostat())


def test_a_time_between_two_steps_is_refused():
    with pytest.raises(QueryError, match=r"nearest times are 0\.5 and 0\.75"):
        thermostat(dt=0.25).world(steps=10).perturb(R.at(0.6))


@pytest.mark.parametrize(
    ("over", "told"),
    [
        ({R: [1, 2]}, r"write R\[0\]"),
        ({parameter("q"): [1]}, "parameter q, which this model does not have"),
        ({a[0]: [1]}, "not a variable"),
        ({"k": [1]}, "no node or parameter"),
        ({k: ["x"]}, "no number"),
        ({k: [[1, 2]]}, "list of one or more"),
        ({k: [float("nan")]}, "not finite"),
        ({k: []}, "one or more"),
        ([k], "write a dict"),
    ],
)
def test_impossible_sweeps_are_refused(over, told):
    with pytest.raises(QueryError, match=told):
        run(thermostat().world(steps=10), over=over)


def test_the_step_size_cannot_be_swept():
    dt = parameter("dt")
    system = System({a: a - dt}, start={a: 1}, parameters={dt: 0.25}, dt=dt)
    with pytest.raises(QueryError, match="sets the time axis"):
        run(system.world(steps=3), over={dt: [0.1, 0.2]})


def test_a_value_that_is_not_finite_names_node_step_and_point():
    system = System({a: sp.sqrt(a - 1), b: 1 / a}, start={a: 3, b: 1})
    with pytest.raises(EvaluationError, match=r"a\[3\] is complex or undefined \(step 3\)"):
        run(system.world(steps=10))
    system = System({a: a**2}, start={a: 1})
    with pytest.raises(EvaluationError, match=r"a\[9\] is infinite \(step 9\) where a\[0\] = 10"):
        run(system.world(steps=20), over={a[0]: [0.5, 1, 10]})


def test_it_prints_as_code_and_latex():
    assert "R[i+1] = R - T*k" in repr(thermostat())
    assert "{R}^{+} &=" in thermostat()._repr_latex_()
    ode = System.from_ode({a: -a}, start={a: 1}, dt=0.1)
    assert "da/dt = -a" in repr(ode)
    assert r"\dot{a} &= - a" in ode._repr_latex_()
