"""The flow of SGD in the pit by explicit steps."""

import functools

import numpy as np
import sympy
import xarray as xr

from causalopt import Current, System, parameters, plots, run, variables
from causalopt.study import Claim, Experiment, Study

SOURCE = '"SGD Understood through Probability Current", "Validation of the Second Term"'

(W,) = variables("W")
l0 = -sympy.exp(-((W - 2) ** 2))
l1 = l0 - sympy.exp(-100 * (W - 1) ** 2)
T = 0.02
flow = Current.of([l0, l1], W, T)

# The pit and what is beside it, with 1 in the middle; the source's own grid is not known.
PLACES = np.linspace(0.7, 1.3, 61)
WIDTH = PLACES[1] - PLACES[0]
COUNT = PLACES.size
P = variables(" ".join(f"P{i}" for i in range(COUNT)))
dt, drift, derivatives = parameters("dt drift derivatives")

# A step of SGD; and one so short that spreading with a constant S^2 would be stable.
LONG, SHORT = 1.0, 0.0125
UNTIL = 6


def at_places(formula):
    """A formula in W at each place."""
    held = sympy.Dummy("w")
    return sympy.lambdify(held, formula.xreplace({W: held}))(PLACES)


def explicit():
    """The printed master equation in explicit steps, by central differences.

    dP/dt = T^2 [(S^2)' P'/2 + S^2 P''/2 + (S^2)'' P/2] + T [G P' + P G'], where ``drift`` and
    ``derivatives``, 1 or 0, are factors of the terms in G, and in (S^2)' and (S^2)''.
    """
    spread, slope, bend = (T**2 / 2 * at_places(flow.S2.diff(W, n)) for n in range(3))
    speed, squeeze = (T * at_places(flow.G.diff(W, n)) for n in range(2))
    step = {P[0]: P[0], P[-1]: P[-1]}
    for i in range(1, COUNT - 1):
        first = (P[i + 1] - P[i - 1]) / (2 * WIDTH)
        second = (P[i + 1] - 2 * P[i] + P[i - 1]) / WIDTH**2
        by_slope = derivatives * (slope[i] * first + bend[i] * P[i])
        by_mean = drift * (speed[i] * first + squeeze[i] * P[i])
        step[P[i]] = P[i] + dt * (spread[i] * second + by_slope + by_mean)
    start = np.exp(-((PLACES - 0.5) ** 2) / (2 * 0.175**2)) / (0.175 * np.sqrt(2 * np.pi))
    return System(
        step,
        start=dict(zip(P, map(float, start), strict=True)),
        parameters={dt: LONG, drift: 1, derivatives: 1},
    )


scheme = explicit()


@functools.cache
def largest(size):
    """The largest |P| over time, with steps of one size: with and without parts of the equation."""
    over = {dt: [size], drift: [1, 0], derivatives: [1, 0]}
    data = run(scheme.world(steps=round(UNTIL / size)), over=over, keep=round(1 / size))
    densities = xr.concat([data[p.name] for p in P], "place").sel(world="W").isel(dt=0)
    return abs(densities).max("place")


CASES = {
    "dt = 1": (LONG, 1, 1),
    f"dt = {SHORT}": (SHORT, 1, 1),
    f"dt = {SHORT}, G = 0": (SHORT, 0, 1),
    f"dt = {SHORT}, G = 0, without derivatives of S²": (SHORT, 0, 0),
}


def course(size, with_drift, with_derivatives):
    """The largest |P| at each step of SGD, in one case."""
    return largest(size).sel(drift=with_drift, derivatives=with_derivatives).values


def growth():
    """The largest |P| over time: the printed equation, and parts of it."""
    courses = np.array([course(*case) for case in CASES.values()])
    across = {"terms": list(CASES), "time": ("time", range(UNTIL + 1), {"units": "steps"})}
    return xr.Dataset({"largest": (("terms", "time"), courses)}, across)


def growth_figure(data):
    """All but the last grow without end."""
    with plots.figure() as (picture, ax):
        for terms in data["terms"].values:
            plots.over_time(data["largest"].sel(terms=terms), ax, label=str(terms))
        ax.set(yscale="log", ylabel="largest |P|")
        ax.legend()
    return picture


# -- claims --------------------------------------------------------------------------------------


def falls_apart(times=1e5):
    """Whether P grows so many times in 6 steps of SGD, in long steps of the scheme and in short."""
    return all(p[-1] > times * p[0] for p in (course(LONG, 1, 1), course(SHORT, 1, 1)))


def derivatives_destabilize():
    """Whether spreading alone grows with the derivatives of S^2, and never without them."""
    printed, without = course(SHORT, 0, 1), course(SHORT, 0, 0)
    return bool(printed[-1] > 1e5 * printed[0] and (without <= without[0]).all())


def growth_at_one():
    """How fast P grows at 1, where S^2 and its slope are 0: as printed, and as it follows."""
    bend = float(flow.S2.diff(W, 2).subs(W, 1))
    return T**2 / 2 * bend, T**2 / 4 * bend


study = Study(
    name="explicit_scheme",
    title="The pit's flow by an explicit scheme",
    source=SOURCE,
    system=scheme,
    experiments=(
        Experiment("growth", "The largest |P| over time", growth, {"growth": growth_figure}),
    ),
    claims=(
        Claim(
            "the computational modelling falls apart in the pit (explicit steps, dt = 1 and 1/80)",
            SOURCE,
            True,
            falls_apart,
        ),
        Claim(
            "the large first and second derivatives of S^2 lead to instability (dt = 1/80, G = 0)",
            SOURCE,
            True,
            derivatives_destabilize,
        ),
        Claim(
            "by the term in (S^2)'' P grows at W = 1 by e^4 a step as printed, by e^2 with 1/4",
            "this software: no scheme for the printed equation can stay bounded there",
            (4.0, 2.0),
            growth_at_one,
            1e-9,
        ),
    ),
)
