"""The Derivation: givens and steps, read when it is made, checked when it is asked to be."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence

from sympy.logic.boolalg import Boolean

from causalopt.derive.printing.html import as_html
from causalopt.derive.printing.latex import as_latex
from causalopt.derive.printing.page import Page
from causalopt.derive.printing.text import as_text
from causalopt.derive.proof.judging import Task
from causalopt.derive.proof.worker import borrow
from causalopt.derive.statement.arguments import as_listed, as_words
from causalopt.derive.statement.givens import Given, Let, as_given
from causalopt.derive.statement.references import places_cited, step_alone
from causalopt.derive.statement.steps import Status, Step
from causalopt.derive.statement.validation import validate
from causalopt.derive.statement.verdict import Verdict
from causalopt.ground.errors import DerivationError
from causalopt.ground.work import LIMIT, bounded


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

    >>> import sympy as sp
    >>> from causalopt.derive import Equal
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
        as_words(self.title, "title")
        as_words(self.source, "source")
        givens = []
        for number, entry in enumerate(as_listed(self.given, "given"), 1):
            try:
                givens.append(as_given(entry))
            except DerivationError as error:
                raise DerivationError(f"given {number}: {error}") from None
        object.__setattr__(self, "given", tuple(givens))
        object.__setattr__(self, "steps", as_listed(self.steps, "steps"))
        with bounded("Reading this page", "write fewer or simpler assumptions"):
            validate(self.given, self.steps)

    def check(self, *, limit: float = LIMIT, seed: int = 0) -> Report:
        """A verdict for every step.

        Parameters
        ----------
        limit : work that one step may take, in millions of calls of functions. A step that takes
            more is stopped, and exhausted; each way to decide it has a share of the limit. A count
            and no time, so that a verdict is the same however busy the machine is.
        seed : of the random cases; the same seed gives the same report.
        """
        is_number = isinstance(limit, int | float) and not isinstance(limit, bool)
        if not is_number or not 0 < limit < math.inf:
            raise DerivationError(
                f"limit={limit!r}: write a number of millions of calls above 0, such as {LIMIT:g}."
            )
        verdicts: list[Verdict] = []
        # one worker for all steps: starting it takes longer than most steps do
        with borrow() as worker:
            for number, step in enumerate(self.steps, 1):
                # judged as if the steps that it rests on held: where they do not is told apart
                cited = places_cited(step, self.steps)
                task = Task(
                    step_alone(number, self.steps, self.given),
                    self.given,
                    seed,
                    tuple(_borrowed(cited, self.steps, verdicts)),
                )
                verdict = worker.judge(task, limit)
                weak = _weak_places(cited, verdicts)
                verdicts.append(_with_reasons(verdict, weak))
        return Report(self, tuple(verdicts))

    def _page(self) -> Page:
        return Page(self.title, self.source, self.given, self.steps)

    def __str__(self) -> str:
        return as_text(self._page())

    def _repr_latex_(self) -> str:
        return as_latex(self._page())

    def _repr_html_(self) -> str:
        return as_html(self._page())


def _borrowed(
    cited: Sequence[int], steps: Sequence[Step], verdicts: Sequence[Verdict]
) -> Iterator[Boolean]:
    """Under what the steps that are cited hold, and those that these rest on, beyond the givens."""
    behind, ahead = set(cited), list(cited)
    while ahead:
        more = set(places_cited(steps[ahead.pop() - 1], steps)) - behind
        behind |= more
        ahead += more
    for place in sorted(behind):
        yield from steps[place - 1].assuming
        yield from verdicts[place - 1].conditions


def _weak_places(cited: Sequence[int], verdicts: Sequence[Verdict]) -> list[str]:
    """The steps among those cited that were not proved, in words."""
    statuses = [(place, verdicts[place - 1].status) for place in cited]
    return [
        f"rests on step {place}, which is {status}"
        for place, status in statuses
        if status is not Status.PROVED
    ]


def _with_reasons(verdict: Verdict, reasons: Sequence[str]) -> Verdict:
    if not reasons:
        return verdict
    own = [verdict.reason] if verdict.reason else []
    return dataclasses.replace(verdict, reason="; ".join([*own, *reasons]))


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
        return as_text(self._page())

    def _repr_latex_(self) -> str:
        return as_latex(self._page())

    def _repr_html_(self) -> str:
        return as_html(self._page())
