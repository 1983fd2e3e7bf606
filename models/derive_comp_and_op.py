"""Derivations: Comp and Op, and two thermostats.

Comp and Op: limit and derivative form, two thermostats in closed form, checked line by line.

Source: "Defining Optimization in a Deeper Way", part 3 (the measure and the continuous thermostat)
and part 4 (Comp, Op, and the thermostat that saturates).
"""

from __future__ import annotations

import sympy as sp
from sympy import Derivative as D
from sympy import Eq, Integral, Lambda, Rational, exp, log, sqrt

from causalopt.derive import (
    Apply,
    Derivation,
    Equal,
    Expands,
    Follows,
    Given,
    Let,
    Status,
    Substitution,
    TendsTo,
)
from causalopt.study import Study

PART_3 = "Defining Optimization in a Deeper Way, part 3"
PART_4 = "Defining Optimization in a Deeper Way, part 4"

n, h = sp.symbols("n h", real=True)
x = sp.Function("x", real=True)(n)
y = sp.Function("y", real=True)(n)
NODES = (
    Given(n, "value of the node that is nudged"),
    Given(x, "value of m where A varies"),
    Given(y, "value of m where A is held"),
)


def limit_form() -> Derivation:
    """Comp as a limit of differences is the quotient of two derivatives."""
    moved_x, moved_y = x.subs(n, n + h) - x, y.subs(n, n + h) - y
    comp = sp.Symbol("Comp", real=True)
    return Derivation(
        "Comp and Op as limits and as derivatives",
        source=PART_4,
        given=[*NODES, Given(comp)],
        steps=[
            TendsTo(moved_x / moved_y, D(x, n) / D(y, n), variable=h, to=0, name="Comp"),
            TendsTo(moved_y / moved_x, D(y, n) / D(x, n), variable=h, to=0, name="1/Comp"),
            Follows(
                Eq(-log(abs(comp)), -log(abs(D(x, n) / D(y, n)))),
                since=[Eq(comp, D(x, n) / D(y, n))],
                by=Apply(Lambda(h, -log(abs(h)))),
                name="Op",
            ),
            Equal(
                -log(abs(D(x, n) / D(y, n))),
                log(abs(D(y, n))) - log(abs(D(x, n))),
                by="Op is a difference of two logarithms",
            ),
            TendsTo(
                moved_x / h,
                D(x, n) / D(y, n),
                variable=h,
                to=0,
                expect=Status.REFUTED,
                by="the difference at m alone, without the world in which A is held",
                source="as printed",
            ),
        ],
    )


t = sp.Symbol("t", integer=True, nonnegative=True)
a = sp.Symbol("a", real=True)
k = sp.Symbol("k", positive=True)


def continuous_thermostat() -> Derivation:
    """T' = R - d, R' = R - k T: Comp after t steps, in closed form, for 0 < k < 1/4."""
    b = sp.Symbol("b", real=True)
    stiffness = sp.Symbol("k", real=True)
    comp = sp.Function("Comp", real=True)(t)
    nudged = sp.Function("R", real=True)(n)
    setting = sp.Symbol("d", real=True)
    heat = sp.Symbol("T", real=True)
    return Derivation(
        "The continuous thermostat",
        source=PART_3,
        given=[
            Given(t, "steps after the nudge"),
            Given(n, "first temperature of the room"),
            Given(setting, "the temperature that is wanted"),
            Given(heat, "first setting of the thermostat"),
            Given(nudged, "temperature of the room"),
            Given(a, "the larger root of z² - z + k"),
            Given(a > Rational(1, 2)),
            Given(a < 1),
            Let(b, 1 - a, "the smaller root"),
            Let(stiffness, a * b, "strength of the thermostat"),
            Let(comp, (a ** (t + 1) - b ** (t + 1)) / (a - b), "Comp after t steps"),
        ],
        steps=[
            Equal(a**2 - a + stiffness, 0, by="a is a root"),
            Equal(b**2 - b + stiffness, 0, by="b is a root"),
            Equal(
                D(nudged - stiffness * (nudged - setting), n),
                (1 - stiffness) * D(nudged, n),
                by="the world in which A varies: the setting follows the room",
            ),
            Equal(
                D(n - stiffness * heat, n), 1, by="the world in which A is held: the nudge stays"
            ),
            Equal(
                comp.subs(t, t + 2),
                comp.subs(t, t + 1) - stiffness * comp,
                by="the room answers with a delay of two steps",
                name="recurrence",
            ),
            Equal(comp, 1, by=("no answer yet", Substitution({t: 0}))),
            Equal(comp, 1, by=("no answer yet", Substitution({t: 1}))),
            Equal(comp, 1 - stiffness, by=Substitution({t: 2})),
            Equal(comp, 1, by=Substitution({t: 2}), expect=Status.REFUTED),
        ],
    )


def rate_of_the_thermostat() -> Derivation:
    """Op of the continuous thermostat grows by -log((1 + √(1 - 4k))/2) a step, about k."""
    q = sp.Symbol("q", positive=True)
    larger = sp.Symbol("a", positive=True)
    steps = sp.Symbol("t", positive=True)
    rate = -log((1 + sqrt(1 - 4 * k)) / 2)
    comp = larger**steps * (1 - exp(-q * (steps + 1))) / (1 - exp(-q))
    return Derivation(
        "The rate of the continuous thermostat",
        source=PART_3,
        given=[
            Given(k, "strength of the thermostat"),
            Given(k < Rational(1, 4)),
            Given(larger, "the larger root of z² - z + k"),
            Given(q, "the smaller root is a exp(-q)"),
        ],
        steps=[
            Equal(
                ((1 + sqrt(1 - 4 * k)) / 2) ** 2 - (1 + sqrt(1 - 4 * k)) / 2 + k,
                0,
                by="the larger root",
            ),
            TendsTo(
                -log(comp) / steps,
                -log(larger),
                variable=steps,
                to=sp.oo,
                by="the smaller root dies out",
                name="rate",
            ),
            Expands(
                rate, k + Rational(3, 2) * k**2, variable=k, order=3, by="about k for a weak one"
            ),
            TendsTo(
                rate.subs(k, 2 * k) / rate,
                2,
                variable=k,
                to=0,
                side="+",
                by="twice the strength, twice the Op",
            ),
            Equal(
                rate.subs(k, Rational(1, 50)) / rate.subs(k, Rational(1, 100)),
                2,
                by="only nearly so for k = 0.01 and 0.02",
                expect=Status.REFUTED,
            ),
        ],
    )


def saturating_thermostat() -> Derivation:
    """The integral of 1 - Comp over the first temperature is 2 p (t - dt)."""
    s, low, high, wanted = sp.symbols("s low high d", real=True)
    p, dt, time = sp.symbols("p dt t", positive=True)
    room = sp.Function("R", real=True)(s)
    power = (high - room.subs(s, high)) - (low - room.subs(s, low))
    return Derivation(
        "The optimizing power of the thermostat that saturates",
        source=PART_4,
        given=[
            Given(s, "first temperature of the room"),
            Given(low, "a first temperature so low that the thermostat saturates throughout"),
            Given(high, "a first temperature as high as that"),
            Given(wanted, "the temperature that is wanted"),
            Given(p, "strength of the thermostat when it saturates"),
            Given(dt, "length of a step"),
            Given(time, "time after the nudge"),
            Given(room, "temperature of the room at that time"),
        ],
        steps=[
            Equal(
                Integral(1 - D(room, s), (s, low, high)),
                power,
                by="Comp is dR/ds, since the nudge stays where A is held",
                name="ends",
            ),
            Follows(
                Eq(power, 2 * p * (time - dt)),
                since=[
                    Eq(room.subs(s, high), high - p * (time - dt)),
                    Eq(room.subs(s, low), low + p * (time - dt)),
                ],
                by="all steps saturate but the first, when the thermostat does not yet know",
                name="power",
            ),
            Follows(
                Eq(power, 2 * p * time),
                since=[
                    Eq(room.subs(s, high), high - p * (time - dt)),
                    Eq(room.subs(s, low), low + p * (time - dt)),
                ],
                expect=Status.REFUTED,
                source="as printed, for steps of no length",
            ),
            TendsTo(2 * p * (time - dt), 2 * p * time, variable=dt, to=0, side="+"),
            Equal(
                2 * p * (time - dt),
                Rational(499, 25),
                by=Substitution({p: 1, time: 10, dt: Rational(1, 50)}),
            ),
        ],
    )


study = Study(
    name="derive_comp_and_op",
    title="Comp and Op, derived",
    source='"Defining Optimization in a Deeper Way", parts 3 and 4',
    derivations=(
        limit_form,
        continuous_thermostat,
        rate_of_the_thermostat,
        saturating_thermostat,
    ),
)
