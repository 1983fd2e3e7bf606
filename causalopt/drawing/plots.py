"""Plots of labelled results: each takes arrays and axes, draws on them, and returns them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from causalopt.ground.errors import QueryError

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
    of = axis_label(data[variable], variable)
    ax.set_ylabel(f"size of the difference in {of}" if scale == "log" else f"difference in {of}")
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
    times = comp["time"].values
    for i, (start, stop) in enumerate(_stretches(comp.values < 0)):
        name = "Comp < 0" if i == 0 else None
        ax.axvspan(times[start], times[stop - 1], color="#e69f00", alpha=0.25, lw=0, label=name)
    return ax


def measure_over_time(array: xr.DataArray, ax: Axes, *, comp: xr.DataArray | None = None) -> Axes:
    """Op or Comp over time, with the line where A does nothing: Op = 0, Comp = 1.

    With ``comp``, the stretches where it is negative are shaded.

    >>> from causalopt import System, op, variables
    >>> T, R = variables("T R")
    >>> room = System({T: R - 25, R: R - 0.1 * T}, start={T: 10, R: 35})
    >>> with figure() as (_, ax):
    ...     _ = measure_over_time(op(room, A=T, n=R[0], m=R, steps=9), ax)
    ...     ax.get_ylabel()
    'Op [nat]'
    """
    over_time(array, ax)
    ax.axhline(_neutral(array), color="#999999", lw=0.8, ls="-")
    if comp is not None:
        shade_negative(comp, ax)
    return _with_legend(ax)


def landscape(
    array: xr.DataArray, ax: Axes, *, basin: xr.DataArray | None = None, **style: Any
) -> Axes:
    """Op or Comp against one or two start values or parameters, with the basin outlined.

    ``array`` has one dim, drawn as a line, or two, drawn as shades: the first up, the second
    across. ``basin`` says of each point whether it is optimized, such as ``found > 0`` of Op, or
    ``abs(found) < 1`` of Comp. Values that are infinite stay empty.

    >>> import xarray as xr
    >>> found = xr.DataArray([-1.0, 2.0, 2.0, -1.0], {"R": [0, 1, 2, 3]}, name="Op")
    >>> with figure() as (_, ax):
    ...     _ = landscape(found, ax, basin=found > 0)
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
            "basin=found > 0, of the same array."
        )
    return (_line if array.ndim == 1 else _shades)(array, ax, basin, style)


def _line(array: xr.DataArray, ax: Axes, basin: xr.DataArray | None, style: Any) -> Axes:
    along(array, ax, **style)
    if basin is not None:
        values = array[array.dims[0]].values
        for i, (start, stop) in enumerate(_stretches(basin.values)):
            ax.axvspan(
                *(values[start], values[stop - 1]),
                facecolor="#009e7318",
                edgecolor="#009e73",
                label="optimized" if i == 0 else None,
            )
    return _with_legend(ax)


def _shades(array: xr.DataArray, ax: Axes, basin: xr.DataArray | None, style: Any) -> Axes:
    up, across = array.dims
    x, y = array[across].values, array[up].values
    values = np.where(np.isfinite(array.values), array.values, np.nan)
    middle = _neutral(array)
    reach = float(np.nanmax(np.abs(values - middle), initial=0)) or 1.0
    options = {"cmap": "PuOr", "vmin": middle - reach, "vmax": middle + reach} | style
    ax.grid(visible=False)
    shown = ax.pcolormesh(x, y, values, shading="nearest", rasterized=True, **options)
    ax.figure.colorbar(shown, ax=ax, label=axis_label(array, str(array.name or "")))
    if basin is not None and basin.values.any() and not basin.values.all():
        ax.contour(x, y, basin.values.astype(float), levels=[0.5], colors="#222222", linewidths=1.2)
        ax.plot([], [], color="#222222", ls="-", lw=1.2, label="edge of the optimized basin")
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0))
    ax.set_xlabel(axis_label(array[across], str(across)))
    ax.set_ylabel(axis_label(array[up], str(up)))
    return ax


def masses(table: xr.DataArray, ax: Axes, *, highest: float = 1.0) -> Axes:
    """A distribution over two finite variables, as a table on shades: rows the first variable.

    ``highest`` is the mass of the darkest shade; the same for tables that stand side by side.

    >>> from causalopt import Distribution, finite
    >>> T, R = finite("T", ["on", "off"]), finite("R", ["hot", "cold"])
    >>> with figure() as (_, ax):
    ...     _ = masses(Distribution.uniform(T, R).to_xarray(), ax)
    ...     [text.get_text() for text in ax.texts]
    ['1/4', '1/4', '1/4', '1/4']
    """
    if table.ndim != 2:
        raise QueryError(
            f"A table has two dims, not {tuple(table.dims)}: take the .marginal() of two variables."
        )
    ax.imshow(table.values, cmap="Blues", vmin=0, vmax=highest, aspect="auto")
    ax.grid(visible=False)
    for (i, j), mass in np.ndenumerate(table.values):
        colour = "white" if mass > 0.6 * highest else "#222222"
        ax.text(j, i, _fraction(mass), ha="center", va="center", fontsize=8, color=colour)
    rows, columns = (table[dim].values for dim in table.dims)
    ax.set_xticks(range(len(columns)), [_plain(value) for value in columns], fontsize=8)
    ax.set_yticks(range(len(rows)), [_plain(value) for value in rows], fontsize=8)
    ax.set_xlabel(str(table.dims[1]))
    ax.set_ylabel(str(table.dims[0]))
    return ax


def stages(tables: xr.DataArray, axes: Any, *, dim: str = "stage") -> Any:
    """Distributions side by side, one for each value of a dim: before and after, say.

    All have the same shades. ``axes`` are as many as there are values; unused ones are hidden.
    """
    names = tables[dim].values
    flat = np.ravel(axes)
    if len(flat) < len(names):
        raise QueryError(f"There are {len(names)} tables and {len(flat)} axes: make more axes.")
    highest = float(tables.max())
    for name, ax in zip(names, flat, strict=False):
        masses(tables.sel({dim: name}), ax, highest=highest).set_title(str(name), fontsize=9)
    for ax in flat[len(names) :]:
        ax.set_visible(False)
    return axes


def density_over_time(
    density: xr.DataArray, ax: Axes, *, paths: xr.DataArray | None = None
) -> Axes:
    """A density with dims time and one variable as shades, time across; some paths upon it.

    What is denser than 99% of the rest has the darkest shade, as the colour bar's arrow says.
    ``paths`` have dim time, and another with one value a path.

    >>> import xarray as xr
    >>> found = xr.DataArray([[1.0, 0], [0.5, 0.5]], {"time": [0, 1], "W": [0, 1]}, ["time", "W"])
    >>> with figure() as (_, ax):
    ...     density_over_time(found, ax).get_ylabel()
    'W'
    """
    others = [dim for dim in density.dims if dim != "time"]
    if "time" not in density.dims or len(others) != 1:
        raise QueryError(
            f"The density has dims {tuple(density.dims)}: choose with .sel() until only time and "
            "one other are left."
        )
    (up,) = others
    t, values = density["time"].values, density[up].values
    shades = density.transpose(up, "time").values
    ax.grid(visible=False)
    # A start at one point is far denser than all that follows, and would take all shades.
    highest = float(np.quantile(shades[shades > 0], 0.99)) if (shades > 0).any() else 1.0
    options: Any = {"cmap": "Blues", "vmin": 0, "vmax": highest, "rasterized": True}
    shown = ax.pcolormesh(t, values, shades, shading="nearest", **options)
    beyond = "max" if shades.max() > highest else "neither"
    name = axis_label(density, str(density.name or "density"))
    ax.figure.colorbar(shown, ax=ax, label=name, extend=beyond)
    if paths is not None:
        lines = paths.transpose("time", ...).values.reshape(paths.sizes["time"], -1)
        ax.plot(paths["time"].values, lines, color="#d55e00", ls="-", lw=0.7, alpha=0.8)
        ax.set_xlim(t.min(), t.max())
    ax.set_xlabel(axis_label(density["time"], "time"))
    ax.set_ylabel(axis_label(density[up], str(up)))
    return ax


def escape_curve(escaped: xr.DataArray, ax: Axes, *, dim: str = "steps") -> Axes:
    """The probability of escape against steps or a parameter, a line for each value of another dim.

    >>> import xarray as xr
    >>> found = xr.DataArray([0.0, 0.5, 0.75], {"steps": [0, 1, 2]}, name="escaped")
    >>> with figure() as (_, ax):
    ...     [float(end) for end in escape_curve(found, ax).get_ylim()]
    [-0.02, 1.02]
    """
    if dim not in escaped.dims or escaped.ndim > 2:
        raise QueryError(
            f"The probabilities have dims {tuple(escaped.dims)}: choose with .sel() until only "
            f"{dim!r} and one other are left, or write dim=."
        )
    others = [name for name in escaped.dims if name != dim]
    if not others:
        along(escaped, ax)
    else:
        for value in escaped[others[0]].values:
            along(escaped.sel({others[0]: value}), ax, label=_named(others[0], value))
        ax.legend()
    ax.set(ylim=(-0.02, 1.02), ylabel=axis_label(escaped, "escape probability"))
    return ax


def annealing(data: xr.Dataset, axes: Any) -> Any:
    """Each quantity of an annealing run over time, one a panel: temperature, energy, free energy.

    ``data`` has dim ``time``, and may have another with one value a run: then the mean is drawn,
    in a band from the 5% to the 95% quantile. ``axes`` are as many as the dataset has quantities.

    >>> import xarray as xr
    >>> run = xr.Dataset({"temperature": ("time", [1.0, 0.5]), "energy": ("time", [3.0, 1.0])})
    >>> with figure(2, sharex=True) as (_, axes):
    ...     [ax.get_ylabel() for ax in annealing(run, axes)]
    ['temperature', 'energy']
    """
    flat = np.ravel(axes)
    if len(flat) != len(data.data_vars):
        raise QueryError(
            f"There are {len(flat)} axes for the quantities {', '.join(map(str, data.data_vars))}: "
            "give an axis to each, or choose some, such as data[['temperature', 'energy']]."
        )
    for (name, array), ax in zip(data.data_vars.items(), flat, strict=True):
        runs = [dim for dim in array.dims if dim != "time"]
        over_time(array.mean(runs, keep_attrs=True), ax)
        if runs:
            low, high = array.quantile([0.05, 0.95], runs)
            ax.fill_between(array["time"].values, low, high, color="#0072b2", alpha=0.2, lw=0)
        ax.set_ylabel(axis_label(array, str(name)))
    for ax in flat[:-1]:
        ax.set_xlabel("")
    return axes


def axis_label(array: xr.DataArray, name: str) -> str:
    """A name with its unit: ``time [steps]``, ``Op [nat]``."""
    unit = str(array.attrs.get("units", ""))
    title = str(array.attrs.get("long_name", name))
    return f"{title} [{unit}]" if unit not in ("", "1") else title


def _named(dim: Any, value: Any) -> str:
    if dim == "world":
        return str(value)
    return f"{dim} = {value:g}" if isinstance(value, float | np.floating) else f"{dim} = {value}"


def _with_legend(ax: Axes) -> Axes:
    if ax.get_legend_handles_labels()[1]:
        # On shades the text needs a ground of its own.
        ax.legend(frameon=True, framealpha=0.9, facecolor="white", edgecolor="none")
    return ax


def _plain(value: Any) -> str:
    # A name is a label: matplotlib would read a dollar sign as the start of mathematics.
    return str(value).replace("$", r"\$")


def _stretches(inside: Any) -> Any:
    """The index pairs (start, stop) of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], inside, [False]]).astype(int)))
    return edges.reshape(-1, 2)


def _neutral(array: xr.DataArray) -> float:
    """The value of a measure where A does nothing: 1 for Comp, 0 for Op and all others."""
    return 1.0 if axis_label(array, str(array.name)).startswith("Comp") else 0.0


def _fraction(mass: float) -> str:
    """A mass as a simple fraction, where it is one, else by two digits."""
    simple = Fraction(float(mass)).limit_denominator(36)
    return str(simple) if abs(float(simple) - mass) < 1e-12 else f"{mass:.2g}"
