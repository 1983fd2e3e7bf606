"""Moves of a Markov chain as data: which states a move may lead to, and in which order.

A move picks a set of states that the present one is in, with a chance that is the same for all of
its members; a rule then says which member is next. So every move is symmetric.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import cast

import networkx as nx
import numpy as np

from causalopt.distributions.finite.states import refuse_too_many
from causalopt.ground.checks import as_list, shown
from causalopt.ground.errors import DeclarationError
from causalopt.ground.types import Ints
from causalopt.language.domains import Value
from causalopt.language.finite_variables import Finite

Variables = tuple[Finite, ...]

_PAIRS = '[("a", "b"), ("b", "c")]'


@dataclass(frozen=True, eq=False)
class Family:
    """Sets of states (sets, members) that a move picks with a chance, each the same."""

    chance: float
    sets: Ints


#: Families of which one is picked; the factors of a step come one after the other.
Factor = tuple[Family, ...]


@dataclass(frozen=True)
class Flips:
    """One variable a step, picked by chance, to another of its values."""

    def factors(self, variables: Variables) -> list[Factor]:
        """One factor, with one family a variable."""
        chance = 1.0 / len(variables)
        return [tuple(Family(chance, columns_of(variables, v)) for v in variables)]


@dataclass(frozen=True)
class Sweeps:
    """Every variable in turn within one step, each to another of its values."""

    def factors(self, variables: Variables) -> list[Factor]:
        """One factor a variable, in their order."""
        return [(Family(1.0, columns_of(variables, v)),) for v in variables]


@dataclass(frozen=True)
class Steps:
    """From a value of one variable to its neighbours, each with the same chance; made by ``of``."""

    pairs: tuple[tuple[Value, Value], ...]

    @classmethod
    def of(
        cls,
        neighbours: nx.Graph | Iterable[tuple[Value, Value]] | Mapping[Value, Iterable[Value]],
    ) -> Steps:
        """Steps along the edges of an undirected networkx graph, a list of pairs, or a dict.

        A dict gives each value its neighbours: {"a": ["b"], "b": ["a", "c"], "c": ["b"]}.

        Raises ``DeclarationError`` where a step leads one way only: moves must be symmetric; and
        for what is no pair.

        >>> Steps.of([("a", "b"), ("b", "c")]).pairs
        (('a', 'b'), ('b', 'c'))
        """
        if isinstance(neighbours, nx.DiGraph):
            neighbours = {here: list(neighbours.successors(here)) for here in neighbours}
        if isinstance(neighbours, nx.Graph):
            neighbours = list(neighbours.edges)
        if isinstance(neighbours, Mapping):
            neighbours = _both_ways(neighbours)
        pairs: dict[tuple[Value, Value], None] = {}
        for pair in as_list(neighbours, "neighbours", _PAIRS):
            here, there = _ends(pair)
            if here != there and (there, here) not in pairs:
                pairs[here, there] = None
        return cls(tuple(pairs))

    @property
    def degree(self) -> int:
        """The largest number of neighbours of a value."""
        ends = [value for pair in self.pairs for value in pair]
        return max((ends.count(value) for value in dict.fromkeys(ends)), default=0)

    def codes(self, variable: Finite) -> Ints:
        """The pairs (pairs, 2) as places of the variable's values."""
        where = "moves"
        places = [[variable.code(value, where) for value in pair] for pair in self.pairs]
        return np.array(places, dtype=np.int64).reshape(-1, 2)

    def factors(self, variables: Variables) -> list[Factor]:
        """One factor, with the pairs as its family."""
        if len(variables) != 1:
            raise DeclarationError(
                f"Steps move one variable, and the state has {len(variables)}: take Flips() or "
                "Sweeps(), or number the joint states as the values of one variable."
            )
        self.check(variables[0])
        # A pair is picked with the chance of one slot, whichever of its two ends the state is at.
        return [(Family(1.0 / max(self.degree, 1), self.codes(variables[0])),)]

    def slots(self, variable: Finite) -> Ints:
        """The neighbour of each value in each of ``degree`` slots; itself where it has fewer."""
        neighbours = np.repeat(np.arange(variable.size)[:, None], self.degree, axis=1)
        filled = np.zeros(variable.size, dtype=np.int64)
        for here, there in self.codes(variable).tolist():
            for a, b in ((here, there), (there, here)):
                neighbours[a, filled[a]] = b
                filled[a] += 1
        return neighbours

    def check(self, variable: Finite) -> None:
        """Every value can be reached from the first one."""
        graph = nx.Graph(self.codes(variable).tolist())
        graph.add_nodes_from(range(variable.size))
        reached = nx.node_connected_component(graph, 0)
        missing = [name for i, name in enumerate(variable.domain.names) if i not in reached]
        if missing:
            raise DeclarationError(
                f"The moves do not connect the states: {variable} = {missing[0]} cannot be reached "
                f"from {variable} = {variable.domain.names[0]}. Add a step that leads there."
            )


#: How a state may change in a step.
Moves = Flips | Sweeps | Steps


def columns_of(variables: Variables, variable: Finite) -> Ints:
    """The joint states (sets, values) that differ in one variable alone."""
    shape = [v.size for v in variables]
    refuse_too_many(math.prod(shape), "All moves", 16)
    states = np.arange(math.prod(shape), dtype=np.int64).reshape(shape)
    return np.moveaxis(states, variables.index(variable), -1).reshape(-1, variable.size)


def as_moves(given: object) -> Moves:
    """Moves, or a ``DeclarationError``: whatever else would be taken for one of the kinds."""
    if isinstance(given, Flips | Sweeps | Steps):
        return given
    raise DeclarationError(
        f"moves is {shown(given)} ({type(given).__name__}): write Flips(), Sweeps(), or "
        f"Steps.of({_PAIRS})."
    )


def _ends(pair: object) -> tuple[Value, Value]:
    """The two values that a step leads between."""
    # A row of an array is a pair too; of one number there is no end.
    row = pair.tolist() if isinstance(pair, np.ndarray) else pair
    ends = tuple(row) if isinstance(row, tuple | list) else ()
    if len(ends) != 2 or not all(isinstance(end, Hashable) for end in ends):
        raise DeclarationError(
            f"neighbours holds {shown(pair)}: write pairs of values, such as {_PAIRS}, or a graph."
        )
    here, there = ends
    return here, there


def _both_ways(neighbours: Mapping[Value, Iterable[Value]]) -> list[tuple[Value, Value]]:
    listed = {
        here: cast(list[Value], as_list(there, f"neighbours[{here!r}]", '["b"]'))
        for here, there in neighbours.items()
    }
    for here, there in ((a, b) for a, many in listed.items() for b in many):
        if here not in listed.get(there, []):
            raise DeclarationError(
                f"The moves are not symmetric: {here!r} leads to {there!r}, and not back. Name "
                f"{here!r} among the neighbours of {there!r}."
            )
    return [(here, there) for here, many in listed.items() for there in many]
