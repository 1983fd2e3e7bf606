"""Tables: distributions over two finite variables, as masses on shades."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from causalopt.ground import palette
from causalopt.ground.errors import QueryError
from causalopt.plots.figures import Panels, panels_of
from causalopt.plots.given import as_array
from causalopt.plots.labels import fraction, tick_label

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

# From this share of the darkest shade on, white text is more legible than ink.
_DARK = 0.6


def masses(table: xr.DataArray, ax: Axes, *, highest: float = 1.0) -> Axes:
    """A distribution over two finite variables, as a table on shades: rows the first variable.

    ``highest`` is the mass of the darkest shade; the same for tables that stand side by side.

    >>> from causalopt import Distribution, finite, plots
    >>> T, R = finite("T", ["on", "off"]), finite("R", ["hot", "cold"])
    >>> with plots.figure() as (_, ax):
    ...     _ = masses(Distribution.uniform(T, R).to_xarray(), ax)
    ...     [text.get_text() for text in ax.texts]
    ['1/4', '1/4', '1/4', '1/4']
    """
    if as_array(table, "table").ndim != 2:
        raise QueryError(
            f"A table has two dims, not {tuple(table.dims)}: take the .marginal() of two variables."
        )
    ax.imshow(table.values, cmap="Blues", vmin=0, vmax=highest, aspect="auto")
    ax.grid(visible=False)
    for (i, j), mass in np.ndenumerate(table.values):
        colour = palette.WHITE if mass > _DARK * highest else palette.INK
        ax.text(j, i, fraction(mass), ha="center", va="center", fontsize=8, color=colour)
    rows, columns = (table[dim].values for dim in table.dims)
    ax.set_xticks(range(len(columns)), [tick_label(value) for value in columns], fontsize=8)
    ax.set_yticks(range(len(rows)), [tick_label(value) for value in rows], fontsize=8)
    ax.set_xlabel(tick_label(table.dims[1]))
    ax.set_ylabel(tick_label(table.dims[0]))
    return ax


def stages(tables: xr.DataArray, axes: Panels, *, dim: str = "stage") -> Panels:
    """Distributions side by side, one for each value of a dim: before and after, say.

    All have the same shades. ``axes`` are as many as there are values; unused ones are hidden.
    """
    if dim not in as_array(tables, "tables").dims:
        raise QueryError(
            f"tables has dims {tuple(tables.dims)}, and not {dim}: write dim= for the one along "
            "which the tables stand side by side."
        )
    names = tables[dim].values
    flat = panels_of(axes)
    if len(flat) < len(names):
        raise QueryError(f"There are {len(names)} tables and {len(flat)} axes: make more axes.")
    highest = float(tables.max())
    for i, (name, ax) in enumerate(zip(names, flat, strict=False)):
        title = tick_label(name)
        masses(tables.isel({dim: i}), ax, highest=highest).set_title(title, fontsize=9)
    for ax in flat[len(names) :]:
        ax.set_visible(False)
    return axes
