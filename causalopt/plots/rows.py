"""Rows: means and how well they are known, one below the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from causalopt.ground.errors import QueryError
from causalopt.plots.given import as_dataset
from causalopt.plots.labels import tick_label

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes


def intervals(
    found: xr.Dataset, names: Sequence[str], ax: Axes, *, by: float = 0.0, **style: Any
) -> Axes:
    """Means with their intervals, the first on top: a row for each name.

    ``found`` has ``mean``, ``low`` and ``high`` along one dim, as ``mean_interval`` gives them.
    Rows lie ``by`` lower, so that several sets lie side by side.

    Raises ``QueryError`` where there is not a name for each.

    >>> import xarray as xr
    >>> from causalopt import plots
    >>> found = xr.Dataset({k: ("m", [v, v]) for k, v in (("mean", 2), ("low", 1), ("high", 4))})
    >>> with plots.figure() as (_, ax):
    ...     [label.get_text() for label in intervals(found, ["a", "b"], ax).get_yticklabels()]
    ['a', 'b']
    """
    as_dataset(found, "found", ["mean", "low", "high"], "mean_interval()")
    means = found["mean"].values
    if means.shape != (len(names),):
        raise QueryError(
            f"{len(names)} names are given for means of the shape {means.shape}: name each, and "
            "choose with .sel() until one dim is left."
        )
    sides = [means - found["low"].values, found["high"].values - means]
    ax.errorbar(means, np.arange(len(names)) + by, xerr=sides, fmt="o", **style)
    ax.set_yticks(np.arange(len(names)), [tick_label(name) for name in names])
    if not ax.yaxis_inverted():
        ax.invert_yaxis()
    return ax
