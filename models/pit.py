"""A loss with a pit: descent, SGD, and how SGD escapes."""

import functools

import numpy as np
import sympy
import xarray as xr

from causalopt import (
    escape_probability,
    gradient_descent,
    mean_escape_time,
    parameters,
    plots,
    probability_interval,
    run,
    sgd,
    variables,
)
from causalopt.study import Claim, Experiment, Reason, Study

POST = '"Modelling and Understanding SGD"'
SOURCE = f'{POST}, "SGD and Local Minima"'
MONTE_CARLO = f'{POST}, "Monte Carlo"'

(W,) = variables("W")
(T,) = parameters("T")
l0 = -sympy.exp(-((W - 2) ** 2))


def second_loss(depth=1):
    """l1, with a pit of some depth."""
    return l0 - depth * sympy.exp(-100 * (W - 1) ** 2)


l1 = second_loss()
L = (l0 + l1) / 2


def function(formula):
    """A formula in W as a function of arrays."""
    held = sympy.Dummy("w")
    return sympy.lambdify(held, formula.xreplace({W: held}))


@functools.cache
def stationary(loss=l1):
    """The stationary points of a loss beside the pit: its bottom, and the top of its wall."""
    from scipy.optimize import brentq

    slope = function(loss.diff(W))
    return tuple(float(brentq(slope, *ends, xtol=1e-14)) for ends in ((0.95, 1.1), (1.1, 1.6)))


BOTTOM, TOP = stationary()
COUNTS = (100, 1000, 10_000)

stochastic = sgd([l0, l1], W, T, start={W: BOTTOM}, parameters={T: 0.05})


def around(rate):
    """The pit and as far below it as a step can lead: the slopes of l1 are below 9."""
    return (min(0.8, 1 - 9 * rate), TOP)


def descending(rate, start=0.0, loss=L):
    """Descent on L."""
    return gradient_descent(loss, W, rate, start={W: start})


def path(rate, steps, start=0.0, loss=L):
    """W along a descent."""
    return run(descending(rate, start, loss).world(steps=steps)).W.values[0]


# -- experiments ---------------------------------------------------------------------------------


def landscape():
    """L, l0 and l1."""
    grid = np.linspace(0, 4, 1601)
    parts = {"L": L, "l0": l0, "l1": l1}
    return xr.Dataset({n: ("W", function(f)(grid)) for n, f in parts.items()}, {"W": grid})


def landscape_figure(data):
    """The pit of l1 at 1, half as deep in L."""
    with plots.figure() as (picture, ax):
        for name in data:
            plots.along(data[name], ax, label=name)
        ax.set_ylabel("loss")
        ax.legend()
    return picture


def descent():
    """W over time from 0, for T = 0.5, 0.05 and 0.02."""
    rates = [0.5, 0.05, 0.02]
    courses = [run(descending(rate).world(steps=400)).W.sel(world="W") for rate in rates]
    return xr.concat(courses, xr.Variable("T", rates), combine_attrs="drop").to_dataset(name="W")


def descent_figure(rate):
    """The figure of one rate."""

    def paint(data):
        with plots.figure() as (picture, ax):
            plots.over_time(data["W"].sel(T=rate), ax, lw=0.9, marker=".", ms=3)
            ax.axhspan(
                BOTTOM - 0.2, TOP, color=plots.palette.ORANGE, alpha=0.15, lw=0, label="the pit"
            )
            ax.set_title(f"T = {rate:g}")
            ax.legend()
        return picture

    paint.__doc__ = f"W over the steps of plain descent with T = {rate:g}, and where the pit is."
    return paint


def chains():
    """W over time in 8 chains of SGD from the bottom of the pit, T = 0.02."""
    return run(stochastic.world(steps=300, seed=1), over={T: [0.02]}, draws=8)[["W"]].isel(T=0)


def chains_figure(data):
    """Some chains stay in the pit for hundreds of steps, others leave at once."""
    with plots.figure() as (picture, ax):
        plots.over_time(data["W"].sel(world="W"), ax, lw=0.8)
        ax.axhline(TOP, color=plots.palette.GREY, lw=0.8)
    return picture


def with_rate(rate):
    """SGD from the bottom of the pit at one rate."""
    return sgd([l0, l1], W, T, start={W: BOTTOM}, parameters={T: rate})


def curves(rates):
    """The probability of escape by 100, 1,000 and 10,000 steps against T."""
    by_rate = [
        escape_probability(with_rate(rate), around(rate), COUNTS, cells=8000) for rate in rates
    ]
    return xr.concat(by_rate, xr.Variable("T", rates), combine_attrs="drop")


def sampled(rates, count=1000, steps=100):
    """The share of chains that have left by 100 steps, with intervals of 95%."""
    chains = run(stochastic.world(steps=steps, seed=3), over={T: rates}, draws=count).W
    left = (chains >= TOP).sel(world="W").any("time")
    return probability_interval(left).rename(probability="share")


def wide_curves():
    """Escape for T up to 0.05, with an ensemble beside it."""
    data = curves(np.round(np.linspace(0.002, 0.05, 25), 4))
    rates = [0.01, 0.015, 0.02, 0.03, 0.04]
    return data.merge(sampled(rates).rename(T="T_sampled").drop_vars("world"))


def near_curves():
    """Escape for 0.01 < T < 0.02."""
    return curves(np.round(np.linspace(0.01, 0.02, 50), 6))


def curve_figure(count):
    """Escape against T by one number of steps."""

    def paint(data):
        with plots.figure() as (picture, ax):
            plots.along(data["escaped"].sel(steps=count), ax, label="transfer operator")
            if "share" in data and count == 100:
                share = data["share"].values
                bars = np.abs([share - data["low"].values, data["high"].values - share])
                ax.errorbar(data["T_sampled"], share, bars, fmt="o", ms=3, label="1,000 chains")
            ax.set_ylabel(f"escaped by step {count:,}")
            ax.legend()
        return picture

    paint.__doc__ = f"The probability to be out of the pit by step {count:,}, for each T."
    return paint


def times():
    """The mean number of steps until escape against T, and its error."""
    rates = np.round(np.linspace(0.0125, 0.03, 36), 6)
    waits = [mean_escape_time(with_rate(rate), around(rate), cells=8000) for rate in rates]
    parts = {"mean": [wait.value for wait in waits], "error": [wait.error for wait in waits]}
    return xr.Dataset({name: ("T", values) for name, values in parts.items()}, {"T": rates})


def times_figure(data):
    """The logarithm of the steps to escape falls with T, less steeply the larger T is."""
    with plots.figure() as (picture, ax):
        ax.plot(data["mean"], data["T"])
        ax.set(xscale="log", xlabel="mean steps until escape", ylabel="T")
    return picture


# -- claims --------------------------------------------------------------------------------------


def steps_out(depth=1, rate=0.05):
    """How many steps of descent on l0 lead from the bottom of the pit over its wall."""
    bottom, top = stationary(second_loss(depth))
    return int(np.argmax(path(rate, 50, bottom, l0) > top))


def chance_of_a_run(length=5, picks=100):
    """The chance that fair picks hold a run of one side, of this length or more."""
    waiting = np.zeros(length)
    waiting[0] = 1.0
    for _ in range(picks):
        waiting = np.concatenate([[waiting.sum() / 2], waiting[:-1] / 2])
    return 1 - waiting.sum()


def escape_at(rate, steps):
    """The probability of escape by some step."""
    return float(escape_probability(with_rate(rate), around(rate), steps).escaped[0])


def leaves_for_two():
    """Whether the bottom of L's pit repels at T = 0.05, and W wanders there and leaves for 2."""
    bottom, top = stationary(L)
    w = path(0.05, 400)
    inside = np.flatnonzero((w > 0.8) & (w < top))
    repelled = abs(1 - 0.05 * float(function(L.diff(W, 2))(bottom))) > 3
    # In arithmetic of 120 digits too, 84 and 116 are the first and last steps inside.
    leaves = tuple(inside[[0, -1]]) == (84, 116) and abs(w[-1] - 2) < 1e-3
    return bool(repelled and leaves and abs(path(0.02, 20_000)[-1] - bottom) < 1e-9)


def correlation():
    """The correlation of log(mean steps until escape) with T, for 0.0125 <= T <= 0.02."""
    near = times().sel(T=slice(0.0125, 0.02))
    return float(np.corrcoef(near["T"], np.log(near["mean"]))[0, 1])


study = Study(
    name="pit",
    title="Escape from a pit by stochastic gradient descent",
    source=POST,
    system=stochastic,
    experiments=(
        Experiment(
            "landscape",
            "L, l0 and l1",
            landscape,
            {"landscape": landscape_figure},
            {"landscape": ("sgd-modelling/4",)},
        ),
        Experiment(
            "descent",
            "Descent on L from 0",
            descent,
            {
                "descent_0_5": descent_figure(0.5),
                "descent_0_05": descent_figure(0.05),
                "descent_0_02": descent_figure(0.02),
            },
            {"descent_0_5": ("sgd-modelling/5",), "descent_0_05": ("sgd-modelling/6",)},
        ),
        Experiment("chains", "SGD from the pit, T = 0.02", chains, {"chains": chains_figure}),
        Experiment(
            "escape",
            "Escape against T",
            wide_curves,
            {"escape_100": curve_figure(100), "escape_1000": curve_figure(1000)},
            {"escape_100": ("sgd-modelling/7",), "escape_1000": ("sgd-modelling/8",)},
        ),
        Experiment(
            "escape_near",
            "Escape for 0.01 < T < 0.02",
            near_curves,
            {
                "near_100": curve_figure(100),
                "near_1000": curve_figure(1000),
                "near_10000": curve_figure(10_000),
            },
            {
                "near_100": ("sgd-modelling/9",),
                "near_1000": ("sgd-modelling/10",),
                "near_10000": ("sgd-modelling/11",),
            },
        ),
        Experiment("times", "T against log steps", times, {"times": times_figure}),
    ),
    claims=(
        Claim("descent on L from 4 ends at 2", SOURCE, 2.0, lambda: path(0.5, 500, 4)[-1], 5e-3),
        Claim(
            "descent on L from 0 at T = 0.5 is not caught by the pit",
            SOURCE,
            True,
            lambda: abs(path(0.5, 400)[-1] - 1) > 0.2,
        ),
        Claim(
            "descent on L from 0 at T = 0.05 is stuck in the pit",
            SOURCE,
            True,
            lambda: abs(path(0.05, 400)[-1] - 1) < 0.2,
            reason=Reason(
                "T L'' is about 5 at the bottom of the pit, where more than 2 repels: W wanders in "
                "the pit from step 84 to step 116 and leaves for 2; at T = 0.02 it stays",
                leaves_for_two,
            ),
        ),
        Claim("the bottom of the pit of l1", SOURCE, 1.004, lambda: stationary()[0], 5e-4),
        Claim("the top of its wall", SOURCE, 1.196, lambda: stationary()[1], 5e-4),
        Claim("steps on l0 that lead out, T = 0.05", SOURCE, 5, steps_out),
        Claim("W after 5 of them", SOURCE, 1.201, lambda: path(0.05, 5, 1.004, l0)[-1], 5e-4),
        Claim("a run of 5 picks of l0 among 100", SOURCE, 0.81, chance_of_a_run, 5e-3),
        Claim("a pit twice as deep needs one step more", SOURCE, 6, lambda: steps_out(2)),
        Claim(
            "the pit twice as deep is the global minimum of L",
            SOURCE,
            True,
            lambda: float(function((l0 + second_loss(2)) / 2)(1.0)) < -1,
        ),
        Claim(
            "escape by 100 steps is easier than by 5 picks in a row, T = 0.05",
            MONTE_CARLO,
            True,
            lambda: escape_at(0.05, 100) > chance_of_a_run(),
        ),
        Claim(
            "the log of the steps until escape is roughly a (linear) function of T",
            MONTE_CARLO,
            True,
            lambda: correlation() < -0.95,
        ),
        Claim(
            "the chance to leave by 100 steps at T = 0.02",
            "this software, 64,000 cells",
            0.49353,
            lambda: escape_at(0.02, 100),
            2e-5,
        ),
    ),
)
