"""Where the equilibria of the Lorenz system are stable."""

import numpy as np
import xarray as xr

from causalopt import System, parameters, plots, variables
from causalopt.study import Claim, Experiment, Reason, Study

SOURCE = '"Defining Optimization in a Deeper Way", part 4, The Lorenz System'

a, b, c = variables("a b c")
sigma, rho, beta = parameters("sigma rho beta")
# da/dt has the sign of Lorenz (1963); the source prints sigma (a - b).
RATES = {a: sigma * (b - a), b: a * (rho - c) - b, c: a * b - beta * c}
SIGMA, BETA = 10.0, 8 / 3

lorenz = System.from_ode(
    RATES,
    start={a: 1, b: 1, c: 1},
    parameters={sigma: SIGMA, rho: 20, beta: BETA},
    dt=0.001,
)


def growth(point, r, first_rate_sign=1):
    """The largest real part of the eigenvalues of the rates' Jacobian at a point."""
    rows = [rate.subs({sigma: SIGMA, rho: r, beta: BETA}) for rate in RATES.values()]
    rows[0] *= first_rate_sign
    here = dict(zip(RATES, point, strict=True))
    jacobian = [[float(row.diff(v).subs(here)) for v in RATES] for row in rows]
    return float(np.linalg.eigvals(jacobian).real.max())


def at_zero(r, first_rate_sign=1):
    """The growth at (0, 0, 0)."""
    return growth((0, 0, 0), r, first_rate_sign)


def outside(r, side=1):
    """The growth at one of the two other equilibria, 1 < rho."""
    size = side * np.sqrt(BETA * (r - 1))
    return growth((size, size, r - 1), r)


def stable_points(r):
    """The number of stable equilibria, 1 < rho."""
    return sum(rate < 0 for rate in (at_zero(r), outside(r, 1), outside(r, -1)))


def onset():
    """The rho at which the two equilibria beside 0 lose their stability."""
    from scipy.optimize import brentq

    return float(brentq(outside, 20, 28, xtol=1e-10))


def growths():
    """The growth at each equilibrium against rho."""
    grid = np.linspace(1.1, 30, 60)
    parts = {"at 0": [at_zero(r) for r in grid], "at the others": [outside(r) for r in grid]}
    return xr.Dataset({n: ("rho", values) for n, values in parts.items()}, {"rho": grid})


def growths_figure(data):
    """Below 0 a point is stable: none is from 24.74 on."""
    with plots.figure() as (picture, ax):
        for name in data:
            plots.along(data[name], ax, label=name)
        ax.axhline(0, color=plots.palette.GREY, lw=0.8)
        ax.set(ylabel="growth rate [1 / time]", ylim=(-2, 6))
        ax.legend()
    return picture


study = Study(
    name="lorenz_equilibria",
    title="The equilibria of the Lorenz system",
    source=SOURCE,
    system=lorenz,
    experiments=(
        Experiment(
            "growths", "Growth at the equilibria against rho", growths, {"growths": growths_figure}
        ),
    ),
    claims=(
        Claim(
            "da/dt = sigma (a - b), with a stable equilibrium for rho < 1",
            SOURCE,
            True,
            lambda: at_zero(0.8, -1) < 0,
            reason=Reason(
                "with the printed sign the equilibrium at 0 is unstable; Lorenz (1963) has "
                "sigma (b - a), with which it is stable",
                lambda: at_zero(0.8, -1) > 0 > at_zero(0.8),
            ),
        ),
        Claim(
            "three stable equilibria for 1 < rho < 24.74",
            SOURCE,
            3,
            lambda: stable_points(20.0),
            reason=Reason(
                "two are stable, and the third, at 0, is not: it has a growing direction for "
                "every rho > 1",
                lambda: (
                    all(at_zero(r) > 0 for r in (1.01, 10, 24))
                    and [stable_points(r) for r in (1.01, 10, 24)] == [2, 2, 2]
                ),
            ),
        ),
        Claim("from rho = 24.74 on no equilibrium is stable", SOURCE, 24.74, onset, 0.005),
        Claim(
            "that is sigma (sigma + beta + 3) / (sigma - beta - 1) = 470/19 = 24.7368",
            "the condition of Routh and Hurwitz",
            470 / 19,
            onset,
            1e-6,
        ),
    ),
)
