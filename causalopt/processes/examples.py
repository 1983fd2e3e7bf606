"""The examples that a training run sees: their arrays, the batches of its steps, their groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from causalopt.ground import checks
from causalopt.ground.errors import DeclarationError
from causalopt.ground.tensors import real_numbers
from causalopt.language.data import series
from causalopt.language.laws import Uniform
from causalopt.language.symbols import Noise

if TYPE_CHECKING:
    from causalopt.ground.types import Array


def rows_of(data: object) -> list[Array]:
    """The arrays of the data, all of one length."""
    if not isinstance(data, list | tuple):
        raise DeclarationError(
            f"data is {checks.shown(data)} ({type(data).__name__}): write its arrays side by side, "
            "each with a row for each example, such as data=(x, y), or data=(x,)."
        )
    # Whole numbers are labels, and stay whole.
    arrays = [_array(rows, f"data[{i}]") for i, rows in enumerate(data)]
    lengths = {len(rows) if rows.ndim else 0 for rows in arrays}
    if len(lengths) != 1 or lengths == {0}:
        shapes = ", ".join(str(rows.shape) for rows in arrays)
        raise DeclarationError(
            f"data has arrays of the shapes {shapes}: write arrays that have a row for each "
            "example, such as data=(x, y)."
        )
    return arrays


def batch_of(batches: object, count: int) -> Noise | None:
    """What gives the examples of a step: nothing for all, places, or numbers to draw them by."""
    if batches is None:
        return None
    size = checks.as_whole(batches)
    if size is not None:
        if not 0 < size <= count:
            raise DeclarationError(
                f"batches={size}: a batch has 1 to {count} examples, as many as there are."
            )
        return Noise("batch", Uniform(0.0, 1.0), "", (size,))
    places = _array(batches, "batches")
    if places.dtype.kind not in "iu" or places.ndim != 2 or not places.size:
        raise DeclarationError(
            f"batches has {places.dtype} of the shape {places.shape}: write whole numbers (steps, "
            "B), the places of the examples of each step."
        )
    if places.min() < 0 or places.max() >= count:
        strange = places.max() if places.max() >= count else places.min()
        raise DeclarationError(
            f"batches names the example {strange}, and there are {count}: they count from 0."
        )
    return series("batch", places)


@dataclass(frozen=True)
class Places:
    """The places of a step's examples, as a function of its batch.

    ``drawn_from`` is the number of examples where a batch is drawn, 0 where it has places.
    """

    drawn_from: int

    def __call__(self, batch: Any) -> Any:
        """Whole numbers from 0, of numbers from 0 to 1 where they are drawn."""
        return (batch * self.drawn_from).astype(int) if self.drawn_from else batch


def groups_of(tally: object, count: int) -> Array:
    """The group (examples,) that each example is in."""
    groups = _array(tally, "tally")
    if groups.dtype.kind not in "iu" or groups.shape != (count,):
        raise DeclarationError(
            f"tally has {groups.dtype} of the shape {groups.shape}: write {count} whole numbers, "
            f"the group that each example is in, such as np.arange({count}) for each its own."
        )
    if groups.min() < 0:
        raise DeclarationError(f"tally names the group {groups.min()}: groups count from 0.")
    return groups


def _array(given: object, where: str) -> Array:
    """An array of whole numbers, or one of floats."""
    rows = real_numbers(given, where, "rows of one length, each for one example,")
    return rows if rows.dtype.kind in "iub" else rows.astype(np.float64)
