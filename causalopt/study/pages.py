"""HTML pages that stand alone: mathematics as MathML, which every browser draws by itself."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import quote

from causalopt.ground.letters import visible, visible_lines
from causalopt.ground.palette import DIM, GREEN, INK, ORANGE, PALE_BLUE, RED, WHITE, grey

if TYPE_CHECKING:
    from causalopt.study.comparison import Comparison

_LINE = grey(0xDD)
_STYLE = f"""
body {{ max-width: 56rem; margin: 2.5rem auto; padding: 0 1.2rem; color: {INK};
  background: {WHITE}; font: 16px/1.55 system-ui, "Helvetica Neue", Arial, sans-serif; }}
h1 {{ font-size: 1.7rem; line-height: 1.25; margin: 0; }}
h2 {{ font-size: 1.25rem; margin: 2.5rem 0 0.8rem; padding-top: 0.8rem;
  border-top: 1px solid {_LINE}; }}
h4 {{ margin: 2.5rem 0 0; font-size: 1.15rem; }}
ol > li {{ margin: 0.8rem 0; }}
small, figcaption, .source {{ color: {DIM}; font-size: 0.92em; }}
a {{ color: {GREEN}; }}
math {{ font-family: "STIX Two Math", math; font-size: 1.1em; }}
.formula {{ overflow-x: auto; overflow-y: hidden; margin: 1rem 0; }}
.formula math > mrow > mtable > mtr > mtd {{ padding: 0.25em 0; text-align: left; }}
.formula math > mrow > mtable > mtr > mtd:first-child {{ text-align: right; }}
.formula mtable mtable mtd {{ text-align: left; }}
pre {{ overflow-x: auto; padding: 0.8rem 1rem; background: {grey(0xF6)};
  font-size: 0.85em; line-height: 1.45; }}
figure {{ margin: 1.2rem 0 2rem; }}
figure img {{ max-width: 100%; }}
figcaption {{ margin-top: 0.3rem; }}
.note {{ padding: 0.6rem 1rem; border-left: 4px solid {RED}; background: {PALE_BLUE}; }}
table {{ width: 100%; border-collapse: collapse; font-size: 0.94em; }}
th {{ text-align: left; font-weight: 600; }}
th, td {{ padding: 0.5rem 0.8rem 0.5rem 0; border-bottom: 1px solid {_LINE};
  vertical-align: top; overflow-wrap: anywhere; }}
td:first-child {{ width: 55%; }}
.verdict {{ white-space: nowrap; }}
.reproduced {{ color: {GREEN}; }}
.differs {{ color: {ORANGE}; }}
.fault, .fault.differs {{ color: {RED}; }}
@media (max-width: 40rem) {{
  table.claims thead {{ display: none; }}
  table.claims td {{ display: block; width: auto; border: 0; padding: 0.1rem 0; }}
  table.claims tr {{ display: block; padding: 0.7rem 0; border-bottom: 1px solid {_LINE}; }}
  td[data-head]::before {{ content: attr(data-head) ": "; color: {DIM}; }}
}}
"""
# Longer formulas are easier to read as they are declared.
_LONGEST_FORMULA = 2000


def page(title: str, bodies: Iterable[str]) -> str:
    r"""A page that stands alone, with a title and parts of HTML, in which \\(...\\) becomes MathML.

    >>> text = page("One & two", [r"<p>\\(x^2\\)</p>"])
    >>> "One &amp; two" in text, "<msup>" in text
    (True, True)
    """
    inside, said = "\n".join(map(_set_formulas, bodies)), html.escape(visible(title))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{said}</title><style>{_STYLE}</style></head>\n"
        f"<body><h1>{said}</h1>\n{inside}\n</body></html>\n"
    )


def introduction(source: str, paragraphs: Iterable[str]) -> str:
    """A part of a page: where a study is from, and what its file says of it.

    >>> introduction("a notebook", ["It is warm."])
    '<p class="source">Source: a notebook</p><p>It is warm.</p>'
    """
    said = "".join(f"<p>{_text(paragraph)}</p>" for paragraph in paragraphs)
    return f'<p class="source">Source: {_text(source)}</p>{said}'


def declaration(latex: str, text: str) -> str:
    r"""A part of a page: a system as equations, and as it was declared, with its numbers.

    >>> part = declaration(r"a &= \frac{b}{2}", "System(a = b/2)")
    >>> "<mfrac>" in part, "<pre>System(a = b/2)</pre>" in part
    (True, True)
    """
    formula = latex.strip("$")
    shown = f'<div class="formula">{mathematics(formula, "block")}</div>'
    equations = shown if len(formula) <= _LONGEST_FORMULA else ""
    return f"<h2>Declaration</h2>{equations}<pre>{_text(text)}</pre>"


def figures(title: str, captions: Iterable[tuple[str, str]], data: str = "") -> str:
    """A part of a page: the figures of one experiment, which lie beside it as NAME.svg.

    Each comes with its caption; ``data`` is the file with what was computed, if there is one.

    >>> print(figures("Over time", [("a&b", "The room.")], "time.nc"))
    <h2>Over time</h2><figure><img src="a%26b.svg" alt="The room."><figcaption>The
    room.</figcaption></figure><p class="source">Data: <a href="time.nc">time.nc</a></p>
    """
    images = "".join(
        f'<figure><img src="{quote(name)}.svg" alt="{_text(caption)}">'
        f"<figcaption>{_text(caption)}</figcaption></figure>"
        for name, caption in captions
    )
    link = f'<a href="{quote(data)}">{_text(data)}</a>'
    return f"<h2>{_text(title)}</h2>{images}" + (
        f'<p class="source">Data: {link}</p>' if data else ""
    )


def claims(comparisons: Iterable[Comparison]) -> str:
    """A part of a page: every claim with what was published, what is computed, and why it differs.

    >>> from causalopt.study import Claim, compare
    >>> part = claims([compare(Claim("x < y", "arithmetic", 2, lambda: 1 + 1))])
    >>> "x &lt; y" in part, "✓ reproduced" in part
    (True, True)
    """
    head = "".join(f"<th>{word}</th>" for word in ("claim", "published", "computed", "verdict"))
    rows = "".join(map(_row, comparisons))
    return f'<h2>Claims</h2><table class="claims"><thead><tr>{head}</tr></thead>{rows}</table>'


def note(words: str) -> str:
    """A part of a page: what has to be known of all of it.

    >>> note("Stopped.")
    '<p class="note">Stopped.</p>'
    """
    return f'<p class="note">{_text(words)}</p>'


def _row(comparison: Comparison) -> str:
    claim = comparison.claim
    words = [_text(claim.statement), f"<small>{_text(claim.source)}</small>"]
    words += [f"<small>Differs, because {_text(claim.reason.text)}</small>"] if claim.reason else []
    words += [f'<span class="fault">{_text(comparison.fault)}</span>'] if comparison.fault else []
    stated = claim.published is True
    numbers = ("as stated" if stated else claim.published, comparison.computed)
    cells = [
        f'<td data-head="{head}">{_text(in_ten_digits(number))}</td>'
        for head, number in zip(("published", "computed"), numbers, strict=True)
    ]
    mark = "✓" if comparison.reproduced else "≠"
    kind = f"verdict {comparison.word}" + (" fault" if comparison.fault else "")
    verdict = f'<td class="{kind}">{mark} {comparison.word}</td>'
    return f"<tr><td>{'<br>'.join(words)}</td>{''.join(cells)}{verdict}</tr>"


def in_ten_digits(value: object) -> str:
    """A value in ten digits; of what has none, the first letters.

    >>> in_ten_digits((1 / 3, True, "hot"))
    '(0.3333333333, True, hot)'
    """
    if isinstance(value, tuple | list):
        return "(" + ", ".join(map(in_ten_digits, value)) + ")"
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return f"{value:.10g}" if is_number else f"{value!s:.200}"


def _text(words: str) -> str:
    # A backslash would start mathematics.
    return html.escape(visible_lines(words)).replace("\\", "&#92;")


def mathematics(latex: str, display: str) -> str:
    r"""A formula as MathML, ``inline`` or ``block``; no backslash is left to start another one.

    >>> "<msup>" in mathematics("x^2", "inline")
    True
    """
    from latex2mathml.converter import convert

    # The converter knows the other name of what stands one below the other.
    known = _escape_words(visible(latex.replace("{aligned}", "{split}")))
    return str(convert(known, display=display)).replace("\\", "&#92;")


def _set_formulas(body: str) -> str:
    def formula(match: re.Match[str]) -> str:
        return mathematics(html.unescape(match[1]), "inline")

    return re.sub(r"\\\((.*?)\\\)", formula, body, flags=re.DOTALL)


def _escape_words(latex: str) -> str:
    r"""The formula with what stands in \text{...} escaped, for the converter lets it pass as it is.

    >>> print(_escape_words(r"a < \text{<b>\{x\}</b>}"))
    a < \text{&lt;b&gt;\{x\}&lt;/b&gt;}
    """
    begin, *parts = latex.split(r"\text{")
    escaped = [begin]
    for part in parts:
        # The words end at the brace that closes their own; an escaped brace is one of the words.
        depth, end = 1, 0
        while end < len(part) and depth:
            depth += {"{": 1, "}": -1}.get(part[end], 0) if part[end - 1 : end] != "\\" else 0
            end += 1
        escaped.append(html.escape(part[:end]) + part[end:])
    return r"\text{".join(escaped)
