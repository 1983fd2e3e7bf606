"""Training runs and recurrent networks beside plain JAX, written by hand and compiled."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from benchmarks.page import Section
from benchmarks.timing import alternate
from causalopt import (
    System,
    array,
    every_A,
    function,
    gradients,
    run,
    tangents,
    training,
    variables,
)

DIRECTIONS = 4
RATE = 0.1


def loss(hidden: int) -> Callable[..., Any]:
    """Cross entropy of a network of tanh units, of one example; its weights are one vector."""
    ends = np.cumsum([64 * hidden, hidden, hidden * 10])

    def of_one(weights: Any, x: Any, y: Any) -> Any:
        first, b1, second, b2 = jnp.split(weights, ends)
        z = jnp.tanh(x @ first.reshape(64, hidden) + b1) @ second.reshape(hidden, 10) + b2
        return jax.nn.logsumexp(z) - z[y]

    return of_one


def setting(hidden: int, batch: int, steps: int) -> tuple[Any, tuple[Any, Any], Any]:
    """First weights, 500 random images of 64 pixels with labels, and an order of batches."""
    rng = np.random.default_rng(0)
    data = rng.normal(size=(500, 64)), rng.integers(0, 10, size=500)
    weights = rng.normal(size=74 * hidden + hidden + 10) / 8
    return weights, data, rng.integers(0, 500, size=(steps, batch))


def by_hand(of_one: Any, weights: Any, data: Any, order: Any) -> Callable[[], Any]:
    """The training run as a scan, compiled."""

    def step(weights: Any, places: Any) -> tuple[Any, None]:
        x, y = data[0][places], data[1][places]
        mean = jax.grad(lambda w: jax.vmap(of_one, in_axes=(None, 0, 0))(w, x, y).mean())
        return weights - RATE * mean(weights), None

    with jax.enable_x64(True):
        data, order = jax.tree.map(jnp.asarray, (data, order))
        trained = jax.jit(lambda weights: lax.scan(step, weights, order)[0])

    def called() -> Any:
        with jax.enable_x64(True):
            return jax.block_until_ready(trained(weights))

    return called


def ratios(hidden: int, batch: int, steps: int, rounds: int) -> dict[str, float]:
    """Times of a run, of its tangents in some directions, and of a pass back, by that by hand."""
    weights, data, order = setting(hidden, batch, steps)
    plain = by_hand(loss(hidden), weights, data, order)
    ours = training(loss(hidden), weights, data, RATE, batches=order)
    theta, W = ours.weights, ours.system.world(steps=steps)
    np.testing.assert_allclose(run(W, keep=theta[steps:]).theta.values[0, 0], plain(), atol=1e-9)
    along = np.random.default_rng(1).normal(size=(DIRECTIONS, *theta.shape))
    read = along[0]
    X = W.perturb(theta[0], along=along)
    times = alternate(
        {
            "by hand": plain,
            "a run": lambda: run(W, keep=theta[steps:]),
            "tangents": lambda: tangents(X, keep=theta[steps:]),
            "back": lambda: gradients(W, theta[steps], [ours.importance[0]], read=read),
        },
        rounds,
        warm=2,
    )
    by = times.pop("by hand").median
    return {name: t.median / by for name, t in times.items()}


def units(size: int, steps: int, rounds: int) -> float:
    """The first order of Op of all hidden units, by a plain run by hand."""
    rng = np.random.default_rng(0)
    A = rng.normal(size=(size, size)) * 0.4 / np.sqrt(size)
    v, c = rng.normal(size=size) * 0.5, -np.abs(rng.normal(size=size)) / size * 3

    def cell(h: Any, R: Any) -> Any:
        return jnp.tanh(A @ h + v * (R - 25) / 2)

    def warmed(h: Any, R: Any) -> Any:
        return R + 0.1 * (-0.2 * (R - 10) + 2 * (c @ h))

    h, (R,) = array("h", size), variables("R")
    rules = {h: function(cell)(h, R), R: function(warmed)(h.next, R)}
    system = System(rules, start={h: np.full(size, 0.1), R: 24.0})

    def step(state: Any, _: None) -> tuple[Any, None]:
        h = cell(*state)
        return (h, warmed(h, state[1])), None

    with jax.enable_x64(True):
        start = jnp.full(size, 0.1), jnp.asarray(24.0)
        plain = jax.jit(lambda s: lax.scan(step, s, None, length=steps)[0])

    def by_hand() -> Any:
        with jax.enable_x64(True):
            return jax.block_until_ready(plain(start))

    asked = {"n": R[0], "m": R[steps], "among": h, "first_order": True}
    times = alternate({"by hand": by_hand, "units": lambda: every_A(system, **asked)}, rounds, 2)
    return times["units"].median / times["by hand"].median


def declared(hidden: int) -> tuple[float, float]:
    """Seconds to declare and check a network with its training, and of its first tangents."""
    weights, data, order = setting(hidden, 32, 20)
    begin = time.perf_counter()
    ours = training(loss(hidden), weights, data, RATE, batches=order)
    checked = time.perf_counter()
    theta = ours.weights
    X = ours.system.world(steps=20).perturb(theta[0], along=np.ones(theta.shape))
    tangents(X, keep=theta[20:])
    return checked - begin, time.perf_counter() - checked


def section(quick: bool) -> Section:
    """The table of ratios."""
    rounds, steps = (2, 200) if quick else (7, 2000)
    many = 1 + DIRECTIONS
    cases = {
        "batches of 32, 64 hidden units": (64, 32, 1.3 * many),
        "batches of 32, 1,024 hidden units": (1024, 32, 2.0 * many),
        "single examples, 64 hidden units": (64, 1, 2.5 * many),
    }
    rows = [
        f"| training, as ratios to plain JAX | a run | {DIRECTIONS} directions | a pass back |",
        "|---|---|---|---|",
    ]
    for name, (hidden, batch, bound) in cases.items():
        found = ratios(hidden, batch, steps // (8 if hidden > 64 else 1), rounds)
        told = [
            f"{found[kind]:.2f} (goal: {goal:.3g})"
            for kind, goal in (("a run", 1.1), ("tangents", bound), ("back", 6.0))
        ]
        rows.append(f"| {name} | {' | '.join(told)} |")
    rows += ["", f"| all units of a recurrent network, {steps:,} steps | by a plain run | goal |"]
    rows += ["|---|---|---|"]
    for size in (16, 64, 256):
        rows.append(f"| {size} units, to first order | {units(size, steps, rounds):.1f} | 20 |")
    seconds = declared(1400)
    rows += ["", "| 105,010 weights | seconds | goal |", "|---|---|---|"]
    rows += [f"| declared and checked | {seconds[0]:.2f} | 2 |"]
    rows += [f"| compiled, and run for the first time | {seconds[1]:.2f} | 10 |"]
    notes = [
        f"On {jax.devices()[0].platform.upper()}, double precision. Calls of the package check the "
        "question and label the answer, some milliseconds of each; small networks and short runs "
        "show it. A step back through a wide network takes XLA 2 ms or 30 ms where it has two "
        "threads, by chance, in code by hand as in ours; with one (NPROC=1) it is always 2 ms."
    ]
    return Section("Networks and their training, beside JAX by hand", rows=rows, notes=notes)
