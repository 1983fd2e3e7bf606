"""Writing definitions out, and letting sympy know of assumptions such as x > 0."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.core.relational import Relational
from sympy.logic.boolalg import Boolean

from causalopt.derive.statement.expressions import Name, define
from causalopt.derive.statement.givens import Given, Let
from causalopt.derive.statement.records import map_expressions
from causalopt.derive.statement.scope import Scope
from causalopt.derive.statement.steps import Step


@dataclasses.dataclass(frozen=True)
class Reading:
    """How to rewrite expressions for the checker, and how to rewrite its findings back.

    A definition is written out, the last one first, since it may speak of those before; then names
    become those of which the checker knows more (``sharper``).
    """

    defined: tuple[tuple[Name, sp.Expr], ...]
    sharper: tuple[tuple[Name, Name], ...]
    scope: Scope

    def read(self, whole: sp.Basic) -> sp.Basic:
        """An expression in the checker's symbols."""
        for name, value in self.defined:
            whole = define(whole, name, value)
        for old, new in self.sharper:
            whole = _renamed(whole, old, new)
        return whole

    def back(self, whole: sp.Basic) -> sp.Basic:
        """An expression of the checker, in the symbols of the page; definitions stay written out,
        as their values may occur anywhere."""
        for old, new in self.sharper:
            whole = _renamed(whole, new, old)
        return whole

    def step(self, step: Step) -> Step:
        """A step in the checker's symbols."""
        return map_expressions(step, self.read)


def reading_of(
    givens: Sequence[Given | Let],
    assuming: Iterable[Relational],
    seed: int = 0,
    borrowed: Iterable[Boolean] = (),
) -> Reading:
    """How to read the expressions of a step.

    >>> x, k = sp.symbols("x k", real=True)
    >>> reading = reading_of([Given(x), Given(x > 0), Let(k, 2 * x)], [])
    >>> reading.read(sp.sqrt(x**2) + k), reading.back(reading.read(sp.sqrt(x**2)))
    (3*x, x)
    """
    declared = [given.what for given in givens if isinstance(given, Given)]
    names = [what for what in declared if isinstance(what, sp.Symbol | AppliedUndef)]
    relations = [what for what in declared if not isinstance(what, sp.Symbol | AppliedUndef)]
    relations.extend(assuming)
    # sympy takes sqrt(x²) for x where the symbol is positive, not where x > 0 is assumed of it:
    # so the checker works with symbols that carry what the page assumes
    sharper = tuple(pair for name in names if (pair := _sharpening(name, relations)) is not None)
    defined = tuple((let.name, let.value) for let in reversed(givens) if isinstance(let, Let))
    plain = Reading(defined, sharper, Scope())
    read = [plain.read(name) for name in names]
    scope = Scope(
        symbols=tuple(name for name in read if isinstance(name, sp.Symbol)),
        functions=tuple(name for name in read if isinstance(name, AppliedUndef)),
        # what sympy now knows of a symbol comes out as True, and need not be assumed
        relations=tuple(r for r in map(plain.read, relations) if r != sp.true),
        seed=seed,
        borrowed=tuple(r for r in map(plain.read, borrowed) if r != sp.true),
    )
    return Reading(defined, sharper, scope)


def _renamed(whole: sp.Basic, old: Name, new: Name) -> sp.Basic:
    if isinstance(old, AppliedUndef):
        return whole.replace(old.func, new.func)
    return whole.subs(old, new)


def _sharpening(name: Name, relations: Sequence[Boolean]) -> tuple[Name, Name] | None:
    """A symbol or function that an assumption gives a sign, with one that sympy knows it of."""
    signs = {sign: True for relation in relations for sign in _signs(relation, name)}
    if not signs:
        return None
    if isinstance(name, AppliedUndef):
        known = {k: v for k, v in name.func._kwargs.items() if v is not None}
        return name, sp.Function(name.func.__name__, **(known | signs))(*name.args)
    known = {k: v for k, v in name.assumptions0.items() if v is not None}
    return name, sp.Symbol(name.name, **(known | signs))


def _signs(relation: Boolean, name: Name) -> Iterator[str]:
    if not isinstance(relation, Relational):  # x > 0 of a positive x is True, and says no more
        return
    for side, other, kinds in (
        (relation.lhs, relation.rhs, SIGNS),
        (relation.rhs, relation.lhs, TURNED),
    ):
        if side == name and other == 0 and type(relation) in kinds:
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
