"""Why a system is not at its greatest free energy."""

import math

import numpy as np
import xarray as xr

from causalopt import (
    Chain,
    Distribution,
    Enthalpies,
    Fault,
    System,
    boltzmann,
    finite,
    free_energy,
    plots,
    table,
    why_not_equilibrium,
)
from causalopt.study import Claim, Experiment, Study

COMMENT = "comment on free energy and mode collapse"
SOURCE = "comment on free energy and mode collapse, its three possibilities"

level = finite("level", ["a", "b", "c", "d", "e"])
ENTHALPY = {"a": 0.0, "b": 2.0, "c": 0.5, "d": 3.0, "e": 1.0}
H = Enthalpies.of(level, ENTHALPY)
T = 0.7
PUMP = 2.0  # what the laser pays for level c
BIAS = {"b": 1.5, "e": -1.0}  # what a biased loss adds to what is seen
THETA = 1.0  # the phase of a coherent system, in radians


def steps_between_neighbours(enthalpy, closed=()):
    """The chances of one step: to a neighbour, taken with Metropolis' chance, or stay."""
    names, rows = list(level.values), {}
    for i, here in enumerate(names):
        row = {
            names[j]: min(1.0, math.exp((enthalpy[names[j]] - enthalpy[here]) / T)) / 2
            for j in (i - 1, i + 1)
            if 0 <= j < len(names) and names[j] not in closed
        }
        rows[here] = {**row, here: 1.0 - sum(row.values())}
    return rows


system = System({level: table(level, steps_between_neighbours(ENTHALPY))}, start={level: "a"})
pumped = System(
    {level: table(level, steps_between_neighbours({**ENTHALPY, "c": 0.5 + PUMP}))},
    start={level: "a"},
)
filtered = System(
    {level: table(level, steps_between_neighbours(ENTHALPY, closed=("e",)))}, start={level: "a"}
)

chain = Chain.of(system)
START = Distribution.delta({level: "a"}).floats()
EARLY = 10


def coherent():
    """The moduli of amplitudes exp(exp(i theta) H/T): imaginary time with a phase shift."""
    moduli = np.abs(np.exp(np.exp(1j * THETA) * H.values / T))
    return Distribution.of(level, moduli / moduli.sum())


def biased():
    """The equilibrium of a loss that rewards b and punishes e beyond what is seen."""
    reward = {name: value + BIAS.get(name, 0.0) for name, value in ENTHALPY.items()}
    return boltzmann(Enthalpies.of(level, reward), T)


def observed():
    """Each system as it is found: P, and the chain of its dynamics where it has one."""
    return {
        "at rest": (boltzmann(H, T), chain),
        "too early": (chain.push(START, EARLY), chain),
        "phase shift": (coherent(), None),
        "pumped": (Chain.of(pumped).settled(), Chain.of(pumped)),
        "biased": (biased(), None),
        "filtered": (Chain.of(filtered).push(START, 10_000), Chain.of(filtered)),
    }


def diagnoses():
    """What ``why_not_equilibrium`` says of each system."""
    return {
        name: why_not_equilibrium(P, H, T, chain=dynamics)
        for name, (P, dynamics) in observed().items()
    }


def findings():
    """Masses, hidden enthalpies and missing free energy of each system."""
    by_system = diagnoses()
    data = xr.Dataset(
        {
            "hidden": (("system", "level"), [d.hidden for d in by_system.values()]),
            "gap": ("system", [d.gap for d in by_system.values()]),
            "fault": ("system", [d.fault.value for d in by_system.values()]),
        },
        {"system": list(by_system), "level": list(level.values)},
    )
    masses = xr.concat([P.to_xarray() for P, _ in observed().values()], data["system"])
    return data.assign(P=masses, equilibrium=boltzmann(H, T).to_xarray())


def approach():
    """Free energy and distance to equilibrium over time, from level a."""
    steps = range(121)
    P, rows = START, []
    end = boltzmann(H, T)
    for _ in steps:
        rows.append((free_energy(P, H, T), float(P.total_variation(end))))
        P = chain.push(P)
    free, apart = zip(*rows, strict=True)
    return xr.Dataset(
        {"free_energy": ("time", list(free)), "apart": ("time", list(apart))},
        {"time": ("time", list(steps), {"units": "steps"})},
        {"equilibrium": float(free_energy(end, H, T)), "gap": chain.gap()},
    )


def faults(data):
    """The six systems beside the equilibrium that they do not reach."""
    with plots.figure(1, 6, sharey=True, figsize=(14, 3)) as (picture, axes):
        for ax, name in zip(axes, data["system"].values, strict=True):
            ax.bar(data["level"], data.P.sel(system=name), width=0.6, color="0.75")
            ax.plot(data["level"], data["equilibrium"], "k_", ms=16, label="Boltzmann")
            ax.set_title(f"{name}\n{data.fault.sel(system=name).item()}", fontsize=8)
            ax.set_xlabel("level")
        axes[0].set_ylabel("probability")
        axes[0].legend(loc="center left")
    return picture


def relaxing(data):
    """Left: free energy rises to its greatest value. Right: the distance falls by the gap."""
    with plots.figure(1, 2) as (picture, (left, right)):
        left.plot(data["time"], data["free_energy"], label="free energy G of P")
        left.axhline(data.attrs["equilibrium"], color=plots.palette.GREY, ls=":", label="T log Z")
        left.set_xlabel("steps")
        left.set_ylabel("in units of enthalpy")
        left.legend()
        right.semilogy(data["time"], data["apart"], label="total variation")
        slowest = data["apart"][60] * (1 - data.attrs["gap"]) ** (data["time"] - 60)
        right.semilogy(data["time"], slowest, "k:", lw=0.9, label="(1 - gap)^n")
        right.set_xlabel("steps")
        right.legend()
    return picture


def rises():
    """Whether free energy never falls on the way to equilibrium."""
    return bool((np.diff(approach().free_energy) >= -1e-12).all())


def bias_comes_out():
    """Whether just the biased levels are named, and what they are paid is the bias to 1e-9."""
    diagnosis = diagnoses()["biased"]
    paid = {**diagnosis.pumped, **diagnosis.filtered}
    expected = {f"level = {name}": value for name, value in BIAS.items()}
    return paid.keys() == expected.keys() and all(
        math.isclose(paid[name], value, abs_tol=1e-9) for name, value in expected.items()
    )


study = Study(
    name="why_not_equilibrium",
    title="Why a system is not at its greatest free energy",
    source=SOURCE,
    system=system,
    experiments=(
        Experiment("faults", "Six systems, as they are found", findings, {"faults": faults}),
        Experiment("approach", "A run that is not over", approach, {"relaxing": relaxing}),
    ),
    claims=(
        Claim(
            "Systems tend to maximize the free energy: it never falls",
            SOURCE,
            True,
            rises,
        ),
        Claim(
            "First possibility: we need to let it run a little longer",
            SOURCE,
            Fault.NOT_CONVERGED.value,
            lambda: diagnoses()["too early"].fault.value,
        ),
        Claim(
            "Second possibility: it moves through time with a phase shift",
            SOURCE,
            Fault.PHASE.value,
            lambda: diagnoses()["phase shift"].fault.value,
        ),
        Claim(
            "The phase that was put in comes out",
            f"{SOURCE} (a consequence)",
            THETA,
            lambda: diagnoses()["phase shift"].phase,
            tolerance=1e-9,
        ),
        Claim(
            "Third possibility: a laser subsidizes the transition to a state",
            SOURCE,
            Fault.CONSTRAINT.value,
            lambda: diagnoses()["pumped"].fault.value,
        ),
        Claim(
            "What the laser pays comes out, at the level that it pays for",
            f"{SOURCE} (a consequence)",
            PUMP,
            lambda: diagnoses()["pumped"].pumped["level = c"],
            tolerance=1e-9,
        ),
        Claim(
            "A bias in the loss is a hidden constraint: not the enthalpies that are seen",
            f"{COMMENT}, on mode collapse",
            Fault.CONSTRAINT.value,
            lambda: diagnoses()["biased"].fault.value,
        ),
        Claim(
            "The bias comes out, at the levels that have it",
            f"{SOURCE} (a consequence)",
            True,
            bias_comes_out,
        ),
        Claim(
            "Third possibility: a filter blocks some states",
            SOURCE,
            True,
            lambda: diagnoses()["filtered"].filtered == {"level = e": -math.inf},
        ),
        Claim(
            "The run that is too early needs as many steps as it is said to",
            f"{SOURCE} (a consequence)",
            True,
            lambda: arrives_in(diagnoses()["too early"].steps_left),
        ),
    ),
)


def arrives_in(steps):
    """Whether the run is near its equilibrium after so many more steps, and not one earlier."""
    end, before = boltzmann(H, T), chain.push(START, EARLY + steps - 1)
    return before.total_variation(end) > 1e-3 >= chain.push(before).total_variation(end)
