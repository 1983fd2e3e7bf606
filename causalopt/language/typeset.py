"""Formulas as LaTeX for notebooks; names that LaTeX would take for its own stand as text."""

from __future__ import annotations

import re
from collections.abc import Iterable

import sympy
from sympy import Expr, MatrixBase, Symbol

from causalopt.language.symbols import Shifted, Variable
from causalopt.language.words import tex

# Names that mean no more to LaTeX than they say: R, alpha_1, R[3].
_PLAIN = re.compile(r"\w+(\[\d+\])?")


def latex(formula: Expr | MatrixBase | float) -> str:
    """A formula as LaTeX; names of other letters than those of a word come out as written.

    >>> from causalopt.language.symbols import variables
    >>> R, odd = variables(r"R \\href")
    >>> print(latex(R**2 + odd))
    R^{2} + \\text{\\textbackslash{}href}
    """
    symbols: set[Symbol] = getattr(formula, "free_symbols", set())
    owners = {s.variable if isinstance(s, Shifted) else s for s in symbols}
    odd = {s: tex(s) for s in owners if not _PLAIN.fullmatch(str(s))}
    text: str = sympy.latex(formula, symbol_names=odd)
    return text


def number(value: float) -> str:
    """A number as LaTeX, in ten digits.

    >>> number(35.0), number(1e-5)
    ('35', '1 \\\\cdot 10^{-5}')
    """
    digits, _, power = f"{value:.10g}".partition("e")
    return rf"{digits} \cdot 10^{{{int(power)}}}" if power else digits


def name(label: object) -> str:
    """The name of a node or variable as LaTeX."""
    if isinstance(label, Variable):
        return latex(label)
    return latex(label if isinstance(label, Symbol) else Symbol(str(label)))


def aligned(rows: Iterable[tuple[str, str]]) -> str:
    """Equations one below the other, from the LaTeX of their sides."""
    body = r" \\ ".join(f"{left} &= {right}" for left, right in rows)
    return rf"$\begin{{aligned}}{body}\end{{aligned}}$"
