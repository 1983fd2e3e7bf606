"""Refusing what is put in for a name against what is assumed of it: definitions, values, points."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence

import sympy as sp

from causalopt.derive.statement.approach import Stray, stray_about, stray_on_way
from causalopt.derive.statement.fitting import Values, contradicted, facts_of, is_stiff, tell
from causalopt.derive.statement.givens import Given, Let
from causalopt.derive.statement.reading import reading_of
from causalopt.derive.statement.records import expressions_of
from causalopt.derive.statement.steps import Expands, Stationary, Step, Substitution, TendsTo
from causalopt.ground.errors import DerivationError

ADVICE = "put in what fits, or take a name of which less is assumed."
_LEAPING = ("zero", "even", "odd", "prime", "composite")


def check_definition(let: Let, givens: Sequence[Given | Let], where: str) -> None:
    """Refuse a definition of a name that is assumed to be something else.

    Raises
    ------
    DerivationError
        As for a positive symbol that stands for -1.
    """
    _check_slopes(let, where)
    fault = next(_faults(lambda: _faults_of_definition(let, givens)), None)
    if fault is not None:
        raise DerivationError(
            f"{where}: {let.name} = {let.value} contradicts that {fault}: nothing fits both; "
            "define a name of which that is not assumed."
        )


def _faults_of_definition(let: Let, givens: Sequence[Given | Let]) -> Iterator[str]:
    reading = reading_of(givens, ())
    fault = contradicted({let.name: reading.read(let.value)}, reading.scope.relations)
    if fault is not None:
        yield fault


def check_step(step: Step, givens: Sequence[Given | Let], where: str) -> None:
    """Refuse a step that puts in, or comes to, what its symbols cannot be.

    Raises
    ------
    DerivationError
        As for -1 in place of a positive symbol, or for a slope in a whole number.
    """
    _check_slopes(step, where)
    for fault in _faults(lambda: _faults_of_step(step, givens)):
        raise DerivationError(f"{where}: {fault}: {ADVICE}")


def _faults_of_step(step: Step, givens: Sequence[Given | Let]) -> Iterator[str]:
    reading = reading_of(givens, step.assuming)
    read, relations = reading.step(step), reading.scope.relations
    for values in values_put_in(read):
        fault = contradicted(values, relations)
        if fault is not None:
            yield f"{listed(values)} contradicts that {fault}"
    yield from (stray.needs for stray in strays_in(read, relations) if stray.sure)


def _faults(find: Callable[[], Iterator[str]]) -> Iterator[str]:
    """The first fault that is found; none where sympy fails on what was written.

    Judging the step looks again, and leaves it open where that fails.
    """
    try:
        yield from itertools.islice(find(), 1)
    except Exception:  # sympy fails in many ways on what it was not made for
        return


def listed(values: Values) -> str:
    """What is put in, in words."""
    return ", ".join(f"{old} = {new}" for old, new in values.items())


def values_put_in(step: Step) -> Iterator[Values]:
    """What a step puts in for its names: special values, and the point of a stationary one."""
    for rule in step.rules(Substitution):
        yield dict(rule.values.items())
    if isinstance(step, Stationary):
        yield dict(step.at.items())


def strays_in(step: Step, relations: Sequence[sp.Basic]) -> Iterator[Stray]:
    """Where the variables of limits, series and sums come to what they are assumed not to be."""
    stray = None
    if isinstance(step, TendsTo):
        stray = stray_on_way(step.variable, step.to, step.side, relations)
        yield from _told(stray, f"{step.variable} to {step.to} from side {step.side}")
    if isinstance(step, Expands):
        stray = stray_about(step.variable, step.about, relations)
        yield from _told(stray, f"a series about {step.variable} = {step.about}")
    for whole in expressions_of(step):
        for node in sorted(whole.atoms(sp.Limit, sp.Sum, sp.Product, sp.Subs), key=str):
            yield from _told(_stray_of_bound(node), str(node))


def _told(stray: Stray | None, what: str) -> Iterator[Stray]:
    if stray is not None:
        verb = "contradicts" if stray.sure else "is not shown to fit"
        yield Stray(f"{what} {verb} that {stray.needs}", stray.sure)


def _stray_of_bound(node: sp.Expr) -> Stray | None:
    """What sympy assumes of a bound variable, and used as soon as the formula was written."""
    if isinstance(node, sp.Limit):
        _, variable, to, side = node.args
        return stray_on_way(variable, to, str(side), ())
    if isinstance(node, sp.Subs):
        pairs = zip(node.variables, node.point, strict=True)
        return next((s for old, new in pairs for s in _misfits(old, new, facts_of(old))), None)
    return next((stray for limits in node.limits for stray in _strays_of_sum(*limits)), None)


def _strays_of_sum(index: sp.Symbol, *ends: sp.Expr) -> Iterator[Stray]:
    known = facts_of(index)
    for fact in (fact for fact in _LEAPING if known.get(fact)):
        yield Stray(tell(index, fact, True), True)
    downward = ("negative", "nonpositive")
    for place, end in enumerate(ends[:1] + ends[-1:]):
        facts = {f: truth for f, truth in known.items() if (f in downward) == (place == 1)}
        if end not in (sp.oo, -sp.oo) or set(facts) & {"positive", "nonnegative", *downward}:
            yield from _misfits(index, end, facts)


def _misfits(old: sp.Expr, new: sp.Expr, facts: dict[str, bool]) -> Iterator[Stray]:
    for fact, truth in facts.items():
        held = getattr(new, f"is_{fact}")
        if held is not truth:
            yield Stray(tell(old, fact, truth), held is not None)


def _check_slopes(record: Let | Step, where: str) -> None:
    """Refuse a slope in what cannot move."""
    moved = [
        variable
        for whole in expressions_of(record)
        for node in whole.atoms(sp.Derivative)
        for variable in node.variables
    ]
    if isinstance(record, Stationary):
        moved += record.at
    for variable in moved:
        if isinstance(variable, sp.Symbol) and is_stiff(variable):
            facts = ", ".join(tell(variable, *fact) for fact in facts_of(variable).items())
            raise DerivationError(
                f"{where}: there is no slope in {variable}, since {facts}: declare it as real."
            )
