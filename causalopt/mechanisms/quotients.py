"""Slopes of products with sums below the line: no square of a sum, and nothing that cancels.

A product of powers of sums, m S1^p1 S2^p2 ..., is looked at term by term. With w = t / S the share
of a term t in its sum, the shares of a sum add up to 1, so that

    f' = sum over one term t1, t2, ... of each sum:  f w1 w2 ... (m'/m + p1 t1'/t1 + p2 t2'/t2 ...)

Where f saturates, the brackets of the largest terms are zero, and are left out as formulas: of
x^n / (K^n + x^n) nothing is left but n x^(n-1) K^n over the square of the sum, written as
divisions one after the other.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import sympy
from sympy import Add, Expr, Mul, Pow

from causalopt.mechanisms.steady import Share

_ZERO, _ONE = sympy.Integer(0), sympy.Integer(1)

#: With more choices of terms than this, sums are taken as a whole.
_MOST = 40

#: What parts of a formula have as slopes: zero where they do not move.
Slopes = Mapping[Expr, Expr]


@dataclass(frozen=True)
class _Term:
    """A term of a sum or a factor of a product: itself, its slope, and its logarithmic slope."""

    value: Expr
    slope: Expr
    growth: Expr
    addends: tuple[Expr, ...]


@dataclass(frozen=True)
class _Sum:
    """A sum to a power: its terms, put together where they grow alike."""

    whole: Expr
    power: Expr
    terms: tuple[_Term, ...]

    def chosen(self, part: Expr) -> Expr:
        """A power of the sum times the share of a part in it."""
        if self.power == 1:
            return part
        if self.power.is_positive:
            return Mul(Pow(self.whole, self.power - 1), part)
        return Mul(Pow(self.whole, self.power), self._share(part))

    def _share(self, part: Expr) -> Expr:
        """A part over the sum: where an exponential overflows, it does so below the line."""
        large = [factor for factor in Mul.make_args(part) if isinstance(factor, sympy.exp)]
        if len(large) != 1:
            return Share(part, self.whole)
        relative = Add(*(Mul(t, 1 / large[0]) for term in self.terms for t in term.addends))
        return Mul(part / large[0], Pow(relative, -1))


def slope_of_quotient(part: Expr, known: Slopes) -> Expr | None:
    """The slope of a product that has moving sums below the line; None for any other part."""
    factors = Mul.make_args(part)
    hyperbolic = sum(_is_hyperbolic(factor.as_base_exp()[0]) for factor in factors) > 1
    is_quotient = any(_is_below(factor, known, hyperbolic) for factor in factors)
    # (1 + x) exp(-x) has terms that cancel too.
    if not (is_quotient or {Add, sympy.exp} <= {type(f) for f in factors if known[f] != 0}):
        return None
    sums, others = [], []
    for factor in factors:
        base, power = factor.args if isinstance(factor, Pow) else (factor, _ONE)
        terms = _terms(base, known, hyperbolic) if known[power] == 0 else None
        if terms is None or known[base] == 0:
            others.append(_Term(factor, known[factor], _growth(factor, known), (factor,)))
        else:
            sums.append(_Sum(base, power, terms))
    if math.prod(len(each.terms) for each in sums) > _MOST:
        return None
    return Add(*_gathered(_choices(others, sums, known), sums))


def _gathered(choices: Iterator[list[Expr]], sums: Sequence[_Sum]) -> Iterator[Expr]:
    """The terms of a slope over their sums, those that are multiples of one another added up."""
    totals: dict[Expr, Expr] = {}
    factors: dict[Expr, list[Expr]] = {}
    for values in choices:
        number, product_alike = Mul(*values).as_coeff_Mul()
        totals[product_alike] = totals.get(product_alike, _ZERO) + number
        factors.setdefault(product_alike, [1 / number, *values])
    for alike, total in totals.items():
        if total != 0:
            split = factors[alike]
            if any(value.has(sympy.exp) for value in split) and not alike.has(sympy.exp):
                # Exponentials that cancel need no room.
                split = [alike, *[_ONE] * len(sums)]
            count = len(split) - len(sums)
            own, shared = split[:count], split[count:]
            yield Mul(total, *own, *(s.chosen(v) for s, v in zip(sums, shared, strict=True)))


def _is_below(factor: Expr, known: Slopes, hyperbolic: bool) -> bool:
    """Whether a factor is a moving sum below the line."""
    if not isinstance(factor, Pow):
        return False
    base, power = factor.args
    is_sum = isinstance(base, Add) or (hyperbolic and _is_hyperbolic(base))
    is_moving = known[base] != 0 and known[power] == 0
    return is_sum and is_moving and not power.is_nonnegative


def _is_hyperbolic(base: Expr) -> bool:
    return isinstance(base, sympy.cosh | sympy.sinh)


def _terms(base: Expr, known: Slopes, hyperbolic: bool) -> tuple[_Term, ...] | None:
    """The terms of a sum, those that grow alike put together; None for what is no sum."""
    if isinstance(base, Add) and len(base.args) <= _MOST:
        grown = [(_growth(term, known), term, known[term]) for term in base.args]
    elif hyperbolic and _is_hyperbolic(base):
        (u,) = base.args
        sign = 1 if isinstance(base, sympy.cosh) else -1
        halves = [(known[u], sympy.exp(u) / 2), (-known[u], sign * sympy.exp(-u) / 2)]
        grown = [(growth, half, growth * half) for growth, half in halves]
    else:
        return None
    alike: dict[Expr, list[tuple[Expr, Expr]]] = {}
    for growth, term, slope in grown:
        alike.setdefault(growth, []).append((term, slope))
    return tuple(
        _Term(Add(*(t for t, _ in group)), Add(*(s for _, s in group)), growth,
              tuple(t for t, _ in group))
        for growth, group in alike.items()
    )  # fmt: skip


def _growth(part: Expr, known: Slopes) -> Expr:
    """The logarithmic slope t'/t, as a sum over factors: equal where two parts grow alike."""
    if known[part] == 0:
        return _ZERO
    if isinstance(part, Mul):
        return Add(*(_growth(factor, known) for factor in part.args))
    if isinstance(part, sympy.exp):
        return known[part.args[0]]
    if isinstance(part, sympy.Abs):
        return _growth(part.args[0], known)
    if isinstance(part, Pow) and known[part.exp] == 0:
        return Mul(part.exp, _growth(part.base, known))
    return Mul(known[part], Pow(part, -1))


def _choices(others: Sequence[_Term], sums: Sequence[_Sum], known: Slopes) -> Iterator[list[Expr]]:
    """The terms of a slope, factor by factor: one or more for each choice of a term of each sum."""
    powers = [_ONE] * len(others) + [each.power for each in sums]
    for choice in product(*(each.terms for each in sums)):
        parts = [*others, *choice]
        growths = [Mul(p, part.growth) for p, part in zip(powers, parts, strict=True)]
        for i, factor in _sources(growths, known):
            values = [part.value for part in parts]
            values[i] = Mul(factor, powers[i], parts[i].slope)
            yield values


def _sources(growths: Sequence[Expr], known: Slopes) -> list[tuple[int, Expr]]:
    """Whose slopes a bracket is made of: of one, where all are multiples of it, else of each."""
    moving = [i for i, growth in enumerate(growths) if growth != 0]
    if len(moving) < 2:
        return [(i, _ONE) for i in moving]
    first = moving[0]
    ratios = [growths[i] / growths[first] for i in moving]
    if any(known[s] != 0 for ratio in ratios for s in ratio.free_symbols):
        total = Add(*growths)
        return [] if total == 0 else [(i, _ONE) for i in moving]
    factor = sympy.together(Add(*ratios))
    return [] if factor == 0 else [(first, factor)]
