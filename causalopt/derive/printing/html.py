"""A derivation as HTML for notebooks: labels come out as written and run nothing.

Letters that cannot be seen, or that turn a line around, are signs, as on all other pages.
"""

from __future__ import annotations

import html as escaping
import re
from collections.abc import Iterable

from causalopt.derive.printing.latex import FormulaPrinter
from causalopt.derive.printing.page import (
    MARKS,
    Page,
    Piece,
    claim_row,
    given_row,
    verdict_rows,
    why_row,
)
from causalopt.ground.letters import visible


def as_html(page: Page) -> str:
    """The whole page: a heading, the givens, and a numbered list; formulas are left to MathJax."""
    printer = FormulaPrinter(page.functions())

    def row(pieces: Iterable[Piece]) -> str:
        return "".join(
            _words(str(what)) if kind == "words" else _formula(printer.doprint(what))
            for kind, what in pieces
        )

    source = f"<p>{_words(page.source)}</p>" if page.source else ""
    givens = "".join(f"<li>{row(given_row(given))}</li>" for given in page.givens)
    steps = []
    for number, step in enumerate(page.steps, 1):
        details = [why_row(step)]
        mark = ""
        if page.verdicts:
            verdict = page.verdicts[number - 1]
            mark = f"<strong>{MARKS[verdict.status]} {verdict.status}</strong> "
            details += verdict_rows(step, verdict)
        inside = "".join(f"<br><small>{row(detail)}</small>" for detail in details if detail)
        steps.append(f"<li>{mark}{row(claim_row(step))}{inside}</li>")
    return (
        f'<div class="causalopt-derivation"><h4>{_words(page.title)}</h4>{source}'
        f"<ul>{givens}</ul><ol>{''.join(steps)}</ol></div>"
    )


def _words(text: str) -> str:
    # a dollar or a backslash in running text would start a formula, but not on its own in a span
    plain = escaping.escape(visible(text))
    return re.sub(r"[$\\]", lambda match: f"<span>{match[0]}</span>", plain)


def _formula(latex: str) -> str:
    return f"\\({escaping.escape(visible(latex), quote=False)}\\)"
