"""Stationary points under constraints, by Lagrange's multipliers."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import sympy as sp
from sympy.utilities.iterables import subsets

from causalopt.derive.proof.conditions import conditions_of
from causalopt.derive.proof.equality import prove
from causalopt.derive.statement.scope import Scope
from causalopt.derive.statement.steps import Stationary, Status
from causalopt.derive.statement.verdict import (
    Counterexample,
    Point,
    Progress,
    Verdict,
    leave_open,
)
from causalopt.derive.trial.comparison import Compared, compare
from causalopt.derive.trial.kinks import (
    derivative_on_seam,
    ends_beside,
    kink_gaps,
    slopes_beside,
)
from causalopt.derive.trial.sampling import fits, points
from causalopt.derive.trial.trials import Pair, try_pairs
from causalopt.derive.trial.values import differentiate

#: So near to a point both of its sides are looked at, for whether the variable comes there.
BESIDE = sp.Rational(1, 1000)

#: The derivatives of one expression by each variable of the point, taken there.
Gradient: TypeAlias = Sequence[sp.Expr]


def decide_stationary(step: Stationary, scope: Scope, progress: Progress) -> Verdict:
    """The verdict on a stationary point: constraints hold there, and the gradients balance."""
    gaps = [differentiate(constraint.lhs - constraint.rhs) for constraint in step.under]
    at = dict(step.at.items())
    constraints = [(gap.subs(at, simultaneous=True), sp.S.Zero) for gap in gaps]
    wholes = (differentiate(step.objective), *gaps)
    kink = _kink(step, wholes, at, scope)
    if kink is not None:
        return kink
    slope, *slopes = (_gradient(whole, at) for whole in wholes)
    # off these seams the gradients are those of one branch each
    seams = [sp.Ne(gap, 0) for gap in _seams_at(wholes, at)]
    off_seams = tuple(need for need in seams if need not in (sp.true, sp.false))
    scope = dataclasses.replace(scope, relations=(*scope.relations, *off_seams))
    multipliers = list(step.multipliers) or _multipliers(slope, slopes)
    if multipliers is None:
        return leave_open("no multipliers were found; give them as multipliers=(...)")
    pairs = [*constraints, *_balance(slope, slopes, multipliers)]
    trials = try_pairs(pairs, scope)
    if trials.counterexample is not None:
        broken = _is_broken(constraints, scope)
        reason = "a constraint does not hold there" if broken else _imbalance(step)
        return Verdict(Status.REFUTED, counterexample=trials.counterexample, reason=reason)
    progress(leave_open("", held_at=trials.held_at))
    verdict = prove(pairs, trials, scope)
    needs = conditions_of([*step.at.values(), *multipliers], scope.relations)
    needs = tuple(dict.fromkeys((*needs, *off_seams, *verdict.conditions)))
    listed = ", ".join(str(multiplier) for multiplier in multipliers)
    route = (
        f"multipliers {listed}; {verdict.route}" if multipliers and verdict.route else verdict.route
    )
    return dataclasses.replace(verdict, route=route, conditions=needs)


def _balance(
    slope: Gradient, slopes: Sequence[Gradient], multipliers: Sequence[sp.Expr]
) -> list[Pair]:
    """For each variable, the objective's slope and the multiplied slopes of the constraints."""
    return [
        (own, sum((m * g[i] for m, g in zip(multipliers, slopes, strict=True)), sp.S.Zero))
        for i, own in enumerate(slope)
    ]


def _is_broken(constraints: Sequence[Pair], scope: Scope) -> bool:
    return bool(constraints) and try_pairs(constraints, scope).counterexample is not None


def _imbalance(step: Stationary) -> str:
    return "the gradients do not balance there" + (
        " with these multipliers" if step.multipliers else ""
    )


def _gradient(whole: sp.Expr, at: Mapping[sp.Symbol, sp.Expr]) -> Gradient:
    slopes = []
    for x in at:
        node = sp.Derivative(whole, x, evaluate=False)
        on_seam = any(gap == 0 for gap in _gaps_at(node, at))
        slope = derivative_on_seam(node, at) if on_seam else None
        slopes.append(sp.diff(whole, x).subs(at, simultaneous=True) if slope is None else slope)
    return slopes


def _gaps_at(node: sp.Derivative, at: Mapping[sp.Symbol, sp.Expr]) -> list[sp.Expr]:
    return [sp.simplify(gap.subs(at, simultaneous=True)) for gap in kink_gaps(node)]


def _seams_at(wholes: Sequence[sp.Expr], at: Mapping[sp.Symbol, sp.Expr]) -> list[sp.Expr]:
    nodes = (sp.Derivative(whole, x, evaluate=False) for whole in wholes for x in at)
    return list(dict.fromkeys(gap for node in nodes for gap in _gaps_at(node, at)))


def _kink(
    step: Stationary, wholes: Sequence[sp.Expr], at: Mapping[sp.Symbol, sp.Expr], scope: Scope
) -> Verdict | None:
    """The verdict where the point lies on a seam across which a slope is not one number."""
    for whole, x in itertools.product(wholes, at):
        node = sp.Derivative(whole, x, evaluate=False)
        if 0 not in _gaps_at(node, at) or derivative_on_seam(node, at) is not None:
            continue
        sides = slopes_beside(node, at)
        point = next(points(scope.within(*at.values())), None)
        jump = None if step.under else _jump(node, at, scope)
        if jump is not None:
            return Verdict(Status.REFUTED, counterexample=jump, reason="it jumps there")
        if sides is None or point is None or not all(side.is_number for side in sides):
            return leave_open("the point lies on a seam, and the slopes beside it were not found")
        case = Counterexample(point, *sides)
        return Verdict(Status.REFUTED, counterexample=case, reason="the slope jumps there")
    return None


def _jump(
    node: sp.Derivative, at: Mapping[sp.Symbol, sp.Expr], scope: Scope
) -> Counterexample | None:
    """A value beside the point that is another than at it, where the variable is free to move."""
    x, numbers = node.variables[0], [*at.values()]
    is_bound = any(relation.has(*at) for relation in scope.relations)
    is_free = not is_bound and all(fits(x, at[x] + step) for step in (-BESIDE, BESIDE))
    if not is_free or not all(number.is_Rational for number in numbers):
        return None
    here, *sides = ends_beside(node, at)
    for side in sides:
        is_told = all(end.is_number and end.is_finite for end in (side, here))
        if is_told and compare(side, here) is Compared.DIFFERENT:
            return Counterexample(Point(), side, here)
    return None


def _multipliers(slope: Gradient, slopes: Sequence[Gradient]) -> list[sp.Expr] | None:
    """Multipliers from as many of the balance equations as there are constraints.

    The first equations with independent gradients fix them; the others are then checked.
    """
    count = len(slopes)
    if not count:
        return []
    columns = sp.Matrix([list(row) for row in zip(*slopes, strict=True)])
    for rows in subsets(range(len(slope)), count):
        square = columns.extract(list(rows), list(range(count)))
        # a determinant not seen to be zero is taken for none: the multipliers are checked anyway
        if sp.simplify(square.det()) != 0:
            solution = square.LUsolve(sp.Matrix([slope[i] for i in rows]))
            return [sp.simplify(sp.expand_log(entry)) for entry in solution]
    return None
