"""Transfer operators: against all paths, random walks in closed form, and Monte Carlo."""

import math
from fractions import Fraction

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import (
    DeclarationError,
    EvaluationError,
    Momentum,
    QueryError,
    System,
    TooLargeError,
    TransferOperator,
    choice,
    escape_probability,
    escape_rate,
    hitting_times,
    mean_escape_time,
    noise,
    normal,
    parameters,
    quasi_stationary,
    run,
    sgd,
    stationary,
    time,
    variables,
)
from causalopt.language.symbols import Variable
from causalopt.transport import transfer
from causalopt.transport.transfer import powers

W, x, y = variables("W x y")
l0 = -sympy.exp(-((W - 2) ** 2))
l1 = l0 - sympy.exp(-100 * (W - 1) ** 2)
START, TOP = 1.0036973969, 1.1959565137
PIT = (0.8, TOP)


def pit(rate, start=START):
    return sgd([l0, l1], W, rate, start={W: start})


def walk(start, low=-1, high=1, weights=None):
    return System({x: x + noise("e", choice([low, high], weights))}, start={x: start})


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("rate", "digits", "rounded"),
    [
        (0.0125, (0.0020328, 0.0260383, 0.2365197), (0.00203, 0.02604, 0.23652)),
        (0.015, (0.0324041, 0.3246398, 0.9814668), (0.03241, 0.32464, 0.98147)),
        (0.0175, (0.1712122, 0.8815400, 1), (0.17123, 0.88154, 1)),
        (0.02, (0.4935299, 0.9994539, 1), (0.4936, 0.99945, 1)),
    ],
)
def test_escape_from_the_pit(rate, digits, rounded):
    found = escape_probability(pit(rate), PIT, [100, 1000, 10_000], cells=64_000)
    assert np.allclose(found.escaped, digits, rtol=0, atol=1e-6)
    assert (found.error.values < 1e-5).all()
    # Found before on a coarse grid alone: at 100 steps its last digit is one or two off.
    last = np.array([1e-4 if value == 0.4936 else 2e-5 for value in rounded])
    assert (np.abs(found.escaped.values - rounded) < last).all()
    assert (escape_probability(pit(rate), PIT, [10_000], side="below").escaped < 1e-12).all()


SQUARE = {x: (0, 4), y: (0, 6)}


def both(xs=2, ys=3):
    """Two walks that know nothing of each other."""
    e, f = noise("e", choice([-1, 1])), noise("f", choice([-1, 1]))
    return System({x: x + e, y: y + f}, start={x: xs, y: ys})


def by_all_paths(rate, start, steps):
    """The chance to have left the pit, summed over every sequence of picks."""
    states, chances, left = np.array([start]), np.array([1.0]), 0.0
    for _ in range(steps):
        s0 = 2 * (states - 2) * np.exp(-((states - 2) ** 2))
        s1 = s0 + 200 * (states - 1) * np.exp(-100 * (states - 1) ** 2)
        states = np.concatenate([states - rate * s0, states - rate * s1])
        chances = np.concatenate([chances, chances]) / 2
        inside = (states > PIT[0]) & (states < PIT[1])
        left += chances[~inside].sum()
        states, chances = states[inside], chances[inside]
    return left


@pytest.mark.parametrize(("rate", "start"), [(0.02, 1.1), (0.03, 1.05), (0.05, 0.95)])
def test_escape_is_the_sum_over_all_paths(rate, start):
    steps = [1, 6, 12, 16, 18]
    found = escape_probability(pit(rate), PIT, steps, start=start, cells=64_000)
    exact = np.array([by_all_paths(rate, start, n) for n in steps])
    assert exact[-1] > 0.05
    assert np.allclose(found.escaped[:3], exact[:3], rtol=0, atol=1e-12)
    assert np.allclose(found.escaped, exact, rtol=0, atol=5e-5)


@pytest.mark.parametrize("rate", [0.015, 0.02])
def test_escape_agrees_with_an_ensemble_of_draws(rate):
    chains = 4000
    found = run(pit(rate).world(steps=100, seed=11), draws=chains).W.sel(world="W")
    share = float(((found <= PIT[0]) | (found >= PIT[1])).any("time").mean())
    exact = float(escape_probability(pit(rate), PIT, 100).escaped[0])
    assert abs(share - exact) < 4 * math.sqrt(exact * (1 - exact) / chains)


def test_escape_from_a_random_walk_in_closed_form():
    assert mean_escape_time(walk(3), (0, 16), cells=32).value == pytest.approx(3 * 13, rel=1e-8)
    above = escape_probability(walk(3), (0, 16), [20_000], side="above", cells=32)
    assert float(above.escaped[0]) == pytest.approx(3 / 16, rel=1e-8)
    up = [0.25, 0.75]
    ratio = up[0] / up[1]
    exact = (1 - ratio**3) / (1 - ratio**16)
    above = escape_probability(walk(3, weights=up), (0, 16), [20_000], side="above", cells=32)
    assert float(above.escaped[0]) == pytest.approx(exact, rel=1e-8)


def test_rate_and_shape_of_a_lazy_walk_in_closed_form():
    lazy = System({x: x + noise("e", choice([-1, 0, 1]))}, start={x: 4})
    operator = TransferOperator.of(lazy, (0, 10), 10)
    shape = quasi_stationary(lazy, (0, 10), cells=10)
    factor = (1 + 2 * math.cos(math.pi / 10)) / 3
    assert escape_rate(lazy, (0, 10), cells=20).error < 1
    expected = np.sin(np.pi * np.arange(11) / 10)
    assert np.allclose(shape, expected / expected.sum(), atol=1e-9)
    after, below, above = operator.forward(shape.values)
    assert np.allclose(after[1:-1], factor * shape[1:-1], atol=1e-9)
    assert after.sum() + below + above == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(("up", "count"), [(0.5, 9), (0.6, 60), (0.5, 900)])
def test_the_shape_of_what_stays_is_of_the_places_that_the_start_leads_to(up, count):
    """Of 1, 2, ... in closed form: the walk up to the next half would stay longer."""
    stepping = noise("e", choice([1, -1], weights=[up, 1 - up]))
    system = System({x: x + stepping}, start={x: 3})
    shape = quasi_stationary(system, (0, count - 0.5), cells=4 * count - 2)
    places = np.arange(1, count)
    expected = (up / (1 - up)) ** (places / 2) * np.sin(np.pi * places / count)
    found = (shape / shape.sum()).sel(x=places, method="nearest")
    assert found.sum() == pytest.approx(1, abs=1e-9)
    np.testing.assert_allclose(found, expected / expected.sum(), atol=1e-9)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("up", "count", "error"), [(0.6, 900, 1e-11), (0.9, 400, 0.02)])
def test_the_rate_of_a_walk_that_drifts_is_between_near_bounds(up, count, error):
    """What stays is far smaller at one end than at the other, down to the least of floats."""
    stepping = noise("e", choice([1, -1], weights=[up, 1 - up]))
    rate = escape_rate(System({x: x + stepping}, start={x: 3}), (0, count))
    exact = -math.log(2 * math.sqrt(up * (1 - up)) * math.cos(math.pi / count))
    assert abs(rate.value - exact) <= rate.error < error


def test_a_shape_of_places_is_told_where_there_is_none():
    with pytest.raises(QueryError, match="Everything leaves in finitely many steps"):
        quasi_stationary(System({x: x + 1 + noise("e", choice([0, 1]))}, start={x: 1}), (0, 9))
    drift = noise("e", choice([1, -1], weights=[0.9, 0.1]))
    with pytest.raises(QueryError, match=r"have not settled .* take a smaller interval"):
        quasi_stationary(System({x: x + drift}, start={x: 3}), (0, 900))


def test_a_long_run_by_one_factor_is_the_run_step_by_step():
    operator = TransferOperator.of(pit(0.0175), PIT, 500)
    plain = operator.backward(np.ones(501), 3000)
    quick = list(powers(operator.matrix, np.ones(501), [100, 3000]))[1]
    assert np.allclose(quick, plain, rtol=1e-9, atol=0)
    # In the long run, the chance to leave in one step is 1 - exp(-rate).
    more = operator.backward(plain)
    rate = escape_rate(pit(0.0175), PIT, cells=500).value
    assert np.allclose(more[50:450] / plain[50:450], math.exp(-rate), rtol=1e-9)


@settings(max_examples=20, deadline=None)
@given(st.floats(0.005, 0.06), st.floats(0.81, 1.19), st.integers(1, 12), st.integers(3, 300))
def test_probability_is_kept_and_both_directions_agree(rate, start, steps, cells):
    operator = TransferOperator.of(pit(rate), PIT, cells)
    assert operator.matrix.data.min() >= 0
    assert np.allclose(operator.matrix @ np.ones(cells + 1) + operator.left, 1, rtol=0, atol=1e-12)
    values = np.cos(3 * operator.grid)
    mass, below, above = operator.forward(operator.at(start), steps)
    assert mass.sum() + below + above == pytest.approx(1, abs=1e-12)
    backwards = operator.at(start) @ operator.backward(values, steps)
    assert mass @ values == pytest.approx(backwards, abs=1e-12)


def test_the_error_shrinks_with_the_grid_and_covers_the_difference():
    exact = float(escape_probability(pit(0.0125), PIT, [1000], cells=64_000).escaped[0])
    coarse, fine = (escape_probability(pit(0.0125), PIT, [1000], cells=c) for c in (1000, 8000))
    assert float(fine.error[0]) < float(coarse.error[0]) / 5
    for one in (coarse, fine):
        assert abs(float(one.escaped[0]) - exact) <= float(one.error[0])


def test_two_dimensions_are_the_product_of_two_walks():
    steps = [1, 3, 8, 20, 60]
    # On a grid that holds the walks' places: 12 cells in each variable.
    square = escape_probability(both(), SQUARE, steps, cells=12)
    sides = [
        escape_probability(walk(2), (0, 4), steps, cells=8),
        escape_probability(walk(3), (0, 6), steps, cells=12),
    ]
    stays = math.prod(1 - one.escaped for one in sides)
    assert np.allclose(1 - square.escaped, stays, rtol=0, atol=1e-12)


def test_the_mean_time_to_leave_a_square_solves_the_poisson_equation():
    # Both coordinates step at once, so that corners of the lattice are its neighbours.
    index = {(i, j): 5 * (i - 1) + j - 1 for i in range(1, 4) for j in range(1, 6)}
    matrix = np.eye(15)
    for i, j in index:
        for di, dj in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
            if (i + di, j + dj) in index:
                matrix[index[i, j], index[i + di, j + dj]] -= 0.25
    exact = np.linalg.solve(matrix, np.ones(15))[index[2, 3]]
    assert mean_escape_time(both(), SQUARE, cells=12).value == pytest.approx(exact, rel=1e-9)


def test_in_two_dimensions_probability_is_kept_and_both_directions_agree():
    system = sgd([l0, l1], W, 0.02, start={W: START}, update=Momentum(0.3))
    v = Variable("v_W")
    operator = TransferOperator.of(system, {W: PIT, v: (-9, 9)}, 40)
    assert operator.matrix.data.min() >= 0
    assert np.allclose(operator.matrix @ np.ones(41**2) + operator.left, 1, rtol=0, atol=1e-12)
    start = operator.at({W: START, v: 0.0})
    assert np.allclose(start @ operator.grid, [0, START], atol=1e-12)
    mass, below, above = operator.forward(start, 7)
    assert mass.sum() + below.sum() + above.sum() == pytest.approx(1, abs=1e-12)
    values = np.cos(operator.grid @ [0.3, 2.0])
    assert mass @ values == pytest.approx(start @ operator.backward(values, 7), abs=1e-12)


def test_momentum_agrees_with_an_ensemble_of_draws():
    system = sgd([l0, l1], W, 0.02, start={W: START}, update=Momentum(0.3))
    chains, v = 4000, Variable("v_W")
    found = run(system.world(steps=30, seed=4), draws=chains).W.sel(world="W")
    share = float(((found <= PIT[0]) | (found >= PIT[1])).any("time").mean())
    asked = escape_probability(system, {W: PIT, v: (-20, 20)}, 30, cells=200)
    exact, error = float(asked.escaped[0]), float(asked.error[0])
    assert 0.05 < exact < 0.95
    assert error < 0.03
    assert abs(share - exact) < 4 * math.sqrt(exact * (1 - exact) / chains) + error


@pytest.mark.parametrize("rate", [0.0123, 0.015, 0.017, 0.019, 0.0212, 0.025, 0.03, 0.04])
def test_the_error_of_the_mean_time_covers_its_jumps(rate):
    exact = mean_escape_time(pit(rate), PIT, cells=32_000).value
    for cells in (900, 2000):
        found = mean_escape_time(pit(rate), PIT, cells=cells)
        assert abs(found.value - exact) <= found.error
    assert found.error < 0.1 * exact


def test_hitting_times_are_where_the_probability_grows():
    times = hitting_times(pit(0.02), PIT, 200, cells=2000)
    escaped = escape_probability(pit(0.02), PIT, range(1, 201), cells=2000).escaped
    assert np.allclose(times.chance.cumsum("steps"), escaped, rtol=0, atol=1e-12)
    assert (times.chance > -1e-15).all()
    # The mean of all hitting times is the mean time; for a walk from 2 in (0, 4) it is 4.
    walked = hitting_times(walk(2), (0, 4), 300, cells=8)
    assert float((walked.chance * walked.steps).sum()) == pytest.approx(4, rel=1e-12)


def test_the_third_validation_ends_with_mean_2_and_variance_2_over_37():
    slopes = (sympy.Rational(3, 5) * W**2 - 2 * W, sympy.Rational(2, 5) * W**2 - 2 * W)
    density = stationary(sgd(slopes, W, 0.5, start={W: 2}), (1.6, 2.6), cells=4000)
    mass = density * float(density.W[1] - density.W[0])
    mean = float((mass * density.W).sum())
    assert mean == pytest.approx(2, abs=1e-9)
    assert float((mass * (density.W - mean) ** 2).sum()) == pytest.approx(2 / 37, abs=1e-7)


def test_the_stationary_density_is_that_of_the_side_where_it_starts():
    # Two halves that do not see each other, each with a uniform end.
    side = sympy.Piecewise((x / 2 + noise("e", choice([1, 2])), x > 0),
                           (x / 2 - noise("e", choice([1, 2])), True))  # fmt: skip
    for start, mean in ((2.5, 3.0), (-2.5, -3.0)):
        density = stationary(System({x: side}, start={x: start}), (-5, 5), cells=1000)
        assert float((density * density.x).sum() / density.sum()) == pytest.approx(mean, abs=1e-6)


@settings(max_examples=15, deadline=None)
@given(st.fractions(Fraction(1, 64), 2, max_denominator=64), st.integers(1, 25))
def test_the_second_validation_grows_by_the_rate_squared_a_step(rate, steps):
    # g0 = 1, g1 = -1: W walks on the multiples of T, which are points of the grid.
    T, reach = float(rate), 30
    operator = TransferOperator.of(
        sgd([W, -W], W, T, start={W: 0}), (-reach * T, reach * T), 2 * reach
    )
    mass, below, above = operator.forward(operator.at(0.0), steps)
    assert below.sum() + above.sum() < 1e-15
    assert mass @ operator.grid[:, 0] ** 2 == pytest.approx(steps * T**2, rel=1e-10)


def test_a_batch_and_weights_reach_the_operator():
    system = sgd([W, 3 * W], W, 1, batch=2, start={W: 0}, weights=[0.25, 0.75])
    operator = TransferOperator.of(system, (-8, 8), 16)
    middle = operator.matrix[8].toarray()[0]
    assert np.allclose(middle[[7, 6, 5]], [1 / 16, 6 / 16, 9 / 16])
    assert middle.sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda: escape_probability(pit(0.02), (1.2, 0.8), 10), r"write \(0.8, 1.2\)"),
        (lambda: escape_probability(pit(0.02), (1.1, 1.2), 10), "start inside"),
        (lambda: escape_probability(pit(0.02), PIT, 0), "1 or more"),
        (lambda: escape_probability(pit(0.02), PIT, [10, 5]), "in order"),
        (lambda: escape_probability(pit(0.02), PIT, 10, side="up"), "no side"),
        (lambda: TransferOperator.of(pit(0.02), PIT, 1), "2 or more"),
        (lambda: mean_escape_time(System({x: x / 2}, start={x: 0.1}), (-1, 1)), "is not left"),
        (
            lambda: TransferOperator.of(System({x: x + noise("n", normal())}, start={x: 0}), PIT),
            "finitely many",
        ),
        (lambda: TransferOperator.of(System({x: x + time}, start={x: 0}), PIT), "depends on time"),
        (
            lambda: TransferOperator.of(
                System({x: y, y: W, W: x}, start={x: 0, y: 1, W: 0}), {x: (0, 1)}
            ),
            r"x, y, W: transfer operators are built for one or two.*run\(system.world",
        ),
        (
            lambda: TransferOperator.of(
                sgd([l0, l1], W, 0.1, start={W: 1}, update=Momentum()), PIT
            ),
            r"2 dimensions.*v_W: \(low, high\)",
        ),
        (lambda: TransferOperator.of(both(), {x: (0, 4)}), "the state is x, y"),
        (lambda: escape_probability(both(), SQUARE, 4, start=2), "a value for each of x, y"),
        (lambda: escape_probability(both(), SQUARE, 4, start={x: 2}), "no value for y"),
        (lambda: escape_probability(both(), SQUARE, 4, start={x: 2, y: 9}), "y = 9 lies outside"),
        (lambda: hitting_times(both(), SQUARE, 0), "1 or more"),
        (
            lambda: stationary(walk(2), (0, 4), cells=4),
            r"0 < x < 4 is left.* inside after 1000 steps, 0.5 below x = 0 and 0.5 above x = 4",
        ),
        (lambda: TransferOperator.of(sgd([W] * 70, W, 1, batch=2, start={W: 0}), PIT), "outcomes"),
    ],
)
def test_impossible_operators_are_refused(ask, told):
    with pytest.raises(QueryError, match=told):
        ask()


def test_a_loss_that_is_not_real_on_the_grid_is_an_error():
    with pytest.raises(EvaluationError, match=r"sqrt|complex"):
        TransferOperator.of(sgd([sympy.sqrt(W) ** 3], W, 0.1, start={W: 1}), (-1, 1), 10)


def test_what_leaves_the_real_numbers_is_named_with_its_place():
    with pytest.raises(EvaluationError, match=r"from x = 1 takes x to what is infinite"):
        TransferOperator.of(System({x: 1 / (x - 1)}, start={x: 0}), (0, 2), 2)
    with pytest.raises(EvaluationError, match=r"from x = -1, y = -1 takes y to what is complex"):
        TransferOperator.of(
            System({x: x + y, y: sympy.sqrt(x)}, start={x: 0, y: 0}), {x: (-1, 1), y: (-1, 1)}, 2
        )


def test_parameters_of_the_step_are_put_in():
    (k,) = parameters("k")
    slow = System({x: k * x}, start={x: 1}, parameters={k: 0.5})
    states = np.array([[1.0], [3.0]])
    (half,) = TransferOperator.of(slow, (-1, 4), 10).maps
    assert half.image(states).tolist() == [[0.5], [1.5]]


def test_a_noise_whose_chances_are_formulas_is_told_as_it_was_written():
    (k,) = parameters("k")
    gain = noise("e", choice([0, 1], weights=[1 - k, k]))
    system = System({x: x / 2 + gain}, start={x: 0}, parameters={k: 0.25})
    told = r"e is choice\(\[0, 1\], \[1 - k, k\]\): .* chances that are numbers"
    with pytest.raises(QueryError, match=told):
        stationary(system, (-1, 3))


def test_grids_that_would_not_fit_are_refused_before_they_are_made():
    for ask in (stationary, quasi_stationary, escape_rate, mean_escape_time):
        with pytest.raises(TooLargeError, match=r"1,000,000,001 points with 2 .* cells=4000"):
            ask(walk(2), (0, 4), cells=10**9)
    with pytest.raises(TooLargeError, match=r"10,000,200,001 points .* cells=200"):
        quasi_stationary(both(), SQUARE, cells=10**5)


def test_whole_numbers_of_numpy_are_whole_numbers():
    ours = escape_probability(walk(2), (0, 4), np.int64(4), cells=np.int64(8))
    assert ours.escaped.values.tolist() == [0.75]
    assert ours.identical(escape_probability(walk(2), (0, 4), np.array([4]), cells=8))
    for steps in (np.True_, 2.5, [2, 1], [], [1, None]):
        with pytest.raises(QueryError, match="whole numbers of 1 or more"):
            escape_probability(walk(2), (0, 4), steps, cells=8)


WALK = System({x: x + noise("e", choice([-1, 1]))}, start={x: 3})


def test_more_steps_than_can_be_taken_are_refused(monkeypatch):
    K = TransferOperator.of(WALK, (0, 8), cells=16)
    for move in (K.forward, K.backward):
        with pytest.raises(TooLargeError, match="1,000,000,000,000 steps of a transfer operator"):
            move(np.ones(17), 10**12)
        for steps in (-1, 2.5, "3", None):
            with pytest.raises(QueryError, match="steps is"):
                move(np.ones(17), steps)
    with pytest.raises(TooLargeError, match="The chances of 1,000,000,000,000 steps"):
        hitting_times(WALK, (0, 8), 10**12, cells=16)
    for steps in ([3, 4], 2.5, 0, "3"):
        with pytest.raises(QueryError, match="steps is"):
            hitting_times(WALK, (0, 8), steps, cells=16)
    with pytest.raises(QueryError, match="too large to be counted"):
        escape_probability(WALK, (0, 8), [10**30], cells=16)
    # what has not settled after so much is stopped on the way
    monkeypatch.setattr(transfer, "_MOST_PRODUCTS", 500)
    with pytest.raises(TooLargeError, match="take fewer steps, or fewer cells"):
        escape_probability(WALK, (0, 8), [10**9], cells=16)


@pytest.mark.parametrize("start", ["3", {x: "3"}, [3], math.nan, True, 1j])
def test_a_place_that_is_no_number(start):
    with pytest.raises(DeclarationError, match=r"the place of x is .*: write a finite real number"):
        escape_probability(WALK, (0, 8), [4], start=start, cells=16)
