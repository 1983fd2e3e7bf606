"""One step of one point, part by part: for the steps at which a derivative reads 0/0.

The values are floats, as in any other step. Tangents are carried in many digits and without bounds,
and a partial derivative whose formula gives no number is a limit, where it is needed and there is
one.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence

import mpmath
import numpy as np
import sympy
from sympy import Expr, Symbol

from causalopt.backends.functions import compiled
from causalopt.backends.interface import NotFinite
from causalopt.backends.limits import PRECISE, limit_at
from causalopt.ground.types import Number
from causalopt.mechanisms.routines import written_out
from causalopt.plan import Loop, Slope, Terms, needed_in_order, single_form

# More digits than a step of floats can lose.
_DIGITS = 60


def first_state(plan: Loop, given: Sequence[Number]) -> list[Number]:
    """The state at step 0, as the inputs (of one point, or of many) say."""
    state = list(compiled(plan.initial)(*given, 0.0))
    tangents = [j for group in plan.scales for j in group]
    with np.errstate(all="ignore"):
        lost = ~np.isfinite(sum(state[j] for j in tangents)) if tangents else np.zeros(())
    if not lost.any():
        return state
    shape, none = (np.size(lost),), [np.float64(0.0)] * len(state)
    spread = [np.broadcast_to(np.float64(value), shape).copy() for value in state]
    for point in np.flatnonzero(lost):
        rest = [np.ravel(value)[point if np.ndim(value) else 0] for value in given]
        rest.append(np.float64(0.0))
        at = 0, int(point)
        after, powers = careful_step(plan, plan.beginning, none, [0] * len(state), rest, at)
        for column, mantissa, power in zip(spread, after, powers, strict=True):
            column[point] = np.ldexp(mantissa, power)
    return [column if np.ndim(lost) else column[0] for column in spread]


def careful_step(
    plan: Loop,
    terms: Terms,
    state: Sequence[Number],
    powers: Sequence[int],
    rest: Sequence[Number],
    at: tuple[int, int],
) -> tuple[list[float], list[int]]:
    """The state after a step, and the power of each slot; ``at`` is the step and the point.

    Raises ``NotFinite`` for a derivative that is needed and not there.
    """
    tangents = {j for group in plan.scales for j in group}
    numbers: dict[Symbol, mpmath.mpf] = {}
    with mpmath.workdps(_DIGITS), np.errstate(all="ignore"):
        for j, (symbol, number) in enumerate(zip(terms.arguments, [*state, *rest], strict=True)):
            power = int(powers[j]) if j in tangents else 0
            numbers[symbol] = mpmath.ldexp(mpmath.mpf(float(number)), power)
        # At the start a tangent may be 1, which no other enters.
        moving = {terms.arguments[j] for j in tangents} | {terms.results[j] for j in tangents}
        for symbol in needed_in_order(terms.assigned, terms.results):
            formula = terms.assigned[symbol]
            if symbol not in moving and moving.isdisjoint(formula.free_symbols):
                numbers[symbol] = mpmath.mpf(_plain(formula, numbers))
            else:
                moving.add(symbol)
                numbers[symbol] = _moved(formula, numbers, plan, at)
        after = [numbers[result] for result in terms.results]
        split = [mpmath.frexp(n) if j in tangents else (n, 0) for j, n in enumerate(after)]
    return [float(mantissa) for mantissa, _ in split], [int(power) for _, power in split]


def _plain(formula: Expr, numbers: dict[Symbol, mpmath.mpf]) -> float:
    """A value, as a step of floats gives it."""
    symbols = tuple(sorted(formula.free_symbols, key=str))
    function = compiled(single_form(symbols, {}, [formula]))
    value = function(*(np.float64(numbers[symbol]) for symbol in symbols))[0]
    return math.nan if np.iscomplexobj(value) else float(value)


def _moved(
    formula: Expr, numbers: dict[Symbol, mpmath.mpf], plan: Loop, at: tuple[int, int]
) -> mpmath.mpf:
    """A tangent. Slopes without a number are looked at, those alone that have a say in it."""
    for name in sorted(formula.free_symbols & plan.slopes.keys(), key=str):
        if mpmath.isfinite(numbers[name]):
            continue
        others = numbers | {s: 0 for s in plan.slopes if not mpmath.isfinite(numbers.get(s, 0))}
        with_it, without = (_precise(formula, others | {name: factor}) for factor in (1, 0))
        if with_it == without:
            numbers = numbers | {name: mpmath.mpf(0)}
        else:
            numbers[name] = _slope(plan.slopes[name], numbers, plan, at)
    return _precise(formula, numbers)


def _slope(
    slope: Slope, numbers: dict[Symbol, mpmath.mpf], plan: Loop, at: tuple[int, int]
) -> mpmath.mpf:
    # What the derivative does not depend on may not be there: any number will do for it.
    values = {
        s: float(_precise(term, numbers)) if term.free_symbols <= numbers.keys() else 1.0
        for s, term in slope.at.items()
    }
    limit = limit_at(slope.mechanism, slope.argument, values)
    if limit is None:
        raise NotFinite(plan.place_of(slope), *at, math.nan, argument=slope.argument)
    return +limit


def _precise(formula: Expr, numbers: dict[Symbol, mpmath.mpf]) -> mpmath.mpf:
    formula = written_out(formula)
    symbols = tuple(sorted(formula.free_symbols, key=str))
    return mpmath.mpf(_function(formula, symbols)(*(numbers[symbol] for symbol in symbols)))


@functools.lru_cache(maxsize=4096)
def _function(formula: Expr, symbols: tuple[Symbol, ...]) -> Callable[..., mpmath.mpf]:
    function: Callable[..., mpmath.mpf] = sympy.lambdify(symbols, formula, modules=PRECISE)
    return function
