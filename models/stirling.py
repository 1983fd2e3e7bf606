"""Arrangements of many atoms, and the entropy per atom."""

import mpmath
import numpy as np
import sympy as sp
import xarray as xr

from causalopt import Distribution, finite, plots
from causalopt.study import Claim, Experiment, Study

SOURCE = "comment on free energy and mode collapse, Background"

state = finite("state", ["a", "b", "c"])
shares = Distribution.of(state, [sp.Rational(1, n) for n in (2, 3, 6)])
with mpmath.workdps(60):
    p = [mpmath.mpf(1) / n for n in (2, 3, 6)]

# As many atoms as make whole numbers in each state, up to about those of a kilogram of carbon.
ATOMS = [6 * 10**n for n in range(26)]


def log_arrangements(N):
    """log of N! / prod (p_i N)!, in nats; 60 digits, for most of them cancel."""
    with mpmath.workdps(60):
        parts = [mpmath.loggamma(mpmath.mpf(N) * share + 1) for share in p]
        return mpmath.loggamma(mpmath.mpf(N) + 1) - mpmath.fsum(parts)


def entropy():
    """S = -sum p log p, in nats."""
    with mpmath.workdps(60):
        return -mpmath.fsum(share * mpmath.log(share) for share in p)


def constant(N):
    """The number of arrangements over exp(N S) / N, which Stirling's formula says is constant."""
    with mpmath.workdps(60):
        return mpmath.exp(log_arrangements(N) - N * entropy()) * N


def limit():
    """The constant: (2 pi)^(-(k-1)/2) / sqrt(prod p_i), for k = 3 states."""
    return 1 / (2 * mpmath.pi * mpmath.sqrt(mpmath.fprod(p)))


def arrangements():
    """The log number of arrangements per atom, and what it lacks of the entropy."""
    with mpmath.workdps(60):
        each = [log_arrangements(N) / N for N in ATOMS]
        lacking = [float(entropy() - per_atom) for per_atom in each]
        expected = [float(mpmath.log(N / limit()) / N) for N in ATOMS]
    return xr.Dataset(
        {
            "per_atom": ("atoms", [float(per_atom) for per_atom in each], {"units": "nat"}),
            "lacking": ("atoms", lacking, {"units": "nat"}),
            "expected": ("atoms", expected, {"units": "nat"}),
        },
        {"atoms": np.array(ATOMS, dtype=float)},
        {"entropy": float(entropy())},
    )


def towards_the_entropy(data):
    """Left: log arrangements per atom, against the entropy. Right: what is still lacking."""
    with plots.figure(1, 2) as (picture, (left, right)):
        few = data.isel(atoms=slice(0, 6))
        left.semilogx(few["atoms"], few["per_atom"], "o-", label="log arrangements / N")
        left.axhline(data.attrs["entropy"], color=plots.palette.GREY, ls=":", label="entropy S")
        left.set_xlabel("atoms N")
        left.set_ylabel("per atom [nat]")
        left.legend()
        right.loglog(data["atoms"], data["lacking"], "o", label="S - log arrangements / N")
        right.loglog(data["atoms"], data["expected"], lw=0.8, label="next term of Stirling")
        right.set_xlabel("atoms N")
        right.set_ylabel("lacking [nat]")
        right.legend()
    return picture


study = Study(
    name="stirling",
    title="Arrangements of atoms, and entropy",
    source=SOURCE,
    experiments=(
        Experiment(
            "arrangements",
            "Log arrangements per atom, from 6 atoms to a kilogram",
            arrangements,
            {"towards_the_entropy": towards_the_entropy},
        ),
    ),
    claims=(
        Claim(
            "Entropy is pretty much the log-number of states for each atom",
            SOURCE,
            float(shares.entropy(sp.E)),
            lambda: float(log_arrangements(ATOMS[-1]) / ATOMS[-1]),
            tolerance=1e-15,
        ),
        Claim(
            "The number of arrangements is exp(N S) / N up to a constant",
            f"{SOURCE} (its formula reconstructed)",
            float(limit()),
            lambda: float(constant(ATOMS[-1])),
            tolerance=1e-12,
        ),
        Claim(
            "For a kilogram of stuff the term in N is much, much larger",
            SOURCE,
            True,
            lambda: bool(ATOMS[-1] * entropy() > 10**22 * mpmath.log(ATOMS[-1] / limit())),
        ),
    ),
)
