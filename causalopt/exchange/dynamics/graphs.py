"""Graphical functions: checked points, the number between them, and the same as a formula."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from itertools import pairwise

from sympy import Expr, Float, Integer, Piecewise

from causalopt.exchange.dynamics.syntax import GraphicalFunction
from causalopt.exchange.reading import FileText

#: The most points of one graphical function: each is a branch of a formula.
MOST_POINTS = 500
KINDS = ("continuous", "extrapolate", "discrete")


def graph_of(
    source: FileText, points: Sequence[tuple[float, float]], kind: str, offset: int
) -> GraphicalFunction:
    """A graphical function, or ``FileError`` for points that are no function."""
    if len(points) < 2:
        told = "a graphical function has fewer than two points here: write two or more."
        raise source.refusal(offset, told)
    if len(points) > MOST_POINTS:
        told = f"a graphical function has more than {MOST_POINTS} points (MOST_POINTS)."
        raise source.refusal(offset, told)
    for (before, _), (after, _) in pairwise(points):
        if not before < after:
            told = (
                f"a graphical function goes from x = {before:g} to x = {after:g}: write points in "
                "the order of x, each x once."
            )
            raise source.refusal(offset, told)
    return GraphicalFunction(tuple(points), kind, offset)


def number(value: float) -> Expr:
    """A number as sympy writes it: a whole one exactly, since 1 disappears from a formula.

    >>> number(2.0), number(0.5)
    (2, 0.500000000000000)
    """
    return Integer(int(value)) if value.is_integer() and abs(value) < 2**53 else Float(value)


def _slopes(graph: GraphicalFunction) -> list[float]:
    """How steep a function is behind each point but the last."""
    if graph.kind == "discrete":
        return [0.0] * (len(graph.points) - 1)
    return [(v - u) / (y - x) for (x, u), (y, v) in pairwise(graph.points)]


def value_at(graph: GraphicalFunction, x: float) -> float:
    """The number that a graphical function gives.

    >>> curve = GraphicalFunction(((0.0, 1.0), (2.0, 2.0)), "continuous", 0)
    >>> value_at(curve, 1.0), value_at(curve, 5.0)
    (1.5, 2.0)
    """
    goes_on, points = graph.kind == "extrapolate", graph.points
    at = bisect.bisect_right(points, x, key=lambda point: point[0]) - 1
    if not goes_on and not 0 <= at < len(points) - 1:
        return points[max(at, 0)][1]
    segment = min(max(at, 0), len(points) - 2)
    start, height = points[segment]
    return _slopes(graph)[segment] * (x - start) + height


def formula_at(graph: GraphicalFunction, x: Expr) -> Expr:
    """The same as a formula, one branch for each stretch between points.

    >>> from sympy import Symbol
    >>> curve = GraphicalFunction(((0.0, 1.0), (2.0, 2.0)), "continuous", 0)
    >>> formula_at(curve, Symbol("x"))
    Piecewise((1, x < 0), (0.5*x + 1, x < 2), (2, True))
    """
    goes_on, points = graph.kind == "extrapolate", graph.points
    lines = [
        number(slope) * (x - number(start)) + number(height)
        for slope, (start, height) in zip(_slopes(graph), points, strict=False)
    ]
    ends = [x < number(end) for end, _ in points[1:]]
    if goes_on:
        ends[-1] = True
        return Piecewise(*zip(lines, ends, strict=True))
    first, last = number(points[0][1]), number(points[-1][1])
    branches = [(first, x < number(points[0][0])), *zip(lines, ends, strict=True), (last, True)]
    return Piecewise(*branches)
