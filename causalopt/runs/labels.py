"""Coordinates of labelled results: time or nodes along the rows, and one axis a swept target."""

from __future__ import annotations

import functools
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from causalopt.ground.readonly import ReadOnly
from causalopt.ground.types import Array
from causalopt.language.domains import domain_of
from causalopt.language.symbols import Quantity
from causalopt.model.interface import Axis, Model
from causalopt.runs.sweeps import DRAW, MOST_DRAWS_KEPT, Sweep, SweptAxis

if TYPE_CHECKING:
    import xarray as xr


def column(dims: Sequence[str], values: Array, attrs: Mapping[str, object]) -> xr.Variable:
    """An array of NumPy's as a column of a result, taken as it is.

    Of what else it is given xarray asks whether it is an array of another library, and imports
    dask to ask: that takes longer than most questions.
    """
    import xarray as xr

    return xr.Variable(dims, np.asarray(values), attrs, fastpath=True)


@dataclass(frozen=True, eq=False)
class Coordinate:
    """A coordinate of a result, and its index, if it has one."""

    variable: xr.Variable
    index: xr.Index | None = None


def sweep_coords(sweep: Sweep) -> dict[str, Coordinate]:
    """One coordinate per swept target, with its unit; along one dim where they run together."""
    named_axes = zip(sweep.names, sweep.axes, strict=True)
    if sweep.paired:
        return {
            name: Coordinate(column(sweep.dims, *_values_and_unit(axis)))
            for name, axis in named_axes
        }
    return {
        name: (_swept_kept if _is_kept(axis) else _swept)(name, axis) for name, axis in named_axes
    }


def _values_and_unit(axis: SweptAxis) -> tuple[Array, dict[str, str]]:
    """The values of a swept target, as a user knows them, and its unit."""
    quantity = getattr(axis.target, "variable", axis.target)
    unit = {"units": quantity.unit if isinstance(quantity, Quantity) else ""}
    return np.asarray(domain_of(axis.target).values_of(axis.values)), unit


def _swept(name: str, axis: SweptAxis) -> Coordinate:
    return indexed(name, *_values_and_unit(axis))


def _is_kept(axis: SweptAxis) -> bool:
    """Whether questions share an axis, and so its coordinate."""
    return axis.input == DRAW and len(axis.values) <= MOST_DRAWS_KEPT


_swept_kept = functools.lru_cache(maxsize=8)(_swept)


def indexed(name: str, labels: Array, attrs: Mapping[str, str]) -> Coordinate:
    """The coordinate of a dim of its own name, of numbers or of names."""
    import pandas as pd
    import xarray as xr

    # xarray keeps how long names may be, which pandas does not know.
    index = pd.Index(_for_reading(labels))
    kept = xr.indexes.PandasIndex(index, name, coord_dtype=labels.dtype)
    along: xr.Variable = kept.create_variables()[name]
    along.attrs.update(attrs)
    return Coordinate(along, kept)


def _for_reading(labels: Array) -> Array:
    """Labels as results share them."""
    view = labels.view()
    view.flags.writeable = False
    return view


def named(dim: str, labels: Sequence[str]) -> Coordinate:
    """The coordinate of a dim of its own name, of names."""
    # Questions about one model share their names: these are made once, unless they are many.
    how = _named_kept if len(labels) <= _MOST_NAMES_KEPT else _named
    return how(dim, tuple(labels))


def _named(dim: str, labels: tuple[str, ...]) -> Coordinate:
    return indexed(dim, np.asarray(labels), {})


_MOST_NAMES_KEPT = 1 << 12
_named_kept = functools.lru_cache(maxsize=32)(_named)


@functools.lru_cache(maxsize=64)
def in_single(model: Model) -> Mapping[str, str]:
    """What a result says of nodes that are computed in single precision; nothing where none is."""
    keys = [series.key for series in model.series if series.key is not None]
    rules = {key: model.account(key, 1).declared for key in keys}
    names = [str(key) for key, rule in rules.items() if rule and rule.precision == "float32"]
    return ReadOnly({"float32": ", ".join(names)} if names else {})


def together(coords: Mapping[str, Coordinate], axis: Axis | None = None) -> xr.Coordinates:
    """Coordinates with their indexes, and that of the rows of an axis where these are shown.

    With these at hand a result is put together once: xarray asks for no index that it has, and
    to give a result one more coordinate takes longer than to make it.
    """
    import xarray as xr

    coords = _with_axis(coords, axis)
    return xr.Coordinates({name: one.variable for name, one in coords.items()}, _indexes_of(coords))


def array_of(
    values: xr.Variable, coords: Mapping[str, Coordinate], axis: Axis | None, name: str
) -> xr.DataArray:
    """A result with coordinates, and that of the rows of an axis where these are shown.

    Labels are shared with what has the same: an index is never written to, and to copy the one
    of a long run, as xarray would, takes as long as much of the run.
    """
    import xarray as xr

    coords = _with_axis(coords, axis)
    variables = {n: one.variable.copy(deep=one.index is None) for n, one in coords.items()}
    return xr.DataArray(values, variables, name=name, indexes=_indexes_of(coords), fastpath=True)


def dataset_of(
    columns: Mapping[str, xr.Variable],
    coords: Mapping[str, Coordinate],
    axis: Axis,
    attrs: Mapping[str, object],
) -> xr.Dataset:
    """Columns with their coordinates as a result.

    One alone is an array first, which is taken as it is: of the parts of a dataset xarray asks
    whether each goes with the others, and that takes as long as a small run.
    """
    import xarray as xr

    if len(columns) != 1:
        return xr.Dataset(columns, together(coords, axis), attrs)
    ((name, values),) = columns.items()
    own = _with_axis(coords, axis)
    # Listed as xarray lists those of a dataset: in the order of the dims.
    ordered = {each: own[each] for each in (*map(str, values.dims), *own) if each in own}
    data = array_of(values, ordered, None, name).to_dataset()
    data.attrs.update(attrs)
    return data


def _with_axis(coords: Mapping[str, Coordinate], axis: Axis | None) -> Mapping[str, Coordinate]:
    return coords if axis is None or not axis.is_shown else {**coords, axis.dim: _along(axis)}


def _indexes_of(coords: Mapping[str, Coordinate]) -> dict[Hashable, xr.Index]:
    return {name: one.index for name, one in coords.items() if one.index is not None}


def _along(axis: Axis) -> Coordinate:
    """The coordinate along the rows of a series."""
    if isinstance(axis.labels, np.ndarray):
        return indexed(axis.dim, axis.labels, {})
    if axis.labels is not None:
        return named(axis.dim, [str(label) for label in axis.labels])
    # Questions about one run share their axis: it is made once, unless it takes much memory.
    return (_numbers_kept if len(axis.rows) <= _LONGEST_AXIS_KEPT else _numbers)(axis)


def _numbers(axis: Axis) -> Coordinate:
    import pandas as pd
    import xarray as xr

    # Made by hand, since xarray would copy the values twice on the way.
    index = pd.Index(_for_reading(np.asarray(axis.values)), copy=False, name=axis.dim)
    along = xr.Variable([axis.dim], index, {"units": axis.unit}).to_index_variable()
    return Coordinate(along, xr.indexes.PandasIndex(index, axis.dim))


_LONGEST_AXIS_KEPT = 1 << 22
_numbers_kept = functools.lru_cache(maxsize=4)(_numbers)
