"""Which values that can be moved reach m: what nothing follows from is no axis of a landscape."""

from __future__ import annotations

from collections.abc import Iterator

import networkx as nx
from sympy import Expr

from causalopt.explorer.setting import swept_by, variable_of
from causalopt.language.symbols import Label
from causalopt.model.interface import Model


def reached_from(model: Model, key: str) -> frozenset[Label]:
    """The variables, or nodes of a model without time, that follow from what a key moves.

    A start value counts as heard where a later step reads it: one that is computed anew before it
    is read moves nothing.

    >>> from causalopt.language.symbols import parameters, variables
    >>> from causalopt.model.system import System
    >>> T, R = variables("T R")
    >>> (k,) = parameters("k")
    >>> room = System({T: R.next - 25, R: R - k * T}, start={T: 10, R: 35}, parameters={k: 0.1})
    >>> sorted(map(str, reached_from(room, "s.R"))), sorted(map(str, reached_from(room, "p.k")))
    (['R', 'T'], ['R', 'T'])
    >>> lamp = System({T: R - 25, R: R}, start={T: 10, R: 35})
    >>> sorted(map(str, reached_from(lamp, "s.T")))
    []
    """
    graph = model.graph
    heard = {variable_of(node) for node in _hearing(model, key)}
    return frozenset(heard).union(*(nx.descendants(graph, node) for node in heard))


def _hearing(model: Model, key: str) -> Iterator[Label]:
    """The nodes beyond the start that a value enters, by formulas of the start too."""
    wiring = model.wiring(model.memory) if model.has_time else model.wiring(0)
    moved = swept_by(model, key)
    changed = _following(model, moved)
    for node, parents in wiring.parents.items():
        entering = {*parents, *wiring.inputs[node]}
        if entering.isdisjoint(changed):
            continue
        # Nodes come after their causes, so that one pass finds all that follow.
        changed.add(node)
        if not model.has_time or model.key_of(node)[1] > 0:
            yield node


def _following(model: Model, moved: Label) -> set[Label]:
    """A value, and the parameters whose formulas follow from it."""
    found = {moved}
    formulas = {label: model.formula_of(label) for label in model.parameters}
    for _ in formulas:
        found |= {
            label
            for label, formula in formulas.items()
            if isinstance(formula, Expr) and not formula.free_symbols.isdisjoint(found)
        }
    return found
