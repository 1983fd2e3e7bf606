"""Numbers of a file's formulas, kept where floats hold them: each operation ends in one, or stops.

sympy computes with whole numbers of any length, inside one call that nothing can interrupt:
9**9**9 would never end. So an operation on numbers alone is one of floats, and a number that stands
in a formula may not grow beyond them, nor an exponent beyond ``MOST_EXPONENT``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar, cast

import sympy
from sympy import Basic, Expr, Float, Integer, Mul, Symbol
from sympy.core.numbers import NumberSymbol
from sympy.functions.elementary.piecewise import ExprCondPair

from causalopt.exchange.biology.operations import Meaning, chosen, over
from causalopt.mechanisms.fitness import inside_out

M = TypeVar("M", bound=Basic)

#: The largest exponent that is a number, accumulated ones among them.
MOST_EXPONENT = 1000
#: The most parts of a formula that others are put into.
MOST_WRITTEN_OUT = 2_000
# Whole numbers up to here are floats, each of them.
_MOST_WHOLE = 2.0**53
_NO_NUMBER = "a number that is not finite, or not real"
_TOO_HIGH = f"the exponent {{}}, beyond {MOST_EXPONENT} (MOST_EXPONENT)"


class UnfitError(ArithmeticError):
    """A number that no float holds; in words that follow "holds"."""


def number(value: float) -> Expr:
    """A float as sympy writes it: a whole one as such, since x**2 is simpler than x**2.0."""
    if not math.isfinite(value):
        raise UnfitError(f"the number {value}")
    is_whole = float(value).is_integer() and abs(value) < _MOST_WHOLE
    return Integer(int(value)) if is_whole else Float(value)


def applied(made: Callable[..., Meaning], parts: list[Meaning]) -> Meaning:
    """An operation on parts; of numbers alone it is worked out, in floats.

    Raises ``UnfitError`` for a number that is not finite or not real, and for a large exponent.

    >>> x = sympy.Symbol("x")
    >>> applied(sympy.Pow, [x, Integer(2)]), applied(sympy.Pow, [Integer(2), Integer(10)])
    (x**2, 1024)
    >>> applied(sympy.Pow, [Integer(9), number(1e9)])
    Traceback (most recent call last):
    ...
    causalopt.exchange.biology.numbers.UnfitError: the exponent 1000000000, beyond 1000 \
    (MOST_EXPONENT)
    """
    if parts and all(isinstance(part, sympy.Number | NumberSymbol) for part in parts):
        _check_exponent(made, parts)
        found = _made(made, [Float(part) for part in parts])
        return _as_float(found) if isinstance(found, Expr) else found
    _check_exponent(made, parts)
    found = _made(made, parts)
    _check_size(found)
    return found


def _made(made: Callable[..., M], parts: Sequence[Basic]) -> M:
    """What sympy makes of parts: nan where it stops, as it does at 0/0 and at poles of floats."""
    try:
        return made(*parts)
    except (ArithmeticError, TypeError, ValueError):
        return cast(M, sympy.nan)


def _as_float(found: Expr) -> Expr:
    if not found.is_Number or not math.isfinite(float(found)):
        raise UnfitError(_NO_NUMBER)
    return number(float(found))


def _check_exponent(made: Callable[..., Meaning], parts: list[Meaning]) -> None:
    if made is sympy.Pow and parts[1].is_Number and abs(float(parts[1])) > MOST_EXPONENT:
        raise UnfitError(_TOO_HIGH.format(parts[1]))


def _check_size(found: Meaning) -> None:
    """Numbers in a formula that has just been made: its factor, and exponents in it."""
    if not isinstance(found, Expr):
        return
    if not _ENDLESS.isdisjoint((found, *found.args)):
        raise UnfitError(_NO_NUMBER)
    factor, _ = found.as_coeff_Mul()
    if not abs(factor) <= _LARGEST:
        raise UnfitError("a number beyond the largest float")
    for part in Mul.make_args(found):
        if part.is_Pow and part.exp.is_Number and abs(part.exp) > MOST_EXPONENT:
            raise UnfitError(_TOO_HIGH.format(part.exp))


_LARGEST = Float(1.7e308)
# What sympy has for quotients by 0.
_ENDLESS = {sympy.nan, sympy.zoo, sympy.oo, -sympy.oo}


def evaluated(formula: Basic, at: Mapping[Symbol, float]) -> Basic:
    """What a formula comes to, operation by operation: a number, a truth, or nan.

    As for floats, a number beyond the largest one is infinite: 1/(1 + exp(h)) is 0 where h is 1000.
    sympy would go on: its numbers may be of any size, and towers of powers have no end.

    Raises ``UnfitError`` where the formula comes to an infinite number.
    """
    found = _worked_out(formula, at)
    if found.is_infinite:
        raise UnfitError("no finite real number: it is infinite, or beyond the largest float")
    return found


def has_number(formula: Basic, at: Mapping[Symbol, float]) -> bool:
    """Whether a formula comes to a finite number, or a truth."""
    found = _worked_out(formula, at)
    return found is not sympy.nan and not found.is_infinite


def worked_out(
    made: Callable[..., Meaning], parts: list[Meaning], at: Mapping[Symbol, float]
) -> Meaning:
    """An operation on parts as the numbers that they are: another one, a truth, or nan.

    What is left of z/z by sympy is 1, whatever z is; worked out where z is 0, it is nan.

    >>> z = Symbol("z")
    >>> applied(sympy.Mul, [z, 1 / z]), worked_out(sympy.Mul, [z, 1 / z], {z: 0.0})
    (1, nan)
    """
    return cast(Meaning, _operated(made, [_worked_out(part, at) for part in parts]))


def _worked_out(formula: Basic, at: Mapping[Symbol, float]) -> Basic:
    """The same where it may be infinite; what is not known has no number."""
    known: dict[Basic, Basic] = {}
    for part in inside_out(formula):
        if isinstance(part, Symbol):
            known[part] = Float(at[part]) if part in at else sympy.nan
        elif not part.args:
            known[part] = Float(part) if isinstance(part, Expr) else part
        else:
            known[part] = _operated(part.func, [known[arg] for arg in part.args])
    return known[formula]


def put_in(formula: Basic, values: Mapping[Symbol, Expr]) -> Basic:
    """A formula with formulas in the place of symbols, put together operation by operation.

    Raises ``UnfitError`` where an operation leaves what floats hold, and for a formula of more than
    ``MOST_WRITTEN_OUT`` parts: one that is put into itself grows each time.

    >>> x, k = sympy.symbols("x k")
    >>> put_in(x**2 + k, {x: k + 1})
    k + (k + 1)**2
    """
    known: dict[Basic, Basic] = {}
    for part in inside_out(formula):
        if isinstance(part, Symbol):
            known[part] = values.get(part, part)
        elif not part.args:
            known[part] = part
        else:
            known[part] = applied(part.func, [known[arg] for arg in part.args])
    _check_count(known[formula])
    return known[formula]


def _check_count(formula: Basic) -> None:
    counts: dict[Basic, int] = {}
    for part in inside_out(formula):
        counts[part] = 1 + sum(counts[arg] for arg in part.args)
    if counts[formula] > MOST_WRITTEN_OUT:
        raise UnfitError(f"more than {MOST_WRITTEN_OUT:,} parts (MOST_WRITTEN_OUT)")


def constant_of(formula: Expr, at: Mapping[Symbol, float]) -> float | None:
    """The number that a formula of such symbols comes to; None where it is of others, or none."""
    if not formula.free_symbols <= at.keys():
        return None
    found = evaluated(formula, at)
    return None if found is sympy.nan else float(found)


def _operated(made: Callable[..., Basic], args: list[Basic]) -> Basic:
    # A branch that is not taken may have no value.
    counting = args[1::2] if made is chosen else args[1:] if made is ExprCondPair else args
    if any(arg is sympy.nan for arg in counting):
        return sympy.nan
    if made is over:
        return _operated(Mul, [args[0], _operated(sympy.Pow, [args[1], Integer(-1)])])
    found = _made(made, args)
    # As for floats: z**n may be written exp(n*ln(z)), and z**n/(1 + z**n) as 1/(1 + (1/z)**n).
    if found is sympy.zoo and made in (sympy.log, sympy.Pow):
        return -sympy.oo if made is sympy.log else sympy.oo
    if isinstance(found, Expr):
        if not found.is_Number or found is sympy.nan:
            return sympy.nan
        if not abs(found) <= _LARGEST:
            return sympy.oo if found > 0 else -sympy.oo
        # cos(0.0) is a whole number to sympy, and tanh of one is left as it stands.
        return Float(found)
    return found
