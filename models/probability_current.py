"""SGD as a flow of probability, and three ways to write it."""

import functools

import numpy as np
import sympy
import xarray as xr

from causalopt import Current, gradient_descent, run, sgd, variables
from causalopt.drawing import plots
from causalopt.model import Claim, Experiment, Model, Reason

SOURCE = '"SGD Understood through Probability Current"'
VALIDATION = f'{SOURCE}, "Validation"'

(W,) = variables("W")
l0 = -sympy.exp(-((W - 2) ** 2))
l1 = l0 - sympy.exp(-100 * (W - 1) ** 2)
THIRD = (sympy.Rational(3, 5) * W**2 - 2 * W, sympy.Rational(2, 5) * W**2 - 2 * W)
CONVENTIONS = ("ito", "stratonovich", "modified")
# The source's start: a normal that is cut off at 0.
START = (0.5, 0.175)


def moments(data):
    """Mean and variance of a density over time."""
    width = float(data.W[1] - data.W[0])
    mean = (data.density * data.W).sum("W") * width
    return mean, (data.density * (data.W - mean) ** 2).sum("W") * width


def landscape():
    """G and S^2 of the pit."""
    grid, held = np.linspace(0.5, 3, 1001), sympy.Dummy("w")
    flow = Current.of([l0, l1], W, 0.02)
    parts = {"G": flow.G, "S2": flow.S2}
    found = {
        name: ("W", sympy.lambdify(held, one.xreplace({W: held}))(grid))
        for name, one in parts.items()
    }
    return xr.Dataset(found, {"W": grid})


def landscape_figure(data):
    """G and S^2 vanish together only at 2."""
    with plots.figure(2, sharex=True) as (picture, axes):
        for name, ax in zip(("G", "S2"), axes, strict=True):
            plots.along(data[name], ax)
            ax.axhline(0, color="#999999", lw=0.8)
    return picture


def flowing():
    """The density in the pit's landscape, T = 0.02, where the source's own scheme blew up."""
    return Current.of([l0, l1], W, 0.02).evolve((0, 3), START, range(0, 201, 20), cells=600)


def density_figure(data):
    """One line a time."""
    with plots.figure() as (picture, ax):
        for time in data["time"].values[:: max(1, len(data["time"]) // 5)]:
            plots.along(data["density"].sel(time=time), ax, label=f"t = {time:g}")
        ax.set(ylabel="P(W, t)", yscale="log", ylim=(1e-4, None))
        ax.legend()
    return picture


@functools.cache
def third():
    """Means and deviations over time in the third validation: each convention, and SGD itself."""
    times = range(41)
    found = {}
    for convention in CONVENTIONS:
        flow = Current.of(THIRD, W, 0.5, convention=convention)
        mean, variance = moments(flow.evolve((0.02, 5), START, times, cells=500, dt=0.05))
        found[convention] = (mean.values, np.sqrt(variance.values))
    found["SGD"] = exact_third(len(times))
    across = {"law": list(found), "time": ("time", list(times), {"units": "steps"})}
    parts = zip(*found.values(), strict=True)
    names = ("mean", "deviation")
    return xr.Dataset(
        {n: (["law", "time"], np.array(p)) for n, p in zip(names, parts, strict=True)}, across
    )


def exact_third(count):
    """Mean and deviation of SGD itself: m' = 2 + (m - 2)/2, v' = v/4 + T^2 S^2 averaged."""
    mean, variance = START[0], START[1] ** 2
    rows = []
    for _ in range(count):
        rows.append((mean, variance**0.5))
        square = variance + mean**2
        mean, variance = 2 + (mean - 2) / 2, variance / 4 + 0.01 * square
    return np.array(rows).T


def comparison(data):
    """Means and deviations over time, by law."""
    with plots.figure(2, sharex=True) as (picture, axes):
        for name, ax in zip(("mean", "deviation"), axes, strict=True):
            for law in data["law"].values:
                plots.over_time(data[name].sel(law=law), ax, label=str(law))
            ax.set_ylabel(name)
        axes[0].legend()
    return picture


def published_s2_is_ten_times_too_large():
    """Whether the variance of 1.2 W - 2 and 0.8 W - 2 is 0.04 W^2."""
    return sympy.expand(Current.of(THIRD, W, 0.5).S2 - W**2 / 25) == 0


def second_growth():
    """How much the variance of the second flow grows in 40 steps at T = 0.1, over T^2 a step."""
    data = Current.of((W, -W), W, 0.1).evolve((-12, 12), (0.0, 0.5), [0, 40], cells=600, dt=5)
    first, last = moments(data)[1].values
    return float((last - first) / (40 * 0.01))


@functools.cache
def first():
    """Means and deviations in the first validation: the flow, and 1,000 descents, T = 0.02."""
    from scipy.special import ndtri

    times = range(0, 101, 10)
    flow = Current.of([(l0 + l1) / 2], W, 0.02).evolve((0, 3), START, times, cells=1200, dt=0.2)
    starts = START[0] + START[1] * ndtri((np.arange(1000) + 0.5) / 1000)
    system = gradient_descent((l0 + l1) / 2, W, 0.02, start={W: 0.5})
    paths = run(system.world(steps=100), over={W[0]: starts}, keep=10).W.sel(world="W")
    mean, variance = moments(flow)
    parts = {
        "mean": [mean.values, paths.mean("W[0]").values],
        "deviation": [np.sqrt(variance.values), paths.std("W[0]").values],
    }
    across = {"law": ["flow", "descent"], "time": ("time", list(times), {"units": "steps"})}
    return xr.Dataset({n: (["law", "time"], np.array(p)) for n, p in parts.items()}, across)


def apart(name):
    """The largest difference of the flow from 1,000 descents."""
    return float(abs(first()[name].diff("law")).max())


def total_kept():
    """Whether the pit's flow keeps its probability to 1e-12 and stays from 0 up."""
    data = flowing()
    totals = data.density.sum("W") * 3 / 600
    return bool((abs(totals - 1) < 1e-12).all() and (data.density >= 0).all())


model = Model(
    name="probability_current",
    title="SGD as a flow of probability",
    source=SOURCE,
    system=sgd(THIRD, W, 0.5, start={W: 0.5}),
    experiments=(
        Experiment("landscape", "G and S^2 of the pit", landscape, {"landscape": landscape_figure}),
        Experiment("pit", "The flow in the pit, T = 0.02", flowing, {"pit": density_figure}),
        Experiment("first", "The first validation", first, {"first": comparison}),
        Experiment("third", "The third validation", third, {"third": comparison}),
    ),
    claims=(
        Claim(
            "the mean of the flow without variance is that of descent, T = 0.02",
            VALIDATION,
            0.0,
            lambda: apart("mean"),
            0.01,
        ),
        Claim(
            "with S^2 = 1 the variance grows by T^2 a step", VALIDATION, 1.0, second_growth, 1e-6
        ),
        Claim(
            "S^2 = 0.4 W^2 for g0 = 1.2 W - 2, g1 = 0.8 W - 2",
            VALIDATION,
            0.4,
            lambda: float(Current.of(THIRD, W, 0.5).S2.subs(W, 1)),
            0.05,
            Reason(
                "the variance of the two slopes is 0.04 W^2: each is 0.2 W from the mean",
                published_s2_is_ten_times_too_large,
            ),
        ),
        Claim(
            "the third flow moves from the left to the centre, 2",
            VALIDATION,
            2.0,
            lambda: float(third()["mean"].sel(law="stratonovich")[-1]),
            0.05,
        ),
        Claim(
            "the computational modelling is unstable in the pit's landscape",
            VALIDATION,
            True,
            lambda: not total_kept(),
            reason=Reason(
                "the scheme was, not the equations: implicit finite volumes keep the total to "
                "1e-12 and no density is negative",
                total_kept,
            ),
        ),
    ),
)
