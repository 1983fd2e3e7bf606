"""Where a claim is tried: random exact numbers and test functions that fit the assumptions."""

from __future__ import annotations

import dataclasses
import itertools
import random
from collections.abc import Iterator, Sequence
from typing import Any

import sympy as sp

from causalopt.derive.statement.verdict import Point
from causalopt.derive.trial.values import Compared, NoValue, at, compare

MOST_TRIES = 400


@dataclasses.dataclass(frozen=True)
class Domain:
    """Symbols and functions with what is assumed of them; ``gaussian`` makes functions decay."""

    symbols: tuple[Any, ...] = ()
    functions: tuple[Any, ...] = ()
    relations: tuple[Any, ...] = ()
    gaussian: bool = False
    seed: int = 0

    def within(self, *wholes: Any) -> Domain:
        """The part of the domain that expressions, and the assumptions on them, speak of."""
        functions, symbols, kept = self.functions, set(self.symbols), self.relations
        used = {f.func for whole in wholes for f in whole.atoms(sp.core.function.AppliedUndef)}
        functions = tuple(f for f in functions if f.func in used or _speak_of(kept, f.func))
        free = set().union(*(whole.free_symbols for whole in (*wholes, *kept)))
        ordered = tuple(s for s in self.symbols if s in free and s in symbols)
        return dataclasses.replace(self, symbols=ordered, functions=functions)


def _speak_of(relations: Sequence[Any], function: Any) -> bool:
    return any(relation.has(function) for relation in relations)


def points(domain: Domain, tries: int = MOST_TRIES) -> Iterator[Point]:
    """Points that satisfy all assumptions: small simple numbers first, ever wilder ones later.

    >>> x = sp.Symbol("x", positive=True)
    >>> found = next(points(Domain((x,), (), (x > 2,))))
    >>> found.symbols[0][1] > 2
    True
    """
    source = random.Random(domain.seed)
    for attempt in range(tries):
        functions = tuple(
            (f, test_function(f, attempt, source, domain.gaussian)) for f in domain.functions
        )
        symbols = tuple((s, number(s, attempt, source)) for s in domain.symbols)
        point = Point(_with_a_zero(symbols, attempt), functions)
        if None in itertools.chain.from_iterable((*point.symbols, *point.functions)):
            continue
        if allowed(point, domain.relations):
            yield point


def _with_a_zero(symbols: tuple[Any, ...], attempt: int) -> tuple[Any, ...]:
    """Every third time one of the symbols is zero, where much that holds elsewhere fails."""
    place, turn = divmod(attempt, 3)
    if turn != 2 or not symbols:
        return symbols
    chosen = place % len(symbols)
    symbol = symbols[chosen][0]
    return tuple(
        (s, sp.S.Zero) if s == symbol and fits(s, sp.S.Zero) else (s, v) for s, v in symbols
    )


def allowed(point: Point, relations: Sequence[Any]) -> bool:
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


def _holds(relation: Any, point: Point) -> bool:
    left, right = at(relation.lhs, point), at(relation.rhs, point)
    same = compare(left, right) is Compared.SAME
    if same or isinstance(relation, sp.Unequality):
        strict = isinstance(relation, sp.Unequality | sp.StrictGreaterThan | sp.StrictLessThan)
        return same != strict
    return bool(relation.func(left, right) == sp.true)


def fits(symbol: Any, value: Any) -> bool:
    """Whether a number may stand for a symbol, by what sympy assumes of the symbol."""
    known = symbol.assumptions0
    return all(getattr(value, f"is_{name}", None) is truth for name, truth in known.items())


def number(symbol: Any, attempt: int, source: random.Random) -> Any:
    """A random exact number that fits the symbol, or None where none was found."""
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
        elif symbol.is_extended_real is None and attempt % 3 == 2:
            value = part + sp.I * sp.Rational(
                source.randint(-3 * top, 3 * top), source.randint(1, 2)
            )
        else:
            value = part
        if fits(symbol, value):
            return value
    return None


def test_function(function: Any, attempt: int, source: random.Random, gaussian: bool) -> Any:
    """A random smooth function of the same arguments that fits what is assumed of it.

    Polynomials and quotients of them take exact rational values at rational points; ``gaussian``
    ones, polynomials times exp(-x²), vanish at both ends of the line.
    """
    shape = _decaying if gaussian else (_quotient if attempt % 3 == 1 else _polynomial)
    first = shape(function.args, attempt, source)
    if function.is_integer:
        return None
    if function.is_nonzero or function.is_positive or function.is_negative:
        decay = _envelope(function.args, source) if gaussian else sp.S.One
        size = (first**2 + decay) if not gaussian else decay * (1 + _square(function.args, source))
        return -size if function.is_negative else size
    if function.is_nonnegative:
        return first**2
    if function.is_nonpositive:
        return -(first**2)
    if function.is_extended_real is None and attempt % 3 == 2:
        return first + sp.I * shape(function.args, attempt, source)
    return first


def _polynomial(args: Sequence[Any], attempt: int, source: random.Random) -> Any:
    degree = 1 + (attempt % 4 if len(args) == 1 else attempt % 3)
    powers = itertools.product(range(degree + 1), repeat=len(args))
    terms = [
        source.randint(-2, 2) * sp.prod(x**n for x, n in zip(args, power, strict=True))
        for power in powers
        if 0 < sum(power) <= degree
    ]
    lead = sp.prod(args) * args[0] ** (degree - 1) if args else 0
    return sp.expand(sum(terms) + lead + source.randint(-2, 3))


def _quotient(args: Sequence[Any], attempt: int, source: random.Random) -> Any:
    top = _polynomial(args, 0, source)
    return top / (1 + sum((x + source.randint(-1, 2)) ** 2 for x in args))


def _decaying(args: Sequence[Any], attempt: int, source: random.Random) -> Any:
    return _envelope(args, source) * _polynomial(args, attempt % 2, source)


def _envelope(args: Sequence[Any], source: random.Random) -> Any:
    return sp.exp(-sum(source.randint(1, 2) * x**2 for x in args))


def _square(args: Sequence[Any], source: random.Random) -> Any:
    return sum(source.randint(0, 2) * x**2 for x in args)
