"""Courses: arrays over time, worlds beside one another, measures along a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from causalopt.ground import palette
from causalopt.ground.errors import QueryError
from causalopt.plots.curves import stretches, with_gaps
from causalopt.plots.figures import Panels, panels_of
from causalopt.plots.given import as_array, as_dataset
from causalopt.plots.labels import add_legend, axis_label, neutral_value, value_label

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

#: The worlds that are compared with W, with the colours of graphs, and dashes for print.
_COMPARED = (("X", palette.RED, "--"), ("Y", palette.GREEN, "-."))
# The band of many runs holds nine in ten of them.
_BAND = (0.05, 0.95)


def over_time(array: xr.DataArray, ax: Axes, *, label: str | None = None, **style: Any) -> Axes:
    """An array with dim ``time``, one line for each value of its other dim, if it has one.

    Complex values are drawn by their real part. Infinite ones leave a gap.
    """
    others = [dim for dim in as_array(array, "array").dims if dim != "time"]
    if "time" not in array.dims or len(others) > 1:
        raise QueryError(
            f"The array has dims {tuple(array.dims)}: choose with .sel() until only time and one "
            "other are left."
        )
    # By their places, since two may have one label.
    lines = (
        [array]
        if not others
        else [array.isel({others[0]: i}) for i in range(array.sizes[others[0]])]
    )
    names = [label] if not others else [value_label(others[0], v) for v in array[others[0]].values]
    for line, name in zip(lines, names, strict=True):
        ax.plot(line["time"].values, with_gaps(line), label=name, **style)
    ax.set_xlabel(axis_label(array["time"], "time"))
    ax.set_ylabel(axis_label(array, str(array.name or "")))
    return ax


def differences(data: xr.Dataset, variable: str, ax: Axes, *, scale: str = "linear") -> Axes:
    """x - w and y - w of one variable over time, from a dataset with worlds W, X and Y.

    ``scale`` is linear, or log, which then shows their sizes.
    """
    as_dataset(data, "data", [variable], "run(W, X, Y)")
    worlds = data["world"].values.tolist() if "world" in data.coords else []
    if "W" not in worlds or "world" not in data[variable].dims:
        raise QueryError(
            f"data has the worlds {', '.join(map(str, worlds)) or 'none'}, and differences are "
            "those from W: give what run(W, X, Y) gave."
        )
    base = data[variable].sel(world="W")
    for world, colour, dash in _COMPARED:
        if world not in data["world"]:
            continue
        difference = data[variable].sel(world=world) - base
        values = np.abs(difference) if scale == "log" else difference
        name = f"{world.lower()} − w"
        ax.plot(difference["time"], values, color=colour, linestyle=dash, label=name)
    ax.set_yscale(scale)
    ax.set_xlabel(axis_label(data["time"], "time"))
    quantity = axis_label(data[variable], variable)
    size = "size of the difference" if scale == "log" else "difference"
    ax.set_ylabel(f"{size} in {quantity}")
    return add_legend(ax)


def shade_negative(comp: xr.DataArray, ax: Axes) -> Axes:
    """Shade the stretches of time where Comp is negative: X and Y moved to opposite sides."""
    if tuple(as_array(comp, "comp").dims) != ("time",):
        raise QueryError(
            f"comp has dims {tuple(comp.dims)}: choose with .sel() until only time is left."
        )
    times = comp["time"].values
    for i, (start, stop) in enumerate(stretches(comp.values < 0)):
        # A legend has one entry for all of them.
        name = "Comp < 0" if i == 0 else None
        ax.axvspan(
            times[start], times[stop - 1], color=palette.ORANGE, alpha=0.25, lw=0, label=name
        )
    return ax


def measure_over_time(array: xr.DataArray, ax: Axes, *, comp: xr.DataArray | None = None) -> Axes:
    """Op or Comp over time, with the line where A does nothing: Op = 0, Comp = 1.

    The line is at ``array.attrs["neutral"]``, at 0 where a measure names no such value. With
    ``comp``, the stretches where it is negative are shaded.

    >>> from causalopt import System, op, plots, variables
    >>> T, R = variables("T R")
    >>> room = System({T: R - 25, R: R - 0.1 * T}, start={T: 10, R: 35})
    >>> with plots.figure() as (_, ax):
    ...     _ = measure_over_time(op(room, A=T, n=R[0], m=R, steps=9), ax)
    ...     ax.get_ylabel()
    'Op [nat]'
    """
    over_time(array, ax)
    ax.axhline(neutral_value(array), color=palette.GREY, lw=0.8, ls="-")
    if comp is not None:
        shade_negative(comp, ax)
    return add_legend(ax)


def annealing(data: xr.Dataset, axes: Panels) -> Panels:
    """Each quantity of an annealing run over time, one a panel: temperature, energy, free energy.

    ``data`` has dim ``time``, and may have another with one value a run: then the mean is drawn,
    in a band from the 5% to the 95% quantile. ``axes`` are as many as the dataset has quantities.

    >>> import xarray as xr
    >>> from causalopt import plots
    >>> run = xr.Dataset({"temperature": ("time", [1.0, 0.5]), "energy": ("time", [3.0, 1.0])})
    >>> with plots.figure(2, sharex=True) as (_, axes):
    ...     [ax.get_ylabel() for ax in annealing(run, axes)]
    ['temperature', 'energy']
    """
    as_dataset(data, "data", [], "annealed()")
    flat = panels_of(axes)
    if len(flat) != len(data.data_vars):
        raise QueryError(
            f"There are {len(flat)} axes for the quantities {', '.join(map(str, data.data_vars))}: "
            "give an axis to each, or choose some, such as data[['temperature', 'energy']]."
        )
    for (name, array), ax in zip(data.data_vars.items(), flat, strict=True):
        runs = [dim for dim in array.dims if dim != "time"]
        over_time(array.mean(runs, keep_attrs=True), ax)
        if runs:
            low, high = array.quantile(_BAND, runs)
            times = array["time"].values
            ax.fill_between(times, low, high, color=palette.BLUE, alpha=0.2, lw=0)
        ax.set_ylabel(axis_label(array, str(name)))
    # The panels stand above one another: the lowest one's time is that of all.
    for ax in flat[:-1]:
        ax.set_xlabel("")
    return axes
