"""Which values that can be moved reach m: what nothing follows from is no axis of a landscape."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import networkx as nx
from sympy import Expr

from causalopt.explorer.setting import variable_of
from causalopt.language.symbols import Label
from causalopt.model.interface import Model


@dataclass(frozen=True)
class Ways:
    """What enters what in a model: parameters, and the nodes of as many steps as it looks back."""

    model: Model
    graph: nx.DiGraph

    @classmethod
    def of(cls, model: Model) -> Ways:
        """The ways of a model."""
        return cls(model, nx.DiGraph(_entering(model)))

    def reached(self, moved: Label) -> frozenset[Label]:
        """The variables, or nodes of a model without time, that follow from a value that is moved.

        A start value counts where a later step reads it: one that is computed anew before it is
        read moves nothing.

        >>> from causalopt.language.symbols import parameters, variables
        >>> from causalopt.model.system import System
        >>> T, R = variables("T R")
        >>> (k,) = parameters("k")
        >>> rules = {T: R.next - 25, R: R - k * T}
        >>> room = Ways.of(System(rules, start={T: 10, R: 35}, parameters={k: 0.1}))
        >>> sorted(map(str, room.reached(k))), sorted(map(str, room.reached(R[0])))
        (['R', 'T'], ['R', 'T'])
        >>> Ways.of(System({T: R, R: R}, start={T: 1, R: 2})).reached(T[0])
        frozenset()
        """
        if moved not in self.graph:
            return frozenset()
        found = nx.descendants(self.graph, moved) - set(self.model.parameters)
        later = {variable_of(node) for node in found if self._is_later(node)}
        return frozenset(later).union(*(nx.descendants(self.model.graph, one) for one in later))

    def _is_later(self, node: Label) -> bool:
        return not self.model.has_time or self.model.key_of(node)[1] > 0


def _entering(model: Model) -> Iterator[tuple[Label, Label]]:
    """What enters, and what it enters: a node by its mechanism, a parameter by its formula."""
    wiring = model.wiring(model.memory if model.has_time else 0)
    for entering in (wiring.parents, wiring.inputs):
        yield from ((source, node) for node, sources in entering.items() for source in sources)
    for label in model.parameters:
        formula = model.formula_of(label)
        if isinstance(formula, Expr):
            yield from ((symbol, label) for symbol in formula.free_symbols)
