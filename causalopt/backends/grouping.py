"""Large blocks worked out group by group: assignments that are alike, and ready, in one call.

A system of many variables says the same of each: up to names and numbers its assignments are few.
Those that are alike are put in code once, and computed together, their arguments side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sympy import Expr, Symbol

from causalopt.ground.types import Floats, Ints, Number
from causalopt.mechanisms.rebuilding import with_terms
from causalopt.mechanisms.routines import Filled, Routine, routine_of
from causalopt.plan import Block

# Groups pay for gathering their arguments where there is much to compute in few of them.
_MANY, _ALIKE = 100, 4

#: A routine as a function of numbers or arrays.
Function = Callable[..., Number]


@dataclass(frozen=True, eq=False)
class _Group:
    """What is computed in one call: the rows ``first`` and on, of the rows ``seen`` (places, k)."""

    function: Function
    seen: Ints
    first: int

    def fill(self, table: Floats) -> None:
        """Compute the group's rows of a table (rows, *points)."""
        table[self.first : self.first + self.seen.shape[1]] = self.function(*table[self.seen])


@dataclass(frozen=True, eq=False)
class Groups:
    """A block as groups in order, each of which needs rows of those before it.

    The first rows of a table are the block's ``arguments``, the next its ``numbers``; ``results``
    are the rows that it results in.
    """

    arguments: int
    numbers: Floats
    groups: Sequence[_Group]
    rows: int
    results: Sequence[int]

    def __call__(self, *arguments: Number) -> list[Number]:
        """The results, of numbers or of arrays over points."""
        shape = np.broadcast_shapes(*(np.shape(argument) for argument in arguments))
        table = np.empty((self.rows, *shape))
        for row, argument in enumerate(arguments):
            table[row] = argument
        numbers = table[self.arguments : self.arguments + len(self.numbers)]
        # Transposed, so that each is there at all points.
        numbers.T[...] = self.numbers
        for group in self.groups:
            group.fill(table)
        return [table[row] for row in self.results]


def grouped(block: Block, function_of: Callable[[Routine], Function]) -> Groups | None:
    """The groups of a large block; None where it is small, or too few assignments are alike."""
    if len(block.assignments) < _MANY:
        return None
    finals = {Symbol(f"final{i}"): result for i, result in enumerate(block.results)}
    alike = _alike(_numbers_alone({**dict(block.assignments), **finals}))
    if len(alike) * _ALIKE > len(block.assignments):
        return None
    rows = {symbol: row for row, symbol in enumerate(block.arguments)}
    numbers = dict.fromkeys(
        term for members in alike.values() for _, at in members for term in at
        if not isinstance(term, Symbol)
    )  # fmt: skip
    rows |= {number: len(rows) + i for i, number in enumerate(numbers)}
    groups: list[_Group] = []
    for (_, routine), members in sorted(alike.items(), key=lambda pair: pair[0][0]):
        seen = np.array([[rows[term] for term in at] for _, at in members], dtype=np.int64)
        groups.append(_Group(function_of(routine), seen.T.copy(), len(rows)))
        rows |= {symbol: len(rows) + i for i, (symbol, _) in enumerate(members)}
    return Groups(
        arguments=len(block.arguments),
        numbers=np.array([float(number) for number in numbers]),
        groups=groups,
        rows=len(rows),
        results=[rows[symbol] for symbol in finals],
    )


def _numbers_alone(formulas: Mapping[Symbol, Expr]) -> dict[Symbol, Expr]:
    """The assignments without those of conditions, which stand where they are asked instead.

    A table holds numbers, and what is asked is none.
    """
    conditions: dict[Symbol, Expr] = {}
    numbers: dict[Symbol, Expr] = {}
    for symbol, formula in formulas.items():
        asked = conditions.keys() & formula.free_symbols
        whole = with_terms(formula, conditions) if asked else formula
        (numbers if isinstance(formula, Expr) else conditions)[symbol] = whole
    return numbers


#: The assignments of a routine, each of some terms.
_Members = list[tuple[Symbol, tuple[Expr, ...]]]


def _alike(formulas: Mapping[Symbol, Expr]) -> dict[tuple[int, Routine], _Members]:
    """Assignments by when they can be computed, and by what they are up to names and numbers.

    Each comes one turn after the last of those that it uses.
    """
    turns: dict[Expr, int] = {}
    alike: dict[tuple[int, Routine], _Members] = {}
    for symbol, formula in formulas.items():
        is_filled = isinstance(formula, Filled) and all(term.is_Atom for term in formula.terms)
        routine, at = (formula.routine, formula.terms) if is_filled else routine_of(formula)
        turn = turns[symbol] = 1 + max((turns.get(term, 0) for term in at), default=0)
        alike.setdefault((turn, routine), []).append((symbol, at))
    return alike
