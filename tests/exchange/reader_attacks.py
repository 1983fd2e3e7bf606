"""Every reader of files beside what is made to do harm: texts, and what is told of each.

Run as a program it reads each in this process alone, and tells what it took.
"""

import json
import sys
import warnings
from pathlib import Path

from exchange import model_text_attacks, test_attacks, test_dagitty
from exchange import test_dynamic_attacks as dynamic
from exchange import test_sbml_attacks as sbml
from exchange.attacking import attack, peak_memory
from exchange.stock_models import simple, vensim

from causalopt.exchange import (
    read_bif,
    read_dagitty,
    read_model,
    read_sbml,
    read_vensim,
    read_xmile,
    read_xmlbif,
)

MARK = model_text_attacks.MARK


def _sbml(path):
    return read_sbml(path, dt=0.01, units=False)


#: Each reader, with the least that it reads, which is read before anything is measured.
READERS = {
    "bif": (read_bif, test_attacks.BIF),
    "xmlbif": (read_xmlbif, test_attacks.XMLBIF),
    "dagitty": (read_dagitty, "dag { a -> b }"),
    "vensim": (read_vensim, dynamic.MDL),
    "xmile": (read_xmile, dynamic.XML),
    "sbml": (_sbml, sbml.SOUND),
    "toml": (read_model, model_text_attacks.sound()),
}


#: What is told of a number that is none.
_NO_NUMBER = "write a number"


def _in_xmlbif(inside):
    return f"<BIF><NETWORK><NAME>n</NAME>{inside}</NETWORK></BIF>"


def _variables(count, values=("a", "b")):
    outcomes = "".join(f"<OUTCOME>{value}</OUTCOME>" for value in values)
    named = (f"<VARIABLE><NAME>v{i}</NAME>{outcomes}</VARIABLE>" for i in range(count))
    return "".join(named)


def _table(child, parents, numbers):
    given = "".join(f"<GIVEN>v{i}</GIVEN>" for i in parents)
    return f"<DEFINITION><FOR>v{child}</FOR>{given}<TABLE>{numbers}</TABLE></DEFINITION>"


_PRIORS = "".join(_table(i, (), "0.5 0.5") for i in range(19))
_DOCTYPE = "<!DOCTYPE BIF [{}]><BIF/>"

#: What is made for XMLBIF.
XMLBIF = {
    **test_attacks.HARMFUL,
    "elements upon elements": ("<BIF><NETWORK>" * 60, "deeper than 100"),
    "tags without an end": ("<BIF " * 1_900_000, "no well-formed XML"),
    "open brackets": ("<BIF>" + "<" * 9_000_000, "no well-formed XML"),
    "a quote without an end": ("<BIF a='" + "x" * 9_000_000, "no well-formed XML"),
    "a comment without an end": ("<BIF><!--" + "-" * 9_000_000, "no well-formed XML"),
    "many comments": (_in_xmlbif("<!---->" * 1_400_000), "no variable is declared"),
    "many letters by number": (_in_xmlbif("&#65;" * 1_900_000), "text between its elements"),
    "many attributes": (
        "<BIF " + " ".join(f"a{i}='1'" for i in range(700_000)) + "/>", "0 networks are here"),
    "one attribute twice": ("<BIF a='1' a='2'/>", "duplicate attribute"),
    "attributes of many": (
        _in_xmlbif("".join(f"<PROPERTY a='{i}' b='1' c='1'/>" for i in range(99_000))),
        "no variable is declared"),
    "a DTD of many elements": (_DOCTYPE.format("<!ELEMENT a (b)>" * 600_000), "0 networks"),
    "a DTD of brackets": (_DOCTYPE.format("<!ELEMENT a " + "(" * 900_000 + ">"), "XML"),
    "a DTD of choices": (
        _DOCTYPE.format("<!ELEMENT a (" + "|".join(f"b{i}" for i in range(900_000)) + ")>"),
        "0 networks"),
    "variables": (_in_xmlbif(_variables(20_000)), "MOST_VARIABLES"),
    "values": (_in_xmlbif(_variables(1, map(str, range(90_000)))), "MOST_VALUES"),
    "a value twice": (_in_xmlbif(_variables(1, ["a"] * 9_000)), "the value 'a' twice"),
    "parents": (_in_xmlbif(_variables(1) + _table(0, [0] * 90_000, "")), "MOST_PARENTS"),
    "a table": (_in_xmlbif(_variables(30) + _table(29, range(29), "")), "no table|MOST_ENTRIES"),
    "rows": (
        _in_xmlbif(_variables(20) + _PRIORS + _table(19, range(19), "0.5 " * 2**20)), "MOST_ROWS"),
    "tables of one variable": (
        _in_xmlbif(_variables(1) + _table(0, (), "1 0") * 30_000), "two tables"),
    "numbers": (_in_xmlbif(_variables(1) + _table(0, (), "0.5 " * 2_400_000)), "and needs 2"),
    "a long number": (
        _in_xmlbif(_variables(1) + _table(0, (), f"0.{'3' * 9_000_000} 0.5")), _NO_NUMBER),
    "a power of ten": (_in_xmlbif(_variables(1) + _table(0, (), "1e999999999 0")), _NO_NUMBER),
    "a name": (_in_xmlbif(f"<VARIABLE><NAME>{'x' * 9_000_000}</NAME></VARIABLE>"), "500 are read"),
    "a circle": (
        _in_xmlbif(_variables(2) + _table(0, [1], "1 0 1 0") + _table(1, [0], "1 0 1 0")),
        "run in a circle"),
    "code for a number": (
        _in_xmlbif(_variables(1) + _table(0, (), model_text_attacks.TOUCH)), "and needs|write a"),
    "a letter that turns text": (_in_xmlbif(_variables(1, ["\u202e", "b"])), "no page shows"),
}  # fmt: skip

_SAME = "a " * 130_000
DAGITTY = {
    **test_dagitty.WRONG,
    "names again in groups": (f"dag {{ {{{_SAME}}} -> {{{_SAME}}} }}", "MOST_TOKENS"),
    "arrows, one by one": (
        "dag {" + " ".join(f"n{i % 19_000} -> m{i % 977}" for i in range(90_000)) + "}",
        "MOST_ARROWS|MOST_NODES|MOST_TOKENS"),
    "groups of groups": ("dag {" + "{a {b} -> {c}} -> " * 60_000 + "d }", "MOST_ARROWS"),
    "a comment without an end": ("dag { /*" + "*" * 9_000_000, "a comment"),
    "many comments": ("dag {" + "/**/" * 2_000_000 + "}", "no node"),
    "a quote without an end": ('dag { "' + "x" * 9_000_000, "a name in quotes"),
    "a long name": ("dag { " + "x" * 9_000_000 + " }", "500 are read"),
    "a long value": ('dag { a [pos="' + "x" * 9_000_000 + '"] }', ""),
    "code for a name": (f'dag {{ "{model_text_attacks.TOUCH}" -> b }}', ""),
    "values of the graph": ("dag {" + "bb=1 " * 90_000 + "}", "MOST_TOKENS|no node"),
    "a long line of arrows": (
        "dag {" + " -> ".join(f"a{i}" for i in range(30_000)) + "}", "MOST_NODES"),
}  # fmt: skip


def _of_all(texts):
    return {name: (f"network n {{ }}{text}", told) for name, (text, told) in texts.items()}


BIF = {
    **_of_all(test_attacks.LARGE),
    "a comment without an end": ("network n { } /*" + "*" * 9_000_000, "a comment"),
    "many comments": ("network n { }" + "/**/" * 2_000_000, "no variable is declared"),
    "many properties": ("network n { " + "property a; " * 700_000 + "}", "no variable"),
    "a property without an end": ("network n { property " + '"' * 9_000_001, "no ';' behind"),
    "a long word": ("network " + "/" * 9_000_000, "a name was expected"),
    "a long number": (
        "variable a { type discrete [2] { u v }; } probability ( a ) { table 0." + "3" * 9_000_000
        + " 0.5; }", _NO_NUMBER),
}  # fmt: skip

#: All attacks of each reader, each with a part of what is told; nothing where it is read.
ATTACKS = {
    "bif": BIF,
    "xmlbif": XMLBIF,
    "dagitty": DAGITTY,
    "vensim": {
        **{name: (simple(one), told) for name, (one, told) in dynamic.TOO_MUCH.items()},
        **{name: (vensim(one), told) for name, (one, told) in dynamic.MODELS.items()},
        **{f"few words, {name}": given for name, given in dynamic.FEW_WORDS.items()},
    },
    "xmile": dynamic.DOCUMENTS,
    "sbml": {**sbml.OVER, **sbml.HARMFUL},
    "toml": model_text_attacks.ATTACKS,
}  # fmt: skip


def main(folder, reader):
    """Read each attack of a reader, and tell a line of each: what it took, and what is told."""
    path = Path(folder) / "m"
    read, sound = READERS[reader]
    warnings.simplefilter("ignore", RuntimeWarning)
    path.write_text(sound, encoding="utf-8")
    # What is imported on first use is not counted.
    read(path)
    print(json.dumps({"memory": peak_memory()}))
    made = str(path.with_name("made"))
    texts = {
        name: text.replace(MARK, made).replace("SECRET", "file:///etc/hosts")
        for name, (text, _) in ATTACKS[reader].items()
    }
    attack(read, texts, path)


if __name__ == "__main__":
    main(*sys.argv[1:])
