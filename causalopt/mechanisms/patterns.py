"""Formulas up to names and numbers: those that are alike are differentiated and compiled once."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TypeAlias

import sympy
from sympy import Add, Basic, Expr, Float, Pow, Symbol
from sympy.core.relational import Relational

from causalopt.mechanisms.fitness import inside_out, parts_of
from causalopt.mechanisms.rebuilding import rebuilt
from causalopt.mechanisms.steady import Steady

#: A part: a place, something that stays as it is, or a head and the numbers of its own parts.
_Line: TypeAlias = int | Basic | tuple[type[Basic], tuple[int, ...]]

_SIGNS: tuple[dict[str, bool], ...] = ({"real": True}, {"positive": True}, {"negative": True})

# Where exponentials cancel, their factors have to be known.
_GROWING = (sympy.exp, sympy.sinh, sympy.cosh)


def places(count: int, letter: str = "a") -> list[str]:
    """Names of places, in the order of text too."""
    width = len(str(count))
    return [f"{letter}{i:0{width}}" for i in range(count)]


def pattern_of(formula: Expr, symbols: Sequence[Symbol]) -> tuple[Expr, tuple[Expr, ...]]:
    """The formula with places for its symbols and decimals, and what stands at each of them.

    ``symbols`` come first. Decimals that a derivative has to know keep their own place: exponents,
    those that are compared, and factors of exponentials in a quotient.

    >>> x, y = sympy.symbols("x y", real=True)
    >>> pattern_of(sympy.sin(0.3 * x) + y, [x, y])
    (a1 + sin(a0*a2), (x, y, 0.300000000000000))
    >>> pattern_of(sympy.sin(7.5 * y) + x, [y, x])
    (a1 + sin(a0*a2), (y, x, 7.50000000000000))
    """
    place: dict[Basic, int] = {symbol: number for number, symbol in enumerate(symbols)}
    known = _known_decimals(formula)
    line_of: dict[Basic, int] = {}
    lines: list[_Line] = []
    for part in inside_out(formula):
        line_of[part] = len(lines)
        if part in place or (isinstance(part, Float) and part not in known and part != 0):
            lines.append(place.setdefault(part, len(place)))
        elif part.args:
            lines.append((part.func, tuple(line_of[arg] for arg in part.args)))
        else:
            lines.append(part)
    at = tuple(place)
    signs = tuple(0 if isinstance(s, Symbol) else 1 if s > 0 else 2 for s in at)
    return _written(tuple(lines), signs), at


def _known_decimals(formula: Expr) -> set[Basic]:
    """The decimals that a derivative has to know: of what is compared, which comes first."""
    parts = list(parts_of(formula))
    is_quotient = any(
        isinstance(part, Pow) and isinstance(part.base, Add) and not part.exp.is_nonnegative
        for part in parts
    )
    kept = (Relational, sympy.Max, sympy.Min, Steady, *(_GROWING if is_quotient else ()))
    inner = [part for part in parts if isinstance(part, kept)]
    inner += [part.exp for part in parts if isinstance(part, Pow) and not part.exp.is_Integer]
    return set().union(*(part.atoms(Float) for part in inner))


@functools.lru_cache(maxsize=4096)
def _written(lines: tuple[_Line, ...], signs: tuple[int, ...]) -> Expr:
    symbols = [
        Symbol(name, **_SIGNS[sign]) for name, sign in zip(places(len(signs)), signs, strict=True)
    ]
    return rebuilt(lambda: _put_together(lines, symbols))


def _put_together(lines: Sequence[_Line], symbols: Sequence[Symbol]) -> Expr:
    parts: list[Basic] = []
    for line in lines:
        if isinstance(line, int):
            parts.append(symbols[line])
        elif isinstance(line, Basic):
            parts.append(line)
        else:
            head, inner = line
            own = [parts[number] for number in inner]
            # What is a largest argument is not asked again: that compares all with all.
            is_extreme = head in (sympy.Max, sympy.Min)
            parts.append(head(*own, evaluate=False) if is_extreme else head(*own))
    whole: Expr = parts[-1]
    return whole
