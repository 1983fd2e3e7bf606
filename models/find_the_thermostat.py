"""Find the thermostat among those that go along with it."""

import numpy as np
import xarray as xr

from causalopt import (
    System,
    draw_template,
    loop_coupling,
    natural_division,
    parameters,
    plots,
    self_regulation,
    steering_shares,
    variables,
)
from causalopt.study import Claim, Experiment, Study

POST = '"Defining Optimization in a Deeper Way", part 3, with company'
APART = "computed apart from this software, in plain NumPy"

T, R = variables("T R", unit="degC")
amplifier, observer, weather, season, memory = variables("amplifier observer weather season memory")
k, d = parameters("k d")

# The amplifier is the thermostat's like, a tenth as strong and of the other sign.
house = System(
    {
        T: R - d,
        R: R - k * T + 0.1 * k * amplifier + 0.2 * weather,
        amplifier: R - d,
        observer: 0.9 * observer + 0.1 * R,
        memory: 0.5 * memory + observer,
        weather: 0.95 * weather + 0.02 * season,
        season: 0.8 * season,
    },
    start={T: 10, R: 35, amplifier: 10, observer: 35, memory: 0, weather: 1, season: 1},
    parameters={k: 0.01, d: 25},
)
COURSE = R[:1000]
OFF_THE_LOOP = (observer, memory, weather, season)


def clamped(A):
    """Op2 of a part alone, of a pulse at R."""
    return self_regulation(house, A, COURSE, nudge="pulse").item()


def shares():
    """The shares of all, and of the arrows into them."""
    return steering_shares(house, COURSE, nudge="pulse", edges=True)


def share_of(variable):
    """The share of one variable."""
    return shares().share.sel(variable=str(variable)).item()


def both():
    """What each has of the regulation: clamped alone, and by its share."""
    others = [v for v in house.variables if v != R]
    columns = {
        "clamped alone": ("variable", [clamped(v) for v in others]),
        "share": shares().share.sel(variable=[str(v) for v in others]).drop_vars("variable"),
    }
    return xr.Dataset(columns, {"variable": [str(v) for v in others]})


def bars(data):
    """Whoever is on no cycle through R has exactly 0, however closely it goes along with R."""
    with plots.figure() as (picture, ax):
        places = np.arange(data.sizes["variable"])
        colours = plots.palette.BLUE, plots.palette.ORANGE
        for name, colour, by in zip(data, colours, (-0.2, 0.2), strict=True):
            ax.bar(places + by, data[name], 0.4, color=colour, label=name)
        ax.axhline(0, color=plots.palette.GREY, lw=0.8)
        ax.set_xticks(places, data["variable"].values)
        ax.set_ylabel("Op2 of R against a pulse [nat]")
        ax.legend()
    return picture


def graph(data):
    """The wider a stroke, the larger the share; dashed is what works against the regulation."""
    return draw_template(house, shares=data)


def coupled():
    """The couplings of all pairs at 256 frequencies."""
    return loop_coupling(house)


def matrix(data):
    """Loops tie R to T and, a little, to the amplifier; nothing else is tied to anything."""
    with plots.figure(figsize=(5.2, 4.2)) as (picture, ax):
        plots.couplings(data, ax, division=natural_division(house))
    return picture


study = Study(
    name="find_the_thermostat",
    title="Find the thermostat among those that go along with it",
    source=POST,
    system=house,
    experiments=(
        Experiment("shares", "Shares of R's regulation", shares, {"graph": graph}),
        Experiment("regulation", "Clamped alone, and by shares", both, {"regulation": bars}),
        Experiment("couplings", "Couplings by loops", coupled, {"couplings": matrix}),
    ),
    claims=(
        Claim("Op2 of the thermostat T", APART, 2.0166713, lambda: clamped(T), 5e-8),
        Claim("Op2 of the amplifier", APART, -0.05192898, lambda: clamped(amplifier), 5e-9),
        Claim(
            "Op2 of an observer, of what remembers it, of the weather and the season is exactly 0",
            APART,
            True,
            lambda: all(clamped(v) == 0 for v in OFF_THE_LOOP),
        ),
        Claim("the share of T", APART, 1.5982562, lambda: share_of(T), 5e-8),
        Claim("the share of the amplifier", APART, -0.15982562, lambda: share_of(amplifier), 5e-9),
        Claim(
            "the sum of all shares, Op2 of all but R",
            APART,
            1.4384306,
            lambda: shares().share.sum().item(),
            5e-8,
        ),
        Claim(
            "the shares of all others are exactly 0",
            APART,
            True,
            lambda: all(share_of(v) == 0 for v in OFF_THE_LOOP),
        ),
    ),
)
