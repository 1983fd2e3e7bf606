"""Formulas put together anew, where sympy turns a condition to and fro for ever, or raises.

sympy brings conditions to a canonical form, which some have none of: of 2*b - c >= -d - Abs(c) it
makes d + Abs(c) >= c - 2*b, and of that the first again. And it asks of each branch of a choice how
it compares, also of one that is never taken and has no real value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from typing import TypeVar

import sympy
from sympy import Basic, Expr, Symbol
from sympy.core.relational import Relational
from sympy.logic.boolalg import BooleanFunction

from causalopt.ground.errors import CausaloptError
from causalopt.mechanisms.fitness import inside_out

T = TypeVar("T")

#: What sympy and mpmath raise where a part has no value, or none that can be compared: each of
#: their functions in a way of its own, as soon as it is written ("Modulo by zero", "The argument
#: 'zoo' is not comparable", "Invalid NaN comparison", "complex modulo").
NO_VALUE = (
    ArithmeticError,
    AttributeError,
    NotImplementedError,
    RecursionError,
    TypeError,
    ValueError,
)

# A largest of more arguments is put together as it is: sympy compares all with all.
_MOST_COMPARED = 8
# What sympy looks at for long, in search of what is always so.
_COMPARING = (sympy.Max, sympy.Min, sympy.Piecewise, Relational, BooleanFunction)


def rebuilt(build: Callable[[], T]) -> T:
    """What is built, left as it is written where sympy comes to no end of tidying it, or raises.

    >>> b, c, d = sympy.symbols("b c d", real=True)
    >>> rebuilt(lambda: sympy.Piecewise((1, 2*b - c >= -b - d - sympy.Abs(c)), (0, True)))
    Piecewise((1, 2*b - c >= (-b - d) - Abs(c)), (0, True))
    """
    try:
        return build()
    except CausaloptError:
        raise
    except NO_VALUE:
        with sympy.evaluate(False):
            return build()


def with_terms(formula: Expr, at: Mapping[Symbol, Expr]) -> Expr:
    """The formula with terms in the place of its symbols.

    >>> x = sympy.symbols("x:9", real=True)
    >>> with_terms(sympy.Max(*x, evaluate=False), {x[8]: sympy.Integer(7)}).args[0]
    7
    """
    symbols = formula.free_symbols
    # Of thousands of terms a formula needs a few.
    own = {symbol: at[symbol] for symbol in symbols if symbol in at}
    if not own:
        return formula
    if _only_renames(symbols, own):
        return _put_together(formula, own, _as_it_is)
    if not compares_many(formula):
        return rebuilt(lambda: formula.xreplace(own))
    return rebuilt(lambda: _put_together(formula, own, with_parts))


def _only_renames(symbols: Set[Symbol], at: Mapping[Symbol, Expr]) -> bool:
    """Whether other names, or later times, stand for symbols: what was open stays so.

    Two symbols must not become one: of x < y that would make x < x.
    """
    # A symbol and so much more is that symbol at another time.
    named = [key if term.is_Add and key in term.args else term for key, term in at.items()]
    if not all(isinstance(name, Symbol) for name in named) or len({*named}) < len(named):
        return False
    return {*named}.isdisjoint(symbols - at.keys())


def _as_it_is(part: Basic, inner: Sequence[Basic]) -> Basic:
    """A part made of other parts, in which nothing is compared that was not before."""
    if all(new is old for new, old in zip(inner, part.args, strict=True)):
        return part
    return part.func(*inner, evaluate=False) if isinstance(part, _COMPARING) else part.func(*inner)


def compares_many(formula: Basic) -> bool:
    """Whether a largest or smallest of many arguments is in it."""
    return any(map(_is_long, formula.atoms(sympy.Max, sympy.Min)))


def with_parts(part: Basic, inner: Sequence[Basic]) -> Basic:
    """A part made of other parts than its own."""
    if all(new is old for new, old in zip(inner, part.args, strict=True)):
        return part
    return part.func(*inner, evaluate=False) if _is_long(part) else part.func(*inner)


def _is_long(part: Basic) -> bool:
    return isinstance(part, sympy.Max | sympy.Min) and len(part.args) > _MOST_COMPARED


def _put_together(
    formula: Expr,
    at: Mapping[Symbol, Expr],
    made: Callable[[Basic, Sequence[Basic]], Basic],
) -> Expr:
    """The formula with terms in it, each part of which is ``made`` of those that it has now."""
    new: dict[Basic, Basic] = {}
    for part in inside_out(formula):
        new[part] = at[part] if part in at else made(part, [new[arg] for arg in part.args])
    whole: Expr = new[formula]
    return whole
