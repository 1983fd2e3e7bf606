"""Temperature as inverse imaginary time."""

import math

import numpy as np
import sympy as sp
import xarray as xr

from causalopt import Enthalpies, boltzmann, finite, plots
from causalopt.study import Claim, Experiment, Study

SOURCE = "comment on free energy and mode collapse, Background"

level = finite("level", ["a", "b", "c"])
H = Enthalpies.of(level, {"a": 0, "b": 1, "c": 2})
T = sp.Symbol("T", positive=True)
t = sp.Symbol("t", real=True)

# A Hamiltonian whose off-diagonal entries couple neighbouring levels.
COUPLED = np.array([[0.0, 0.3, 0.0], [0.3, 1.0, 0.3], [0.0, 0.3, 2.0]])


def evolution(hamiltonian, time):
    """exp(-i H tau) for a Hermitian matrix and a complex time tau, hbar = 1."""
    energies, vectors = np.linalg.eigh(hamiltonian)
    return (vectors * np.exp(-1j * energies * time)) @ vectors.conj().T


def phases():
    """Moduli |exp(exp(i theta) H/T)| at T = 1, normalised, for phases from 0 to a half turn."""
    theta = np.linspace(0, math.pi, 181)
    values = np.array([float(v) for v in H.values])
    moduli = np.abs(np.exp(np.exp(1j * theta)[:, None] * values))
    moduli /= moduli.sum(axis=1, keepdims=True)
    return xr.Dataset(
        {"P": (("theta", "level"), moduli)},
        {"theta": ("theta", theta, {"units": "rad"}), "level": list(level.values)},
    )


def times():
    """Populations from level b in real and in imaginary time, with coupled levels."""
    span = np.linspace(0, 12, 241)
    start = np.array([0.0, 1.0, 0.0])
    real = [np.abs(evolution(COUPLED, s) @ start) ** 2 for s in span]
    imaginary = [np.abs(evolution(COUPLED, 1j * s) @ start) ** 2 for s in span]
    imaginary = [weights / weights.sum() for weights in imaginary]
    return xr.Dataset(
        {"real": (("time", "level"), real), "imaginary": (("time", "level"), imaginary)},
        {"time": span, "level": list(level.values)},
    )


def turned(data):
    """From Boltzmann (phase 0) to no preference (a quarter turn) to the inverse (a half turn)."""
    with plots.figure() as (picture, ax):
        for name in level.values:
            ax.plot(data["theta"] / math.pi, data.P.sel(level=name), label=f"level {name}")
        ax.set_xlabel("phase theta / pi, of time exp(i theta) i/T")
        ax.set_ylabel("share of the modulus")
        ax.legend()
    return picture


def oscillating(data):
    """Left: real time turns phases, and populations swing. Right: imaginary time settles."""
    with plots.figure(1, 2, sharey=True) as (picture, axes):
        for ax, name in zip(axes, ("real", "imaginary"), strict=True):
            for value in level.values:
                ax.plot(data["time"], data[name].sel(level=value), label=f"level {value}")
            ax.set_xlabel(f"{name} time" + (", that is 1/T" if name == "imaginary" else ""))
        axes[0].set_ylabel("population")
        axes[1].legend()
    return picture


def weights_are_amplitudes():
    """Whether exp(-i H tau) at tau = i/T has the ratios of the Boltzmann masses, for all T."""
    P = boltzmann(H, T)
    amplitudes = [sp.exp(-sp.I * value * (sp.I / T)) for value in H.values]
    total = sp.Add(*amplitudes)
    pairs = zip(amplitudes, P.masses, strict=True)
    return all(sp.simplify(a / total - mass) == 0 for a, mass in pairs)


def trace_is_partition():
    """The largest difference of tr exp(-i H tau), tau = i/T, from Z of the eigenvalues, over T."""
    energies = np.linalg.eigvalsh(COUPLED)
    off = []
    for temperature in (0.5, 1.0, 3.0):
        trace = np.trace(evolution(COUPLED, 1j / temperature))
        partition = np.exp(energies / temperature).sum()
        off.append(abs(trace - partition) / partition)
    return max(off)


study = Study(
    name="imaginary_time",
    title="Temperature is inverse imaginary time",
    source=SOURCE,
    experiments=(
        Experiment("phases", "Phase shifts in imaginary time", phases, {"turned": turned}),
        Experiment(
            "times",
            "Real and imaginary time beside each other",
            times,
            {"oscillating": oscillating},
        ),
    ),
    claims=(
        Claim(
            "Schrödinger's exp(-iHt) at t = i/T is the Boltzmann weight exp(H/T)",
            f"{SOURCE} (its formula reconstructed, where H is maximised)",
            True,
            weights_are_amplitudes,
        ),
        Claim(
            "With couplings between the states too: its trace is Z",
            f"{SOURCE} (a consequence)",
            0.0,
            trace_is_partition,
            tolerance=1e-13,
        ),
        Claim(
            "Real-valued time only turns phases: no state becomes likelier",
            SOURCE,
            True,
            lambda: all(sp.simplify(abs(sp.exp(-sp.I * v * t))) == 1 for v in H.values),
        ),
    ),
)
