"""Formulas in sympy's own functions and exact numbers; the branches that are taken at a point."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import sympy
from sympy import Basic, Expr, Float, Integer, Mod, Piecewise, Rational, Symbol
from sympy.core.relational import Relational
from sympy.logic.boolalg import Boolean

from causalopt.ground.errors import QueryError
from causalopt.mechanisms.found import Found
from causalopt.mechanisms.rebuilding import rebuilt
from causalopt.mechanisms.steady import Steady

# Numbers at a point are exact up to so many digits of a fraction, and beyond them have these.
_DIGITS = 30
_LONGEST = 10**60
_HALF = Rational(1, 2)


def exact(number: float | Expr) -> Expr:
    """A number as the fraction that it is written as: 0.1 is 1/10.

    >>> exact(0.1), exact(25.0), exact(sympy.Float(0.5))
    (1/10, 25, 1/2)
    """
    if isinstance(number, Expr) and not isinstance(number, Float):
        return number
    return Rational(repr(float(number)))


def plain(formula: Expr) -> Expr:
    """A formula in sympy's own functions, its decimals as fractions.

    Raises ``QueryError`` for the moment of an event, which is looked for and has no formula.
    """
    if formula.has(Found):
        raise QueryError(
            "An event happens inside a step, at a moment that is looked for and has no formula: "
            "ask comp or op for numbers."
        )
    steady = {part: part.doit() for part in formula.atoms(Steady)}
    formula = rebuilt(lambda: formula.xreplace(steady))
    decimals = {number: exact(number) for number in formula.atoms(Float)}
    return rebuilt(lambda: formula.xreplace(decimals))


@dataclass
class Branches:
    """Which branches formulas take where their symbols have ``numbers``.

    ``look_up`` gives the number of a symbol that has none yet. ``conditions`` grow with each
    choice: under all of them, the same branches are taken.

    >>> x = Symbol("x", real=True)
    >>> here = Branches(lambda symbol: Integer(-2))
    >>> here.taken(x + sympy.Abs(x - 1)), list(here.conditions)
    (1, [x - 1 < 0])
    """

    look_up: Callable[[Symbol], Expr]
    numbers: dict[Symbol, Expr] = field(default_factory=dict)
    conditions: dict[Boolean, None] = field(default_factory=dict)

    def number(self, formula: Expr) -> Expr:
        """What a formula comes to at the point."""
        number = self._here(formula)
        if number.is_Rational and max(abs(number.p), number.q) < _LONGEST:
            return number
        return number.evalf(_DIGITS)

    def taken(self, part: Basic) -> Basic:
        """A formula with the branches that are taken, and without the others."""
        if isinstance(part, Piecewise):
            return self._of_choice(part)
        inner = [self.taken(arg) for arg in part.args]
        rule = next((rule for head, rule in _RULES.items() if isinstance(part, head)), None)
        if rule is not None:
            # The arguments of a largest are a set: in a fixed order, so are the conditions.
            sides = sorted(inner, key=sympy.default_sort_key) if part.func in _SETS else inner
            return rule(self, *sides)
        return part.func(*inner) if inner else part

    def holds(self, condition: Boolean) -> bool:
        """Whether a condition holds at the point; it, or its contrary, is noted."""
        here = self._here(condition)
        if not isinstance(here, sympy.logic.boolalg.BooleanAtom):
            here = here.evalf(_DIGITS)
        is_so = here == sympy.true
        noted = condition if is_so else sympy.Not(condition)
        if isinstance(noted, Relational) and noted.lhs.is_number:
            noted = noted.reversed
        if not isinstance(noted, sympy.logic.boolalg.BooleanAtom):
            self.conditions[noted] = None
        return bool(is_so)

    def _here(self, formula: Basic) -> Basic:
        """A formula with the numbers at the point in it."""
        for symbol in formula.free_symbols - self.numbers.keys():
            self.numbers[symbol] = self.look_up(symbol)
        return formula.xreplace(self.numbers)

    def _of_choice(self, part: Piecewise) -> Basic:
        for branch, condition in part.args:
            if condition == sympy.true or self.holds(condition):
                return self.taken(branch)
        return sympy.nan


def _size(here: Branches, u: Expr) -> Expr:
    return u if here.holds(u >= 0) else -u


def _largest(here: Branches, first: Expr, *others: Expr) -> Expr:
    for other in others:
        first = first if here.holds(first >= other) else other
    return first


def _smallest(here: Branches, first: Expr, *others: Expr) -> Expr:
    for other in others:
        first = first if here.holds(first <= other) else other
    return first


def _stair(round_: Callable[[Expr], Expr]) -> Callable[[Branches, Expr], Expr]:
    def stair(here: Branches, u: Expr) -> Expr:
        step = round_(here.number(u))
        here.holds(sympy.Eq(round_(u), step))
        return step

    return stair


def _remainder(here: Branches, value: Expr, period: Expr) -> Expr:
    return value - period * _stair(sympy.floor)(here, value / period)


def _unit_step(here: Branches, u: Expr, at_zero: Expr = _HALF) -> Expr:
    if here.number(u) == 0:
        return at_zero
    return Integer(1) if here.holds(u > 0) else Integer(0)


_SETS = (sympy.Max, sympy.Min)
_RULES: Mapping[type[Basic], Callable[..., Expr]] = {
    sympy.Abs: _size,
    sympy.Max: _largest,
    sympy.Min: _smallest,
    sympy.floor: _stair(sympy.floor),
    sympy.ceiling: _stair(sympy.ceiling),
    sympy.sign: _stair(sympy.sign),
    sympy.frac: lambda here, u: u - _stair(sympy.floor)(here, u),
    Mod: _remainder,
    sympy.Heaviside: _unit_step,
}
