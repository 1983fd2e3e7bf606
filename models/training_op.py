"""Does the gradient steer the training of a network?"""

import functools
import itertools
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from causalopt import comp, op, plots, run, training
from causalopt.study import Claim, Experiment, Study

AIM = 'the aim of "Defining Optimization in a Deeper Way", part 4: neural networks'
APART = "computed apart from this software, in plain JAX and with torch.func"
DATA = Path(__file__).parent / "data" / "digits.npz"

# Hidden units of tanh between pixels and digits.
WIDE, NARROW = (64, 16, 10), (16, 5, 10)
WINDOWS = (1, 8, 32, 64, 128, 200)
# Where windows begin in a training run at the edge: before it, and as it goes over and back.
BEGINNINGS = (61, 501, 561, 621)
TIMES = [10, 100, 400]


@functools.cache
def digits():
    """The first 500 images, 0 to 1 in 64 pixels, and the digits that they show."""
    with np.load(DATA) as held:
        return held["images"][:500] / 16, held["labels"][:500].astype(np.int64)


def coarse():
    """The same in 16 pixels, each the mean of four."""
    images, labels = digits()
    return images.reshape(500, 4, 2, 4, 2).mean(axis=(2, 4)).reshape(500, 16), labels


def first_weights(dims):
    """Normal with the variance 1/inputs, layer by layer, and biases of 0, in one vector."""
    rng, parts = np.random.default_rng(0), []
    for inputs, outputs in itertools.pairwise(dims):
        parts += [rng.normal(size=inputs * outputs) / np.sqrt(inputs), np.zeros(outputs)]
    return np.concatenate(parts)


def outputs_of(dims, theta, x):
    """What the network says of an image."""
    inputs, hidden, outputs = dims
    ends = np.cumsum([inputs * hidden, hidden, hidden * outputs])
    first, b1, second, b2 = jnp.split(theta, ends)
    h = jnp.tanh(x @ first.reshape(inputs, hidden) + b1)
    return h @ second.reshape(hidden, outputs) + b2


def cross_entropy(dims, theta, x, label):
    """-log of the probability of an image's digit."""
    said = outputs_of(dims, theta, x)
    return jax.nn.logsumexp(said) - said[label]


def half_square(dims, theta, x, label):
    """Half the squared error of ten outputs, 1 for the digit."""
    said = outputs_of(dims, theta, x)
    return ((said - jax.nn.one_hot(label, dims[-1])) ** 2).sum() / 2


def learning(loss, dims, rate, *, data=None, **more):
    """Plain descent from the first weights."""
    return training(
        functools.partial(loss, dims), first_weights(dims), data or digits(), rate, **more
    )


def directions(count, size):
    """Directions of length 1, drawn once."""
    drawn = np.random.default_rng(1).normal(size=(count, size))
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def mean_loss(loss, dims, data, theta):
    """The mean over all images."""
    x, label = map(jnp.asarray, data)
    return jax.vmap(functools.partial(loss, dims, theta))(x, label).mean()


def curvatures(loss, dims, data, thetas):
    """The Hessian of the mean loss at each of some weights."""
    with jax.enable_x64(True):
        hessian = jax.hessian(functools.partial(mean_loss, loss, dims, data))
        return np.asarray(jax.jit(functools.partial(jax.lax.map, hessian))(jnp.asarray(thetas)))


def steepest(loss, dims, data, theta):
    """The direction of the largest curvature, by 150 rounds of the power method, and how large."""
    with jax.enable_x64(True):
        at, slope = jnp.asarray(theta), jax.grad(functools.partial(mean_loss, loss, dims, data))

        def turned(v):
            return jax.jvp(slope, (at,), (v,))[1]

        first = jnp.asarray(np.random.default_rng(0).normal(size=at.shape))
        v = jax.lax.fori_loop(0, 150, lambda _, v: turned(v) / jnp.linalg.norm(turned(v)), first)
        return np.asarray(v), float(v @ turned(v))


@functools.cache
def steered():
    """Op of the gradient over 200 steps against nudges of the first weights.

    Along three random directions, along that of the largest curvature at the start, and of the
    volume that the three span.
    """
    run_of = learning(cross_entropy, WIDE, 0.5)
    theta, g = run_of.weights, run_of.gradient
    random = directions(3, theta.shape[0])
    top, _ = steepest(cross_entropy, WIDE, digits(), first_weights(WIDE))
    along = np.vstack([random, top])
    asked = {"A": g, "n": theta[0], "m": theta[:201]}
    each = op(run_of.system, **asked, along=along)
    span = op(run_of.system, **asked, along=random, reduce="volume")
    return each, span


@functools.cache
def squared():
    """The same numbers for half the squared error at the rate 0.1, and the largest curvature."""
    run_of = learning(half_square, WIDE, 0.1)
    theta, g = run_of.weights, run_of.gradient
    random = directions(3, theta.shape[0])
    asked = {"A": g, "n": theta[0], "m": theta[200]}
    read = np.random.default_rng(2).normal(size=theta.shape)
    last = run(run_of.system.world(steps=200), keep="last").theta.values[0, 0]
    return {
        "along": op(run_of.system, **asked, along=random).values,
        "read": op(run_of.system, **asked, along=random[0], read=read).item(),
        "volume": op(run_of.system, **asked, along=random, reduce="volume").item(),
        "largest": np.linalg.eigvalsh(curvatures(half_square, WIDE, digits(), last[None])[0])[-1],
    }


def steering():
    """Op of the gradient against nudges of the first weights, over 200 steps."""
    each, span = steered()
    return xr.Dataset({"op": each, "volume": span})


def by_direction(data):
    """A nudge in a random direction grows while the network learns; one where the loss is steepest
    is taken back within ten steps, and then no further: its place has become another's."""
    with plots.figure() as (picture, ax):
        for i, name in enumerate(["random directions", "", "", "the largest curvature at first"]):
            colour = plots.palette.ORANGE if i == 3 else plots.palette.BLUE
            course = data.op.isel(direction=i)
            ax.plot(data.time, course, color=colour, label=name or None)
        ax.axhline(0, color=plots.palette.GREY, lw=0.8)
        ax.set(xlabel="step", ylabel="Op of the gradient [nat]")
        ax.legend()
    return picture


@functools.cache
def small():
    """A network of 145 weights, over 100 steps: its system, and the weights at each step."""
    run_of = learning(cross_entropy, NARROW, 0.5, data=coarse())
    course = run(run_of.system.world(steps=100), keep=run_of.weights[:101])
    return run_of, course.theta.values[0]


@functools.cache
def volume():
    """Op by all directions at once: the volume, and the extremes of every direction."""
    run_of, _ = small()
    theta = run_of.weights
    asked = {"A": run_of.gradient, "n": theta[0]}
    extremes = [op(run_of.system, **asked, m=theta[t], reduce="spectrum") for t in (10, 100)]
    return xr.Dataset(
        {
            name: found.drop_vars("rounding")
            for name, found in {
                "volume": op(run_of.system, **asked, m=theta[:101], reduce="volume"),
                "spectrum": xr.concat(extremes, xr.DataArray([10, 100], dims="end", name="end")),
            }.items()
        }
    )


@functools.cache
def determinants():
    """-log |det(I - rate H)| of each of the 100 steps, added up."""
    _, course = small()
    hessians = curvatures(cross_entropy, NARROW, coarse(), course[:100])
    return -np.cumsum(np.linalg.slogdet(np.eye(course.shape[1]) - 0.5 * hessians)[1])


def spectrum(data):
    """Of 145 directions some are compressed ever more, most are hardly touched, and some grow.

    Sorted by Op; left out are five that are compressed beyond what can be told.
    """
    with plots.figure() as (picture, ax):
        for end, colour in zip(data.end.values, plots.palette.CYCLE, strict=False):
            values = np.sort(data.spectrum.sel(end=end).values)
            ax.plot(np.arange(1, len(values) + 1), values, color=colour, label=f"step {end}")
        ax.axhline(0, color=plots.palette.GREY, lw=0.8)
        ax.set(xlabel="direction", ylabel="Op of the gradient [nat]")
        ax.legend()
    return picture


@functools.cache
def edge():
    """Op a step, in windows along the direction of the largest curvature where a window begins.

    Half the squared error at the rate 0.2: curvature rises until rate times curvature is 2, where
    descent begins to overshoot, and stays there. ``comp`` is read along the same direction.
    """
    course = learning(half_square, WIDE, 0.2)
    passed = run(course.system.world(steps=max(BEGINNINGS)), keep=course.weights[:])
    weights = passed.theta.sel(time=list(BEGINNINGS)).values[0]
    windows, curved = [], []
    for first in weights:
        top, curvature = steepest(half_square, WIDE, digits(), first)
        run_of = training(functools.partial(half_square, WIDE), first, digits(), 0.2)
        theta = run_of.weights
        asked = {"A": run_of.gradient, "n": theta[0], "m": theta[:201], "along": top}
        windows.append(
            xr.Dataset(
                {
                    "op": op(run_of.system, **asked) / np.arange(201).clip(1),
                    "comp": comp(run_of.system, **asked, read=top),
                }
            )
        )
        curved.append(0.2 * curvature)
    together = xr.concat(windows, xr.DataArray(list(BEGINNINGS), dims="start", name="start"))
    return together.assign(curvature=("start", curved))


def by_window(data):
    """Beyond 2 the gradient amplifies: each step overshoots by more than it corrects.

    Over long windows that is gone, since the curvature is led back below 2 by the overshooting.
    """
    with plots.figure() as (picture, ax):
        for start, colour in zip(data.start.values, plots.palette.CYCLE, strict=False):
            one = data.sel(start=start)
            label = f"from step {start}: rate times curvature {one.curvature.item():.3f}"
            ax.plot(one.time[1:], one.op[1:], color=colour, label=label)
        ax.axhline(0, color=plots.palette.GREY, lw=0.8)
        ax.set_xscale("log")
        ax.set(xlabel="steps in the window", ylabel="Op a step [nat]", ylim=(None, 0.36))
        ax.legend(fontsize=8, loc="upper left")
    return picture


def overshoots():
    """Whether Comp along the largest curvature changes its sign at each of the first 8 steps."""
    signs = np.sign(edge().comp.sel(start=501).isel(time=slice(1, 9)))
    return bool((signs == [-1, 1] * 4).all())


def batches(seed):
    """400 batches of 20 images."""
    return np.random.default_rng(seed).integers(0, 500, size=(400, 20))


def noisy(seed=10, moved=0.0):
    """Stochastic descent in batches of 20."""
    first = first_weights(WIDE) + moved * directions(1, len(first_weights(WIDE)))[0]
    return training(
        functools.partial(cross_entropy, WIDE), first, digits(), 0.2, batches=batches(seed)
    )


@functools.cache
def shared_noise():
    """Op of the gradient of batches that W, X and Y share, after 10, 100 and 400 steps.

    Then what comes out for a nudge of the size ``delta`` where X sees the same batches, and where
    it draws its own.
    """
    run_of = noisy()
    theta, (v,) = run_of.weights, directions(1, run_of.weights.shape[0])
    exact = op(run_of.system, run_of.gradient, theta[0], theta[:401], along=v).sel(time=TIMES)
    W = run_of.system.world(steps=400)
    deltas = 10.0 ** -np.array([1, 3, 5, 7])

    def course(world):
        return run(world, keep=theta[:]).theta.sel(time=TIMES).values[0]

    def answer(worlds):
        apart = [course(world) - course(W) for world in worlds]
        sizes = np.linalg.norm(apart, axis=2) / deltas[:, None]
        return ("delta", "time"), -np.log(sizes)

    answers = {
        "shared": answer([W.perturb(theta[0], by=delta * v) for delta in deltas]),
        "own": answer([noisy(11, moved=delta).system.world(steps=400) for delta in deltas]),
    }
    return xr.Dataset({"op": exact, **answers}, {"delta": deltas, "time": exact.time})


def by_delta(data):
    """With batches of its own X differs from W by noise alone, so that what is called Op there is
    the logarithm of the nudge; with the same batches it is free of it."""
    with plots.figure() as (picture, ax):
        for name, colour in (("shared", plots.palette.BLUE), ("own", plots.palette.ORANGE)):
            for time, mark in zip(data.time.values, "os^", strict=True):
                ax.plot(data.delta, data[name].sel(time=time), mark + "-", color=colour,
                        label=f"{name} batches, step {time:.0f}")  # fmt: skip
        ax.set_xscale("log")
        ax.set(xlabel="size of the nudge", ylabel="-log(|X - W| / nudge) [nat]")
        ax.legend(fontsize=8)
    return picture


def at(array, time):
    """A number at a step."""
    return array.sel(time=time).item()


def random_directions_grow():
    """Whether all three do, from the tenth step on."""
    each, _ = steered()
    return bool((each.isel(direction=slice(3)).sel(time=slice(10, None)) < 0).all())


def of_the_volume():
    """Whether the Op of the volume is the sum of -log |det(I - rate H)| over the steps."""
    found = volume().volume
    return bool(np.allclose(found[1:], determinants(), rtol=1e-11))


def of_the_nudge():
    """Whether with own batches Op falls by log(100) with each hundredth of a nudge."""
    own = shared_noise().own.diff("delta")
    return bool(np.allclose(own[1:], -np.log(100), atol=1e-2))


study = Study(
    name="training_op",
    title="Does the gradient steer the training of a network?",
    source=AIM,
    experiments=(
        Experiment(
            "steering",
            "Op of the gradient against nudges of the first weights",
            steering,
            {"directions": by_direction},
        ),
        Experiment("volume", "All directions at once", volume, {"spectrum": spectrum}),
        Experiment("edge", "At the edge of stability", edge, {"windows": by_window}),
        Experiment(
            "noise", "Batches that are shared, and others", shared_noise, {"noise": by_delta}
        ),
    ),
    claims=(
        *(
            Claim(
                f"Op along a random direction, after {time} steps",
                APART,
                value,
                lambda time=time: at(steered()[0].isel(direction=0), time),
                5e-11,
            )
            for time, value in ((10, -0.0527792920), (100, -0.5563490969), (200, -0.7510752315))
        ),
        *(
            Claim(
                f"the same of the volume of three, after {time} steps",
                APART,
                value,
                lambda time=time: at(steered()[1], time),
                5e-11,
            )
            for time, value in ((10, -0.1579816344), (100, -1.5742811521), (200, -2.0846775265))
        ),
        Claim(
            "Random directions are amplified from the tenth step on",
            APART,
            True,
            random_directions_grow,
        ),
        Claim(
            "of half the squared error, along two random directions, after 200 steps",
            APART,
            (-0.1011383012, -0.1160082740),
            lambda: tuple(squared()["along"][:2]),
            5e-11,
        ),
        Claim(
            "the same as a readout sees it", APART, 1.4528209861, lambda: squared()["read"], 5e-11
        ),
        Claim("the same of the volume", APART, -0.2688134027, lambda: squared()["volume"], 5e-11),
        Claim(
            "the largest curvature after it",
            APART,
            17.4556106995,
            lambda: squared()["largest"],
            5e-11,
        ),
        *(
            Claim(
                f"Op of the volume of all 145 directions, after {time} steps",
                APART,
                value,
                lambda time=time: at(volume().volume, time),
                5e-11,
            )
            for time, value in (
                (1, 2.0586807262),
                (10, 24.8703557810),
                (50, 255.1985136161),
                (100, 733.1066602062),
            )
        ),
        Claim("It is -sum of log |det(I - rate H)| over the steps", APART, True, of_the_volume),
        Claim(
            "rate times curvature at step 501, at the edge of stability",
            APART,
            2.1533,
            lambda: edge().curvature.sel(start=501).item(),
            5e-5,
        ),
        *(
            Claim(
                f"Op a step along it, in a window of {steps} steps",
                APART,
                value,
                lambda steps=steps: at(edge().op.sel(start=501), steps),
                2e-4,
            )
            for steps, value in zip(
                WINDOWS, (-0.1427, -0.1475, -0.1627, -0.1053, -0.0416, -0.0288), strict=True
            )
        ),
        Claim("Comp along it changes its sign at every step", APART, True, overshoots),
        *(
            Claim(
                f"Op of the gradient of shared batches, after {time} steps",
                APART,
                value,
                lambda time=time: at(shared_noise().op, time),
                5e-11,
            )
            for time, value in ((10, -0.0037852371), (100, -0.2896088389), (400, -0.7276159542))
        ),
        Claim(
            "With batches of its own, Op is the logarithm of the nudge", APART, True, of_the_nudge
        ),
    ),
)
