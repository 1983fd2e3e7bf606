"""Runs whose steps are taken in parts: the parts that all worlds share, and steps made of them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from sympy import Expr, Symbol

from causalopt.backends import Backend, Inputs, NotFinite, Recording
from causalopt.backends.demand import Demand, NoParts
from causalopt.backends.evaluation import evaluate
from causalopt.backends.pacing import division_of
from causalopt.ground.types import Floats, Ints
from causalopt.mechanisms.borders import Times, moments_in
from causalopt.mechanisms.methods import METHODS
from causalopt.mechanisms.truth import decided, undecided
from causalopt.model.interface import Model
from causalopt.model.system import System
from causalopt.model.template import owner_of
from causalopt.plan import (
    Division,
    Lanes,
    Loop,
    Plan,
    Slot,
    Told,
    divided,
    divided_at,
    flatten_system,
)
from causalopt.runs.inputs import given_by, inputs_of
from causalopt.runs.sweeps import Sweep


def error_plan(plan: Loop, model: System, lanes: Lanes) -> Loop:
    """The plan of a plan's values and tangents that records what its steps may err."""
    method = METHODS[cast(str, model.method)]
    # What an error is of, too: it need not follow from that.
    wanted = tuple(
        Slot(place, slot)
        for place in range(len(lanes.lanes))
        for variable in model.mechanisms
        for slot in (variable, method.error(variable), *method.strain(variable))
    )
    return flatten_system(model, plan.steps, lanes, wanted, errors=True)


def demand_on(plan: Loop, model: System) -> Demand:
    """How good the parts of a plan's steps have to be."""
    return Demand.of(plan, cast(float, model.tolerance), METHODS[cast(str, model.method)])


def by_other_methods(model: System) -> list[System]:
    """A system whose steps others take: the methods that its own gives way to where it is stiff."""
    return [replace(model, method=name) for name in METHODS[cast(str, model.method)].stiff]


@dataclass(frozen=True)
class InParts:
    """A plan of parts of steps, of which a backend knows nothing else."""

    plan: Loop
    division: Division
    whole: Loop

    @classmethod
    def of(cls, whole: Loop, division: Division) -> InParts:
        """A plan with its steps divided."""
        return cls(divided(whole, division), division, whole)

    def recorded(
        self, backend: Backend, inputs: Inputs, steps: range, points: int | None
    ) -> Iterator[Recording]:
        """The parts of a recording at some steps. Raises ``NotFinite`` as a backend does."""
        numbers = self.division.lengths, self.division.begins
        pairs = zip(self.whole.pace.inputs, numbers, strict=True)
        series = {e.symbol.name: Told(rows, is_single=points is None) for e, rows in pairs}
        inputs = replace(inputs, draws={**inputs.draws, **series})
        ends = self.division.ends[list(steps)]
        # A backend records evenly: what lies between steps is left out again.
        rows = range(int(ends[0]), int(ends[-1]) + 1)
        try:
            for part in backend.loop(self.plan, inputs, rows, points):
                yield from _at_steps(part, ends - rows.start)
        except NotFinite as error:
            step = self.division.step_of(error.step)
            raise error.at(step) from None


def _at_steps(part: Recording, places: Ints) -> Iterator[Recording]:
    """Of a recording of parts, the rows at which steps end."""
    values = np.asarray(part.values)
    first = part.rows.start or 0
    last = first + values.shape[1]
    which = np.flatnonzero((places >= first) & (places < last))
    if which.size:
        rows = places[which] - first
        yield replace(
            part,
            values=values[:, rows],
            exponents={j: powers[rows] for j, powers in part.exponents.items()},
            rows=slice(int(which[0]), int(which[-1]) + 1),
        )


def divided_plan(
    plan: Plan, model: Model, lanes: Lanes, sweep: Sweep
) -> tuple[Plan, Division | None]:
    """A plan, and how its steps are divided where formulas jump at known times inside of them."""
    if not isinstance(plan, Loop) or plan.pace.inputs:
        return plan, None
    moments, size = _moments(plan, model, sweep)
    if not moments.size:
        return plan, None
    wanted = tuple(plan.slots[j] for j in plan.recorded)
    whole = flatten_system(cast(System, model), plan.steps, lanes, wanted, is_divided=True)
    return whole, divided_at(moments, plan.steps, size).at_points(sweep.points or 1)


def in_parts(
    plan: Plan,
    division: Division | None,
    model: Model,
    lanes: Lanes,
    sweep: Sweep,
    patience: int,
) -> Plan | InParts:
    """A plan as it is, or with its steps divided where that is asked for.

    Parts that an error decides about are looked for with the ``patience`` of a backend. Raises
    ``NoParts`` where there are none, and ``NotFinite`` where a condition has no answer instead.
    """
    if not isinstance(plan, Loop) or not plan.pace.inputs:
        return plan
    if division is None:
        system = cast(System, model)
        errors = error_plan(plan, system, lanes)
        moments, size = _moments(plan, model, sweep)
        inputs, demand = inputs_of(errors, model, sweep, 0), demand_on(errors, system)
        borders = moments * size[:, None]
        try:
            division = division_of(errors, inputs, sweep.points, demand, borders, patience)
        except NoParts as told:
            raise _of_the_value(told, errors, plan, system) from None
    return InParts.of(plan, division)


def _of_the_value(told: NoParts, errors: Loop, plan: Loop, system: System) -> Exception:
    """Why a step has no parts: a value that is no number, where a condition may have no answer.

    What overflows on its way is no number either, and where two events fall into one moment.
    """
    if told.lost is None or not _asks_what_may_not_be_real(system):
        return told
    step, place = told.lost
    own = owner_of(errors.slots[place].variable)
    slots = {s.lane: j for j, s in enumerate(plan.slots) if owner_of(s.variable) == own}
    if not slots:
        return told
    # Of a derivative alone there is no value in the plan that was asked for.
    slot = slots.get(errors.slots[place].lane, max(slots.values()))
    points = np.array(told.points)
    return NotFinite((slot,), step, int(points[0]), math.nan, points=points)


def _asks_what_may_not_be_real(system: System) -> bool:
    """Whether a condition compares what is real not everywhere, as sqrt(x) < 0.1."""
    rates = [mechanism.as_written({}) for mechanism in system.mechanisms.values()]
    choices = any(decided(rate) != rate for rate in rates)
    return choices or any(undecided(event.when) != 0 for event in system.events)


def _moments(plan: Loop, model: Model, sweep: Sweep) -> tuple[Floats, Floats]:
    """The times inside of steps at which formulas jump, in steps, and how long steps are."""
    if not plan.borders or not plan.steps:
        return np.empty((1, 0)), np.ones(1)
    borders = sorted(plan.borders, key=str)
    formulas = [cast(Expr, cast(System, model).dt)]
    formulas += [e for b in borders for e in (b.first, b.first if b.period is None else b.period)]
    symbols = set[Symbol]().union(*(formula.free_symbols for formula in formulas))
    given = given_by(model, sweep, symbols)
    numbers = {s: model.parameter_values[s] if (known := given(s)) is None else known
               for s in symbols}  # fmt: skip
    size, *times = map(np.atleast_1d, np.broadcast_arrays(*evaluate(formulas, numbers)))
    pairs = zip(borders, times[::2], times[1::2], strict=True)
    found = [Times(first, None if b.period is None else period) for b, first, period in pairs]
    return moments_in(found, plan.steps, size), size
