"""Escape from a pit by SGD, 50 rates: digits by transfer operator against compiled Monte Carlo."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from benchmarks.page import Goal, Section
from benchmarks.timing import Times, spent
from causalopt import (
    System,
    choice,
    escape_probability,
    noise,
    parameters,
    run,
    sgd,
    variables,
)

W, out = variables("W out")
(T,) = parameters("T")
# The two losses of "Modelling and Understanding SGD", and the pit of the second: its bottom, where
# the chains start, and the top of its wall. Nothing comes from the pit to the end below.
SHALLOW = -sympy.exp(-((W - 2) ** 2))
PIT = -sympy.exp(-100 * (W - 1) ** 2)
BOTTOM, TOP = 1.0036973969, 1.1959565137
INSIDE = (0.8, TOP)
STEPS = 10_000
CELLS = 8000

# Four digits and three: half a unit of the last one.
FOUR, THREE = 5e-5, 5e-4


def rates() -> Any:
    return np.round(np.linspace(0.01, 0.02, 50), 6)


def by_operator(values: Any) -> Any:
    """The probability of escape at each rate, and its error, (2, rates)."""
    found = []
    for rate in values.tolist():
        system = sgd([SHALLOW, SHALLOW + PIT], W, rate, start={W: BOTTOM})
        made = escape_probability(system, INSIDE, STEPS, cells=CELLS)
        found.append([made.escaped.item(), made.error.item()])
    return np.array(found).T


def chains() -> System:
    """The same with a variable that says whether the chain has ever been outside."""
    pick = noise("pick", choice([0, 1]))
    outside = sympy.Or(W.next <= INSIDE[0], W.next >= INSIDE[1])
    left = sympy.Piecewise((1, outside), (out, True))
    step = W - T * (SHALLOW.diff(W) + pick * PIT.diff(W))
    return System({W: step, out: left}, start={W: BOTTOM, out: 0}, parameters={T: 0.01})


def by_chains(values: Any, count: int, steps: int = STEPS) -> Any:
    """The share of chains that have left, (rates,)."""
    world = chains().world(steps=steps, seed=1)
    found = run(world, over={T: values}, draws=count, keep="last", backend="numba")
    return found["out"].sel(world="W").isel(time=-1).mean("draw").values


def check(exact: Any, share: Any, count: int) -> None:
    """Four digits; and no share further from them than chance would have it."""
    chances, errors = exact
    if errors.max() > FOUR:
        raise AssertionError(f"{CELLS} cells leave an error of {errors.max():.2g}")
    # Chains share their draws over the rates, and each rate has its own binomial deviation; a
    # share of few chains may lie a whole chain off.
    # Rounding may leave a chance just below 0 or above 1.
    deviations = np.sqrt(np.maximum(chances * (1 - chances), 0.0) / count)
    if (np.abs(share - chances) > 5 * deviations + 5 / count).any():
        raise AssertionError("the chains and the operator do not agree")


def section(quick: bool) -> Section:
    values, count = rates(), 64 if quick else 2_000
    by_operator(values[:1]), by_chains(values, 1, 100)
    ours = [spent(lambda: by_operator(values)) for _ in range(1 if quick else 3)]
    operator, exact = Times(tuple(s for s, _ in ours)).median, ours[0][1]
    seconds, share = spent(lambda: by_chains(values, count))
    check(exact, share, count)
    # The standard error of a share falls as one over the root of the number of chains.
    error = float(np.sqrt((exact[0] * (1 - exact[0])).mean() / count))
    reached = float(exact[1].max())
    to_three, to_equal = (seconds * (error / wanted) ** 2 for wanted in (THREE, reached))
    told = Goal("", "at least", 1000).told(operator, to_equal)
    rows = [
        "| | error | CPU s | causalopt |",
        "|---|---|---|---|",
        f"| transfer operator, {CELLS:,} cells | {reached:.2g} at most | {operator:.3g} | |",
        f"| {count:,} compiled chains at each rate | {error:.2g} | {seconds:.3g} | |",
        f"| chains to three digits | {THREE:.2g} | {to_three:.3g}, scaled | |",
        f"| chains to the operator's error | {reached:.2g} | {to_equal:.3g}, scaled | {told} |",
    ]
    note = (
        "The operator's error is the largest that it reports, from coarser grids; that of chains "
        "is the root mean square of their standard errors. Times of more chains are scaled by the "
        f"law of 1/sqrt(N) from {count:,}: N chains take N times as long. CPU time is that of all "
        "threads; one T is one rate of descent, and all see the same draws."
    )
    title = f"Escape from a pit by {STEPS:,} steps of SGD, {len(values)} rates"
    return Section(title, rows=rows, notes=[note])
