"""Sums of a product of factors, by a tree of cliques: never over all variables at once.

The moral graph joins the variables that stand in one factor. An order of elimination cuts it into
bags, which form a tree (a tree decomposition); each bag holds a product over its own variables, and
tells its neighbour in the tree the sum over those that the neighbour does not have (Shafer and
Shenoy 1990). So the largest table that is made is that of the largest bag.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import networkx as nx
import numpy as np
from networkx.algorithms import approximation

from causalopt.distributions.inference.factors import Factor, product
from causalopt.ground.errors import TooLargeError
from causalopt.ground.memory import refuse_what_does_not_fit

#: Ways to find an order of elimination, of which the one with the smaller tables is taken.
Ordering = Callable[[nx.Graph], tuple[int, nx.Graph]]
ORDERINGS: tuple[Ordering, ...] = (
    approximation.treewidth_min_fill_in,
    approximation.treewidth_min_degree,
)

Bag = frozenset[int]

# Where filling in would take longer than the sums: its time goes with the square of the variables.
_MANY = 600
# An array has at most 32 axes in the oldest NumPy that is supported, and no more entries than this.
_MOST_STATES = 2**31
# A number in a product and beside it, as a float or as an element of a field.
_FOR_FLOAT, _FOR_ELEMENT = 24, 320


#: What each bag has told its neighbours, by the two of them.
Messages = dict[tuple[Bag, Bag], Factor]


@dataclass(frozen=True, eq=False)
class Cliques:
    """Bags of variables in a tree, each with the factors that it holds."""

    tree: nx.Graph
    held: Mapping[Bag, Sequence[Factor]]

    def total(self, wanted: Bag) -> Factor:
        """The product of all factors, summed over all variables but those wanted, in one bag."""
        root = next(bag for bag in self.tree if wanted <= bag)
        told: Messages = {}
        for child, parent in self._inward(root):
            told[child, parent] = self._belief(child, told, parent).summed(parent)
        return self._belief(root, told).summed(wanted)

    def each(self, variables: Iterable[int]) -> dict[int, Factor]:
        """The product of all factors, summed over all variables but one, for each of them."""
        inward = self._inward(next(iter(self.tree)))
        told: Messages = {}
        for child, parent in inward:
            told[child, parent] = self._belief(child, told, parent).summed(parent)
        for child, parent in reversed(inward):
            told[parent, child] = self._belief(parent, told, child).summed(child)
        homes = {variable: bag for bag in self.tree for variable in bag}
        beliefs = {bag: self._belief(bag, told) for bag in {homes[v] for v in variables}}
        return {v: beliefs[homes[v]].summed({v}) for v in variables}

    def _inward(self, root: Bag) -> list[tuple[Bag, Bag]]:
        """The edges towards a root, those farthest from it first."""
        return [(child, parent) for parent, child in nx.bfs_edges(self.tree, root)][::-1]

    def _belief(self, bag: Bag, told: Messages, to: Bag | None = None) -> Factor:
        """What a bag holds, and all that its neighbours have told it, but for the one it tells."""
        heard = [told[other, bag] for other in self.tree[bag] if other not in (to, bag)]
        return product([*self.held[bag], *heard])


def cliques_of(
    factors: Sequence[Factor],
    together: Iterable[int] = (),
    orderings: Sequence[Ordering] = ORDERINGS,
) -> Cliques:
    """The bags of some factors, with one that holds all of the variables that are wanted together.

    Raises ``TooLargeError``, before anything is multiplied, that says how large a table would be.
    """
    graph = nx.Graph()
    sizes: dict[int, int] = {}
    wanted = tuple(together)
    for factor in factors:
        sizes |= zip(factor.variables, factor.table.shape, strict=True)
    for clique in (wanted, *(factor.variables for factor in factors)):
        graph.add_nodes_from(clique)
        graph.add_edges_from(itertools.combinations(clique, 2))
    tree = _tree(graph, sizes, orderings)
    _refuse_too_large(tree, sizes, is_exact=any(f.table.dtype == object for f in factors))
    held: dict[Bag, list[Factor]] = {bag: [] for bag in tree}
    of_variable: dict[int, list[Bag]] = {variable: [] for variable in graph}
    for bag in tree:
        for variable in bag:
            of_variable[variable].append(bag)
    for factor in factors:
        scope = frozenset(factor.variables)
        # A clique of the graph is inside a bag; one variable of it says where to look.
        near = of_variable[factor.variables[0]] if scope else list(tree)
        held[next(bag for bag in near if scope <= bag)].append(factor)
    return Cliques(tree, {bag: own or [_one(factors)] for bag, own in held.items()})


def _tree(graph: nx.Graph, sizes: Mapping[int, int], orderings: Sequence[Ordering]) -> nx.Graph:
    """The tree with the least largest table, of those that the orderings give."""
    if not graph:
        tree = nx.Graph()
        tree.add_node(frozenset())
        return tree
    tried = orderings if len(graph) <= _MANY else orderings[-1:]
    trees = [ordering(graph)[1] for ordering in tried]
    return min(trees, key=lambda tree: max(_states(bag, sizes) for bag in tree))


def _states(bag: Bag, sizes: Mapping[int, int]) -> int:
    return math.prod(sizes[variable] for variable in bag)


def _refuse_too_large(tree: nx.Graph, sizes: Mapping[int, int], *, is_exact: bool) -> None:
    bag = max(tree, key=lambda bag: _states(bag, sizes))
    states = _states(bag, sizes)
    what = f"A factor over {len(bag)} nodes, with {states:,} joint states,"
    remedy = "Ask about fewer nodes at once, take fewer values, or let nodes have fewer parents."
    if states > _MOST_STATES:
        raise TooLargeError(f"{what} is larger than an array can be. {remedy}")
    refuse_what_does_not_fit((_FOR_ELEMENT if is_exact else _FOR_FLOAT) * states, what, remedy)


def _one(factors: Sequence[Factor]) -> Factor:
    """A factor of no variables that changes nothing, in the numbers of the others."""
    kind = factors[0].table.dtype if factors else np.float64
    return Factor((), np.array(1, dtype=kind))
