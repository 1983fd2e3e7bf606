"""Mechanisms that are formulas: sympy expressions, differentiated branch by branch."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Number

import numpy as np
import sympy
from sympy import Add, Expr, MatrixExpr, Mul, Symbol
from sympy.core.function import AppliedUndef, UndefinedFunction

from causalopt.ground.errors import DeclarationError
from causalopt.ground.types import Array
from causalopt.language.laws import DRAWN, Dependent
from causalopt.language.symbols import Noise
from causalopt.language.typeset import latex
from causalopt.language.units import NUMBER, UNKNOWN, Measured, UnitOfMeasure, unit_of
from causalopt.mechanisms.borders import Border, between_borders, borders_of
from causalopt.mechanisms.clock import in_steps
from causalopt.mechanisms.differentiation import Differentiation
from causalopt.mechanisms.dimensions import check_units
from causalopt.mechanisms.fitness import check_constants, check_nesting, check_parts, parts_of
from causalopt.mechanisms.holes import smooth
from causalopt.mechanisms.interface import Mechanism, Naming, Terms, UnitOf, Writer
from causalopt.mechanisms.numerical import without_code
from causalopt.mechanisms.patterns import loose_fractions, pattern_of
from causalopt.mechanisms.rebuilding import rebuilt, with_terms
from causalopt.mechanisms.routines import LONG, Filled, long_form
from causalopt.mechanisms.truth import decided

#: Functions that numeric libraries lack, in terms of those that they have.
RECIPROCALS: Mapping[type, Callable[[Expr], Expr]] = {
    sympy.sec: lambda u: 1 / sympy.cos(u),
    sympy.csc: lambda u: 1 / sympy.sin(u),
    sympy.cot: lambda u: sympy.cos(u) / sympy.sin(u),
    sympy.sech: lambda u: 1 / sympy.cosh(u),
    sympy.csch: lambda u: 1 / sympy.sinh(u),
    sympy.coth: lambda u: 1 / sympy.tanh(u),
    sympy.asec: lambda u: sympy.acos(1 / u),
    sympy.acsc: lambda u: sympy.asin(1 / u),
    sympy.acot: lambda u: sympy.atan(1 / u),
    sympy.asech: lambda u: sympy.acosh(1 / u),
    sympy.acsch: lambda u: sympy.asinh(1 / u),
    sympy.acoth: lambda u: sympy.atanh(1 / u),
}

# What no float is, and what has to be worked out first.
_UNFIT = frozenset({sympy.I, sympy.zoo, sympy.nan, sympy.oo, -sympy.oo})
_HELD = (sympy.Integral, sympy.Derivative, sympy.Sum, sympy.Product, sympy.Limit)


@dataclass(frozen=True)
class Expression(Mechanism):
    """A mechanism given by a sympy expression in its arguments.

    >>> from causalopt.language.symbols import parameter, variables
    >>> T, R = variables("T R")
    >>> warm = Expression(R - parameter("k") * T)
    >>> warm.arguments
    (R, T, k)
    >>> warm.partial(T)
    -k
    """

    formula: Expr

    @functools.cached_property
    def arguments(self) -> tuple[Symbol, ...]:
        """The free symbols, in the order of their names: parents come from the formula alone."""
        return in_order_of_names(self.formula.free_symbols)

    @property
    def moves_as_computed(self) -> bool:
        """A formula is differentiated as it is computed."""
        return True

    @property
    def remedy(self) -> str:
        """What to do where its value is no finite number."""
        cases = self.formula.atoms(sympy.Piecewise)
        unmet = [c for each in cases for c in each.args if each.args[-1].cond != sympy.true]
        if unmet:
            told = " or ".join(sorted({str(case.cond) for case in unmet}))
            return f"keep to where one of its cases holds, {told}, or {super().remedy}"
        own = smooth(self.formula)
        asked = "guard what is asked in it, as (x > 0) & (log(x) < 1) does, "
        return super().remedy if decided(own) is own else asked + super().remedy

    def long_form(self, least: int = LONG) -> Filled | None:
        """The formula as it is best computed, where it is long and smooth everywhere."""
        return long_form(smooth(self.formula), least)

    def value(self, at: Terms) -> Expr:
        """The formula, with terms in the place of its symbols, as it is best computed."""
        return with_terms(decided(smooth(self.formula)), at)

    def as_written(self, at: Terms) -> Expr:
        """The formula as it is written, with terms in the place of its symbols."""
        return with_terms(self.formula, at)

    def reverse(self, at: Terms, weight: Expr) -> dict[Symbol, Expr]:
        """weight df/du(at) for each argument u."""
        partials = {s: self.partial(s) for s in self.arguments}
        return {s: Mul(weight, with_terms(partial, at)) for s, partial in partials.items()}

    def renamed(self, names: Terms) -> Expression:
        """The formula in other symbols, or with terms in their place."""
        return Expression(self.as_written(names))

    def pattern(self) -> tuple[Expression, tuple[Expr, ...]]:
        """The formula as it is computed, with places for its symbols and for numbers."""
        own = decided(smooth(self.formula))
        formula, at = pattern_of(own, self.arguments, loose_fractions(own))
        return Expression(formula), at

    def increment(self, variable: Symbol, parts: Sequence[tuple[Expr, Terms]]) -> Expression:
        """variable + sum_j weight_j f(at_j), as one formula."""
        return Expression(Add(variable, *(Mul(weight, self.value(at)) for weight, at in parts)))

    def in_steps(self, room: float, length: float, where: str) -> Expression:
        """The formula, its conditions on time made with room for rounding: see ``clock``."""
        within = in_steps(self.formula, room, length, where)
        return self if within is self.formula else Expression(within)

    def between_borders(self) -> Expression:
        """The formula, what jumps at known times asked inside of a step."""
        within = between_borders(self.formula)
        return self if within is self.formula else Expression(within)

    @property
    def borders(self) -> frozenset[Border]:
        """The times at which the formula jumps."""
        return borders_of(self.formula)

    def check_units(self, of: UnitOf, own: UnitOfMeasure | None, where: str) -> None:
        """Compare the units of what the formula adds, compares and takes functions of."""
        check_units(self.formula, of, own, where)

    def words(self, name: Naming, write: Writer | None = None) -> str:
        """The formula as text."""
        if write is not None:
            return write(self.formula, name)
        names = {s: Symbol(name(s)) for s in self.arguments if name(s) != str(s)}
        return str(self.as_written(names))

    def latex(self) -> str:
        """The formula as LaTeX."""
        return latex(self.formula)

    def partial(self, argument: Symbol) -> Expr:
        """The derivative by one argument; at a kink, that of the branch taken.

        f = |u| gives 1 at u = 0, because the branch u >= 0 is taken there; jumps (floor, sign,
        Heaviside) have derivative 0. Source: design, section 4.
        """
        return _partial(self.formula, argument)


def in_order_of_names(symbols: Iterable[Symbol]) -> tuple[Symbol, ...]:
    """Symbols in a fixed order."""
    return tuple(sorted(symbols, key=lambda s: (s.name, type(s).__name__)))


def expression(given: object, where: str) -> Expression:
    """The mechanism for a formula or a number; ``where`` names the node in messages.

    Strings are refused, never parsed: sympy would run code hidden in them.
    """
    if isinstance(given, str):
        raise DeclarationError(
            f"The mechanism of {where} is the text {given!r}, and text is never parsed: "
            "write it with symbols, such as R - k*T."
        )
    if isinstance(given, Number | np.ndarray) and not isinstance(given, bool | np.bool_):
        given = _number(given, where)
    if not isinstance(given, Expr) or isinstance(given, MatrixExpr):
        raise DeclarationError(_not_a_formula(given, where))
    check_nesting(given, where)
    formula = given
    heads = {type(part) for part in parts_of(given)}
    for head, instead in RECIPROCALS.items():
        if head in heads:
            formula = rebuilt(functools.partial(formula.replace, head, instead))
    formula = _with_standard_draws(formula)
    _refuse_what_cannot_run(formula, where)
    check_parts(formula, where)
    check_constants(formula, where)
    return Expression(formula)


def _with_standard_draws(formula: Expr) -> Expr:
    """The formula, with noises whose laws depend on parameters made of draws that do not."""
    laws = {s: s.law for s in formula.free_symbols if isinstance(s, Noise)}
    dependent = {s: law for s, law in laws.items() if isinstance(law, Dependent)}
    if not dependent:
        return formula
    for noise, law in dependent.items():
        check_units(law.formula, _unit_in_a_law, unit_of(noise.unit), f"the noise {noise}")
    draws = {s: Noise(s.name, law.standard) for s, law in dependent.items()}
    terms = {s: law.formula.xreplace({DRAWN: draws[s]}) for s, law in dependent.items()}
    return rebuilt(lambda: formula.xreplace(terms))


def _unit_in_a_law(symbol: Symbol) -> Measured:
    """The unit of a symbol in the formula of a law: a draw is a number."""
    unit = unit_of(getattr(symbol, "unit", ""))
    return NUMBER if symbol == DRAWN else UNKNOWN if unit is None else Measured(unit)


def _number(given: Number | Array, where: str) -> Expr:
    """A number as sympy writes it: whole and rational ones exactly, NumPy's as Python's own."""
    value: object = given
    if isinstance(given, np.generic | np.ndarray) and not given.shape:
        value = given.item()
    if isinstance(value, np.ndarray | bool):
        raise DeclarationError(_not_a_formula(given, where))
    try:
        formula: Expr = sympy.sympify(value, strict=True)
    except sympy.SympifyError:
        raise DeclarationError(_not_a_formula(given, where)) from None
    return formula


def _not_a_formula(given: object, where: str) -> str:
    if isinstance(given, sympy.logic.boolalg.Boolean):
        return (
            f"The mechanism of {where} is the condition {given}, which is no number: "
            f"write Piecewise((1, {given}), (0, True))."
        )
    return (
        f"The mechanism of {where} is {given!r} ({type(given).__name__}): "
        "write a sympy expression of variables and parameters, or a number."
    )


def _refuse_what_cannot_run(formula: Expr, where: str) -> None:
    # Each part once: as trees, formulas may be far larger than they are.
    parts = parts_of(formula)
    unknown = sorted(str(part.func) for part in parts if isinstance(part, AppliedUndef))
    if unknown or any(isinstance(part, UndefinedFunction) for part in parts):
        raise DeclarationError(
            f"The mechanism of {where} uses the undefined function {', '.join(unknown)}: "
            "replace it by a formula."
        )
    if not _UNFIT.isdisjoint(parts):
        raise DeclarationError(
            f"The mechanism of {where}, {formula}, is complex, infinite or undefined: "
            "nodes hold finite real numbers."
        )
    lacking = without_code(formula)
    if lacking:
        raise DeclarationError(
            f"The mechanism of {where} uses {lacking[0]}, for which there is no numerical code: "
            "write it by other functions."
        )
    held = [part for part in parts if isinstance(part, _HELD)]
    if held:
        raise DeclarationError(
            f"The mechanism of {where} holds {held[0]} unevaluated: work it out first with .doit()."
        )


@functools.lru_cache(maxsize=4096)
def _partial(formula: Expr, argument: Symbol) -> Expr:
    return rebuilt(lambda: _differentiation(formula).by(argument))


@functools.lru_cache(maxsize=512)
def _differentiation(formula: Expr) -> Differentiation:
    return Differentiation(smooth(formula))
