"""What is read of a recording: the numbers that are kept, or their ratios, two by two."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar, cast

import numpy as np

from causalopt.backends import Recording
from causalopt.ground.scaled import Ratio, RatioForm, Scaled
from causalopt.ground.types import Floats, Ints
from causalopt.language.domains import domain_of
from causalopt.model.selection import Key
from causalopt.plan import Loop, Plan, in_quotients

#: What is kept: places in a recording (None: a tangent that is zero for good), and series.
Kept = Sequence[tuple[int | None, Key]]

Read = TypeVar("Read", Scaled, Ratio, Floats)

#: The plan that records what is kept, and what is read of a part of its recording.
Reading = Callable[[Plan, Kept], tuple[Plan, Callable[[Recording], list[Read]]]]


def numbers_of(plan: Plan, kept: Kept) -> tuple[Plan, Callable[[Recording], list[Scaled]]]:
    """A plan as it is, and each of the numbers that are kept."""
    directions = _directions(plan)
    return plan, lambda part: [_picked(part, place, key, directions) for place, key in kept]


def ratios_of(plan: Plan, kept: Kept) -> tuple[Plan, Callable[[Recording], list[Ratio]]]:
    """A plan that takes the quotients of what is kept, two by two, if it can and has both."""
    pairs = _pairs(plan, kept)
    if pairs is not None:
        return in_quotients(cast(Loop, plan), pairs, RatioForm.SCALED), _taken
    plan, read = numbers_of(plan, kept)

    def divided(part: Recording) -> list[Ratio]:
        numbers = read(part)
        return [Ratio.of(x, y) for x, y in zip(numbers[::2], numbers[1::2], strict=True)]

    return plan, divided


def in_form(
    form: RatioForm, plan: Plan, kept: Kept
) -> tuple[Plan, Callable[[Recording], list[Floats]]]:
    """A plan that tells these quotients in a form that is one number, if it can and has both."""
    pairs = _pairs(plan, kept)
    if pairs is not None:
        return in_quotients(cast(Loop, plan), pairs, form), lambda part: list(part.values)
    plan, read = ratios_of(plan, kept)
    return plan, lambda part: [ratio.told(form) for ratio in read(part)]


def _pairs(plan: Plan, kept: Kept) -> tuple[tuple[int, int], ...] | None:
    """What is kept, two by two, where a run of a plan has both of all and takes quotients."""
    places = [place for place, _ in kept if place is not None]
    if isinstance(plan, Loop) and not plan.has_arrays and len(places) == len(kept):
        return tuple(zip(places[::2], places[1::2], strict=True))
    return None


def _taken(part: Recording) -> list[Ratio]:
    return [Ratio(values, part.exponents[i], part.log) for i, values in enumerate(part.values)]


def _directions(plan: Plan) -> tuple[int, ...]:
    """The number of directions of the tangents of arrays, as a shape; none where these have one."""
    return tuple({e.directions.count for e in plan.inputs if e.directions is not None})


def _picked(part: Recording, place: int | None, key: Key, directions: tuple[int, ...]) -> Scaled:
    """What was recorded at a place of a series; zeros of a tangent that nothing reaches."""
    none: Ints = np.zeros((), dtype=np.int64)
    if place is None:
        shape = domain_of(key).shape
        return Scaled(np.zeros((*part.size, *shape, *directions)), none)
    return Scaled(part.values[place], part.exponents.get(place, none))
