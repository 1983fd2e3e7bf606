"""XMLBIF 0.3, the XML format of Bayesian networks: read into a network, and written."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from xml.sax.saxutils import escape

from causalopt.exchange.chances import (
    Head,
    PrintedRow,
    TableBlock,
    Word,
    check_count,
    check_rows,
    network_of,
    variable_of,
)
from causalopt.exchange.elements import Element, refuse_strange, root_of
from causalopt.exchange.printed import Printed, printed_tables
from causalopt.exchange.reading import FileText
from causalopt.ground.checks import as_path, shown
from causalopt.ground.files import replacement
from causalopt.language.finite_variables import Finite
from causalopt.model.network import Network

# Which elements stand in which: those that are in no other row hold text alone.
_INSIDE: Mapping[str, frozenset[str]] = {
    "BIF": frozenset({"NETWORK"}),
    "NETWORK": frozenset({"NAME", "PROPERTY", "VARIABLE", "DEFINITION"}),
    "VARIABLE": frozenset({"NAME", "OUTCOME", "PROPERTY"}),
    "DEFINITION": frozenset({"FOR", "GIVEN", "TABLE", "PROPERTY"}),
}


def read_xmlbif(path: str | os.PathLike[str], normalise: bool = False) -> Network:
    """The network of an XMLBIF file: finite variables, and a table of chances for each.

    Names, values, ``normalise`` and errors are those of ``read_bif``; blanks around a name are
    left out. The numbers of a ``TABLE`` have the variable's own values fastest, and the first
    parent's slowest. Entities are refused, and a DTD elsewhere is never opened.

    Raises ``FileError``, with line and column, for what is no XMLBIF 0.3, and for decisions and
    utilities, which are declared by ``decision`` and ``utility``.

    Source: Cozman, "The Interchange Format for Bayesian Networks", XMLBIF version 0.3 (1998).

    >>> import pathlib, tempfile
    >>> from causalopt.distributions import marginal
    >>> path = pathlib.Path(tempfile.mkdtemp(), "coin.xml")
    >>> _ = path.write_text('''
    ... <BIF VERSION="0.3"><NETWORK><NAME>coin</NAME>
    ... <VARIABLE TYPE="nature"><NAME>coin</NAME>
    ...   <OUTCOME>heads</OUTCOME><OUTCOME>tails</OUTCOME></VARIABLE>
    ... <DEFINITION><FOR>coin</FOR><TABLE>0.25 0.75</TABLE></DEFINITION>
    ... </NETWORK></BIF>
    ... ''')
    >>> coin = read_xmlbif(path)
    >>> marginal(coin, coin.find("coin")).masses
    array([0.25, 0.75])
    """
    source = FileText.of(path, "a network in XMLBIF")
    network = _network_in(source)
    declared = []
    for element in network.all("VARIABLE"):
        declared.append(_variable(source, element))
        check_count(source, len(declared), declared[-1][0])
    blocks = [
        TableBlock(
            _single(source, one, "FOR"),
            list(map(_word, one.all("GIVEN"))),
            partial(_rows, source, block=one),
        )
        for one in network.all("DEFINITION")
    ]
    return network_of(source, declared, blocks, normalise=normalise)


def write_xmlbif(network: Network, path: str | os.PathLike[str]) -> None:
    """Write a network of finite variables as an XMLBIF 0.3 file, which ``read_xmlbif`` reads back.

    What is written, and what is refused, is as in ``write_bif``.

    >>> import pathlib, tempfile
    >>> from causalopt.language.finite_variables import finite
    >>> from causalopt.language.tables import table
    >>> age = finite("age", ["<5", ">=5"])
    >>> path = pathlib.Path(tempfile.mkdtemp(), "age.xml")
    >>> write_xmlbif(Network({age: table((), {"<5": 0.25, ">=5": 0.75})}), path)
    >>> print(path.read_text().partition("</NAME>")[2])
    <BLANKLINE>
    <VARIABLE TYPE="nature">
      <NAME>age</NAME>
      <OUTCOME>&lt;5</OUTCOME>
      <OUTCOME>&gt;=5</OUTCOME>
    </VARIABLE>
    <DEFINITION>
      <FOR>age</FOR>
      <TABLE>
        0.25 0.75
      </TABLE>
    </DEFINITION>
    </NETWORK>
    </BIF>
    <BLANKLINE>
    """
    tables = printed_tables(network, "XMLBIF")
    blocks = [*map(_variable_block, tables), *map(_definition_block, tables)]
    text = "".join((_HEAD, *blocks, "</NETWORK>\n</BIF>\n"))
    with replacement(as_path(path, "path", "model.xml")) as temporary:
        temporary.write_text(text, encoding="utf-8")


# -- reading ---------------------------------------------------------------------------------------


def _network_in(source: FileText) -> Element:
    """The one network of a document, all of its elements known."""
    root = root_of(source)
    if root.name != "BIF":
        told = f"this is no XMLBIF: its outermost element is {shown(root.name)}, and not BIF."
        raise source.refusal(root.offset, told)
    version = root.attributes.get("VERSION", "0.3")
    if version != "0.3":
        told = f"this is XMLBIF {shown(version)}, and 0.3 is read: write it as that."
        raise source.refusal(root.offset, told)
    _check(source, root)
    networks = list(root.all("NETWORK"))
    if len(networks) != 1:
        told = f"{len(networks)} networks are here: write one NETWORK."
        raise source.refusal(root.offset, told)
    return networks[0]


def _check(source: FileText, element: Element) -> None:
    """Nothing stands in an element that is not known there; four levels, and no more."""
    inside = _INSIDE.get(element.name, frozenset())
    refuse_strange(source, element, inside.__contains__)
    for child in element.children:
        _check(source, child)


def _word(element: Element) -> Word:
    return Word(element.text, element.offset)


def _single(source: FileText, element: Element, name: str) -> Word:
    """The one element of a name that has to stand here."""
    found = list(element.all(name))
    if len(found) != 1:
        told = f"{element.name} has {len(found)} elements {name}: write one."
        raise source.refusal(element.offset, told)
    return _word(found[0])


def _variable(source: FileText, element: Element) -> tuple[Word, Finite]:
    name = _single(source, element, "NAME")
    kind = element.attributes.get("TYPE", "nature")
    if kind != "nature":
        told = (
            f"{shown(name.text)} is of the type {shown(kind)}, and variables of nature alone are "
            "read: declare decisions and utilities by decision(...) and utility(...)."
        )
        raise source.refusal(element.offset, told)
    return name, variable_of(source, name, list(map(_word, element.all("OUTCOME"))))


def _rows(source: FileText, head: Head, block: Element) -> list[PrintedRow]:
    """The rows of a table by its parents' values, the last parent fastest."""
    check_rows(source, head, head.count)
    text, offset = _single(source, block, "TABLE")
    numbers, size = text.split(), head.child.size
    if len(numbers) != head.count * size:
        told = (
            f"the table of {head.child} has {len(numbers)} numbers, and needs "
            f"{head.count * size:,}."
        )
        raise source.refusal(offset, told)
    return [PrintedRow(numbers[i : i + size], offset) for i in range(0, len(numbers), size)]


# -- writing ---------------------------------------------------------------------------------------

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE BIF [
  <!ELEMENT BIF ( NETWORK )*>
  <!ATTLIST BIF VERSION CDATA #REQUIRED>
  <!ELEMENT NETWORK ( NAME, ( PROPERTY | VARIABLE | DEFINITION )* )>
  <!ELEMENT NAME (#PCDATA)>
  <!ELEMENT VARIABLE ( NAME, ( OUTCOME | PROPERTY )* )>
  <!ATTLIST VARIABLE TYPE (nature|decision|utility) "nature">
  <!ELEMENT OUTCOME (#PCDATA)>
  <!ELEMENT DEFINITION ( FOR | GIVEN | TABLE | PROPERTY )*>
  <!ELEMENT FOR (#PCDATA)>
  <!ELEMENT GIVEN (#PCDATA)>
  <!ELEMENT TABLE (#PCDATA)>
  <!ELEMENT PROPERTY (#PCDATA)>
]>
<BIF VERSION="0.3">
<NETWORK>
<NAME>unknown</NAME>
"""


def _variable_block(table: Printed) -> str:
    outcomes = [f"  <OUTCOME>{escape(str(value))}</OUTCOME>\n" for value in table.child.values]
    name = f"  <NAME>{escape(table.child.name)}</NAME>\n"
    return "".join(('<VARIABLE TYPE="nature">\n', name, *outcomes, "</VARIABLE>\n"))


def _definition_block(table: Printed) -> str:
    names = [f"  <FOR>{escape(table.child.name)}</FOR>\n"]
    names += [f"  <GIVEN>{escape(parent.name)}</GIVEN>\n" for parent in table.parents]
    rows = [f"    {' '.join(map(repr, row))}\n" for row in table.masses.tolist()]
    body = "".join((*names, "  <TABLE>\n", *rows, "  </TABLE>\n"))
    return f"<DEFINITION>\n{body}</DEFINITION>\n"
