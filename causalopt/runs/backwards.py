"""The derivatives of one number of a run by whole arrays that enter it, in one pass back."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from sympy import Symbol

from causalopt.backends import OF_ARRAYS, NotFinite, Stopped
from causalopt.ground.errors import QueryError
from causalopt.ground.types import Floats
from causalopt.language.domains import Coded
from causalopt.model.interface import Model
from causalopt.model.world import World
from causalopt.plan import Loop, flatten
from causalopt.runs.explanation import explained, told_of
from causalopt.runs.inputs import inputs_of
from causalopt.runs.parts import divided_plan
from causalopt.runs.simulation import (
    Want,
    lanes_wanted,
    refuse_where_a_value_ends,
    refuse_where_it_began,
    values_at,
)
from causalopt.runs.sweeps import Sweep


def slopes(
    want: Want, row: int, read: Floats, entering: Mapping[Symbol, Coded]
) -> tuple[float, dict[Symbol, Floats]]:
    """A number at one step of a world, and its derivatives by the inputs that lead to it.

    The number is read.m, and log abs(read.m) of a tangent. ``entering`` are the values of inputs
    that the world has, such as the difference at a node; of a tree, the derivatives are flat.
    """
    model, sweep = want.world.model, Sweep(arrays=entering)
    lanes, (place,) = lanes_wanted([want], sweep)
    whole = flatten(model, row, lanes, [(place, want.series)])
    plan, _ = divided_plan(whole, model, lanes, sweep)
    if not isinstance(plan, Loop):
        raise QueryError(
            "This network is of formulas alone, which has derivatives against its arrows: ask "
            "every_n, or tangents(world.perturb(n))."
        )
    if plan.pace.inputs:
        raise QueryError(
            "The steps of this system are taken in parts, of which nothing is passed back: ask "
            "tangents(world.perturb(n)), or leave tolerance out, and let steps end at the times at "
            "which formulas jump."
        )
    _refuse_own_derivatives(want.world)
    inputs = inputs_of(plan, model, sweep, want.world.seed)
    # What leads nowhere is no input of the plan.
    named = {entry.label: entry.symbol.name for entry in plan.inputs}
    inside = [symbol for symbol in entering if symbol in named]
    look = functools.partial(values_at, backend="jax")
    try:
        number, back = OF_ARRAYS.slopes(plan, inputs, row, [named[s] for s in inside], read)
    except NotFinite as error:
        refuse_where_it_began(error, [want], range(row, row + 1), sweep, "jax")
        raise explained(error, plan, lanes, sweep, look) from None
    except Stopped as error:
        asked = Want(want.world, want.series, tangent=True)
        refuse_where_a_value_ends([asked], range(row, row + 1), sweep, "jax")
        raise told_of(error) from None
    return number, dict(zip(inside, back, strict=True))


def _refuse_own_derivatives(world: World[Model]) -> None:
    """Raise ``QueryError`` for a mechanism whose derivatives are not those of what it computes.

    A pass back differentiates what was computed, and would give numbers that ``tangents`` does not.
    """
    keys = [series.key for series in world.model.series]
    written = {key: world.model.account(key, 1).declared for key in keys}
    replaced = {
        key: treatment.base.replacement
        for course, treated in world.courses.items()
        for treatment in course
        if treatment.base is not None
        for key in treated
    }
    for key, mechanism in (*written.items(), *replaced.items()):
        if mechanism is not None and not mechanism.moves_as_computed:
            raise QueryError(
                f"{key} follows by {mechanism}, which has derivatives of its own, and a pass back "
                "takes those of what is computed: ask tangents(world.perturb(n)), or every_n."
            )
