"""What an iteration settles at: found by taking its turns until they lead nowhere any more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import sympy
from sympy import Basic, Expr, Float, Integer, Symbol
from sympy.printing.printer import Printer

from causalopt.language.words import listed
from causalopt.mechanisms.fitness import inside_out
from causalopt.mechanisms.found import Found
from causalopt.mechanisms.interface import Mechanism, Naming, Terms, Writer
from causalopt.mechanisms.rebuilding import with_terms
from causalopt.mechanisms.symbolic import in_order_of_names

#: How many turns are taken before it is said that there is no end to them.
TURNS = 60

# So little beside where an unknown is: see ``leads_nowhere``.
_NEAR = 1e-9

# A number or an array, of whatever library.
T = TypeVar("T", bound=Any)

# What no float is.
_BEYOND = Float(2) ** 1024


@dataclass(frozen=True)
class Turn:
    """A turn of an iteration: of the ``unknowns`` it makes the ``results``, by ``steps`` in order.

    ``doubts`` are above 0 where what is left of an unknown's equation is more than rounding.
    """

    unknowns: tuple[Symbol, ...]
    steps: tuple[tuple[Symbol, Expr], ...]
    results: tuple[Expr, ...]
    doubts: tuple[Expr, ...]


class Settled(Found):
    """What one unknown of an iteration settles at, or NaN where it does not within ``TURNS``.

    Of its place among the unknowns; the number of these; the unknowns, what they begin at, the
    results and the doubts of a turn; and the names and formulas of what is computed on the way.
    """

    @classmethod
    def _should_evalf(cls, arg: Expr) -> int:
        # That a guess is a decimal is no reason to search while a formula is put together.
        return -1

    @classmethod
    def of(cls, place: int, turn: Turn, guesses: Sequence[Expr]) -> Expr:
        """What an unknown of a turn settles at, from some guesses."""
        ways = (symbol for symbol, _ in turn.steps), (formula for _, formula in turn.steps)
        parts = (*turn.unknowns, *guesses, *turn.results, *turn.doubts, *ways[0], *ways[1])
        found: Expr = cls(Integer(place), Integer(len(turn.unknowns)), *parts)
        return found

    @property
    def place(self) -> int:
        """Which unknown it is."""
        return int(self.args[0])

    @property
    def guesses(self) -> tuple[Expr, ...]:
        """What the unknowns begin at."""
        return self._part(1)

    @property
    def turn(self) -> Turn:
        """A turn of the iteration."""
        count = int(self.args[1])
        way = self.args[2 + 4 * count :]
        steps = zip(way[: len(way) // 2], way[len(way) // 2 :], strict=True)
        return Turn(self._part(0), tuple(steps), self._part(2), self._part(3))

    @property
    def bound(self) -> frozenset[Symbol]:
        """The unknowns, and what is computed on the way."""
        turn = self.turn
        return frozenset(turn.unknowns).union(symbol for symbol, _ in turn.steps)

    def _part(self, number: int) -> tuple[Expr, ...]:
        count = int(self.args[1])
        args: tuple[Expr, ...] = self.args
        return args[2 + number * count : 2 + (number + 1) * count]

    def _eval_evalf(self, prec: int) -> Expr | None:
        if self.free_symbols:
            return None
        turn, now = self.turn, [guess._evalf(prec) for guess in self.guesses]
        for _ in range(TURNS):
            known: dict[Symbol, Expr] = dict(zip(turn.unknowns, now, strict=True))
            for symbol, formula in turn.steps:
                known[symbol] = _number(formula, known, prec)
            new, doubts = (
                [_number(part, known, prec) for part in parts]
                for parts in (turn.results, turn.doubts)
            )
            if sympy.nan in (*known.values(), *new, *doubts):
                return sympy.nan
            moved = [abs(y - x) for x, y in zip(now, new, strict=True)]
            if all(map(leads_nowhere, moved, new, doubts)):
                return new[self.place]
            now = new
        return sympy.nan

    def _sympystr(self, printer: Printer) -> str:
        names = listed([str(printer._print(guess)) for guess in self.guesses])
        return f"(what Newton's method comes to from {names})"

    def _mpmathcode(self, printer: Printer) -> str:
        return called(self, printer)


def _number(formula: Expr, known: Mapping[Symbol, Expr], prec: int) -> Expr:
    """What a formula comes to, NaN where it or a part of it is no finite real number of a float.

    Part by part: the exponential of what no float holds is never begun.
    """
    values: dict[Basic, Basic] = {}
    for part in inside_out(formula):
        value = known.get(part, part)
        if part.args:
            value = part.func(*(values[inner] for inner in part.args))
        if isinstance(value, Expr) and value.is_number:
            value = value._evalf(prec)
            if not (value.is_Number and value.is_finite and abs(value) < _BEYOND):
                return sympy.nan
        values[part] = value
    number: Expr = values[formula]
    return number


def leads_nowhere(moved: T, at: T, doubt: T) -> T:
    """Whether a turn that has ``moved`` an unknown leads nowhere any more, as numbers or arrays.

    It has moved it by little beside where it is ``at``: where turns converge by squares, as
    Newton's do, less than rounding is left after one more. Or there is no ``doubt`` that what was
    left of the equation is rounding, as near 0, where nothing is little beside what is left.
    """
    nowhere: T = (moved <= _NEAR * abs(at)) | (doubt <= 0)
    return nowhere


def nowhere_in_text(moved: str, at: str, doubt: str) -> str:
    """The same as a condition in Python."""
    return f"(({moved} <= {_NEAR!r} * abs({at})) | ({doubt} <= 0.0))"


def called(found: Settled, printer: Printer) -> str:
    """The search as a call of ``settled``, with a turn as a function of the unknowns."""
    turn = found.turn
    guesses, results, doubts = (
        f"({', '.join(map(printer._print, parts))},)"
        for parts in (found.guesses, turn.results, turn.doubts)
    )
    way = [f"({symbol} := {printer._print(formula)})" for symbol, formula in turn.steps]
    body = ", ".join([*way, f"({results}, {doubts})"])
    unknowns = ", ".join(map(str, turn.unknowns))
    return f"settled({found.place}, {guesses}, lambda {unknowns}: ({body},)[-1])"


@dataclass(frozen=True)
class Unmoved(Mechanism):
    """A formula's value, taken as a number that moves with nothing.

    Slopes are taken at such a number: where a search has found it, it moves as the equation says
    that it solves.
    """

    formula: Expr

    @property
    def arguments(self) -> tuple[Symbol, ...]:
        """The free symbols, in the order of their names."""
        return in_order_of_names(self.formula.free_symbols)

    @property
    def moved_by(self) -> tuple[Symbol, ...]:
        """Nothing."""
        return ()

    def value(self, at: Terms) -> Expr:
        """The formula, with terms in the place of its symbols."""
        return with_terms(self.formula, at)

    def reverse(self, at: Terms, weight: Expr) -> dict[Symbol, Expr]:
        """0 for each argument."""
        return dict.fromkeys(self.arguments, Integer(0))

    def renamed(self, names: Terms) -> Unmoved:
        """The same of other symbols."""
        return Unmoved(with_terms(self.formula, names))

    def words(self, name: Naming, write: Writer | None = None) -> str:
        """The formula as text."""
        names: Mapping[Symbol, Expr] = {s: Symbol(name(s)) for s in self.arguments}
        return str(with_terms(self.formula, names))

    def latex(self) -> str:
        """The formula as LaTeX."""
        return rf"\text{{{self.words(str)}}}"
