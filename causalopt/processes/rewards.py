"""Rewards: what makes a state likely, by a table of enthalpies or by the formula of an energy."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from sympy import Add, Expr, Symbol

from causalopt.distributions import Enthalpies
from causalopt.ground.errors import DeclarationError
from causalopt.language.finite_variables import Finite
from causalopt.language.symbols import Parameter
from causalopt.mechanisms.lookup import picked
from causalopt.mechanisms.symbolic import expression

#: A forbidden state is not entered while T log u stays above this, and so at any T below 1e298.
FORBIDDEN = -1e300


class Reward(Protocol):
    """What makes states likely: differences of log-likelihood times T, and the energy itself."""

    def change(self, variable: Finite, to: Expr, now: Mapping[Finite, Expr]) -> Expr:
        """How much likelier, times T, the state becomes where one variable goes to a place."""

    def energy(self, now: Mapping[Finite, Expr]) -> Expr:
        """The energy of a state, by the places of its values."""


@dataclass(frozen=True)
class TableReward:
    """Rewards by a table; forbidden states have the lowest reward that floats can tell apart."""

    H: Enthalpies

    def change(self, variable: Finite, to: Expr, now: Mapping[Finite, Expr]) -> Expr:
        """R(to) - R(now), each a Piecewise of the places."""
        return self._reward({**now, variable: to}) - self._reward(now)

    def energy(self, now: Mapping[Finite, Expr]) -> Expr:
        """The enthalpy as it was given."""
        return self._reward(now) * self.H.sign

    def _reward(self, places: Mapping[Finite, Expr]) -> Expr:
        cube = np.where(self.H.allowed, self.H.floats, FORBIDDEN)
        shape = [v.size for v in self.H.variables]
        return picked(cube.reshape(shape), tuple(places[v] for v in self.H.variables))


@dataclass(frozen=True)
class FormulaReward:
    """Rewards by an energy formula; a change looks at the terms with the variable alone."""

    terms: tuple[Expr, ...]

    @functools.cached_property
    def _terms_of(self) -> dict[Symbol, list[Expr]]:
        """The terms that name each symbol."""
        owning: dict[Symbol, list[Expr]] = {}
        for term in self.terms:
            for symbol in term.free_symbols:
                owning.setdefault(symbol, []).append(term)
        return owning

    def change(self, variable: Finite, to: Expr, now: Mapping[Finite, Expr]) -> Expr:
        """E(now) - E(to), by the terms that name the variable."""
        terms = self._terms_of.get(variable, [])
        before = Add(*(term.xreplace(dict(now)) for term in terms))
        after = Add(*(term.xreplace({**now, variable: to}) for term in terms))
        return before - after

    def energy(self, now: Mapping[Finite, Expr]) -> Expr:
        """The sum of all terms."""
        return Add(*(term.xreplace(dict(now)) for term in self.terms))


def reward_of(
    energy: Enthalpies | Expr, variables: Sequence[Finite], parameters: Mapping[Parameter, float]
) -> Reward:
    """The reward of an energy, with its symbols checked."""
    if isinstance(energy, Enthalpies):
        if not all(value.is_number for value in energy.values if isinstance(value, Expr)):
            raise DeclarationError("The enthalpies hold symbols: give them numbers first.")
        return TableReward(energy)
    formula = expression(energy, "the energy").formula
    known = {*variables, *parameters}
    foreign = sorted((s for s in formula.free_symbols if s not in known), key=str)
    if foreign:
        raise DeclarationError(
            f"The energy uses {foreign[0]}, which has no start: write start={{{foreign[0]}: ...}} "
            "for a finite variable, or parameters for a number."
        )
    return FormulaReward(Add.make_args(formula))
