"""The moment of an event inside a step, and its derivatives: by the implicit function theorem."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from sympy import Expr, Integer, Mul, Piecewise, Symbol
from sympy.logic.boolalg import Boolean

from causalopt.mechanisms.crossing import SHARE, Crossing
from causalopt.mechanisms.differentiation import derivative
from causalopt.mechanisms.interface import Mechanism, Naming, Terms, Writer
from causalopt.mechanisms.rebuilding import rebuilt
from causalopt.mechanisms.steady import Offset, Share


@dataclass(frozen=True)
class Onset(Mechanism):
    """The share of a step at which a condition comes true, where ``is_on`` holds; else 1.

    The ``height`` over the condition's edge is zero there, so that a moment moves with u by
    -(dh/du) / (dh/dshare). Condition and height are formulas of ``SHARE``; ``found`` is the same
    moment as a number that does not move, at which the slopes are taken.
    """

    is_on: Boolean
    condition: Boolean
    height: Expr
    found: Symbol

    @functools.cached_property
    def arguments(self) -> tuple[Symbol, ...]:
        """The free symbols, in the order of their names."""
        used = {self.found}.union(*(part.free_symbols for part in self._parts)) - {SHARE}
        return tuple(sorted(used, key=lambda s: (s.name, type(s).__name__)))

    @property
    def _parts(self) -> tuple[Boolean | Expr, ...]:
        return self.is_on, self.condition, self.height

    def value(self, at: Terms) -> Expr:
        """The search for it, with terms in the place of symbols."""
        return rebuilt(lambda: Crossing(self.is_on, self.condition).xreplace(at))

    def reverse(self, at: Terms, weight: Expr) -> dict[Symbol, Expr]:
        """weight dshare/du(at) for each argument u."""
        slopes = dict.fromkeys(self.arguments, Integer(0))
        moving = self.height.free_symbols - {SHARE}
        there = {SHARE: self.found}
        for symbol in (s for s in self.arguments if s in moving):
            slope = Piecewise((self._slope(symbol).xreplace(there), self.is_on), (Integer(0), True))
            slopes[symbol] = Mul(weight, rebuilt(functools.partial(slope.xreplace, at)))
        return slopes

    def _slope(self, symbol: Symbol) -> Expr:
        along, whole = derivative(self.height, symbol), derivative(self.height, SHARE)
        if whole == 0:
            # A height that jumps has no slopes: 0/0, so that a run looks for the limit.
            along = whole = Offset(symbol, symbol)
        return -Share(along, whole)

    def renamed(self, names: Terms) -> Onset:
        """The same of other symbols, or with terms in their place."""
        is_on, condition, height, found = (
            part.xreplace(names) for part in (*self._parts, self.found)
        )
        return Onset(is_on, condition, height, found)

    def words(self, name: Naming, write: Writer | None = None) -> str:
        """The condition as text."""
        called = {s: Symbol(name(s)) for s in self.arguments if name(s) != str(s)}
        return f"the moment at which {rebuilt(lambda: self.condition.xreplace(called))}"

    def latex(self) -> str:
        """The condition as LaTeX."""
        return rf"\text{{{self.words(str)}}}"
