"""Whether a conclusion follows from equations: eliminate to prove it, make up cases against it."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef

from causalopt.derive.proof.conditions import conditions, granted, nonzero
from causalopt.derive.proof.correction import corrected
from causalopt.derive.proof.elimination import Solved, eliminations, mentions, put, satisfying
from causalopt.derive.proof.equality import NO_POINT, Progress
from causalopt.derive.proof.routes import ALGEBRA, to_zero
from causalopt.derive.statement.steps import Apply, Follows, Status
from causalopt.derive.statement.verdict import Verdict, undecided
from causalopt.derive.trial.alarm import TookTooLong, at_most
from causalopt.derive.trial.sampling import Domain
from causalopt.derive.trial.trials import Trials, compare_at, try_at, try_pairs
from causalopt.derive.trial.values import differentiate

MOST_ELIMINATIONS = 40
ENOUGH_CASES = 5  # cases that satisfy hypotheses are dear
SECONDS = 10.0


@dataclasses.dataclass(frozen=True)
class Shown:
    """How a conclusion was brought to zero, and what had to be nonzero on the way."""

    route: str
    divisors: tuple[Any, ...]
    reduced: Any


def decide_follows(step: Follows, domain: Domain, progress: Progress) -> Verdict:
    """The verdict on: wherever the hypotheses (equations) hold, so does the conclusion."""
    conclusion = step.conclusion
    gaps = _gaps((one.lhs, one.rhs) for one in step.since)
    applied, lost = _applied(step, domain)
    left, right = differentiate(conclusion.lhs), differentiate(conclusion.rhs)
    trials = _try(left, right, gaps, domain)
    shown = _show(left - right, [*gaps, *applied], left, domain)
    needed = (*lost, *shown.divisors) if shown else ()
    divided = tuple(one for one in needed if not granted(one, domain.relations))
    if trials.counterexample is None and divided:
        trials = _try_where_zero(left, right, gaps, divided, domain) or trials
    if trials.counterexample is not None:
        return _refuted(left, right, gaps, domain, trials, divided, progress)
    needs = (*divided, *conditions((left, right), domain.relations))
    if shown is None:
        reason = "no way to eliminate the hypotheses brings the difference to zero"
        return undecided(reason, left - right, trials.held_at)
    if not trials.held_at:
        held = try_pairs([(shown.reduced, sp.S.Zero)], domain).held_at
        if not held:
            return undecided(NO_POINT, left - right)
        trials = Trials(held)
    needs = tuple(dict.fromkeys(needs))
    return Verdict(Status.PROVED, shown.route, needs, held_at=trials.held_at)


def _gaps(sides: Iterable[tuple[Any, Any]]) -> list[Any]:
    return [gap for left, right in sides if (gap := differentiate(left - right)) != 0]


def _applied(step: Follows, domain: Domain) -> tuple[list[Any], tuple[Any, ...]]:
    """Hypotheses with the same done to both sides, and where that cannot be done.

    sympy cancels a x / a as soon as it meets it, so that the function itself has to be asked.
    """
    sides, lost = [], []
    for rule in step.rules(Apply):
        variable, whole = rule.function.variables[0], rule.function.expr
        needs = conditions([whole], domain.relations)
        for one in step.since:
            sides.append((rule.function(one.lhs), rule.function(one.rhs)))
            lost += [c.subs(variable, side) for c in needs for side in (one.lhs, one.rhs)]
    open_ones = (
        c for c in dict.fromkeys(lost) if c != sp.true and not granted(c, domain.relations)
    )
    return _gaps(sides), tuple(open_ones)


def _refuted(
    left: Any,
    right: Any,
    gaps: Sequence[Any],
    domain: Domain,
    trials: Trials,
    divided: tuple[Any, ...],
    progress: Progress,
) -> Verdict:
    verdict = Verdict(Status.REFUTED, conditions=divided, counterexample=trials.counterexample)
    progress(verdict)
    if divided:
        return verdict
    for solutions in itertools.islice(_eliminations(gaps, left, domain), 6):
        mended = corrected(left, right, domain, reduce=lambda w, s=solutions: _reduce(w, s))
        if mended is not None:
            return dataclasses.replace(verdict, corrected=mended)
    return verdict


def _try(left: Any, right: Any, gaps: Sequence[Any], domain: Domain) -> Trials:
    cases = satisfying(gaps, domain.within(left, right, *gaps))
    return try_at(cases, lambda point: compare_at([(left, right)], point), enough=ENOUGH_CASES)


def _try_where_zero(
    left: Any, right: Any, gaps: Sequence[Any], divided: Sequence[Any], domain: Domain
) -> Trials | None:
    """What was divided by may vanish: look for a case there in which the conclusion is false."""
    sides = (left, right, *gaps)
    undefined = conditions(sides)  # where these fail, nothing is claimed
    for condition in divided:
        if condition in undefined:
            continue
        zero = condition.lhs - condition.rhs
        trials = _try(left, right, [zero, *gaps], domain)
        if trials.counterexample is not None:
            return trials
    return None


def _show(difference: Any, gaps: Sequence[Any], wanted: Any, domain: Domain) -> Shown | None:
    """Bring the difference to zero by the hypotheses; the way that divides by least wins."""
    best: Shown | None = None
    try:
        with at_most(SECONDS):
            ways = _eliminations(gaps, wanted, domain)
            for solutions in itertools.islice(ways, MOST_ELIMINATIONS):
                reduced = _reduce(difference, solutions)
                name, _ = to_zero(reduced, ALGEBRA)
                if name is None or _vacuous(solutions):
                    continue
                found = Shown(_told(solutions, name), _divisors(difference, solutions), reduced)
                if best is None or len(found.divisors) < len(best.divisors):
                    best = found
                if not best.divisors:
                    return best
            if best is None:
                best = _show_harder(difference, gaps, wanted, domain)
    except TookTooLong:
        pass
    return best


def _show_harder(difference: Any, gaps: Sequence[Any], wanted: Any, domain: Domain) -> Shown | None:
    for solutions in itertools.islice(_eliminations(gaps, wanted, domain), 4):
        reduced = _reduce(difference, solutions)
        name, _ = to_zero(reduced)
        if name is not None and not _vacuous(solutions):
            return Shown(_told(solutions, name), _divisors(difference, solutions), reduced)
    return _show_by_roots(difference, gaps)


def _show_by_roots(difference: Any, gaps: Sequence[Any]) -> Shown | None:
    """One hypothesis, a polynomial in a symbol: the conclusion at each root that it may take."""
    if len(gaps) != 1 or gaps[0].atoms(AppliedUndef):
        return None
    for symbol in sorted(gaps[0].free_symbols, key=str):
        numerator = sp.fraction(sp.cancel(sp.together(gaps[0])))[0]
        if not numerator.is_polynomial(symbol) or sp.degree(numerator, symbol) > 4:
            continue
        found = sp.roots(sp.Poly(numerator, symbol))
        if sum(found.values()) != sp.degree(numerator, symbol):
            continue
        possible = [root for root in found if not _excluded(root, symbol)]
        if possible and all(to_zero(difference.subs(symbol, r))[0] for r in possible):
            leading = nonzero(sp.LC(numerator, symbol))
            told = ", ".join(str(root) for root in possible)
            return Shown(f"each root for {symbol}: {told}", leading, sp.S.Zero)
    return None


def _excluded(root: Any, symbol: Any) -> bool:
    """Whether a root contradicts what is known of the symbol."""
    known = {name: truth for name, truth in symbol.assumptions0.items() if truth is not None}
    return any(getattr(root, f"is_{name}") is (not truth) for name, truth in known.items())


def _eliminations(gaps: Sequence[Any], wanted: Any, domain: Domain) -> Iterator[tuple[Solved, ...]]:
    for order in itertools.islice(itertools.permutations(gaps), 6):
        yield from eliminations(order, wanted, domain.functions)


def _reduce(whole: Any, solutions: Sequence[Solved]) -> Any:
    for solved in solutions:
        whole = put(whole, solved)
    return whole


def _told(solutions: Sequence[Solved], name: str) -> str:
    solved = ", ".join(str(one.what) for one in solutions)
    return f"hypotheses solved for {solved}; {name}" if solved else name


def _divisors(difference: Any, solutions: Sequence[Solved]) -> tuple[Any, ...]:
    """What must not vanish: the divisors that do not cancel from the multiplier of a gap."""
    needed: list[Any] = []
    for solved in solutions:
        slope = _slope(difference, solved)
        multiplier = sp.cancel(sp.together((1 if slope is None else slope) / solved.divisor))
        needed.extend(nonzero(sp.fraction(multiplier)[1]))
        difference = put(difference, solved)
    return tuple(dict.fromkeys(needed))


def _slope(difference: Any, solved: Solved) -> Any:
    """How the difference grows with what was solved for, or None where it is not linear in it."""
    mark = sp.Dummy("mark")
    marked = difference.xreplace({solved.what: mark})
    if mentions(marked, solved.what) or marked.atoms(sp.Derivative) != (
        difference.atoms(sp.Derivative) - {solved.what}
    ):
        return None
    slope = sp.diff(marked, mark)
    return None if slope.has(mark) else slope


def _vacuous(solutions: Sequence[Solved]) -> bool:
    """Whether what was divided by is zero wherever the hypotheses hold."""
    divisors = [_reduce(one.divisor, solutions) for one in solutions]
    return any(to_zero(divisor, ALGEBRA)[0] is not None for divisor in divisors)
