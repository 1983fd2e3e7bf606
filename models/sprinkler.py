"""A sprinkler, rain and wet grass: seen, and done."""

import numpy as np
import xarray as xr
from sympy import Rational

from causalopt import Network, draw, finite, marginal, marginals, plots, probability, table
from causalopt.study import Claim, Experiment, Study

MURPHY = "Murphy, A Brief Introduction to Graphical Models and Bayesian Networks (1998)"
PEARL = "Pearl, Causality (2000), section 1.3"

cloudy, sprinkler, rain, wet = (
    finite(name, ["yes", "no"]) for name in ("cloudy", "sprinkler", "rain", "wet")
)


def chance(percent):
    """yes with so many chances in a hundred."""
    return {"yes": Rational(percent, 100), "no": Rational(100 - percent, 100)}


lawn = Network(
    {
        cloudy: table((), chance(50)),
        sprinkler: table(cloudy, {"yes": chance(10), "no": chance(50)}),
        rain: table(cloudy, {"yes": chance(80), "no": chance(20)}),
        wet: table(
            (sprinkler, rain),
            {
                "yes": {"yes": chance(99), "no": chance(90)},
                "no": {"yes": chance(90), "no": chance(0)},
            },
        ),
    }
)

W = lawn.world()
dry = W.do(sprinkler, "no")  # somebody turns it off


def explained():
    """The chance of a yes at each node, as more is seen of wet grass, or done about it."""
    stages = {
        "nothing seen": marginals(lawn),
        "wet": marginals(lawn, given={wet: "yes"}),
        "wet, raining": marginals(lawn, given={wet: "yes", rain: "yes"}),
        "turned off": marginals(dry),
        "seen off": marginals(lawn, given={sprinkler: "no"}),
    }
    rows = [[float(P.mass({v: "yes"})) for v, P in each.items()] for each in stages.values()]
    names = [str(v) for v in marginals(lawn)]
    return xr.DataArray(
        np.array(rows),
        {"known": list(stages), "node": names},
        ["known", "node"],
        "chance of yes",
        {"long_name": "chance of yes"},
    )


def marked(data):
    """A row of marks for each thing that is known."""
    marks = ("o", "s", "^", "D", "v")
    with plots.figure() as (picture, ax):
        for row, mark in zip(data, marks, strict=True):
            ax.plot(data["node"], row, mark, mfc="none", ms=8, label=str(row["known"].item()))
        ax.set_ylabel("chance of yes")
        ax.set_ylim(-0.04, 1.06)
        ax.legend()
    return picture


def graph(_):
    """What acts on what."""
    return draw(lawn)


def explained_away():
    """Whether wet grass makes the sprinkler likelier, and rain on top of it less so again."""
    seen = probability(lawn, {sprinkler: "yes"}, given={wet: "yes"})
    both = probability(lawn, {sprinkler: "yes"}, given={wet: "yes", rain: "yes"})
    return bool(seen > probability(lawn, {sprinkler: "yes"}) and both < seen)


def told_from_done():
    """Whether a sprinkler that is seen off tells of rain, and one that is turned off does not."""
    told = probability(lawn, {rain: "yes"}, given={sprinkler: "no"})
    return bool(told > probability(lawn, {rain: "yes"}) == probability(dry, {rain: "yes"}))


study = Study(
    name="sprinkler",
    title="The sprinkler network",
    source=MURPHY,
    system=lawn,
    experiments=(
        Experiment(
            "explained",
            "What each thing that is known tells of the others",
            explained,
            {"graph": graph, "marked": marked},
        ),
    ),
    claims=(
        Claim(
            "The grass is wet with chance 6471/10000",
            MURPHY,
            Rational(6471, 10000),
            lambda: marginal(lawn, wet).mass({wet: "yes"}),
        ),
        Claim(
            "Wet grass: the sprinkler was on with chance 0.430",
            MURPHY,
            0.430,
            lambda: float(probability(lawn, {sprinkler: "yes"}, given={wet: "yes"})),
            0.0005,
        ),
        Claim(
            "Wet grass: it has rained with chance 509/719 (0.708)",
            MURPHY,
            Rational(509, 719),
            lambda: marginal(lawn, rain, given={wet: "yes"}).mass({rain: "yes"}),
        ),
        Claim(
            "Wet grass and rain: the sprinkler was on with chance 0.1945 (explaining away)",
            MURPHY,
            0.1945,
            lambda: float(probability(lawn, {sprinkler: "yes"}, given={wet: "yes", rain: "yes"})),
            0.00005,
        ),
        Claim("Rain explains the wet grass away", MURPHY, True, explained_away),
        Claim("What is turned off tells nothing of rain", PEARL, True, told_from_done),
    ),
)
