"""Seams, where a formula changes its rule: found, and decided on one side of a point."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.core.relational import Relational
from sympy.logic.boolalg import Boolean

from causalopt.derive.trial.expansion import Unexpandable, expand, sign_near_zero

KINKED = (sp.Abs, sp.sign, sp.Heaviside)
EXTREMES = (sp.Max, sp.Min)
STEPS = (sp.floor, sp.ceiling, sp.frac, sp.Mod)
SEAMED = (sp.Piecewise, *KINKED, *EXTREMES, *STEPS)


def seam_gaps(whole: sp.Basic) -> tuple[sp.Expr, ...]:
    """Expressions that vanish on the seams of a formula: everywhere else it keeps to one rule.

    >>> x = sp.Symbol("x", real=True)
    >>> seam_gaps(sp.Abs(x) + sp.Piecewise((x, x < 1), (0, True)))
    (x, x - 1)
    """
    nodes = (node for node in sp.preorder_traversal(whole) if isinstance(node, SEAMED))
    gaps = dict.fromkeys(gap for node in nodes for gap in gaps_of(node))
    return tuple(sorted((gap for gap in gaps if gap.free_symbols), key=str))


def gaps_of(node: sp.Basic) -> Iterator[sp.Expr]:
    """What vanishes on the seams of one seamed node."""
    if isinstance(node, KINKED):
        yield node.args[0]
    elif isinstance(node, EXTREMES):
        yield from (first - second for first, second in itertools.combinations(node.args, 2))
    elif isinstance(node, sp.Piecewise):
        for _, condition in node.args:
            for relation in condition.atoms(Relational):
                yield relation.lhs - relation.rhs
    elif isinstance(node, STEPS):
        ratio = node.args[0] / (node.args[1] if isinstance(node, sp.Mod) else 1)
        yield sp.sin(sp.pi * ratio)  # zero just where the ratio is a whole number


def is_seamed(whole: sp.Basic, variable: sp.Symbol) -> bool:
    """Whether a seam of the formula may be met as the variable moves."""
    return any(node.has(variable) for node in whole.atoms(*SEAMED))


def beside(
    whole: sp.Expr,
    variable: sp.Symbol,
    to: sp.Expr,
    sign: sp.Expr,
    h: sp.Symbol,
    power: int = 1,
) -> sp.Expr:
    """``whole`` in a small h > 0, on one side of a point, by the one rule that it keeps to there.

    The variable is to + sign h^power, where ``sign`` is 1, -1 or another number of size 1. At an
    infinite point h is 1 over the distance from zero. Where h may be any complex number, so that
    there are no sides, the formula must have no seam.

    Raises
    ------
    Undetermined
        With the expression on whose sign the rule depends.
    Unexpandable
        Where the rule cannot be told.

    >>> x, h = sp.Symbol("x", real=True), sp.Symbol("h", positive=True)
    >>> [beside(sp.Abs(x) / x, x, sp.S.Zero, sign, h) for sign in (1, -1)]
    [1, -1]
    """
    infinite = {sp.oo: sign / h**power, -sp.oo: -sign / h**power}
    return _decide(whole, {variable: infinite.get(to, to + sign * h**power)}, h)


def _decide(node: sp.Basic, moved: dict[sp.Symbol, sp.Expr], h: sp.Symbol) -> sp.Basic:
    if node in moved:
        return moved[node]
    if not node.args or not moved.keys() & node.free_symbols:
        return node
    if isinstance(node, SEAMED) and not h.is_positive:
        raise Unexpandable("a seam in the plane")
    if isinstance(node, sp.Piecewise):
        for branch, condition in node.args:
            if _holds(condition, moved, h):
                return _decide(branch, moved, h)
        raise Unexpandable("no branch applies")
    if isinstance(node, sp.Derivative | sp.Integral | sp.Sum | sp.Limit | sp.Product | sp.Subs):
        if is_seamed(node, next(iter(moved))):
            raise Unexpandable("a seam inside what is bound")
        return node.subs(moved)
    args = [_decide(arg, moved, h) for arg in node.args]
    if isinstance(node, SEAMED):
        return _one_rule(node, args, h)
    rebuilt = node.func(*args)
    if rebuilt.has(sp.nan, sp.zoo):
        raise Unexpandable("undefined beside the point")
    return rebuilt


def _one_rule(node: sp.Basic, args: list[sp.Expr], h: sp.Symbol) -> sp.Expr:
    if isinstance(node, sp.Abs) and args[0].is_extended_real is not True:
        across, up = args[0].as_real_imag()
        return sp.sqrt(across**2 + up**2)
    if isinstance(node, KINKED):
        sign = sign_near_zero(args[0], h)
        if isinstance(node, sp.Abs):
            return sign * args[0]
        return sp.Integer(sign) if isinstance(node, sp.sign) else node.func(sp.Integer(sign))
    if isinstance(node, EXTREMES):
        turn = 1 if isinstance(node, sp.Max) else -1
        best = args[0]
        for other in args[1:]:
            best = other if sign_near_zero(other - best, h) == turn else best
        return best
    if isinstance(node, sp.floor):
        return _floor(args[0], h)
    if isinstance(node, sp.ceiling):
        return -_floor(-args[0], h)
    if isinstance(node, sp.frac):
        return args[0] - _floor(args[0], h)
    return args[0] - args[1] * _floor(args[0] / args[1], h)


def _floor(whole: sp.Expr, h: sp.Symbol) -> sp.Expr:
    limit = expand(whole, h).limit()
    if not limit.is_finite or limit.is_real is not True:
        raise Unexpandable("a step at no finite number")
    if limit.is_integer:
        return limit - 1 if sign_near_zero(whole - limit, h) < 0 else limit
    if limit.is_integer is False:
        return sp.floor(limit)
    # neither known to be whole nor not: the step may be here
    raise Unexpandable("a step where it may jump")


def _holds(condition: Boolean, moved: dict[sp.Symbol, sp.Expr], h: sp.Symbol) -> bool:
    """Whether a condition holds for all small h > 0."""
    if condition in (sp.true, sp.false):
        return bool(condition)
    if isinstance(condition, sp.Not):
        return not _holds(condition.args[0], moved, h)
    if isinstance(condition, sp.And):
        return all(_holds(part, moved, h) for part in condition.args)
    if isinstance(condition, sp.Or):
        return any(_holds(part, moved, h) for part in condition.args)
    if not isinstance(condition, Relational) or condition.atoms(AppliedUndef):
        raise Unexpandable("a condition that cannot be read")
    gap = _decide(condition.lhs, moved, h) - _decide(condition.rhs, moved, h)
    sign = sign_near_zero(gap, h)
    return bool(condition.func(sp.Integer(sign), 0))
