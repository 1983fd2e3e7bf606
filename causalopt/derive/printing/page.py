"""What is printed: a derivation, with or without verdicts, as rows that every format shares."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Sequence
from typing import TypeAlias

import sympy as sp
from sympy.core.function import AppliedUndef, UndefinedFunction

from causalopt.derive.statement.givens import Given, Let
from causalopt.derive.statement.steps import (
    Apply,
    Equal,
    Expands,
    Follows,
    Hypothesis,
    OverTheLine,
    Stationary,
    Status,
    Step,
    Substitution,
    TendsTo,
)
from causalopt.derive.statement.verdict import Point, Verdict

MARKS = {
    Status.PROVED: "✓",
    Status.REFUTED: "✗",
    Status.UNDECIDED: "?",
    Status.EXHAUSTED: "…",
}
OPEN = (Status.UNDECIDED, Status.EXHAUSTED)
SIGNS = ("positive", "negative", "nonnegative", "nonpositive", "integer", "real")
SIDES = {"+": " from above", "-": " from below", "+-": ""}

#: ("words", text), ("formula", expression), or ("given", name) where a name is introduced.
Piece: TypeAlias = tuple[str, str | sp.Basic]
Row: TypeAlias = list[Piece]


@dataclasses.dataclass(frozen=True)
class Page:
    """A derivation as it is printed."""

    title: str
    source: str
    givens: tuple[Given | Let, ...]
    steps: tuple[Step, ...]
    verdicts: tuple[Verdict, ...] = ()

    def functions(self) -> dict[UndefinedFunction, AppliedUndef]:
        """Unknown and defined functions, with the arguments that may be left out in print."""
        names = [given.name if isinstance(given, Let) else given.what for given in self.givens]
        return {name.func: name for name in names if getattr(name, "is_Function", False)}


def words(text: str) -> Piece:
    """A piece of text."""
    return ("words", text)


def formula(whole: sp.Basic) -> Piece:
    """A piece of mathematics."""
    return ("formula", whole)


def _equation(left: sp.Basic, right: sp.Basic) -> Row:
    return [formula(left), words(" = "), formula(right)]


def _join(rows: Sequence[Row], mark: str) -> Row:
    pieces: Row = []
    for row in rows:
        pieces += [words(mark), *row] if pieces else row
    return pieces


def _comma_row(rows: Sequence[Row]) -> Row:
    return _join(rows, ", ")


def given_row(given: Given | Let) -> Row:
    """The line of one given."""
    meaning = [words(f": {given.meaning}")] if given.meaning else []
    if isinstance(given, Let):
        return [*_equation(given.name, given.value), *meaning]
    return [("given", given.what), *_sign(given.what), *meaning]


def _sign(what: sp.Basic) -> Row:
    """What sympy knows of a name, the strongest of it alone; nothing for an assumption."""
    if not (getattr(what, "is_Symbol", False) or getattr(what, "is_Function", False)):
        return []
    for sign in SIGNS:
        if getattr(what, f"is_{sign}"):
            return [words(f" {sign}")]
    return [words(" complex")]


@functools.singledispatch
def claim_row(step: Step) -> Row:
    """What a step claims."""
    return [words(type(step).__name__)]


def _equal_row(step: Equal) -> Row:
    return _equation(step.left, step.right)


def _follows_row(step: Follows) -> Row:
    return _equation(step.conclusion.lhs, step.conclusion.rhs)


def _limit_row(step: TendsTo) -> Row:
    approach = [formula(step.variable), words(" → "), formula(step.to), words(SIDES[step.side])]
    return [formula(step.whole), words(" → "), formula(step.value), words(" as "), *approach]


def _series_row(step: Expands) -> Row:
    gap = f"{step.variable}" if step.about == 0 else f"({step.variable} - {step.about})"
    rest = f" + O({gap}^{step.order})"
    return [*_equation(step.whole, step.series), words(rest)]


def _stationary_row(step: Stationary) -> Row:
    row = [formula(step.objective), words(" is stationary at ")]
    row += _comma_row([_equation(x, value) for x, value in step.at.items()])
    if step.under:
        row.append(words(" under "))
        row += _comma_row([_equation(constraint.lhs, constraint.rhs) for constraint in step.under])
    return row


claim_row.register(Equal)(_equal_row)
claim_row.register(Follows)(_follows_row)
claim_row.register(TendsTo)(_limit_row)
claim_row.register(Expands)(_series_row)
claim_row.register(Stationary)(_stationary_row)


def why_row(step: Step) -> Row:
    """By what a step is claimed: rules, hypotheses, assumptions."""
    rows: list[Row] = []
    if isinstance(step, Follows):
        rows.append([words("from "), *_comma_row([_hypothesis_row(each) for each in step.since])])
    rows += [_rule_row(rule) for rule in step.rules(object) if rule != ""]
    if step.assuming:
        assumptions = _comma_row([[formula(relation)] for relation in step.assuming])
        rows.append([words("assuming "), *assumptions])
    if step.source:
        rows.append([words(step.source)])
    return _join(rows, "; ")


def _hypothesis_row(hypothesis: Hypothesis) -> Row:
    if isinstance(hypothesis, int):
        return [words(f"step {hypothesis}")]
    if isinstance(hypothesis, str):
        return [words(hypothesis)]
    return _equation(hypothesis.lhs, hypothesis.rhs)


def _rule_row(rule: object) -> Row:
    if isinstance(rule, Substitution):
        pairs = [_equation(old, new) for old, new in rule.values.items()]
        return [words("at "), *_comma_row(pairs)]
    if isinstance(rule, Apply):
        return [words("doing "), formula(rule.function.expr), words(" to both sides")]
    if isinstance(rule, OverTheLine):
        return [words("over the line, with the primitive "), formula(rule.primitive)]
    return [words(f"by {rule}")]


def verdict_rows(step: Step, verdict: Verdict) -> Iterator[Row]:
    """What the checker has to say about a step, line by line."""
    yield [words(f"{verdict.status}{_surprise(step, verdict)}"), *_by_route(verdict)]
    if verdict.conditions:
        lead = "it would hold if " if verdict.status is Status.REFUTED else "provided that "
        yield [words(lead), *_comma_row([[formula(condition)] for condition in verdict.conditions])]
    yield from _counterexample_rows(verdict)
    if verdict.corrected is not None:
        yield [words("corrected: "), formula(verdict.corrected)]
    if verdict.remains is not None and verdict.status in OPEN:
        yield [words("remains: "), formula(verdict.remains)]
    if verdict.status in OPEN and verdict.held_at:
        # the last case is the wildest: the first ones are small numbers, at which much holds
        held = f"held to 50 digits in {len(verdict.held_at)} cases, among them "
        yield [words(held), *_case_row(verdict.held_at[-1])]
    if verdict.reason:
        yield [words(verdict.reason)]


def _surprise(step: Step, verdict: Verdict) -> str:
    return "" if verdict.status is step.expect else f" (expected: {step.expect})"


def _by_route(verdict: Verdict) -> Row:
    return [words(f": {verdict.route}")] if verdict.route else []


def _counterexample_rows(verdict: Verdict) -> Iterator[Row]:
    case = verdict.counterexample
    if case is None:
        return
    yield [words("counterexample: "), *(_case_row(case.point) or [words("as it stands")])]
    yield [words("left "), formula(case.left), words(", right "), formula(case.right)]


def _case_row(point: Point) -> Row:
    pairs = (*point.functions, *point.symbols)
    return _comma_row([[("given", name), words(" = "), formula(value)] for name, value in pairs])
