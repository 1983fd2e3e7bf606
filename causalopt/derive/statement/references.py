"""Steps that refer to earlier steps: finding these, and writing them out as equations."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import sympy as sp

from causalopt.derive.statement.expressions import define
from causalopt.derive.statement.givens import Given, Let
from causalopt.derive.statement.steps import Equal, Follows, Hypothesis, Step, Substitution
from causalopt.ground.errors import DerivationError


def place_of(reference: int | str, steps: Sequence[Step]) -> int:
    """The number, from 1, of the step that a number or a name refers to."""
    if isinstance(reference, int):
        return reference
    return next(number for number, step in enumerate(steps, 1) if step.name == reference)


def places_cited(step: Step, steps: Sequence[Step]) -> list[int]:
    """The numbers of the earlier steps that a step rests on."""
    if not isinstance(step, Follows):
        return []
    return [place_of(cited, steps) for cited in step.since if isinstance(cited, int | str)]


def step_alone(number: int, steps: Sequence[Step], givens: Sequence[Given | Let] = ()) -> Step:
    """A step with the steps that it refers to written out as equations.

    >>> x = sp.Symbol("x")
    >>> first = Equal(2 * x, 4, name="double")
    >>> step_alone(2, [first, Follows(sp.Eq(x, 2), since="double")]).since
    (Eq(2*x, 4),)
    """
    step = steps[number - 1]
    if not isinstance(step, Follows):
        return step
    equations = (_equation(each, steps, givens) for each in step.since)
    # at special values an equation may be one of numbers, which says nothing of the symbols
    since = tuple(e for e in equations if sp.Eq(e.lhs, e.rhs) not in (sp.true, sp.false))
    return dataclasses.replace(step, since=since)


def _equation(
    hypothesis: Hypothesis, steps: Sequence[Step], givens: Sequence[Given | Let]
) -> sp.Equality:
    if not isinstance(hypothesis, int | str):
        return hypothesis
    step = steps[place_of(hypothesis, steps) - 1]
    if isinstance(step, Follows):
        left, right = step.conclusion.args
    elif isinstance(step, Equal):
        left, right = step.left, step.right
    else:
        raise DerivationError(f"step {hypothesis} is no equation")
    # a step that is claimed for special values says nothing of others
    for rule in step.rules(Substitution):
        values = dict(rule.values.items())
        written = (_written_out(side, givens) for side in (left, right))
        left, right = (side.subs(values, simultaneous=True) for side in written)
    return sp.Eq(left, right, evaluate=False)


def _written_out(whole: sp.Basic, givens: Sequence[Given | Let]) -> sp.Basic:
    for let in reversed([given for given in givens if isinstance(given, Let)]):
        whole = define(whole, let.name, let.value)
    return whole
