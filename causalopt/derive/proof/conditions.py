"""What an expression needs in order to be defined, and which of it the assumptions grant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import sympy as sp
from sympy.core.relational import Relational
from sympy.logic.boolalg import Boolean

from causalopt.derive.statement.contradiction import find_conflict
from causalopt.derive.trial.kinks import kink_gaps

BINDERS = (sp.Integral, sp.Sum, sp.Product, sp.Limit, sp.Lambda, sp.Subs)


def conditions_of(
    wholes: Iterable[sp.Basic], assumed: Sequence[Boolean] = ()
) -> tuple[Boolean, ...]:
    """What must hold for expressions to be defined and real: no division by zero, no bad log.

    A condition is left out where it follows from what sympy knows or from an assumption.

    >>> x = sp.Symbol("x", real=True)
    >>> conditions_of([1 / (x**2 - x), sp.log(x + 2)])
    (x + 2 > 0, Ne(x - 1, 0), Ne(x, 0))
    >>> conditions_of([1 / (x**2 - x)], [x > 1])
    ()
    """
    needs: list[Boolean] = []
    for whole in wholes:
        for node in _free_nodes(whole):
            needs.extend(_needs(node))
    open_needs = [c for c in dict.fromkeys(needs) if c != sp.true and not is_granted(c, assumed)]
    if sp.false in open_needs:
        return (sp.false,)
    # what is above zero need not be told to differ from it
    strict = {c.lhs for c in open_needs if isinstance(c, sp.StrictGreaterThan)}
    kept = [c for c in open_needs if not (isinstance(c, sp.Unequality) and c.lhs in strict)]
    return tuple(sorted(kept, key=lambda c: (str(c.func), str(c))))


def nonzero_conditions(whole: sp.Expr, assumed: Sequence[Boolean] = ()) -> tuple[Boolean, ...]:
    """The conditions under which an expression is not zero, factor by factor."""
    factors = sp.factor_list(sp.fraction(sp.together(whole))[0])[1] if whole.args else [(whole, 1)]
    needs = []
    for factor, _ in factors:
        base = factor.base if isinstance(factor, sp.Pow) else factor
        base = base.args[0] if isinstance(base, sp.Abs) else base
        if base.is_nonzero or (base.is_zero is False) or isinstance(base, sp.exp):
            continue
        condition = sp.Ne(base, 0).canonical if base.args else sp.Ne(base, 0)
        if condition != sp.true and not is_granted(condition, assumed):
            needs.append(condition)
    return tuple(needs)


def is_granted(condition: Relational, assumed: Sequence[Boolean]) -> bool:
    """Whether the assumptions give the condition: one up to a factor, or its denial cannot be."""
    if condition in (sp.true, sp.false):
        return bool(condition)
    if any(_gives(relation, condition) for relation in assumed):
        return True
    if isinstance(condition.lhs, sp.Abs) and condition.rel_op in ("<", "<="):
        # |a| < b as a < b and -a < b, which the search for a conflict can read
        inside, bound = condition.lhs.args[0], condition.rhs
        both = (condition.func(inside, bound), condition.func(-inside, bound))
        return all(
            half == sp.true or (half != sp.false and is_granted(half, assumed)) for half in both
        )
    denials: tuple[Boolean, ...] = (condition.negated,)
    if isinstance(condition, sp.Unequality):
        gap = condition.lhs - condition.rhs
        if not gap.is_extended_real:
            return False
        # gap = 0 denies it, and so do both of its halves; any that is impossible is enough
        denials = (sp.Eq(gap, 0), gap <= 0, gap >= 0)
    elif isinstance(condition, sp.Equality):
        return False
    return any(find_conflict([*assumed, denial]) is not None for denial in denials)


def settle_branches(whole: sp.Expr, assumed: Sequence[Boolean]) -> sp.Expr:
    """``whole`` with every Piecewise branch taken that the assumptions settle.

    >>> x = sp.Symbol("x", real=True)
    >>> settle_branches(sp.Piecewise((1, x < 1), (2, True)), [x > 3])
    2
    """
    return whole.replace(sp.Piecewise, lambda *branches: _possible(branches, assumed))


def _possible(branches: Sequence[sp.Tuple], assumed: Sequence[Boolean]) -> sp.Expr:
    """A Piecewise without the branches that cannot be, nor those after one that is sure."""
    left = []
    for value, condition in branches:
        is_relation = isinstance(condition, Relational)
        if is_relation and _is_denied(condition, assumed):
            continue
        sure = condition == sp.true or (is_relation and is_granted(condition, assumed))
        left.append((value, sp.true if sure else condition))
        if sure:
            break
    return sp.Piecewise(*left)


def _is_denied(condition: Relational, assumed: Sequence[Boolean]) -> bool:
    return find_conflict([*assumed, condition]) is not None


def _gives(relation: Boolean, condition: Relational) -> bool:
    """Whether an assumption is the condition times a number, or more than that."""
    if not isinstance(relation, Relational):
        return False
    gap, sign = _gap(relation)
    wanted = condition.lhs - condition.rhs
    ratio = sp.cancel(wanted / gap) if gap != 0 else sp.nan
    if not ratio.is_Rational or ratio == 0:
        return False
    if isinstance(condition, sp.Unequality):
        return sign in ("!=", ">")
    # a factor below zero would turn the sign around
    allowed = (">",) if isinstance(condition, sp.StrictGreaterThan) else (">", ">=")
    return bool(sign in allowed and ratio > 0)


def _gap(relation: Relational) -> tuple[sp.Expr, str]:
    if isinstance(relation, sp.StrictLessThan | sp.LessThan):
        return relation.rhs - relation.lhs, relation.rel_op.replace("<", ">")
    return relation.lhs - relation.rhs, relation.rel_op


def _free_nodes(whole: sp.Basic) -> Iterator[sp.Basic]:
    """The nodes outside integrals, sums and limits: what is bound inside has its own scope."""
    stack = [whole]
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, BINDERS):
            stack.extend(node.args)


def _needs(node: sp.Basic) -> Iterator[Boolean]:
    """What one node needs of its arguments: the places where functions are undefined or complex."""
    if isinstance(node, sp.Pow) and node.exp.could_extract_minus_sign():
        yield from nonzero_conditions(node.base)
    if isinstance(node, sp.Pow) and node.exp.is_Rational and not node.exp.is_Integer:
        yield from _at_least(node.base, strict=False)
    if isinstance(node, sp.Derivative):
        for gap in kink_gaps(node):
            yield from nonzero_conditions(gap)
    if isinstance(node, sp.log):
        arg = node.args[0]
        # a complex logarithm is undefined at zero alone, a real one below zero too
        if arg.is_extended_nonnegative or not arg.is_extended_real:
            yield from nonzero_conditions(arg)
        else:
            yield from _at_least(arg, strict=True)
    if isinstance(node, sp.tan | sp.sec):
        yield from nonzero_conditions(sp.cos(node.args[0]))
    if isinstance(node, sp.cot | sp.csc):
        yield from nonzero_conditions(sp.sin(node.args[0]))


def _at_least(whole: sp.Expr, strict: bool) -> Iterator[Boolean]:
    factors = [f for f in sp.Mul.make_args(sp.factor(whole)) if not f.is_positive]
    whole = sp.Mul(*factors)
    if whole.is_extended_real and not whole.is_nonnegative:
        yield whole > 0 if strict else whole >= 0
    elif whole.is_nonnegative and strict and not whole.is_positive:
        yield sp.Ne(whole, 0)
