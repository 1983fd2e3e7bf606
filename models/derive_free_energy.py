"""Derivations: Stirling, Boltzmann, Gibbs, enthalpy tax.

Free energy: Stirling, the Boltzmann law, Gibbs, the tax on enthalpy, imaginary time.

Source: the comment on free energy and mode collapse, in its own sign convention: states of high
enthalpy H are the likely ones, p ∝ exp(H/T), and systems maximize G = H + T S. Its formulas were
lost; they are set up again here from its words.
"""

from __future__ import annotations

import sympy as sp
from sympy import Derivative as D
from sympy import Eq, I, Rational, exp, log, loggamma, oo, pi

from causalopt.derive import (
    Derivation,
    Equal,
    Follows,
    Given,
    Let,
    Stationary,
    Status,
    Substitution,
    TendsTo,
)
from causalopt.study import Study

COMMENT = "comment on free energy and mode collapse"

T = sp.Symbol("T", positive=True)
H = sp.symbols("H1:4", real=True)
p = sp.symbols("p1:4", positive=True)
Z = sum(exp(energy / T) for energy in H)
BOLTZMANN = {chance: exp(energy / T) / Z for chance, energy in zip(p, H, strict=True)}
ENTROPY = -sum(chance * log(chance) for chance in p)
MEAN = sum(chance * energy for chance, energy in zip(p, H, strict=True))
ENERGIES = tuple(Given(energy, "enthalpy of a state") for energy in H)
CHANCES = tuple(Given(chance, "probability of a state") for chance in p)


def stirling() -> Derivation:
    """The logarithm of the number of arrangements of N atoms is N times the entropy, nearly."""
    N = sp.Symbol("N", positive=True)
    q = sp.Symbol("q", positive=True)
    exact = loggamma(N + 1)
    near = N * log(N) - N
    ways = near - sum((N * c * log(N * c) - N * c) for c in (q, 1 - q))
    entropy = -q * log(q) - (1 - q) * log(1 - q)
    return Derivation(
        "Stirling",
        source=COMMENT,
        given=[
            Given(N, "number of atoms"),
            Given(q, "fraction of them in the first of two states"),
            Given(q < 1),
        ],
        steps=[
            TendsTo(exact - near - log(2 * pi * N) / 2, 0, variable=N, to=oo, name="Stirling"),
            TendsTo((exact - near) / N, 0, variable=N, to=oo, by="per atom, the rest is nothing"),
            TendsTo(
                (exact - near - log(2 * pi * N) / 2) * N,
                Rational(1, 12),
                variable=N,
                to=oo,
                by="the next term",
            ),
            Equal(ways, N * entropy, by="N! / ((qN)! ((1-q)N)!), without the small terms"),
            TendsTo(
                exact - near - log(N) / 2,
                0,
                variable=N,
                to=oo,
                expect=Status.REFUTED,
                by="the constant left out",
            ),
        ],
    )


def boltzmann() -> Derivation:
    """The greatest entropy at a given mean enthalpy: p ∝ exp(H/T)."""
    energy = sp.Symbol("E", real=True)
    chance, level, alpha, beta = sp.symbols("p H alpha beta", real=True)
    constraints = [Eq(sum(p), 1), Eq(MEAN, energy)]
    return Derivation(
        "Maximum entropy under an energy constraint",
        source=COMMENT,
        given=[
            Given(T, "temperature"),
            *ENERGIES,
            *CHANCES,
            Given(alpha, "multiplier of the sum of probabilities"),
            Given(beta, "multiplier of the mean enthalpy"),
            Given(level, "enthalpy of any one state"),
            Given(chance, "its probability"),
            Given(chance > 0),
            Let(energy, MEAN.subs(BOLTZMANN), "mean enthalpy"),
        ],
        steps=[
            Follows(
                Eq(chance, exp(-1 - alpha) * exp(-beta * level)),
                since=[Eq(-log(chance) - 1, alpha + beta * level)],
                by="the gradients balance in each state, however many there are",
            ),
            Stationary(
                ENTROPY,
                at=BOLTZMANN,
                under=constraints,
                multipliers=(log(Z) - 1, -1 / T),
                by="Lagrange multipliers",
                name="Boltzmann",
            ),
            Stationary(
                ENTROPY,
                at={c: exp(-e / T) / Z for c, e in zip(p, H, strict=True)},
                under=constraints,
                by="the sign of physics, with the mean of this convention",
                expect=Status.REFUTED,
            ),
        ],
    )


def gibbs() -> Derivation:
    """Many states of one enthalpy: exp(S) exp(H/T) = exp(G/T) with G = H + T S."""
    S, enthalpy = sp.symbols("S H", real=True)
    free = sp.Symbol("G", real=True)
    lagrangian = MEAN + T * ENTROPY
    best = MEAN.subs(BOLTZMANN) + T * ENTROPY.subs(BOLTZMANN)
    return Derivation(
        "Gibbs' free energy",
        source=COMMENT,
        given=[
            Given(T, "temperature"),
            Given(S, "entropy: the logarithm of the number of states"),
            Given(enthalpy, "enthalpy"),
            Let(free, enthalpy + T * S, "free energy"),
            *ENERGIES,
            *CHANCES,
        ],
        steps=[
            Equal(exp(S) * exp(enthalpy / T), exp(free / T), by="states times chance of each"),
            Equal(T * log(exp(S) * exp(enthalpy / T)), free, by="the log-likelihood, times T"),
            Stationary(
                lagrangian,
                at=BOLTZMANN,
                under=[Eq(sum(p), 1)],
                by="Lagrange multipliers",
                name="the greatest free energy",
            ),
            Equal(best, T * log(Z), name="its value"),
        ],
    )


def enthalpy_tax() -> Derivation:
    """Shrinking all enthalpies by a fraction f is raising the temperature to T/(1 - f)."""
    f = sp.Symbol("f", real=True)
    first, second = H[:2]
    warmer = T / (1 - f)

    def chance(shrunk: sp.Expr, temperature: sp.Expr) -> sp.Expr:
        return exp(shrunk * first / temperature) / sum(exp(shrunk * e / temperature) for e in H)

    return Derivation(
        "A tax on enthalpy is heat",
        source=COMMENT,
        given=[
            Given(T, "temperature"),
            *ENERGIES,
            Given(f, "fraction by which every enthalpy is shrunk"),
            Given(f < 1),
        ],
        steps=[
            Equal(chance(1 - f, T), chance(sp.S.One, warmer), name="tax"),
            Equal(
                log(exp((1 - f) * first / T) / exp((1 - f) * second / T)),
                (1 - f) * (first - second) / T,
                by="differences of log-likelihood shrink by f",
            ),
            Equal(
                warmer,
                T * Rational(20, 19),
                by=("a few percent", Substitution({f: Rational(1, 20)})),
            ),
            Equal(chance(1 - f, T), chance(sp.S.One, T * (1 + f)), expect=Status.REFUTED),
        ],
    )


def imaginary_time() -> Derivation:
    """The Boltzmann weight is evolution by Schrödinger's equation for the imaginary time i/T."""
    t, energy = sp.symbols("t H", real=True)
    time = sp.Symbol("tau")
    psi = exp(-I * energy * time)
    return Derivation(
        "Temperature is inverse imaginary time",
        source=COMMENT,
        given=[
            Given(T, "temperature"),
            Given(energy, "enthalpy of a state; the Hamiltonian is diagonal, ħ = 1"),
            Given(t, "real time"),
            Given(time, "time, which may be complex"),
        ],
        steps=[
            Equal(I * D(psi, time), energy * psi, by="Schrödinger's equation"),
            Equal(psi, exp(energy / T), by=Substitution({time: I / T}), name="Boltzmann weight"),
            Equal(abs(psi), 1, by=("real time only turns the phase", Substitution({time: t}))),
            Equal(psi, exp(energy / T), by=Substitution({time: 1 / T}), expect=Status.REFUTED),
        ],
    )


study = Study(
    name="derive_free_energy",
    title="Free energy, derived",
    source="a comment on free energy and mode collapse",
    derivations=(stirling, boltzmann, gibbs, enthalpy_tax, imaginary_time),
)
