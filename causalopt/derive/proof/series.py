"""Taylor series: their coefficients beside those of the formula, on each side of the point."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator

import sympy as sp
from sympy.logic.boolalg import Boolean

from causalopt.derive.proof.conditions import conditions_of
from causalopt.derive.proof.equality import prove
from causalopt.derive.proof.routes import to_zero
from causalopt.derive.proof.splitting import Case, show_by_cases
from causalopt.derive.statement.scope import Scope
from causalopt.derive.statement.steps import Expands, Status
from causalopt.derive.statement.verdict import Counterexample, Point, Progress, Verdict, leave_open
from causalopt.derive.trial.aimed import aimed_points
from causalopt.derive.trial.comparison import Compared, compare
from causalopt.derive.trial.expansion import Undetermined, Unexpandable, expand
from causalopt.derive.trial.failures import FAILURES
from causalopt.derive.trial.sampling import satisfies
from causalopt.derive.trial.seams import beside, is_seamed, seam_gaps
from causalopt.derive.trial.trials import Pair, try_pairs
from causalopt.derive.trial.values import NoValue, at, differentiate, instantiate
from causalopt.ground.work import Exhausted, at_most

SHARE = 0.4  # of the work that a step may take
USUAL = 4  # random cases, before those that are aimed


@dataclasses.dataclass(frozen=True)
class _Claim:
    """A series with all derivatives taken; the variable is the claim's own, and bound."""

    whole: sp.Expr
    series: sp.Expr
    variable: sp.Symbol
    about: sp.Expr
    order: int


def decide_series(step: Expands, scope: Scope, progress: Progress) -> Verdict:
    """The verdict on a Taylor series: ``whole`` and ``series`` differ by O(|x - about|^order).

    They do just where, on either side of the point, their terms below that order are the same, and
    where they have the same value at the point itself, if they have one there.
    """
    progress(leave_open("the terms were not found"))
    whole, series = differentiate(step.whole), differentiate(step.series)
    claim = _Claim(whole, series, step.variable, step.about, step.order)
    held, against = _try(claim, scope)
    shown = _show(claim, scope.without(claim.variable)) if held else None
    if shown is not None:
        # a proof holds where its conditions do: there no case may speak against it
        held = [point for point in held if satisfies(point, shown)]
        against = [case for case in against if satisfies(case.point, shown)]
    if against:
        mended = None if held else _polynomial(claim)
        return Verdict(Status.REFUTED, counterexample=against[0], corrected=mended)
    if shown is not None and held:
        return Verdict(Status.PROVED, "expansion", shown, held_at=tuple(held[:8]))
    if is_seamed(whole - series, step.variable):
        return leave_open("the terms on each side were not found", whole - series, tuple(held))
    return _by_derivatives(claim, scope)


def _try(claim: _Claim, scope: Scope) -> tuple[list[Point], list[Counterexample]]:
    """Cases in which the terms are the same, and cases in which one is not."""
    sides = (claim.whole, claim.series)
    here = scope.within(*sides, claim.about).without(claim.variable)
    aims = [gap.subs(claim.variable, claim.about) for side in sides for gap in seam_gaps(side)]
    held: list[Point] = []
    against: list[Counterexample] = []
    try:
        with at_most(SHARE):
            for point in aimed_points(here, aims, USUAL):
                outcome = _try_once(claim, point)
                if isinstance(outcome, Counterexample):
                    against.append(outcome)
                elif outcome is Compared.SAME:
                    held.append(point)
                if len(against) >= 2:
                    break
    except Exhausted:  # what was seen so far counts
        pass
    return held, against


def _try_once(claim: _Claim, point: Point) -> Counterexample | Compared:
    numbers = dict(point.symbols)
    try:
        about = at(claim.about, point)
        sides = [instantiate(side, point).subs(numbers) for side in (claim.whole, claim.series)]
        local = dataclasses.replace(claim, whole=sides[0], series=sides[1], about=about)
        pairs = [*_pairs_beside(local, 1)[0], *_pairs_beside(local, -1)[0], *_pair_at(local)]
        outcomes = [compare(ours, theirs) for ours, theirs in pairs]
    except (Unexpandable, Undetermined, NoValue, *FAILURES):
        return Compared.UNCLEAR
    for (ours, theirs), outcome in zip(pairs, outcomes, strict=True):
        if outcome is Compared.DIFFERENT:
            return Counterexample(point, ours, theirs)
    return Compared.SAME if set(outcomes) == {Compared.SAME} else Compared.UNCLEAR


def _pairs_beside(claim: _Claim, sign: int) -> tuple[list[Pair], frozenset[sp.Expr]]:
    """The terms below the order on one side, ours and theirs, and what was divided by."""
    h = sp.Dummy("h", positive=True)
    ours, theirs = (
        expand(beside(side, claim.variable, claim.about, sign, h), h, claim.order - 1)
        for side in (claim.whole, claim.series)
    )
    powers = range(min(ours.low, theirs.low), claim.order)
    # the term of (x - about)^k, not of h^k, so that both sides of a smooth function show the same
    pairs = [(sign**k * ours.at(k), sign**k * theirs.at(k)) for k in powers]
    return pairs, ours.nonzero | theirs.nonzero


def _pair_at(claim: _Claim) -> Iterator[Pair]:
    """Both values at the point itself, where a seam may have set one of its own."""
    values = [side.subs(claim.variable, claim.about) for side in (claim.whole, claim.series)]
    if not any(value.has(sp.nan, sp.zoo, sp.oo, -sp.oo) for value in values):
        yield values[0], values[1]


def _show(claim: _Claim, scope: Scope) -> tuple[Boolean, ...] | None:
    """The conditions under which the claim holds in every case, or None where it is not shown."""
    try:
        with at_most(SHARE):
            shown = [
                show_by_cases(functools.partial(_show_beside, claim, sign), scope.relations)
                for sign in (1, -1)
            ]
    except (Exhausted, NoValue, *FAILURES):
        return None
    if None in shown:
        return None
    values = [side for pair in _pair_at(claim) for side in pair]
    needs = (
        *(need for each in shown if each for need in each),
        *conditions_of(values, scope.relations),
    )
    return tuple(dict.fromkeys(needs))


def _show_beside(claim: _Claim, sign: int, case: Case) -> tuple[sp.Expr, ...] | None:
    free = sp.Dummy("x", real=True)
    sides = (case.read(side.subs(claim.variable, free)) for side in (claim.whole, claim.series))
    whole, series = sides
    local = _Claim(whole, series, free, case.read(claim.about), claim.order)
    try:
        pairs, divisors = _pairs_beside(local, sign)
    except Unexpandable:
        return None
    for ours, theirs in (*pairs, *_pair_at(local)):
        if to_zero(ours - theirs)[0] is None:
            return None
    return tuple(divisors)


def _polynomial(claim: _Claim) -> sp.Expr | None:
    """The series that is right, where both sides of the point have the same one."""
    try:
        with at_most(SHARE):
            (right, _), (left, _) = (_pairs_beside(claim, sign) for sign in (1, -1))
    except (Exhausted, Unexpandable, Undetermined, NoValue, *FAILURES):
        return None
    coefficients = [ours for ours, _ in right[-claim.order :]]
    if coefficients != [ours for ours, _ in left[-claim.order :]] or len(right) > claim.order:
        return None
    shift = claim.variable - claim.about
    return sp.simplify(sum(c * shift**k for k, c in enumerate(coefficients)))


def _by_derivatives(claim: _Claim, scope: Scope) -> Verdict:
    """Terms as derivatives at the point, for what is smooth there and is not expanded by rules."""
    pairs = []
    for j in range(claim.order):
        ours, theirs = (
            _value_at(sp.diff(side, claim.variable, j), claim.variable, claim.about)
            for side in (claim.whole, claim.series)
        )
        if ours is None or theirs is None:
            return leave_open(f"the derivative of order {j} has no value at {claim.about}")
        pairs.append((ours, theirs))
    trials = try_pairs(pairs, scope)
    if trials.counterexample is not None:
        return Verdict(Status.REFUTED, counterexample=trials.counterexample)
    verdict = prove(pairs, trials, scope)
    needs = conditions_of([first for first, _ in pairs], scope.relations)
    return dataclasses.replace(verdict, conditions=needs)


def _value_at(derivative: sp.Expr, variable: sp.Symbol, about: sp.Expr) -> sp.Expr | None:
    value = differentiate(derivative.subs(variable, about))
    return None if value.has(sp.nan, sp.zoo, sp.oo, -sp.oo) else value
