"""The form of results: variables with their dims, sizes, labels and kinds of numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from causalopt.ground.errors import QueryError
from causalopt.ground.types import Array
from causalopt.runs.cluster.chunks import Part, within
from causalopt.runs.cluster.extents import Extent
from causalopt.runs.cluster.survey import (
    COUNTS,
    Said,
    dims_of,
    plain_attributes,
    refuse_another_form,
)

if TYPE_CHECKING:
    import xarray as xr

_FILL = "_FillValue"


@dataclass(frozen=True)
class ResultForm:
    """What results look like: the ``example`` is one point, without the ``dims`` that are swept.

    ``orders`` are the dims of each variable, those that are swept and its own, in order. Numbers
    are floats, or complex ones, so that NaN can stand for what is missing.
    """

    dims: tuple[str, ...]
    orders: Mapping[str, tuple[str, ...]]
    example: xr.Dataset

    @classmethod
    def of(cls, found: xr.Dataset, dims: Sequence[str]) -> ResultForm:
        """The form of results that have a dim for each thing that is swept."""
        names = tuple(dims)
        orders = {str(name): tuple(map(str, a.dims)) for name, a in found.data_vars.items()}
        one = found.isel(dict.fromkeys(names, 0), drop=True)
        for name, array in one.data_vars.items():
            kind_of(str(name), array.dtype)
        filled = next((str(name) for name, a in one.variables.items() if _FILL in a.attrs), None)
        if filled is not None:
            raise QueryError(
                f"{filled} has the attribute {_FILL}, by which a store says what stands for "
                "nothing: give the attribute another name."
            )
        swept = [name for name, labels in found.coords.items() if set(labels.dims) & set(names)]
        kept = [name for name in one.coords if name not in swept]
        return cls(names, orders, one.drop_vars([name for name in one.coords if name not in kept]))

    def own(self, name: str) -> tuple[int, ...]:
        """The sizes of a variable's own dims."""
        return self.example[name].shape

    def kind(self, name: str) -> np.dtype[np.generic]:
        """The kind of a variable's numbers."""
        return kind_of(name, self.example[name].dtype)

    @property
    def bytes(self) -> int:
        """The bytes that the results of one point take."""
        kinds = {str(name): self.kind(str(name)) for name in self.example.data_vars}
        return sum(int(np.prod(self.own(n), dtype=np.int64)) * k.itemsize for n, k in kinds.items())

    def shape(self, name: str, sizes: Sequence[int]) -> tuple[int, ...]:
        """The shape of a variable where the swept dims have these sizes."""
        swept = dict(zip(self.dims, sizes, strict=True))
        return tuple(swept.get(d) or self.example.sizes[d] for d in self.orders[name])

    def region(self, name: str, where: Mapping[str, slice]) -> tuple[slice, ...]:
        """The place of a part in a variable."""
        return tuple(where.get(dim, slice(None)) for dim in self.orders[name])

    def blank(self, part: Part) -> dict[str, Array]:
        """Arrays for a part, in which nothing is there yet."""
        sizes = [len(places) for places in part]
        return {n: np.full(self.shape(n, sizes), np.nan, self.kind(n)) for n in self.orders}

    def put(
        self, arrays: Mapping[str, Array], found: xr.Dataset, inner: Part, outer: Part,
        extents: Sequence[Extent],
    ) -> None:  # fmt: skip
        """Put what was found at a part into arrays of one that holds it.

        Raises ``QueryError`` where the results have another form.
        """
        dims = dims_of(found, extents)
        if dims != self.dims or set(map(str, found.data_vars)) != set(self.orders):
            refuse_another_form(self.example, found.isel(dict.fromkeys(dims, 0), drop=True))
            raise QueryError(f"The results have the dims {dims}, and had {self.dims} before.")
        self._check_labels(found)
        where = dict(zip(self.dims, within(inner, outer), strict=True))
        for name, array in arrays.items():
            part = found[name].transpose(*self.orders[name]).values
            target = array[self.region(name, where)]
            if target.shape != part.shape:
                raise QueryError(
                    f"{name} has the shape {part.shape} at some points, where {target.shape} is "
                    "what the first one says."
                )
            if part.dtype.kind == "c" and target.dtype.kind != "c":
                raise QueryError(f"{name} is complex at some points, and real at the first one.")
            target[...] = part

    def _check_labels(self, found: xr.Dataset) -> None:
        for name, labels in self.example.coords.items():
            if name not in found.coords or not labels.variable.equals(found[name].variable):
                raise QueryError(f"The results have other labels {name} than at the first point.")

    def said(self, name: str) -> Said:
        """What results say of a variable; without a name, of themselves."""
        return plain_attributes((self.example[name] if name else self.example).attrs)

    def unsaid(self) -> dict[str, Said]:
        """What a part says of itself, and of each variable, where nothing was found: no counts."""
        names = ("", *self.orders)
        return {n: {k: 0 if k in COUNTS else v for k, v in self.said(n).items()} for n in names}

    def labels(self) -> Iterator[tuple[str, tuple[str, ...], Array, Said]]:
        """The labels of dims that are not swept: names, dims, values, and what is said of them."""
        for name, labels in self.example.coords.items():
            values = np.asarray(labels.values)
            known = values.astype(str) if values.dtype == object else values
            yield str(name), tuple(map(str, labels.dims)), known, plain_attributes(labels.attrs)


def kind_of(name: str, dtype: np.dtype[np.generic]) -> np.dtype[np.generic]:
    """The kind of numbers that a result is kept as; ``QueryError`` for what is no number."""
    if dtype.kind in "fc":
        return dtype
    if dtype.kind in "iub":
        # Whole numbers cannot say that one is missing.
        return np.dtype(np.float64)
    raise QueryError(f"{name} holds {dtype} values: a sweep keeps numbers.")
