"""Integrals that have no value, by exact arithmetic: a pole of a rational function in the range."""

from __future__ import annotations

import sympy as sp
from sympy.core.function import AppliedUndef

from causalopt.derive.statement.verdict import Counterexample, Point
from causalopt.derive.trial.failures import FAILURES
from causalopt.derive.trial.trials import Pair
from causalopt.derive.trial.values import BINDERS, NoValue, at


def diverges(node: sp.Integral) -> bool:
    """Whether a rational function has a pole in a range of numbers: True where that is seen.

    In lowest terms it has one wherever its divisor is zero, and grows there at least as 1/t does.

    >>> t = sp.Symbol("t", real=True)
    >>> diverges(sp.Integral(1 / t, (t, -1, 1))), diverges(sp.Integral(1 / t, (t, 1, 2)))
    (True, False)
    """
    if len(node.limits) != 1 or len(node.limits[0]) != 3:
        return False
    variable, *ends = node.limits[0]
    if not all(end.is_Rational for end in ends) or ends[0] == ends[1]:
        return False
    if node.function.free_symbols != {variable} or not node.function.is_rational_function(variable):
        return False
    divisor = sp.Poly(sp.fraction(sp.cancel(node.function))[1], variable)
    if not all(number.is_Rational for number in divisor.coeffs()):
        return False
    return bool(divisor.count_roots(min(ends), max(ends)))


def divergence_of(pair: Pair) -> Counterexample | None:
    """A case against a claim about numbers alone: one side is an integral without a value.

    What holds of symbols is claimed where both sides have values; this one is claimed as it stands.
    """
    if any(side.free_symbols or side.atoms(AppliedUndef) for side in pair):
        return None
    for side, other in (pair, pair[::-1]):
        bound = side.atoms(*BINDERS)
        if len(bound) == 1 and not other.has(*BINDERS) and _is_lost(side, bound.pop()):
            try:
                at(other, Point())
            except (NoValue, *FAILURES):
                return None
            return Counterexample(Point(), *pair)
    return None


def _is_lost(side: sp.Expr, node: sp.Expr) -> bool:
    """Whether a side is a divergent integral, times a number and beside others."""
    is_linear = all(isinstance(part, sp.Add | sp.Mul) for part in sp.preorder_traversal(
        side.xreplace({node: sp.Dummy()})) if part.args and not part.is_number)  # fmt: skip
    return bool(isinstance(node, sp.Integral) and is_linear and diverges(node))
