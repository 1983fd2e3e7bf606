"""Densities in the long run: of what has stayed inside for long, and of what never leaves."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from causalopt.ground.errors import QueryError
from causalopt.ground.types import Floats
from causalopt.model.system import System
from causalopt.transport.escape import default_cells, reached_inside, start_of
from causalopt.transport.lattice import cells_for
from causalopt.transport.leading import lasting_shape, long_run
from causalopt.transport.reached import Reached
from causalopt.transport.transfer import Inside, Place, TransferOperator

if TYPE_CHECKING:
    import xarray as xr

# So much may leave by rounding.
_LEAK = 1e-12


def quasi_stationary(system: System, inside: Inside, *, cells: int | None = None) -> xr.DataArray:
    """The density of the state of a system that has stayed inside for long.

    The left eigenvector of K of the leading eigenvalue, by the variables of the state, with
    integral 1. Where few places are reached from the system's start, as by a walk of whole steps,
    it is that of these, on the coarsest grid that has them among its points.

    Raises ``QueryError`` where they are the points of no such grid, or not of that of ``cells``,
    where everything leaves in finitely many steps, and where steps of many digits are added.

    >>> from causalopt.language.laws import choice
    >>> from causalopt.language.symbols import noise, variables
    >>> (x,) = variables("x")
    >>> walk = System({x: x + noise("e", choice([-1, 1]))}, start={x: 2})
    >>> quasi_stationary(walk, (0, 4)).values.round(3)
    array([0.   , 0.293, 0.414, 0.293, 0.   ])
    """
    name = "quasi-stationary density"
    operator = TransferOperator.of(system, inside, default_cells(cells, system))
    reached = reached_inside(operator, system, "density")
    if reached is not None:
        return _among(system, inside, cells, operator, reached, name)
    return _density(operator, long_run(operator.matrix)[1], name)


def stationary(
    system: System, inside: Inside, *, start: Place | None = None, cells: int | None = None
) -> xr.DataArray:
    """The density of the state of a system in the long run, where it never leaves ``inside``.

    The left eigenvector of K of the eigenvalue 1 that ``start`` leads to, by the variables of the
    state, with integral 1. Where few places are reached, it is on a grid of these, as
    ``quasi_stationary`` has it. Else steps spread probability between grid points, which adds at
    most a quarter of a squared cell to the variance a step.

    Raises ``QueryError`` where probability leaves: how much of it, in how many steps, and where,
    and as ``quasi_stationary`` does.

    >>> from causalopt.processes.descent import sgd
    >>> from causalopt.language.symbols import variables
    >>> (W,) = variables("W")
    >>> end = stationary(sgd([W**2, W**2 - 2 * W], W, 0.25, start={W: 0}), (-0.5, 1.5), cells=400)
    >>> round(float((end * end.W).sum() / end.sum()), 6)
    0.5
    """
    operator = TransferOperator.of(system, inside, default_cells(cells, system))
    name = "stationary density"
    place = start_of(system, operator, start)
    reached = Reached.of(operator.maps, operator.ends, place)
    if reached is not None and reached.depth is None and not reached.is_left:
        return _among(system, inside, cells, operator, reached, name)
    begin = operator.spread(place[None, :], np.ones(1))
    steps = 1000
    mass, below, above = operator.forward(begin, steps)
    if below.sum() + above.sum() > _LEAK:
        raise QueryError(
            f"{operator.where} is left: of the probability, {mass.sum():.6g} is inside after "
            f"{steps} steps, {_where_to(operator, below, above)}. Widen it, or ask for "
            "quasi_stationary, which is for what stays."
        )
    return _density(operator, long_run(operator.matrix, mass)[1], name)


def _among(
    system: System,
    inside: Inside,
    cells: int | None,
    operator: TransferOperator,
    reached: Reached,
    name: str,
) -> xr.DataArray:
    """The density in the long run among few places, on a grid that has them among its points."""
    shape = lasting_shape(reached.matrix)
    count = cells_for(reached, operator.ends, cells, default_cells(None, system))
    fitting = TransferOperator.of(system, inside, count)
    return _density(fitting, fitting.spread(reached.places, shape), name)


def _where_to(operator: TransferOperator, below: Floats, above: Floats) -> str:
    """What has left, and on which side."""
    parts = []
    for variable, axis, under, over in zip(
        operator.variables, operator.axes, below, above, strict=True
    ):
        parts += [f"{under:.6g} below {variable} = {axis[0]:g}"] if under else []
        parts += [f"{over:.6g} above {variable} = {axis[-1]:g}"] if over else []
    return " and ".join(parts)


def _density(operator: TransferOperator, mass: Floats, name: str) -> xr.DataArray:
    import xarray as xr

    axes = {v.name: axis for v, axis in zip(operator.variables, operator.axes, strict=True)}
    cell = math.prod(float(axis[1] - axis[0]) for axis in operator.axes)
    shape = [len(axis) for axis in operator.axes]
    values = mass.reshape(shape) / cell
    return xr.DataArray(values, axes, list(axes), "density", {"long_name": name})
