"""A system's run in JAX: one function of its inputs and draws, scanned over steps and compiled.

All lanes are carried side by side. Values are computed once, and tangents in all directions at once
(``vmap`` over directions inside a step, over the points of a sweep outside of the run).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from causalopt.backends.jax_formulas import Value, results_of
from causalopt.backends.jax_program import Piece, Program, pieces_of
from causalopt.ground.scaled import LARGE, SMALL
from causalopt.ground.tensors import Tensor
from causalopt.ground.types import Floats
from causalopt.language.domains import Coded
from causalopt.language.trees import Structure, Tree
from causalopt.plan import Block

#: What is recorded of each slot and of the powers, with an axis of steps.
Records: TypeAlias = list[Array]
#: A step's number, and the draws that enter it.
Entering: TypeAlias = tuple[Array, list[Array]]


# A tangent below this part of its group, or of 1 where that is brought back to size, may be lost in
# one more step.
_SMALL = 2.0**-500
# So many steps go between two looks at tangents; what is smaller than this after them, or larger
# than its inverse, is taken step by step instead.
_TOGETHER, _FAR = 8, 2.0**-700
_EPSILON = float(np.finfo(np.float64).eps)


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
    """A program as one function of JAX.

    Where it is ``forgetful``, a pass back finds only every so many states, as many as it works out
    again from each: its memory grows as the root of the steps.

    A ``careful`` run finds the first number that is not finite. Another one finds whether there is
    any, and brings tangents that are not recorded back to size after some steps only: that costs
    less, and where it finds nothing, and that is the rule, it has all that is needed. ``is_lost``
    says where it may have come too late.
    """

    def __init__(
        self, program: Program, recorded: range, *, careful: bool, forgetful: bool = False
    ) -> None:
        self.program = program
        self.recorded = recorded
        self.careful = careful
        self.forgetful = forgetful

    def whole(self, given: Sequence[Value], drawn: Sequence[Array]) -> tuple[Records, Flaw, Array]:
        """What is recorded, (rows, *shape), or (rows, k, *shape) of tangents; then the powers.

        Beside it the first flaw, and whether digits were lost.
        """
        state = self._first(given)
        records = [[row[None] for row in self._recorded(state)]] if 0 in self.recorded else []
        for piece in pieces_of(self.program.stretches, self.recorded):
            state, rows = self._advanced(piece, state, given, drawn)
            records += [rows] if piece.kept else []
        columns = [jnp.concatenate(parts) for parts in zip(*records, strict=True)]
        return columns, state.flaw, state.is_lost

    def _first(self, given: Sequence[Value]) -> State:
        """The state at step 0."""
        groups = len(self.program.scales)
        state = State(
            self._worked_out(self.program.initial, [], given, [], 0.0),
            jnp.zeros((groups, self.program.directions), dtype=jnp.int32),
            jnp.zeros(groups),
            Flaw(jnp.asarray(-1), jnp.asarray(0), jnp.asarray(0.0)),
            jnp.zeros((), dtype=bool),
        )
        start = jnp.asarray(0)
        return self._settled(self._checked(state, start, self.program.value_slots), start)

    def _advanced(
        self, piece: Piece, state: State, given: Sequence[Value], drawn: Sequence[Array]
    ) -> tuple[State, Records]:
        """The state after a piece of steps, and what is recorded in it."""
        first, count = piece.start, piece.records * piece.every
        # A step's inputs are those of the step before, and so are its draws.
        draws = [row[first - 1 : first - 1 + count] for row in drawn]
        steps = jnp.arange(first, first + count)
        block = piece.block

        def carried(state: State, entering: Entering) -> tuple[State, None]:
            return self._carried(block, state, given, entering), None

        def one(state: State, entering: Entering) -> tuple[State, None]:
            after, _ = carried(state, entering)
            return self._settled(after, entering[0]), None

        def hasty(state: State, entering: Entering) -> tuple[State, None]:
            after, _ = lax.scan(carried, state, entering)
            return self._settled(self._doubted(after), entering[0][-1]), None

        def recorded(state: State, entering: Entering) -> tuple[State, Records | None]:
            after, _ = (one if piece.every == 1 else several)(state, entering)
            return after, self._recorded(after) if piece.kept else None

        def several(state: State, entering: Entering) -> tuple[State, None]:
            if self.program.may_haste and not self.careful:
                return _in_stretches(hasty, state, entering, _TOGETHER)
            return (_forgetting if self.forgetful else lax.scan)(one, state, entering)

        if piece.every > 1:
            shape = piece.records, piece.every
            draws = [row.reshape(*shape, *row.shape[1:]) for row in draws]
            steps = steps.reshape(shape)
        after, rows = lax.scan(recorded, state, (steps, draws))
        if not self.careful:
            after = self._checked(after, steps.max(), self.program.lasting(block))
        return after, rows or []

    def _carried(
        self, block: Block, state: State, given: Sequence[Value], entering: Entering
    ) -> State:
        """The state after a step, its values looked at."""
        step, drawn = entering
        time = (step - 1) * self.program.dt
        slots = self._worked_out(block, state.slots, given, drawn, time)
        lasting = [] if self.careful else self.program.lasting(block)
        looked_at = [j for j in self.program.value_slots if j not in lasting]
        return self._checked(state._replace(slots=slots), step, looked_at)

    def _settled(self, state: State, step: Array) -> State:
        """The state with its tangents at a size that floats have, and looked at."""
        return self._checked(self._rescaled(state), step, sorted(self.program.tangents))

    def _doubted(self, state: State) -> State:
        """The state, which says so where a tangent may have left the floats on the way."""
        sizes = [_largest(state.slots[j]) for j in sorted(self.program.tangents)]
        largest, least = jnp.max(jnp.stack(sizes)), _FAR
        tame = (jnp.stack(sizes) > least) | (jnp.stack(sizes) == 0.0)
        is_tame = jnp.isfinite(largest) & (largest < 1.0 / _FAR) & tame.all()
        return state._replace(is_lost=state.is_lost | ~is_tame)

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
                jnp.broadcast_to(jnp.asarray(value, dtype=float), shape)
                for value, shape in zip(values, self.program.shapes, strict=True)
            ]

        if not self.program.tangents:
            return one(slots, list(given))
        axes = [0 if j in self.program.tangents else None for j in range(len(self.program.shapes))]
        along = [0 if moves else None for moves in self.program.moves]
        in_all = jax.vmap(
            one,
            in_axes=(axes[: len(slots)], along),
            out_axes=axes,
            axis_size=self.program.directions,
        )
        # A tangent that is 0 for good is not worked out once more while the code is compiled.
        barrier: Callable[[list[Array]], list[Array]] = lax.optimization_barrier
        return barrier(in_all(slots, list(given)))

    def _rescaled(self, state: State) -> State:
        """Tangents that grew or shrank beyond the bounds, with powers of two taken out of them.

        A frame is made orthonormal instead, and its volume counted.
        """
        if self.program.as_frame:
            return functools.reduce(self._reframed, range(len(self.program.scales)), state)
        slots, powers, is_lost = list(state.slots), state.powers, state.is_lost
        for number, group in enumerate(self.program.scales):
            size = functools.reduce(jnp.maximum, [_largest(slots[j]) for j in group])
            size = lax.stop_gradient(size)
            is_tame = ((size < LARGE) & ((size > SMALL) | (size == 0.0))) | ~jnp.isfinite(size)
            out = jnp.where(is_tame, 0, jnp.frexp(size)[1])
            factor = jnp.ldexp(jnp.ones_like(size), -out)
            for j in group:
                # Of arrays, entries that small beside others have no say.
                if not self.program.has_arrays:
                    small = jnp.abs(slots[j]) < _SMALL * jnp.maximum(size, 1.0 / factor)
                    is_lost |= (small & (slots[j] != 0.0)).any()
                slots[j] = slots[j] * factor.reshape(-1, *[1] * (slots[j].ndim - 1))
            powers = powers.at[number].add(out)
        return state._replace(slots=slots, powers=powers, is_lost=is_lost)

    def _reframed(self, state: State, number: int) -> State:
        """The state with the frame of a group orthonormal."""
        group, slots = self.program.scales[number], list(state.slots)
        parts = [slots[j].reshape(self.program.directions, -1) for j in group]
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
        if self.program.as_frame:
            slots, powers = self._with_volume(state)
        return [*(slots[j] for j in self.program.recorded), powers]

    def _with_volume(self, state: State) -> tuple[list[Array], Array]:
        """A frame with the volume that was counted, in its first direction."""
        whole = jnp.floor(state.volume / math.log(2.0))
        whole = jnp.where(jnp.isfinite(whole), whole, 0.0)
        rest = jnp.exp(state.volume - whole * math.log(2.0))
        slots = list(state.slots)
        for number, group in enumerate(self.program.scales):
            for j in group:
                slots[j] = slots[j].at[0].multiply(rest[number])
        return slots, state.powers.at[:, 0].add(whole.astype(jnp.int32))

    def _checked(self, state: State, step: Array, places: Sequence[int]) -> State:
        """The state with its first flaw, where a number of some slots is not finite."""
        if not places:
            return state
        values = lax.stop_gradient([state.slots[j] for j in places])
        if self.careful:
            fine = jnp.stack([jnp.isfinite(value).all() for value in values])
            first = jnp.argmin(fine)
            strange = jnp.stack([_strange(value) for value in values])[first]
            here = Flaw(step, jnp.asarray(places)[first], strange)
        else:
            # A number that is not finite makes a sum such a one. (So may others: a careful run
            # tells them apart.)
            fine = jnp.isfinite(functools.reduce(jnp.add, [value.sum() for value in values]))
            here = state.flaw._replace(step=step)
        is_new = (state.flaw.step < 0) & ~fine.all()
        flaw = jax.tree.map(functools.partial(jnp.where, is_new), here, state.flaw)
        return state._replace(flaw=flaw)


#: What carries a state over steps.
Carry: TypeAlias = Callable[[State, Entering], tuple[State, None]]


def _forgetting(one: Carry, state: State, entering: Entering) -> tuple[State, None]:
    """A scan that keeps the states at the ends of stretches for a pass back, and no other."""

    @jax.checkpoint
    def stretch(state: State, entering: Entering) -> tuple[State, None]:
        return lax.scan(one, state, entering)

    return _in_stretches(stretch, state, entering, math.isqrt(len(entering[0])))


def _in_stretches(
    stretch: Carry, state: State, entering: Entering, size: int
) -> tuple[State, None]:
    """The state after all steps, in stretches of a size; the first one is shorter, if need be."""
    rest = len(entering[0]) % size
    if rest:
        state, _ = stretch(state, jax.tree.map(lambda row: row[:rest], entering))
    others = jax.tree.map(lambda row: row[rest:].reshape(-1, size, *row.shape[1:]), entering)
    return lax.scan(stretch, state, others)


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
    program: Program,
    recorded: range,
    swept: tuple[bool, ...],
    alike: tuple[bool, ...],
    points: int | None,
    careful: bool,
) -> Run:
    """A run as compiled code; inputs that are swept, and draws not alike, have points."""
    run, unpacked = LoopRun(program, recorded, careful=careful), whole_inputs(program.structures)

    def flat(given: Sequence[object], drawn: list[Array]) -> tuple[Records, Flaw, Array]:
        return run.whole(unpacked(given), drawn)

    if points is None:
        single: Run = jax.jit(flat)
        return single
    axes = [0 if is_swept else None for is_swept in swept]
    drawn = [None if same else 1 for same in alike]
    every: Run = jax.jit(jax.vmap(flat, in_axes=(axes, drawn), axis_size=points))
    return every


def whole_inputs(
    structures: Sequence[Structure | None],
) -> Callable[[Sequence[object]], list[Value]]:
    """What makes of a plan's inputs what functions take: trees as they were given."""
    return lambda given: [*map(_whole, structures, given)]


def _whole(structure: Structure | None, given: object) -> Value:
    return cast(Value, given if structure is None else structure.rebuilt(cast(list[Any], given)))


def as_input(value: Coded | Floats) -> object:
    """What an input is for JAX: floats, arrays, or the arrays of a tree."""
    if isinstance(value, Tree):
        return [array.numbers for array in value.arrays]
    return value.numbers if isinstance(value, Tensor) else np.asarray(value)
