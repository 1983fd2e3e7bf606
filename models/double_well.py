"""A double well, and the two basins of its gradient."""

import functools

import numpy as np

from causalopt import System, op, optimization_basins, optimizing_power, plots, run, variables
from causalopt.study import Claim, Experiment, Study

SOURCE = "x(t) = x0 e^t / sqrt(1 + x0^2 (e^2t - 1)), differentiated by hand"

x, g = variables("x g")
# The gradient is a node of its own, so that it can be A.
well = System.from_ode({x: g}, algebraic={g: x - x**3}, start={x: 0.3}, dt=0.005, method="rk4")
LAST = 200  # t = 1


def strength(starts):
    """Op of the gradient from x at 0 to x at 1, against the first x."""
    return op(well, A=g, n=x[0], m=x[LAST], over={x[0]: starts})


def landscape():
    """Op at t = 1."""
    return strength(np.linspace(-2, 2, 401))


@functools.cache
def basins(above):
    """The basins above a threshold, their borders located by bisection."""
    coarse = strength(np.linspace(-2, 2, 81))
    return optimization_basins(coarse, above=above, refine=strength, tolerance=1e-12)


def borders(above):
    """The borders of the two basins that face each other, by size."""
    found = basins(above)
    inner = sorted([*found["low"].values.ravel(), *found["high"].values.ravel()], key=abs)[:2]
    return tuple(sorted(abs(float(border)) for border in inner))


def basins_figure(above):
    """A figure of the basins above a threshold."""

    def figure(data):
        with plots.figure() as (picture, ax):
            plots.landscape(data, ax)
            plots.basins(basins(above), ax)
            ax.set(xlabel="initial x", ylabel="Op of the gradient [nat]")
        return picture

    return figure


def optimized(data):
    """Two basins, one around each well; from around the top the gradient leads apart."""
    return basins_figure(0.0)(data)


def strongly(data):
    """Where differences shrink by e or more."""
    return basins_figure(1.0)(data)


def courses():
    """x from starts on both sides."""
    starts = [-1.8, -0.9, -0.3, -0.02, 0.02, 0.3, 0.9, 1.8]
    return run(well.world(steps=4 * LAST), over={x[0]: starts})["x"].isel(world=0, drop=True)


def course(data):
    """What starts within a well gathers at its bottom; what starts at the top is torn apart."""
    with plots.figure() as (picture, ax):
        for start in data["x[0]"].values:
            plots.over_time(data.sel({"x[0]": start}), ax, color=plots.palette.INK, ls="-")
    return picture


def over_time():
    """Op against the first x and time."""
    over = {x[0]: np.linspace(-2, 2, 161)}
    strengths = op(well, A=g, n=x[0], m=x, steps=2 * LAST, over=over)
    return strengths.isel(time=slice(1, None, 5)).transpose("x[0]", "time")


def two_basins(data):
    """The two basins reach nearer to the top as time goes on, and never meet."""
    with plots.figure() as (picture, ax):
        plots.landscape(data, ax)
        plots.basins(optimization_basins(data), ax)
        ax.set_ylabel("initial x")
    return picture


def at_the_top():
    """Op from the top, where nothing moves and differences grow as e^t."""
    return strength(np.array([0.0])).item()


def power():
    """The optimizing power on [-2, 2]."""
    over = {x[0]: np.linspace(-2, 2, 20_001)}
    return optimizing_power(well, A=g, n=x[0], m=x[LAST], over=over).item()


study = Study(
    name="double_well",
    title="A double well and the basins of its gradient",
    source=SOURCE,
    system=well,
    experiments=(
        Experiment("courses", "x from both sides", courses, {"course": course}),
        Experiment(
            "landscape",
            "Op at t = 1 against the first x",
            landscape,
            {"basins": optimized, "strong_basins": strongly},
        ),
        Experiment("over_time", "The basins over time", over_time, {"over_time": two_basins}),
    ),
    claims=(
        Claim("basins of Op > 0 at t = 1", SOURCE, 2, lambda: basins(0.0).sizes["basin"]),
        Claim(
            "their borders, by size",
            SOURCE,
            (0.3851455544, 0.3851455544),
            lambda: borders(0.0),
            5e-11,
        ),
        Claim(
            "the borders of Op > 1, by size",
            SOURCE,
            (0.6612551047, 0.6612551047),
            lambda: borders(1.0),
            5e-11,
        ),
        Claim("Op from the top", SOURCE, -1.0, at_the_top, 1e-9),
        Claim("optimizing power on [-2, 2]", SOURCE, 1.890054156, power, 5e-10),
    ),
)
