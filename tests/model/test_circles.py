"""Equations that go round in a circle: solved inside of steps, beside the same with its solution.

u = 1/(1 + w) with w = u x is u = 2/(1 + sqrt(1 + 4 x)), and either of the two can be told so: the
one that is nudged or held goes first, and the other follows it.
"""

import mpmath
import numpy as np
import pytest
import sympy as sp

from causalopt import (
    DeclarationError,
    Event,
    QueryError,
    System,
    array,
    every_A,
    function,
    op,
    parameters,
    run,
    variables,
)
from causalopt.exchange.modeltext import read_model, write_model
from causalopt.exchange.sbml import write_sbml
from causalopt.ground.errors import UndefinedError

x, y, u, w = variables("x y u w")
(k,) = parameters("k")
ROOT = sp.sqrt(1 + 4 * x)
CIRCLE = {u: 1 / (1 + w), w: u * x}


def regulated(algebraic=None, newton=None, method="rk4", **given):
    return System.from_ode(
        {x: k * u - x * w / 3 + y / 9, y: w - y},
        algebraic=CIRCLE if algebraic is None else algebraic,
        newton={u: 1.0} if newton is None else newton,
        start={x: 0.3, y: 0.7}, parameters={k: 1.3}, dt=0.05, method=method, **given,
    )  # fmt: skip


def led_by_u(**given):
    return regulated({u: 2 / (1 + ROOT), w: u * x}, {}, **given)


def led_by_w(**given):
    return regulated({u: 1 / (1 + w), w: 2 * x / (1 + ROOT)}, {}, **given)


@pytest.mark.sampled(4)
@pytest.mark.parametrize("backend", ["numpy", "numba", "jax"])
@pytest.mark.parametrize("method", ["euler", "rk4", "dopri5", "rodas4"])
def test_what_is_found_is_the_solution_at_every_step(backend, method):
    W = regulated(method=method).world(steps=12)
    data = run(W, backend=backend)
    expected = run(led_by_u(method=method).world(steps=12), backend=backend)
    for v in ("x", "y", "u", "w"):
        np.testing.assert_allclose(data[v], expected[v], rtol=1e-6 if method == "rodas4" else 1e-13)
    np.testing.assert_allclose(data.u.values, 1 / (1 + data.w.values), rtol=1e-15)
    np.testing.assert_allclose(data.w.values, data.u.values * data.x.values, rtol=1e-15)


# Who goes first: what is nudged or held.
QUESTIONS = [
    (x[0], [y], u, led_by_u), (x[4], [y], x, led_by_u), (y[2], [x], w, led_by_u),
    (x[0], [u], x, led_by_u), (x[0], [w], x, led_by_w), (x[3], [w], u, led_by_w),
    (u[5], [y], x, led_by_u), (w[5], [y], x, led_by_w), (w[0], [x], y, led_by_w),
    (u[0], [y], w, led_by_u), (y[1], [u, x], w, led_by_u), (w[4], [x, y], u, led_by_w),
]  # fmt: skip


@pytest.mark.sampled(9)
@pytest.mark.parametrize("newton", [{u: 1.0}, {w: 0.5}, {u: 1.0, w: 0.5}])
@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: f"{q[0]}, {q[1]}, {q[2]}")
def test_op_is_that_of_the_solution(question, newton):
    n, A, m, solution = question
    found, expected = (
        op(s.world(steps=9), A=A, n=n, m=m[6:], backend="numpy").values
        for s in (regulated(newton=newton), solution())
    )
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-11)


@pytest.mark.sampled(4)
@pytest.mark.parametrize("method", ["euler", "dopri5"])
@pytest.mark.parametrize("delta", [None, 0.1])
def test_and_so_for_other_methods_and_finite_differences(method, delta):
    for n, A, m, solution in QUESTIONS[::3]:
        found, expected = (
            op(s.world(steps=9), A=A, n=n, m=m[6:], delta=delta, backend="numba").values
            for s in (regulated(method=method), solution(method=method))
        )
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_what_no_nudge_reaches_stays_exactly_where_it_is():
    """Where the search begins is no cause: u[5] moves nothing at step 6 but by way of x."""
    apart = System.from_ode(
        {x: -x}, algebraic=CIRCLE, newton={u: 1.0}, start={x: 0.3}, dt=0.05, method="rk4"
    )
    found = op(apart.world(steps=9), A=[x], n=u[5], m=u[6:])
    assert np.isnan(found.values).all()


def test_the_start_is_the_solution_in_all_digits():
    with mpmath.workdps(30):
        expected = 2 / (1 + mpmath.sqrt(1 + 4 * mpmath.mpf(0.3)))
    assert regulated().start_values[u] == float(expected)


def test_a_solution_is_followed_from_step_to_step():
    """u^2 = 1 + x has two: which is found, the guess says, and later what it was before."""
    for guess in (1.0, -1.0):
        s = System({x: x + 0.25}, algebraic={u: u + 1 + x - u**2}, newton={u: guess}, start={x: 0})
        data = run(s.world(steps=40))
        np.testing.assert_allclose(data.u, guess * np.sqrt(1 + data.x), rtol=1e-15)


@pytest.mark.parametrize("backend", ["numpy", "numba", "jax"])
def test_a_solution_may_become_far_smaller(backend):
    """u = x/u is the root of x: from far below it, turns double it, one by one."""
    s = System({x: x / 10**12}, algebraic={u: x / u}, newton={u: 1.0}, start={x: 1})
    found = run(s.world(steps=4), backend=backend).u.values[0]
    np.testing.assert_allclose(found, [1, 1e-6, 1e-12, 1e-18, 1e-24], rtol=1e-14)


@pytest.mark.parametrize("backend", ["numpy", "numba", "jax"])
def test_a_solution_may_pass_through_nothing(backend):
    """u = c - w, w = u/2 + 100 is (2/3) (c - 100), what is left of what is far larger."""
    s = System({x: x + 0.25}, algebraic={u: x - w, w: u / 2 + 100}, newton={u: 1.0}, start={x: 90})
    data = run(s.world(steps=80), backend=backend)
    np.testing.assert_allclose(data.u, 2 * (data.x - 100) / 3, atol=1e-13)


@pytest.mark.parametrize("backend", ["numpy", "numba", "jax"])
def test_what_is_added_is_not_rounded_as_the_solution_is(backend):
    """u = u + x - u^2 is the root of x: what is left is far smaller than u, and has its digits."""
    s = System({x: x / 10}, algebraic={u: u + x - u**2}, newton={u: 1.0}, start={x: 1})
    data = run(s.world(steps=24), backend=backend)
    np.testing.assert_allclose(data.u, np.sqrt(data.x), rtol=2e-15)


def test_parameters_are_swept_through_it():
    found, expected = (
        op(s.world(steps=9), A=[y], n=x[0], m=x[9], over={k: [0.5, 1.3, 2.0]}).values
        for s in (regulated(), led_by_u())
    )
    np.testing.assert_allclose(found, expected, rtol=1e-11)


def test_a_solution_that_ends_is_told():
    """u = 1 + x u^2 has none for x > 1/4."""
    s = System({x: x + 0.01}, algebraic={u: 1 + x * u**2}, newton={u: 1.0}, start={x: 0})
    np.testing.assert_allclose(
        run(s.world(steps=24)).u.values[0, 24], (1 - np.sqrt(1 - 0.96)) / 0.48, rtol=1e-12
    )
    with pytest.raises(UndefinedError, match="have no solution near the one before"):
        run(s.world(steps=60))


h = array("h", 2)
REFUSED = {
    "a circle that nothing is said of": (lambda: regulated(newton={}), r"newton={u: 1.0}"),
    "what is on none": (lambda: regulated(newton={x: 1}), "x, which is on no circle"),
    "no circle": (lambda: regulated({u: x, w: u}), "u, which is on no circle"),
    "no number": (lambda: regulated(newton={u: "a"}), r"newton\[u\] is 'a'"),
    "no mapping": (lambda: regulated(newton=3), "newton"),
    "no solution": (lambda: regulated({u: 1 + w**2, w: u * (1 + x)}), r"no value of u\[0\]"),
    "what no float holds": (
        lambda: regulated({u: sp.exp(sp.exp(sp.exp(50 * w))), w: u * (1 + x)}), "no value of u"),
    "events": (lambda: regulated(events=[Event(x > 2, {x: 1})]), "leave out newton or events"),
    "a function": (
        lambda: regulated({u: function(lambda w: 1 / (1 + w))(w), w: u * x}), "formulas of"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_declared(case):
    declare, told = case
    with pytest.raises(DeclarationError, match=told):
        declare()


def test_what_cannot_be_asked():
    W = regulated().world(steps=3)
    with pytest.raises(QueryError, match="u, w are solved for together"):
        every_A(W, n=x[0], m=x)
    with pytest.raises(QueryError, match="u, w are solved for together"):
        regulated().unroll(3)


def test_sbml_has_no_place_for_it(tmp_path):
    with pytest.raises(DeclarationError, match="a circle of equations, of u, w"):
        write_sbml(regulated(), tmp_path / "model.xml")
    assert not list(tmp_path.iterdir())


def test_a_text_holds_it(tmp_path):
    system, path = regulated(), tmp_path / "model.toml"
    write_model(path, system)
    assert read_model(path).model == system
    assert "u is sought near 1.0" in repr(system)


def around(count, newton=()):
    """As many circles as that, a_i = b_i/2 and b_i = a_i + x."""
    pairs = [variables(f"a{i} b{i}") for i in range(count)]
    equations = {a: b / 2 for a, b in pairs} | {b: a + x for a, b in pairs}
    return System.from_ode(
        {x: -x}, algebraic=equations, newton=dict.fromkeys(newton, 1.0), start={x: 1}, dt=0.1
    )


@pytest.mark.parametrize(("count", "more"), [(1, 0), (2, 0), (5, 0), (6, 1), (9, 4)])
def test_all_circles_are_told_where_they_are_few(count, more):
    with pytest.raises(DeclarationError) as caught:
        around(count)
    told = str(caught.value)
    names = [f"a{i}.next -> b{i}.next -> a{i}.next" for i in range(count)]
    assert "; ".join(names[: count - more]) in told
    assert (f"; and {more} more. Each" in told) == (more > 0)
    assert not any(name in told for name in names[count - more :])
    assert told.startswith("The nodes form a cycle: " if count == 1 else "The nodes form cycles: ")
    # What it says to write solves them.
    assert f"newton={{{', '.join(f'a{i}: 1.0' for i in range(count))}}}" in told
    solved = around(count, [v for i in range(count) for v in variables(f"a{i} b{i}")[:1]])
    assert all(solved.start_values[a] == 1 for a in solved.newton)


def test_a_measure_that_wants_no_circles_names_them_all():
    solved = around(2, [variables("a0 a1")[0], variables("a0 a1")[1]])
    with pytest.raises(QueryError, match="a0, b0; a1, b1 are solved for together"):
        solved.unroll(3)
