"""Integrators: explicit Runge-Kutta methods as tables, and the steps that they make of rates."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass

import sympy
from sympy import Expr, Float, Mul, Rational, Symbol

from causalopt.language.symbols import Next, Parameter, Past, Stage, Variable, time
from causalopt.mechanisms.crossing import SHARE
from causalopt.mechanisms.increments import Increment
from causalopt.mechanisms.interface import Mechanism

_HALF = Rational(1, 2)

# With so few variables, a step is one formula, whose parts sympy orders and shares as a whole.
_FEW = 8


@dataclass(frozen=True)
class Method:
    """An explicit Runge-Kutta method as its tableau (Butcher 1963): nodes, matrix, weights.

    ``along`` are the weights that give the state when a ``SHARE`` of the step has passed: those of
    the method's natural continuous extension, with which delays keep its order (Zennaro 1986).
    """

    nodes: tuple[Rational, ...]
    matrix: tuple[tuple[Rational, ...], ...]
    weights: tuple[Rational, ...]
    along: tuple[Expr, ...]

    @property
    def halfway(self) -> tuple[Expr, ...] | None:
        """The weights that give the middle of a step; None where no stage looks there."""
        if _HALF not in self.nodes:
            return None
        return tuple(weight.xreplace({SHARE: _HALF}) for weight in self.along)

    @property
    def middle(self) -> int:
        """The number of the stage that stands for the middle of a step."""
        return len(self.nodes) + 1


_ZERO, _ONE = sympy.Integer(0), sympy.Integer(1)
METHODS: Mapping[str, Method] = {
    "euler": Method((_ZERO,), ((),), (_ONE,), (SHARE,)),
    "rk4": Method(
        (_ZERO, _HALF, _HALF, _ONE),
        ((), (_HALF,), (_ZERO, _HALF), (_ZERO, _ZERO, _ONE)),
        (Rational(1, 6), Rational(1, 3), Rational(1, 3), Rational(1, 6)),
        (
            SHARE - Rational(3, 2) * SHARE**2 + Rational(2, 3) * SHARE**3,
            SHARE**2 - Rational(2, 3) * SHARE**3,
            SHARE**2 - Rational(2, 3) * SHARE**3,
            -Rational(1, 2) * SHARE**2 + Rational(2, 3) * SHARE**3,
        ),
    ),
}


@dataclass(frozen=True)
class MethodStep:
    """A step of a method over some variables, ``size`` long: what it assigns for each of them.

    The variables' stages are named, not repeated, so that clamping a variable clamps what the
    others see of it inside the step. Where some are ``delayed``, each has its middle of a step too.
    """

    method: Method
    size: Parameter
    variables: tuple[Variable, ...]
    delayed: bool

    @functools.cached_property
    def _places(self) -> frozenset[Variable]:
        return frozenset(self.variables)

    def of(
        self, rates: Mapping[Variable, Mechanism], equations: Mapping[Variable, Mechanism]
    ) -> dict[Variable, Mechanism]:
        """The stages and the steps of all variables."""
        assigned: dict[Variable, Mechanism] = {}
        for variable, rate in rates.items():
            assigned |= self.along(variable, rate)
        for variable, equation in equations.items():
            assigned |= self.of_equation(variable, equation)
        return assigned

    def along(self, variable: Variable, rate: Mechanism) -> dict[Variable, Mechanism]:
        """The stages and the step of a variable that has a rate of change.

        Stage j is v + dt sum_l matrix[j][l] f(stage l), and the step is v + dt sum_l weights[l]
        f(stage l).
        """

        def combined(weights: tuple[Expr, ...]) -> Mechanism:
            parts = [(Mul(w, self.size), self._seen(rate, j)) for j, w in enumerate(weights) if w]
            if len(self.method.nodes) == 1 or len(self.variables) <= _FEW:
                return rate.increment(variable, parts)
            return Increment.of(variable, rate, parts)

        method = self.method
        inner = [(j + 1, row) for j, row in enumerate(method.matrix) if j]
        stages = {_seen_at(variable, j).variable: combined(row) for j, row in inner}
        if self._has_middle:
            stages[Stage(variable, method.middle)] = combined(method.halfway or ())
        return {**stages, variable: combined(method.weights)}

    def of_equation(self, variable: Variable, equation: Mechanism) -> dict[Variable, Mechanism]:
        """The stages and the step of a variable with an equation, which holds at each of them."""
        stages = {j + 1: node for j, node in enumerate(self.method.nodes) if j}
        if self._has_middle:
            stages[self.method.middle] = _HALF
        inner = {
            Stage(variable, number): equation.renamed(self._inside(equation, number, node))
            for number, node in stages.items()
        }
        return {**inner, variable: equation}

    @property
    def _has_middle(self) -> bool:
        return self.delayed and self.method.halfway is not None

    def _seen(self, rate: Mechanism, stage: int) -> dict[Symbol, Expr]:
        """What a rate sees at a stage: the variables there and at earlier times, and the time."""
        node = self.method.nodes[stage]
        terms: dict[Symbol, Expr] = {time: time + node * self.size}
        if stage:
            terms |= {v: _seen_at(v, stage + 1) for v in rate.arguments if v in self._places}
        pasts = [s for s in rate.arguments if isinstance(s, Past)] if node else []
        return terms | {s: self._past(s.variable, s.by - 1, node) for s in pasts}

    def _inside(self, equation: Mechanism, number: int, node: Rational) -> dict[Symbol, Expr]:
        """What an equation of the end of a step sees inside it."""
        terms: dict[Symbol, Expr] = {time: time + (node - 1) * self.size}
        for symbol in equation.arguments:
            if isinstance(symbol, Next):
                terms[symbol] = Stage(symbol.variable, number).next
            elif isinstance(symbol, Past):
                terms[symbol] = self._past(symbol.variable, symbol.by, node)
            elif isinstance(symbol, Variable):
                terms[symbol] = self._past(symbol, 0, node)
        return terms

    def _past(self, variable: Variable, steps: int, node: Rational) -> Symbol:
        """A variable at a part of the step that ended so many steps before this one began."""
        there = variable if node == 1 else Stage(variable, self.method.middle)
        return Past(there, steps) if steps else there


@functools.lru_cache(maxsize=1 << 16)
def _seen_at(variable: Variable, stage: int) -> Next:
    """A variable at a stage of the step: the same symbol each time, which is quick to compare."""
    return Stage(variable, stage).next


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
