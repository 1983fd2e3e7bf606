"""Comp and Op of linear systems for all steps at once: formulas of t, and where they go."""

from __future__ import annotations

from dataclasses import dataclass, field

import sympy
from sympy import Expr, Symbol
from sympy.logic.boolalg import Boolean

from causalopt.ground import checks
from causalopt.ground.errors import QueryError
from causalopt.ground.work import bounded
from causalopt.language.symbols import Nodes, Variable
from causalopt.language.typeset import latex
from causalopt.measures.record import Measure
from causalopt.measures.response.compression import COMP
from causalopt.measures.response.optimization import OP
from causalopt.measures.symbolic.asking import WORK, Numbers
from causalopt.measures.symbolic.branches import exact
from causalopt.measures.symbolic.courses import Courses
from causalopt.measures.symbolic.formula import is_defined, measure_of
from causalopt.measures.symbolic.inputs import WorldInputs, put_for
from causalopt.measures.symbolic.lasting import Carried, carried, first_lasting, lasting_question
from causalopt.measures.symbolic.limits import Limit, limit_of
from causalopt.measures.symbolic.lines import Lines
from causalopt.measures.symbolic.recurrence import t
from causalopt.model.interface import Model
from causalopt.model.world import World

# Up to so many steps, the matrix is multiplied by itself.
_FEW = 40


@dataclass(frozen=True)
class ClosedForm:
    """Comp or Op of a linear system as a formula of the symbol ``t``, the steps since the nudge.

    ``expression`` is made of ``x`` and ``y``, the differences at m. All three hold for t from
    ``len(first)`` on and under the ``conditions``; ``first`` has the measure before, where what the
    system remembers for a few steps alone dies out.
    """

    measure: Measure
    expression: Expr
    x: Expr
    y: Expr
    first: tuple[Expr, ...]
    conditions: tuple[Boolean, ...]
    t: Symbol
    _limit: Limit | None = field(repr=False, compare=False)
    _carried: tuple[Carried, Carried] = field(repr=False, compare=False)

    def at(self, steps: int) -> Expr:
        """The measure so many steps after the nudge; without roots, where these are few.

        Raises ``QueryError`` for what is no number of steps.
        """
        count = checks.whole(steps, "steps", 0)
        if count < len(self.first):
            return self.first[count]
        if count > _FEW:
            return self.expression.subs(t, count)
        x, y = (side.terms(count + 1)[count] for side in self._carried)
        return measure_of(self.measure, x, y)

    @property
    def limit(self) -> Expr:
        """What it tends to as t grows: at the declared numbers, and under ``limit_conditions``.

        Raises ``QueryError`` where it tends to nothing, and where no formula gives the roots.
        """
        limit = self._known_limit()
        if self.measure is OP:
            if limit.size is not None:
                return sympy.oo if limit.size == 0 else -sympy.log(limit.size)
        elif limit.value is not None:
            return limit.value
        raise QueryError(
            f"{self.measure.symbol} tends to nothing: its largest parts turn, and none outgrows "
            "the others. Ask for its rate, or for at(1000)."
        )

    @property
    def limit_conditions(self) -> tuple[Boolean, ...]:
        """Which roots have to be smaller than which, for the limit and the rate to hold."""
        return self._known_limit().conditions

    @property
    def rate(self) -> Expr:
        """The limit of Op / t, in nats a step: how much faster y grows than x."""
        rate = self._known_limit().rate
        return sympy.oo if rate is None else -rate

    def _known_limit(self) -> Limit:
        if self._limit is None:
            raise QueryError(
                f"No formula gives the roots that {self.measure.symbol} is made of, or y becomes "
                "zero: give numbers by values={...}, or ask for at(1000)."
            )
        return self._limit

    def __str__(self) -> str:
        under = [f"t >= {len(self.first)}"] if self.first else []
        where = ", ".join([*under, *map(str, self.conditions)])
        text = f"{self.measure.symbol}(t) = {self.expression}"
        return f"{text}, where {where}" if where else text

    def _repr_latex_(self) -> str:
        under = [rf"t \geq {len(self.first)}"] if self.first else []
        told = r",\ ".join([*under, *map(latex, self.conditions)])
        where = rf"\quad\text{{where }} {told}" if told else ""
        name = rf"\mathrm{{{self.measure.symbol}}}(t)"
        return rf"$\displaystyle {name} = {latex(self.expression)}{where}$"


def closed_form_comp(
    of: Model | World[Model],
    A: Nodes,
    n: Nodes,
    m: Variable,
    *,
    values: Numbers | None = None,
) -> ClosedForm:
    """Comp(A; n, m) of a linear system as an exact formula of t, the steps since the nudge at n.

    Differences go on by a matrix, d[t+1] = M d[t]; from the resolvent (z I - M)^-1 come the roots
    of M, each to the power of t. Complex pairs come out as sines where they are known to be
    complex, a repeated root beside a polynomial in t, and zero roots in the ``first`` steps alone.

    ``A`` and ``m`` are whole variables, ``n`` is one node. What is added (a constant, a noise, a
    function of time) changes no difference. ``values`` are put for some parameters, exactly:
    ``{k: Rational(1, 4)}``, such as those at which roots fall together.

    Raises ``QueryError`` for a network, for slopes that change from step to step, which it names,
    and for repeated roots that no formula gives.

    >>> from causalopt.language.symbols import parameters, variables
    >>> from causalopt.model.system import System
    >>> T, R = variables("T R")
    >>> k, d = parameters("k d")
    >>> thermostat = System(
    ...     {T: R - d, R: R - k * T}, start={T: 10, R: 35}, parameters={k: 0.01, d: 25}
    ... )
    >>> form = closed_form_comp(thermostat, A=T, n=R[0], m=R)
    >>> form.expression
    (-(1/2 - sqrt(1 - 4*k)/2)**(t + 1) + (sqrt(1 - 4*k)/2 + 1/2)**(t + 1))/sqrt(1 - 4*k)
    >>> form.limit, form.conditions
    (0, (Ne(1 - 4*k, 0),))
    """
    return _closed(of, A, n, m, COMP, values)


def closed_form_op(
    of: Model | World[Model],
    A: Nodes,
    n: Nodes,
    m: Variable,
    *,
    values: Numbers | None = None,
) -> ClosedForm:
    """Op(A; n, m) = -log |Comp| of a linear system as an exact formula of t, in nats.

    Parameters and errors are those of ``closed_form_comp``. ``rate`` is the limit of Op / t.

    >>> from causalopt.language.symbols import parameter, variables
    >>> from causalopt.model.system import System
    >>> a, b = variables("a b")
    >>> g = parameter("g", positive=True)
    >>> pair = System({a: b, b: b / 2 + g * a / 2}, start={a: 0, b: 1}, parameters={g: 1})
    >>> closed_form_op(pair, A=a, n=b[0], m=b, values={g: 1}).rate
    -log(2)
    """
    return _closed(of, A, n, m, OP, values)


def _closed(
    of: Model | World[Model],
    A: Nodes,
    n: Nodes,
    m: Variable,
    measure: Measure,
    values: Numbers | None,
) -> ClosedForm:
    asked = lasting_question(of, A, n, m)
    inputs = WorldInputs(asked.base, put_for(asked.base, values, "values"))
    courses = Courses(inputs, Lines())
    with bounded("This closed form", "give numbers by values={...}", WORK):
        W, X, Y = asked.worlds()
        courses.values(W)
        first = first_lasting(asked)
        of_x, of_y = (carried(asked, courses, world, first) for world in (X, Y))
        x, y = of_x.sequence(), of_y.sequence()
        since = len(of_x.before) + max(len(x.first), len(y.first))
        pairs = zip(of_x.terms(since), of_y.terms(since), strict=True)
        # Counted from the nudge, not from where slopes begin to stay the same.
        x_t, y_t = (side.formula.subs(t, t - len(of_x.before)) for side in (x, y))
        known = {s: exact(inputs.number(s)) for s in (x_t.free_symbols | y_t.free_symbols) - {t}}
        limit = limit_of(x, y, known)
    conditions = (*x.conditions, *y.conditions, *is_defined(x_t, y_t))
    return ClosedForm(
        measure,
        measure_of(measure, x_t, y_t, _plain),
        x_t,
        y_t,
        tuple(measure_of(measure, *pair) for pair in pairs),
        tuple(dict.fromkeys(conditions)),
        t,
        limit,
        (of_x, of_y),
    )


def _plain(ratio: Expr) -> Expr:
    return ratio
