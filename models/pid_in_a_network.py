"""A PID controller hidden in a network of fifty variables."""

import functools

import numpy as np
import xarray as xr

from causalopt import (
    System,
    loop_coupling,
    plots,
    run,
    sensitivity,
    steering_shares,
    variables,
    waterbed,
)
from causalopt.study import Claim, Experiment, Study

SOURCE = "a network drawn at random by this file, in which the controller is known"

p, i, d, u, y = variables("p i d u y")
DECOYS = variables("x", count=45)
CONTROLLER = (p, i, d, u)


def network(seed):
    """The controller and its y among 45 decoys, with arrows of like strength drawn at random.

    Without its derivative part the loop of p, i and u would swing up.
    """
    source = np.random.default_rng(seed)

    def strength():
        return float(source.choice([-1, 1]) * source.uniform(0.2, 0.4))

    rules = {v: 0.5 * v for v in DECOYS}
    for v in DECOYS:
        others = [w for w in DECOYS if w != v]
        for number in source.choice(len(others), 2, replace=False):
            rules[v] += strength() * others[number]
    # Three of them hear y, as the controller does, and three are heard by it.
    for number in source.choice(45, 3, replace=False):
        rules[DECOYS[number]] += strength() * y
    heard = sum(strength() * DECOYS[number] for number in source.choice(45, 3, replace=False))
    controller = {
        p: 0.4 * y,
        i: i + 0.05 * y,
        d: 1.5 * (y - y.lag(1)),
        u: 0.9 * u + p.next + i.next + d.next,
        y: 0.95 * y - 0.3 * u + heard,
    }
    formulas = rules | controller
    return System(formulas, start=dict.fromkeys(formulas, 0))


SEED, STEPS = 4, 200
# Each of these networks is stable.
SEEDS = range(3, 9)
plant = network(SEED)


@functools.cache
def shares_in(seed):
    """The shares of y's regulation in the network of a seed."""
    return steering_shares(network(seed), y, steps=STEPS)


def found_first(seed):
    """Which variables have the largest shares, as many as the controller has."""
    share = shares_in(seed).share
    order = np.argsort(-share.values)[: len(CONTROLLER)]
    return {str(name) for name in share["variable"].values[order]}


def planted(seed):
    """How many of these are of the controller."""
    return len(found_first(seed) & {str(v) for v in CONTROLLER})


def disturbed():
    """y with a lasting disturbance, and with the controller held in Y."""
    W = plant.world(steps=150)
    X = W.perturb(y, by=1, every_step=True)
    return run(W, X, X.clamp(CONTROLLER, to=W))


def course(data):
    """The controller brings y back to 0; without it y stays far off."""
    with plots.figure() as (picture, ax):
        plots.over_time(data["y"], ax).legend()
    return picture


def bars(data):
    """The twelve largest shares: u, p, i and d stand out; some decoys regulate a little."""
    share = data["share"].sortby(data["share"], ascending=False).isel(variable=slice(12))
    with plots.figure() as (picture, ax):
        mine = np.isin(share["variable"].values, [str(v) for v in CONTROLLER])
        colours = np.where(mine, plots.palette.BLUE, plots.palette.GREY)
        ax.bar(share["variable"].values, share, color=colours)
        ax.set(xlabel="variable", ylabel="share of y's regulation [nat]")
    return picture


def coupled():
    """The couplings of all pairs at 64 frequencies."""
    return loop_coupling(plant, at=np.pi * (np.arange(64) + 0.5) / 64)


def matrix(data):
    """Loops tie the controller and y, at the top left, more strongly than anything else."""
    mine = [str(v) for v in (*CONTROLLER, y)]
    part = xr.DataArray(~data["variable"].isin(mine), name="part").astype(int)
    with plots.figure(figsize=(7.4, 6.4)) as (picture, ax):
        plots.couplings(data, ax, division=part)
    return picture


def frequencies():
    """Comp and Op of the controller at each frequency."""
    return sensitivity(plant, CONTROLLER, y, y, at=np.geomspace(1e-3, np.pi, 400))


def bode(data):
    """Slow disturbances are held down; what is pressed down there comes up at faster ones."""
    with plots.figure(2, sharex=True) as (picture, axes):
        plots.bode(data, axes)
    return picture


def nyquist(data):
    """The loop goes around -1 at some distance."""
    with plots.figure(figsize=(4.8, 4.6)) as (picture, ax):
        plots.nyquist(data, ax)
    return picture


study = Study(
    name="pid_in_a_network",
    title="A PID controller hidden among fifty variables",
    source=SOURCE,
    system=plant,
    experiments=(
        Experiment("disturbed", "A lasting disturbance of y", disturbed, {"course": course}),
        Experiment("shares", "Shares of y's regulation", lambda: shares_in(SEED), {"shares": bars}),
        Experiment("couplings", "Couplings by loops", coupled, {"couplings": matrix}),
        Experiment(
            "frequencies",
            "The controller at each frequency",
            frequencies,
            {"bode": bode, "nyquist": nyquist},
        ),
    ),
    claims=(
        Claim(
            "the four largest shares are those of p, i, d and u",
            SOURCE,
            True,
            lambda: found_first(SEED) == {str(v) for v in CONTROLLER},
        ),
        Claim(
            "in six networks, of the 24 nodes of their controllers, so many are found first; the "
            "last one comes after a decoy on another loop through y",
            SOURCE,
            23,
            lambda: sum(map(planted, SEEDS)),
        ),
        Claim(
            "over all frequencies the mean of Op is 0",
            "Bode (1945), of a loop in steps",
            0.0,
            lambda: waterbed(plant, CONTROLLER, y).item(),
        ),
    ),
)
