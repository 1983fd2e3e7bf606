"""A system's run in JAX: one function of its inputs and draws, scanned over steps and compiled.

All lanes are carried side by side. Values are computed once, and tangents in all directions at once
(``vmap`` over directions inside a step, over the points of a sweep outside of the run).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias, cast

import jax
import jax.numpy as jnp
import numpy as np
import sympy
from jax import Array, lax

from causalopt.backends.jax_formulas import Value, results_of
from causalopt.ground.scaled import LARGE, SMALL
from causalopt.ground.tensors import Tensor
from causalopt.ground.types import Floats
from causalopt.language.domains import Coded
from causalopt.language.trees import Structure, Tree
from causalopt.plan import UNIT, Block, Loop, Segment

#: What is recorded of each slot and of the powers, with an axis of steps.
Records: TypeAlias = list[Array]
#: A step's number, and the draws that enter it.
Entering: TypeAlias = tuple[Array, list[Array]]


# A tangent below this part of its group, or of 1 where that is brought back to size, may be lost in
# one more step.
_SMALL = 2.0**-500
_EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Piece:
    """Steps of one segment: ``records`` times ``every`` of them, each time recorded at the end.

    Where it is not ``kept``, there is one record of all steps, which is dropped.
    """

    segment: Segment
    start: int
    records: int
    every: int
    kept: bool = True


def pieces_of(plan: Loop, recorded: range) -> list[Piece]:
    """How a run is cut, so that no more is kept than is recorded."""
    pieces: list[Piece] = []
    for segment in plan.segments:
        low, high = segment.start, segment.stop
        rows = recorded_in(recorded, low, high)
        if rows and rows[0] - low + 1 != rows.step:
            pieces.append(Piece(segment, low, 1, rows[0] - low + 1))
            low, rows = rows[0] + 1, rows[1:]
        if rows:
            pieces.append(Piece(segment, low, len(rows), rows.step))
            low = rows[-1] + 1
        if low < high:
            pieces.append(Piece(segment, low, 1, high - low, kept=False))
    return pieces


def recorded_in(recorded: range, low: int, high: int) -> range:
    """The recorded steps among some.

    >>> recorded_in(range(0, 100, 10), 15, 41)
    range(20, 50, 10)
    """
    first = max(0, -(-(low - recorded.start) // recorded.step))
    last = min(len(recorded), -(-(high - recorded.start) // recorded.step))
    return recorded[first : max(first, last)]


class Flaw(NamedTuple):
    """Where a number first was not finite: a step (-1: nowhere), a slot, and the number."""

    step: Array
    slot: Array
    value: Array


class State(NamedTuple):
    """What is carried from step to step.

    ``slots`` are values (*shape), and tangents (k, *shape) in k directions. ``powers`` (groups, k)
    count the powers of two that are taken out of tangents; of a frame, ``volume`` (groups,) is the
    logarithm of what is taken out. ``is_lost`` says whether a tangent lost digits beside others.
    """

    slots: list[Array]
    powers: Array
    volume: Array
    flaw: Flaw
    is_lost: Array


class LoopRun:
    """A plan as one function of JAX.

    A ``careful`` run finds the first number that is not finite. Another one finds whether there is
    any, which costs less: where there is none, and that is the rule, it has all that is needed.
    """

    def __init__(self, plan: Loop, recorded: range, careful: bool) -> None:
        self.plan = plan
        self.recorded = recorded
        self.careful = careful
        self.tangents = frozenset(j for group in plan.scales for j in group)
        # Of values, in the order in which a step computes them, before tangents.
        self.order = [*plan.value_slots, *sorted(self.tangents)]
        along = [entry.directions for entry in plan.inputs if entry.directions is not None]
        self.directions = along[0].count if along else 1
        # A frame is another one after each step, and what enters later would have to follow it.
        enters = any(slot.variable == UNIT for slot in plan.slots)
        self.as_frame = bool(along) and along[0].as_frame and not enters

    def whole(self, given: Sequence[Value], drawn: Sequence[Array]) -> tuple[Records, Flaw, Array]:
        """What is recorded, (rows, *shape), or (rows, k, *shape) of tangents; then the powers.

        Beside it the first flaw, and whether digits were lost.
        """
        state = self._first(given)
        records = [[row[None] for row in self._recorded(state)]] if 0 in self.recorded else []
        for piece in pieces_of(self.plan, self.recorded):
            state, rows = self._advanced(piece, state, given, drawn)
            records += [rows] if piece.kept else []
        columns = [jnp.concatenate(parts) for parts in zip(*records, strict=True)]
        return columns, state.flaw, state.is_lost

    def _first(self, given: Sequence[Value]) -> State:
        """The state at step 0."""
        groups = len(self.plan.scales)
        state = State(
            self._worked_out(self.plan.initial, [], given, [], 0.0),
            jnp.zeros((groups, self.directions), dtype=jnp.int32),
            jnp.zeros(groups),
            Flaw(jnp.asarray(-1), jnp.asarray(0), jnp.asarray(0.0)),
            jnp.zeros((), dtype=bool),
        )
        return self._checked(self._rescaled(state), jnp.asarray(0), self.order)

    def _advanced(
        self, piece: Piece, state: State, given: Sequence[Value], drawn: Sequence[Array]
    ) -> tuple[State, Records]:
        """The state after a piece of steps, and what is recorded in it."""
        first, count = piece.start, piece.records * piece.every
        # A step's inputs are those of the step before, and so are its draws.
        draws = [row[first - 1 : first - 1 + count] for row in drawn]
        steps = jnp.arange(first, first + count)
        block = piece.segment.block

        def one(state: State, entering: Entering) -> tuple[State, None]:
            return self._stepped(block, state, given, entering), None

        def recorded(state: State, entering: Entering) -> tuple[State, Records | None]:
            after, _ = (one if piece.every == 1 else several)(state, entering)
            return after, self._recorded(after) if piece.kept else None

        def several(state: State, entering: Entering) -> tuple[State, None]:
            after, _ = lax.scan(one, state, entering)
            return after, None

        if piece.every > 1:
            shape = piece.records, piece.every
            draws = [row.reshape(*shape, *row.shape[1:]) for row in draws]
            steps = steps.reshape(shape)
        after, rows = lax.scan(recorded, state, (steps, draws))
        if not self.careful:
            after = self._checked(after, jnp.asarray(piece.segment.stop), self._lasting(block))
        return after, rows or []

    def _stepped(
        self, block: Block, state: State, given: Sequence[Value], entering: Entering
    ) -> State:
        step, drawn = entering
        time = (step - 1) * self.plan.dt
        slots = self._worked_out(block, state.slots, given, drawn, time)
        looked_at = self.order
        if not self.careful:
            lasting = self._lasting(block)
            looked_at = [j for j in self.order if j not in lasting]
        return self._checked(self._rescaled(state._replace(slots=slots)), step, looked_at)

    def _lasting(self, block: Block) -> list[int]:
        """The value slots that stay as they are, or to which something is added.

        What is not finite in them stays so, and need be looked for only after all steps.
        """
        assigned = dict(block.assignments)

        def lasts(j: int) -> bool:
            before, after = block.arguments[j], block.results[j]
            while after in assigned:
                after = assigned[after]
            return after == before or (isinstance(after, sympy.Add) and before in after.args)

        return [j for j in self.plan.value_slots if lasts(j)]

    def _worked_out(
        self,
        block: Block,
        slots: list[Array],
        given: Sequence[Value],
        drawn: list[Array],
        time: Value,
    ) -> list[Array]:
        """What a block gives: values once, and tangents in all directions."""

        def one(slots: list[Array], given: list[Value]) -> list[Array]:
            values = results_of(block, [*slots, *given, *drawn, time])
            return [
                jnp.broadcast_to(jnp.asarray(value, dtype=float), slot.shape)
                for value, slot in zip(values, self.plan.slots, strict=True)
            ]

        if not self.tangents:
            return one(slots, list(given))
        axes = [0 if j in self.tangents else None for j in range(len(self.plan.slots))]
        along = [0 if entry.directions else None for entry in self.plan.inputs]
        in_all = jax.vmap(
            one,
            in_axes=(axes[: len(slots)], along),
            out_axes=axes,
            axis_size=self.directions,
        )
        results: list[Array] = in_all(slots, list(given))
        return results

    def _rescaled(self, state: State) -> State:
        """Tangents that grew or shrank beyond the bounds, with powers of two taken out of them.

        A frame is made orthonormal instead, and its volume counted.
        """
        if self.as_frame:
            return functools.reduce(self._reframed, range(len(self.plan.scales)), state)
        slots, powers, is_lost = list(state.slots), state.powers, state.is_lost
        for number, group in enumerate(self.plan.scales):
            size = functools.reduce(jnp.maximum, [_largest(slots[j]) for j in group])
            is_tame = ((size < LARGE) & ((size > SMALL) | (size == 0.0))) | ~jnp.isfinite(size)
            out = jnp.where(is_tame, 0, jnp.frexp(size)[1])
            factor = jnp.ldexp(jnp.ones_like(size), -out)
            for j in group:
                # Of arrays, entries that small beside others have no say.
                if not self.plan.has_arrays:
                    small = jnp.abs(slots[j]) < _SMALL * jnp.maximum(size, 1.0 / factor)
                    is_lost |= (small & (slots[j] != 0.0)).any()
                slots[j] = slots[j] * factor.reshape(-1, *[1] * (slots[j].ndim - 1))
            powers = powers.at[number].add(out)
        return state._replace(slots=slots, powers=powers, is_lost=is_lost)

    def _reframed(self, state: State, number: int) -> State:
        """The state with the frame of a group orthonormal."""
        group, slots = self.plan.scales[number], list(state.slots)
        parts = [slots[j].reshape(self.directions, -1) for j in group]
        frame, triangle = jnp.linalg.qr(jnp.concatenate(parts, axis=1).T)
        ends = np.cumsum([part.shape[1] for part in parts])[:-1]
        for j, part in zip(group, jnp.split(frame, ends), strict=True):
            slots[j] = part.T.reshape(slots[j].shape)
        sizes = jnp.abs(jnp.diagonal(triangle))
        # What is no larger than the rounding of the rest is a direction that is gone.
        least = max(frame.shape) * _EPSILON * sizes.max()
        logarithm = jnp.log(jnp.where(sizes <= least, 0.0, sizes)).sum()
        return state._replace(slots=slots, volume=state.volume.at[number].add(logarithm))

    def _recorded(self, state: State) -> Records:
        """What is kept of a step: the recorded slots, then the powers."""
        slots, powers = state.slots, state.powers
        if self.as_frame:
            slots, powers = self._with_volume(state)
        return [*(slots[j] for j in self.plan.recorded), powers]

    def _with_volume(self, state: State) -> tuple[list[Array], Array]:
        """A frame with the volume that was counted, in its first direction."""
        whole = jnp.floor(state.volume / math.log(2.0))
        whole = jnp.where(jnp.isfinite(whole), whole, 0.0)
        rest = jnp.exp(state.volume - whole * math.log(2.0))
        slots = list(state.slots)
        for number, group in enumerate(self.plan.scales):
            for j in group:
                slots[j] = slots[j].at[0].multiply(rest[number])
        return slots, state.powers.at[:, 0].add(whole.astype(jnp.int32))

    def _checked(self, state: State, step: Array, places: Sequence[int]) -> State:
        """The state with its first flaw, where a number of some slots is not finite."""
        if not places:
            return state
        values = [state.slots[j] for j in places]
        if self.careful:
            fine = jnp.stack([jnp.isfinite(value).all() for value in values])
            first = jnp.argmin(fine)
            strange = jnp.stack([_strange(value) for value in values])[first]
            here = Flaw(step, jnp.asarray(places)[first], strange)
        else:
            # A number that is not finite makes a sum such a one. (So may others: that is told by a
            # careful run.)
            fine = jnp.isfinite(functools.reduce(jnp.add, [value.sum() for value in values]))
            here = state.flaw._replace(step=step)
        is_new = (state.flaw.step < 0) & ~fine.all()
        flaw = jax.tree.map(functools.partial(jnp.where, is_new), here, state.flaw)
        return state._replace(flaw=flaw)


def _largest(tangent: Array) -> Array:
    """The size of the largest entry in each direction."""
    return jnp.max(jnp.abs(tangent), axis=tuple(range(1, tangent.ndim)), initial=0.0)


def _strange(value: Array) -> Array:
    """The first entry that is not finite, or some other."""
    flat = jnp.ravel(value)
    return flat[jnp.argmin(jnp.isfinite(flat))]


#: A run of inputs and draws: what is recorded, the first flaw, and whether digits were lost.
Run: TypeAlias = Callable[[Sequence[object], Sequence[object]], tuple[Records, Flaw, Array]]


@functools.lru_cache(maxsize=64)
def compiled_run(
    plan: Loop,
    recorded: range,
    swept: tuple[bool, ...],
    alike: tuple[bool, ...],
    points: int | None,
    careful: bool,
) -> Run:
    """A run as compiled code; inputs that are swept, and draws not alike, have points."""
    run = LoopRun(plan, recorded, careful)
    # What is no array in a tree is a part of the code.
    structures = [e.value.structure if isinstance(e.value, Tree) else None for e in plan.inputs]

    def flat(given: Sequence[object], drawn: list[Array]) -> tuple[Records, Flaw, Array]:
        return run.whole([*map(_whole, structures, given)], drawn)

    if points is None:
        single: Run = jax.jit(flat)
        return single
    axes = [0 if is_swept else None for is_swept in swept]
    drawn = [None if same else 1 for same in alike]
    every: Run = jax.jit(jax.vmap(flat, in_axes=(axes, drawn), axis_size=points))
    return every


def _whole(structure: Structure | None, given: object) -> Value:
    """What functions take: trees as they were given."""
    return cast(Value, given if structure is None else structure.rebuilt(cast(list[Any], given)))


def as_input(value: Coded | Floats) -> object:
    """What an input is for JAX: floats, arrays, or the arrays of a tree."""
    if isinstance(value, Tree):
        return [array.numbers for array in value.arrays]
    return value.numbers if isinstance(value, Tensor) else np.asarray(value)
