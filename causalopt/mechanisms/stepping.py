"""What one step assigns: formulas as they are, a method's stages, and jumps where events are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from sympy import Expr, Float

from causalopt.language.symbols import Parameter, Variable
from causalopt.mechanisms.events import Event, Jumps
from causalopt.mechanisms.integrators import METHODS, MethodStep
from causalopt.mechanisms.interface import Mechanism


def step_term(dt: float | Parameter | None) -> Expr:
    """The length of a step as a term: dt, or 1 where time counts steps."""
    return dt if isinstance(dt, Parameter) else Float(dt or 1)


def assigned_in_a_step(
    rules: Mapping[Variable, Mechanism],
    equations: Mapping[Variable, Mechanism],
    events: Sequence[Event],
    dt: float | Parameter | None,
    method: str | None,
    *,
    delayed: bool,
) -> dict[Variable, Mechanism]:
    """The variables, and stages of them, each with what gives it.

    ``rules`` give values, or, with a ``method``, rates of change; ``equations`` hold at the end of
    a step, in terms of R.next, and come in an order in which each has what it needs. Where some are
    ``delayed``, the middle of each step is kept.
    """
    if events:
        return Jumps(rules, equations, events, step_term(dt)).of(method)
    if method is None:
        return {**rules, **equations}
    every = (*rules, *equations)
    return MethodStep(METHODS[method], cast(Parameter, dt), every, delayed).of(rules, equations)
