"""Cases in which a claim is tried: random exact numbers and functions that fit the assumptions."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from typing import TypeAlias

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.core.relational import Relational

from causalopt.derive.statement.scope import Scope
from causalopt.derive.statement.verdict import Point
from causalopt.derive.trial.comparison import Compared, compare
from causalopt.derive.trial.values import NoValue, at

MOST_TRIES = 400

#: What stands for each symbol of a case; None where no fitting number was drawn.
Numbers: TypeAlias = tuple[tuple[sp.Symbol, sp.Expr | None], ...]


def points(scope: Scope, tries: int = MOST_TRIES) -> Iterator[Point]:
    """Points that satisfy all assumptions: small simple numbers first, ever wilder ones later.

    >>> x = sp.Symbol("x", positive=True)
    >>> point = next(points(Scope((x,), (), (x > 2,))))
    >>> point.symbols[0][1] > 2
    True
    """
    source = random.Random(scope.seed)
    for attempt in range(tries):
        functions = tuple(
            (f, random_function(f, attempt, source, scope.gaussian)) for f in scope.functions
        )
        numbers = tuple((s, random_number(s, attempt, source)) for s in scope.symbols)
        point = Point(_with_a_zero(numbers, attempt), functions)
        if None in itertools.chain.from_iterable((*point.symbols, *point.functions)):
            continue
        if satisfies(point, scope.relations):
            yield point


def _with_a_zero(numbers: Numbers, attempt: int) -> Numbers:
    """Every third time one of the symbols is zero, where much that holds elsewhere fails."""
    place, turn = divmod(attempt, 3)
    if turn != 2 or not numbers:
        return numbers
    chosen = place % len(numbers)
    symbol = numbers[chosen][0]
    return tuple(
        (s, sp.S.Zero) if s == symbol and fits(s, sp.S.Zero) else (s, v) for s, v in numbers
    )


def _is_off_line(attempt: int) -> bool:
    """Every second time what may be complex is: zeros come every third time, and leave some."""
    return attempt % 2 == 1


def satisfies(point: Point, relations: Sequence[Relational]) -> bool:
    """Whether the assumptions, and those that sympy keeps with each symbol, hold at a point."""
    if not all(fits(symbol, value) for symbol, value in point.symbols):
        return False
    for relation in relations:
        try:
            if not _holds(relation, point):
                return False
        except NoValue:
            return False
    return True


def _holds(relation: Relational, point: Point) -> bool:
    left, right = at(relation.lhs, point), at(relation.rhs, point)
    # first whether both sides are one number, since sympy may not see it in exact ones
    same = compare(left, right) is Compared.SAME
    if same or isinstance(relation, sp.Unequality):
        strict = isinstance(relation, sp.Unequality | sp.StrictGreaterThan | sp.StrictLessThan)
        return same != strict
    return bool(relation.func(left, right) == sp.true)


def fits(symbol: sp.Symbol, value: sp.Expr) -> bool:
    """Whether a number may stand for a symbol, by what sympy assumes of the symbol."""
    known = symbol.assumptions0
    return all(getattr(value, f"is_{name}", None) is truth for name, truth in known.items())


def random_number(symbol: sp.Symbol, attempt: int, source: random.Random) -> sp.Expr | None:
    """A random exact number that fits the symbol, or None where none was drawn."""
    for _ in range(60):
        top = 2 + attempt // 2
        whole = source.randint(-top, top)
        if attempt % 3 == 1 and attempt > 1:  # now and then far out, beyond periods and thresholds
            whole = source.randint(8, 20) * (-1) ** attempt
        part = sp.Rational(whole, source.randint(1, 1 + attempt // 3))
        if symbol.is_integer:
            value = sp.Integer(whole)
        elif symbol.is_imaginary:
            value = sp.I * part
        elif symbol.is_irrational:
            value = sp.sqrt(2) * part
        elif symbol.is_extended_real is None and _is_off_line(attempt):
            value = part + sp.I * sp.Rational(
                source.randint(-3 * top, 3 * top), source.randint(1, 2)
            )
        else:
            value = part
        if fits(symbol, value):
            return value
    return None


def random_function(
    function: AppliedUndef, attempt: int, source: random.Random, gaussian: bool
) -> sp.Expr | None:
    """A random smooth function of the same arguments that fits what is assumed of it.

    Polynomials and quotients of them take exact rational values at rational points; ``gaussian``
    ones, polynomials times exp(-x²), vanish at both ends of the line.
    """
    shape = _decaying_polynomial if gaussian else (_quotient if attempt % 3 == 1 else _polynomial)
    first = shape(function.args, attempt, source)
    if function.is_integer:
        return None
    if function.is_nonzero or function.is_positive or function.is_negative:
        # a square and more, so that it has its sign at every value of its arguments
        decay = _envelope(function.args, source) if gaussian else sp.S.One
        size = (first**2 + decay) if not gaussian else decay * (1 + _squares(function.args, source))
        return -size if function.is_negative else size
    if function.is_nonnegative:
        return first**2
    if function.is_nonpositive:
        return -(first**2)
    if function.is_extended_real is None and _is_off_line(attempt):
        return first + sp.I * shape(function.args, attempt, source)
    return first


def _polynomial(args: Sequence[sp.Symbol], attempt: int, source: random.Random) -> sp.Expr:
    degree = 1 + (attempt % 4 if len(args) == 1 else attempt % 3)
    powers = itertools.product(range(degree + 1), repeat=len(args))
    terms = [
        source.randint(-2, 2) * sp.prod(x**n for x, n in zip(args, power, strict=True))
        for power in powers
        if 0 < sum(power) <= degree
    ]
    # a term of all the arguments, so that few functions come out as constants
    lead = sp.prod(args) * args[0] ** (degree - 1) if args else 0
    return sp.expand(sum(terms) + lead + source.randint(-2, 3))


def _quotient(args: Sequence[sp.Symbol], attempt: int, source: random.Random) -> sp.Expr:
    top = _polynomial(args, 0, source)
    return top / (1 + sum((x + source.randint(-1, 2)) ** 2 for x in args))


def _decaying_polynomial(args: Sequence[sp.Symbol], attempt: int, source: random.Random) -> sp.Expr:
    return _envelope(args, source) * _polynomial(args, attempt % 2, source)


def _envelope(args: Sequence[sp.Symbol], source: random.Random) -> sp.Expr:
    return sp.exp(-sum(source.randint(1, 2) * x**2 for x in args))


def _squares(args: Sequence[sp.Symbol], source: random.Random) -> sp.Expr:
    return sum(source.randint(0, 2) * x**2 for x in args)
