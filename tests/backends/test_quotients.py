"""Quotients of tangents that a run takes itself: those of what it records of both, to the digit.

Each is asked of the same worlds in two ways: recorded as a quotient, and as two numbers of which
one is made afterwards; and in the forms that are one number, which the run makes, or not.
"""

from functools import partial

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import Network, System, noise, normal, parameter, parameters, variables
from causalopt.backends.shape import Shape
from causalopt.backends.telling import STEPS
from causalopt.ground.scaled import Ratio, RatioForm, log_size
from causalopt.runs.reading import in_form, ratios_of
from causalopt.runs.simulation import Want, simulate, simulate_ratios
from causalopt.runs.sweeps import swept
from tests.backends.cases import BY_NAME
from tests.backends.test_careful import SMOOTH
from tests.backends.test_scales import FLAT, SIZES, STATE, linear, u, v, w
from tests.backends.test_tabling import FEW, ONE, RINGS, TILES, k, ring, x
from tests.runs.oscillator import van_der_pol

# More steps than numbers are made of at once, for one point.
LONG = STEPS + 100

every = pytest.mark.parametrize("backend", BY_NAME)


def told(ratios):
    each = [[log_size(r.mantissa, r.power), r.value(), 1.0 * r.is_negative()] for r in ratios]
    return np.concatenate([np.stack(numbers) for numbers in each])


def made_in(form):
    return lambda ratios: np.stack([ratio.told(form) for ratio in ratios])


def two_by_two(numbers):
    return told([Ratio.of(*pair) for pair in zip(numbers[::2], numbers[1::2], strict=True)])


def agree(X, Y, series, backend, rows=range(13), over=None, draws=None):
    """What is told of the quotients in X by those in Y, once it is seen that both ways agree."""
    pairs = [(Want(X, one, True), Want(Y, one, True)) for one in series]
    sweep = swept(X.model, over, draws, X.noises)
    taken = simulate_ratios(pairs, rows, sweep, backend, ratios_of, told)
    each = [want for pair in pairs for want in pair]
    np.testing.assert_array_equal(taken, simulate(each, rows, sweep, backend, two_by_two))
    for form in (RatioForm.FLOAT, RatioForm.LOG):
        there = simulate_ratios(pairs, rows, sweep, backend, partial(in_form, form), np.stack)
        after = simulate_ratios(pairs, rows, sweep, backend, ratios_of, made_in(form))
        np.testing.assert_array_equal(there, after)
        np.testing.assert_array_equal(np.signbit(there), np.signbit(after))
    return taken


@pytest.mark.sampled(2)
@every
@pytest.mark.parametrize("count", [None, 3, 70])
@given(numbers=st.lists(st.sampled_from([*SIZES, -2.0, -1e-200]), min_size=9, max_size=9))
@settings(max_examples=8, deadline=None)
def test_of_tangents_of_any_size(backend, count, numbers):
    W = linear(numbers).world(steps=12)
    X, over = W.perturb(u[0]), count and {FLAT[4]: np.geomspace(1e-9, 1e9, count)}
    agree(X, W.perturb(w[0]), STATE, backend, over=over)
    agree(X, X.clamp(v, to=W), [u, w], backend, over=over)


@every
@pytest.mark.parametrize("rows", [range(0, 301, 7), range(300, 301), range(5, 6)])
@pytest.mark.parametrize("count", [None, 70])
def test_at_some_steps_of_a_run_that_leaves_the_range_of_floats(rows, count, backend):
    W = linear([1e-3, 1.0, 0.0, 3.0, 0.5, 1e9, 0.25, 0.125, 1e4]).world(steps=300)
    over = count and {FLAT[4]: np.linspace(0.4, 0.6, count)}
    taken = agree(W.perturb(u[0]), W.perturb(w[0]), [v], backend, rows, over)
    assert np.isfinite(taken[0][np.array(rows) > 0]).all()


@pytest.mark.parametrize("rows", [range(3 * STEPS + 1), range(5, 3 * STEPS, 7)])
@pytest.mark.parametrize("count", [None, 70])
def test_of_more_steps_than_a_block_has(rows, count):
    W = linear([1e-3, 1.0, 0.0, 3.0, 0.5, 1e9, 0.25, 0.125, 1e4]).world(steps=3 * STEPS)
    over = count and {FLAT[4]: np.linspace(0.4, 0.6, count)}
    taken = agree(W.perturb(u[0]), W.perturb(w[0]), [v, u], "numba", rows, over)
    assert np.isfinite(taken[0][np.array(rows) > 0]).all()


@every
@pytest.mark.parametrize("count", [None, 20])
def test_a_zero_below_has_no_sign(backend, count):
    p, q = parameters("p q")
    system = System({u: p * u, v: q * u + w, w: w}, start={u: 1, v: 1, w: 1},
                    parameters={p: 0, q: -1})  # fmt: skip
    W = system.world(steps=12)
    over = count and {q: -np.linspace(1, 2, count)}
    _, value, is_negative = agree(W.perturb(w[0]), W.perturb(u[0]), [v], backend, over=over)
    assert (value[2:] == np.inf).all()
    assert not is_negative[2:].any()
    assert is_negative[1].all()


@every
@pytest.mark.parametrize("count", [None, 20])
def test_of_tangents_far_below_others_of_theirs(backend, count):
    rate, (other,) = parameter("rate"), variables("other")
    system = System({u: rate * u, v: v + u + other, w: u + other, other: other},
                    start=dict.fromkeys((u, v, w, other), 0), parameters={rate: 2**-3})  # fmt: skip
    W = system.world(steps=200)
    rows, over = range(201), count and {rate: np.full(count, 2**-3)}
    taken = agree(W.perturb(u[0]), W.perturb(other[0]), [w, v], backend, rows, over)
    course = taken[1].reshape(201, -1)
    assert (course[1:] == 2.0 ** (-3 * np.arange(200))[:, None]).all()


@pytest.mark.sampled(14)
@every
@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("count", [None, 20])
def test_where_a_derivative_is_a_limit(backend, name, count):
    system, node, m, slopes = SMOOTH[name]
    W = system.world(steps=len(slopes) - 1)
    start = system.start[node.variable]
    over = count and {node: np.full(count, float(start))}
    X = W.perturb(node)
    taken = agree(X, X, [m], backend, range(len(slopes)), over)
    held = np.asarray(slopes) != 0.0
    assert (taken[1][held] == 1.0).all()


@pytest.mark.sampled(4)
@pytest.mark.parametrize("values", [ONE, FEW, TILES], ids=["one", "few", "tiles"])
@pytest.mark.parametrize("name", RINGS)
def test_of_a_large_block(name, values):
    steps = LONG if values is ONE else 12
    W = RINGS[name].world(steps=steps, seed=3)
    X = W.perturb(x[3][0])
    Y = X.clamp([x[4], x[9]], to=W)
    agree(X, Y, [x[3], x[2], x[20]], "numba", range(0, steps + 1, 3), over={k: values})


@pytest.mark.parametrize("values", [ONE, TILES], ids=["one", "tiles"])
def test_a_zero_below_has_no_sign_in_a_large_block(values):
    rules = {
        8: lambda p, a, q: 0.25 + 0 * a,
        9: lambda p, a, q: -p * q,
        10: lambda p, a, q: a + q * k,
    }
    system = ring(
        lambda p, a, q, i: rules[i](p, a, q) if i in rules else k * a * q,
        start=lambda i: 0.25,
        parameters={k: 0.125},
    )
    W = system.world(steps=12)
    taken = agree(W.perturb(x[10][0]), W.perturb(x[8][0]), [x[9]], "numba", over={k: values})
    assert (taken[1][2:] == -np.inf).all()


@pytest.mark.parametrize("values", [ONE, TILES], ids=["one", "tiles"])
def test_of_a_large_block_whose_tangents_are_far_apart(values):
    steps = LONG if values is ONE else 12
    system = ring(
        lambda p, a, q, i: k * a * (1e-30 if i % 3 else 3) + 1e-90 * p + 1e40 * q,
        start=lambda i: 0,
        parameters={k: 0.125},
    )
    W, rows = system.world(steps=steps), range(1, steps + 1)
    pair = W.perturb(x[3][0]), W.perturb(x[7][0])
    agree(*pair, [x[3], x[5], x[7]], "numba", rows, over={k: values})


@every
@pytest.mark.parametrize("draws", [None, 20])
def test_beside_noise_and_what_is_remembered(backend, draws):
    e, rate = noise("e", normal(0, 0.1)), parameter("rate")
    rules = {u: u / 2 + sp.sin(v.lag(3)) / 4 + e, v: rate * v + u.lag(2) / 3}
    start, past = {u: 1, v: 0.5}, {u: 0, v: 0}
    system = System(rules, start=start, parameters={rate: 0.25}, history=past)
    W = system.world(steps=40, seed=5)
    X = W.perturb(u[0])
    agree(X, W.perturb(v[1]), [u, v], backend, range(41), draws=draws)


@every
def test_of_steps_in_parts(backend):
    system = van_der_pol("dopri5", dt=0.5, tolerance=1e-6)
    W = system.world(steps=12)
    first, second = system.variables
    agree(W.perturb(first[0]), W.perturb(second[0]), [first, second], backend)


@every
def test_where_one_side_is_zero_for_good(backend):
    W = System({u: u / 2, v: v / 3 + u, w: w}, start={u: 1, v: 1, w: 1}).world(steps=12)
    log, value, _ = agree(W.perturb(u[0]), W.perturb(w[0]), [v], backend)
    assert (value[1:] == np.inf).all()
    assert (log[1:] == np.inf).all()
    assert np.isnan(value[0]).all()
    _, value, _ = agree(W.perturb(w[0]), W.perturb(u[0]), [v], backend)
    assert (value[1:] == 0.0).all()


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_of_a_network(backend):
    net = Network({v: 3 * u + w, w: u * u}, start={u: 2})
    W = net.world()
    taken = agree(W.perturb(u), W.perturb(w), [v, w], backend, range(3))
    assert 7.0 in taken[1]


def test_a_loop_records_one_number_in_place_of_two():
    pair = Shape((), ((0, 1),), (0, 1), quotients=((0, 1),))
    assert pair.values_recorded("s{}".format) == ["s0 / (s1 + 0.0)"]
    assert pair.powers_recorded("e{}_{}".format) == ["e0_0 - e1_0"]
