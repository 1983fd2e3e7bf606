"""A neighbourhood of one state, as it shrinks."""

import numpy as np
import sympy as sp
import xarray as xr

from causalopt import (
    Distribution,
    System,
    adjusted_optimizing_strength,
    finite,
    limit_at_zero,
    plots,
    series_at_zero,
    table,
)
from causalopt.study import Claim, Experiment, Study

SOURCE = '"Defining Optimization in a Deeper Way", part 2, Quantitative Data'

T = finite("T", ["high", "low", "off"])  # the thermostat
R = finite("R", ["hot", "warm", "cold"])  # the room
epsilon = sp.Symbol("epsilon", positive=True)

O_T = {
    "high": "hot -> hot, warm -> hot, cold -> warm",
    "low": "hot -> hot, warm -> warm, cold -> cold",
    "off": "hot -> warm, warm -> cold, cold -> cold",
}
O_R = {
    "hot": "high -> off, low -> off, off -> low",
    "warm": "high -> low, low -> low, off -> low",
    "cold": "high -> low, low -> high, off -> high",
}

thermostat = System({T: table((R, T), O_R), R: table((T, R), O_T)}, start={T: "low", R: "warm"})

before = Distribution.neighbourhood({T: "low", R: "warm"}, epsilon)  # P_{t-1}
now = before.push(thermostat)  # P_t


def adjusted():
    """Adjusted strength of P_t, as an expression in epsilon."""
    return adjusted_optimizing_strength(thermostat, T | R, now).value


def ratios():
    """Adjusted strength and the entropy of P_{t-1}, for epsilon from 0.1 to 1e-10."""
    strength, entropy = adjusted(), before.entropy()
    points = [sp.Rational(1, 10**n) for n in range(1, 11)]

    def over(expression):
        return [float(sp.N(expression.subs(epsilon, point), 15)) for point in points]

    data = xr.Dataset(
        {"adjusted": ("epsilon", over(strength)), "entropy": ("epsilon", over(entropy))},
        {"epsilon": [float(point) for point in points]},
        {"series": str(series_at_zero(strength, epsilon)), "units": "bit"},
    )
    return data.assign(ratio=data.adjusted / data.entropy)


def against_entropy(data):
    """Adjusted strength against entropy, both axes logarithmic, and the limit of one half."""
    with plots.figure(1, 2) as (picture, (left, right)):
        left.loglog(data["entropy"], data["adjusted"], "o", label="adjusted strength")
        left.loglog(data["entropy"], data["entropy"] / 2, lw=0.8, label="half of the entropy")
        left.set_xlabel("S[P(t-1)] [bit]")
        left.set_ylabel("adjusted strength [bit]")
        left.legend()
        right.semilogx(data["epsilon"], data["ratio"], "o-")
        right.axhline(0.5, color=plots.palette.GREY, lw=0.8, ls=":")
        right.set_xlabel("epsilon")
        right.set_ylabel("adjusted strength / entropy")
    return picture


def tables():
    """The three tables for epsilon = 0.1."""
    stages = {"P(t-1)": before, "P(t)": now, "P(t+1)": now.push(thermostat)}
    numbers = [
        Distribution.of(
            (T, R),
            [
                [P.mass({T: t, R: r}).subs(epsilon, sp.Rational(1, 10)) for r in R.values]
                for t in T.values
            ],
        )
        for P in stages.values()
    ]
    labels = xr.Variable("stage", list(stages))
    return xr.concat([P.to_xarray() for P in numbers], labels)


def pictures(data):
    """The three tables on shades: what is close to (low, warm) comes closer."""
    with plots.figure(1, 3, figsize=(9.0, 2.6)) as (picture, axes):
        plots.stages(data, axes)
    return picture


def is_printed(P, printed):
    """Whether a distribution has the masses of a printed table, as polynomials in epsilon."""
    return all(
        sp.expand(P.mass({T: t, R: r}) - mass) == 0
        for t, row in zip(T.values, printed, strict=True)
        for r, mass in zip(R.values, row, strict=True)
    )


def fit(points):
    """Slope and factor of a line through the last points, both axes logarithmic."""
    last = ratios().isel(epsilon=slice(-points, None))
    slope, height = np.polyfit(np.log(last["entropy"]), np.log(last["adjusted"]), 1)
    return float(slope), float(np.exp(height))


edge, corner = epsilon * (1 - epsilon) / 2, epsilon**2 / 4
middle = (1 - epsilon) ** 2

study = Study(
    name="epsilon_neighbourhood",
    title="An epsilon neighbourhood of one state",
    source=SOURCE,
    system=thermostat,
    experiments=(
        Experiment(
            "ratios",
            "Adjusted strength beside entropy as epsilon shrinks",
            ratios,
            {"against_entropy": against_entropy},
            {"against_entropy": ("defining-optimization-2/4",)},
        ),
        Experiment(
            "tables",
            "The neighbourhood and two steps on, epsilon = 0.1",
            tables,
            {"tables": pictures},
            {"tables": ("defining-optimization-2/3",)},
        ),
    ),
    claims=(
        Claim(
            "P_{t-1} is the printed table",
            SOURCE,
            True,
            lambda: is_printed(
                before, [[corner, edge, corner], [edge, middle, edge], [corner, edge, corner]]
            ),
        ),
        Claim(
            "P_t is the printed table",
            SOURCE,
            True,
            lambda: is_printed(
                now,
                [
                    [0, 0, edge + corner],
                    [edge, middle + epsilon**2 / 2, edge],
                    [edge + corner, 0, 0],
                ],
            ),
        ),
        Claim(
            "P_{t+1} is the printed table",
            SOURCE,
            True,
            lambda: is_printed(
                now.push(thermostat),
                [[0, 0, edge], [0, 1 - epsilon * (1 - epsilon), 0], [edge, 0, 0]],
            ),
        ),
        Claim(
            "It looks linear, both axes logarithmic, where epsilon is very small: slope 1",
            SOURCE,
            1.0,
            lambda: fit(5)[0],
            0.01,
        ),
        Claim(
            "Fitted to the leftmost five points, the adjusted strength is half of the entropy",
            SOURCE,
            0.5,
            lambda: fit(5)[1],
            0.01,
        ),
        Claim(
            "The adjusted strength approaches half of the entropy of P_{t-1}",
            SOURCE,
            0.5,
            lambda: float(limit_at_zero(adjusted() / before.entropy(), epsilon)),
        ),
    ),
)
