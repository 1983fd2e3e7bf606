"""What arrows carry: derivatives as weighted sums of formulas that many of them share."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass

from sympy import Expr, Symbol

from causalopt.mechanisms.differentiation import Differentiation
from causalopt.mechanisms.interface import ONE, Mechanism
from causalopt.mechanisms.patterns import pattern_of, places
from causalopt.mechanisms.rebuilding import rebuilt
from causalopt.mechanisms.routines import Routine


@dataclass(frozen=True)
class SlopeTerm:
    """weight * formula, with ``terms`` in the ``places`` of the formula."""

    formula: Expr
    places: tuple[Symbol, ...]
    terms: tuple[Expr, ...]
    weight: Expr = ONE

    @property
    def symbols(self) -> set[Symbol]:
        """What its value follows from."""
        return set(self.weight.free_symbols).union(*(term.free_symbols for term in self.terms))

    def at(self, given: Mapping[Symbol, Expr], weight: Expr = ONE) -> SlopeTerm:
        """The same of other terms, in the place of its symbols."""
        terms = tuple(given.get(term, term) for term in self.terms)
        return SlopeTerm(self.formula, self.places, terms, weight)


# A mechanism is shared by many nodes, and asked for each of its arguments.
@functools.lru_cache(maxsize=1 << 16)
def slope_terms(mechanism: Mechanism, argument: Symbol) -> tuple[SlopeTerm, ...]:
    """The derivative of a mechanism by an argument that is a node, as a sum.

    A rate that a step takes at several places is differentiated once, and one that is alike up to
    names and numbers with others once for all of these.
    """
    return tuple(
        part.at(terms, weight)
        for weight, summed, terms, own in _by_argument(mechanism).get(argument, ())
        for part in _partial(summed, own)
    )


_Way = tuple[Expr, Mechanism, Mapping[Symbol, Expr], Symbol]


@functools.lru_cache(maxsize=1 << 12)
def _by_argument(mechanism: Mechanism) -> Mapping[Symbol, list[_Way]]:
    """By which arguments of what it sums up a mechanism follows from each of its own.

    What is weighed with, and formulas in the place of arguments, are of parameters and of time.
    """
    ways: dict[Symbol, list[_Way]] = {}
    for addend in mechanism.addends:
        terms = dict(addend.terms)
        for own, argument in addend.places:
            if isinstance(argument, Symbol):
                way = addend.weight, addend.mechanism, terms, own
                ways.setdefault(argument, []).append(way)
    return ways


@functools.lru_cache(maxsize=1 << 14)
def _partial(mechanism: Mechanism, argument: Symbol) -> tuple[SlopeTerm, ...]:
    """The derivative of what is no sum; of a long formula, as that of a routine by its places."""
    form = mechanism.long_form()
    if form is None:
        return (_in_places(_partials(mechanism)[argument]),)
    given = dict(zip(form.routine.places, form.terms, strict=True))
    return tuple(
        _of_routine(form.routine, place).at(given)
        for place, term in given.items()
        if term == argument
    )


@functools.lru_cache(maxsize=1 << 12)
def _partials(mechanism: Mechanism) -> Mapping[Symbol, Expr]:
    return mechanism.reverse({}, ONE)


@functools.lru_cache(maxsize=1 << 14)
def _of_routine(routine: Routine, place: Symbol) -> SlopeTerm:
    return _in_places(rebuilt(lambda: _differentiation(routine).by(place)))


@functools.lru_cache(maxsize=512)
def _differentiation(routine: Routine) -> Differentiation:
    return Differentiation(routine.formula)


# Formulas that are alike up to names and decimals are one, and evaluated together.
@functools.lru_cache(maxsize=1 << 16)
def _in_places(formula: Expr) -> SlopeTerm:
    """The formula up to names and decimals."""
    named = sorted(formula.free_symbols, key=lambda s: (s.name, type(s).__name__))
    pattern, there = pattern_of(formula, named)
    symbols = {symbol.name: symbol for symbol in pattern.free_symbols}
    used = [(symbols[n], t) for n, t in zip(places(len(there)), there, strict=True) if n in symbols]
    return SlopeTerm(pattern, tuple(symbol for symbol, _ in used), tuple(term for _, term in used))
