"""BIF, the text format of published Bayesian networks: read into a network, and written."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

import numpy as np

from causalopt.exchange.bif_tokens import Tokens, is_plain
from causalopt.exchange.chances import (
    FEW,
    MOST_PARENTS,
    MOST_VALUES,
    Head,
    PrintedRow,
    TableBlock,
    Word,
    check_count,
    check_rows,
    network_of,
    variable_of,
)
from causalopt.exchange.printed import Printed, printed_tables
from causalopt.exchange.reading import FileText
from causalopt.ground.checks import as_path, shown
from causalopt.ground.errors import DeclarationError, nearest
from causalopt.ground.files import replacement
from causalopt.language.domains import Value
from causalopt.language.finite_variables import Finite
from causalopt.model.network import Network


def read_bif(path: str | os.PathLike[str], normalise: bool = False) -> Network:
    """The network of a BIF file: finite variables, and a table of chances for each.

    Names and values are labels as they stand, ``network.find("asia")`` gives the variable of a
    name, and nodes come in the order of their tables. Properties and the network's own name are
    left out. A ``table`` of a variable with parents has its numbers with the variable's own values
    slowest, and the last parent's fastest, as the format's author writes it.

    Published chances are rounded, and rows of them may miss the sum 1. With ``normalise=True``
    each row is divided by its sum, where this is 1 within half a unit of the last printed digit of
    each number, and a ``RuntimeWarning`` names such rows. What is off by more is always refused.

    Raises ``FileError``, with line and column, for what is no BIF, a row that does not sum to 1
    (within 1e-9), rows that are missing or given twice, a variable without a table, a cycle, and
    more than ``MOST_VARIABLES`` variables or ``MOST_ENTRIES`` chances.

    Source: Cozman, "The Interchange Format for Bayesian Networks", version 0.15 (1998).

    >>> import pathlib, tempfile
    >>> from causalopt.distributions import marginal
    >>> path = pathlib.Path(tempfile.mkdtemp(), "lawn.bif")
    >>> _ = path.write_text('''
    ... network lawn { }
    ... variable rain { type discrete [ 2 ] { yes, no }; }
    ... variable wet { type discrete [ 2 ] { yes, no }; }
    ... probability ( rain ) { table 0.5, 0.5; }
    ... probability ( wet | rain ) { (yes) 0.75, 0.25; (no) 0.25, 0.75; }
    ... ''')
    >>> lawn = read_bif(path)
    >>> rain, wet = lawn.nodes
    >>> marginal(lawn, rain, given={wet: "yes"}).mass({rain: "yes"})
    0.75
    """
    source = FileText.of(path, "a network in BIF")
    parsed = _parsed(Tokens(source))
    blocks = [
        TableBlock(one.child, one.parents, partial(_rows, source, block=one))
        for one in parsed.tables
    ]
    return network_of(source, parsed.variables, blocks, normalise=normalise)


def write_bif(network: Network, path: str | os.PathLike[str]) -> None:
    """Write a network of finite variables as a BIF file, which ``read_bif`` reads back.

    Chances are floats of 17 digits at most, exact ones too; names that are no plain words stand in
    quotes. Values that are whole numbers come back as text, and units are left out.

    Raises ``DeclarationError`` for a node that is no table of named values, and names that the
    format cannot hold; ``FileError`` where the file cannot be written.

    >>> import pathlib, tempfile
    >>> from causalopt.language.finite_variables import finite
    >>> from causalopt.language.tables import table
    >>> rain = finite("rain", ["yes", "no"])
    >>> path = pathlib.Path(tempfile.mkdtemp(), "sky.bif")
    >>> write_bif(Network({rain: table((), {"yes": 0.25, "no": 0.75})}), path)
    >>> print(path.read_text())
    network unknown {
    }
    variable rain {
      type discrete [ 2 ] { yes, no };
    }
    probability ( rain ) {
      table 0.25, 0.75;
    }
    """
    tables = printed_tables(network, "BIF")
    blocks = [*map(_variable_block, tables), *map(_table_block, tables)]
    text = "".join(("network unknown {\n}\n", *blocks))
    with replacement(as_path(path, "path", "model.bif")) as temporary:
        temporary.write_text(text, encoding="utf-8")


# -- blocks ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Block:
    """A block of probabilities as it stands: one whole table, or rows by values, and a default."""

    child: Word
    parents: tuple[Word, ...]
    rows: list[tuple[list[str], PrintedRow]]
    whole: PrintedRow | None
    default: PrintedRow | None


@dataclass(frozen=True)
class _Parsed:
    variables: list[tuple[Word, Finite]] = field(default_factory=list)
    tables: list[_Block] = field(default_factory=list)


def _parsed(tokens: Tokens) -> _Parsed:
    """All blocks of a file, in any order."""
    parsed = _Parsed()
    while tokens.kind:
        if tokens.at("network"):
            _skip_network(tokens)
        elif tokens.at("variable"):
            parsed.variables.append(_variable(tokens))
            check_count(tokens.source, len(parsed.variables), parsed.variables[-1][0])
        elif tokens.at("probability"):
            parsed.tables.append(_probability(tokens))
            check_count(tokens.source, len(parsed.tables), parsed.tables[-1].child)
        else:
            tokens.refuse("'network', 'variable' or 'probability'")
    return parsed


def _skip_network(tokens: Tokens) -> None:
    tokens.advance()
    if not tokens.at("{"):
        tokens.word("a name")
    tokens.skip("{")
    while not tokens.at("}"):
        if not tokens.at("property"):
            tokens.refuse("'property' or '}'")
        tokens.skip_property()
    tokens.advance()


def _variable(tokens: Tokens) -> tuple[Word, Finite]:
    tokens.advance()
    name = tokens.word("the name of a variable")
    values: list[Word] | None = None
    tokens.skip("{")
    while not tokens.at("}"):
        if tokens.at("property"):
            tokens.skip_property()
        elif tokens.at("type") and values is None:
            values = _values(tokens)
        else:
            tokens.refuse("'type', once, 'property' or '}'")
    tokens.advance()
    if values is None:
        told = f"{name.text} has no values: write type discrete [ 2 ] {{ yes, no }};"
        raise tokens.source.refusal(name.offset, told)
    return name, variable_of(tokens.source, name, values)


def _values(tokens: Tokens) -> list[Word]:
    tokens.advance()
    if not tokens.at("discrete"):
        tokens.refuse("'discrete', the one type that is read,")
    tokens.advance()
    tokens.skip("[")
    count = tokens.word("the number of values")
    tokens.skip("]")
    tokens.skip("{")
    values = list(islice(tokens.words("a value", "}"), MOST_VALUES + 1))
    if len(values) > MOST_VALUES:
        told = f"more than {MOST_VALUES:,} values are here (MOST_VALUES)."
        raise tokens.source.refusal(count.offset, told)
    tokens.advance()
    tokens.skip(";")
    if count.text != str(len(values)):
        told = f"{shown(count.text)} values are announced, and there are {len(values)}."
        raise tokens.source.refusal(count.offset, told)
    return values


def _probability(tokens: Tokens) -> _Block:
    tokens.advance()
    tokens.skip("(")
    child = tokens.word("the name of a variable")
    if tokens.at("|"):
        tokens.advance()
    parents = () if tokens.at(")") else _parents(tokens, child)
    tokens.skip(")")
    tokens.skip("{")
    rows: list[tuple[list[str], PrintedRow]] = []
    single: dict[str, PrintedRow] = {}
    while not tokens.at("}"):
        if tokens.at("("):
            offset = tokens.offset
            names, numbers = tokens.row()
            rows.append((names, PrintedRow(numbers, offset)))
        elif tokens.at("table", "default") and tokens.text not in single:
            kind, offset = tokens.text, tokens.offset
            tokens.advance()
            single[kind] = PrintedRow(tokens.numbers(), offset)
        elif tokens.at("property"):
            tokens.skip_property()
        else:
            tokens.refuse("'(', 'table' or 'default', each once, 'property' or '}'")
    tokens.advance()
    return _Block(child, parents, rows, single.get("table"), single.get("default"))


def _parents(tokens: Tokens, child: Word) -> tuple[Word, ...]:
    parents = tuple(islice(tokens.words("the name of a parent", ")"), MOST_PARENTS + 1))
    if len(parents) > MOST_PARENTS:
        told = f"{shown(child.text)} has more than {MOST_PARENTS} parents (MOST_PARENTS)."
        raise tokens.source.refusal(child.offset, told)
    return parents


# -- rows ------------------------------------------------------------------------------------------


def _rows(source: FileText, head: Head, block: _Block) -> Sequence[PrintedRow]:
    """The rows of a table by its parents' values, the last parent fastest."""
    if block.whole is not None:
        if block.rows or block.default is not None:
            told = f"{head.child} has a whole table and rows beside it: leave one of them out."
            raise source.refusal(block.whole.offset, told)
        return _divided(source, head, block.whole)
    rows: list[PrintedRow | None] = [block.default] * head.count
    filled: set[int] = set()
    # A mapping for each parent: of many rows, to ask the variable each time takes long.
    places = [{value: i for i, value in enumerate(parent.values)} for parent in head.parents]
    for names, row in block.rows:
        place = _place(source, head, places, names, row.offset)
        if place in filled:
            told = f"the row of {head.named(place)} is given twice: leave one out."
            raise source.refusal(row.offset, told)
        filled.add(place)
        rows[place] = row
    missing = next((place for place, row in enumerate(rows) if row is None), None)
    if missing is not None:
        told = f"there is no row of {head.named(missing)}: add it, or a default."
        raise source.refusal(head.offset, told)
    return [row for row in rows if row is not None]


def _place(
    source: FileText, head: Head, places: list[dict[Value, int]], names: list[str], offset: int
) -> int:
    if len(names) != len(head.parents):
        told = f"{len(names)} values are named, and {head.child} has {len(head.parents)} parents."
        raise source.refusal(offset, told)
    place = 0
    for parent, known, name in zip(head.parents, places, names, strict=True):
        if name not in known:
            hint = nearest(name, known) if parent.size <= FEW else ""
            raise source.refusal(offset, f"{shown(name)} is no value of {parent}.{hint}")
        place = place * parent.size + known[name]
    return place


def _divided(source: FileText, head: Head, whole: PrintedRow) -> list[PrintedRow]:
    """The rows of a whole table: its numbers have the child's own values slowest."""
    check_rows(source, head, head.count)
    size = head.count * head.child.size
    if len(whole.numbers) != size:
        told = f"the table of {head.child} has {len(whole.numbers)} numbers, and needs {size:,}."
        raise source.refusal(whole.offset, told)
    count = head.count
    return [PrintedRow(whole.numbers[place::count], whole.offset) for place in range(count)]


# -- writing ---------------------------------------------------------------------------------------


def _written(name: object) -> str:
    """A name as it is, where it is one plain word, else in quotes."""
    text = str(name)
    if is_plain(text):
        return text
    if '"' in text:
        raise DeclarationError(f"{text!r} holds a quote, which BIF cannot write: rename it.")
    return f'"{text}"'


def _variable_block(table: Printed) -> str:
    values = ", ".join(map(_written, table.child.values))
    return (
        f"variable {_written(table.child.name)} {{\n"
        f"  type discrete [ {table.child.size} ] {{ {values} }};\n}}\n"
    )


def _table_block(table: Printed) -> str:
    child, parents = _written(table.child.name), [_written(p.name) for p in table.parents]
    given = f" | {', '.join(parents)}" if parents else ""
    values = [list(map(_written, parent.values)) for parent in table.parents]
    lines = []
    for place, row in zip(np.ndindex(*map(len, values)), table.masses.tolist(), strict=True):
        state = ", ".join(names[i] for names, i in zip(values, place, strict=True))
        lines.append(f"  {f'({state})' if parents else 'table'} {', '.join(map(repr, row))};\n")
    return f"probability ( {child}{given} ) {{\n{''.join(lines)}}}\n"
