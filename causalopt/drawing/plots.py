"""Plots of labelled results: each takes arrays and axes, draws on them, and returns them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from causalopt.errors import QueryError

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_STYLE = Path(__file__).with_name("causalopt.mplstyle")


@contextlib.contextmanager
def figure(rows: int = 1, columns: int = 1, **options: Any) -> Iterator[tuple[Figure, Any]]:
    """A figure in the house's style and its axes; it is not shown on any screen.

    >>> with figure(2, sharex=True) as (picture, axes):
    ...     len(axes)
    2
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(fname=_STYLE):
        size = options.pop("figsize", (6.4 * columns**0.5, 3.4 * rows**0.8))
        picture = Figure(figsize=size, layout="constrained")
        yield picture, picture.subplots(rows, columns, **options)


def over_time(array: xr.DataArray, ax: Axes, *, label: str | None = None, **style: Any) -> Axes:
    """An array with dim ``time``, one line for each value of its other dim, if it has one.

    Complex values are drawn by their real part. Infinite ones leave a gap.
    """
    others = [dim for dim in array.dims if dim != "time"]
    if "time" not in array.dims or len(others) > 1:
        raise QueryError(
            f"The array has dims {tuple(array.dims)}: choose with .sel() until only time and one "
            "other are left."
        )
    array = array.real if np.iscomplexobj(array) else array
    lines = [array] if not others else [array.sel({others[0]: v}) for v in array[others[0]].values]
    names = [label] if not others else [_named(others[0], v) for v in array[others[0]].values]
    for one, name in zip(lines, names, strict=True):
        values = np.where(np.isfinite(one.values), one.values, np.nan)
        ax.plot(one["time"].values, values, label=name, **style)
    ax.set_xlabel(axis_label(array["time"], "time"))
    ax.set_ylabel(axis_label(array, str(array.name or "")))
    return ax


def differences(data: xr.Dataset, variable: str, ax: Axes, *, scale: str = "linear") -> Axes:
    """x - w and y - w of one variable over time, from a dataset with worlds W, X and Y.

    ``scale`` is linear, or log, which then shows their sizes.
    """
    base = data[variable].sel(world="W")
    for world, colour, dash in (("X", "#d55e00", "--"), ("Y", "#009e73", "-.")):
        if world not in data["world"]:
            continue
        found = data[variable].sel(world=world) - base
        values = np.abs(found) if scale == "log" else found
        name = f"{world.lower()} − w"
        ax.plot(found["time"], values, color=colour, linestyle=dash, label=name)
    ax.set_yscale(scale)
    ax.set_xlabel(axis_label(data["time"], "time"))
    ax.set_ylabel(f"difference in {variable}" + (" (size)" if scale == "log" else ""))
    ax.legend()
    return ax


def along(array: xr.DataArray, ax: Axes, *, label: str | None = None, **style: Any) -> Axes:
    """An array with one dim, against the values on it: a landscape of Comp or Op, say."""
    (dim,) = array.dims
    values = np.where(np.isfinite(array.values), array.values, np.nan)
    ax.plot(array[dim].values, values, label=label, **style)
    ax.set_xlabel(axis_label(array[dim], str(dim)))
    ax.set_ylabel(axis_label(array, str(array.name or "")))
    return ax


def shade_negative(comp: xr.DataArray, ax: Axes) -> Axes:
    """Shade the stretches of time where Comp is negative: X and Y moved to opposite sides."""
    times, below = comp["time"].values, comp.values < 0
    edges = np.flatnonzero(np.diff(np.concatenate([[False], below, [False]]).astype(int)))
    for i, (start, stop) in enumerate(edges.reshape(-1, 2)):
        name = "Comp < 0" if i == 0 else None
        ax.axvspan(times[start], times[stop - 1], color="#e69f00", alpha=0.25, lw=0, label=name)
    return ax


def axis_label(array: xr.DataArray, name: str) -> str:
    """A name with its unit: ``time [steps]``, ``Op [nat]``."""
    unit = str(array.attrs.get("units", ""))
    title = str(array.attrs.get("long_name", name))
    return f"{title} [{unit}]" if unit not in ("", "1") else title


def _named(dim: Any, value: Any) -> str:
    if dim == "world":
        return str(value)
    return f"{dim} = {value:g}" if isinstance(value, float | np.floating) else f"{dim} = {value}"
