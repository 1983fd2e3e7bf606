"""Op over one or two of the values that can be moved, as a grid of numbers and their colours."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

import numpy as np

from causalopt.discovery.basins import optimization_basins
from causalopt.drawing.scale import Scale
from causalopt.explorer.discretion import fault_of
from causalopt.explorer.facts import axes_of
from causalopt.explorer.setting import Setting, swept_by
from causalopt.ground import checks
from causalopt.ground.errors import EvaluationError, QueryError, nearest
from causalopt.ground.types import Floats
from causalopt.language.symbols import Label
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

    At places where a run leaves the finite numbers Op is undefined too, and ``missing`` says why.

    Raises ``QueryError`` for what cannot be an axis, and where Op is undefined at every place.
    """
    count = checks.whole(places, "the number of places", 2, MOST_PLACES)
    sliders = sliders_along(setting)
    axes = [np.linspace(*_ends(slider), count).tolist() for slider in sliders]
    labels = [swept_by(setting.declared, key) for key in setting.screen.along]
    over = dict(zip(labels, axes, strict=True))
    values, faults = np.full([count] * len(axes), np.nan), dict[str, int]()
    note = _fill(setting, over, [slice(0, count)] * len(axes), values, faults)
    swept = _as_array(values, axes)
    if faults and not np.isfinite(values).any():
        raise QueryError(next(iter(faults)))
    grid = _rows(swept)
    return {
        "axes": [
            {"key": slider["key"], "name": slider["name"], "unit": slider["unit"], "values": axis}
            for slider, axis in zip(sliders, axes, strict=True)
        ],
        "values": [[value if math.isfinite(value) else None for value in row] for row in grid],
        "basins": _rows(_basins(swept)),
        **_colours(grid),
        "note": note,
        "missing": _in_words(faults, values.size),
    }


def _fill(
    setting: Setting,
    over: Mapping[Label, Sequence[float]],
    where: Sequence[slice],
    values: Floats,
    faults: dict[str, int],
) -> str:
    """Write Op into ``values`` at some places; returns what was taken of it.

    All of them are asked at once. Where one leaves the finite numbers each half of them is asked,
    down to that place, of which ``faults`` counts the reason.
    """
    try:
        found = op(
            setting.W,
            A=setting.A,
            n=setting.n,
            m=setting.m,
            delta=setting.screen.delta,
            draws=setting.screen.draws,
            over={label: over[label][part] for label, part in zip(over, where, strict=True)},
            backend=setting.backend,
        )
    except EvaluationError as error:
        sizes = [part.stop - part.start for part in where]
        widest = int(np.argmax(sizes))
        if sizes[widest] == 1:
            faults[fault_of(error)] = faults.get(fault_of(error), 0) + 1
            return ""
        low, high = where[widest].start, where[widest].stop
        halves = slice(low, (low + high) // 2), slice((low + high) // 2, high)
        parts = ([*where[:widest], half, *where[widest + 1 :]] for half in halves)
        return max(_fill(setting, over, part, values, faults) for part in parts)
    swept, note = _one_number_each(found, len(where))
    values[tuple(where)] = swept.values
    return note


def _in_words(faults: Mapping[str, int], size: int) -> str:
    """At how many places there is no answer, and why at the first of them."""
    if not faults:
        return ""
    count, first = sum(faults.values()), next(iter(faults))
    return f"At {count} of {size} places there is no answer. One of them: {first}"


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
        found = found.quantile(0.5, "draw")
        said.append("the middle one of the draws")
    for dim in [dim for dim in found.dims if dim not in swept]:
        found = found.isel({dim: -1})
        said.append("at the end of the run")
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
