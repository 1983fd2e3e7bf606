"""Labelled results: worlds run side by side, as xarray datasets with their arguments in attrs."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from causalopt.ground.errors import QueryError
from causalopt.language.finite_variables import Finite, finite_of
from causalopt.language.symbols import Quantity, Variable
from causalopt.model.network import Network
from causalopt.model.system import System
from causalopt.model.world import World, letters
from causalopt.runs.keeping import Keep, kept
from causalopt.runs.simulation import Want, simulate_network, simulate_system, stacked
from causalopt.runs.sweeps import Sweep, sweep

if TYPE_CHECKING:
    import xarray as xr

Floats = npt.NDArray[np.float64]


def run(
    *worlds: World,
    labels: Sequence[str] | None = None,
    over: Mapping[Any, Any] | None = None,
    draws: int | None = None,
    keep: Keep | Any = "all",
    backend: str = "auto",
) -> xr.Dataset:
    """Run worlds of one model side by side and give their values.

    For a system: one variable per variable, with dims (world, time, *swept), time in units of dt
    (in steps, where there is none). For a network: ``value`` with dims (world, node, *swept).
    Worlds are labelled W, X and Y by their interventions, or by ``labels``. All worlds see the
    same inputs.

    ``draws`` runs that many chains of the model's noise, as the dim ``draw``; without it, there is
    one. ``keep`` says what is kept, and so how much memory is needed: "all" steps, the "last",
    every k-th for a whole number k, or nodes. Of a system, R, R[10:20] or [T, R[10:20]] keep these
    variables, over the stretch of steps that has all that is named; of a network, a list of nodes
    keeps these.

    Raises ``EvaluationError`` where a node leaves the finite real numbers and ``TooLargeError``,
    before it starts, where the result would not fit in memory.

    >>> from causalopt.language.symbols import variables
    >>> T, R = variables("T R")
    >>> W = System({T: R - 25, R: R - 0.1 * T}, start={T: 10, R: 35}).world(steps=2)
    >>> X = W.perturb(R[0], by=1)
    >>> data = run(W, X, X.clamp(T, to=W))
    >>> data.R.sel(world="X").values - data.R.sel(world="W").values
    array([1. , 1. , 0.9])
    >>> dict(run(W, keep=R[1:]).sizes), list(run(W, keep=R[1:]))
    ({'world': 1, 'time': 2}, ['R'])
    """
    return _gather(worlds, labels, (over, draws), keep, backend, tangent=False)


def tangents(
    *worlds: World,
    labels: Sequence[str] | None = None,
    over: Mapping[Any, Any] | None = None,
    draws: int | None = None,
    keep: Keep | Any = "all",
    backend: str = "auto",
) -> xr.Dataset:
    """The derivatives of every node by the infinitesimal perturbations of each world.

    Same dims as ``run``. Where a derivative is outside the range of floats it comes out as zero
    or infinite here; ``comp`` and ``op`` keep it exact.

    >>> from causalopt.language.symbols import variables
    >>> a, b = variables("a b")
    >>> W = Network({b: a**2}, start={a: 3}).world()
    >>> tangents(W.perturb(a)).value.sel(world="X", node="b").item()
    6.0
    """
    return _gather(worlds, labels, (over, draws), keep, backend, tangent=True)


def _gather(
    worlds: Sequence[World],
    labels: Sequence[str] | None,
    swept_over: tuple[Mapping[Any, Any] | None, int | None],
    keep: Keep | Any,
    backend: str,
    *,
    tangent: bool,
) -> xr.Dataset:
    import xarray as xr

    model = _common_model(worlds)
    names = _labels(worlds, labels)
    swept = sweep(model, *swept_over)
    axes = [axis.name for axis in swept.axes]
    coords: dict[str, Any] = {"world": names, **sweep_coords(swept)}
    variables: dict[str, Any] = {}
    if isinstance(model, System):
        steps = worlds[0].steps
        assert steps is not None
        chosen, recorded = _chosen(model, steps, keep)
        wants = [Want(w, v, tangent) for v in chosen for w in worlds]
        found = simulate_system(wants, recorded, swept, backend, stacked)
        for i, variable in enumerate(chosen):
            block = found[i * len(worlds) : (i + 1) * len(worlds)]
            attrs = {"units": variable.unit, "long_name": variable.name, **_values(variable)}
            variables[variable.name] = (["world", "time", *axes], block, attrs)
        made = xr.Dataset(variables, coords, {"quantity": "tangent" if tangent else "value"})
        return made.assign_coords(time_axis(model, recorded))
    nodes = _chosen_nodes(model, keep)
    wants = [Want(w, None, tangent) for w in worlds]
    block = stacked(simulate_network(wants, swept, backend))
    coords["node"] = node_coord(model)
    if nodes is not None:
        block, coords["node"] = block[:, nodes], [coords["node"][i] for i in nodes]
    variables["value"] = (["world", "node", *axes], block)
    return xr.Dataset(variables, coords, {"quantity": "tangent" if tangent else "value"})


def _chosen(model: System, steps: int, keep: Keep | Any) -> tuple[tuple[Variable, ...], range]:
    """The variables and the steps of a system that are kept."""
    if isinstance(keep, str | int | float | None):
        return model.variables, kept(keep, range(steps + 1))
    found = model.select(keep, steps)
    named = {stretch.key for stretch in found}
    recorded = range(min(s.start for s in found), max(s.stop for s in found))
    return tuple(v for v in model.variables if v in named), recorded


def _chosen_nodes(model: Network, keep: Keep | Any) -> list[int] | None:
    """The places of the nodes of a network that are kept; None where all are."""
    if isinstance(keep, str) and keep in ("all", "last"):
        return None
    if isinstance(keep, str | int | float | None):
        raise QueryError(
            f"keep is {keep!r}, and a network has no steps: leave it out, or write a list of the "
            "nodes to keep."
        )
    return list(dict.fromkeys(model.index[stretch.key] for stretch in model.select(keep)))


def _values(variable: object) -> dict[str, Any]:
    """The names of a finite variable's values, as the CF conventions write them for netCDF."""
    if not isinstance(variable, Finite):
        return {}
    names = (str(value).replace(" ", "_") for value in variable.values)
    return {"flag_values": np.arange(variable.size, dtype=float), "flag_meanings": " ".join(names)}


def node_coord(network: Network) -> Any:
    """The nodes' labels as text; as whole numbers where they are a range."""
    labels = network.nodes
    return np.array(labels) if isinstance(labels, range) else [str(label) for label in labels]


def sweep_coords(swept: Sweep) -> dict[str, Any]:
    """One coordinate per swept target, with its unit."""
    made: dict[str, Any] = {}
    for axis in swept.axes:
        quantity = getattr(axis.target, "variable", axis.target)
        unit = quantity.unit if isinstance(quantity, Quantity) else ""
        finite = finite_of(axis.target)
        names = [finite.values[int(place)] for place in axis.values] if finite else axis.values
        made[axis.name] = ([axis.name], names, {"units": unit})
    return made


def time_axis(system: System, steps: range) -> xr.Coordinates:
    """The times of steps, in units of dt, or the steps themselves where there is none."""
    size = 1.0 if system.dt is None else system.dt
    unit = system.dt_symbol.unit if system.dt_symbol is not None else ""
    made = _axis_kept if len(steps) <= _LONGEST_AXIS_KEPT else _axis
    return made(steps, size, "steps" if system.dt is None else unit)


def _axis(steps: range, size: float, unit: str) -> xr.Coordinates:
    import pandas as pd
    import xarray as xr

    times = np.arange(steps.start, steps.stop, steps.step, dtype=np.float64)
    times *= size
    # Made by hand, since xarray would copy the times twice on the way.
    index = pd.Index(times, copy=False, name="time")
    column: Any = xr.Variable(["time"], index, {"units": unit})
    return xr.Coordinates({"time": column}, {"time": xr.indexes.PandasIndex(index, "time")})


# Questions about one run share their time axis: it is made once, unless it takes much memory.
_LONGEST_AXIS_KEPT = 1 << 22
_axis_kept = functools.lru_cache(maxsize=4)(_axis)


def _common_model(worlds: Sequence[World]) -> System | Network:
    if not worlds:
        raise QueryError("There is no world to run: write run(W), or run(W, X, Y).")
    for one in worlds:
        if not isinstance(one, World):
            raise QueryError(
                f"{type(one).__name__} is no world: write system.world(steps=100) to make one."
            )
        if one.model is not worlds[0].model or one.steps != worlds[0].steps:
            raise QueryError("These worlds are of different models or lengths: run each alone.")
        if one.seed != worlds[0].seed:
            raise QueryError("These worlds have different seeds: make them from one another.")
    model = worlds[0].model
    assert isinstance(model, System | Network)
    return model


def _labels(worlds: Sequence[World], given: Sequence[str] | None) -> list[str]:
    if given is not None:
        names = [str(one) for one in given]
        if len(names) != len(worlds) or len(set(names)) != len(names):
            raise QueryError(
                f"labels={given!r}: write one name of its own for each of {len(worlds)} worlds."
            )
        return names
    return letters(worlds)
