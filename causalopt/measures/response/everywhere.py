"""Comp and Op for every m at once, or for every n at once, in one pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from causalopt.ground.errors import QueryError
from causalopt.language.symbols import Node, NodeSet, Variable
from causalopt.measures.question import check_n, text
from causalopt.measures.response.ratio import Ratio
from causalopt.model.network import Network
from causalopt.model.system import System
from causalopt.model.world import Shift, Stretch, World
from causalopt.runs.results import node_coord, sweep_coords, time_axis
from causalopt.runs.simulation import Want, gradients, simulate_network, simulate_system
from causalopt.runs.sweeps import Sweep, sweep

if TYPE_CHECKING:
    import xarray as xr

Array = npt.NDArray[Any]
_MEASURES: Mapping[str, tuple[str, str, Callable[[Ratio], Array]]] = {
    "comp": ("Comp", "1", Ratio.value),
    "op": ("Op", "nat", lambda found: 0.0 - found.log_size()),
}


def every_m(
    of: System | Network | World,
    A: Any,
    n: Any,
    *,
    measure: str = "comp",
    steps: int | None = None,
    over: Mapping[Any, Any] | None = None,
    draws: int | None = None,
    backend: str = "auto",
) -> xr.DataArray:
    """Comp(A; n, m) or Op(A; n, m) for every m, in one pass along the arrows.

    ``measure`` is "comp" (no unit) or "op" (nats). For a system: dims (variable, time, *swept),
    with ``steps`` the length of the run; for a network: (node, *swept). The numbers are those of
    ``comp`` and ``op`` for each m alone. Where m lies in A, which ``comp`` refuses, and where it is
    not downstream of n, they are NaN. Swept dims are those of ``over``, and ``draw`` where there
    are ``draws`` of the noise. Parameters and errors are otherwise those of ``comp``.

    >>> from causalopt.language.symbols import variables
    >>> T, R = variables("T R")
    >>> room = System({T: R - 25, R: R - 0.1 * T}, start={T: 10, R: 35})
    >>> every_m(room, A=T, n=R[0], steps=3).sel(variable="R").values
    array([1. , 1. , 0.9, 0.8])
    """
    told = _measure(measure)
    base = _world(of, steps)
    model = base.model
    swept = sweep(model, over, draws)  # type: ignore[arg-type]  # checked above
    held = model.select(A, base.steps)
    check_n(model, n, held, base)  # type: ignore[arg-type]
    X = base.perturb(n)
    Y = X.clamp(A, to=base)
    attrs = {"A": text(A), "n": str(n)}
    if isinstance(model, Network):
        x, y = simulate_network([Want(X, None, True), Want(Y, None, True)], swept, backend)
        values = told[2](Ratio(x, y))
        values[[model.index[s.key] for s in held]] = np.nan
        return _over_nodes(model, values, swept, measure, attrs)
    assert isinstance(model, System)
    assert base.steps is not None
    wants = [Want(world, v, True) for v in model.variables for world in (X, Y)]
    recorded = range(base.steps + 1)

    def measured(found: list[Any]) -> Array:
        pairs = zip(found[::2], found[1::2], strict=True)
        return np.stack([told[2](Ratio(x, y)) for x, y in pairs])

    values = simulate_system(wants, recorded, swept, backend, measured)
    for stretch in held:
        values[model.variables.index(stretch.key), stretch.start : stretch.stop] = np.nan
    return _over_steps(model, recorded, values, swept, measure, attrs)


def every_n(
    of: System | Network | World,
    A: Any,
    m: Any,
    *,
    measure: str = "comp",
    over: Mapping[Any, Any] | None = None,
    draws: int | None = None,
    backend: str = "auto",
) -> xr.DataArray:
    """Comp(A; n, m) or Op(A; n, m) for every n and one node m, in one pass against the arrows.

    For a network (or a world of one): dims (node, *swept). For a system: (variable, time, *swept),
    for n at every step up to that of m; it is unrolled, so that its memory and time grow with the
    steps. The numbers are those of ``comp`` and ``op`` for each n alone; where n lies in A, which
    ``comp`` refuses, and where m is not downstream of n, they are NaN.

    Swept dims are those of ``over``, and ``draw`` where there are ``draws`` of the noise.

    Raises ``QueryError`` where m is no single node, lies in A, or the world itself carries
    infinitesimal differences; other errors are those of ``comp``.

    >>> from causalopt.language.symbols import variables
    >>> a, b, c, d = variables("a b c d")
    >>> network = Network({b: 2 * a, c: a - b, d: c + 3 * b}, start={a: 1})
    >>> every_n(network, A=b, m=d).values
    array([ 5., nan,  1.,  1.])
    """
    told = _measure(measure)
    attrs = {"A": text(A), "m": str(m)}
    if isinstance(of, System):
        network, A, m, last = _unrolled(of, A, m)
        base = network.world()
    else:
        base, last = _world(of, None), None
        network = base.model  # type: ignore[assignment]
        if not isinstance(network, Network):
            raise QueryError("every_n takes a System or a Network, or a world of a Network.")
    _refuse_infinitesimal(base)
    places, held = network.select(m), network.select(A)
    if len(places) != 1 or places[0] in held:
        why = "lies in A" if len(places) == 1 else f"names {len(places)} nodes"
        raise QueryError(f"m = {attrs['m']} {why}: ask about one node outside A.")
    swept = sweep(network, over, draws)
    inside = [stretch.key for stretch in held]
    x, y = gradients(base, places[0].key, [[], inside], swept, backend)
    values = told[2](Ratio(x, y))
    values[[network.index[key] for key in inside]] = np.nan
    if last is None:
        return _over_nodes(network, values, swept, measure, attrs)
    assert isinstance(of, System)
    rows = [[network.index[Node(v, i)] for i in range(last + 1)] for v in of.variables]
    return _over_steps(of, range(last + 1), values[rows], swept, measure, attrs)


def _measure(name: str) -> tuple[str, str, Callable[[Ratio], Array]]:
    if name not in _MEASURES:
        raise QueryError(f'measure is {name!r}: write measure="comp" or measure="op".')
    return _MEASURES[name]


def _world(of: System | Network | World, steps: int | None) -> World:
    if isinstance(of, World):
        return of
    if isinstance(of, Network):
        return of.world()
    if not isinstance(of, System):
        raise QueryError(
            f"{type(of).__name__} cannot be measured: give a System, a Network or a World."
        )
    if steps is None:
        raise QueryError("steps is missing: write steps=1000, the length of the run.")
    return of.world(steps)


def _unrolled(system: System, A: Any, m: Any) -> tuple[Network, list[NodeSet], Node, int]:
    """A system as a network up to m, and A and m as nodes of it."""
    if isinstance(m, Variable):
        raise QueryError(f"m = {m} is no single node: write {m}[100].")
    places = system.select(m, None)
    if len(places) != 1 or places[0].stop != places[0].start + 1:
        raise QueryError(f"m = {m} is no single node: write {system.variables[0]}[100].")
    last = places[0].start
    network = system.unroll(max(last, 1))
    inside = [s for s in system.select(A, None) if s.start <= last]
    return network, [_set(s, last) for s in inside], _node(places[0]), last


def _node(place: Stretch) -> Node:
    assert isinstance(place.key, Variable)
    return Node(place.key, place.start)


def _set(stretch: Stretch, last: int) -> NodeSet:
    assert isinstance(stretch.key, Variable)
    return NodeSet(stretch.key, stretch.start, min(stretch.stop, last + 1))


def _refuse_infinitesimal(world: World) -> None:
    shifts = (piece.shift for pieces in world.treatments for piece in pieces)
    if any(isinstance(s, Shift) and s.by is None for s in shifts):
        raise QueryError(
            "This world carries an infinitesimal difference of its own: ask about the world "
            "without it."
        )


def _over_nodes(
    network: Network, values: Array, swept: Sweep, measure: str, attrs: dict[str, str]
) -> xr.DataArray:
    import xarray as xr

    coords = {"node": node_coord(network), **sweep_coords(swept)}
    dims = ["node", *(axis.name for axis in swept.axes)]
    return xr.DataArray(values, coords, dims, measure, _told(measure, attrs))


def _over_steps(
    system: System,
    steps: range,
    values: Array,
    swept: Sweep,
    measure: str,
    attrs: dict[str, str],
) -> xr.DataArray:
    import xarray as xr

    coords = {"variable": [v.name for v in system.variables], **sweep_coords(swept)}
    dims = ["variable", "time", *(axis.name for axis in swept.axes)]
    made = xr.DataArray(values, coords, dims, measure, _told(measure, attrs))
    return made.assign_coords(time_axis(system, steps))


def _told(measure: str, attrs: dict[str, str]) -> dict[str, str]:
    name, unit, _ = _MEASURES[measure]
    return {"long_name": name, "units": unit, **attrs}
