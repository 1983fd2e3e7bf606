"""Integrators: explicit Runge-Kutta methods as tables, and the step that one makes of a rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sympy
from sympy import Add, Expr, Mul, Rational, Symbol

from causalopt.language.symbols import Parameter, Stage, Variable, time
from causalopt.mechanisms.symbolic import Expression


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
    rates: Mapping[Variable, Expression],
    variable: Variable,
    formula: Expression,
) -> dict[Variable, Expression]:
    """The stages and the step of one variable.

    Stage j is v + dt sum_l matrix[j][l] f(stage l), and the step is v + dt sum_l weights[l]
    f(stage l). The other variables' stages are named, not repeated, so that clamping a variable
    clamps what the others see of it inside the step.
    """

    def slope(number: int) -> Expr:
        seen: dict[Symbol, Expr] = {time: time + method.nodes[number] * size}
        if number:
            seen.update({v: Stage(v, number + 1).next for v in rates})
        return formula.formula.xreplace(seen)

    def combined(weights: tuple[Rational, ...]) -> Expr:
        used = [(w, slope(j)) for j, w in enumerate(weights) if w]
        return Add(variable, *(Mul(w, size, f) for w, f in used))

    stages = {
        Stage(variable, j + 1): Expression(combined(row))
        for j, row in enumerate(method.matrix)
        if row
    }
    return {**stages, variable: Expression(combined(method.weights))}
