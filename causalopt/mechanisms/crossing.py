"""The share of a step at which a condition comes true: found by halving, whatever its form."""

from __future__ import annotations

import sympy
from sympy import Expr, Integer, Symbol
from sympy.logic.boolalg import Boolean
from sympy.printing.printer import Printer

from causalopt.mechanisms.found import Found

#: The part of a step that has passed.
SHARE = Symbol("share", real=True)

#: How often the stretch with the moment in it is halved: as far as floats of parts of a step go.
HALVINGS = 54


class Crossing(Found):
    """Where a condition, a formula of ``SHARE``, comes true: of is_on and the condition.

    Where ``is_on`` holds, the condition is false at 0 and true at 1, and this is a share at which
    it is true, though 2^-54 before it is not; elsewhere it is 1. Halving needs no slope and cannot
    fail, however steep, flat or winding the way is. By itself it moves with nothing: how it does,
    says ``onset.Onset``.
    """

    nargs = 2

    @property
    def bound(self) -> frozenset[Symbol]:
        """The share."""
        return frozenset({SHARE})

    @classmethod
    def eval(cls, is_on: Boolean, condition: Boolean) -> Expr | None:
        """1 where it is off."""
        return Integer(1) if is_on == sympy.false else None

    def _eval_evalf(self, prec: int) -> Expr | None:
        is_on, condition = self.args
        if is_on != sympy.true:
            return None
        early, late = Integer(0), Integer(1)
        for _ in range(prec):
            middle = (early + late) / 2
            holds = condition.xreplace({SHARE: middle}) == sympy.true
            early, late = (early, middle) if holds else (middle, late)
        return late._evalf(prec)

    def _mpmathcode(self, printer: Printer) -> str:
        is_on, condition = map(printer._print, self.args)
        return f"came_true({is_on}, lambda {SHARE}: {condition})"
