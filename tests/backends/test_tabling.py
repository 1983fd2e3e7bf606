"""Compiled loops of large blocks: NumPy's digits, and exact rationals where tangents grow."""

import math
from fractions import Fraction

import numpy as np
import pytest

from causalopt import System, noise, normal, op, parameter, run, tangents, variables
from causalopt.backends import advancing, tabling
from causalopt.ground.errors import EvaluationError

COUNT = 36
x = variables(" ".join(f"x{i:02}" for i in range(COUNT)))
k = parameter("k")
ONE, FEW, TILES = [0.125], [0.1, 0.125], np.linspace(0.05, 0.15, 130)


@pytest.fixture
def written(monkeypatch):
    """Which loops of large blocks are written, by name, as they are compiled."""
    names = []

    def told(name, write):
        def writes(*given):
            names.append(name)
            return write(*given)

        return writes

    loops = {
        name: (small, told(name, getattr(tabling, name)), signature)
        for name, (small, _, signature) in advancing._LOOPS.items()
    }
    monkeypatch.setattr(advancing, "_LOOPS", loops)
    advancing.loop_of.cache_clear()
    return names


def ring(rule, start=lambda i: (i % 7) / 8, **said):
    """A system each of whose variables follows one rule, of itself and its neighbours."""
    rules = {a: rule(x[i - 1], a, x[(i + 1) % COUNT], i) for i, a in enumerate(x)}
    return System(rules, start={a: start(i) for i, a in enumerate(x)}, **said)


e = noise("e", normal(0, 0.25))
RINGS = {
    "plain": ring(lambda p, a, q, i: a / 2 + k * (p - a) * q + i / 64, parameters={k: 0.125}),
    "noisy": ring(
        lambda p, a, q, i: a / 2 + k * (p - a) * q + e * (0.05 + 0.01 * i), parameters={k: 0.125}
    ),
    "late": ring(
        lambda p, a, q, i: a / 2 + k * (p.lag(4) - q) * a + i / 64,
        parameters={k: 0.125},
        history=dict.fromkeys(x, 0.25),
    ),
}


@pytest.mark.parametrize("values", [ONE, FEW, TILES], ids=["one", "few", "tiles"])
@pytest.mark.parametrize("name", RINGS)
def test_digits_are_those_of_numpy(name, values, written):
    # So few steps that no tangent is taken by itself, where sums are rounded in another order.
    W = RINGS[name].world(steps=6, seed=3)
    X = W.perturb(x[3][0])
    Y = X.clamp([x[4], x[9]], to=W)
    for found in (run, tangents):
        compiled, reference = (
            found(X, Y, over={k: values}, backend=backend) for backend in ("numba", "numpy")
        )
        for variable in map(str, x):
            np.testing.assert_array_equal(compiled[variable], reference[variable])
    assert "wide" in written if len(values) > 8 else "narrow" in written


@pytest.mark.parametrize("chains", [3, 70])
def test_draws_are_those_of_numpy(chains, written):
    W = RINGS["noisy"].world(steps=12)
    X = W.perturb(x[3][0], by=0.25)
    worlds = W, X, X.clamp(x[4], to=W)
    compiled, reference = (run(*worlds, draws=chains, backend=b) for b in ("numba", "numpy"))
    for variable in map(str, x):
        np.testing.assert_array_equal(compiled[variable], reference[variable])
    assert written


def exact_op(weights, held, m, steps):
    """Op in rationals: of a linear ring, the first variable nudged; ``weights`` of p, a and q."""

    def moved(is_held):
        state = [Fraction(int(i == 0)) for i in range(COUNT)]
        for _ in range(steps):
            state = [
                Fraction(0)
                if is_held and i == held
                else sum(
                    w * state[(i + shift) % COUNT]
                    for w, shift in zip(weights(i), (-1, 0, 1), strict=True)
                )
                for i in range(COUNT)
            ]
        return state[m]

    ratio = moved(True) / moved(False)
    return math.log(abs(ratio.numerator)) - math.log(abs(ratio.denominator))


def grows(i):
    return Fraction(1), Fraction(3), Fraction(1, 2)


def falls_apart(i):
    return Fraction(1, 2**30), Fraction(4) if i < 4 else Fraction(1, 64), Fraction(1, 2**30)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("values", [[0.0], np.zeros(70)], ids=["one", "tiles"])
@pytest.mark.parametrize(
    ("weights", "steps", "loop"), [(grows, 900, ""), (falls_apart, 250, "banded")]
)
def test_tangents_beyond_the_range_of_floats_are_exact(weights, steps, loop, values, written):
    """At rest where all is 0: the tangents alone move, by 5^900, or by 4^250 beside 64^-250."""
    linear = ring(
        lambda p, a, q, i: sum(
            float(w) * b for w, b in zip(weights(i), (p, a, q), strict=True)
        ) + k * a * p * q,
        start=lambda i: 0,
        parameters={k: 1},
    )  # fmt: skip
    over = {x[7][0]: values}
    found = op(linear, x[2], x[0][0], x[20][steps], over=over, backend="numba").values
    expected = exact_op(weights, 2, 20, steps)
    np.testing.assert_allclose(found, expected, rtol=1e-11)
    assert written
    assert not loop or loop in written


@pytest.mark.parametrize("count", [1, 70])
def test_a_run_that_ends_is_told_as_numpy_tells_it(count):
    grown = ring(lambda p, a, q, i: a**2 + k * p * q, parameters={k: 0.125})
    starts = np.linspace(0.5, 3.0, count + 1)[1:]
    told = []
    for backend in ("numba", "numpy"):
        with pytest.raises(EvaluationError) as error:
            run(grown.world(steps=40), over={x[5][0]: starts}, backend=backend)
        told.append(str(error.value))
    assert told[0] == told[1]


def test_what_is_written_grows_by_rows_of_numbers_and_not_by_lines(monkeypatch):
    lines = {}

    def kept(groups, shape, slots):
        source = tabling.narrow(groups, shape, slots)
        lines[slots] = source.count("\n")
        return source

    small, _, signature = advancing._LOOPS["narrow"]
    monkeypatch.setitem(advancing._LOOPS, "narrow", (small, kept, signature))
    advancing.loop_of.cache_clear()
    for count in (36, 108):
        y = variables(" ".join(f"y{i:03}" for i in range(count)))
        rules = {a: a / 2 + y[i - 1] * y[(i + 1) % count] / 8 for i, a in enumerate(y)}
        system = System(rules, start={a: i / count for i, a in enumerate(y)})
        op(system, y[2], y[0][0], y[4][9], backend="numba")
    (few, short), (many, long) = sorted(lines.items())
    assert many > 2 * few
    assert long < short + 20
