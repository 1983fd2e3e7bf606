"""What is assumed of a name, and whether what is put in for it contradicts that."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence

import sympy as sp
from sympy.core.relational import Relational
from sympy.logic.boolalg import Boolean

from causalopt.derive.statement.contradiction import find_conflict

#: What sympy may assume, told in this order: the first ones say most.
FACTS = (
    "zero", "prime", "even", "odd", "positive", "negative", "nonnegative", "nonpositive", "nonzero",
    "integer", "irrational", "rational", "imaginary", "real", "algebraic", "complex", "finite",
    "extended_positive", "extended_negative", "extended_nonnegative", "extended_nonpositive",
    "extended_nonzero", "extended_real", "composite", "noninteger", "transcendental", "infinite",
    "hermitian", "antihermitian",
)  # fmt: skip
SIGNS: Mapping[str, type[Relational]] = {
    "positive": sp.StrictGreaterThan,
    "negative": sp.StrictLessThan,
    "nonnegative": sp.GreaterThan,
    "nonpositive": sp.LessThan,
    "nonzero": sp.Unequality,
}
#: Known of a symbol, they leave it no room to move in: it jumps, or stands.
_STIFF = ("integer", "rational", "irrational", "algebraic", "transcendental")

#: What is put in, by what it is put in for.
Values = Mapping[sp.Expr, sp.Expr]


def facts_of(name: sp.Expr) -> dict[str, bool]:
    """What sympy assumes of a symbol, or knows of a formula, without what follows from the rest.

    >>> facts_of(sp.Symbol("m", integer=True, positive=True))
    {'positive': True, 'integer': True}
    """
    return dict(_essential(tuple((fact, getattr(name, f"is_{fact}")) for fact in FACTS)))


@functools.cache
def _essential(known: tuple[tuple[str, bool | None], ...]) -> tuple[tuple[str, bool], ...]:
    chosen: dict[str, bool] = {}
    # what holds says more than what does not
    for wanted in (True, False):
        for fact, truth in known:
            if truth is wanted and sp.Symbol("x", **chosen).assumptions0.get(fact) is not truth:
                chosen[fact] = truth
    return tuple(chosen.items())


def is_stiff(symbol: sp.Symbol) -> bool:
    """Whether a symbol cannot move, so that there is no slope in it: a whole number, say.

    >>> is_stiff(sp.Symbol("n", integer=True)), is_stiff(sp.Symbol("p", positive=True))
    (True, False)
    """
    known = symbol.assumptions0
    return symbol.is_zero is True or any(known.get(fact) for fact in _STIFF)


def tell(name: sp.Expr, fact: str, truth: bool) -> str:
    """An assumption in words."""
    return f"{name} is {'' if truth else 'not '}{fact}"


def relations_put(
    values: Values, relations: Sequence[Boolean]
) -> Iterator[tuple[Boolean, Boolean]]:
    """The relations that speak of what is replaced, each with what becomes of it."""
    for relation in relations:
        if any(relation.has(old) for old in values):
            try:
                yield relation, relation.subs(dict(values), simultaneous=True)
            except TypeError:  # what is put in has no order, as i has none
                yield relation, sp.false


def as_sign(value: sp.Expr, fact: str) -> Boolean | None:
    """That a real value has a sign as a relation; None where there is none."""
    if fact not in SIGNS or not value.is_extended_real:
        return None
    return SIGNS[fact](value, 0)


def contradicted(values: Values, relations: Sequence[Boolean]) -> str | None:
    """The assumption that cannot hold of what is put in, in words; None where none was found.

    >>> x, p = sp.Symbol("x", real=True), sp.Symbol("p", positive=True)
    >>> contradicted({p: -(x**2)}, [])
    'p is positive'
    >>> contradicted({x: sp.Integer(5)}, [x < 2])
    'x < 2'
    """
    for old, new in values.items():
        for fact, truth in facts_of(old).items():
            sign = as_sign(new, fact) if truth else None
            denied = sign is not None and find_conflict([*relations, sign]) is not None
            if denied or getattr(new, f"is_{fact}") is (not truth):
                return tell(old, fact, truth)
    for relation, there in relations_put(values, relations):
        if there == sp.false or find_conflict([*relations, there]) is not None:
            return str(relation)
    return None
