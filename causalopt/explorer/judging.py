"""The claims of a study, and its derivations line by line, judged when a page asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from causalopt.derive import Derivation
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
from causalopt.derive.statement.steps import Step
from causalopt.derive.statement.verdict import Verdict
from causalopt.explorer.discretion import discreet
from causalopt.ground.errors import QueryError
from causalopt.study.comparison import compare
from causalopt.study.pages import in_ten_digits, mathematics
from causalopt.study.record import Study

Asked = TypeVar("Asked")
#: A line: texts, and formulas as MathML, each with its kind.
Line = list[dict[str, str]]
Typeset = Callable[[Iterable[Piece]], Line]


def claims_listed(study: Study) -> list[dict[str, str]]:
    """What was published of a model: nothing is computed."""
    return [
        {
            "statement": discreet(claim.statement),
            "source": discreet(claim.source),
            "published": "as stated" if claim.published is True else in_ten_digits(claim.published),
        }
        for claim in study.claims
    ]


def claim_judged(study: Study, number: object) -> dict[str, object]:
    """A claim compared with what is computed for it now; ``fault`` where it cannot stand."""
    found = compare(_numbered(study.claims, number, "claim"))
    reason = found.claim.reason
    return {
        "computed": discreet(in_ten_digits(found.computed)),
        "word": found.word,
        "reason": "" if reason is None else discreet(reason.text),
        "wrong": "" if found.fault is None else found.fault,
    }


def derivation_told(study: Study, number: object, *, checked: bool) -> dict[str, object]:
    """A derivation as lines; ``checked``, each of its steps with its verdict."""
    derivation: Derivation = _numbered(study.derivations, number, "derivation")()
    verdicts = derivation.check().verdicts if checked else ()
    page = Page(derivation.title, derivation.source, derivation.given, derivation.steps, verdicts)
    line = _typeset(FormulaPrinter(page.functions()))
    judged = verdicts or (None,) * len(page.steps)
    steps = zip(page.steps, judged, strict=True)
    return {
        "title": discreet(page.title),
        "source": discreet(page.source),
        "givens": [line(given_row(given)) for given in page.givens],
        "steps": [_step(step, verdict, line) for step, verdict in steps],
    }


def _step(step: Step, verdict: Verdict | None, line: Typeset) -> dict[str, object]:
    """A step, by what it is claimed, and what the checker says of it."""
    details = [why_row(step), *(() if verdict is None else verdict_rows(step, verdict))]
    status = "" if verdict is None else str(verdict.status)
    return {
        "line": line(claim_row(step)),
        "details": [line(row) for row in details if row],
        "mark": "" if verdict is None else MARKS[verdict.status],
        "status": status,
        "expected": verdict is None or verdict.status is step.expect,
    }


def _typeset(printer: FormulaPrinter) -> Typeset:
    def line(pieces: Iterable[Piece]) -> Line:
        return [
            {"kind": "words", "text": discreet(str(what))}
            if kind == "words"
            else {"kind": "formula", "text": mathematics(printer.doprint(what), "inline")}
            for kind, what in pieces
        ]

    return line


def _numbered(among: Sequence[Asked], number: object, what: str) -> Asked:
    """The claim or derivation of this number, from 0 on."""
    if not isinstance(number, int) or not 0 <= number < len(among):
        raise QueryError(f"This study has no {what} of number {number}: it has {len(among)}.")
    return among[number]
