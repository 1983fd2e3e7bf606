"""A flat tax on enthalpy is a higher temperature."""

import math

import numpy as np
import sympy as sp
import xarray as xr

from causalopt import Enthalpies, boltzmann, equilibrium_free_energy, finite, plots
from causalopt.study import Claim, Experiment, Study

SOURCE = "comment on free energy and mode collapse, P.S."

holding = finite("holding", ["land", "factory", "shop", "school", "garden"])
WORTH = {"land": 9, "factory": 7, "shop": 4, "school": 2, "garden": 1}
H = Enthalpies.of(holding, WORTH)
f = sp.Rational(1, 20)  # a few percent
T = sp.Integer(1)

TAXES = np.linspace(0, 0.95, 96)


def taxed():
    """Distributions under taxes of 0 to 95 %, at T = 1, and the temperature that does the same."""
    settled = [boltzmann(H.scaled(1.0 - float(tax)), 1.0) for tax in TAXES]
    warmer = [boltzmann(H, 1.0 / (1.0 - float(tax))) for tax in TAXES]
    apart = [float(a.total_variation(b)) for a, b in zip(settled, warmer, strict=True)]
    data = xr.Dataset(
        {
            "temperature": ("tax", 1 / (1 - TAXES)),
            "entropy": ("tax", [P.entropy(math.e) for P in settled], {"units": "nat"}),
            "apart": ("tax", apart, {"long_name": "total variation to the warmer system"}),
        },
        {"tax": TAXES},
    )
    return data.assign(P=xr.concat([P.to_xarray() for P in settled], data["tax"]))


def spread(data):
    """Left: how likely each holding is under a tax. Right: the temperature, and exp(S)."""
    with plots.figure(1, 2) as (picture, (left, right)):
        percent = 100 * data["tax"]
        for name in holding.values:
            left.plot(percent, data.P.sel(holding=name), label=name)
        left.set_xlabel("tax [%]")
        left.set_ylabel("probability")
        left.legend()
        right.semilogy(percent, data["temperature"], label="temperature of the same effect")
        right.semilogy(percent, np.exp(data["entropy"]), label="holdings in effect, exp(S)")
        right.set_xlabel("tax [%]")
        right.legend()
    return picture


def same_distribution():
    """Whether the taxed and the warmer system have the same exact masses."""
    pairs = zip(boltzmann(H.scaled(1 - f), T).masses, boltzmann(H, T / (1 - f)).masses, strict=True)
    return all(sp.simplify(first - second) == 0 for first, second in pairs)


def free_energies():
    """Free energy over temperature, taxed and warmer: the same number too."""
    taxed_one = equilibrium_free_energy(H.scaled(1 - f), T) / T
    warmer = equilibrium_free_energy(H, T / (1 - f)) / (T / (1 - f))
    return float(sp.N(taxed_one - warmer, 30))


study = Study(
    name="enthalpy_tax",
    title="A tax on enthalpy is heat",
    source=SOURCE,
    experiments=(
        Experiment(
            "taxes", "Holdings under a flat tax on what they earn", taxed, {"spread": spread}
        ),
    ),
    claims=(
        Claim(
            "Shrinking the enthalpies is turning up the temperature, to T/(1 - f)",
            SOURCE,
            True,
            same_distribution,
        ),
        Claim(
            "So log Z = G/T is the same as well (f = 5 %)",
            f"{SOURCE} (a consequence)",
            0.0,
            free_energies,
            tolerance=1e-25,
        ),
        Claim(
            "A few percent (5 %) is a temperature higher by the factor 20/19",
            f"{SOURCE} (a consequence)",
            20 / 19,
            lambda: float(T / (1 - f)),
            tolerance=1e-15,
        ),
    ),
)
