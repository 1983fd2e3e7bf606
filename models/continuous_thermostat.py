"""A thermostat without limits, in calm and wild weather."""

import numpy as np
import sympy as sp
import xarray as xr

from causalopt import System, draw, op, parameter, parameters, plots, run, time, variables
from causalopt.study import Claim, Experiment, Study

SOURCE = '"Defining Optimization in a Deeper Way", part 3'
KEY = "defining-optimization-3"

T, R = variables("T R", unit="degC")
k = parameter("k", unit="1/step")
d, amplitude = parameters("d amplitude", unit="degC")

thermostat = System(
    {
        T: R - d,  # T[i+1] = R[i] - d
        R: R - k * T,  # R[i+1] = R[i] - k T[i]
    },
    start={T: 10, R: 35},
    parameters={k: 0.01, d: 25},
)

# The same room in a house whose outside temperature swings.
weather = System(
    {T: R - d, R: R - k * T + amplitude * sp.sin(time / 20)},
    start={T: 10, R: 35},
    parameters={k: 0.01, d: 25, amplitude: 100},
)

W = thermostat.world(steps=1000)
X = W.perturb(R[0], by=1e-3)
Y = X.clamp(T, to=W)


def worlds():
    """The course of W, X and Y."""
    return run(W, X, Y)


def course(data):
    """T and R over time in W."""
    with plots.figure() as (picture, ax):
        for name in ("R", "T"):
            plots.over_time(data[name].sel(world="W"), ax, label=name)
        ax.axhline(25, color=plots.palette.GREY, lw=0.8, ls=":")
        ax.set_ylabel("temperature [degC]")
        ax.legend()
    return picture


def spread(data):
    """x - w shrinks, y - w stays: the thermostat answers to one and not to the other."""
    with plots.figure() as (picture, ax):
        plots.differences(data, "R", ax)
    return picture


def graph(_):
    """W, X and Y as causal networks."""
    return draw(thermostat, steps=4, worlds=[W, X, Y])


def strengths():
    """Op over time for k = 0.01 and 0.02, in calm and in wild weather."""
    calm = op(thermostat, A=T, n=R[0], m=R, steps=1000, over={k: [0.01, 0.02]})
    wild = op(weather, A=T, n=R[0], m=R, steps=1000, over={k: [0.01, 0.02]})
    return xr.concat([calm, wild], xr.Variable("weather", ["calm", "wild"]), combine_attrs="drop")


def strength(data):
    """Op over time: the same in any weather, twice as steep for twice the k."""
    calm, wild = data.sel(weather="calm"), data.sel(weather="wild")
    with plots.figure() as (picture, ax):
        plots.over_time(calm, ax)
        for value in wild["k"].values:
            some = wild.sel(k=value)[20::60]
            ax.plot(some["time"], some, "o", mfc="none", color=plots.palette.BLUE, ms=5, ls="none")
        ax.plot(
            [],
            [],
            "o",
            mfc="none",
            color=plots.palette.BLUE,
            ls="none",
            label="the same, wild weather",
        )
        ax.set_ylabel("Op(T; R[0], R[t]) [nat]")
        ax.set_xlabel("time [steps]")
        ax.legend()
    return picture


def storm():
    """The course of R in wild weather."""
    return run(weather.world(steps=1000))


def wild_course(data):
    """R in wild weather, over time."""
    with plots.figure() as (picture, ax):
        plots.over_time(data["R"].sel(world="W"), ax)
    return picture


def final(system, **options):
    """Op of the thermostat after 1,000 steps."""
    return op(system, A=T, n=R[0], m=R[1000], **options).item()


def weather_changes_nothing():
    """Whether the wild weather leaves Op as it is, at every step."""
    calm = op(thermostat, A=T, n=R[0], m=R, steps=1000)
    wild = op(weather, A=T, n=R[0], m=R, steps=1000)
    return bool(np.allclose(calm, wild, rtol=0, atol=1e-9))


def delta_changes_nothing():
    """Whether Op is the same for differences from 0.001 to 1,000."""
    by_difference = [final(thermostat, delta=delta) for delta in (1e-3, 1, 1e3)]
    return bool(np.allclose(by_difference, final(thermostat), rtol=0, atol=1e-6))


def ratio_of_strengths():
    """Op at k = 0.02 over Op at k = 0.01."""
    weak, strong = op(thermostat, A=T, n=R[0], m=R[1000], over={k: [0.01, 0.02]}).values
    return strong / weak


study = Study(
    name="continuous_thermostat",
    title="The continuous thermostat",
    source=SOURCE,
    system=thermostat,
    experiments=(
        Experiment(
            "worlds",
            "W, X and Y over 1,000 steps",
            worlds,
            {"graph": graph, "course": course, "differences": spread},
            {"graph": (f"{KEY}/5",), "course": (f"{KEY}/6",), "differences": (f"{KEY}/7",)},
        ),
        Experiment(
            "op",
            "Op over time, for two thermostats",
            strengths,
            {"op": strength},
            {"op": (f"{KEY}/8", f"{KEY}/10", f"{KEY}/11")},
        ),
        Experiment(
            "weather",
            "The room in wild weather",
            storm,
            {"wild_course": wild_course},
            {"wild_course": (f"{KEY}/9",)},
        ),
    ),
    claims=(
        Claim(
            "R approaches the desired temperature, 25",
            f"{SOURCE}, Example",
            25.0,
            lambda: run(W)["R"].sel(world="W").values[-1].item(),
            0.05,
        ),
        Claim(
            "T approaches 0",
            f"{SOURCE}, Example",
            0.0,
            lambda: run(W)["T"].sel(world="W").values[-1].item(),
            0.01,
        ),
        Claim(
            "R in X converges to the same value as in W: of the difference, this part is left",
            f"{SOURCE}, Example",
            0.0,
            lambda: float((run(W, X)["R"].diff("world")[0, -1] / 1e-3).item()),
            1e-3,
        ),
        Claim(
            "y - w stays the same distance away",
            f"{SOURCE}, Example",
            1.0,
            lambda: float((run(W, Y)["R"].diff("world")[0, -1] / 1e-3).item()),
            1e-6,
        ),
        Claim(
            "Op does not depend on the size of the difference",
            f"{SOURCE}, Example",
            True,
            delta_changes_nothing,
        ),
        Claim(
            "Op does not change under a sinusoidal temperature, however large",
            f"{SOURCE}, Example",
            True,
            weather_changes_nothing,
        ),
        Claim(
            "With k = 0.02 Op is twice as big",
            f"{SOURCE}, Example",
            2.0,
            ratio_of_strengths,
            0.05,
        ),
    ),
)
