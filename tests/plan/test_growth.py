"""What a plan holds grows as the system does: assignments are counted, never timed."""

from collections import Counter

import numpy as np
import pytest
import sympy as sp

from causalopt import System, op, run, variables
from causalopt.backends.functions import compiled
from causalopt.mechanisms import differentiation
from causalopt.mechanisms.fitness import parts_of
from causalopt.mechanisms.routines import Filled, Routine
from causalopt.plan import flatten, lanes_of, single_form


def coupled(count):
    """Kuramoto's oscillators, each coupled to every other: n^2 terms."""
    x = variables(" ".join(f"th{i:02}" for i in range(count)))
    rates = {
        a: sp.Rational(i + 1, 10) + sp.Add(*(sp.sin(b - a) for b in x if b != a)) / count
        for i, a in enumerate(x)
    }
    start = {a: i / 3 for i, a in enumerate(x)}
    return System.from_ode(rates, start=start, dt=0.01, method="rk4"), x


def plan_of(system, x):
    W = system.world(steps=3)
    X = W.perturb(x[0][0])
    Y = X.clamp(x[1], to=W)
    lanes = lanes_of([], [X, Y])
    wanted = [(lanes.tangent_of[X], x[0]), (lanes.tangent_of[Y], x[0])]
    return flatten(system, 3, lanes, wanted)


def test_a_plan_of_coupled_variables_grows_as_their_couplings():
    sizes = []
    for count in (16, 32):
        block = plan_of(*coupled(count)).segments[-1].block
        parts = [part for _, formula in block.assignments for part in parts_of(formula)]
        routines = {part for part in parts if isinstance(part, Routine)}
        parts += [part for routine in routines for part in parts_of(routine.formula)]
        sizes.append(sum(1 + len(part.args) for part in parts))
    assert sizes[1] <= 4.4 * sizes[0]


def test_rates_that_are_alike_are_one_routine_whatever_their_names():
    block = plan_of(*coupled(16)).segments[-1].block
    parts = [part for _, formula in block.assignments for part in parts_of(formula)]
    calls = [part for part in parts if isinstance(part, Filled)]
    assert len(calls) > 16 * 8
    # Of each oscillator the rate and how it moves, where all others do and where one does not.
    assert len({call.routine for call in calls}) <= 6


def ring(count):
    """Each variable pulled by its neighbours: short rates."""
    x = variables(" ".join(f"x{i:02}" for i in range(count)))
    rates = {a: (x[i - 1] - a) * x[i - 2] for i, a in enumerate(x)}
    return System.from_ode(rates, start=dict.fromkeys(x, 1), dt=0.01, method="rk4"), x


def derivatives_asked_of(system, x, monkeypatch):
    """What is differentiated, by what, where a system is planned; each once."""
    asked = []
    real = differentiation.Differentiation.along

    def counted(graph, moves):
        # A variable by itself is what a step begins with.
        if graph.formula not in moves:
            asked.append((graph.formula, tuple(moves)))
        return real(graph, moves)

    monkeypatch.setattr(differentiation.Differentiation, "along", counted)
    plan_of(system, x)
    # Nothing is asked of the steps that are made of the rates.
    assert len(set(asked)) == len(asked)
    return asked


def test_a_short_rate_is_differentiated_once_by_each_variable(monkeypatch):
    assert len(derivatives_asked_of(*ring(9), monkeypatch)) == 9 * 3


def test_a_long_rate_is_differentiated_once_for_all_that_are_like_it(monkeypatch):
    assert 1 <= len(derivatives_asked_of(*coupled(17), monkeypatch)) <= 4


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_a_step_of_many_variables_is_that_of_the_method(backend):
    system, x = coupled(9)
    found = run(system.world(steps=5), backend=backend)

    def rate(state):
        return (np.arange(9) + 1) / 10 + np.sin(state[None, :] - state[:, None]).sum(axis=1) / 9

    state = np.arange(9) / 3
    for _ in range(5):
        first = rate(state)
        second = rate(state + 0.005 * first)
        third = rate(state + 0.005 * second)
        last = rate(state + 0.01 * third)
        state = state + 0.01 * (first + 2 * second + 2 * third + last) / 6
    np.testing.assert_allclose([found[v.name].isel(time=5).item() for v in x], state, rtol=1e-14)


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_tangents_of_many_variables_are_those_of_the_unrolled_system(backend):
    system, x = coupled(9)
    expected = op(system.unroll(3), A=x[1], n=x[0][0], m=x[0][3]).item()
    found = op(system, A=x[1], n=x[0][0], m=x[0][3], backend=backend).item()
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_a_large_block_computes_no_part_twice_and_compares_no_sums(monkeypatch):
    a = sp.symbols("a:30", real=True)
    pairs = [sp.sin(u - v) * (u + v) ** 3 for u in a for v in a if u != v]
    first, second = sp.Add(*pairs), sp.Add(*(sp.exp(pair) for pair in pairs))
    with monkeypatch.context() as without:
        without.setattr(sp, "cse", None)
        block = single_form(a, {}, [first, second])
    formulas = [*(formula for _, formula in block.assignments), *block.results]
    inner = [part for formula in formulas for part in parts_of(formula)]
    twice = {part for part, times in Counter(inner).items() if times > 1}
    assert all(part.is_Atom for part in twice)
    at = dict(zip(a, np.linspace(-0.7, 0.9, 30), strict=True))
    numbers = at.values()
    found = compiled(block)(*numbers)[0]
    exact = sum(np.sin(u - v) * (u + v) ** 3 for u in numbers for v in numbers if u != v)
    np.testing.assert_allclose(found, exact, atol=1e-10)


@pytest.mark.parametrize("extreme", [sp.Max, sp.Min])
def test_the_arguments_of_an_extreme_are_compared_where_it_is_written_alone(extreme, monkeypatch):
    x = variables(" ".join(f"x{i:02}" for i in range(12)))
    (y,) = variables("y")
    formula, chosen = extreme(*x), x[11] if extreme is sp.Max else x[0]

    def compared(*arguments):
        raise AssertionError("sympy compares all arguments with all")

    monkeypatch.setattr(extreme, "_is_connected", compared)
    start = {**{a: i for i, a in enumerate(x)}, y: 0}
    system = System({**{a: a / 2 for a in x}, y: formula}, start=start)
    assert op(system, A=x[5], n=chosen[0], m=y[2]).item() == 0
    assert run(system.world(steps=1))["y"].isel(time=1).item() == (11 if extreme is sp.Max else 0)


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_a_large_block_may_hold_choices(backend):
    """Ten lookups of fifty points in one step, which are more parts than are compared."""
    x, y = variables("x y")
    q = variables(" ".join(f"q{k}" for k in range(10)))

    def height(i, k):
        return 0.3 * i + (0.37 + 0.01 * i * k) * (x - i)

    lookups = {
        v: sp.Piecewise((0.0, x < 0), *[(height(i, k), x < i + 1) for i in range(50)], (1.0, True))
        for k, v in enumerate(q)
    }
    system = System.from_ode({y: x}, algebraic={x: y + 1, **lookups}, start={y: 1}, dt=0.1)
    found = run(system.world(steps=20), backend=backend)
    place = found.x.values[0]
    whole = np.floor(place)
    for k, v in enumerate(q):
        exact = 0.3 * whole + (0.37 + 0.01 * whole * k) * (place - whole)
        np.testing.assert_allclose(found[str(v)].values[0], exact, rtol=1e-12)


def assigned_of(rates, nudged, read):
    """What a step assigns of a plan for the tangents of one variable, and the values it keeps."""
    system = System.from_ode(rates, start=dict.fromkeys(rates, 1), dt=0.01, method="rk4")
    X = system.world(steps=3).perturb(nudged[0])
    lanes = lanes_of([], [X])
    plan = flatten(system, 3, lanes, [(lanes.tangent_of[X], read)])
    kept = {str(plan.slots[j].variable) for j in plan.value_slots}
    return len(plan.segments[-1].block.assignments), kept & set(map(str, rates))


def test_values_that_are_always_there_are_not_kept_for_their_tangents():
    a, b, c = variables("a b c")
    known = sp.exp(-c) + sp.sqrt(1 + c**2) + 1 / (2 + sp.Abs(c)) + 2**c + sp.log(3 + c**2)
    alone = assigned_of({a: b - a, b: -a, c: -c}, b, a)
    assert assigned_of({a: b - a + known, b: -a, c: -c}, b, a) == alone
    assert alone[1] == set()


def test_of_values_that_may_be_missing_those_alone_are_kept_that_are_followed():
    a, b, c, d = variables("a b c d")
    rates = {a: b - a, b: -a + sp.sqrt(c), c: -c, d: sp.log(a) - d}
    assert assigned_of(rates, b, a)[1] == {"a", "b", "c"}
    # Of what is looked at as well, as a is here, nothing is computed that was not.
    assert assigned_of({a: b - a, b: -(a**3), c: sp.log(c)}, b, a)[1] == {"a", "b"}
