"""SGD that holds each pick for many small steps."""

import functools

import numpy as np
import xarray as xr
from sympy import Rational

from causalopt import Current, System, choice, noise, plots, stationary, variables
from causalopt.study import Claim, Experiment, Study

SOURCE = '"SGD Understood through Probability Current", "Validation of the Second Term"'

(W,) = variables("W")
# The source's third validation: g0 = 1.2 W - 2, g1 = 0.8 W - 2.
SLOPES = (1.2, 0.8)
LOSSES = (Rational(3, 5) * W**2 - 2 * W, Rational(2, 5) * W**2 - 2 * W)
RATES = (0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0)
# Wide enough that nothing leaves it, for all of these rates.
WHERE = (0.8, 4.5)


def held(rate, small):
    """SGD with T = rate, in so many small steps w - T/n (g w - 2) on one pick of g."""
    slope = noise("slope", choice(SLOPES))
    kept = (1 - rate / small * slope) ** small
    return System({W: 2 / slope + kept * (W - 2 / slope)}, start={W: 2})


def spread(density):
    """The variance of a density."""
    mass = density / density.sum()
    mean = float((mass * density.W).sum())
    return float((mass * (density.W - mean) ** 2).sum())


@functools.cache
def of_sgd(rate, small=1):
    """The variance at the end of SGD, by its transfer operator."""
    return spread(stationary(held(rate, small), WHERE, cells=4000))


@functools.cache
def of_flow(rate):
    """The variance at the end of the source's flow, in closed form."""
    flow = Current.of(LOSSES, W, rate, convention="stratonovich")
    return spread(flow.stationary((0, 12), cells=6000))


def variances():
    """The variance at the end against T, over T: one step, ten small ones, and the flow."""
    laws = {
        "a step on each pick": of_sgd,
        "ten small steps on each pick": lambda rate: of_sgd(rate, 10),
        "flow": of_flow,
    }
    values = [[law(rate) / rate for rate in RATES] for law in laws.values()]
    return xr.Dataset({"variance": (("law", "T"), values)}, {"law": list(laws), "T": list(RATES)})


def variances_figure(data):
    """SGD leaves the flow as T grows; with many small steps on a pick it stays by it."""
    with plots.figure() as (picture, ax):
        for law in data["law"].values:
            plots.along(data["variance"].sel(law=law), ax, marker=".", label=str(law))
        ax.set_ylabel("variance of W at the end, over T")
        ax.legend()
    return picture


def miss(rate, small=1):
    """By which part of SGD's variance the flow's is off."""
    exact = of_sgd(rate, small)
    return abs(of_flow(rate) - exact) / exact


def breaks_down():
    """Whether the flow misses little at T = 0.05, and more the larger T is, up to a half."""
    misses = [miss(rate) for rate in (0.05, 0.2, 0.5, 1.0)]
    return bool(misses[0] < 0.03 and misses[-1] > 0.45 and (np.diff(misses) > 0).all())


study = Study(
    name="many_small_steps",
    title="Many small steps on one pick",
    source=SOURCE,
    system=held(0.5, 2),
    experiments=(
        Experiment(
            "variances",
            "The variance at the end against T",
            variances,
            {"variances": variances_figure},
        ),
    ),
    claims=(
        Claim("high values of T cause the model to break down", SOURCE, True, breaks_down),
        Claim(
            "many small steps on a g before it changes remedy it: from 23% to 4% off, T = 0.5",
            SOURCE,
            True,
            lambda: miss(0.5) > 0.22 and miss(0.5, small=100) < 0.04,
        ),
        Claim(
            "with more and more of them the variance tends to that of continuous descent on each "
            "pick, 0.04034",
            "moments of the two maps of one pick in closed form, T = 0.5",
            0.04034,
            lambda: of_sgd(0.5, small=100),
            2e-4,
        ),
    ),
)
