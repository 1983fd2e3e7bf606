"""What an example writes into a network, and what stays."""

import functools
import itertools
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from scipy.stats import spearmanr

from causalopt import (
    System,
    array,
    function,
    matched_units,
    mean_interval,
    parameters,
    participation_ratio,
    plots,
    run,
    series,
    tangents,
    training,
    unit_profiles,
    without_means,
)
from causalopt.study import Archive, Claim, Experiment, Reason, Study

POST = '"Hypotheses about Finding Knowledge and One-Shot Causal Entanglements"'
APART = "computed apart from this software, in plain JAX"
DATA = Path(__file__).parent / "data" / "digits.npz"

RATE, EPOCHS, SEEDS = 0.1, 3, range(12)
ACTIVATIONS = {"tanh": jnp.tanh, "softplus": jax.nn.softplus}
DIMS, SMALL, LARGE = (64, 24, 10), (64, 24, 10), (64, 64, 32, 10)
# Below this an influence is rounding.
LEAST = 1e-14
# Patches of two by two pixels, by the place of the first.
PATCHES = ((1, 2), (1, 4), (3, 3), (5, 3))
# So many units of the small network are most specific to a digit, so many of the large one are
# matched to them, and so many groups are drawn to compare with.
SPECIFIC, MATCHED, DRAWN = 3, 10, 100


@functools.cache
def digits():
    """The images, 0 to 1 in 64 pixels, and the digits that they show."""
    with np.load(DATA) as held:
        return held["images"] / 16, held["labels"].astype(np.int64)


def some_digits(rng, count):
    """So many images drawn to be learned, the rest, and the order of three epochs."""
    places = rng.permutation(len(digits()[1]))
    order = np.concatenate([rng.permutation(count) for _ in range(EPOCHS)])
    return places[:count], places[count:], order


def first_weights(dims, seed):
    """Normal with the variance 1/inputs, layer by layer, and biases of 0, in one vector."""
    rng, parts = np.random.default_rng(seed), []
    for inputs, outputs in itertools.pairwise(dims):
        parts += [rng.normal(size=inputs * outputs) / np.sqrt(inputs), np.zeros(outputs)]
    return np.concatenate(parts)


def layers(dims, theta):
    """The matrix and the biases of each layer of a vector, or of a stack of vectors."""
    found, at = [], 0
    for inputs, outputs in itertools.pairwise(dims):
        matrix = theta[..., at : at + inputs * outputs].reshape(*theta.shape[:-1], inputs, outputs)
        at += inputs * outputs
        found.append((matrix, theta[..., at : at + outputs]))
        at += outputs
    return found


def unit_of_weights(dims):
    """Which hidden unit each weight enters; -1 for those into the outputs."""
    parts, unit = [], 0
    for inputs, outputs in itertools.pairwise(dims[:-1]):
        names = unit + np.arange(outputs)
        parts += [np.tile(names, inputs), names]
        unit += outputs
    return np.concatenate([*parts, np.full((dims[-2] + 1) * dims[-1], -1)])


def outputs_of(dims, activation, theta, x, held=None):
    """What the network says of images, and its hidden units; ``held`` are a mask and values."""
    *hidden, (last, bias) = layers(dims, theta)
    units = []
    for matrix, biases in hidden:
        x = activation(x @ matrix + biases)
        if held is not None:
            at = sum(part.shape[-1] for part in units)
            mask, value = (part[..., at : at + x.shape[-1]] for part in held)
            x = jnp.where(mask, value, x)
        units.append(x)
    return x @ last + bias, jnp.concatenate(units, axis=-1)


def cross_entropy(dims, activation, theta, x, label):
    """-log of the probability of an image's digit."""
    said, _ = outputs_of(dims, activation, theta, x)
    return jax.nn.logsumexp(said) - said[label]


# -- what an example writes ----------------------------------------------------------------------


def learning(loss, first, images, labels, order):
    """One image after the other is learned, and the weights are seen by their own gradient.

    ``seen`` is a copy of the weights: held at its values in W, later steps do not answer to what
    has been learned, while what a step writes itself stays. ``importance`` weights the images.
    """
    theta, seen = array("theta", first.shape), array("seen", first.shape)
    g, importance = array("g", first.shape), array("importance", len(images))
    pixels = array("pixels", images.shape)
    label, rate = parameters("label rate")
    place = series("place", order[:, None])

    def slope(seen, importance, pixels, label, place):
        i = place[0]
        return importance[i] * jax.grad(loss)(seen, pixels[i], label[i])

    system = System(
        {
            seen: theta,
            g: function(slope)(seen.next, importance, pixels, label, place),
            theta: theta - rate * g.next,
            importance: importance,
            pixels: pixels,
        },
        start={
            theta: first,
            seen: first,
            g: np.zeros(first.shape),
            importance: np.ones(len(images)),
            pixels: images,
        },
        parameters={label: labels, rate: RATE},
    )
    return system, importance, pixels, seen


def patched(labels, lit, seed):
    """Changes of the data: one patch in one digit's images, and three kinds of controls.

    Each (40, images, pixels): the patch in the digit's images, random pixels in random images, the
    patch in random images, and random pixels in the digit's images.
    """
    rng, places = np.random.default_rng([9, seed]), np.arange(64).reshape(8, 8)
    kinds = {"patch": [], "random": [], "patch elsewhere": [], "class": []}
    for digit in range(10):
        shown = np.flatnonzero(labels == digit)
        for row, column in PATCHES:
            patch = places[row : row + 2, column : column + 2].ravel()
            for kind, changes in kinds.items():
                of_class, at_patch = kind in ("patch", "class"), kind.startswith("patch")
                images = shown if of_class else rng.choice(len(labels), len(shown), replace=False)
                change = np.zeros((len(labels), 64))
                for i in images:
                    change[i, patch if at_patch else rng.choice(lit, 4, replace=False)] = 1.0
                changes.append(change)
    return {kind: np.array(changes) for kind, changes in kinds.items()}


def of_units(moved):
    """The length of what moved at each hidden unit, over the weights into it and out of it."""
    (first, bias), (second, _) = layers(DIMS, moved)
    return np.sqrt((first**2).sum(axis=1) + bias**2 + (second**2).sum(axis=2))


def interaction(updates, influence):
    """Pearson's r of the logarithms, means of rows and columns removed: what belongs to pairs.

    Over the weights that every image moves; (images, weights) both.
    """
    moved = ((updates > 0) & (influence > LEAST)).all(axis=0)
    tables = [without_means(np.log(part[:, moved])) for part in (updates, influence)]
    return np.corrcoef(tables[0].ravel(), tables[1].ravel())[0, 1]


def rank_correlation(updates, influence):
    """Spearman's, over all pairs of an image and a weight that moves at all."""
    moved = updates.sum(axis=0) > 0
    least = [1e-3 * np.median(part[part > 0]) for part in (updates, influence)]
    ranked = [
        part[:, moved].ravel() + low for part, low in zip((updates, influence), least, strict=True)
    ]
    return spearmanr(*ranked)[0]


def written(seed, activation):
    """The statistics of one seed: what an image, or a change of images, does to the weights."""
    kept, _, order = some_digits(np.random.default_rng([7, seed]), 200)
    images, labels = (part[kept] for part in digits())
    loss = functools.partial(cross_entropy, DIMS, ACTIVATIONS[activation])
    first = first_weights(DIMS, [8, seed])
    watched = training(loss, first, (images, labels), RATE, batches=order[:, None],
                       tally=np.arange(200))  # fmt: skip
    steps = len(order)
    ends = run(watched.system.world(steps=steps), keep="last")
    updates, theta = ends.tally.values[0, 0], ends.theta.values[0, 0]
    system, importance, pixels, seen = learning(loss, first, images, labels, order)
    W = system.world(steps=steps)

    def moved(X, *worlds):
        found = tangents(X, *worlds, keep="last").theta
        return [part.T for part in found.values[:, 0]]

    X = W.perturb(importance[0], along=np.eye(200))
    influence, direct = moved(X, X.clamp(seen, to=W))
    own = np.zeros((200, *images.shape))
    own[np.arange(200), np.arange(200)] = images
    (scaled,) = moved(W.perturb(pixels[0], along=own))
    lit = np.flatnonzero(images.std(axis=0) > 0.05)
    changes = {
        kind: moved(W.perturb(pixels[0], along=along))[0]
        for kind, along in patched(labels, lit, seed).items()
    }
    sizes = np.linalg.norm(influence, axis=1) / np.linalg.norm(direct, axis=1)
    said = np.asarray(outputs_of(DIMS, ACTIVATIONS[activation], theta, digits()[0])[0])
    ratio = {kind: np.log(participation_ratio(v)) for kind, v in changes.items()}
    units = {kind: np.log(participation_ratio(of_units(v))) for kind, v in changes.items()}
    controls = ("random", "patch elsewhere", "class")
    return xr.Dataset(
        {
            "accuracy": (said.argmax(axis=1) == digits()[1]).mean(),
            "interaction": interaction(updates, np.abs(influence)),
            "interaction_indirect": interaction(updates, np.abs(influence - direct)),
            "interaction_scaled": interaction(updates, np.abs(scaled)),
            "rank_correlation": rank_correlation(updates, np.abs(influence)),
            "kept": sizes.mean(),
            "weights": ("control", [(ratio["patch"] - ratio[c]).mean() for c in controls]),
            "units": ("control", [(units["patch"] - units[c]).mean() for c in controls]),
        },
        {"control": list(controls)},
    )


# -- what two networks know alike ----------------------------------------------------------------


def learned(dims, seed, images, labels, order):
    """A network of tanh after three epochs: its weights, and what moved each unit, by image."""
    loss = functools.partial(cross_entropy, dims, jnp.tanh)
    watched = training(loss, first_weights(dims, seed), (images, labels), RATE,
                       batches=order[:, None], tally=np.arange(len(images)))  # fmt: skip
    ends = run(watched.system.world(steps=len(order)), keep="last")
    return ends.theta.values[0, 0], ends.tally.values[0, 0]


def ablated(dims, theta, images, labels, groups):
    """The accuracy and the loss of each digit where groups of units are held at their means.

    Both (groups, digits); a group is a list of units, an empty one the network as it is.
    """
    with jax.enable_x64(True):
        theta, x = jnp.asarray(theta), jnp.asarray(images)
        _, units = outputs_of(dims, jnp.tanh, theta, x)
        masks = np.zeros((len(groups), units.shape[1]), dtype=bool)
        for row, group in zip(masks, groups, strict=True):
            row[group] = True
        of_digit = jax.nn.one_hot(labels, 10, dtype=x.dtype)
        mean = units.mean(axis=0)

        @jax.jit
        def scores(mask):
            said, _ = outputs_of(dims, jnp.tanh, theta, x, (mask, mean))
            hits = said.argmax(axis=1) == labels
            loss = jax.nn.logsumexp(said, axis=1) - said[jnp.arange(len(labels)), labels]
            both = jnp.stack([hits, loss]) @ of_digit
            return both / of_digit.sum(axis=0)

        found = np.asarray(jax.lax.map(scores, jnp.asarray(masks)))
    return found[:, 0], found[:, 1]


def specific(table):
    """A digit's number less the mean of the other digits' (..., digits)."""
    return table - (table.sum(axis=-1, keepdims=True) - table) / 9


def standard(rows):
    """Each row less its mean, divided by its standard deviation."""
    return (rows - rows.mean(axis=1, keepdims=True)) / rows.std(axis=1, keepdims=True)


def alike_in_activity(small, chosen, large, shown):
    """The units of the large network that go most along with some of the small one, by image.

    A unit that is low for the digit counts with the other sign.
    """
    sign = np.sign([np.corrcoef(small[:, unit], shown)[0, 1] for unit in chosen])
    profile = (standard(small[:, chosen].T) * sign[:, None]).mean(axis=0, keepdims=True)
    return np.argsort(-np.abs(standard(large.T) @ standard(profile)[0]))[:MATCHED]


def matched(seed):
    """What is lost of a digit alone when units of a large network are held at their means.

    Units that are chosen by a small network's, by the updates that they had of each image, or by
    their activity; by the digit's share of the large network's own updates; and at random. ``lost``
    is the accuracy at the digit, less the mean over the other digits, averaged over digits.
    """
    rng = np.random.default_rng([17, seed])
    kept, rest, order = some_digits(rng, 400)
    images, labels = (part[kept] for part in digits())
    tests, shown = (part[rest] for part in digits())
    small, tally_small = learned(SMALL, [18, seed], images, labels, order)
    large, tally_large = learned(LARGE, [19, seed], images, labels, order)
    of_small, of_large = unit_of_weights(SMALL), unit_of_weights(LARGE)
    profiles = [unit_profiles(tally_small, of_small), unit_profiles(tally_large, of_large)]
    alone = [[], *([unit] for unit in range(24))]
    _, loss = ablated(SMALL, small, tests, shown, alone)
    harm = specific(loss[1:] - loss[0])
    active = [
        np.asarray(outputs_of(dims, np.tanh, theta, images)[1])
        for dims, theta in ((SMALL, small), (LARGE, large))
    ]
    sums = np.array([tally_large[:, of_large == unit].sum(axis=1) for unit in range(96)])
    groups, names = [[]], []
    for digit in range(10):
        best = np.argsort(-harm[:, digit])[:SPECIFIC]
        share = sums[:, labels == digit].sum(axis=1) / sums.sum(axis=1)
        chosen = {
            "updates": matched_units(profiles[0].sel(unit=best), profiles[1], MATCHED).unit.values,
            "activity": alike_in_activity(active[0], best, active[1], labels == digit),
            "share": np.argsort(-share)[:MATCHED],
        }
        groups += chosen.values()
        names += [(digit, how) for how in chosen]
        groups += [rng.choice(96, MATCHED, replace=False) for _ in range(DRAWN)]
        names += [(digit, "random")] * DRAWN
    right, _ = ablated(LARGE, large, tests, shown, groups)
    drop = specific(right[0] - right[1:])
    lost = {how: [] for how in ("updates", "activity", "share", "random")}
    for (digit, how), row in zip(names, drop, strict=True):
        lost[how].append(row[digit])
    return xr.Dataset(
        {"lost": ("chosen", [np.mean(drops) for drops in lost.values()])},
        {"chosen": list(lost)},
    )


# -- over seeds ----------------------------------------------------------------------------------

WRITTEN = Archive(
    Path(__file__).parent / "data" / "influence_of_data.nc",
    written,
    {"seed": SEEDS, "activation": list(ACTIVATIONS)},
    {"images": 200, "rate": RATE, "epochs": EPOCHS},
)
MATCHING = Archive(
    Path(__file__).parent / "data" / "matched_units.nc",
    matched,
    {"seed": SEEDS},
    {"images": 400, "rate": RATE, "epochs": EPOCHS, "matched": MATCHED, "drawn": DRAWN},
)


def over_random():
    """What chosen units lose more than units at random."""
    lost = MATCHING.read().lost
    return lost.sel(chosen=["updates", "activity", "share"]) - lost.sel(chosen="random", drop=True)


def mean_of(values):
    return mean_interval(values, dim="seed")["mean"].item()


def of_changes(data):
    """A patch in one digit's images moves fewer weights than any control does; of units the same,
    but hardly fewer than random pixels of that digit's images: what is local is mostly the class.

    Differences of the logarithm of the participation ratio, means of 12 seeds and their intervals.
    """
    names = ["random pixels of random images", "the patch in random images",
             "random pixels of the digit's images"]  # fmt: skip
    with plots.figure(1, 2, figsize=(8.6, 3.4), sharey=True) as (picture, axes):
        for ax, part in zip(axes, ("weights", "units"), strict=True):
            for activation, colour, by in (
                ("tanh", plots.palette.BLUE, -0.1),
                ("softplus", plots.palette.ORANGE, 0.1),
            ):
                found = mean_interval(data[part].sel(activation=activation), dim="seed")
                plots.intervals(found, names, ax, by=by, color=colour, label=activation)
            ax.axvline(0, color=plots.palette.GREY, lw=0.8)
            ax.set(xlabel=f"log ratio of {part} that take part [nat]")
        axes[1].legend()
    return picture


def of_updates(data):
    """Which images move which weights while they are learned, and which do in the end: what belongs
    to pairs of both correlates, more so without what an image wrote itself."""
    kinds = {
        "interaction": "weighted more",
        "interaction_scaled": "made brighter",
        "interaction_indirect": "weighted more, less its own updates",
    }
    with plots.figure(figsize=(6.4, 3.0)) as (picture, ax):
        joined = xr.concat([data[kind] for kind in kinds], "kind")
        for activation, colour, by in (
            ("tanh", plots.palette.BLUE, -0.1),
            ("softplus", plots.palette.ORANGE, 0.1),
        ):
            found = mean_interval(joined.sel(activation=activation), dim="seed")
            names = list(kinds.values())
            plots.intervals(found, names, ax, by=by, color=colour, label=activation)
        ax.set(xlabel="correlation of log update and log influence", xlim=(0, None))
        ax.legend()
    return picture


def of_matches(data):
    """Holding units that are matched to a small network's costs a digit more than the others; what
    the large network itself was moved by says more than any match."""
    with plots.figure(figsize=(6.4, 2.8)) as (picture, ax):
        names = ["matched by updates", "matched by activity", "moved by the digit", "at random"]
        found = mean_interval(data.lost, dim="seed")
        plots.intervals(found, names, ax, color=plots.palette.BLUE)
        ax.axvline(0, color=plots.palette.GREY, lw=0.8)
        ax.set(xlabel="accuracy lost at the digit, less at the others")
    return picture


def of_what_stays(data):
    """Later steps answer to what an image wrote, and take back half of it (tanh) or two thirds."""
    with plots.figure(figsize=(5.6, 3.4)) as (picture, ax):
        for activation, colour in (
            ("tanh", plots.palette.BLUE),
            ("softplus", plots.palette.ORANGE),
        ):
            kept = data.kept.sel(activation=activation)
            ax.plot(data.seed, -np.log(kept), "o", color=colour, label=activation)
        ax.set(xlabel="seed", ylabel="Op of the later answer [nat]", ylim=(0, None))
        ax.legend()
    return picture


@functools.cache
def ends():
    """Where training ends from two beginnings, with two sets of 200 images: (2, 2, weights)."""
    kept, rest, order = some_digits(np.random.default_rng([7, 0]), 200)
    images, labels = digits()
    return np.array(
        [
            [
                learned(DIMS, [8, seed], images[some], labels[some], order)[0]
                for some in (kept, rest[:200])
            ]
            for seed in (0, 1)
        ]
    )


def by_data_more_than_by_the_start():
    """Whether other data move the trained weights further than another beginning does."""
    found = ends()
    by_start = np.linalg.norm(found[0] - found[1], axis=-1).mean()
    by_data = np.linalg.norm(found[:, 0] - found[:, 1], axis=-1).mean()
    return bool(by_data > by_start)


@functools.cache
def begun():
    """Twenty images, each learned once: what they have done to the weights by each step
    (21, weights, images), and how much each has moved them (images,).
    """
    images, labels = (part[:20] for part in digits())
    loss = functools.partial(cross_entropy, DIMS, jnp.tanh)
    learned_by = training(loss, first_weights(DIMS, [8, 0]), (images, labels), RATE,
                          batches=np.arange(20)[:, None], tally=np.arange(20))  # fmt: skip
    W = learned_by.system.world(steps=20)
    theta = learned_by.weights
    X = W.perturb(learned_by.importance[0], along=np.eye(20))
    moved = tangents(X, keep=theta[0:21]).theta.values[0]
    return moved, run(W, keep="last").tally.values[0, 0].sum(axis=1)


def computed_again():
    """Whether the first seed gives what is kept."""
    now, then = written(0, "tanh"), WRITTEN.read().sel(seed=0, activation="tanh")
    return all(np.allclose(now[name], then[name], rtol=1e-6) for name in now)


def below(values):
    """Whether the interval of the mean over seeds lies below 0."""
    return bool(mean_interval(values, dim="seed").high < 0)


def above(values):
    """Whether it lies above 0."""
    return bool(mean_interval(values, dim="seed").low > 0)


def of(name, activation="tanh", **labels):
    """Some statistic of all seeds."""
    return WRITTEN.read()[name].sel(activation=activation, **labels, drop=True)


def taken_back(activation):
    """Op of the later answer: -log of the mean share that stays of what an image wrote."""
    return -np.log(mean_of(of("kept", activation)))


def better_than_updates(how):
    """Whether another choice of units costs a digit more than the match by updates does."""
    lost = MATCHING.read().lost
    return above(lost.sel(chosen=how, drop=True) - lost.sel(chosen="updates", drop=True))


def both(found):
    """The same of both activations."""
    return tuple(found(activation) for activation in ACTIVATIONS)


study = Study(
    name="influence_of_data",
    title="What an example writes into a network, and what stays",
    source=POST,
    experiments=(
        Experiment(
            "written",
            "What images do to the weights, over twelve seeds",
            WRITTEN.read,
            {"changes": of_changes, "updates": of_updates, "kept": of_what_stays},
        ),
        Experiment(
            "matched",
            "What is lost of a digit alone, over twelve seeds",
            MATCHING.read,
            {"matches": of_matches},
        ),
    ),
    claims=(
        Claim(
            "Before training the parameters depend on their first values alone",
            POST,
            True,
            lambda: bool(not begun()[0][0].any() and begun()[0][-1].any()),
        ),
        Claim(
            "Different elements update the parameters by different amounts",
            POST,
            True,
            lambda: bool(begun()[1].max() > 2 * begun()[1].min()),
        ),
        Claim(
            "Structured and localized changes in the dataset cause localized changes in the final "
            "values of the parameters",
            POST,
            True,
            lambda: all(both(lambda a: below(of("weights", a, control="random")))),
        ),
        Claim(
            "The degree to which an element causes a parameter to be updated during training is "
            "correlated with the degree to which a change to the element would have changed its "
            "final value",
            POST,
            True,
            lambda: all(both(lambda a: above(of("interaction", a)))),
        ),
        Claim(
            "Knowledge of a property is concentrated in the parameters that elements which tell "
            "of it updated the most: units with the largest share of a digit's updates cost it "
            "more than others",
            POST,
            True,
            lambda: above(over_random().sel(chosen="share", drop=True)),
        ),
        Claim(
            "Correlating update-size as a function of dataset-element across two models identifies "
            "parameters which contain the same knowledge",
            POST,
            True,
            lambda: above(over_random().sel(chosen="updates", drop=True)),
        ),
        Claim(
            "A simple interpreted model allows to infer information about a much larger one from "
            "both training histories: in every seed units that are matched cost the digit more",
            POST,
            True,
            lambda: bool((over_random().sel(chosen="updates") > 0).all()),
        ),
        Claim(
            "With time the parameters depend mostly on the dataset, and much less on where they "
            "began",
            POST,
            True,
            by_data_more_than_by_the_start,
            reason=Reason(
                "after three epochs trained weights lie further apart by where they began than by "
                "what was learned: many weights do the same",
                lambda: not by_data_more_than_by_the_start(),
            ),
        ),
        Claim(
            "log participation ratio, a patch of a digit less random pixels (tanh, softplus)",
            APART,
            (-0.967, -1.055),
            lambda: both(lambda a: mean_of(of("weights", a, control="random"))),
            5e-4,
        ),
        Claim(
            "the same over hidden units, less random pixels of the digit (tanh): hardly any",
            APART,
            -0.047,
            lambda: mean_of(of("units", control="class")),
            5e-4,
        ),
        Claim(
            "correlation of log update and log influence in pairs (tanh, softplus)",
            APART,
            (0.216, 0.312),
            lambda: both(lambda a: mean_of(of("interaction", a))),
            5e-4,
        ),
        Claim(
            "the same without what an image wrote itself",
            APART,
            (0.495, 0.754),
            lambda: both(lambda a: mean_of(of("interaction_indirect", a))),
            5e-4,
        ),
        Claim(
            "accuracy lost at a digit alone, by matched units less random ones",
            APART,
            0.131,
            lambda: mean_of(over_random().sel(chosen="updates")),
            0.005,
        ),
        Claim(
            "the same by units matched by activity, and by the large network's own updates",
            APART,
            (0.191, 0.287),
            lambda: tuple(mean_of(over_random().sel(chosen=how)) for how in ("activity", "share")),
            0.005,
        ),
        Claim(
            "Matching by activity does better, and what moved the large network itself does too",
            APART,
            True,
            lambda: better_than_updates("activity") and better_than_updates("share"),
        ),
        Claim(
            "Op of the later training against what an image wrote (tanh, softplus)",
            APART,
            (0.65, 1.00),
            lambda: both(taken_back),
            5e-3,
        ),
        Claim("The first seed, computed again, gives what is kept", POST, True, computed_again),
    ),
    archives=(WRITTEN, MATCHING),
)
