"""Landscapes: a measure against one or two start values or parameters, its basin outlined."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from causalopt.ground import palette
from causalopt.ground.errors import QueryError
from causalopt.plots.curves import along, stretches, with_gaps
from causalopt.plots.given import as_array, as_dataset
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
    ``abs(ratio) < 1`` of Comp. Values that are infinite stay empty, complex ones are drawn by their
    real part. On a fine grid, parts of less than ten cells have no outline: their shades tell.

    >>> import xarray as xr
    >>> from causalopt import plots
    >>> strength = xr.DataArray([-1.0, 2.0, 2.0, -1.0], {"R": [0, 1, 2, 3]}, name="Op")
    >>> with plots.figure() as (_, ax):
    ...     _ = landscape(strength, ax, basin=strength > 0)
    ...     [float(patch.get_x()) for patch in ax.patches]
    [1.0]
    """
    if as_array(array, "array").ndim not in (1, 2):
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
        values = array[array.dims[0]].values
        ends = [(values[start], values[stop - 1]) for start, stop in stretches(basin.values)]
        _shade_stretches(ends, ax, "optimized")
    return add_legend(ax)


def basins(found: xr.Dataset, ax: Axes) -> Axes:
    """The basins that ``optimization_basins`` found, outlined and numbered on their landscape.

    Draw the ``landscape`` first, of the same array. On a line each basin is shaded between its
    borders, to all digits that these were located to; on a plane the outline runs halfway between
    the points of the grid. The numbers are those of ``found.basin``, the largest basin first. No
    basin draws nothing.

    >>> import xarray as xr
    >>> from causalopt import optimization_basins, plots
    >>> strength = xr.DataArray([1.0, -1, -1, 2, 2], {"R": [0.0, 1, 2, 3, 4]}, name="op")
    >>> with plots.figure() as (_, ax):
    ...     _ = basins(optimization_basins(strength), plots.landscape(strength, ax))
    ...     [text.get_text() for text in ax.texts], round(ax.patches[0].get_x(), 3)
    (['1', '2'], 2.333)
    """
    as_dataset(found, "found", ["number"], "optimization_basins()")
    if found["number"].ndim not in (1, 2):
        raise QueryError(
            "Basins are drawn on one axis or two: pass what optimization_basins() gave for such a "
            "landscape."
        )
    name = f"Op > {found.attrs.get('above', 0.0):g}"
    if found["number"].ndim == 1:
        lows, highs = (found[end].values[:, 0].tolist() for end in ("low", "high"))
        ends = list(zip(lows, highs, strict=True))
        _shade_stretches(ends, ax, name)
        for number, (low, high) in zip(found["basin"].values, ends, strict=True):
            # On the frame, where no line runs: across by the data, up by parts of its height.
            _write_number(number, (low + high) / 2, 1.0, ax, transform=ax.get_xaxis_transform())
        return add_legend(ax)
    up, across = found["number"].dims
    x, y = found[across].values, found[up].values
    for i, number in enumerate(found["basin"].values):
        inside = found["number"].values == number
        _trace(inside, x, y, ax, name if i == 0 else None)
        row, column = _depth(inside)
        _write_number(number, x[column], y[row], ax)
    return ax


def _shade_stretches(ends: Sequence[tuple[float, float]], ax: Axes, name: str) -> None:
    """Shade and edge stretches of a line; a legend has one entry for all of them."""
    for i, (low, high) in enumerate(ends):
        ax.axvspan(
            *(low, high),
            facecolor=palette.GREEN + _FAINT,
            edgecolor=palette.GREEN,
            label=name if i == 0 else None,
        )


def _write_number(number: int, x: float, y: float, ax: Axes, **place: Any) -> None:
    """A number on a ground of its own, legible on every shade."""
    ground = {"boxstyle": "circle,pad=0.2", "facecolor": palette.WHITE, "edgecolor": palette.INK}
    ax.text(x, y, f"{number}", ha="center", va="center", fontsize=8, bbox=ground, **place)


def _depth(inside: Bools) -> tuple[int, int]:
    """The point of a basin that is farthest from its edge: a number stands well there."""
    from scipy import ndimage

    # A basin at the rim of the grid ends there.
    depth = ndimage.distance_transform_cdt(np.pad(inside, 1))[1:-1, 1:-1]
    row, column = np.unravel_index(int(depth.argmax()), inside.shape)
    return int(row), int(column)


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
    # A basin that is nowhere has no edge to draw.
    if edged.any():
        _trace(edged, x, y, ax, "edge of the optimized basin")


def _trace(inside: Bools, x: Array, y: Array, ax: Axes, name: str | None) -> None:
    """A line around what is inside, named in the legend above the axes."""
    if inside.all() or min(inside.shape) < 2:
        return
    ax.contour(x, y, inside.astype(float), levels=[0.5], colors=palette.INK, linewidths=1.2)
    if name is not None:
        # Contours have no entry in a legend: an empty line stands in for them.
        ax.plot([], [], color=palette.INK, ls="-", lw=1.2, label=name)
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
