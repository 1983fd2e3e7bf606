"""Probability masses in an array: exact (sympy) or float64; checked, summed, their entropy.

An exact array has dtype object and holds sympy expressions (rationals, and symbols such as
epsilon); any other is float64. All functions take both, and give back what they were given.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from fractions import Fraction

import numpy as np
import sympy
from sympy import Add, Expr, Integer, Mul, Rational

from causalopt.ground.checks import TOLERANCE, as_float, as_whole, refuse_masked
from causalopt.ground.errors import DeclarationError, QueryError
from causalopt.ground.types import Array, Ints
from causalopt.ground.work import bounded

#: Chances of states: sympy expressions as objects, or float64.
Masses = Array


def is_exact(masses: Masses) -> bool:
    """Whether the masses are sympy expressions."""
    return masses.dtype == object


def masses_of(given: Iterable[object], where: str) -> Masses:
    """Masses as an array: exact where all are, float64 where any is a float.

    >>> masses_of([1, Rational(1, 2)], "P"), masses_of([1, 0.5], "P")
    (array([1, 1/2], dtype=object), array([1. , 0.5]))
    """
    refuse_masked(given, where)
    if isinstance(given, np.ndarray) and given.dtype != object:
        if given.dtype.kind not in "iuf":
            raise DeclarationError(f"{where} holds {given.dtype} and not numbers.")
        return given.astype(np.float64)
    masses = [_mass(mass, where) for mass in given]
    if all(isinstance(mass, Expr) for mass in masses):
        return exact_array(masses)
    symbolic = [mass for mass in masses if isinstance(mass, Expr) and mass.free_symbols]
    if symbolic:
        raise DeclarationError(
            f"{where} mixes the symbolic mass {symbolic[0]} with floats: write the floats as "
            "rationals, such as Rational(1, 10), or give the symbol a number."
        )
    try:
        return np.array([float(mass) for mass in masses], dtype=np.float64)
    except TypeError:
        raise DeclarationError(f"{where} has a mass that is no real number: {masses}.") from None


def exact_array(expressions: list[Expr]) -> Masses:
    """Sympy expressions as an object array of shape (k,); numpy is kept from looking into them."""
    array = np.empty(len(expressions), dtype=object)
    array[:] = expressions
    return array


def _mass(given: object, where: str) -> Expr | float:
    if isinstance(given, Fraction):
        return Rational(given.numerator, given.denominator)
    if isinstance(given, Expr):
        return float(given) if given.has(sympy.Float) and given.is_number else _exact(given, where)
    number = as_whole(given)
    if number is not None:
        return Integer(number)
    value = as_float(given)
    if value is None:
        raise DeclarationError(
            f"{where} has the mass {given!r} ({type(given).__name__}): write a number, a sympy "
            "rational or an expression."
        )
    return value


def _exact(given: Expr, where: str) -> Expr:
    if given.has(sympy.Float):
        raise DeclarationError(
            f"{where} has the mass {given}, a float and a symbol in one: write the float as a "
            "rational, such as Rational(1, 10)."
        )
    return given


def check_masses(masses: Masses, where: str, name: Callable[[int], str]) -> None:
    """No mass is negative, NaN or infinite, and they sum to 1; ``name`` tells the i-th state."""
    if is_exact(masses):
        _check_exact(masses, where, name)
        return
    with np.errstate(over="ignore"):
        off = float(masses.sum()) - 1.0
    # NaN and infinity show in the sum, so that the masses need be looked at one by one no more.
    if not math.isfinite(off) or (masses.size and masses.min() < 0):
        for i in np.flatnonzero(~(masses >= 0) | np.isinf(masses)).tolist():
            raise DeclarationError(
                f"{where} gives {name(i)} the mass {masses[i]:g}: a mass is a finite number, "
                "0 or larger."
            )
    if abs(off) > TOLERANCE:
        raise DeclarationError(_does_not_sum(where, f"{1 + off:.12g}", abs(off), off > 0))


def _does_not_sum(where: str, total: object, off: object, over: bool) -> str:
    much = f"{off:.3g}" if isinstance(off, float) else str(off)
    return (
        f"The masses of {_inside(where)} sum to {total}, {much} too {'much' if over else 'little'} "
        f"(tolerance {TOLERANCE:g}): nothing is renormalised unasked, so give masses that sum to "
        "1, or write normalise=True, in a table or in Distribution.of, to divide them by their sum."
    )


def _check_exact(masses: Masses, where: str, name: Callable[[int], str]) -> None:
    for i, mass in enumerate(masses):
        if mass.is_negative or mass.is_extended_real is False or not _is_finite(mass):
            raise DeclarationError(
                f"{where} gives {name(i)} the mass {mass}: a mass is a finite number, 0 or larger."
            )
    # Exact masses sum to 1 exactly or not at all; what depends on a symbol is brought to a form in
    # which it cancels where it can.
    off = tidy(Add(*masses) - 1)
    if off != 0 and off.free_symbols:
        with bounded(
            f"The sum of the masses of {_inside(where)}", "give numbers, or shorter formulas"
        ):
            off = sympy.simplify(off)
    if off == 0:
        return
    if off.free_symbols:
        raise DeclarationError(
            f"The masses of {_inside(where)} sum to {sympy.expand(off + 1)}, which is not 1: "
            "nothing is renormalised, so give masses that sum to 1."
        )
    raise DeclarationError(_does_not_sum(where, off + 1, abs(off), bool(off > 0)))


def _inside(where: str) -> str:
    """What begins a sentence, inside one."""
    return f"the {where[4:]}" if where.startswith("The ") else where


def _is_finite(mass: Expr) -> bool:
    return not mass.has(sympy.nan, sympy.oo, -sympy.oo, sympy.zoo)


def tidy(mass: Expr) -> Expr:
    """A mass in a form in which what is zero shows as 0: a rational, or factored.

    >>> e = sympy.Symbol("epsilon")
    >>> tidy(e * (1 - e) / 2 + e**2 / 4), tidy(e - e**2 - e * (1 - e))
    (-epsilon*(epsilon - 2)/4, 0)
    """
    return mass if mass.is_Rational else sympy.factor(mass)


def sum_by_state(states: Ints, masses: Masses, size: int) -> tuple[Ints, Masses]:
    """The masses summed by state: states ascending, no two the same, none of mass 0.

    ``states`` and ``masses`` (k,), states below ``size``. Time is linear in k + size while k is
    not small beside size, else k log k, and no array of ``size`` is made.
    """
    if is_exact(masses):
        return _sum_exactly(states, masses)
    # Counting by number needs an array of ``size``; sorting pays where few states have mass.
    if size <= 4 * states.size + 4096:
        total = np.bincount(states, weights=masses, minlength=size)
        held = np.flatnonzero(total != 0)
        return held, (total if held.size == size else total[held])
    distinct, where = np.unique(states, return_inverse=True)
    total = np.bincount(where, weights=masses, minlength=distinct.size)
    kept = total != 0
    return distinct[kept], total[kept]


def _sum_exactly(states: Ints, masses: Masses) -> tuple[Ints, Masses]:
    groups: dict[int, list[Expr]] = {}
    for state, mass in zip(states.tolist(), masses, strict=True):
        groups.setdefault(state, []).append(mass)
    totals = {state: tidy(Add(*groups[state])) for state in sorted(groups)}
    kept = {state: total for state, total in totals.items() if total != 0}
    return np.array(list(kept), dtype=np.int64), exact_array(list(kept.values()))


def to_one_kind(first: Masses, second: Masses) -> tuple[Masses, Masses]:
    """Two arrays of one kind: both exact, or both float64 where either is."""
    if is_exact(first) == is_exact(second):
        return first, second
    return as_floats(first), as_floats(second)


def as_floats(masses: Masses) -> Masses:
    """Exact masses as float64; an error where a symbol has no number."""
    if not is_exact(masses):
        return masses
    free = sorted({str(s) for mass in masses for s in mass.free_symbols})
    if free:
        raise QueryError(
            f"The symbol {free[0]} meets floats here: give it a number first, with "
            f"subs({{{free[0]}: 0.1}}), or write the floats as rationals."
        )
    return np.array([float(mass) for mass in masses], dtype=np.float64)


def entropy_of(masses: Masses, base: Expr | float) -> Expr | float:
    """S = -sum_i p_i log(p_i) / log(base), with 0 log 0 = 0.

    >>> entropy_of(exact_array([Rational(1, 3)] * 3), 2)
    log(3)/log(2)
    """
    check_base(base)
    if is_exact(masses):
        unit = log_of(exact_base(base))
        return Add(*(_exact_term(mass, unit) for mass in masses))
    # 0 log 0 = 0, as the limit is. Adding 0.0 turns -0.0, of a sure state, into 0.0.
    positive = masses if masses.all() else masses[masses != 0]
    return float(-(positive @ np.log(positive)) / math.log(base)) + 0.0


def check_base(base: object) -> None:
    """The base of a logarithm: a number above 1, for below it more is counted as less."""
    symbolic = isinstance(base, Expr) and not base.is_number
    number = None if symbolic else as_float(base)
    if number is None:
        raise QueryError(f"base is {base!r}: write 2 for bits, or sympy.E for nats.")
    if not 1 < number < math.inf:
        raise QueryError(f"base is {base}, not above 1: write 2 for bits, or math.e for nats.")


def exact_base(base: Expr | float) -> Expr:
    """The base as an exact number: math.e is E, 2.5 is 5/2.

    >>> exact_base(math.e), exact_base(2.0), exact_base(2.5)
    (E, 2, 5/2)
    """
    if isinstance(base, Expr) and not base.has(sympy.Float):
        return base
    return sympy.E if float(base) == math.e else Rational(repr(float(base)))


def unit_of(base: Expr | float) -> str:
    """The unit of an entropy by the base of its logarithm.

    >>> unit_of(2), unit_of(math.e), unit_of(3)
    ('bit', 'nat', 'log 3')
    """
    return {2.0: "bit", math.e: "nat", 10.0: "dit"}.get(float(base), f"log {base}")


def _exact_term(mass: Expr, unit: Expr) -> Expr:
    if mass == 0:
        return Integer(0)
    term = -mass * log_of(mass) / unit
    return sympy.expand(term) if mass.is_Rational else term


def log_of(value: Expr) -> Expr:
    """log of a number by its small prime factors, so that equal logarithms meet and cancel.

    >>> log_of(Rational(2, 9))
    -2*log(3) + log(2)
    """
    if not (value.is_Rational and value.is_positive):
        return sympy.log(value)
    terms = []
    for number, sign in ((value.p, 1), (value.q, -1)):
        # The limit bounds the search: a large factor stays whole, which is as true.
        factors = sympy.factorint(number, limit=1000)
        terms += [Mul(sign * power, sympy.log(prime)) for prime, power in factors.items()]
    return Add(*terms)
