"""How large what a formula holds may become: known before sympy puts it together."""

from __future__ import annotations

import math
import sys

import sympy
from sympy import Expr, Rational

from causalopt.mechanisms.fitness import inside_out

#: The largest exponent, and product of exponents that stand in one another: ((x**4)**5)**6 has 120.
MOST_POWER = 1_000
#: The most bits above and below the line of an exact number; floats reach 2**1024.
MOST_BITS = 1_100

_LARGEST = sys.float_info.max
# Of terms: too many to tell how many.
_ENDLESS = 10**9


def number_of(expr: object) -> float | None:
    """The number that an expression is; None where it depends on symbols, or is none.

    What it is made of is known to be finite: so it is worked out at once.
    """
    if not isinstance(expr, Expr) or expr.free_symbols:
        return None
    value = expr if expr.is_Number else expr.evalf(15)
    if isinstance(value, Rational) and bits_of(value) > MOST_BITS:
        return math.inf if abs(value) > 1 else 0.0
    return float(value) if value.is_Number and value.is_comparable else math.nan


def why_no_number(expr: object) -> str | None:
    """Why a constant cannot stand in a formula; None where it can, and for what is no constant."""
    if not isinstance(expr, Expr) or expr.free_symbols:
        return None
    if isinstance(expr, Rational) and bits_of(expr) > MOST_BITS and abs(expr) <= _LARGEST:
        return "a number comes to more digits than a float can tell apart: write it as a decimal"
    value = number_of(expr)
    if value is None or math.isnan(value):
        return "a number comes to none that is real and finite, as 1/0, log(0) and sqrt(-1) do"
    if abs(value) > _LARGEST:
        return "a number comes to more than the largest float, 1.8e308"
    return None


def why_no_power(base: Expr, exponent: Expr, degree: float) -> str | None:
    """Why a power is too large to be put together; ``degree`` is that of the base."""
    of_base, by = number_of(base), number_of(exponent)
    if by is None:
        return None
    if of_base is None:
        power = max(degree, 1) * abs(by)
        if power <= MOST_POWER:
            return None
        return f"exponents come to {power:,.6g}, more than {MOST_POWER:,} (MOST_POWER)"
    if of_base == 0 and by < 0:
        return "0 has no negative power"
    size = abs(by) * abs(math.log2(abs(of_base))) if of_base else 0.0
    digits = abs(by) * bits_of(base) if isinstance(base, Rational) and abs(base) != 1 else 0.0
    if size > MOST_BITS or (exponent.is_Integer and digits > 2 * MOST_BITS):
        return "a power of numbers comes to more than floats hold, 5e-324 to 1.8e308"
    return None


def bits_of(number: Expr) -> int:
    """The bits of an exact number, above the line and below; 0 of any other."""
    if not isinstance(number, Rational):
        return 0
    return max(int(number.p).bit_length(), int(number.q).bit_length())


def value_at(formula: Expr, known: dict[sympy.Symbol, float]) -> float | str:
    """What a formula comes to, or the part of it that is no finite real number, as text.

    Operation by operation: the exponential of what no float holds is never begun.
    """
    values: dict[sympy.Basic, sympy.Basic] = {}
    for part in inside_out(formula):
        if isinstance(part, sympy.Symbol):
            values[part] = sympy.Float(known[part])
        elif part.args:
            values[part] = part.func(*(values[arg] for arg in part.args))
        else:
            values[part] = part
        if why_no_number(values[part]) is not None:
            return str(part)[:200]
    number = number_of(values[formula])
    return math.nan if number is None else number


def expanded_terms(formula: Expr) -> int:
    """How many terms a formula comes to, at most, where it is multiplied out.

    >>> x, y = sympy.symbols("x y")
    >>> expanded_terms((x + y) ** 3), expanded_terms((x + 1) * (y + 2) + 5)
    (4, 5)
    """
    counts: dict[sympy.Basic, int] = {}
    for part in inside_out(formula):
        inner = [counts[arg] for arg in part.args]
        if isinstance(part, sympy.Add):
            counts[part] = sum(inner)
        elif isinstance(part, sympy.Mul):
            counts[part] = min(math.prod(inner), _ENDLESS)
        elif isinstance(part, sympy.Pow) and part.exp.is_Integer:
            times = abs(int(part.exp))
            counts[part] = min(math.comb(inner[0] + times - 1, times), _ENDLESS)
        else:
            counts[part] = 1
    return counts[formula]
