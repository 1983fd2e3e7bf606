"""What JAX refuses in a function, or stops at, in words: which functions, and what to write."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from causalopt.backends.interface import Stopped
from causalopt.ground.errors import CausaloptError, QueryError, TooLargeError
from causalopt.language.subspaces import Blending
from causalopt.language.trees import jax_module
from causalopt.mechanisms.calls import Called, Filling
from causalopt.mechanisms.opaque import name_of
from causalopt.plan import Loop

# What JAX says, and what it means to who wrote the function.
_REMEDIES: Mapping[str, str] = {
    "max_steps=None": "there is no end to the steps of a solver with max_steps=None, and "
    "derivatives that go back keep them all: give it a number, such as max_steps=4096",
    "Reverse-mode differentiation does not work": "a loop goes on until something comes true, and "
    "derivatives that go back must know how long: write jax.lax.scan, or jax.lax.fori_loop with "
    "fixed ends. op and tangents go along the arrows, and pass through any loop",
    "callbacks do not support JVP": "it calls back into Python, where JAX sees no derivative: "
    "write it with jax.numpy, or give it a derivative by jax.custom_jvp",
    "to a custom_vjp function": "its own derivative goes back alone (jax.custom_vjp), and "
    "differences go along the arrows: write jax.custom_jvp, which does both",
    "Differentiation rule": "JAX has no derivative of something in it: write it otherwise, or give "
    "it one by jax.custom_jvp",
}
# Where an error of Python is told inside of another text: its kind, and what it says.
_INNER = re.compile(r"^[\w.]*(?:Error|Exception)\w*: (.+?)(?:\n\s*\n|\Z)", re.DOTALL | re.MULTILINE)
_LONGEST = 240
# Where JAX writes what a callback raised, which is told by us.
_LOGGER = logging.getLogger("jax._src.callback")


@contextmanager
def in_words(plan: Loop, passes: type[Exception]) -> Iterator[None]:
    """Where JAX runs a plan: what it raises is told in words, but for what ``passes``.

    Raises ``QueryError`` for what cannot be compiled, ``Stopped`` for what stops in a run, and
    ``TooLargeError`` where memory is short.
    """
    stops = jax_module().errors.JaxRuntimeError
    was_off, _LOGGER.disabled = _LOGGER.disabled, True
    try:
        yield
    except (CausaloptError, passes):
        raise
    except stops as error:
        if "RESOURCE_EXHAUSTED" in str(error):
            raise TooLargeError(
                "JAX has not enough memory for this run: ask for fewer steps, directions or points "
                "at a time."
            ) from None
        raise Stopped(_text(error), _functions(plan)) from None
    except Exception as error:  # whatever a function raises is told
        why = next((told for said, told in _REMEDIES.items() if said in str(error)), _text(error))
        raise QueryError(
            f"JAX cannot work this out with the functions {', '.join(_functions(plan)) or '(none)'}"
            f": {why}."
        ) from None
    finally:
        _LOGGER.disabled = was_off


def _text(error: Exception) -> str:
    """What an error says, without where it was raised."""
    inner = _INNER.findall(str(error))
    text = " ".join((inner[-1] if inner else str(error)).split())
    return text[:_LONGEST].rstrip(".") or type(error).__name__


def _functions(plan: Loop) -> tuple[str, ...]:
    """The functions of a plan, by name."""
    blocks = [plan.initial, *(segment.block for segment in plan.segments)]
    formulas = [f for block in blocks for f in (*dict(block.assignments).values(), *block.results)]
    calls = [call.code.call for f in formulas for call in sorted(f.atoms(Called), key=str)]
    return tuple(dict.fromkeys(name_of(c) for c in calls if not isinstance(c, Blending | Filling)))
