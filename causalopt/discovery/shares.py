"""Shares: how the regulation of m is shared out among the variables that steer it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from causalopt.discovery.regulation import OP2
from causalopt.discovery.target import Target
from causalopt.ground import checks
from causalopt.ground.errors import QueryError
from causalopt.ground.types import Floats
from causalopt.language.symbols import Nodes
from causalopt.linearisation.gates import GatedNudge
from causalopt.measures.response.sharing import warn_of_missing
from causalopt.model.interface import Model
from causalopt.model.world import World

if TYPE_CHECKING:
    import xarray as xr

# Settings of the gates that go side by side, and the most of them in all.
_SIDE_BY_SIDE, _MOST = 8, 512


def steering_shares(
    of: Model | World[Model],
    m: Nodes,
    *,
    among: Nodes | Sequence[Nodes] | None = None,
    nudge: str = "sustained",
    steps: int | None = None,
    edges: bool = False,
    tolerance: float = 1e-8,
) -> xr.Dataset:
    """How Op2 of everything but m is shared: who closes the loops that regulate m, in nats.

    A gate at each variable a weights its inputs from *other* variables by 1 - gamma_a and leaves
    its own memory: at gamma = 1 it is clamped. With F(gamma) = 1/2 log sum_t |m(t)|^2 of a nudge
    at m,

        share(a) = integral_0^1 dF/dgamma_a (gamma, ..., gamma) dgamma,

    the gradient along the diagonal (Aumann and Shapley 1974). Shares add up to F(1) - F(0), which
    is Op2(A; m) of all of them together: ``total``. What a quadrature by n points misses of it is
    ``missing``; n doubles until that, and the change of every share, is below ``tolerance``, and
    is told in ``attrs["points"]`` (where 512 do not do, ``attrs["converged"]`` is 0, and a
    ``RuntimeWarning`` says so). The cost is n runs forwards and n back, whatever the number of
    variables. A variable on no cycle through m has a share of exactly 0.

    ``of``, ``m``, ``nudge`` and ``steps`` as for ``self_regulation``; ``among`` the variables that
    have gates, all but m if left out. A network unrolled from a system has the shares of the
    system. With ``edges``, there is ``edge_share`` (edge) as well, with coordinates ``source`` and
    ``target``: the edges into a variable add up to its share.

    Returns a dataset with ``share`` (variable), ``total`` and ``missing``. Raises ``QueryError``
    where m lies in ``among``, or names are unknown, and ``EvaluationError`` where a derivative that
    matters is not there.

    >>> from causalopt.language.symbols import variables
    >>> from causalopt.model.system import System
    >>> T, R, amp = variables("T R amp")
    >>> room = System(
    ...     {T: R - 25, R: R - 0.01 * T + 0.001 * amp, amp: R - 25},
    ...     start={T: 10, R: 35, amp: 10},
    ... )
    >>> found = steering_shares(room, R[:1000], nudge="pulse")
    >>> {str(v): round(found.share.sel(variable=v).item(), 7) for v in ("T", "amp")}
    {'T': 1.5982562, 'amp': -0.1598256}
    >>> round(found.total.item(), 7)
    1.4384306
    """
    import xarray as xr

    if checks.finite(tolerance, "tolerance") <= 0.0:
        raise QueryError(f"tolerance is {tolerance}: write a small positive number, such as 1e-8.")
    with_edges = checks.switch(edges, "edges")
    target = Target(of, m, nudge=nudge, steps=steps)
    gated = gates_of(target, among)
    found = integrated(gated, tolerance)
    linear = target.whole
    names = [linear.names[place] for place in _shown(target, among)]
    by_name = dict.fromkeys(names, 0.0)
    shares = by_gate(gated, found.edges)
    by_name |= {linear.names[g]: float(s) for g, s in zip(gated.members, shares, strict=True)}
    attrs = {"long_name": "share of Op2", "units": OP2.unit, "neutral": 0.0}
    columns = {
        "share": (["variable"], [by_name[name] for name in names], attrs),
        "total": ([], found.total, {"long_name": OP2.symbol, "units": OP2.unit}),
        "missing": ([], found.total - float(shares.sum()), {"units": OP2.unit}),
    }
    if not found.converged:
        warn_of_missing(found.total - float(shares.sum()), found.total, found.points)
    data = xr.Dataset(
        columns,
        {"variable": names},
        {**target.arguments(), "points": found.points, "converged": int(found.converged)},
    )
    return data.assign(_by_edge(gated, found.edges)) if with_edges else data


@dataclass(frozen=True, eq=False)
class Integrated:
    """The gradient along the diagonal, integrated: what each edge has of ``total``, (edges,)."""

    edges: Floats
    total: float
    points: int
    converged: bool


def gates_of(target: Target, among: Nodes | Sequence[Nodes] | None) -> GatedNudge:
    """The linearised world with a gate at each variable that can have a share."""
    holdable = target.holdable
    if among is not None:
        named = {target.whole.place_of(key) for key in target.members(among, "among")}
        target.check_whole(among, "among")
        holdable = [place for place in holdable if place in named]
    return GatedNudge(
        linear=target.on_loop,
        watched=target.places,
        rows=target.rows,
        nudges=target.nudges,
        members=np.array(holdable, dtype=np.int64),
    )


def integrated(gated: GatedNudge, tolerance: float) -> Integrated:
    """Gauss-Legendre quadrature of the gradient, with twice the points until it holds."""
    count = len(gated.members)
    ends = gated.log_norm(np.repeat([[1.0, 0.0]], count, axis=0))
    total = float(ends[1] - ends[0]) if count else 0.0
    through_gate = gated.gates >= 0
    points, before = 4, np.full(count, np.inf)
    while True:
        edges = np.where(through_gate, quadrature(gated, points), 0.0)
        shares = by_gate(gated, edges)
        missing = abs(total - float(shares.sum()))
        moved = float(np.abs(shares - before).max(initial=0.0))
        converged = max(missing, moved) < tolerance
        if converged or points >= _MOST:
            return Integrated(edges, total, points, converged)
        points, before = 2 * points, shares


def by_gate(gated: GatedNudge, edges: Floats) -> Floats:
    """What the edges into each gate have together, (gates,)."""
    through = gated.gates >= 0
    count = len(gated.members)
    return np.bincount(gated.gates[through], edges[through], count).astype(np.float64)


def quadrature(gated: GatedNudge, points: int) -> Floats:
    """The integral of the gradient over gamma from 0 to 1, by edges."""
    nodes, weights = np.polynomial.legendre.leggauss(points)
    total = np.zeros(gated.linear.edges)
    for low in range(0, points, _SIDE_BY_SIDE):
        let_through = 0.5 - 0.5 * nodes[low : low + _SIDE_BY_SIDE]
        _, gradient = gated.gradient(np.repeat(let_through[None], len(gated.members), axis=0))
        # By what is let through, 1 - gamma: hence the minus.
        total -= gradient @ (0.5 * weights[low : low + _SIDE_BY_SIDE])
    return total


def _shown(target: Target, among: Nodes | Sequence[Nodes] | None) -> list[int]:
    """The members that an answer names: those asked about, on a cycle through m or not."""
    whole = target.whole
    own = set(whole.owners[target.places].tolist())
    if among is None:
        return [p for p in range(len(whole.members)) if whole.declared[p] and p not in own]
    return list(dict.fromkeys(whole.place_of(key) for key in target.members(among, "among")))


def _by_edge(gated: GatedNudge, shares: Floats) -> dict[str, xr.DataArray]:
    """The share of each edge between variables; the inner stages of a method are summed up."""
    import xarray as xr

    linear, ends = gated.linear, dict[tuple[int, int], float]()
    sources, targets = linear.owners[linear.sources], linear.owners[linear.targets]
    for place in np.flatnonzero(gated.gates >= 0):
        pair = int(sources[place]), int(targets[place])
        ends[pair] = ends.get(pair, 0.0) + float(shares[place])
    coords = {
        "source": (["edge"], [linear.names[a] for a, _ in ends]),
        "target": (["edge"], [linear.names[b] for _, b in ends]),
    }
    return {"edge_share": xr.DataArray(list(ends.values()), coords, ["edge"])}
