"""Mode collapse, and how temperature undoes it."""

import itertools
import math

import numpy as np
import sympy as sp
import xarray as xr

from causalopt import (
    Distribution,
    Enthalpies,
    boltzmann,
    equilibrium_free_energy,
    finite,
    heat_capacity,
    mean_enthalpy,
    plots,
)
from causalopt.study import Claim, Experiment, Study

SOURCE = "comment on free energy and mode collapse"

style = finite("style", ["essay", "poem", "review", "story", "letter"])
H = Enthalpies.of(style, {"essay": 5, "poem": 4, "review": 3, "story": 2, "letter": 1})
T = sp.Symbol("T", positive=True)

TEMPERATURES = np.geomspace(0.05, 50, 91)


def sweep():
    """Boltzmann distributions from cold to hot, their entropy, enthalpy and heat capacity."""
    settled = [boltzmann(H, float(t)) for t in TEMPERATURES]
    per_t = {
        "entropy": [P.entropy(math.e) for P in settled],
        "enthalpy": [float(mean_enthalpy(P, H)) for P in settled],
        "free_energy": [equilibrium_free_energy(H, float(t)) for t in TEMPERATURES],
        "capacity": [heat_capacity(H, float(t)) for t in TEMPERATURES],
    }
    data = xr.Dataset({name: ("T", values) for name, values in per_t.items()}, {"T": TEMPERATURES})
    return data.assign(P=xr.concat([P.to_xarray() for P in settled], data["T"]))


def collapse(data):
    """Left: how likely each style is. Right: how many styles there are in effect, exp(S)."""
    with plots.figure(1, 2) as (picture, (left, right)):
        for name in style.values:
            left.semilogx(data["T"], data.P.sel(style=name), label=name)
        left.set_xlabel("temperature T")
        left.set_ylabel("probability")
        left.legend()
        right.semilogx(data["T"], np.exp(data["entropy"]), label="styles in effect, exp(S)")
        right.semilogx(data["T"], data["capacity"], label="heat capacity [nat]")
        right.set_xlabel("temperature T")
        right.legend()
    return picture


def energies(data):
    """The enthalpy given up for entropy as the temperature rises: G = H + T S is the greatest."""
    with plots.figure() as (picture, ax):
        ax.semilogx(data["T"], data["enthalpy"], label="enthalpy H")
        ax.semilogx(data["T"], data["T"] * data["entropy"], label="T S")
        ax.semilogx(data["T"], data["free_energy"], "k--", lw=0.9, label="free energy G")
        ax.set_ylim(0, 20)
        ax.set_xlabel("temperature T")
        ax.set_ylabel("in units of enthalpy")
        ax.legend()
    return picture


def ratio(better, worse):
    """P(better) / P(worse) at temperature T, as an expression."""
    P = boltzmann(H, T)
    return sp.simplify(P.mass({style: better}) / P.mass({style: worse}))


def is_spread(colder, warmer):
    """Whether entropy rises and the greatest mass falls from one temperature to the next."""
    before, after = boltzmann(H, colder), boltzmann(H, warmer)
    return before.entropy() < after.entropy() and max(before.masses) > max(after.masses)


study = Study(
    name="mode_collapse",
    title="Mode collapse is a low temperature",
    source=SOURCE,
    experiments=(
        Experiment(
            "temperature",
            "Styles against temperature",
            sweep,
            {"collapse": collapse, "energies": energies},
        ),
    ),
    claims=(
        Claim(
            "Purely maximizing enthalpy, everything goes to the best state",
            SOURCE,
            1.0,
            lambda: float(sp.limit(boltzmann(H, T).mass({style: "essay"}), T, 0, "+")),
        ),
        Claim(
            "With entropy you still get exponentially more high-enthalpy states",
            SOURCE,
            True,
            lambda: (
                ratio("essay", "poem") == sp.exp(1 / T)
                and ratio("essay", "letter") == sp.exp(4 / T)
            ),
        ),
        Claim(
            "Increasing the temperature gives a bigger spread into other states",
            SOURCE,
            True,
            lambda: all(
                is_spread(float(a), float(b))
                for a, b in itertools.pairwise(TEMPERATURES)
                if a > 0.1
            ),
        ),
        Claim(
            "Where entropy is all that counts, every state is as likely",
            SOURCE,
            True,
            lambda: boltzmann(H, sp.oo) == Distribution.uniform(style),
        ),
    ),
)
