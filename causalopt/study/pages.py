"""HTML pages that stand alone: mathematics as MathML, which every browser draws by itself."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from causalopt.study.comparison import Comparison

_STYLE = """
body { max-width: 52rem; margin: 2rem auto; padding: 0 1rem; font: 16px/1.5 Georgia, serif; }
h4 { margin: 2.5rem 0 0; font-size: 1.15rem; }
ol > li { margin: 0.8rem 0; }
small { color: #555; }
math { font-size: 1.08em; }
img { max-width: 100%; }
"""


def page(title: str, bodies: Iterable[str]) -> str:
    r"""A page that stands alone, with a title and parts of HTML, in which \\(...\\) becomes MathML.

    >>> text = page("One & two", [r"<p>\\(x^2\\)</p>"])
    >>> "One &amp; two" in text, "<msup>" in text
    (True, True)
    """
    inside = "\n".join(_set_formulas(body) for body in bodies)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head>\n"
        f"<body><h2>{html.escape(title)}</h2>\n{inside}\n</body></html>\n"
    )


def figures(title: str, names: Iterable[str]) -> str:
    """A part of a page: the figures of one experiment, which lie beside it as NAME.svg.

    >>> figures("Over time", ["a&b"])
    '<h4>Over time</h4><p><img src="a%26b.svg" alt="a&amp;b"></p>'
    """
    images = "".join(f'<p><img src="{quote(name)}.svg" alt="{_text(name)}"></p>' for name in names)
    return f"<h4>{_text(title)}</h4>{images}"


def claims(comparisons: Iterable[Comparison]) -> str:
    """A part of a page: every claim with what was published, what is computed, and why it differs.

    >>> from causalopt.study import Claim, compare
    >>> part = claims([compare(Claim("x < y", "arithmetic", 2, lambda: 1 + 1))])
    >>> "reproduced: x &lt; y" in part, "published 2, computed 2" in part
    (True, True)
    """
    items = []
    for comparison in comparisons:
        claim = comparison.claim
        lines = [f"{comparison.word}: {_text(claim.statement)}"]
        if claim.published is not True:
            pair = _text(f"published {claim.published}, computed {comparison.computed}")
            lines.append(f"<small>{pair}</small>")
        lines += [f"<small>because {_text(claim.reason.text)}</small>"] if claim.reason else []
        lines += [f"<strong>{_text(comparison.fault)}</strong>"] if comparison.fault else []
        items.append(f"<li>{'<br>'.join(lines)}</li>")
    return f"<h4>Claims</h4><ol>{''.join(items)}</ol>"


def _text(words: str) -> str:
    # A backslash would start mathematics.
    return html.escape(words).replace("\\", "&#92;")


def _set_formulas(body: str) -> str:
    from latex2mathml.converter import convert

    def formula(match: re.Match[str]) -> str:
        return str(convert(_escape_words(html.unescape(match[1]))))

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
