"""Whether two expressions are equal: try to refute it at points, then to prove it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import sympy as sp
from sympy.logic.boolalg import Boolean

from causalopt.derive.proof.conditions import conditions_of, settle_branches
from causalopt.derive.proof.correction import find_correction
from causalopt.derive.proof.integrals import worked_out
from causalopt.derive.proof.limits import with_limits_shown
from causalopt.derive.proof.routes import to_zero
from causalopt.derive.proof.sums import evaluable
from causalopt.derive.statement.expressions import Formula
from causalopt.derive.statement.scope import Scope
from causalopt.derive.statement.steps import Status
from causalopt.derive.statement.verdict import Progress, Verdict, leave_open
from causalopt.derive.trial.divergence import divergence_of
from causalopt.derive.trial.kinks import kink_gaps
from causalopt.derive.trial.trials import Pair, Trials, try_pairs
from causalopt.derive.trial.values import differentiate

NO_INTEGRAL = "the integral has no value: what is integrated has a pole in its range"
NO_POINT = "no case that fits the assumptions was found in which both sides have values"


def decide_equal(left: Formula, right: Formula, scope: Scope, progress: Progress) -> Verdict:
    """The verdict on left = right, both written out in givens only."""
    pairs = list(_entries(left, right))
    here = _with_decay(scope, left, right)
    # trials come first: a slip shows at the first points, and proving a false claim takes all time
    trials = try_pairs(pairs, here)
    if trials.counterexample is not None:
        verdict = Verdict(Status.REFUTED, counterexample=trials.counterexample)
        progress(verdict)
        mended = find_correction(left, right, here) if len(pairs) == 1 else None
        return dataclasses.replace(verdict, corrected=mended)
    lost = divergence_of(pairs[0]) if len(pairs) == 1 and not trials.held_at else None
    if lost is not None:
        return Verdict(Status.REFUTED, counterexample=lost, reason=NO_INTEGRAL)
    progress(leave_open("", left - right, trials.held_at))
    return prove(pairs, trials, scope)


def prove(pairs: Sequence[Pair], trials: Trials, scope: Scope) -> Verdict:
    """Proved where a route brings every difference to zero, and no trial speaks against it."""
    needs = _needs([side for pair in pairs for side in pair], scope)
    names = []
    for left, right in pairs:
        difference = differentiate(left) - differentiate(right)
        difference = with_limits_shown(difference, scope)
        name, remains = to_zero(difference, known=scope.relations, on_conditions=True)
        # on the seams of what is differentiated nothing is claimed, which may settle branches too
        off_seams = [sp.Ne(gap, 0) for side in (left, right) for gap in kink_gaps(side)]
        known = [*scope.relations, *off_seams, *needs]
        if name is None and known:
            # sympy cannot be told of assumptions between symbols: they choose among branches here
            done = evaluable(difference, scope.relations)
            name, _ = to_zero(settle_branches(done.whole.doit(), known))
        if name is None:
            return leave_open("no route brings the difference to zero", remains, trials.held_at)
        names.append(name)
    # without one case in which both sides have values the claim may be about nothing at all, and
    # a proof alone would stand on sympy's word
    if not trials.held_at:
        return dataclasses.replace(leave_open(NO_POINT), conditions=needs)
    route = ", ".join(dict.fromkeys(names))
    return Verdict(Status.PROVED, route=route, conditions=needs, held_at=trials.held_at)


def _needs(sides: Sequence[sp.Expr], scope: Scope) -> tuple[Boolean, ...]:
    """What must hold for the sides to be defined, their integrals among them."""
    needs = list(conditions_of(sides, scope.relations))
    for side in sides:
        needs += worked_out(differentiate(side), scope.relations).conditions
    return tuple(dict.fromkeys(needs))


def _entries(left: Formula, right: Formula) -> Iterator[Pair]:
    if isinstance(left, sp.MatrixBase) and isinstance(right, sp.MatrixBase):
        yield from zip(left, right, strict=True)
    else:
        yield left, right


def _with_decay(scope: Scope, *wholes: Formula) -> Scope:
    """Test functions that vanish at infinity, where something is integrated as far as that."""
    improper = any(
        sp.oo in limit or -sp.oo in limit
        for whole in wholes
        for integral in whole.atoms(sp.Integral)
        for limit in integral.limits
    )
    return dataclasses.replace(scope, gaussian=improper)
