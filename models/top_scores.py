"""Picking the top score: gains at once, and less growth."""

import math

import numpy as np
import xarray as xr

from causalopt import Chain, Distribution, Enthalpies, System, finite, plots, table
from causalopt.measures import mean_enthalpy
from causalopt.study import Claim, Experiment, Study

SOURCE = "comment on free energy and mode collapse, on scalar legibility"

# What a student may study next, each beside what leads to it. Drill for the contest scores at
# once; higher maths costs at first and leads further.
study_of = finite("study", ["drill", "basics", "proofs", "calculus", "research"])
SCORES = {"drill": 2.0, "basics": 0.0, "proofs": -0.5, "calculus": 1.0, "research": 5.0}
H = Enthalpies.of(study_of, SCORES)
START = Distribution.delta({study_of: "basics"}).floats()
TEMPERATURES = (0.5, 1.0, 2.0)
STEPS = 300


def neighbours(here):
    """What is beside a subject, itself left out."""
    names = list(study_of.values)
    i = names.index(here)
    return [names[j] for j in (i - 1, i + 1) if 0 <= j < len(names)]


def top_scores():
    """The system that always takes the best of what is beside it and what it has."""
    best = {
        here: {max((here, *neighbours(here)), key=lambda name: SCORES[name]): 1.0}
        for here in study_of.values
    }
    return System({study_of: table(study_of, best)}, start={study_of: "basics"})


def at_temperature(T):
    """The system that takes a neighbour by chance, with Metropolis' chance."""
    rows = {}
    for here in study_of.values:
        taken = {
            name: min(1.0, math.exp((SCORES[name] - SCORES[here]) / T)) / 2
            for name in neighbours(here)
        }
        rows[here] = {**taken, here: 1.0 - sum(taken.values())}
    return System({study_of: table(study_of, rows)}, start={study_of: "basics"})


def mean_scores(system):
    """The mean score at each step, from the basics."""
    chain, P, scores = Chain.of(system), START, []
    for _ in range(STEPS + 1):
        scores.append(float(mean_enthalpy(P, H)))
        P = chain.push(P)
    return np.array(scores)


def growth():
    """The mean score over time: the top score always, and three temperatures."""
    by_rule = {"top score": top_scores()}
    by_rule |= {f"T = {T:g}": at_temperature(T) for T in TEMPERATURES}
    scores = [mean_scores(system) for system in by_rule.values()]
    across = {"rule": list(by_rule), "time": ("time", range(STEPS + 1), {"units": "steps"})}
    return xr.Dataset({"score": (("rule", "time"), scores)}, across)


def growth_figure(data):
    """The top score is ahead at first, and stays where it is."""
    with plots.figure() as (picture, ax):
        for rule in data["rule"].values:
            plots.over_time(data["score"].sel(rule=rule), ax, label=str(rule))
        ax.set_ylabel("mean score")
        ax.legend()
    return picture


def gains_at_once():
    """Whether the top score is ahead of every temperature for the first three steps."""
    scores = growth()["score"].sel(time=slice(1, 3))
    rest = scores.drop_sel(rule="top score")
    return bool((scores.sel(rule="top score") > rest).all())


def grows_less():
    """Whether it is behind all of them in the end, having stayed at the drill's score."""
    scores = growth()["score"]
    top = scores.sel(rule="top score")
    behind = (top.isel(time=-1) < scores.drop_sel(rule="top score").isel(time=-1)).all()
    return bool(behind and (top[1:] == SCORES["drill"]).all())


study = Study(
    name="top_scores",
    title="Always picking the top score",
    source=SOURCE,
    system=top_scores(),
    experiments=(
        Experiment("growth", "The mean score over time", growth, {"growth": growth_figure}),
    ),
    claims=(
        Claim(
            "always picking the top scores gives gains in the short term (three steps)",
            SOURCE,
            True,
            gains_at_once,
        ),
        Claim(
            "but it limits future growth: where growth leads through lower scores, it stays",
            SOURCE,
            True,
            grows_less,
        ),
        Claim(
            "picking by a score is a search at low temperature: T = 0.02 ends at its score, 2",
            SOURCE,
            2.0,
            lambda: mean_scores(at_temperature(0.02))[-1],
            1e-9,
        ),
    ),
)
