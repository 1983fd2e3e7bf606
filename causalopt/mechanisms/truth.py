"""Conditions that are neither true nor false, since a side of them is no real number.

What is no number compares as false in a computer: of Piecewise((1, sqrt(x) < 0.1), (2, True)) it
would make 2 where x < 0, though nobody has said so. What is chosen by such a condition is no number
either. A guard keeps its sense, as in Kleene's logic of three values: (x > 0) & (log(x) < 1) is
false where x < 0, whatever log(x) may be.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import sympy
from sympy import Add, And, Basic, Eq, Expr, Integer, KroneckerDelta, Ne, Not, Or, Piecewise, Pow
from sympy.core.relational import Relational
from sympy.functions.elementary.piecewise import ExprCondPair
from sympy.logic.boolalg import Boolean, BooleanAtom, BooleanFunction

from causalopt.mechanisms.fitness import inside_out, parts_of
from causalopt.mechanisms.rebuilding import rebuilt, with_parts
from causalopt.mechanisms.steady import AtPlace, Beside, Length, Lost, PlaceOf, Polynomial

_ZERO = Integer(0)

# What is a real number wherever its own parts are, and too small to overflow. What overflows may
# leave infinity less infinity.
_REAL = (
    *(sympy.Symbol, sympy.Number, sympy.NumberSymbol, sympy.Add, sympy.Mul),
    *(sympy.Abs, sympy.sign, sympy.floor, sympy.ceiling, sympy.Heaviside, sympy.Max, sympy.Min),
    *(sympy.sin, sympy.cos, sympy.tan, sympy.sinc, sympy.tanh, sympy.asinh, sympy.atan),
    *(sympy.atan2, sympy.erf, sympy.erfc, sympy.frac, KroneckerDelta, Piecewise, ExprCondPair),
    *(Boolean, Length, Polynomial, Beside, PlaceOf, AtPlace),
)


@functools.lru_cache(maxsize=4096)
def decided(formula: Expr) -> Expr:
    """The formula, each choice in it NaN where a condition of it is neither true nor false.

    It is the same formula where all that is compared is real wherever the symbols are, and where it
    has been decided before.

    >>> x = sympy.Symbol("x", real=True)
    >>> decided(Piecewise((1, x < 2), (0, True)))
    Piecewise((1, x < 2), (0, True))
    >>> asked = decided(Piecewise((1, sympy.sqrt(x) < 2), (0, True)))
    >>> asked.subs(x, 1), asked.subs(x, 9)
    (1, 0)
    """
    parts = inside_out(formula)
    if any(isinstance(part, Lost) for part in parts) or _is_decided(parts):
        return formula

    def told() -> Expr:
        new: dict[Basic, Basic] = {}
        for part in parts:
            made = with_parts(part, [new[arg] for arg in part.args])
            # Of what a choice inside of it makes NaN there is doubt too.
            doubt = undecided_in(made)
            new[part] = made if doubt == 0 else Add(made, doubt)
        whole: Expr = new[formula]
        return whole

    return rebuilt(told)


def _is_decided(parts: Sequence[Basic]) -> bool:
    return all(undecided_in(part) == 0 for part in parts)


def undecided_in(choice: Basic) -> Expr:
    """0 where a choice knows what it chooses, and NaN elsewhere; 0 for what is no choice."""
    if isinstance(choice, KroneckerDelta):
        return undecided(Eq(*choice.args[:2], evaluate=False))
    if not isinstance(choice, Piecewise):
        return _ZERO
    asked: dict[Expr, None] = {}
    doubts: list[tuple[Expr, Boolean]] = []
    for _, condition in choice.args:
        # Where a branch is taken, those before it have been asked; many ask of one and the same.
        asked |= dict.fromkeys(Add.make_args(undecided(condition)))
        doubts.append((Add(*asked), condition))
    total = doubts[-1][0]
    while doubts and doubts[-1][0] == total:
        doubts.pop()
    return Piecewise(*doubts, (total, True), evaluate=False) if doubts else total


@functools.lru_cache(maxsize=4096)
def undecided(condition: Boolean) -> Expr:
    """0 where a condition is true or false, and NaN where it is neither.

    >>> x = sympy.Symbol("x", real=True)
    >>> undecided(x > 0), undecided(sympy.log(x) < 1)
    (0, (0 if log(x) is real))
    """
    if isinstance(condition, Relational):
        return Add(*(lost(side) for side in condition.args if isinstance(side, Expr)))
    if not isinstance(condition, BooleanFunction):
        return _ZERO
    if isinstance(condition, Not):
        return undecided(condition.args[0])
    if not isinstance(condition, And | Or):
        return undecided(condition.to_nnf(simplify=False))
    total = Add(*map(undecided, condition.args))
    # One part that is false settles an And, one that is true an Or.
    is_settled = Or(*(_settled(part, is_so=isinstance(condition, Or)) for part in condition.args))
    return total if total == 0 else Piecewise((_ZERO, is_settled), (total, True))


def lost(side: Expr) -> Expr:
    """0 where a side of a comparison is a number, be it infinite, and NaN where it is none.

    >>> x = sympy.Symbol("x", real=True)
    >>> lost(x), lost(sympy.log(x))
    (0, (0 if log(x) is real))
    """
    if all(map(_is_real, parts_of(side))):
        return _ZERO
    told: Expr = Lost(side)
    return told


def _is_real(part: Basic) -> bool:
    """Whether a part is a real number, or infinite, wherever its own parts are."""
    if isinstance(part, Pow):
        is_root = part.exp.is_nonnegative and (part.exp.is_Integer or part.base.is_nonnegative)
        return bool(is_root or (part.base.is_positive and part.exp.is_number))
    if isinstance(part, sympy.log):
        return bool(part.args[0].is_positive)
    if isinstance(part, sympy.Mod):
        return bool(part.args[1].is_nonzero)
    return isinstance(part, _REAL)


def _settled(condition: Boolean, *, is_so: bool) -> Boolean:
    """A condition that holds where one is so, true or false, and not where it is undecided."""
    if isinstance(condition, Not):
        return _settled(condition.args[0], is_so=not is_so)
    if isinstance(condition, And | Or):
        parts: Sequence[Boolean] = [_settled(part, is_so=is_so) for part in condition.args]
        # Not all of them are so where one of them is not so.
        joined = isinstance(condition, And) == is_so
        return And(*parts) if joined else Or(*parts)
    if isinstance(condition, Relational):
        own = condition if is_so else condition.negated
        # What is no number differs from all, and is neither more nor less.
        return Or(own.lhs < own.rhs, own.lhs > own.rhs) if isinstance(own, Ne) else own
    if isinstance(condition, BooleanAtom):
        return condition if is_so else Not(condition)
    return _settled(condition.to_nnf(simplify=False), is_so=is_so)
