"""Derivations: the probability current of SGD.

The probability current of stochastic gradient descent: its equations, checked line by line.

Source: "SGD Understood through Probability Current", from the definition of the current to the
end states. W is the parameter of the model, P its density, T the step size, G and S² the mean and
the variance of the gradient over the data. Where the printed line does not follow, it is recorded
as refuted beside the line that does.
"""

from __future__ import annotations

import sympy as sp
from sympy import Derivative as D
from sympy import Eq, Integral, Ne, Rational, exp, log, oo

from causalopt.derive import (
    Derivation,
    Equal,
    Follows,
    Given,
    Let,
    OverTheLine,
    Status,
    Substitution,
)
from causalopt.study import Study

POST = "SGD Understood through Probability Current"
HALF, QUARTER = Rational(1, 2), Rational(1, 4)

W, t = sp.symbols("W t", real=True)
T = sp.Symbol("T", positive=True)
P = sp.Function("P", positive=True)(W, t)
G = sp.Function("G", real=True)(W)
S = sp.Function("S", positive=True)(W)
rho = sp.Function("rho", real=True)(W, t)

PLANE = (
    Given(W, "parameter of the model"),
    Given(t, "time, in steps"),
    Given(T, "step size"),
    Given(P, "density of W"),
)
MEAN = Given(G, "mean of the gradient over the data")
DEVIATION = Given(S, "standard deviation of the gradient over the data")


def drift() -> Derivation:
    """Without variance, probability flows down the gradient: dP/dt = T (G P)'."""
    return Derivation(
        "Drift",
        source=f"{POST}, Gradient Variance",
        given=[*PLANE, MEAN, Let(rho, -T * G * P, "current of the drift")],
        steps=[
            Equal(-D(rho, W), T * (G * D(P, W) + P * D(G, W)), by="product rule", name="drift"),
            Equal(-D(rho, W), T * D(G * P, W), by="conservation of probability"),
            Equal(
                Integral(-D(rho, W), (W, -oo, oo)),
                0,
                by=OverTheLine(W, -rho),
                name="total probability stays",
            ),
            Equal(
                Integral(-W * D(rho, W), (W, -oo, oo)),
                -T * Integral(G * P, (W, -oo, oo)),
                by=("the mean of W moves by -T times the mean of G", OverTheLine(W, -W * rho)),
            ),
        ],
    )


def spreading() -> Derivation:
    """With a constant variance and no drift: the heat equation, and variance T² S² per step."""
    sigma = sp.Symbol("sigma", positive=True)
    start = sp.Symbol("v", positive=True)
    kernel = exp(-(W**2) / (2 * (start + T**2 * sigma**2 * t))) / sp.sqrt(
        2 * sp.pi * (start + T**2 * sigma**2 * t)
    )
    flow = HALF * T**2 * sigma**2 * P
    return Derivation(
        "Spreading, where the variance of the gradient is the same everywhere",
        source=f"{POST}, Gradient Variance",
        given=[
            *PLANE,
            Given(sigma, "standard deviation of the gradient, the same everywhere"),
            Given(start, "variance of W at the start"),
            Given(t >= 0),
            Let(rho, -HALF * T**2 * sigma**2 * D(P, W), "current of the spreading"),
        ],
        steps=[
            Equal(-D(rho, W), HALF * T**2 * sigma**2 * D(P, W, 2), name="heat equation"),
            Equal(
                Integral(-(W**2) * D(rho, W), (W, -oo, oo)),
                T**2 * sigma**2 * Integral(P, (W, -oo, oo)),
                by=(
                    "each step adds T² S² to the variance",
                    OverTheLine(W, W**2 * D(flow, W) - 2 * W * flow),
                ),
            ),
            Equal(
                D(kernel, t),
                HALF * T**2 * sigma**2 * D(kernel, W, 2),
                by="the fundamental solution: a normal law of variance v + T² S² t",
            ),
        ],
    )


def heat_capacity() -> Derivation:
    """With a variance that depends on W: S takes the part of a heat capacity."""
    k = sp.Function("k", real=True)(W)
    sigma = sp.Symbol("sigma", positive=True)
    unknown = sp.Symbol("kappa", real=True)
    return Derivation(
        "Spreading, with S as a heat capacity",
        source=f"{POST}, Gradient Variance",
        given=[
            *PLANE,
            DEVIATION,
            Given(sigma, "S where it is constant"),
            Given(unknown, "k where S is constant"),
            Let(k, HALF * T**2 * S, "conductivity"),
            Let(rho, -k * D(P * S, W), "current of the spreading"),
        ],
        steps=[
            Follows(
                Eq(unknown, HALF * T**2 * sigma),
                since=[Eq(-unknown * D(P * sigma, W), -HALF * T**2 * sigma**2 * D(P, W))],
                assuming=[Ne(D(P, W), 0)],
                by="constant S, compared with the heat equation",
            ),
            Equal(rho, -k * (S * D(P, W) + P * D(S, W)), by="product rule"),
            Equal(
                rho,
                -(T**2) * (HALF * S**2 * D(P, W) + QUARTER * P * D(S**2, W)),
                by="S S' is half of (S²)'",
                name="current in terms of S²",
            ),
            Equal(
                rho,
                -(T**2) * (HALF * S**2 * D(P, W) + HALF * P * D(S**2, W)),
                expect=Status.REFUTED,
                source="as printed",
            ),
            Equal(
                -D(rho, W),
                T**2
                * (
                    Rational(3, 2) * S * D(S, W) * D(P, W)
                    + HALF * S**2 * D(P, W, 2)
                    + HALF * D(S, W) ** 2 * P
                    + HALF * S * P * D(S, W, 2)
                ),
            ),
            Equal(
                -D(rho, W),
                T**2
                * (
                    HALF * S * D(S, W) * D(P, W)
                    + HALF * S**2 * D(P, W, 2)
                    + HALF * D(S, W) ** 2 * P
                    + HALF * S * P * D(S, W, 2)
                ),
                expect=Status.REFUTED,
                source="as printed",
            ),
        ],
    )


S2 = sp.Function("S2", nonnegative=True)(W)
VARIANCE = Given(S2, "variance of the gradient over the data, S²")
CURRENT = -(T**2) * (HALF * S2 * D(P, W) + QUARTER * P * D(S2, W)) - T * G * P


def master_equation() -> Derivation:
    """Drift and spreading together, in terms of S²: the coefficients are 1/2, 3/4 and 1/4."""

    def spread(first: sp.Expr, second: sp.Expr, third: sp.Expr) -> sp.Expr:
        terms = first * S2 * D(P, W, 2) + second * D(S2, W) * D(P, W) + third * D(S2, W, 2) * P
        return T**2 * terms

    return Derivation(
        "Master equation",
        source=f"{POST}, Gradient Variance",
        given=[
            *PLANE,
            MEAN,
            VARIANCE,
            Let(rho, -(T**2) * (HALF * S2 * D(P, W) + QUARTER * P * D(S2, W)), "spreading only"),
        ],
        steps=[
            Equal(-D(rho, W), spread(HALF, Rational(3, 4), QUARTER), by="product rule"),
            Equal(-D(rho, W), spread(HALF, HALF, HALF), expect=Status.REFUTED, source="as printed"),
            Equal(
                -D(CURRENT, W),
                spread(HALF, Rational(3, 4), QUARTER) + T * (G * D(P, W) + P * D(G, W)),
                name="master equation",
            ),
            Equal(
                -D(CURRENT, W),
                spread(HALF, HALF, HALF) + T * (G * D(P, W) + P * D(G, W)),
                expect=Status.REFUTED,
                source="as printed",
            ),
        ],
    )


def end_states() -> Derivation:
    """Where the current is zero everywhere, log P is known up to a constant, save where S² = 0."""
    still = sp.Function("P", positive=True)(W)
    current = -(T**2) * (HALF * S2 * D(still, W) + QUARTER * still * D(S2, W)) - T * G * still
    return Derivation(
        "End states",
        source=f"{POST}, Solving for End-States",
        given=[W, T, Given(still, "density of W at the end"), MEAN, VARIANCE],
        steps=[
            Follows(
                Eq(HALF * T * S2 * D(still, W), -QUARTER * T * D(S2, W) * still - G * still),
                since=[Eq(current, 0)],
                name="balance",
            ),
            Follows(
                Eq(D(still, W) / still, -D(S2, W) / (2 * S2) - 2 * G / (T * S2)),
                since="balance",
                by="division by S²",
                name="slope",
            ),
            Follows(
                Eq(D(log(still), W), -HALF * D(log(S2), W) - 2 * G / (T * S2)),
                since="slope",
                name="end state",
            ),
            Follows(
                Eq(D(log(still), W), -HALF * D(log(S2), W) - 2 * G / (T * S2)),
                since=[Eq(current, 0)],
                by="all at once",
            ),
        ],
    )


def conventions() -> Derivation:
    """Itô's, the source's (Stratonovich's) and the anti-Itô current differ by a drift."""
    ito = -HALF * T**2 * D(S**2 * P, W)
    middle = -HALF * T**2 * S * D(S * P, W)
    anti = -HALF * T**2 * S**2 * D(P, W)
    noise_drift = HALF * T**2 * D(S**2, W) * P
    return Derivation(
        "Three conventions for one noise",
        source=f"{POST}, Gradient Variance; the conventions are those of stochastic calculus",
        given=[
            *PLANE,
            DEVIATION,
            Let(sp.Function("rho_Ito", real=True)(W, t), ito, "noise taken at the start of a step"),
            Let(sp.Function("rho_mid", real=True)(W, t), middle, "the source's heat capacity"),
            Let(sp.Function("rho_anti", real=True)(W, t), anti, "noise taken at the end of a step"),
        ],
        steps=[
            Equal(
                middle,
                -(T**2) * (HALF * S**2 * D(P, W) + QUARTER * P * D(S**2, W)),
                by="the source's current is the one in the middle",
            ),
            Equal(middle - ito, HALF * noise_drift, by="half of the noise-induced drift"),
            Equal(anti - ito, noise_drift, by="all of the noise-induced drift"),
            Equal(anti - middle, HALF * noise_drift),
            Equal(
                -D(middle, W),
                HALF * T**2 * D(S**2 * P, W, 2) - D(HALF * noise_drift, W),
                name="as drift in the equation for P",
            ),
            Equal(-D(anti, W), HALF * T**2 * D(S**2 * P, W, 2) - D(noise_drift, W)),
            Equal(middle, ito, expect=Status.REFUTED, by="they agree only where S is constant"),
        ],
    )


def wide_minimum() -> Derivation:
    """A minimum twice as wide: its drift counts four times, its variance once."""
    u = sp.Symbol("u", real=True)
    wide_G = sp.Function("Gw", real=True)(W)
    wide_S2 = sp.Function("S2w", positive=True)(W)
    loss = sp.Function("l", real=True)(W)
    steady = sp.Function("S2", positive=True)(W)
    narrow = -HALF * D(log(steady), W) - 2 * G / (T * steady)
    wide = -HALF * D(log(wide_S2), W) - 2 * wide_G / (T * wide_S2)
    there = Substitution({W: 2 * u})

    def at_u(whole: sp.Expr) -> sp.Expr:
        return whole.subs(W, u)

    return Derivation(
        "A minimum twice as wide",
        source=f"{POST}, Solving for End-States",
        given=[
            W,
            Given(u, "place in the narrow minimum; 2u is the same place in the wide one"),
            T,
            Given(loss, "loss on one datum"),
            MEAN,
            Given(steady, "variance of the gradient, S²"),
            Let(wide_G, G.subs(W, W / 2) / 2, "mean gradient in the wide minimum"),
            Let(wide_S2, steady.subs(W, W / 2) / 4, "variance in the wide minimum"),
        ],
        steps=[
            Equal(
                D(loss.subs(W, W / 2), W),
                at_u(D(loss, W)) / 2,
                by=("chain rule: gradients are halved", there),
            ),
            Equal(
                2 * (-2 * wide_G / (T * wide_S2)),
                4 * at_u(-2 * G / (T * steady)),
                by=("dW = 2 du: the part of the drift, four times", there),
            ),
            Equal(
                2 * (-HALF * D(log(wide_S2), W)),
                at_u(-HALF * D(log(steady), W)),
                by=("dW = 2 du: the part of the variance, once", there),
            ),
            Equal(
                2 * wide,
                4 * at_u(narrow),
                by=("four times altogether", there),
                expect=Status.REFUTED,
                source="as printed, for all of d(log P)/dW",
            ),
        ],
    )


study = Study(
    name="derive_current",
    title="The probability current of SGD, derived",
    source='"SGD Understood through Probability Current"',
    derivations=(
        drift,
        spreading,
        heat_capacity,
        master_equation,
        end_states,
        conventions,
        wide_minimum,
    ),
)
