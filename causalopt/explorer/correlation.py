"""What the correlation of A and the rest does, in tables: P now and later, with and without it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import cast

import sympy

from causalopt.distributions.finite.joint import Distribution
from causalopt.distributions.spread import Entropy
from causalopt.explorer.measuring import finite_variables
from causalopt.explorer.setting import Setting
from causalopt.ground import checks
from causalopt.ground.errors import QueryError, TooLargeError
from causalopt.language.domains import Value
from causalopt.language.finite_variables import Finite
from causalopt.measures.split.strength import AdjustedStrength, adjusted_optimizing_strength
from causalopt.model.system import System

#: The most states that are shown, and the most whose masses can be written.
MOST_SHOWN, MOST_WRITTEN = 400, 64
# The most letters of a mass that is written.
_LETTERS = 40

States = tuple[tuple[Value, ...], ...]


@dataclass(frozen=True)
class TwoParts:
    """A and the rest, and the joint states of each: the rows and the columns of every table."""

    A: tuple[Finite, ...]
    rest: tuple[Finite, ...]

    @property
    def rows(self) -> States:
        """The joint states of A."""
        return tuple(product(*(variable.values for variable in self.A)))

    @property
    def columns(self) -> States:
        """The joint states of the rest."""
        return tuple(product(*(variable.values for variable in self.rest)))


def parts_of(setting: Setting) -> TwoParts:
    """A and the rest, of named values all; ``QueryError`` where A is none or all of them."""
    variables = finite_variables(setting.model)
    held = {setting.model.key_of(node)[0] if node not in variables else node for node in setting.A}
    inside = tuple(variable for variable in variables if variable in held)
    rest = tuple(variable for variable in variables if variable not in held)
    if not rest:
        raise QueryError("A is all that there is: leave out what it is correlated with.")
    parts = TwoParts(inside, rest)
    states = len(parts.rows) * len(parts.columns)
    if states > MOST_SHOWN:
        raise TooLargeError(f"{states:,} states are too many for a table: {MOST_SHOWN} are shown.")
    return parts


def steps_around(setting: Setting) -> tuple[int, int]:
    """The steps before the split and after it, one each where the page says nothing."""
    opened = setting.screen.opened
    return 1 if opened.before is None else opened.before, opened.after or 1


def tables_of(setting: Setting) -> dict[str, object]:
    """Four tables: P, P without correlation, and both some steps later; and what they add up to.

    The masses of the screen are those of the states in rows of A and columns of the rest, as 1/3
    or 0.25; without them every state is as likely as another. P is what comes of them after the
    steps before the split.
    """
    before, after = steps_around(setting)
    parts, system = parts_of(setting), cast(System, setting.model)
    first = distribution_of(setting, parts)
    P = first.push(system, before) if before else first
    apart = P.decorrelate(P.split(parts.A, parts.rest))
    later = f"after {after} step{'s' if after > 1 else ''}"
    tables = {
        "P": P,
        "P, decorrelated": apart,
        f"P {later}": P.push(system, after),
        f"P, decorrelated, {later}": apart.push(system, after),
    }
    found = adjusted_optimizing_strength(system, P.split(parts.A, parts.rest), P, steps=after)
    can_be_written = len(parts.rows) * len(parts.columns) <= MOST_WRITTEN
    return {
        "corner": f"{_names(parts.A)} \\ {_names(parts.rest)}",
        "rows": [_state(state) for state in parts.rows],
        "columns": [_state(state) for state in parts.columns],
        "masses": _cells(first, parts) if can_be_written else [],
        "tables": [{"title": title, "cells": _cells(Q, parts)} for title, Q in tables.items()],
        "sums": [
            {"words": words, "exact": str(value), "bits": f"{float(value):.10g}"}
            for words, value in zip(_SUMS, _values(found), strict=True)
        ],
    }


_SUMS = (
    "S1, the entropy of P",
    "S2, of P decorrelated",
    "S3, of P later",
    "S4, of P decorrelated, later",
    "strength = S4 − S3",
    "information = S2 − S1",
    "adjusted strength = strength − information",
)


def _values(found: AdjustedStrength) -> tuple[Entropy, ...]:
    """What the measure adds up, in the order of ``_SUMS``."""
    strength = found.strength
    entropies = found.before, found.before_decorrelated, strength.correlated, strength.decorrelated
    return (*entropies, strength.value, found.information, found.value)


def distribution_of(setting: Setting, parts: TwoParts) -> Distribution:
    """The distribution that is written, exact; uniform where nothing is."""
    variables = (*parts.A, *parts.rest)
    written = masses_of(setting, parts)
    return (
        Distribution.uniform(*variables) if written is None else Distribution.of(variables, written)
    )


def masses_of(setting: Setting, parts: TwoParts) -> dict[tuple[Value, ...], sympy.Rational] | None:
    """The mass of each state as it is written; None where none are."""
    masses = setting.screen.opened.masses
    if masses is None:
        return None
    states = [(*a, *b) for a, b in product(parts.rows, parts.columns)]
    if len(masses) != len(states):
        raise QueryError(f"{len(masses)} masses are written for {len(states)} states.")
    return dict(zip(states, map(_mass, masses), strict=True))


def _mass(text: str) -> sympy.Rational:
    """A mass as it is written: 1/3, 0.25 or 0; nothing is 0."""
    words = text.strip() or "0"
    try:
        number = Fraction(words) if len(words) <= _LETTERS and "e" not in words.lower() else None
    except (ValueError, ZeroDivisionError):
        number = None
    if number is None:
        raise QueryError(f"A mass is {checks.shown(text)[:60]}: write a number, such as 1/3.")
    return sympy.Rational(number.numerator, number.denominator)


def _cells(P: Distribution, parts: TwoParts) -> list[list[str]]:
    """The masses, each row with its sum, and below them the sums of the columns."""
    names = (*parts.A, *parts.rest)
    row_sums, column_sums = P.marginal(*parts.A), P.marginal(*parts.rest)

    def mass(Q: Distribution, variables: Sequence[Finite], state: tuple[Value, ...]) -> str:
        return str(Q.mass(dict(zip(variables, state, strict=True))))

    def lines() -> Iterator[list[str]]:
        for a in parts.rows:
            cells = [mass(P, names, (*a, *b)) for b in parts.columns]
            yield [*cells, mass(row_sums, parts.A, a)]
        yield [*(mass(column_sums, parts.rest, b) for b in parts.columns), "1"]

    return list(lines())


def _names(variables: Sequence[Finite]) -> str:
    return ", ".join(map(str, variables))


def _state(values: tuple[Value, ...]) -> str:
    return ", ".join(map(str, values))
