"""Linear equations in a step, solved by elimination number by number: each number is a stage.

So any backend solves them, exact derivatives go through them, and a variable that is held has its
stages held. A row belongs to a variable, and has its entries by the variables that they multiply.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from sympy import Add, Expr

from causalopt.language.symbols import Stage, Variable
from causalopt.mechanisms.interface import ONE, ZERO


def order_of(
    rows: Mapping[Variable, Collection[Variable]], held: Collection[Variable] = ()
) -> list[Variable]:
    """An order of elimination in which few new entries come about; what is held comes last.

    Each time the variable whose row and column have the fewest others (Markowitz 1957).
    """
    across = {v: set(row) - {v} for v, row in rows.items()}
    down: dict[Variable, set[Variable]] = {v: set() for v in rows}
    for v, row in across.items():
        for column in row:
            down[column].add(v)
    place = {v: number for number, v in enumerate(rows)}
    order: list[Variable] = []
    while across:
        free = [v for v in across if v not in held] or list(across)
        first = min(free, key=lambda v: (len(across[v]) * len(down[v]), place[v]))
        rights, lefts = across.pop(first), down.pop(first)
        for v in lefts:
            across[v] = (across[v] | rights) - {first, v}
        for v in rights:
            down[v] = (down[v] | lefts) - {first, v}
        order.append(first)
    return order


def eliminated(
    rows: Mapping[Variable, Mapping[Variable, Expr]],
    order: Sequence[Variable],
    entry: Callable[[Variable, int], Stage],
) -> tuple[dict[Variable, Expr], dict[Variable, dict[Variable, Expr]]]:
    """The terms of the entries that are left, row by row, and what each of them is called.

    ``entry`` gives the stage of a row's variable that an entry is, by the place of its column.

    Of a row these are the multiples of the rows above that are taken off it, by the columns of
    those, and then its entries from the diagonal on (Doolittle).
    """
    place = {v: number for number, v in enumerate(order)}
    terms: dict[Variable, Expr] = {}
    entries: dict[Variable, dict[Variable, Expr]] = {}
    for v in order:
        left = dict(rows[v])
        named: dict[Variable, Expr] = {}
        for number, column in enumerate(order):
            if column not in left:
                continue
            is_above = number < place[v]
            pivot = entries[column][column] if is_above else ONE
            named[column] = _named(terms, entry(v, number), left[column] / pivot)
            for other, above in entries[column].items() if is_above else ():
                if place[other] > number:
                    left[other] = left.get(other, ZERO) - named[column] * above
        entries[v] = named
    return terms, entries


def _named(terms: dict[Variable, Expr], stage: Stage, term: Expr) -> Expr:
    """A term by the name of a stage, which it is put under; a number stays what it is."""
    if term.is_Number:
        return term
    terms[stage] = term
    return stage.next


def solved(
    entries: Mapping[Variable, Mapping[Variable, Expr]],
    order: Sequence[Variable],
    right: Mapping[Variable, Expr],
    remainder: Callable[[Variable], Stage],
    solution: Callable[[Variable], Stage],
) -> dict[Variable, Expr]:
    """The terms of the solution, and of what is left of the right-hand sides, by their stages."""
    terms: dict[Variable, Expr] = {}
    left: dict[Variable, Expr] = {}
    for v in order:
        done = (entry * left[c] for c, entry in entries[v].items() if c in left)
        left[v] = _named(terms, remainder(v), right[v] - Add(*done))
    below: set[Variable] = set()
    for v in reversed(order):
        known = (entry * solution(c).next for c, entry in entries[v].items() if c in below)
        terms[solution(v)] = (left[v] - Add(*known)) / entries[v][v]
        below.add(v)
    return terms
