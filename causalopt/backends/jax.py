"""The backend of arrays: plans run by JAX, on whatever device it has. An extra, causalopt[jax]."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from causalopt.backends.failures import in_words
from causalopt.backends.halving import first_again, warn_of_long_steps
from causalopt.backends.interface import Inputs, NotFinite, Recording, as_wanted
from causalopt.backends.jax_program import program_of
from causalopt.backends.numpy import REFERENCE
from causalopt.backends.referring import ReferringBackend
from causalopt.ground.errors import QueryError
from causalopt.ground.types import Floats, Ints
from causalopt.language.domains import Coded
from causalopt.language.symbols import Label
from causalopt.language.trees import flattened, jax_module
from causalopt.mechanisms.tracing import in_double
from causalopt.plan import Layers, Loop


@dataclass(frozen=True)
class JaxBackend(ReferringBackend):
    """Runs loops in JAX: of arrays and functions, and, where it is chosen, systems of numbers too.

    What JAX has no way to compute as exactly (functions that it lacks, tangents whose sizes lie
    farther apart than a float's range, derivatives that read 0/0), and networks of numbers, it
    leaves to the ``reference``, which takes the same plans.
    """

    def loop(
        self, plan: Loop, inputs: Inputs, recorded: range, points: int | None
    ) -> Iterator[Recording]:
        """Run a system's plan, compiled as a whole; the recording comes in one part."""
        names, given = _given(plan, inputs)
        swept = tuple(name in inputs.values and np.ndim(inputs.values[name]) > 0 for name in names)
        streams = [inputs.draws[entry.symbol.name] for entry in plan.noises]
        # What is given, and not drawn, is one for all points.
        taken = [stream.rows(plan.steps) for stream in streams]
        alike = tuple(points is None or column.shape[1] != points for column in taken)
        drawn = [c[:, 0] if same else c for c, same in zip(taken, alike, strict=True)]
        # JAX is an extra, and imported where it is first used.
        jax_module()
        from causalopt.backends.jax_formulas import NoJaxCode
        from causalopt.backends.jax_loop import as_input, compiled_run

        run = functools.partial(compiled_run, program_of(plan), recorded, swept, alike, points)
        numbers = [as_input(value) for value in given], drawn
        try:
            with in_double(), in_words(plan, NoJaxCode):
                columns, flaw, is_lost = run(careful=False)(*numbers)
                if plan.has_arrays and (np.any(flaw.step >= 0) or np.any(is_lost)):
                    # Where it was is asked for only now: to look for it costs more than to learn.
                    columns, flaw, is_lost = run(careful=True)(*numbers)
        except NoJaxCode as error:
            if plan.has_arrays:
                raise QueryError(
                    f"JAX has no {error}: write a function, function(f)(...), in its place."
                ) from None
            yield from self.reference.loop(plan, inputs, recorded, points)
            return
        first = Flaws(*(np.atleast_1d(np.asarray(part)) for part in flaw))
        if plan.has_arrays:
            first.refuse(plan)
        if np.any(is_lost) or (first.steps >= 0).any():
            yield from self.reference.loop(plan, inputs, recorded, points)
            return
        if plan.samples.steps and not plan.has_arrays:
            plain = [np.asarray(inputs.values[e.symbol.name], float) for e in plan.inputs]
            warn_of_long_steps(plan, first_again(plan, plain, streams, points))
        whole = _recording(plan, [np.asarray(column) for column in columns], points)
        yield as_wanted(plan, whole)

    def slopes(
        self, plan: Loop, inputs: Inputs, row: int, entering: Sequence[str], read: Floats
    ) -> tuple[float, list[Floats]]:
        """A number at one step, and its derivatives by the arrays that enter by these inputs.

        It is read.m for the first recorded slot m, and log abs(read.m) where that is a tangent. The
        pass goes back once, whatever the number of entries, and keeps the root of the steps.
        """
        names, given = _given(plan, inputs)
        drawn = [inputs.draws[e.symbol.name].rows(plan.steps)[:, 0] for e in plan.noises]
        jax_module()
        from causalopt.backends.jax_formulas import NoJaxCode
        from causalopt.backends.jax_loop import as_input
        from causalopt.backends.jax_reverse import compiled_pass_back

        places = tuple(names.index(name) for name in entering)
        try:
            with in_double(), in_words(plan, NoJaxCode):
                run = compiled_pass_back(program_of(plan), row, places)
                found = run([as_input(v) for v in given], drawn, np.asarray(read))
                number, flaw, back = jax_module().block_until_ready(found)
        except NoJaxCode as error:
            raise QueryError(f"JAX has no {error}, and passes nothing back through it.") from None
        first = Flaws(*(np.atleast_1d(np.asarray(part)) for part in flaw))
        first.refuse(plan)
        return float(number), [_joined(slope) for slope in back]

    def generators(self, plan: Loop | Layers, points: int, chains: int) -> int:
        """All of them."""
        return chains * plan.drawn


#: The backend of arrays, the one that passes slopes back through a run.
OF_ARRAYS = JaxBackend(REFERENCE)


def _given(plan: Loop, inputs: Inputs) -> tuple[list[str], list[Coded | Floats]]:
    """The inputs of a plan, by their generated names."""
    names = [entry.symbol.name for entry in plan.inputs]
    everything = {**inputs.values, **inputs.arrays}
    return names, [everything[name] for name in names]


def _joined(slope: object) -> Floats:
    """Derivatives by an input, those by the arrays of a tree one after the other."""
    parts = slope if isinstance(slope, list) else [slope]
    arrays = [np.asarray(part, dtype=np.float64) for part in parts]
    return flattened(arrays, np.concatenate) if isinstance(slope, list) else arrays[0]


def _recording(plan: Loop, columns: Sequence[Floats], points: int | None) -> Recording:
    """What a run recorded: (rows, points, *shape) of each slot, and of tangents (..., k)."""
    *records, powers = (_rows_first(column, points) for column in columns)
    has_directions = any(entry.directions for entry in plan.inputs)
    group_of = {j: number for number, group in enumerate(plan.scales) for j in group}
    values: list[Floats] = []
    exponents: dict[int, Ints] = {}
    for place, (j, record) in enumerate(zip(plan.recorded, records, strict=True)):
        if j in group_of:
            power = powers[:, :, group_of[j]].astype(np.int64)
            record = np.moveaxis(record, 2, -1) if has_directions else record[:, :, 0]
            power = power.reshape(*power.shape[:2], *[1] * len(plan.slots[j].shape), -1)
            exponents[place] = power if has_directions else power[..., 0]
        values.append(record)
    return Recording(values, exponents)


def _rows_first(column: Floats, points: int | None) -> Floats:
    """A record (rows, ...), or (points, rows, ...), as (rows, points, ...)."""
    return column[:, None] if points is None else np.swapaxes(column, 0, 1)


@dataclass(frozen=True)
class Flaws:
    """Where numbers first were not finite, by points: a step (-1: nowhere), a slot, a value."""

    steps: Ints
    slots: Ints
    values: Floats

    def refuse(self, plan: Loop) -> None:
        """Raise ``NotFinite`` for values, at the first step at which there are some, or tangents.

        These are derivatives that a function does not have.
        """
        has_flaw = self.steps >= 0
        of_values = np.isin(self.slots, plan.value_slots) & has_flaw
        if of_values.any():
            point = min(np.flatnonzero(of_values), key=lambda p: self.steps[p])
            raise self._at(int(point), None)
        if has_flaw.any():
            point = np.flatnonzero(has_flaw)[0]
            raise self._at(int(point), plan.slots[self.slots[point]].variable)

    def _at(self, point: int, argument: Label | None) -> NotFinite:
        slot, step = int(self.slots[point]), int(self.steps[point])
        return NotFinite((slot,), step, point, float(self.values[point]), argument=argument)
