"""Networks with planted controllers: does a measure find them among decoys, m being known?

``python -m benchmarks.planted`` prints precision at k of steering shares and of its rivals over 100
networks of each family; ``--quick`` over 10. The statistic, fixed beforehand: of the k variables
with the largest score, the part that was planted, averaged over networks, with a 95 % interval by
Student's law.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import networkx as nx
import numpy as np

from causalopt import System, steering_shares, variables

STEPS = 300


@dataclass(frozen=True)
class Planted:
    """x[t+1] = matrix x[t]; variable 0 is m, and ``controllers`` steer it."""

    matrix: Any
    controllers: frozenset[int]

    @property
    def system(self) -> System:
        """The network as a system; everything starts at 0."""
        x = variables("x", count=len(self.matrix))
        rules = {
            x[i]: sum(float(w) * x[j] for j, w in enumerate(row) if w) + 0 * x[i]
            for i, row in enumerate(self.matrix)
        }
        return System(rules, start=dict.fromkeys(x, 0.0))


def _background(source: np.random.Generator, count: int, order: Any) -> Any:
    """Decoys with memory, each with two arrows in, as strong as those of controllers."""
    matrix = np.diag(source.uniform(0.2, 0.6, count))
    for i in range(1, count):
        for j in source.choice([j for j in range(count) if j != i], 2, replace=False):
            matrix[i, j] = _strength(source) * source.choice([-1, 1])
    return matrix


def _strength(source: np.random.Generator) -> float:
    return float(source.uniform(0.15, 0.35))


def _stable(matrix: Any) -> bool:
    return float(np.abs(np.linalg.eigvals(matrix)).max()) < 0.97


def proportional(source: np.random.Generator) -> Planted:
    """Three loops m -> c -> m that answer at once; drivers of m are as many and as strong."""
    count = int(source.integers(20, 51))
    matrix, controllers = _background(source, count, None), (1, 2, 3)
    matrix[0, 0] = 0.9
    for c in controllers:
        matrix[c, [j for j in range(count) if j != c]] = 0.0
        matrix[c, 0], matrix[0, c] = _strength(source), -_strength(source)
        # One more arrow in, from a decoy, so that degrees do not tell.
        matrix[c, source.integers(4, count)] = _strength(source) * source.choice([-1, 1])
    for d in source.choice(np.arange(4, count), 3, replace=False):
        matrix[0, d] = _strength(source) * source.choice([-1, 1])
    return Planted(matrix, frozenset(controllers))


def chains(source: np.random.Generator) -> Planted:
    """Sensor, leaky integrator, actuator; beside it the same chains around other variables."""
    count = int(source.integers(20, 51))
    matrix = _background(source, count, None)
    matrix[0, 0] = 0.9
    for start in range(0, 16, 4):
        centre, sensor, integrator, actuator = range(start, start + 4)
        for node in (sensor, integrator, actuator):
            own = matrix[node, node]
            matrix[node] = 0.0
            matrix[node, node] = own
        matrix[integrator, integrator] = 0.9
        matrix[sensor, centre] = _strength(source)
        matrix[integrator, sensor] = _strength(source)
        matrix[actuator, integrator] = _strength(source)
        matrix[centre, actuator] = -_strength(source)
        matrix[centre, centre] = 0.9
    for d in source.choice(np.arange(4, count), 2, replace=False):
        matrix[0, d] = _strength(source) * source.choice([-1, 1])
    return Planted(matrix, frozenset((1, 2, 3)))


def integrators(source: np.random.Generator) -> Planted:
    """Two integrators that do the same work; decoys with as long a memory."""
    count = int(source.integers(20, 51))
    matrix, controllers = _background(source, count, None), (1, 2)
    matrix[0, 0] = 0.9
    for c in controllers:
        matrix[c] = 0.0
        matrix[c, c], matrix[c, 0], matrix[0, c] = 0.95, _strength(source), -_strength(source)
    for d in source.choice(np.arange(3, count), 4, replace=False):
        matrix[d, d] = 0.95
    for d in source.choice(np.arange(3, count), 2, replace=False):
        matrix[0, d] = _strength(source) * source.choice([-1, 1])
    return Planted(matrix, frozenset(controllers))


FAMILIES = {"proportional": proportional, "chains": chains, "integrators": integrators}


def network(family: str, seed: int) -> Planted:
    """The network of a family and a seed: the first stable one that is drawn."""
    source = np.random.default_rng([list(FAMILIES).index(family), seed])
    while True:
        planted = FAMILIES[family](source)
        if _stable(planted.matrix):
            return planted


# -- scores of each variable but m ----------------------------------------------------------------


def shares(planted: Planted) -> Any:
    """Sustained shares."""
    system = planted.system
    return steering_shares(system, system.variables[0], steps=STEPS).share.values


def precision(planted: Planted, scores: Any) -> float:
    """Of the k variables with the largest score, the part that was planted."""
    count = len(planted.controllers)
    best = np.argsort(-np.asarray(scores), kind="stable")[:count] + 1
    return len(planted.controllers.intersection(best.tolist())) / count


def total_effect(planted: Planted) -> Any:
    """sum_t |dm[t] / da[0]|, in the linear system itself."""
    row, total = np.eye(len(planted.matrix))[0], np.zeros(len(planted.matrix))
    for _ in range(STEPS):
        row = row @ planted.matrix
        total += np.abs(row)
    return total[1:]


def degree(planted: Planted) -> Any:
    """The number of arrows at a variable."""
    there = planted.matrix != 0
    return (there.sum(axis=0) + there.sum(axis=1))[1:]


def betweenness(planted: Planted) -> Any:
    """The part of the shortest paths that go through a variable (Freeman 1977)."""
    graph = nx.from_numpy_array(planted.matrix.T != 0, create_using=nx.DiGraph)
    found = nx.betweenness_centrality(graph)
    return [found[i] for i in range(1, len(planted.matrix))]


def _course(planted: Planted, steps: int = 2000) -> Any:
    """A course of the network, driven by normal noise at every variable."""
    source, count = np.random.default_rng(7), len(planted.matrix)
    course = np.zeros((steps, count))
    for t in range(1, steps):
        course[t] = planted.matrix @ course[t - 1] + source.normal(size=count)
    return course[200:]


def granger(planted: Planted) -> Any:
    """log of the ratio of residual variances of m without and with the past of a (Granger 1969)."""
    course = _course(planted)
    past, now = course[:-1], course[1:, 0]

    def residual(columns: Any) -> float:
        coefficients, *_ = np.linalg.lstsq(columns, now, rcond=None)
        return float(((now - columns @ coefficients) ** 2).mean())

    full = residual(past)
    others = range(1, len(planted.matrix))
    return [np.log(residual(np.delete(past, a, axis=1)) / full) for a in others]


def transfer_entropy(planted: Planted) -> Any:
    """Transfer entropy a -> m of normal variables, pair by pair (Schreiber 2000)."""
    course = _course(planted)
    past, now = course[:-1], course[1:, 0]

    def residual(columns: Any) -> float:
        coefficients, *_ = np.linalg.lstsq(columns, now, rcond=None)
        return float(((now - columns @ coefficients) ** 2).mean())

    alone = residual(past[:, [0]])
    return [0.5 * np.log(alone / residual(past[:, [0, a]])) for a in range(1, past.shape[1])]


SCORES: dict[str, Callable[[Planted], Any]] = {
    "steering shares": shares,
    "Granger": granger,
    "transfer entropy": transfer_entropy,
    "total effect": total_effect,
    "degree": degree,
    "betweenness": betweenness,
}


def target_first(planted: Planted) -> bool:
    """Whether m has the largest sum of positive shares of all, were it not known."""
    system = planted.system
    sums = []
    for m in system.variables:
        found = steering_shares(system, m, steps=STEPS, tolerance=1e-4).share.values
        sums.append(np.clip(found, 0.0, None).sum())
    return int(np.argmax(sums)) == 0


def main() -> None:
    """Print the table."""
    from scipy.stats import t as student

    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--unknown", action="store_true", help="rank targets, m not being known")
    options = parser.parse_args()
    count = 10 if options.quick else 100
    for family in FAMILIES:
        networks = [network(family, seed) for seed in range(count)]
        if options.unknown:
            print(family, "target first", np.mean([target_first(n) for n in networks]))
            continue
        for name, score in SCORES.items():
            each = np.array([precision(n, score(n)) for n in networks])
            half = student.ppf(0.975, count - 1) * each.std(ddof=1) / np.sqrt(count)
            print(f"{family:<14}{name:<18}{each.mean():.3f} +- {half:.3f}", flush=True)


if __name__ == "__main__":
    main()
