"""A derivation as HTML for notebooks: labels come out as written and run nothing."""

from __future__ import annotations

import html as escaping
import re
from collections.abc import Iterable

from causalopt.derive.printing.latex import Formulas
from causalopt.derive.printing.page import (
    MARKS,
    Page,
    Piece,
    claim_row,
    given_row,
    verdict_rows,
    why_row,
)


def page(content: Page) -> str:
    """The whole page: a heading, the givens, and a numbered list; formulas are left to MathJax."""
    printer = Formulas(content.functions())

    def row(pieces: Iterable[Piece]) -> str:
        return "".join(
            _words(str(what)) if kind == "words" else _formula(printer.doprint(what))
            for kind, what in pieces
        )

    source = f"<p>{_words(content.source)}</p>" if content.source else ""
    givens = "".join(f"<li>{row(given_row(one))}</li>" for one in content.givens)
    steps = []
    for number, step in enumerate(content.steps, 1):
        details = [why_row(step)]
        mark = ""
        if content.verdicts:
            verdict = content.verdicts[number - 1]
            mark = f"<strong>{MARKS[verdict.status]} {verdict.status}</strong> "
            details += verdict_rows(step, verdict)
        inside = "".join(f"<br><small>{row(one)}</small>" for one in details if one)
        steps.append(f"<li>{mark}{row(claim_row(step))}{inside}</li>")
    return (
        f'<div class="causalopt-derivation"><h4>{_words(content.title)}</h4>{source}'
        f"<ul>{givens}</ul><ol>{''.join(steps)}</ol></div>"
    )


def _words(text: str) -> str:
    # a dollar or a backslash in running text would start a formula, but not on its own in a span
    plain = escaping.escape(text)
    return re.sub(r"[$\\]", lambda found: f"<span>{found[0]}</span>", plain)


def _formula(latex: str) -> str:
    return f"\\({escaping.escape(latex, quote=False)}\\)"
