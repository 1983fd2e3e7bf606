"""A sweep over one point: the numbers of the same call without it, at the price of that."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import System, noise, normal, op, parameters, run, series, variables
from causalopt.backends import BACKENDS
from causalopt.ground.errors import EvaluationError
from causalopt.ground.scaled import stacked
from causalopt.runs.simulation import Want, simulate
from causalopt.runs.sweeps import swept

T, R = variables("T R")
k, d = parameters("k d")
a, b, c = variables("a b c")
sigma, rho, beta = parameters("sigma rho beta")


def room(fall: float = 0.01) -> System:
    return System({T: R - d, R: R - k * T}, start={T: 10, R: 35}, parameters={k: fall, d: 25})


def lorenz(at: float = 28.0, start: float = 1.0) -> System:
    return System.from_ode(
        {a: sigma * (b - a), b: a * (rho - c) - b, c: a * b - beta * c},
        start={a: start, b: 1, c: 1},
        parameters={sigma: 10, rho: at, beta: 8 / 3},
        dt=0.01,
    )


@pytest.fixture
def points_run(monkeypatch) -> list[int | None]:
    """How many points each run has been asked for, None for numbers."""
    asked: list[int | None] = []
    kind = type(BACKENDS["numpy"])
    loop = kind.loop

    def noted(self, plan, inputs, recorded, points):
        asked.append(points)
        return loop(self, plan, inputs, recorded, points)

    monkeypatch.setattr(kind, "loop", noted)
    return asked


@settings(deadline=None, max_examples=20)
@given(st.floats(0.001, 0.9))
def test_a_room_at_one_point_is_the_room_declared_so(fall):
    asked = {"A": T, "n": R[0], "m": R, "steps": 300}
    alone = op(room(), **asked, over={k: [fall]})
    np.testing.assert_array_equal(alone.values[:, 0], op(room(fall), **asked).values)
    among = op(room(), **asked, over={k: [0.5, fall]})
    np.testing.assert_array_equal(alone.values[:, 0], among.values[:, 1])


# So long that tangents leave one scale, and are taken band by band.
@pytest.mark.parametrize(("at", "start"), [(28.0, 1.0), (14.0, 2.5), (0.5, 1.0)])
def test_lorenz_at_one_point_is_lorenz_declared_so(at, start):
    asked = {"A": a, "n": b[0], "m": b, "steps": 3000, "backend": "numpy"}
    alone = op(lorenz(), **asked, over={rho: [at], a[0]: [start]})
    assert alone.dims == ("time", "rho", "a[0]")
    np.testing.assert_array_equal(alone.values[:, 0, 0], op(lorenz(at, start), **asked).values)
    among = op(lorenz(), **asked, over={rho: [20.0, at], a[0]: [start]})
    np.testing.assert_array_equal(alone.values[:, 0, 0], among.values[:, 1, 0])


def test_a_point_of_sums_and_products_is_run_in_numbers(points_run):
    op(room(), A=T, n=R[0], m=R[5], over={k: [0.1]})
    op(room(), A=T, n=R[0], m=R[5], over=[{k: 0.1, R[0]: 20}])
    assert points_run == [None, None]
    op(room(), A=T, n=R[0], m=R[5], over={k: [0.1, 0.2]})
    assert points_run[-1] == 2


def test_powers_are_run_as_they_are_at_many_points(points_run):
    squared = System({a: k * a**2}, start={a: 1.05}, parameters={k: 0.9})
    one = run(squared.world(steps=40), over={k: [0.91]}).a.values
    two = run(squared.world(steps=40), over={k: [0.91, 0.5]}).a.values
    assert points_run == [1, 2]
    np.testing.assert_array_equal(one[..., 0], two[..., 0])


def shaken(fall: float = 0.9) -> System:
    return System(
        {a: k * a + noise("e", normal(0, 1)), b: b / 2 + a * series("u", np.arange(40.0))},
        start={a: 1, b: 0},
        parameters={k: fall},
    )


def test_a_point_of_a_system_with_noise_is_run_in_numbers_and_has_its_draws(points_run):
    for backend in ("numpy", "numba"):
        asked = {"backend": backend}
        one = run(shaken().world(steps=40), over={k: [0.8]}, **asked)
        two = run(shaken().world(steps=40), over={k: [0.8, 0.5]}, **asked)
        declared = run(shaken(0.8).world(steps=40), **asked)
        drawn = run(shaken(0.8).world(steps=40), draws=1, **asked)
        assert one.a.dims == ("world", "time", "k")
        for name in "ab":
            np.testing.assert_array_equal(one[name].values[..., 0], two[name].values[..., 0])
            np.testing.assert_array_equal(one[name].values[..., 0], declared[name].values)
            np.testing.assert_array_equal(drawn[name].values[..., 0], declared[name].values)
    assert points_run == [None, 2, None, None]


def test_a_single_point_of_a_later_chain_keeps_the_draws_of_that_chain(points_run):
    world = shaken().world(steps=40)
    sweep = swept(world.model, {k: [0.8]}, 5, list(world.noises))
    wants = [Want(world, a)]
    every = simulate(wants, range(41), sweep, "numpy", stacked)
    for chain in range(5):
        alone = simulate(wants, range(41), sweep.only(chain), "numpy", stacked)
        np.testing.assert_array_equal(alone.ravel(), every.reshape(41, 5)[:, chain])
    assert points_run == [5, None, 1, 1, 1, 1]


def test_what_is_not_finite_is_told_with_its_point():
    grows = System({a: k * a}, start={a: 1e300}, parameters={k: 1})
    with pytest.raises(EvaluationError, match=r"where k = 1e\+09"):
        run(grows.world(steps=3), over={k: [1e9]})
