"""Small systems and networks that together hold every function and every kind of intervention."""

import numpy as np
import pytest
import scipy.stats
import sympy as sp

from causalopt import (
    Network,
    System,
    choice,
    finite,
    noise,
    normal,
    parameters,
    table,
    time,
    uniform,
    variables,
)
from causalopt.backends import BACKENDS

a, b, c = variables("a b c")
k, q = parameters("k q")

WIDE, UNIT, POSITIVE, KINKS = (-1.7, 0.3, 2.0), (-0.9, 0.3, 0.8), (0.2, 1.5, 9.0), (-1.3, 0.0, 2.6)
MANY = (-3.0, -1.0, 0.3, 0.5, 0.7, 2.0, 5.6)


def level(u):
    """A threshold that is itself a choice."""
    return sp.Piecewise((0.3, u < -2), (sp.exp(-u), u < 1), (26.0, True))


def chosen(u, condition):
    """Two smooth functions, and which one holds."""
    return sp.Piecewise((sp.sin(u), condition), (sp.cos(u), True))


# Functions of one argument, with points inside their domain.
ONE = {
    **dict.fromkeys((sp.sin, sp.cos, sp.tan, sp.sinh, sp.cosh, sp.tanh, sp.exp), WIDE),
    **dict.fromkeys((sp.asin, sp.acos, sp.atan, sp.atanh, sp.asinh), UNIT),
    **dict.fromkeys((sp.log, sp.sqrt, sp.cbrt, lambda u: u**2.7), POSITIVE),
    **dict.fromkeys((sp.acosh, sp.acoth, sp.asec, sp.acsc), (1.2, 1.5, 9.0)),
    **dict.fromkeys((sp.asech, sp.acsch, sp.acot), (0.2, 0.5, 0.9)),
    **dict.fromkeys((sp.sec, sp.csc, sp.cot, sp.sech, sp.csch, sp.coth), (0.2, 0.5, 1.9)),
    **dict.fromkeys((sp.Abs, sp.sign, sp.floor, sp.ceiling, sp.Heaviside, sp.frac), KINKS),
    **dict.fromkeys((sp.sinc, sp.erf, sp.erfc), KINKS),
    lambda u: u**2 / 3 - u**-2 + u**-1: MANY,
    lambda u: u**7 - sp.pi * u + sp.E: MANY,
    lambda u: sp.Mod(u, 2): MANY,
    lambda u: sp.Mod(u, -3): MANY,
    lambda u: sp.Heaviside(u, 1): KINKS,
    lambda u: sp.Max(u, 1, u**2): MANY,
    lambda u: sp.Min(u, 1, u**2): MANY,
    lambda u: sp.Max(u, u**3 - 3, -u, u**2 / 2 - 1, 0.3): MANY,
    lambda u: sp.Min(u, u**3 - 3, -u, u**2 / 2 - 1, 0.3): MANY,
    lambda u: sp.atan2(u, 0.5): MANY,
    lambda u: sp.atan2(u, -0.5): MANY,
    lambda u: sp.Piecewise((u, u < 0), (u**2, (u < 1) | (u > 3)), (-u, True)): MANY,
    lambda u: sp.Piecewise((u, (u > 0) & (u < 1) & sp.Ne(u, 0.5)), (2, True)): MANY,
    lambda u: sp.Piecewise((u, sp.Not(sp.Xor(u > 0, u > 1))), (3 * u, True)): MANY,
    lambda u: sp.Piecewise((u, sp.ITE(u > 0, u > 1, u < -1)), (3 * u, True)): MANY,
    lambda u: sp.Piecewise((sp.log(u), u > 0), (sp.sqrt(-u), True)): MANY,
    # One condition that holds a choice, used twice: it becomes an assignment of its own.
    lambda u: sp.Piecewise((u, u**2 < level(u)), (2, True)) + chosen(u, u**2 < level(u)): MANY,
}


def feedback():
    """Two variables that hold each other back, with a drive that depends on time."""
    return System(
        {a: 0.9 * a - k * b + sp.sin(time / 3), b: sp.tanh(a) + 0.2 * b.next * 0 + q * b},
        start={a: 1.0, b: -0.5},
        parameters={k: 0.3, q: 0.4},
    )


def same_step():
    """A chain within a step, with kinks."""
    return System(
        {a: 0.5 * c + k, b: sp.Max(a.next, c), c: sp.Piecewise((b.next / 2, a > 0), (-a, True))},
        start={a: 0.1, b: 0.2, c: -0.4},
        parameters={k: 0.05},
    )


def runge_kutta():
    """A damped swing, with inner stages."""
    return System.from_ode(
        {a: b, b: -sp.sin(a) - k * b + q * sp.cos(2 * time)},
        start={a: 1.0, b: 0.0},
        parameters={k: 0.1, q: 0.2},
        dt=0.05,
        method="rk4",
    )


def lorenz(rho=28):
    """Lorenz' equations; chaotic at rho = 28."""
    return System.from_ode(
        {a: 10 * (b - a), b: a * (rho - c) - b, c: a * b - 8 * c / 3},
        start={a: 1, b: 1, c: 1},
        dt=0.001,
    )


def contraction():
    """Tangents vanish below the range of floats within a few hundred steps."""
    return System({a: a / 1000 + k * b / 7, b: b / 500}, start={a: 1, b: 1}, parameters={k: 0.1})


def growth():
    """Tangents leave the range of floats while values stay bounded: doubling on a circle."""
    return System({a: 3 * a - sp.floor(3 * a), b: sp.sin(40 * a) / 2}, start={a: 0.1, b: 0.0})


def noisy():
    """Three laws of noise, one of them scipy's; arithmetic alone, so that rounding is the same."""
    e, coin = noise("e", normal(0, 0.3)), noise("coin", choice([-1, 0.5, 2], [0.5, 0.25, 0.25]))
    wait = noise("wait", scipy.stats.gamma(2.5))
    return System(
        {a: 0.5 * a - k * b + e, b: 0.8 * b + coin * a.next / 4 + wait / 100},
        start={a: 0.3, b: -0.2},
        parameters={k: 0.2},
    )


def shaken():
    """Noise inside functions, and tangents that shrink by it."""
    u = noise("u", uniform(0.1, 0.9))
    return System(
        {a: sp.sin(3 * u) * a / 4 + k * b, b: sp.tanh(a * u) + b * (2 + u) / 4},
        start={a: 0.3, b: -0.2},
        parameters={k: 0.2},
    )


def uncertain():
    """Stochastic tables: a heater that errs, and a room that does not always cool."""
    power, room = finite("power", ["off", "on"]), finite("room", ["cold", "warm"])
    switch = {"cold": {"on": 0.9, "off": 0.1}, "warm": {"on": 0.2, "off": 0.8}}
    cools = {
        "off": {"cold": "cold", "warm": {"cold": 0.5, "warm": 0.5}},
        "on": "cold -> warm, warm -> warm",
    }
    return System(
        {power: table(room, switch), room: table((power, room), cools)},
        start={power: "off", room: "cold"},
    )


def diamond():
    """A network with two ways from a to its end."""
    d, e = variables("d e")
    return Network(
        {b: a**2 + k, c: sp.sin(a * b), d: sp.Max(b, c), e: d * c - sp.exp(-b)},
        start={a: 0.7},
        parameters={k: 0.3},
    ), e


SYSTEMS = (feedback, same_step, runge_kutta, contraction, growth)

INTERVENTIONS = {
    "none": lambda W: W,
    "perturb": lambda W: W.perturb(a[0], by=0.1).perturb(b[7], by=-0.2),
    "do": lambda W: W.do(a[3:9], 0.25).do(b[0], 1.5),
    "clamp": lambda W: W.perturb(b[0], by=0.3).clamp(a, to=W),
    "clamp a while": lambda W: W.perturb(b[2], by=0.3).clamp(a[4:11], to=W),
    "replace": lambda W: W.replace(a[5:], 0.1 * b).perturb(b[1], by=0.5),
    "nested": lambda W: W.perturb(b[0], by=1).clamp(a[:9], to=W.perturb(a[3], by=1)),
}

GRID = np.linspace(-1.5, 1.5, 131)


#: The backends by name. XLA takes a second or so for each plan: it goes through all of the suite in
#: the long run, and through what test_jax holds in any.
BY_NAME = [
    pytest.param(name, marks=[pytest.mark.long] if name == "jax" else []) for name in BACKENDS
]
