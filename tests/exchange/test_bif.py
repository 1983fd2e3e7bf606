"""BIF and XMLBIF: what a file says is what the network has, by oracles that share no code."""

import json
import math
import re
import warnings
from xml.sax.saxutils import escape

import networkx as nx
import numpy as np
import pytest
from beside import folder_of, needs
from exchange.random_networks import PIECES, recipes
from hypothesis import given
from hypothesis import strategies as st
from sympy import Rational, Symbol

from causalopt import (
    DeclarationError,
    FileError,
    Network,
    decision,
    finite,
    marginals,
    table,
    utility,
    variable,
)
from causalopt.exchange import read_bif, read_xmlbif, write_bif, write_xmlbif

FORMATS = {"bif": (read_bif, write_bif), "xmlbif": (read_xmlbif, write_xmlbif)}
PUBLISHED = folder_of("data", "models", "bif")
NAMES = sorted(path.stem for path in PUBLISHED.glob("*.bif")) if PUBLISHED else ["none"]
HEAD = "network n { }\nvariable a { type discrete [ 2 ] { yes, no }; }\n"
TWO = (
    HEAD + "variable b { type discrete [ 3 ] { u, v, w }; }\nprobability ( a ) { table 0.5 0.5; }\n"
)


def chances_of(network):
    return {str(v): {value: P.mass({v: value}) for value in v.values}
            for v, P in marginals(network).items()}  # fmt: skip


def read_text_of(read, folder, text, **asked):
    path = folder / "model.txt"
    path.write_text(text, encoding="utf-8")
    return read(path, **asked)


# -- published networks ----------------------------------------------------------------------------


def printed_tables(text):
    """Values by variable, and (parents, array) by variable, of the plain BIF that is published."""
    values = {
        name: [value.strip() for value in listing.split(",")]
        for name, listing in re.findall(
            r"variable (\S+) \{\s*type discrete \[.*?\] \{(.*?)\}", text
        )
    }
    tables = {}
    for child, given_, body in re.findall(
        r"probability \( (\S+)(?: \| (.*?))? \) \{(.*?)\n\}", text, re.DOTALL
    ):
        parents = [name.strip() for name in given_.split(",")] if given_ else []
        array = np.full([*(len(values[p]) for p in parents), len(values[child])], np.nan)
        for state, row in re.findall(r"(?:table|\((.*?)\)) (.*?);", body):
            names = [name.strip() for name in state.split(",")] if state else []
            place = tuple(values[p].index(n) for p, n in zip(parents, names, strict=True))
            array[place] = [float(number) for number in row.split(",")]
        tables[child] = parents, array
    return values, tables


def summed(tables, node):
    """The marginal of a node: the product of its and its ancestors' tables as they are, summed."""
    graph = nx.DiGraph([(p, child) for child, (parents, _) in tables.items() for p in parents])
    graph.add_nodes_from(tables)
    kept = sorted(nx.ancestors(graph, node) | {node})
    asked = []
    for name in kept:
        parents, array = tables[name]
        asked += [array, [kept.index(p) for p in (*parents, name)]]
    total = np.einsum(*asked, [kept.index(node)], optimize="greedy")
    return total / total.sum()


@needs(PUBLISHED)
@pytest.mark.parametrize("name", NAMES)
def test_published_networks_have_the_marginals_that_are_published(name):
    # The published answers are of the rows as they stand, though some miss the sum 1: those a
    # network cannot have. So the oracle is held to these answers, and the network to the oracle.
    text = (PUBLISHED / f"{name}.bif").read_text()
    values, tables = printed_tables(text)
    published = json.loads((PUBLISHED / f"{name}.marginals.json").read_text())
    sums = {child: array.sum(axis=-1, keepdims=True) for child, (_, array) in tables.items()}
    is_rounded = any(abs(s - 1).max() > 1e-9 for s in sums.values())
    if is_rounded:
        with pytest.raises(FileError, match=r"line .*, column .* normalise=True"):
            read_bif(PUBLISHED / f"{name}.bif")
        with pytest.warns(RuntimeWarning, match="divided by the sum"):
            network = read_bif(PUBLISHED / f"{name}.bif", normalise=True)
    else:
        network = read_bif(PUBLISHED / f"{name}.bif")
        assert read_bif(PUBLISHED / f"{name}.bif", normalise=True) == network
    divided = {
        child: (parents, np.where(abs(sums[child] - 1) > 1e-14, array / sums[child], array))
        for child, (parents, array) in tables.items()
    }
    assert sorted(values) == sorted(map(str, network.nodes))
    ours = chances_of(network)
    for node in values:
        theirs = [published[node][value] for value in values[node]]
        np.testing.assert_allclose(summed(tables, node), theirs, rtol=0, atol=1e-12)
        own = [ours[node][value] for value in values[node]]
        np.testing.assert_allclose(own, summed(divided, node), rtol=0, atol=1e-12)
        if not is_rounded:
            np.testing.assert_allclose(own, theirs, rtol=0, atol=1e-12)


@needs(PUBLISHED)
@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", NAMES)
def test_published_networks_come_back_as_they_were(name, form, tmp_path):
    read, write = FORMATS[form]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        network = read_bif(PUBLISHED / f"{name}.bif", normalise=True)
    write(network, tmp_path / "again")
    assert read(tmp_path / "again") == network


# -- random networks -------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMATS)
@given(recipe=recipes())
def test_what_is_written_is_read_back(form, recipe, tmp_path_factory):
    read, write = FORMATS[form]
    path = tmp_path_factory.mktemp("written") / "network"
    network = recipe.network()
    write(network, path)
    again = read(path)
    assert again == network
    assert [(v.name, v.values) for v in again.nodes] == [(v.name, v.values) for v in network.nodes]


def quoted(name):
    return f'"{name}"'


@st.composite
def bif_texts(draw, recipe):
    """A recipe as BIF, in one of the ways in which people write it."""
    blocks = []
    for name, values in zip(recipe.names, recipe.values, strict=True):
        listing = draw(st.sampled_from([", ", " ", "\n"])).join(map(quoted, values))
        blocks.append(f"variable {quoted(name)} {{ // with comments; {{\n"
                      f" property position = (1, 2) ;\n type discrete[{len(values)}]"
                      f" {{ {listing} }}; }}")  # fmt: skip
    for i, name in enumerate(recipe.names):
        rows = list(zip(recipe.states(i), recipe.rows[i], strict=True))
        form = draw(st.sampled_from(["rows", "table", "default"]))
        if form == "table" or not recipe.parents[i]:
            # The child's own values slowest.
            numbers = [row[j] for j in range(len(recipe.values[i])) for _, row in rows]
            body = f" table /* all; */ {printed(numbers)};"
        else:
            rows = draw(st.permutations(rows))
            default = rows[0][1]
            left = [(state, row) for state, row in rows if form == "rows" or row != default]
            lines = [f"({', '.join(map(quoted, state))}) {printed(row)};" for state, row in left]
            if form == "default":
                lines.insert(draw(st.integers(0, len(lines))), f"default {printed(default)};")
            body = "\n".join(lines)
        parents = " ".join(quoted(recipe.names[parent]) for parent in recipe.parents[i])
        bar = draw(st.sampled_from(["|", ""])) if parents else ""
        blocks.append(f"probability ( {quoted(name)} {bar} {parents} ) {{\n{body}\n}}")
    return "\n".join(['network "of tests" { property made by hand; }',
                      *draw(st.permutations(blocks))])  # fmt: skip


def printed(numbers):
    """Parts of 64 as decimals, which are exact, in several notations."""
    forms = (str, "{:.6f}".format, "{:e}".format, "+{}".format)
    return ", ".join(forms[i % 4](number / PIECES) for i, number in enumerate(numbers))


@given(data=st.data(), recipe=recipes())
def test_marginals_are_those_of_exact_fractions(data, recipe, tmp_path_factory):
    text = data.draw(bif_texts(recipe))
    path = tmp_path_factory.mktemp("written") / "network.bif"
    path.write_text(text, encoding="utf-8")
    ours, exact = chances_of(read_bif(path)), recipe.exact_marginals()
    assert ours.keys() == exact.keys()
    for name, chances in exact.items():
        assert ours[name].keys() == chances.keys()
        for value, chance in chances.items():
            # Sums and products of few numbers of 53 bits.
            assert math.isclose(ours[name][value], chance, rel_tol=0, abs_tol=1e-14)


@given(recipe=recipes())
def test_xml_says_the_same_as_text(recipe, tmp_path_factory):
    blocks = []
    for i, name in enumerate(recipe.names):
        outcomes = "".join(f"<OUTCOME> {escape(v)}\n</OUTCOME>" for v in recipe.values[i])
        blocks.append(f"<VARIABLE><NAME>{escape(name)}</NAME><PROPERTY>p</PROPERTY>{outcomes}"
                      "</VARIABLE>")  # fmt: skip
        given_ = "".join(f"<GIVEN>{escape(recipe.names[p])}</GIVEN>" for p in recipe.parents[i])
        numbers = " ".join(str(c / PIECES) for row in recipe.rows[i] for c in row)
        blocks.append(f"<DEFINITION>{given_}<FOR>{escape(name)}</FOR>"
                      f"<TABLE>{numbers} <!-- all --></TABLE></DEFINITION>")  # fmt: skip
    path = tmp_path_factory.mktemp("written") / "network.xml"
    path.write_text(
        f'<?xml version="1.0" encoding="US-ASCII"?><!DOCTYPE BIF [<!ELEMENT BIF (NETWORK)*>'
        f'<!ATTLIST VARIABLE TYPE (nature|decision|utility) "nature">]><BIF VERSION="0.3">'
        f"<NETWORK><NAME>n</NAME>{''.join(blocks)}</NETWORK></BIF>",
        encoding="utf-8",
    )
    assert read_xmlbif(path) == recipe.network()


# -- both orders of numbers, in the example of the format's author ---------------------------------

DOG = {
    "bif": (read_bif, """
        network "Dog-Problem" { property "credal-set constant-density-bounded 1.1" ; }
        variable "light-on" { type discrete[2] { "true" "false" }; property "x = (218, 195)" ; }
        variable "family-out" { type discrete[2] { "true" "false" }; }
        probability ( "light-on" "family-out" ) { table 0.6 0.05 0.4 0.95; }
        probability ( "family-out" ) { table 0.15 0.85 ; }"""),
    "xmlbif": (read_xmlbif, """<BIF VERSION="0.3"><NETWORK><NAME>Dog-Problem</NAME>
        <VARIABLE TYPE="nature"><NAME>light-on</NAME>
          <OUTCOME>true</OUTCOME><OUTCOME>false</OUTCOME></VARIABLE>
        <VARIABLE TYPE="nature"><NAME>family-out</NAME>
          <OUTCOME>true</OUTCOME><OUTCOME>false</OUTCOME></VARIABLE>
        <DEFINITION><FOR>light-on</FOR><GIVEN>family-out</GIVEN>
          <TABLE>0.6 0.4 0.05 0.95</TABLE></DEFINITION>
        <DEFINITION><FOR>family-out</FOR><TABLE>0.15 0.85</TABLE></DEFINITION></NETWORK></BIF>"""),
}  # fmt: skip


@pytest.mark.parametrize("form", DOG)
def test_tables_have_the_order_of_their_format(form, tmp_path):
    read, text = DOG[form]
    light, family = finite("light-on", ["true", "false"]), finite("family-out", ["true", "false"])
    given_family = {"true": {"true": 0.6, "false": 0.4}, "false": {"true": 0.05, "false": 0.95}}
    assert read_text_of(read, tmp_path, text) == Network(
        {light: table(family, given_family), family: table((), {"true": 0.15, "false": 0.85})}
    )


# -- rows that do not sum to 1 ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "sums"),
    [
        ("0.3333333, 0.3333333, 0.3333333", "0.9999999"),
        ("0.3, 0.3, 0.3", "0.9"),
        ("7.682262e-05, 1.183068e-01, 8.816163e-01", "0.99999992262"),
        ("0.50, 0.25, 0.26", "1.01"),
        ("0.5, 0.25, 0.24", "0.99"),
        ("0.13, 0.88, 0", "1.01"),
    ],
)
def test_rounded_rows_are_divided_where_it_is_asked_for(row, sums, tmp_path):
    text = TWO + f"probability ( b | a ) {{ default 0.5 0.25 0.25; (yes) {row}; }}"
    told = f"line 5, column 48: .*b given a = yes sum to {sums}, .* normalise=True"
    with pytest.raises(FileError, match=told):
        read_text_of(read_bif, tmp_path, text)
    with pytest.warns(RuntimeWarning, match=f"a row .* b given a = yes .{sums}"):
        network = read_text_of(read_bif, tmp_path, text, normalise=True)
    printed_row = [float(number) for number in row.split(",")]
    b = network.find("b")
    cells = network.mechanism(b, table(network.find("a"), {"yes": "u", "no": "u"}))
    assert cells is not None
    held = network.account(b).assigned.cells.entries
    np.testing.assert_allclose(held[0], np.array(printed_row) / sum(printed_row), rtol=1e-15)
    assert held[1].tolist() == [0.5, 0.25, 0.25]


@pytest.mark.parametrize(
    "row",
    [
        "0.5, 0.25, 0.2", "0.3333333, 0.3333333, 0.3333", "1, 1, 0", "0, 0, 0", "0.5 0.61 0",
        "1.0 1.0 1.0", "3 2 5", "1e2 0 0", "1e9999 0 0", "0e9999 0 0",
    ],
)  # fmt: skip
@pytest.mark.parametrize("normalise", [False, True])
def test_rows_that_are_off_by_more_are_always_refused(row, normalise, tmp_path):
    text = TWO + f"probability ( b | a ) {{ default 0.5 0.25 0.25; (yes) {row}; }}"
    with pytest.raises(FileError, match=r"line 5, column 48: (the prob.*digits explain|a prob)"):
        read_text_of(read_bif, tmp_path, text, normalise=normalise)


def test_rows_within_rounding_of_floats_stand_as_they_are(tmp_path):
    b = finite("b", ["u", "v", "w"])
    network = Network({b: table((), dict.fromkeys(b.values, 1 / 3))})
    write_bif(network, tmp_path / "b.bif")
    assert read_bif(tmp_path / "b.bif") == network


# -- what is told ----------------------------------------------------------------------------------

PRIOR = "probability ( a ) { table 0.5 0.5; }"
WRONG = {
    "no block": ("hello", "line 1, column 1: 'network', 'variable' or 'probability' was expected"),
    "no variable": ("network n { }", "no variable is declared"),
    "no end": (HEAD + "probability ( a ) { table 0.5 0.5", "';', was expected, and here the file"),
    "no end of a quote": ('network "n { }', "line 1, column 9: a name in quotes"),
    "no end of a comment": ("network n { } /* ...", "line 1, column 15: a comment"),
    "no end of a property": ("network n { property x", "line 1, column 13: a property"),
    "no table": (HEAD, "line 2, column 10: a has no table"),
    "two tables": (HEAD + PRIOR + PRIOR, "line 3, column 51: a has two tables"),
    "declared twice": (HEAD + HEAD + PRIOR, "line 4, column 10: .* a is declared twice"),
    "a value twice": ("variable a { type discrete [2] { yes yes }; }", "column 38: a has"),
    "other count": ("variable a { type discrete [3] { yes no }; }", "'3' values are announced"),
    "real values": ("variable a { type continuous; }", "'discrete', the one type"),
    "two types": ("variable a { type discrete [1] { x }; type discrete [1] { x }; }", "once"),
    "no type": ("variable a { }", "column 10: a has no values"),
    "no name": ('variable "" { type discrete [1] { x }; }', "column 10: a name is empty"),
    "a bell": ('variable "a\a" { type discrete [1] { x }; }', r"column 10: .* holds '\\x07'"),
    "a long name": (f"variable {'a' * 501} {{ type discrete [1] {{ x }}; }}", "501 letters"),
    "unknown": (HEAD + "probability ( ab ) { table 1; }", "column 15: 'ab' is no .* mean a"),
    "unknown parent": (HEAD + "probability ( a | c ) { table 1; }", "column 19: 'c' is no var"),
    "parent twice": (TWO + "probability ( b | a, a ) { table 1; }", "column 22: a is twice"),
    "a circle": (TWO.replace("( a )", "( a | b )") + "probability ( b | a ) { table 1; }",
                 "line 4, column 15: the arrows run in a circle, (a -> b -> a|b -> a -> b)"),
    "itself": (HEAD + "probability ( a | a ) { table 1 0 0 1; }", "circle, a -> a"),
    "joint": (TWO + "probability ( b, a | a ) { table 1; }", "'\\|'"),
    "few numbers": (HEAD + "probability ( a ) { table 1; }", "has 1 numbers, and needs 2"),
    "few in a row": (TWO + "probability ( b | a ) { default 1; }", "1 probabilities, .* 3 values"),
    "a word": (HEAD + "probability ( a ) { table half half; }", "probability of a is 'half'"),
    "negative": (HEAD + "probability ( a ) { table -0.5 1.5; }", "probability of a is '-0.5'"),
    "nan": (HEAD + "probability ( a ) { table nan nan; }", "probability of a is 'nan'"),
    "digits": (HEAD + f"probability ( a ) {{ table 0.{'1' * 200} 1; }}", "probability of a is"),
    "no row": (TWO + "probability ( b | a ) { (yes) 1 0 0; }", "no row of b given a = no"),
    "a row twice": (TWO + "probability ( b | a ) { (yes) 1 0 0; (yes) 1 0 0; }", "given twice"),
    "no such row": (TWO + "probability ( b | a ) { (yess) 1 0 0; }", "'yess' .* mean yes"),
    "a long row": (TWO + "probability ( b | a ) { (yes, no) 1 0 0; }", "2 values are named"),
    "both": (TWO + "probability ( b | a ) { table 1; default 1; }", "leave one of them out"),
    "two defaults": (TWO + "probability ( b | a ) { default 1; default 1; }", "each once"),
}  # fmt: skip


VARIABLE = "<VARIABLE><NAME>a</NAME><OUTCOME>x</OUTCOME></VARIABLE>"
WRONG_XML = {
    "no XML": ("<BIF><NETWORK></BIF>", "line 1, column 1[0-9]: no well-formed XML: mismatched tag"),
    "another root": ("<sbml/>", "no XMLBIF: its outermost element is 'sbml'"),
    "another version": ('<BIF VERSION="0.2"/>', "XMLBIF '0.2', and 0.3 is read"),
    "no network": ("<BIF/>", "0 networks are here"),
    "strange": ("<BIF><NETWORK><X/></NETWORK></BIF>", "column 15: an element 'X' inside NETWORK"),
    "text": ("<BIF>t<NETWORK/></BIF>", "BIF has text between"),
    "a decision": ('<BIF><NETWORK><VARIABLE TYPE="decision"><NAME>a</NAME></VARIABLE></NETWORK>'
                   "</BIF>", "type 'decision'.*decision"),
    "two names": ("<BIF><NETWORK><VARIABLE><NAME>a</NAME><NAME>b</NAME></VARIABLE></NETWORK></BIF>",
                  "VARIABLE has 2 elements NAME"),
    "no values": ("<BIF><NETWORK><VARIABLE><NAME>a</NAME></VARIABLE></NETWORK></BIF>",
                  "a.*has no values"),
    "numbers": (f"<BIF><NETWORK>{VARIABLE}<DEFINITION><FOR>a</FOR><TABLE>1 0</TABLE></DEFINITION>"
                "</NETWORK></BIF>", "the table of a has 2 numbers, and needs 1"),
    "deep": ("<BIF>" * 200, "elements stand deeper than 100"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("read", "case"),
    [*((read_bif, case) for case in WRONG), *((read_xmlbif, case) for case in WRONG_XML)],
)
def test_what_is_wrong_is_told_with_its_place(read, case, tmp_path):
    text, told = (WRONG if read is read_bif else WRONG_XML)[case]
    with pytest.raises(FileError, match=told) as caught:
        read_text_of(read, tmp_path, text)
    assert re.search(r"line \d+, column \d+: ", str(caught.value))


# -- writing ---------------------------------------------------------------------------------------


def test_exact_chances_are_written_as_decimals(tmp_path):
    a, b = finite("a", ["yes", "no"]), finite("b", [1, 2])
    chance = {"yes": Rational(1, 10), "no": Rational(9, 10)}
    network = Network({a: table((), chance), b: table(a, {"yes": 1, "no": {1: 0.5, 2: 0.5}})})
    write_bif(network, tmp_path / "a.bif")
    assert "table 0.1, 0.9;" in (tmp_path / "a.bif").read_text()
    assert read_bif(tmp_path / "a.bif").find("b").values == ("1", "2")


def test_copies_are_written_as_tables(tmp_path):
    a, b = finite("a", ["x", "y"]), finite("b", ["x", "y"])
    write_bif(Network({b: a}, start={a: "y"}), tmp_path / "a.bif")
    ours = Network({b: table(a, {"x": "x", "y": "y"})}, start={a: "y"})
    assert read_bif(tmp_path / "a.bif") == ours


a, b, x = finite("a", ["yes", "no"]), finite("b", ["yes", "no"]), variable("x")
FAIR = table((), {"yes": 0.5, "no": 0.5})
CANNOT = {
    "real": (Network({variable("y"): x}, start={x: 1}), "named values"),
    "a decision": (Network({a: FAIR, b: decision(a)}), "decision"),
    "a utility": (Network({a: FAIR, x: utility(a, {"yes": 1, "no": 0})}), "x takes no named"),
    "symbols": (Network({a: table((), {"yes": Symbol("p"), "no": 1 - Symbol("p")})}), "symbol p"),
    "blanks": (Network({finite("a ", ["x", "y"]): table((), {"x": 0.5, "y": 0.5})}), "'a '"),
    "a bell": (Network({finite("a", ["\a", "y"]): table((), {"\a": 0.5, "y": 0.5})}), "x07"),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("case", CANNOT)
def test_what_no_format_holds_is_told(case, form, tmp_path):
    network, told = CANNOT[case]
    with pytest.raises(DeclarationError, match=told):
        FORMATS[form][1](network, tmp_path / "a")
    assert not list(tmp_path.iterdir())


def test_a_quote_is_for_xml_alone(tmp_path):
    network = Network({finite('"', ["x", "y"]): table((), {"x": 0.5, "y": 0.5})})
    with pytest.raises(DeclarationError, match="quote"):
        write_bif(network, tmp_path / "a")
    write_xmlbif(network, tmp_path / "a")
    assert read_xmlbif(tmp_path / "a") == network
