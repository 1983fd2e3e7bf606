"""Arrays of numbers that cannot be written to, equal and hashed by what they hold."""

from __future__ import annotations

import functools

import numpy as np

from causalopt.ground.errors import DeclarationError
from causalopt.ground.types import Array

# Of longer arrays, a message tells the shape alone.
_FEW = 6


class Tensor:
    """An array of floats, whole numbers or truth values, for good.

    >>> a = Tensor([0.5, 1])
    >>> a == Tensor(np.array([0.5, 1.0])), hash(a) == hash(Tensor([0.5, 1.0])), a
    (True, True, Tensor([0.5, 1.0]))
    """

    __slots__ = ("__dict__", "numbers")
    numbers: Array

    def __init__(self, given: object) -> None:
        numbers = np.array(given)
        numbers.setflags(write=False)
        self.numbers = numbers

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array."""
        return self.numbers.shape

    @functools.cached_property
    def _content(self) -> tuple[str, tuple[int, ...], bytes]:
        # One zero of the two, for they are equal.
        return self.numbers.dtype.str, self.numbers.shape, (self.numbers + 0).tobytes()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tensor) and self._content == other._content

    @functools.cached_property
    def _hash(self) -> int:
        return hash(self._content)

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[type[Tensor], tuple[Array]]:
        return Tensor, (np.array(self.numbers),)

    def __str__(self) -> str:
        few = self.numbers.size <= _FEW
        return str(self.numbers.tolist()) if few else f"an array of shape {self.shape}"

    def __repr__(self) -> str:
        return f"Tensor({self})"


def finite_tensor(given: object, where: str, shape: tuple[int, ...] | None = None) -> Tensor:
    """An array of finite floats, of a shape if one is named; else a ``DeclarationError``."""
    wanted = "an array" if shape is None else f"an array of shape {shape}"
    try:
        numbers = np.asarray(given)
    except (TypeError, ValueError):
        raise DeclarationError(f"{where} is no array of numbers: write {wanted}.") from None
    if numbers.dtype.kind not in "iufb":
        kind = "complex numbers" if numbers.dtype.kind == "c" else f"{numbers.dtype} values"
        raise DeclarationError(f"{where} holds {kind}: write {wanted} of real numbers.")
    if shape is not None and numbers.shape != shape:
        raise DeclarationError(f"{where} has shape {numbers.shape}: write {wanted}.")
    numbers = numbers.astype(np.float64)
    if not np.isfinite(numbers).all():
        count = int((~np.isfinite(numbers)).sum())
        raise DeclarationError(
            f"{where} has {count} entries that are not finite: write finite real numbers."
        )
    return Tensor(numbers)
