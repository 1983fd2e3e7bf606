"""Finding assumptions that contradict one another, exactly and in bounded time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.core.relational import Relational
from sympy.solvers.simplex import InfeasibleLPError, UnboundedLPError, lpmax

MOST_RELATIONS = 24  # as many as the exact linear programme takes at once


def contradiction(relations: Sequence[Any]) -> tuple[int, ...] | None:
    """The places of relations that cannot hold together, or None where no conflict is found.

    Looked for, in this order: a relation that is false by itself; one that denies another;
    polynomials in one variable without a common solution; linear relations without one.

    >>> x, y = sp.symbols("x y", real=True)
    >>> contradiction([x > y, y > 1, x < 1])
    (0, 1, 2)
    >>> contradiction([x > y, y > 1]) is None
    True
    """
    for place, one in enumerate(relations):
        if one == sp.false:
            return (place,)
    kept = [(i, r) for i, r in enumerate(relations) if isinstance(r, Relational)]
    return _denied(kept) or _one_variable(kept) or _linear(kept[:MOST_RELATIONS])


def _denied(kept: Sequence[tuple[int, Any]]) -> tuple[int, ...] | None:
    canonical = [(i, r.canonical) for i, r in kept]
    for k, (i, first) in enumerate(canonical):
        for j, second in canonical[k + 1 :]:
            if first.negated.canonical == second:
                return (i, j)
    return None


def _one_variable(kept: Sequence[tuple[int, Any]]) -> tuple[int, ...] | None:
    """Relations between polynomials in one real variable: intersect their solutions."""
    solutions: dict[Any, tuple[Any, tuple[int, ...]]] = {}
    for place, relation in kept:
        variable, polynomial = _single_polynomial(relation)
        if variable is None:
            continue
        known, places = solutions.get(variable, (_range_of(variable), ()))
        dummy = sp.Dummy("x", real=True)
        here = relation.func(polynomial.subs(variable, dummy), 0)
        both = known.intersect(_as_set(here))
        solutions[variable] = (both, (*places, place))
        if both == sp.S.EmptySet:
            return solutions[variable][1]
    return None


def _single_polynomial(relation: Any) -> tuple[Any, Any]:
    difference = relation.lhs - relation.rhs
    variables = _variables(difference)
    if len(variables) != 1 or variables[0].is_real is not True:
        return None, None
    variable = variables[0]
    plain = sp.Dummy("x", real=True)
    polynomial = difference.subs(variable, plain)
    if not polynomial.is_polynomial(plain) or sp.degree(polynomial, plain) > 2:
        return None, None
    if not all(c.is_Rational for c in sp.Poly(polynomial, plain).coeffs()):
        return None, None
    return variable, difference


def _variables(whole: Any) -> list[Any]:
    applied = whole.atoms(AppliedUndef)
    inside = set().union(*(one.free_symbols for one in applied)) if applied else set()
    return [*applied, *(whole.free_symbols - inside)]


def _as_set(relation: Any) -> Any:
    if relation in (sp.true, sp.false):
        return sp.S.Reals if relation == sp.true else sp.S.EmptySet
    return relation.as_set()


def _range_of(variable: Any) -> Any:
    if variable.is_positive:
        return sp.Interval.open(0, sp.oo)
    if variable.is_negative:
        return sp.Interval.open(-sp.oo, 0)
    if variable.is_nonnegative:
        return sp.Interval(0, sp.oo)
    if variable.is_nonpositive:
        return sp.Interval(-sp.oo, 0)
    return sp.S.Reals


def _linear(kept: Sequence[tuple[int, Any]]) -> tuple[int, ...] | None:
    """Linear relations: the largest slack that all of them leave, by an exact linear programme."""
    usable = [(i, *pair) for i, r in kept if (pair := _gap(r)) is not None]
    variables = {v for _, gap, _ in usable for v in _variables(gap)}
    if len(usable) < 2 or any(v.is_real is not True for v in variables):
        return None
    plain = {v: sp.Dummy(f"x{k}", real=True) for k, v in enumerate(variables)}
    gaps = [(i, gap.subs(plain), strict) for i, gap, strict in usable]
    gaps = [one for one in gaps if _is_linear(one[1], plain.values())]
    signs = [sign for v, x in plain.items() for sign in _sign_gap(v, x)]
    slack = sp.Dummy("slack", real=True)
    demands = [gap >= slack if strict else gap >= 0 for _, gap, strict in gaps]
    demands += [gap >= slack if strict else gap >= 0 for gap, strict in signs]
    try:
        best, _ = lpmax(slack, [*(d for d in demands if d != sp.true), slack <= 1])
    except UnboundedLPError:
        return None
    except InfeasibleLPError:
        best = sp.S.NegativeOne
    strict_any = any(s for *_, s in gaps) or any(s for _, s in signs)
    hopeless = best < 0 or (best == 0 and strict_any)
    return tuple(i for i, *_ in gaps) if hopeless else None


def _gap(relation: Any) -> tuple[Any, bool] | None:
    """A relation as (gap, strict), for gap > 0 or gap >= 0."""
    if isinstance(relation, sp.StrictGreaterThan | sp.GreaterThan):
        return relation.lhs - relation.rhs, isinstance(relation, sp.StrictGreaterThan)
    if isinstance(relation, sp.StrictLessThan | sp.LessThan):
        return relation.rhs - relation.lhs, isinstance(relation, sp.StrictLessThan)
    return None


def _is_linear(gap: Any, variables: Iterable[Any]) -> bool:
    listed = list(variables)
    if not gap.is_polynomial(*listed):
        return False
    polynomial = sp.Poly(gap, *listed)
    return bool(polynomial.total_degree() <= 1 and all(c.is_Rational for c in polynomial.coeffs()))


def _sign_gap(variable: Any, x: Any) -> list[tuple[Any, bool]]:
    if variable.is_positive:
        return [(x, True)]
    if variable.is_negative:
        return [(-x, True)]
    if variable.is_nonnegative:
        return [(x, False)]
    return [(-x, False)] if variable.is_nonpositive else []
