"""Formulas of a file in SBML as they are written there, worked out at the start.

sympy cancels while it puts a formula together: what is left of z/z is 1, where z is 0 too, and of
0*m nothing, whether m has a number or not. A value that is left of a formula which has none is
none of the file's.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, cast

from sympy import Expr, Symbol

from causalopt.exchange.biology.numbers import has_number, worked_out
from causalopt.exchange.biology.process import refused
from causalopt.exchange.biology.rates import Rates
from causalopt.ground.checks import shown
from causalopt.language.symbols import Lag, Parameter, Quantity

if TYPE_CHECKING:
    from causalopt.exchange.biology.description import Place, Tokens


class _Written(NamedTuple):
    """A formula of the file: what it is of, its parts and its place, and as what it was read."""

    of: str
    tokens: Tokens
    at: Place
    read: Expr
    local: Mapping[str, Parameter]


def as_written(
    rates: Rates, given: Mapping[Quantity, Expr], numbers: Mapping[Symbol, float]
) -> dict[Symbol, float]:
    """The numbers of the start, without those that formulas have only once they are simplified.

    ``given`` are the formulas of what starts from one.

    Raises ``FileError`` where anything follows from one, and for laws and rate rules.
    """
    found = dict(numbers)
    while lost := _lost(rates, given, found):
        for symbol, one in lost.items():
            if symbol not in rates.outputs:
                raise _refusal(rates, one)
            del found[symbol]
    for one in _changes(rates):
        if has_number(_now(one.read), found) and _is_without(one, rates, found):
            raise _refusal(rates, one)
    return found


def _lost(
    rates: Rates, given: Mapping[Quantity, Expr], numbers: Mapping[Symbol, float]
) -> dict[Symbol, _Written]:
    """What has a number that its rule or its initial assignment does not have."""
    return {
        symbol: one
        for symbol, one in _values(rates, given)
        if symbol in numbers and _is_without(one, rates, numbers)
    }  # fmt: skip


def _values(rates: Rates, given: Mapping[Quantity, Expr]) -> Iterator[tuple[Symbol, _Written]]:
    """Rules and initial assignments, each with what they are of."""
    roles, read = rates.symbols.roles, {**given, **rates.equations}
    for name, rule in {**roles.starts, **roles.assigned}.items():
        symbol = rates.symbols.quantities[name]
        yield symbol, _Written(name, rule["formula"], rule["at"], read[symbol], {})


def _changes(rates: Rates) -> Iterator[_Written]:
    """Kinetic laws and rate rules."""
    for reaction in rates.model["reactions"]:
        name, law = reaction["id"], reaction["law"]
        local = rates.symbols.local[name]
        yield _Written(name, law, reaction["at"], rates.laws[name](), local)
    for name, rule in rates.symbols.roles.rated.items():
        rate = rates.rates[rates.symbols.owner(name)]
        yield _Written(name, rule["formula"], rule["at"], rate, {})


def _is_without(one: _Written, rates: Rates, numbers: Mapping[Symbol, float]) -> bool:
    """Whether a formula has no number as it is written, or is of something that has none."""
    if not _now(one.read).free_symbols <= numbers.keys():
        return True
    working = replace(
        rates.formulas,
        named=lambda name: _now(rates.formulas.named(name)),
        rate=lambda symbol: _now(rates.formulas.rate(symbol)),
        delayed=lambda formula, _: formula,
        operate=functools.partial(worked_out, at=numbers),
        parts=0,
    )
    return not has_number(working.number(one.tokens, one.at, one.local), numbers)


def _now(formula: Expr) -> Expr:
    """A formula at the start: what was before is what is there."""
    return cast(Expr, formula.xreplace({lag: lag.variable for lag in formula.atoms(Lag)}))


def _refusal(rates: Rates, one: _Written) -> Exception:
    told = (
        f"the formula of {shown(one.of)} has no number at the start as it is written, as z/z has "
        f"none where z is 0, and only what is left of it once it is simplified, {shown(one.read)}, "
        "has one: write it without what cancels."
    )
    return refused(rates.source, one.at, told)
