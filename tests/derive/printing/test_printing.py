"""Pages print as text, LaTeX and HTML; labels come out as they were written, and run nothing."""

from __future__ import annotations

import contextlib
import html.parser
import re

import pytest
import sympy as sp
from sympy import Eq

from causalopt.derive import (
    Derivation,
    Equal,
    Follows,
    Given,
    Let,
    Report,
    Status,
    TendsTo,
    Verdict,
)
from causalopt.derive.printing.latex import label
from causalopt.derive.printing.page import MARKS
from causalopt.derive.statement.expressions import as_kept
from causalopt.ground.letters import visible
from causalopt.ground.work import Exhausted, at_most, measured

W, t = sp.symbols("W t", real=True)
P = sp.Function("P", positive=True)(W, t)
k = sp.Symbol("k", real=True)
PAGE = Derivation(
    "Three verdicts",
    source="nowhere",
    given=[Given(W, "a parameter"), t, P, Let(k, 2 * W, "twice as much")],
    steps=[
        Equal(sp.Derivative(W * P, W), P + W * sp.Derivative(P, W), by="product rule"),
        Equal(k, 3 * W, expect="refuted"),
        Equal(sp.Abs(W) / W, sp.sign(W)),
        Follows(Eq(P, 1), since=[Eq(P * k, k)], assuming=[W > 0]),
    ],
)


@pytest.fixture(scope="module")
def report() -> Report:
    return PAGE.check()


def test_text_is_numbered_and_marked(report: Report) -> None:
    text = str(report)
    assert "  1. ✓ d(W*P)/dW = W*(dP/dW) + P" in text
    assert "by product rule" in text
    assert "  2. ✗ k = 3*W" in text
    assert "corrected: 2*W" in text
    assert "  3. ? " in text
    assert "undecided (expected: proved)" in text
    assert "held to 50 digits in 8 cases" in text
    assert "given  k = 2*W: twice as much" in text


def test_a_page_without_verdicts_has_no_marks() -> None:
    for shown in (str(PAGE), PAGE._repr_latex_(), PAGE._repr_html_()):
        assert not re.search("[✓✗]|checkmark|proved", shown)
    assert "  2. k = 3*W" in str(PAGE)


def test_latex_and_html_carry_the_marks_and_the_words(report: Report) -> None:
    latex, html_ = report._repr_latex_(), report._repr_html_()
    assert latex.startswith("$$\\begin{array}")
    assert latex.endswith("\\end{array}$$")
    assert all(sign in latex for sign in (r"\checkmark", r"\times", "?", "proved", "refuted"))
    assert all(
        f"{mark} {word}" in html_
        for mark, word in (("✓", "proved"), ("✗", "refuted"), ("?", "undecided"))
    )
    assert "color" not in html_
    assert html_.count("<li>") == len(PAGE.given) + len(PAGE.steps)


HOSTILE = (
    "<b>",
    "<script>alert(1)</script>",
    "</li>&amp;",
    r"\href{javascript:alert(1)}{x}",
    r"}\input{/etc/passwd}{",
    "$x$",
    "a_b%c#d~e^f",
    '"onclick="x',
    "\x1b[31mred",
    "__import__('os').system('false')",
)


@pytest.mark.parametrize("name", HOSTILE)
def test_reasons_and_routes_come_out_as_written(name: str) -> None:
    page = Derivation("page", given=[W], steps=[Equal(W, W)])
    for status in Status:
        verdict = Verdict(status, route=name, remains=W, reason=name)
        seen = Parsed(Report(page, (verdict,))._repr_html_())
        assert seen.tags <= {"div", "h4", "ul", "ol", "li", "strong", "small", "br", "span"}
        assert seen.text.count(visible(name)) == 2
        assert f"{MARKS[status]} {status}" in seen.text


class Parsed(html.parser.HTMLParser):
    """Tags and text of a page, as a browser sees them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.extend(attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("name", HOSTILE)
def test_labels_come_out_as_written_and_run_nothing(name: str) -> None:
    symbol, function = sp.Symbol(name, real=True), sp.Function(name + "2")(W)
    page = Derivation(
        name,
        source=name,
        given=[Given(W), Given(symbol, name), Given(function, name)],
        steps=[Equal(symbol + function, function + symbol, by=name, name=name, source=name)],
    )
    report = page.check()
    assert report.as_expected
    seen = Parsed(report._repr_html_())
    assert seen.tags <= {"div", "h4", "p", "ul", "ol", "li", "strong", "small", "br", "span"}
    assert seen.attributes == [("class", "causalopt-derivation")]
    assert visible(name) in seen.text
    for command in ("href", "input"):
        assert f"\\{command}" not in report._repr_latex_()
    assert "\x1b" not in str(report)
    if "\x1b" not in name:
        assert name in str(report)


def test_formulas_in_html_hold_no_commands_of_others() -> None:
    symbol = sp.Symbol(r"\href{javascript:alert(1)}{x}", real=True)
    shown = Derivation("page", given=[symbol], steps=[Equal(symbol, 1)])._repr_html_()
    assert not re.search(r"\\href", shown)


def test_labels_in_latex_are_balanced() -> None:
    for name in HOSTILE:
        shown = label(name)
        bare = re.sub(r"\\[{}]", "", shown)
        assert bare.count("{") == bare.count("}")
        assert set(re.findall(r"\\[a-z]+", shown)) <= {r"\text", r"\backslash", r"\wedge", r"\sim"}


def test_limits_print_with_their_side() -> None:
    x = sp.Symbol("x", real=True)
    page = Derivation("page", given=[x], steps=[TendsTo(1 / x, sp.oo, variable=x, to=0, side="+")])
    assert "1/x → oo as x → 0 from above" in str(page)


def test_no_number_is_worked_out_to_print_it() -> None:
    k = sp.Symbol("k", integer=True, positive=True)
    endless = sp.Sum(sp.sin(k**2) / k, (k, 1, sp.oo))
    whole = sp.Add(W * endless, sp.Mul(W, endless + 1, evaluate=False), evaluate=False)
    page = Derivation("page", given=[W], steps=[Equal(whole, endless + W)])
    texts = []
    with measured(1), contextlib.suppress(Exhausted), at_most(1):
        texts += [str(page), page._repr_latex_(), as_kept(whole)]
    # looked at out here: a failure in there would have its formulas printed
    assert len(texts) == 3
    assert "1 + Sum(sin(k**2)/k" in texts[0]
    assert "1 + \\sum" in texts[1]


def test_a_matrix_is_printed_in_its_line() -> None:
    page = Derivation("page", given=[W], steps=[Equal(sp.Matrix([[W, 1]]), sp.Matrix([[1, W]]))])
    assert "1. [[W, 1]] = [[1, W]]" in str(page)


#: A name that a page would show as another one: it turns its line around, and has an empty letter.
UNSEEN = "k\u200b\u202eb\x1b[31m"


def test_no_page_has_letters_that_cannot_be_seen():
    odd, f = sp.Symbol(UNSEEN, real=True), sp.Function(UNSEEN + "f", real=True)
    page = Derivation(
        f"title {UNSEEN}",
        source=f"source {UNSEEN}",
        given=[Given(odd, f"meaning {UNSEEN}"), Given(f(odd), "a function")],
        steps=[Equal(odd + f(odd), odd + f(odd + 1), by=f"rule {UNSEEN}"), Equal(f(2), f(2))],
    )
    judged = page.check()
    for shown in (page, judged):
        for text in (shown._repr_html_(), shown._repr_latex_(), str(shown)):
            assert not set(text) & set("\u200b\u202e\x1b")
        assert "k\ufffd\ufffdb\u241b[31m" in shown._repr_html_()
