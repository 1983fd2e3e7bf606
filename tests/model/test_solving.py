"""Solvers of diffrax as the method: against scipy, closed forms, and the same functions by hand."""

import functools
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from causalopt import (
    DeclarationError,
    EvaluationError,
    QueryError,
    System,
    array,
    function,
    gradients,
    op,
    parameters,
    run,
    tangents,
    time,
    variables,
)

diffrax = pytest.importorskip("diffrax", reason="the extra `test` brings it")

s = array("s", 3)
(k,) = parameters("k")
(u,) = variables("u")
ADAPTIVE = functools.partial(
    diffrax.diffeqsolve,
    solver=diffrax.Kvaerno5(),
    stepsize_controller=diffrax.PIDController(rtol=1e-10, atol=1e-10),
    max_steps=10_000,
)


def robertson(s, k):
    """Robertson's reaction: rates of .04, 1e4 and 3e7 in one system."""
    a, b, c = s
    first, second = 0.04 * a, k * b**2
    third = 1e4 * b * c
    return third - first, first - third - second, second


def stacked(s, k):
    return jnp.stack(robertson(s, k))


def stiff(method=ADAPTIVE):
    return System.from_ode(
        {s: function(stacked)(s, k)},
        start={s: [1, 0, 0]},
        parameters={k: 3e7},
        dt=10.0,
        method=method,
    )


def test_a_stiff_reaction_is_that_of_scipy():
    found = run(stiff().world(steps=4)).s.values[0]
    wanted = solve_ivp(
        lambda _, y: robertson(y, 3e7), (0, 40), [1, 0, 0], "Radau", rtol=1e-11,
        atol=1e-14, t_eval=[0, 10, 20, 30, 40],
    )  # fmt: skip
    np.testing.assert_allclose(found, wanted.y.T, rtol=1e-7, atol=1e-12)


@pytest.mark.long
def test_tangents_are_those_of_the_solver_steps():
    system = stiff()
    W = system.world(steps=3)
    exact = tangents(W.perturb(s[1], along=[1, 0, 0]), keep="last").s.values[0, 0, :, 0]
    ends = [run(W.perturb(s[1], by=[d, 0, 0]), keep="last").s.values[0, 0] for d in (1e-4, -1e-4)]
    np.testing.assert_allclose(exact, (ends[0] - ends[1]) / 2e-4, rtol=2e-5, atol=1e-9)


def test_time_goes_on_inside_a_step():
    y = array("y", 1)
    system = System.from_ode(
        {y: function(lambda y, t: jnp.cos(t) - 0 * y)(y, time)},
        start={y: [0.0]},
        dt=0.5,
        method=diffrax.Tsit5(),
    )
    data = run(system.world(steps=8)).y
    np.testing.assert_allclose(data[0, :, 0], np.sin(data.time), atol=2e-5)


def test_parts_are_held_at_the_ends_of_steps():
    def turned(s):
        return jnp.stack([s[1], -s[0], 0 * s[2]])

    system = System.from_ode(
        {s: function(turned)(s)}, start={s: [1, 0, 0]}, dt=0.1, method=diffrax.Dopri8()
    )
    found = op(system, A=s.part[0], n=s[0].part[1], m=s[5].part[1]).item()
    turn = np.array([[np.cos(0.1), np.sin(0.1)], [-np.sin(0.1), np.cos(0.1)]])
    free, held = np.linalg.matrix_power(turn, 5)[1, 1], turn[1, 1] ** 5
    assert found == pytest.approx(-np.log(abs(free / held)), abs=1e-8)


def test_a_number_and_a_tree_are_solved_too():
    (x,) = variables("x")
    decay = System.from_ode(
        {x: function(lambda x, k: -k * x)(x, k)},
        start={x: 2.0},
        parameters={k: 0.3},
        dt=1.0,
        method=diffrax.Dopri8(),
    )
    assert run(decay.world(steps=2), keep="last").x.item() == pytest.approx(2 * np.exp(-0.6), 1e-9)
    tree = {"a": np.array([1.0, 2.0]), "b": np.array(3.0)}
    t = array("tree", like=tree)
    halved = System.from_ode(
        {t: function(lambda t: jax.tree.map(lambda v: -v, t))(t)},
        start={t: tree},
        dt=1.0,
        method=diffrax.Dopri8(),
    )
    end = run(halved.world(steps=1), keep="last")["tree"].values[0, 0]
    np.testing.assert_allclose(end, np.array([1, 2, 3]) * np.exp(-1), rtol=1e-6)


def test_a_solver_that_gives_up_is_told_by_node_and_step():
    few = functools.partial(ADAPTIVE, solver=diffrax.Tsit5(), max_steps=3)
    with pytest.raises(EvaluationError, match=r"s\[1\] is .*undefined \(step 1\)"):
        run(stiff(few).world(steps=2))


def test_systems_with_solvers_are_values():
    one, other = stiff(), stiff()
    assert one == other
    assert hash(one) == hash(other)
    assert one != stiff(diffrax.Tsit5())


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: System.from_ode({s: -s}, start={s: [1, 2, 3]}, dt=1, method=diffrax.Tsit5()),
         "whose rate is a function"),
        (lambda: System.from_ode({s: function(jnp.sin)(s), array("q", 1): function(jnp.sin)(s)},
                                 start={s: [1, 2, 3]}, dt=1, method=diffrax.Tsit5()),
         "moves one variable"),
        (lambda: stiff(functools.partial(diffrax.diffeqsolve)), "names no solver"),
        (lambda: stiff(functools.partial(diffrax.diffeqsolve, None)), "names terms, by its place"),
        *(
            (lambda name=name: stiff(functools.partial(ADAPTIVE, **{name: None})),
             f"names {name}=, which is the step's own")
            for name in ("t0", "t1", "y0", "terms", "args", "saveat", "adjoint", "throw", "event",
                         "solver_state", "controller_state", "made_jump")
        ),
        (lambda: System.from_ode({s: function(lambda s, u: -s * u)(s, u)}, algebraic={u: 2},
                                 start={s: [1, 2, 3]}, dt=1, method=diffrax.Tsit5()),
         "no equation of algebraic"),
        (lambda: stiff(3), 'write "rk4" or "auto"'),
        (lambda: stiff("tsit5"), "tsit5"),
        (lambda: stiff(diffrax.Tsit5), "a solver such as"),
    ],
)  # fmt: skip
def test_what_no_solver_can_do_is_told(make, told):
    with pytest.raises(DeclarationError, match=told):
        make()


def test_without_diffrax_it_says_what_to_install():
    code = (
        "import sys; sys.modules['diffrax'] = None\n"
        "from causalopt import System, array, function, variables\n"
        "(x,) = variables('x')\n"
        "try: System.from_ode({x: -x}, start={x: 1}, dt=1, method=object())\n"
        "except Exception as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install diffrax" in done.stdout


@pytest.mark.sampled(3)
@pytest.mark.parametrize("own", [1, 10, None])
def test_the_first_step_inside_of_a_step_may_be_named(own):
    method = functools.partial(diffrax.diffeqsolve, solver=diffrax.Euler(), dt0=own and 0.5 / own)
    decay = {s: function(lambda s: -s)(s)}
    if own is None:
        method = functools.partial(ADAPTIVE, dt0=None)
    system = System.from_ode(decay, start={s: [1, 2, 3]}, dt=0.5, method=method)
    end = run(system.world(steps=2), keep="last").s.values[0, 0]
    wanted = np.exp(-1) if own is None else (1 - 0.5 / own) ** (2 * own)
    np.testing.assert_allclose(end, np.array([1, 2, 3]) * wanted, rtol=1e-8)


def swinging(method):
    """A pendulum of length 1 / k, and one that does not move."""
    rate = function(lambda s, k: jnp.stack([s[1], -k * jnp.sin(s[0]), 0 * s[2]]))
    return System.from_ode(
        {s: rate(s, k)}, start={s: [1, 0.5, 0]}, parameters={k: 2.0}, dt=0.3, method=method
    )


@pytest.mark.sampled(3)
@pytest.mark.parametrize("method", [diffrax.Tsit5(), diffrax.Euler(), ADAPTIVE])
def test_derivatives_go_back_through_what_the_solver_did(method):
    system = swinging(method)
    W, read = system.world(steps=4), [1.0, -2.0, 0.0]
    back = gradients(W, s[4], by=[s[0], k], read=read)
    forward = tangents(W.perturb(s[0], along=np.eye(3)), keep="last").s.values[0, 0]
    np.testing.assert_allclose(back["s[0]"], read @ forward, rtol=1e-10, atol=1e-14)

    def ended(size):
        return run(system.with_parameters({k: size}).world(steps=4), keep="last").s.values[0, 0]

    slope = read @ (ended(2 + 1e-5) - ended(2 - 1e-5)) / 2e-5
    assert back.k.item() == pytest.approx(slope, rel=1e-7)


def test_steps_without_an_end_are_told_where_derivatives_go_back():
    endless = swinging(functools.partial(ADAPTIVE, max_steps=None))
    with pytest.raises(QueryError, match="no end to the steps"):
        gradients(endless, s[2], by=[s[0]], read=[1, 0, 0])


@pytest.mark.sampled(4)
@pytest.mark.parametrize(
    "asked",
    [
        lambda system: run(system.world(steps=2)),
        lambda system: op(system, A=s.part[2], n=s[0].part[0], m=s[2].part[1]),
        lambda system: tangents(system.world(steps=2).perturb(s[0], along=[1, 0, 0])),
        lambda system: gradients(system, s[2].part[0], by=[s[0]]),
    ],
    ids=["run", "op", "tangents", "gradients"],
)
def test_a_solver_whose_equations_do_not_converge_is_told_by_name(asked, capfd):
    rough = diffrax.Kvaerno3(root_finder=diffrax.VeryChord(rtol=1e-8, atol=1e-8))
    with pytest.raises(EvaluationError, match=r"s\[1\] is .*by Kvaerno3.*where Kvaerno3 gives up"):
        asked(swinging(rough))
    assert "Traceback" not in "".join(capfd.readouterr())
