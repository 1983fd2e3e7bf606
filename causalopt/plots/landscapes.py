"""Landscapes: a measure against one or two start values or parameters, its basin outlined."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from causalopt.ground import palette
from causalopt.ground.errors import QueryError
from causalopt.plots.curves import along, stretches, with_gaps
from causalopt.plots.labels import add_legend, axis_label, neutral_value

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

    from causalopt.ground.types import Array, Bools

# A basin on a line is a ground so light that the line and the grid stay in sight.
_FAINT = "18"
# A speck has fewer cells than this, and less than one in so many of them all.
_SPECK, _FINE = 10, 100


def landscape(
    array: xr.DataArray, ax: Axes, *, basin: xr.DataArray | None = None, **style: Any
) -> Axes:
    """Op or Comp against one or two start values or parameters, with the basin outlined.

    ``array`` has one dim, drawn as a line, or two, drawn as shades: the first up, the second
    across. ``basin`` says of each point whether it is optimized, such as ``strength > 0`` of Op, or
    ``abs(ratio) < 1`` of Comp. Values that are infinite stay empty. On a fine grid, parts of less
    than ten cells have no outline: their shades tell.

    >>> import xarray as xr
    >>> from causalopt import plots
    >>> strength = xr.DataArray([-1.0, 2.0, 2.0, -1.0], {"R": [0, 1, 2, 3]}, name="Op")
    >>> with plots.figure() as (_, ax):
    ...     _ = landscape(strength, ax, basin=strength > 0)
    ...     [float(patch.get_x()) for patch in ax.patches]
    [1.0]
    """
    if array.ndim not in (1, 2):
        raise QueryError(
            f"A landscape has one dim or two, not {tuple(array.dims)}: choose with .sel()."
        )
    if basin is not None and (basin.dims != array.dims or basin.shape != array.shape):
        raise QueryError(
            f"basin has dims {dict(basin.sizes)} and the landscape {dict(array.sizes)}: write "
            "basin=strength > 0, of the same array."
        )
    if array.ndim == 2:
        return _shades(array, ax, basin, style)
    along(array, ax, **style)
    if basin is not None:
        (dim,) = array.dims
        _shade_basin(basin.values, array[dim].values, ax)
    return add_legend(ax)


def _shade_basin(inside: Bools, values: Array, ax: Axes) -> None:
    """Shade and edge each stretch of a line that is optimized."""
    for i, (start, stop) in enumerate(stretches(inside)):
        ax.axvspan(
            *(values[start], values[stop - 1]),
            facecolor=palette.GREEN + _FAINT,
            edgecolor=palette.GREEN,
            label="optimized" if i == 0 else None,
        )


def _shades(
    array: xr.DataArray, ax: Axes, basin: xr.DataArray | None, style: dict[str, Any]
) -> Axes:
    up, across = array.dims
    x, y = array[across].values, array[up].values
    values = with_gaps(array)
    # White is where A does nothing, and both hues reach equally far from it.
    middle = neutral_value(array)
    reach = float(np.nanmax(np.abs(values - middle), initial=0)) or 1.0
    look: dict[str, Any] = {"cmap": "PuOr", "vmin": middle - reach, "vmax": middle + reach}
    ax.grid(visible=False)
    shades = ax.pcolormesh(x, y, values, shading="nearest", rasterized=True, **look | style)
    ax.figure.colorbar(shades, ax=ax, label=axis_label(array, str(array.name or "")))
    if basin is not None:
        _outline(basin.values, x, y, ax)
    ax.set_xlabel(axis_label(array[across], str(across)))
    ax.set_ylabel(axis_label(array[up], str(up)))
    return ax


def _outline(inside: Bools, x: Array, y: Array, ax: Axes) -> None:
    """A line around the basin; its shades alone tell of a speck, in it or outside."""
    edged = _without_specks(_without_specks(inside), of=False)
    # A basin that is everywhere or nowhere has no edge to draw.
    if edged.any() and not edged.all():
        ax.contour(x, y, edged.astype(float), levels=[0.5], colors=palette.INK, linewidths=1.2)
        # Contours have no entry in a legend: an empty line stands in for them.
        ax.plot([], [], color=palette.INK, ls="-", lw=1.2, label="edge of the optimized basin")
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0))


def _without_specks(inside: Bools, *, of: bool = True) -> Bools:
    """The same, where parts of a few cells that are ``of`` are not: on a fine grid a ring is noise.

    >>> grid = np.zeros((30, 30), dtype=bool)
    >>> grid[3, 3] = grid[10:20, 10:20] = True
    >>> int(_without_specks(grid).sum())
    100
    """
    from scipy import ndimage

    parts, _ = ndimage.label(inside == of)
    sizes = np.bincount(parts.ravel())
    few = sizes < min(_SPECK, inside.size // _FINE)
    few[0] = False
    specks: Bools = few[parts]
    return inside ^ specks
