"""Optimizing power: how much of an axis of starting points a system compresses away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from causalopt.ground.errors import QueryError
from causalopt.measures.response.compression import comp
from causalopt.model.network import Network
from causalopt.model.system import System
from causalopt.model.world import World

if TYPE_CHECKING:
    import xarray as xr


def optimizing_power(
    of: System | Network | World,
    A: Any,
    n: Any,
    m: Any,
    *,
    over: Mapping[Any, Any],
    along: Any = None,
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
    if axis not in over:
        raise QueryError(
            f"over has no values for {axis}, the axis of the integral: write "
            f"over={{{axis}: np.linspace(5, 45, 4001)}}."
        )
    found = comp(of, A, n, m, over=over, steps=steps, delta=delta, backend=backend)
    points = found[str(axis)]
    if points.size < 2 or not (points.diff(str(axis)) > 0).all():
        raise QueryError(
            f"The values of over[{axis}] do not increase: the integral along them needs two or "
            "more, in increasing order."
        )
    made: xr.DataArray = (1 - found).integrate(str(axis))
    attrs = {**found.attrs, "long_name": "optimizing power", "units": points.attrs["units"]}
    return made.rename("optimizing_power").assign_attrs(attrs)
