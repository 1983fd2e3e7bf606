"""The order in which terms and factors are printed, for which no number has to be worked out."""

from __future__ import annotations

import sympy as sp
from sympy.printing.printer import Printer

#: What may stand for a number that takes for ever to come.
UNWORKED = (sp.Integral, sp.Sum, sp.Product, sp.Limit, sp.Derivative, sp.Subs)


class Ordered(Printer):  # type: ignore[misc]  # sympy is untyped
    """Formulas in sympy's order, which asks for the number of every part that has one.

    Where that would be an integral or a sum, which may take a million terms or never converge, all
    parts are in the order in which they are kept.
    """

    def doprint(self, expr: sp.Basic) -> str:
        """The formula as text."""
        usual = self._settings["order"]
        if any(not node.free_symbols for node in expr.atoms(*UNWORKED)):
            self._settings["order"] = "none"
        try:
            return str(super().doprint(expr))
        finally:
            self._settings["order"] = usual
