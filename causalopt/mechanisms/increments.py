"""Steps along a rate of change: a variable, and a weighted sum of its rate at some places."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

from sympy import Add, Expr, Symbol

from causalopt.language.units import UnitOfMeasure
from causalopt.mechanisms.interface import (
    ONE,
    Addend,
    Mechanism,
    Naming,
    ShapeOf,
    Terms,
    UnitOf,
    Writer,
)
from causalopt.mechanisms.symbolic import Expression, in_order_of_names


@dataclass(frozen=True)
class Increment(Mechanism):
    """variable + sum_j weight_j f(at_j): a plan computes the rate f, and its slopes, once a place.

    Wherever it is not planned, it is the formula that it stands for.
    """

    variable: Symbol
    rate: Mechanism
    places: tuple[tuple[Expr, tuple[tuple[Symbol, Expr], ...]], ...]

    @classmethod
    def of(
        cls, variable: Symbol, rate: Mechanism, parts: Sequence[tuple[Expr, Terms]]
    ) -> Increment:
        """The step of a variable by its rate, from the (weight_j, at_j)."""
        seen = rate.arguments
        places = ((weight, tuple((s, at.get(s, s)) for s in seen)) for weight, at in parts)
        return cls(variable, rate, tuple(places))

    @functools.cached_property
    def whole(self) -> Mechanism:
        """The step as one formula."""
        return self.rate.increment(self.variable, [(w, dict(terms)) for w, terms in self.places])

    @functools.cached_property
    def arguments(self) -> tuple[Symbol, ...]:
        """The variable, what weighs its rates, and what these follow from at their places."""
        seen: set[Symbol] = set()
        for addend in self.addends:
            own = [term for _, term in addend.places]
            # Most are symbols, of which sympy makes a set each.
            seen.update(term for term in own if isinstance(term, Symbol))
            seen.update(addend.weight.free_symbols, *(t.free_symbols for t in own if t.args))
        return in_order_of_names(seen)

    @functools.cached_property
    def addends(self) -> tuple[Addend, ...]:
        """The variable, and its rate at each of the places."""
        rates = (Addend(weight, self.rate, terms) for weight, terms in self.places)
        return (Addend(ONE, Expression(self.variable)), *rates)

    @property
    def is_opaque(self) -> bool:
        """Whether its rate is."""
        return self.rate.is_opaque

    @property
    def moves_as_computed(self) -> bool:
        """Whether its rate does."""
        return self.rate.moves_as_computed

    def value(self, at: Terms) -> Expr:
        """The step, with terms in the place of its symbols."""
        if not self.is_opaque:
            return self.whole.value(at)
        rates = (w.xreplace(dict(at)) * self.rate.value(self._seen(terms, at))
                 for w, terms in self.places)  # fmt: skip
        return Add(at.get(self.variable, self.variable), *rates)

    def _seen(self, terms: tuple[tuple[Symbol, Expr], ...], at: Terms) -> Terms:
        """What the rate sees at a place, with terms for the symbols there."""
        return {s: term.xreplace(dict(at)) for s, term in terms}

    def reverse(self, at: Terms, weight: Expr) -> dict[Symbol, Expr]:
        """weight df/du(at) for each argument u."""
        return self.whole.reverse(at, weight)

    def renamed(self, names: Terms) -> Mechanism:
        """The formula in other symbols, or with terms in their place."""
        variable = names.get(self.variable, self.variable)
        if not isinstance(variable, Symbol):
            return self.whole.renamed(names)
        places = (
            (weight.xreplace(names), tuple((s, term.xreplace(names)) for s, term in terms))
            for weight, terms in self.places
        )
        return Increment(variable, self.rate, tuple(places))

    @property
    def precision(self) -> str:
        """That of the rate."""
        return self.rate.precision

    def pattern(self) -> tuple[Mechanism, tuple[Expr, ...]]:
        """That of the formula."""
        return self.whole.pattern()

    def in_steps(self, room: float, length: float, where: str) -> Increment:
        """The step, the conditions of its rate on time made with room for rounding."""
        within = self.rate.in_steps(room, length, where)
        return self if within is self.rate else Increment(self.variable, within, self.places)

    def check_units(self, of: UnitOf, own: UnitOfMeasure | None, where: str) -> None:
        """Compare the units of what the formula adds, compares and takes functions of."""
        if not self.is_opaque:
            self.whole.check_units(of, own, where)

    def check_shape(self, of: ShapeOf, own: tuple[int, ...], where: str) -> None:
        """Ask the rate for it."""
        self.rate.check_shape(of, own, where)

    def words(self, name: Naming, write: Writer | None = None) -> str:
        """The formula as text; of a rate that has none, the rate."""
        return (self.rate if self.is_opaque else self.whole).words(name, write)

    def latex(self) -> str:
        """The formula as LaTeX; of a rate that has none, the rate."""
        return (self.rate if self.is_opaque else self.whole).latex()
