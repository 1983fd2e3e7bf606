"""Steps at which a derivative reads 0/0: the limit if there is one, else an error says so."""

import numpy as np
import pytest
import sympy as sp
from sympy import Max, Ne, Piecewise, Rational, cos, exp, sqrt

from causalopt import (
    EvaluationError,
    Network,
    System,
    comp,
    every_m,
    every_n,
    gradient_descent,
    op,
    parameters,
    run,
    tangents,
    time,
    variables,
)
from causalopt.processes import Adam
from tests.backends.cases import BY_NAME

v, w, x, y, z = variables("v w x y z")
n, k = parameters("n k")
every = pytest.mark.parametrize("backend", BY_NAME)
points = pytest.mark.parametrize("count", [None, 20])

HOLE = Piecewise(((v + 55) / (1 - exp(-(v + 55) / 10)) / 100, Ne(v, -55)), (Rational(1, 10), True))

#: A system, the node that is nudged, the variable that is read, and its tangents.
SMOOTH = {
    "Hill": (System({x: x / 2 + x**n / (1 + x**n)}, start={x: 0}, parameters={n: 2}),
             x[0], x, [1, 0.5, 0.25, 0.125]),
    "drag at rest": (System({v: v - 0.1 * sqrt(v**2 + w**2) * v, w: w - sqrt(v**2 + w**2) * w},
                            start={v: 0, w: 0}), v[0], v, [1, 1, 1, 1]),
    "saturated": (System({x: x / 2 + 1 / (1 + exp(-k * (x - 1)))}, start={x: 0},
                         parameters={k: 1000}), x[0], x, [1, 0.5, 0.25, 0.125]),
    "power of time": (System({x: x + time**y, y: y}, start={x: 0, y: 2}),
                      y[0], x, [0, 0, 0, 4 * np.log(2)]),
    "below a threshold": (System({x: x - 0.1 * sqrt(Max(x, 0) + Max(y, 0)), y: y},
                                 start={x: -0.5, y: -0.5}), x[0], x, [1, 1, 1, 1]),
    "bump": (System({x: x / 2 + exp(-1 / x**2)}, start={x: 0}), x[0], x, [1, 0.5, 0.25, 0.125]),
    "filled hole": (System({v: v, x: x / 2 + HOLE}, start={v: -55, x: 0}),
                    v[0], x, [0, 0.005, 0.0075, 0.00875]),
    "choices of equality": (
        System({x: Piecewise((x, sp.Eq(y, 2)), (x / 2, True)) + Piecewise((y, y < 1), (1, True)),
                y: y + Piecewise((0, sp.Eq(x, 3)), (x / 4, x < 9), (x, True))},
               start={x: 0, y: 0.25}),
        x[0], x, [1, 0.5, 0.5, 0.625],
    ),
    "sinc of a sum": (System({x: x / 2 + Piecewise((sp.sin(y) / y, Ne(y, 0)), (1, True)), y: y},
                             start={x: 0, y: 0}), y[0], x, [0, 0, 0, 0]),
}  # fmt: skip


@pytest.mark.sampled(5)
@every
@points
@pytest.mark.parametrize("name", SMOOTH)
def test_the_tangent_of_what_is_smooth(name, backend, count):
    system, nudged, read, expected = SMOOTH[name]
    over = (
        None
        if count is None
        else {system.variables[0][0]: [system.start[system.variables[0]]] * count}
    )
    nudge = system.world(steps=3).perturb(nudged)
    found = tangents(nudge, over=over, backend=backend)[str(read)].values
    for point in found.reshape(4, -1).T:
        np.testing.assert_allclose(point, expected, rtol=1e-14, atol=1e-30)


@every
def test_an_unrolled_system_says_the_same(backend):
    for system, nudged, read, expected in SMOOTH.values():
        nudge = system.unroll(steps=3).world().perturb(nudged)
        found = tangents(nudge, backend=backend).to_array().sel(node=str(read[3]))
        assert found.item() == pytest.approx(expected[3], rel=1e-14, abs=1e-30)


@every
def test_forward_and_backward_agree_at_a_hole(backend):
    network = Network({x: HOLE + w, y: x * w}, start={v: -55, w: 2})
    assert comp(network, A=x, n=w, m=y, backend=backend).item() == pytest.approx(4.1 / 2.1)
    back = every_n(network, A=x, m=y, backend=backend)
    forth = every_m(network, A=w, n=v, backend=backend)
    assert np.isnan(back.sel(node="v")) or back.sel(node="v") == np.inf
    assert forth.sel(node="y") == 1.0


@every
def test_adam_from_a_zero_gradient(backend):
    system = gradient_descent(x**2 + y**2, [x, y], 0.1, start={x: 0, y: 1}, update=Adam())
    gradient = system.variables[1]
    assert (
        comp(system, A=gradient, n=x[0], m=x, steps=3, backend=backend).values.tolist() == [1] * 4
    )


@every
def test_the_repressilator_from_nothing(backend):
    a, b, c = variables("a b c")
    system = System.from_ode(
        {a: 1 / (1 + c**n) - k * a, b: 1 / (1 + a**n) - k * b, c: 1 / (1 + b**n) - k * c},
        start={a: 0, b: 0, c: 0}, parameters={k: 0.1, n: 2}, dt=0.01, method="rk4",
    )  # fmt: skip
    found = comp(system, A=b, n=a[0], m=a[5000], backend=backend).item()
    assert found == pytest.approx(-14.82, abs=0.005)


@every
@points
def test_what_has_no_derivative_is_named(backend, count):
    system = System({x: sqrt(x), y: y + x}, start={x: 0, y: 0})
    over = None if count is None else {x[0]: [4.0] * (count - 1) + [0.0]}
    with pytest.raises(EvaluationError, match=r"x\[1\] has no derivative by x \(step 1\).*delta="):
        op(system, A=y, n=x[0], m=x, steps=3, over=over, backend=backend)


@every
def test_a_kink_in_disguise_is_named(backend):
    system = System({x: sqrt(x**2 - 2 * x + 1) + 1, y: y + x}, start={x: 1, y: 0})
    with pytest.raises(EvaluationError, match=r"x\[1\] has no derivative by x"):
        tangents(system.world(steps=2).perturb(x[0]), backend=backend)


@every
def test_in_a_network_it_is_named_both_ways(backend):
    network = Network({y: sqrt(x) + z, w: y + z}, start={x: 0, z: 1})
    for ask in (
        lambda: comp(network, A=y, n=x, m=w, backend=backend),
        lambda: every_m(network, A=y, n=x, backend=backend),
        lambda: every_n(network, A=z, m=w, backend=backend),
    ):
        with pytest.raises(EvaluationError, match="y has no derivative by x"):
            ask()


@every
def test_what_does_not_move_needs_no_derivative(backend):
    system = System({x: x / 2, y: y / 2 + sqrt(x)}, start={x: 0, y: 1})
    assert comp(system, A=x, n=y[0], m=y, steps=3, backend=backend).values.tolist() == [1] * 4
    network = Network({y: sqrt(x) + z, w: y + z}, start={x: 0, z: 1})
    assert comp(network, A=y, n=z, m=w, backend=backend).item() == 2.0


@every
def test_a_run_that_meets_a_hole_later_is_exact_there(backend):
    # v comes to the hole at step 40, stays for one step, and goes on.
    system = System({v: v + 1, x: x * cos(1) + HOLE}, start={v: -95, x: 0})
    found = tangents(system.world(steps=60).perturb(v[0]), backend=backend)["x"].values.ravel()
    plain = sp.Symbol("u")
    slope = sp.diff((plain + 55) / (1 - sp.exp(-(plain + 55) / 10)) / 100, plain)
    expected = [0.0]
    for step in range(60):
        near = slope.subs(plain, sp.Integer(-95 + step) + sp.Rational(1, 10**12))
        expected.append(expected[-1] * np.cos(1) + float(near.evalf(40)))
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert run(system.world(steps=60), backend=backend)["x"].notnull().all()


@pytest.mark.sampled(3)
@every
def test_sums_of_thousands_and_products_of_dozens_are_put_in_code(backend):
    many = variables(" ".join(f"x{i:04}" for i in range(2000)))
    network = Network(
        {y: sp.Add(*(sp.sin(s) for s in many)), z: y / 7 * Piecewise((2, y > 0), (3, True))},
        start=dict.fromkeys(many, 0.25),
    )
    found = run(network.world(), backend=backend)["value"]
    expected = 2000 * np.sin(0.25)
    assert found.sel(node="y").item() == pytest.approx(expected, rel=1e-12)
    few = variables(" ".join(f"u{i:02}" for i in range(60)))
    system = System(
        {v: sp.Mul(*(1 + s / 9 for s in few)) - v / 2, **{s: s * 0.75 for s in few}},
        start={v: 0, **dict.fromkeys(few, 0.25)},
    )
    nudged = system.world(steps=2).perturb(few[7][0])
    found = tangents(nudged, backend=backend)["v"].values.reshape(-1)
    slopes = [(1 + 0.25 * k / 9) ** 59 / 9 * k for k in (1, 0.75)]
    np.testing.assert_allclose(found, [0, slopes[0], slopes[1] - slopes[0] / 2], rtol=1e-12)
