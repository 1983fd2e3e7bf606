"""A point has the same digits whichever other points of a sweep it is computed with."""

import numpy as np
import pytest
import sympy as sp

from causalopt import System, comp, noise, normal, op, parameters, run, variables
from causalopt.backends.auto import as_part

x, y = variables("x y")
k, d = parameters("k d")
e = noise("e", normal(0, 1))
VALUES = np.linspace(0.5, 1.5, 53)
# One point, what is less than a tile and what is not, and a last part that is left over.
SIZES = (1, 3, 7, 8, 9, 32)


def functions():
    """Every kind of function that a step may have, two of them with branches."""
    return System(
        {
            x: sp.sin(x * k) + sp.exp(-(y**2)) + sp.tanh(y.next / 3) + sp.log(1 + x**2) * d,
            y: sp.Abs(x) ** sp.Rational(3, 2) / 3 - sp.cos(y) / d + k**x / 7 + sp.erf(x) / 9,
        },
        start={x: 0.3, y: 0.7},
        parameters={k: 0.9, d: 1.3},
    )


def rates():
    """A method of order four, whose tangents grow."""
    return System.from_ode(
        {x: y - x**3 / 3 + sp.sin(x), y: -k * x - d * y + sp.exp(-(x**2))},
        start={x: 1, y: 0.2},
        parameters={k: 0.8, d: 0.3},
        dt=0.05,
        method="rk4",
    )


def shrinking():
    """Tangents that lose a power of two at each step, another one at each point."""
    return System({x: k * x / 9 + y / 50, y: x / 70 + y / 300}, start={x: 1, y: 2},
                  parameters={k: 0.8})  # fmt: skip


def noisy():
    """The same draws at all points."""
    return System({x: sp.tanh(k * x + y) + e / 10, y: y / 2 + x / 4 + sp.sin(e)},
                  start={x: 1, y: 0}, parameters={k: 0.5})  # fmt: skip


def in_parts(ask, values, size):
    parts = [ask(values[low : low + size]) for low in range(0, len(values), size)]
    return np.concatenate(parts, axis=-1)


ASKED = {
    "op": lambda s, v, b: op(s, A=y, n=x[0], m=x, steps=60, over={k: v}, backend=b).values,
    "comp": lambda s, v, b: comp(s, A=y, n=x[0], m=x, steps=60, over={k: v}, backend=b).values,
    "run": lambda s, v, b: run(s.world(60).perturb(x[0], by=0.1), over={k: v}, backend=b).x.values,
}


@pytest.mark.sampled(5)
@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("system", [functions, rates, shrinking, noisy])
def test_digits_do_not_depend_on_the_other_points(system, asked, backend):
    made, ask = system(), ASKED[asked]
    whole = ask(made, VALUES, backend)
    assert np.isfinite(whole).all()
    for size in SIZES:
        found = in_parts(lambda part: ask(made, part, backend), VALUES, size)
        assert np.array_equal(found, whole), size


def test_a_part_has_the_backend_that_the_whole_would_have():
    made, values = functions(), np.linspace(0.5, 1.5, 200_000)[:40]

    def ask(backend):
        return run(made.world(60), over={k: values}, backend=backend).x.values

    compiled, reference = ask("numba"), ask("numpy")
    assert not np.array_equal(compiled, reference)  # else nothing would be told apart here
    assert np.array_equal(ask("auto"), reference)
    with as_part(len(values), 200_000):
        assert np.array_equal(ask("auto"), compiled)
        assert np.array_equal(ask("numpy"), reference)
        # Another run in between is a whole of its own.
        alone = run(made.world(60), over={k: values[:7]}, backend="auto").x.values
        assert np.array_equal(alone, reference[..., :7])
    assert np.array_equal(ask("auto"), reference)


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_digits_do_not_depend_on_the_other_draws(backend):
    made = noisy()

    def ask(draws):
        return op(made, A=y, n=x[0], m=x, steps=60, draws=draws, backend=backend).values

    whole = ask(range(50))
    for size in SIZES:
        assert np.array_equal(in_parts(ask, range(50), size), whole), size
