"""Training as a system: what data do to weights, against retraining and numbers made elsewhere."""

import pickle

import equinox
import jax
import jax.numpy as jnp
import neural
import numpy as np
import optax
import pytest

from causalopt import DeclarationError, op, run, tangents, training
from causalopt.mechanisms.tracing import in_double

COUNT, EPOCHS, RATE, DIMS = 200, 3, 0.1, (64, 24, 10)


def setting():
    """200 digits, and the order in which one after the other is seen in three epochs."""
    rng = np.random.default_rng([7, 0])
    x, y = neural.digits(1797)
    keep = rng.permutation(len(y))[:COUNT]
    order = np.concatenate([rng.permutation(COUNT) for _ in range(EPOCHS)])
    return x[keep], y[keep], order, neural.first_weights(DIMS, [8, 0])


def loss(theta, x, y):
    z = neural.logits(theta, x[None], DIMS)[0]
    return jax.nn.logsumexp(z) - z[y.astype(int)]


@pytest.fixture(scope="module")
def trained():
    x, y, order, first = setting()
    return training(loss, first, (x, y), RATE, batches=order[:, None])


def test_how_an_example_moves_what_is_learned(trained):
    W = trained.system.world(steps=600)
    alone = np.zeros(COUNT)
    alone[57] = 1.0
    X = W.perturb(trained.importance[0], along=alone)
    influence = tangents(X, keep="last").theta.values[0, 0, :, 0]
    assert np.linalg.norm(influence) == pytest.approx(0.1846728030, abs=1e-9)
    u = np.random.default_rng(2).normal(size=influence.size)
    assert u @ influence == pytest.approx(0.0974027500, abs=1e-9)
    ends = [
        run(W.perturb(trained.importance[0], by=alone * by), keep="last").theta.values[0, 0]
        for by in (0.0, 1e-4, -1e-4)
    ]
    assert (ends[1] - ends[2]) / 2e-4 == pytest.approx(influence, abs=1e-8)
    x, y, *_ = setting()
    with in_double():
        last = neural.cross_entropy(ends[0], jnp.asarray(x), jnp.asarray(y), DIMS)
    assert float(last) == pytest.approx(0.2155489219, abs=1e-9)


def small(activation=jnp.tanh):
    """A tree of weights, and a loss of it, in double precision."""
    net = equinox.nn.MLP(2, 1, 5, 1, activation=activation, key=jax.random.key(0))
    arrays, rest = equinox.partition(net, equinox.is_array)
    weights = jax.tree.map(lambda a: np.asarray(a, dtype=np.float64), arrays)

    def loss(weights, x, y):
        return (equinox.combine(weights, rest)(x)[0] - y) ** 2

    x = np.random.default_rng(0).normal(size=(30, 2))
    return loss, weights, (x, np.sin(x[:, 0]))


@pytest.mark.parametrize(
    "optimizer",
    [pytest.param(optax.adam(1e-2, eps_root=1e-8), marks=pytest.mark.long), optax.sgd(0.1)],
)
def test_optimizers_of_optax_and_weights_of_equinox(optimizer):
    loss, weights, data = small()
    trained = training(loss, weights, data, optimizer)
    got = run(trained.system.world(steps=12), keep="last").theta.values[0, 0]
    with jax.enable_x64(True):
        rows = [jnp.asarray(part) for part in data]

        def whole(w):
            return jax.vmap(loss, in_axes=(None, 0, 0))(w, *rows).mean()

        w, state = weights, optimizer.init(weights)
        for _ in range(12):
            update, state = optimizer.update(jax.grad(whole)(w), state, w)
            w = optax.apply_updates(w, update)
        wanted = np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(w)])
    assert got == pytest.approx(wanted, abs=1e-12)


def test_op_through_an_optimizer_with_a_memory():
    loss, weights, data = small()
    trained = training(loss, weights, data, optax.adam(1e-2, eps_root=1e-8))
    v = np.random.default_rng(1).normal(size=trained.weights.shape)
    asked = {"A": trained.gradient, "n": trained.weights[0], "m": trained.weights[20]}
    exact = op(trained.system, **asked, along=v).item()
    W = trained.system.world(steps=20)
    X = W.perturb(trained.weights[0], by=1e-6 * v)
    ends = run(W, X, X.clamp(trained.gradient, to=W), keep="last").theta.values[:, 0]
    sizes = np.linalg.norm(ends[1:] - ends[0], axis=1)
    assert exact == pytest.approx(np.log(sizes[1] / sizes[0]), abs=1e-5)


def test_batches_are_drawn_by_chain_and_shared_by_worlds():
    loss, weights, data = small()
    trained = training(loss, weights, data, 0.1, batches=4)
    W = trained.system.world(steps=10, seed=3)
    ends = run(W, W.perturb(trained.weights[0], by=0.0), keep="last").theta.values[:, 0]
    assert ends[0] == pytest.approx(ends[1], abs=0)
    chains = run(W, keep="last", draws=3).theta.values[0, 0]
    assert chains[0] == pytest.approx(ends[0], abs=1e-14)
    assert np.abs(chains[1] - chains[0]).max() > 1e-6


def test_an_optimizer_without_a_derivative_is_told():
    """Adam takes the root of squares that are 0 where a unit of relu is dead."""
    loss, weights, data = small(jax.nn.relu)
    weights = equinox.tree_at(lambda w: w.layers[0].bias, weights, np.full(5, -100.0))
    trained = training(loss, weights, data, optax.adam(1e-2))
    v = np.ones(trained.weights.shape)
    with pytest.raises(Exception, match="no derivative by theta"):
        op(trained.system, trained.gradient, trained.weights[0], trained.weights[5], along=v)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"data": ([[1.0, 2.0]], [1.0, 2.0])}, "a row for each"),
        ({"data": ([[1.0], [1.0, 2.0]], [1.0, 2.0])}, "rows of one length"),
        ({"batches": [[1], [1, 2]]}, "no array of numbers"),
        ({"batches": 31}, "1 to 30"),
        ({"batches": [[30]]}, "names the example 30"),
        ({"batches": [[0.5]]}, "whole numbers"),
        ({"optimizer": "adam"}, "optax"),
        ({"loss": lambda w, x, y: x}, "the shape .2.*one number"),
        ({"loss": lambda w, x, y: (w.layers[0].weight @ x)[:1]}, "the shape .1.*one number"),
        ({"optimizer": optax.lbfgs()}, "takes no step .* 'value'.*Those that ask for the loss"),
        ({"optimizer": optax.contrib.reduce_on_plateau()}, "takes no step .*'value'"),
        ({"optimizer": optax.noisy_sgd(0.1, key=jax.random.key(0))}, "optimizer holds random keys"),
        ({"data": None}, r"write its arrays side by side.*data=\(x, y\)"),
        ({"data": np.ones((4, 2))}, r"write its arrays side by side.*data=\(x,\)"),
        ({"weights": {"w": np.zeros(3), "n": np.array(3)}}, "weights hold whole numbers"),
        ({"weights": {"w": np.zeros(3), "b": np.array(True)}}, "weights hold whole numbers or"),
        ({"weights": 3}, "weights is 3 .int., which holds no floats"),
    ],
)
def test_what_cannot_be_trained_is_told(change, told):
    loss, weights, data = small()
    given = {"loss": loss, "weights": weights, "data": data, "optimizer": 0.1} | change
    with pytest.raises(DeclarationError, match=told):
        training(**given)


def soft_labels(theta, x, y):
    return -jax.nn.log_softmax(theta["w"].reshape(3, 2) @ x * theta["scale"])[y]


def test_labels_stay_whole_and_floats_are_learned():
    x, y = np.random.default_rng(0).normal(size=(12, 2)), np.arange(12) % 3
    trained = training(soft_labels, {"w": np.zeros(6), "scale": 1.0}, (x, y), 0.1, batches=4)
    assert trained.weights.shape == (7,)
    first, last = run(trained.system.world(steps=5)).theta.values[0, [0, -1]]
    assert np.abs(last - first).max() > 0
    kept = pickle.loads(pickle.dumps(trained))
    assert kept.system == trained.system
    assert kept == trained


def squares(theta, x, y):
    return (theta["w"] @ x + theta["b"] - y) ** 2


@pytest.mark.parametrize(
    "optimizer", [0.1, optax.adam(0.1), optax.sgd(0.1, momentum=0.9)], ids=["rate", "adam", "sgd"]
)
def test_what_is_no_array_among_the_weights_is_handed_to_the_loss(optimizer):
    """As the same network, with the function in the loss."""
    x, y = np.random.default_rng(0).normal(size=(2, 6)).T[:, None], np.linspace(0, 1, 6)
    net = equinox.nn.MLP(1, "scalar", 4, 1, activation=jnp.tanh, key=jax.random.key(0))
    arrays, rest = equinox.partition(net, equinox.is_inexact_array)

    def whole(net, x, y):
        return (net(x) - y) ** 2

    ends = [
        run(training(f, w, (x[:, :1, 0], y), optimizer).system.world(steps=5)).theta.values
        for f, w in (
            (whole, net),
            (lambda w, x, y: whole(equinox.combine(w, rest), x, y), arrays),
        )
    ]
    np.testing.assert_array_equal(*ends)
    assert np.ptp(ends[0], axis=1).any()


def test_steps_may_be_taken_together():
    """Two steps of half the gradient each are one step of their mean."""
    x, y = np.random.default_rng(0).normal(size=(6, 3)), np.arange(6.0)
    weights = {"w": np.zeros(3), "b": np.zeros(())}
    several = training(squares, weights, (x, y), optax.MultiSteps(optax.sgd(0.1), 2))
    single = training(squares, weights, (x, y), 0.1)
    found = run(several.system.world(steps=4)).theta.values[0]
    wanted = run(single.system.world(steps=2)).theta.values[0]
    np.testing.assert_allclose(found[::2], wanted, rtol=1e-6, atol=1e-7)
    np.testing.assert_array_equal(found[1], found[0])


@pytest.mark.parametrize("first", [1.5, np.float64(1.5), np.array(1.5), jnp.array(1.5)])
def test_a_single_number_is_trained(first):
    x = np.array([1.0, 2.0, 3.0])
    trained = training(lambda w, x: (w - x) ** 2 / 2, first, (x,), 0.25)
    found = run(trained.system.world(steps=3)).theta.values[0, :, 0]
    np.testing.assert_allclose(found, 2 - 0.5 * 0.75 ** np.arange(4), rtol=1e-15)
    assert trained.weights.shape == (1,)
