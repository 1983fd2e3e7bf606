"""The systems that measures of the literature are shown on: C, a room whose commands fail, xor."""

import sympy as sp
from sympy import Rational
from thermostats import O_T, R, T, dumb

from causalopt import (
    Distribution,
    Gaussian,
    System,
    finite,
    noise,
    normal,
    parameters,
    table,
    variables,
)

t, r = variables("t r")
k, d = parameters("k d")


def linear_thermostat(strength=0.01):
    """C: part 3's thermostat."""
    return System({t: r - d, r: r - k * t}, start={t: 10, r: 35}, parameters={k: strength, d: 25})


def noisy_thermostat(strength=0.01):
    """C with normal noise of variance 1 added to both of its equations."""
    e, f = noise("e", normal(0, 1)), noise("f", normal(0, 1))
    return System(
        {t: r - d + e, r: r - k * t + f}, start={t: 10, r: 35}, parameters={k: strength, d: 25}
    )


HUNDREDTH, TENTH = Rational(1, 100), Rational(1, 10)


def settled(gain=HUNDREDTH):
    """The stationary distribution of the noisy C, by Lyapunov's equation."""
    step = sp.Matrix([[0, 1], [-gain, 1]])
    v, c, w = sp.symbols("v c w")
    spread = sp.Matrix([[v, c], [c, w]])
    solved = sp.solve(list(step * spread * step.T + sp.eye(2) - spread), [v, c, w])
    return Gaussian((t, r), [0, 25], spread.subs(solved))


def failing(chance=TENTH):
    """The dumb thermostat whose commands fail with a chance: then the room stays as it is."""
    rows = {}
    for command, text in O_T.items():
        ends = dict(piece.split(" -> ") for piece in text.split(", "))
        rows[command] = {
            now: now if now == then else {then: 1 - chance, now: chance}
            for now, then in ends.items()
        }
    return System({T: dumb.mechanisms[T], R: table((T, R), rows)}, start={T: "low", R: "hot"})


A, B = finite("A", [0, 1]), finite("B", [0, 1])
xor = System({A: A, B: table((A, B), {0: {0: 0, 1: 1}, 1: {0: 1, 1: 0}})}, start={A: 0, B: 0})
even = Distribution.uniform(A, B)

a, b, c = variables("a b c")
sigma, rho, beta = parameters("sigma rho beta")


def lorenz(r=28, s=10, with_b=8 / 3, dt=0.001, method="euler"):
    return System.from_ode(
        {a: sigma * (b - a), b: a * (rho - c) - b, c: a * b - beta * c},
        start={a: 1, b: 1, c: 1},
        parameters={sigma: s, rho: r, beta: with_b},
        dt=dt,
        method=method,
    )


x, y, z = variables("x y z")


def roessler(dt=0.02):
    return System.from_ode(
        {x: -y - z, y: x + 0.2 * y, z: 0.2 + z * (x - 9)},
        start={x: 1, y: 1, z: 1},
        dt=dt,
        method="rk4",
    )
