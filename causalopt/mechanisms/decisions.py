"""The kinds of node of an influence diagram beside chance: what is decided, and what is wanted."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import product

import numpy as np
import sympy
from sympy import Expr, Symbol

from causalopt.ground.checks import as_float, as_whole
from causalopt.ground.errors import DeclarationError, EvaluationError, QueryError
from causalopt.language.domains import Domain, Named
from causalopt.language.finite_variables import Parent, values_of
from causalopt.language.tables import entries_of, parents_of, row_name
from causalopt.language.typeset import name as tex_name
from causalopt.language.words import listed
from causalopt.mechanisms.interface import ZERO, Mechanism, Naming, Terms, Writer
from causalopt.mechanisms.lookup import picked


@dataclass(frozen=True)
class Decision(Mechanism):
    """A node that somebody is to choose, by what is seen; made by ``decision``."""

    seen: tuple[Symbol, ...]
    # Whose it is, for messages alone: decisions are the same by what they see.
    owner: str = field(default="A node", compare=False, repr=False)

    @property
    def arguments(self) -> tuple[Symbol, ...]:
        """What is seen."""
        return self.seen

    def value(self, at: Terms) -> Expr:
        """None yet: ``QueryError``, for a decision has no value before it has a policy."""
        raise QueryError(without_policy(self.owner))

    def reverse(self, at: Terms, weight: Expr) -> dict[Symbol, Expr]:
        """The same error."""
        raise QueryError(without_policy(self.owner))

    def renamed(self, names: Terms) -> Decision:
        """The same decision, what is seen called otherwise."""
        return replace(self, seen=tuple(names.get(s, s) for s in self.seen))

    def fit(self, domain: Domain, where: str) -> Mechanism:
        """The same, with its owner; a ``DeclarationError`` without named values to choose from."""
        if not isinstance(domain, Named):
            raise DeclarationError(
                f"{where} is a decision, and takes no named values to choose from: declare it with "
                f'finite("{where}", ["...", "..."]).'
            )
        return replace(self, owner=where)

    def words(self, name: Naming, write: Writer | None = None) -> str:
        """The decision by what is seen: decision(R)."""
        return f"decision({', '.join(map(name, self.seen))})"

    def latex(self) -> str:
        """The same."""
        return rf"\operatorname{{decision}}\left({', '.join(map(tex_name, self.seen))}\right)"


@dataclass(frozen=True)
class Utility(Mechanism):
    """A real number for each joint state of its parents, wanted to be large; made by ``utility``.

    ``domains`` holds the values of each parent, ``amounts`` a number for each row: all of them
    sympy expressions, or all floats.
    """

    inputs: tuple[Symbol, ...]
    domains: tuple[Named, ...]
    amounts: tuple[Expr, ...] | tuple[float, ...]

    @property
    def arguments(self) -> tuple[Symbol, ...]:
        """The parents."""
        return self.inputs

    @property
    def moves_as_computed(self) -> bool:
        """It jumps, and is still between."""
        return True

    def value(self, at: Terms) -> Expr:
        """The number, as a Piecewise of the terms."""
        try:
            numbers = np.array([float(amount) for amount in self.amounts])
        except TypeError:
            raise EvaluationError(
                f"A utility by {listed(self.inputs)} has symbols in it, and a world needs numbers: "
                "ask for expected_utility(...), which keeps them."
            ) from None
        shape = [domain.size for domain in self.domains]
        return picked(numbers.reshape(shape), [at.get(s, s) for s in self.inputs])

    def reverse(self, at: Terms, weight: Expr) -> dict[Symbol, Expr]:
        """Zero for each argument: between its jumps it is constant."""
        return dict.fromkeys(self.inputs, ZERO)

    def renamed(self, names: Terms) -> Utility:
        """The same numbers, asked by other names."""
        return replace(self, inputs=tuple(names.get(s, s) for s in self.inputs))

    def fit(self, domain: Domain, where: str) -> Mechanism:
        """The same; a ``DeclarationError`` where the values are names."""
        if isinstance(domain, Named):
            raise DeclarationError(
                f"{where} is a utility, and takes named values ({listed(domain.names)}): a utility "
                f'is a number, so declare it with variable("{where}").'
            )
        return self

    def words(self, name: Naming, write: Writer | None = None) -> str:
        """The utility by its parents: utility(T, R)."""
        return f"utility({', '.join(map(name, self.inputs))})"

    def rows(self) -> list[str]:
        """Each row with its number; nothing where there are more than 40."""
        if len(self.amounts) > 40:
            return []
        states = product(*(domain.names for domain in self.domains))
        return [f"{', '.join(state)} -> {amount}".removeprefix(" -> ")
                for state, amount in zip(states, self.amounts, strict=True)]  # fmt: skip

    def latex(self) -> str:
        """The utility by its parents."""
        return rf"\operatorname{{utility}}\left({', '.join(map(tex_name, self.inputs))}\right)"


def decision(seen: Parent | Iterable[Parent]) -> Decision:
    """A node to be chosen by what is seen: the finite variables (none: ``decision(())``).

    ``solve`` finds the best policies; ``world.replace(D, table(seen, rows))`` gives one by hand.

    Raises ``DeclarationError`` for what is no finite variable; a decision that sees its own effect
    is refused by the network that it stands in.

    Source: Howard and Matheson, "Influence Diagrams" (1984).

    >>> from causalopt.language.finite_variables import finite
    >>> print(decision(finite("forecast", ["sun", "rain"])))
    decision(forecast)
    """
    return Decision(parents_of(seen, "decision"))


def utility(parents: Parent | Iterable[Parent], rows: object) -> Utility:
    """A node that says how much is wanted what its parents do: a number for each joint state.

    ``rows`` is nested in the order of the parents, or flat by tuples of values, as those of
    ``table``; it ends in numbers, exact or floats. Several utilities of one network add up.

    Raises ``DeclarationError`` for a row that is missing or too many, and for what is no number.

    >>> from causalopt.language.finite_variables import finite
    >>> umbrella, sky = finite("umbrella", ["yes", "no"]), finite("sky", ["sun", "rain"])
    >>> dry = utility((umbrella, sky), {"yes": {"sun": 2, "rain": 7}, "no": {"sun": 9, "rain": 0}})
    >>> dry.rows()
    ['yes, sun -> 2', 'yes, rain -> 7', 'no, sun -> 9', 'no, rain -> 0']
    """
    asked_by = parents_of(parents, "utility")
    domains = tuple(values_of(parent) for parent in asked_by)
    places = np.ndindex(*(domain.size for domain in domains))
    amounts = [
        _amount(entry, row_name(asked_by, place))
        for place, entry in zip(places, entries_of(rows, asked_by), strict=True)
    ]
    return Utility(asked_by, domains, one_kind(amounts))


def one_kind(amounts: list[Expr | float]) -> tuple[Expr, ...] | tuple[float, ...]:
    """Amounts as expressions, where all are; else as floats."""
    exact = [amount for amount in amounts if isinstance(amount, Expr)]
    if len(exact) == len(amounts):
        return tuple(exact)
    symbolic = next((amount for amount in exact if amount.free_symbols), None)
    if symbolic is not None:
        raise DeclarationError(
            f"A utility mixes {symbolic} with floats: write the floats as rationals, such as "
            "Rational(1, 10), or give the symbol a number."
        )
    return tuple(float(amount) for amount in amounts)


def _amount(given: object, row: str) -> Expr | float:
    """A number as it is given: exactly, or as a float."""
    if isinstance(given, Fraction):
        return sympy.Rational(given.numerator, given.denominator)
    whole = as_whole(given)
    number = sympy.Integer(whole) if whole is not None else given
    if isinstance(number, Expr) and not number.has(sympy.Float):
        if number.is_extended_real is not False and number.is_finite is not False:
            return number
    else:
        known = as_float(number)
        if known is not None and math.isfinite(known):
            return known
    raise DeclarationError(
        f"The utility{f' for {row}' if row else ''} is {given!r}: write a finite number."
    )


def without_policy(what: object) -> str:
    """What is wrong with asking what follows from a decision that nobody has made."""
    return (
        f"{what} is a decision without a policy: give it one, world.replace(D, table(...)), or "
        "take the world of solve(...), which has the best."
    )


def is_decision(mechanism: Mechanism) -> bool:
    """Whether a mechanism is a decision, still to be made."""
    return isinstance(mechanism, Decision)


def as_utility(mechanism: Mechanism) -> Utility | None:
    """A mechanism as a utility; None for any other."""
    return mechanism if isinstance(mechanism, Utility) else None
