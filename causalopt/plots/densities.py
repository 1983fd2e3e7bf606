"""Densities: where the mass of a real variable is, as it moves over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from causalopt.ground import palette
from causalopt.ground.errors import QueryError
from causalopt.plots.given import as_array
from causalopt.plots.labels import axis_label

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

# The share of the density's points that keep shades of their own.
_SHADED = 0.99


def density_over_time(
    density: xr.DataArray, ax: Axes, *, paths: xr.DataArray | None = None
) -> Axes:
    """A density with dims time and one variable as shades, time across; some paths upon it.

    What is denser than 99% of the rest has the darkest shade, as the colour bar's arrow says.
    ``paths`` have dim time, and another with one value a path.

    >>> import xarray as xr
    >>> from causalopt import plots
    >>> at = {"time": [0, 1], "W": [0, 1]}
    >>> density = xr.DataArray([[1.0, 0], [0.5, 0.5]], at, ["time", "W"])
    >>> with plots.figure() as (_, ax):
    ...     density_over_time(density, ax).get_ylabel()
    'W'
    """
    others = [dim for dim in as_array(density, "density").dims if dim != "time"]
    if "time" not in density.dims or len(others) != 1:
        raise QueryError(
            f"The density has dims {tuple(density.dims)}: choose with .sel() until only time and "
            "one other are left."
        )
    (up,) = others
    _shade(density.transpose(up, "time"), ax, axis_label(density, str(density.name or "density")))
    if paths is not None:
        times = density["time"].values
        lines = paths.transpose("time", ...).values.reshape(paths.sizes["time"], -1)
        ax.plot(paths["time"].values, lines, color=palette.RED, ls="-", lw=0.7, alpha=0.8)
        ax.set_xlim(times.min(), times.max())
    ax.set_xlabel(axis_label(density["time"], "time"))
    ax.set_ylabel(axis_label(density[up], str(up)))
    return ax


def _shade(density: xr.DataArray, ax: Axes, name: str) -> None:
    """Draw the density, the first dim up and time across, with a colour bar of this name."""
    up, across = (density[dim].values for dim in density.dims)
    shades = density.values
    # A start at one point is far denser than all that follows, and would take all shades.
    highest = float(np.quantile(shades[shades > 0], _SHADED)) if (shades > 0).any() else 1.0
    ax.grid(visible=False)
    shaded = ax.pcolormesh(
        across, up, shades, shading="nearest", cmap="Blues", vmin=0, vmax=highest, rasterized=True
    )
    beyond = "max" if shades.max() > highest else "neither"
    ax.figure.colorbar(shaded, ax=ax, label=name, extend=beyond)
