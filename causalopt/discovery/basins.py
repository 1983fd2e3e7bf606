"""Optimization basins: connected sets of start states that are optimized."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from causalopt.ground import checks
from causalopt.ground.errors import QueryError
from causalopt.ground.types import Array, Bools, Floats, Ints
from causalopt.measures.response.compression import COMP

if TYPE_CHECKING:
    import xarray as xr

# What the answer itself has.
_OWN = ("basin", "axis", "size", "power", "peak", "low", "high", "number")

#: The landscape at other values of its one axis.
Refined = Callable[[Floats], "xr.DataArray"]


def optimization_basins(
    landscape: xr.DataArray,
    *,
    above: float = 0.0,
    refine: Refined | None = None,
    tolerance: float = 1e-9,
) -> xr.Dataset:
    """The connected sets of start states with Op (or Op2) above a threshold.

    ``landscape`` is Op, Op2 or Comp over one, two or more swept axes with numbers in increasing
    order; of Comp (the array's name is ``comp``), -log|Comp| is meant. Points are neighbours along
    the axes. With ``refine``, a function that gives the landscape at other values of its single
    axis, such as ``lambda x0: op(well, g, x[0], x[10], over={x[0]: x0})``, borders are found by
    bisection, to a ``tolerance`` in the unit of the axis; without, on the straight line between two
    points.

    Returns a dataset along ``basin``, the largest first:

    - ``size``: length, area or volume, in the units of the axes. On a line from border to border,
      else the cells of its points.
    - ``power``: the integral of 1 - Comp over it, as ``optimizing_power`` has it. Of Op, |Comp| =
      exp(-Op) stands for Comp.
    - ``peak``: the largest Op in it.
    - ``low``, ``high`` (basin, axis): where it begins and ends along each axis.
    - ``number`` (on the axes of the landscape): the basin that each point lies in, counted from 1;
      0 for none.

    Points without a value (NaN) lie in no basin; ``attrs["unknown"]`` counts them. No point above
    the threshold is an empty result, and no error. Raises ``QueryError`` for an array without
    axes, axes whose values do not increase, and a ``refine`` for more than one.

    >>> import xarray as xr
    >>> strength = xr.DataArray([1.0, -1.0, 2.0, 2.0, -2.0], {"R": [0.0, 1, 2, 3, 4]}, name="op")
    >>> found = optimization_basins(strength)
    >>> found.low.values.ravel().round(3), found.high.values.ravel().round(3)
    (array([1.333, 0.   ]), array([3.5, 0.5]))
    """
    import scipy.ndimage
    import xarray as xr

    axes = _axes(landscape, refine)
    threshold = checks.as_float(above)
    if threshold is None or not np.isfinite(threshold):
        raise QueryError(f"above is {above!r}: write a number, such as above=1.")
    if checks.finite(tolerance, "tolerance") <= 0.0:
        raise QueryError(f"tolerance is {tolerance}: write a small positive length.")
    is_comp = landscape.name == COMP.name
    ratio, strength = _comp_and_op(landscape.values, is_comp=is_comp)
    inside = strength > threshold
    number, count = scipy.ndimage.label(inside)
    where = [number == place for place in range(1, count + 1)]
    if len(axes) == 1:
        line = _Line(axes[0], strength, ratio, threshold, refine, tolerance, is_comp)
        parts = [line.part(np.flatnonzero(mask)) for mask in where]
    else:
        parts = [_cells_of(mask, axes, ratio) for mask in where]
    order = sorted(range(count), key=lambda place: -parts[place].size)
    rank = np.zeros(count + 1, dtype=np.int64)
    rank[[place + 1 for place in order]] = np.arange(1, count + 1)
    peaks = [float(strength[where[place]].max()) for place in order]
    names = [str(dim) for dim in landscape.dims]
    shape = count, len(axes)
    columns = {
        "size": (["basin"], np.array([parts[place].size for place in order])),
        "power": (["basin"], np.array([parts[place].power for place in order])),
        "peak": (["basin"], np.array(peaks), {"units": "nat"}),
        "low": (["basin", "axis"], np.array([parts[p].low for p in order]).reshape(shape)),
        "high": (["basin", "axis"], np.array([parts[p].high for p in order]).reshape(shape)),
        "number": (names, rank[number]),
    }
    coords = {"basin": np.arange(1, count + 1), "axis": names}
    coords |= {name: landscape[name] for name in names}
    symbol = "Op" if is_comp else str(landscape.attrs.get("symbol", "Op"))
    attrs = {"above": threshold, "unknown": int(np.isnan(strength).sum()), "symbol": symbol}
    return xr.Dataset(columns, coords, attrs)


@dataclass(frozen=True, eq=False)
class _Part:
    """One basin: its size and power, and where it begins and ends along each axis."""

    size: float
    power: float
    low: Floats
    high: Floats


@dataclass(frozen=True, eq=False)
class _Line:
    """A landscape over one axis."""

    axis: Floats
    op: Floats
    comp: Floats
    above: float
    refine: Refined | None
    tolerance: float
    is_comp: bool

    def part(self, points: Ints) -> _Part:
        """The basin of neighbouring points."""
        ends = int(points[0]), int(points[-1])
        steps = list(zip(ends, (-1, 1), strict=True))
        borders = [self._border(end, end + by) for end, by in steps]
        # Where Op passes the threshold, |Comp| is what the threshold says, with the sign of Comp
        # outside: on the way there from inside it may pass 0, and that is no border.
        beyond = [self.comp[min(max(end + by, 0), len(self.axis) - 1)] for end, by in steps]
        at = np.copysign(np.exp(-self.above), beyond).tolist()
        first, last = (int(x != self.axis[end]) for x, end in zip(borders, ends, strict=True))
        xs = [*borders[:first], *self.axis[points], *borders[2 - last :]]
        ys = [*at[:first], *self.comp[points], *at[2 - last :]]
        power = float(np.trapezoid(1.0 - np.array(ys), np.array(xs)))
        low, high = borders
        return _Part(high - low, power, np.array([low]), np.array([high]))

    def _border(self, inside: int, outside: int) -> float:
        """Where the basin ends between two points; at the first, where there is no other."""
        there = float(self.axis[inside])
        if not 0 <= outside < len(self.axis) or np.isnan(self.op[outside]):
            return there
        beyond = float(self.axis[outside])
        if self.refine is not None:
            return self._bisected(there, beyond)
        up, down = self.op[inside] - self.above, self.above - self.op[outside]
        # Beside an infinity a straight line says nothing.
        part = up / (up + down) if np.isfinite(up) and np.isfinite(down) else 0.5
        return there + float(part) * (beyond - there)

    def _bisected(self, inside: float, outside: float) -> float:
        """The last point above the threshold, to the tolerance."""
        assert self.refine is not None
        while abs(outside - inside) > self.tolerance:
            middle = 0.5 * (inside + outside)
            if middle in (inside, outside):
                break
            if self._op_at(middle) > self.above:
                inside = middle
            else:
                outside = middle
        return 0.5 * (inside + outside)

    def _op_at(self, place: float) -> float:
        """Op between the points, as ``refine`` says."""
        assert self.refine is not None
        try:
            values = np.asarray(self.refine(np.array([place]))).astype(np.complex128).ravel()
        except (TypeError, ValueError):
            values = np.empty(0, dtype=np.complex128)
        if values.size != 1 or np.isnan(values[0]):
            raise QueryError(
                f"refine gives no value at {place:.12g}: it takes an array of values of the axis, "
                "and gives the landscape there, such as lambda x0: op(well, g, x[0], x[10], "
                "over={x[0]: x0})."
            )
        return float(_comp_and_op(values, is_comp=self.is_comp)[1][0])


def _cells_of(mask: Bools, axes: list[Floats], comp: Floats) -> _Part:
    """The basin of neighbouring points of a grid, as the cells around them."""
    widths = [np.gradient(axis) if len(axis) > 1 else np.ones(1) for axis in axes]
    for width in widths:
        # The cells at the two ends are halves.
        width[[0, -1]] /= 2.0 if len(width) > 1 else 1.0
    cells = functools.reduce(np.multiply.outer, widths)
    places = [np.flatnonzero(mask.any(axis=tuple(set(range(mask.ndim)) - {j})))
              for j in range(mask.ndim)]  # fmt: skip
    low = np.array([axis[place[0]] for axis, place in zip(axes, places, strict=True)])
    high = np.array([axis[place[-1]] for axis, place in zip(axes, places, strict=True)])
    return _Part(float(cells[mask].sum()), float((cells * (1.0 - comp))[mask].sum()), low, high)


def _comp_and_op(values: Array, *, is_comp: bool) -> tuple[Floats, Floats]:
    """Comp and Op at each point; |Comp| where Op alone is known, or Comp is complex."""
    with np.errstate(divide="ignore", over="ignore"):
        if not is_comp:
            op = np.asarray(values.real, dtype=np.float64)
            return np.exp(-op), op
        comp = np.abs(values) if np.iscomplexobj(values) else values
        return comp.astype(np.float64), 0.0 - np.log(np.abs(values)).astype(np.float64)


def _axes(landscape: xr.DataArray, refine: Refined | None) -> list[Floats]:
    """The values of each axis."""
    import xarray as xr

    if not isinstance(landscape, xr.DataArray) or landscape.ndim == 0:
        raise QueryError(
            "A landscape has start values or parameters along its axes: ask with over={R[0]: "
            "np.linspace(5, 45, 401)}."
        )
    if landscape.dtype.kind not in "iufc":
        raise QueryError(
            f"The values of this landscape are of the kind {landscape.dtype}: a landscape is Op, "
            "Op2 or Comp at each point."
        )
    if refine is not None and not callable(refine):
        raise QueryError(
            f"refine is {refine!r}: write a function of values of the axis, such as lambda x0: "
            "op(well, g, x[0], x[10], over={x[0]: x0})."
        )
    if refine is not None and landscape.ndim > 1:
        raise QueryError(
            f"refine follows borders along one axis, and this landscape has "
            f"{tuple(landscape.dims)}: leave it out, or choose a line with .sel()."
        )
    axes = []
    for dim in landscape.dims:
        if dim in _OWN:
            raise QueryError(
                f"The axis {dim} has the name of something in the answer: rename it, with "
                f".rename({{{str(dim)!r}: 'x'}})."
            )
        values = landscape[dim].values
        is_real = values.dtype.kind in "iuf"
        values = values.astype(np.float64) if is_real else np.array([np.nan, np.nan])
        if not np.isfinite(values).all() or not (np.diff(values) > 0).all():
            raise QueryError(
                f"The values of {dim} do not increase, or are no numbers: a basin is a stretch of "
                "an axis. Sort them, or choose one with .sel()."
            )
        axes.append(values)
    return axes
