"""Functions tried on shapes, before anything runs: what they give, and whether they are pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

import numpy as np

from causalopt.ground.errors import DeclarationError
from causalopt.ground.tensors import Tensor
from causalopt.ground.types import Array
from causalopt.language.trees import Structure, Tree, jax_module

# Where something lies in memory is another in each trace.
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")

_REMEDIES = {
    "TracerBoolConversionError": "it asks Python whether a value is true, which is known only when "
    "it runs: write jnp.where(condition, a, b) or jax.lax.cond in place of if, and jnp.minimum or "
    "jnp.maximum in place of min or max",
    "ConcretizationTypeError": "it needs a value that is known only when it runs: write jnp.where, "
    "jax.lax.cond or jax.lax.fori_loop, and constants for sizes",
    "TracerIntegerConversionError": "it takes a value for a whole number of Python's, which is "
    "known only when it runs: write jnp.take, or x.at[i]",
    "TracerArrayConversionError": "it hands a value to NumPy, which computes what cannot be "
    "differentiated: write jax.numpy in place of numpy",
    "UnexpectedTracerError": "it keeps a value from one call to the next: what has a memory is a "
    "node of its own",
}


class Traced(Protocol):
    """What a trace says of a value: its shape and the kind of its numbers."""

    shape: tuple[int, ...]
    dtype: np.dtype[np.float64]


def in_double() -> AbstractContextManager[object]:
    """Where JAX computes in double precision, its global setting left alone."""
    context: AbstractContextManager[object] = jax_module().enable_x64(True)
    return context


def result_of(
    call: Callable[..., object], given: Sequence[object], names: Sequence[str], told: str
) -> Traced:
    """What a function gives for what its arguments hold; ``told`` is the call in words.

    ``given`` are domains, tensors and trees, called ``names``. Raises ``DeclarationError`` where it
    cannot be computed, gives no array, or gives another thing each time.
    """
    jax = jax_module()
    structures, shapes = zip(*map(_held, given), strict=True) if given else ((), ())

    def traced() -> object:
        # A new function each time, for JAX remembers what it has traced.
        return jax.make_jaxpr(lambda *arrays: call(*map(_whole, structures, arrays)))(*shapes)

    with in_double():
        try:
            first, second = traced(), traced()
        except DeclarationError:
            raise
        except Exception as error:  # whatever the function raises is told
            raise DeclarationError(_why(error, given, names, told)) from None
    _refuse_what_changes(first, second, told)
    results: list[Traced] = getattr(first, "out_avals", [])
    if len(results) != 1:
        raise DeclarationError(
            f"{told} gives {len(results)} arrays, and a node holds one: declare a variable "
            f'for each, or one that holds a tree, array("...", like=(a, b)).'
        )
    return results[0]


def _held(given: object) -> tuple[Structure | None, list[object]]:
    """The structure of what an argument holds, if it is a tree, and the shapes of its arrays."""
    shaped = jax_module().ShapeDtypeStruct
    if isinstance(given, Tree):
        return given.structure, [shaped(a.shape, a.numbers.dtype) for a in given.arrays]
    kind = given.numbers.dtype if isinstance(given, Tensor) else np.float64
    return None, [shaped(getattr(given, "shape", ()), kind)]


def _whole(structure: Structure | None, arrays: Sequence[Array]) -> object:
    return arrays[0] if structure is None else structure.rebuilt(arrays)


def _why(error: Exception, given: Sequence[object], names: Sequence[str], told: str) -> str:
    """Why a function cannot be computed, and what to write instead."""
    held = ", ".join(f"{name}: {_shown(what)}" for name, what in zip(names, given, strict=True))
    kinds = [kind.__name__ for kind in type(error).__mro__]
    for kind, remedy in _REMEDIES.items():
        if kind in kinds:
            return f"{told} cannot be traced: {remedy}."
    text = " ".join(str(error).split())[:300] or type(error).__name__
    return (
        f"{told} cannot be computed where {held or 'it has no arguments'}: {text} "
        "Check the shapes of what it is called with, and their order."
    )


def _shown(held: object) -> str:
    shape = getattr(held, "shape", None)
    if shape is None:
        return str(held)
    return f"shape {shape}" if shape else "a number"


def _refuse_what_changes(first: object, second: object, told: str) -> None:
    """Raise ``DeclarationError`` where two traces of a function differ."""
    texts = [_ADDRESS.sub("", str(trace)) for trace in (first, second)]
    consts = [getattr(trace, "consts", ()) for trace in (first, second)]
    # What was kept of an earlier call is no value any more.
    is_kept = any(isinstance(c, jax_module().core.Tracer) for held in consts for c in held)
    same = (
        not is_kept
        and texts[0] == texts[1]
        and all(np.array_equal(np.asarray(a), np.asarray(b)) for a, b in zip(*consts, strict=True))
    )
    if not same:
        raise DeclarationError(
            f"{told} gives another thing each time: it draws its own random numbers, or keeps "
            "state. W, X and Y are to see one function: take noise as an argument, or what changes "
            "as a node."
        )
