"""The verdict on one step of any kind."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

from causalopt.derive.proof.equality import Progress, decide_equal
from causalopt.derive.proof.following import decide_follows
from causalopt.derive.proof.limits import decide_limit, decide_series
from causalopt.derive.proof.line import decide_line
from causalopt.derive.proof.stationary import decide_stationary
from causalopt.derive.statement.givens import Given, Let
from causalopt.derive.statement.steps import (
    Equal,
    Expands,
    Follows,
    OverTheLine,
    Stationary,
    Step,
    Substitution,
    TendsTo,
    map_expressions,
)
from causalopt.derive.statement.verdict import Verdict
from causalopt.derive.trial.reading import Reading, reading
from causalopt.derive.trial.sampling import Domain


@dataclasses.dataclass(frozen=True)
class Task:
    """A step with all that its verdict depends on; steps it refers to stand in it as equations."""

    step: Step
    givens: tuple[Given | Let, ...]
    seed: int = 0


def judge(task: Task, progress: Progress) -> Verdict:
    """Decide a step, in the symbols of the page."""
    how = reading(task.givens, task.step.assuming, task.seed)
    step = how.step(task.step)
    for rule in step.rules(Substitution):
        step = _special(step, dict(rule.values.items()))
    verdict = decide(step, how.domain, lambda found: progress(_back(found, how)))
    verdict = _back(verdict, how)
    if str(verdict.corrected) == str(getattr(task.step, "left", None)):  # it corrects nothing
        verdict = dataclasses.replace(verdict, corrected=None)
    return verdict


def _back(verdict: Verdict, how: Reading) -> Verdict:
    found: Verdict = map_expressions(verdict, how.back)
    return found


def _special(step: Step, values: dict[Any, Any]) -> Step:
    rules, step = step.by, dataclasses.replace(step, by=())

    def put(whole: Any) -> Any:
        return whole.subs(values, simultaneous=True)

    special: Step = map_expressions(step, put)
    return dataclasses.replace(special, by=rules)


@functools.singledispatch
def decide(step: Step, domain: Domain, progress: Progress) -> Verdict:
    """The verdict on a step whose definitions are written out."""
    raise TypeError(f"no way to decide a {type(step).__name__}")


@decide.register
def _(step: Equal, domain: Domain, progress: Progress) -> Verdict:
    for rule in step.rules(OverTheLine):
        return decide_line(step.left, step.right, rule, domain, progress)
    return decide_equal(step.left, step.right, domain, progress)


decide.register(Follows)(decide_follows)
decide.register(TendsTo)(decide_limit)
decide.register(Expands)(decide_series)
decide.register(Stationary)(decide_stationary)
