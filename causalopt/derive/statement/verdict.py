"""What the checker found out about one step."""

from __future__ import annotations

import dataclasses
from typing import Any

from causalopt.derive.statement.steps import Status


@dataclasses.dataclass(frozen=True)
class Point:
    """One case: a number for every symbol, and a concrete function for every unknown one."""

    symbols: tuple[tuple[Any, Any], ...] = ()
    functions: tuple[tuple[Any, Any], ...] = ()

    def __str__(self) -> str:
        return ", ".join(f"{name} = {value}" for name, value in (*self.functions, *self.symbols))


@dataclasses.dataclass(frozen=True)
class Counterexample:
    """A case in which both sides are defined and differ; all its numbers are exact."""

    point: Point
    left: Any
    right: Any


@dataclasses.dataclass(frozen=True)
class Verdict:
    """Proved, refuted or undecided, and what there is to show for it.

    Parameters
    ----------
    route : by which kind of rewriting the difference became zero, where proved.
    conditions : what the step needs beyond the givens. One that is proved holds where they do;
        one that is refuted would hold if they did.
    counterexample, corrected : where refuted, a case that shows it, and a right-hand side that is
        proved to fit (None where none was found).
    remains : where undecided, the difference that was not brought to zero.
    held_at : cases in which the step held, exactly or to 50 digits.
    reason : in words, what else there is to say.
    """

    status: Status
    route: str = ""
    conditions: tuple[Any, ...] = ()
    counterexample: Counterexample | None = None
    corrected: Any = None
    remains: Any = None
    held_at: tuple[Point, ...] = ()
    reason: str = ""


def undecided(reason: str, remains: Any = None, held_at: tuple[Point, ...] = ()) -> Verdict:
    """A verdict that leaves the step open and says why."""
    return Verdict(Status.UNDECIDED, remains=remains, held_at=held_at, reason=reason)
