"""Functions and operators of formulas: how many arguments they take, as numbers and as terms."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import sympy
from sympy import Abs, Add, And, Eq, Expr, Max, Min, Mod, Mul, Ne, Not, Or, Piecewise, Pow, Symbol
from sympy.logic.boolalg import Boolean

from causalopt.exchange.dynamics.syntax import Applied, Syntax

#: A term is a number or, where it is compared, a condition.
SympyTerm: TypeAlias = Expr | Boolean
# What Vensim and others take for 0 in a denominator.
_SMALL = 1e-6
# What a branch is chosen by may have one choice in it, and none upon that.
_MOST_CHOICES = 2


@dataclass(frozen=True)
class Operator:
    """A function of numbers: of ``least`` to ``most`` of them, the first few as conditions.

    ``value`` works on floats, and raises ``ArithmeticError`` or ``ValueError`` where there is none.
    ``chosen_by`` are the places of the arguments by which a term takes one of its branches, and
    ``is_truth`` says that it is a condition, which has branches where it is used as a number alone.
    """

    least: int
    most: int
    value: Callable[[Sequence[float]], float]
    term: Callable[[Sequence[SympyTerm]], SympyTerm]
    conditions: int = 0
    chosen_by: Collection[int] = ()
    is_truth: bool = False


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


def _single(
    value: Callable[[float], float],
    term: Callable[[Expr], Expr],
    chosen_by: Collection[int] = (),
) -> Operator:
    return Operator(1, 1, lambda a: value(a[0]), lambda a: term(a[0]), chosen_by=chosen_by)


def _pair(
    value: Callable[[float, float], float],
    term: Callable[[Expr, Expr], SympyTerm],
    chosen_by: Collection[int] = (),
) -> Operator:
    return Operator(2, 2, lambda a: value(*a), lambda a: term(*a), chosen_by=chosen_by)


def _several(
    value: Callable[[Sequence[float]], float], term: Callable[[Sequence[SympyTerm]], SympyTerm]
) -> Operator:
    return Operator(2, 10_000, value, term)


def _extreme(kind: type[Expr], given: Sequence[SympyTerm]) -> Expr:
    """The largest or smallest as it stands written, for sympy compares all with all."""
    return kind(*given, evaluate=False)


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
    return Operator(
        2, 2, lambda a: float(holds(*a)), lambda a: term(*a), chosen_by=(0, 1), is_truth=True
    )


def _without_pole(is_zero: Callable[[Expr], Boolean], numeric: Callable[[float], bool]) -> Operator:
    """a/b, and the third argument (else 0) where b is 0."""

    def value(given: Sequence[float]) -> float:
        above, below, *other = given
        return (other[0] if other else 0.0) if numeric(below) else above / below

    def term(given: Sequence[SympyTerm]) -> SympyTerm:
        above, below, *other = map(as_number, given)
        return Piecewise((other[0] if other else 0, is_zero(below)), (above / below, True))

    return Operator(2, 3, value, term, chosen_by=(1,))


def _truth(
    most: int, holds: Callable[[Sequence[float]], bool], term: Callable[..., Boolean]
) -> Operator:
    """What holds by whether others do: of two and more, or of one alone."""
    return Operator(
        min(most, 2),
        most,
        lambda a: float(holds(a)),
        lambda a: term(*a),
        most,
        range(most),
        is_truth=True,
    )


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
        # XMILE's has the sign of the divisor: a = INT(a / b) b + a MOD b. That of the dividend is
        # Vensim's, MODULO.
        "mod": _pair(operator.mod, lambda x, m: Mod(x, m, evaluate=False)),
        "modulo": _pair(math.fmod, _rest, (0,)),
        # Of what is not negative, as times behind another are.
        "modulo of time": _pair(lambda x, m: x % m, lambda x, m: Mod(x, m, evaluate=False)),
        **{sign: _comparison(*kinds) for sign, kinds in _COMPARED.items()},
        "and": _truth(_ALL, lambda a: all(a), And),
        "or": _truth(_ALL, lambda a: any(a), Or),
        "not": _truth(1, lambda a: not a[0], Not),
        "if": Operator(3, 3, lambda a: a[1] if a[0] else a[2], _either, 1, (0,)),
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
        "integer": _single(lambda x: float(math.trunc(x)), _whole_part, (0,)),
        "whole at most": _single(lambda x: float(math.floor(x)), sympy.floor),
        "quantum": _pair(
            lambda x, step: step * math.trunc(x / step) if step > 0 else x,
            lambda x, step: Piecewise((step * _whole_part(x / step), step > 0), (x, True)),
            (0, 1),
        ),
        "zidz": _NEARLY,
        "xidz": _NEARLY,
        "safediv": _EXACTLY,
    }
)  # fmt: skip


def places_of_choices(part: Applied) -> list[int]:
    """The arguments by which a branch is chosen, and in which choices stand upon choices.

    Sympy takes long for these: it puts the branches of what is inside into what is outside.

    >>> from causalopt.exchange.dynamics.syntax import Literal
    >>> one, whole = Literal(1.0, 0), Applied("integer", (Literal(2.5, 0),), 0)
    >>> places_of_choices(Applied("if", (whole, one, one), 0))
    []
    >>> places_of_choices(Applied("if", (Applied("integer", (whole,), 0), one, one), 0))
    [0]
    """
    operator = OPERATORS[part.function]
    return [
        place
        for place, argument in enumerate(part.arguments)
        if place in operator.chosen_by
        and _choices_in(argument, place < operator.conditions) >= _MOST_CHOICES
    ]


def _choices_in(formula: Syntax, as_condition: bool) -> int:
    """How many choices stand in one another, each in what the next is chosen by."""
    if not isinstance(formula, Applied) or formula.function not in OPERATORS:
        return 0
    operator = OPERATORS[formula.function]
    inner = [
        _choices_in(part, place < operator.conditions)
        for place, part in enumerate(formula.arguments)
    ]
    has_branches = not (as_condition and operator.is_truth)
    own = [n + 1 for place, n in enumerate(inner) if has_branches and place in operator.chosen_by]
    return max([*inner, *own], default=0)
