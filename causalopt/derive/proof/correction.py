"""Right-hand sides that would have been right: the claimed terms with the coefficients that fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import mpmath
import sympy as sp

from causalopt.derive.proof.routes import to_zero
from causalopt.derive.statement.verdict import Point
from causalopt.derive.trial.alarm import TookTooLong, at_most
from causalopt.derive.trial.sampling import Domain, points
from causalopt.derive.trial.values import NoValue, at, differentiate

MOST_TERMS = 12
LONGEST = 160
SECONDS = 8.0


def corrected(left: Any, right: Any, domain: Domain, reduce: Any = None) -> Any:
    """The terms of ``right`` with other rational coefficients, proved equal to ``left``; or None.

    Where no such coefficients exist, ``left`` itself, written out, if that is short. ``reduce``
    rewrites differences by what is known, such as hypotheses.

    >>> x = sp.Symbol("x", real=True)
    >>> corrected(sp.sin(2 * x), sp.sin(x) * sp.cos(x), Domain((x,)))
    2*sin(x)*cos(x)
    """
    change: Callable[[Any], Any] = reduce or (lambda whole: whole)
    try:
        with at_most(SECONDS):
            found = _fitted(left, right, domain, change)
            return _written_out(left, change) if found is None else found
    except (TookTooLong, NoValue, ArithmeticError, ValueError, TypeError, NotImplementedError):
        return None


def _fitted(left: Any, right: Any, domain: Domain, change: Callable[[Any], Any]) -> Any:
    """Coefficients for the terms as claimed, or inside brackets, or all multiplied out."""
    left_here = change(differentiate(left))
    claimed = sp.Add.make_args(right)
    readings = (
        [(one,) for one in claimed],
        [sp.Add.make_args(sp.expand(one)) for one in claimed],
        [sp.Add.make_args(sp.expand(differentiate(right)))],
    )
    for groups in readings:
        terms = [_bare(term) for group in groups for term in group]
        if not 0 < len(terms) <= MOST_TERMS or sp.S.Zero in terms:
            continue
        terms_here = [change(differentiate(term)) for term in terms]
        coefficients = _solve(left_here, terms_here, domain)
        if coefficients is None:
            continue
        fit = sum(c * t for c, t in zip(coefficients, terms_here, strict=True))
        if to_zero(left_here - fit)[0] is not None:
            return _gathered(groups, claimed, coefficients)
    return None


def _gathered(
    groups: Sequence[Sequence[Any]], claimed: Sequence[Any], coefficients: Sequence[Any]
) -> Any:
    """The fitted terms, each group of them in the shape of the claim that it comes from."""
    left, parts = iter(coefficients), []
    for k, group in enumerate(groups):
        total = sum(next(left) * _bare(term) for term in group)
        parts.append(tidy(total, claimed[k]) if len(group) > 1 else total)
    return sp.Add(*parts)


def _bare(term: Any) -> Any:
    """A term without its number."""
    return sp.Mul(*term.as_coeff_mul()[1])


def _solve(left: Any, terms: Sequence[Any], domain: Domain) -> list[Any] | None:
    """Rational coefficients c with left = Σ c_i term_i at as many points as it takes."""
    rows: list[list[Any]] = []
    here = domain.within(left, *terms)
    for point in points(here):
        row = _row([*terms, left], point)
        if row is not None:
            rows.append(row)
        if len(rows) >= len(terms) + 3:
            break
    if len(rows) < len(terms):
        return None
    if all(entry.is_Rational for row in rows for entry in row):
        return _solve_exactly(rows)
    return _solve_numerically(rows)


def _row(wholes: Sequence[Any], point: Point) -> list[Any] | None:
    try:
        return [at(whole, point) for whole in wholes]
    except NoValue:
        return None


def _solve_exactly(rows: Sequence[Sequence[Any]]) -> list[Any] | None:
    reduced, pivots = sp.Matrix(rows).rref()
    width = len(rows[0]) - 1
    if tuple(pivots) != tuple(range(width)):
        return None
    return [reduced[i, width] for i in range(width)]


def _solve_numerically(rows: Sequence[Sequence[Any]]) -> list[Any] | None:
    width = len(rows[0]) - 1
    with mpmath.workdps(60):
        numbers = [[_to_mpc(entry) for entry in row] for row in rows]
        matrix = mpmath.matrix([row[:width] for row in numbers])
        found = mpmath.lu_solve(matrix, mpmath.matrix([row[width] for row in numbers]))
        ratios = [
            sp.Rational(str(mpmath.nstr(mpmath.re(c), 30))).limit_denominator(5000) for c in found
        ]
        exact = all(
            abs(c - mpmath.mpf(q.p) / q.q) < 1e-15 for c, q in zip(found, ratios, strict=True)
        )
    return ratios if exact else None


def _to_mpc(number: Any) -> Any:
    real, imaginary = sp.N(number, 60).as_real_imag()
    return mpmath.mpc(mpmath.mpf(str(real)), mpmath.mpf(str(imaginary)))


def _written_out(left: Any, change: Callable[[Any], Any]) -> Any:
    plain = change(differentiate(left))
    simple = min((sp.factor_terms(sp.expand(plain)), sp.simplify(plain)), key=sp.count_ops)
    if len(str(simple)) > LONGEST or simple.has(sp.nan, sp.zoo):
        return None
    return simple if to_zero(simple - plain)[0] else None


def tidy(total: Any, like: Any) -> Any:
    """A sum with the factors that all of its terms share drawn out, as in the claim it mends."""
    content, rest = sp.gcd_terms(total, clear=True).as_independent(sp.Add, as_Add=False)
    if not isinstance(rest, sp.Add):
        return sp.gcd_terms(total, clear=False)
    number, shared = content.as_coeff_Mul()
    outside = like.as_coeff_Mul()[0]  # the number that the claim has before its bracket
    rest = sp.Add(*(number / outside * term for term in rest.args))
    return sp.Mul(outside, shared, rest, evaluate=False) if shared * outside != 1 else rest
