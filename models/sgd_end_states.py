"""Where SGD as a flow of probability ends."""

import functools

import numpy as np
import sympy
import xarray as xr

from causalopt import Current, GradientMoments, plots, run, sgd, stationary, variables
from causalopt.study import Claim, Experiment, Reason, Study

SOURCE = '"SGD Understood through Probability Current"'
END = f'{SOURCE}, "Solving for End-States"'

(W,) = variables("W")
# The source's third validation, T = 0.5.
THIRD = (sympy.Rational(3, 5) * W**2 - 2 * W, sympy.Rational(2, 5) * W**2 - 2 * W)
CONVENTIONS = ("ito", "stratonovich", "modified")
# Two wells of one shape, S = 2 + cos W in the narrow one; at pi is the top between it and the next.
NARROW = tuple(-sympy.cos(W) + sign * (2 * W + sympy.sin(W)) for sign in (1, -1))
WIDE = tuple(loss.subs(W, W / 2) for loss in NARROW)
# No mean gradient, and S = 2 + cos W: 1 at pi, 3 at 0.
LEVEL = (2 * W + sympy.sin(W), -2 * W - sympy.sin(W))
# A bowl of two parameters with curvatures 1 and 3, whose noise is along x + y.
x, y = variables("x y")
BOWL = tuple((x**2 + 3 * y**2) / 2 + sign * (x + y) for sign in (1, -1))


def function(formula):
    """A formula in W as a function of arrays."""
    held = sympy.Dummy("w")
    return sympy.lambdify(held, formula.xreplace({W: held}))


@functools.cache
def ends():
    """The end states of the third validation: SGD itself, and each convention in closed form."""
    exact = stationary(sgd(THIRD, W, 0.5, start={W: 2}), (1.6, 2.6), cells=4000)
    parts = {"SGD": exact}
    for convention in CONVENTIONS:
        parts[convention] = Current.of(THIRD, W, 0.5, convention=convention).stationary((0, 6))
    grid = np.linspace(1, 3.5, 1001)
    values = [np.interp(grid, density.W, density, left=0, right=0) for density in parts.values()]
    summary = [end_moments(density) for density in parts.values()]
    data = xr.Dataset({"density": (("law", "W"), values)}, {"law": list(parts), "W": grid})
    mean, variance = zip(*summary, strict=True)
    return data.assign(mean=("law", list(mean)), variance=("law", list(variance)))


def end_moments(density):
    """Mean and variance of one density."""
    mass = density / density.sum()
    mean = float((mass * density.W).sum())
    return mean, float((mass * (density.W - mean) ** 2).sum())


def ends_figure(data):
    """Every flow is narrower than SGD, whose density is in pieces."""
    with plots.figure() as (picture, ax):
        for law in data["law"].values:
            style = {"lw": 0.5, "alpha": 0.5} if law == "SGD" else {}
            plots.along(data["density"].sel(law=law), ax, label=str(law), **style)
        ax.set(ylabel="P(W)", ylim=(0, 4))
        ax.legend()
    return picture


def wells(rate=0.25):
    """log P beside the centre of a narrow well and of one twice as wide, up to the top beside."""
    share = np.linspace(0, 1, 401)
    log_densities = {}
    for name, losses, top in (("narrow", NARROW, np.pi), ("wide", WIDE, 2 * np.pi)):
        slope = Current.of(losses, W, rate, convention="stratonovich").log_slope()
        places = share * top
        steps = function(slope)(places)
        # The integral from the top inwards, by trapezia.
        pieces = (steps[1:] + steps[:-1]) / 2 * np.diff(places)
        log_densities[name] = np.concatenate([[0.0], np.cumsum(pieces)]) - pieces.sum()
    return xr.Dataset({n: ("share", v) for n, v in log_densities.items()}, {"share": share})


def wells_figure(data):
    """The log of the density over that at the top."""
    with plots.figure() as (picture, ax):
        for name in ("narrow", "wide"):
            plots.along(data[name], ax, label=f"{name} well")
        ax.set(xlabel="part of the way from the centre to the top", ylabel="log P - log P(top)")
        ax.legend()
    return picture


def fall_ratio():
    """How much more log P falls from the centre of the wide well to its top, than in the narrow."""
    data = wells()
    return float(data["wide"][0] / data["narrow"][0])


def only_the_drift_counts_four_times():
    """Whether log P falls by 4/(3T) - log 3 in the narrow well, 16/(3T) - log 3 in the wide one."""
    data = wells()
    falls = [factor * 4 / (3 * 0.25) - np.log(3) for factor in (1, 4)]
    return bool(np.allclose([data["narrow"][0], data["wide"][0]], falls, rtol=1e-4))


def metric():
    """The third end state in u, where du = dW / S and so S^2 = 1: u = 5 log(W / 2)."""
    flow = Current.of(THIRD, W, 0.5, convention="stratonovich")
    density = flow.stationary((0, 6), cells=6000).sel(W=slice(1, 4))
    places = density.W.values
    u, S = 5 * np.log(places / 2), places / 5
    # The energy 2/T int G/S du = 2/T int (5 - 10 exp(-u/5)/2) du, and P ~ exp(-energy) du.
    energy = 4 * (5 * u + 25 * np.exp(-u / 5))
    gibbs = np.exp(energy.min() - energy)
    gibbs /= np.trapezoid(gibbs, u)
    parts = {"energy": energy - energy.min(), "flow": density.values * S, "gibbs": gibbs}
    return xr.Dataset({n: ("u", v) for n, v in parts.items()}, {"u": u})


def metric_figure(data):
    """In the metric where S^2 = 1 the end state is exp(-energy)."""
    with plots.figure(2, sharex=True) as (picture, axes):
        plots.along(data["energy"], axes[0])
        axes[0].set(ylabel="energy", xlabel="")
        plots.along(data["flow"], axes[1], label="flow")
        plots.along(data["gibbs"], axes[1], label="exp(-energy)", ls="--")
        axes[1].set(ylabel="P(u)", xlabel="u = 5 log(W / 2)")
        axes[1].legend()
    return picture


def energy_is_of_g_s_and_t_alone():
    """Whether in u the end state of any of the flows here is exp(-2/T int G/S du)."""
    right = []
    for losses in (THIRD, NARROW):
        flow = Current.of(losses, W, 0.25, convention="stratonovich")
        # log P(u) = log P(W) + log S, whose slope by W is to be -2 G / (T S^2).
        slope = flow.log_slope() + sympy.log(flow.S2).diff(W) / 2 + 8 * flow.G / flow.S2
        right.append(sympy.simplify(sympy.nsimplify(slope, rational=True)) == 0)
    data = metric()
    return all(right) and bool(np.allclose(data["flow"], data["gibbs"], atol=1e-4))


def low_over_high():
    """P where S^2 = 1 over P where it is 9, without a mean gradient."""
    slope = Current.of(LEVEL, W, 0.25, convention="stratonovich").log_slope()
    places = np.linspace(0, np.pi, 4001)
    return float(np.exp(np.trapezoid(function(slope)(places), places)))


def circulation(rate=0.1):
    """The mean of x dy - y dx a step at the end of SGD in the bowl: E[x y] T (1 - 3)."""
    moments = GradientMoments.of(BOWL, [x, y])
    first, second = (moments.G[i].diff(v) for i, v in enumerate((x, y)))
    # C = M C M + T^2 S^2 with M = 1 - T diag(first, second).
    kept = (1 - rate * first) * (1 - rate * second)
    mixed = rate**2 * moments.S2[0, 1] / (1 - kept)
    return float(mixed * rate * (first - second))


def circles_too():
    """Whether 2,000 chains of SGD circle so, to 4 errors of their mean, and more than 10 from 0."""
    chains = run(sgd(BOWL, [x, y], 0.1, start={x: 0, y: 0}).world(steps=150, seed=1), draws=2000)
    here, there = chains.isel(time=slice(50, -1)), chains.isel(time=slice(51, None))
    turns = (here.x.values * there.y.values - here.y.values * there.x.values).mean(axis=-1).ravel()
    mean, error = turns.mean(), turns.std() / turns.size**0.5
    return bool(abs(mean - circulation()) < 4 * error and abs(mean) > 10 * error)


study = Study(
    name="sgd_end_states",
    title="Where SGD as a flow of probability ends",
    source=SOURCE,
    system=sgd(THIRD, W, 0.5, start={W: 2}),
    experiments=(
        Experiment("ends", "The third end state by law", ends, {"ends": ends_figure}),
        Experiment("wells", "A wide and a narrow minimum", wells, {"wells": wells_figure}),
        Experiment("metric", "The metric in which S^2 = 1", metric, {"metric": metric_figure}),
    ),
    claims=(
        Claim(
            "the exact end of the third: mean 2",
            "moments of SGD, by transfer operator",
            2.0,
            lambda: float(ends()["mean"].sel(law="SGD")),
            1e-6,
        ),
        Claim(
            "the exact end of the third: variance 2/37",
            "moments of SGD, by transfer operator",
            2 / 37,
            lambda: float(ends()["variance"].sel(law="SGD")),
            1e-6,
        ),
        Claim(
            "the variances of Ito's flow, the source's and the modified one: -25%, -23%, -40%",
            "moments of each flow in closed form, over 2/37",
            (-0.2525, -0.2295, -0.4032),
            lambda: tuple(ends()["variance"].values[1:] / (2 / 37) - 1),
            1e-4,
        ),
        Claim(
            "log P falls four times as much from the centre of a well twice as wide",
            END,
            4.0,
            fall_ratio,
            0.05,
            Reason(
                "the part of the drift counts four times, that of the variance once: 16/(3T) - "
                "log 3 over 4/(3T) - log 3 where S = 2 + cos W",
                only_the_drift_counts_four_times,
            ),
        ),
        Claim(
            "SGD has a bias to the broader of two minima: log P falls more towards its top",
            f'{SOURCE}, "What\'s the point?"',
            True,
            lambda: fall_ratio() > 1,
        ),
        Claim(
            "under this model, SGD is also biased to regions of low variance",
            f'{SOURCE}, "What\'s the point?"',
            True,
            lambda: low_over_high() > 1,
        ),
        Claim(
            "where G = 0 it is as 1 / S: three times the density at a third of S",
            "the source's flow in closed form",
            3.0,
            low_over_high,
            1e-6,
        ),
        Claim(
            "for an end state rho = 0 everywhere: x dy - y dx is 0 in a bowl of two parameters",
            END,
            0.0,
            circulation,
            1e-12,
            Reason(
                "this holds in one dimension, where a constant current between closed ends is 0. "
                "In two it may circle: -0.0054 a step with curvatures 1 and 3 and noise along "
                "x + y",
                circles_too,
            ),
        ),
        Claim(
            "an energy of G, S and T alone gives the end state in the metric where S^2 = 1",
            f'{SOURCE}, "Further Investigation"',
            True,
            energy_is_of_g_s_and_t_alone,
        ),
    ),
)
