"""Optimizing power: how much of an axis of starting points a system compresses away."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING

from causalopt.ground.checks import as_mapping, shown
from causalopt.ground.errors import QueryError
from causalopt.language.symbols import Nodes
from causalopt.measures.response.compression import comp
from causalopt.model.interface import Model
from causalopt.model.world import World
from causalopt.runs.sweeps import Grid

if TYPE_CHECKING:
    import xarray as xr


def optimizing_power(
    of: Model | World[Model],
    A: Nodes,
    n: Nodes,
    m: Nodes,
    *,
    over: Grid,
    along: Nodes | None = None,
    steps: int | None = None,
    delta: float | None = None,
    backend: str = "auto",
) -> xr.DataArray:
    """The integral of 1 - Comp(A; n, m) along an axis of starting points, in the axis' unit.

    P = integral (1 - Comp) d(axis), by the trapezoidal rule on the values given for the axis in
    ``over``; ``along`` names the axis, which is n itself where it is left out. For a thermostat
    that moves a room by p per unit of time towards its set point, P = 2 p t: the stretch of
    temperatures that it has pulled together. The other axes of ``over`` remain as dims.

    Parameters and errors are those of ``comp``; ``QueryError`` where the axis is not in ``over`` or
    its values do not increase. The grid must resolve the edges of the optimized stretch: the error
    is of the order of the grid's spacing there.

    Source: "Defining Optimization in a Deeper Way", part 4, point 1.

    >>> import numpy as np
    >>> from causalopt.language.symbols import variables
    >>> from causalopt.model.system import System
    >>> T, R = variables("T R")
    >>> from sympy import Max, Min
    >>> room = System(
    ...     {T: R - 25, R: R - Max(-1, Min(1, 2 * T.next)) / 4}, start={T: 0, R: 25}
    ... )
    >>> grid = np.linspace(15, 35, 2001)
    >>> round(optimizing_power(room, A=T, n=R[0], m=R[20], over={R[0]: grid}).item(), 1)
    10.0
    """
    axis = n if along is None else along
    named = as_mapping(over, "over", "{R[0]: np.linspace(5, 45, 4001)}")
    if not isinstance(axis, Hashable) or axis not in named:
        raise QueryError(
            f"over has no values for {shown(axis)}, the axis of the integral: write "
            f"over={{{shown(axis)}: np.linspace(5, 45, 4001)}}."
        )
    along_axis = comp(of, A, n, m, over=over, steps=steps, delta=delta, backend=backend)
    swept = zip(over, along_axis.dims[-len(over) :], strict=True)
    dim = next(name for target, name in swept if target == axis)
    points = along_axis[dim]
    if points.size < 2 or not (points.diff(dim) > 0).all():
        raise QueryError(
            f"The values of over[{axis}] do not increase: the integral along them needs two or "
            "more, in increasing order."
        )
    power: xr.DataArray = (1 - along_axis).integrate(dim)
    attrs = {"long_name": "optimizing power", "symbol": "P", "neutral": 0.0}
    units = {"units": points.attrs["units"]}
    return power.rename("optimizing_power").assign_attrs({**along_axis.attrs, **attrs, **units})
