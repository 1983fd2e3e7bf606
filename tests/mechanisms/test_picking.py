"""Tables asked by index: against rows that are gone through value by value."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from causalopt.mechanisms.picking import ByChance, ByHalving, Picked, drawing

WAYS = ByChance.of, ByHalving.of, drawing
SIZES = st.lists(st.integers(1, 4), max_size=3)


def states(sizes):
    """Every joint state of the parents, as one array for each of them."""
    rows = list(np.ndindex(*sizes))
    return rows, np.array(rows, dtype=float).reshape(len(rows), len(sizes)).T


@pytest.mark.parametrize("way", WAYS)
@given(st.data(), SIZES, st.integers(1, 9))
def test_the_value_drawn_is_the_first_up_to_which_the_masses_sum_to_more(way, data, sizes, values):
    parts = data.draw(
        st.lists(
            st.lists(st.integers(0, 5), min_size=values, max_size=values).filter(any),
            min_size=math.prod(sizes), max_size=math.prod(sizes),
        )
    )  # fmt: skip
    # Filled up to 64 parts, so that masses and their sums are exact.
    masses = np.array([[*row[:-1], row[-1] + 64 - sum(row)] for row in parts]) / 64
    drawn = way(masses.reshape(*sizes, values))
    rows, places = states(sizes)
    for u in (*(Fraction(k, 64) for k in range(0, 64, 3)), Fraction(127, 128)):
        found = np.broadcast_to(drawn(*places, np.full(len(rows), float(u))), len(rows))
        for row, place in zip(masses, found, strict=True):
            sums = [sum(map(Fraction, row[: j + 1])) for j in range(values)]
            assert place == next(j for j, total in enumerate(sums) if total > u)


@given(SIZES)
def test_the_row_is_that_of_the_parents_places(sizes):
    table = np.random.default_rng(1).integers(0, 9, sizes)
    rows, places = states(sizes)
    found = np.broadcast_to(Picked.of(table)(*places), len(rows))
    assert found.tolist() == [table[row] for row in rows]


def test_what_is_no_place_has_some_row():
    table = np.arange(6).reshape(2, 3)
    with np.errstate(invalid="ignore"):
        found = Picked.of(table)(np.array([np.nan, 1.0]), np.array([1.0, 2.0]))
    assert found[1] == 5
    assert found[0] in table


def test_of_few_values_and_of_many_the_same_is_drawn():
    rng = np.random.default_rng(2)
    places = [rng.integers(0, 3, (2, 500)).astype(float) for _ in range(2)]
    u = rng.random((2, 500))
    for values in range(1, 40):
        masses = rng.dirichlet(np.ones(values), (3, 3))
        # A mass of nothing, so that two of the sums are the same.
        masses[..., values // 2] = 0 if values > 1 else 1
        masses /= masses.sum(axis=-1, keepdims=True)
        found = [np.broadcast_to(way(masses)(*places, u), u.shape) for way in WAYS]
        assert all((one == found[0]).all() for one in found)
