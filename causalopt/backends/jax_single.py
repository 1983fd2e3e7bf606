"""Functions of single precision, whose derivatives have the range of doubles all the same.

A derivative is linear: what it takes is brought to a size near 1 by a power of two, which is exact,
before it is rounded to single precision, and what it gives is brought back in double precision.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from causalopt.mechanisms.calls import Pure


def pushed_at_size(line: Callable[..., Array], moved: Sequence[ArrayLike]) -> Array:
    """What a linear function gives of tangents, whatever their size."""
    parts = [jnp.asarray(part) for part in moved]
    power = _power_of(parts)
    given: Array = line(*(jnp.ldexp(part, -power) for part in parts))
    return jnp.ldexp(given, power)


def traced_back_at_size(call: Pure) -> Pure:
    """The function, through which a pass back goes whatever the size of what it brings."""

    @jax.custom_vjp
    def called(*given: object) -> object:
        return call(*given)

    def forward(*given: object) -> tuple[object, Callable[..., Any]]:
        return jax.vjp(call, *given)

    def back(line: Callable[..., Any], weight: Array) -> Any:
        power = _power_of([weight])
        slopes = line(jnp.ldexp(weight, -power))
        return jax.tree.map(functools.partial(_lifted, power), slopes)

    called.defvjp(forward, back)
    return called


def _power_of(parts: Sequence[Array]) -> Array:
    """The power of two of the largest entry, 0 where all are 0 or one is not finite."""
    size = functools.reduce(jnp.maximum, [jnp.max(jnp.abs(p), initial=0.0) for p in parts])
    size = lax.stop_gradient(size)
    return jnp.where(jnp.isfinite(size) & (size > 0), jnp.frexp(size)[1], 0)


def _lifted(power: Array, slope: Array) -> Array:
    # What is whole has no slope.
    return slope if slope.dtype == jax.dtypes.float0 else jnp.ldexp(slope, power)
