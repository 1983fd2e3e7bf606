"""Stationary points under constraints, by Lagrange's multipliers."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import sympy as sp

from causalopt.derive.proof.conditions import conditions
from causalopt.derive.proof.equality import Progress, prove
from causalopt.derive.statement.steps import Stationary, Status
from causalopt.derive.statement.verdict import Verdict, undecided
from causalopt.derive.trial.sampling import Domain
from causalopt.derive.trial.trials import try_pairs
from causalopt.derive.trial.values import differentiate


def decide_stationary(step: Stationary, domain: Domain, progress: Progress) -> Verdict:
    """The verdict on a stationary point: constraints hold there, and the gradients balance."""
    gaps = [differentiate(one.lhs - one.rhs) for one in step.under]
    at = dict(step.at.items())
    held = [(gap.subs(at, simultaneous=True), sp.S.Zero) for gap in gaps]
    slopes = [_gradient(differentiate(step.objective), at)] + [_gradient(g, at) for g in gaps]
    multipliers = list(step.multipliers) or _multipliers(slopes[0], slopes[1:])
    if multipliers is None:
        return undecided("no multipliers were found; give them as multipliers=(...)")
    balance = [
        (slope, sum((m * g[i] for m, g in zip(multipliers, slopes[1:], strict=True)), sp.S.Zero))
        for i, slope in enumerate(slopes[0])
    ]
    pairs = [*held, *balance]
    trials = try_pairs(pairs, domain)
    if trials.counterexample is not None:
        what = "a constraint does not hold there" if _breaks(held, domain) else _why(step)
        return Verdict(Status.REFUTED, counterexample=trials.counterexample, reason=what)
    progress(undecided("the limit on time was reached", held_at=trials.held_at))
    verdict = prove(pairs, trials, domain)
    needs = conditions([*step.at.values(), *multipliers], domain.relations)
    told = ", ".join(str(m) for m in multipliers)
    route = (
        f"multipliers {told}; {verdict.route}" if multipliers and verdict.route else verdict.route
    )
    return dataclasses.replace(verdict, route=route, conditions=needs)


def _breaks(held: Sequence[tuple[Any, Any]], domain: Domain) -> bool:
    return bool(held) and try_pairs(held, domain).counterexample is not None


def _why(step: Stationary) -> str:
    return "the gradients do not balance there" + (
        " with these multipliers" if step.multipliers else ""
    )


def _gradient(whole: Any, at: dict[Any, Any]) -> list[Any]:
    return [sp.diff(whole, x).subs(at, simultaneous=True) for x in at]


def _multipliers(slope: Sequence[Any], constraints: Sequence[Sequence[Any]]) -> list[Any] | None:
    """Multipliers from as many of the balance equations as there are constraints.

    The first equations with independent gradients fix them; the others are then checked.
    """
    count = len(constraints)
    if not count:
        return []
    columns = sp.Matrix([list(row) for row in zip(*constraints, strict=True)])
    for rows in _subsets(len(slope), count):
        square = columns.extract(list(rows), list(range(count)))
        determinant = sp.simplify(square.det())
        if determinant != 0:
            found = square.LUsolve(sp.Matrix([slope[i] for i in rows]))
            return [sp.simplify(sp.expand_log(one)) for one in found]
    return None


def _subsets(size: int, count: int) -> Any:
    return sp.utilities.iterables.subsets(range(size), count)
