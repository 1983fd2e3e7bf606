"""Incentives of a decision, read off the graph: what it pays to know, to answer to, to control."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import networkx as nx

from causalopt.ground.errors import QueryError
from causalopt.language.symbols import Label, Nodes
from causalopt.language.words import listed
from causalopt.mechanisms.decisions import as_utility
from causalopt.model.interface import Model, as_model
from causalopt.model.wiring import is_separated


@dataclass(frozen=True)
class Incentives:
    """The nodes at which a graph admits an incentive: with some tables and utilities there is one.

    ``information``: nodes that it pays to see (value of information).
    ``response``: nodes that every best policy answers to (response incentive).
    ``control``: nodes that it would pay to set (value of control).
    ``instrument``: nodes through which the decision gets what it wants (instrumental control).
    ``requisite``: what the decision sees and has a use for.
    """

    decision: Label
    information: frozenset[Label]
    response: frozenset[Label]
    control: frozenset[Label]
    instrument: frozenset[Label]
    requisite: frozenset[Label]

    def __repr__(self) -> str:
        rows = [
            ("value of information", self.information),
            ("response incentive", self.response),
            ("value of control", self.control),
            ("instrumental control", self.instrument),
        ]
        names = [f"    {what}: {listed(sorted(map(str, nodes))) or 'none'}" for what, nodes in rows]
        return "\n".join([f"Incentives of {self.decision}", *names])


def incentives(system: Model, A: Nodes, utility: Nodes | None = None) -> Incentives:
    """Which nodes a decision has an incentive to know, to answer to, and to control.

    With D the decision, U the utilities, pa(D) what it sees, and G the graph:

        value of information of X, not below D:  X and a U below D are not separated by {D, pa(D)}
                                                 without X
        minimal reduction: G without arrows into D from what has no value of information, in turn
        response incentive at X:                 a path X -> ... -> D in the minimal reduction
        value of control of X:                   a path X -> ... -> U in the minimal reduction
        instrumental control incentive at X:     a path D -> ... -> X -> ... -> U in G

    ``A`` is the decision, one node; ``utility`` the nodes that are wanted, all of kind utility if
    left out. A system is asked by its nodes: A=T[1], utility=R[2].

    Traps: the criteria hold for one decision; others are nodes of chance here. They are those of
    the graph: an incentive is admitted, and the tables may be such that there is none; where none
    is admitted, there is none with any tables.

    Raises ``QueryError`` where A is not one node, and where nothing is wanted.

    Source: Everitt, Carey, Langlois, Ortega and Legg 2021, "Agent Incentives: A Causal Perspective"
    (AAAI): theorems on each criterion.

    >>> from causalopt.language.finite_variables import finite
    >>> from causalopt.language.symbols import variable
    >>> from causalopt.language.tables import table
    >>> from causalopt.mechanisms.decisions import decision, utility
    >>> from causalopt.model.network import Network
    >>> size, posts, clicks = (finite(name, [0, 1]) for name in ("size", "posts", "clicks"))
    >>> gain = variable("gain")
    >>> feed = Network({size: table((), {0: 0.5, 1: 0.5}), posts: decision(size),
    ...                 clicks: table((posts, size), {0: {0: 0, 1: 1}, 1: {0: 1, 1: 0}}),
    ...                 gain: utility(clicks, {0: 0, 1: 1})})
    >>> incentives(feed, posts)
    Incentives of posts
        value of information: size
        response incentive: size
        value of control: clicks, gain, size
        instrumental control: clicks, gain
    """
    model = as_model(system)
    named = [A] if utility is None else [*_each(utility), A]
    steps = model.run_length(None, named)
    graph = nx.DiGraph()
    wiring = model.wiring(steps or 0)
    graph.add_nodes_from(wiring.parents)
    graph.add_edges_from((p, node) for node, own in wiring.parents.items() for p in own)
    decisions = _labels(model, [A], steps)
    if len(decisions) != 1:
        raise QueryError(f"A = {A} names {len(decisions)} nodes, and one decision is asked about.")
    decided = decisions[0]
    wanted = _utilities(model, graph) if utility is None else _labels(model, _each(utility), steps)
    return _of_graph(graph, decided, frozenset(wanted))


def _of_graph(graph: nx.DiGraph, decided: Label, goals: frozenset[Label]) -> Incentives:
    # Only what is wanted below a decision can be a reason to know something.
    wanted = goals.intersection(nx.descendants(graph, decided))
    reduced = _reduced(graph, decided, wanted)
    below = nx.descendants(graph, decided) | {decided}
    others = set(graph) - {decided}
    before_wanted = wanted.union(*(nx.ancestors(graph, goal) for goal in wanted))
    controlled = goals.union(*(nx.ancestors(reduced, goal) for goal in goals))
    return Incentives(
        decided,
        frozenset(n for n in others - below if _is_informative(graph, n, decided, wanted)),
        frozenset(nx.ancestors(reduced, decided)),
        frozenset(controlled - {decided}),
        frozenset(before_wanted & below - {decided}),
        frozenset(reduced.predecessors(decided)),
    )


def _is_informative(
    graph: nx.DiGraph, node: Label, decided: Label, wanted: frozenset[Label]
) -> bool:
    """Whether a node tells of the utilities, where the decision and what it sees else are known."""
    known = {decided, *graph.predecessors(decided)} - {node}
    return not is_separated(graph, {node}, set(wanted), known)


def _reduced(graph: nx.DiGraph, decided: Label, wanted: frozenset[Label]) -> nx.DiGraph:
    """The graph without arrows from what the decision sees and has no use for."""
    reduced = graph.copy()
    while True:
        useless = [
            node for node in reduced.predecessors(decided)
            if not _is_informative(reduced, node, decided, wanted)
        ]  # fmt: skip
        if not useless:
            return reduced
        reduced.remove_edge(useless[0], decided)


def _each(nodes: Nodes) -> list[object]:
    return list(nodes) if isinstance(nodes, list | tuple | set | frozenset) else [nodes]


def _labels(model: Model, nodes: Iterable[object], steps: int | None) -> list[Label]:
    """The nodes that a user names."""
    return [
        model.label(stretch.key, step)
        for node in nodes
        for stretch in model.select(node, steps)
        for step in range(stretch.start, stretch.stop)
    ]


def _utilities(model: Model, graph: nx.DiGraph) -> list[Label]:
    """All nodes of kind utility."""
    accounts = {label: model.account(*model.key_of(label)) for label in graph}
    rules = {label: account.assigned for label, account in accounts.items()}
    utilities = [label for label, rule in rules.items() if rule is not None and as_utility(rule)]
    if not utilities:
        raise QueryError(
            "There is no utility: declare one, such as U: utility(R, {...}), or name the nodes "
            "that are wanted, utility=R."
        )
    return utilities
