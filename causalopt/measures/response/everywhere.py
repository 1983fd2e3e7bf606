"""Comp and Op for every m at once, or for every n at once, in one pass."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from causalopt.ground.checks import is_option, shown
from causalopt.ground.errors import QueryError
from causalopt.ground.scaled import Ratio
from causalopt.ground.types import Array, Ints
from causalopt.language.domains import domain_of
from causalopt.language.symbols import Node, Nodes, NodeSet, Variable
from causalopt.linearisation.adjoint import derivatives
from causalopt.linearisation.world import linearised
from causalopt.measures.question import Question, nodes_as_text, rows_of
from causalopt.measures.record import Measure
from causalopt.measures.response.answers import responses
from causalopt.measures.response.compression import COMP
from causalopt.measures.response.optimization import OP
from causalopt.model.interface import Model, as_model
from causalopt.model.network import Network
from causalopt.model.selection import Stretch
from causalopt.model.system import System
from causalopt.model.world import World
from causalopt.runs.labels import array_of, column, named, sweep_coords
from causalopt.runs.simulation import gradients
from causalopt.runs.straying import check_assumptions
from causalopt.runs.sweeps import Draws, Over, Sweep

if TYPE_CHECKING:
    import xarray as xr

_MEASURES: Mapping[str, Measure] = {COMP.name: COMP, OP.name: OP}


def every_m(
    of: Model | World[Model],
    A: Nodes,
    n: Nodes,
    *,
    measure: str = "comp",
    steps: int | None = None,
    over: Over | None = None,
    draws: Draws | None = None,
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
    chosen = measure_named(measure)
    asked = Question(of, A, n, steps=steps, over=over, draws=draws)
    asked.model.check_numbers("every_m")
    series = [entry.key for entry in asked.model.series]
    values = responses(asked, chosen, backend, series)
    for place, rows in rows_of(asked.model, asked.held):
        values[place, rows.start : rows.stop] = np.nan
    rows = asked.model.rows(asked.base.steps)
    return _labelled(asked.model, rows, values, asked.sweep, chosen, asked.arguments())


def every_n(
    of: Model | World[Model],
    A: Nodes,
    m: Nodes,
    *,
    measure: str = "comp",
    over: Over | None = None,
    draws: Draws | None = None,
    backend: str = "auto",
) -> xr.DataArray:
    """Comp(A; n, m) or Op(A; n, m) for every n and one node m, in one pass against the arrows.

    For a network (or a world of one): dims (node, *swept). For a system, or a world of one:
    (variable, time, *swept), for n at every step up to that of m, in one pass back along its run;
    where something is swept or drawn it is unrolled, and takes more memory. The numbers are those
    of ``comp`` and ``op`` for each n alone; where n lies in A or has named values, which ``comp``
    refuses, and where m is not downstream of n, they are NaN.

    Swept dims are those of ``over``, and ``draw`` where there are ``draws`` of the noise.

    Raises ``QueryError`` where m is no single node, lies in A, or the world itself carries
    infinitesimal differences; other errors are those of ``comp``.

    >>> from causalopt.language.symbols import variables
    >>> a, b, c, d = variables("a b c d")
    >>> network = Network({b: 2 * a, c: a - b, d: c + 3 * b}, start={a: 1})
    >>> every_n(network, A=b, m=d).values
    array([ 5., nan,  1.,  1.])
    """
    chosen = measure_named(measure)
    as_model(of.model if isinstance(of, World) else of).check_numbers("every_n")
    if over is None and draws is None and _has_time(of):
        return _back_in_time(of, A, m, chosen, backend)
    flat = _flat(of, A, m)
    asked = Question(flat.base, flat.A, None, flat.m, over=over, draws=draws)
    network = flat.base.model
    held = [stretch.key for stretch in asked.held]
    (row,) = asked.place.rows
    check_assumptions([flat.base], network.rows(None), asked.sweep, backend)
    x, y = gradients(flat.base, network.nodes[row], [[], held], asked.sweep, backend)
    values = chosen.function(Ratio.of(x, y))
    # A pass back gives slopes by the codes of named values too, to which nothing can be added.
    named_values = [i for i, at in enumerate(network.nodes) if domain_of(at).why_no_difference()]
    values[[*named_values, *(network.index[key] for key in held)]] = np.nan
    arguments = {"A": nodes_as_text(A), "m": str(m)}
    return _labelled(flat.model, flat.rows, values[flat.places], asked.sweep, chosen, arguments)


def _has_time(of: object) -> bool:
    """Whether it is a system, or a world of one."""
    if isinstance(of, World):
        return of.steps is not None
    return isinstance(of, Model) and of.has_time


def _back_in_time(
    of: Model | World[Model], A: Nodes, m: Nodes, measure: Measure, backend: str
) -> xr.DataArray:
    """The measure for every n, by the derivatives of m along a system's run."""
    model = of.model if isinstance(of, World) else of
    example = model.label(model.series[0].key, 100)
    if isinstance(m, Variable) or len(model.select(m)) != 1 or model.along_rows(m):
        raise QueryError(f"m = {m} is no single node: write {example}.")
    asked = Question(of, A, None, m)
    place = asked.place
    (row,) = place.rows
    rows = range(row + 1)
    check_assumptions([asked.base], rows, asked.sweep, backend)
    linear = linearised(asked.base, backend)
    x, y = (derivatives(linear, place.series, row, held) for held in ((), asked.held))
    values = measure.function(Ratio.of(x, y)).T
    keys = [entry.key for entry in asked.model.series]
    table = values[[linear.keys.index(key) for key in keys]]
    for series, some in rows_of(asked.model, asked.held):
        table[series, some.start : some.stop] = np.nan
    arguments = {"A": nodes_as_text(asked.A), "m": str(asked.m)}
    return _labelled(asked.model, rows, table, asked.sweep, measure, arguments)


@dataclass(frozen=True)
class _Flat:
    """A question about every node, as one about a network.

    ``places`` (series, rows) are the ids of the nodes that the answer is about, in the order in
    which ``model`` has them.
    """

    base: World[Network]
    A: Nodes
    m: Nodes
    model: Model
    rows: range
    places: Ints


@functools.singledispatch
def _flat(of: object, A: Nodes, m: Nodes) -> _Flat:
    raise QueryError("every_n takes a System or a Network, or a world of one.")


@_flat.register
def _(of: Network, A: Nodes, m: Nodes) -> _Flat:
    return _flat(of.world(), A, m)


@_flat.register
def _(of: World, A: Nodes, m: Nodes) -> _Flat:  # type: ignore[type-arg]  # dispatched by its class
    network = of.model
    if of.steps is not None:
        return _flat_steps(of, A, m)
    rows = network.rows(None)
    return _Flat(of, A, m, network, rows, np.arange(len(rows))[None])


@_flat.register
def _(of: System, A: Nodes, m: Nodes) -> _Flat:
    if isinstance(m, Variable):
        raise QueryError(f"m = {m} is no single node: write {m}[100].")
    return _flat_steps(of.world(of.run_length(None, [m])), A, m)


def _flat_steps(of: World[System], A: Nodes, m: Nodes) -> _Flat:
    """A world of a system as a network up to m, and A and m as nodes of it."""
    system = of.model
    if of.effects:
        raise QueryError(
            "every_n sweeps and draws systems by their unrolled steps, and this world has "
            "interventions of its own: make them on the network of its steps, "
            f"system.unroll({of.steps}).world(), or ask without over and draws."
        )
    places = system.select(m, of.steps)
    if isinstance(m, Variable) or len(places) != 1 or places[0].stop != places[0].start + 1:
        raise QueryError(f"m = {m} is no single node: write {system.variables[0]}[100].")
    last = places[0].start
    network = system.unroll(max(last, 1))
    inside = [s for s in system.select(A, of.steps) if s.start <= last]
    held = [NodeSet(_variable(s), s.start, min(s.stop, last + 1)) for s in inside]
    rows = range(last + 1)
    ids = np.array([[network.index[Node(v, i)] for i in rows] for v in system.variables])
    base = network.world(seed=of.seed)
    return _Flat(base, held, Node(_variable(places[0]), last), system, rows, ids)


def _variable(stretch: Stretch) -> Variable:
    """The variable of a stretch of a system's nodes."""
    return cast(Variable, stretch.key)


def measure_named(name: str) -> Measure:
    """The measure of that name."""
    if not is_option(name, _MEASURES):
        raise QueryError(f'measure is {shown(name)}: write measure="comp" or measure="op".')
    return _MEASURES[name]


def _labelled(
    model: Model,
    rows: range,
    values: Array,
    sweep: Sweep,
    measure: Measure,
    arguments: dict[str, str],
) -> xr.DataArray:
    """Values (series, rows, *sweep) with dims (variable, time, ...), or (node, ...)."""
    axis = model.axis(rows)
    coords = sweep_coords(sweep)
    dims = [axis.dim, *sweep.dims]
    variables = [series.name for series in model.series if series.key is not None]
    if variables:
        coords["variable"] = named("variable", variables)
        dims = ["variable", *dims]
    # A network's nodes are one series: it needs no dim of series.
    table = values if variables else values[0]
    attrs = {**measure.attributes(), **arguments}
    return array_of(column(dims, table, attrs), coords, axis, measure.name)
