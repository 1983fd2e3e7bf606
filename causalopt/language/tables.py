"""Lookup tables as mechanisms: each row names the next value, or a distribution over the values."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import sympy
from sympy import Expr, Piecewise, Symbol

from causalopt.ground.errors import DeclarationError, nearest
from causalopt.ground.masses import as_floats, check_masses, exact_array, is_exact, masses_of
from causalopt.language.finite_variables import Finite, check_parent, finite_of, listed, tex
from causalopt.language.laws import Uniform
from causalopt.language.lookup import Cells, Lookup
from causalopt.language.symbols import Next, Noise

Parent = Finite | Next


@dataclass(frozen=True, eq=False)
class Table:
    """The rows of a lookup table, in the order of their parents' values; made by ``table``.

    ``cells`` is one entry a row (a value's name, or a mapping of names to masses), or the array
    that was given.
    """

    parents: tuple[Parent, ...]
    cells: tuple[object, ...] | npt.NDArray[Any]

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of values of each parent."""
        return tuple(_values(parent).size for parent in self.parents)

    def bound(self, target: Finite) -> Expr:
        """This table as the mechanism of a variable, its values checked."""
        where = f"The table of {target} by {listed(self.parents)}"
        if isinstance(self.cells, np.ndarray):
            cells = _from_array(self.cells, self.shape, target, where)
        else:
            names = [row_name(self.parents, row) for row in np.ndindex(self.shape)]
            cells = _from_rows(self.cells, names, self.shape, target, where)
        if cells.codes is not None:
            return Lookup(cells, *self.parents)
        return Lookup(cells, *self.parents, Noise(f"chance of {target}", Uniform()))

    def __repr__(self) -> str:
        head = f"table(({listed(self.parents)}{',' * (len(self.parents) == 1)}), "
        if isinstance(self.cells, np.ndarray) or len(self.cells) > 100:
            return head + f"<{math.prod(self.shape)} rows>)"
        keys = product(*(_values(parent).values for parent in self.parents))
        return head + f"{dict(zip(keys, self.cells, strict=True))})"

    def _repr_latex_(self) -> str | None:
        """The rows as the posts write them, one brace for each value of the first parents."""
        if isinstance(self.cells, np.ndarray) or len(self.cells) > 100:
            return None
        *before, last = self.parents
        size = _values(last).size
        braces = []
        for i, given in enumerate(product(*(_values(parent).values for parent in before))):
            row = zip(_values(last).values, self.cells[i * size : (i + 1) * size], strict=True)
            body = r" \\ ".join(rf"{tex(value)} \to {_tex_cell(cell)}" for value, cell in row)
            head = rf"O[{', '.join(map(tex, given))}]: " if given else ""
            braces.append(rf"{head}\begin{{cases}} {body} \end{{cases}}")
        return "$" + r" \quad ".join(braces) + "$"


def table(parents: Parent | Iterable[Parent], rows: object) -> Table:
    """A lookup table: the mechanism of a finite variable, by the present values of ``parents``.

    ``rows`` is nested in the order of the parents, one entry for each value of each, and ends in
    the next value, or in a distribution {value: mass} over the next values. The last level may be
    text, as the posts write it: "hot -> hot, warm -> hot, cold -> warm". The same rows may come
    flat, {("high", "hot"): "hot", ...}, or, for large tables, as an array of places of values
    (integers of shape (sizes of parents)) or of masses (shape (sizes of parents, size of target)).
    A parent may be ``R.next``, its value in the same step.

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
    """
    given = (parents,) if isinstance(parents, Symbol) else parents
    if not isinstance(given, Iterable):
        raise DeclarationError(
            f"table({parents!r}, ...): the parents are finite variables, such as "
            "table((T, R), ...)."
        )
    found = tuple(check_parent(parent, "A table") for parent in given)
    if not found:
        raise DeclarationError("table((), ...) has no parents: name one, such as table(T, ...).")
    if len(set(found)) < len(found):
        raise DeclarationError(f"table(({listed(found)}), ...) names a parent twice.")
    if isinstance(rows, np.ndarray):
        return Table(found, rows.copy())
    if isinstance(rows, Mapping) and rows and all(isinstance(key, tuple) for key in rows):
        return Table(found, tuple(_flat(rows, found)))
    return Table(found, tuple(_nested(rows, found, ())))


def _tex_cell(cell: object) -> str:
    if not isinstance(cell, Mapping):
        return tex(cell)
    return ", ".join(rf"{tex(value)}\ ({mass})" for value, mass in cell.items())


def _values(parent: Parent) -> Finite:
    owner = finite_of(parent)
    assert owner is not None
    return owner


def row_name(parents: tuple[Parent, ...], row: Iterable[int]) -> str:
    """A row in words, by the places of its values: T = high, R = hot."""
    pairs = zip(parents, row, strict=True)
    return ", ".join(f"{parent} = {_values(parent).values[place]}" for parent, place in pairs)


#: A table with more rows than this is too long to read.
MOST_ROWS = 40


def rows_in_words(formula: object) -> list[str]:
    """The rows of a lookup table: a line for each state of all its parents but the last.

    Where chance decides, each row has its own line. Empty for any other formula, and for a table of
    more than 40 rows.

    >>> from causalopt.language.finite_variables import finite
    >>> T, R = finite("T", ["on", "off"]), finite("R", ["hot", "cold"])
    >>> rows_in_words(formula_for(R, table((T, R), {"on": "hot -> hot, cold -> hot",
    ...                                             "off": "hot -> cold, cold -> cold"})))
    ['on: hot -> hot, cold -> hot', 'off: hot -> cold, cold -> cold']
    >>> rows_in_words(formula_for(R, table(R, {"hot": {"hot": 0.5, "cold": 0.5}, "cold": "cold"})))
    ['hot -> hot (0.5) or cold (0.5)', 'cold -> cold']
    """
    if not isinstance(formula, Lookup):
        return []
    values = [_values(parent).values for parent in formula.parents]
    shape = tuple(map(len, values))
    if math.prod(shape) > MOST_ROWS:
        return []
    cells = formula.cells
    rows = zip(np.ndindex(shape), product(*values), strict=True)
    if cells.codes is None:
        return [f"{', '.join(map(str, row))} -> {_entry(cells, place)}" for place, row in rows]
    lines: dict[str, list[str]] = {}
    for place, row in rows:
        head = ", ".join(map(str, row[:-1]))
        lines.setdefault(head, []).append(f"{row[-1]} -> {_entry(cells, place)}")
    return [f"{head}: {', '.join(row)}" if head else ", ".join(row) for head, row in lines.items()]


def _entry(cells: Cells, place: tuple[int, ...]) -> str:
    """What a row leads to: a value, or values with their chances."""
    values = cells.target.values
    if cells.codes is not None:
        return str(values[int(cells.codes[place])])
    assert cells.chances is not None
    chances = [(value, chance) for value, chance in zip(values, cells.chances[place], strict=True)
               if chance != 0]  # fmt: skip
    if len(chances) == 1:
        return str(chances[0][0])
    return " or ".join(
        f"{value} ({chance:.3g})" if isinstance(chance, float) else f"{value} ({chance})"
        for value, chance in chances
    )


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
            f"value of {parent}, such as {{{_values(parent).values[0]!r}: ...}}."
        )
    for key in rows:
        if key not in _values(parent).values:
            _refuse_extra((*path, f"{parent} = {key}"), parents, _hint(parent, key))
    for value in _values(parent).values:
        here = (*path, f"{parent} = {value}")
        if value not in rows:
            _refuse_missing(here, parents)
        yield from _nested(rows[value], parents, here)


def _flat(rows: Mapping[Any, object], parents: tuple[Parent, ...]) -> Iterator[object]:
    wanted = dict.fromkeys(product(*(_values(parent).values for parent in parents)))
    for key in rows:
        if key not in wanted:
            names = [f"{p} = {value}" for p, value in zip(parents, key, strict=False)]
            _refuse_extra(tuple(names) or ("()",), parents, "")
    for key in wanted:
        if key not in rows:
            _refuse_missing([f"{p} = {v}" for p, v in zip(parents, key, strict=True)], parents)
        yield rows[key]


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
    return nearest(key, _values(parent).values)


def _at(path: tuple[str, ...]) -> str:
    return f"for {', '.join(path)}" if path else "in place of its rows"


def _arrows(text: str, path: tuple[str, ...]) -> dict[str, str]:
    """The mapping that "hot -> hot, warm -> hot" writes: split at commas and arrows, no more."""
    found: dict[str, str] = {}
    for piece in text.split(","):
        ends = [end.strip() for end in piece.split("->")]
        if len(ends) != 2 or not all(ends):
            raise DeclarationError(
                f'The table row "{text}" {_at(path)} has the entry "{piece.strip()}": write '
                '"from -> to" entries set apart by commas, such as "hot -> hot, cold -> warm".'
            )
        if ends[0] in found:
            raise DeclarationError(
                f'The table row "{text}" {_at(path)} maps {ends[0]} twice: keep one of the two.'
            )
        found[ends[0]] = ends[1]
    return found


def formula_for(target: object, given: object) -> object:
    """What ``given`` means as the mechanism of a variable: a table is bound to its values."""
    finite = finite_of(target)
    if isinstance(given, Table):
        if finite is None:
            raise DeclarationError(
                f"The mechanism of {target} is a table, but {target} takes no named values: "
                f'declare it with finite("{target}", ["...", "..."]).'
            )
        return given.bound(finite)
    if finite is None or _takes_values(given, finite):
        return given
    raise DeclarationError(
        f"The mechanism of {target} is {given!r}, but {target} takes named values "
        f"({listed(finite.values)}): write a table, such as table({target}, {{...}}), a variable "
        "with the same values, or a Piecewise of these."
    )


def _takes_values(formula: object, finite: Finite) -> bool:
    """Whether a formula gives a place of the variable's values, whatever its arguments are."""
    if isinstance(formula, Lookup):
        return formula.cells.target.values == finite.values
    if isinstance(formula, Piecewise):
        always = formula.args[-1].args[1] is sympy.true
        return always and all(_takes_values(branch, finite) for branch, _ in formula.args)
    source = finite_of(formula)
    if source is None:
        return isinstance(formula, sympy.Integer) and 0 <= int(formula) < finite.size
    return source.values == finite.values


def _from_rows(
    rows: tuple[object, ...], names: list[str], shape: tuple[int, ...], target: Finite, where: str
) -> Cells:
    if not any(isinstance(row, Mapping) for row in rows):
        places = [
            target.code(row, f"{where}: the row for {name}")
            for row, name in zip(rows, names, strict=True)
        ]
        return Cells(target, np.array(places, dtype=np.int64).reshape(shape))
    chances = [
        _chances(row, target, f"{where}: the row for {name}")
        for row, name in zip(rows, names, strict=True)
    ]
    if all(is_exact(row) for row in chances):
        stacked = exact_array([mass for row in chances for mass in row])
    else:
        stacked = np.concatenate([as_floats(row) for row in chances])
    return Cells(target, None, stacked.reshape((*shape, target.size)))


def _chances(row: object, target: Finite, where: str) -> npt.NDArray[Any]:
    given: Mapping[Any, object] = row if isinstance(row, Mapping) else {row: 1}
    masses: list[object] = [0] * target.size
    for value, mass in given.items():
        masses[target.code(value, f"{where} names a value that")] = mass
    found = masses_of(masses, where)
    check_masses(found, where, lambda i: f"{target} = {target.values[i]}")
    return found


def _from_array(
    given: npt.NDArray[Any], shape: tuple[int, ...], target: Finite, where: str
) -> Cells:
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
        worst = int(np.argmax(np.nan_to_num(np.abs(sums - 1), nan=np.inf)))
        check_masses(masses[worst], f"{where}, row {worst},", functools.partial(_named, target))
        return Cells(target, None, masses.reshape(given.shape))
    raise DeclarationError(
        f"{where} is an array of {given.dtype} of shape {given.shape}: write integers of shape "
        f"{shape}, the places of the next values, or floats of shape {(*shape, target.size)}, "
        "their masses."
    )


def _named(target: Finite, place: int) -> str:
    return f"{target} = {target.values[place]}"
