"""The repressilator: three genes in a ring, none in charge."""

import numpy as np

from causalopt import (
    System,
    draw_template,
    loop_coupling,
    plots,
    run,
    self_regulation,
    sensitivity,
    steering_shares,
    variables,
)
from causalopt.study import Claim, Experiment, Study

SOURCE = "Elowitz and Leibler (2000), A synthetic oscillatory network, in reduced units"
APART = "computed apart from this software, in plain NumPy"

m1, p1, m2, p2, m3, p3 = variables("m1 p1 m2 p2 m3 p3")
GENES = ((m1, p1, p3), (m2, p2, p1), (m3, p3, p2))

# Each gene's messenger m is made unless the protein before it, around the ring, represses it.
rates = {}
for m, p, repressor in GENES:
    rates |= {m: 2 / (1 + repressor**2) - m, p: m - p}
ring = System.from_ode(rates, start=dict.fromkeys(rates, 1), dt=0.01)
COURSE = p1[:5000]
OTHERS = (m1, m2, p2, m3, p3)


def clamps():
    """Op2 of each other variable alone."""
    return tuple(self_regulation(ring, v, COURSE).item() for v in OTHERS)


def shares():
    """The shares of the others, and of the arrows into them."""
    return steering_shares(ring, COURSE, edges=True)


def five_shares():
    """The share of each."""
    return tuple(shares().share.sel(variable=[str(v) for v in OTHERS]).values.tolist())


def worlds():
    """A little of p1 is taken away, on and on; in Y the gene after it does not answer."""
    W = ring.world(steps=1500)
    X = W.perturb(p1, by=-0.2 * 0.01, every_step=True)
    return run(W, X, X.clamp(m2, to=W))


def course(data):
    """The ring gives back a part of what is taken; held at any place it gives nothing."""
    with plots.figure() as (picture, ax):
        plots.over_time(data["p1"], ax).legend()
    return picture


def graph(data):
    """Strokes all around the ring are as wide as each other."""
    return draw_template(ring, shares=data)


def coupled():
    """The couplings of all pairs at 256 frequencies."""
    return loop_coupling(ring, at=np.geomspace(1e-2, 30, 256))


def matrix(data):
    """One loop goes through all, so that each pair is tied as strongly as any other."""
    with plots.figure(figsize=(4.8, 4)) as (picture, ax):
        plots.couplings(data, ax)
    return picture


def frequencies():
    """Comp and Op of the rest of the ring at each frequency."""
    return sensitivity(ring, m2, p1, p1, at=np.geomspace(1e-2, 30, 400))


def bode(data):
    """What is slow is held down; near the ring's own frequency a nudge is made larger."""
    with plots.figure(2, sharex=True) as (picture, axes):
        plots.bode(data, axes)
    return picture


def nyquist(data):
    """The loop returns a slow nudge as it is, with the other sign, and a fast one not at all."""
    with plots.figure(figsize=(4.8, 4.6)) as (picture, ax):
        plots.nyquist(data, ax, reach=2.2)
    return picture


study = Study(
    name="repressilator",
    title="The repressilator, where no gene is in charge",
    source=SOURCE,
    system=ring,
    experiments=(
        Experiment("worlds", "p1 is taken away", worlds, {"course": course}),
        Experiment("shares", "Shares of p1's regulation", shares, {"graph": graph}),
        Experiment("couplings", "Couplings by loops", coupled, {"couplings": matrix}),
        Experiment(
            "frequencies",
            "The ring at each frequency",
            frequencies,
            {"bode": bode, "nyquist": nyquist},
        ),
    ),
    claims=(
        Claim(
            "Op2 of each of the five others, clamped alone",
            APART,
            (0.61379555,) * 5,
            clamps,
            5e-9,
        ),
        Claim(
            "the share of each, a fifth of that: nobody of a ring has more",
            APART,
            (0.12275911,) * 5,
            five_shares,
            5e-9,
        ),
    ),
)
