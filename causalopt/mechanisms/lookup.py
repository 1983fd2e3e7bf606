"""Mechanisms that are lookup tables: rows as arrays, and the Piecewise that picks one of them."""

from __future__ import annotations

import functools
import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np
import sympy
from sympy import Eq, Expr, Piecewise, Symbol

from causalopt.ground.errors import DeclarationError, EvaluationError
from causalopt.ground.masses import (
    Masses,
    as_floats,
    check_masses,
    exact_array,
    is_exact,
    masses_of,
)
from causalopt.ground.readonly import fields_alone, restore
from causalopt.ground.types import Array, Floats, Ints
from causalopt.language.finite_variables import Finite, values_of
from causalopt.language.laws import Uniform
from causalopt.language.symbols import Noise
from causalopt.language.tables import Table, row_name
from causalopt.language.typeset import name as tex_name
from causalopt.language.words import listed
from causalopt.mechanisms.interface import ZERO, Mechanism, Naming, Terms, Writer
from causalopt.mechanisms.picking import Picked, drawing

#: A table with more rows than this can be pushed through, but not run as a world.
LARGEST_BRANCHES = 10_000
#: A table with more rows than this is too long to read.
MOST_ROWS = 40


@dataclass(frozen=True, eq=False)
class Cells:
    """The checked entries of a table for one variable: places of values, or masses of them.

    ``codes`` has shape (sizes of parents) where the table is deterministic; else ``chances`` has
    shape (sizes of parents, size of target), exact or float.
    """

    target: Finite
    codes: Ints | None
    chances: Masses | None = None
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        entries = self.entries
        entries.setflags(write=False)
        is_symbolic = entries.dtype == object
        content = sympy.srepr(entries.tolist()).encode() if is_symbolic else entries.tobytes()
        digest = hashlib.sha256(content).hexdigest() + f"{entries.dtype}{entries.shape}"
        object.__setattr__(self, "digest", digest)

    __getstate__, __setstate__ = fields_alone, restore

    @property
    def entries(self) -> Array:
        """The array that says what follows, of whichever kind it is."""
        return self.chances if self.codes is None else self.codes  # type: ignore[return-value]  # one of the two

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Cells) and (self.target, self.digest) == (
            other.target,
            other.digest,
        )

    def __hash__(self) -> int:
        return hash((self.target, self.digest))


@dataclass(frozen=True)
class Lookup(Mechanism):
    """A table asked by its ``inputs``: the parents, in the order of its rows.

    It stays whole, so that distributions go through it by index; in a plan it is the Piecewise that
    picks its row. Its derivative is zero, as of any function with jumps. A stochastic table has one
    more input, the last, a uniform noise u on [0, 1): it gives the first value up to which the
    masses sum to more than u.
    """

    cells: Cells
    inputs: tuple[Symbol, ...]

    @property
    def arguments(self) -> tuple[Symbol, ...]:
        """The parents, and the noise of a stochastic table."""
        return self.inputs

    @property
    def moves_as_computed(self) -> bool:
        """It jumps, and is still between."""
        return True

    @property
    def parents(self) -> tuple[Symbol, ...]:
        """What the table is asked by, in the order of its rows."""
        return self.inputs if self.cells.codes is not None else self.inputs[:-1]

    def value(self, at: Terms) -> Expr:
        """The place of the next value, as a Piecewise of the terms.

        Raises ``EvaluationError`` for a table of more than 10,000 entries, and for masses with
        symbols in them.
        """
        return _branches(self.cells, [at.get(s, s) for s in self.inputs])

    @functools.cached_property
    def by_index(self) -> Callable[..., Array]:
        """The place of the next value of many points, each by the row that it has, of any table.

        Raises ``EvaluationError`` for masses with symbols in them.
        """
        codes = self.cells.codes
        return drawing(_as_numbers(self.cells)) if codes is None else Picked.of(codes)

    def reverse(self, at: Terms, weight: Expr) -> dict[Symbol, Expr]:
        """Zero for each argument: between its jumps a table is constant."""
        return dict.fromkeys(self.inputs, ZERO)

    def renamed(self, names: Terms) -> Lookup:
        """The same table, asked by other names."""
        return Lookup(self.cells, tuple(names.get(s, s) for s in self.inputs))

    def words(self, name: Naming, write: Writer | None = None) -> str:
        """The table by its parents: table(T, R)."""
        return f"table({', '.join(map(name, self.parents))})"

    def latex(self) -> str:
        """The table by its parents."""
        inside = ", ".join(map(tex_name, self.parents))
        return rf"\operatorname{{table}}\left({inside}\right)"

    def rows(self) -> list[str]:
        """The rows in words: a line for each state of all the parents but the last.

        Where chance decides, each row has its own line. Empty for a table of more than 40 rows.

        >>> from causalopt.language.finite_variables import finite
        >>> from causalopt.language.tables import table
        >>> T, R = finite("T", ["on", "off"]), finite("R", ["hot", "cold"])
        >>> heated = table((T, R), {"on": "hot -> hot, cold -> hot",
        ...                         "off": "hot -> cold, cold -> cold"})
        >>> lookup_for(R, heated).rows()
        ['on: hot -> hot, cold -> hot', 'off: hot -> cold, cold -> cold']
        >>> lookup_for(R, table(R, {"hot": {"hot": 0.5, "cold": 0.5}, "cold": "cold"})).rows()
        ['hot -> hot (0.5) or cold (0.5)', 'cold -> cold']
        """
        shape = self.cells.entries.shape[: len(self.parents)]
        if math.prod(shape) > MOST_ROWS:
            return []
        states = product(*(values_of(parent).names for parent in self.parents))
        if not self.parents:
            return [self._next(())]
        rows = zip(np.ndindex(shape), states, strict=True)
        if self.cells.codes is None:
            return [f"{', '.join(row)} -> {self._next(at)}" for at, row in rows]
        lines: dict[str, list[str]] = {}
        for at, row in rows:
            head = ", ".join(row[:-1])
            lines.setdefault(head, []).append(f"{row[-1]} -> {self._next(at)}")
        return [f"{head}: {', '.join(ends)}" if head else ", ".join(ends)
                for head, ends in lines.items()]  # fmt: skip

    def _next(self, row: tuple[int, ...]) -> str:
        """What a row leads to: a value, or values with their chances."""
        names, entry = self.cells.target.domain.names, self.cells.entries[row]
        if self.cells.codes is not None:
            return names[int(entry)]
        likely = [(name, chance) for name, chance in zip(names, entry, strict=True)
                  if chance != 0]  # fmt: skip
        if len(likely) == 1:
            return likely[0][0]
        return " or ".join(
            f"{name} ({chance:.3g})" if isinstance(chance, float) else f"{name} ({chance})"
            for name, chance in likely
        )


def as_lookup(target: Finite, mechanism: Mechanism) -> Lookup | None:
    """A mechanism as a table of one variable: a copied value is the table of what it is.

    None for what is neither.
    """
    if isinstance(mechanism, Lookup):
        return mechanism
    if len(mechanism.arguments) != 1 or mechanism.value({}) != mechanism.arguments[0]:
        return None
    return Lookup(Cells(target, np.arange(target.size, dtype=np.int64)), mechanism.arguments)


def lookup_for(target: Finite, table: Table) -> Lookup:
    """A table as the mechanism of a variable, its values checked."""
    by = f" by {listed(table.parents)}" if table.parents else ""
    where = f"The table of {target}{by}"
    if isinstance(table.cells, np.ndarray):
        cells = _from_array(table.cells, table.shape, target, where)
    else:
        names = [row_name(table.parents, row) for row in np.ndindex(table.shape)]
        cells = _from_rows(table.cells, names, table.shape, target, where)
    if cells.codes is not None:
        return Lookup(cells, table.parents)
    return Lookup(cells, (*table.parents, Noise(f"chance of {target}", Uniform())))


def _branches(cells: Cells, terms: Sequence[Expr]) -> Expr:
    """The next value as a Piecewise of the parents, and, where it is a matter of chance, of u."""
    rows = cells.entries
    if rows.size > LARGEST_BRANCHES:
        raise EvaluationError(
            f"The table of {cells.target} has {rows.size} entries: a world can be run for "
            f"up to {LARGEST_BRANCHES}. Push a distribution through the system instead, such as "
            "Distribution.delta(...).push(system)."
        )
    if cells.codes is not None:
        return picked(rows, terms)
    *parents, u = terms
    # The value is drawn by inversion: the first whose cumulated mass lies above u.
    bounds = np.cumsum(_as_numbers(cells), axis=-1)
    last = cells.target.size - 1
    branches = [(sympy.Integer(j), u < picked(bounds[..., j], parents)) for j in range(last)]
    return Piecewise(*branches, (sympy.Integer(last), True))


def _as_numbers(cells: Cells) -> Floats:
    try:
        return cells.entries.astype(np.float64)
    except (TypeError, ValueError):
        raise EvaluationError(
            f"The table of {cells.target} has masses with symbols in them, and a world needs "
            "numbers: push a distribution through the system instead, such as P.push(system)."
        ) from None


def picked(entries: Array, terms: Sequence[Expr]) -> Expr:
    """An entry of an array as nested Piecewise of its places, one level a term.

    Equal branches are made one. ``entries`` has an axis for each of the ``terms``.
    """
    if (entries == entries.flat[0]).all():
        return sympy.sympify(entries.flat[0].item(), strict=True)
    first, rest = terms[0], terms[1:]
    if first.is_Integer:
        return picked(entries[int(first)], rest)
    places: dict[Expr, list[int]] = {}
    for place, inner in enumerate(entries):
        places.setdefault(picked(inner, rest), []).append(place)
    # The branch with the most places comes last, as the one that needs no condition.
    *others, last = sorted(places.items(), key=lambda pair: len(pair[1]))
    branches = [
        (formula, sympy.Or(*(Eq(first, place) for place in wanted))) for formula, wanted in others
    ]
    return Piecewise(*branches, (last[0], True)) if branches else last[0]


# -- the entries of a table, checked -------------------------------------------------------------


def _from_rows(
    rows: tuple[object, ...], names: list[str], shape: tuple[int, ...], target: Finite, where: str
) -> Cells:
    if not any(isinstance(row, Mapping) for row in rows):
        places = [
            target.code(row, _at_row(where, name)) for row, name in zip(rows, names, strict=True)
        ]
        return Cells(target, np.array(places, dtype=np.int64).reshape(shape))
    chances = [
        _chances(row, target, _at_row(where, name)) for row, name in zip(rows, names, strict=True)
    ]
    if all(is_exact(row) for row in chances):
        stacked = exact_array([mass for row in chances for mass in row])
    else:
        stacked = np.concatenate([as_floats(row) for row in chances])
    return Cells(target, None, stacked.reshape((*shape, target.size)))


def _at_row(where: str, name: str) -> str:
    """Which row is meant; where there are no parents, there is one alone."""
    return f"{where}: the row for {name}" if name else where


def _chances(row: object, target: Finite, where: str) -> Masses:
    pairs = row.items() if isinstance(row, Mapping) else [(row, 1)]
    listed_masses: list[object] = [0] * target.size
    for value, mass in pairs:
        listed_masses[target.code(value, f"{where} names a value that")] = mass
    masses = masses_of(listed_masses, where)
    check_masses(masses, where, functools.partial(_state, target))
    return masses


def _from_array(given: Array, shape: tuple[int, ...], target: Finite, where: str) -> Cells:
    if given.dtype.kind in "iu" and given.shape == shape:
        codes = given.astype(np.int64)
        wrong = codes[(codes < 0) | (codes >= target.size)]
        if wrong.size:
            raise DeclarationError(
                f"{where} holds the place {wrong[0]}: {target} has {target.size} values, "
                f"at the places 0 to {target.size - 1}."
            )
        return Cells(target, codes)
    if given.dtype.kind == "f" and given.shape == (*shape, target.size):
        masses = given.astype(np.float64).reshape(-1, target.size)
        sums = np.where((masses >= 0).all(axis=1), masses.sum(axis=1), np.nan)
        # The row that is farthest off speaks for all; NaN counts as infinitely far.
        worst = int(np.argmax(np.nan_to_num(np.abs(sums - 1), nan=np.inf)))
        check_masses(masses[worst], f"{where}, row {worst},", functools.partial(_state, target))
        return Cells(target, None, masses.reshape(given.shape))
    raise DeclarationError(
        f"{where} is an array of {given.dtype} of shape {given.shape}: write integers of shape "
        f"{shape}, the places of the next values, or floats of shape {(*shape, target.size)}, "
        "their masses."
    )


def _state(target: Finite, place: int) -> str:
    return f"{target} = {target.domain.shown(place)}"
