"""Arrays of numbers that cannot be written to, equal and hashed by what they hold."""

from __future__ import annotations

import functools

import numpy as np

from causalopt.ground.checks import refuse_masked
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
    return Tensor(real_numbers(given, where, wanted, shape).astype(np.float64))


def real_numbers(
    given: object, where: str, wanted: str = "an array", shape: tuple[int, ...] | None = None
) -> Array:
    """An array of finite real numbers, of any kind; else a ``DeclarationError``.

    Nothing is dropped to make it one: no imaginary part, and no mask.

    >>> real_numbers([1, 2], "h").dtype.kind
    'i'
    """
    try:
        numbers = np.asarray(given)
    except (TypeError, ValueError, RuntimeError) as error:
        ragged = ", for its rows have different lengths" * isinstance(error, ValueError)
        why = why_foreign(given) or f"is no array of numbers{ragged}: write {wanted}."
        raise DeclarationError(f"{where} {why}") from None
    if not is_real(numbers.dtype):
        kind = "complex numbers" if numbers.dtype.kind == "c" else f"{numbers.dtype} values"
        raise DeclarationError(f"{where} holds {kind}: write {wanted} of real numbers.")
    if shape is not None and numbers.shape != shape:
        raise DeclarationError(f"{where} has shape {numbers.shape}: write {wanted}.")
    refuse_masked(given, where)
    fine = np.isfinite(numbers)
    if not fine.all():
        raise DeclarationError(
            f"{where} has {int((~fine).sum())} entries that are not finite: write finite real "
            "numbers."
        )
    return numbers


def is_real(dtype: np.dtype[np.generic]) -> bool:
    """Whether a kind of numbers is one of real ones; the short floats of accelerators are.

    >>> is_real(np.dtype(np.float16)), is_real(np.dtype(complex)), is_real(np.dtype("U1"))
    (True, False, False)
    """
    return dtype.kind in "iufb" or (dtype.kind == "V" and np.can_cast(dtype, np.float64))


def why_foreign(given: object) -> str | None:
    """Why what another library calls an array is none here; None where its numbers are NumPy's."""
    library = type(given).__module__.partition(".")[0]
    kind = getattr(given, "dtype", None)
    if library == "torch":
        return (
            "holds a tensor of PyTorch: hand it over by DLPack, as the guide From PyTorch does, "
            "jax.numpy.from_dlpack(tensor.detach())."
        )
    if kind is None or isinstance(kind, np.dtype):
        return None
    if str(kind).startswith("key<"):
        return (
            "holds random keys of JAX, from which numbers are drawn anew in each world: W, X and Y "
            "are to see the same. Take numbers that are drawn as a noise, noise(...), instead."
        )
    return f"holds {kind} of {library}: write an array of NumPy or JAX."
