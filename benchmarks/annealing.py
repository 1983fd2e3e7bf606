"""A spin glass of 200 spins, annealed by equal numbers of sweeps. Contestant: dwave-samplers."""

from __future__ import annotations

import importlib.util
import statistics
import time
from collections.abc import Callable
from typing import Any

import networkx as nx
import numpy as np

from benchmarks.page import Section
from causalopt import Ising, anneal_spins, geometric

SPINS, HOT, COLD = 200, 5.0, 0.1


def glass(seed: int) -> nx.Graph:
    """Normal couplings of all pairs (Sherrington and Kirkpatrick), of variance 1 / n."""
    rng = np.random.default_rng(seed)
    graph = nx.complete_graph(SPINS)
    for one, other in graph.edges:
        graph.edges[one, other]["weight"] = float(rng.normal() / SPINS**0.5)
    return graph


def ours(graph: nx.Graph, sweeps: int, chains: int) -> Callable[[int], Any]:
    model, cooling = Ising.of_graph(graph), geometric(HOT, COLD, steps=sweeps)
    return lambda seed: (
        anneal_spins(model, cooling, steps=sweeps, chains=chains, seed=seed).energy.values
    )


def theirs(graph: nx.Graph, sweeps: int, chains: int) -> Callable[[int], Any]:
    import dimod
    from dwave.samplers import SimulatedAnnealingSampler

    couplings = nx.get_edge_attributes(graph, "weight")
    model = dimod.BinaryQuadraticModel.from_ising({}, couplings)
    sampler = SimulatedAnnealingSampler()
    return lambda seed: (
        sampler.sample(
            model,
            num_reads=chains,
            num_sweeps=sweeps,
            beta_range=(1 / HOT, 1 / COLD),
            beta_schedule_type="geometric",
            seed=seed,
        ).record.energy
    )


def seconds(run: Callable[[int], Any], seed: int) -> tuple[float, Any]:
    """CPU seconds, so that neither is charged for what else the machine does, and energies."""
    begin = time.process_time()
    found = run(seed)
    return time.process_time() - begin, found


def section(quick: bool) -> Section:
    """Best and mean energies of both over several glasses, and the ratio of CPU times."""
    title = f"{SPINS} spins, all pairs coupled: best energies at equal sweeps"
    if importlib.util.find_spec("dwave") is None:
        return Section(title, notes=["dwave-samplers was skipped: it is not on this machine."])
    glasses, sweeps, chains = (2, 100, 20) if quick else (10, 1_000, 100)
    rows = ["| glass | best | dwave's best | mean | dwave's mean |", "|---|---|---|---|---|"]
    ratios, behind = [], 0
    for seed in range(glasses):
        graph = glass(seed)
        runs = ours(graph, sweeps, chains), theirs(graph, sweeps, chains)
        runs[0](0)
        (mine, found), (other, peer) = (seconds(run, seed + 1) for run in runs)
        ratios.append(other / mine)
        behind += bool(found.min() > peer.min() + 1e-6)
        rows.append(
            f"| {seed} | {found.min():.4f} | {peer.min():.4f} "
            f"| {found.mean():.4f} | {peer.mean():.4f} |"
        )
    notes = [
        f"{chains} chains of {sweeps:,} sweeps each, cooled geometrically from T = {HOT:g} to "
        f"{COLD:g}. Behind on {behind} of {glasses} glasses.",
        f"CPU time of dwave-samplers over ours: median {statistics.median(ratios):.2f}.",
    ]
    return Section(title, rows=rows, notes=notes)
