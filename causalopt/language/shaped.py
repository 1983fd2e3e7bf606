"""The domain of arrays: real numbers in one shape, or trees of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from causalopt.ground import checks
from causalopt.ground.errors import DeclarationError, QueryError
from causalopt.ground.tensors import Tensor, finite_tensor
from causalopt.ground.types import Floats
from causalopt.language.domains import Coded, Domain
from causalopt.language.trees import Structure, flat_numbers


@dataclass(frozen=True)
class Shaped(Domain):
    """Arrays of real numbers, of one shape; or trees of them, whose numbers are one vector.

    >>> Shaped((2,)).code([1, 2], "start[h]")
    Tensor([1.0, 2.0])
    """

    shape: tuple[int, ...] = ()
    tree: Structure | None = None

    def code(self, value: object, where: str) -> Tensor:
        """The array, if its shape is right and its entries are finite."""
        if isinstance(value, Tensor):
            value = value.numbers
        elif self.tree is not None and not (isinstance(value, np.ndarray) and value.ndim):
            # All numbers one after the other are an array; a tree may be a single number.
            value = flat_numbers(value, self.tree, where)
        return finite_tensor(value, where, self.shape)

    def value(self, number: Coded) -> Tensor:
        """The array itself."""
        return self.code(number, "The array")

    def shown(self, number: Coded) -> str | float:
        """The array as text: its entries, where they are few; a number drawn from it as it is."""
        return number if isinstance(number, float) else str(number)

    def values_of(self, numbers: Floats) -> NoReturn:
        """A sweep is over numbers."""
        raise QueryError(_NO_SWEEP)

    def codes(self, values: object, where: str) -> NoReturn:
        """A sweep is over numbers."""
        raise QueryError(f"{where}: {_NO_SWEEP}")

    def why_no_difference(self) -> None:
        """A difference can be added to an array."""
        return

    def example(self) -> Tensor:
        """An array of zeros."""
        return Tensor(np.zeros(self.shape))

    def attributes(self) -> dict[str, object]:
        """Numbers need no explanation."""
        return {}

    def __str__(self) -> str:
        return f"an array of shape {self.shape}" if self.tree is None else str(self.tree)


_NO_SWEEP = "an array cannot be swept by a list: sweep a number that the function behind it takes"


def as_shape(shape: object, what: str) -> tuple[int, ...]:
    """A shape with at least one axis: one positive whole number or more."""
    whole = checks.as_whole(shape)
    given = [whole] if whole is not None else shape
    sizes = [checks.as_whole(size) for size in given] if isinstance(given, Iterable) else []
    known = tuple(size for size in sizes if size is not None and size > 0)
    if not known or len(known) != len(sizes):
        raise DeclarationError(
            f"{what}: {checks.shown(shape)} is no shape. A shape is one positive whole number or "
            f"more, such as (3,) or (28, 28); a number has none."
        )
    return known
