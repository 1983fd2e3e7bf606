"""HTML pages that stand alone: mathematics as MathML, which every browser draws by itself."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

_STYLE = """
body { max-width: 52rem; margin: 2rem auto; padding: 0 1rem; font: 16px/1.5 Georgia, serif; }
h4 { margin: 2.5rem 0 0; font-size: 1.15rem; }
ol > li { margin: 0.8rem 0; }
small { color: #555; }
math { font-size: 1.08em; }
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


def _with_mathml(body: str) -> str:
    from latex2mathml.converter import convert

    def formula(found: re.Match[str]) -> str:
        return str(convert(html.unescape(found[1])))

    return re.sub(r"\\\((.*?)\\\)", formula, body, flags=re.DOTALL)
