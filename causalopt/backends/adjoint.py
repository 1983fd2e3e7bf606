"""Derivatives of one node by all others, in one pass against the arrows of a network."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from causalopt.backends.interface import NotFinite
from causalopt.backends.vanishing import Slopes
from causalopt.ground.scaled import NO_POWER, shifted
from causalopt.ground.types import Bools, Floats, Ints
from causalopt.plan import Group, Layers


@dataclass(frozen=True, eq=False)
class Adjoint:
    """The derivatives ``mantissas * 2**powers`` by all nodes and inputs, both (ids, points).

    ``open`` (ids,) says which nodes pass on what reaches them; the others are held.
    """

    mantissas: Floats
    powers: Ints
    open: Bools


def pushed_back(
    plan: Layers,
    values: Floats,
    partials: Callable[[Group, Floats], Slopes],
    node: int,
    lane: int,
    held: Sequence[Ints],
) -> list[Adjoint]:
    """One adjoint for each set of held nodes; the partial derivatives are computed once for all.

    adj(u) = sum over the children v of u of df_v/du * adj(v), from adj(node) = 1. A node that is
    held takes no part in the sums: its mechanism is cut off. ``lane`` is the one that ``values``
    are of.
    """
    adjoints = [_started(values.shape, node, cut) for cut in held]
    # Against the arrows: when a group is reached, all its children have passed back their share.
    for group in reversed(plan.groups):
        if group.block is None or not group.arguments.size or lane not in group.lanes:
            continue
        slopes = partials(group, values)
        for adjoint in adjoints:
            active = np.flatnonzero(adjoint.open[group.targets])
            _collect(plan, adjoint, group, slopes, active, lane)
    return adjoints


def _started(shape: tuple[int, ...], node: int, held: Ints) -> Adjoint:
    mantissas, powers = np.zeros(shape), np.zeros(shape, dtype=np.int64)
    mantissas[node] = 1.0
    passes = np.ones(shape[0], dtype=np.bool_)
    passes[held] = False
    return Adjoint(mantissas, powers, passes)


def _collect(
    plan: Layers,
    adjoint: Adjoint,
    group: Group,
    slopes: Slopes,
    active: Ints,
    lane: int,
) -> None:
    """Add what a group's nodes pass back to their arguments."""
    flow, power = adjoint.mantissas[group.targets[active]], adjoint.powers[group.targets[active]]
    for j, slope in enumerate(slopes.mantissas):
        every = np.broadcast_to(slope, (len(group.targets), flow.shape[1]))
        passed = every[active] * flow
        if not math.isfinite(passed.sum()):
            # Where nothing flows, nothing is lost by a derivative that is not there.
            passed[flow == 0.0] = 0.0
            for row, point in np.argwhere(~np.isfinite(passed)):
                parent = plan.labels[group.arguments[active[row], j]]
                node = lane, int(group.targets[active[row]])
                value = float(passed[row, point])
                raise NotFinite(node, 0, int(point), value, argument=parent)
        # What is too small for a float has its power beside that of what flows.
        lift = 0 if slopes.powers is None else slopes.powers[j][active]
        _add(adjoint, group.arguments[active, j], passed, power + lift)


def _add(adjoint: Adjoint, nodes: Ints, terms: Floats, power: Ints) -> None:
    """adj(nodes) += terms * 2**power, where a node may come more than once."""
    # Many terms may meet in one node, and each has a power of its own: the largest is found first,
    # then all are brought to it, so that none that counts is lost.
    distinct, where = np.unique(nodes, return_inverse=True)
    before, scale = adjoint.mantissas[distinct], adjoint.powers[distinct]
    top = np.where(before != 0.0, scale, NO_POWER)
    np.maximum.at(top, where, np.where(terms != 0.0, power, NO_POWER))
    total = shifted(before, np.minimum(scale - top, 0))
    np.add.at(total, where, shifted(terms, np.minimum(power - top[where], 0)))
    mantissa, more = np.frexp(total)
    adjoint.mantissas[distinct] = mantissa
    adjoint.powers[distinct] = np.where(mantissa == 0.0, 0, top + more)
