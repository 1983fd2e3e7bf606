"""Right-hand sides that would have been right: the claimed terms with the coefficients that fit."""

from __future__ import annotations

from collections.abc import Sequence

import mpmath
import sympy as sp

from causalopt.derive.proof.routes import to_zero
from causalopt.derive.statement.expressions import Rewriting, as_kept
from causalopt.derive.statement.scope import Scope
from causalopt.derive.statement.verdict import Point
from causalopt.derive.trial.failures import FAILURES
from causalopt.derive.trial.sampling import points
from causalopt.derive.trial.values import NoValue, at, differentiate
from causalopt.ground.work import Exhausted, at_most

MOST_TERMS = 12
LONGEST = 160
SHARE = 0.25  # of the work that a step may take


def find_correction(
    left: sp.Expr, right: sp.Expr, scope: Scope, reduce: Rewriting | None = None
) -> sp.Expr | None:
    """The terms of ``right`` with other rational coefficients, proved equal to ``left``; or None.

    Where no such coefficients exist, ``left`` itself, written out, if that is short. ``reduce``
    rewrites differences by what is known, such as hypotheses.

    >>> x = sp.Symbol("x", real=True)
    >>> find_correction(sp.sin(2 * x), sp.sin(x) * sp.cos(x), Scope((x,)))
    2*sin(x)*cos(x)
    """
    change: Rewriting = reduce or (lambda whole: whole)
    try:
        with at_most(SHARE):
            fitted = _fit(left, right, scope, change)
            return _simplest_form(left, change) if fitted is None else fitted
    except (Exhausted, NoValue, *FAILURES):
        return None


def _fit(left: sp.Expr, right: sp.Expr, scope: Scope, change: Rewriting) -> sp.Expr | None:
    """Coefficients for the terms as claimed, or inside brackets, or all multiplied out."""
    left_here = change(differentiate(left))
    claimed = sp.Add.make_args(right)
    # the reading nearest to the claim first: a slip in one factor is mended where it stands
    readings = (
        [(term,) for term in claimed],
        [sp.Add.make_args(sp.expand(term)) for term in claimed],
        [sp.Add.make_args(sp.expand(differentiate(right)))],
    )
    for groups in readings:
        terms = [_bare(term) for group in groups for term in group]
        if not 0 < len(terms) <= MOST_TERMS or sp.S.Zero in terms:
            continue
        terms_here = [change(differentiate(term)) for term in terms]
        coefficients = _solve(left_here, terms_here, scope)
        if coefficients is None:
            continue
        # fitted at points only so far: a correction that is shown has a proof
        fit = sum(c * t for c, t in zip(coefficients, terms_here, strict=True))
        if to_zero(left_here - fit)[0] is not None:
            return _gather(groups, claimed, coefficients)
    return None


def _gather(
    groups: Sequence[Sequence[sp.Expr]],
    claimed: Sequence[sp.Expr],
    coefficients: Sequence[sp.Rational],
) -> sp.Expr:
    """The fitted terms, each group of them in the shape of the claim that it comes from."""
    left, parts = iter(coefficients), []
    for k, group in enumerate(groups):
        total = sum(next(left) * _bare(term) for term in group)
        parts.append(tidy(total, claimed[k]) if len(group) > 1 else total)
    return sp.Add(*parts)


def _bare(term: sp.Expr) -> sp.Expr:
    """A term without its number."""
    return sp.Mul(*term.as_coeff_mul()[1])


def _solve(left: sp.Expr, terms: Sequence[sp.Expr], scope: Scope) -> list[sp.Rational] | None:
    """Rational coefficients c with left = Σ c_i term_i at as many points as it takes."""
    rows: list[list[sp.Expr]] = []
    here = scope.within(left, *terms)
    for point in points(here):
        row = _row([*terms, left], point)
        if row is not None:
            rows.append(row)
        if len(rows) >= len(terms) + 3:  # more rows than unknowns, so that a bad fit shows
            break
    if len(rows) < len(terms):
        return None
    if all(entry.is_Rational for row in rows for entry in row):
        return _solve_exactly(rows)
    return _solve_numerically(rows)


def _row(wholes: Sequence[sp.Expr], point: Point) -> list[sp.Expr] | None:
    try:
        return [at(whole, point) for whole in wholes]
    except NoValue:
        return None


def _solve_exactly(rows: Sequence[Sequence[sp.Rational]]) -> list[sp.Rational] | None:
    """The one solution of rational rows, the last entry of each of which is the right-hand side.

    A pivot in the last column says that there is none, a missing one that there are many.
    """
    reduced, pivots = sp.Matrix(rows).rref()
    width = len(rows[0]) - 1
    if tuple(pivots) != tuple(range(width)):
        return None
    return [reduced[i, width] for i in range(width)]


def _solve_numerically(rows: Sequence[Sequence[sp.Expr]]) -> list[sp.Rational] | None:
    """Least squares with 60 digits, where the solution comes out as simple fractions."""
    width = len(rows[0]) - 1
    with mpmath.workdps(60):
        numbers = [[_to_mpc(entry) for entry in row] for row in rows]
        matrix = mpmath.matrix([row[:width] for row in numbers])
        solution = mpmath.lu_solve(matrix, mpmath.matrix([row[width] for row in numbers]))
        ratios = [
            sp.Rational(str(mpmath.nstr(mpmath.re(c), 30))).limit_denominator(5000)
            for c in solution
        ]
        exact = all(
            abs(c - mpmath.mpf(q.p) / q.q) < 1e-15 for c, q in zip(solution, ratios, strict=True)
        )
    return ratios if exact else None


def _to_mpc(number: sp.Expr) -> mpmath.mpc:
    real, imaginary = sp.N(number, 60).as_real_imag()
    return mpmath.mpc(mpmath.mpf(str(real)), mpmath.mpf(str(imaginary)))


def _simplest_form(left: sp.Expr, change: Rewriting) -> sp.Expr | None:
    """``left`` worked out; None where it is long, or no more than ``left`` written otherwise."""
    plain = change(differentiate(left))
    simple = min((sp.factor_terms(sp.expand(plain)), sp.simplify(plain)), key=sp.count_ops)
    if len(as_kept(simple)) > LONGEST or simple.has(sp.nan, sp.zoo):
        return None
    if sp.expand(left - simple) == 0 and sp.count_ops(simple) >= sp.count_ops(left):
        return None
    return simple if to_zero(simple - plain)[0] else None


def tidy(total: sp.Expr, like: sp.Expr) -> sp.Expr:
    """A sum with the factors that all of its terms share drawn out, as in the claim it mends."""
    content, rest = sp.gcd_terms(total, clear=True).as_independent(sp.Add, as_Add=False)
    if not isinstance(rest, sp.Add):
        return sp.gcd_terms(total, clear=False)
    number, shared = content.as_coeff_Mul()
    outside = like.as_coeff_Mul()[0]  # the number that the claim has before its bracket
    rest = sp.Add(*(number / outside * term for term in rest.args))
    return sp.Mul(outside, shared, rest, evaluate=False) if shared * outside != 1 else rest
