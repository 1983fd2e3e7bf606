"""Annealing: slow cooling finds the better of two minima."""

import math

import networkx as nx
import numpy as np
import xarray as xr

from causalopt import (
    Distribution,
    Enthalpies,
    Ising,
    Split,
    Steps,
    Sweeps,
    annealed,
    annealing,
    annealing_kernel,
    equilibrium_free_energy,
    finite,
    free_energy_over,
    geometric,
    langevin,
    op,
    plots,
    run,
    time,
    variables,
)
from causalopt.study import Claim, Experiment, Study

SOURCE = "comment on free energy and mode collapse, on annealing"
LAW = "the second law, for a chain in detailed balance"

# Two wells: the left one, at u = -1, is lower by 1 than the right one.
PLACES = np.round(np.linspace(-1.4, 1.4, 15), 10)
HEIGHTS = 2 * (PLACES**2 - 1) ** 2 + 0.5 * PLACES
HOT, COLD = 1.0, 0.05
STEPS = 2_000

spot = finite("spot", range(len(PLACES)))
energy = Enthalpies.of(spot, HEIGHTS, "minimise")
moves = Steps.of(nx.path_graph(len(PLACES)))
anywhere = Distribution.uniform(spot)
BEST = int(np.argmin(HEIGHTS))
LEFT = PLACES < 0

slow = annealing(energy, moves, geometric(HOT, COLD, steps=STEPS), start={spot: 12})


def exactly(steps, keep="all", start=anywhere):
    """The distribution over the landscape while it is cooled in some number of steps."""
    cooling = geometric(HOT, COLD, steps=steps)
    return annealed(energy, moves, cooling, start=start, steps=steps, keep=keep)


def course(steps):
    """T, <E>, S, F = <E> - T S and the distribution; F is minimised, G = -F maximised."""
    data = exactly(steps, keep=max(1, steps // 200))
    least = [equilibrium_free_energy(energy, float(T)) for T in data["T"]]
    return data.assign(least=("time", least)).assign_coords(spot=PLACES)


def course_figure(data):
    """The temperature, the free energy beside its least value, the entropy, the distribution."""
    with plots.figure(4, sharex=True, figsize=(6.4, 8.4)) as (picture, axes):
        plots.annealing(data[["T", "free_energy", "entropy"]], axes[:3])
        axes[2].set_xlabel("")
        axes[1].plot(data.time, data.least, "--", label="−T log Z, its least value")
        axes[1].legend()
        image = axes[3].pcolormesh(data.time, data.spot, data.P.T, shading="nearest", cmap="YlGnBu")
        picture.colorbar(image, ax=axes[3], label="probability")
        axes[3].set(xlabel="time [steps]", ylabel="place u")
    return picture


def chain():
    """One chain, from the right well, and the landscape that it walks on."""
    course = run(slow.world(steps=STEPS, seed=3)).sel(world="W")[["spot", "T"]]
    return course.assign(E=("u", HEIGHTS)).assign_coords(u=PLACES)


def chain_figure(data):
    """The chain jumps the wall while it is hot, and settles in the better well."""
    spots = data.spot.values.astype(int)
    lift = np.random.default_rng(0).uniform(-0.05, 0.05, len(spots))
    with plots.figure() as (picture, ax):
        ax.plot(data.u, data.E, color=plots.palette.GREY, zorder=1)
        dots = ax.scatter(
            PLACES[spots] + lift,
            HEIGHTS[spots] + lift,
            c=data.time,
            s=6,
            cmap="coolwarm_r",
            zorder=2,
        )
        picture.colorbar(dots, label="time [steps]")
        ax.set(xlabel="place u", ylabel="energy E")
    return picture


def rates():
    """The probability of the better well and of the best state against the steps of cooling."""
    counts = [2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 4_000]
    ends = np.array([exactly(n, keep="last").P.values[0] for n in counts])
    return xr.Dataset(
        {
            "better_well": ("steps", ends[:, LEFT].sum(axis=1)),
            "best_state": ("steps", ends[:, BEST]),
        },
        {"steps": counts, "rate": ("steps", math.log(HOT / COLD) / np.array(counts))},
    )


def rates_figure(data):
    """Quenching leaves half in the worse well."""
    with plots.figure() as (picture, ax):
        ax.semilogx(data.rate, data.better_well, "o-", ms=3, label="in the better well")
        ax.semilogx(data.rate, data.best_state, "o-", ms=3, label="in the best state")
        ax.set(xlabel="cooling rate −d log T / dt [1/step]", ylabel="probability at the end")
        ax.set_ylim(0, 1)
        ax.legend()
    return picture


def strengths(draws=200, steps=400):
    """Op(g; z[n], z[end]) of the gradient in Langevin annealing, nudged at four times n."""
    z, g = variables("z g")
    well = 2 * (z**2 - 1) ** 2 + 0.5 * z
    system = langevin(well, z, geometric(1.0, 0.05, steps=steps), 0.01, start={z: 0.9})
    nudges = [0, steps // 4, steps // 2, 3 * steps // 4]
    ops = [op(system, A=g, n=z[n], m=z[steps], steps=steps, draws=draws) for n in nudges]
    parts = [by_draw.values.reshape(-1) for by_draw in ops]
    return xr.Dataset({"op": (("nudged", "draw"), parts)}, {"nudged": nudges})


def strengths_figure(data):
    """The earlier the nudge, the more of it the anneal takes out."""
    with plots.figure() as (picture, ax):
        ax.boxplot(data.op.values.T, tick_labels=[str(n) for n in data.nudged.values], sym="")
        ax.axhline(0, color=plots.palette.GREY, lw=0.8)
        ax.set(xlabel="step n of the nudge", ylabel="Op(g; z[n], z[400]) [nat]")
    return picture


ring = Ising.of_graph(nx.cycle_graph(8), coupling=-1.0)
SWEEPS = 60


def correlation():
    """Halves of a ring of 8 spins: I(A;B), and the entropy that it removes a sweep on.

    That is S[one sweep of the decorrelated state] - S[one sweep of the state], the optimizing
    strength of the split.
    """
    table = Enthalpies.tabulated(ring.spins, ring.energy)
    cooling, P = geometric(4.0, 0.2, steps=SWEEPS), Distribution.uniform(*ring.spins).floats()
    split, now, later = Split(ring.spins[:4], ring.spins[4:]), [], []
    for step in range(SWEEPS):
        sweep = annealing_kernel(table, Sweeps(), float(cooling.subs(time, step)), "glauber")
        apart = sweep.push(P.decorrelate(split))
        now.append(P.mutual_information(split, base=math.e))
        P = sweep.push(P)
        later.append(apart.entropy(math.e) - P.entropy(math.e))
    return xr.Dataset(
        {"information": ("time", now), "removed": ("time", later)},
        {"time": ("time", np.arange(SWEEPS), {"units": "sweeps"})},
    )


def correlation_figure(data):
    """Cold, a sweep no longer brings halves together that were cut: correlation removes more."""
    with plots.figure() as (picture, ax):
        ax.plot(data.time, data.information, label="I(A;B) = S[decorrelated] − S")
        ax.plot(data.time, data.removed, label="removed from the entropy a sweep later")
        ax.set(xlabel="time [sweeps]", ylabel="entropy [nat]")
        ax.legend()
    return picture


# -- claims --------------------------------------------------------------------------------------


def agrees(draws=2_000, steps=100):
    """Whether seeded chains end in the better well as often as they should, within 4 deviations."""
    system = annealing(energy, moves, geometric(HOT, COLD, steps=steps), start={spot: 12})
    last = run(system.world(steps=steps, seed=1), draws=draws, keep="last").spot.values.astype(int)
    begun = exactly(steps, keep="last", start=Distribution.delta({spot: 12}))
    exact = float(begun.P[0].values[LEFT].sum())
    return bool(abs(LEFT[last].mean() - exact) < 4 * math.sqrt(exact * (1 - exact) / draws))


def never_rises():
    """Whether no step raises the free energy at its own temperature."""
    data = exactly(200)
    T = data["T"][1:].drop_vars("time")
    before = free_energy_over(data.P[:-1].drop_vars("time"), energy, T)
    after = free_energy_over(data.P[1:].drop_vars("time"), energy, T)
    return bool((after <= before + 1e-14).all())


def well(steps):
    """The probability of the better well after cooling in some number of steps."""
    return float(exactly(steps, keep="last").P[0].values[LEFT].sum())


study = Study(
    name="annealing_landscape",
    title="Annealing: slow cooling finds the better of two minima",
    source=SOURCE,
    system=slow,
    experiments=(
        Experiment("chain", "A chain on the landscape", chain, {"landscape": chain_figure}),
        Experiment("slow", "Slow cooling", lambda: course(STEPS), {"slow": course_figure}),
        Experiment("quench", "Quenching", lambda: course(20), {"quench": course_figure}),
        Experiment("rates", "Against the cooling rate", rates, {"rates": rates_figure}),
        Experiment("op", "Op of the gradient in an anneal", strengths, {"op": strengths_figure}),
        Experiment(
            "correlation",
            "The entropy that correlation removes",
            correlation,
            {"correlation": correlation_figure},
        ),
    ),
    claims=(
        Claim(
            "Annealing finds better outcomes: slow cooling ends in the better well, with 80% or "
            "more, quenching in two steps with less than 55%",
            SOURCE,
            True,
            lambda: well(STEPS) > 0.80 and well(2) < 0.55,
        ),
        Claim(
            "The slower the cooling, the likelier the better well",
            SOURCE,
            True,
            lambda: bool((np.diff(rates().better_well) > 0).all()),
        ),
        Claim("No step raises the free energy <E> - T S at its T", LAW, True, never_rises),
        Claim(
            "The free energy stays above -T log Z",
            LAW,
            True,
            lambda: bool((course(STEPS).free_energy - course(STEPS).least).min() >= -1e-12),
        ),
        Claim(
            "Seeded chains end in the better well as often as the exact distribution says",
            "this software, two ways",
            True,
            agrees,
        ),
        Claim(
            "A nudge is taken out the more, the longer the anneal still runs",
            SOURCE,
            True,
            lambda: bool((np.diff(strengths().op.median("draw")) < 0).all()),
        ),
        Claim(
            "Cooling orders a ring: the halves share log 2, which of two ordered states it is in",
            "the two ordered states of a ring are equally likely",
            math.log(2),
            lambda: float(correlation().information[-1]),
            2e-3,
        ),
    ),
)
