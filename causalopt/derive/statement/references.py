"""Steps that refer to earlier steps: finding these, and writing them out as equations."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import sympy as sp

from causalopt.derive.statement.steps import Equal, Follows, Hypothesis, Step
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


def step_alone(number: int, steps: Sequence[Step]) -> Step:
    """A step with the steps that it refers to written out as equations.

    >>> x = sp.Symbol("x")
    >>> first = Equal(2 * x, 4, name="double")
    >>> step_alone(2, [first, Follows(sp.Eq(x, 2), since="double")]).since
    (Eq(2*x, 4),)
    """
    step = steps[number - 1]
    if not isinstance(step, Follows):
        return step
    return dataclasses.replace(step, since=tuple(_equation(each, steps) for each in step.since))


def _equation(hypothesis: Hypothesis, steps: Sequence[Step]) -> sp.Equality:
    if not isinstance(hypothesis, int | str):
        return hypothesis
    step = steps[place_of(hypothesis, steps) - 1]
    if isinstance(step, Follows):
        return step.conclusion
    if isinstance(step, Equal):
        return sp.Eq(step.left, step.right, evaluate=False)
    raise DerivationError(f"step {hypothesis} is no equation")
