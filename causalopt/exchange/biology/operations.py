"""What the operations of MathML mean, as formulas of sympy: one row for each word of libsbml's."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias, cast

import sympy
from sympy import Add, And, Expr, Mul, Not, Or, Piecewise, Pow
from sympy.core.relational import Relational
from sympy.logic.boolalg import Boolean

#: What a part of a formula comes to: a number, or a truth.
Meaning: TypeAlias = Expr | Boolean


@dataclass(frozen=True)
class Operation:
    """A function of so many parts: of numbers, unless it is ``of_truths``."""

    made: Callable[..., Meaning]
    least: int = 1
    most: float = 1
    of_truths: bool = False


def _minus(*parts: Expr) -> Expr:
    return -parts[0] if len(parts) == 1 else parts[0] - parts[1]


def _root(*parts: Expr) -> Expr:
    """Of a degree, and what the root is of; of that alone, the square root."""
    degree, inner = parts if len(parts) == 2 else (sympy.Integer(2), parts[0])
    return sympy.sqrt(inner) if degree == 2 else Pow(inner, 1 / degree)


def _log(base: Expr, inner: Expr) -> Expr:
    return sympy.log(inner) / sympy.log(base)


def _compared(relation: type[Relational]) -> Operation:
    """A chain of comparisons: a < b < c."""

    def chain(*parts: Expr) -> Boolean:
        return And(*(relation(a, b) for a, b in itertools.pairwise(parts)))

    return Operation(chain, 2, _MANY)


def over(a: Expr, b: Expr) -> Expr:
    """A quotient: as a product, so that floats divided by 0 are what sympy has for that."""
    return a * Pow(b, -1)


def _quotient(a: Expr, b: Expr) -> Expr:
    """The whole part of a/b, towards 0."""
    if b == 0:
        return sympy.nan
    return sympy.sign(a / b) * sympy.floor(sympy.Abs(a / b))


_MANY = float("inf")
#: The operations by libsbml's words for them.
OPERATIONS: Mapping[str, Operation] = {
    "plus": Operation(Add, 0, _MANY),
    "minus": Operation(_minus, 1, 2),
    "times": Operation(Mul, 0, _MANY),
    "divide": Operation(over, 2, 2),
    "power": Operation(Pow, 2, 2),
    "function_power": Operation(Pow, 2, 2),
    "function_root": Operation(_root, 1, 2),
    "function_abs": Operation(sympy.Abs),
    "function_exp": Operation(sympy.exp),
    "function_ln": Operation(sympy.log),
    "function_log": Operation(_log, 2, 2),
    "function_floor": Operation(sympy.floor),
    "function_ceiling": Operation(sympy.ceiling),
    "function_factorial": Operation(sympy.factorial),
    "function_sin": Operation(sympy.sin),
    "function_cos": Operation(sympy.cos),
    "function_tan": Operation(sympy.tan),
    "function_sec": Operation(sympy.sec),
    "function_csc": Operation(sympy.csc),
    "function_cot": Operation(sympy.cot),
    "function_sinh": Operation(sympy.sinh),
    "function_cosh": Operation(sympy.cosh),
    "function_tanh": Operation(sympy.tanh),
    "function_sech": Operation(sympy.sech),
    "function_csch": Operation(sympy.csch),
    "function_coth": Operation(sympy.coth),
    "function_arcsin": Operation(sympy.asin),
    "function_arccos": Operation(sympy.acos),
    "function_arctan": Operation(sympy.atan),
    "function_arcsec": Operation(lambda u: sympy.acos(1 / u)),
    "function_arccsc": Operation(lambda u: sympy.asin(1 / u)),
    "function_arccot": Operation(lambda u: sympy.atan(1 / u)),
    "function_arcsinh": Operation(sympy.asinh),
    "function_arccosh": Operation(sympy.acosh),
    "function_arctanh": Operation(sympy.atanh),
    "function_arcsech": Operation(lambda u: sympy.acosh(1 / u)),
    "function_arccsch": Operation(lambda u: sympy.asinh(1 / u)),
    "function_arccoth": Operation(lambda u: sympy.atanh(1 / u)),
    "function_min": Operation(sympy.Min, 1, _MANY),
    "function_max": Operation(sympy.Max, 1, _MANY),
    "function_quotient": Operation(_quotient, 2, 2),
    "function_rem": Operation(lambda a, b: a - b * _quotient(a, b), 2, 2),
    "relational_eq": _compared(sympy.Eq),
    "relational_neq": Operation(sympy.Ne, 2, 2),
    "relational_gt": _compared(sympy.Gt),
    "relational_geq": _compared(sympy.Ge),
    "relational_lt": _compared(sympy.Lt),
    "relational_leq": _compared(sympy.Le),
    "logical_and": Operation(And, 0, _MANY, of_truths=True),
    "logical_or": Operation(Or, 0, _MANY, of_truths=True),
    "logical_xor": Operation(sympy.Xor, 0, _MANY, of_truths=True),
    "logical_not": Operation(Not, of_truths=True),
    "logical_implies": Operation(lambda a, b: Or(Not(a), b), 2, 2, of_truths=True),
}


def as_truth(part: Meaning) -> Boolean:
    """A part as a condition: a number is true where it is not 0, and nan is no truth."""
    if part is sympy.nan or not isinstance(part, Expr):
        return cast(Boolean, part)
    return sympy.Ne(part, 0)


def as_number(part: Meaning) -> Expr:
    """A part as a number: a truth is 1 or 0."""
    # sympy counts a symbol as both.
    return part if isinstance(part, Expr) else Piecewise((1, part), (0, True))


def chosen(*parts: Meaning) -> Expr:
    """The first value whose condition holds; the last one, where no condition follows it."""
    pairs = [(as_number(a), as_truth(b)) for a, b in zip(parts[::2], parts[1::2], strict=False)]
    if len(parts) % 2:
        pairs.append((as_number(parts[-1]), sympy.true))
    return Piecewise(*pairs)
