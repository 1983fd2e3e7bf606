"""Integral feedback of a cell by two molecules."""

import numpy as np

from causalopt import (
    System,
    authority,
    draw_template,
    fixed_point,
    parameters,
    plots,
    run,
    self_regulation,
    sensitivity,
    steering_shares,
    variables,
    waterbed,
)
from causalopt.study import Claim, Experiment, Study

SOURCE = "Briat, Gupta and Khammash (2016), Antithetic integral feedback"
APART = "computed apart from this software, in plain NumPy"

# x2 is what is held, x1 makes it; z1 comes at a constant rate, z2 as fast as there is x2.
z1, z2, x1, x2 = variables("z1 z2 x1 x2")
mu, theta, k, gamma, eta = parameters("mu theta k gamma eta")

cell = System.from_ode(
    {
        z1: mu - eta * z1 * z2,
        z2: theta * x2 - eta * z1 * z2,
        x1: k * z1 - gamma * x1,
        x2: k * x1 - gamma * x2,
    },
    start={z1: 1, z2: 0.1, x1: 1, x2: 1},
    parameters={mu: 1, theta: 1, k: 1, gamma: 1, eta: 10},
    dt=0.05,
)
COURSE = x2[:2000]
CONTROLLER = [z1, z2]


def clamped(A):
    """Op2 of a part alone, of a disturbance of x2 that lasts."""
    return self_regulation(cell, A, COURSE).item()


def shares():
    """The shares of all but x2, and of the arrows into them."""
    return steering_shares(cell, COURSE, edges=True)


def share_of(variable):
    """The share of one variable."""
    return shares().share.sel(variable=str(variable)).item()


def pushes():
    """What a lasting push at each variable does to x2 in the end."""
    return authority(cell, x2).sel(variable=["z1", "z2", "x1", "x2"])


def settles_at(system):
    """x2 at the fixed point of a system."""
    return fixed_point(system).start_values[x2]


def disturbed():
    """W, X and Y where x2 is taken away at a rate of 0.2 and the controller is held in Y."""
    W = cell.world(steps=800)
    X = W.perturb(x2, by=-0.2 * 0.05, every_step=True)
    return run(W, X, X.clamp(CONTROLLER, to=W))


def course(data):
    """A part of x2 is taken away, on and on: it comes back to 1, unless the controller is held."""
    with plots.figure() as (picture, ax):
        plots.over_time(data["x2"], ax).legend()
    return picture


def graph(data):
    """z1 and z2 have the widest strokes; x1, which carries their answer to x2, a third of that."""
    return draw_template(cell, shares=data)


def aims(data):
    """A push moves x2 for good where it moves what z1 and z2 compare; at x1 and x2 it does not."""
    with plots.figure(figsize=(4.8, 3)) as (picture, ax):
        ax.bar(data["variable"].values, data, color=plots.palette.BLUE)
        ax.axhline(0, color=plots.palette.GREY, lw=0.8)
        ax.set_ylabel("x2 in the end, per push")
    return picture


def frequencies():
    """Comp and Op of the controller, from slow nudges to fast ones."""
    return sensitivity(cell, CONTROLLER, x2, x2, at=np.geomspace(1e-3, np.pi / 0.05, 400))


def bode(data):
    """Slow nudges are held down without limit; near 0.7 radians a unit of time they grow."""
    with plots.figure(2, sharex=True) as (picture, axes):
        plots.bode(data, axes)
    return picture


def nyquist(data):
    """The loop comes near to -1, which is where the answer swings."""
    with plots.figure(figsize=(4.8, 4.6)) as (picture, ax):
        plots.nyquist(data, ax)
    return picture


study = Study(
    name="antithetic",
    title="Integral feedback of a cell",
    source=SOURCE,
    system=cell,
    experiments=(
        Experiment("disturbed", "x2 is taken away", disturbed, {"course": course}),
        Experiment("shares", "Shares of x2's regulation", shares, {"graph": graph}),
        Experiment("authority", "Who holds the aim", pushes, {"authority": aims}),
        Experiment(
            "frequencies",
            "The controller at each frequency",
            frequencies,
            {"bode": bode, "nyquist": nyquist},
        ),
    ),
    claims=(
        Claim("x2 settles at mu / theta", SOURCE, 1.0, lambda: settles_at(cell), 1e-12),
        Claim(
            "the same where the plant is twice as strong",
            SOURCE,
            1.0,
            lambda: settles_at(cell.with_parameters({k: 2})),
            1e-12,
        ),
        Claim(
            "at 2 where mu is 2",
            SOURCE,
            2.0,
            lambda: settles_at(cell.with_parameters({mu: 2})),
            1e-12,
        ),
        *(
            Claim(f"Op2 of {v} clamped alone", APART, 1.9651957, lambda v=v: clamped(v), 5e-8)
            for v in (z1, z2, x1)
        ),
        Claim("the share of z1", APART, 0.835380, lambda: share_of(z1), 5e-7),
        Claim("the share of z2", APART, 0.835380, lambda: share_of(z2), 5e-7),
        Claim("the share of x1", APART, 0.294436, lambda: share_of(x1), 5e-7),
        Claim(
            "authority of z1, z2, x1 and x2, the last two exactly",
            APART,
            (1.0, -1.0, 0.0, 0.0),
            lambda: tuple(pushes().values.tolist()),
            1e-9,
        ),
        Claim(
            "a push at x1 or x2 moves x2 for no good at all: perfect adaptation",
            SOURCE,
            True,
            lambda: bool((pushes().values[2:] == 0).all()),
        ),
        Claim(
            "over all frequencies the mean of Op is 0",
            "Bode (1945), of a loop in steps",
            0.0,
            lambda: waterbed(cell, CONTROLLER, x2).item(),
        ),
    ),
)
