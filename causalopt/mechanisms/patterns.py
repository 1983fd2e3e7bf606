"""Formulas up to names and numbers: those that are alike are differentiated and compiled once."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import TypeAlias

import sympy
from sympy import Add, Basic, Expr, Float, Mul, Pow, Rational, Symbol
from sympy.core.relational import Relational

from causalopt.mechanisms.differentiation import is_logistic
from causalopt.mechanisms.fitness import each_inside_out, inside_out, parts_of
from causalopt.mechanisms.rebuilding import rebuilt
from causalopt.mechanisms.steady import Steady

#: A part: a place, something that stays as it is, or a head and the numbers of its own parts.
_Line: TypeAlias = int | Basic | tuple[type[Basic], tuple[int, ...]]

_SIGNS: tuple[dict[str, bool], ...] = ({"real": True}, {"positive": True}, {"negative": True})

# Of these, the order of the parts is sympy's, by names and numbers.
_UNORDERED = (sympy.Add, sympy.Mul, sympy.Max, sympy.Min, sympy.And, sympy.Or)

# Where exponentials cancel, their factors have to be known.
_GROWING = (sympy.exp, sympy.sinh, sympy.cosh)

# Floats hold whole numbers below this, so that a quotient of two of them is rounded once.
_EXACT = 1 << 53


def places(count: int, letter: str = "a") -> list[str]:
    """Names of places, in the order of text too."""
    width = len(str(count))
    return [f"{letter}{i:0{width}}" for i in range(count)]


def pattern_of(
    formula: Expr, symbols: Sequence[Symbol], fractions: Collection[Basic] = ()
) -> tuple[Expr, tuple[Expr, ...]]:
    """The formula with places for its symbols and decimals, and what stands at each of them.

    ``symbols`` come first. Decimals that a derivative has to know keep their own place: exponents,
    those that are compared, and factors of exponentials in a quotient. Some ``fractions``, such as
    ``loose_fractions``, have places too.

    >>> x, y = sympy.symbols("x y", real=True)
    >>> pattern_of(sympy.sin(0.3 * x) + y, [x, y])
    (a1 + sin(a0*a2), (x, y, 0.300000000000000))
    >>> pattern_of(sympy.sin(7.5 * y) + x, [y, x])
    (a1 + sin(a0*a2), (y, x, 7.50000000000000))
    """
    place: dict[Basic, int] = {symbol: number for number, symbol in enumerate(symbols)}
    known = _known_decimals(formula)
    decimals = {part for part in parts_of(formula) if isinstance(part, Float) and part != 0}
    numbers = (decimals - known) | set(fractions)
    line_of: dict[Basic, int] = {}
    lines: list[_Line] = []
    for part in inside_out(formula):
        line_of[part] = len(lines)
        if part in place or part in numbers:
            lines.append(place.setdefault(part, len(place)))
        else:
            lines.append(_as_it_is(part, line_of))
    at = tuple(place)
    signs = tuple(0 if isinstance(s, Symbol) else 1 if s > 0 else 2 for s in at)
    return _written(tuple(lines), signs), at


def loose_fractions(formula: Expr) -> set[Basic]:
    """The whole numbers and fractions that may as well be others: terms and factors, but no -1.

    As of decimals, none that a derivative has to know, such as the 1 of 1 / (1 + exp(x)), and no
    exponents; and only such as a float holds to its last digit.

    >>> x = sympy.Symbol("x", real=True)
    >>> sorted(loose_fractions(sympy.sin(3 * x**2 + 5) / 7 - x))
    [1/7, 3, 5]
    """
    parts = parts_of(formula)
    loose = {arg for part in parts if isinstance(part, Add | Mul) for arg in part.args}
    powers = [part for part in parts if isinstance(part, Pow)]
    known = {power.base for power in powers}.union(
        *(part.atoms(Rational) for part in (*_telling(parts), *(power.exp for power in powers)))
    )
    if any(is_logistic(power.base) for power in powers):
        known.add(sympy.S.One)
    return {n for n in loose - known if _is_fraction(n) and n != -1}


def _is_fraction(number: Basic) -> bool:
    return isinstance(number, Rational) and max(abs(number.p), number.q) < _EXACT


def shape_of(formula: Expr) -> tuple[Expr, tuple[Expr, ...]]:
    """As ``pattern_of``, with places that follow from the shape of the formula, not from names.

    Those of symbols that are used often come first. Numbers that are added have places too, and
    decimals keep their signs: formulas that say the same of other variables have one pattern,
    mostly, and where they have not, each has its own.

    >>> x, y, z = sympy.symbols("x y z", real=True)
    >>> shape_of(sympy.sin(y - x) + sympy.sin(z - x) + 2)
    (a3 - sin(a0 - a1) - sin(a0 - a2), (x, z, y, 2))
    >>> shape_of(sympy.sin(x - z) + sympy.sin(y - z) + 7)
    (a3 - sin(a0 - a1) - sin(a0 - a2), (z, y, x, 7))
    """
    order = list(_by_shape(formula))
    uses = _uses(order)
    symbols = sorted((s for s in order if isinstance(s, Symbol)), key=lambda s: -uses[s])
    place: dict[Basic, int] = {symbol: number for number, symbol in enumerate(symbols)}
    known = _known_decimals(formula)
    is_sum = {part: isinstance(part, Add) for part in order}
    added = {arg for part in order for arg in part.args if is_sum[part] and arg.is_Rational}
    # A power stays what it is.
    added -= {arg for part in order for arg in part.args if not is_sum[part]}
    # The sign of a decimal is a factor of its own.
    line_of: dict[Basic, int] = {}
    lines: list[_Line] = [sympy.S.NegativeOne]
    for part in order:
        if part in place or part in added or (isinstance(part, Float) and part not in known):
            is_signed = isinstance(part, Float) and part < 0
            lines.append(place.setdefault(-part if is_signed else part, len(place)))
            if is_signed:
                lines.append((sympy.Mul, (0, len(lines) - 1)))
        else:
            lines.append(_as_it_is(part, line_of))
        line_of[part] = len(lines) - 1
    return _written(tuple(lines), (0,) * len(place)), tuple(place)


def _uses(parts: Sequence[Basic]) -> Counter[Basic]:
    """How often each part is written, where a formula, whose parts come inside out, is a tree."""
    uses = Counter(parts[-1:])
    for part in reversed(parts):
        for arg in part.args:
            uses[arg] += uses[part]
    return uses


def _as_it_is(part: Basic, line_of: Mapping[Basic, int]) -> _Line:
    """A part that has no place, in terms of the lines of its own parts."""
    return (part.func, tuple(line_of[arg] for arg in part.args)) if part.args else part


def _by_shape(formula: Expr) -> Iterator[Basic]:
    """Each part after its own parts: those that differ in shape in an order of shapes."""
    parts = inside_out(formula)
    uses = _uses(parts)
    shapes: dict[Basic, bytes] = {}
    for part in parts:
        inner = [shapes[arg] for arg in part.args]
        if isinstance(part, Symbol | Float):
            # What stands in a place is a name or a number like any other, used so many times.
            own = f"{isinstance(part, Float)} {uses[part]}"
        elif isinstance(part, Rational):
            # In hexadecimal digits, of which there may be thousands.
            own = f"{part.p:x}/{part.q:x}"
        else:
            own = part.func.__name__ if inner else f"{type(part).__name__} {part}"
        whole = own.encode(), *(sorted(inner) if isinstance(part, _UNORDERED) else inner)
        shapes[part] = blake2b(b" ".join(whole), digest_size=8).digest()
    return each_inside_out(formula, shapes.__getitem__)


def _known_decimals(formula: Expr) -> set[Basic]:
    """The decimals that a derivative has to know: of what is compared, which comes first."""
    parts = parts_of(formula)
    inner = [*_telling(parts), *(part.exp for part in parts if isinstance(part, Pow))]
    return set().union(*(part.atoms(Float) for part in inner))


def _telling(parts: Sequence[Basic]) -> Iterator[Basic]:
    """Those parts of a formula whose numbers a derivative has to know."""
    is_quotient = any(
        isinstance(part, Pow) and isinstance(part.base, Add) and not part.exp.is_nonnegative
        for part in parts
    )
    kept = (Relational, sympy.Max, sympy.Min, Steady, *(_GROWING if is_quotient else ()))
    yield from (part for part in parts if isinstance(part, kept))


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
