"""Proofs by cases: the sign of an expression that decides what comes out is gone through."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence

import sympy as sp
from sympy.logic.boolalg import Boolean

from causalopt.derive.proof.conditions import is_granted
from causalopt.derive.statement.contradiction import find_conflict
from causalopt.derive.trial.expansion import Undetermined

DEEPEST = 4


@dataclasses.dataclass(frozen=True)
class Case:
    """What is put for the symbols of a claim in one case, and how to write it back."""

    forth: tuple[tuple[sp.Symbol, sp.Expr], ...] = ()
    back: tuple[tuple[sp.Symbol, sp.Expr], ...] = ()

    def read(self, whole: sp.Basic) -> sp.Basic:
        """An expression of the claim, as it is in this case."""
        for symbol, value in self.forth:
            whole = whole.subs(symbol, value)
        return whole

    def write_back(self, whole: sp.Basic) -> sp.Basic:
        """An expression of the case, in the symbols of the claim."""
        for symbol, value in reversed(self.back):
            whole = whole.subs(symbol, value)
        return whole


#: Shows a claim in one case: what must not vanish for it, or None where it is not shown.
Show = Callable[[Case], tuple[sp.Expr, ...] | None]


def show_by_cases(
    show: Show, assumed: Sequence[Boolean], case: Case = Case(), depth: int = 0
) -> tuple[Boolean, ...] | None:
    """The conditions under which a claim holds in every case, or None where one is not shown.

    Where it is not shown just for the zero of an expression, that this is not zero is a condition.
    """
    try:
        divisors = show(case)
    except Undetermined as open_sign:
        gap = next((g for g in _factors(open_sign.gap) if _narrow(case, g, 1)), None)
        if depth >= DEEPEST or gap is None:
            return None
        # what can be solved for one level can be for all three
        above, below, on = (_narrow(case, gap, sign) or case for sign in (1, -1, 0))
        needs: list[Boolean] = []
        for half, wording in ((above, sp.StrictGreaterThan), (below, sp.StrictLessThan)):
            if _cannot_be(wording(case.write_back(gap), 0), assumed):
                continue
            shown = show_by_cases(show, assumed, half, depth + 1)
            if shown is None:
                return None
            needs.extend(shown)
        return (*needs, *_on_the_seam(show, assumed, case, gap, on, depth))
    if divisors is None:
        return None
    conditions = [_unless_zero(case.write_back(each), assumed) for each in divisors]
    return None if sp.false in conditions else tuple(c for c in conditions if c is not None)


def _factors(gap: sp.Expr) -> list[sp.Expr]:
    """The factors of an expression whose signs are not known: they decide that of the whole."""
    bases = (factor.as_base_exp()[0] for factor in sp.Mul.make_args(sp.factor(gap)))
    return [base for base in bases if not (base.is_positive or base.is_negative)]


def _on_the_seam(
    show: Show,
    assumed: Sequence[Boolean],
    case: Case,
    gap: sp.Expr,
    on: Case,
    depth: int,
) -> tuple[Boolean, ...]:
    excluded = _unless_zero(case.write_back(gap), assumed)
    if excluded is None:
        return ()
    shown = show_by_cases(show, assumed, on, depth + 1)
    return (excluded,) if shown is None else shown


def _unless_zero(gap: sp.Expr, assumed: Sequence[Boolean]) -> Boolean | None:
    """gap != 0 as a condition, or None where it holds by what is assumed."""
    condition = sp.Ne(gap, 0)
    if condition == sp.true:
        return None
    if condition == sp.false:
        return sp.false
    # without assumptions nothing speaks against the zero of a symbol: to look for it takes long
    plain = not assumed and gap.is_Symbol
    return None if not plain and is_granted(condition, assumed) else condition


def _cannot_be(condition: Boolean, assumed: Sequence[Boolean]) -> bool:
    return condition == sp.false or bool(assumed and find_conflict([*assumed, condition]))


def _narrow(case: Case, gap: sp.Expr, sign: int) -> Case | None:
    """The case in which the gap is above zero, below it, or zero: solved for a symbol in it."""
    size = sp.Dummy("size", positive=True)
    ways = list(_solved(gap, sign * size))
    if not ways:
        return None
    # a value that keeps the sign which is known of its symbol loses nothing that was decided
    symbol, value = next((way for way in ways if _keeps_sign(*way)), ways[0])
    back = () if sign == 0 else ((size, sign * case.write_back(gap)),)
    return Case((*case.forth, (symbol, value)), (*case.back, *back))


def _keeps_sign(symbol: sp.Symbol, value: sp.Expr) -> bool:
    return bool(
        (value.is_positive or not symbol.is_positive)
        and (value.is_negative or not symbol.is_negative)
    )


def _solved(gap: sp.Expr, level: sp.Expr) -> Iterator[tuple[sp.Symbol, sp.Expr]]:
    """Symbols that the gap is linear in, or in the logarithms of, with what makes it a level."""
    for symbol in sorted(gap.free_symbols, key=str):
        wrapped = sp.log(symbol) if gap.has(sp.log(symbol)) else symbol
        unknown = sp.Dummy("unknown", real=True)
        marked = sp.expand(gap.xreplace({wrapped: unknown}))
        if symbol.is_real is not True or marked.has(symbol) or not marked.is_polynomial(unknown):
            continue
        slope, rest = marked.coeff(unknown, 1), marked.coeff(unknown, 0)
        # a whole number is taken for any real one, which proves more than is claimed
        if slope.is_Rational and slope != 0 and sp.expand(slope * unknown + rest - marked) == 0:
            value = (level - rest) / slope
            yield symbol, value if wrapped == symbol else sp.exp(value)
