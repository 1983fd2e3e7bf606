"""Integrators: explicit Runge-Kutta methods as tables, and the step that one makes of a rate."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import sympy
from sympy import Expr, Float, Mul, Rational, Symbol

from causalopt.language.symbols import Parameter, Stage, Variable, time
from causalopt.mechanisms.interface import Mechanism


@dataclass(frozen=True)
class Method:
    """An explicit Runge-Kutta method as its tableau (Butcher 1963): nodes, matrix, weights."""

    nodes: tuple[Rational, ...]
    matrix: tuple[tuple[Rational, ...], ...]
    weights: tuple[Rational, ...]


_HALF = Rational(1, 2)
_ZERO, _ONE = sympy.Integer(0), sympy.Integer(1)
METHODS: Mapping[str, Method] = {
    "euler": Method((_ZERO,), ((),), (_ONE,)),
    "rk4": Method(
        (_ZERO, _HALF, _HALF, _ONE),
        ((), (_HALF,), (_ZERO, _HALF), (_ZERO, _ZERO, _ONE)),
        (Rational(1, 6), Rational(1, 3), Rational(1, 3), Rational(1, 6)),
    ),
}


def runge_kutta(
    method: Method,
    size: Parameter,
    variables: Iterable[Variable],
    variable: Variable,
    rate: Mechanism,
) -> dict[Variable, Mechanism]:
    """The stages and the step of one of the ``variables``, with the parameter ``size`` as dt.

    Stage j is v + dt sum_l matrix[j][l] f(stage l), and the step is v + dt sum_l weights[l]
    f(stage l). The other variables' stages are named, not repeated, so that clamping a variable
    clamps what the others see of it inside the step.
    """
    every = tuple(variables)

    def seen(stage: int) -> dict[Symbol, Expr]:
        """What the rate sees at a stage: the variables there, and the time that it stands for."""
        terms: dict[Symbol, Expr] = {time: time + method.nodes[stage] * size}
        if stage:
            terms |= {v: Stage(v, stage + 1).next for v in every}
        return terms

    def combined(weights: tuple[Rational, ...]) -> Mechanism:
        parts = [(Mul(weight, size), seen(j)) for j, weight in enumerate(weights) if weight]
        return rate.increment(variable, parts)

    stages = {Stage(variable, j + 1): combined(row) for j, row in enumerate(method.matrix) if row}
    return {**stages, variable: combined(method.weights)}


def on_clock(
    mechanisms: Mapping[Variable, Mechanism],
    dt: float | Parameter | None,
    length: float | None,
    method: str | None,
) -> dict[Variable, Mechanism]:
    """The mechanisms with their conditions on time as conditions on steps, ``length`` long each.

    A method looks at times inside a step too. Raises ``DeclarationError`` for a condition that no
    time meets; without a ``dt``, time counts steps, and is as it is.
    """
    if dt is None or length is None:
        return dict(mechanisms)
    size = dt if isinstance(dt, Parameter) else Float(dt)
    nodes = METHODS[method].nodes if method is not None else ()
    pieces = math.lcm(*(int(node.q) for node in nodes))
    return {v: m.in_steps(size, length / pieces, str(v)) for v, m in mechanisms.items()}
