"""Inputs that are given step by step: series("w", values), such as weather, or batches."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from causalopt.ground.checks import refuse_masked
from causalopt.ground.errors import DeclarationError, QueryError
from causalopt.ground.tensors import Tensor
from causalopt.ground.types import Floats
from causalopt.language.symbols import Noise


@dataclass(frozen=True)
class Listed:
    """Values (steps, *shape), one for each step, in the place of a law of chance."""

    values: Tensor

    @property
    def steps(self) -> int:
        """The number of steps for which there are values."""
        return len(self.values.numbers)

    def quantiles(self, chances: Floats) -> NoReturn:
        """An error: nothing is drawn."""
        raise QueryError(
            "A series is given step by step, and is not drawn: this question needs laws of chance."
        )

    def __repr__(self) -> str:
        digest = hashlib.sha256(self.values.numbers.tobytes()).hexdigest()[:16]
        return f"Listed({self.steps} values, {digest})"


def series(name: str, values: object, unit: str = "") -> Noise:
    """An input with a value of its own at each step: the same in W, X and Y, and in all chains.

    ``values`` (steps, *shape) are numbers, of any kind: whole numbers stay whole, so that functions
    can take them as places. A mechanism that gives R[i+1] sees the i-th. A run may be no longer
    than they are.

    Raises ``DeclarationError`` for what is no array of finite numbers.

    >>> series("w", [0.5, 1.5, 1.0])
    w
    """
    try:
        numbers = np.asarray(values)
    except (TypeError, ValueError, RuntimeError):
        numbers = np.empty(0, dtype=object)
    refuse_masked(values, f'series("{name}", ...)')
    if numbers.dtype.kind not in "iubf" or not numbers.size or not np.isfinite(numbers).all():
        raise DeclarationError(
            f'series("{name}", ...): write an array (steps, ...) of finite real numbers, a row for '
            "each step."
        )
    if numbers.ndim == 0:
        raise DeclarationError(
            f'series("{name}", {values}) is one number: write one for each step, or a parameter.'
        )
    if numbers.dtype.kind == "f":
        numbers = numbers.astype(np.float64)
    return Noise(name, Listed(Tensor(numbers)), unit, numbers.shape[1:])


def is_given(noise: Noise) -> bool:
    """Whether its values are given, and not drawn."""
    return isinstance(noise.law, Listed)
