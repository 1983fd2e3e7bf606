"""What a formula comes to: in floats, at the start, and as a term of sympy's, for a run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from sympy import Expr, Number, Pow

from causalopt.exchange.dynamics.graphs import formula_at, number, value_at
from causalopt.exchange.dynamics.operations import (
    OPERATORS,
    SympyTerm,
    as_condition,
    as_number,
)
from causalopt.exchange.dynamics.syntax import (
    Applied,
    Delayed,
    Draw,
    GraphicalFunction,
    Literal,
    Reference,
    Syntax,
    rewritten,
)
from causalopt.exchange.reading import FileText
from causalopt.language.symbols import Variable, noise

#: No exponent is larger, those that come of powers of powers neither.
MOST_POWER = 1000.0


def value_of(source: FileText, formula: Syntax, known: Mapping[str, float]) -> float:
    """The number that a formula comes to, by those of its variables.

    Raises ``FileError`` at the part that is no finite number, such as a quotient by 0. Of a
    condition, the branch that is taken is looked at alone.
    """
    match formula:
        case Literal(value):
            return value
        case Reference():
            return known[formula.key]
        case Delayed(_, _, before):
            return value_of(source, before, known)
        case Applied("lookup", (GraphicalFunction() as graph, inner)):
            return value_at(graph, value_of(source, inner, known))
        case Applied("if", (condition, *branches)):
            taken = branches[0] if value_of(source, condition, known) else branches[1]
            return value_of(source, taken, known)
        case Applied(function, arguments, offset):
            given = [value_of(source, argument, known) for argument in arguments]
            return _applied(source, function, given, offset)
    raise TypeError(f"{formula!r} has no value at the start")


def _applied(source: FileText, function: str, given: list[float], offset: int) -> float:
    # Which no file names: pulses that come again are written by it.
    if function == "modulo of time" and given[1] <= 0:
        told = f"the interval from one pulse to the next is {given[1]:g} at the start: write one"
        raise source.refusal(offset, f"{told} above 0.")
    try:
        value = float(OPERATORS[function].value(given))
    except (ArithmeticError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        numbers = [f"{one:g}" for one in given[:3]]
        is_sign = not function[0].isalpha() and len(given) == 2
        of = (
            f" {function} ".join(numbers)
            if is_sign
            else f"{function.upper()} of {', '.join(numbers)}"
        )
        told = f"{of} is no finite number at the start: correct the formula or its inputs."
        raise source.refusal(offset, told)
    return value


def folded(source: FileText, formula: Syntax) -> Syntax:
    """A formula in which what is of numbers alone is a number, as floats have it."""

    def fold(part: Syntax) -> Syntax:
        if not isinstance(part, Applied) or not _is_of_numbers(part):
            return part
        return Literal(value_of(source, part, {}), part.offset)

    return rewritten(formula, fold)


def _is_of_numbers(part: Applied) -> bool:
    kinds = (Literal, GraphicalFunction) if part.function == "lookup" else (Literal,)
    is_known = part.function in OPERATORS or part.function == "lookup"
    return is_known and all(isinstance(one, kinds) for one in part.arguments)


@dataclass(frozen=True)
class Building:
    """How formulas become terms: by the symbols of their variables."""

    source: FileText
    symbols: Mapping[str, Expr]

    def number_of(self, formula: Syntax) -> Expr:
        """A formula as a term that is a number."""
        return as_number(self.term_of(formula))

    def term_of(self, formula: Syntax) -> SympyTerm:
        """A formula as a term, which may be a condition."""
        match formula:
            case Literal(value):
                return number(value)
            case Reference():
                return self.symbols[formula.key]
            case Draw(name, law):
                return noise(name, law)
            case Delayed(reference, delay):
                variable = self.symbols[reference.key]
                return variable.lag(delay) if isinstance(variable, Variable) else variable
            case Applied("lookup", (GraphicalFunction() as graph, inner)):
                return formula_at(graph, self.number_of(inner))
            case Applied(function, arguments, offset):
                operator = OPERATORS[function]
                terms = [self.term_of(argument) for argument in arguments]
                given = [
                    as_condition(term) if place < operator.conditions else as_number(term)
                    for place, term in enumerate(terms)
                ]
                return self.checked(operator.term(given), offset)
        raise TypeError(f"{formula!r} is no term")

    def checked(self, term: SympyTerm, offset: int) -> SympyTerm:
        """The same, or ``FileError`` where its numbers are none that a float holds."""
        for part in (term, *term.args):
            if isinstance(part, Number) and not _is_held(part):
                told = "the numbers of this formula multiply up to one that no float holds."
                raise self.source.refusal(offset, told)
            if (
                isinstance(part, Pow)
                and isinstance(part.exp, Number)
                and abs(part.exp) > MOST_POWER
            ):
                told = f"a power is larger than {MOST_POWER:g} (MOST_POWER)."
                raise self.source.refusal(offset, told)
        return term


def _is_held(constant: Number) -> bool:
    """Whether a float holds a number: it is finite, and not too small to tell from 0."""
    if constant.is_Rational and max(abs(constant.p), constant.q).bit_length() > 2000:
        return False
    as_float = abs(float(constant)) if constant.is_comparable else math.nan
    return constant == 0 or (math.isfinite(as_float) and as_float > 0)
