"""Compares with peers and with C compiled on the spot; writes docs/benchmarks.md.

``python -m benchmarks``, or ``make bench``; ``--quick`` for small sizes and a look at the terminal.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import (
    annealing,
    chains,
    compiling,
    declaring,
    delay,
    draws,
    escape,
    inference,
    learning,
    lorenz,
    network,
    reactions,
    setup,
    stocks,
    thermostat,
    variational,
)
from benchmarks.page import Goal, Section, page
from benchmarks.timing import alternate, once, slope

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"


def _ready(contestants: Any, size: int, without: tuple[str, ...] = ()) -> dict[str, Any]:
    made = {name: make(size) for name, make in contestants.items() if name not in without}
    return {name: run for name, run in made.items() if run is not None}


def _agree(runs: dict[str, Any], upto: int | None = None, tolerance: float = 1e-6) -> None:
    """The same answers first: there is no point in timing a wrong one."""
    expected = runs["causalopt"]()[:upto]
    for name, run in runs.items():
        found = run()[:upto]
        np.testing.assert_allclose(found, expected, tolerance, tolerance, err_msg=name)


def long_run(quick: bool) -> Section:
    steps, loop_steps = (100_000, 2_000) if quick else (1_000_000, 20_000)
    # Chaos doubles rounding errors every 0.8 units of time; the first 10 agree to many digits.
    _agree(_ready(lorenz.CONTESTANTS, 20_000), upto=10_000)
    times = alternate(_ready(lorenz.CONTESTANTS, steps, ("a Python loop",)), 5 if quick else 15)
    alone = lorenz.in_a_loop(loop_steps)
    alone()
    seconds, _ = once(alone)
    loop = seconds * steps / loop_steps
    notes = [f"The Python loop ran {loop_steps:,} steps; its time is scaled to all of them."]
    goals = [
        Goal("C", "at most", 1.2, inverse=True),
        Goal("JAX", "at least", 2.5),
        Goal("CasADi", "at least", 12),
        Goal("a Python loop", "at least", 30),
    ]
    title = f"Lorenz, rho = 28, {steps:,} Euler steps: exact Op of b at every step, A = a"
    return Section(title, times, {"a Python loop": loop}, goals, notes)


def many_points(quick: bool) -> Section:
    points = 10_000 if quick else 100_000
    runs = _ready(thermostat.CONTESTANTS, points)
    _agree(runs, tolerance=1e-12)
    times = alternate(runs, 5 if quick else 15)
    goals = [Goal("C with OpenMP", "at most", 1.2, inverse=True), Goal("JAX", "at least", 1.0)]
    title = f"Saturating thermostat, {points:,} initial values, 500 steps: Comp at the end"
    return Section(title, times, {}, goals, [])


def beginnings(quick: bool) -> Section:
    ours, theirs = setup.imports(3 if quick else 9)
    cold, kept = setup.first_calls(2 if quick else 5)
    rows = [
        f"| import of `op` and `System`; of sympy and NumPy, which it needs | "
        f"{statistics.median(ours):.2f} s; {statistics.median(theirs):.2f} s | at most 0.3 s |",
        f"| first call, nothing compiled yet | {statistics.median(cold):.2f} s | at most 3 s |",
        f"| first call, compiled before | {statistics.median(kept):.2f} s | at most 0.5 s |",
    ]
    steps = 2_000_000 if quick else 100_000_000
    before, after = setup.memory(steps)
    rows.append(
        f'| memory, 100,000 steps and then {steps:,}, keep="last" | '
        f"{before:.0f} MiB, then {after:.0f} MiB | flat |"
    )
    return Section("A new process, and memory", rows=["| | found | goal |", "|---|---|---|", *rows])


def growth(quick: bool) -> Section:
    rounds, top = (1, 1) if quick else (5, 10)
    decades = 2 * np.array([1, 10, 100, 1000]) * top
    sizes = {
        "steps, the last kept": (lorenz.last, decades * 10**5),
        "points of a sweep": (thermostat.ours, decades * 10**3),
        "chains of noise": (chains.ours, decades * 50),
        "nodes, in levels of a thousand": (network.in_layers, decades * 10**3),
        "nodes, at random": (network.at_random, decades[:3] * 10**3),
    }
    rows = ["| against | sizes | seconds | slope (goal: 0.95 to 1.05) |", "|---|---|---|---|"]
    for name, (make, many) in sizes.items():
        runs = {str(n): make(n) for n in many.tolist()}
        medians = [t.median for t in alternate(runs, rounds).values()]
        told = ", ".join(f"{s:.3g}" for s in medians)
        fitted = slope(many, medians)
        rows.append(f"| {name} | {many[0]:,} to {many[-1]:,} | {told} | {fitted:.3f} |")
    notes = [
        "A call takes about a millisecond whatever its size, for the question and the labels; the "
        "sizes start where the work outweighs that. A random network is deeper the larger it is, "
        "and its parents lie anywhere in memory: small ones pay for many short levels, large ones "
        "for the way to memory, so that its cost is no straight line."
    ]
    return Section("Cost against size", rows=rows, notes=notes)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes; writes no page")
    quick = parser.parse_args().quick
    parts = [
        long_run,
        many_points,
        *network.SECTIONS,
        draws.section,
        inference.section,
        chains.section,
        delay.section,
        variational.section,
        reactions.section,
        stocks.section,
        escape.section,
        annealing.section,
        beginnings,
        declaring.section,
        compiling.section,
        learning.section,
        growth,
    ]
    text = page([part(quick) for part in parts])
    print(text)
    if not quick:
        PAGE.write_text(text)


if __name__ == "__main__":
    main()
