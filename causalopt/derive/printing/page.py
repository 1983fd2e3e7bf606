"""What is printed: a derivation, with or without verdicts, as rows that every format shares."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from causalopt.derive.statement.givens import Given, Let
from causalopt.derive.statement.steps import (
    Apply,
    Equal,
    Expands,
    Follows,
    OverTheLine,
    Rule,
    Stationary,
    Status,
    Step,
    Substitution,
    TendsTo,
)
from causalopt.derive.statement.verdict import Verdict

MARKS = {Status.PROVED: "✓", Status.REFUTED: "✗", Status.UNDECIDED: "?"}

Piece = tuple[str, Any]  # ("words", str) or ("formula", expression)


@dataclasses.dataclass(frozen=True)
class Page:
    """A derivation as it is printed."""

    title: str
    source: str
    givens: tuple[Given | Let, ...]
    steps: tuple[Step, ...]
    verdicts: tuple[Verdict, ...] = ()

    def functions(self) -> dict[Any, Any]:
        """Unknown and defined functions, with the arguments that may be left out in print."""
        names = [one.name if isinstance(one, Let) else one.what for one in self.givens]
        return {name.func: name for name in names if getattr(name, "is_Function", False)}


def words(text: str) -> Piece:
    """A piece of text."""
    return ("words", text)


def formula(whole: Any) -> Piece:
    """A piece of mathematics."""
    return ("formula", whole)


def given_row(one: Given | Let) -> list[Piece]:
    """The line of one given."""
    meaning = [words(f": {one.meaning}")] if one.meaning else []
    if isinstance(one, Let):
        return [formula(one.name), words(" = "), formula(one.value), *meaning]
    return [("given", one.what), *_sign(one.what), *meaning]


def _sign(what: Any) -> list[Piece]:
    if not (getattr(what, "is_Symbol", False) or getattr(what, "is_Function", False)):
        return []
    for sign in ("positive", "negative", "nonnegative", "nonpositive", "integer", "real"):
        if getattr(what, f"is_{sign}"):
            return [words(f" {sign}")]
    return [words(" complex")]


def claim_row(step: Step) -> list[Piece]:
    """What a step claims."""
    if isinstance(step, Equal):
        return [formula(step.left), words(" = "), formula(step.right)]
    if isinstance(step, Follows):
        return [formula(step.conclusion.lhs), words(" = "), formula(step.conclusion.rhs)]
    if isinstance(step, TendsTo):
        how = [words(" → "), formula(step.value), words(" as "), formula(step.variable)]
        return [formula(step.whole), *how, words(" → "), formula(step.to), words(_side(step))]
    if isinstance(step, Expands):
        gap = f"{step.variable}" if step.about == 0 else f"({step.variable} - {step.about})"
        rest = f" + O({gap}^{step.order})"
        return [formula(step.whole), words(" = "), formula(step.series), words(rest)]
    if isinstance(step, Stationary):
        return _stationary_row(step)
    return [words(type(step).__name__)]


def _side(step: TendsTo) -> str:
    return {"+": " from above", "-": " from below", "+-": ""}[step.side]


def _stationary_row(step: Stationary) -> list[Piece]:
    row = [formula(step.objective), words(" is stationary at ")]
    row += _listed([[formula(x), words(" = "), formula(v)] for x, v in step.at.items()])
    if step.under:
        row.append(words(" under "))
        row += _listed([[formula(e.lhs), words(" = "), formula(e.rhs)] for e in step.under])
    return row


def _listed(rows: list[list[Piece]]) -> list[Piece]:
    pieces: list[Piece] = []
    for row in rows:
        pieces += [words(", "), *row] if pieces else row
    return pieces


def why_row(step: Step) -> list[Piece]:
    """By what a step is claimed: rules, hypotheses, assumptions."""
    rows: list[list[Piece]] = []
    if isinstance(step, Follows):
        rows.append([words("from "), *_listed([_since(one) for one in step.since])])
    rows += [_rule_row(rule) for rule in step.rules(object) if rule != ""]
    if step.assuming:
        given = _listed([[formula(one)] for one in step.assuming])
        rows.append([words("assuming "), *given])
    if step.source:
        rows.append([words(step.source)])
    pieces: list[Piece] = []
    for row in rows:
        pieces += [words("; "), *row] if pieces else row
    return pieces


def _since(one: Any) -> list[Piece]:
    if isinstance(one, int):
        return [words(f"step {one}")]
    if isinstance(one, str):
        return [words(one)]
    return [formula(one.lhs), words(" = "), formula(one.rhs)]


def _rule_row(rule: Rule) -> list[Piece]:
    if isinstance(rule, Substitution):
        pairs = [[formula(a), words(" = "), formula(b)] for a, b in rule.values.items()]
        return [words("at "), *_listed(pairs)]
    if isinstance(rule, Apply):
        return [words("doing "), formula(rule.function.expr), words(" to both sides")]
    if isinstance(rule, OverTheLine):
        return [words("over the line, with the primitive "), formula(rule.primitive)]
    return [words(f"by {rule}")]


def verdict_rows(step: Step, verdict: Verdict) -> Iterator[list[Piece]]:
    """What the checker has to say about a step, line by line."""
    yield [words(f"{verdict.status}{_unexpected(step, verdict)}"), *_by_route(verdict)]
    if verdict.conditions:
        lead = "it would hold if " if verdict.status is Status.REFUTED else "provided that "
        yield [words(lead), *_listed([[formula(one)] for one in verdict.conditions])]
    yield from _counterexample(verdict)
    if verdict.corrected is not None:
        yield [words("corrected: "), formula(verdict.corrected)]
    if verdict.remains is not None and verdict.status is Status.UNDECIDED:
        yield [words("remains: "), formula(verdict.remains)]
    if verdict.status is Status.UNDECIDED and verdict.held_at:
        held = f"held to 50 digits in {len(verdict.held_at)} cases, among them "
        yield [words(held), *_case(verdict.held_at[-1])]
    if verdict.reason:
        yield [words(verdict.reason)]


def _unexpected(step: Step, verdict: Verdict) -> str:
    return "" if verdict.status is step.expect else f" (expected: {step.expect})"


def _by_route(verdict: Verdict) -> list[Piece]:
    return [words(f": {verdict.route}")] if verdict.route else []


def _counterexample(verdict: Verdict) -> Iterator[list[Piece]]:
    case = verdict.counterexample
    if case is None:
        return
    yield [words("counterexample: "), *(_case(case.point) or [words("as it stands")])]
    yield [words("left "), formula(case.left), words(", right "), formula(case.right)]


def _case(point: Any) -> list[Piece]:
    pairs = (*point.functions, *point.symbols)
    return _listed([[("given", a), words(" = "), formula(b)] for a, b in pairs])
