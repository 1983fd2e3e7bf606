"""What a tally says of units, against closed forms and numbers made by an independent program."""

import itertools

import jax
import jax.numpy as jnp
import neural
import numpy as np
import pytest

from causalopt import (
    QueryError,
    matched_units,
    participation_ratio,
    run,
    training,
    unit_profiles,
    without_means,
)

RNG = np.random.default_rng(0)
#: Of three units with two weights each, the last weight goes into none.
UNITS = [0, 0, 1, 2, 2, 1, -1]


def test_what_is_large_in_a_unit_or_by_a_group_is_taken_out():
    interaction = RNG.normal(size=(3, 5))
    interaction -= interaction.mean(axis=0)
    interaction -= interaction.mean(axis=1, keepdims=True)
    unit, group = RNG.uniform(0.1, 10, size=3), RNG.uniform(1e-9, 1e-6, size=5)
    sums = unit[:, None] * group * np.exp(interaction)
    tally = np.full((5, 7), 3.0)
    for name, share in itertools.product(range(3), (0.25, 0.75)):
        place = np.flatnonzero(np.array(UNITS) == name)[int(share > 0.5)]
        tally[:, place] = share * sums[name]
    found = unit_profiles(tally, UNITS)
    assert found.dims == ("unit", "group")
    assert found.values == pytest.approx(interaction, abs=1e-13)


def test_units_of_trees_and_of_weights_that_are_arrays():
    units = {
        "first": np.tile(np.arange(3), (2, 1)),
        "bias": np.arange(3),
        "second": np.full((3, 1), -1),
    }
    tally = RNG.uniform(1, 2, size=(4, 12))
    # JAX goes through the names of a dict in the order of letters.
    order = ["bias", "first", "second"]
    flat = np.concatenate([units[name].reshape(-1) for name in order])
    assert unit_profiles(tally, units).identical(unit_profiles(tally, flat))
    as_list = [units[name] for name in order]
    assert unit_profiles(tally, as_list).identical(unit_profiles(tally, flat))
    square = np.arange(12).reshape(3, 4) % 4
    assert unit_profiles(tally, square).identical(unit_profiles(tally, square.reshape(-1)))


def test_dead_units_are_left_out_and_counted():
    tally = RNG.uniform(1, 2, size=(4, 7))
    tally[2, [2, 5]] = 0.0
    found = unit_profiles(tally, UNITS)
    assert found.unit.values.tolist() == [0, 2]
    assert found.attrs["dead"] == 1
    alone = unit_profiles(tally, [0, 0, -1, 2, 2, -1, -1])
    assert found.values == pytest.approx(alone.values, abs=0)
    assert alone.attrs["dead"] == 0


@pytest.mark.parametrize(
    ("tally", "units", "told"),
    [
        (np.ones((4, 6)), UNITS, "units has 7 entries of the kind int64, and the tally has 6"),
        (np.ones((4, 7)), np.array(UNITS) / 2, "kind float64"),
        (np.ones((4, 7)), {"a": [0, 1], "b": np.zeros(3, dtype=int)}, "units has 5 entries"),
        (np.ones((4, 7)), {}, "units has 0 entries"),
        (np.ones((4, 7)), [-2, 0, 0, 1, 1, 2, 2], "the unit -2: write -1 for none"),
        (np.ones((4, 7)), [-1] * 7, "0 units are named"),
        (np.ones((1, 7)), UNITS, "there are 1 groups"),
        (np.ones(7), UNITS, r"the shape \(7,\): write \(groups, weights\)"),
        (-np.ones((4, 7)), UNITS, "negative"),
        (np.full((4, 7), np.nan), UNITS, "28 numbers that are not finite"),
        ([[1, 2], [3]], UNITS, "rows of many lengths"),
        ([["a"] * 7], UNITS, "holds <U1 values"),
        (np.diag([0, 1, 1, 1, 1, 1, 1]), UNITS, r"The group 0 moved no unit \(2 of 7"),
        (np.eye(2, 7) + np.eye(2, 7, 2), UNITS, "1 units are moved by every group"),
    ],
)
def test_profiles_that_cannot_be_are_told(tally, units, told):
    with pytest.raises(QueryError, match=told):
        unit_profiles(tally, units)


@pytest.mark.parametrize(("alike", "count"), [(1, 10), (3, 10), (10, 10), (1, 1)])
def test_the_share_of_those_that_take_part(alike, count):
    v = np.zeros(count)
    v[:alike] = RNG.choice([-1, 1], size=alike)
    for size in (1.0, 1e-200, 1e300):
        assert participation_ratio(size * v) == pytest.approx(alike / count, rel=1e-14)


def test_participation_of_normal_numbers_and_along_an_axis():
    """(P s^2)^2 / (P 3 P s^4) for many normal numbers; 4th moments scatter by sqrt(96 / P)."""
    v = RNG.normal(size=(2, 100_000)) * [[1.0], [7.0]]
    assert participation_ratio(v) == pytest.approx(1 / 3, rel=5 * np.sqrt(96 / 100_000) / 3)
    assert participation_ratio(v.T, axis=0) == pytest.approx(participation_ratio(v), rel=1e-12)


@pytest.mark.parametrize(
    ("v", "axis", "told"),
    [
        ([0.0, 0.0], -1, "v is 0 everywhere along its axis, 1 times"),
        ([[1.0, np.inf], [1, 2]], -1, "1 numbers that are not finite"),
        (3.0, -1, r"the shape \(\)"),
        ([], -1, r"the shape \(0,\)"),
        ([1.0, 2.0], 1, "v has 1 axes, and axis is 1"),
        ([1j], -1, "complex128"),
    ],
)
def test_shares_that_cannot_be_are_told(v, axis, told):
    with pytest.raises(QueryError, match=told):
        participation_ratio(v, axis=axis)


def test_units_that_match_are_those_that_correlate():
    profiles = RNG.normal(size=(20, 9))
    wanted = RNG.normal(size=9)
    r = np.array([np.corrcoef(wanted, row)[0, 1] for row in profiles])
    found = matched_units(wanted, profiles, 4)
    assert found.unit.values.tolist() == np.argsort(-r)[:4].tolist()
    assert found.values == pytest.approx(np.sort(r)[::-1][:4], abs=1e-14)
    several = RNG.normal(size=(3, 9)) * [[1.0], [100.0], [0.01]] + 5
    z = (several - several.mean(axis=1, keepdims=True)) / several.std(axis=1, keepdims=True)
    mean = matched_units(z.mean(axis=0), profiles, 20)
    assert matched_units(several, profiles, 20).values == pytest.approx(mean.values, abs=1e-13)


@pytest.mark.parametrize(
    ("profile", "profiles", "count", "told"),
    [
        ([1, 2, 3], np.eye(2), 1, "profile has 3 groups, and profiles have 2"),
        ([1, 2], np.eye(2), 3, "count is 3, and there are 2 units"),
        ([1, 2], np.eye(2), 0, "whole number of 1"),
        ([2, 2], np.eye(2), 1, "profile is the same for every group"),
        ([1, 2], np.ones((2, 2)), 1, "profiles is the same"),
        ([[1, 2], [2, 1]], np.eye(2), 1, "mean of profile is the same"),
        ([1, np.nan], np.eye(2), 1, "not finite"),
        ([1, 2], [1, 2], 1, r"\(units, groups\)"),
    ],
)
def test_matches_that_cannot_be_are_told(profile, profiles, count, told):
    with pytest.raises(QueryError, match=told):
        matched_units(profile, profiles, count)


def network(dims):
    """A loss of tanh layers, and the unit that each weight enters, those of the last layer none."""
    layers = list(itertools.pairwise(dims))

    def loss(theta, x, kind):
        start = 0
        for number, (a, b) in enumerate(layers):
            matrix = theta[start : start + a * b].reshape(a, b)
            x = x @ matrix + theta[start + a * b : start + a * b + b]
            x = jnp.tanh(x) if number < len(layers) - 1 else x
            start += a * b + b
        return -jax.nn.log_softmax(x)[kind]

    units, first = [], 0
    for number, (a, b) in enumerate(layers):
        is_last = number == len(layers) - 1
        names = np.full(b, -1) if is_last else first + np.arange(b)
        units += [np.tile(names, a), names]
        first += b
    return loss, np.concatenate(units)


@pytest.fixture(scope="module")
def two_networks():
    """400 digits, seen three times in one order by a small network and by a large one."""
    x, kinds = neural.digits(1797)
    rng = np.random.default_rng([17, 3])
    keep = rng.permutation(len(kinds))[:400]
    order = np.concatenate([rng.permutation(400) for _ in range(3)])
    found = []
    for dims, seed in (((64, 24, 10), [18, 3]), ((64, 64, 32, 10), [19, 3])):
        loss, units = network(dims)
        asked = {"batches": order[:, None], "tally": np.arange(400)}
        trained = training(
            loss, neural.first_weights(dims, seed), (x[keep], kinds[keep]), 0.1, **asked
        )
        tally = run(trained.system.world(steps=1200), keep=trained.tally[1200]).tally
        found.append(unit_profiles(tally[0, 0], units))
    return found


def test_units_of_a_large_network_match_those_of_a_small_one(two_networks):
    """Numbers of a program of its own, which adds 1e-9 to each sum, 6e-5 of the smallest one.

    The three units are those of the small network that tell the digit 2 apart.
    """
    small, large = two_networks
    best = [matched_units(profile, large, 1).item() for profile in small]
    assert np.mean(best) == pytest.approx(0.410477038, abs=1e-6)
    found = matched_units(small.sel(unit=[7, 13, 14]), large, 10)
    assert found.unit.values.tolist() == [60, 67, 21, 70, 41, 45, 11, 71, 8, 5]
    assert found.values[:3] == pytest.approx([0.39596609, 0.39379024, 0.39268130], abs=1e-6)


@pytest.mark.parametrize("wrong", [None, 3, "x", [1.0, 2.0], [[np.nan, 1.0], [1.0, 2.0]], [[]]])
def test_a_table_without_means_is_one_of_numbers(wrong):
    with pytest.raises(QueryError, match="table"):
        without_means(wrong)
    assert without_means([[1, 2], [3, 8]]).tolist() == [[1, -1], [-1, 1]]
