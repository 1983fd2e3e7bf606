"""Limits: shown on each side and in every case of the signs that decide, then looked at nearby."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Iterator, Sequence

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.logic.boolalg import Boolean

from causalopt.derive.proof.conditions import conditions_of
from causalopt.derive.proof.dominance import deciding_signs, limit_of_dominant
from causalopt.derive.proof.routes import to_zero
from causalopt.derive.proof.splitting import Case, show_by_cases
from causalopt.derive.proof.taylor import LimitValue, limit_by_taylor
from causalopt.derive.statement.scope import Scope
from causalopt.derive.statement.steps import Status, TendsTo
from causalopt.derive.statement.verdict import Counterexample, Point, Progress, Verdict, leave_open
from causalopt.derive.trial.aimed import aimed_points
from causalopt.derive.trial.comparison import Compared, compare
from causalopt.derive.trial.directions import SIDES, directions_of, is_on_line, small
from causalopt.derive.trial.expansion import Undetermined, Unexpandable, expand
from causalopt.derive.trial.failures import FAILURES
from causalopt.derive.trial.nearby import Nearby, nearby_from
from causalopt.derive.trial.sampling import satisfies
from causalopt.derive.trial.seams import beside, is_seamed, seam_gaps
from causalopt.derive.trial.squeezed import squeezed_limit
from causalopt.derive.trial.values import NoValue, at, differentiate, instantiate
from causalopt.ground.work import Exhausted, at_most

SHARE = 0.4  # of the work that a step may take
OF_SUMS = 0.03  # the same where sums are in it, of which sympy finds a limit soon, or never
INFINITIES = (sp.oo, -sp.oo)
SQUEEZED = "limit by squeezing"
IN_THE_PLANE = "that it holds in every direction was not shown"
UNCONFIRMED = "numbers nearby do not confirm the limit that was found"
USUAL = 4  # random cases, before those that are aimed


@dataclasses.dataclass(frozen=True)
class Looks:
    """Where the claim was looked at: points that agree, that do not, and exact disagreements."""

    held: tuple[Point, ...] = ()
    doubtful: tuple[Point, ...] = ()
    against: tuple[Counterexample, ...] = ()

    def within(self, needs: Sequence[Boolean]) -> Looks:
        """Those that satisfy some conditions."""
        return Looks(
            tuple(p for p in self.held if satisfies(p, needs)),
            tuple(p for p in self.doubtful if satisfies(p, needs)),
            tuple(c for c in self.against if satisfies(c.point, needs)),
        )


def decide_limit(step: TendsTo, scope: Scope, progress: Progress) -> Verdict:
    """The verdict on a limit: looked at in aimed cases, and shown for all values of the symbols."""
    whole = differentiate(step.whole)
    progress(leave_open("the limit was not found"))
    looks = look(whole, step, scope)
    general = _general_limit(whole, step)
    if looks.against and not looks.held:
        return _refuted(looks.against[0], general)
    shown = _show(whole, step, scope.without(step.variable), general)
    if shown is None:
        if looks.against:
            return _refuted(looks.against[0], general)
        remains = general.value if general else sp.Limit(whole, step.variable, step.to)
        return leave_open(_why_open(step, looks), remains, looks.held)
    # a proof holds where its conditions do: there no case may speak against it
    looks = looks.within(shown.needs)
    if looks.against:
        return _refuted(looks.against[0], general)
    if looks.doubtful or not looks.held:
        return leave_open(UNCONFIRMED, shown.value, looks.held)
    return Verdict(Status.PROVED, shown.route, shown.needs, held_at=looks.held)


def with_limits_shown(whole: sp.Expr, scope: Scope) -> sp.Expr:
    """``whole`` with the limits in it that are shown for all values of the symbols.

    >>> x, a = sp.symbols("x a", real=True)
    >>> with_limits_shown(sp.Limit(sp.sin(a * x) / x, x, 0) + 1, Scope((a,)))
    a + 1
    """
    values = {}
    for node in whole.atoms(sp.Limit):
        inside, variable, to, side = node.args
        step = TendsTo(inside, sp.S.Zero, variable=variable, to=to, side=str(side))
        general = _general_limit(differentiate(inside), step)
        if general is None or general.value in INFINITIES or general.value.has(variable):
            continue
        claim = dataclasses.replace(step, value=general.value)
        shown = _show(differentiate(inside), claim, scope.without(variable), general)
        if shown is not None and not shown.needs:
            values[node] = general.value
    return whole.xreplace(values)


def _refuted(case: Counterexample, general: LimitValue | None) -> Verdict:
    mended = general.value if general is not None else None
    return Verdict(Status.REFUTED, counterexample=case, corrected=mended)


def _why_open(step: TendsTo, looks: Looks) -> str:
    if looks.doubtful:
        return UNCONFIRMED
    if _in_plane(step):
        return f"{IN_THE_PLANE}: {step.variable} is not said to be real"
    return "the limit was not found"


def _in_plane(step: TendsTo) -> bool:
    """Whether the variable comes to the point from all over the plane."""
    one_sided = step.side != "+-" and step.to not in INFINITIES
    return not (is_on_line(step.variable) or one_sided)


def _ways(step: TendsTo) -> tuple[sp.Expr, ...]:
    """The directions in which it is looked; the first is that of the step where it has one."""
    if _in_plane(step):
        return directions_of(step.variable)
    return (
        (SIDES[0],)
        if step.to in INFINITIES
        else {"+": SIDES[:1], "-": SIDES[1:]}.get(step.side, SIDES)
    )


def look(whole: sp.Expr, step: TendsTo, scope: Scope) -> Looks:
    """Look at the claim in cases: at random, with all signs, on seams and zeros of divisors."""
    here = scope.within(whole, step.value, step.to).without(step.variable)
    held: list[Point] = []
    doubtful: list[Point] = []
    against: list[Counterexample] = []
    try:
        with at_most(_share_of(whole)):
            for point in aimed_points(here, _gaps_at(whole, step), USUAL):
                outcome = _look_once(whole, step, point)
                if isinstance(outcome, Counterexample):
                    against.append(outcome)
                elif outcome is not Nearby.NOTHING:
                    (held if outcome is Nearby.AGREE else doubtful).append(point)
                if len(against) >= 2:
                    break
    except Exhausted:  # what was seen so far counts
        pass
    return Looks(tuple(held), tuple(doubtful), tuple(against))


def _share_of(whole: sp.Expr) -> float:
    return OF_SUMS if whole.has(sp.Sum, sp.Product) else SHARE


def _gaps_at(whole: sp.Expr, step: TendsTo) -> list[sp.Expr]:
    """What vanishes on seams and where something is divided by, at the point of the limit."""
    gaps = [*seam_gaps(whole), *seam_gaps(step.value)]
    gaps += [node.base for node in whole.atoms(sp.Pow) if node.exp.could_extract_minus_sign()]
    gaps += _coefficients(whole, step.variable)
    if step.to not in INFINITIES:
        gaps = [*(gap.subs(step.variable, step.to) for gap in gaps), *gaps]
    return [gap for gap in dict.fromkeys(gaps) if not gap.has(step.variable, sp.nan, sp.zoo)]


def _coefficients(whole: sp.Expr, variable: sp.Symbol) -> list[sp.Expr]:
    return list(deciding_signs(whole, variable))


def _look_once(whole: sp.Expr, step: TendsTo, point: Point) -> Counterexample | Nearby:
    numbers = dict(point.symbols)
    try:
        local = instantiate(whole, point).subs(numbers)
        target = step.value if step.value in INFINITIES else at(step.value, point)
        to = step.to if step.to in INFINITIES else at(step.to, point)
        outcomes = [_look_from(local, step.variable, to, sign, target) for sign in _ways(step)]
        if _in_plane(step):
            outcomes.append(nearby_from(local, step.variable, to, None, target))
    except (Unexpandable, Undetermined, NoValue, *FAILURES):
        return Nearby.NOTHING
    # that infinity lies in all directions is one way to read a page: what fails in others than
    # the one that is written refutes nothing, and proves nothing
    meant = outcomes[:1] if step.to in INFINITIES else outcomes
    for outcome in meant:
        if isinstance(outcome, sp.Basic):
            return Counterexample(point, outcome, target)
    if any(outcome not in (Nearby.AGREE, Nearby.NOTHING) for outcome in outcomes):
        return Nearby.DISAGREE
    return Nearby.AGREE if set(outcomes) == {Nearby.AGREE} else Nearby.NOTHING


def _look_from(
    local: sp.Expr, variable: sp.Symbol, to: sp.Expr, sign: sp.Expr, target: sp.Expr
) -> Nearby | sp.Expr:
    """What one side says of a limit of numbers; the exact limit, where it is another."""
    outcome = nearby_from(local, variable, to, sign, target, looks=1)
    if outcome is not Nearby.DISAGREE:
        return outcome
    swing = _value_swung_to(local, variable, to, sign, target)
    if swing is not None:
        return swing
    limit = _exact_limit(local, variable, to, sign)
    if limit is None or limit == target:
        return nearby_from(local, variable, to, sign, target)
    differ = limit in INFINITIES or target in INFINITIES
    differ = differ or compare(limit, target) is Compared.DIFFERENT
    # sympy's limits are wrong at times, and a refutation would stand on this one
    sure = nearby_from(local, variable, to, sign, limit) is Nearby.AGREE
    return limit if differ and sure else outcome


def _value_swung_to(
    local: sp.Expr, variable: sp.Symbol, to: sp.Expr, sign: sp.Expr, target: sp.Expr
) -> sp.Expr | None:
    """A value other than the target that d + c sin(g) takes ever nearer to a point, as g grows."""
    h = sp.Dummy("h", positive=True)
    try:
        moved = beside(local, variable, to, sign, h)
        rest, moving = moved.as_independent(h, as_Add=True)
        factor, wave = moving.as_independent(h, as_Add=False)
        if not isinstance(wave, sp.sin | sp.cos) or not (rest.is_real and factor.is_nonzero):
            return None
        if expand(wave.args[0], h).limit() not in INFINITIES:
            return None
    except (Unexpandable, Undetermined, NoValue, *FAILURES):
        return None
    top, bottom = rest + factor, rest - factor
    return top if compare(top, target) is Compared.DIFFERENT else bottom


def _exact_limit(local: sp.Expr, variable: sp.Symbol, to: sp.Expr, sign: sp.Expr) -> sp.Expr | None:
    h = sp.Dummy("h", positive=True)
    try:
        with at_most(SHARE / 4):
            with contextlib.suppress(Unexpandable, Undetermined):
                return squeezed_limit(local, variable, to, sign, h)[0]
            moved = beside(local, variable, to, sign, h)
            try:
                return expand(moved, h).limit()
            except (Unexpandable, Undetermined):
                limit = limit_of_dominant(moved, h, to in INFINITIES)
    except (Exhausted, Unexpandable, Undetermined, NoValue, *FAILURES):
        return None
    return limit if limit is not None and (limit.is_number or limit in INFINITIES) else None


def _general_limit(whole: sp.Expr, step: TendsTo) -> LimitValue | None:
    """The limit for the symbols at large: a correction, and a value to compare the claim with."""
    try:
        with at_most(_share_of(whole) / 2):
            if not whole.atoms(AppliedUndef) and whole.atoms(sp.Piecewise):
                return None  # sympy picks a branch where it cannot know of one
            if whole.atoms(AppliedUndef):
                # Taylor's formula goes through both sides at once, and so through no seam
                seamless = not is_seamed(whole, step.variable)
                return limit_by_taylor(whole, step.variable, step.to) if seamless else None
            with contextlib.suppress(Unexpandable, Undetermined):
                return _squeezed(whole, step)
            if _in_plane(step):  # sympy's limits are those along a line
                moved = beside(whole, step.variable, step.to, sp.S.One, h := sp.Dummy("h"))
                value = expand(moved, h).limit()
                return LimitValue(value, "limit by expansion") if value.is_finite else None
            split = sp.expand_log(whole) if whole.has(sp.log) else whole
            ends = {sp.oo: ("-",), -sp.oo: ("+",)}
            directions = ends.get(step.to, tuple(step.side))
            values = {sp.limit(split, step.variable, step.to, side) for side in directions}
    except (Exhausted, NoValue, Unexpandable, Undetermined, *FAILURES):
        return None
    # two values are two limits, one from each side, and no limit
    if len(values) != 1 or (value := values.pop()).has(sp.Limit, sp.AccumBounds, sp.nan):
        return None
    return LimitValue(value, "limit by dominant terms")


def _squeezed(whole: sp.Expr, step: TendsTo) -> LimitValue | None:
    """The limit of what has steps in it, where it is the same on all sides."""
    h = sp.Dummy("h", positive=True)
    ways = (squeezed_limit(whole, step.variable, step.to, sign, h)[0] for sign in _ways(step))
    values = set(ways)
    return LimitValue(values.pop(), SQUEEZED) if len(values) == 1 else None


def _show(
    whole: sp.Expr, step: TendsTo, scope: Scope, general: LimitValue | None
) -> LimitValue | None:
    """The claim, shown on each side in every case, with the conditions that it needs."""
    if general is not None and whole.atoms(AppliedUndef):
        if to_zero(general.value - step.value)[0] is None:
            return None
        needs = (*general.needs, *conditions_of([general.value, step.value], scope.relations))
        return dataclasses.replace(general, needs=tuple(dict.fromkeys(needs)))
    routes: list[str] = []
    try:
        with at_most(_share_of(whole)):
            beside_it = _needs_on_sides(whole, step, scope, routes)
    except (Exhausted, NoValue, *FAILURES):
        return None
    if beside_it is None:
        return None
    finite = [step.value] if step.value not in INFINITIES else []
    needs = (*beside_it, *conditions_of(finite, scope.relations))
    return LimitValue(step.value, ", ".join(dict.fromkeys(routes)), tuple(dict.fromkeys(needs)))


def _needs_on_sides(
    whole: sp.Expr, step: TendsTo, scope: Scope, routes: list[str]
) -> tuple[Boolean, ...] | None:
    needs: list[Boolean] = []
    # in the plane one expansion is for all directions
    for sign in _ways(step)[:1] if _in_plane(step) else _ways(step):
        show = functools.partial(_show_from, whole, step, sign, routes)
        shown = show_by_cases(show, scope.relations)
        if shown is None:
            return None
        needs.extend(shown)
    return tuple(needs)


def _show_from(
    whole: sp.Expr, step: TendsTo, sign: sp.Expr, routes: list[str], case: Case
) -> tuple[sp.Expr, ...] | None:
    """One side in one case: the divisors of an expansion that has the claimed limit."""
    # the variable of a limit is bound: what is known of a symbol of that name does not concern it,
    # but for whether it is on the line
    free = sp.Dummy("x") if _in_plane(step) else sp.Dummy("x", real=True)
    h = small(free)
    local, target = case.read(whole.subs(step.variable, free)), case.read(step.value)
    to = case.read(step.to)
    try:
        for limit, divisors, route in _limits_of(local, free, to, sign, h):
            if limit == target:
                routes.append(route)
                return divisors
            if limit in INFINITIES or target in INFINITIES:
                return None
            name = to_zero(limit - target)[0]
            if name is not None:
                routes.append(f"{route}; {name}")
                return divisors
            return None
    except Unexpandable:
        return None
    return None


def _limits_of(
    local: sp.Expr, variable: sp.Symbol, to: sp.Expr, sign: sp.Expr, h: sp.Symbol
) -> Iterator[tuple[sp.Expr, tuple[sp.Expr, ...], str]]:
    with contextlib.suppress(Unexpandable):
        yield *squeezed_limit(local, variable, to, sign, h), SQUEEZED
        return
    moved = beside(local, variable, to, sign, h)
    try:
        expansion = expand(moved, h)
        limit = expansion.limit()
        if h.is_positive or limit not in INFINITIES:
            yield limit, tuple(expansion.nonzero), "limit by expansion"
        return
    except Unexpandable:
        if not h.is_positive:
            return
    # sympy takes every expression that it does not see to be zero for one that is not: so all of
    # those that may decide are given a sign first
    for gap in deciding_signs(moved, h):
        raise Undetermined(gap)
    limit = limit_of_dominant(moved, h, to in INFINITIES)
    if limit is not None:
        yield limit, (), "limit by dominant terms"
