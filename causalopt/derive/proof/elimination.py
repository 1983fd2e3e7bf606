"""Using equations that hold: solving each for what it determines, and putting that elsewhere."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import TypeAlias

import sympy as sp
from sympy.core.function import AppliedUndef

from causalopt.derive.proof.instances import has_room, put_at_fitting, put_once
from causalopt.derive.statement.scope import Scope
from causalopt.derive.trial.values import differentiate

#: What an equation can be solved for: a symbol, a function or a derivative of one, a logarithm ...
Kernel: TypeAlias = sp.Expr

NOTHING = Scope()
MANY_OPERATIONS = 200  # above it, a solution is not cancelled: that would take too long


@dataclasses.dataclass(frozen=True)
class Solved:
    """A hypothesis solved for one thing in it, and what was divided by.

    ``known``: it holds for all arguments that fit this scope, since the function stands as it was
    given; at other arguments, as in R(high) for a given R(s), it is one value only, and None.
    """

    what: Kernel
    value: sp.Expr
    divisor: sp.Expr
    known: Scope | None = None


def ways_to_solve(gap: sp.Expr, scope: Scope = NOTHING) -> Iterator[Solved]:
    """Everything that ``gap = 0`` determines because it enters linearly, derivatives first.

    A logarithm determines its argument; a positive thing is determined by its exponential.

    >>> x, y = sp.symbols("x y", real=True)
    >>> [(way.what, way.value) for way in ways_to_solve(2 * x - y)]
    [(x, y/2), (y, 2*x)]
    """
    numerator = sp.expand(sp.fraction(sp.cancel(sp.together(gap)))[0])
    for what in _kernels(numerator):
        # linear only: a square has two roots, and a proof would have to hold for both
        mark = sp.Dummy("mark")
        marked = numerator.xreplace({what: mark})
        if mentions(marked, what) or not marked.is_polynomial(mark):
            continue
        polynomial = sp.Poly(marked, mark)
        if polynomial.degree() != 1:
            continue
        slope, rest = polynomial.all_coeffs()
        value = sp.cancel(-rest / slope) if _is_small(rest) else -rest / slope
        yield from _unwrap(Solved(what, value, slope, _known(what, scope)), scope)


def _known(what: Kernel, scope: Scope) -> Scope | None:
    function = what.expr if isinstance(what, sp.Derivative) else what
    return scope if function in scope.functions else None


def _is_small(whole: sp.Expr) -> bool:
    return bool(sp.count_ops(whole) < MANY_OPERATIONS)


def _kernels(whole: sp.Expr) -> list[Kernel]:
    """What may be solved for: highest derivatives first, the normal form of an equation."""
    derivatives = whole.atoms(sp.Derivative)
    applied = whole.atoms(AppliedUndef)
    wrapped = whole.atoms(sp.log, sp.exp)
    inside = set().union(*(function.free_symbols for function in applied)) if applied else set()
    # a function's argument stands for every value that it may take: it cannot be solved for
    symbols = whole.free_symbols - inside
    return [
        *sorted(derivatives, key=lambda d: (-d.derivative_count, str(d))),
        *sorted(applied, key=str),
        *sorted(symbols, key=str),
        *sorted(wrapped, key=str),
    ]


def mentions(marked: sp.Expr, what: Kernel) -> bool:
    """Whether a thing still occurs, itself or inside a derivative of itself."""
    if isinstance(what, sp.Derivative):
        return any(_is_higher(d, what) for d in marked.atoms(sp.Derivative))
    return bool(marked.has(what))


def _is_higher(derivative: sp.Derivative, than: sp.Derivative) -> bool:
    if derivative.expr != than.expr:
        return False
    counts = dict(derivative.variable_count)
    return all(counts.get(v, 0) >= n for v, n in than.variable_count)


def _unwrap(solved: Solved, scope: Scope) -> Iterator[Solved]:
    """log(x) = a as x = exp(a), and exp(x) = a as x = log(a), the latter for real x alone."""
    what = solved.what
    if not isinstance(what, sp.log | sp.exp):
        yield solved
        return
    inner = what.args[0]
    plain = isinstance(inner, sp.Symbol | AppliedUndef)
    if plain and (isinstance(what, sp.log) or inner.is_real):
        value = sp.exp(solved.value) if isinstance(what, sp.log) else sp.log(solved.value)
        yield Solved(inner, value, solved.divisor, _known(inner, scope))


def put(whole: sp.Expr, solved: Solved) -> sp.Expr:
    """``whole`` with the solved thing, and derivatives of it, written out."""
    what = solved.what
    # an equation between functions holds at every argument that fits, and so may be differentiated
    if isinstance(what, AppliedUndef) and solved.known:
        return differentiate(put_at_fitting(whole, what, solved.value, solved.known))
    if solved.known is None or not all(has_room(x, solved.known) for x in what.expr.args):
        return differentiate(put_once(whole, what, solved.value))
    while any(_is_higher(derivative, what) for derivative in whole.atoms(sp.Derivative)):
        # the value may hold lower derivatives, which raise again: each round lowers the order
        whole = differentiate(whole.replace(sp.Derivative, lambda *args: _lower(args, solved)))
    return whole


def _lower(args: Sequence[sp.Basic], solved: Solved) -> sp.Expr:
    """A derivative of what was solved for as a derivative, by the rest, of its value."""
    node = sp.Derivative(*args)
    if not isinstance(node, sp.Derivative) or not _is_higher(node, solved.what):
        return node
    left = dict(node.variable_count)
    for variable, times in solved.what.variable_count:
        left[variable] -= times
    more = [(variable, times) for variable, times in left.items() if times]
    return sp.diff(solved.value, *more) if more else solved.value


def eliminations(
    gaps: Sequence[sp.Expr],
    wanted: sp.Expr | None = None,
    scope: Scope = NOTHING,
) -> Iterator[tuple[Solved, ...]]:
    """Ways to solve all hypotheses one after the other; each solution enters those after it.

    Those that solve for ``wanted`` come first, those that leave a hypothesis unused come last.
    """
    if not gaps:
        yield ()
        return
    for solved in sorted(ways_to_solve(gaps[0], scope), key=lambda way: way.what != wanted):
        rest = [put(gap, solved) for gap in gaps[1:]]
        for others in eliminations([gap for gap in rest if sp.expand(gap) != 0], wanted, scope):
            yield (solved, *others)
    yield from eliminations(gaps[1:], wanted, scope)
