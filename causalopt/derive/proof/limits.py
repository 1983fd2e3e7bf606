"""Limits and Taylor series: computed by sympy or by Taylor's formula, then looked at nearby."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef

from causalopt.derive.proof.conditions import conditions, nonzero
from causalopt.derive.proof.equality import Progress, prove
from causalopt.derive.statement.steps import Expands, Status, TendsTo
from causalopt.derive.statement.verdict import Counterexample, Point, Verdict, undecided
from causalopt.derive.trial.alarm import TookTooLong, at_most
from causalopt.derive.trial.sampling import Domain, points
from causalopt.derive.trial.trials import Trials, try_pairs
from causalopt.derive.trial.values import NoValue, approaches, differentiate, instantiate

MOST_TERMS = 5
SECONDS = 12.0


@dataclasses.dataclass(frozen=True)
class Found:
    """A limit, how it was found, and what must not vanish for it to be this one."""

    value: Any
    route: str
    needs: tuple[Any, ...] = ()


def decide_limit(step: TendsTo, domain: Domain, progress: Progress) -> Verdict:
    """The verdict on a limit: compare the claim with one that was computed and looked at nearby."""
    whole = differentiate(step.whole)
    progress(undecided("the limit was not found within the limit on time"))
    found = _limit(whole, step)
    if found is None:
        return undecided("the limit was not found", sp.Limit(whole, step.variable, step.to))
    if found.value in (sp.oo, -sp.oo) or step.value in (sp.oo, -sp.oo):
        return _infinite(found, step, domain)
    seen = _seen_nearby(whole, step, found.value, domain)
    if not seen:
        return undecided("numbers nearby do not confirm the limit that was found", found.value)
    verdict = _compared(found.value, step.value, domain, seen)
    needs = (*found.needs, *verdict.conditions)
    if verdict.status is Status.REFUTED:
        return dataclasses.replace(verdict, corrected=found.value, conditions=found.needs)
    route = f"{found.route}; {verdict.route}" if verdict.route else ""
    return dataclasses.replace(verdict, route=route, conditions=tuple(dict.fromkeys(needs)))


def _compared(found: Any, claimed: Any, domain: Domain, seen: Sequence[Point]) -> Verdict:
    trials = try_pairs([(found, claimed)], domain)
    if trials.counterexample is not None:
        return Verdict(Status.REFUTED, counterexample=trials.counterexample)
    return prove([(found, claimed)], Trials(trials.held_at and tuple(seen)), domain)


def _infinite(found: Found, step: TendsTo, domain: Domain) -> Verdict:
    """An infinite limit, found or claimed: numbers nearby must confirm the one that was found."""
    finite = found.value.is_finite
    whole, target = (step.whole, found.value) if finite else (1 / step.whole, sp.S.Zero)
    seen = _seen_nearby(whole, step, target, domain)
    if not seen:
        return undecided("numbers nearby do not confirm the limit that was found", found.value)
    if found.value == step.value:
        return Verdict(Status.PROVED, found.route, found.needs, held_at=seen)
    if found.value.is_finite is step.value.is_finite:  # oo and -oo: 1/x does not tell them apart
        return undecided("the limits differ in sign", found.value)
    case = Counterexample(seen[0], found.value, step.value)
    return Verdict(Status.REFUTED, counterexample=case, corrected=found.value)


def _limit(whole: Any, step: TendsTo) -> Found | None:
    try:
        with at_most(SECONDS):
            if whole.atoms(AppliedUndef):
                return _by_taylor(whole, step.variable, step.to)
            split = sp.expand_log(whole) if whole.has(sp.log) else whole
            values = {sp.limit(split, step.variable, step.to, side) for side in _sides(step)}
    except (TookTooLong, NotImplementedError, ValueError, TypeError, ArithmeticError):
        return None
    if len(values) != 1 or (value := values.pop()).has(sp.Limit, sp.AccumBounds, sp.nan):
        return None
    return Found(value, "limit by dominant terms")


def _sides(step: TendsTo) -> tuple[str, ...]:
    if step.to in (sp.oo, -sp.oo):
        return ("-",) if step.to == sp.oo else ("+",)
    return tuple(step.side)


def _by_taylor(whole: Any, variable: Any, to: Any) -> Found | None:
    """The limit of a quotient with smooth unknown functions f(a + h): expand each around h = 0.

    f(a + h) = Σ f⁽ʲ⁾(a) hʲ / j! + hⁿ R with R bounded, so that the lowest powers of h decide.
    """
    if to in (sp.oo, -sp.oo):
        return None
    h = sp.Dummy("h", real=True)
    shifted = whole.subs(variable, to + h)
    for terms in range(1, MOST_TERMS + 1):
        above, below = sp.fraction(sp.cancel(sp.together(_expanded(shifted, h, terms))))
        if not (above.is_polynomial(h) and below.is_polynomial(h)):
            return None
        found = _lowest(sp.Poly(above, h), sp.Poly(below, h))
        if found is not None:
            return found
    return None


class _Rest(sp.Symbol):  # type: ignore[misc]  # sympy is untyped
    """A bounded remainder in Taylor's formula, of which nothing else is known."""


def _expanded(whole: Any, h: Any, terms: int) -> Any:
    """Every f(a + h) in an expression as a Taylor polynomial with a bounded rest."""
    for function in {one.func for one in whole.atoms(AppliedUndef)}:
        whole = whole.replace(function, lambda *args, f=function: _taylor(f, args, h, terms))
    return whole


def _taylor(function: Any, args: Sequence[Any], h: Any, terms: int) -> Any:
    moving = [place for place, arg in enumerate(args) if arg.has(h)]
    if not moving:
        return function(*args)
    if len(moving) > 1:
        raise NotImplementedError("a function that moves along two arguments at once")
    place = moving[0]
    names = [sp.Dummy(f"a{i}") for i in range(len(args))]
    base = args[place].subs(h, 0)
    here = dict(zip(names, (*args[:place], base, *args[place + 1 :]), strict=True))
    shift = sp.expand(args[place] - base)
    slopes = (sp.diff(function(*names), names[place], j).subs(here).doit() for j in range(terms))
    total = sum(slope * shift**j / sp.factorial(j) for j, slope in enumerate(slopes))
    return total + _Rest(f"rest of {function(*args)}") * h**terms


def _lowest(above: Any, below: Any) -> Found | None:
    if below.is_zero or above.is_zero:
        return None if below.is_zero else Found(sp.S.Zero, "Taylor's formula")
    first_above, first_below = (min(power for (power,) in p.monoms()) for p in (above, below))
    leading = below.coeff_monomial((first_below,))
    upper = above.coeff_monomial((first_below,))
    if first_above < first_below or leading.atoms(_Rest) or upper.atoms(_Rest):
        return None
    value = sp.cancel(upper / leading)
    return Found(value, "Taylor's formula", nonzero(leading))


def _seen_nearby(whole: Any, step: TendsTo, value: Any, domain: Domain) -> tuple[Point, ...]:
    """Points of the domain at which numbers near the limit point go to the value found."""
    seen: list[Point] = []
    for point in itertools.islice(points(domain.within(whole, value, step.to)), 12):
        numbers = {s: v for s, v in point.symbols if s != step.variable}
        local, target = (instantiate(one, point).subs(numbers) for one in (whole, value))
        side = "+" if step.to in (sp.oo, -sp.oo) else step.side
        try:
            if approaches(local, step.variable, step.to.subs(numbers), side, target):
                seen.append(point)
        except (NoValue, ArithmeticError, ValueError, TypeError, NotImplementedError):
            continue
        if len(seen) >= 3:
            break
    return tuple(seen)


def decide_series(step: Expands, domain: Domain, progress: Progress) -> Verdict:
    """The verdict on a Taylor series: compare its coefficients with derivatives at the point."""
    whole, x = differentiate(step.whole), step.variable
    progress(undecided("the derivatives were not found within the limit on time"))
    pairs, total = [], sp.S.Zero
    for j in range(step.order):
        ours = _at_point(sp.diff(whole, x, j), x, step.about)
        theirs = _at_point(sp.diff(step.series, x, j), x, step.about)
        if ours is None or theirs is None:
            return undecided(f"the derivative of order {j} has no value at {step.about}")
        pairs.append((ours, theirs))
        total += ours / sp.factorial(j) * (x - step.about) ** j
    trials = try_pairs(pairs, domain)
    if trials.counterexample is not None:
        return Verdict(
            Status.REFUTED, counterexample=trials.counterexample, corrected=sp.simplify(total)
        )
    verdict = prove(pairs, trials, domain)
    needs = conditions([first for first, _ in pairs], domain.relations)
    return dataclasses.replace(verdict, conditions=needs)


def _at_point(derivative: Any, variable: Any, about: Any) -> Any:
    value = differentiate(derivative.subs(variable, about))
    if not value.has(sp.nan, sp.zoo, sp.oo):
        return value
    try:
        with at_most(SECONDS / 3):
            value = sp.limit(derivative, variable, about)
    except (TookTooLong, NotImplementedError, ValueError, TypeError):
        return None
    return None if value.has(sp.nan, sp.zoo, sp.oo, sp.Limit) else value
