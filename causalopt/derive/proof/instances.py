"""Putting in a function that is known at the arguments for which its equation holds."""

from __future__ import annotations

from collections.abc import Iterator

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.logic.boolalg import Boolean

from causalopt.derive.proof.fitting import unshown
from causalopt.derive.statement.contradiction import find_conflict
from causalopt.derive.statement.fitting import is_stiff
from causalopt.derive.statement.scope import Scope

#: What binds a variable, or takes a slope in it: more than one value is asked for.
MOVING = (sp.Derivative, sp.Subs, sp.Integral, sp.Sum, sp.Product, sp.Limit)
_JUMPING = (sp.floor, sp.ceiling, sp.frac, sp.Mod, sp.sign, sp.Heaviside, sp.Piecewise)


def put_at_fitting(whole: sp.Expr, what: AppliedUndef, value: sp.Expr, scope: Scope) -> sp.Expr:
    """``whole`` with ``what`` = ``value`` put in at every argument that fits what is assumed.

    >>> m, f = sp.Symbol("m", positive=True), sp.Function("f")
    >>> put_at_fitting(f(2) + f(m + 1) + f(-1), f(m), m**2, Scope((m,)))
    (m + 1)**2 + f(-1) + 4
    """
    kept = {node: sp.Dummy("kept") for node in _slopes_unknown(whole, what, scope)}
    masked = whole.xreplace(kept)
    for node in masked.atoms(sp.Subs):
        masked = masked.xreplace({node: _named_as_given(node, what, scope)})
    formula = sp.Lambda(what.args, value)

    def at(*args: sp.Expr) -> sp.Expr:
        fits = unshown(dict(zip(what.args, args, strict=True)), scope.relations, scope.borrowed)
        return formula(*args) if fits is None else what.func(*args)

    return masked.replace(what.func, at).xreplace({mark: node for node, mark in kept.items()})


def put_once(whole: sp.Expr, what: sp.Expr, value: sp.Expr) -> sp.Expr:
    """``whole`` with one value put in, and not where more than this one is asked for.

    >>> y, f = sp.Symbol("y"), sp.Function("f")
    >>> put_once(f(y) + sp.Derivative(f(y), y), f(y), y**2)
    y**2 + Derivative(f(y), y)
    """
    kept: dict[sp.Basic, sp.Dummy] = {}
    if not isinstance(what, sp.Symbol):
        for node in whole.atoms(*MOVING):
            if node != what and node.has(what) and _moves(node) & what.free_symbols:
                kept[node] = sp.Dummy("kept")
    put = whole.xreplace(kept).subs(what, value)
    return put.xreplace({mark: node for node, mark in kept.items()})


def _moves(node: sp.Expr) -> set[sp.Basic]:
    if isinstance(node, sp.Derivative | sp.Subs):
        return set(node.variables)
    return set(node.args[1].free_symbols if isinstance(node, sp.Limit) else node.variables)


def has_room(symbol: sp.Symbol, scope: Scope) -> bool:
    """Whether a symbol can move from each value that it may have: if not, it knows of no slope.

    >>> x = sp.Symbol("x", real=True)
    >>> has_room(x, Scope((x,), relations=(x >= 1, x < 2)))
    True
    >>> has_room(x, Scope((x,), relations=(x >= 1, x <= 1)))
    False
    """
    relations = (*scope.relations, *scope.borrowed)
    about = [relation for relation in relations if relation.has(symbol)]
    if is_stiff(symbol) or any(relation.has(*_JUMPING) for relation in about):
        return False
    edges = [relation for relation in about if isinstance(relation, sp.Ge | sp.Le)]
    # a range with straight edges has room everywhere, or nowhere; others may end in a point
    if not all(_is_straight(edge.gts - edge.lts) for edge in edges):
        return False
    inside: list[Boolean] = [relation for relation in relations if relation not in edges]
    return find_conflict([*inside, *(edge.gts > edge.lts for edge in edges)]) is None


def _is_straight(gap: sp.Expr) -> bool:
    symbols = sorted(gap.free_symbols, key=str)
    if gap.atoms(AppliedUndef) or not gap.is_polynomial(*symbols):
        return False
    polynomial = sp.Poly(gap, *symbols)
    rational = all(coefficient.is_Rational for coefficient in polynomial.coeffs())
    return bool(polynomial.total_degree() <= 1 and rational)


def _slopes_unknown(whole: sp.Expr, what: AppliedUndef, scope: Scope) -> Iterator[sp.Expr]:
    """Derivatives of a function in arguments that cannot move: its values do not give them."""
    rigid = {k for k, symbol in enumerate(what.args) if not has_room(symbol, scope)}
    for node in whole.atoms(sp.Derivative, sp.Subs) if rigid else ():
        inner = node.atoms(sp.Derivative)
        if any(derivative.has(what.func) for derivative in inner):
            yield node


def _named_as_given(node: sp.Subs, what: AppliedUndef, scope: Scope) -> sp.Expr:
    """f'(s) at s = a as f'(x) at x = a, for a given f(x), where a fits what is assumed of x."""
    inside, names = node.expr, list(node.variables)
    for applied in inside.atoms(AppliedUndef):
        if applied.func != what.func:
            continue
        for given, arg in zip(what.args, applied.args, strict=True):
            if arg in names and given not in inside.free_symbols and given not in names:
                place = node.point[names.index(arg)]
                if unshown({given: place}, scope.relations, scope.borrowed) is None:
                    inside = inside.subs(arg, given)
                    names[names.index(arg)] = given
    return sp.Subs(inside, tuple(names), tuple(node.point))
