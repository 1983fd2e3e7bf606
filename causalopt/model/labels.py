"""The labels of a network's nodes: where each is found, and how users name them."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeGuard

import numpy as np
from sympy import Symbol

from causalopt.ground.errors import QueryError, nearest
from causalopt.language.domains import REAL, Domain, domain_of
from causalopt.language.naming import apart
from causalopt.language.symbols import Label, Node, NodeSet, Parameter, Stage, Variable
from causalopt.model.selection import parameter_message
from causalopt.model.template import owner_of


class Labels(Mapping[Label, int]):
    """The id of each node and input of a network, and which of them a user names.

    Nodes labelled by a range need no table of them.

    >>> places = Labels(range(10, 10**6), ("k",))
    >>> places[12], places["k"], "q" in places
    (2, 999990, False)
    """

    def __init__(self, labels: Sequence[Label], inputs: Sequence[Label]) -> None:
        self._labels, self._inputs = labels, inputs
        self._range = labels if isinstance(labels, range) else range(0)
        named = [*([] if isinstance(labels, range) else labels), *inputs]
        self._table = {label: len(self._range) + i for i, label in enumerate(named)}

    def __getitem__(self, label: Label) -> int:
        if not isinstance(label, int | np.integer) or isinstance(label, bool):
            return self._table[label]
        # As an int, for a range would be searched from its start for any other type.
        number = int(label)
        return self._range.index(number) if number in self._range else self._table[label]

    def __iter__(self) -> Iterator[Label]:
        yield from self._labels
        yield from self._inputs

    def __len__(self) -> int:
        return len(self._labels) + len(self._inputs)

    @functools.cached_property
    def names(self) -> tuple[str, ...]:
        """The nodes as they are called in results, in their order: no two alike."""
        return apart(self._labels)

    @functools.cached_property
    def symbols(self) -> frozenset[Symbol]:
        """The nodes and inputs that are symbols, and so can stand in a formula."""
        return frozenset(label for label in self if isinstance(label, Symbol))

    @property
    def nodes(self) -> Sequence[Label]:
        """The labels of the nodes alone."""
        return self._labels

    @functools.cached_property
    def limited(self) -> tuple[tuple[int, Domain], ...]:
        """The places of nodes of whose values something is assumed, and their domains."""
        return tuple(pair for pair in self._special if pair[1].limits)

    @property
    def has_arrays(self) -> bool:
        """Whether some nodes hold arrays."""
        return any(domain.shape for _, domain in self._special)

    @functools.cached_property
    def _special(self) -> tuple[tuple[int, Domain], ...]:
        """The places of nodes that are no mere numbers, and their domains."""
        named = () if isinstance(self._labels, range) else self._labels
        return tuple(pair for pair in enumerate(map(domain_of, named)) if pair[1] is not REAL)

    def name_of(self, label: Label) -> str:
        """A node as it is called in results."""
        place = self.get(label, len(self._labels))
        return self.names[place] if place < len(self._labels) else str(label)

    def find(self, text: str) -> Label:
        """The node of this name, or the text itself."""
        named = zip(self._labels, self.names, strict=True)
        return next((label for label, name in named if name == text), text)

    def locate(self, node: object) -> Label:
        """The node itself, or an error that names the nearest one."""
        if _can_be_label(node) and self.get(node, math.inf) < len(self._labels):
            return node
        if isinstance(node, Parameter):
            raise QueryError(parameter_message(node))
        raise QueryError(
            f"{node} is not a node of this network." + nearest(node, self._labels[:1000])
        )

    def select(self, target: object) -> list[Label]:
        """The nodes that a user names, and the inner stages between two of them."""
        named = self._named(target)
        return named + self._between(named)

    def _between(self, named: Sequence[Label]) -> list[Label]:
        """The inner stages both of whose ends are named, one by one."""
        ends = {label for label in named if isinstance(label, Node)}
        if len(ends) < 2:
            return []
        stages = (node for node in self._timed() if isinstance(node.variable, Stage))
        return [
            node for node in stages
            if node not in ends
            and all(Node(owner_of(node.variable), node.step - back) in ends for back in (0, 1))
        ]  # fmt: skip

    def _named(self, target: object) -> list[Label]:
        """The nodes that a user names: a label, a variable over time (unrolled), or a list."""
        if _can_be_label(target) and target in self:
            return [self.locate(target)]
        if isinstance(target, np.ndarray):
            target = target.tolist()
        if isinstance(target, range) and len(target):
            return [self.locate(label) for label in target]
        if isinstance(target, list | tuple | set | frozenset) and target:
            return [label for part in target for label in self._named(part)]
        if isinstance(target, NodeSet | Variable):
            nodes = target if isinstance(target, NodeSet) else NodeSet(target, 0, None)
            over_time: list[Label] = [n for n in self._timed() if _is_among(n, nodes)]
            if over_time:
                return over_time
        if isinstance(target, list | tuple | set | frozenset | range) and not target:
            raise QueryError(f"{target!r} names no node: write one, or a list of one or more.")
        # Raises, for this is no node; where it is one after all, it stands for itself.
        return [self.locate(target)]

    def select_any(self, target: object) -> set[Label]:
        """The nodes that a user names, which may be none."""
        is_none = isinstance(target, list | tuple | set | frozenset) and not target
        return set() if is_none else set(self._named(target))

    def check_swept(self, target: object) -> None:
        """Raise ``QueryError`` for what is neither a node nor a parameter."""
        if not isinstance(target, Parameter):
            self.select(target)
        elif target not in self._inputs:
            raise QueryError(
                f"over names the parameter {target}, which this model does not have."
                + nearest(target, self._inputs)
            )

    def onward(self, target: object) -> list[Label]:
        """The nodes of an unrolled system that a user names, and the same at every later step."""
        first: dict[object, int] = {}
        for label in self.select(target):
            if not isinstance(label, Node):
                raise QueryError(
                    f"{label} has no later step, for it has no time: leave every_step out."
                )
            first[label.variable] = min(label.step, first.get(label.variable, label.step))
        # A nudge is made at the ends of steps: inner stages are computed, not nudged.
        ends = (node for node in self._timed() if not isinstance(node.variable, Stage))
        return [node for node in ends if node.step >= first.get(node.variable, math.inf)]

    def _timed(self) -> Iterator[Node]:
        return (label for label in self._labels if isinstance(label, Node))


def _is_among(node: Node, nodes: NodeSet) -> bool:
    """Whether a node is one of a variable's over some steps, or an inner stage between two."""
    stop = math.inf if nodes.stop is None else nodes.stop
    if isinstance(node.variable, Stage):
        # A stage belongs to the step that ends at its number, and so lies between two nodes.
        return node.variable.owner == nodes.variable and nodes.start < node.step < stop
    return node.variable == nodes.variable and nodes.start <= node.step < stop


def _can_be_label(given: object) -> TypeGuard[Label]:
    """Whether it has a hash: what holds a list has none, though it be a tuple."""
    try:
        hash(given)
    except TypeError:
        return False
    return True
