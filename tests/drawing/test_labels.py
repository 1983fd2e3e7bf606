"""Labels come out as written, whatever they hold, and run nothing."""

import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import pygraphviz
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from causalopt import Network, System, draw, draw_template, variable
from causalopt.drawing.render import drawing_of
from causalopt.drawing.sheet import Mark, Sheet

NAMES = ["<b>", '"', "\\", "a\\", 'c"d', "é$\\alpha_1$", "<script>alert(1)</script>", "a&b", "&lt;",
         "&#60;b&#62;", "\\N", "\\G", "n0", "%s", "{x}", "名前", "a;b", "a->b", "<", "/*", "#",
         "]]>", "\\n", 'x" URL="javascript:alert(1)', "a\\\\", "--", "node"]  # fmt: skip
# What an XML file can hold: labels hold no other characters, no line breaks, and nothing that turns
# the direction of a line.
TURNING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
LETTERS = st.characters(
    exclude_categories=["Cc", "Cs", "Cn", "Zl", "Zp"], exclude_characters=TURNING
)
WORDS = st.text(LETTERS, min_size=1, max_size=12).filter(str.strip)
AWKWARD = st.text(st.sampled_from('"\\&;<>#{}[]|nNGlrLTEH01 -/*$%'), min_size=1).filter(str.strip)


def texts(svg):
    """The text of the picture, as an XML parser reads it; Graphviz keeps runs of spaces apart."""
    found = [node.text or "" for node in ET.fromstring(svg).iter() if node.tag.endswith("}text")]
    return [text.replace("\xa0", " ") for text in found]


def elements(svg):
    return {node.tag.rpartition("}")[2] for node in ET.fromstring(svg).iter()}


def shown(drawing):
    """The labels as Graphviz's own parser reads them from the DOT text, escapes undone."""
    graph = pygraphviz.AGraph(string=drawing.dot)
    return [_plain(node.attr["label"]) for node in graph.nodes()]


def _plain(label):
    return re.sub(r"\\(.)", r"\1", label).replace("&amp;", "&")


def chain(names):
    symbols = [variable(name) for name in names]
    return Network({s: 2 * p for p, s in pairwise(symbols)}, start={symbols[0]: 1})


def test_labels_of_a_network_come_out_as_written():
    svg = draw(chain(NAMES)).render("svg")
    assert sorted(texts(svg)) == sorted(NAMES)
    assert elements(svg) == {"svg", "g", "title", "text", "ellipse", "path", "polygon"}
    assert svg.count(b'class="edge"') == len(NAMES) - 1


def test_labels_of_a_system_come_out_as_written():
    symbols = [variable(name) for name in NAMES]
    system = System({s: 2 * s for s in symbols}, start=dict.fromkeys(symbols, 1))
    svg = draw_template(system, mechanisms=True, A=symbols[0]).render("svg")
    found = set(texts(svg))
    assert {f"{name}[i]" for name in NAMES} <= found
    # A formula of more than 30 letters takes several lines.
    assert {f"= 2·{name}[i]" for name in NAMES if len(name) < 20} <= found
    assert elements(svg) == {"svg", "g", "title", "text", "ellipse", "path", "polygon"}


@settings(max_examples=30, deadline=None)
@given(st.lists(WORDS | AWKWARD, min_size=1, max_size=5))
@example(['"', "\\", "a\\"])
@example(["&amp;", "&amp", "&#38;lt;", "&&amp;;"])
@example(["&#;", "&;"])
@example([" a  b "])
def test_any_text_comes_out_as_written_and_adds_no_element(names):
    sheet = Sheet(tuple(Mark(i, (name,)) for i, name in enumerate(names)), (), (), placed=False)
    drawing = drawing_of(sheet)
    assert shown(drawing) == names
    svg = drawing.render("svg")
    assert sorted(texts(svg)) == sorted(name.replace("\xa0", " ") for name in names)
    assert elements(svg) <= {"svg", "g", "title", "text", "ellipse", "polygon"}
    assert svg.count(b'class="node"') == len(names)


@pytest.mark.parametrize(
    ("given", "seen"), [("a\x00b", "a␀b"), ("a\x1b[31m", "a␛[31m"), ("a\nb", "a b"), ("\x7f", "␡"),
                        ("\ud800", "\ufffd"), ("\uffff", "\ufffd"), ("\x85x", "\ufffdx"),
                        ("a\u2028b", "a b"), ("a\u2029b", "a b"),
                        *((f"a{letter}b", "a\ufffdb") for letter in TURNING)]
)  # fmt: skip
def test_what_no_picture_can_hold_is_made_visible(given, seen):
    svg = drawing_of(Sheet((Mark(0, (given,)),), (), (), placed=False)).render("svg")
    assert texts(svg) == [seen]
