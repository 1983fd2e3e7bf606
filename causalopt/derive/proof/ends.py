"""Integrals and sums by their ends: what is joined, turned round, shifted or taken apart.

The integral of f from a to b is P(b) - P(a), and its sum over whole numbers S(b + 1) - S(a),
whatever f is. Where what is said of P and S alone is zero, so are the integrals and sums: over each
stretch between two neighbouring ends their terms come to nothing, and each of them has a value
there, since it has one over a range that holds the stretch.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TypeAlias

import sympy as sp
from sympy.core.function import AppliedUndef

from causalopt.derive.proof.rewritings import numerator

#: A factor, and what of a term depends on the bound symbol.
Term: TypeAlias = tuple[sp.Expr, sp.Expr]

FARTHEST = 20  # terms that are taken off one end of a sum to have it meet another
PLACE = sp.Dummy("place", real=True)


@dataclasses.dataclass(frozen=True)
class Primitive:
    """An unknown P with P' = f, or S with S(k + 1) - S(k) = f(k), for an f of ``PLACE``."""

    inside: sp.Expr
    kind: type[sp.Integral | sp.Sum]

    def at(self, end: sp.Expr) -> sp.Expr:
        """Its value at an end. It is another function for each value of what else is in f."""
        others = sorted(self.inside.free_symbols - {PLACE}, key=sp.default_sort_key)
        return sp.Function(f"{self.kind.__name__} of {sp.srepr(self.inside)}")(end, *others)


#: The primitives of sums, by their values at the ends that were met.
Sums: TypeAlias = dict[sp.Expr, Primitive]


def by_ends(whole: sp.Expr) -> sp.Expr:
    """An expression with its integrals and sums by unknown functions of their ends.

    >>> a, b, c, t = sp.symbols("a b c t", real=True)
    >>> f = sp.Function("f")
    >>> integrals = [sp.Integral(f(t), (t, *ends)) for ends in [(a, b), (b, c), (c, a)]]
    >>> by_ends(sum(integrals))
    0
    >>> k, n = sp.symbols("k n", integer=True)
    >>> by_ends(sp.Sum(f(k + 1), (k, 0, n)) - sp.Sum(f(k), (k, 1, n)) - f(n + 1))
    0
    """
    sums: Sums = {}
    bare = whole.replace(
        lambda node: isinstance(node, sp.Integral | sp.Sum), lambda node: _of(node, sums)
    )
    return numerator(_meeting(bare, sums))


def _of(node: sp.Integral | sp.Sum, sums: Sums) -> sp.Expr:
    """One of them, the innermost limit first, as far as these are from one number to another."""
    inside = node.function
    for place, limit in enumerate(node.limits):
        if inside.has(sp.DiracDelta) or not _is_range(limit, node.func):
            return node.func(inside, *node.limits[place:])
        terms = sp.Add.make_args(sp.expand(inside))
        apart = (term.as_independent(limit[0], as_Add=False) for term in terms)
        inside = sp.Add(*(_of_term(term, limit, node.func, sums) for term in apart))
    return inside


def _is_range(limit: sp.Tuple, kind: type[sp.Integral | sp.Sum]) -> bool:
    """Whether it is one on the line: in the plane an integral is another on another way."""
    fit = [end.is_infinite or (end.is_integer if kind is sp.Sum else True) for end in limit[1:]]
    return len(fit) == 2 and all(fit) and all(end.is_extended_real for end in limit[1:])


def _of_term(term: Term, limit: sp.Tuple, kind: type[sp.Integral | sp.Sum], sums: Sums) -> sp.Expr:
    factor, inside = term
    bound, low, high = limit
    slope, shift = _substitution(inside, bound, kind)
    primitive = Primitive(inside.subs(bound, (PLACE - shift) / slope), kind)
    ends = (high + 1 if kind is sp.Sum else high), low
    last, first = (primitive.at(sp.expand(slope * end + shift)) for end in ends)
    if kind is sp.Sum:
        sums.update({last: primitive, first: primitive})
    return factor / slope * (last - first)


def _substitution(
    inside: sp.Expr, bound: sp.Symbol, kind: type[sp.Integral | sp.Sum]
) -> tuple[sp.Expr, sp.Expr]:
    """The slope and the shift of the first argument of an unknown function that is linear.

    In its terms integrals of f(t + 1) and f(2 t) are those of f(t); of sums, shifted ones are.
    """
    for applied in sorted(inside.atoms(AppliedUndef), key=sp.default_sort_key):
        for argument in applied.args:
            slope = sp.diff(argument, bound)
            shift = sp.expand(argument - slope * bound)
            is_linear = slope.is_Rational and slope != 0 and shift.is_real and not shift.has(bound)
            if is_linear and (kind is sp.Integral or (slope == 1 and shift.is_Integer)):
                return slope, shift
    return sp.S.One, sp.S.Zero


def _meeting(whole: sp.Expr, sums: Mapping[sp.Expr, Primitive]) -> sp.Expr:
    """Ends of sums that are few terms apart, by the first of them and these terms."""
    first: dict[Primitive, list[sp.Expr]] = {}
    met: dict[sp.Expr, sp.Expr] = {}
    for value, primitive in sums.items():
        others, end = first.setdefault(primitive, []), value.args[0]
        apart = {other: sp.expand(end - other) for other in others}
        near = [o for o, by in apart.items() if by.is_Integer and abs(by) <= FARTHEST]
        if near:
            gained = _gained(primitive.inside, near[0], int(apart[near[0]]))
            met[value] = primitive.at(near[0]) + gained
        else:
            others.append(end)
    return whole.xreplace(met)


def _gained(inside: sp.Expr, start: sp.Expr, terms: int) -> sp.Expr:
    """What a sum gains from one end to another so many terms on; loses, where that lies behind."""
    steps = range(terms) if terms > 0 else range(terms, 0)
    total = sp.Add(*(inside.subs(PLACE, start + k) for k in steps))
    return total if terms > 0 else -total
