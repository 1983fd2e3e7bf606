"""A formula as a line of plain text: R − k·T², √(a + 1), |b|."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Mapping

from sympy import Expr, Symbol
from sympy.printing.str import StrPrinter

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_SIGNS = {"**": "^", "*": "·", "-": "−", ">=": "≥", "<=": "≤"}
_WIDE, _LONGEST = 30, 6
# Names stand in as letters of a private plane, so that no sign inside a name is taken for one of
# the formula's own.
_PRIVATE = 0xF0000


class _LabelPrinter(StrPrinter):  # type: ignore[misc]  # sympy is untyped
    """What sympy's text writes as function calls, as mathematics does; symbols by stand-ins."""

    def __init__(self, stand_ins: Mapping[Symbol, str]) -> None:
        super().__init__({"full_prec": False})
        self._stand_ins = stand_ins

    def _print_Symbol(self, node: Symbol) -> str:
        return self._stand_ins[node]

    # sympy takes our quantities for physical ones, which it prints by another method.
    _print_Quantity = _print_Symbol

    def _print_Piecewise(self, node: Expr) -> str:
        cases = [
            self._print(branch) + ("" if when == True else f" if {self._print(when)}")  # noqa: E712
            for branch, when in node.args
        ]
        return f"({', else '.join(cases)})"

    def _print_Abs(self, node: Expr) -> str:
        return f"|{self._print(node.args[0])}|"

    def _print_Relational(self, node: Expr) -> str:
        sign = {"==": "=", "!=": "≠"}.get(node.rel_op, node.rel_op)
        return f"{self._print(node.lhs)} {sign} {self._print(node.rhs)}"


def line(formula: Expr, name: Callable[[Symbol], str] = str) -> str:
    """The formula in one line; ``name`` says how each of its symbols is written.

    >>> from sympy import sqrt, symbols
    >>> R, k = symbols("R k")
    >>> line(sqrt(R) - 2 * k * R**2, {R: "R[0]", k: "a*b"}.get)
    '√(R[0]) − 2·R[0]²·a*b'
    """
    symbols = sorted(formula.free_symbols, key=str)
    stand_ins = {s: chr(_PRIVATE + i) for i, s in enumerate(symbols)}
    printed = _LabelPrinter(stand_ins).doprint(formula)
    # First whole powers, whose digits are raised; then each sign that is left.
    signs = re.sub(r"\*\*\(?(-?\d+)\)?(?![\d./])", lambda m: m[1].translate(_RAISED), printed)
    signs = re.sub(r"\*\*|[<>]=|\*|(?<![eE])-", lambda m: _SIGNS[m[0]], signs)
    signs = signs.replace("sqrt(", "√(")
    names = {ord(stand_in): name(s) for s, stand_in in stand_ins.items()}
    return signs.translate(names)


def wrap_formula(text: str) -> tuple[str, ...]:
    """A long formula in several lines; one that stays too long ends in an ellipsis."""
    return tuple(
        textwrap.wrap(
            text, _WIDE, max_lines=_LONGEST, placeholder=" …", break_long_words=False,
            break_on_hyphens=False,
        )
    )  # fmt: skip
