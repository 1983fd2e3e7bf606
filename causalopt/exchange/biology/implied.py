"""What algebraic rules determine without saying it: roots that are sought from the file's values.

A rule 0 = f(y) that is not linear in y goes round in a circle, y = y - f, and so does one of what
follows from y by other rules. A system solves such circles at each moment; at the start it is done
here too, where what goes wrong has a place in the file.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import cast

import networkx as nx
import numpy as np
from sympy import Add, Expr, Mul, Symbol

from causalopt.exchange.biology.numbers import evaluated, put_in
from causalopt.mechanisms.settled import TURNS, leads_nowhere


def groups_in(
    formulas: Mapping[Symbol, Expr], order: Sequence[Symbol], implied: Collection[Symbol]
) -> Iterator[list[Symbol]]:
    """What goes round in a circle together, and each other one alone, after what it follows from.

    ``order`` is that of all but the ``implied``, where these are known.

    >>> from sympy import symbols
    >>> x, y, z = symbols("x y z")
    >>> list(groups_in({y: z + 1, z: y * x, x: z**0}, [x, z], [y]))
    [[x], [z, y]]
    """
    place = {symbol: number for number, symbol in enumerate((*order, *implied))}
    graph = nx.DiGraph()
    graph.add_nodes_from(place)
    for symbol in place:
        graph.add_edges_from((s, symbol) for s in formulas[symbol].free_symbols if s in place)
    whole = nx.condensation(graph)
    for number in nx.lexicographical_topological_sort(
        whole, key=lambda n: min(place[s] for s in whole.nodes[n]["members"])
    ):
        yield sorted(whole.nodes[number]["members"], key=place.__getitem__)


def is_around(group: Sequence[Symbol], formulas: Mapping[Symbol, Expr]) -> bool:
    """Whether a group goes round in a circle."""
    return len(group) > 1 or group[0] in formulas[group[0]].free_symbols


def root_of(
    group: Sequence[Symbol],
    formulas: Mapping[Symbol, Expr],
    guesses: Mapping[Symbol, float],
    numbers: Mapping[Symbol, float],
) -> dict[Symbol, float] | None:
    """The values of a circle at the root that Newton's method comes to; None where to none.

    ``guesses`` are what the search begins at, for those at which the circle is cut open.

    Raises ``UnfitError`` where an operation on the way leaves what floats hold.

    >>> y = Symbol("y", real=True)
    >>> root_of([y], {y: y - (y**2 - 9) / 4}, {y: -2.0}, {})
    {y: -3.0}
    """
    unknowns = [s for s in group if s in guesses]
    others: dict[Symbol, Expr] = {}
    for symbol in group:
        if symbol not in guesses:
            others[symbol] = cast(Expr, put_in(formulas[symbol], others))
    off = [cast(Expr, put_in(formulas[u], others)) - u for u in unknowns]
    slopes = [[left.diff(u) for u in unknowns] for left in off]
    at = {**numbers, **{u: guesses[u] for u in unknowns}}
    for _ in range(TURNS):
        left = [_float(part, at) for part in off]
        doubts = [
            abs(rest) - 2.0**-50 * _size(part, at) for part, rest in zip(off, left, strict=True)
        ]
        step = _step(left, [[_float(slope, at) for slope in row] for row in slopes])
        if step is None:
            return None
        at.update({u: at[u] + by for u, by in zip(unknowns, step, strict=True)})
        moved = zip(unknowns, step, doubts, strict=True)
        if all(leads_nowhere(abs(by), at[u], doubt) for u, by, doubt in moved):
            found = {symbol: _float(formula, at) for symbol, formula in others.items()}
            found |= {u: at[u] for u in unknowns}
            return found if all(map(math.isfinite, found.values())) else None
    return None


def _size(formula: Expr, at: Mapping[Symbol, float]) -> float:
    """How large the parts are that a formula adds up: its rounding is a part of that."""
    factors = (
        [_float(term, at) for term in Add.make_args(part)] for part in Mul.make_args(formula)
    )
    return math.prod(sum(map(abs, terms)) for terms in factors)


def _step(left: list[float], slopes: list[list[float]]) -> list[float] | None:
    """How far Newton's method goes; None where it goes nowhere."""
    try:
        step = np.linalg.solve(np.array(slopes), -np.array(left))
    except np.linalg.LinAlgError:
        return None
    return [float(by) for by in step] if np.isfinite(step).all() else None


def _float(formula: Expr, at: Mapping[Symbol, float]) -> float:
    """What a formula comes to; NaN where that is no number."""
    found = evaluated(formula, at)
    return float(cast(Expr, found)) if getattr(found, "is_Number", False) else math.nan
