"""Lorenz, rho = 28: exact Op of b at every step, A = a. Contestants: C, JAX, CasADi, a loop."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
import sympy

from benchmarks.native import library
from causalopt import System, op, parameters, variables

a, b, c = variables("a b c")
sigma, rho, beta = parameters("sigma rho beta")
VALUES = {sigma: 10.0, rho: 28.0, beta: 8 / 3}
DT = 0.001
RATES = {a: sigma * (b - a), b: a * (rho - c) - b, c: a * b - beta * c}
SYSTEM = System.from_ode(RATES, start={a: 1, b: 1, c: 1}, parameters=VALUES, dt=DT)


def ours(steps: int) -> Callable[[], Any]:
    return lambda: op(SYSTEM, A=a, n=b[0], m=b, steps=steps).values


def last(steps: int) -> Callable[[], Any]:
    """Op at the end of the run alone."""
    asked = {"A": a, "n": b[0], "m": b, "steps": steps, "keep": "last", "backend": "numba"}
    return lambda: op(SYSTEM, **asked).values


def in_c(steps: int) -> Callable[[], Any] | None:
    found = library("lorenz")
    if found is None:
        return None
    doubles = [DT, *VALUES.values(), 1.0, 1.0, 1.0]

    def run() -> Any:
        made = np.empty(steps + 1)
        place = made.ctypes.data_as(ctypes.c_void_p)
        found.lorenz(ctypes.c_long(steps), *map(ctypes.c_double, doubles), place)
        return made

    return run


def in_jax(steps: int) -> Callable[[], Any]:
    """jit, scan and jvp in 64 bits; tangents brought back to size one at every step."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    s, r, be = VALUES.values()

    def step(state: Any) -> Any:
        x, y, z = state
        return jnp.array(
            [x + DT * (s * (y - x)), y + DT * (x * (r - z) - y), z + DT * (x * y - be * z)]
        )

    mask = jnp.array([0.0, 1.0, 1.0])

    def both(carry: Any, _: Any) -> Any:
        state, x, y, log_x, log_y = carry
        after, x = jax.jvp(step, (state,), (x,))
        y = jax.jvp(step, (state,), (y,))[1] * mask
        size_x, size_y = jnp.abs(x).max(), jnp.abs(y).max()
        x, y = x / size_x, y / size_y
        log_x, log_y = log_x + jnp.log(size_x), log_y + jnp.log(size_y)
        measured = -(jnp.log(jnp.abs(x[1] / y[1])) + log_x - log_y)
        return (after, x, y, log_x, log_y), measured

    @jax.jit
    def whole(start: Any) -> Any:
        nudge = jnp.array([0.0, 1.0, 0.0])
        return jax.lax.scan(both, (start, nudge, nudge, 0.0, 0.0), None, length=steps)[1]

    start = jnp.ones(3)
    return lambda: np.concatenate([[0.0], np.asarray(whole(start))])


def in_casadi(steps: int) -> Callable[[], Any]:
    """mapaccum over a step with forward derivatives, scaled in stretches of 1,000 steps."""
    import casadi

    s, r, be = VALUES.values()
    x = casadi.SX.sym("x", 3)
    after = casadi.vertcat(
        x[0] + DT * (s * (x[1] - x[0])),
        x[1] + DT * (x[0] * (r - x[2]) - x[1]),
        x[2] + DT * (x[0] * x[1] - be * x[2]),
    )
    u, v = casadi.SX.sym("u", 3), casadi.SX.sym("v", 3)
    pushed_u, pushed_v = casadi.jtimes(after, x, u), casadi.jtimes(after, x, v)
    mask = casadi.DM([0, 1, 1])
    state = casadi.vertcat(x, u, v)
    step = casadi.Function("f", [state], [casadi.vertcat(after, pushed_u, pushed_v * mask)])
    stretch = 1000
    chained = step.mapaccum("g", stretch)

    def run() -> Any:
        carried = np.array([1.0, 1, 1, 0, 1, 0, 0, 1, 0])
        made, log_x, log_y = np.zeros(steps + 1), 0.0, 0.0
        for first in range(0, steps, stretch):
            found = np.asarray(chained(carried))
            made[first + 1 : first + stretch + 1] = (
                -np.log(np.abs(found[4] / found[7])) - log_x + log_y
            )
            carried = found[:, -1].copy()
            size_x, size_y = np.abs(carried[3:6]).max(), np.abs(carried[6:9]).max()
            carried[3:6] /= size_x
            carried[6:9] /= size_y
            log_x, log_y = log_x + np.log(size_x), log_y + np.log(size_y)
        return made

    return run


def in_a_loop(steps: int) -> Callable[[], Any]:
    """What one writes by hand: sympy's derivatives, lambdified, and a Python loop."""
    symbols = sympy.symbols("a b c")
    plain = dict(zip((a, b, c), symbols, strict=True)) | VALUES
    after = [(v + DT * rate).xreplace(plain) for v, rate in RATES.items()]
    jacobian = sympy.Matrix(after).jacobian(symbols)
    step = sympy.lambdify(symbols, after, "numpy")
    slope = sympy.lambdify(symbols, jacobian, "numpy")

    def run() -> Any:
        state, x, y = np.ones(3), np.array([0.0, 1, 0]), np.array([0.0, 1, 0])
        made, log_x, log_y = np.zeros(steps + 1), 0.0, 0.0
        for i in range(steps):
            along = slope(*state)
            state, x, y = np.array(step(*state)), along @ x, along @ y
            y[0] = 0.0
            size_x, size_y = np.abs(x).max(), np.abs(y).max()
            x, y = x / size_x, y / size_y
            log_x, log_y = log_x + np.log(size_x), log_y + np.log(size_y)
            made[i + 1] = -(np.log(abs(x[1] / y[1])) + log_x - log_y)
        return made

    return run


CONTESTANTS = {
    "causalopt": ours,
    "C": in_c,
    "JAX": in_jax,
    "CasADi": in_casadi,
    "a Python loop": in_a_loop,
}
