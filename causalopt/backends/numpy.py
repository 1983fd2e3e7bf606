"""The reference backend: blocks become Python functions by sympy's lambdify, run with NumPy."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from causalopt.backends.adjoint import pushed_back
from causalopt.backends.functions import compiled
from causalopt.backends.interface import Inputs, NotFinite, Recording
from causalopt.backends.layering import fill, slopes_in
from causalopt.ground.progress import track
from causalopt.ground.scaled import LARGE, SMALL, is_tame
from causalopt.ground.types import Array, Floats, Ints, Number
from causalopt.plan import Group, Layers, Loop


class NumPyBackend:
    """One call per block and step; every value may be an array over the points of a sweep."""

    def loop(
        self, plan: Loop, inputs: Inputs, recorded: range, points: int | None
    ) -> Iterator[Recording]:
        """Run a system's plan step by step; the recording comes in one part."""
        shape = () if points is None else (points,)
        given = [_spread(inputs.values[entry.symbol.name], shape) for entry in plan.inputs]
        streams = [inputs.draws[entry.symbol.name] for entry in plan.noises]
        run = _Recorder(plan, recorded, shape)
        with np.errstate(all="ignore"):
            initial = compiled(plan.initial)(*given, np.float64(0.0))
            state = [_spread(value, shape) for value in initial]
            run.record(state, 0)
            for segment in plan.segments:
                step_on = compiled(segment.block)
                for step in track(range(segment.start, segment.stop), "steps"):
                    drawn = [stream.at(step - 1) for stream in streams]
                    state = step_on(*state, *given, *drawn, np.float64((step - 1) * plan.dt))
                    run.record(state, step)
        rows, columns = len(recorded), points or 1
        exponents = {lane: powers.reshape(rows, columns) for lane, powers in run.exponents.items()}
        yield Recording(run.values.reshape(-1, rows, columns), exponents)

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

        def slopes(group: Group, values: Floats) -> list[Number]:
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
    """What one run of a loop keeps: the recorded values, and the powers of two taken out."""

    def __init__(self, plan: Loop, recorded: range, shape: tuple[int, ...]) -> None:
        self.plan = plan
        self.recorded = recorded
        self.scalar = not shape
        self.checked = plan.value_slots
        self.values = np.empty((len(plan.recorded), len(recorded), *shape))
        self.powers = {lane: np.zeros(shape, dtype=np.int64) for lane in plan.scales}
        self.exponents = {
            lane: np.zeros((len(recorded), *shape), dtype=np.int64) for lane in plan.scales
        }

    def record(self, state: list[Number], step: int) -> None:
        """Check the values, rescale the tangents in place, and keep what is wanted."""
        # A sum is finite only where all its terms are: one test in place of many.
        total = sum([state[j] for j in self.checked])
        if not (math.isfinite(total) if self.scalar else np.isfinite(total).all()):
            _blame(state, self.checked, step)
        for lane, slots in self.plan.scales.items():
            power = _power_to_remove(state, slots, self.scalar)
            if power is not None:
                # All tangents of a lane share one scale, so that a step may mix them freely.
                self.powers[lane] = self.powers[lane] + power
                for j in slots:
                    state[j] = np.ldexp(state[j], -power)
        if step in self.recorded:
            place = self.recorded.index(step)
            for i, j in enumerate(self.plan.recorded):
                self.values[i, place] = state[j]
            for lane, powers in self.powers.items():
                self.exponents[lane][place] = powers


def _blame(state: Sequence[Number], slots: Sequence[int], step: int) -> None:
    """Say which value is not finite; none is where only their sum overflowed."""
    for j in slots:
        bad = np.flatnonzero(~np.isfinite(state[j]))
        if bad.size:
            value = float(np.atleast_1d(state[j])[bad[0]])
            raise NotFinite((j,), step, int(bad[0]), value)


def _power_to_remove(state: Sequence[Number], slots: Sequence[int], scalar: bool) -> Array | None:
    """The power of two that brings the largest of the slots back to size one; None if all is well.

    Multiplying by powers of two is exact, so that rescaling changes no digit.
    """
    # Of NumPy's floats, Python's own abs and max are the fast ones.
    sizes: list[Any] = [abs(state[j]) for j in slots]
    if scalar:
        largest = max(sizes, default=0.0)
        return None if SMALL < largest < LARGE or largest == 0.0 else np.frexp(largest)[1]
    # Some sizes may be single numbers, of tangents that are the same at every point.
    size = functools.reduce(np.maximum, sizes, 0.0)
    inside = is_tame(size)
    return None if np.all(inside) else np.where(inside, 0, np.frexp(size)[1])
