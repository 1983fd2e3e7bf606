"""The values of a network's roots: numbers in one column, and arrays by their labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from sympy import Expr

from causalopt.ground.errors import DeclarationError
from causalopt.ground.readonly import ReadOnly, fields_alone, restore
from causalopt.ground.tensors import Tensor
from causalopt.ground.types import Floats
from causalopt.language.symbols import Label
from causalopt.model.amounts import Kept
from causalopt.model.columns import Columns


@dataclass(frozen=True, eq=False)
class Roots:
    """``numbers`` (nodes,) of the roots that hold one, NaN elsewhere; ``arrays`` of the others.

    >>> from causalopt.language.symbols import variables
    >>> from causalopt.model.columns import bind
    >>> a, b = variables("a b")
    >>> roots_of(bind((a, b), (), [None, None]), {a: 1.0, b: 2.0}).numbers.tolist()
    [1.0, 2.0]
    """

    numbers: Floats
    arrays: Mapping[Label, Tensor] = ReadOnly({})

    def __post_init__(self) -> None:
        self.numbers.setflags(write=False)

    __getstate__, __setstate__ = fields_alone, restore

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, Roots)
            and np.array_equal(self.numbers, other.numbers, equal_nan=True)
            and self.arrays == other.arrays
        )


def roots_of(columns: Columns, given: Mapping[Label, Kept]) -> Roots:
    """The values of the roots, from those by their labels.

    Raises ``DeclarationError`` for a formula, which would give its node a mechanism.
    """
    places = np.flatnonzero(columns.kinds < 0)
    held = {label: given[label] for label in (columns.labels[i] for i in places.tolist())}
    formula = next((label for label, value in held.items() if isinstance(value, Expr)), None)
    if formula is not None:
        raise DeclarationError(
            f"{formula} is a root, and {held[formula]} is a formula: write a number, or declare "
            f"the network with start={{{formula}: {held[formula]}}}."
        )
    arrays = {label: value for label, value in held.items() if isinstance(value, Tensor)}
    numbers = np.full(len(columns.labels), np.nan)
    numbers[places] = [np.nan if label in arrays else value for label, value in held.items()]
    return Roots(numbers, ReadOnly(arrays))
