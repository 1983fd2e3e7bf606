"""Coordinates of labelled results: time or nodes along the rows, and one axis a swept target."""

from __future__ import annotations

import functools
from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from causalopt.ground.readonly import ReadOnly
from causalopt.ground.types import Array
from causalopt.language.domains import domain_of
from causalopt.language.symbols import Quantity
from causalopt.model.interface import Axis, Model
from causalopt.runs.sweeps import Sweep

if TYPE_CHECKING:
    import xarray as xr


def column(dims: Sequence[str], values: Array, attrs: Mapping[str, object]) -> xr.Variable:
    """An array of NumPy's as a column of a result, taken as it is.

    Of what else it is given xarray asks whether it is an array of another library, and imports
    dask to ask: that takes longer than most questions.
    """
    import xarray as xr

    return xr.Variable(dims, np.asarray(values), attrs, fastpath=True)


def sweep_coords(sweep: Sweep) -> dict[str, xr.Variable]:
    """One coordinate per swept target, with its unit; along one dim where they run together."""
    coords: dict[str, xr.Variable] = {}
    for name, axis in zip(sweep.names, sweep.axes, strict=True):
        quantity = getattr(axis.target, "variable", axis.target)
        unit = {"units": quantity.unit if isinstance(quantity, Quantity) else ""}
        values = np.asarray(domain_of(axis.target).values_of(axis.values))
        coords[name] = (
            column(sweep.dims, values, unit) if sweep.paired else index(name, values, unit)
        )
    return coords


def index(name: str, labels: Sequence[object] | Array, attrs: Mapping[str, str]) -> xr.Variable:
    """The coordinate of a dim of its own name, of numbers or of names."""
    import pandas as pd
    import xarray as xr

    values = np.asarray(labels)
    # xarray keeps how long names may be, which pandas does not know.
    kept = xr.indexes.PandasIndex(pd.Index(values), name, coord_dtype=values.dtype)
    along: xr.Variable = kept.create_variables()[name]
    along.attrs.update(attrs)
    return along


@functools.lru_cache(maxsize=64)
def in_single(model: Model) -> Mapping[str, str]:
    """What a result says of nodes that are computed in single precision; nothing where none is."""
    keys = [series.key for series in model.series if series.key is not None]
    rules = {key: model.account(key, 1).declared for key in keys}
    names = [str(key) for key, rule in rules.items() if rule and rule.precision == "float32"]
    return ReadOnly({"float32": ", ".join(names)} if names else {})


def together(coords: Mapping[str, xr.Variable], axis: Axis | None = None) -> xr.Coordinates:
    """Coordinates with their indexes, and that of the rows of an axis where these are shown.

    With these at hand a result is put together once: xarray asks for no index that it has, and
    to give a result one more coordinate takes longer than to make it.
    """
    import xarray as xr

    rows = None if axis is None or not axis.is_shown else coordinate(axis)
    # Along a dim of another name there is no index.
    owned = [name for name, along in coords.items() if along.dims == (name,)]
    indexes: dict[Hashable, xr.Index] = {name: _index_of(name, coords[name]) for name in owned}
    if rows is None:
        return xr.Coordinates(coords, indexes)
    return xr.Coordinates({**coords, **rows.variables}, {**indexes, **rows.xindexes})


def _index_of(name: str, along: xr.Variable) -> xr.Index:
    import xarray as xr

    return xr.indexes.PandasIndex(along.to_index(), name, coord_dtype=along.dtype)


def coordinate(axis: Axis) -> xr.Coordinates:
    """The coordinate along the rows of a series."""
    if isinstance(axis.labels, np.ndarray):
        return together({axis.dim: index(axis.dim, axis.labels, {})})
    # Questions about one run share their axis: it is made once, unless it takes much memory.
    if axis.labels is not None:
        names = tuple(map(str, axis.labels))
        return (_names_kept if len(names) <= _MOST_NAMES_KEPT else _names)(axis.dim, names)
    return (_numbers_kept if len(axis.rows) <= _LONGEST_AXIS_KEPT else _numbers)(axis)


def _names(dim: str, names: tuple[str, ...]) -> xr.Coordinates:
    return together({dim: index(dim, names, {})})


def _numbers(axis: Axis) -> xr.Coordinates:
    import pandas as pd
    import xarray as xr

    # Made by hand, since xarray would copy the values twice on the way.
    index = pd.Index(np.asarray(axis.values), copy=False, name=axis.dim)
    column = xr.Variable([axis.dim], index, {"units": axis.unit}).to_index_variable()
    return xr.Coordinates({axis.dim: column}, {axis.dim: xr.indexes.PandasIndex(index, axis.dim)})


_LONGEST_AXIS_KEPT = 1 << 22
_MOST_NAMES_KEPT = 1 << 12
_numbers_kept = functools.lru_cache(maxsize=4)(_numbers)
_names_kept = functools.lru_cache(maxsize=16)(_names)
