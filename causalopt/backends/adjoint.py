"""The reverse pass through a network: how one node depends on all others, in one walk backwards."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from causalopt.backends.interface import Floats, Inputs
from causalopt.backends.numpy import compiled
from causalopt.plan import Group, Layers

Ints = npt.NDArray[np.int64]

_NONE = np.iinfo(np.int64).min // 4


def adjoints(
    plan: Layers, inputs: Inputs, values: Floats, node: int, points: int | None
) -> Mapping[int, tuple[Floats, Ints]]:
    """For each tangent lane, d(node)/d(every node) as mantissas and powers of two (nodes, points).

    ``values`` (lanes, nodes, *sweep) are those of a forward run of the same plan. With
    bar(v) = d node / d v, each node hands bar(v) df_v/du to its arguments u; a node that is held
    or set hands on nothing.
    """
    width = 1 if points is None else points
    made = {}
    for lane, source in plan.tangents.items():
        table = np.empty((plan.nodes + len(plan.inputs), width))
        table[: plan.nodes] = values[source].reshape(plan.nodes, width)
        for i, one in enumerate(plan.inputs):
            table[plan.nodes + i] = inputs[one.symbol.name]
        bars = np.zeros(table.shape), np.zeros(table.shape, dtype=np.int64)
        bars[0][node] = 1.0
        silent = _silent(plan, lane)
        with np.errstate(all="ignore"):
            for group in reversed(plan.groups):
                if lane in group.lanes:
                    _hand_on(plan, group, table, bars, silent)
        made[lane] = bars[0][: plan.nodes], bars[1][: plan.nodes]
    return made


def _silent(plan: Layers, lane: int) -> npt.NDArray[np.bool_]:
    """The nodes whose declared mechanism has no say in a lane: held, set, or replaced."""
    silent = np.zeros(plan.nodes, dtype=bool)
    for group in plan.groups:
        for patch in group.patches:
            if patch.lane == lane and not patch.keep:
                silent[patch.nodes] = True
        if len(group.lanes) < plan.lanes and lane in group.lanes:
            silent[group.targets] = True
    return silent


def _hand_on(
    plan: Layers,
    group: Group,
    table: Floats,
    bars: tuple[Floats, Ints],
    silent: npt.NDArray[np.bool_],
) -> None:
    """Add to every argument of a group what its nodes hand back."""
    if group.block is None:
        return
    # A group of its own holds the mechanism that has replaced the declared one.
    whole = len(group.lanes) == plan.lanes
    speaking = ~silent[group.targets] if whole else np.ones(len(group.targets), dtype=bool)
    targets, arguments = group.targets[speaking], group.arguments[speaking]
    partials = compiled(group.block)(*(table[column] for column in arguments.T))[1:]
    mantissas, powers = bars
    for column, partial in zip(arguments.T, partials, strict=True):
        _add_at(bars, column, partial * mantissas[targets], powers[targets])


def _add_at(bars: tuple[Floats, Ints], places: Ints, mantissa: Floats, power: Ints) -> None:
    """Add numbers mantissa * 2**power to those at some places, which may come more than once."""
    mantissas, powers = bars
    found, inverse = np.unique(places, return_inverse=True)
    old = np.where(mantissas[found] != 0.0, powers[found], _NONE)
    new = np.where(mantissa != 0.0, power, _NONE)
    top = old.copy()
    np.maximum.at(top, inverse, new)
    total = _scaled(mantissas[found], old - top)
    np.add.at(total, inverse, _scaled(mantissa, new - top[inverse]))
    made, up = np.frexp(total)
    mantissas[found] = made
    powers[found] = np.where(made == 0.0, 0, top + up)


def _scaled(mantissa: Floats, power: Ints) -> Floats:
    made: Floats = np.ldexp(mantissa, np.clip(power, -5000, 0).astype(np.int32))
    return made
