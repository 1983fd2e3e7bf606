"""The strength of a random 300 x 300 split beside dit, and of a 3,000 x 3,000 split alone.

Run it on its own: python benchmarks/entropy_split.py [--large-only]. It asserts that the two give
the same answers before it compares their times. dit is asked for the same entropies, of
distributions that are checked first, since it keeps masses that do not sum to 1 and drops NaN.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from operator import itemgetter
from typing import Any

import numpy as np

from causalopt import Distribution, System, finite, optimizing_strength, table


def random_split(size: int, seed: int) -> tuple[System, Any, Any, Distribution]:
    """A system of two variables of ``size`` values with random tables, and random masses."""
    random = np.random.default_rng(seed)
    A, B = finite("A", range(size)), finite("B", range(size))
    mechanisms = {
        A: table((A, B), random.integers(0, size, (size, size))),
        B: table((A, B), random.integers(0, size, (size, size))),
    }
    masses = random.exponential(size=(size, size)) ** 2
    start = {A: 0, B: 0}
    return System(mechanisms, start=start), A, B, Distribution.of((A, B), masses / masses.sum())


def ours(system: System, A: Any, B: Any, P: Distribution) -> float:
    """The strength by causalopt."""
    return float(optimizing_strength(system, A | B, P))


def by_dit(dit: Any, system: System, P: Distribution) -> float:
    """The same from four dit distributions: P, its decorrelated version, and both a step on."""
    size = P.variables[0].size
    tables = [system.template[v].formula.cells.codes.tolist() for v in P.variables]

    def stepped(distribution: Any) -> Any:
        after: dict[tuple[int, int], float] = {}
        for (a, b), mass in distribution.zipped():
            state = (tables[0][a][b], tables[1][a][b])
            after[state] = after.get(state, 0.0) + mass
        return made(list(after), list(after.values()))

    def made(outcomes: list[tuple[int, int]], masses: list[float]) -> Any:
        assert abs(sum(masses) - 1) < 1e-9
        assert all(mass >= 0 for mass in masses)
        return dit.Distribution(outcomes, masses)

    whole = P.to_xarray().values
    states = [(a, b) for a in range(size) for b in range(size)]
    correlated = made(states, whole.reshape(-1).tolist())
    first, second = correlated.marginal([0]), correlated.marginal([1])
    column = dict(second.zipped())
    product = {(a, b): mass * other for a, mass in first.zipped() for b, other in column.items()}
    apart = made(list(product), list(product.values()))
    S = dit.shannon.entropy
    return float(S(stepped(apart)) - S(stepped(correlated)))


def timed(function: Any, *arguments: Any) -> tuple[Any, float]:
    """What a function gives, and the seconds that it took."""
    start = time.perf_counter()
    found = function(*arguments)
    return found, time.perf_counter() - start


def compare(size: int = 300, seed: int = 1) -> dict[str, float]:
    """Ours beside dit's, the answers asserted equal first; the best of 50 and of 3 runs."""
    import dit

    system, A, B, P = random_split(size, seed)
    expected, theirs = min((timed(by_dit, dit, system, P) for _ in range(3)), key=itemgetter(1))
    runs = [timed(ours, system, A, B, P) for _ in range(50)]
    for found, _ in runs:
        assert abs(found - expected) < 1e-10, (found, expected)
    mine = min(seconds for _, seconds in runs)
    return {"size": size, "dit_s": theirs, "causalopt_s": mine, "ratio": theirs / mine}


def large(size: int = 3000, seed: int = 2) -> dict[str, float]:
    """A split with size**2 states: seconds to build and to measure, and the peak of memory."""
    (system, A, B, P), building = timed(random_split, size, seed)
    _, seconds = timed(ours, system, A, B, P)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"size": size, "build_s": building, "causalopt_s": seconds, "peak_GiB": peak}


if __name__ == "__main__":
    # The largest last, so that the peak of memory is its own.
    for size in (750, 1500, 3000):
        print(json.dumps(large(size)))
    if "--large-only" not in sys.argv:
        print(json.dumps(compare()))
