"""Curves: an array with one dim against the values on it, one line or a few."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from causalopt.ground.errors import QueryError
from causalopt.plots.given import as_array
from causalopt.plots.labels import add_legend, axis_label, value_label

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

    from causalopt.ground.types import Bools, Floats, Ints


def along(array: xr.DataArray, ax: Axes, *, label: str | None = None, **style: Any) -> Axes:
    """An array with one dim, against the values on it: a landscape of Comp or Op, say.

    Complex values are drawn by their real part. Infinite ones leave a gap.
    """
    if as_array(array, "array").ndim != 1:
        raise QueryError(
            f"The array has dims {tuple(array.dims)}: choose with .sel() until one is left."
        )
    (dim,) = array.dims
    ax.plot(array[dim].values, with_gaps(array), label=label, **style)
    ax.set_xlabel(axis_label(array[dim], str(dim)))
    ax.set_ylabel(axis_label(array, str(array.name or "")))
    return ax


def escape_curve(escaped: xr.DataArray, ax: Axes, *, dim: str = "steps") -> Axes:
    """The probability of escape against steps or a parameter, a line for each value of another dim.

    >>> import xarray as xr
    >>> from causalopt import plots
    >>> escaped = xr.DataArray([0.0, 0.5, 0.75], {"steps": [0, 1, 2]}, name="escaped")
    >>> with plots.figure() as (_, ax):
    ...     [float(end) for end in escape_curve(escaped, ax).get_ylim()]
    [-0.02, 1.02]
    """
    if dim not in as_array(escaped, "escaped").dims or escaped.ndim > 2:
        raise QueryError(
            f"The probabilities have dims {tuple(escaped.dims)}: choose with .sel() until only "
            f"{dim!r} and one other are left, or write dim=."
        )
    others = [name for name in escaped.dims if name != dim]
    if not others:
        along(escaped, ax)
    else:
        for i, value in enumerate(escaped[others[0]].values):
            along(escaped.isel({others[0]: i}), ax, label=value_label(others[0], value))
        add_legend(ax)
    # Lines at 0 and at 1 stay clear of the frame.
    ax.set(ylim=(-0.02, 1.02), ylabel=axis_label(escaped, "escape probability"))
    return ax


def with_gaps(array: xr.DataArray) -> Floats:
    """The values, NaN where they are not finite: a line has a gap there, and shades are empty.

    Complex ones by their real part.
    """
    return np.where(np.isfinite(array.values), array.values.real, np.nan)


def stretches(inside: Bools) -> Ints:
    """The index pairs (start, stop) of each run of True.

    >>> stretches(np.array([True, True, False, True])).tolist()
    [[0, 2], [3, 4]]
    """
    # With False at either end, a run that touches an end has an edge there too.
    closed = np.concatenate([[False], inside, [False]]).astype(int)
    return np.flatnonzero(np.diff(closed)).reshape(-1, 2)
