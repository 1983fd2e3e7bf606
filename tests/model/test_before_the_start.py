"""What was before the start: looked back to by any mechanism, drawn, and told where it is none."""

import html

import numpy as np
import pytest
import sympy as sp

from causalopt import DeclarationError, System, draw, parameters, run, tangents, time, variables

x, y, u = variables("x y u")
(k,) = parameters("k")
BACKENDS = ("numpy", "numba")


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("method", ["euler", "rk4"])
@pytest.mark.parametrize("by", [0.1, 0.2, 0.5])
def test_a_mechanism_that_stands_in_looks_back_as_one_that_is_declared(by, method, backend):
    """The inside of a step is kept of a variable that no declared mechanism looks back to."""
    settings = {"start": {x: 1, y: 0.5}, "dt": 0.1, "method": method, "history": {x: sp.cos(time)}}
    rates = {x: -x.lag(0.1), y: -y}
    other = sp.sin(time) - y.lag(by) * x
    replaced = System.from_ode(rates, **settings).world(steps=8).replace(y, other)
    declared = System.from_ode({**rates, y: other}, **settings).world(steps=8)
    for ask in (run, lambda world, **options: tangents(world.perturb(y[2]), **options)):
        found, expected = (ask(world, backend=backend) for world in (replaced, declared))
        for name in "xy":
            np.testing.assert_array_equal(found[name].values, expected[name].values)


@pytest.mark.parametrize(
    "formula", [sp.log(time), sp.sqrt(time), 1 / (time + 1), 1 / (time + 2), sp.exp(-1000 * time),
                sp.Piecewise((1, time > 0)), sp.gamma(time)],
)  # fmt: skip
def test_a_history_without_a_value_is_refused(formula):
    with pytest.raises(DeclarationError, match=r"What x was at time = -\d, before the start, is"):
        System({x: x.lag(2)}, start={x: 1}, history={x: formula})


def test_a_history_is_asked_where_it_is_looked_back_to_alone():
    """At -3 and -1.5, say: a pole between the steps is none, and one inside a step is."""
    pole = 1 / (time + sp.Rational(1, 4))
    found = run(System({x: x.lag(2)}, start={x: 1}, history={x: pole}).world(steps=2))
    np.testing.assert_allclose(found.x.values[0], [1, 1 / (-2 + 0.25), 1 / (-1 + 0.25)])
    swing = System.from_ode({x: -x.lag(0.5)}, start={x: 1}, history={x: pole}, dt=0.5, method="rk4")
    with pytest.raises(DeclarationError, match=r"What x was at time = -0\.25, before the start"):
        run(swing.world(steps=2))


@pytest.mark.parametrize("method", [None, "euler", "rk4"])
@pytest.mark.parametrize("by", [1, 3, 9])
def test_what_was_before_the_start_is_drawn(by, method):
    mechanisms = {x: x.lag(by) / 2 - time, y: x - k * y}
    settings = {"start": {x: 1, y: 1}, "parameters": {k: 0.5}, "history": {x: k * time}}
    system = (
        System(mechanisms, **settings)
        if method is None
        else System.from_ode(mechanisms, dt=1, method=method, **settings)
    )
    picture = html.unescape(draw(system, steps=5, inputs=True).render("svg").decode())
    # A step looks back to those before the start that it has not passed yet.
    first = {f"x[{step - 1 - by}]" for step in range(1, 6) if step - 1 - by < 0}
    assert all(name in picture for name in {*first, "x[0]", "t[0]", "k"})
    assert f"x[{-by - 1}]" not in picture


def test_long_chains_of_formulas_come_to_their_numbers():
    count = 500
    p = parameters("p", count=count)
    chain = {p[0]: 1.001, **{p[i]: p[i - 1] * 1.001 for i in range(1, count)}}
    world = System({x: p[-1] * x}, start={x: 1}, parameters=chain).world(steps=1)
    assert run(world).x.item(1) == pytest.approx(1.001**count, rel=1e-12)
    swept = run(world, over={p[0]: [1.0, 2.0]}).x.isel(time=1).values.ravel()
    np.testing.assert_allclose(swept, [1.001 ** (count - 1), 2 * 1.001 ** (count - 1)], rtol=1e-12)
