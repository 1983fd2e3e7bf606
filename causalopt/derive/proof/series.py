"""Taylor series: their coefficients beside those of the formula, on every way to the point."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Iterator

import sympy as sp
from sympy.logic.boolalg import Boolean

from causalopt.derive.proof.conditions import conditions_of
from causalopt.derive.proof.routes import to_zero
from causalopt.derive.proof.splitting import Case, show_by_cases
from causalopt.derive.statement.scope import Scope
from causalopt.derive.statement.steps import Expands, Status
from causalopt.derive.statement.verdict import Counterexample, Point, Progress, Verdict, leave_open
from causalopt.derive.trial.aimed import aimed_points
from causalopt.derive.trial.comparison import Compared, compare
from causalopt.derive.trial.directions import SIDES, directions_of, is_on_line
from causalopt.derive.trial.expansion import Undetermined, Unexpandable, expand
from causalopt.derive.trial.failures import FAILURES
from causalopt.derive.trial.nearby import Nearby
from causalopt.derive.trial.remainder import remainder_beside
from causalopt.derive.trial.sampling import satisfies
from causalopt.derive.trial.seams import beside, seam_gaps
from causalopt.derive.trial.trials import Pair
from causalopt.derive.trial.values import NoValue, at, differentiate, instantiate
from causalopt.ground.work import Exhausted, at_most

SHARE = 0.4  # of the work that a step may take
USUAL = 4  # random cases, before those that are aimed
FINEST = 12  # root of a small h in whose powers it is expanded
UNSHOWN = "the terms were not found: nothing shows what order the remainder has"
UNCONFIRMED = "numbers nearby do not confirm the order of the remainder"
IN_THE_PLANE = "that it holds in every direction was not shown: {0} is not said to be real"


@dataclasses.dataclass(frozen=True)
class _Claim:
    """A series with all derivatives taken; the variable is the claim's own, and bound."""

    whole: sp.Expr
    series: sp.Expr
    variable: sp.Symbol
    about: sp.Expr
    order: int

    @functools.cached_property
    def root(self) -> int:
        """The m for which all powers of h in the claim may be whole powers of h^(1/m)."""
        powers = (node.exp for side in (self.whole, self.series) for node in side.atoms(sp.Pow))
        below = math.lcm(*(power.q for power in powers if power.is_Rational))
        return below if below <= FINEST and is_on_line(self.variable) else 1


@dataclasses.dataclass
class _Looks:
    """Cases in which the terms are the same, in which one is not, and which are in doubt."""

    held: list[Point] = dataclasses.field(default_factory=list)
    doubtful: list[Point] = dataclasses.field(default_factory=list)
    against: list[Counterexample] = dataclasses.field(default_factory=list)

    def within(self, needs: tuple[Boolean, ...]) -> _Looks:
        return _Looks(
            [point for point in self.held if satisfies(point, needs)],
            [point for point in self.doubtful if satisfies(point, needs)],
            [case for case in self.against if satisfies(case.point, needs)],
        )


def decide_series(step: Expands, scope: Scope, progress: Progress) -> Verdict:
    """The verdict on a Taylor series: ``whole`` and ``series`` differ by O(|x - about|^order).

    They do just where, on either side of the point, their terms below that order are the same, and
    where they have the same value at the point itself, if they have one there. A variable that is
    not real comes to the point from everywhere: then both are compared as analytic functions.
    """
    progress(leave_open("the terms were not found"))
    whole, series = differentiate(step.whole), differentiate(step.series)
    claim = _Claim(whole, series, step.variable, step.about, step.order)
    looks = _try(claim, scope)
    shown = _show(claim, scope.without(claim.variable)) if looks.held else None
    if shown is not None:
        # a proof holds where its conditions do: there no case may speak against it
        looks = looks.within(shown)
    if looks.against:
        mended = None if looks.held else _polynomial(claim)
        return Verdict(Status.REFUTED, counterexample=looks.against[0], corrected=mended)
    held = tuple(looks.held[:8])
    if shown is None:
        reason = UNSHOWN if is_on_line(claim.variable) else IN_THE_PLANE.format(claim.variable)
        return leave_open(reason, whole - series, held)
    if looks.doubtful or not held:
        return leave_open(UNCONFIRMED, whole - series, held)
    return Verdict(Status.PROVED, "expansion", shown, held_at=held)


def _try(claim: _Claim, scope: Scope) -> _Looks:
    sides = (claim.whole, claim.series)
    here = scope.within(*sides, claim.about).without(claim.variable)
    aims = [gap.subs(claim.variable, claim.about) for side in sides for gap in seam_gaps(side)]
    looks = _Looks()
    try:
        with at_most(SHARE):
            for point in aimed_points(here, aims, USUAL):
                outcome = _try_once(claim, point)
                if isinstance(outcome, Counterexample):
                    looks.against.append(outcome)
                elif outcome is not Nearby.NOTHING:
                    (looks.held if outcome is Nearby.AGREE else looks.doubtful).append(point)
                if len(looks.against) >= 2:
                    break
    except Exhausted:  # what was seen so far counts
        pass
    return looks


def _try_once(claim: _Claim, point: Point) -> Counterexample | Nearby:
    numbers = dict(point.symbols)
    try:
        about = at(claim.about, point)
        sides = [instantiate(side, point).subs(numbers) for side in (claim.whole, claim.series)]
    except (NoValue, *FAILURES):
        return Nearby.NOTHING
    local = dataclasses.replace(claim, whole=sides[0], series=sides[1], about=about)
    outcomes = [_compare_terms(local, sign) for sign in directions_of(claim.variable)]
    for outcome in outcomes:
        if isinstance(outcome, tuple):
            return Counterexample(point, *outcome)
    beside_it = [_numbers_beside(local, sign) for sign in directions_of(claim.variable)]
    if Nearby.DISAGREE in beside_it:
        return Nearby.DISAGREE
    return Nearby.AGREE if set(outcomes) == {Compared.SAME} else Nearby.NOTHING


def _compare_terms(local: _Claim, sign: sp.Expr) -> Pair | Compared:
    """A pair of terms that differ in one direction, or whether all are the same there."""
    try:
        pairs = [*_pairs_beside(local, sign)[0], *_pair_at(local)]
        outcomes = [compare(ours, theirs) for ours, theirs in pairs]
    except (Unexpandable, Undetermined, NoValue, *FAILURES):
        return Compared.UNCLEAR
    for pair, outcome in zip(pairs, outcomes, strict=True):
        if outcome is Compared.DIFFERENT:
            return pair
    return Compared.SAME if set(outcomes) == {Compared.SAME} else Compared.UNCLEAR


def _numbers_beside(local: _Claim, sign: sp.Expr) -> Nearby:
    gap = local.whole - local.series
    try:
        return remainder_beside(gap, local.variable, local.about, sign, local.order)
    except FAILURES:
        return Nearby.NOTHING


def _pairs_beside(
    claim: _Claim, sign: sp.Expr, whole_plane: bool = False
) -> tuple[list[Pair], frozenset[sp.Expr]]:
    """The terms below the order in one direction, ours and theirs, and what was divided by.

    Where a root of h occurs, they are those of h^(1/m), and the order is m times as high.
    """
    h = sp.Dummy("h") if whole_plane else sp.Dummy("h", positive=True)
    root = claim.root
    end = claim.order * root
    ours, theirs = (
        expand(beside(side, claim.variable, claim.about, sign, h, root), h, end - 1)
        for side in (claim.whole, claim.series)
    )
    # the term of (x - about)^k, not of h^k, so that both sides of a smooth function show the same
    turns = {k: sign ** -(k // root) for k in range(min(ours.low, theirs.low), end)}
    pairs = [
        (sp.expand(turn * ours.at(k)), sp.expand(turn * theirs.at(k))) for k, turn in turns.items()
    ]
    return pairs, ours.nonzero | theirs.nonzero


def _pair_at(claim: _Claim) -> Iterator[Pair]:
    """Both values at the point itself, where a seam may have set one of its own."""
    values = [side.subs(claim.variable, claim.about) for side in (claim.whole, claim.series)]
    if not any(value.has(sp.nan, sp.zoo, sp.oo, -sp.oo) for value in values):
        yield values[0], values[1]


def _show(claim: _Claim, scope: Scope) -> tuple[Boolean, ...] | None:
    """The conditions under which the claim holds in every case, or None where it is not shown."""
    ways = SIDES if is_on_line(claim.variable) else (None,)
    try:
        with at_most(SHARE):
            shown = [
                show_by_cases(functools.partial(_show_beside, claim, way), scope.relations)
                for way in ways
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


def _show_beside(claim: _Claim, way: sp.Expr | None, case: Case) -> tuple[sp.Expr, ...] | None:
    """The claim in one case on one side, or, where that is None, in the whole plane."""
    free = sp.Dummy("x") if way is None else sp.Dummy("x", real=True)
    sides = (case.read(side.subs(claim.variable, free)) for side in (claim.whole, claim.series))
    whole, series = sides
    local = _Claim(whole, series, free, case.read(claim.about), claim.order)
    try:
        pairs, divisors = _pairs_beside(local, way or sp.S.One, way is None)
    except Unexpandable:
        return None
    for ours, theirs in (*pairs, *_pair_at(local)):
        if to_zero(ours - theirs)[0] is None:
            return None
    return tuple(divisors)


def _polynomial(claim: _Claim) -> sp.Expr | None:
    """The series that is right, where all directions of the point have the same one."""
    on_line = is_on_line(claim.variable)
    try:
        with at_most(SHARE):
            ways = [(sign, False) for sign in SIDES] if on_line else [(sp.S.One, True)]
            several = [_pairs_beside(claim, *way)[0] for way in ways]
    except (Exhausted, Unexpandable, Undetermined, NoValue, *FAILURES):
        return None
    listed = [[ours for ours, _ in pairs[-claim.order :]] for pairs in several]
    coefficients = listed[0]
    if any(other != coefficients for other in listed) or len(several[0]) > claim.order:
        return None
    shift = claim.variable - claim.about
    return sp.simplify(sum(c * shift**k for k, c in enumerate(coefficients)))
