"""Limits by dominant terms, which sympy finds, and the signs on which it depends what dominates."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import sympy as sp

from causalopt.derive.trial.expansion import Undetermined, known_sign


def limit_of_dominant(moved: sp.Expr, h: sp.Symbol, infinite: bool) -> sp.Expr | None:
    """The limit as h > 0 goes to zero, for an expression whose symbols have known signs.

    >>> h = sp.Symbol("h", positive=True)
    >>> limit_of_dominant(h * sp.log(h), h, False)
    0
    """
    if infinite:  # sympy finds more at infinity than after it was brought to zero
        x = sp.Dummy("x", positive=True)
        whole, variable, to, side = moved.subs(h, 1 / x), x, sp.oo, "-"
    else:
        whole, variable, to, side = moved, h, sp.S.Zero, "+"
    split = sp.expand_log(whole) if whole.has(sp.log) else whole
    limit = sp.limit(split, variable, to, side)
    return None if limit.has(sp.Limit, sp.AccumBounds, sp.nan, sp.zoo, variable) else limit


def deciding_signs(whole: sp.Expr, variable: sp.Symbol) -> Iterator[sp.Expr]:
    """Expressions of the other symbols whose signs may decide which term dominates.

    >>> x, a = sp.symbols("x a", real=True)
    >>> list(deciding_signs(a * x / (a * x + 1), x))
    [a]
    """
    symbols = (s for s in whole.free_symbols - {variable} if not _is_decided(s))
    candidates = [*sorted(symbols, key=str), *_coefficients(whole, variable)]
    for candidate in dict.fromkeys(candidates):
        if not candidate.is_number and not _is_decided(candidate):
            yield candidate


def _is_decided(whole: sp.Expr) -> bool:
    try:
        known_sign(whole)
    except Undetermined:
        return False
    return True


def _coefficients(whole: sp.Expr, variable: sp.Symbol) -> Iterator[sp.Expr]:
    """Coefficients of every sum in an expression, and differences between rates of growth."""
    rates: dict[sp.Expr, None] = {}  # of growth, of exponentials
    exponents: dict[sp.Expr, None] = {}  # of powers of what moves
    for node in sp.preorder_traversal(sp.Tuple(whole, sp.together(whole))):
        if isinstance(node, sp.Add) and node.has(variable):
            for total in _totals(node, variable):
                yield from _factors(total)
        elif isinstance(node, sp.exp | sp.Pow) and node.has(variable):
            base, exponent = node.as_base_exp()
            if exponent.has(variable):
                rates |= dict.fromkeys(_totals(exponent * sp.log(base), variable))
            else:
                exponents[exponent] = None
    for alike in (rates, exponents):
        for each in alike:
            yield from _factors(each)
        for first, second in itertools.combinations(alike, 2):
            yield from _factors(first - second)


def _totals(node: sp.Expr, variable: sp.Symbol) -> list[sp.Expr]:
    """What each different part that moves is multiplied by, in a sum that is multiplied out."""
    totals: dict[sp.Expr, sp.Expr] = {}
    for term in sp.Add.make_args(sp.expand(node)):
        coefficient, part = term.as_independent(variable, as_Add=False)
        totals[part] = totals.get(part, sp.S.Zero) + coefficient
    return list(totals.values())


def _factors(whole: sp.Expr) -> Iterator[sp.Expr]:
    if whole.is_number or not whole.free_symbols:
        return
    for factor in sp.Mul.make_args(sp.factor(whole)):
        base = factor.as_base_exp()[0]
        if base.free_symbols:
            yield base
