"""Sweeps in which runs fail: what is masked, what is left as it is, and what is told."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import acos, log, sqrt

from causalopt import (
    Network,
    System,
    array,
    comp,
    function,
    noise,
    normal,
    op,
    parameter,
    run,
    tangents,
    variables,
)
from causalopt.backends.demand import NoParts
from causalopt.backends.interface import NotFinite
from causalopt.ground.errors import EvaluationError, QueryError, UndefinedError
from causalopt.ground.scaled import stacked
from causalopt.runs import masking
from causalopt.runs.masking import AllFailed
from causalopt.runs.simulation import Want, simulate
from causalopt.runs.sweeps import swept

x, y, z, r = *variables("x y z"), parameter("r")
GROWS = System({x: x**2 - y + r, y: y + x / 10}, start={x: 0.5, y: 0}, parameters={r: 0.1})
NARROW = Network({z: x, y: sqrt(x) - log(r) + z}, start={x: 4}, parameters={r: 2})


def alone(ask, points):
    """What each point gives by itself; None where it fails."""
    found = []
    for point in points:
        try:
            found.append(ask(over=[point]).isel(point=0))
        except (EvaluationError, NoParts):
            found.append(None)
    return found


def assert_masked(ask, points, rtol=1e-12):
    """A masked sweep is what its points are one by one."""
    expected = alone(ask, points)
    swept = ask(over=points, on_failure="mask")
    assert swept.failed.values.tolist() == [one is None for one in expected]
    for place, one in enumerate(expected):
        if one is not None:
            np.testing.assert_allclose(swept.isel(point=place), one, rtol=rtol)
    return swept


@pytest.mark.parametrize("backend", ["numpy", "numba", "jax"])
@settings(max_examples=15)
@given(
    # Of few lengths, for JAX compiles anew for each.
    st.sampled_from([1, 4, 9]).flatmap(
        lambda n: st.lists(st.tuples(st.floats(-3, 3), st.floats(-2, 2)), min_size=n, max_size=n)
    )
)
def test_masked_points_are_those_that_fail_alone(backend, pairs):
    points = [{x[0]: 0.1, r: 0.1}, *({x[0]: start, r: value} for start, value in pairs)]

    def ask(**options):
        return op(GROWS, y, x[0], x[:12], backend=backend, **options)

    assert_masked(ask, points, rtol=1e-9)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("count", [7, 64, 65, 700])
@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_many_points_in_tiles_of_compiled_code(backend, count):
    starts = np.linspace(-3, 3, count)
    points = [{x[0]: float(start)} for start in starts]
    swept = op(GROWS, y, x[0], x[11], over={x[0]: starts}, backend=backend, on_failure="mask")
    reference = [
        one is None for one in alone(lambda over: op(GROWS, y, x[0], x[11], over=over), points)
    ]
    assert swept.failed.values.tolist() == reference
    assert 0 < sum(reference) < count
    assert np.isnan(swept.values).tolist() == reference
    assert swept.failed.attrs["count"] == sum(reference)
    assert swept.attrs["undefined"] == 0


def test_the_reason_is_that_of_the_first_point():
    over = {x[0]: [0.1, 1e200, -1e200]}
    swept = op(GROWS, y, x[0], x[5], over=over, on_failure="mask")
    with pytest.raises(EvaluationError) as error:
        op(GROWS, y, x[0], x[5], over={x[0]: [1e200]})
    assert swept.failed.attrs == {"count": 2, "reason": str(error.value)}
    assert op(GROWS, y, x[0], x[5], over={x[0]: [0.1]}, on_failure="mask").failed.attrs == {
        "count": 0,
        "reason": "",
    }


@pytest.mark.sampled(3)
@pytest.mark.parametrize("backend", ["numpy", "numba", "jax"])
@pytest.mark.parametrize("asked", [sqrt(x), log(x), acos(x)])
def test_a_slope_is_not_blamed_for_a_value(asked, backend):
    system = System({x: x, y: asked + y}, start={x: 1, y: 0})
    W = system.world(steps=2)
    with pytest.raises(EvaluationError, match=r"y\[1\] is complex or undefined") as error:
        run(W, over={x[0]: [-4]}, backend=backend)
    moved = tangents(W.perturb(x[0]), over={x[0]: [-4, 0.5]}, on_failure="mask", backend=backend)
    assert moved.failed.attrs == {"count": 1, "reason": str(error.value)}


def test_a_vertical_slope_of_a_value_that_is_there_is_blamed():
    W = System({x: x, y: sqrt(x) + y}, start={x: 1, y: 0}).world(steps=2).perturb(x[0])
    moved = tangents(W, over={x[0]: [0, 1]}, on_failure="mask")
    assert "y[1] has no derivative by x" in moved.failed.attrs["reason"]


def test_a_network_and_a_derivative_that_is_not_there():
    points = [{x: value, r: other} for value in (-1, 0, 4) for other in (-2, 0, 2)]
    swept = assert_masked(lambda **options: comp(NARROW, z, x, y, **options), points)
    assert swept.failed.sum() == 8


def test_all_dims_of_a_grid():
    found = run(GROWS.world(steps=9), over={x[0]: [0.1, 50], r: [0.1, 0.2, 0.3]}, on_failure="mask")
    assert found.failed.dims == ("x[0]", "r")
    assert found.failed.values.tolist() == [[False] * 3, [True] * 3]
    for name in ("x", "y"):
        assert np.isfinite(found[name].isel({"x[0]": 0})).all()
        assert np.isnan(found[name].isel({"x[0]": 1})).all()
    W = GROWS.world(steps=9)
    moved = tangents(W.perturb(x[0]), over={x[0]: [0.1, 50]}, on_failure="mask")
    assert moved.failed.values.tolist() == [False, True]
    whole = tangents(W.perturb(x[0]), over={x[0]: [0.1]})
    np.testing.assert_array_equal(moved.x.isel({"x[0]": [0]}), whole.x)


def test_draws_keep_the_numbers_that_they_have_alone():
    e = noise("e", normal(0, 1))
    walk = System({x: x**2 / 2 + e}, start={x: 0})
    with pytest.raises(EvaluationError):
        run(walk.world(steps=14), draws=40)
    found = run(walk.world(steps=14), draws=40, on_failure="mask")
    assert 0 < found.failed.sum() < 40
    for chain in range(40):
        if found.failed[chain]:
            with pytest.raises(EvaluationError):
                run(walk.world(steps=14), draws=range(chain, chain + 1))
        else:
            one = run(walk.world(steps=14), draws=range(chain, chain + 1))
            np.testing.assert_array_equal(found.x.isel(draw=[chain]), one.x)


@pytest.mark.long
def test_steps_that_find_their_length():
    ode = System.from_ode(
        {x: x**2 - y, y: x - y}, start={x: 0.5, y: 0}, dt=0.5, method="dopri5", tolerance=1e-8
    )

    def ask(**options):
        return op(ode, y, x[0], x[4], **options)

    # Parts are shared by the points of a sweep, so that each is within the tolerance alone.
    assert_masked(ask, [{x[0]: 0.2}, {x[0]: 30.0}, {x[0]: 0.3}], rtol=1e-5)


def test_what_is_assumed_of_a_symbol_is_masked_too():
    (p,) = variables("p", positive=True)
    decay = System({p: p - r}, start={p: 1}, parameters={r: 0.1})
    found = run(decay.world(steps=3), over={r: [0.1, 0.5]}, on_failure="mask")
    assert found.failed.values.tolist() == [False, True]
    assert "is assumed to be positive" in found.failed.attrs["reason"]


@pytest.mark.parametrize("backend", ["numpy", "numba", "jax"])
def test_a_parameter_that_follows_to_no_number_is_masked(backend):
    gain, rate = parameter("gain"), parameter("rate", positive=True)
    values = {r: 1, gain: 1 / r, rate: gain + 1}
    follows = System({x: x * gain, y: y * rate}, start={x: 1, y: 1}, parameters=values)
    points = {r: [1.0, 0.0, 2.0, -0.5, 4.0]}
    found = run(follows.world(steps=3), over=points, on_failure="mask", backend=backend)
    assert found.failed.values.tolist() == [False, True, False, True, False]
    assert found.failed.attrs["count"] == 2
    assert found.failed.attrs["reason"] == "gain = 1/r is no finite real number where r = 0."
    np.testing.assert_allclose(found.x[0, -1], [1, np.nan, 1 / 8, np.nan, 1 / 64], rtol=1e-14)
    strays = run(follows.world(steps=3), over={r: [1, -0.5]}, on_failure="mask", backend=backend)
    assert strays.failed.attrs["reason"] == (
        "rate = gain + 1 is -1 where r = -0.5, and is assumed to be positive."
    )
    told = op(follows, y, x[0], x[3], over=points, on_failure="mask", backend=backend)
    assert told.failed.values.tolist() == found.failed.values.tolist()
    with pytest.raises(AllFailed, match="gain = 1/r is no finite real number where r = 0"):
        run(follows.world(steps=3), over={r: [0, -0.5]}, on_failure="mask", backend=backend)


def test_a_parameter_that_no_run_reads_fails_nowhere():
    size = parameter("size")
    values = {size: 1, r: 1 / size}
    unread = System({x: -x}, start={x: 1}, parameters=values).world(steps=2)
    read = System({x: -r * x}, start={x: 1}, parameters=values).world(steps=2)
    failed = [run(W, over={size: [1, 0]}, on_failure="mask").failed.values for W in (unread, read)]
    assert np.array_equal(failed, [[False, False], [False, True]])


def test_arrays():
    h, A = array("h", 3), variables("A")[0]
    bends = function(lambda h, r, A: h**2 * r + A)
    rules = {h: bends(h, r, A), A: A}
    system = System(rules, start={h: [0.5, 0.4, 0.3], A: 0}, parameters={r: 1})
    found = op(
        system, A, h[0], h[8], reduce="volume", over={r: [1.0, 1e250, 0.5]}, on_failure="mask"
    )
    alone = op(system, A, h[0], h[8], reduce="volume", over={r: [1.0, 0.5]})
    assert found.failed.values.tolist() == [False, True, False]
    np.testing.assert_array_equal(found.values[[0, 2]], alone.values)
    assert found.attrs["below_rounding"] == alone.attrs["below_rounding"]


def test_where_all_fail_there_is_only_why():
    with pytest.raises(EvaluationError, match=r"x\[1\] is infinite .* where x\[0\] = 1e\+200"):
        op(GROWS, y, x[0], x[5], over={x[0]: [1e200, -1e200]}, on_failure="mask")
    # Of the first point, though the other one leaves the numbers before it.
    with pytest.raises(AllFailed, match=r"where x\[0\] = 1e\+40") as told:
        op(GROWS, y, x[0], x[5], over={x[0]: [1e40, 1e200]}, on_failure="mask")
    assert told.value.points == 2


def test_undefined_and_masked_are_told_apart():
    found = op(GROWS, y, x[0], x[5], over={x[0]: [0.1, 1e200]}, on_failure="mask")
    assert found.attrs["undefined"] == 0
    # Where the square is flat nothing moves, neither in X nor in Y.
    flat = System({x: x**2, y: y + x}, start={x: 0.5, y: 0})
    found = op(flat, y, x[0], x[5], over={x[0]: [0, 1e200]}, on_failure="mask")
    assert np.isnan(found.values).all()
    assert found.attrs["undefined"] == 1
    assert found.failed.values.tolist() == [False, True]


@pytest.mark.parametrize("wanted", ["skip", None, True, "Mask"])
def test_what_cannot_be_done_on_failure_is_told(wanted):
    with pytest.raises(QueryError, match='write "raise" or "mask"'):
        op(GROWS, y, x[0], x[5], over={x[0]: [1, 2]}, on_failure=wanted)


def test_without_a_sweep_there_is_nothing_to_mask():
    for ask in (
        lambda: op(GROWS, y, x[0], x[5], on_failure="mask"),
        lambda: run(GROWS.world(steps=2), on_failure="mask"),
    ):
        with pytest.raises(QueryError, match="nothing is swept"):
            ask()


def test_it_is_asked_again_about_as_often_as_failures_are_grouped(monkeypatch):
    """Whoever names all that fail is asked few times; whoever names one, twice a halving."""
    asked = []

    def compute(sweep, in_words):
        values = sweep.inputs()[next(iter(sweep.inputs()))]
        asked.append(len(values))
        lost = np.flatnonzero(values > 900)
        if lost.size:
            raise UndefinedError("beyond 900", lost[:named].tolist())
        return values

    system = System({x: x}, start={x: 0})
    sweep = masking_sweep(system, np.arange(1000.0))
    named = 1000
    found = masking.computed(sweep, compute, "mask")
    assert found.failed.sum() == 99
    assert len(asked) == 3  # all, those that are left, and the first that failed, for its words
    asked.clear()
    named = 1
    np.testing.assert_array_equal(masking.computed(sweep, compute, "mask").failed, found.failed)
    assert len(asked) < 2 * 99 + 2 * np.log2(1000)


def masking_sweep(system, values):
    return swept(system, {x[0]: values})


def test_backends_name_all_points_that_they_know():
    W = GROWS.world(steps=3)
    sweep = masking_sweep(GROWS, np.array([0.1, 1e200, 0.2, -1e200]))
    for backend in ("numpy", "numba"):
        with pytest.raises(UndefinedError) as error:
            simulate([Want(W, x)], range(4), sweep, backend, stacked, in_words=False)
        assert list(error.value.points) == [1, 3]
    assert NotFinite((0,), 1, 5, 1.0).points.tolist() == [5]
