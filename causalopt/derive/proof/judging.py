"""The verdict on one step of any kind."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping

import sympy as sp
from sympy.logic.boolalg import Boolean

from causalopt.derive.proof.conditions import conditions_of
from causalopt.derive.proof.equality import decide_equal
from causalopt.derive.proof.following import decide_follows
from causalopt.derive.proof.limits import decide_limit
from causalopt.derive.proof.line import decide_line
from causalopt.derive.proof.premises import needs_of_definitions, open_premise
from causalopt.derive.proof.series import decide_series
from causalopt.derive.proof.settling import settle
from causalopt.derive.proof.stationary import decide_stationary
from causalopt.derive.statement.givens import Given, Let
from causalopt.derive.statement.reading import reading_of
from causalopt.derive.statement.records import expressions_of, map_expressions
from causalopt.derive.statement.scope import Scope
from causalopt.derive.statement.steps import (
    Equal,
    Expands,
    Follows,
    OverTheLine,
    Stationary,
    Status,
    Step,
    Substitution,
    TendsTo,
)
from causalopt.derive.statement.verdict import Progress, Verdict, leave_open
from causalopt.derive.trial.failures import FAILURES
from causalopt.derive.trial.sampling import satisfies
from causalopt.ground.work import Exhausted, at_most

SHARE = 0.3  # of the work that a step may take, to show a correction


@dataclasses.dataclass(frozen=True)
class Task:
    """A step with all that its verdict depends on; steps it refers to stand in it as equations.

    ``borrowed`` is what those steps were shown under: at other values it has to hold there.
    """

    step: Step
    givens: tuple[Given | Let, ...]
    seed: int = 0
    borrowed: tuple[Boolean, ...] = ()


def judge(task: Task, progress: Progress) -> Verdict:
    """Decide a step, in the symbols of the page."""
    reading = reading_of(task.givens, task.step.assuming, task.seed, task.borrowed)
    fault = open_premise(task.step, task.givens, reading)
    if fault is not None:
        return leave_open(fault)

    def back(verdict: Verdict) -> Verdict:
        return map_expressions(verdict, reading.back)

    step = reading.step(task.step)
    for rule in step.rules(Substitution):
        step = _special_case(step, dict(rule.values.items()))
    decided = decide(step, reading.scope, lambda so_far: progress(back(so_far)))
    if decided.status is Status.PROVED:
        needs = needs_of_definitions(task.step, task.givens, reading)
        needs = tuple(dict.fromkeys((*decided.conditions, *needs)))
        decided = dataclasses.replace(decided, conditions=needs)
    if decided.corrected is not None:
        progress(back(dataclasses.replace(decided, corrected=None)))
        decided = _with_correction_shown(decided, step, reading.scope)
    verdict = back(settle(decided, reading.scope))
    # written back, a correction may be the claim's own left side, which corrects nothing
    if verdict.corrected == task.step.left_side:
        verdict = dataclasses.replace(verdict, corrected=None)
    return verdict


def _with_correction_shown(refuted: Verdict, step: Step, scope: Scope) -> Verdict:
    """A refutation with its correction, where that is proved as a claim of its own would be."""
    try:
        with at_most(SHARE):
            sure = _is_corrected(refuted, step, scope)
    except (Exhausted, *FAILURES):
        sure = False
    return refuted if sure else dataclasses.replace(refuted, corrected=None)


def _is_corrected(refuted: Verdict, step: Step, scope: Scope) -> bool:
    """Whether the correction holds wherever its sides are defined, and the claim fails there."""
    mended, case = step.with_right(refuted.corrected), refuted.counterexample
    if mended is None or case is None:
        return False
    shown = decide(mended, scope, lambda _: None)
    defined = conditions_of(expressions_of(mended), scope.relations)
    if shown.status is not Status.PROVED or not set(shown.conditions) <= set(defined):
        return False
    if satisfies(case.point, shown.conditions):
        return True
    there = dataclasses.replace(scope, relations=(*scope.relations, *shown.conditions))
    return decide(step, there, lambda _: None).status is Status.REFUTED


def _special_case(step: Step, values: Mapping[sp.Expr, sp.Expr]) -> Step:
    """A step at special values; its rules stay, as the substitution would change itself."""
    rules, step = step.by, dataclasses.replace(step, by=())
    special = map_expressions(step, lambda whole: whole.subs(values, simultaneous=True))
    return dataclasses.replace(special, by=rules)


@functools.singledispatch
def decide(step: Step, scope: Scope, progress: Progress) -> Verdict:
    """The verdict on a step whose definitions are written out."""
    raise TypeError(f"no way to decide a {type(step).__name__}")


def _decide_sides(step: Equal, scope: Scope, progress: Progress) -> Verdict:
    for rule in step.rules(OverTheLine):
        return decide_line(step.left, step.right, rule, scope, progress)
    return decide_equal(step.left, step.right, scope, progress)


decide.register(Equal)(_decide_sides)
decide.register(Follows)(decide_follows)
decide.register(TendsTo)(decide_limit)
decide.register(Expands)(decide_series)
decide.register(Stationary)(decide_stationary)
