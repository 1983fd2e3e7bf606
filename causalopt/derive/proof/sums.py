"""Sums and products that sympy does not come to the end of: hidden, once for all ways of proof."""

from __future__ import annotations

import dataclasses
import functools

import sympy as sp

from causalopt.derive.proof.integrals import Conditions, WorkedOut, worked_out
from causalopt.derive.trial.failures import FAILURES
from causalopt.ground.work import Exhausted, at_most, is_spent

SHARE = 0.05  # of the work that a step may take, for one of them


def evaluable(whole: sp.Expr, known: Conditions = ()) -> WorkedOut:
    """An expression of which all that sympy may evaluate is evaluated with little work.

    Each way of proof would begin with the sum, and end in it.
    """
    return without_endless(worked_out(whole, known))


def without_endless(done: WorkedOut) -> WorkedOut:
    """The same without sums and products of which there is no end within their share.

    >>> k = sp.Symbol("k", integer=True)
    >>> without_endless(WorkedOut(sp.Sum(k**2, (k, 1, 5)))).hidden
    ()
    """
    endless = [node for node in done.whole.atoms(sp.Sum, sp.Product) if _is_endless(node)]
    names = {node: _name(node, number) for number, node in enumerate(sorted(endless, key=str))}
    pairs = tuple((name, node) for node, name in names.items())
    hidden = (*done.hidden, *pairs)
    return dataclasses.replace(done, whole=done.whole.xreplace(names), hidden=hidden)


def _name(node: sp.Expr, number: int) -> sp.Expr:
    return sp.Function(f"sum {number}")(*sorted(node.free_symbols, key=str), number)


def _is_endless(node: sp.Expr) -> bool:
    return _evaluated(node) is None


def leaves_sums(whole: sp.Expr) -> bool:
    """Whether there are sums or products in an expression of which sympy knows no value."""
    nodes = (_evaluated(node) for node in whole.atoms(sp.Sum, sp.Product))
    return any(node is None or node.has(sp.Sum, sp.Product) for node in nodes)


@functools.lru_cache(maxsize=256)
def _evaluated(node: sp.Expr) -> sp.Expr | None:
    """A sum as sympy evaluates it; None where that takes too much."""
    try:
        with at_most(SHARE):
            return node.doit()
    except Exhausted:
        if is_spent():
            raise  # nothing is known of the sum, and so nothing is kept
        return None
    except FAILURES:
        return node
