"""Comp and Op as formulas: the questions that users ask."""

from __future__ import annotations

from collections.abc import Mapping

from sympy import Expr, Symbol

from causalopt.ground import checks
from causalopt.ground.errors import QueryError
from causalopt.ground.work import bounded
from causalopt.language.symbols import Label, Nodes
from causalopt.measures.question import Question
from causalopt.measures.record import Measure
from causalopt.measures.response.compression import COMP
from causalopt.measures.response.optimization import OP
from causalopt.measures.symbolic.branches import Branches, exact
from causalopt.measures.symbolic.courses import Courses
from causalopt.measures.symbolic.formula import SymbolicResponse
from causalopt.measures.symbolic.inputs import WorldInputs, put_for
from causalopt.measures.symbolic.lines import Lines
from causalopt.measures.symbolic.response import exact_responses, finite_responses
from causalopt.model.interface import Model
from causalopt.model.world import World

#: What may be put for a symbol: a number, or an exact one.
Numbers = Mapping[Label, float | Expr]

#: Millions of calls that formulas of one question may take.
WORK = 20.0


def symbolic_comp(
    of: Model | World[Model],
    A: Nodes,
    n: Nodes,
    m: Nodes,
    *,
    steps: int | None = None,
    delta: float | Symbol | None = None,
    values: Numbers | None = None,
    at: Numbers | None = None,
    in_terms_of: Nodes | None = None,
) -> SymbolicResponse:
    """Comp(A; n, m) = (dx_m / dn) / (dy_m / dn) as an exact formula (no unit).

    It is made of parameters, start values and noises, each a symbol: k itself, and of nodes symbols
    of their names, such as R[0]. Decimals are taken as they are written: 0.1 is 1/10.

    Parameters: ``of``, ``A``, ``n``, ``m`` and ``steps`` are those of ``comp``, but m is one node.
    ``delta`` makes of it the formula of a finite difference at n, a number or a symbol. ``values``
    are put for some parameters, starts and noises. Where formulas have branches (Piecewise, Max,
    Abs), all are kept; with ``at`` those alone that are taken at a point, where symbols left out
    have their declared numbers, and the ``conditions`` say where these are taken. ``in_terms_of``
    are nodes whose values in W stand as symbols, and are not written out.

    Returns a formula with the differences x and y, and its ``number``. 0/0 is ``nan``, and x/0
    infinite. It is simplified by exact steps of bounded work: ``cancel`` and ``factor``.

    Raises ``QueryError`` as ``comp`` does, and for an event inside a step, whose moment has no
    formula; ``TooLargeError`` where the formula would be too long.

    >>> from causalopt.language.symbols import parameters, variables
    >>> from causalopt.model.system import System
    >>> T, R = variables("T R")
    >>> k, d = parameters("k d")
    >>> thermostat = System(
    ...     {T: R - d, R: R - k * T}, start={T: 10, R: 35}, parameters={k: 0.01, d: 25}
    ... )
    >>> formula = symbolic_comp(thermostat, A=T, n=R[0], m=R[4])
    >>> formula.expression, round(formula.number, 6)
    (k**2 - 3*k + 1, 0.9701)
    """
    asked = Question(of, A, n, m, steps=steps)
    return _answer(asked, COMP, delta, values, at, in_terms_of)


def symbolic_op(
    of: Model | World[Model],
    A: Nodes,
    n: Nodes,
    m: Nodes,
    *,
    steps: int | None = None,
    delta: float | Symbol | None = None,
    values: Numbers | None = None,
    at: Numbers | None = None,
    in_terms_of: Nodes | None = None,
) -> SymbolicResponse:
    """Op(A; n, m) = -log |Comp(A; n, m)| as an exact formula, in nats.

    Parameters and errors are those of ``symbolic_comp``. 0/0 is ``nan``, x/0 is -oo and 0/y is oo.

    >>> from causalopt.language.symbols import parameters, variables
    >>> from causalopt.model.network import Network
    >>> a, b, c = variables("a b c")
    >>> g, h = parameters("g h", positive=True)
    >>> chain = Network({b: g * a, c: a + h * b}, start={a: 1}, parameters={g: 2, h: 1})
    >>> symbolic_op(chain, A=b, n=a, m=c).expression
    -log(g*h + 1)
    """
    asked = Question(of, A, n, m, steps=steps)
    return _answer(asked, OP, delta, values, at, in_terms_of)


def _answer(
    asked: Question,
    measure: Measure,
    delta: float | Symbol | None,
    values: Numbers | None,
    at: Numbers | None,
    in_terms_of: Nodes | None,
) -> SymbolicResponse:
    inputs = WorldInputs(asked.base, put_for(asked.base, values, "values"))
    lines = Lines(None if at is None else branches_at(inputs, at, delta))
    with bounded("This formula", "ask about fewer steps, or give numbers by values=", WORK):
        courses = Courses(inputs, lines, None if delta is None else _difference(delta))
        responses = exact_responses if delta is None else finite_responses
        x, y = (lines.settled(side) for side in responses(asked, courses))
    return SymbolicResponse(measure, (x, y), lines, inputs, _kept(asked, inputs, in_terms_of))


def _difference(delta: float | Symbol) -> Expr:
    """The difference at n: a symbol, or an exact number other than 0."""
    if isinstance(delta, Symbol):
        return delta
    is_exact = isinstance(delta, Expr) and delta.is_number and delta.is_real and delta.is_finite
    number = exact(delta if is_exact else checks.finite(delta, "delta"))
    if number == 0:
        raise QueryError(
            "delta is 0: write a small difference or a symbol, or leave it out for the exact one."
        )
    return number


def branches_at(inputs: WorldInputs, at: Numbers, delta: float | Symbol | None) -> Branches:
    """The branches that are taken at a point."""
    point = dict(checks.as_mapping(at, "at", "{R[0]: 35}"))
    is_given = isinstance(delta, Symbol) and delta in point
    moved = {delta: exact(point.pop(delta))} if is_given else {}

    def look_up(symbol: Symbol) -> Expr:
        if symbol == delta:
            raise QueryError(
                f"Which branches are taken where {delta} is a symbol? Give it a number, "
                f"at={{{delta}: 0.001}}."
            )
        return exact(inputs.number(symbol))

    known = {inputs.symbol(k): v for k, v in put_for(inputs.world, point, "at").items()}
    return Branches(look_up, known | moved)


def _kept(asked: Question, inputs: WorldInputs, in_terms_of: Nodes | None) -> frozenset[Symbol]:
    """The symbols of the nodes of W that are not written out."""
    if in_terms_of is None:
        return frozenset()
    model, steps = asked.model, asked.base.steps
    named = [
        (s.key, step) for s in model.select(in_terms_of, steps) for step in range(s.start, s.stop)
    ]
    return frozenset(inputs.symbol(model.label(key, step)) for key, step in named)
