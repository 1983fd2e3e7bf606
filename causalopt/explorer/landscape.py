"""Op over one or two of the values that can be moved, as a grid of numbers and their colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

import numpy as np

from causalopt.discovery.basins import optimization_basins
from causalopt.drawing.scale import Scale
from causalopt.explorer.charts import numbers
from causalopt.explorer.discretion import discreet
from causalopt.explorer.facts import axes_of
from causalopt.explorer.setting import Setting, swept_by
from causalopt.ground import checks
from causalopt.ground.errors import QueryError, nearest
from causalopt.ground.types import Floats
from causalopt.measures.response.optimization import op

if TYPE_CHECKING:
    import xarray as xr

#: The most values along one axis.
MOST_PLACES = 33

Slider = Mapping[str, object]


def landscape_of(setting: Setting, places: object) -> dict[str, object]:
    """Op at a grid over one or two sliders, ``along``, as ``op(..., over=...)`` gives it.

    Each axis has ``places`` values, evenly spread over its slider. ``values`` are rows of the
    second axis, from its low end, and one row where there is one axis; what is undefined is None.
    Op over time is told at its end, and the middle one of several draws. ``basins`` has the number
    of the basin of Op > 0 that each place lies in, 0 for none.

    At places where a run, of any draw, leaves the finite numbers Op is undefined too, and
    ``missing`` says why.

    Raises ``QueryError`` for what cannot be an axis, and where Op is undefined at every place, and
    ``EvaluationError`` where the runs of all of them fail.
    """
    count = checks.whole(places, "the number of places", 2, MOST_PLACES)
    sliders = sliders_along(setting)
    axes = [np.linspace(*_ends(slider), count).tolist() for slider in sliders]
    labels = [swept_by(setting.declared, key) for key in setting.screen.along]
    found = op(
        setting.W,
        A=setting.A,
        n=setting.n,
        m=setting.m,
        delta=setting.screen.delta,
        draws=setting.screen.draws,
        over=dict(zip(labels, axes, strict=True)),
        backend=setting.backend,
        on_failure="mask",
    )
    missing = _missing(found)
    swept, note = _one_number_each(found, len(axes))
    swept = _as_array(swept.values, axes)
    grid = _rows(swept)
    return {
        "axes": [
            {"key": slider["key"], "name": slider["name"], "unit": slider["unit"], "values": axis}
            for slider, axis in zip(sliders, axes, strict=True)
        ],
        "values": [numbers(np.array(row)) for row in grid],
        "basins": _rows(_basins(swept)),
        **_colours(grid),
        "note": note,
        "missing": missing,
    }


def _missing(found: xr.DataArray) -> str:
    """At how many places there is no answer, and why at the first of them."""
    why = discreet(found.failed.attrs["reason"])
    failed = found.failed.any("draw") if "draw" in found.dims else found.failed
    if not failed.any():
        return ""
    count = int(failed.sum())
    return f"At {count} of {failed.size} places there is no answer. One of them: {why}"


def _as_array(values: Floats, axes: Sequence[Sequence[float]]) -> xr.DataArray:
    """Numbers with the places of their axes, whatever these are called."""
    import xarray as xr

    return xr.DataArray(values, {f"axis {i}": axis for i, axis in enumerate(axes)})


def sliders_along(setting: Setting) -> list[Slider]:
    """The sliders that a landscape is over; ``QueryError`` for what cannot be an axis."""
    keys = setting.screen.along
    known = {str(slider["key"]): slider for slider in axes_of(setting.declared)}
    if not 1 <= len(set(keys)) == len(keys) <= 2:
        raise QueryError("A landscape is over one value, or over two that differ: choose these.")
    for key in keys:
        if key not in known:
            raise QueryError(
                f"{key[2:]} has no numbers that a landscape could go over." + nearest(key, known)
            )
    return [known[key] for key in keys]


def _ends(slider: Slider) -> tuple[float, float]:
    return cast(float, slider["low"]), cast(float, slider["high"])


def _one_number_each(found: xr.DataArray, axes: int) -> tuple[xr.DataArray, str]:
    """Op along what is swept; and what was taken of it, where it has more than one number."""
    swept = [str(dim) for dim in found.dims if dim not in ("draw", "time", "step")][:axes]
    said = []
    if "draw" in found.dims:
        found = found.median("draw", skipna=False)
        said.append("the middle one of the draws")
    for dim in [dim for dim in found.dims if dim not in swept]:
        found = found.isel({dim: -1})
        said.append("at the end of the run")
    infinite = int(np.isinf(found.values).sum())
    if infinite:
        said.append(f"infinite at {infinite} of {found.size} places")
    return found.transpose(*swept), ", ".join(said)


def _basins(swept: xr.DataArray) -> xr.DataArray:
    """The basin that each place lies in."""
    number: xr.DataArray = optimization_basins(swept).number
    return number


def _rows(swept: xr.DataArray) -> list[list[float]]:
    """Rows of the second axis."""
    return cast(list[list[float]], np.atleast_2d(swept.values.T).tolist())


def _colours(grid: Sequence[Sequence[float]]) -> dict[str, object]:
    """The colour of each value by the scale of the printed pictures, and its two ends."""
    scale = Scale.over(value for row in grid for value in row)
    if scale is None:
        raise QueryError("Op is a finite number at no place of this landscape.")
    colours = [[scale.fill(value)["fillcolor"] for value in row] for row in grid]
    legend = [{"value": value, "colour": scale.fill(value)["fillcolor"]} for value in scale.ticks]
    return {"colours": colours, "legend": legend}
