"""Parameters and starts that follow from others, by formulas; laws of chance with formulas."""

import math

import numpy as np
import pytest
import scipy.stats
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import (
    DeclarationError,
    EvaluationError,
    Gaussian,
    Network,
    QueryError,
    System,
    choice,
    finite,
    noise,
    normal,
    op,
    parameter,
    parameters,
    run,
    table,
    time,
    uniform,
    variables,
)

x, y = variables("x y")
k, d, g = parameters("k d g")
BACKENDS = ("numpy", "numba")


def decay():
    return System({x: x * g}, start={x: 2 * d + 1}, parameters={g: sp.exp(-k), k: 0.5, d: 3})


def test_values_follow():
    assert decay().parameter_values == {g: pytest.approx(math.exp(-0.5)), k: 0.5, d: 3}
    assert decay().start_values == {x: 7}
    other = decay().with_parameters({k: 2, d: 0})
    assert other.parameter_values[g] == pytest.approx(math.exp(-2))
    assert other.start_values == {x: 1}
    # What is given a number follows no longer.
    assert other.with_parameters({g: 0.25}).parameter_values[g] == 0.25
    assert other.with_start({x: 9}).start_values == {x: 9}
    assert decay().with_parameters({k: d / 6}).parameter_values == decay().parameter_values
    assert decay() == decay().with_parameters({})
    assert decay() != decay().with_parameters({g: math.exp(-0.5)})


@pytest.mark.parametrize("backend", BACKENDS)
@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(-3, 3), min_size=1, max_size=4), st.floats(-5, 5))
def test_a_sweep_moves_what_follows(backend, rates, height):
    found = run(decay().world(steps=4), over={k: rates, d: [height]}, backend=backend).x
    for place, rate in enumerate(rates):
        expected = [(2 * height + 1) * math.exp(-rate) ** i for i in range(5)]
        np.testing.assert_allclose(found.values[0, :, place, 0], expected, rtol=1e-12, atol=1e-300)
        alone = run(decay().with_parameters({k: rate, d: height}).world(steps=4), backend=backend)
        np.testing.assert_array_equal(alone.x.values[0], found.values[0, :, place, 0])


def test_what_follows_can_be_swept_itself():
    found = run(decay().world(steps=1), over={g: [0.5, 2]}).x.values[0, 1]
    np.testing.assert_array_equal(found, [3.5, 14])


def test_a_network_follows_too():
    network = Network({y: g * x}, start={x: k + 1}, parameters={k: 3, g: k**2})
    assert run(network.world()).value.sel(node="y").item() == 36
    np.testing.assert_array_equal(run(network.world(), over={k: [1, 2]}).value[0, 1], [2, 12])
    flat = run(decay().unroll(2).world(), over={k: [1.0], d: [0.0]}).value.values.ravel()
    np.testing.assert_allclose(flat, [1, math.exp(-1), math.exp(-2)])


def test_a_start_follows_from_other_starts():
    """y starts where x does: a nudge of x[0] moves y[0], unless y is held there."""
    system = System({x: x / 2, y: y + x}, start={x: 3, y: x**2})
    X = system.world(steps=1).perturb(x[0], by=1)
    assert run(X).y.values[0].tolist() == [16, 20]
    assert run(X.clamp(y[:1], to=system.world(steps=1))).y.values[0].tolist() == [9, 13]
    assert op(system, A=y[:1], n=x[0], m=y[1]).item() == pytest.approx(-math.log(7))
    assert run(system.world(steps=1), over={x[0]: [1, 2]}).y.values[0, 0].tolist() == [1, 4]


def test_a_derivative_that_reads_0_over_0_at_the_start_is_a_limit():
    v, w, speed = variables("v w speed")
    system = System(
        {v: v, w: w, speed: speed}, start={v: 0, w: 0, speed: v + v * sp.sqrt(v**2 + w**2)}
    )
    for backend in BACKENDS:
        found = op(system, A=w, n=v[0], m=speed[0], backend=backend)
        assert found.item() == 0
        over = op(system, A=w, n=v[0], m=speed[0], over={w[0]: [0, 1]}, backend=backend)
        np.testing.assert_array_equal(over, [0, 0])
    bent = System({v: v, speed: speed}, start={v: 0, speed: sp.sqrt(v)})
    with pytest.raises(EvaluationError, match=r"speed\[0\] has no derivative by v"):
        op(bent, A=speed[1:], n=v[0], m=speed[0], steps=1)


REFUSED = {
    "a circle of parameters": (lambda: with_values({k: d, d: k + 1}), "k -> d -> k"),
    "itself": (lambda: with_values({k: k}), "k -> k"),
    "a parameter that is not there": (lambda: with_values({k: d}), "d is none of the parameters"),
    "a variable": (lambda: with_values({k: x}), "x is none of the parameters"),
    "a pole": (lambda: with_values({k: 1 / d, d: 0}), "no finite real number at d = 0"),
    "a root of -1": (lambda: with_values({k: sp.sqrt(d), d: -1}), "no finite real number"),
    "an overflow": (lambda: with_values({k: sp.exp(d), d: 1e6}), "no finite real number"),
    "text": (lambda: with_values({k: "d", d: 1}), "write a finite real number"),
    "an assumption": (
        lambda: with_values({(p := parameter("p", positive=True)): -d, d: 1, k: p}),
        "assumed to be positive",
    ),
    "a circle of starts": (lambda: System({x: x, y: y}, start={x: y, y: x}), "x -> y -> x"),
    "time in a start": (lambda: System({x: x}, start={x: time}), "t is none of the variables"),
    "noise in a start": (
        lambda: System({x: x}, start={x: noise("e", normal())}), "e is none of the variables",
    ),
    "the next step in a start": (lambda: System({x: x}, start={x: x.next}), "x.next is none"),
    "a formula for a name": (
        lambda: System({(f := finite("f", ["a", "b"])): f, x: x}, start={f: x, x: 0}),
        "takes named values",
    ),
}  # fmt: skip


def with_values(values):
    return System({x: k * x}, start={x: 1}, parameters=values)


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_follow_says_so(case):
    ask, told = REFUSED[case]
    with pytest.raises(DeclarationError, match=told):
        ask()


def test_a_sweep_to_where_nothing_follows_says_so():
    pole = with_values({k: 1 / d, d: 1}).world(steps=2)
    with pytest.raises(QueryError, match=r"k = 1/d is no finite real number where d = 0"):
        run(pole, over={d: [1, 0]})
    p = parameter("p", positive=True)
    with pytest.raises(QueryError, match="p = d is -1 where d = -1, and is assumed to be positive"):
        run(with_values({k: p, p: d, d: 1}).world(steps=2), over={d: [1, -1]})
    start = System({x: x}, start={x: 1 / d}, parameters={d: 1}).world(steps=2)
    with pytest.raises(EvaluationError, match=r"x\[0\] is infinite .* where d = 0.*1/d"):
        run(start, over={d: [1, 0]})
    step = System.from_ode({x: -x}, start={x: 1}, parameters={k: d / 10, d: 1}, dt=k)
    with pytest.raises(QueryError, match="the length of a step follows from it through k"):
        run(step.world(steps=3), over={d: [1, 2]})


# -- laws ------------------------------------------------------------------------------------------


def drawn(law, values, draws=4000, **over):
    """Draws of a law with parameters at some values."""
    system = System({x: noise("e", law)}, start={x: 0}, parameters=values)
    return run(system.world(steps=1, seed=1), draws=draws, keep="last", **over).x.values[0, -1]


@pytest.mark.parametrize("backend", BACKENDS)
def test_draws_have_the_law_that_the_parameters_give(backend):
    # Kolmogorov's and Pearson's tests at 1e-4, on fixed seeds.
    sample = drawn(normal(k, d), {k: 2, d: 3}, backend=backend)
    assert scipy.stats.kstest(sample, scipy.stats.norm(2, 3).cdf).pvalue > 1e-4
    sample = drawn(uniform(k, k + d), {k: 2, d: 3}, backend=backend)
    assert scipy.stats.kstest(sample, scipy.stats.uniform(2, 3).cdf).pvalue > 1e-4
    sample = drawn(choice([k, 0, 5], [d, d / 2, 1 - 3 * d / 2]), {k: 2, d: 0.2}, backend=backend)
    counts = [(sample == value).sum() for value in (2, 0, 5)]
    assert sum(counts) == 4000
    assert scipy.stats.chisquare(counts, [800, 400, 2800]).pvalue > 1e-4


def test_draws_move_with_the_parameters():
    """The same draws at every point of a sweep, so that a derivative goes through them."""
    found = drawn(normal(k, d), {k: 0, d: 1}, draws=5, over={d: [0, 1, 2]})
    np.testing.assert_array_equal(found[0], 0)
    np.testing.assert_allclose(found[2], 2 * found[1], rtol=1e-15)
    plain = System({x: noise("e", normal(0, 2))}, start={x: 0})
    np.testing.assert_allclose(
        run(plain.world(steps=1, seed=1), draws=5, keep="last").x.values[0, -1], found[2]
    )


def test_noise_can_depend_on_the_state():
    """x' = x + x e: the draws' scale is the state's, and Op of a held state says so."""
    system = System({x: x + noise("e", normal(0, x / 2))}, start={x: 1})
    plain = System({x: x * (1 + noise("e", normal(0, 1)) / 2)}, start={x: 1})
    for seed in range(3):
        first, second = (run(s.world(steps=9, seed=seed)).x.values for s in (system, plain))
        np.testing.assert_allclose(first, second, rtol=1e-14)


def test_a_gaussian_is_pushed_through_it_exactly():
    system = System({x: x / 2 + noise("e", normal(k, d))}, start={x: 0}, parameters={k: 1, d: 2})
    pushed = Gaussian.of({x: (0, 1)}).push(system)
    assert (pushed.mean[0], pushed.covariance[0, 0]) == (1, sp.Rational(17, 4))


def test_weights_that_are_none_are_told_in_the_run():
    law = choice([0, 1], [d, 1 - d])
    with pytest.raises(EvaluationError, match=r"where d = 1\.5"):
        drawn(law, {d: 0.5}, draws=3, over={d: [0.5, 1.5]})
    with pytest.raises(EvaluationError, match="undefined"):
        drawn(law, {d: -0.1}, draws=3)


@pytest.mark.parametrize(
    ("law", "told"),
    {
        "weights of no sum": (lambda: choice([0, 1], [d, d]), "sum to 2\\*d"),
        "weights too few": (lambda: choice([0, 1, k], [d, 1 - d]), "3 values and 2 weights"),
        "text": (lambda: normal(k, "1"), "deviation of a law"),
        "an unknown parameter": (
            lambda: System({x: noise("e", normal(0, k))}, start={x: 0}), "uses k",
        ),
        "one name, two laws": (
            lambda: System(
                {x: noise("e", normal(0, k)), y: noise("e", normal())},
                start={x: 0, y: 0}, parameters={k: 1},
            ),
            "declared twice",
        ),
    }.values(),
)  # fmt: skip
def test_a_law_that_is_none_says_so(law, told):
    with pytest.raises(DeclarationError, match=told):
        law()


def test_counts_are_divided_where_that_is_asked():
    law = choice([0, 1], [d, 3 * d], normalise=True)
    assert drawn(law, {d: 7.0}).mean() == pytest.approx(0.75, abs=0.03)


def test_a_table_of_chances_beside_it_is_not_disturbed():
    room = finite("room", ["cold", "warm"])
    system = System(
        {room: table(room, {"cold": {"warm": 0.5, "cold": 0.5}, "warm": "cold"}),
         x: noise("e", uniform(0, k))},
        start={room: "cold", x: 0}, parameters={k: 2},
    )  # fmt: skip
    data = run(system.world(steps=50, seed=2))
    assert 0 < data.x.values[0, 1:].mean() < 2
    assert set(data.room.values[0].tolist()) == {0, 1}
