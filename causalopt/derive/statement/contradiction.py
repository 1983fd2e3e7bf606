"""Assumptions that contradict one another, looked for exactly and in bounded time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.core.relational import Relational
from sympy.logic.boolalg import Boolean
from sympy.solvers.simplex import InfeasibleLPError, UnboundedLPError, lpmax

from causalopt.derive.statement.expressions import Name

MOST_RELATIONS = 24  # as many as the exact linear programme takes at once

#: A relation with its place among those that were asked about.
Placed: TypeAlias = tuple[int, Relational]
#: An expression that is above zero (True), or not below it (False).
Gap: TypeAlias = tuple[sp.Expr, bool]


def find_conflict(relations: Sequence[Boolean]) -> tuple[int, ...] | None:
    """The places of relations that cannot hold together, or None where no conflict was found.

    Looked for, in this order: a relation that is false by itself; one that denies another;
    polynomials in one variable without a common solution; linear relations without one.

    >>> x, y = sp.symbols("x y", real=True)
    >>> find_conflict([x > y, y > 1, x < 1])
    (0, 1, 2)
    >>> find_conflict([x > y, y > 1]) is None
    True
    """
    for place, relation in enumerate(relations):
        if relation == sp.false:
            return (place,)
    placed = [(place, r) for place, r in enumerate(relations) if isinstance(r, Relational)]
    return _denials(placed) or _one_variable(placed) or _linear(placed[:MOST_RELATIONS])


def _denials(placed: Sequence[Placed]) -> tuple[int, ...] | None:
    canonical = [(place, relation.canonical) for place, relation in placed]
    for k, (place, first) in enumerate(canonical):
        for other_place, second in canonical[k + 1 :]:
            if first.negated.canonical == second:
                return (place, other_place)
    return None


def _one_variable(placed: Sequence[Placed]) -> tuple[int, ...] | None:
    """Relations between polynomials in one real variable: intersect their solutions."""
    solutions: dict[Name, tuple[sp.Set, tuple[int, ...]]] = {}
    for place, relation in placed:
        variable = _single_variable(relation)
        if variable is None:
            continue
        known, places = solutions.get(variable, (_range_of(variable), ()))
        # a plain symbol, since sympy would solve a relation under what it knows of the variable,
        # and the conflict with that knowledge is what is looked for: it stands in the range
        dummy = sp.Dummy("x", real=True)
        gap = relation.lhs - relation.rhs
        both = known.intersect(_solutions(relation.func(gap.subs(variable, dummy), 0)))
        solutions[variable] = (both, (*places, place))
        if both == sp.S.EmptySet:
            return solutions[variable][1]
    return None


def _single_variable(relation: Relational) -> Name | None:
    """The one real variable of a relation between rational polynomials up to the second degree.

    Above it sympy's solutions may hold roots without a closed form, which it cannot compare.
    """
    difference = relation.lhs - relation.rhs
    variables = _variables(difference)
    if len(variables) != 1 or variables[0].is_real is not True:
        return None
    plain = sp.Dummy("x", real=True)
    polynomial = difference.subs(variables[0], plain)
    if not polynomial.is_polynomial(plain) or sp.degree(polynomial, plain) > 2:
        return None
    if not all(c.is_Rational for c in sp.Poly(polynomial, plain).coeffs()):
        return None
    return variables[0]


def _variables(whole: sp.Expr) -> list[Name]:
    """The unknown functions, and the symbols that are not just arguments of one.

    f(x) counts as a number that may be anything: what conflicts even so conflicts at every x.
    """
    applied = whole.atoms(AppliedUndef)
    inside = set().union(*(function.free_symbols for function in applied)) if applied else set()
    return [*applied, *(whole.free_symbols - inside)]


def _solutions(relation: Boolean) -> sp.Set:
    if relation in (sp.true, sp.false):
        return sp.S.Reals if relation == sp.true else sp.S.EmptySet
    return relation.as_set()


def _range_of(variable: Name) -> sp.Set:
    if variable.is_positive:
        return sp.Interval.open(0, sp.oo)
    if variable.is_negative:
        return sp.Interval.open(-sp.oo, 0)
    if variable.is_nonnegative:
        return sp.Interval(0, sp.oo)
    if variable.is_nonpositive:
        return sp.Interval(-sp.oo, 0)
    return sp.S.Reals


def _linear(placed: Sequence[Placed]) -> tuple[int, ...] | None:
    """Linear relations: the largest slack that all of them leave, by an exact linear programme.

    Strict relations take the slack as their margin, a > 0 as a >= slack. They can all hold just
    where the largest slack is above zero; where none is strict, a slack of zero is enough.
    """
    usable = [(place, *gap) for place, r in placed if (gap := _gap(r)) is not None]
    variables = {v for _, gap, _ in usable for v in _variables(gap)}
    if len(usable) < 2 or any(v.is_real is not True for v in variables):
        return None
    plain = {v: sp.Dummy(f"x{k}", real=True) for k, v in enumerate(variables)}
    gaps = [(place, gap.subs(plain), strict) for place, gap, strict in usable]
    gaps = [placed_gap for placed_gap in gaps if _is_linear(placed_gap[1], plain.values())]
    signs = [sign for v, x in plain.items() for sign in _sign_gaps(v, x)]
    slack = sp.Dummy("slack", real=True)
    demands = [gap >= slack if strict else gap >= 0 for _, gap, strict in gaps]
    demands += [gap >= slack if strict else gap >= 0 for gap, strict in signs]
    try:
        # without a bound on the slack, relations that leave much room would have no largest one
        best, _ = lpmax(slack, [*(d for d in demands if d != sp.true), slack <= 1])
    except UnboundedLPError:
        return None
    except InfeasibleLPError:
        best = sp.S.NegativeOne
    strict_any = any(s for *_, s in gaps) or any(s for _, s in signs)
    hopeless = best < 0 or (best == 0 and strict_any)
    return tuple(place for place, *_ in gaps) if hopeless else None


def _gap(relation: Relational) -> Gap | None:
    """A relation as (gap, strict), for gap > 0 or gap >= 0."""
    if isinstance(relation, sp.StrictGreaterThan | sp.GreaterThan):
        return relation.lhs - relation.rhs, isinstance(relation, sp.StrictGreaterThan)
    if isinstance(relation, sp.StrictLessThan | sp.LessThan):
        return relation.rhs - relation.lhs, isinstance(relation, sp.StrictLessThan)
    return None


def _is_linear(gap: sp.Expr, variables: Iterable[sp.Symbol]) -> bool:
    listed = list(variables)
    if not gap.is_polynomial(*listed):
        return False
    polynomial = sp.Poly(gap, *listed)
    return bool(polynomial.total_degree() <= 1 and all(c.is_Rational for c in polynomial.coeffs()))


def _sign_gaps(variable: Name, x: sp.Symbol) -> list[Gap]:
    """What sympy knows of a variable's sign, as gaps in the plain symbol that stands for it."""
    if variable.is_positive:
        return [(x, True)]
    if variable.is_negative:
        return [(-x, True)]
    if variable.is_nonnegative:
        return [(x, False)]
    return [(-x, False)] if variable.is_nonpositive else []
