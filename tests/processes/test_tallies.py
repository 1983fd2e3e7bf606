"""Tallies of |update| by groups of examples: sums over the steps at which a group was seen."""

import equinox
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from sklearn.datasets import load_digits

from causalopt import DeclarationError, TooLargeError, run, tangents, training

COUNT, WEIGHTS = 7, 3
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(COUNT, WEIGHTS)), RNG.normal(size=COUNT)
#: In the last batch one example comes twice, in the third two of one group.
ORDER = [[0, 3], [1, 2], [4, 6], [5, 0], [6, 6]]


def loss(theta, x, y):
    return (theta @ x - y) ** 2 / 2


def linear(**given):
    return training(loss, np.zeros(WEIGHTS), (X, Y), 0.3, **given)


def summed(theta, groups, order, count):
    """The tally after each step, of the weights after each step (steps + 1, weights)."""
    tally = [np.zeros((count, theta.shape[1]))]
    for moved, batch in zip(np.abs(np.diff(theta, axis=0)), order, strict=True):
        tally.append(tally[-1].copy())
        for group in {groups[place] for place in batch}:
            tally[-1][group] += moved
    return tally


@pytest.mark.sampled(4)
@pytest.mark.parametrize("order", [None, ORDER, [[place[0]] for place in ORDER]])
@pytest.mark.parametrize(
    "groups", [np.arange(COUNT), [0, 1, 0, 1, 2, 0, 2], [0] * COUNT, [9, 2, 2, 2, 4, 9, 2]]
)
def test_what_was_seen_is_added_up(order, groups):
    trained = linear(batches=order, tally=groups)
    found = run(trained.system.world(steps=5))
    seen = [range(COUNT)] * 5 if order is None else order
    expected = summed(found.theta.values[0], groups, seen, max(groups) + 1)
    assert found.tally.values[0] == pytest.approx(np.array(expected), abs=1e-14)


def test_batches_that_are_drawn():
    """Examples along axes: which weights move says which examples were seen."""
    trained = training(
        lambda theta, x: (theta - 1) ** 2 @ x, np.zeros(5), (np.eye(5),), 0.1, batches=3,
        tally=np.arange(5),
    )  # fmt: skip
    found = run(trained.system.world(steps=30, seed=2))
    theta, tally = found.theta.values[0], found.tally.values[0]
    seen = np.diff(theta, axis=0) > 0
    assert {2, 3} <= set(seen.sum(axis=1)) <= {1, 2, 3}
    order = [np.flatnonzero(row) for row in seen]
    assert tally == pytest.approx(np.array(summed(theta, range(5), order, 5)), abs=1e-14)


def backpropagated(x, kinds, order, weights, rate):
    """Digits learned one at a time by hand, and |update| of all weights by example."""
    first, b1, second, b2 = (part.copy() for part in weights)
    tally = np.zeros((len(x), sum(part.size for part in weights)))
    for place in order:
        h = np.tanh(x[place] @ first + b1)
        z = h @ second + b2
        d2 = np.exp(z - z.max())
        d2 = rate * (d2 / d2.sum() - np.eye(10)[kinds[place]])
        d1 = (second @ d2) * (1 - h**2)
        updates = np.outer(x[place], d1), d1, np.outer(h, d2), d2
        for part, update in zip((first, b1, second, b2), updates, strict=True):
            part -= update
        tally[place] += np.abs(np.concatenate([np.ravel(update) for update in updates]))
    return tally


def test_digits_by_hand():
    digits = load_digits()
    x, kinds = digits.data[:40] / 16, digits.target[:40]
    rng = np.random.default_rng(3)
    shapes = (64, 12), (12,), (12, 10), (10,)
    weights = [rng.normal(size=shape) * np.sqrt(1 / shape[0]) for shape in shapes]
    order = np.concatenate([rng.permutation(40) for _ in range(3)])

    def loss(weights, x, kind):
        first, b1, second, b2 = weights
        return -jax.nn.log_softmax(jnp.tanh(x @ first + b1) @ second + b2)[kind]

    asked = {"batches": order[:, None], "tally": np.arange(40)}
    trained = training(loss, weights, (x, kinds), 0.1, **asked)
    found = run(trained.system.world(steps=120), keep=trained.tally[120]).tally.values[0, 0]
    expected = backpropagated(x, kinds, order, weights, 0.1)
    assert found == pytest.approx(expected, rel=1e-10, abs=1e-14)


@pytest.mark.parametrize("optimizer", [0.1, optax.adam(1e-2)])
def test_trees_are_counted_in_the_order_of_the_weights(optimizer):
    """Parts of another kind, and what is no array, among them."""
    net = equinox.nn.MLP(2, 1, 4, 1, activation=jnp.tanh, key=jax.random.key(0))
    arrays, rest = equinox.partition(net, equinox.is_inexact_array)
    weights = {"net": arrays, "a": np.ones((2, 2)), "scale": 1.0}

    def loss(weights, x, y):
        net = equinox.combine(weights["net"], rest)
        return (weights["scale"] * net(weights["a"] @ x)[0] - y) ** 2

    trained = training(loss, weights, (X[:, :2], Y), optimizer, tally=[0] * COUNT)
    found = run(trained.system.world(steps=6))
    moved = np.abs(np.diff(found.theta.values[0], axis=0)).sum(axis=0)
    assert (moved > 0).sum() > 10
    assert found.tally.values[0, -1, 0] == pytest.approx(moved, rel=1e-12)


def test_a_stretch_of_steps_is_a_difference():
    trained = linear(batches=ORDER, tally=np.arange(COUNT))
    W = trained.system.world(steps=5)
    again = W.do(trained.tally[2], np.zeros(trained.tally.shape))
    whole, part = run(W, again, labels=["W", "again"]).tally.values
    assert part[5] == pytest.approx(whole[5] - whole[2], abs=1e-14)
    some = run(W, keep=2).tally.values[0]
    assert some == pytest.approx(whole[::2], abs=0)


def test_nothing_follows_from_a_tally():
    plain, trained = linear(batches=ORDER), linear(batches=ORDER, tally=np.arange(COUNT))
    assert plain.tally is None
    for variable in plain.system.variables:
        assert plain.system.parents(variable) == trained.system.parents(variable)
    ends = []
    for one in (plain, trained):
        X = one.system.world(steps=5).perturb(one.importance[0], along=np.eye(COUNT))
        ends.append(tangents(X, keep=one.weights[5]).theta.values)
    assert ends[0] == pytest.approx(ends[1], abs=0)


def test_a_tally_has_derivatives():
    """By |update|, so that they are those of differences where no update changes its sign."""
    trained = linear(batches=ORDER, tally=[0, 1, 0, 1, 2, 0, 2])
    W, h = trained.system.world(steps=5), 1e-6
    v = RNG.normal(size=WEIGHTS)
    exact = tangents(W.perturb(trained.weights[0], along=v), keep="last").tally.values[0, 0]
    ends = run(*(W.perturb(trained.weights[0], by=by * v) for by in (h, -h)), keep="last",
               labels=["up", "down"]).tally.values[:, 0]  # fmt: skip
    assert exact.squeeze() == pytest.approx((ends[0] - ends[1]) / (2 * h), abs=1e-8)


@pytest.mark.parametrize(
    ("tally", "told"),
    [
        ([0, 1], r"of the shape \(2,\): write 7 whole numbers"),
        (np.zeros(COUNT), "has float64"),
        (np.zeros((COUNT, 1), dtype=int), r"shape \(7, 1\)"),
        (np.ones(COUNT, dtype=bool), "has bool"),
        ([0, 1, 2, -3, 0, 1, 2], "the group -3: groups count from 0"),
        (["a"] * COUNT, "tally holds <U1 values"),
        (3, r"has int64 of the shape \(\)"),
    ],
)
def test_groups_that_cannot_be_are_told(tally, told):
    with pytest.raises(DeclarationError, match=told):
        linear(tally=tally)


def test_more_groups_than_memory_holds():
    with pytest.raises(TooLargeError, match="The array tally"):
        linear(tally=[0, 1, 2, 3, 4, 5, 2**62])
