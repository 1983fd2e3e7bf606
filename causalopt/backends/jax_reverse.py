"""A system's run in JAX from its end to its beginning: one number's slopes by what enters it."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import jax
import jax.numpy as jnp
from jax import Array

from causalopt.backends.jax_loop import Flaw, LoopRun, whole_inputs
from causalopt.backends.jax_program import Program
from causalopt.mechanisms.calls import passing_back

#: Inputs, draws and a reading of what is recorded: the number, its first flaw, and the slopes.
PassBack: TypeAlias = Callable[
    [Sequence[object], Sequence[object], object], tuple[Array, Flaw, list[Array]]
]


@functools.lru_cache(maxsize=64)
def compiled_pass_back(program: Program, row: int, entering: tuple[int, ...]) -> PassBack:
    """The slopes, by the inputs at some places, of a number that is read off at one step.

    The number is read.m for the first recorded slot m, or log abs(read.m) where that is a tangent,
    whose powers of two are counted.
    """
    run = LoopRun(program, range(row, row + 1), careful=True, forgetful=True)
    slot = program.recorded[0]
    group = next((g for g, places in enumerate(program.scales) if slot in places), None)
    unpacked = whole_inputs(program.structures)

    def number(
        moving: list[Array], given: list[object], drawn: list[Array], read: Array
    ) -> tuple[Array, Flaw]:
        for place, array in zip(entering, moving, strict=True):
            given[place] = array
        with passing_back():
            columns, flaw, _ = run.whole(unpacked(given), drawn)
        value = jnp.sum(read * columns[0].reshape(read.shape))
        if group is None:
            return value, flaw
        return jnp.log(jnp.abs(value)) + columns[-1][0, group, 0] * math.log(2.0), flaw

    @jax.jit
    def passed_back(
        given: list[object], drawn: list[Array], read: Array
    ) -> tuple[Array, Flaw, list[Array]]:
        moving = [given[place] for place in entering]
        slopes = jax.value_and_grad(number, has_aux=True)
        (value, flaw), back = slopes(moving, list(given), drawn, read)
        return value, flaw, back

    return passed_back
