"""Where a network keeps what it has learned."""

import functools
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from causalopt import plots, run, training
from causalopt.study import Claim, Experiment, Reason, Study

SOURCE = '"Knowledge Localization: Tentatively Positive Results on OCR"'
DATA = Path(__file__).parent / "data" / "mnist_1678.npz"

INPUTS, HIDDEN = 784, 100
SEED = 1
# The post leaves open the loss, here half the squared error, the rate and the seed. Rates from
# 0.001 to 0.2 were tried with seeds 0 and 1: R^2 does not rise steadily with the rate (it is near 0
# at 0.12 and 0.15), and with seed 0 that of the biases at 0.2 is 0.14, below the published one.
RATE, FAST = 0.001, 0.2
# The weights of both layers and their biases lie in one vector: these end each of the parts.
ENDS = np.cumsum([INPUTS * HIDDEN, HIDDEN, HIDDEN * 2])


@functools.cache
def digits():
    """Pixels from 0 to 255 (images, 784), digits, and places in the full training set."""
    with np.load(DATA) as held:
        pixels = held["images"].reshape(-1, INPUTS)
        return pixels, held["labels"].astype(np.int64), held["position"]


def first_weights():
    """He's initialization, of the biases too."""
    rng = np.random.default_rng(SEED)
    parts = ((INPUTS * HIDDEN, INPUTS), (HIDDEN, INPUTS), (HIDDEN * 2, HIDDEN), (2, HIDDEN))
    return np.concatenate([rng.normal(size=size) * np.sqrt(2 / ins) for size, ins in parts])


def half_square(activation, theta, pixels, kind):
    """Half the squared error of two outputs, each to be 1 for its kind of image.

    Inputs lie between 1/256 and 1.
    """
    first, b1, second, b2 = jnp.split(theta, ENDS)
    h = activation((pixels.astype(float) + 1) / 256 @ first.reshape(INPUTS, HIDDEN) + b1)
    y = activation(h @ second.reshape(HIDDEN, 2) + b2)
    return ((y - jax.nn.one_hot(kind, 2)) ** 2).sum() / 2


def smooth(theta, pixels, kind):
    """The loss of a network of log(exp(x) + 1)."""
    return half_square(jax.nn.softplus, theta, pixels, kind)


def logistic(theta, pixels, kind):
    """The loss of a network of 1 / (1 + exp(-x))."""
    return half_square(jax.nn.sigmoid, theta, pixels, kind)


def learning(loss, theta, kept, rate):
    """Some images learned one after the other, with a tally of 1s and 7s, and one of 6s and 8s."""
    pixels, labels, _ = digits()
    kinds = np.isin(labels[kept], (6, 8)).astype(np.int64)
    order = np.arange(len(kinds))[:, None]
    return training(loss, theta, (pixels[kept], kinds), rate, batches=order, tally=kinds)


def first_layer(numbers):
    """Of numbers (..., weights) those of the first layer (..., 785, 100), the biases last."""
    return numbers[..., : ENDS[1]].reshape(*numbers.shape[:-1], INPUTS + 1, HIDDEN)


@functools.cache
def localized(rate, loss):
    """For each weight and bias of the first layer: relative updating, and relative difference.

    ``updating`` is a / (a + b), the sums of |update| by 1s and 7s, and by 6s and 8s, in the second
    half of phase 1. ``difference`` is c / (c + d): how far forks that saw 1s or 7s are apart, and
    forks that saw 6s or 8s. Both (785, 100), the biases last.
    """
    _, labels, position = digits()
    early, late = np.flatnonzero(position < 12_000), np.flatnonzero(position >= 12_000)
    phase = learning(loss, first_weights(), early, rate)
    end, half = len(early), len(early) // 2
    # What was tallied in the first half is dropped.
    W = phase.system.world(steps=end).do(phase.tally[half], np.zeros(phase.tally.shape))
    trained = run(W, keep=[phase.weights[end], phase.tally[end]]).isel(world=0, time=0)
    a, b = first_layer(trained.tally.values)
    phase = learning(loss, trained.theta.values, late, rate)
    W = phase.system.world(steps=len(late))
    # A fork sees the later images without those of one digit, which weigh nothing in its loss.
    forks = [W.do(phase.importance[0], labels[late] != left_out) for left_out in (7, 1, 8, 6)]
    ends = run(*forks, labels=["1", "7", "6", "8"], keep=phase.weights[len(late)])
    ones, sevens, sixes, eights = first_layer(ends.theta.values[:, 0])
    c, d = np.abs(ones - sevens), np.abs(sixes - eights)
    activation = "log(exp(x) + 1)" if loss is smooth else "1 / (1 + exp(-x))"
    return xr.Dataset(
        {
            "updating": (("input", "hidden"), a / (a + b)),
            "difference": (("input", "hidden"), c / (c + d)),
        },
        {"input": np.arange(INPUTS + 1), "hidden": np.arange(HIDDEN)},
        {"rate": rate, "activation": activation},
    )


def usual():
    """At the slow rate, with log(exp(x) + 1)."""
    return localized(RATE, smooth)


def with_logistic():
    """The same with 1 / (1 + exp(-x))."""
    return localized(RATE, logistic)


def weights(data):
    """Relative updating and relative difference of every weight of the first layer, flat."""
    inside = data.isel(input=slice(0, 784))
    return inside.updating.values.reshape(-1), inside.difference.values.reshape(-1)


def biases(data):
    """The same of the biases of the hidden neurons."""
    return data.updating.values[784], data.difference.values[784]


def correlation(pair):
    """Pearson's r."""
    return float(np.corrcoef(*pair)[0, 1])


def by_input(data):
    """The correlation over the weights out of each input, as the image (28, 28)."""
    rows = zip(data.updating.values[:784], data.difference.values[:784], strict=True)
    return np.array([correlation(row) for row in rows]).reshape(28, 28)


def dark():
    """The inputs (28, 28) that are 1/256 in every image."""
    return (digits()[0] == 0).all(axis=0).reshape(28, 28)


def scatter(pair, size, title):
    with plots.figure(figsize=(5.2, 4.6)) as (picture, ax):
        ax.plot(*pair, ".", ms=size, rasterized=True, alpha=0.6 if size > 1 else 0.5, mew=0)
        ax.set_xlabel("relative updating due to 1s and 7s")
        ax.set_ylabel("relative difference of 1 and 7 forks")
        ax.set_title(f"{title}: R² = {correlation(pair) ** 2:.2f}", fontsize=10)
    return picture


def of_biases(data):
    """Biases that update more by 1s and 7s differ more between the forks of 1s and of 7s."""
    return scatter(biases(data), 8, "biases of the hidden neurons")


def of_weights(data):
    """The weights into the hidden neurons."""
    return scatter(weights(data), 3, "weights of the first layer")


def of_weights_small(data):
    """The same with small markers: clusters, one a hidden neuron."""
    return scatter(weights(data), 0.6, "weights of the first layer")


def of_inputs(data):
    """The correlation over the weights out of each input, placed where the input is."""
    with plots.figure(figsize=(5.2, 4.4)) as (picture, ax):
        image = ax.imshow(by_input(data), cmap="RdBu_r", vmin=-0.6, vmax=0.6)
        picture.colorbar(image, ax=ax, label="correlation")
        ax.set(xlabel="column of the image", ylabel="row of the image")
        ax.grid(False)
    return picture


def clusters_are_biases():
    """Whether the weights out of every dark input lie as the biases do, neuron by neuron."""
    data, flat = usual(), dark().reshape(-1)
    same = [
        np.allclose(data[name].values[:784][flat], data[name].values[784], rtol=1e-6)
        for name in ("updating", "difference")
    ]
    return all(same)


def either_side(pair, published):
    """Whether a published R^2 lies between those of a slow and a fast rate."""
    slow, fast = (correlation(pair(localized(rate, smooth))) ** 2 for rate in (RATE, FAST))
    return slow < published < fast


study = Study(
    name="localization",
    title="Where a network keeps what it knows",
    source=SOURCE,
    experiments=(
        Experiment(
            "localized",
            "Updates while learning, and what differs after it",
            usual,
            {
                "biases": of_biases,
                "weights": of_weights,
                "weights_small": of_weights_small,
                "inputs": of_inputs,
            },
            {
                "biases": ("knowledge-localization/1",),
                "weights": ("knowledge-localization/2",),
                "weights_small": ("knowledge-localization/3",),
                "inputs": ("knowledge-localization/4",),
            },
        ),
    ),
    claims=(
        Claim(
            "Correlation for weights is very clear",
            SOURCE,
            True,
            lambda: correlation(weights(usual())) > 0.3,
        ),
        Claim(
            "Weak-ish correlation for biases",
            SOURCE,
            True,
            lambda: 0.1 < correlation(biases(usual())) < 0.5,
        ),
        Claim(
            "R^2 of the weights",
            SOURCE,
            0.28,
            lambda: correlation(weights(usual())) ** 2,
            tolerance=5e-3,
            reason=Reason(
                "the post gives neither the loss, the rate nor the seed, and R^2 depends on them: "
                "with this seed it is below the published one at 0.001 and above it at 0.2",
                lambda: either_side(weights, 0.28),
            ),
        ),
        Claim(
            "R^2 of the biases",
            SOURCE,
            0.17,
            lambda: correlation(biases(usual())) ** 2,
            tolerance=5e-3,
            reason=Reason(
                "the same: with this seed below the published one at the rate 0.001, above at 0.2",
                lambda: either_side(biases, 0.17),
            ),
        ),
        Claim(
            "The clusters are the weights into one hidden neuron, from inputs that are always "
            "1/256; their pattern is that of the biases",
            SOURCE,
            True,
            clusters_are_biases,
        ),
        Claim(
            "Correlation by input is mostly above 0, with regions of negative correlation",
            SOURCE,
            True,
            lambda: 0.5 < (by_input(usual()) > 0).mean() < 0.95,
        ),
        Claim(
            "Round the edges the correlation is much weaker",
            SOURCE,
            True,
            lambda: bool(by_input(usual())[dark()].mean() < by_input(usual()).mean() / 2),
            reason=Reason(
                "an input that is always 1/256 acts as a bias does, so that the correlation at the "
                "edges is exactly that of the biases, which is not weak here",
                lambda: bool(
                    np.allclose(by_input(usual())[dark()], correlation(biases(usual())), atol=1e-6)
                ),
            ),
        ),
        Claim(
            "This only worked for a ReLU-like activation function",
            SOURCE,
            True,
            lambda: correlation(weights(with_logistic())) < 0.1,
            reason=Reason(
                "with the logistic function and these settings the weights correlate more, and "
                "only the correlation of the biases is gone",
                lambda: (
                    correlation(weights(with_logistic())) > correlation(weights(usual()))
                    and correlation(biases(with_logistic())) < 0
                ),
            ),
        ),
    ),
)
