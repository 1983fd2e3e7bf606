"""Integrals worked out, where a primitive is seen to be continuous all along the range.

F(b) - F(a) is the integral of F' from a to b where F is continuous between them. A computer's
primitive often is not: that of z / (z t - 1) has a jump where z t - 1 crosses the branch cut of its
logarithm, and that of 1 / t^2 a pole at 0. So nothing is believed of F but what its form shows.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Callable
from typing import TypeAlias

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.logic.boolalg import Boolean

from causalopt.derive.proof.conditions import BINDERS
from causalopt.derive.proof.continuity import Along, Discontinuous, continuous_if
from causalopt.derive.statement.verdict import Point
from causalopt.derive.trial.failures import FAILURES
from causalopt.derive.trial.values import NoValue, at
from causalopt.ground.work import Exhausted, at_most

Conditions: TypeAlias = tuple[Boolean, ...]

SHARE = 0.04  # of the work that a step may take, for all integrals of an expression


@dataclasses.dataclass(frozen=True)
class WorkedOut:
    """An expression with the integrals worked out for which a proof is known, on conditions.

    Others are ``hidden`` behind unknown functions of the symbols in them, so that no rule of
    sympy's works them out.
    """

    whole: sp.Expr
    conditions: Conditions = ()
    hidden: tuple[tuple[sp.Expr, sp.Expr], ...] = ()

    def shown(self, whole: sp.Expr) -> sp.Expr:
        """An expression made of this one, with what is hidden in it."""
        return whole.xreplace(dict(self.hidden))


def worked_out(whole: sp.Expr, known: Conditions = ()) -> WorkedOut:
    """Every integral of an expression worked out, or hidden; all hidden where that takes too much.

    >>> x, a, b = sp.symbols("x a b", real=True)
    >>> worked_out(sp.Integral(1 / x**2, (x, a, b)))
    WorkedOut(whole=-1/b + 1/a, conditions=(a*b > 0,), hidden=())
    >>> worked_out(sp.Integral(1 / sp.cos(x) ** 2, (x, 0, a))).whole
    integral 0(a, 0)
    """
    if not whole.has(sp.Integral):
        return WorkedOut(whole)
    try:
        with at_most(SHARE):
            return _one_by_one(whole, lambda node: _value(node, known))
    except Exhausted:
        return all_hidden(whole)


def all_hidden(whole: sp.Expr) -> WorkedOut:
    """An expression with no integral worked out."""
    return _one_by_one(whole, lambda node: None)


def _one_by_one(
    whole: sp.Expr, value_of: Callable[[sp.Integral], tuple[sp.Expr, Conditions] | None]
) -> WorkedOut:
    """Every integral by its value, from the inside out, or hidden where there is none."""
    conditions: dict[Boolean, None] = {}
    hidden: dict[sp.Expr, sp.Expr] = {}
    # What is bound somewhere has many values there: a condition on it would be on none of them.
    free = whole.free_symbols.difference(*(node.atoms(sp.Symbol) - node.free_symbols
                                           for node in whole.atoms(*BINDERS)))  # fmt: skip

    def value(node: sp.Integral) -> sp.Expr:
        found = value_of(node)
        if found is None or any(condition.free_symbols - free for condition in found[1]):
            return hidden.setdefault(node.as_dummy(), _name(node, len(hidden)))
        conditions.update(dict.fromkeys(found[1]))
        return found[0]

    inside_out = whole.replace(lambda node: isinstance(node, sp.Integral), value)
    return WorkedOut(inside_out, tuple(conditions), tuple((s, n) for n, s in hidden.items()))


def _name(node: sp.Integral, number: int) -> sp.Expr:
    """An unknown function of what an integral depends on: outside, some of it may be bound."""
    return sp.Function(f"integral {number}")(*sorted(node.free_symbols, key=str), number)


@functools.lru_cache(maxsize=256)
def _value(node: sp.Integral, known: Conditions) -> tuple[sp.Expr, Conditions] | None:
    """The value of an integral, and what it takes; None where no proof of one is known."""
    found = None
    with contextlib.suppress(*FAILURES):
        found = _by_ranges(node, known) or _by_size(node, known)
    if found is None and not node.free_symbols and not node.atoms(AppliedUndef):
        # a number has the closed form that an integral by quadrature confirms
        with contextlib.suppress(NoValue, *FAILURES):
            found = at(node, Point()), ()
    return found


def _by_ranges(node: sp.Integral, known: Conditions) -> tuple[sp.Expr, Conditions] | None:
    (variable, *ends), *outer = node.limits
    if len(ends) != 2:
        return node.doit(), ()
    one = _over_one_range(node.function, variable, ends[0], ends[1], known)
    if one is None or not outer:
        return one
    value, needs = one
    further = _by_ranges(sp.Integral(value, *outer), known)
    if further is None or any(need.has(*(limit[0] for limit in outer)) for need in needs):
        return None
    return further[0], (*needs, *further[1])


def _by_size(node: sp.Integral, known: Conditions) -> tuple[sp.Expr, Conditions] | None:
    """By the size of a real symbol, which is positive, where the sign of it makes no difference."""
    for symbol in sorted(node.free_symbols, key=str):
        is_signed = symbol.is_nonnegative or symbol.is_nonpositive
        if not symbol.is_real or is_signed or node.xreplace({symbol: -symbol}) != node:
            continue
        size = sp.Dummy("size", positive=True)
        found = _by_ranges(node.xreplace({symbol: size}), known)
        if found is not None and not found[0].has(sp.Integral):
            value, needs = found[0].subs(size, sp.Abs(symbol)), (sp.Ne(symbol, 0), *found[1])
            return value, tuple(need.subs(size, sp.Abs(symbol)) for need in needs)
    return None


def _over_one_range(
    whole: sp.Expr, variable: sp.Symbol, low: sp.Expr, high: sp.Expr, known: Conditions
) -> tuple[sp.Expr, Conditions] | None:
    along = Along.of(low, high, known)
    x = along.variable
    integrand = whole.xreplace({variable: x})
    primitive = sp.integrate(integrand, x)
    if primitive.has(sp.Integral):
        return _as_sympy_has_it(whole, variable, along)
    if primitive.has(sp.nan, sp.zoo):
        return None
    folded = sp.piecewise_fold(primitive)
    cases = folded.args if isinstance(folded, sp.Piecewise) else [(folded, sp.true)]
    values: list[tuple[sp.Expr, Boolean]] = []
    needs: list[Boolean] = []
    otherwise: dict[sp.Symbol, sp.Expr] = {}
    for case, condition in cases:
        gap = (sp.diff(case, x) - integrand).subs(otherwise)
        between = None if condition.has(x) or sp.simplify(gap) != 0 else _between(case, along)
        if between is None:
            return None
        values.append((between[0], condition))
        needs += between[1]
        if isinstance(condition, sp.Unequality) and condition.lhs.is_Symbol:
            otherwise[condition.lhs] = condition.rhs
    return sp.Piecewise(*values), tuple(dict.fromkeys(needs))


def _between(primitive: sp.Expr, along: Along) -> tuple[sp.Expr, Conditions] | None:
    """F(b) - F(a), and what F takes to be continuous from a to b; None where that is not seen."""
    for stretch in (along, along.inside()):
        here = primitive.xreplace({along.variable: stretch.variable})
        try:
            needs = tuple(continuous_if(here, stretch.variable, stretch.known, stretch))
        except Discontinuous:
            continue
        first, last = (stretch.value_of(here, end) for end in (stretch.low, stretch.high))
        if first is not None and last is not None:
            return last - first, needs
    return None


def _as_sympy_has_it(
    whole: sp.Expr, variable: sp.Symbol, along: Along
) -> tuple[sp.Expr, Conditions] | None:
    """The integral over a range without parameters of what is continuous in it, by sympy's table.

    Of an integrand with unknown functions, which has no entry there, it stays as it is.
    """
    integral = sp.Integral(whole, (variable, along.low, along.high))
    if whole.atoms(AppliedUndef):
        return integral, ()
    if along.low.free_symbols or along.high.free_symbols:
        return None
    inside = along.inside()
    try:
        integrand = whole.xreplace({variable: inside.variable})
        needs = tuple(continuous_if(integrand, inside.variable, inside.known, inside))
    except Discontinuous:
        return None
    value = integral.doit()
    return None if value.has(sp.Integral) else (value, needs)
