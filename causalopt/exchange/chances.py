"""Tables of chance that a file has: variables with named values, rows of digits, a network."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

import networkx as nx
import numpy as np

from causalopt.exchange.reading import FileText
from causalopt.ground.checks import TOLERANCE, beside_one, shown
from causalopt.ground.errors import DeclarationError, nearest
from causalopt.ground.types import Floats
from causalopt.language.finite_variables import Finite
from causalopt.language.symbols import Label
from causalopt.language.tables import Table, row_name, table
from causalopt.model.network import Network

#: The most variables that a network of a file may have; the largest published ones have 1,041.
MOST_VARIABLES = 3_000
#: The most values of one variable.
MOST_VALUES = 10_000
#: The most parents of one variable: each is an axis of an array.
MOST_PARENTS = 30
#: The most rows in all tables of a file that are written out, and not left to a default.
MOST_ROWS = 100_000
#: The most chances in all tables of a file; rows that are left to a default count too.
MOST_ENTRIES = 2_000_000
#: The most rows that are divided by their sums.
MOST_DIVIDED = 50_000

#: With no more names than this, a message lists them or looks for the nearest.
FEW = 30

# No name has more letters than this.
_LONGEST_NAME = 500
# No chance is printed with more letters than this, and those of its power of ten.
_LONGEST = 100
# So many of the rows that are divided are told.
_TOLD = 3
# Of sums of floats near 1, for each term.
_ROUNDING = 2.0**-52
_PRINTED = r"[+-]?(?:[0-9]++\.?[0-9]*+|\.[0-9]++)(?:[eE][+-]?[0-9]{1,4})?"
_NUMBER = re.compile(_PRINTED)
_NUMBERS = re.compile(rf"(?:{_PRINTED}(?: |\Z))*+")


class Word(NamedTuple):
    """A name in a file, and the character at which it begins."""

    text: str
    offset: int


class PrintedRow(NamedTuple):
    """The chances of one row, as they are printed, and the character at which the row begins."""

    numbers: Sequence[str]
    offset: int


class TableBlock(NamedTuple):
    """The chances of a variable as a file has them.

    ``rows`` reads them once the variables are known: by the parents' values in order, the last
    parent fastest.
    """

    child: Word
    parents: Sequence[Word]
    rows: Callable[[Head], Sequence[PrintedRow]]


@dataclass(frozen=True)
class Head:
    """What a table of a file is of: a variable, given its parents."""

    child: Finite
    parents: tuple[Finite, ...]
    offset: int

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of values of each parent."""
        return tuple(parent.size for parent in self.parents)

    @property
    def count(self) -> int:
        """The number of rows."""
        return math.prod(self.shape)

    def named(self, place: int) -> str:
        """A row in words, by its place: HR given CO = LOW."""
        row = row_name(self.parents, map(int, np.unravel_index(place, self.shape)))
        return f"{self.child} given {row}" if row else str(self.child)


def variable_of(source: FileText, name: Word, values: Sequence[Word]) -> Finite:
    """A variable with the values that a file names, all of them labels alone."""
    if len(values) > MOST_VALUES:
        told = f"{shown(name.text)} has more than {MOST_VALUES:,} values (MOST_VALUES)."
        raise source.refusal(name.offset, told)
    for word in (name, *values):
        check_shows(source, word)
    seen: set[str] = set()
    for word in values:
        if word.text in seen:
            raise source.refusal(word.offset, f"{name.text} has the value {word.text!r} twice.")
        seen.add(word.text)
    try:
        return Finite(name.text, [word.text for word in values])
    except DeclarationError as error:
        raise source.refusal(name.offset, str(error)) from None


def check_shows(source: FileText, word: Word) -> None:
    """Raise ``FileError`` for a name that is empty, too long, or holds what no page shows."""
    if len(word.text) > _LONGEST_NAME:
        told = f"a name of {len(word.text):,} letters is here: {_LONGEST_NAME} are read."
        raise source.refusal(word.offset, told)
    if not word.text.strip():
        raise source.refusal(word.offset, "a name is empty: write letters.")
    odd = next((letter for letter in word.text if not letter.isprintable()), None)
    if odd is not None:
        told = f"the name {shown(word.text)} holds {odd!a}, which no page shows: write letters."
        raise source.refusal(word.offset, told)


def check_count(source: FileText, count: int, last: Word) -> None:
    """Raise ``FileError`` for more variables or tables than are read, at the last of them."""
    if count > MOST_VARIABLES:
        told = f"there are more than {MOST_VARIABLES:,} variables or tables (MOST_VARIABLES)."
        raise source.refusal(last.offset, told)


def check_rows(source: FileText, head: Head, count: int) -> None:
    """Raise ``FileError`` for more rows than are read, with those of this table."""
    if count > MOST_ROWS:
        told = f"there are more than {MOST_ROWS:,} rows with those of {head.child} (MOST_ROWS)."
        raise source.refusal(head.offset, told)


def _known_variables(
    source: FileText, declared: Iterable[tuple[Word, Finite]]
) -> dict[str, tuple[Finite, int]]:
    """The variables of a file with where each is declared, by name; none declared twice."""
    known: dict[str, tuple[Finite, int]] = {}
    for word, variable in declared:
        if word.text in known:
            raise source.refusal(word.offset, f"the variable {word.text} is declared twice.")
        known[word.text] = variable, word.offset
    if not known:
        raise source.refusal(0, "no variable is declared here: a network has one or more.")
    return known


def _heads(
    source: FileText,
    known: Mapping[str, tuple[Finite, int]],
    blocks: Sequence[TableBlock],
) -> list[Head]:
    """What the tables of a file are of, before any is made: one of each variable, none too large.

    Raises ``FileError`` for names that are not declared, variables with two tables or none, a
    cycle, and tables of too many entries.
    """
    heads: dict[str, Head] = {}
    for child, parents, _ in blocks:
        head = Head(
            _known(source, known, child),
            tuple(_known(source, known, parent) for parent in parents),
            child.offset,
        )
        if child.text in heads:
            raise source.refusal(child.offset, f"{child.text} has two tables: leave one out.")
        heads[child.text] = head
        _check_parents(source, head, parents)
    for name, (_, offset) in known.items():
        if name not in heads:
            raise source.refusal(offset, f"{name} has no table of probabilities: add it.")
    _check_sizes(source, heads.values())
    _check_order(source, heads)
    return list(heads.values())


def _known(source: FileText, known: Mapping[str, tuple[Finite, int]], word: Word) -> Finite:
    if word.text not in known:
        hint = nearest(word.text, known) if len(known) <= FEW else ""
        told = f"{shown(word.text)} is no variable that is declared here.{hint}"
        raise source.refusal(word.offset, told)
    return known[word.text][0]


def _check_parents(source: FileText, head: Head, parents: Sequence[Word]) -> None:
    if len(parents) > MOST_PARENTS:
        told = f"{head.child} has {len(parents)} parents, more than {MOST_PARENTS} (MOST_PARENTS)."
        raise source.refusal(head.offset, told)
    seen: set[str] = set()
    for word in parents:
        if word.text in seen:
            told = f"{word.text} is twice among the parents of {head.child}."
            raise source.refusal(word.offset, told)
        seen.add(word.text)


def _check_sizes(source: FileText, heads: Iterable[Head]) -> None:
    total = 0
    for head in heads:
        own = head.count * head.child.size
        total += own
        if total > MOST_ENTRIES:
            raise source.refusal(
                head.offset,
                f"the table of {head.child} has {own:,} entries, and with those before it "
                f"{total:,}: more than {MOST_ENTRIES:,} (MOST_ENTRIES) are not read.",
            )


def _check_order(source: FileText, heads: Mapping[str, Head]) -> None:
    graph = nx.DiGraph()
    for name, head in heads.items():
        graph.add_edges_from((parent.name, name) for parent in head.parents)
    if nx.is_directed_acyclic_graph(graph):
        return
    around = [edge[0] for edge in nx.find_cycle(graph)]
    offset = min(heads[name].offset for name in around)
    path = " -> ".join([*around, around[0]]) if len(around) <= FEW else f"{len(around)} long"
    raise source.refusal(offset, f"the arrows run in a circle, {path}: a network has no cycle.")


# -- rows ------------------------------------------------------------------------------------------


def network_of(
    source: FileText,
    declared: Iterable[tuple[Word, Finite]],
    blocks: Sequence[TableBlock],
    *,
    normalise: bool,
) -> Network:
    """The network of the variables that a file declares, and of its blocks of chances.

    All blocks are looked at before the rows of any are. A table whose rows all are sure is one
    without chance, and a root that is sure starts from its value. Rows that do not sum to 1 are
    refused, or with ``normalise`` divided by their sum, where this is 1 within the printed digits;
    a ``RuntimeWarning`` tells which.
    """
    heads = _heads(source, _known_variables(source, declared), blocks)
    mechanisms: dict[Finite, Table] = {}
    start: dict[Label, str] = {}
    divided: list[str] = []
    written = 0
    for head, block in zip(heads, blocks, strict=True):
        rows = block.rows(head)
        written += len(set(map(id, rows)))
        if written > MOST_ROWS:
            told = (
                f"there are more than {MOST_ROWS:,} rows (MOST_ROWS) up to the end of this table."
            )
            raise source.refusal(head.offset, told)
        masses = _masses_of(source, head, rows, divided if normalise else None)
        sure = bool(((masses == 0) | (masses == 1)).all())
        places = masses.argmax(axis=1)
        if sure and not head.parents:
            start[head.child] = str(head.child.values[int(places[0])])
        elif sure:
            mechanisms[head.child] = table(head.parents, places.reshape(head.shape))
        else:
            shaped = masses.reshape(*head.shape, head.child.size)
            mechanisms[head.child] = table(head.parents, shaped)
    try:
        network = Network(mechanisms, start=start)
    except DeclarationError as error:
        raise source.refusal(0, str(error)) from None
    if divided:
        more = f", and {len(divided) - _TOLD} more" if divided[_TOLD:] else ""
        count = f"{len(divided)} rows of chances were" if divided[1:] else "a row of chances was"
        warnings.warn(
            f"{source.path}: {count} divided by the sum, which is 1 within the printed digits "
            f"alone: {'; '.join(divided[:_TOLD])}{more}.",
            RuntimeWarning,
            stacklevel=3,
        )
    return network


def _masses_of(
    source: FileText, head: Head, rows: Sequence[PrintedRow], divided: list[str] | None
) -> Floats:
    """The chances (rows, values of the child); a row that stands in many places is read once."""
    firsts: dict[int, int] = {}
    for place, row in enumerate(rows):
        firsts.setdefault(id(row), place)
    numbers = {one: number for number, one in enumerate(firsts)}
    kept = [rows[at] for at in firsts.values()]
    distinct = _plain_masses(kept, head.child.size, divided)
    # Those that are not plain are looked at one by one, and told where they are.
    for number, at in enumerate(firsts.values()):
        if not np.isfinite(distinct[number, 0]):
            distinct[number] = _masses(source, head, rows[at], at, divided)
    order = np.fromiter((numbers[id(row)] for row in rows), dtype=np.int64, count=len(rows))
    masses: Floats = distinct[order]
    return masses


def _plain_masses(rows: Sequence[PrintedRow], size: int, divided: list[str] | None) -> Floats:
    """The chances (rows, values) of rows at once; nan in a row that is not plain.

    A plain row has a number for each value, and they sum to 1.
    """
    texts = [text for row in rows for text in row.numbers]
    is_shaped = all(len(row.numbers) == size for row in rows)
    is_short = max(map(len, texts), default=0) <= _LONGEST
    if not (is_shaped and is_short and _NUMBERS.fullmatch(" ".join(texts))):
        return np.full((len(rows), size), np.nan)
    masses = np.array(list(map(float, texts)), dtype=np.float64).reshape(len(rows), size) + 0.0
    # As the checks of tables sum, so that both agree on a row at the edge of what is allowed.
    away = np.abs(masses.sum(axis=1) - 1)
    is_plain = (away <= _allowed(size, divided)) & (masses >= 0).all(axis=1)
    masses[~is_plain] = np.nan
    return masses


def _allowed(size: int, divided: list[str] | None) -> float:
    """How far from 1 a sum may be; where rows are divided, all are that floats tell from 1."""
    return TOLERANCE if divided is None else size * _ROUNDING


def _masses(
    source: FileText, head: Head, row: PrintedRow, place: int, divided: list[str] | None
) -> list[float]:
    if len(row.numbers) != head.child.size:
        raise source.refusal(
            row.offset,
            f"{head.named(place)} has {len(row.numbers)} probabilities, and {head.child} has "
            f"{head.child.size} values: write one for each.",
        )
    masses = [_mass(source, head, row, text) for text in row.numbers]
    total = float(np.array(masses).sum())
    allowed = _allowed(len(masses), divided)
    if abs(total - 1) <= allowed:
        return masses
    is_rounded = abs(total - 1) <= _rounding_of(row.numbers) + allowed
    if divided is None or not is_rounded:
        told = f"the probabilities of {head.named(place)} sum to {total:.12g}, {beside_one(total)}"
        instead = "more than their printed digits explain: correct the row."
        if is_rounded:
            instead = (
                "as far as their digits were printed: write normalise=True to divide each such "
                "row by its sum."
            )
        raise source.refusal(row.offset, f"{told}, {instead}")
    if len(divided) == MOST_DIVIDED:
        told = f"more than {MOST_DIVIDED:,} rows do not sum to 1 (MOST_DIVIDED): print more digits."
        raise source.refusal(row.offset, told)
    # A few are told, and the others counted.
    divided.append(f"{head.named(place)} ({total:.12g})" if len(divided) < _TOLD else "")
    return [mass / total for mass in masses]


def _mass(source: FileText, head: Head, row: PrintedRow, text: str) -> float:
    is_number = len(text) <= _LONGEST and _NUMBER.fullmatch(text)
    mass = float(text) if is_number else math.nan
    if 0 <= mass < math.inf:
        return mass + 0.0
    raise source.refusal(
        row.offset,
        f"a probability of {head.child} is {shown(text)}: write a number from 0 to 1, such as 0.25 "
        "or 1e-3.",
    )


def _rounding_of(numbers: Sequence[str]) -> float:
    """How far rounding alone may take the sum of numbers: half a unit of the last digit of each.

    A printer rounds all of a row to so many decimals, or to so many digits that count, and may
    leave out zeros at the end: the number with the most tells. A whole number is exact.

    >>> [_rounding_of(row) for row in (["0.33", "0.3"], ["1.25e-3", "0.125"], ["1", "0"])]
    [0.01, 0.000505, 0.0]
    """
    every = map(Decimal, numbers)
    printed = [number for number in every if int(number.as_tuple().exponent) < 0]
    if not printed:
        return 0.0
    decimals = max(-int(number.as_tuple().exponent) for number in printed)
    digits = max(len(number.as_tuple().digits) for number in printed)
    counting = [number.adjusted() - digits for number in printed if number]
    return max(
        len(printed) * float(f"5e-{decimals + 1}"), math.fsum(float(f"5e{at}") for at in counting)
    )
