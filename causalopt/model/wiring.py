"""Which node enters which: the graph of a model, as drawings and counts follow it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from sympy import Symbol

from causalopt.ground.errors import QueryError
from causalopt.ground.types import Bools
from causalopt.language.symbols import Label, Next, Node, Shifted, Variable
from causalopt.model.columns import Columns
from causalopt.model.template import node_at, owner_of

if TYPE_CHECKING:
    import networkx as nx


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
    variables: tuple[Variable, ...],
    first: Mapping[Variable, Iterable[Symbol]],
    entering: Mapping[Variable, Iterable[Symbol]],
    steps: int,
) -> Wiring:
    """The nodes of variables up to a step.

    ``entering`` gives what each follows from, in order, and ``first`` what those do at the start
    that have no start value.
    """
    parents: dict[Label, tuple[Label, ...]] = {}
    inputs: dict[Label, tuple[Label, ...]] = {}
    ordered = {variable: sorted(symbols, key=_by_lag) for variable, symbols in entering.items()}
    # What has a start value comes first.
    starts = {variable: () for variable in variables if variable not in first} | {**first}
    for step in range(steps + 1):
        for variable, symbols in (ordered if step else starts).items():
            nodes = [_visible(node_at(symbol, step)) for symbol in symbols]
            own = [n for n in nodes if isinstance(n, Node) and n.variable in entering]
            node = Node(variable, step)
            # What was before the start comes from outside.
            parents[node] = tuple(n for n in own if n.step >= 0)
            inputs[node] = tuple(n for n in nodes if n not in parents[node])
    return Wiring(parents, inputs, tuple(range(steps + 1)), variables)


def _visible(node: Node | Symbol) -> Node | Symbol:
    """The node itself; of an inner stage that is looked back to, that at the end of its step."""
    return replace(node, variable=owner_of(node.variable)) if isinstance(node, Node) else node


def graph_as_written(entering: Mapping[Variable, Iterable[Symbol]]) -> nx.DiGraph:
    """The graph of what is declared: an edge a -> b where b is written with a.

    An edge's ``lag`` is 1 where the value of the step before is meant, or a rate; more where there
    is a delay alone; 0 where ``a.next``, that of the same step, is the only one.
    """
    import networkx as nx

    graph = nx.DiGraph()
    graph.add_nodes_from(entering)
    for variable, symbols in entering.items():
        # Those of the step before come last, and so stay.
        for symbol in sorted(symbols, key=lambda s: isinstance(s, Variable)):
            if isinstance(symbol, Variable | Shifted):
                node = node_at(symbol, 0)
                graph.add_edge(node.variable, variable, lag=-node.step)
    # It is kept with the system, which is frozen.
    return nx.freeze(graph)


def is_downstream(wiring: Wiring, source: Label, node: Label) -> bool:
    """Whether a node is downstream of another, or is it."""
    import networkx as nx

    graph = nx.DiGraph((parent, child) for child, own in wiring.parents.items() for parent in own)
    return node == source or (source in graph and node in nx.descendants(graph, source))


def downstream_over_time(wiring: Wiring, source: Node, target: Variable, steps: range) -> Bools:
    """The same for the steps of a variable; ``wiring`` has steps enough to show all delays."""
    last = wiring.steps[-1]
    # How each variable follows from others, by how many steps; and at the start.
    nodes = [(n, own) for n, own in wiring.parents.items() if isinstance(n, Node)]
    entering = {n: _offsets(own, last) for n, own in nodes if n.step == last}
    starts = {n: _offsets(own, 0) for n, own in nodes if n.step == 0}
    longest = max((by for offsets in entering.values() for _, by in offsets), default=1)
    reached: dict[int, frozenset[Variable]] = {}
    is_there = np.zeros(len(steps), dtype=np.bool_)
    for step in range(source.step, max(steps, default=-1) + 1):
        now = {source.variable} if step == source.step else set()
        for node, offsets in (entering if step else starts).items():
            if any(v in (reached.get(step - by, frozenset()) if by else now) for v, by in offsets):
                now.add(node.variable)
        reached[step] = frozenset(now)
        if all(reached.get(step - by, frozenset()) == now for by in range(longest + 1)):
            # The same from here on.
            return is_there | ((np.asarray(steps) >= step) & (target in now))
        if step in steps:
            is_there[steps.index(step)] = target in now
    return is_there


def _offsets(parents: Iterable[Label], step: int) -> list[tuple[Variable, int]]:
    nodes = [parent for parent in parents if isinstance(parent, Node)]
    return [(node.variable, step - node.step) for node in nodes]


def is_separated(graph: nx.DiGraph, x: set[Label], y: set[Label], given: set[Label]) -> bool:
    """Whether every path between two sets of nodes is blocked by a third; a node is in one set."""
    twice = [str(node) for node in graph if (node in x) + (node in y) + (node in given) > 1]
    if twice:
        raise QueryError(
            f"d_separated has {', '.join(twice)} in two of its sets: x, y and given have no node "
            "in common, for a node is never separated from itself, and what is given is known."
        )
    return not _reached(graph, x, given) & y


def _reached(graph: nx.DiGraph, x: set[Label], given: set[Label]) -> set[Label]:
    """The nodes to which some path from x is open, each arrow walked once each way.

    Source: Koller and Friedman 2009, "Probabilistic Graphical Models", algorithm 3.1.
    """
    import networkx as nx

    # A node at which two arrows meet lets through where it, or what is below it, is given.
    opened = given.union(*(nx.ancestors(graph, node) for node in given))
    waiting = [(node, True) for node in x]
    seen = set(waiting)
    for node, from_below in waiting:
        is_given = node in given
        ways = [] if is_given else [(child, False) for child in graph.successors(node)]
        if (from_below and not is_given) or (not from_below and node in opened):
            ways += [(parent, True) for parent in graph.predecessors(node)]
        fresh = [way for way in ways if way not in seen]
        seen.update(fresh)
        waiting.extend(fresh)
    return {node for node, _ in seen} - given


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
