"""Comp to every node m in one forward pass, and from every node n in one reverse pass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from causalopt.errors import QueryError
from causalopt.measures.question import base_world, check_n
from causalopt.measures.response import Ratio
from causalopt.network import Network
from causalopt.results import sweep_coords, time_axis
from causalopt.simulate import Scaled, Want, adjoint_network, simulate_network, simulate_system
from causalopt.sweep import Sweep, sweep
from causalopt.symbols import Moment, Node, Variable
from causalopt.system import System
from causalopt.world import Stretch, World

if TYPE_CHECKING:
    import xarray as xr

Floats = npt.NDArray[np.float64]


def comp_to_all(
    of: System | Network | World,
    A: Any,
    n: Any,
    *,
    steps: int | None = None,
    over: Mapping[Any, Any] | None = None,
    backend: str = "auto",
) -> xr.Dataset:
    """Comp and Op of a difference at n for every node m, from one forward pass.

    The variables ``comp`` and ``op`` have, for a system, dims (variable, time, *swept); for a
    network, (node, *swept). They are the numbers of ``comp`` and ``op`` for each m, and NaN inside
    A, where m cannot be asked about. Errors are those of ``comp``; ``steps`` is needed for a
    system.

    Source: "Defining Optimization in a Deeper Way", part 4.

    >>> from causalopt.symbols import variables
    >>> T, R, Q = variables("T R Q")
    >>> room = System(
    ...     {T: R - 25, R: R - 0.1 * T, Q: 2 * R}, start={T: 10, R: 35, Q: 0}
    ... )
    >>> comp_to_all(room, A=T, n=R[0], steps=3).comp.sel(variable="Q").values.round(3)
    array([nan, 1. , 1. , 0.9])
    """
    base = base_world(of, A, n, n, steps)
    model = base.model
    assert isinstance(model, System | Network)
    held = model.select(A, base.steps)
    check_n(model, n, held, base)
    swept = sweep(model, over)
    X = base.perturb(n)
    Y = X.clamp(A, to=base)
    if isinstance(model, Network):
        found = simulate_network([Want(X, None, True), Want(Y, None, True)], swept, backend)
        return _of_nodes(model, Ratio(*found), held, swept)
    assert base.steps is not None
    recorded = range(base.steps + 1)
    keys = model.variables
    wants = [Want(world, key, True) for key in keys for world in (X, Y)]

    def measured(found: list[Scaled]) -> Floats:
        ratios = [Ratio(x, y) for x, y in zip(found[::2], found[1::2], strict=True)]
        return np.stack([[r.value(), 0.0 - r.log_size()] for r in ratios])

    rows = simulate_system(wants, recorded, swept, backend, measured)
    for i, key in enumerate(keys):
        for stretch in held:
            if stretch.key == key:
                rows[i, :, stretch.start : stretch.stop] = np.nan
    return _of_variables(model, rows[:, 0], rows[:, 1], recorded, swept)


def comp_from_all(
    of: System | Network,
    A: Any,
    m: Any,
    *,
    over: Mapping[Any, Any] | None = None,
    seed: int = 0,
) -> xr.Dataset:
    """Comp and Op at one node m of a difference at every node n, from one reverse pass.

    The variables ``comp`` and ``op`` have, for a network, dims (node, *swept); for a system, which
    is unrolled up to m, (variable, time, *swept), time being that of n. They are the numbers of
    ``comp`` and ``op`` for each n, and NaN inside A and where m is not downstream of n.

    Source: "Defining Optimization in a Deeper Way", part 4; the reverse mode of differentiation.

    >>> from causalopt.symbols import variables
    >>> a, b, c = variables("a b c")
    >>> network = Network({b: -a / 2, c: a + b}, start={a: 1})
    >>> comp_from_all(network, A=[b], m=c).comp.sel(node="a").item()
    0.5
    """
    if isinstance(of, System):
        if not isinstance(m, Node | Moment):
            raise QueryError(f"m = {m} is not one node: write {of.variables[0]}[100].")
        (place,) = of.select(m, None)
        assert isinstance(place.key, Variable)
        network = of.unroll(max(place.start, 1))
        values = comp_from_all(network, A, Node(place.key, place.start), over=over, seed=seed)
        return _along_steps(of, network, values, place)
    if not isinstance(of, Network):
        raise QueryError(f"{type(of).__name__} cannot be measured: give a System or a Network.")
    base = of.world(seed=seed)
    held = of.select(A)
    (place,) = of.select(m)
    if place in held:
        raise QueryError(f"m = {m} lies inside A: leave it out of A, or ask about another node.")
    swept = sweep(of, over)
    X = base.perturb(m)
    Y = X.clamp(A, to=base)
    found = adjoint_network([X, Y], place.key, swept)
    return _of_nodes(of, Ratio(*found), held, swept)


def _of_nodes(
    network: Network, ratio: Ratio, held: tuple[Stretch, ...], swept: Sweep
) -> xr.Dataset:
    import xarray as xr

    comp, op = ratio.value(), 0.0 - ratio.log_size()
    inside = [network.index[stretch.key] for stretch in held]
    comp[inside] = np.nan
    op[inside] = np.nan
    dims = ["node", *(axis.name for axis in swept.axes)]
    coords = {"node": [str(label) for label in network.nodes], **sweep_coords(swept)}
    return xr.Dataset({"comp": (dims, comp), "op": (dims, op, {"units": "nat"})}, coords)


def _of_variables(
    system: System, comp: Floats, op: Floats, recorded: range, swept: Sweep
) -> xr.Dataset:
    import xarray as xr

    dims = ["variable", "time", *(axis.name for axis in swept.axes)]
    coords = {
        "variable": [variable.name for variable in system.variables],
        **sweep_coords(swept),
    }
    made = xr.Dataset({"comp": (dims, comp), "op": (dims, op, {"units": "nat"})}, coords)
    return made.assign_coords(time_axis(system, recorded))


def _along_steps(
    system: System, network: Network, values: xr.Dataset, place: Stretch
) -> xr.Dataset:
    """The nodes of an unrolled system as variables over time; inner stages left out."""
    import xarray as xr

    steps = range(place.start + 1)
    ids = [[network.index[Node(v, i)] for i in steps] for v in system.variables]
    picked = xr.DataArray(ids, dims=("variable", "time"))
    made = values.isel(node=picked).drop_vars("node")
    names = [variable.name for variable in system.variables]
    return made.assign_coords(variable=names).assign_coords(time_axis(system, steps))
