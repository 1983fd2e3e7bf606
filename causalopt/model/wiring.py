"""Which node enters which: the graph of a model, as drawings and counts follow it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import networkx as nx
import numpy as np
from sympy import Symbol

from causalopt.ground.errors import QueryError
from causalopt.ground.types import Bools
from causalopt.language.symbols import Label, Next, Node, Variable
from causalopt.mechanisms.interface import Mechanism
from causalopt.model.columns import Columns
from causalopt.model.template import node_at


@dataclass(frozen=True)
class Wiring:
    """The nodes of a model up to some step, in an order in which causes come first.

    ``parents`` and ``inputs`` give for each node the nodes and the parameters, noises and times
    that enter its mechanism. ``steps`` and ``variables`` lay the nodes out, where they have a time.
    """

    parents: Mapping[Label, tuple[Label, ...]]
    inputs: Mapping[Label, tuple[Label, ...]]
    steps: tuple[int, ...] = ()
    variables: tuple[Symbol, ...] = ()


def wired_over_time(
    variables: tuple[Variable, ...], entering: Mapping[Variable, Iterable[Symbol]], steps: int
) -> Wiring:
    """The nodes of variables up to a step; ``entering`` gives what each follows from, in order."""
    starts = [Node(variable, 0) for variable in variables]
    parents: dict[Label, tuple[Label, ...]] = dict.fromkeys(starts, ())
    inputs: dict[Label, tuple[Label, ...]] = dict.fromkeys(starts, ())
    ordered = {variable: sorted(symbols, key=_by_lag) for variable, symbols in entering.items()}
    for step in range(1, steps + 1):
        for variable, symbols in ordered.items():
            nodes = [(symbol, node_at(symbol, step)) for symbol in symbols]
            node = Node(variable, step)
            parents[node] = tuple(n for s, n in nodes if isinstance(s, Variable | Next))
            inputs[node] = tuple(n for s, n in nodes if not isinstance(s, Variable | Next))
    return Wiring(parents, inputs, tuple(range(steps + 1)), variables)


def graph_as_written(declarations: Mapping[Variable, Mechanism]) -> nx.DiGraph:
    """The graph of declared formulas: an edge a -> b where b is written with a.

    An edge's ``lag`` is 1 where the value of the step before is meant, or a rate; 0 where
    ``a.next``, that of the same step, is the only one.
    """
    graph = nx.DiGraph()
    graph.add_nodes_from(declarations)
    for variable, mechanism in declarations.items():
        # Those of the step before come last, and so stay.
        for symbol in sorted(mechanism.arguments, key=lambda s: isinstance(s, Variable)):
            if isinstance(symbol, Variable | Next):
                lag = int(isinstance(symbol, Variable))
                graph.add_edge(symbol if lag else symbol.variable, variable, lag=lag)
    # It is kept with the system, which is frozen.
    return nx.freeze(graph)


def is_downstream(wiring: Wiring, source: Label, node: Label) -> bool:
    """Whether a node is downstream of another, or is it."""
    graph = nx.DiGraph((parent, child) for child, own in wiring.parents.items() for parent in own)
    return node == source or (source in graph and node in nx.descendants(graph, source))


def downstream_over_time(wiring: Wiring, source: Node, target: Variable, steps: range) -> Bools:
    """The same for the steps of a variable; ``wiring`` says what enters the nodes of step 1."""
    entering = {n: own for n, own in wiring.parents.items() if isinstance(n, Node) and n.step}
    reached, before = {source.variable}, set[Variable]()
    is_there = np.zeros(len(steps), dtype=np.bool_)
    for step in range(source.step, max(steps, default=-1) + 1):
        for node, own in entering.items():
            parents = [parent for parent in own if isinstance(parent, Node)]
            if any(p.variable in (reached if p.step else before) for p in parents):
                reached.add(node.variable)
        if reached == before:
            # The same from here on.
            return is_there | ((np.asarray(steps) >= step) & (target in reached))
        if step in steps:
            is_there[steps.index(step)] = target in reached
        reached, before = set(), reached
    return is_there


def is_separated(graph: nx.DiGraph, x: set[Label], y: set[Label], given: set[Label]) -> bool:
    """Whether every path between two sets of nodes is blocked by a third; a node is in one set."""
    twice = [str(node) for node in graph if (node in x) + (node in y) + (node in given) > 1]
    if twice:
        raise QueryError(
            f"d_separated has {', '.join(twice)} in two of its sets: x, y and given have no node "
            "in common, for a node is never separated from itself, and what is given is known."
        )
    return bool(nx.is_d_separator(graph, x, y, given))


def _by_lag(symbol: Symbol) -> tuple[bool, str]:
    """Sources as a picture orders them: of the step before, of the same step, each by name."""
    return isinstance(symbol, Next), str(symbol)


def wired(columns: Columns) -> Wiring:
    """The nodes of a network in the order of their levels; laid out in time if all have one."""
    nodes, known = columns.labels, (*columns.labels, *columns.inputs)
    parents: dict[Label, tuple[Label, ...]] = {}
    inputs: dict[Label, tuple[Label, ...]] = {}
    for place in sorted(range(len(nodes)), key=columns.levels.__getitem__):
        entering = columns.arguments_of(place).tolist()
        own = [known[j] for j in entering if j < len(nodes)]
        parents[nodes[place]] = tuple(sorted(own, key=str))
        inputs[nodes[place]] = tuple(known[j] for j in entering if j >= len(nodes))
    timed = [node for node in nodes if isinstance(node, Node)]
    if len(timed) < len(nodes):
        return Wiring(parents, inputs)
    steps = sorted({node.step for node in timed})
    return Wiring(parents, inputs, tuple(steps), tuple(dict.fromkeys(n.variable for n in timed)))
