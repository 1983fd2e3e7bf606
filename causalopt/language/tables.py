"""Lookup tables as mechanisms: each row names the next value, or a distribution over the values."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, product
from numbers import Integral, Number

import numpy as np
from sympy import Symbol

from causalopt.ground.checks import refuse_masked, switch
from causalopt.ground.errors import DeclarationError, nearest
from causalopt.ground.types import Array
from causalopt.language.finite_variables import Parent, as_parent, values_of
from causalopt.language.words import listed, tex


@dataclass(frozen=True, eq=False)
class Table:
    """The rows of a lookup table, in the order of their parents' values; made by ``table``.

    ``cells`` is one entry a row (a value's name, or a mapping of names to masses), or the array
    that was given.
    """

    parents: tuple[Parent, ...]
    cells: tuple[object, ...] | Array

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of values of each parent."""
        return tuple(values_of(parent).size for parent in self.parents)

    def __repr__(self) -> str:
        head = f"table(({listed(self.parents)}{',' * (len(self.parents) == 1)}), "
        if isinstance(self.cells, np.ndarray) or len(self.cells) > 100:
            return head + f"<{math.prod(self.shape)} rows>)"
        if not self.parents:
            return f"table((), {self.cells[0]!r})"
        keys = product(*(values_of(parent).values for parent in self.parents))
        return head + f"{dict(zip(keys, self.cells, strict=True))})"

    def _repr_latex_(self) -> str | None:
        """The rows as the posts write them, one brace for each value of the first parents."""
        if isinstance(self.cells, np.ndarray) or len(self.cells) > 100:
            return None
        if not self.parents:
            return "$" + _tex_cell(self.cells[0], _next_names(self.cells)) + "$"
        *before, last = self.parents
        size = values_of(last).size
        braces = []
        names = _next_names(self.cells)
        for i, given in enumerate(product(*(values_of(parent).names for parent in before))):
            row = zip(values_of(last).names, self.cells[i * size : (i + 1) * size], strict=True)
            body = r" \\ ".join(rf"{tex(name)} \to {_tex_cell(cell, names)}" for name, cell in row)
            head = rf"O[{', '.join(map(tex, given))}]: " if given else ""
            braces.append(rf"{head}\begin{{cases}} {body} \end{{cases}}")
        return "$" + r" \quad ".join(braces) + "$"


def table(parents: Parent | Iterable[Parent], rows: object, *, normalise: bool = False) -> Table:
    """A lookup table: the mechanism of a finite variable, by the present values of ``parents``.

    ``rows`` is nested in the order of the parents, one entry for each value of each, and ends in
    the next value, or in a distribution {value: mass} over the next values. The last level may be
    text, as the posts write it: "hot -> hot, warm -> hot, cold -> warm". The same rows may come
    flat, {("high", "hot"): "hot", ...}, or, for large tables, as an array of places of values
    (integers of shape (sizes of parents)) or of masses (shape (sizes of parents, size of target)).
    A parent may be ``R.next``, its value in the same step. ``table((), {value: mass})``, without
    parents, has one row: the prior of a root. Masses sum to 1, as they are given; or with
    ``normalise=True`` each row's are divided by their sum, as those of published tables, which sum
    to 1 to the printed digits, have to be.

    Raises ``DeclarationError`` for a row that is missing or too many (named), a value that the
    variable does not have, and masses that are negative or do not sum to 1.

    Source: O^T and O^R of "Defining Optimization in a Deeper Way", part 1, where O^T[high] maps
    the room's state, given the thermostat's: it is the mechanism of the room.

    >>> from causalopt.language.finite_variables import finite
    >>> T = finite("T", ["high", "off"])
    >>> R = finite("R", ["hot", "cold"])
    >>> O_T = table((T, R), {"high": "hot -> hot, cold -> hot", "off": "hot -> cold, cold -> cold"})
    >>> O_T
    table((T, R), {('high', 'hot'): 'hot', ('high', 'cold'): 'hot', ('off', 'hot'): 'cold', ...})
    >>> noisy = table(R, {"hot": {"hot": 0.9, "cold": 0.1}, "cold": "cold"})
    >>> prior = table((), {"hot": 0.2, "cold": 0.8})
    """
    asked_by = parents_of(parents, "table")
    refuse_masked(rows, "table(...)")
    is_divided = switch(normalise, "normalise")
    if isinstance(rows, np.ndarray):
        return Table(asked_by, _divided_array(rows, asked_by) if is_divided else rows.copy())
    entries = entries_of(rows, asked_by)
    if is_divided:
        entries = tuple(_divided(row, i, asked_by) for i, row in enumerate(entries))
    return Table(asked_by, entries)


def parents_of(parents: object, what: str) -> tuple[Parent, ...]:
    """The parents of what is asked by named values, none of them twice; one may stand alone."""
    listing: object = (parents,) if isinstance(parents, Symbol) else parents
    if not isinstance(listing, Iterable) or not getattr(listing, "ndim", 1):
        raise DeclarationError(
            f"{what}({parents!r}, ...): the parents are finite variables, such as "
            f"{what}((T, R), ...)."
        )
    asked_by = tuple(as_parent(parent, f"A {what}") for parent in listing)
    if len(set(asked_by)) < len(asked_by):
        raise DeclarationError(f"{what}(({listed(asked_by)}), ...) names a parent twice.")
    return asked_by


def entries_of(rows: object, parents: tuple[Parent, ...]) -> tuple[object, ...]:
    """One entry for each joint state of the parents, in order, of rows that are nested or flat."""
    if isinstance(rows, Mapping) and rows and all(isinstance(key, tuple) for key in rows):
        return tuple(_flat(rows, parents))
    return tuple(_nested(rows, parents, ()))


def _divided(row: object, place: int, parents: tuple[Parent, ...]) -> object:
    """The masses of a row by their sum; what is wrong with them is told where they are checked."""
    if not isinstance(row, Mapping) or not all(isinstance(m, Number) for m in row.values()):
        return row
    # Whole numbers as fractions: counts stay exact.
    masses = {v: Fraction(m) if isinstance(m, Integral) else m for v, m in row.items()}
    if not masses or not all(0 <= mass < math.inf for mass in masses.values()):
        return row
    largest = max(masses.values())
    if largest == 0:
        raise _nothing_to_divide(place, parents)
    if sum(masses.values()) == math.inf:
        masses = {value: mass / largest for value, mass in masses.items()}
    total = sum(masses.values())
    return {value: mass / total for value, mass in masses.items()}


def _divided_array(rows: Array, parents: tuple[Parent, ...]) -> Array:
    """The same of an array of masses."""
    if rows.dtype.kind != "f" or not rows.ndim or not rows.size:
        return rows.copy()
    empty = np.flatnonzero((rows == 0).all(axis=-1))
    if empty.size:
        raise _nothing_to_divide(int(empty[0]), parents)
    is_sound = ((rows >= 0) & (rows < np.inf)).all(axis=-1, keepdims=True)
    with np.errstate(over="ignore", invalid="ignore"):
        totals = rows.sum(axis=-1, keepdims=True)
    scales = np.where(np.isinf(totals), rows.max(axis=-1, keepdims=True), 1.0)
    shares = np.divide(rows, scales, out=rows.copy(), where=is_sound)
    totals = np.where(is_sound, shares.sum(axis=-1, keepdims=True), 1.0)
    divided: Array = shares / totals
    return divided


def _nothing_to_divide(place: int, parents: tuple[Parent, ...]) -> DeclarationError:
    """What to say of a row of masses that are all 0."""
    states = product(*(values_of(parent).names for parent in parents))
    state = next(islice(states, place, None), ())
    words = ", ".join(f"{p} = {name}" for p, name in zip(parents, state, strict=False))
    return DeclarationError(
        f"The masses of the row {words or '()'} are all 0: there is nothing to normalise by. Write "
        "one above 0 in each row."
    )


def _next_names(cells: Iterable[object]) -> dict[str, str]:
    """What the values are called, by their reprs, that a table leads to: no two alike."""
    each = (cell if isinstance(cell, Mapping) else (cell,) for cell in cells)
    names = {repr(value): str(value) for row in each for value in row}
    alike = len(set(names.values())) < len(names)
    return {exact: exact for exact in names} if alike else names


def _tex_cell(cell: object, names: Mapping[str, str]) -> str:
    if not isinstance(cell, Mapping):
        return tex(names[repr(cell)])
    return ", ".join(rf"{tex(names[repr(value)])}\ ({mass})" for value, mass in cell.items())


def row_name(parents: tuple[Parent, ...], row: Iterable[int]) -> str:
    """A row in words, by the places of its values: T = high, R = hot; without parents, nothing."""
    pairs = zip(parents, row, strict=True)
    return ", ".join(f"{parent} = {values_of(parent).shown(place)}" for parent, place in pairs)


def _nested(rows: object, parents: tuple[Parent, ...], path: tuple[str, ...]) -> Iterator[object]:
    if len(path) == len(parents):
        yield rows
        return
    parent = parents[len(path)]
    if isinstance(rows, str) and len(path) == len(parents) - 1:
        rows = _arrows(rows, path)
    if not isinstance(rows, Mapping):
        raise DeclarationError(
            f"The table by {listed(parents)} has {rows!r} {_at(path)}: write one entry for each "
            f"value of {parent}, such as {{{values_of(parent).values[0]!r}: ...}}."
        )
    for key in rows:
        if key not in values_of(parent).values:
            _refuse_extra((*path, _as_given(parent, key)), parents, _hint(parent, key))
    for value, name in zip(values_of(parent).values, values_of(parent).names, strict=True):
        here = (*path, f"{parent} = {name}")
        if value not in rows:
            _refuse_missing(here, parents)
        yield from _nested(rows[value], parents, here)


def _flat(rows: Mapping[object, object], parents: tuple[Parent, ...]) -> Iterator[object]:
    domains = [values_of(parent) for parent in parents]
    if not parents:
        raise DeclarationError(
            f"table((), ...) has a row for {next(iter(rows))}: without parents there is one row, "
            'such as table((), {"yes": 0.2, "no": 0.8}).'
        )
    wanted = dict.fromkeys(product(*(domain.values for domain in domains)))
    for key in rows:
        if key not in wanted:
            state = key if isinstance(key, tuple) else (key,)
            names = [_as_given(p, value) for p, value in zip(parents, state, strict=False)]
            _refuse_extra(tuple(names) or ("()",), parents, "")
    for places, key in zip(np.ndindex(*(d.size for d in domains)), wanted, strict=True):
        if key not in rows:
            _refuse_missing([row_name(parents, places)], parents)
        yield rows[key]


def _as_given(parent: Parent, value: object) -> str:
    """What was given for a parent, by its name; what only reads like a value is in quotes."""
    domain = values_of(parent)
    if value in domain.values:
        return f"{parent} = {domain.names[domain.values.index(value)]}"
    return f"{parent} = {value!r}" if str(value) in domain.names else f"{parent} = {value}"


def _refuse_missing(path: Iterable[str], parents: tuple[Parent, ...]) -> None:
    raise DeclarationError(
        f"The table by {listed(parents)} has no row for {', '.join(path)}: add it."
    )


def _refuse_extra(path: tuple[str, ...], parents: tuple[Parent, ...], hint: str) -> None:
    raise DeclarationError(
        f"The table by {listed(parents)} has a row for {', '.join(path)}, which is no state of "
        f"its parents: leave it out.{hint}"
    )


def _hint(parent: Parent, key: object) -> str:
    return nearest(key, values_of(parent).values)


def _at(path: tuple[str, ...]) -> str:
    return f"for {', '.join(path)}" if path else "in place of its rows"


def _arrows(text: str, path: tuple[str, ...]) -> dict[str, str]:
    """The mapping that "hot -> hot, warm -> hot" writes: split at commas and arrows, no more."""
    entries: dict[str, str] = {}
    for piece in text.split(","):
        ends = [end.strip() for end in piece.split("->")]
        if len(ends) != 2 or not all(ends):
            raise DeclarationError(
                f'The table row "{text}" {_at(path)} has the entry "{piece.strip()}": write '
                '"from -> to" entries set apart by commas, such as "hot -> hot, cold -> warm".'
            )
        if ends[0] in entries:
            raise DeclarationError(
                f'The table row "{text}" {_at(path)} maps {ends[0]} twice: keep one of the two.'
            )
        entries[ends[0]] = ends[1]
    return entries
