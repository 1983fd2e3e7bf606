"""Schedules: temperatures as expressions of time, all of them above 0."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import sympy
from sympy import Expr, Min, Symbol

from causalopt.backends.evaluation import evaluate
from causalopt.ground.checks import as_whole
from causalopt.ground.checks import finite as finite_number
from causalopt.ground.errors import DeclarationError
from causalopt.ground.types import Floats
from causalopt.language.symbols import Parameter, Time, time
from causalopt.mechanisms.symbolic import expression

#: So many steps of a schedule are looked at before anything runs.
CHECKED = 1_000_000


def linear(first: float, last: float, steps: int) -> Expr:
    """From ``first`` down (or up) to ``last`` by equal differences, in ``steps`` steps; then last.

    >>> linear(10, 1, steps=10).subs(time, 3)
    7
    """
    low, high = _ends(first, last, steps, "linear")
    return low + (high - low) * _share(steps)


def geometric(first: float, last: float, steps: int) -> Expr:
    """From ``first`` to ``last`` by equal ratios, in ``steps`` steps; then it stays at last.

    >>> geometric(8, 1, steps=4).subs(time, 1)
    4
    """
    low, high = _ends(first, last, steps, "geometric")
    return low * (high / low) ** _share(steps)


def logarithmic(depth: float) -> Expr:
    """``depth`` / log(t + 2): slow enough for the best state in the end, where ``depth`` is large.

    For Metropolis' rule it is enough that ``depth`` is at least the depth of the deepest well that
    does not hold a best state. Source: Hajek, "Cooling schedules for optimal annealing" (1988).

    >>> logarithmic(3).subs(time, 0)
    3/log(2)
    """
    return _positive(depth, "logarithmic(depth)") / sympy.log(time + 2)


def as_schedule(given: Expr | float, parameters: Mapping[Parameter, float]) -> Expr:
    """A schedule as an expression of time and parameters that stays above 0.

    A number is a constant temperature. The first million steps are looked at.
    """
    formula = expression(given, "the temperature").formula
    foreign = [s for s in formula.free_symbols if not isinstance(s, Time) and s not in parameters]
    if foreign:
        raise DeclarationError(
            f"The schedule uses {foreign[0]}: write it with causalopt's time, and with parameters "
            f"that have values, such as parameters={{{foreign[0]}: 1.0}}."
        )
    values = temperatures(formula, np.arange(CHECKED, dtype=np.float64), parameters)
    # NaN, of a formula that is not real there, is not above 0 either.
    bad = np.flatnonzero(~(values > 0) | np.isinf(values))
    if bad.size:
        raise DeclarationError(
            f"The schedule {formula} is {values[bad[0]]:g} at step {bad[0]}: a temperature is "
            "above 0. Let it end at a small one, such as geometric(10, 1e-3, steps=1000), or bound "
            "it, such as Max(schedule, Rational(1, 1000)); at T -> 0 only improvements are taken."
        )
    return formula


def temperatures(schedule: Expr, times: Floats, parameters: Mapping[Parameter, float]) -> Floats:
    """The values of a schedule at some times."""
    columns: dict[Symbol, Floats | float] = {time: times, **parameters}
    (values,) = evaluate([schedule], columns)
    return values


def first_temperature(schedule: Expr, parameters: Mapping[Parameter, float]) -> float:
    """The temperature at time 0."""
    return float(temperatures(schedule, np.zeros(1), parameters)[0])


def _share(steps: int) -> Expr:
    """The part of the way that is done at a time, from 0 to 1 at the last step."""
    return Min(time, steps - 1) / sympy.Integer(steps - 1)


def _ends(first: float, last: float, steps: int, name: str) -> tuple[Expr, Expr]:
    count = as_whole(steps)
    if count is None or count < 2:
        raise DeclarationError(f"{name}(steps={steps!r}): write a whole number of 2 or more.")
    return _positive(first, f"{name}(first)"), _positive(last, f"{name}(last)")


def _positive(value: float, where: str) -> Expr:
    temperature = finite_number(value, where)
    if not (temperature > 0 and math.isfinite(temperature)):
        raise DeclarationError(
            f"{where} is {value}: a temperature is above 0. End at a small one, such as 1e-3: "
            "at T -> 0 only improvements are taken."
        )
    return sympy.nsimplify(value, rational=True)
