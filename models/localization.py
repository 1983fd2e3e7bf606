"""Where a network keeps what it has learned."""

import functools
from pathlib import Path

import numba
import numpy as np
import xarray as xr

from causalopt import plots
from causalopt.study import Claim, Experiment, Reason, Study

SOURCE = '"Knowledge Localization: Tentatively Positive Results on OCR"'
DATA = Path(__file__).parent / "data" / "mnist_1678.npz"

HIDDEN = 100
SEED = 1
# The post leaves open the loss, here half the squared error, the rate and the seed. Rates from
# 0.001 to 0.2 were tried with seeds 0 and 1: R^2 does not rise steadily with the rate (it is near 0
# at 0.12 and 0.15), and with seed 0 that of the biases at 0.2 is 0.14, below the published one.
RATE, FAST = 0.001, 0.2


@functools.cache
def digits():
    """Inputs between 1/256 and 1 (images, 784), digits, and places in the full training set."""
    with np.load(DATA) as held:
        pixels = held["images"].reshape(-1, 784).astype(np.float64)
        return (pixels + 1) / 256, held["labels"].astype(np.int64), held["position"]


@numba.njit
def _activated(z, smooth):
    """log(exp(z) + 1) and its slope; or, where it is not ``smooth``, the logistic function's."""
    logistic = 1 / (1 + np.exp(-z))
    if smooth:
        return np.log1p(np.exp(-np.abs(z))) + np.maximum(z, 0.0), logistic
    return logistic, logistic * (1 - logistic)


@numba.njit
def _learn(inputs, classes, network, tally, from_step, rate, smooth):
    """Backpropagation, one image at a time; from a step on, |update| is added up by class."""
    first, b1, second, b2 = network
    for step in range(len(inputs)):
        x, kind = inputs[step], classes[step]
        h, slope1 = _activated(x @ first + b1, smooth)
        y, slope2 = _activated(h @ second + b2, smooth)
        y[kind] -= 1.0
        d2 = rate * y * slope2
        d1 = (second @ d2) * slope1
        for i in range(784):
            for j in range(HIDDEN):
                first[i, j] -= x[i] * d1[j]
                if step >= from_step:
                    tally[kind, i, j] += abs(x[i] * d1[j])
        for j in range(HIDDEN):
            b1[j] -= d1[j]
            if step >= from_step:
                tally[kind, 784, j] += abs(d1[j])
            for k in range(2):
                second[j, k] -= h[j] * d2[k]
        b2 -= d2


def learn(network, kept, from_step, rate, smooth):
    """A copy of a network after it has seen some images, and the sums of |update| (2, 785, 100).

    Class 0 are the digits 1 and 7, class 1 the digits 6 and 8. The last row is for the biases.
    """
    inputs, labels, _ = digits()
    trained = tuple(part.copy() for part in network)
    tally = np.zeros((2, 785, HIDDEN))
    classes = np.isin(labels[kept], (6, 8)).astype(np.int64)
    _learn(inputs[kept], classes, trained, tally, from_step, rate, smooth)
    return trained, tally


@functools.cache
def localized(rate=RATE, smooth=True):
    """For each weight and bias of the first layer: relative updating, and relative difference.

    ``updating`` is a / (a + b), the sums of |update| by 1s and 7s, and by 6s and 8s, in the second
    half of phase 1. ``difference`` is c / (c + d): how far forks that saw 1s or 7s are apart, and
    forks that saw 6s or 8s. Both (785, 100), the biases last.
    """
    _, labels, position = digits()
    rng = np.random.default_rng(SEED)
    # He's initialization, of the biases too.
    network = (
        rng.normal(size=(784, HIDDEN)) * np.sqrt(2 / 784),
        rng.normal(size=HIDDEN) * np.sqrt(2 / 784),
        rng.normal(size=(HIDDEN, 2)) * np.sqrt(2 / HIDDEN),
        rng.normal(size=2) * np.sqrt(2 / HIDDEN),
    )
    early = np.flatnonzero(position < 12_000)
    trained, (a, b) = learn(network, early, len(early) // 2, rate, smooth)
    forks = []
    for left_out in (7, 1, 8, 6):
        rest = np.flatnonzero((position >= 12_000) & (labels != left_out))
        (first, biases, *_), _ = learn(trained, rest, len(rest), rate, smooth)
        forks.append(np.vstack([first, biases]))
    c, d = np.abs(forks[0] - forks[1]), np.abs(forks[2] - forks[3])
    return xr.Dataset(
        {
            "updating": (("input", "hidden"), a / (a + b)),
            "difference": (("input", "hidden"), c / (c + d)),
        },
        {"input": np.arange(785), "hidden": np.arange(HIDDEN)},
        {"rate": rate, "activation": "log(exp(x) + 1)" if smooth else "1 / (1 + exp(-x))"},
    )


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
    return (digits()[0] == 1 / 256).all(axis=0).reshape(28, 28)


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
    data, flat = localized(), dark().reshape(-1)
    same = [
        np.allclose(data[name].values[:784][flat], data[name].values[784], rtol=1e-6)
        for name in ("updating", "difference")
    ]
    return all(same)


def either_side(pair, published):
    """Whether a published R^2 lies between those of a slow and a fast rate."""
    slow, fast = (correlation(pair(localized(rate))) ** 2 for rate in (RATE, FAST))
    return slow < published < fast


study = Study(
    name="localization",
    title="Where a network keeps what it knows",
    source=SOURCE,
    experiments=(
        Experiment(
            "localized",
            "Updates while learning, and what differs after it",
            localized,
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
            lambda: correlation(weights(localized())) > 0.3,
        ),
        Claim(
            "Weak-ish correlation for biases",
            SOURCE,
            True,
            lambda: 0.1 < correlation(biases(localized())) < 0.5,
        ),
        Claim(
            "R^2 of the weights",
            SOURCE,
            0.28,
            lambda: correlation(weights(localized())) ** 2,
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
            lambda: correlation(biases(localized())) ** 2,
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
            lambda: 0.5 < (by_input(localized()) > 0).mean() < 0.95,
        ),
        Claim(
            "Round the edges the correlation is much weaker",
            SOURCE,
            True,
            lambda: bool(by_input(localized())[dark()].mean() < by_input(localized()).mean() / 2),
            reason=Reason(
                "an input that is always 1/256 acts as a bias does, so that the correlation at the "
                "edges is exactly that of the biases, which is not weak here",
                lambda: bool(
                    np.allclose(
                        by_input(localized())[dark()], correlation(biases(localized())), atol=1e-6
                    )
                ),
            ),
        ),
        Claim(
            "This only worked for a ReLU-like activation function",
            SOURCE,
            True,
            lambda: correlation(weights(localized(smooth=False))) < 0.1,
            reason=Reason(
                "with the logistic function and these settings the weights correlate more, and "
                "only the correlation of the biases is gone",
                lambda: (
                    correlation(weights(localized(smooth=False)))
                    > correlation(weights(localized()))
                    and correlation(biases(localized(smooth=False))) < 0
                ),
            ),
        ),
    ),
)
