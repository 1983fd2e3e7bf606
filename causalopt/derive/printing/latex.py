"""A derivation as LaTeX: an array of steps, with names that cannot act as commands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import sympy as sp
from sympy.core.function import AppliedUndef, UndefinedFunction
from sympy.printing.latex import LatexPrinter

from causalopt.derive.printing.order import Ordered
from causalopt.derive.printing.page import (
    Page,
    Piece,
    claim_row,
    given_row,
    verdict_rows,
    why_row,
)
from causalopt.derive.statement.steps import Status
from causalopt.ground.letters import visible

PLAIN_NAME = re.compile(r"[^\W_]+(_[^\W_]+)*\Z")
SIGNS = {
    Status.PROVED: r"\checkmark",
    Status.REFUTED: r"\times",
    Status.UNDECIDED: "?",
    Status.EXHAUSTED: r"\dots",
}
# Each of these is read as itself in the formulas of LaTeX and of MathJax alike.
SPECIAL = {
    "\\": r"\backslash ",
    "^": r"\wedge ",
    "~": r"\sim ",
    "'": "'",
    "<": "<",
    ">": ">",
    **{char: "\\" + char for char in "{}$&#%_"},
}


class FormulaPrinter(Ordered, LatexPrinter):  # type: ignore[misc]  # sympy is untyped
    """Formulas as in a paper: no arguments that a function always has, no commands in names."""

    def __init__(self, functions: Mapping[UndefinedFunction, AppliedUndef]) -> None:
        super().__init__()
        self._usual = functions

    def _print_Symbol(self, node: sp.Symbol, style: str = "plain") -> str:
        # sympy would pass any other name on to LaTeX as it is, commands and all
        if PLAIN_NAME.match(node.name):
            return str(super()._print_Symbol(node, style))
        return label(node.name)

    def _print_Function(self, node: sp.Function, exp: str | None = None) -> str:
        name = str(node.func.__name__)
        if self._usual.get(node.func) == node:
            plain = PLAIN_NAME.match(name)
            shown = self._deal_with_super_sub(name) if plain else label(name)
            return f"{shown}^{{{exp}}}" if exp is not None else str(shown)
        return str(super()._print_Function(node, exp))

    def _print_Derivative(self, node: sp.Derivative) -> str:
        """d P / dW of one name; of anything longer, in brackets, so that it ends where it ends."""
        whole, *by = node.args
        order = sum(int(count) if count.is_Integer else 1 for _, count in by)
        # partial where the expression has more symbols than one to be differentiated by
        d = r"\partial" if len(whole.free_symbols) > 1 else "d"
        if not all(count.is_Integer for _, count in by):
            return str(super()._print_Derivative(node))
        power = f"^{{{order}}}" if order > 1 else ""
        below = " ".join(
            rf"{d} {self._print(v)}" + (f"^{{{n}}}" if n > 1 else "") for v, n in reversed(by)
        )
        inside = self._print(whole)
        if whole.is_Symbol or self._usual.get(getattr(whole, "func", None)) == whole:
            return rf"\frac{{{d}{power} {inside}}}{{{below}}}"
        return rf"\frac{{{d}{power}}}{{{below}}} \left({inside}\right)"

    def _hprint_Function(self, func: str) -> str:
        return str(super()._hprint_Function(func)) if PLAIN_NAME.match(func) else label(func)


def label(text: str) -> str:
    """Text inside a formula, in letters that can be seen, of which none is a command.

    >>> print(label("<b>5 $"))
    <\\text{b}>\\text{5 }\\$
    """
    chunks = re.findall(r"[^\\{}$&#%_^~<>']+|.", visible(text), flags=re.DOTALL)
    return "".join(SPECIAL.get(chunk) or rf"\text{{{chunk}}}" for chunk in chunks)


def as_latex(page: Page) -> str:
    """The whole page as one displayed array."""
    printer = FormulaPrinter(page.functions())

    def row(pieces: Iterable[Piece]) -> str:
        return "".join(label(w) if k == "words" else printer.doprint(w) for k, w in pieces)

    lines = [f"&{label(page.title)}"]
    lines += [rf"&{label('given ')}{row(given_row(given))}" for given in page.givens]
    for number, step in enumerate(page.steps, 1):
        sign = SIGNS[page.verdicts[number - 1].status] + r"\;" if page.verdicts else ""
        lines.append(rf"{number}.\;&{sign}{row(claim_row(step))}")
        details = [why_row(step)]
        if page.verdicts:
            details += verdict_rows(step, page.verdicts[number - 1])
        lines += [rf"&\qquad {row(detail)}" for detail in details if detail]
    body = " \\\\\n".join(lines)
    return f"$$\\begin{{array}}{{rl}}\n{body}\n\\end{{array}}$$"
