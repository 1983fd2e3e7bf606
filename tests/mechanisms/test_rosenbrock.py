"""Implicit steps, against the same method written apart: dense, in 50 digits, by its equations."""

import mpmath
import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import RK45

from causalopt import Event, System, every_n, op, parameters, run, tangents, time, variables
from causalopt.ground.errors import DeclarationError, QueryError
from causalopt.mechanisms.methods import METHODS

a, b, c, u = variables("a b c u")
(k,) = parameters("k")

# Hairer and Wanner, "Solving Ordinary Differential Equations II", 2nd edition, the code RODAS.
GAMMA = mpmath.mpf("0.25")
NODES = ["0", "0.386", "0.21", "0.63", "1", "1"]
SLOPES = ["0.25", "-0.1043", "0.1035", "-0.3620000000000023e-1", "0", "0"]
A = [
    [],
    ["1.544"],
    ["0.9466785280815826", "0.2557011698983284"],
    ["3.314825187068521", "2.896124015972201", "0.9986419139977817"],
    ["1.221224509226641", "6.019134481288629", "12.53708332932087", "-0.6878860361058950"],
]
A.append([*A[4], "1"])
C = [
    [],
    ["-5.6688"],
    ["-2.430093356833875", "-0.2063599157091915"],
    ["-0.1073529058151375", "-9.594562251023355", "-20.47028614809616"],
    ["7.496443313967647", "-10.24680431464352", "-33.99990352819905", "11.70890893206160"],
    [
        *("8.083246795921522", "-7.981132988064893", "-31.52159432874371"),
        *("16.31930543123136", "-6.058818238834054"),
    ],
]


def rates(y, t, p):
    """A small system with a forcing, an equation (u) put into its rates, and a fast direction."""
    a, b, c = y
    u = mpmath.exp(-b) + t / 7 + a * c
    return [-p * a + c * u + mpmath.sin(t), a - b**2 + u, 50 * (b - c) - c * a]


def jacobian(y, t, p):
    """Its derivatives by the variables, written out, and by time."""
    a, b, c = y
    u = mpmath.exp(-b) + t / 7 + a * c
    by_a, by_b, by_c, by_t = c, -mpmath.exp(-b), a, mpmath.mpf(1) / 7
    rows = [
        [-p + c * by_a, c * by_b, u + c * by_c],
        [1 + by_a, -2 * b + by_b, by_c],
        [-c, 50, -50 - a],
    ]
    return mpmath.matrix(rows), [c * by_t + mpmath.cos(t), by_t, 0]


def step(y, t, h, p, held=None):
    """One step, and the values and rises of its stages; ``held`` are those of one place."""
    place, known = held if held else (None, None)
    J, in_time = jacobian(y, t, p)
    M = mpmath.eye(3) - h * GAMMA * J
    values, rises = [], []
    for i in range(6):
        at = [v + sum(mpmath.mpf(w) * r[n] for w, r in zip(A[i], rises, strict=False))
              for n, v in enumerate(y)]  # fmt: skip
        if place is not None and i:
            at[place] = known[0][i]
        f = rates(at, t + mpmath.mpf(NODES[i]) * h, p)
        right = [
            h * GAMMA * f[n]
            + GAMMA * sum(mpmath.mpf(w) * r[n] for w, r in zip(C[i], rises, strict=False))
            + h * GAMMA * h * mpmath.mpf(SLOPES[i]) * in_time[n]
            for n in range(3)
        ]
        free = [n for n in range(3) if n != place]
        if place is None:
            rise = list(mpmath.lu_solve(M, mpmath.matrix(right)))
        else:
            given = known[1][i]
            small = mpmath.matrix([[M[n, m] for m in free] for n in free])
            rest = mpmath.matrix([right[n] - M[n, place] * given for n in free])
            found = mpmath.lu_solve(small, rest)
            rise = [given if n == place else found[free.index(n)] for n in range(3)]
        values.append(at)
        rises.append(rise)
    weights = [*A[5], "1"]
    new = [v + sum(mpmath.mpf(w) * r[n] for w, r in zip(weights, rises, strict=True))
           for n, v in enumerate(y)]  # fmt: skip
    return new, (values, rises)


def course(y, p, h, steps, held=None):
    """The states of some steps; ``held`` is a place, and the course that it is held to."""
    states, inner = [y], []
    for i in range(steps):
        beside = None
        if held:
            place, others, inners = held
            values, rises = inners[i]
            beside = place, ([v[place] for v in values], [r[place] for r in rises])
        new, stages = step(states[-1], h * i, h, p, beside)
        if held:
            new[place] = others[i + 1][place]
        states.append(new)
        inner.append(stages)
    return states, inner


def declared(method="rodas4", dt=0.05, **more):
    return System.from_ode(
        {a: -k * a + c * u + sympy.sin(time), b: a - b**2 + u, c: 50 * (b - c) - c * a},
        algebraic={u: sympy.exp(-b) + time / 7 + a * c},
        start={a: 1, b: 0.5, c: 0.2},
        parameters={k: 1.5},
        dt=dt,
        method=method,
        **more,
    )


START = [mpmath.mpf(1), mpmath.mpf("0.5"), mpmath.mpf(0.2)]
DT, K = mpmath.mpf(0.05), mpmath.mpf("1.5")


def test_a_step_is_that_of_the_equations():
    with mpmath.workdps(50):
        states, _ = course(START, K, DT, 10)
    found = run(declared().world(steps=10))
    for n, name in enumerate("abc"):
        exact = [float(state[n]) for state in states]
        assert found[name].values[0] == pytest.approx(exact, rel=1e-12)


def test_tangents_are_those_of_the_discrete_map():
    with mpmath.workdps(50):
        nudge = mpmath.mpf(10) ** -20
        base, _ = course(START, K, DT, 10)
        moved, _ = course([START[0] + nudge, *START[1:]], K, DT, 10)
        exact = [[float((m - w) / nudge) for m, w in zip(x, y, strict=True)]
                 for x, y in zip(moved, base, strict=True)]  # fmt: skip
    found = tangents(declared().world(steps=10).perturb(a[0]), labels=["X"])
    for n, name in enumerate("abc"):
        assert found[name].values[0] == pytest.approx([row[n] for row in exact], rel=1e-9)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_what_is_held_has_its_stages_and_rises_held(place):
    """Op of one variable, from differences of three worlds of the method written apart."""
    names = [a, b, c]
    n, m = [v for j, v in enumerate(names) if j != place]
    with mpmath.workdps(50):
        nudge = mpmath.mpf(10) ** -20
        start = [v + nudge * (names[j] == n) for j, v in enumerate(START)]
        w, inner = course(START, K, DT, 8)
        x, _ = course(start, K, DT, 8)
        y, _ = course(start, K, DT, 8, held=(place, w, inner))
        j = names.index(m)
        exact = [
            float(-mpmath.log(abs((x[i][j] - w[i][j]) / (y[i][j] - w[i][j])))) for i in range(1, 9)
        ]
    found = op(declared(), A=names[place], n=n[0], m=m, steps=8).values[1:]
    assert found == pytest.approx(exact, rel=1e-9, abs=1e-12)


def test_what_is_set_does_not_rise():
    """x' = y - x with y = 2 from step 1 on: the step of a linear equation with a constant."""
    x, y = variables("x y")
    system = System.from_ode({x: y - x, y: -y + x * y}, start={x: 0, y: 1}, dt=0.1, method="rodas4")
    alone = System.from_ode({x: k - x}, start={x: 0}, parameters={k: 2}, dt=0.1, method="rodas4")
    found = run(system.world(steps=6).do(y[:], 2)).x.values[0]
    assert found == pytest.approx(run(alone.world(steps=6)).x.values[0], rel=1e-14)


def test_a_gate_that_is_open_is_the_world_and_one_that_is_shut_the_clamp():
    W = declared().world(steps=8)
    X = W.perturb(a[0])

    def moved(world):
        return tangents(world, labels=["Y"]).c.values[0]

    assert moved(X.clamp(b, to=W, by=0)) == pytest.approx(moved(X), rel=1e-12)
    assert moved(X.clamp(b, to=W, by=1)) == pytest.approx(moved(X.clamp(b, to=W)), rel=1e-12)


@pytest.mark.parametrize(
    ("method", "order"), [("euler", 1), ("rk4", 4), ("dopri5", 5), ("rodas4", 4)]
)
def test_each_method_has_its_order(method, order):
    """With x = 1 + sin(t) and u = 2x: a forcing, an equation, and nothing stiff."""
    x, u = variables("x u")
    rate = {x: sympy.cos(time) + 2 * (1 + sympy.sin(time)) - u + (1 + sympy.sin(time) - x) ** 2}
    errors = []
    for dt in (0.1, 0.05):
        system = System.from_ode(rate, algebraic={u: 2 * x}, start={x: 1.5}, dt=dt, method=method)
        fine = System.from_ode(rate, algebraic={u: 2 * x}, start={x: 1.5}, dt=0.001, method="rk4")
        exact = run(fine.world(steps=1000), keep="last").x.item()
        found = run(system.world(steps=round(1 / dt)), keep="last").x.item()
        errors.append(abs(found - exact))
    assert np.log2(errors[0] / errors[1]) > order - 0.35


def test_the_table_of_dormand_and_prince_is_scipys():
    method, count = METHODS["dopri5"], 6
    rows = [[float(n) for n in row] for row in method.matrix]
    for row, others in zip(rows[:count], RK45.A, strict=True):
        assert row == pytest.approx(others[: len(row)], rel=1e-15)
    assert [float(w) for w in method.weights[:count]] == pytest.approx(RK45.B, rel=1e-15)
    assert [float(n) for n in method.nodes[:count]] == pytest.approx(RK45.C, rel=1e-15)
    assert [float(w) for w in method.off] == pytest.approx(-RK45.E, rel=1e-13)
    (share,) = method.along[0].free_symbols
    for theta in (0.2, 0.5, 1.0):
        powers = theta ** np.arange(1, 5)
        ours = [float(w.subs(share, theta)) for w in method.along]
        assert ours == pytest.approx(RK45.P @ powers, rel=1e-12)


def test_a_stiff_rate_is_followed_where_explicit_steps_explode():
    (x,) = variables("x")
    rate = {x: -1e6 * (x - sympy.cos(time))}
    stiff = System.from_ode(rate, start={x: 0}, dt=0.1, method="rodas4")
    last = run(stiff.world(steps=50), keep="last").x.item()
    # Of a large rate r the solution is cos(t) + sin(t)/r + O(1/r^2).
    assert last == pytest.approx(np.cos(5) + np.sin(5) / 1e6, abs=1e-7)


# What grows at a rate of 30 is far from its solution after a step of 0.25: it is that step's value.
@pytest.mark.filterwarnings("ignore:Steps of 0.25 are too long:RuntimeWarning")
@settings(max_examples=5, deadline=None)
@given(
    st.lists(st.sampled_from([0.0, 0.0, 1.0, -2.0, 30.0]), min_size=16, max_size=16),
    st.integers(0, 3),
)
def test_linear_steps_are_a_function_of_the_matrix(entries, held):
    """x' = J x: one step is R(hJ) x, with R the stability function of the method; in any order."""
    names = variables("x0 x1 x2 x3")
    J = np.array(entries).reshape(4, 4) - 20 * np.eye(4)
    system = System.from_ode(
        {v: sum(J[i, j] * w for j, w in enumerate(names)) for i, v in enumerate(names)},
        start=dict(zip(names, [1.0, 2.0, -1.0, 0.5], strict=True)),
        dt=0.25,
        method="rodas4",
    )
    h, one = 0.25, np.eye(4)
    M, rises = one - h * 0.25 * J, []
    y = np.array([1.0, 2.0, -1.0, 0.5])
    for i in range(6):
        at = y + sum((float(w) * r for w, r in zip(A[i], rises, strict=False)), np.zeros(4))
        before = sum((float(w) * r for w, r in zip(C[i], rises, strict=False)), np.zeros(4))
        rises.append(np.linalg.solve(M, 0.25 * (h * J @ at + before)))
    new = y + sum(float(w) * r for w, r in zip([*A[5], "1"], rises, strict=True))
    W = system.world(steps=1)
    found = run(W)
    ours = np.array([found[str(v)].values[0, 1] for v in names])
    assert ours == pytest.approx(new, rel=1e-10, abs=1e-10)
    # Held to itself a world is what it was, though the equations are solved in another order.
    same = run(W.clamp(names[held], to=W))
    again = np.array([same[str(v)].values[0, 1] for v in names])
    assert again == pytest.approx(ours, rel=1e-10, abs=1e-10)


def test_what_an_implicit_step_cannot_do_is_told():
    with pytest.raises(DeclarationError, match="uses a with a delay, and an implicit step keeps"):
        System.from_ode({a: -a.lag(0.1)}, start={a: 1}, dt=0.1, method="rodas4")
    with pytest.raises(DeclarationError, match="places inside of a step that are not kept"):
        System.from_ode({a: -a.lag(0.1)}, start={a: 1}, dt=0.1, method="dopri5")
    with pytest.raises(DeclarationError, match="an implicit method has none"):
        System.from_ode(
            {a: -a}, start={a: 1}, dt=0.1, method="rodas4", events=[Event(a < 0.5, {a: 1})]
        )
    W = declared().world(steps=4)
    X = W.perturb(a[0])
    with pytest.raises(QueryError, match="b is held in one world and c in another"):
        tangents(X.clamp(b, to=W), X.clamp(c, to=W), labels=["Y", "Z"])
    with pytest.raises(QueryError, match="rodas4 solves for all together"):
        every_n(declared(), A=b, m=c[4])
