"""A derivation as numbered text."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping

import sympy as sp
from sympy.core.function import AppliedUndef, UndefinedFunction
from sympy.core.relational import Relational
from sympy.printing.precedence import PRECEDENCE
from sympy.printing.str import StrPrinter

from causalopt.derive.printing.order import Ordered
from causalopt.derive.printing.page import (
    MARKS,
    Page,
    Piece,
    claim_row,
    given_row,
    verdict_rows,
    why_row,
)

RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


class _TextPrinter(Ordered, StrPrinter):  # type: ignore[misc]  # sympy is untyped
    """Derivatives as d²P/dW², and functions without the arguments that they always have."""

    def __init__(self, functions: Mapping[UndefinedFunction, AppliedUndef]) -> None:
        super().__init__()
        self._usual = functions

    def parenthesize(self, item: sp.Basic, level: int, strict: bool = False) -> str:
        """A derivative reads as a fraction: bracketed wherever it is a factor."""
        if isinstance(item, sp.Derivative) and level >= PRECEDENCE["Add"]:
            return f"({self._print(item)})"
        return str(super().parenthesize(item, level, strict))

    def _print_Derivative(self, node: sp.Derivative) -> str:
        order = int(node.derivative_count)
        power = "" if order == 1 else str(order).translate(RAISED)
        below = "".join(
            f"d{v}" + ("" if n == 1 else str(n).translate(RAISED)) for v, n in node.variable_count
        )
        # anything longer than a name in brackets, so that it is seen where the numerator ends
        above = self._print(node.expr)
        above = above if above.isidentifier() else f"({above})"
        return f"d{power}{above}/{below}"

    def _print_Function(self, node: sp.Function) -> str:
        if self._usual.get(node.func) == node:
            return str(node.func)
        return str(super()._print_Function(node))

    def _print_Unequality(self, node: Relational) -> str:
        return f"{self._print(node.lhs)} ≠ {self._print(node.rhs)}"

    def _print_Equality(self, node: Relational) -> str:
        return f"{self._print(node.lhs)} = {self._print(node.rhs)}"

    def _print_ImmutableDenseMatrix(self, node: sp.ImmutableDenseMatrix) -> str:
        rows = (", ".join(map(self._print, row)) for row in node.tolist())
        return f"[{', '.join(f'[{row}]' for row in rows)}]"

    def _print_Limit(self, node: sp.Limit) -> str:
        whole, variable, to, _ = node.args
        return f"limit of {self._print(whole)} as {variable} → {self._print(to)}"


def as_text(page: Page) -> str:
    """The whole page; control characters in labels come out escaped."""
    printer = _TextPrinter(page.functions())

    def row(pieces: Iterable[Piece]) -> str:
        return _escape_controls("".join(_piece(piece, printer) for piece in pieces))

    lines = [_escape_controls(page.title + (f" ({page.source})" if page.source else "")), ""]
    lines += [f"  given  {row(given_row(given))}" for given in page.givens]
    for number, step in enumerate(page.steps, 1):
        mark = f"{MARKS[page.verdicts[number - 1].status]} " if page.verdicts else ""
        lines += ["", f"{number:>3}. {mark}{row(claim_row(step))}"]
        why = row(why_row(step))
        lines += [f"       {why}"] if why else []
        if page.verdicts:
            rows = verdict_rows(step, page.verdicts[number - 1])
            lines += [f"       {row(detail)}" for detail in rows]
    return "\n".join(lines)


def _piece(piece: Piece, printer: _TextPrinter) -> str:
    kind, what = piece
    if kind == "words":
        return str(what)
    if kind == "given":  # with its arguments, which are left out wherever it is spoken of later
        return str(sp.sstr(what))
    return str(printer.doprint(what))


def _escape_controls(text: str) -> str:
    """Text without control characters, which could rewrite what a terminal shows."""
    return "".join(
        char if unicodedata.category(char)[0] != "C" else char.encode("unicode_escape").decode()
        for char in text
    )
