"""Integrators: what one is; explicit Runge-Kutta methods as tables, and the steps they make."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace

import sympy
from sympy import Expr, Mul, Rational, Symbol

from causalopt.ground.errors import DeclarationError
from causalopt.language.symbols import LeftLimit, Next, Past, Rise, Stage, Variable, time
from causalopt.mechanisms.borders import INSIDE
from causalopt.mechanisms.crossing import SHARE
from causalopt.mechanisms.increments import Increment
from causalopt.mechanisms.interface import Mechanism
from causalopt.mechanisms.symbolic import Expression

_HALF = Rational(1, 2)

#: With so few variables, a step is one formula, whose parts sympy orders and shares as a whole.
FEW = 8


#: The stages of a variable that hold how far a step may be wrong there, and how far apart the last
#: two looks at the rates are: in rises over the step, and in the variable.
ERROR, TURNED, APART = 1 << 16, (1 << 16) + 1, (1 << 16) + 2


class Method(ABC):
    """How rates of change are carried over a step: what is assigned there, stage by stage."""

    #: The parts of a step, between 0 and 1, at which rates are looked at.
    nodes: tuple[Rational, ...]
    #: The order of what a step is compared with to estimate its error; None where there is nothing.
    estimates: int | None
    #: The methods that take over where stiffness alone keeps steps short, each where the one before
    #: takes too many parts.
    stiff: tuple[str, ...] = ()

    @property
    @abstractmethod
    def tableau(self) -> Explicit | None:
        """The tableau, with whose continuous extension moments are found; None of an implicit one.

        What happens inside a step, and what looks back to there, needs it.
        """

    @abstractmethod
    def assigned(
        self,
        rates: Mapping[Variable, Mechanism],
        equations: Mapping[Variable, Mechanism],
        at: Stride,
    ) -> dict[Variable, Mechanism]:
        """The stages and the steps of all variables, those with equations (in order) among them."""

    @abstractmethod
    def error(self, variable: Variable) -> Stage:
        """The stage of a variable that holds the estimate of a step's error."""

    @abstractmethod
    def strain(self, variable: Variable) -> tuple[Stage, ...]:
        """The stages ``TURNED`` and ``APART`` of a variable; none where every step is stable.

        With h the step, and |.| over all variables, |turned| / |apart| is some h |lambda|, lambda
        an eigenvalue of the rates' derivatives (Hairer and Wanner 1996, section IV.2).
        """


@dataclass(frozen=True)
class Stride:
    """A step: its ``size``, whether some variables are ``delayed``, which are ``held`` inside it.

    With ``errors`` the estimate of what is wrong after it is assigned too. Where it is
    ``between_borders``, what jumps at known times does not jump inside of it.
    """

    size: Expr
    delayed: bool = False
    held: frozenset[Variable] = frozenset()
    errors: bool = False
    between_borders: bool = False

    def seen(self, rule: Mechanism) -> Mechanism:
        """A rate or an equation as it is inside the step."""
        return rule.between_borders() if self.between_borders else rule

    def inside(self, begin: Expr) -> dict[Symbol, Expr]:
        """The middle of the step that begins at a time, where what jumps is asked."""
        return {INSIDE: begin + self.size / 2} if self.between_borders else {}

    def bordered(self, equations: Mapping[Variable, Mechanism]) -> frozenset[Variable]:
        """The variables whose equations jump at known times, and those that follow from them.

        Where a step begins they are inside of it what they are beyond the border, if there is one.
        """
        if not self.between_borders:
            return frozenset()
        found = {v for v, rule in equations.items() if rule.borders}
        while more := {
            v for v, rule in equations.items()
            if v not in found and any(v.next in rule.arguments for v in found)
        }:  # fmt: skip
            found |= more
        return frozenset(found)


@dataclass(frozen=True)
class Explicit(Method):
    """An explicit Runge-Kutta method as its tableau (Butcher 1963): nodes, matrix, weights.

    ``extension`` has the weights that give the state when a share of the step has passed, each as
    the coefficients of a polynomial in it, of degree 1 and on: those of the method's natural
    continuous extension, with which delays keep its order (Zennaro 1986). ``off`` are the
    weights of the difference to a method of another order, and ``estimates`` is the lower of the
    two orders (Fehlberg 1969).
    """

    nodes: tuple[Rational, ...]
    matrix: tuple[tuple[Rational, ...], ...]
    weights: tuple[Rational, ...]
    extension: tuple[tuple[Rational, ...], ...]
    off: tuple[Rational, ...] = ()
    estimates: int | None = None
    stiff: tuple[str, ...] = ()

    @property
    def tableau(self) -> Explicit:
        """Itself."""
        return self

    @functools.cached_property
    def along(self) -> tuple[Expr, ...]:
        """The weights that give the state when a ``SHARE`` of the step has passed."""
        return tuple(map(_polynomial, self.extension))

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

    def limit(self, variable: Variable) -> LeftLimit:
        """The stage that stands for what a variable comes to as a step ends."""
        return LeftLimit(variable, self.middle + 1)

    def assigned(
        self,
        rates: Mapping[Variable, Mechanism],
        equations: Mapping[Variable, Mechanism],
        at: Stride,
    ) -> dict[Variable, Mechanism]:
        """The stages and the steps of all variables."""
        if at.delayed and not {*self.nodes} <= {0, _HALF, 1}:
            raise DeclarationError(
                "There are delays, and this method looks at places inside of a step that are not "
                'kept: write method="rk4", which keeps its middle.'
            )
        step = MethodStep(self, at, (*rates, *equations), at.bordered(equations))
        return step.of(rates, equations)

    def error(self, variable: Variable) -> Stage:
        """The stage of a variable that holds the estimate of a step's error."""
        return Rise(variable, ERROR)

    def strain(self, variable: Variable) -> tuple[Stage, ...]:
        """Both stages, where there are looks to compare."""
        return (Rise(variable, TURNED), Rise(variable, APART)) if self.off else ()

    def judged(self, variable: Variable) -> dict[Stage, tuple[Expr, ...]]:
        """The stages that tell of a step of a variable, each by the weights of its rates."""
        # Both of the last two looks are at the end of the step.
        count = len(self.nodes)
        before, last = ((*row, *[_ZERO] * (count - len(row))) for row in self.matrix[-2:])
        turned = (*[_ZERO] * (count - 2), -_ONE, _ONE)
        apart = tuple(b - a for a, b in zip(before, last, strict=True))
        stages = self.error(variable), *self.strain(variable)
        return dict(zip(stages, (self.off, turned, apart), strict=True))


_ZERO, _ONE = sympy.Integer(0), sympy.Integer(1)


def _fractions(text: str) -> tuple[Rational, ...]:
    """The numbers of a row of a table."""
    return tuple(Rational(*map(int, number.split("/"))) for number in text.split())


def _polynomial(row: tuple[Rational, ...]) -> Expr:
    """The polynomial in the share of a step that has these coefficients, of degree 1 and on."""
    return sympy.Add(*(c * SHARE**n for n, c in enumerate(row, start=1)))


EULER = Explicit((_ZERO,), ((),), (_ONE,), ((_ONE,),))

RK4 = Explicit(
    (_ZERO, _HALF, _HALF, _ONE),
    ((), (_HALF,), (_ZERO, _HALF), (_ZERO, _ZERO, _ONE)),
    (Rational(1, 6), Rational(1, 3), Rational(1, 3), Rational(1, 6)),
    tuple(map(_fractions, ("1 -3/2 2/3", "0 1 -2/3", "0 1 -2/3", "0 -1/2 2/3"))),
)

# Dormand and Prince (1980); the continuous extension, of order four, is Shampine's (1986).
DOPRI5 = Explicit(
    _fractions("0 1/5 3/10 4/5 8/9 1 1"),
    tuple(map(_fractions, (
        "",
        "1/5",
        "3/40 9/40",
        "44/45 -56/15 32/9",
        "19372/6561 -25360/2187 64448/6561 -212/729",
        "9017/3168 -355/33 46732/5247 49/176 -5103/18656",
        "35/384 0 500/1113 125/192 -2187/6784 11/84",
    ))),
    _fractions("35/384 0 500/1113 125/192 -2187/6784 11/84 0"),
    tuple(map(_fractions, (
        "1 -8048581381/2820520608 8663915743/2820520608 -12715105075/11282082432",
        "",
        "0 131558114200/32700410799 -68118460800/10900136933 87487479700/32700410799",
        "0 -1754552775/470086768 14199869525/1410260304 -10690763975/1880347072",
        "0 127303824393/49829197408 -318862633887/49829197408 701980252875/199316789632",
        "0 -282668133/205662961 2019193451/616988883 -1453857185/822651844",
        "0 40617522/29380423 -110615467/29380423 69997945/29380423",
    ))),
    off=_fractions("71/57600 0 -71/16695 71/1920 -17253/339200 22/525 -1/40"),
    estimates=4,
)  # fmt: skip

# Explicit for as long as stiffness lets it.
AUTO = replace(DOPRI5, stiff=("rodas4", "dopri5"))


@dataclass(frozen=True)
class MethodStep:
    """A step of an explicit method over some variables: what it assigns for each of them.

    The variables' stages are named, not repeated, so that clamping a variable clamps what the
    others see of it inside the step. Where some are delayed, each has its middle of a step too, and
    its limit as the step ends; what is ``bordered`` has a stage where the step begins.
    """

    method: Explicit
    stride: Stride
    variables: tuple[Variable, ...]
    bordered: frozenset[Variable] = frozenset()

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
            parts = [
                (Mul(w, self.stride.size), self._seen(rate, j)) for j, w in enumerate(weights) if w
            ]
            if len(self.method.nodes) == 1 or len(self.variables) <= FEW:
                return rate.increment(variable, parts)
            return Increment.of(variable, rate, parts)

        method, rate = self.method, self.stride.seen(rate)
        inner = [(j + 1, row) for j, row in enumerate(method.matrix) if j]
        stages = {_seen_at(variable, j).variable: combined(row) for j, row in inner}
        if self._has_middle:
            stages[Stage(variable, method.middle)] = combined(method.halfway or ())
            stages[method.limit(variable)] = combined(method.weights)
        step = {variable: combined(method.weights)}
        if self.stride.errors:
            judged = method.judged(variable)
            step |= {s: Expression(combined(w).value({}) - variable) for s, w in judged.items()}
        return {**stages, **step}

    def of_equation(self, variable: Variable, equation: Mechanism) -> dict[Variable, Mechanism]:
        """The stages and the step of a variable with an equation, which holds at each of them."""
        first = 0 if variable in self.bordered else 1
        looks = enumerate(self.method.nodes)
        stages = {Stage(variable, j + 1): node for j, node in looks if j >= first}
        if self._has_middle:
            stages[Stage(variable, self.method.middle)] = _HALF
            stages[self.method.limit(variable)] = _ONE
        within = self.stride.seen(equation)
        inner = {
            stage: within.renamed(self._inside(within, stage, node))
            for stage, node in stages.items()
        }
        return {**inner, variable: equation}

    @property
    def _has_middle(self) -> bool:
        return self.stride.delayed and self.method.halfway is not None

    def _seen(self, rate: Mechanism, stage: int) -> dict[Symbol, Expr]:
        """What a rate sees at a stage: the variables there and at earlier times, and the time."""
        node = self.method.nodes[stage]
        terms: dict[Symbol, Expr] = {time: time + node * self.stride.size}
        terms |= self.stride.inside(time)
        seen = self._places if stage else self.bordered
        terms |= {v: _seen_at(v, stage + 1) for v in rate.arguments if v in seen}
        pasts = [s for s in rate.arguments if isinstance(s, Past)] if node else []
        return terms | {s: self._past(s.variable, s.by - 1, node) for s in pasts}

    def _inside(self, equation: Mechanism, stage: Stage, node: Rational) -> dict[Symbol, Expr]:
        """What an equation of the end of a step sees at a stage inside it."""
        terms: dict[Symbol, Expr] = {time: time + (node - 1) * self.stride.size}
        terms |= self.stride.inside(time - self.stride.size)
        for symbol in equation.arguments:
            if isinstance(symbol, Next):
                v = symbol.variable
                is_staged = stage.number > 1 or v in self.bordered
                terms[symbol] = type(stage)(v, stage.number).next if is_staged else v
            elif isinstance(symbol, Past):
                terms[symbol] = self._past(symbol.variable, symbol.by, node)
            elif isinstance(symbol, Variable):
                terms[symbol] = self._past(symbol, 0, node)
        return terms

    def _past(self, variable: Variable, steps: int, node: Rational) -> Symbol:
        """A variable at a part of the step that ended so many steps before this one began.

        At its end it is seen as it came to it: what is done there begins with the next step.
        """
        if not node:
            return Past(variable, steps + 1)
        method = self.method
        there = method.limit(variable) if node == 1 else Stage(variable, method.middle)
        return Past(there, steps) if steps else there


@functools.lru_cache(maxsize=1 << 16)
def _seen_at(variable: Variable, stage: int) -> Next:
    """A variable at a stage of the step: the same symbol each time, which is quick to compare."""
    return Stage(variable, stage).next
