"""Saturating thermostat from many initial values: Comp after 500 steps. Contestants: C, JAX."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
from sympy import Piecewise

from benchmarks.native import library
from causalopt import System, comp, parameter, parameters, variables

T, R = variables("T R")
theta, p, d = parameters("theta p d")
dt = parameter("dt")
power = Piecewise((p, theta <= T), (-p, -theta >= T), (p * T / theta, True))
SYSTEM = System(
    {T: R - d, R: R - dt * power},
    start={T: 0, R: 35},
    parameters={theta: 1, p: 1, d: 25, dt: 0.02},
    dt=dt,
)
STEPS = 500


def grid(points: int) -> Any:
    return np.linspace(5, 45, points)


def ours(points: int) -> Callable[[], Any]:
    values = grid(points)
    asked = {"A": T, "n": R[0], "m": R[STEPS], "over": {R[0]: values}, "backend": "numba"}
    return lambda: comp(SYSTEM, **asked).values


def in_c(points: int) -> Callable[[], Any] | None:
    found = library("thermostat", "-fopenmp")
    if found is None:
        return None
    values = grid(points)
    doubles = [0.02, 25.0, 1.0, 1.0, 0.0]

    def run() -> Any:
        made = np.empty(points)
        places = [one.ctypes.data_as(ctypes.c_void_p) for one in (values, made)]
        sizes = ctypes.c_long(points), ctypes.c_long(STEPS)
        found.thermostat(*sizes, *map(ctypes.c_double, doubles), *places)
        return made

    return run


def in_jax(points: int) -> Callable[[], Any]:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)

    def step(state: Any) -> Any:
        t, r = state
        strength = jnp.where(t >= 1.0, 1.0, jnp.where(t <= -1.0, -1.0, t))
        return r - 25.0, r - 0.02 * strength

    def both(carry: Any, _: Any) -> Any:
        state, x, y = carry
        after, pushed = jax.jvp(step, (state,), (x,))
        return (after, pushed, (0.0, jax.jvp(step, (state,), (y,))[1][1])), None

    def one(r: Any) -> Any:
        begin = ((0.0, r), (0.0, 1.0), (0.0, 1.0))
        (_, x, y), _ = jax.lax.scan(both, begin, None, length=STEPS)
        return x[1] / y[1]

    whole = jax.jit(jax.vmap(one))
    values = jnp.asarray(grid(points))
    return lambda: np.asarray(whole(values))


CONTESTANTS = {"causalopt": ours, "C with OpenMP": in_c, "JAX": in_jax}
