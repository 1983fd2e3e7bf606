"""The reference backend: blocks become Python functions by sympy's lambdify, run with NumPy."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from causalopt.backends.adjoint import pushed_back
from causalopt.backends.bands import Powers
from causalopt.backends.careful import first_state
from causalopt.backends.functions import compiled
from causalopt.backends.halving import (
    Snapshot,
    points_looked_at,
    taken_again,
    warn_of_long_steps,
)
from causalopt.backends.interface import (
    Inputs,
    NotFinite,
    Recording,
    as_wanted,
    refuse_arrays,
)
from causalopt.backends.layering import fill, slopes_in
from causalopt.backends.vanishing import Slopes
from causalopt.ground.progress import track
from causalopt.ground.types import Floats, Ints, Number
from causalopt.plan import Group, Layers, Loop


class NumPyBackend:
    """One call per block and step; every value may be an array over the points of a sweep."""

    @property
    def patience(self) -> int:
        """So many attempts take about as long as compiling does."""
        return 2000

    def loop(
        self, plan: Loop, inputs: Inputs, recorded: range, points: int | None
    ) -> Iterator[Recording]:
        """Run a system's plan step by step; the recording comes in one part."""
        refuse_arrays(plan, "numpy")
        shape = () if points is None else (points,)
        given = [_spread(inputs.values[entry.symbol.name], shape) for entry in plan.inputs]
        streams = [inputs.draws[entry.symbol.name] for entry in plan.noises]
        run = _Recorder(plan, recorded, shape)
        scales = Powers(plan, shape)
        seen: list[Snapshot] = []
        looked_at = points_looked_at(points or 1)
        with np.errstate(all="ignore"):
            state = [_spread(value, shape) for value in first_state(plan, given)]
            run.record(state, scales.powers, 0)
            for segment in plan.segments:
                function = compiled(segment.block)
                for step in track(range(segment.start, segment.stop), "steps"):
                    drawn = [stream.at(step - 1) for stream in streams]
                    if step - 1 in plan.samples.steps and scales.are_together:
                        seen.append(Snapshot.of(step - 1, state, looked_at, drawn))
                    time = np.float64((step - 1) * plan.dt)
                    state = scales.advance(segment, function, state, [*given, *drawn, time], step)
                    run.record(state, scales.powers, step)
            if seen:
                warn_of_long_steps(plan, [taken_again(plan, given, seen)])
        part = as_wanted(plan, run.recording())
        # Both sides of a quotient are held no longer than until it is taken.
        del run
        yield part

    def generators(self, plan: Loop | Layers, points: int, chains: int) -> int:
        """All of them."""
        return chains * plan.drawn

    def layers(self, plan: Layers, inputs: Inputs, points: int | None) -> Recording:
        """Run a network's plan group by group."""
        table, exponents = fill(plan, inputs, points)
        powers = {lane: rows[: plan.nodes] for lane, rows in exponents.items()}
        return Recording(table[:, : plan.nodes], powers)

    def gradients(
        self,
        plan: Layers,
        inputs: Inputs,
        points: int | None,
        node: int,
        lane: int,
        held: Sequence[Ints],
    ) -> Recording:
        """The derivatives of one node by all nodes, group by group from the last to the first."""
        table, _ = fill(plan, inputs, points)

        def slopes(group: Group, values: Floats) -> Slopes:
            return slopes_in(group, table, lane)

        with np.errstate(all="ignore"):
            adjoints = pushed_back(plan, table[lane], slopes, node, lane, held)
        powers = {i: adjoint.powers[: plan.nodes] for i, adjoint in enumerate(adjoints)}
        return Recording(
            np.stack([adjoint.mantissas[: plan.nodes] for adjoint in adjoints]), powers
        )


def _spread(value: Number | float, shape: tuple[int, ...]) -> Number:
    """A value as a float, or as a float array over the points of the sweep."""
    return np.broadcast_to(np.float64(value), shape) if shape else np.float64(value)


class _Recorder:
    """What one run of a loop keeps: the recorded values, and the powers of the tangents in them."""

    def __init__(self, plan: Loop, recorded: range, shape: tuple[int, ...]) -> None:
        self.plan = plan
        self.recorded = recorded
        self.scalar = not shape
        self.checked = plan.value_slots
        size = len(plan.recorded), len(recorded), *shape
        self.values: Floats = np.empty(size)
        self.exponents: Ints = np.zeros(size, dtype=np.int64)

    def record(self, state: list[Number], powers: Ints, step: int) -> None:
        """Check the values, and keep what is wanted."""
        # A sum is finite only where all its terms are: one test in place of many.
        total = sum([state[j] for j in self.checked])
        if not (math.isfinite(total) if self.scalar else np.isfinite(total).all()):
            _blame(state, self.checked, step)
        if step in self.recorded:
            place = self.recorded.index(step)
            for i, j in enumerate(self.plan.recorded):
                self.values[i, place] = state[j]
                self.exponents[i, place] = powers[j]

    def recording(self) -> Recording:
        """All of it, as one part."""
        size = len(self.values), len(self.recorded), -1
        tangents = {j for group in self.plan.scales for j in group}
        exponents = self.exponents.reshape(size)
        places = [i for i, j in enumerate(self.plan.recorded) if j in tangents]
        return Recording(self.values.reshape(size), {i: exponents[i] for i in places})


def _blame(state: Sequence[Number], slots: Sequence[int], step: int) -> None:
    """Say which value is not finite; none is where only their sum overflowed."""
    for j in slots:
        bad = np.flatnonzero(~np.isfinite(state[j]))
        if bad.size:
            value = float(np.atleast_1d(state[j])[bad[0]])
            finite = [np.isfinite(np.atleast_1d(state[slot])) for slot in slots]
            lost = np.flatnonzero(~np.all(np.broadcast_arrays(*finite), axis=0))
            raise NotFinite((j,), step, int(bad[0]), value, points=lost)


#: What others are compared with, and leave to it what they have no way of their own for.
REFERENCE = NumPyBackend()
