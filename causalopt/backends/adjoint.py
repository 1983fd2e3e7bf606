"""Derivatives of one node by all others, in one pass against the arrows of a network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from causalopt.backends.interface import Floats, Ints
from causalopt.plan import Group, Layers

_NONE = np.iinfo(np.int64).min // 2


@dataclass(frozen=True, eq=False)
class Adjoint:
    """The derivatives ``mantissas * 2**powers`` by all nodes and inputs, both (ids, points).

    ``open`` (ids,) says which nodes pass on what reaches them; the others are held.
    """

    mantissas: Floats
    powers: Ints
    open: Any


def pushed_back(
    plan: Layers,
    values: Floats,
    partials: Callable[[Group, Floats], Sequence[Any]],
    node: int,
    held: Sequence[Ints],
) -> list[Adjoint]:
    """One adjoint for each set of held nodes; the partial derivatives are computed once for all.

    adj(u) = sum over the children v of u of df_v/du * adj(v), from adj(node) = 1. A node that is
    held takes no part in the sums: its mechanism is cut off.
    """
    made = [_started(values.shape, node, cut) for cut in held]
    for group in reversed(plan.groups):
        if group.block is None or not group.arguments.size:
            continue
        slopes = partials(group, values)
        for adjoint in made:
            active = np.flatnonzero(adjoint.open[group.targets])
            _collect(adjoint, group, slopes, active)
    return made


def _started(shape: tuple[int, ...], node: int, held: Ints) -> Adjoint:
    mantissas, powers = np.zeros(shape), np.zeros(shape, dtype=np.int64)
    mantissas[node] = 1.0
    passes = np.ones(shape[0], dtype=np.bool_)
    passes[held] = False
    return Adjoint(mantissas, powers, passes)


def _collect(adjoint: Adjoint, group: Group, slopes: Sequence[Any], active: Ints) -> None:
    """Add what a group's nodes pass back to their arguments."""
    flow, power = adjoint.mantissas[group.targets[active]], adjoint.powers[group.targets[active]]
    for j, slope in enumerate(slopes):
        every = np.broadcast_to(slope, (len(group.targets), flow.shape[1]))
        _add(adjoint, group.arguments[active, j], every[active] * flow, power)


def _add(adjoint: Adjoint, nodes: Ints, terms: Floats, power: Ints) -> None:
    """adj(nodes) += terms * 2**power, where a node may come more than once."""
    distinct, where = np.unique(nodes, return_inverse=True)
    before, scale = adjoint.mantissas[distinct], adjoint.powers[distinct]
    top = np.where(before != 0.0, scale, _NONE)
    np.maximum.at(top, where, np.where(terms != 0.0, power, _NONE))
    total = np.ldexp(before, _shift(scale - top))
    np.add.at(total, where, np.ldexp(terms, _shift(power - top[where])))
    mantissa, more = np.frexp(total)
    adjoint.mantissas[distinct] = mantissa
    adjoint.powers[distinct] = np.where(mantissa == 0.0, 0, top + more)


def _shift(power: Ints) -> Any:
    return np.clip(power, -3000, 0).astype(np.int32)
