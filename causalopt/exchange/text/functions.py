"""What formulas in text may call: functions for which there is numerical code, and no others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import sympy
from sympy import Basic, Expr

from causalopt.mechanisms.steady import Length, Offset, Share

#: The most arguments of a function that takes any number of them.
MOST_ARGUMENTS = 200


@dataclass(frozen=True)
class FormulaFunction:
    """A function that may be called in a formula.

    ``largest`` is the size up to which its arguments may be numbers: some are worked out for whole
    numbers exactly, digit by digit. ``of_conditions`` where its arguments are conditions.
    """

    head: Callable[..., Basic]
    least: int = 1
    most: int = 1
    largest: float = float("inf")
    of_conditions: bool = False

    @property
    def arity(self) -> str:
        """How many arguments it takes, in words."""
        if self.most == MOST_ARGUMENTS:
            return f"{self.least} argument or more, up to {MOST_ARGUMENTS}"
        count = f"{self.least}" if self.least == self.most else f"{self.least} or {self.most}"
        return f"{count} argument{'s' if self.most > 1 else ''}"


def _named(*functions: FormulaFunction) -> dict[str, FormulaFunction]:
    return {getattr(function.head, "__name__", ""): function for function in functions}


# No float is larger than 170!.
_FACTORIAL, _ORDER = 170.0, 50.0

_OF_ONE = (
    *(sympy.exp, sympy.log, sympy.sin, sympy.cos, sympy.tan, sympy.sec, sympy.csc, sympy.cot),
    *(sympy.asin, sympy.acos, sympy.atan, sympy.asec, sympy.acsc, sympy.acot, sympy.sinc),
    *(sympy.sinh, sympy.cosh, sympy.tanh, sympy.sech, sympy.csch, sympy.coth),
    *(sympy.asinh, sympy.acosh, sympy.atanh, sympy.asech, sympy.acsch, sympy.acoth),
    *(sympy.Abs, sympy.sign, sympy.floor, sympy.ceiling, sympy.erf, sympy.erfc, sympy.erfinv),
    *(sympy.erfcinv, sympy.erfi, sympy.UnevaluatedExpr),
)
_OF_TWO = (sympy.atan2, sympy.Mod, Share, Length, Offset)
_OF_ORDER = (sympy.besselj, sympy.bessely, sympy.besseli, sympy.besselk, sympy.polygamma)

#: What a function is called, and what it is.
FUNCTIONS: Mapping[str, FormulaFunction] = MappingProxyType(
    _named(
        *(FormulaFunction(head) for head in _OF_ONE),
        *(FormulaFunction(head, 2, 2) for head in _OF_TWO),
        *(FormulaFunction(head, 2, 2, _ORDER) for head in _OF_ORDER),
        *(FormulaFunction(head, 1, MOST_ARGUMENTS) for head in (sympy.Min, sympy.Max)),
        *(FormulaFunction(head, 1, 1, _FACTORIAL) for head in (sympy.gamma, sympy.loggamma)),
        FormulaFunction(sympy.factorial, 1, 1, _FACTORIAL),
        FormulaFunction(sympy.zeta, 1, 1, _ORDER),
        FormulaFunction(sympy.beta, 2, 2, _FACTORIAL),
        FormulaFunction(sympy.LambertW, 1, 2),
        FormulaFunction(sympy.Heaviside, 1, 2),
        *(FormulaFunction(head, 2, MOST_ARGUMENTS, of_conditions=True)
          for head in (sympy.Equivalent, sympy.Xor)),
        FormulaFunction(sympy.Implies, 2, 2, of_conditions=True),
        FormulaFunction(sympy.ITE, 3, 3, of_conditions=True),
    )
    | {"sqrt": FormulaFunction(sympy.sqrt), "cbrt": FormulaFunction(sympy.cbrt)}
)  # fmt: skip

#: Numbers that have names.
CONSTANTS: Mapping[str, Expr] = MappingProxyType(
    {
        "pi": sympy.pi,
        "EulerGamma": sympy.EulerGamma,
        "GoldenRatio": sympy.GoldenRatio,
        "Catalan": sympy.Catalan,
    }
)

#: What keeps an operation as it is written, where sympy would tidy it.
AS_WRITTEN = "as_written"
#: What stands where there is no value: behind the last ``else`` of cases that do not cover all.
UNDEFINED = "undefined"
#: What is true, and what is false.
TRUTHS = MappingProxyType({"True": sympy.true, "False": sympy.false})
#: The clock.
TIME = "time"
