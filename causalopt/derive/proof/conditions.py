"""What an expression needs in order to be defined, and which of it the assumptions grant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sympy as sp

from causalopt.derive.statement.contradiction import contradiction

BINDERS = (sp.Integral, sp.Sum, sp.Product, sp.Limit, sp.Lambda, sp.Subs)


def conditions(wholes: Iterable[Any], assumed: Sequence[Any] = ()) -> tuple[Any, ...]:
    """What must hold for expressions to be defined and real: no division by zero, no bad log.

    A condition is left out where it follows from what sympy knows or from an assumption.

    >>> x = sp.Symbol("x", real=True)
    >>> conditions([1 / (x**2 - x), sp.log(x + 2)])
    (x + 2 > 0, Ne(x - 1, 0), Ne(x, 0))
    >>> conditions([1 / (x**2 - x)], [x > 1])
    ()
    """
    found: list[Any] = []
    for whole in wholes:
        for node in _free_nodes(whole):
            found.extend(_needs(node))
    open_ones = [c for c in dict.fromkeys(found) if c != sp.true and not granted(c, assumed)]
    strict = {c.lhs for c in open_ones if isinstance(c, sp.StrictGreaterThan)}
    kept = [c for c in open_ones if not (isinstance(c, sp.Unequality) and c.lhs in strict)]
    return tuple(sorted(kept, key=lambda c: (str(c.func), str(c))))


def nonzero(whole: Any, assumed: Sequence[Any] = ()) -> tuple[Any, ...]:
    """The conditions under which an expression is not zero, factor by factor."""
    factors = sp.factor_list(sp.fraction(sp.together(whole))[0])[1] if whole.args else [(whole, 1)]
    needed = []
    for factor, _ in factors:
        base = factor.base if isinstance(factor, sp.Pow) else factor
        base = base.args[0] if isinstance(base, sp.Abs) else base
        if base.is_nonzero or (base.is_zero is False) or isinstance(base, sp.exp):
            continue
        condition = sp.Ne(base, 0).canonical if base.args else sp.Ne(base, 0)
        if condition != sp.true and not granted(condition, assumed):
            needed.append(condition)
    return tuple(needed)


def granted(condition: Any, assumed: Sequence[Any]) -> bool:
    """Whether the assumptions give the condition: one up to a factor, or its denial cannot be."""
    if any(_gives(relation, condition) for relation in assumed):
        return True
    if isinstance(condition.lhs, sp.Abs) and condition.rel_op in ("<", "<="):
        inside, bound = condition.lhs.args[0], condition.rhs
        both = (condition.func(inside, bound), condition.func(-inside, bound))
        return all(one == sp.true or (one != sp.false and granted(one, assumed)) for one in both)
    denials: tuple[Any, ...] = (condition.negated,)
    if isinstance(condition, sp.Unequality):
        gap = condition.lhs - condition.rhs
        if not gap.is_extended_real:
            return False
        denials = (sp.Eq(gap, 0), gap <= 0, gap >= 0)
    elif isinstance(condition, sp.Equality):
        return False
    return any(contradiction([*assumed, denial]) is not None for denial in denials)


def settled(whole: Any, assumed: Sequence[Any]) -> Any:
    """``whole`` with every Piecewise branch taken that the assumptions settle.

    >>> x = sp.Symbol("x", real=True)
    >>> settled(sp.Piecewise((1, x < 1), (2, True)), [x > 3])
    2
    """
    return whole.replace(sp.Piecewise, lambda *branches: _branch(branches, assumed))


def _branch(branches: Sequence[Any], assumed: Sequence[Any]) -> Any:
    left = []
    for value, condition in branches:
        relation = isinstance(condition, sp.core.relational.Relational)
        if relation and _denied(condition, assumed):
            continue
        sure = condition == sp.true or (relation and granted(condition, assumed))
        left.append((value, sp.true if sure else condition))
        if sure:
            break
    return sp.Piecewise(*left)


def _denied(condition: Any, assumed: Sequence[Any]) -> bool:
    return contradiction([*assumed, condition]) is not None


def _gives(relation: Any, condition: Any) -> bool:
    if not isinstance(relation, sp.core.relational.Relational):
        return False
    gap, sign = _gap(relation)
    wanted = condition.lhs - condition.rhs
    ratio = sp.cancel(wanted / gap) if gap != 0 else sp.nan
    if not ratio.is_Rational or ratio == 0:
        return False
    if isinstance(condition, sp.Unequality):
        return sign in ("!=", ">")
    allowed = (">",) if isinstance(condition, sp.StrictGreaterThan) else (">", ">=")
    return bool(sign in allowed and ratio > 0)


def _gap(relation: Any) -> tuple[Any, str]:
    if isinstance(relation, sp.StrictLessThan | sp.LessThan):
        return relation.rhs - relation.lhs, relation.rel_op.replace("<", ">")
    return relation.lhs - relation.rhs, relation.rel_op


def _free_nodes(whole: Any) -> Iterable[Any]:
    """The nodes outside integrals, sums and limits: what is bound inside has its own domain."""
    stack = [whole]
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, BINDERS):
            stack.extend(node.args)


def _needs(node: Any) -> Iterable[Any]:
    if isinstance(node, sp.Pow) and node.exp.could_extract_minus_sign():
        yield from nonzero(node.base)
    if isinstance(node, sp.Pow) and node.exp.is_Rational and not node.exp.is_Integer:
        yield from _at_least(node.base, strict=False)
    if isinstance(node, sp.log):
        arg = node.args[0]
        if arg.is_extended_nonnegative or not arg.is_extended_real:
            yield from nonzero(arg)
        else:
            yield from _at_least(arg, strict=True)
    if isinstance(node, sp.tan | sp.sec):
        yield from nonzero(sp.cos(node.args[0]))
    if isinstance(node, sp.cot | sp.csc):
        yield from nonzero(sp.sin(node.args[0]))


def _at_least(whole: Any, strict: bool) -> Iterable[Any]:
    factors = [f for f in sp.Mul.make_args(sp.factor(whole)) if not f.is_positive]
    whole = sp.Mul(*factors)
    if whole.is_extended_real and not whole.is_nonnegative:
        yield whole > 0 if strict else whole >= 0
    elif whole.is_nonnegative and strict and not whole.is_positive:
        yield sp.Ne(whole, 0)
