"""Exact posteriors in a network of 37 tables. Contestants: NumPy's einsum, pgmpy."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.draws import Tables, network, network_of_pgmpy, wards
from benchmarks.page import Section, beside, without
from benchmarks.timing import alternate
from causalopt import Network
from causalopt.distributions import marginal, marginals

#: What is seen of the last three, which many others come before; and who is asked about alone.
SEEN = {34: 0, 35: 1, 36: 0}
ONE = 5

#: The masses of a node's values, or of those of all nodes one after the other.
Answer = Callable[[], Any]


def _given(net: Network) -> tuple[list[Any], dict[Any, int]]:
    nodes = sorted(net.nodes, key=lambda node: int(str(node)[1:]))
    return nodes, {nodes[i]: value for i, value in SEEN.items()}


def ours(tables: Tables) -> tuple[Answer, Answer]:
    """Of one node, and of all of them."""
    net = network(tables)
    nodes, given = _given(net)

    def masses(found: Any, i: int) -> Any:
        return np.array([found.mass({nodes[i]: v}) for v in range(tables[i][1].shape[-1])])

    def every() -> Any:
        found = marginals(net, given=given)
        return np.concatenate([masses(found[nodes[i]], i) for i in _hidden(tables)])

    return lambda: masses(marginal(net, nodes[ONE], given=given), ONE), every


def by_einsum(tables: Tables) -> tuple[Answer, Answer]:
    """One sum of products for each node that is asked about, the best order found once."""
    factors: list[Any] = []
    for i, (seen, chances) in enumerate(tables):
        at = tuple(SEEN.get(place, slice(None)) for place in [*seen, i])
        factors += [chances[at], [place for place in [*seen, i] if place not in SEEN]]
    paths = {i: np.einsum_path(*factors, [i], optimize="greedy")[0] for i in _hidden(tables)}

    def of(i: int) -> Any:
        masses = np.einsum(*factors, [i], optimize=paths[i])
        return masses / masses.sum()

    return lambda: of(ONE), lambda: np.concatenate([of(i) for i in _hidden(tables)])


def by_pgmpy(tables: Tables) -> tuple[Answer, Answer]:
    """Variable elimination, for one node after the other."""
    from pgmpy.inference import VariableElimination

    asked = VariableElimination(network_of_pgmpy(tables))
    given = {f"v{i}": value for i, value in SEEN.items()}

    def of(i: int) -> Any:
        return asked.query([f"v{i}"], evidence=given, show_progress=False).values

    return lambda: of(ONE), lambda: np.concatenate([of(i) for i in _hidden(tables)])


def _hidden(tables: Tables) -> list[int]:
    return [i for i in range(len(tables)) if i not in SEEN]


def section(quick: bool) -> Section:
    """The masses of one node, and of every node, given what is seen."""
    tables, makers = wards(), {"causalopt": ours, "NumPy's einsum": by_einsum}
    has_peer = importlib.util.find_spec("pgmpy") is not None
    made = {name: make(tables) for name, make in makers.items()}
    made |= {"pgmpy": by_pgmpy(tables)} if has_peer else {}
    asked = "One node, three others seen", "Each node, three others seen"
    rows = ["| | CPU s | |", "|---|---|---|"]
    for title, place in zip(asked, (0, 1), strict=True):
        runs = {name: answers[place] for name, answers in made.items()}
        for name, run in runs.items():
            np.testing.assert_allclose(run(), runs["causalopt"](), rtol=1e-9, err_msg=name)
        times = alternate(runs, 1 if quick else 7, clock=time.process_time)
        mine = times["causalopt"].median
        rows.append(f"| **{title}** | | |")
        for name, each in times.items():
            told = "" if name == "causalopt" else f"causalopt takes {beside(mine, each.median)}"
            rows.append(f"| {name} | {each.median:.3g} | {told} |")
    notes = [] if has_peer else [without("pgmpy")]
    return Section("Exact posteriors in a network of 37 tables", rows=rows, notes=notes)
