"""Implicit steps: Rosenbrock methods as tables, each step of which solves linear equations.

A stage's equations are (I - h gamma J) u = ..., with J the derivatives of the rates. The row of a
variable that is held comes last: nothing that is eliminated before depends on it.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass

from sympy import Add, Expr, Float, Integer, Mul, Rational, Symbol

from causalopt.ground.errors import DeclarationError
from causalopt.language.symbols import Next, Past, Rise, Stage, Variable, time
from causalopt.mechanisms.elimination import eliminated, order_of, solved
from causalopt.mechanisms.integrators import Method, Stride
from causalopt.mechanisms.interface import ONE, ZERO, Mechanism
from causalopt.mechanisms.symbolic import Expression

# Stages of a variable, by number: its values at the method's stages, what is left of a right-hand
# side when the rows above are eliminated, and from _ENTRY on the entries of its row, by column.
_LEFT, _ENTRY = 1 << 8, 1 << 9


@dataclass(frozen=True)
class Rosenbrock(Method):
    """A Rosenbrock method as its table, for u_i, the rises of the variables in stage i of a step.

    (I - h gamma J) u_i = h gamma f(t + nodes_i h, y + sum_j matrix_ij u_j)
    + gamma sum_j coupling_ij u_j + h^2 gamma slopes_i df/dt, and the step is y + sum_i weights_i
    u_i. The last rise is the difference to a method of order ``estimates``. J and df/dt are those
    at the start of the step.

    Source: Hairer and Wanner, "Solving Ordinary Differential Equations II" (1996), section IV.7.
    """

    gamma: Expr
    nodes: tuple[Rational, ...]
    slopes: tuple[Expr, ...]
    matrix: tuple[tuple[Expr, ...], ...]
    coupling: tuple[tuple[Expr, ...], ...]
    weights: tuple[Expr, ...]
    estimates: int | None

    @functools.cached_property
    def coupled(self) -> tuple[tuple[Expr, ...], ...]:
        """gamma coupling_ij, as numbers."""
        return tuple(tuple(self.gamma * c for c in row) for row in self.coupling)

    @property
    def tableau(self) -> None:
        """None: there is no continuous extension of what is inside of a step."""

    def error(self, variable: Variable) -> Stage:
        """The last rise of a variable."""
        return Rise(variable, len(self.nodes))

    def strain(self, variable: Variable) -> tuple[Stage, ...]:
        """None: its steps are stable however long."""
        return ()

    def assigned(
        self,
        rates: Mapping[Variable, Mechanism],
        equations: Mapping[Variable, Mechanism],
        at: Stride,
    ) -> dict[Variable, Mechanism]:
        """The entries of the equations, the stages with their rises, and the steps."""
        for variable, rule in {**rates, **equations}.items():
            _check_has_derivatives(variable, rule)
        return _Solving(self, rates, equations, at).assigned()


def _check_has_derivatives(variable: Variable, rule: Mechanism) -> None:
    """Raise ``DeclarationError`` for what an implicit step cannot be made of."""
    back = next((s for s in rule.arguments if isinstance(s, Past)), None)
    if back is not None:
        raise DeclarationError(
            f"The mechanism of {variable} uses {back.variable} with a delay, and an implicit step "
            'keeps nothing of its inside to look back to: write method="rk4" or "dopri5".'
        )
    if rule.is_opaque:
        raise DeclarationError(
            f"The mechanism of {variable} is {rule}, a function, and the equations of an implicit "
            'step are made of derivatives of formulas: write a formula, method="rk4", or give a '
            "solver of diffrax."
        )


@dataclass(frozen=True)
class _Solving:
    """The equations of one step of a method, eliminated in an order in which what is held is last.

    A variable with an equation has a row too, v - sum_w dg/dw w, so that rates see through it.
    """

    method: Rosenbrock
    rates: Mapping[Variable, Mechanism]
    equations: Mapping[Variable, Mechanism]
    at: Stride

    def assigned(self) -> dict[Variable, Mechanism]:
        rows = {v: self._rate_row(v) for v in self.rates}
        rows |= {v: self._equation_row(v) for v in self.equations}
        order = order_of(rows, self.at.held)
        terms, entries = eliminated(rows, order, lambda v, place: Stage(v, _ENTRY + place))
        stages = range(1, len(self.method.nodes) + 1)
        assigned: dict[Variable, Mechanism] = {}
        for number in stages:
            assigned |= self._values(number)
            right = {v: self._right(v, number) for v in order}
            left, rise = (
                functools.partial(kind, number=n)
                for kind, n in ((Stage, _LEFT + number), (Rise, number))
            )
            terms |= solved(entries, order, right, left, rise)
        weighted = list(zip(self.method.weights, stages, strict=True))
        terms |= {v: v + Add(*(w * Rise(v, n).next for w, n in weighted)) for v in self.rates}
        return assigned | {v: Expression(t) for v, t in terms.items()} | dict(self.equations)

    def _rate_row(self, variable: Variable) -> dict[Variable, Expr]:
        """What stands in the row of a variable with a rate: I - h gamma df/dv."""
        size = self.method.gamma * self.at.size
        slopes = self._slopes_of_rate(self.rates[variable])
        row = {v: Mul(-1, size, slope) for v, slope in slopes.items() if isinstance(v, Variable)}
        return row | {variable: row.get(variable, ZERO) + 1}

    def _equation_row(self, variable: Variable) -> dict[Variable, Expr]:
        """What stands in the row of a variable with an equation, as it is where a step begins."""
        rule = self.at.seen(self.equations[variable])
        slopes = _slopes(rule, self._seen(rule, 1, Integer(0)))
        row = {s.variable: -slope for s, slope in slopes.items() if isinstance(s, Next)}
        return row | {variable: ONE}

    def _values(self, number: int) -> dict[Variable, Mechanism]:
        """The variables at a stage; the first is the start of the step, but of what jumps there."""
        row = self.method.matrix[number - 1]
        weighted = list(enumerate(row, start=1))
        values: dict[Variable, Mechanism] = {
            Stage(v, number): Expression(v + Add(*(w * Rise(v, n).next for n, w in weighted)))
            for v in self.rates if number > 1
        }  # fmt: skip
        node = self.method.nodes[number - 1]
        for v, equation in self.equations.items():
            if self._is_staged(v, number):
                rule = self.at.seen(equation)
                values[Stage(v, number)] = rule.renamed(self._seen(rule, number, node))
        return values

    @functools.cached_property
    def _bordered(self) -> frozenset[Variable]:
        return self.at.bordered(self.equations)

    def _is_staged(self, variable: Variable, number: int) -> bool:
        return number > 1 or variable in self._bordered

    def _slopes_of_rate(self, rate: Mechanism) -> dict[Symbol, Expr]:
        """The derivatives of a rate where the step begins."""
        return _slopes(self.at.seen(rate), self._at_stage(rate, 1))

    def _at_stage(self, rate: Mechanism, number: int) -> dict[Symbol, Expr]:
        """What a rate sees at a stage."""
        seen = [s for s in rate.arguments if isinstance(s, Variable) and self._is_staged(s, number)]
        there: dict[Symbol, Expr] = {s: Stage(s, number).next for s in seen}
        node = self.method.nodes[number - 1]
        return {**there, time: time + node * self.at.size, **self.at.inside(time)}

    def _right(self, variable: Variable, number: int) -> Expr:
        """The right-hand side of a variable's row in a stage."""
        method, size = self.method, self.at.size
        slope = method.slopes[number - 1] * size
        if variable in self.equations:
            rule = self.at.seen(self.equations[variable])
            return slope * _slopes(rule, self._seen(rule, 1, Integer(0))).get(time, ZERO)
        rate, scale = self.at.seen(self.rates[variable]), method.gamma * size
        at = self._at_stage(rate, number)
        coupling = enumerate(method.coupled[number - 1], start=1)
        parts = [Mul(c, Rise(variable, n).next) for n, c in coupling]
        parts.append(Mul(scale, rate.value({s: at.get(s, s) for s in rate.arguments})))
        if time in rate.arguments:
            parts.append(Mul(scale, slope, self._slopes_of_rate(rate).get(time, ZERO)))
        return Add(*parts)

    def _seen(self, equation: Mechanism, number: int, node: Expr) -> dict[Symbol, Expr]:
        """What an equation of the end of a step sees at a stage."""
        terms: dict[Symbol, Expr] = {time: time + (node - 1) * self.at.size}
        terms |= self.at.inside(time - self.at.size)
        for symbol in equation.arguments:
            if isinstance(symbol, Next):
                v = symbol.variable
                terms[symbol] = Stage(v, number).next if self._is_staged(v, number) else v
        return terms


def _slopes(rule: Mechanism, at: Mapping[Symbol, Expr]) -> dict[Symbol, Expr]:
    """The derivatives of a mechanism by its arguments, with terms in the place of these."""
    return {
        s: e
        for s, e in rule.reverse({s: at.get(s, s) for s in rule.arguments}, ONE).items()
        if e != 0
    }


def _numbers(text: str) -> tuple[Expr, ...]:
    return tuple(map(Float, text.split()))


# Hairer and Wanner (1996): of order 4, L-stable, and stiffly accurate.
RODAS4 = Rosenbrock(
    gamma=Rational(1, 4),
    nodes=tuple(Rational(n, 1000) for n in (0, 386, 210, 630, 1000, 1000)),
    slopes=(*_numbers("0.25 -0.1043 0.1035 -0.03620000000000023"), ZERO, ZERO),
    matrix=tuple(map(_numbers, (
        "",
        "1.544",
        "0.9466785280815826 0.2557011698983284",
        "3.314825187068521 2.896124015972201 0.9986419139977817",
        "1.221224509226641 6.019134481288629 12.53708332932087 -0.6878860361058950",
        "1.221224509226641 6.019134481288629 12.53708332932087 -0.6878860361058950 1",
    ))),
    coupling=tuple(map(_numbers, (
        "",
        "-5.6688",
        "-2.430093356833875 -0.2063599157091915",
        "-0.1073529058151375 -9.594562251023355 -20.47028614809616",
        "7.496443313967647 -10.24680431464352 -33.99990352819905 11.70890893206160",
        "8.083246795921522 -7.981132988064893 -31.52159432874371 16.31930543123136 "
        "-6.058818238834054",
    ))),
    weights=_numbers(
        "1.221224509226641 6.019134481288629 12.53708332932087 -0.6878860361058950 1 1"
    ),
    estimates=3,
)  # fmt: skip
