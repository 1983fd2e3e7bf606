"""Writing definitions out, and letting sympy know of assumptions such as x > 0."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef

from causalopt.derive.statement.expressions import define
from causalopt.derive.statement.givens import Given, Let
from causalopt.derive.statement.steps import Step, map_expressions
from causalopt.derive.trial.sampling import Domain


@dataclasses.dataclass(frozen=True)
class Reading:
    """How to rewrite expressions for the checker, and how to rewrite what it finds back."""

    forth: tuple[tuple[Any, Any], ...]
    domain: Domain

    def read(self, whole: Any) -> Any:
        """An expression in the checker's symbols."""
        for old, new in self.forth:
            whole = define(whole, old, new)
        return whole

    def back(self, whole: Any) -> Any:
        """What the checker found, in the symbols of the page."""
        for old, new in reversed(self.forth):
            if isinstance(new, sp.Symbol | AppliedUndef):
                whole = define(whole, new, old)
        return whole

    def step(self, step: Step) -> Any:
        """A step in the checker's symbols."""
        return map_expressions(step, self.read)


def reading(givens: Sequence[Given | Let], assuming: Iterable[Any], seed: int = 0) -> Reading:
    """How to read the expressions of a step.

    >>> x, k = sp.symbols("x k", real=True)
    >>> how = reading([Given(x), Given(x > 0), Let(k, 2 * x)], [])
    >>> how.read(sp.sqrt(x**2) + k), how.back(how.read(sp.sqrt(x**2)))
    (3*x, x)
    """
    whats = [one.what for one in givens if isinstance(one, Given)]
    relations = [w for w in whats if not isinstance(w, sp.Symbol | AppliedUndef)]
    relations.extend(assuming)
    sharper = [pair for what in whats if (pair := _sharpened(what, relations)) is not None]
    lets = [(one.name, one.value) for one in givens if isinstance(one, Let)]
    # the last definition first: its value may speak of earlier ones
    forth = (*reversed(lets), *sharper)
    plain = Reading(forth, Domain())
    read = [plain.read(what) for what in whats if isinstance(what, sp.Symbol | AppliedUndef)]
    domain = Domain(
        symbols=tuple(one for one in read if isinstance(one, sp.Symbol)),
        functions=tuple(one for one in read if isinstance(one, AppliedUndef)),
        relations=tuple(r for r in map(plain.read, relations) if r != sp.true),
        seed=seed,
    )
    return Reading(forth, domain)


def _sharpened(what: Any, relations: Sequence[Any]) -> tuple[Any, Any] | None:
    """A symbol or function that an assumption gives a sign, with one that sympy knows it of."""
    if not isinstance(what, sp.Symbol | AppliedUndef):
        return None
    signs = {sign: True for relation in relations for sign in _signs(relation, what)}
    if not signs:
        return None
    if isinstance(what, AppliedUndef):
        known = {k: v for k, v in what.func._kwargs.items() if v is not None}
        return what, sp.Function(what.func.__name__, **(known | signs))(*what.args)
    known = {k: v for k, v in what.assumptions0.items() if v is not None}
    return what, sp.Symbol(what.name, **(known | signs))


def _signs(relation: Any, what: Any) -> Iterable[str]:
    for side, other, kinds in (
        (relation.lhs, relation.rhs, SIGNS),
        (relation.rhs, relation.lhs, TURNED),
    ):
        if side == what and other == 0 and type(relation) in kinds:
            yield kinds[type(relation)]


SIGNS = {
    sp.StrictGreaterThan: "positive",
    sp.GreaterThan: "nonnegative",
    sp.StrictLessThan: "negative",
    sp.LessThan: "nonpositive",
    sp.Unequality: "nonzero",
}
TURNED = {
    sp.StrictGreaterThan: "negative",
    sp.GreaterThan: "nonpositive",
    sp.StrictLessThan: "positive",
    sp.LessThan: "nonnegative",
    sp.Unequality: "nonzero",
}
