"""Sweeps: start values and parameters that take many values in one vectorised run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from sympy import Symbol

from causalopt.ground.errors import QueryError, nearest
from causalopt.language.finite_variables import finite_of
from causalopt.language.symbols import Moment, Node, Parameter, Variable
from causalopt.model.declaration import coded
from causalopt.model.network import Network
from causalopt.model.system import System
from causalopt.model.world import World

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: The input that stands for the number of a chain of draws.
DRAW = Symbol("draw")


@dataclass(frozen=True)
class Axis:
    """One swept node or parameter: what it is, the input it becomes, and its values (k,)."""

    target: Any
    input: Symbol
    values: Floats

    @property
    def name(self) -> str:
        """The name of the dimension, as the user wrote the target: ``R[0]`` or ``k``."""
        return str(self.target)


@dataclass(frozen=True)
class Sweep:
    """The product of all axes. Points are counted with the last axis running fastest.

    Where ``paired``, the axes are of one length and run together: point i is the i-th of each.
    """

    axes: tuple[Axis, ...] = ()
    paired: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of values on each axis."""
        sizes = tuple(len(axis.values) for axis in self.axes)
        return sizes[:1] if self.paired else sizes

    @property
    def points(self) -> int | None:
        """The number of points, None where nothing is swept."""
        return math.prod(self.shape) if self.axes else None

    def inputs(self) -> dict[object, Floats]:
        """For each swept input, its value at every point."""
        if self.paired:
            return {axis.input: axis.values for axis in self.axes}
        grids = np.meshgrid(*(axis.values for axis in self.axes), indexing="ij")
        return {a.input: g.reshape(-1) for a, g in zip(self.axes, grids, strict=True)}

    def chains(self) -> Ints | None:
        """Which chain of draws each point belongs to: chain 0 where draws are not swept."""
        if self.points is None:
            return None
        drawn = self.inputs().get(DRAW)
        return np.zeros(self.points, np.int64) if drawn is None else drawn.astype(np.int64)

    def applied(self, world: World) -> World:
        """The world with its swept nodes as inputs."""
        for axis in self.axes:
            if not isinstance(axis.target, Parameter) and axis.input != DRAW:
                world = world.swept(axis.target, axis.input)
        return world

    def only(self, point: int) -> Sweep:
        """One point of this sweep, as a sweep of its own."""
        inputs = self.inputs()
        axes = tuple(replace(a, values=inputs[a.input][[point]]) for a in self.axes)
        return Sweep(axes, paired=True)

    def describe(self, point: int) -> str:
        """Where a point of the sweep lies, to say in a message; empty where nothing is swept."""
        if not self.axes:
            return ""
        where = np.unravel_index(point, self.shape)
        where = where * len(self.axes) if self.paired else where
        pairs = [f"{a.name} = {a.values[i]:g}" for a, i in zip(self.axes, where, strict=True)]
        return " where " + ", ".join(pairs)


def paired(values: Mapping[Any, Floats]) -> Sweep:
    """Many start states at once: the i-th value of every node together (nodes to arrays (n,))."""
    axes = tuple(Axis(node, Symbol(f"over {node}"), given) for node, given in values.items())
    return Sweep(axes, paired=True)


def sweep(
    model: System | Network, over: Mapping[Any, Any] | None, draws: int | None = None
) -> Sweep:
    """The sweep over nodes, parameters and draws of the noise of a model, checked."""
    if draws is not None:
        return Sweep((*sweep(model, over).axes, _draws(model, draws)))
    if over is None:
        return Sweep()
    if not isinstance(over, Mapping):
        raise QueryError(
            f"over is {type(over).__name__}: write a dict, such as "
            "over={R[0]: np.linspace(5, 45, 401)}."
        )
    return Sweep(tuple(_axis(model, target, values) for target, values in over.items()))


def _draws(model: System | Network, draws: object) -> Axis:
    noisy = model.noises if isinstance(model, System) else model.drawn
    if not noisy:
        raise QueryError(
            f"draws={draws}, but this model has no noise: every draw would be the same. Leave "
            "draws out, or declare a noise, such as noise('e', normal(0, 1))."
        )
    if isinstance(draws, bool) or not isinstance(draws, int) or draws < 1:
        raise QueryError(f"draws is {draws!r}: write a whole number of 1 or more.")
    return Axis("draw", DRAW, np.arange(draws, dtype=np.float64))


def _axis(model: System | Network, target: Any, values: Any) -> Axis:
    if isinstance(target, Parameter):
        _check_parameter(model, target)
        return Axis(target, target, _numbers(target, values))
    if isinstance(model, System):
        if isinstance(target, Variable):
            raise QueryError(
                f"over names the variable {target}, which has a value at every step: "
                f"write {target}[0] to sweep its start value."
            )
        if not isinstance(target, Node | Moment):
            raise QueryError(
                f"over names {target!r}, which is no node or parameter of this system."
                + nearest(target, [*model.variables, *model.parameters])
            )
    model.select(target, None)
    finite = finite_of(target)
    if finite is not None:
        if isinstance(values, str) or not isinstance(values, Iterable):
            raise QueryError(f"over[{target}] is {values!r}: write a list of values of {finite}.")
        values = [coded(target, value, f"over[{target}]") for value in values]
    return Axis(target, Symbol(f"over {target}"), _numbers(target, values))


def _check_parameter(model: System | Network, target: Parameter) -> None:
    known = model.parameters if isinstance(model, System) else model.columns.inputs
    if target not in known:
        raise QueryError(
            f"over names the parameter {target}, which this model does not have."
            + nearest(target, known)
        )
    if isinstance(model, System) and target == model.dt_symbol:
        raise QueryError(
            f"over names {target}, the length of a step: it sets the time axis, which all points "
            "share. Run the system once for each value."
        )


def _numbers(target: object, values: Any) -> Floats:
    try:
        found = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise QueryError(f"over[{target}] holds what is no number: {values!r}.") from None
    if found.ndim != 1 or not found.size or not np.isfinite(found).all():
        raise QueryError(
            f"over[{target}] has shape {found.shape} and "
            f"{int((~np.isfinite(found)).sum())} values that are not finite: write a list of one "
            "or more finite numbers, such as np.linspace(5, 45, 401)."
        )
    return found
