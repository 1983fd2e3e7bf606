"""What ``perturb`` makes of a node: a difference that is added, or a value that it is moved to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from sympy import Symbol

from causalopt.ground import checks
from causalopt.ground.errors import QueryError
from causalopt.language.domains import domain_of
from causalopt.model.selection import Key
from causalopt.model.views import View

W = TypeVar("W")
T = TypeVar("T")


@dataclass(frozen=True)
class Shift:
    """What ``perturb`` adds: a difference, or, where ``by`` is None, an infinitesimal one.

    Where there is a ``to``, the difference is whatever brings the node to that value.
    """

    by: float | Symbol | None
    nudged: bool = field(default=False, repr=False)  #: infinitesimally, on top of ``by``
    to: float | None = None

    @property
    def is_infinitesimal(self) -> bool:
        """Whether it, or a part of it, is carried as a derivative."""
        return self.nudged or (self.by is None and self.to is None)

    def plus(self, by: float | None) -> Shift:
        """A second difference on top of it."""
        if self.to is not None:
            return replace(self, nudged=True) if by is None else replace(self, to=self.to + by)
        if by is None or self.by is None:
            finite = self.by if by is None else by
            return Shift(finite, nudged=finite is not None)
        return Shift(self.by + by, self.nudged)

    def without_nudge(self) -> Shift | None:
        """What is left of it without an infinitesimal difference."""
        return None if self.by is None and self.to is None else replace(self, nudged=False)

    def apply(self, view: View[W, T], term: T) -> T:
        """The term with the difference added."""
        if self.to is not None:
            moved = view.constant(self.to)
        else:
            moved = term if self.by is None else view.moved(term, self.by)
        return view.nudged(moved) if self.is_infinitesimal else moved

    def words(self) -> str:
        """perturbed by 0.5"""
        amount = "" if self.by is None else f" by {self.by}"
        told = f"perturbed{amount if self.to is None else f' to {self.to}'}"
        return f"{told} and nudged" if self.nudged else told


def shift_of(nodes: object, by: float | None, to: float | str | None) -> Callable[[Key], Shift]:
    """The shift of each key, as a user writes it: by a difference, to a value, or neither."""
    if to is not None:
        if by is not None:
            raise QueryError(f"perturb({nodes}, by={by}, to={to}): write one of the two.")
        where = f"The value of perturb({nodes}, to=...)"
        return lambda key: Shift(None, to=domain_of(key).code(to, where))
    shift = Shift(None if by is None else checks.finite(by, f"by, of perturb({nodes}),"))
    return lambda key: shift
