"""Runs whose steps are taken in parts: the parts that all worlds share, and steps made of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from causalopt.backends import Backend, Inputs, NotFinite, Recording
from causalopt.backends.pacing import Demand
from causalopt.ground.types import Ints
from causalopt.mechanisms.methods import METHODS
from causalopt.model.system import System
from causalopt.plan import Division, Lanes, Loop, Slot, Told, divided, flatten_system


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
        yield Recording(
            values[:, rows],
            {j: powers[rows] for j, powers in part.exponents.items()},
            slice(int(which[0]), int(which[-1]) + 1),
            part.points,
        )
