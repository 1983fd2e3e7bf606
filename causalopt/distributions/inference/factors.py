"""Factors: tables over a few variables, multiplied and summed, exactly or in floats."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import sympy
from sympy import Expr
from sympy.polys.domains.domain import Domain as Numbers

from causalopt.ground.masses import as_floats, is_exact, tidy
from causalopt.ground.types import Array


@dataclass(frozen=True)
class Arithmetic:
    """The numbers that tables hold: elements of a field of sympy's, or, without one, floats.

    Rationals are those of QQ, formulas of symbols rational functions in one form each, so that what
    is zero shows as 0 while it is computed, and not in the end alone.
    """

    field: Numbers | None
    of_floats: bool = False  #: whether what comes and goes are floats

    @classmethod
    def of(cls, tables: Iterable[Array]) -> Arithmetic:
        """The numbers for some tables: exact where all of them are."""
        each = list(tables)
        if not all(map(is_exact, each)):
            return cls(None, of_floats=True)
        entries = {entry for table in each for entry in table.flat}
        field, _ = sympy.construct_domain([sympy.Integer(1), *entries], field=True)
        return cls(field)

    @property
    def without_rounding(self) -> Arithmetic:
        """The same, where floats are taken for the rationals that they are."""
        return Arithmetic(sympy.QQ, of_floats=True) if self.field is None else self

    def table(self, given: Array) -> Array:
        """A table of masses in these numbers."""
        if self.of_floats:
            given = as_floats(given.reshape(-1)).astype(np.float64).reshape(given.shape)
        field, exact = self.field, sympy.Rational if self.of_floats else sympy.sympify
        return given if field is None else _each(lambda e: field.from_sympy(exact(e)), given)

    def masses(self, table: Array) -> Array:
        """A table in these numbers as masses: sympy's expressions, or floats."""
        field = self.field
        if field is None:
            return table
        exact = _each(lambda entry: tidy(field.to_sympy(entry)), table)
        if self.of_floats:
            return as_floats(exact.reshape(-1)).reshape(exact.shape)
        return exact

    def mass(self, entry: object) -> Expr | float:
        """One entry of a table as a mass."""
        alone = np.empty((), dtype=np.float64 if self.field is None else object)
        alone[()] = entry
        mass = self.masses(alone)[()]
        return float(mass) if self.of_floats else mass


def _each(change: Callable[[object], object], table: Array) -> Array:
    """An array of what each entry is changed to."""
    changed = np.empty(table.size, dtype=object)
    changed[:] = [change(entry) for entry in table.flat]
    return changed.reshape(table.shape)


@dataclass(frozen=True, eq=False)
class Factor:
    """A table with an axis for each of its variables, which are numbers; times 2**exponent.

    The exponent keeps what many small chances multiply to in the range of floats.
    """

    variables: tuple[int, ...]
    table: Array
    exponent: int = 0

    def at(self, known: Mapping[int, int]) -> Factor:
        """The factor where some variables have known values."""
        places = tuple(known.get(variable, slice(None)) for variable in self.variables)
        free = tuple(variable for variable in self.variables if variable not in known)
        return Factor(free, self.table[(*places, ...)], self.exponent)

    def once(self) -> Factor:
        """The factor with one axis for a variable that it names twice."""
        table, left = self.table, list(self.variables)
        while len(set(left)) < len(left):
            twice = next(v for v in left if left.count(v) > 1)
            first = left.index(twice)
            second = left.index(twice, first + 1)
            table = np.diagonal(table, axis1=first, axis2=second)
            left = [*left[:first], *left[first + 1 : second], *left[second + 1 :], twice]
        return Factor(tuple(left), table, self.exponent)

    def over(self, variables: Sequence[int]) -> Array:
        """The table with an axis for each of ``variables``, in their order: of 1 where it has none.

        >>> Factor((3, 1), np.ones((2, 4))).over((1, 2, 3)).shape
        (4, 1, 2)
        """
        order = sorted(range(len(self.variables)), key=lambda i: variables.index(self.variables[i]))
        sizes = dict(zip(self.variables, self.table.shape, strict=True))
        return self.table.transpose(order).reshape([sizes.get(v, 1) for v in variables])

    def summed(self, kept: Collection[int]) -> Factor:
        """The sum over all variables but those that are kept."""
        axes = tuple(i for i, v in enumerate(self.variables) if v not in kept)
        left = tuple(v for v in self.variables if v in kept)
        shape = [size for i, size in enumerate(self.table.shape) if i not in axes]
        # ``out`` keeps an array of what would else be its one entry.
        total = np.add.reduce(self.table, axis=axes, out=np.empty(shape, self.table.dtype))
        return _in_range(Factor(left, total, self.exponent))


def product(factors: Sequence[Factor]) -> Factor:
    """The product of one factor or more; here times 2**4.

    >>> product([Factor((0,), np.array([1.0, 2.0])), Factor((1,), np.array([3.0, 5.0]))]).table
    array([[0.1875, 0.3125],
           [0.375 , 0.625 ]])
    """
    return functools.reduce(_times, factors)


def _times(first: Factor, second: Factor) -> Factor:
    variables = tuple(dict.fromkeys((*first.variables, *second.variables)))
    mine, theirs = first.over(variables), second.over(variables)
    shape = np.broadcast_shapes(mine.shape, theirs.shape)
    table = np.multiply(mine, theirs, out=np.empty(shape, mine.dtype))
    return _in_range(Factor(variables, table, first.exponent + second.exponent))


def _in_range(factor: Factor) -> Factor:
    """The same numbers, the largest of the table near 1; exact ones need no exponent."""
    if factor.table.dtype == object:
        return factor
    peak = float(np.abs(factor.table).max()) if factor.table.size else 0.0
    if peak == 0:
        return factor
    exponent = int(np.frexp(peak)[1])
    return Factor(factor.variables, np.ldexp(factor.table, -exponent), factor.exponent + exponent)
