"""A thermostat of limited power, and what it optimizes."""

import functools

import numpy as np
import xarray as xr
from sympy import Piecewise

from causalopt import (
    System,
    draw,
    op,
    optimizing_power,
    parameter,
    parameters,
    plots,
    run,
    variables,
)
from causalopt.measures import comp
from causalopt.study import Claim, Experiment, Reason, Study

SOURCE = '"Defining Optimization in a Deeper Way", part 4, point 1'
KEY = "defining-optimization-4"

T, R = variables("T R", unit="degC")
theta, p, d = parameters("theta p d")
dt = parameter("dt")

# Full power outside the band of width theta on either side of the set point, linear inside it.
power = Piecewise((p, theta <= T), (-p, -theta >= T), (p * T / theta, True))

thermostat = System(
    {T: R - d, R: R - dt * power},
    start={T: 0, R: 35},
    parameters={theta: 1, p: 1, d: 25, dt: 0.02},
    dt=dt,
)

CASES = ((1.0, 1.0), (0.5, 1.0), (1.0, 0.5))
STEPS_AT_10 = 500


def worlds():
    """W, X and Y from 35 degrees, over 20 units of time."""
    W = thermostat.world(steps=1000)
    X = W.perturb(R[0], by=1e-3)
    return run(W, X, X.clamp(T, to=W))


def course(data):
    """R falls in a straight line, and only close to 25 exponentially."""
    with plots.figure() as (picture, ax):
        plots.over_time(data["R"].sel(world="W"), ax)
        ax.axhspan(24, 26, color=plots.palette.GREEN, alpha=0.12, lw=0, label="set point ± θ")
        ax.legend()
    return picture


def spread(data):
    """x - w stays as it is until R reaches the band."""
    with plots.figure() as (picture, ax):
        plots.differences(data, "R", ax)
    return picture


def graph(_):
    """W, X and Y as causal networks."""
    W = thermostat.world(steps=4)
    X = W.perturb(R[0])
    return draw(thermostat, steps=4, worlds=[W, X, X.clamp(T, to=W)])


def strength():
    """Op over time, from 35 degrees."""
    return op(thermostat, A=T, n=R[0], m=R, steps=1000)


def strength_over_time(data):
    """Op is zero while the room cools at full power, and grows in the band."""
    with plots.figure() as (picture, ax):
        plots.measure_over_time(data, ax)
        ax.set_ylabel("Op(T; R[0], R[t]) [nat]")
    return picture


def landscape():
    """Op and Comp after 10 units of time against the first temperature, for three thermostats."""
    grid = np.linspace(5, 45, 4001)
    measures = []
    for width, strong in CASES:
        system = saturating(width, strong)
        over = {R[0]: grid}
        measures.append(
            xr.Dataset(
                {
                    "op": op(system, A=T, n=R[0], m=R[STEPS_AT_10], over=over),
                    "comp": comp(system, A=T, n=R[0], m=R[STEPS_AT_10], over=over),
                },
            )
        )
    names = [f"θ = {width:g}, p = {strong:g}" for width, strong in CASES]
    return xr.concat(measures, xr.Variable("thermostat", names), combine_attrs="drop")


def op_landscape(data):
    """Op after 10 units of time: the basin, and its highest part around the set point."""
    with plots.figure() as (picture, ax):
        strength = data["op"].isel(thermostat=0)
        plots.landscape(strength, ax, basin=strength > 0)
        ax.set_ylabel("Op of T, from R at 0 to R at 10 [nat]")
        ax.set_xlabel("initial R [degC]")
    return picture


def landscape_over_time():
    """Op against the first temperature and time."""
    return op(thermostat, A=T, n=R[0], m=R, steps=1000, over={R[0]: np.linspace(5, 45, 401)})


def basin_over_time(data):
    """The basin grows by 2 p a unit of time."""
    with plots.figure() as (picture, ax):
        strength = data.isel(time=slice(0, None, 10)).transpose("R[0]", "time")
        plots.landscape(strength, ax, basin=strength > 0)
        ax.set_ylabel("initial R [degC]")
    return picture


def comp_landscape(data):
    """1 - Comp after 10 units of time; the area under each curve is the optimizing power."""
    with plots.figure(3, sharex=True, figsize=(6.4, 6.4)) as (picture, axes):
        for name, ax in zip(data["thermostat"].values, axes, strict=True):
            plots.along(1 - data["comp"].sel(thermostat=name), ax, label=name)
            ax.set(ylabel="1 − Comp", xlabel="", ylim=(-0.05, 1.1))
            ax.legend(loc="upper right")
        axes[-1].set_xlabel("initial R [degC]")
    return picture


def saturating(width, strong):
    """The thermostat with a half-width theta and a power p."""
    return System(
        {T: R - d, R: R - dt * power},
        start={T: 0, R: 25},
        parameters={theta: width, p: strong, d: 25, dt: 0.02},
        dt=dt,
    )


def integral(width, strong, grid):
    """The optimizing power at t = 10 on a grid of first temperatures."""
    system = saturating(width, strong)
    return optimizing_power(system, A=T, n=R[0], m=R.at(10.0), over={R[0]: grid}).item()


@functools.cache
def fine(width, strong):
    """The optimizing power on a fine grid."""
    return integral(width, strong, np.linspace(5, 45, 400_001))


def closed_form(strong, t=10.0, size=0.02):
    """2 p (t - dt): T starts at 0, so that the first step does nothing."""
    return 2 * strong * (t - size)


def scatter_of_coarse_grids(width, strong, count=25):
    """The lowest and highest sum over a grid of few points, in 40 positions."""
    size = 40 / count
    system = saturating(width, strong)
    sums = []
    for offset in np.linspace(0, size, 40, endpoint=False):
        points = np.arange(5 + offset, 45, size)
        values = comp(system, A=T, n=R[0], m=R[STEPS_AT_10], over={R[0]: points})
        sums.append(size * float((1 - values).sum()))
    return min(sums), max(sums)


def coarse(width, strong, published):
    """Why a published integral differs: the fine grid gives the closed form, coarse ones do not."""

    def proof():
        low, high = scatter_of_coarse_grids(width, strong)
        return abs(fine(width, strong) - closed_form(strong)) < 5e-4 and low < published < high

    return Reason(
        "the integral is 2 p (t - dt) = 19.96 in closed form, whatever theta is; a sum over 25 "
        "starting points, say, lies anywhere between 19.4 and 20.3, by where they start",
        proof,
    )


def op_while_cooling():
    """Op while R is outside the band, from 35 degrees: until t = 8, say."""
    return op(thermostat, A=T, n=R[0], m=R[1:400], steps=1000).values


study = Study(
    name="saturating_thermostat",
    title="The saturating thermostat",
    source=SOURCE,
    system=thermostat,
    experiments=(
        Experiment(
            "worlds",
            "W, X and Y over 20 units of time",
            worlds,
            {"graph": graph, "course": course, "differences": spread},
            {"graph": (f"{KEY}/1",), "course": (f"{KEY}/2",), "differences": (f"{KEY}/3",)},
        ),
        Experiment(
            "op",
            "Op over time",
            strength,
            {"op": strength_over_time},
            {"op": (f"{KEY}/4",)},
        ),
        Experiment(
            "landscape",
            "Op and Comp against the first temperature",
            landscape,
            {"op_landscape": op_landscape, "comp_landscape": comp_landscape},
            {
                "op_landscape": (f"{KEY}/5",),
                "comp_landscape": (f"{KEY}/6", f"{KEY}/7", f"{KEY}/8"),
            },
        ),
        Experiment(
            "landscape_over_time",
            "Op against the first temperature and time",
            landscape_over_time,
            {"basin_over_time": basin_over_time},
        ),
    ),
    claims=(
        Claim(
            "Op = 0 while R decreases linearly",
            SOURCE,
            True,
            lambda: bool((op_while_cooling() == 0).all()),
        ),
        Claim(
            "integral of 1 - Comp from 5 to 45 at t = 10, theta = 1, p = 1",
            SOURCE,
            19.961,
            lambda: fine(1, 1),
            0.0005,
            coarse(1, 1, 19.961),
        ),
        Claim(
            "the same, theta = 0.5, p = 1",
            SOURCE,
            19.611,
            lambda: fine(0.5, 1),
            0.0005,
            coarse(0.5, 1, 19.611),
        ),
        Claim(
            "the same, theta = 1, p = 0.5",
            SOURCE,
            9.980,
            lambda: fine(1, 0.5),
            0.0005,
        ),
        Claim(
            "the power is 2 p t (p = 1, t = 10)",
            SOURCE,
            20.0,
            lambda: fine(1, 1),
            0.05,
        ),
    ),
)
