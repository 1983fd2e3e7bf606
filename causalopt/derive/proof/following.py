"""Whether a conclusion follows from equations: eliminate to prove it, make up cases against it."""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Iterable, Iterator, Sequence

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.logic.boolalg import Boolean

from causalopt.derive.proof.cases import cases_satisfying
from causalopt.derive.proof.conditions import conditions_of, is_granted, nonzero_conditions
from causalopt.derive.proof.correction import find_correction
from causalopt.derive.proof.elimination import Solved, eliminations, mentions, put
from causalopt.derive.proof.equality import NO_POINT
from causalopt.derive.proof.routes import ALGEBRA, to_zero
from causalopt.derive.statement.scope import Scope
from causalopt.derive.statement.steps import Apply, Follows, Status
from causalopt.derive.statement.verdict import Progress, Verdict, leave_open
from causalopt.derive.trial.trials import Pair, Trials, compare_at, try_at, try_pairs
from causalopt.derive.trial.values import differentiate
from causalopt.ground.work import Exhausted, at_most

MOST_ELIMINATIONS = 40
MOST_ORDERS = 6  # in which hypotheses are taken
MOST_CORRECTIONS = 6  # eliminations under which a correction is looked for
MOST_HARD = 4  # eliminations after which every route is tried
HIGHEST_DEGREE = 4  # of a polynomial whose roots are gone through
ENOUGH_CASES = 5  # cases that satisfy hypotheses are dear
SHARE = 0.35  # of the work that a step may take


@dataclasses.dataclass(frozen=True)
class Shown:
    """How a conclusion was brought to zero, and what had to be nonzero on the way."""

    route: str
    divisors: tuple[Boolean, ...]
    reduced: sp.Expr


def decide_follows(step: Follows, scope: Scope, progress: Progress) -> Verdict:
    """The verdict on: wherever the hypotheses (equations) hold, so does the conclusion."""
    conclusion = step.conclusion
    gaps = _gaps((equation.lhs, equation.rhs) for equation in step.equations)
    applied, lost = _apply_rules(step, scope)
    left, right = differentiate(conclusion.lhs), differentiate(conclusion.rhs)
    trials = _try(left, right, gaps, scope)
    shown = _show(left - right, [*gaps, *applied], left, scope)
    needed = (*lost, *shown.divisors) if shown else ()
    divided = tuple(need for need in needed if not is_granted(need, scope.relations))
    # random cases seldom hit where a divisor vanishes, and that is where such a step fails
    if trials.counterexample is None and divided:
        trials = _try_where_zero(left, right, gaps, divided, scope) or trials
    if trials.counterexample is not None:
        return _refute(left, right, gaps, scope, trials, divided, progress)
    needs = (
        *divided,
        *conditions_of((conclusion.lhs, conclusion.rhs, left, right), scope.relations),
    )
    if shown is None:
        reason = "no way to eliminate the hypotheses brings the difference to zero"
        return leave_open(reason, left - right, trials.held_at)
    if not trials.held_at:
        # no case was made up: at least what was left of the difference has values, all of them 0
        held = try_pairs([(shown.reduced, sp.S.Zero)], scope).held_at
        if not held:
            return leave_open(NO_POINT, left - right)
        trials = Trials(held)
    needs = tuple(dict.fromkeys(needs))
    return Verdict(Status.PROVED, shown.route, needs, held_at=trials.held_at)


def _gaps(sides: Iterable[Pair]) -> list[sp.Expr]:
    gaps = (differentiate(_first_powers(left, right)) for left, right in sides)
    return [gap for gap in gaps if gap != 0]


def _first_powers(left: sp.Expr, right: sp.Expr) -> sp.Expr:
    """left - right, or for x^n = y^n with real x and y and an odd n the same as it, x - y."""
    odd = isinstance(left, sp.Pow) and isinstance(right, sp.Pow) and left.exp == right.exp
    if (
        odd
        and left.exp.is_odd
        and left.exp.is_positive
        and left.base.is_real
        and right.base.is_real
    ):
        return left.base - right.base
    return left - right


def _apply_rules(step: Follows, scope: Scope) -> tuple[list[sp.Expr], tuple[Boolean, ...]]:
    """Hypotheses with the same done to both sides, and where that cannot be done.

    sympy cancels a x / a as soon as it meets it, so that the function itself has to be asked.
    """
    sides, lost = [], []
    for rule in step.rules(Apply):
        variable, whole = rule.function.variables[0], rule.function.expr
        needs = conditions_of([whole], scope.relations)
        for equation in step.equations:
            both = (equation.lhs, equation.rhs)
            sides.append((rule.function(equation.lhs), rule.function(equation.rhs)))
            lost += [need.subs(variable, side) for need in needs for side in both]
    open_needs = (
        need
        for need in dict.fromkeys(lost)
        if need != sp.true and not is_granted(need, scope.relations)
    )
    return _gaps(sides), tuple(open_needs)


def _refute(
    left: sp.Expr,
    right: sp.Expr,
    gaps: Sequence[sp.Expr],
    scope: Scope,
    trials: Trials,
    divided: tuple[Boolean, ...],
    progress: Progress,
) -> Verdict:
    verdict = Verdict(Status.REFUTED, conditions=divided, counterexample=trials.counterexample)
    progress(verdict)
    # with its conditions the claim is right as it stands: there is nothing to correct
    if divided:
        return verdict
    for solutions in itertools.islice(_eliminations(gaps, left, scope), MOST_CORRECTIONS):
        reduce = functools.partial(_reduce, solutions=solutions)
        mended = find_correction(left, right, scope, reduce)
        if mended is not None:
            return dataclasses.replace(verdict, corrected=mended)
    return verdict


def _try(left: sp.Expr, right: sp.Expr, gaps: Sequence[sp.Expr], scope: Scope) -> Trials:
    cases = cases_satisfying(gaps, scope.within(left, right, *gaps))
    return try_at(cases, lambda point: compare_at([(left, right)], point), enough=ENOUGH_CASES)


def _try_where_zero(
    left: sp.Expr,
    right: sp.Expr,
    gaps: Sequence[sp.Expr],
    divided: Sequence[Boolean],
    scope: Scope,
) -> Trials | None:
    """What was divided by may vanish: look for a case there in which the conclusion is false."""
    sides = (left, right, *gaps)
    undefined = conditions_of(sides)  # where these fail, nothing is claimed
    for condition in divided:
        if condition in undefined:
            continue
        zero = condition.lhs - condition.rhs
        trials = _try(left, right, [zero, *gaps], scope)
        if trials.counterexample is not None:
            return trials
    return None


def _show(
    difference: sp.Expr, gaps: Sequence[sp.Expr], wanted: sp.Expr, scope: Scope
) -> Shown | None:
    """Bring the difference to zero by the hypotheses; the way that divides by least wins.

    Sound since each solution is a consequence of the hypotheses wherever its divisor is not zero:
    where the difference is zero with all of them put in, it is zero wherever the hypotheses hold.
    """
    best: Shown | None = None
    try:
        with at_most(SHARE):
            # algebra on every way first: it decides most, and the others are dear
            ways = _eliminations(gaps, wanted, scope)
            for solutions in itertools.islice(ways, MOST_ELIMINATIONS):
                shown = _show_by(solutions, difference, easily=True)
                if shown is None:
                    continue
                if best is None or len(shown.divisors) < len(best.divisors):
                    best = shown
                if not best.divisors:
                    return best
            if best is None:
                best = _show_harder(difference, gaps, wanted, scope)
    except Exhausted:  # the best way so far is a proof all the same
        pass
    return best


def _show_by(solutions: Sequence[Solved], difference: sp.Expr, easily: bool) -> Shown | None:
    """The difference brought to zero by one elimination, or None where it is not."""
    reduced = _reduce(difference, solutions)
    name, _ = to_zero(reduced, ALGEBRA) if easily else to_zero(reduced)
    if name is None or _is_vacuous(solutions):
        return None
    return Shown(_describe(solutions, name), _divisors(difference, solutions), reduced)


def _show_harder(
    difference: sp.Expr, gaps: Sequence[sp.Expr], wanted: sp.Expr, scope: Scope
) -> Shown | None:
    for solutions in itertools.islice(_eliminations(gaps, wanted, scope), MOST_HARD):
        shown = _show_by(solutions, difference, easily=False)
        if shown is not None:
            return shown
    return _show_by_roots(difference, gaps)


def _show_by_roots(difference: sp.Expr, gaps: Sequence[sp.Expr]) -> Shown | None:
    """One hypothesis, a polynomial in a symbol: the conclusion at each root that it may take."""
    if len(gaps) != 1 or gaps[0].atoms(AppliedUndef):
        return None
    for symbol in sorted(gaps[0].free_symbols, key=str):
        numerator = sp.fraction(sp.cancel(sp.together(gaps[0])))[0]
        if not numerator.is_polynomial(symbol) or sp.degree(numerator, symbol) > HIGHEST_DEGREE:
            continue
        roots = sp.roots(sp.Poly(numerator, symbol))
        # a proof by cases needs all of them, and sympy may know only some
        if sum(roots.values()) != sp.degree(numerator, symbol):
            continue
        possible = [root for root in roots if not _is_excluded(root, symbol)]
        if possible and all(to_zero(difference.subs(symbol, root))[0] for root in possible):
            leading = nonzero_conditions(sp.LC(numerator, symbol))
            listed = ", ".join(str(root) for root in possible)
            return Shown(f"each root for {symbol}: {listed}", leading, sp.S.Zero)
    return None


def _is_excluded(root: sp.Expr, symbol: sp.Symbol) -> bool:
    """Whether a root contradicts what is known of the symbol."""
    known = {name: truth for name, truth in symbol.assumptions0.items() if truth is not None}
    return any(getattr(root, f"is_{name}") is (not truth) for name, truth in known.items())


def _eliminations(
    gaps: Sequence[sp.Expr], wanted: sp.Expr, scope: Scope
) -> Iterator[tuple[Solved, ...]]:
    # what a hypothesis can be solved for depends on those before it: so in several orders
    for order in itertools.islice(itertools.permutations(gaps), MOST_ORDERS):
        yield from eliminations(order, wanted, scope)


def _reduce(whole: sp.Expr, solutions: Sequence[Solved]) -> sp.Expr:
    for solved in solutions:
        whole = put(whole, solved)
    return whole


def _describe(solutions: Sequence[Solved], name: str) -> str:
    listed = ", ".join(str(solved.what) for solved in solutions)
    return f"hypotheses solved for {listed}; {name}" if listed else name


def _divisors(difference: sp.Expr, solutions: Sequence[Solved]) -> tuple[Boolean, ...]:
    """What must not vanish: the divisors that do not cancel from the multiplier of a gap.

    Where the difference is linear in what was solved for, putting it in adds a multiple of the
    gap, (slope / divisor) times it: of that multiplier only what stays below the line is needed.
    """
    needed: list[Boolean] = []
    for solved in solutions:
        slope = _slope(difference, solved)
        multiplier = sp.cancel(sp.together((1 if slope is None else slope) / solved.divisor))
        needed.extend(nonzero_conditions(sp.fraction(multiplier)[1]))
        difference = put(difference, solved)
    return tuple(dict.fromkeys(needed))


def _slope(difference: sp.Expr, solved: Solved) -> sp.Expr | None:
    """How the difference grows with what was solved for, or None where it is not linear in it."""
    mark = sp.Dummy("mark")
    marked = difference.xreplace({solved.what: mark})
    if mentions(marked, solved.what) or marked.atoms(sp.Derivative) != (
        difference.atoms(sp.Derivative) - {solved.what}
    ):
        return None
    slope = sp.diff(marked, mark)
    return None if slope.has(mark) else slope


def _is_vacuous(solutions: Sequence[Solved]) -> bool:
    """Whether what was divided by is zero wherever the hypotheses hold."""
    divisors = [_reduce(solved.divisor, solutions) for solved in solutions]
    return any(to_zero(divisor, ALGEBRA)[0] is not None for divisor in divisors)
