"""Which functions have numerical code, and what scipy calls those that sympy leaves out."""

from __future__ import annotations

from collections.abc import Mapping

import sympy
from sympy import Expr, Function, Integer
from sympy.printing.numpy import SciPyPrinter

from causalopt.mechanisms.fitness import parts_of
from causalopt.mechanisms.steady import Steady

#: Functions that scipy has and sympy's printer does not know, by their names in scipy.special.
SPECIAL: Mapping[type[Expr], str] = {
    sympy.erfinv: "erfinv",
    sympy.erfcinv: "erfcinv",
    sympy.erfi: "erfi",
    sympy.zeta: "zeta",
    sympy.elliptic_k: "ellipk",
    sympy.elliptic_e: "ellipe",
    sympy.expint: "expn",
}

_PRINTED = frozenset(SciPyPrinter().known_functions)


def without_code(formula: Expr) -> list[Function]:
    """The functions in a formula that have no numerical code, by name.

    >>> x = sympy.Symbol("x")
    >>> without_code(sympy.polylog(2, x) + sympy.erfinv(x) + sympy.expint(x, 1))
    [expint(x, 1), polylog(2, x)]
    """
    calls = {part for part in parts_of(formula) if isinstance(part, Function)}
    return sorted((call for call in calls if not _has_code(call)), key=str)


def _has_code(call: Function) -> bool:
    if isinstance(call, sympy.expint):
        # scipy has them for whole orders alone.
        order = call.args[0]
        return isinstance(order, Integer) and order >= 0
    if isinstance(call, sympy.hermite):
        return isinstance(call.args[0], Integer)
    if isinstance(call, sympy.elliptic_e) and len(call.args) > 1:
        return False
    if isinstance(call, Steady):
        return True
    name = type(call).__name__
    is_printed = name in _PRINTED or hasattr(SciPyPrinter, f"_print_{name}")
    return type(call) in SPECIAL or (is_printed and type(call).__module__.startswith("sympy."))
