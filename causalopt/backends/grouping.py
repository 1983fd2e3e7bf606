"""Large blocks as groups: assignments that are alike, and ready, to be computed together.

A system of many variables says the same of each: up to names and numbers its assignments are few.
Those that are alike are put in code once, and computed together, their arguments side by side in a
table of all numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from sympy import Expr, Symbol

from causalopt.ground.types import Floats, Ints
from causalopt.mechanisms.rebuilding import with_terms
from causalopt.mechanisms.routines import Filled, Routine, routine_of
from causalopt.plan import Block

# Groups pay for gathering their arguments where there is much to compute in few of them.
_MANY, _ALIKE = 100, 4


@dataclass(frozen=True, eq=False)
class Alike:
    """A ``routine`` that gives the rows ``first`` and on, of the rows ``seen`` (places, k)."""

    routine: Routine
    seen: Ints
    first: int

    @property
    def count(self) -> int:
        """How many rows it gives."""
        return int(self.seen.shape[1])


@dataclass(frozen=True, eq=False)
class Groups:
    """A block as groups in order, each of which needs rows of those before it.

    The first rows of a table are the block's ``arguments``, the next its ``numbers``; ``results``
    are the rows of what it results in, by place.
    """

    arguments: int
    numbers: Floats
    groups: Sequence[Alike]
    rows: int
    results: Mapping[int, int]


def grouped(block: Block, places: Sequence[int]) -> Groups | None:
    """The groups of a large block that give its results at some places.

    None where it is small, or too few assignments are alike.
    """
    # What is a symbol already is computed by nothing more.
    names = {
        j: r if isinstance(r := block.results[j], Symbol) else Symbol(f"final{j}") for j in places
    }
    finals = {name: block.results[j] for j, name in names.items() if name != block.results[j]}
    formulas = {**dict(block.assignments), **finals}
    if len(formulas) < _MANY:
        return None
    alike = _alike(_numbers_alone(formulas))
    if len(alike) * _ALIKE > len(formulas):
        return None
    rows: dict[_Term, int] = {symbol: row for row, symbol in enumerate(block.arguments)}
    numbers = dict.fromkeys(
        term for members in alike.values() for _, at in members for term in at
        if isinstance(term, float)
    )  # fmt: skip
    rows |= {number: len(rows) + i for i, number in enumerate(numbers)}
    groups: list[Alike] = []
    for (_, routine), members in sorted(alike.items(), key=lambda pair: pair[0][0]):
        seen = np.array([[rows[term] for term in at] for _, at in members], dtype=np.int64)
        groups.append(Alike(routine, seen.T.copy(), len(rows)))
        rows |= {symbol: len(rows) + i for i, (symbol, _) in enumerate(members)}
    return Groups(
        arguments=len(block.arguments),
        numbers=np.array(list(numbers)),
        groups=groups,
        rows=len(rows),
        results={place: rows[name] for place, name in names.items()},
    )


def _numbers_alone(formulas: Mapping[Symbol, Expr]) -> dict[Symbol, Expr]:
    """The assignments without those of conditions, which stand where they are asked instead.

    A table holds numbers, and what is asked is none.
    """
    conditions: dict[Symbol, Expr] = {}
    numbers: dict[Symbol, Expr] = {}
    for symbol, formula in formulas.items():
        # Mostly there are none, and to find the symbols of a long formula takes long.
        asks = bool(conditions) and not conditions.keys().isdisjoint(formula.free_symbols)
        whole = with_terms(formula, conditions) if asks else formula
        (numbers if isinstance(formula, Expr) else conditions)[symbol] = whole
    return numbers


_Term: TypeAlias = Symbol | float
#: The assignments of a routine, each of some terms.
_Members: TypeAlias = list[tuple[Symbol, tuple[_Term, ...]]]


def _alike(formulas: Mapping[Symbol, Expr]) -> dict[tuple[int, Routine], _Members]:
    """Assignments by when they can be computed, and by what they are up to names and numbers.

    Each comes one turn after the last of those that it uses.
    """
    turns: dict[_Term, int] = {}
    alike: dict[tuple[int, Routine], _Members] = {}
    for symbol, formula in formulas.items():
        routine, at = _as_routine(formula)
        turn = turns[symbol] = 1 + max((turns.get(term, 0) for term in at), default=0)
        alike.setdefault((turn, routine), []).append((symbol, at))
    return alike


def _as_routine(formula: Expr) -> tuple[Routine, tuple[_Term, ...]]:
    """A formula as a routine, and the symbols and numbers in its places."""
    if isinstance(formula, Filled) and all(term.is_Atom for term in formula.args):
        own, paths = map(_in_table, (formula.own, formula.paths))
        return formula.routine, (*own, *formula.numbers.floats, *paths)
    routine, terms = routine_of(formula)
    return routine, _in_table(terms)


def _in_table(terms: Iterable[Expr]) -> tuple[_Term, ...]:
    return tuple(term if isinstance(term, Symbol) else float(term) for term in terms)
