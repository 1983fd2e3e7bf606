"""Worlds run side by side: labelled datasets, with their arguments in attrs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from causalopt.ground.errors import QueryError
from causalopt.ground.scaled import stacked
from causalopt.ground.types import Floats
from causalopt.language.naming import check_letters
from causalopt.language.symbols import Nodes
from causalopt.language.words import listed
from causalopt.model.interface import Model, Series
from causalopt.model.lettering import letters
from causalopt.model.world import World
from causalopt.runs.keeping import Keep, kept
from causalopt.runs.labels import column, dataset_of, in_single, named, sweep_coords
from causalopt.runs.masking import OnFailure, computed
from causalopt.runs.simulation import Rows, Want, simulate
from causalopt.runs.straying import check_assumptions, refuse_straying
from causalopt.runs.sweeps import Draws, Over, Sweep, swept

if TYPE_CHECKING:
    import xarray as xr


def run(
    *worlds: World[Model],
    labels: Sequence[str] | None = None,
    over: Over | None = None,
    draws: Draws | None = None,
    keep: Keep | Nodes = "all",
    backend: str = "auto",
    on_failure: OnFailure = "raise",
) -> xr.Dataset:
    """Run worlds of one model side by side and give their values.

    For a system: one variable per variable, with dims (world, time, *swept), time in units of dt
    (in steps, where there is none). For a network: ``value`` with dims (world, node, *swept);
    where it has arrays or functions, one variable per node, with dims (world, *swept). Of a node
    that holds an array, dims of its entries come last, ``h_axis0`` and so on.
    Worlds are labelled W, X and Y by their interventions, or by ``labels``. All worlds see the
    same inputs.

    ``draws`` runs that many chains of the model's noise, as the dim ``draw``; without it, there is
    one. ``keep`` says what is kept, and so how much memory is needed: "all" steps, the "last",
    every k-th for a whole number k, or nodes. Of a system, R, R[10:20] or [T, R[10:20]] keep these
    variables, over the stretch of steps that has all that is named; of a network, a list of nodes
    keeps these. ``on_failure="mask"`` goes on where a run of a sweep leaves the finite real
    numbers: it is NaN there, and the coordinate ``failed`` says where, its attributes why.

    Raises ``EvaluationError`` where a node leaves the finite real numbers and ``TooLargeError``,
    before it starts, where the result would not fit in memory.

    >>> from causalopt.language.symbols import variables
    >>> from causalopt.model.system import System
    >>> T, R = variables("T R")
    >>> W = System({T: R - 25, R: R - 0.1 * T}, start={T: 10, R: 35}).world(steps=2)
    >>> X = W.perturb(R[0], by=1)
    >>> data = run(W, X, X.clamp(T, to=W))
    >>> data.R.sel(world="X").values - data.R.sel(world="W").values
    array([1. , 1. , 0.9])
    >>> dict(run(W, keep=R[1:]).sizes), list(run(W, keep=R[1:]))
    ({'world': 1, 'time': 2}, ['R'])
    """
    return _gather(worlds, labels, over, draws, keep, backend, on_failure, tangent=False)


def tangents(
    *worlds: World[Model],
    labels: Sequence[str] | None = None,
    over: Over | None = None,
    draws: Draws | None = None,
    keep: Keep | Nodes = "all",
    backend: str = "auto",
    on_failure: OnFailure = "raise",
) -> xr.Dataset:
    """The derivatives of every node by the infinitesimal perturbations of each world.

    Same dims as ``run``, and ``direction`` where an array is nudged along some. Where a derivative
    is outside the range of floats it comes out as zero or infinite here; ``comp`` and ``op`` keep
    it exact.

    >>> from causalopt.language.symbols import variables
    >>> from causalopt.model.network import Network
    >>> a, b = variables("a b")
    >>> W = Network({b: a**2}, start={a: 3}).world()
    >>> tangents(W.perturb(a)).value.sel(world="X", node="b").item()
    6.0
    """
    return _gather(worlds, labels, over, draws, keep, backend, on_failure, tangent=True)


def _gather(
    worlds: Sequence[World[Model]],
    labels: Sequence[str] | None,
    over: Over | None,
    draws: Draws | None,
    keep: Keep | Nodes,
    backend: str,
    on_failure: OnFailure,
    *,
    tangent: bool,
) -> xr.Dataset:
    model = _common_model(worlds)
    names = _labels(worlds, labels)
    sweep = swept(model, over, draws, [noise for world in worlds for noise in world.noises])
    chosen, rows = _kept(model, worlds[0].steps, keep)
    wants = [Want(world, series.key, tangent) for series in chosen for world in worlds]
    directions = _directions(worlds) if tangent else ()
    shapes = [(*s.domain.shape, *directions) for s in chosen]

    def compute(some: Sweep, in_words: bool) -> Floats:
        values = simulate(wants, rows, some, backend, stacked, in_words=in_words)
        if tangent:
            check_assumptions(worlds, rows, some, backend, in_words=in_words)
        else:
            parts = _parted(values, len(worlds), shapes)
            refuse_straying(model, chosen, names, rows, some, parts)
        return values

    found = computed(sweep, compute, on_failure)
    parts = _parted(found.values, len(worlds), shapes)
    axis = model.axis(rows)
    dims = ["world", axis.dim, *sweep.dims]
    columns = {
        series.name: column([*dims, *_own_dims(series, directions)], part, _attributes(series))
        for series, part in zip(chosen, parts, strict=True)
    }
    kind = {"quantity": "tangent" if tangent else "value", **in_single(model)}
    coords = {"world": named("world", names), **sweep_coords(sweep)}
    coords |= found.labelled(sweep)
    data = dataset_of(columns, coords, axis, kind)
    return data if axis.is_shown else data.isel({axis.dim: 0})


def _directions(worlds: Sequence[World[Model]]) -> tuple[int, ...]:
    """The number of directions in which worlds are nudged, where arrays are; else nothing."""
    waiting = list(worlds)
    for world in waiting:
        # What is held takes part in the nudges of where it is held to.
        waiting += [other for other in world.held_worlds() if other not in waiting]
    shifts = [t.shift for world in waiting for t in world.treatments if t.shift is not None]
    counts = sorted({shift.along.count for shift in shifts if shift.along is not None})
    if len(counts) > 1:
        raise QueryError(
            f"Arrays are nudged along {listed(counts)} directions: in worlds that are "
            "run together there are as many everywhere. Ask each by itself."
        )
    return tuple(counts)


def _parted(values: Floats, count: int, shapes: Sequence[tuple[int, ...]]) -> list[Floats]:
    """The values of each series, (worlds, rows, *sweep, *shape), of entries one after the other."""
    parts, first = [], 0
    for shape in shapes:
        stop = first + count * math.prod(shape)
        block, first = values[first:stop], stop
        whole = block.reshape(count, *shape, *values.shape[1:])
        own = range(1, 1 + len(shape))
        parts.append(np.moveaxis(whole, own, range(-len(shape), 0)) if shape else whole)
    return parts


def _own_dims(series: Series, directions: tuple[int, ...]) -> list[str]:
    """The dims of an array's entries, and that of the directions in which it was nudged."""
    own = [f"{series.name}_axis{i}" for i in range(len(series.domain.shape))]
    return own + ["direction"] * len(directions)


def _attributes(series: Series) -> dict[str, object]:
    """What a result says of a series; of a network's nodes, which differ, nothing."""
    if series.key is None:
        return {}
    return {"units": series.unit, "long_name": series.name, **series.domain.attributes()}


def _kept(model: Model, steps: int | None, keep: Keep | Nodes) -> tuple[tuple[Series, ...], Rows]:
    """The series that are kept, and the rows of them."""
    everything = model.rows(steps)
    if isinstance(keep, str) and keep in ("all", "last") and steps is None:
        return model.series, everything
    if steps is not None and (isinstance(keep, str | int | float | None) or _is_number(keep)):
        return model.series, kept(keep, everything)
    if isinstance(keep, str | int | float | None):
        raise QueryError(
            f"keep is {keep!r}, and a network has no steps: leave it out, or write a list of the "
            "nodes to keep."
        )
    stretches = model.select(keep, steps)
    if any(stretch.part is not None for stretch in stretches):
        raise QueryError(
            f"keep={keep}: nodes are kept whole. Name the array, and take the part then."
        )
    places = [model.place(stretch) for stretch in stretches]
    named = {place.series for place in places}
    series = tuple(entry for entry in model.series if entry.key in named)
    if steps is None:
        return series, list(dict.fromkeys(row for place in places for row in place.rows))
    return series, range(min(p.rows.start for p in places), max(p.rows.stop for p in places))


def _is_number(keep: object) -> bool:
    """Whether it is a number of NumPy's."""
    return getattr(keep, "ndim", None) == 0


def _common_model(worlds: Sequence[World[Model]]) -> Model:
    if not worlds:
        raise QueryError("There is no world to run: write run(W), or run(W, X, Y).")
    for world in worlds:
        if not isinstance(world, World):
            raise QueryError(
                f"{type(world).__name__} is no world: write system.world(steps=100) to make one."
            )
        if world.model != worlds[0].model or world.steps != worlds[0].steps:
            raise QueryError("These worlds are of different models or lengths: run each alone.")
        if world.seed != worlds[0].seed:
            raise QueryError("These worlds have different seeds: make them from one another.")
    return worlds[0].model


def _labels(worlds: Sequence[World[Model]], given: Sequence[str] | None) -> list[str]:
    if given is None:
        return letters(worlds)
    listing = () if isinstance(given, str) or np.ndim(given) != 1 else given
    names = [str(name) for name in listing]
    for name in names:
        check_letters(name, "the label of a world")
    if len(names) != len(worlds) or len(set(names)) != len(names):
        raise QueryError(
            f"labels={given!r}: write one name of its own for each of {len(worlds)} worlds."
        )
    return names
