"""Large blocks group by group: what they give is what each assignment gives by itself."""

import mpmath
import numpy as np
import pytest
import sympy as sp

from causalopt import Event, System, op, parameter, run, variables
from causalopt.backends.functions import Gathered, compiled
from causalopt.plan import single_form
from tests.backends.cases import BY_NAME

COUNT = 12
x = variables(" ".join(f"x{i:02}" for i in range(COUNT)))
k = parameter("k")


def pulled(i):
    """A long rate, alike for all but the numbers in it; every third one is another function."""
    function = (sp.sin, sp.tanh, sp.atan)[i % 3]
    pulls = (function((0.2 + 0.01 * i) * (b - x[i])) for b in x if b != x[i])
    return 0.9 * x[i] + k * sp.Add(*pulls)


SYSTEM = System(
    {a: pulled(i) for i, a in enumerate(x)},
    start={a: i / 5 - 1 for i, a in enumerate(x)},
    parameters={k: 0.125},
)


def exact(steps, coupling, begin):
    """The states in 40 digits, step by step, written without sympy."""
    functions = (mpmath.sin, mpmath.tanh, mpmath.atan)
    state = list(begin)
    for _ in range(steps):
        state = [
            mpmath.mpf(0.9) * own
            + coupling
            * mpmath.fsum(
                functions[i % 3](mpmath.mpf(0.2 + 0.01 * i) * (b - own))
                for j, b in enumerate(state)
                if j != i
            )
            for i, own in enumerate(state)
        ]
    return state


@pytest.mark.parametrize("backend", BY_NAME)
def test_values_are_those_of_forty_digits(backend):
    found = run(SYSTEM.world(steps=4), over={k: [0.125, 0.5]}, backend=backend)
    with mpmath.workdps(40):
        for place, coupling in enumerate((0.125, 0.5)):
            begin = [mpmath.mpf(i / 5 - 1) for i in range(COUNT)]
            expected = [float(v) for v in exact(4, mpmath.mpf(coupling), begin)]
            values = [found[str(a)].isel(time=4, k=place).item() for a in x]
            np.testing.assert_allclose(values, expected, rtol=1e-13)


@pytest.mark.parametrize("backend", BY_NAME)
def test_op_is_that_of_differences_in_forty_digits(backend):
    """Of the first variable on the third, nothing held: the two tangents are one and the same."""
    held = op(SYSTEM, A=x[5], n=x[0][0], m=x[2][3], backend=backend).item()
    with mpmath.workdps(40):
        step = mpmath.mpf(10) ** -15

        def moved(by, is_held):
            begin = [mpmath.mpf(i / 5 - 1) for i in range(COUNT)]
            plain, state = begin, [begin[0] + by, *begin[1:]]
            for _ in range(3):
                plain, state = (exact(1, mpmath.mpf(0.125), s) for s in (plain, state))
                if is_held:
                    state[5] = plain[5]
            return state[2]

        free, fixed = (
            (moved(step, is_held) - moved(-step, is_held)) / (2 * step) for is_held in (False, True)
        )
        expected = float(mpmath.log(fixed / free))
    assert held == pytest.approx(expected, rel=1e-11, abs=0)


def large(count):
    """A block of many assignments of a few kinds, each of which uses some before it."""
    s = sp.symbols(f"s:{count}", real=True)
    n = sp.symbols(f"n:{count}", real=True)
    raw = {}
    for i, symbol in enumerate(n):
        former = n[i - 40] if i >= 40 else s[i - 1]
        raw[symbol] = (
            sp.Piecewise((0.5 * former + i / 8, former > s[i]), (sp.Max(former, s[i]) ** 2, True)),
            sp.sin(former) * s[i] - 0.75 * s[i - 2],
            former / (3 + s[i] ** 2) + 2,
        )[i % 3]
    return single_form(s, raw, [*n[-50:], n[3] + 1, sp.Integer(7)]), s


@pytest.mark.parametrize("shape", [(), (5,)])
def test_groups_give_what_the_written_function_gives(shape):
    block, s = large(160)
    groups = compiled(block)
    assert isinstance(groups, Gathered)
    assert len(groups.groups.groups) < 40
    alone = sp.lambdify(
        s, list(block.results), "numpy", cse=lambda _: (list(block.assignments), [*block.results])
    )
    draw = np.random.default_rng(4)
    given = [draw.normal(size=shape) if i % 4 else np.float64(0.5) for i in range(160)]
    for found, expected in zip(groups(*given), alone(*given), strict=True):
        np.testing.assert_allclose(found, np.broadcast_to(expected, shape), rtol=1e-14)


def test_what_is_small_or_unlike_is_written_as_one_function():
    assert not isinstance(compiled(large(60)[0]), Gathered)
    s = sp.symbols("s:120", real=True)
    unlike = [s[i] * sp.cos(s[i] ** (i + 2)) for i in range(120)]
    raw = {sp.Symbol(f"n{i}", real=True): formula for i, formula in enumerate(unlike)}
    block = single_form(s, raw, list(raw))
    assert len(block.assignments) >= 100
    assert not isinstance(compiled(block), Gathered)


@pytest.mark.parametrize("backend", BY_NAME)
def test_a_large_block_may_hold_events(backend):
    """Clocks of many speeds; three are set back within a step, which is found by halving."""
    c = variables(" ".join(f"c{i:02}" for i in range(40)))
    speed = [1 + i / 40 for i in range(40)]
    clocks = System.from_ode(
        {a: sp.Float(v) for a, v in zip(c, speed, strict=True)},
        start=dict.fromkeys(c, 0), dt=0.1, method="rk4",
        events=[Event(c[i] > 1.03, {c[i]: 0}) for i in (1, 20, 30)],
    )  # fmt: skip
    found = run(clocks.world(steps=11), backend=backend)
    for i, (a, v) in enumerate(zip(c, speed, strict=True)):
        exact = 1.1 * v - (1.03 if i in (1, 20, 30) else 0)
        assert found[str(a)].isel(time=11).item() == pytest.approx(exact, rel=1e-11, abs=0)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("backend", BY_NAME)
def test_a_large_block_may_hold_circles_of_equations(backend):
    """v = b - v^3 at each moment, whose one root is Cardano's."""
    b = variables(" ".join(f"b{i:02}" for i in range(24)))
    v = variables(" ".join(f"v{i:02}" for i in range(24)))
    system = System.from_ode(
        dict.fromkeys(b, sp.Integer(1)), algebraic={w: a - w**3 for a, w in zip(b, v, strict=True)},
        newton=dict.fromkeys(v, 0.5), start={a: i / 24 for i, a in enumerate(b)},
        dt=0.1, method="rk4",
    )  # fmt: skip
    found = run(system.world(steps=10), backend=backend)
    for i, w in enumerate(v):
        half = (1 + i / 24) / 2
        root = np.cbrt(half + np.sqrt(half**2 + 1 / 27)) + np.cbrt(half - np.sqrt(half**2 + 1 / 27))
        assert found[str(w)].isel(time=10).item() == pytest.approx(root, rel=1e-13, abs=0)
