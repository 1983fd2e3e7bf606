"""The verdict on one step, and the cases that it shows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TypeAlias

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.logic.boolalg import Boolean

from causalopt.derive.statement.expressions import Formula
from causalopt.derive.statement.steps import Status


@dataclasses.dataclass(frozen=True)
class Point:
    """One case: a number for every symbol, and a concrete function for every unknown one."""

    symbols: tuple[tuple[sp.Symbol, sp.Expr], ...] = ()
    functions: tuple[tuple[AppliedUndef, sp.Expr], ...] = ()

    def __str__(self) -> str:
        return ", ".join(f"{name} = {value}" for name, value in (*self.functions, *self.symbols))


@dataclasses.dataclass(frozen=True)
class Counterexample:
    """A case in which both sides are defined and differ; all its numbers are exact."""

    point: Point
    left: sp.Expr
    right: sp.Expr


@dataclasses.dataclass(frozen=True)
class Verdict:
    """Proved, refuted, undecided or exhausted, and what there is to show for it.

    Parameters
    ----------
    route : by which kind of rewriting the difference became zero, where proved.
    conditions : what the step needs beyond the givens. One that is proved holds where they do;
        one that is refuted would hold if they did.
    counterexample, corrected : where refuted, a case that shows it, and a right-hand side that is
        proved to fit (None where none was found).
    remains : where neither proved nor refuted, the difference that was not brought to zero.
    held_at : cases in which the step held, exactly or to 50 digits.
    reason : in words, what else there is to say.
    """

    status: Status
    route: str = ""
    conditions: tuple[Boolean, ...] = ()
    counterexample: Counterexample | None = None
    corrected: sp.Expr | None = None
    remains: Formula | None = None
    held_at: tuple[Point, ...] = ()
    reason: str = ""


def leave_open(
    reason: str, remains: Formula | None = None, held_at: tuple[Point, ...] = ()
) -> Verdict:
    """A verdict that leaves the step undecided and says why."""
    return Verdict(Status.UNDECIDED, remains=remains, held_at=held_at, reason=reason)


def exhaust(verdict: Verdict, limit: str) -> Verdict:
    """An open verdict of work that reached a limit: more of it might decide. Others stand."""
    if verdict.status is not Status.UNDECIDED:
        return verdict
    reasons = [reason for reason in (verdict.reason, limit) if reason]
    return dataclasses.replace(verdict, status=Status.EXHAUSTED, reason="; ".join(reasons))


#: Told of each verdict so far, which stands where the work is stopped before a better one.
Progress: TypeAlias = Callable[[Verdict], None]
