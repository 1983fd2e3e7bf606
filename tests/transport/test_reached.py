"""Escape of walks over points: exact where few are reached, and never off by more than it says."""

from fractions import Fraction

import numpy as np
import pytest

from causalopt import (
    QueryError,
    System,
    choice,
    escape_probability,
    escape_rate,
    hitting_times,
    mean_escape_time,
    noise,
    variables,
)

(x,) = variables("x")


def walk(moves, weights, start):
    return System({x: x + noise("e", choice(moves, weights))}, start={x: start})


def by_paths(moves, weights, start, ends, steps, side="any"):
    """The chances to have left by each step, in exact numbers of the places."""
    low, high = (Fraction(str(end)) for end in ends)
    now, left = {Fraction(str(start)): 1.0}, [0.0]
    for _ in range(steps):
        after, gone = {}, 0.0
        for place, chance in now.items():
            for move, weight in zip(moves, weights, strict=True):
                image = place + Fraction(str(move))
                if low < image < high:
                    after[image] = after.get(image, 0.0) + chance * weight
                elif side == "any" or (image >= high) == (side == "above"):
                    gone += chance * weight
        now = after
        left.append(left[-1] + gone)
    return np.array(left)


@pytest.mark.parametrize(
    ("moves", "weights", "start", "ends", "side", "cells"),
    [
        ([1, -1], [0.75, 0.25], 3, (0, 11), "any", None),
        ([3, -1], [1 / 3, 2 / 3], 3, (-3, 9), "above", 64),
        ([2, -1], [0.25, 0.75], 3, (-3, 9), "any", 1000),
        ([0.3, -0.2, 0.1], [0.25, 0.5, 0.25], 0.5, (0.05, 1.3), "below", 10),
    ],
)
def test_walks_that_a_grid_had_wrong(moves, weights, start, ends, side, cells):
    exact = by_paths(moves, weights, start, ends, 40, side)
    found = escape_probability(
        walk(moves, weights, start), ends, range(1, 41), side=side, cells=cells
    )
    assert np.allclose(found.escaped, exact[1:], rtol=1e-12, atol=0)
    assert (found.error <= 1e-11).all()


def test_the_mean_time_of_a_walk_by_3_and_by_2():
    solved = np.eye(11)
    for i in range(1, 12):
        for move, weight in ((3, 0.25), (-2, 0.75)):
            if 0 < i + move < 12:
                solved[i - 1, i + move - 1] -= weight
    exact = np.linalg.solve(solved, np.ones(11))[4]
    found = mean_escape_time(walk([3, -2], [0.25, 0.75], 5), (0, 12), cells=100)
    assert abs(found.value - exact) <= found.error < 1e-7


@pytest.mark.sampled(30)
@pytest.mark.parametrize("seed", range(300))
def test_no_random_walk_is_off_by_more_than_its_error(seed):
    drawn = np.random.default_rng(seed)
    count, digits = int(drawn.integers(2, 4)), int(drawn.integers(0, 3))
    moves = [round(float(m), digits) for m in drawn.uniform(-3, 3, count)]
    moves[:2] = [-1.0 - abs(moves[0]), 1.0 + abs(moves[1])]  # it goes both ways
    weights = drawn.dirichlet(np.ones(count)).tolist()
    high = round(float(drawn.uniform(3, 12)), int(drawn.integers(0, 3)))
    start = round(high * float(drawn.uniform(0.2, 0.8)), digits)
    side, cells = str(drawn.choice(["any", "above", "below"])), int(drawn.integers(5, 300))
    system = walk(moves, weights, start)
    exact = by_paths(moves, weights, start, (0, high), 30, side)
    found = escape_probability(system, (0, high), [3, 12, 30], side=side, cells=cells)
    assert (np.abs(found.escaped - exact[[3, 12, 30]]) <= found.error + 1e-15).all()
    each = hitting_times(system, (0, high), 30, side=side, cells=cells)
    assert (np.abs(each.chance - np.diff(exact)) <= each.error + 1e-15).all()


@pytest.mark.long
def test_steps_of_many_digits_are_bounded():
    moves, weights = [-0.058654, -0.05754, 0.136173], [0.4454, 0.1695, 0.3851]
    system = walk(moves, weights, 6.33)
    found = escape_probability(system, (0, 10.377), [40, 50, 300], cells=50)
    exact = by_paths(moves, weights, 6.33, (0, 10.377), 50)
    assert float(found.escaped[0]) == pytest.approx(exact[40], rel=1e-12)
    exact = np.array([exact[40], exact[50], 0.7639922182712359])  # by all paths too
    assert (np.abs(found.escaped - exact) <= found.error).all()
    for ask in (mean_escape_time, escape_rate):
        with pytest.raises(QueryError, match="write steps, start and ends with fewer digits"):
            ask(system, (0, 10.377), cells=50)


def test_the_rate_of_walks_in_closed_form():
    # The leading eigenvalue of a walk by 1 with chances p, q in (0, N) is 2 sqrt(pq) cos(pi / N).
    for p, top in ((0.5, 8), (0.75, 11), (0.9, 60)):
        found = escape_rate(walk([1, -1], [p, 1 - p], 3), (0, top), cells=50)
        exact = -np.log(2 * np.sqrt(p * (1 - p)) * np.cos(np.pi / top))
        assert abs(found.value - exact) <= found.error < 1e-9
    with pytest.raises(QueryError, match="finitely many steps"):
        escape_rate(walk([1, 2], [0.5, 0.5], 3), (0, 9), cells=50)


def test_a_walk_that_turns_back_at_an_end():
    # From 0.1 at most: it leaves above alone, and so surely.
    turned = System({x: abs(x + noise("e", choice([0.1, -0.1])))}, start={x: 0})
    assert mean_escape_time(turned, (-1, 0.7), cells=50).value == pytest.approx(49, rel=1e-9)
    assert float(escape_probability(turned, (-1, 0.7), 9).escaped[0]) == pytest.approx(
        by_paths([0.1, -0.1], [0.5, 0.5], 0, (-0.7, 0.7), 9)[9], rel=1e-12
    )
