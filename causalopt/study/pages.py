"""HTML pages that stand alone: mathematics as MathML, which every browser draws by itself."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from causalopt.study.record import Verdict

_STYLE = """
body { max-width: 52rem; margin: 2rem auto; padding: 0 1rem; font: 16px/1.5 Georgia, serif; }
h4 { margin: 2.5rem 0 0; font-size: 1.15rem; }
ol > li { margin: 0.8rem 0; }
small { color: #555; }
math { font-size: 1.08em; }
img { max-width: 100%; }
"""


def alone(title: str, bodies: Iterable[str]) -> str:
    r"""A page with a title and parts of HTML, in which \\(...\\) becomes MathML.

    >>> page = alone("One & two", [r"<p>\\(x^2\\)</p>"])
    >>> "One &amp; two" in page, "<msup>" in page
    (True, True)
    """
    inside = "\n".join(_with_mathml(body) for body in bodies)
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
    images = "".join(
        f'<p><img src="{quote(name)}.svg" alt="{html.escape(name)}"></p>' for name in names
    )
    return f"<h4>{_text(title)}</h4>{images}"


def claims(verdicts: Iterable[Verdict]) -> str:
    """A part of a page: every claim with what was published, what is computed, and why it differs.

    >>> from causalopt.study.record import Claim, judge
    >>> page = claims([judge(Claim("x < y", "arithmetic", 2, lambda: 1 + 1))])
    >>> "reproduced: x &lt; y" in page, "published 2, computed 2" in page
    (True, True)
    """
    items = []
    for verdict in verdicts:
        claim = verdict.claim
        lines = [f"{verdict.word}: {_text(claim.statement)}"]
        if claim.published is not True:
            pair = _text(f"published {claim.published}, computed {verdict.computed}")
            lines.append(f"<small>{pair}</small>")
        lines += [f"<small>because {_text(claim.reason.text)}</small>"] if claim.reason else []
        lines += [f"<strong>{_text(verdict.fault)}</strong>"] if verdict.fault else []
        items.append(f"<li>{'<br>'.join(lines)}</li>")
    return f"<h4>Claims</h4><ol>{''.join(items)}</ol>"


def _text(given: str) -> str:
    # A backslash would start mathematics.
    return html.escape(given).replace("\\", "&#92;")


def _with_mathml(body: str) -> str:
    from latex2mathml.converter import convert

    def formula(found: re.Match[str]) -> str:
        return str(convert(_words_escaped(html.unescape(found[1]))))

    return re.sub(r"\\\((.*?)\\\)", formula, body, flags=re.DOTALL)


def _words_escaped(latex: str) -> str:
    r"""The formula with what stands in \text{...} escaped, for the converter lets it pass as it is.

    >>> print(_words_escaped(r"a < \text{<b>\{x\}</b>}"))
    a < \text{&lt;b&gt;\{x\}&lt;/b&gt;}
    """
    begin, *parts = latex.split(r"\text{")
    made = [begin]
    for part in parts:
        depth, end = 1, 0
        while end < len(part) and depth:
            depth += {"{": 1, "}": -1}.get(part[end], 0) if part[end - 1 : end] != "\\" else 0
            end += 1
        made.append(html.escape(part[:end]) + part[end:])
    return r"\text{".join(made)
