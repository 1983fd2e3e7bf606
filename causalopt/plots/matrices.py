"""Matrices: how strongly each pair of variables is tied, as shades."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from causalopt.ground import palette
from causalopt.ground.errors import QueryError
from causalopt.plots.given import as_array
from causalopt.plots.labels import tick_label

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

    from causalopt.ground.types import Ints

# The largest letters of names, in points, and their height as a part of their row's.
_LETTERS, _OF_ROW = 8.0, 0.8
# Shades go by this power of a coupling, so that weak ones beside strong ones stay in sight.
_POWER = 0.5


def couplings(array: xr.DataArray, ax: Axes, *, division: xr.DataArray | None = None) -> Axes:
    """The mean of |Gamma| over frequency for each pair of variables, as shades.

    ``array`` is what ``loop_coupling`` gives: rows are the variable that is held, columns the one
    that is nudged. Shades go by the root of the mean, so that weak couplings stay in sight. The
    diagonal, 1 by definition, stays empty, and so does what has no value. With ``division``, what
    ``natural_division`` gives, variables are ordered by their parts, and lines run between these.

    >>> from causalopt import System, loop_coupling, plots, variables
    >>> T, R, seen = variables("T R seen")
    >>> room = System({T: R, R: R / 2 - T / 4, seen: R}, start={T: 0, R: 0, seen: 0})
    >>> with plots.figure() as (_, ax):
    ...     _ = couplings(loop_coupling(room, at=0.0), ax)
    ...     ax.images[0].get_array().filled(-1).round(3).tolist()
    [[-1.0, 0.5, 0.0], [0.5, -1.0, 0.0], [0.0, 0.0, -1.0]]
    """
    from matplotlib.colors import PowerNorm

    if set(as_array(array, "array").dims) != {"frequency", "variable", "other"}:
        raise QueryError(
            f"The array has dims {tuple(array.dims)}: pass what loop_coupling() gave, with "
            "frequency, variable and other."
        )
    sizes = abs(array.transpose("frequency", "variable", "other"))
    names = [str(name) for name in array["variable"].values]
    parts = _parts(names, division)
    order = np.argsort(parts, kind="stable")
    with np.errstate(invalid="ignore"):
        means = sizes.where(np.isfinite(sizes)).mean("frequency").values[np.ix_(order, order)]
    np.fill_diagonal(means, np.nan)
    highest = float(np.nanmax(means, initial=0.0)) or 1.0
    ax.set_facecolor(palette.grey(0xE6))
    scale = PowerNorm(_POWER, vmin=0, vmax=highest)
    shades = ax.imshow(np.ma.masked_invalid(means), cmap="Blues", norm=scale)
    ax.figure.colorbar(shades, ax=ax, label="|Γ|, mean over frequency")
    for border in np.flatnonzero(np.diff(parts[order])) + 0.5:
        ax.axhline(border, color=palette.RED, ls="-", lw=1.2)
        ax.axvline(border, color=palette.RED, ls="-", lw=1.2)
    points = 72 * ax.bbox.height / ax.figure.dpi
    size = min(_LETTERS, _OF_ROW * points / len(names))
    ticks = range(len(names)), [tick_label(names[place]) for place in order]
    ax.set_xticks(*ticks, fontsize=size, rotation=90)
    ax.set_yticks(*ticks, fontsize=size)
    ax.grid(visible=False)
    ax.set(xlabel="nudged", ylabel="held")
    return ax


def _parts(names: list[str], division: xr.DataArray | None) -> Ints:
    """The part of each variable; one for all where nothing is divided."""
    if division is None:
        return np.zeros(len(names), dtype=np.int64)
    if tuple(division.dims) != ("variable",):
        raise QueryError(
            f"division has dims {tuple(division.dims)}: pass what natural_division() gave."
        )
    named = [str(name) for name in division["variable"].values]
    part_of = dict(zip(named, division.values.tolist(), strict=True))
    missing = [name for name in names if name not in part_of]
    if missing:
        raise QueryError(f"division says nothing of {missing[0]}: pass that of the same system.")
    return np.array([part_of[name] for name in names], dtype=np.int64)
