"""Exact values of an expression at a point, with its unknown functions made concrete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sympy as sp
from sympy.core.function import AppliedUndef

from causalopt.derive.statement.expressions import define
from causalopt.derive.statement.verdict import Point
from causalopt.derive.trial.failures import FAILURES
from causalopt.derive.trial.kinks import derivative_on_seam, kink_gaps
from causalopt.derive.trial.nearby import INFINITE, approaches
from causalopt.ground.work import Exhausted, at_most

LARGEST_EXPONENT = 3_000  # exact powers above it would fill the memory
SHARE = 0.04  # of the work that a step may take, for one value of an integral, sum or limit
BINDERS = (sp.Integral, sp.Sum, sp.Product, sp.Limit, sp.Derivative, sp.Subs)


class NoValue(Exception):
    """The expression has no finite value here, or none that can be trusted."""


class TooLong(NoValue):
    """An integral, a sum or a limit has a value at most after much work, and so beside it too."""


def at(whole: sp.Expr, point: Point) -> sp.Expr:
    """The exact value of an expression at a point.

    Every part must be finite there: sympy takes 1/zoo for 0, which is no value of anything.

    Raises
    ------
    NoValue
        Where a part is infinite or undefined, or has no closed form.

    >>> x = sp.Symbol("x")
    >>> at(sp.sqrt(x) + 1 / x, Point(((x, sp.Integer(4)),)))
    9/4
    """
    numbers = dict(point.symbols)
    concrete = _with_functions(whole, point)
    if any(_vanishes(gap, numbers) for gap in kink_gaps(concrete)):
        concrete = concrete.replace(sp.Derivative, lambda *args: _on_seam(args, numbers))
    return value(differentiate(concrete), numbers)


def _vanishes(gap: sp.Expr, numbers: Mapping[sp.Symbol, sp.Expr]) -> bool:
    return bool(sp.simplify(value(differentiate(gap), numbers)) == 0)


def _on_seam(args: Sequence[sp.Basic], numbers: Mapping[sp.Symbol, sp.Expr]) -> sp.Expr:
    """A derivative where one in the same expression is taken on a seam."""
    node = sp.Derivative(*args)
    if not kink_gaps(node):
        return node
    slope = derivative_on_seam(node, numbers)
    if slope is None:
        raise NoValue(f"{node} is taken on a seam")
    return slope


def instantiate(whole: sp.Expr, point: Point) -> sp.Expr:
    """``whole`` with its unknown functions made concrete, and derivatives taken."""
    return differentiate(_with_functions(whole, point))


def _with_functions(whole: sp.Expr, point: Point) -> sp.Expr:
    for function, formula in point.functions:
        whole = define(whole, function, formula)
    return whole


def differentiate(whole: sp.Expr) -> sp.Expr:
    """Take all derivatives, but leave integrals, sums and limits as they stand."""
    for _ in range(8):  # a derivative may sit inside what another one leaves behind
        last, whole = whole, whole.replace(_is_derivative, _take)
        if whole == last:
            break
    return whole


def _is_derivative(node: sp.Basic) -> bool:
    return isinstance(node, sp.Derivative | sp.Subs)


def _take(node: sp.Derivative | sp.Subs) -> sp.Expr:
    return node.doit(deep=False) if isinstance(node, sp.Derivative) else node.doit(integrals=False)


def value(whole: sp.Basic, numbers: Mapping[sp.Symbol, sp.Expr]) -> sp.Basic:
    """The exact value of an expression without unknown functions; see ``at``.

    From the leaves up, and not by one ``subs``: so every part is seen, and an infinite one cannot
    vanish inside a larger one that sympy makes finite.
    """
    if isinstance(whole, sp.Symbol):
        if whole not in numbers:
            raise NoValue(f"{whole} has no number")
        return numbers[whole]
    if isinstance(whole, sp.Piecewise):
        return _branch_value(whole, numbers)
    if isinstance(whole, BINDERS):
        return _closed_value(whole, numbers)
    if not whole.args:
        return _finite_only(whole)
    if isinstance(whole, AppliedUndef):
        raise NoValue(f"{whole} is unknown")
    args = [value(arg, numbers) for arg in whole.args]
    if isinstance(whole, sp.Pow) and abs(args[1]) > LARGEST_EXPONENT:
        raise NoValue("the power is too large")
    return _finite_only(whole.func(*args))


def _finite_only(result: sp.Basic) -> sp.Basic:
    if result in INFINITE or isinstance(result, sp.AccumBounds):
        raise NoValue(f"{result}")
    if result.has(*INFINITE) or result.has(sp.DiracDelta):
        raise NoValue(f"{result}")
    return result


def _branch_value(whole: sp.Piecewise, numbers: Mapping[sp.Symbol, sp.Expr]) -> sp.Basic:
    """The value of the branch that applies; the others need not have any."""
    for branch, condition in whole.args:
        holds = value(condition, numbers)
        if holds == sp.true:
            return value(branch, numbers)
        if holds != sp.false:
            break
    raise NoValue("no branch of a Piecewise is known to apply")


def _closed_value(whole: sp.Expr, numbers: Mapping[sp.Symbol, sp.Expr]) -> sp.Expr:
    """Integrals, sums and limits: a closed form that an independent computation confirms."""
    here = whole.subs({s: numbers[s] for s in whole.free_symbols if s in numbers})
    if here.has(sp.DiracDelta):
        raise NoValue(f"no number confirms a pulse: {here}")
    try:
        with at_most(SHARE):
            return _confirmed(here)
    except Exhausted:
        raise TooLong(f"{here} takes too much work") from None


def _confirmed(here: sp.Expr) -> sp.Expr:
    closed = here.doit()
    if closed.has(*BINDERS) or closed.free_symbols:
        raise NoValue(f"{here} has no closed form")
    closed = _finite_only(closed)
    if not _is_confirmed(here, closed):
        raise NoValue(f"{closed} could not be confirmed for {here}")
    return closed


def _is_confirmed(here: sp.Expr, closed: sp.Expr) -> bool:
    """Whether numbers agree with a closed form: sympy's integrals and sums are wrong at times.

    A false closed form would refute a true step, since a counterexample stands on it.
    """
    if isinstance(here, sp.Sum | sp.Product) and all(
        low.is_Integer and high.is_Integer for _, low, high in here.limits
    ):
        return True  # written out term by term
    if isinstance(here, sp.Integral | sp.Sum) and len(here.limits) > 1:
        return _is_confirmed_inside_out(here, closed)
    if isinstance(here, sp.Integral | sp.Sum):
        try:
            other = here.evalf(15)
        except FAILURES:
            return False
        gap, size = abs(other - closed).evalf(15), abs(closed).evalf(15)
        return bool(gap.is_Float and gap <= 1e-9 * max(1, size)) or gap == 0
    if isinstance(here, sp.Limit):
        whole, variable, to, side = here.args
        return approaches(whole, variable, to, str(side), closed)
    return True


def _is_confirmed_inside_out(here: sp.Integral | sp.Sum, closed: sp.Expr) -> bool:
    """The innermost by itself, at some places of the others, and then those over its closed form.

    For sympy has no numbers for several at once.
    """
    innermost, *others = here.limits
    inner = here.func(here.function, innermost)
    form = inner.doit()
    for places in zip(*map(_places, others), strict=True):
        there = dict(zip((limit[0] for limit in others), places, strict=True))
        # an end of one may be a place of the next
        one, value = (side.subs(there).subs(there) for side in (inner, form))
        if one.free_symbols or not _is_confirmed(one, value):
            return False
    return _is_confirmed(here.func(form, *others), closed)


def _places(limit: sp.Tuple) -> Sequence[sp.Expr]:
    """Three places in a range; whole ones where it has no end, for what may be summed over it."""
    _, low, high = limit
    if low.is_infinite or high.is_infinite:
        start = low if low.is_finite else high - 2 if high.is_finite else sp.S.NegativeOne
        return [start, start + 1, start + 2]
    return [low + (high - low) * sp.Rational(part, 7) for part in (1, 3, 6)]
