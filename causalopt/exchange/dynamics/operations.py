"""Functions and operators of formulas: how many arguments they take, as numbers and as terms."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import sympy
from sympy import Abs, Add, And, Eq, Expr, Max, Min, Mod, Mul, Ne, Not, Or, Piecewise, Pow, Symbol
from sympy.logic.boolalg import Boolean

#: A term is a number or, where it is compared, a condition.
SympyTerm: TypeAlias = Expr | Boolean
# What Vensim and others take for 0 in a denominator.
_SMALL = 1e-6
_MOST_COMPARED = 8


@dataclass(frozen=True)
class Operator:
    """A function of numbers: of ``least`` to ``most`` of them, the first few as conditions.

    ``value`` works on floats, and raises ``ArithmeticError`` or ``ValueError`` where there is none.
    """

    least: int
    most: int
    value: Callable[[Sequence[float]], float]
    term: Callable[[Sequence[SympyTerm]], SympyTerm]
    conditions: int = 0


def as_number(term: SympyTerm) -> Expr:
    """A condition as 1 where it holds, and 0 where it does not."""
    if isinstance(term, Boolean) and not isinstance(term, Symbol):
        return Piecewise((1, term), (0, True))
    return term


def as_condition(term: SympyTerm) -> Boolean:
    """A number as the condition that it is not 0."""
    if isinstance(term, Boolean) and not isinstance(term, Symbol):
        return term
    return Ne(term, 0)


def _single(value: Callable[[float], float], term: Callable[[Expr], Expr]) -> Operator:
    return Operator(1, 1, lambda given: value(given[0]), lambda given: term(given[0]))


def _pair(
    value: Callable[[float, float], float], term: Callable[[Expr, Expr], SympyTerm]
) -> Operator:
    return Operator(2, 2, lambda given: value(*given), lambda given: term(*given))


def _several(
    value: Callable[[Sequence[float]], float], term: Callable[[Sequence[SympyTerm]], SympyTerm]
) -> Operator:
    return Operator(2, 10_000, value, term)


def _extreme(kind: type[Expr], given: Sequence[SympyTerm]) -> Expr:
    """The largest or smallest; of many it stands as written, for sympy compares all with all."""
    return kind(*given, evaluate=len(given) <= _MOST_COMPARED)


def _either(given: Sequence[SympyTerm]) -> Expr:
    """The second where the first holds, and else the third."""
    return Piecewise((given[1], given[0]), (given[2], True))


def _whole_part(x: Expr) -> Expr:
    return Piecewise((sympy.floor(x), x >= 0), (sympy.ceiling(x), True))


def _rest(x: Expr, m: Expr) -> Expr:
    """What is left of x, with its sign, once m is taken from it as often as it goes."""
    return Piecewise((Mod(x, Abs(m)), x >= 0), (-Mod(-x, Abs(m)), True))


def _sum(given: Sequence[float]) -> float:
    """The sum from left to right, as programs add; Python's own is more exact."""
    return functools.reduce(operator.add, given)


_COMPARED: Mapping[str, tuple[Callable[[float, float], bool], Callable[[Expr, Expr], Boolean]]] = {
    "=": (lambda a, b: a == b, Eq),
    "<>": (lambda a, b: a != b, Ne),
    "<": (lambda a, b: a < b, sympy.Lt),
    "<=": (lambda a, b: a <= b, sympy.Le),
    ">": (lambda a, b: a > b, sympy.Gt),
    ">=": (lambda a, b: a >= b, sympy.Ge),
}


def _comparison(
    holds: Callable[[float, float], bool], term: Callable[[Expr, Expr], Boolean]
) -> Operator:
    return _pair(lambda a, b: float(holds(a, b)), term)


def _without_pole(is_zero: Callable[[Expr], Boolean], numeric: Callable[[float], bool]) -> Operator:
    """a/b, and the third argument (else 0) where b is 0."""

    def value(given: Sequence[float]) -> float:
        above, below, *other = given
        return (other[0] if other else 0.0) if numeric(below) else above / below

    def term(given: Sequence[SympyTerm]) -> SympyTerm:
        above, below, *other = map(as_number, given)
        return Piecewise((other[0] if other else 0, is_zero(below)), (above / below, True))

    return Operator(2, 3, value, term)


_NEARLY = _without_pole(lambda b: Abs(b) < _SMALL, lambda b: abs(b) < _SMALL)
_EXACTLY = _without_pole(lambda b: Eq(b, 0), lambda b: b == 0)
_ALL = 10_000

#: Functions by their key. "if" takes its second or third argument, and looks at no other.
OPERATORS: Mapping[str, Operator] = MappingProxyType(
    {
        "+": _several(_sum, lambda given: Add(*given)),
        "*": _several(math.prod, lambda given: Mul(*given)),
        "/": _pair(lambda a, b: a / b, lambda a, b: a / b),
        "^": _pair(math.pow, Pow),
        "negative": _single(lambda a: -a, lambda a: -a),
        "mod": _pair(math.fmod, _rest),
        "modulo": _pair(math.fmod, _rest),
        # Of what is not negative, as times behind another are.
        "modulo of time": _pair(lambda x, m: x % m, Mod),
        **{sign: _comparison(*kinds) for sign, kinds in _COMPARED.items()},
        "and": Operator(2, _ALL, lambda a: float(all(a)), lambda a: And(*a), _ALL),
        "or": Operator(2, _ALL, lambda a: float(any(a)), lambda a: Or(*a), _ALL),
        "not": Operator(1, 1, lambda a: float(not a[0]), lambda a: Not(a[0]), 1),
        "if": Operator(3, 3, lambda a: a[1] if a[0] else a[2], _either, 1),
        "abs": _single(abs, Abs),
        "min": _several(min, functools.partial(_extreme, Min)),
        "max": _several(max, functools.partial(_extreme, Max)),
        "sqrt": _single(math.sqrt, sympy.sqrt),
        "exp": _single(math.exp, sympy.exp),
        "ln": _single(math.log, sympy.log),
        "log10": _single(math.log10, lambda x: sympy.log(x) / sympy.log(10)),
        "log": _pair(math.log, lambda x, base: sympy.log(x) / sympy.log(base)),
        "power": _pair(math.pow, Pow),
        "sin": _single(math.sin, sympy.sin),
        "cos": _single(math.cos, sympy.cos),
        "tan": _single(math.tan, sympy.tan),
        "arcsin": _single(math.asin, sympy.asin),
        "arccos": _single(math.acos, sympy.acos),
        "arctan": _single(math.atan, sympy.atan),
        "sinh": _single(math.sinh, sympy.sinh),
        "cosh": _single(math.cosh, sympy.cosh),
        "tanh": _single(math.tanh, sympy.tanh),
        "integer": _single(lambda x: float(math.trunc(x)), _whole_part),
        "quantum": _pair(
            lambda x, step: step * math.trunc(x / step) if step > 0 else x,
            lambda x, step: Piecewise((step * _whole_part(x / step), step > 0), (x, True)),
        ),
        "zidz": _NEARLY,
        "xidz": _NEARLY,
        "safediv": _EXACTLY,
    }
)  # fmt: skip
