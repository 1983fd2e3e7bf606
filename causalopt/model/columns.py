"""Nodes in columns: which mechanism each node has, and which nodes are its arguments.

Each node names one of a few mechanisms and, in one flat array, the nodes that are its arguments.
So a mechanism is differentiated and compiled once, however many nodes share it.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from causalopt.ground.errors import DeclarationError
from causalopt.ground.readonly import fields_alone, restore
from causalopt.ground.types import Bools, Ints
from causalopt.language.symbols import Label
from causalopt.mechanisms.decisions import is_decision
from causalopt.mechanisms.interface import Mechanism
from causalopt.model.declaration import cycle_message

if TYPE_CHECKING:
    import networkx as nx

# The arrays that tell two sets of columns apart, and how much of them a hash looks at.
_ARRAYS = ("kinds", "offsets", "arguments")
_HASHED = 1024


@dataclass(frozen=True, eq=False)
class Columns:
    """The nodes of a network as arrays; ``ids`` below ``len(labels)`` are nodes, the rest inputs.

    ``kinds`` (n,) holds each node's mechanism, -1 for a root. The arguments of node i, in the
    order of its mechanism's arguments, are ``arguments[offsets[i]:offsets[i + 1]]``. ``levels``
    (n,) is the length of the longest path to each node.
    """

    labels: Sequence[Label]
    inputs: tuple[Label, ...]
    mechanisms: tuple[Mechanism, ...]
    kinds: Ints
    offsets: Ints
    arguments: Ints
    levels: Ints = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "levels", levels_of(self))
        for column in (self.kinds, self.offsets, self.arguments, self.levels):
            column.setflags(write=False)

    __getstate__, __setstate__ = fields_alone, restore

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, Columns) and all(
            np.array_equal(getattr(self, name), getattr(other, name))
            if name in _ARRAYS
            else getattr(self, name) == getattr(other, name)
            for name in (*_ARRAYS, "inputs", "mechanisms", "labels")
        )

    def __hash__(self) -> int:
        return self._hash

    @functools.cached_property
    def _hash(self) -> int:
        # Of a part of the arrays alone: a hash of a million nodes would cost as much as a run.
        parts = tuple(getattr(self, name)[:_HASHED].tobytes() for name in _ARRAYS)
        return hash((len(self.labels), len(self.arguments), self.mechanisms, parts))

    @functools.cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The nodes in topological order, those with one mechanism at one level together."""
        return layers_of(self.levels, self.kinds)

    @functools.cached_property
    def seen(self) -> tuple[Ints, ...]:
        """The arguments (nodes, arguments) of each of the layers."""
        return tuple(self.arguments_of_all(kind, nodes) for _, kind, nodes in self.layers)

    def arguments_of_all(self, kind: int, nodes: Ints) -> Ints:
        """The ids of the arguments of nodes of one kind: (nodes, arguments)."""
        count = 0 if kind < 0 else len(self.mechanisms[kind].arguments)
        columns = [self.arguments[self.offsets[nodes] + j] for j in range(count)]
        return np.array(columns, dtype=np.int64).reshape(count, len(nodes)).T

    def arguments_of(self, node: int) -> Ints:
        """The ids of one node's arguments, in the order of its mechanism's arguments."""
        return self.arguments[self.offsets[node] : self.offsets[node + 1]]

    def replaced(self, changes: Mapping[int, tuple[Mechanism, Sequence[int]]]) -> Columns:
        """The same nodes, some with another mechanism and the ids of its arguments."""
        kinds_of = {mechanism: kind for kind, mechanism in enumerate(self.mechanisms)}
        nodes = np.fromiter(changes, dtype=np.int64, count=len(changes))
        kinds, sizes = self.kinds.copy(), np.diff(self.offsets)
        kinds[nodes] = [kinds_of.setdefault(m, len(kinds_of)) for m, _ in changes.values()]
        sizes[nodes] = [len(seen) for _, seen in changes.values()]
        offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        arguments = np.empty(offsets[-1], dtype=np.int64)
        stay = np.ones(len(kinds), dtype=bool)
        stay[nodes] = False
        old = ranges(self.offsets[:-1][stay], self.offsets[1:][stay])
        arguments[ranges(offsets[:-1][stay], offsets[1:][stay])] = self.arguments[old]
        new = [place for _, seen in changes.values() for place in seen]
        arguments[ranges(offsets[nodes], offsets[nodes + 1])] = new
        return Columns(self.labels, self.inputs, tuple(kinds_of), kinds, offsets, arguments)


#: A mechanism, and the labels of its arguments in order.
Binding = tuple[Mechanism, Sequence[Label]]


def bind(
    labels: tuple[Label, ...], inputs: tuple[Label, ...], bindings: Sequence[Binding | None]
) -> Columns:
    """Columns from one (mechanism, argument labels) per node, None for a root."""
    place = {label: i for i, label in enumerate((*labels, *inputs))}
    kinds_of: dict[Mechanism, int] = {}
    kinds: list[int] = []
    sizes: list[int] = []
    arguments: list[int] = []
    for binding in bindings:
        if binding is None:
            kinds.append(-1)
            sizes.append(0)
            continue
        mechanism, owners = binding
        kinds.append(kinds_of.setdefault(mechanism, len(kinds_of)))
        sizes.append(len(owners))
        arguments.extend(place[owner] for owner in owners)
    return Columns(
        labels=labels,
        inputs=inputs,
        mechanisms=tuple(kinds_of),
        kinds=np.array(kinds, dtype=np.int64),
        offsets=np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]).astype(np.int64),
        arguments=np.array(arguments, dtype=np.int64),
    )


def edges(columns: Columns) -> tuple[Ints, Ints]:
    """Sources and targets of all edges between nodes, as ids."""
    targets = np.repeat(np.arange(len(columns.labels)), np.diff(columns.offsets))
    between = columns.arguments < len(columns.labels)
    return columns.arguments[between], targets[between]


def graph_of(columns: Columns) -> nx.DiGraph:
    """The graph of the nodes by their labels, edges from cause to effect."""
    import networkx as nx

    graph = nx.DiGraph()
    graph.add_nodes_from(columns.labels)
    sources, targets = edges(columns)
    labels = columns.labels
    graph.add_edges_from(
        (labels[s], labels[t]) for s, t in zip(sources.tolist(), targets.tolist(), strict=True)
    )
    return graph


def levels_of(columns: Columns) -> Ints:
    """Longest path to each node, by peeling off the nodes whose parents are all placed."""
    sources, targets = edges(columns)
    levels = _peeled(len(columns.labels), sources, targets)
    if (levels < 0).any():
        raise DeclarationError(_describe_cycle(columns, sources, targets, levels < 0))
    return levels


# Levels with fewer nodes than this are peeled one node at a time, which then is faster.
_NARROW = 64


def _peeled(count: int, sources: Ints, targets: Ints) -> Ints:
    """The level of each node, -1 on and behind a cycle."""
    order = np.argsort(sources, kind="stable")
    children = targets[order]
    first = np.concatenate([[0], np.cumsum(np.bincount(sources, minlength=count))])
    waiting = np.bincount(targets, minlength=count)
    # Kahn's way: a node whose parents are all placed is placed next.
    levels = np.full(count, -1, dtype=np.int64)
    frontier = np.flatnonzero(waiting == 0)
    level = 0
    while frontier.size:
        levels[frontier] = level
        level += 1
        if frontier.size < _NARROW:
            frontier, level = _peeled_singly(frontier, level, children, first, waiting, levels)
            continue
        reached, many = np.unique(
            children[ranges(first[frontier], first[frontier + 1])], return_counts=True
        )
        waiting[reached] -= many
        frontier = reached[waiting[reached] == 0]
    return levels


def _peeled_singly(
    frontier: Ints, level: int, children: Ints, first: Ints, waiting: Ints, levels: Ints
) -> tuple[Ints, int]:
    """Peel narrow levels after ``frontier`` node by node, up to a wide one or the end."""
    now = frontier.tolist()
    while True:
        after = []
        for node in now:
            for child in children[first[node] : first[node + 1]].tolist():
                waiting[child] -= 1
                if not waiting[child]:
                    after.append(child)
        if not after or len(after) >= _NARROW:
            return np.array(after, dtype=np.int64), level
        levels[after] = level
        level += 1
        now = after


#: A level, a kind, and the ids of the nodes of that kind at that level.
Layer = tuple[int, int, Ints]


def layers_of(levels: Ints, kinds: Ints) -> tuple[Layer, ...]:
    """The nodes in order of their levels, those of one kind together.

    >>> levels, kinds = np.array([0, 1, 1, 1]), np.array([-1, 1, 0, 1])
    >>> [(level, kind, nodes.tolist()) for level, kind, nodes in layers_of(levels, kinds)]
    [(0, -1, [0]), (1, 0, [2]), (1, 1, [1, 3])]
    """
    if not len(levels):
        return ()
    # One number for each pair (level, kind), so that a single sort puts alike nodes together.
    keys = levels * (kinds.max() + 2) + kinds + 1
    order = np.argsort(keys, kind="stable")
    cuts = np.flatnonzero(np.diff(keys[order])) + 1
    parts = np.split(order, cuts)
    return tuple((int(levels[part[0]]), int(kinds[part[0]]), part) for part in parts)


def ranges(starts: Ints, stops: Ints) -> Ints:
    """The concatenation of ``arange(start, stop)`` over all pairs.

    >>> ranges(np.array([0, 5]), np.array([2, 8])).tolist()
    [0, 1, 5, 6, 7]
    """
    sizes = stops - starts
    shift = np.repeat(starts - np.concatenate([[0], np.cumsum(sizes)[:-1]]), sizes)
    counted: Ints = np.arange(sizes.sum(), dtype=np.int64) + shift
    return counted


def _describe_cycle(columns: Columns, sources: Ints, targets: Ints, left: Bools) -> str:
    import networkx as nx

    inside = left[sources] & left[targets]
    graph = nx.DiGraph(zip(sources[inside].tolist(), targets[inside].tolist(), strict=True))
    around = [source for source, _ in nx.find_cycle(graph)]
    loop = [str(columns.labels[node]) for node in around]
    rules = [columns.mechanisms[columns.kinds[node]] for node in around]
    decided = (name for name, rule in zip(loop, rules, strict=True) if is_decision(rule))
    return cycle_message([*loop, loop[0]], next(decided, None))
