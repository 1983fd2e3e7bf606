"""The Derivation: givens and steps, read when it is made, checked when it is asked to be."""

from __future__ import annotations

import dataclasses
from typing import Any

import sympy as sp

from causalopt.derive.printing import html, latex, text
from causalopt.derive.printing.page import Page
from causalopt.derive.proof.judging import Task
from causalopt.derive.proof.worker import borrowed
from causalopt.derive.statement.givens import Given, Let, given
from causalopt.derive.statement.steps import Equal, Follows, Status, Step
from causalopt.derive.statement.validation import validate
from causalopt.derive.statement.verdict import Verdict
from causalopt.ground.errors import DerivationError


@dataclasses.dataclass(frozen=True)
class Derivation:
    """A page of mathematics that can check itself.

    Parameters
    ----------
    title : what it derives.
    given : symbols, unknown functions at symbols, assumptions (relations) and ``Let`` definitions,
        in the order in which they are introduced; ``Given(x, "meaning")`` adds words.
    steps : ``Equal``, ``Follows``, ``TendsTo``, ``Expands`` and ``Stationary`` records.
    source : where it is published.

    Raises
    ------
    DerivationError
        By the number of the given or step, for whatever keeps the page from being read.

    >>> x = sp.Symbol("x", real=True)
    >>> page = Derivation("Doubling", given=[x], steps=[Equal(sp.sin(2 * x), sp.sin(x))])
    >>> report = page.check()
    >>> report.verdicts[0].status
    <Status.REFUTED: 'refuted'>
    """

    title: str
    given: tuple[Given | Let, ...] = dataclasses.field(kw_only=True)
    steps: tuple[Step, ...] = dataclasses.field(kw_only=True)
    source: str = dataclasses.field(default="", kw_only=True)

    def __post_init__(self) -> None:
        givens = []
        for number, one in enumerate(self.given, 1):
            try:
                givens.append(given(one))
            except DerivationError as error:
                raise DerivationError(f"given {number}: {error}") from None
        object.__setattr__(self, "given", tuple(givens))
        object.__setattr__(self, "steps", tuple(self.steps))
        validate(self.given, self.steps)

    def check(self, *, limit: float = 30.0, seed: int = 0) -> Report:
        """A verdict for every step.

        Parameters
        ----------
        limit : seconds that one step may take; one that takes longer is stopped, and undecided.
        seed : of the random cases; the same seed gives the same report.
        """
        if not limit > 0:
            raise DerivationError(f"limit={limit!r}: write a number of seconds above 0.")
        verdicts: list[Verdict] = []
        with borrowed() as worker:
            for number in range(1, len(self.steps) + 1):
                verdict = worker.judge(Task(self._step_alone(number), self.given, seed), limit)
                verdicts.append(self._with_rests(number, verdict, verdicts))
        return Report(self, tuple(verdicts))

    def _step_alone(self, number: int) -> Step:
        """A step with the steps that it refers to written out as equations."""
        step = self.steps[number - 1]
        if not isinstance(step, Follows):
            return step
        return dataclasses.replace(step, since=tuple(self._equation(one) for one in step.since))

    def _equation(self, reference: Any) -> Any:
        if not isinstance(reference, int | str):
            return reference
        step = self.steps[self._place(reference) - 1]
        if isinstance(step, Follows):
            return step.conclusion
        if isinstance(step, Equal):
            return sp.Eq(step.left, step.right, evaluate=False)
        raise DerivationError(f"step {reference} is no equation")

    def _place(self, reference: int | str) -> int:
        if isinstance(reference, int):
            return reference
        return next(n for n, step in enumerate(self.steps, 1) if step.name == reference)

    def _with_rests(self, number: int, verdict: Verdict, before: list[Verdict]) -> Verdict:
        """Tell where a step that follows rests on one that was not proved."""
        step = self.steps[number - 1]
        if not isinstance(step, Follows):
            return verdict
        places = [self._place(one) for one in step.since if isinstance(one, int | str)]
        weak = [p for p in places if before[p - 1].status is not Status.PROVED]
        told = [f"rests on step {p}, which is {before[p - 1].status}" for p in weak]
        reason = "; ".join([*([verdict.reason] if verdict.reason else []), *told])
        return dataclasses.replace(verdict, reason=reason)

    def _page(self) -> Page:
        return Page(self.title, self.source, self.given, self.steps)

    def __str__(self) -> str:
        return text.page(self._page())

    def _repr_latex_(self) -> str:
        return latex.page(self._page())

    def _repr_html_(self) -> str:
        return html.page(self._page())


@dataclasses.dataclass(frozen=True)
class Report:
    """A derivation with the verdict on each of its steps, printed as the page with marks."""

    derivation: Derivation
    verdicts: tuple[Verdict, ...]

    @property
    def unexpected(self) -> tuple[int, ...]:
        """The numbers of the steps whose verdict is not the one recorded as expected."""
        pairs = zip(self.derivation.steps, self.verdicts, strict=True)
        return tuple(n for n, (step, v) in enumerate(pairs, 1) if v.status is not step.expect)

    @property
    def as_expected(self) -> bool:
        """Whether every verdict is the recorded one."""
        return not self.unexpected

    def _page(self) -> Page:
        page = self.derivation
        return Page(page.title, page.source, page.given, page.steps, self.verdicts)

    def __str__(self) -> str:
        return text.page(self._page())

    def _repr_latex_(self) -> str:
        return latex.page(self._page())

    def _repr_html_(self) -> str:
        return html.page(self._page())
