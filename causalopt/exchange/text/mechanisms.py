"""What a variable follows by, of a model in text: formulas and tables; and the way back."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from itertools import product
from typing import cast

import numpy as np
import sympy
from sympy import Expr, Integer

from causalopt.exchange.chances import MOST_ENTRIES, MOST_PARENTS
from causalopt.exchange.formula_texts import formula_text, name_text
from causalopt.exchange.text.entries import TomlEntry
from causalopt.exchange.text.sizes import expanded_terms
from causalopt.exchange.text.symbols import Words
from causalopt.exchange.text.toml import TomlValue
from causalopt.ground.errors import DeclarationError, nearest
from causalopt.language.finite_variables import Finite, Parent, values_of
from causalopt.language.symbols import Next, Variable
from causalopt.language.tables import Table, table
from causalopt.mechanisms.decisions import Decision, Utility, decision, utility
from causalopt.mechanisms.declared import mechanism_of
from causalopt.mechanisms.interface import Mechanism
from causalopt.mechanisms.lookup import Lookup
from causalopt.mechanisms.symbolic import Expression

#: The most terms that chances with symbols may come to where they are multiplied out.
MOST_TERMS = 500

#: What kinds of tables there are, each by the key that has their parents.
_KINDS = ("table", "decision", "utility")


def mechanism_in(entry: TomlEntry, variable: Variable, words: Words) -> Mechanism:
    """What a variable follows by: a number, a formula, or a table of one of three kinds."""
    if not isinstance(entry.value, dict):
        formula = words.amount(entry)
        # Whole numbers stay whole: they may be the places of named values.
        exact = Integer(entry.value) if isinstance(entry.value, int) else formula
        return entry.asked(lambda: mechanism_of(variable, exact))
    kinds = [kind for kind in _KINDS if kind in entry]
    if len(kinds) != 1:
        told = "write a formula, or a table = [...] of parents with rows, a decision or a utility."
        raise entry.refusal(told)
    (kind,) = kinds
    entry.table(("decision",) if kind == "decision" else (kind, "rows"))
    parents = _parents(entry[kind], words)
    if kind == "decision":
        return entry.asked(lambda: decision(parents).fit(variable.domain, str(variable)))
    rows = entry.get("rows")
    if rows is None:
        raise entry.refusal("the table has no rows: write rows = {...}.")
    if kind == "utility":
        amounts = _nested(rows, parents, lambda one: _exact(one, words))
        made: Utility | Table = entry.asked(lambda: utility(parents, amounts))
    else:
        if not isinstance(variable, Finite):
            raise entry.refusal(f"{variable} takes no named values: give it values = [...].")
        leaf = functools.partial(_chances, variable, words)
        made = rows.asked(lambda: table(parents, _nested(rows, parents, leaf)))
    return rows.asked(lambda: mechanism_of(variable, made))


def _parents(entry: TomlEntry, words: Words) -> tuple[Parent, ...]:
    listed = entry.each()
    if len(listed) > MOST_PARENTS:
        raise entry.refusal(f"{len(listed)} parents are more than {MOST_PARENTS} (MOST_PARENTS).")
    return tuple(_parent(one, words) for one in listed)


def _parent(entry: TomlEntry, words: Words) -> Parent:
    name = entry.text()
    # As it is called, or as it stands in a formula: R.next.
    found = words.symbols.get(name)
    if found is None:
        found = words.formula(entry)
    owner = found.variable if isinstance(found, Next) else found
    if not isinstance(owner, Finite):
        raise entry.refusal(f"{name} takes no named values, and is no parent of a table.")
    return cast(Parent, found)


def _nested(
    entry: TomlEntry, parents: Sequence[Parent], leaf: Callable[[TomlEntry], object]
) -> object:
    """Rows by the names of values, level by level, as rows by values."""
    if not parents:
        return leaf(entry)
    domain = values_of(parents[0])
    rows: dict[str | int, object] = {}
    for one in entry.table().items():
        if one.name not in domain.names:
            told = f"{parents[0]} has no value {one.name!r}.{nearest(one.name, domain.names)}"
            raise one.refusal(told, of_key=True)
        value = domain.values[domain.names.index(one.name)]
        rows[value] = _nested(one, parents[1:], leaf)
    return rows


def _chances(target: Finite, words: Words, entry: TomlEntry) -> object:
    """A row: a value that is sure, or the chances of values by their names."""
    if not isinstance(entry.value, dict):
        return entry.value if isinstance(entry.value, str | int) else entry.text()
    names = target.domain.names
    chances: dict[str | int, object] = {}
    terms = 0
    for one in entry.items():
        if one.name not in names:
            told = f"{target} has no value {one.name!r}.{nearest(one.name, names)}"
            raise one.refusal(told, of_key=True)
        mass = _exact(one, words)
        terms += expanded_terms(mass) if isinstance(mass, Expr) else 0
        if terms > MOST_TERMS:
            told = f"chances come to more than {MOST_TERMS} terms when they are multiplied out."
            raise one.refusal(told)
        chances[target.domain.values[names.index(one.name)]] = mass
    return chances


def _exact(entry: TomlEntry, words: Words) -> Expr | float:
    """A number: a float as it is, a whole number and the formula of a text exactly."""
    if isinstance(entry.value, str):
        return words.formula(entry)
    number = entry.number()
    return Integer(entry.value) if isinstance(entry.value, int) else number


# -- the way back ----------------------------------------------------------------------------------


@functools.singledispatch
def mechanism_value(mechanism: Mechanism, where: str) -> TomlValue:
    """What a file says of a mechanism; ``where`` says of which variable, in errors.

    Raises ``DeclarationError`` for functions, solvers, and all else that is no formula or table.
    """
    kind = "a function" if mechanism.is_opaque else f"a mechanism of the kind {_kind(mechanism)}"
    raise DeclarationError(
        f"{where} follows by {mechanism}, {kind}, and a model in text has formulas and tables "
        "alone: keep it in Python."
    )


def _kind(mechanism: Mechanism) -> str:
    return type(mechanism).__name__


@mechanism_value.register
def _(mechanism: Expression, where: str) -> TomlValue:
    number = mechanism.formula
    if isinstance(number, sympy.Float) and float(number) == number:
        return float(number)
    if isinstance(number, Integer):
        return int(number)
    try:
        return formula_text(number)
    except DeclarationError as error:
        raise DeclarationError(f"{where}: {error}") from None


@mechanism_value.register
def _(mechanism: Lookup, where: str) -> TomlValue:
    cells = mechanism.cells
    target = cells.target
    _check_count(cells.entries.size, where)

    def leaf(place: tuple[int, ...]) -> TomlValue:
        if cells.codes is not None:
            return target.values[int(cells.codes[place])]
        row = zip(target.domain.names, cells.entries[place], strict=True)
        return {name: _mass(mass) for name, mass in row if mass != 0}

    parents = cast(Sequence[Parent], mechanism.parents)
    return {"table": _called(parents), "rows": _rows(parents, leaf)}


@mechanism_value.register
def _(mechanism: Decision, where: str) -> TomlValue:
    return {"decision": _called(cast(Sequence[Parent], mechanism.seen))}


@mechanism_value.register
def _(mechanism: Utility, where: str) -> TomlValue:
    parents = cast(Sequence[Parent], mechanism.inputs)
    shape = tuple(values_of(parent).size for parent in parents)
    _check_count(math.prod(shape), where)
    places = {place: i for i, place in enumerate(np.ndindex(*shape))}
    amounts = mechanism.amounts
    rows = _rows(parents, lambda place: _mass(amounts[places[place]]))
    return {"utility": _called(parents), "rows": rows}


def _check_count(count: int, where: str) -> None:
    if count > MOST_ENTRIES:
        raise DeclarationError(
            f"The table of {where} has {count:,} entries, and {MOST_ENTRIES:,} are written."
        )


def _mass(mass: Expr | float) -> TomlValue:
    if isinstance(mass, Integer):
        return int(mass)
    return formula_text(mass) if isinstance(mass, Expr) else float(mass)


def _called(parents: Sequence[Parent]) -> list[TomlValue]:
    return [_name(parent) for parent in parents]


def _name(parent: Parent) -> str:
    return f"{name_text(parent.variable.name)}.next" if isinstance(parent, Next) else parent.name


def _rows(parents: Sequence[Parent], leaf: Callable[[tuple[int, ...]], TomlValue]) -> TomlValue:
    """Rows by the names of values, level by level."""
    if not parents:
        return leaf(())
    nested: dict[str, TomlValue] = {}
    domains = [values_of(parent) for parent in parents]
    for place in product(*(range(domain.size) for domain in domains)):
        level = nested
        for domain, at in zip(domains[:-1], place, strict=False):
            level = cast(dict[str, TomlValue], level.setdefault(domain.names[at], {}))
        level[domains[-1].names[place[-1]]] = leaf(place)
    return nested
