"""Where a network keeps what it has learned."""

import functools
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from scipy.stats import t as student

from causalopt import mean_interval, plots, run, training, without_means
from causalopt.study import Archive, Claim, Experiment, Reason, Study

APART = "computed apart from this software, by backpropagation written by hand"
SOURCE = '"Knowledge Localization: Tentatively Positive Results on OCR"'
DATA = Path(__file__).parent / "data" / "mnist_1678.npz"

INPUTS, HIDDEN = 784, 100
# The post leaves open the loss, the rate and the seed: all of these are tried, and figures are of
# that run of log(exp(x) + 1) whose two correlations are nearest to the published ones.
SEEDS, RATES = range(10), (1e-4, 1e-3, 1e-2, 1e-1)
SEED, RATE = 3, 1e-4
# The weights of both layers and their biases lie in one vector: these end each of the parts.
ENDS = np.cumsum([INPUTS * HIDDEN, HIDDEN, HIDDEN * 2])


@functools.cache
def digits():
    """Pixels from 0 to 255 (images, 784), digits, and places in the full training set."""
    with np.load(DATA) as held:
        pixels = held["images"].reshape(-1, INPUTS)
        return pixels, held["labels"].astype(np.int64), held["position"]


def first_weights(seed):
    """He's initialization, of the biases too."""
    rng = np.random.default_rng(seed)
    parts = ((INPUTS * HIDDEN, INPUTS), (HIDDEN, INPUTS), (HIDDEN * 2, HIDDEN), (2, HIDDEN))
    return np.concatenate([rng.normal(size=size) * np.sqrt(2 / ins) for size, ins in parts])


def brightness(pixels):
    """Inputs between 1/256 and 1."""
    return (pixels.astype(float) + 1) / 256


def before_the_last(activation, theta, pixels):
    """What the hidden neurons give the two outputs, before their own activation."""
    first, b1, second, b2 = jnp.split(theta, ENDS)
    h = activation(brightness(pixels) @ first.reshape(INPUTS, HIDDEN) + b1)
    return h @ second.reshape(HIDDEN, 2) + b2


def half_square(activation, theta, pixels, kind):
    """Half the squared error of two outputs, each to be 1 for its kind of image."""
    y = activation(before_the_last(activation, theta, pixels))
    return ((y - jax.nn.one_hot(kind, 2)) ** 2).sum() / 2


def cross_entropy(activation, theta, pixels, kind):
    """-log of the probability of an image's kind."""
    said = before_the_last(activation, theta, pixels)
    return jax.nn.logsumexp(said) - said[kind]


ACTIVATIONS = {"log(exp(x) + 1)": jax.nn.softplus, "1 / (1 + exp(-x))": jax.nn.sigmoid}
RELU_LIKE, LOGISTIC = ACTIVATIONS
LOSSES = {"half squared error": half_square, "cross entropy": cross_entropy}
SQUARED, _ = LOSSES


def learning(loss, theta, kept, rate):
    """Some images learned one after the other, with a tally of 1s and 7s, and one of 6s and 8s."""
    pixels, labels, _ = digits()
    kinds = np.isin(labels[kept], (6, 8)).astype(np.int64)
    order = np.arange(len(kinds))[:, None]
    return training(loss, theta, (pixels[kept], kinds), rate, batches=order, tally=kinds)


def first_layer(numbers):
    """Of numbers (..., weights) those of the first layer (..., 785, 100), the biases last."""
    return numbers[..., : ENDS[1]].reshape(*numbers.shape[:-1], INPUTS + 1, HIDDEN)


def localized(seed=SEED, rate=RATE, loss=SQUARED, activation=RELU_LIKE):
    """For each weight and bias of the first layer: relative updating, and relative difference.

    ``updating`` is a / (a + b), the sums of |update| by 1s and 7s, and by 6s and 8s, in the second
    half of phase 1; ``in_all`` is the same in all of it. ``difference`` is c / (c + d): how far
    forks that saw 1s or 7s are apart, and forks that saw 6s or 8s. All (785, 100), biases last.
    """
    _, labels, position = digits()
    of_one = functools.partial(LOSSES[loss], ACTIVATIONS[activation])
    early, late = np.flatnonzero(position < 12_000), np.flatnonzero(position >= 12_000)
    phase = learning(of_one, first_weights(seed), early, rate)
    end, half = len(early), len(early) // 2
    W = phase.system.world(steps=end)
    # What was tallied in the first half is dropped.
    dropped = W.do(phase.tally[half], np.zeros(phase.tally.shape))
    trained = run(dropped, W, keep=[phase.weights[end], phase.tally[end]]).isel(time=0)
    by_half = first_layer(trained.tally.values)
    updating, in_all = by_half[:, 0] / by_half.sum(axis=1)
    phase = learning(of_one, trained.theta.values[0], late, rate)
    W = phase.system.world(steps=len(late))
    # A fork sees the later images without those of one digit, which weigh nothing in its loss.
    forks = [W.do(phase.importance[0], labels[late] != left_out) for left_out in (7, 1, 8, 6)]
    ends = run(*forks, labels=["1", "7", "6", "8"], keep=phase.weights[len(late)])
    ones, sevens, sixes, eights = first_layer(ends.theta.values[:, 0])
    c, d = np.abs(ones - sevens), np.abs(sixes - eights)
    return xr.Dataset(
        {
            "updating": (("input", "hidden"), updating),
            "in_all": (("input", "hidden"), in_all),
            "difference": (("input", "hidden"), c / (c + d)),
        },
        {"input": np.arange(INPUTS + 1), "hidden": np.arange(HIDDEN)},
        {"seed": seed, "rate": rate, "loss": loss, "activation": activation},
    )


@functools.cache
def usual():
    """One run, at the slowest rate, with log(exp(x) + 1)."""
    return localized()


def weights(data):
    """Relative updating and relative difference of every weight of the first layer, flat."""
    inside = data.isel(input=slice(0, INPUTS))
    return inside.updating.values.reshape(-1), inside.difference.values.reshape(-1)


def biases(data):
    """The same of the biases of the hidden neurons."""
    return data.updating.values[INPUTS], data.difference.values[INPUTS]


def correlation(pair):
    """Pearson's r."""
    return float(np.corrcoef(*pair)[0, 1])


@functools.cache
def brighter_in_1_and_7():
    """How much of an input's brightness is that of 1s and 7s (784,), with no network at all."""
    pixels, labels, _ = digits()
    means = np.array([brightness(pixels[labels == digit]).mean(axis=0) for digit in (1, 7, 6, 8)])
    return means[:2].sum(axis=0) / means.sum(axis=0)


def correlations(seed, rate, loss, activation):
    """What the correlation of one run is, and what it is made of.

    Of weights and of biases; of the means over each input's weights, and over each neuron's; of
    what is left without both; and of the difference with the brightness of the input alone.
    """
    data = localized(seed, rate, loss, activation)
    updating, difference = (data[name].values[:INPUTS] for name in ("updating", "difference"))
    bright = np.repeat(brighter_in_1_and_7()[:, None], HIDDEN, axis=1)
    return xr.Dataset(
        {
            "weights": correlation(weights(data)),
            "biases": correlation(biases(data)),
            "inputs": correlation((updating.mean(axis=1), difference.mean(axis=1))),
            "neurons": correlation((updating.mean(axis=0), difference.mean(axis=0))),
            "pairs": correlation(
                [without_means(part).reshape(-1) for part in (updating, difference)]
            ),
            "brightness": correlation((bright.reshape(-1), difference.reshape(-1))),
        }
    )


RUNS = Archive(
    Path(__file__).parent / "data" / "localization.nc",
    correlations,
    {"seed": SEEDS, "rate": RATES, "loss": list(LOSSES), "activation": list(ACTIVATIONS)},
    {"hidden": HIDDEN, "first": 12_000},
)


def loss_in_an_epoch(seed, rate):
    """The mean loss of every tenth image after each twentieth of an epoch (21,)."""
    pixels, labels, _ = digits()
    of_one = functools.partial(half_square, jax.nn.softplus)
    every = np.arange(len(labels))
    phase = learning(of_one, first_weights(seed), every, rate)
    part = len(labels) // 20
    passed = run(phase.system.world(steps=20 * part), keep=part).theta.values[0]
    kinds = np.isin(labels, (6, 8)).astype(np.int64)
    with jax.enable_x64(True):
        of_all = jax.jit(jax.vmap(of_one, in_axes=(None, 0, 0)))
        return np.array([of_all(one, pixels[::10], kinds[::10]).mean() for one in passed])


def phases(seed, rate):
    """Of one run: the correlation by the tally of half of phase 1 and of all; loss in an epoch."""
    data = localized(seed, rate).isel(input=slice(0, INPUTS))
    difference = data.difference.values.reshape(-1)
    return xr.Dataset(
        {
            "half": correlation((data.updating.values.reshape(-1), difference)),
            "whole": correlation((data.in_all.values.reshape(-1), difference)),
            "loss": ("part", loss_in_an_epoch(seed, rate)),
        },
        {"part": np.arange(21) / 20},
    )


PHASES = Archive(
    Path(__file__).parent / "data" / "localization_phases.nc",
    phases,
    {"seed": SEEDS[:5], "rate": RATES},
    {"hidden": HIDDEN, "first": 12_000},
)


def by_input(data):
    """The correlation over the weights out of each input, as the image (28, 28)."""
    rows = zip(data.updating.values[:INPUTS], data.difference.values[:INPUTS], strict=True)
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


def of_runs(data):
    """The slower the rate, the more: R^2 says how far training has come, and not which activation.

    A dot is one of 160 runs; lines: what was published. Below 0 the correlation is negative.
    """
    with plots.figure(1, 2, figsize=(9.2, 3.8), sharey=True) as (picture, axes):
        colours = (plots.palette.BLUE, plots.palette.ORANGE)
        for ax, (name, published) in zip(axes, PUBLISHED.items(), strict=True):
            for activation, colour in zip(ACTIVATIONS, colours, strict=True):
                for loss, marker, by in zip(LOSSES, "ox", (0.8, 1.2), strict=True):
                    runs = data[name].sel(loss=loss, activation=activation)
                    rates = by * runs.rate * (1 if activation == RELU_LIKE else 1.15)
                    for seed in runs.seed:
                        one = signed_square(runs.sel(seed=seed))
                        ax.plot(rates, one, marker, color=colour, ms=4)
                    label = f"{activation}, {loss}"
                    ax.plot([], [], marker, color=colour, label=label)
            ax.axhline(published, color=plots.palette.GREY, lw=0.8)
            ax.set(xscale="log", xlabel="rate", title=name)
        axes[0].set_ylabel("R², with the sign of r")
        axes[1].legend(fontsize=7)
    return picture


def of_parts(data):
    """What the correlation is made of: pixels, of which some are brighter in 1s and 7s.

    Means of ten runs and their intervals. Brightness by class knows of no network.
    """
    shown = {
        "inputs": "means over each input's weights",
        "neurons": "means over each neuron's weights",
        "pairs": "what is left of each weight",
        "brightness": "brightness by class, no network",
        "weights": "weights",
    }
    with plots.figure(1, 2, figsize=(9.2, 3.6), sharey=True) as (picture, axes):
        for ax, activation in zip(axes, ACTIVATIONS, strict=True):
            one = data.sel(loss=SQUARED, activation=activation)
            for name, label in shown.items():
                found = mean_interval(one[name], dim="seed")
                sides = [found["mean"] - found.low, found.high - found["mean"]]
                ax.errorbar(one.rate, found["mean"], yerr=sides, fmt="o-", label=label)
            ax.set(xscale="log", xlabel="rate", title=activation)
            ax.axhline(0, color=plots.palette.GREY, lw=0.8)
        axes[0].set_ylabel("r with the difference of forks")
        axes[0].legend(fontsize=7, loc="upper right")
    return picture


def of_loss(data):
    """Loss is least at the end of the first epoch or near it, at every rate. Dotted: phase 1."""
    with plots.figure(figsize=(5.4, 3.6)) as (picture, ax):
        for rate in data.rate.values:
            ax.plot(data.part, data.loss.sel(rate=rate).mean("seed"), label=f"rate {rate:g}")
        ax.axvline(0.2, color=plots.palette.GREY, lw=0.8, ls=":")
        ax.set(xlabel="epoch", ylabel="loss, the mean of five runs", yscale="log")
        ax.legend()
    return picture


# -- claims --------------------------------------------------------------------------------------

PUBLISHED = {"weights": 0.28, "biases": 0.17}


def signed_square(r):
    """R^2 with the sign of r."""
    return r * abs(r)


def cell(name, rate=RATE, loss=SQUARED, activation=RELU_LIKE):
    """A correlation of the runs of one rate, loss and activation, (seed,)."""
    return RUNS.read()[name].sel(rate=rate, loss=loss, activation=activation, drop=True)


def explained(name, **of):
    """R^2 of ten runs, the mean."""
    return (cell(name, **of) ** 2).mean().item()


def between(name):
    """Whether what was published lies between the least and the most of ten runs."""
    runs = signed_square(cell(name))
    return bool(runs.min() < PUBLISHED[name] < runs.max())


def reached(**where):
    """Of which runs both R^2 are what was published, or more, and both r positive."""
    runs = RUNS.read().sel(where)
    return np.logical_and.reduce(
        [signed_square(runs[name]) >= published for name, published in PUBLISHED.items()]
    )


def below_zero_too(name):
    """Whether some of ten runs correlate negatively."""
    return bool((cell(name) < 0).any())


def clusters_are_biases():
    """Whether the weights out of every dark input lie as the biases do, neuron by neuron."""
    data, flat = usual(), dark().reshape(-1)
    same = [
        np.allclose(data[name].values[:INPUTS][flat], data[name].values[INPUTS], rtol=1e-6)
        for name in ("updating", "difference")
    ]
    return all(same)


def early_ratio():
    """How many 1s and 7s phase 1 has for each 6 or 8."""
    _, labels, position = digits()
    early = np.isin(labels[position < 12_000], (1, 7)).mean()
    return early / (1 - early)


def by_chance(square, count):
    """The p-value of Pearson's R^2 of ``count`` pairs, two-sided, by Student's t."""
    t = np.sqrt(square * (count - 2) / (1 - square))
    return 2 * student.sf(t, count - 2)


def stronger_in_half():
    """By how much r is more by the tally of half of phase 1 than by that of all, (seed, rate)."""
    found = PHASES.read()
    return found.half - found.whole


def lowest_in_phase_1():
    """Whether loss is as low at the end of phase 1 as it gets in the epoch, within 5%, by rate."""
    loss = PHASES.read().loss.mean("seed")
    return loss.sel(part=0.2) <= 1.05 * loss.min("part")


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
        Experiment(
            "runs",
            "The same in 160 runs: rates, losses, activations, seeds",
            RUNS.read,
            {"runs": of_runs, "parts": of_parts},
        ),
        Experiment("phases", "Loss in the first epoch", PHASES.read, {"loss": of_loss}),
    ),
    claims=(
        Claim(
            "Correlation for weights is very clear",
            SOURCE,
            True,
            lambda: mean_interval(cell("weights"), dim="seed").low.item() > 0.3,
        ),
        Claim(
            "R^2 of the weights",
            SOURCE,
            0.28,
            lambda: explained("weights"),
            5e-3,
            Reason(
                "the post gives neither the loss, the rate nor the seed: at the slowest rate it "
                "lies between the least and the most of ten runs, and at faster ones above all",
                lambda: between("weights") and cell("weights", 1e-3).max() ** 2 < 0.28,
            ),
        ),
        Claim(
            "Weak-ish correlation for biases",
            SOURCE,
            True,
            lambda: mean_interval(cell("biases"), dim="seed").low.item() > 0,
            reason=Reason(
                "at the rate at which weights correlate as published it is of either sign, by the "
                "seed",
                lambda: below_zero_too("biases"),
            ),
        ),
        Claim(
            "R^2 of the biases",
            SOURCE,
            0.17,
            lambda: explained("biases"),
            5e-3,
            Reason(
                "no run of log(exp(x) + 1) reaches it with a positive r, at any rate, loss or seed",
                lambda: bool(
                    (signed_square(RUNS.read().biases.sel(activation=RELU_LIKE)) < 0.165).all()
                ),
            ),
        ),
        Claim(
            "p < 0.0001 of that correlation, by t-test",
            SOURCE,
            True,
            lambda: bool(by_chance(PUBLISHED["biases"], HIDDEN) < 1e-4),
        ),
        Claim(
            "Both at once, in a network of log(exp(x) + 1)",
            SOURCE,
            True,
            lambda: bool(reached(activation=RELU_LIKE).any()),
            reason=Reason(
                "of 160 runs those that reach both are of 1 / (1 + exp(-x)), at the slowest rate",
                lambda: bool(reached(activation=LOGISTIC, rate=RATE).sum() == reached().sum() > 0),
            ),
        ),
        Claim(
            "Phase 1 has roughly equal numbers of the two types, of the first 12,000 datapoints "
            "(the post says 1200 too)",
            SOURCE,
            True,
            lambda: 0.8 < early_ratio() < 1.25,
        ),
        Claim(
            "Lots of weights come from inputs that are always 1/256",
            SOURCE,
            True,
            lambda: bool(dark().mean() > 0.1),
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
            "The correlation holds for all of phase 1 too",
            SOURCE,
            True,
            lambda: mean_interval(PHASES.read().whole.sel(rate=RATE), dim="seed").low.item() > 0.3,
        ),
        Claim(
            "It is slightly stronger for the second half of phase 1",
            SOURCE,
            True,
            lambda: mean_interval(stronger_in_half().sel(rate=RATE), dim="seed").low.item() > 0,
            reason=Reason(
                "at the slowest rate it is stronger or weaker, by the seed; at .001 and .01 it is "
                "weaker in every one, and at .1 stronger, where hardly any correlation is left",
                lambda: bool(
                    (stronger_in_half().sel(rate=RATE) < 0).any()
                    and (stronger_in_half().sel(rate=[1e-3, 1e-2]) < 0).all()
                    and (stronger_in_half().sel(rate=1e-1) > 0).all()
                ),
            ),
        ),
        Claim(
            "Overall loss appears to reach a minimum early within the first epoch",
            SOURCE,
            True,
            lambda: bool(lowest_in_phase_1().any()),
            reason=Reason(
                "in every run loss is least in the last tenth of the epoch",
                lambda: bool((PHASES.read().loss.idxmin("part") >= 0.9).all()),
            ),
        ),
        Claim(
            "This only worked for a ReLU-like activation function",
            SOURCE,
            True,
            lambda: explained("weights", activation=LOGISTIC) < explained("weights") / 2,
            reason=Reason(
                "with 1 / (1 + exp(-x)) the weights correlate as much at the slowest rate, and "
                "more at every other",
                lambda: all(
                    explained("weights", rate=rate, activation=LOGISTIC)
                    > explained("weights", rate=rate)
                    for rate in RATES[1:]
                ),
            ),
        ),
        Claim(
            "R^2 of the weights at the rates .0001, .001, .01",
            APART,
            (0.297, 0.126, 0.027),
            lambda: tuple(explained("weights", rate=rate) for rate in RATES[:3]),
            5e-4,
        ),
        Claim(
            "R^2 of the weights with 1 / (1 + exp(-x)), at .0001",
            APART,
            0.285,
            lambda: explained("weights", activation=LOGISTIC),
            5e-4,
        ),
        Claim(
            "R^2 of weights and of biases, seed 1 at .001",
            APART,
            (0.12530786, 0.06472537),
            lambda: tuple(
                cell(name, 1e-3).sel(seed=1).item() ** 2 for name in ("weights", "biases")
            ),
            1e-6,
        ),
        Claim("Of 160 runs three reach both figures", APART, 3, lambda: int(reached().sum())),
        Claim(
            "Brightness of pixels by class, with no network at all: R^2 with the difference in "
            "the runs of seeds 0 to 2",
            APART,
            0.296,
            lambda: (cell("brightness").sel(seed=[0, 1, 2]) ** 2).mean().item(),
            5e-4,
        ),
        Claim(
            "What is left without the means of inputs and of neurons: r at .0001, .001, .01, of "
            "the same seeds",
            APART,
            (0.143, 0.112, 0.063),
            lambda: tuple(
                cell("pairs", rate).sel(seed=[0, 1, 2]).mean().item() for rate in RATES[:3]
            ),
            5e-4,
        ),
    ),
    archives=(RUNS, PHASES),
)
