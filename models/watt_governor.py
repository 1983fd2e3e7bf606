"""Watt's governor, which regulates an engine or hunts."""

import functools

import numpy as np
import xarray as xr
from sympy import cos, sin

from causalopt import (
    System,
    draw_template,
    parameters,
    plots,
    run,
    self_regulation,
    steering_shares,
    variables,
)
from causalopt.study import Claim, Experiment, Study

SOURCE = "Pontryagin (1962), Ordinary Differential Equations, on Vyshnegradskii's condition"
APART = "computed apart from this software, in plain NumPy"

# The angle of the balls and its speed; the speed of the engine.
x, y, z = variables("x y z")
epsilon, alpha, beta = parameters("epsilon alpha beta")
ALPHA, BETA = 0.5, 0.8
RATES = {
    x: y,
    y: z**2 * sin(x) * cos(x) - sin(x) - epsilon * y,
    z: alpha * (cos(x) - beta),
}
AT_REST = {x: float(np.arccos(BETA)), y: 0.0, z: BETA**-0.5}


def governed(friction):
    """The engine at its fixed point, with a friction of the balls."""
    return System.from_ode(
        RATES,
        start=AT_REST,
        parameters={epsilon: friction, alpha: ALPHA, beta: BETA},
        dt=0.01,
    )


engine = governed(1)
COURSE = z[:5000]
FRICTIONS = (1.0, 0.5)


def regulation(friction):
    """Op2 of the governor over 50 units of time, against a pulse at the engine's speed."""
    return self_regulation(governed(friction), [x, y], COURSE, nudge="pulse").item()


def growth(friction):
    """The largest real part of the eigenvalues of the rates' Jacobian at the fixed point."""
    at = {**AT_REST, epsilon: friction, alpha: ALPHA, beta: BETA}
    jacobian = [[float(rate.diff(v).subs(at)) for v in RATES] for rate in RATES.values()]
    return float(np.linalg.eigvals(jacobian).real.max())


@functools.cache
def onset():
    """The friction below which it hunts."""
    from scipy.optimize import brentq

    return float(brentq(growth, 0.1, 2, xtol=1e-12))


def courses():
    """The engine's speed after a small pulse, with much friction and with little."""
    speeds = []
    for friction in FRICTIONS:
        W = governed(friction).world(steps=5000)
        speeds.append(run(W.perturb(z[0], by=0.01), keep=10)["z"].isel(world=0, drop=True))
    return xr.concat(speeds, xr.Variable("friction", list(FRICTIONS)), combine_attrs="drop")


def course(data):
    """With much friction the pulse dies out; with little the governor hunts, ever more widely."""
    with plots.figure() as (picture, ax):
        plots.over_time(data, ax)
        ax.axhline(AT_REST[z], color=plots.palette.GREY, lw=0.8)
        ax.set_ylabel("speed of the engine, z")
        ax.legend()
    return picture


def by_friction():
    """Op2 of the governor against the friction of its balls."""
    over = {epsilon: np.linspace(0.3, 1.5, 61)}
    return self_regulation(engine, [x, y], COURSE, nudge="pulse", over=over)


def friction_figure(data):
    """Below a friction of 0.72, dotted, it hunts; Op2 over 50 units of time falls below 0."""
    with plots.figure() as (picture, ax):
        plots.landscape(data, ax)
        ax.axhline(0, color=plots.palette.GREY, lw=0.8)
        ax.axvline(onset(), color=plots.palette.RED, ls=":", label="hunts below")
        ax.set(xlabel="friction, ε", ylabel="Op2 of x and y on z [nat]")
        ax.legend()
    return picture


def shares():
    """The shares of the balls' angle and speed."""
    return steering_shares(engine, COURSE, nudge="pulse", edges=True)


def graph(data):
    """The weight of the balls, x to y, regulates; what swings them out, z to y, makes it hunt."""
    return draw_template(engine, shares=data)


study = Study(
    name="watt_governor",
    title="Watt's governor, which regulates or hunts",
    source=SOURCE,
    system=engine,
    experiments=(
        Experiment("courses", "With much friction and little", courses, {"course": course}),
        Experiment("friction", "Op2 against friction", by_friction, {"friction": friction_figure}),
        Experiment("shares", "Shares of the regulation", shares, {"graph": graph}),
    ),
    claims=(
        Claim(
            "it hunts below 2 alpha beta^1.5 = 0.7155418",
            SOURCE,
            0.7155418,
            onset,
            5e-8,
        ),
        Claim("Op2 at a friction of 1", APART, 1.1805217, lambda: regulation(1), 5e-8),
        Claim("Op2 at a friction of 0.5", APART, -1.3707335, lambda: regulation(0.5), 5e-8),
    ),
)
