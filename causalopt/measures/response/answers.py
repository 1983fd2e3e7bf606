"""Answers: what a difference at n becomes at m, in X and in Y, and the measure of their ratio."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, cast

import numpy as np

from causalopt.ground.errors import QueryError
from causalopt.ground.scaled import Ratio, Scaled, stacked
from causalopt.ground.types import Array, Bools, Floats
from causalopt.language.symbols import Node, Variable
from causalopt.measures.question import Question
from causalopt.measures.record import Measure
from causalopt.model.selection import Key
from causalopt.model.wiring import downstream_over_time, is_downstream
from causalopt.runs.labels import array_of, column, in_single, sweep_coords
from causalopt.runs.masking import Masked, OnFailure, computed
from causalopt.runs.reading import Read, in_form, ratios_of
from causalopt.runs.simulation import Want, simulate, simulate_ratios
from causalopt.runs.straying import check_assumptions
from causalopt.runs.sweeps import Sweep

if TYPE_CHECKING:
    import xarray as xr


def answer(
    asked: Question, measure: Measure, backend: str, on_failure: OnFailure = "raise"
) -> xr.DataArray:
    """A measure of (dx_m/dn) / (dy_m/dn), with dims time (where m is over time) and sweep."""

    def compute(sweep: Sweep, in_words: bool) -> Array:
        series = [asked.place.series]
        (values,) = responses(asked, measure, backend, series, sweep=sweep, in_words=in_words)
        if asked.by is not None and np.isnan(values).any():
            _refuse_lost(asked, sweep, backend)
        return cast(Array, values if asked.over_rows else values[0])

    return labelled(asked, measure, computed(asked.sweep, compute, on_failure))


def responses(
    asked: Question,
    measure: Measure,
    backend: str,
    series: list[Key],
    *,
    sweep: Sweep | None = None,
    in_words: bool = True,
) -> Array:
    """What is measured of the ratio of responses, (series, rows, *sweep).

    By tangents, or by a finite difference at n where the question has a delta. At a part of what is
    swept, where one is named; an error of the run is explained ``in_words``, or told.
    """
    W, X, Y = asked.worlds()
    sweep = asked.sweep if sweep is None else sweep
    worlds = [W] if asked.by is None else [W, X]
    check_assumptions(worlds, asked.rows, sweep, backend, in_words=in_words)

    of_ratios = _of_each(measure.function)
    if asked.by is None:
        pairs = [(Want(X, key, tangent=True), Want(Y, key, tangent=True)) for key in series]
        run, told = (pairs, asked.rows, sweep, backend), measure.told
        if told is None:
            return simulate_ratios(*run, ratios_of, of_ratios, in_words=in_words)
        reading = functools.partial(in_form, told.form)
        return simulate_ratios(*run, reading, _of_each(told.function), in_words=in_words)

    def of_differences(numbers: list[Scaled]) -> Array:
        return of_ratios([Ratio.of(*_differences(*some)) for some in _in_threes(numbers)])

    wants = [Want(world, key) for key in series for world in (W, X, Y)]
    return simulate(wants, asked.rows, sweep, backend, of_differences, in_words=in_words)


def _refuse_lost(asked: Question, sweep: Sweep, backend: str) -> None:
    """Raise ``QueryError`` where a finite difference is lost at n already: 0/0 says nothing there.

    It is told apart from the 0/0 of a wall, or of an m that is not downstream.
    """
    W, X, _ = asked.worlds()
    key, (row, *_) = asked.place_of_n.key, asked.model.place(asked.place_of_n).rows
    wants = [Want(world, key) for world in (W, X)]
    plain, moved = simulate(wants, range(row, row + 1), sweep, backend, stacked)
    lost = np.asarray(plain == moved)
    if lost.any():
        raise QueryError(
            f"delta is {asked.by:g}, which is lost beside {asked.n} = {plain[lost][0]:g}, where "
            f"floats are {np.spacing(abs(plain[lost][0])):.2g} apart: write a larger one, or leave "
            "delta out, for the exact derivative."
        )


def _of_each(function: Callable[[Read], Array]) -> Callable[[list[Read]], Array]:
    """The measure of each series that is read, one after the other along a new first axis."""

    def measured(those: list[Read]) -> Array:
        measures = [function(one) for one in those]
        # Most questions ask about one series: that needs no copy.
        return measures[0][None] if len(measures) == 1 else np.stack(measures)

    return measured


def both_sides(asked: Question, backend: str, key: Key) -> Floats:
    """The responses of a series in X and in Y, (2, rows, *sweep), by a difference as it is."""
    W, X, Y = asked.worlds()
    if asked.by is None:
        check_assumptions([W], asked.rows, asked.sweep, backend)
        wants = [Want(world, key, tangent=True) for world in (X, Y)]
        return simulate(wants, asked.rows, asked.sweep, backend, stacked)
    check_assumptions([W, X], asked.rows, asked.sweep, backend)
    return simulate(
        [Want(world, key) for world in (W, X, Y)],
        *(asked.rows, asked.sweep, backend, lambda numbers: stacked(_differences(*numbers))),
    )


def _in_threes(numbers: list[Scaled]) -> list[list[Scaled]]:
    return [numbers[i : i + 3] for i in range(0, len(numbers), 3)]


def _differences(w: Scaled, x: Scaled, y: Scaled) -> tuple[Scaled, Scaled]:
    """The finite differences, x - w and y - w."""
    # As floats: a difference of two runs knows no digits below the rounding of w.
    at_w = w.plain()
    return Scaled.of(x.plain() - at_w), Scaled.of(y.plain() - at_w)


def _saturated(asked: Question, is_undefined: Bools) -> int:
    """How many of the 0/0 are at nodes downstream of n, by the wiring of the model."""
    if not is_undefined.any() or asked.n is None:
        return 0
    wiring, source = asked.model.wiring(asked.model.memory), asked.place_of_n
    if asked.base.steps is not None:
        node, target = Node(cast(Variable, source.key), source.start), asked.place.series
        rows = range(asked.rows[0], asked.rows[-1] + 1)
        every = downstream_over_time(wiring, node, cast(Variable, target), rows)
        reached = every[[rows.index(row) for row in asked.rows]]
    else:
        reached = np.array([is_downstream(wiring, source.key, asked.key_of_m)])
    shape = (-1, *[1] * (is_undefined.ndim - 1)) if asked.over_rows else ()
    return int((is_undefined & reached.reshape(shape)).sum())


def labelled(
    asked: Question, measure: Measure, found: Masked, own: Sequence[str] = ()
) -> xr.DataArray:
    """A measure's values with dims time (where m is over time) and one per swept target.

    What a measure has several of comes last, along dims of its ``own``.

    ``undefined`` counts the 0/0, ``saturated`` those of them where m is downstream of n by the
    graph, and still nothing reaches it; ``infinite`` counts the x/0 and 0/y. Where failures are
    masked, the coordinate ``failed`` says of which points, and its attributes why.
    """
    values = found.values
    # A sum is finite only where all its terms are.
    with np.errstate(invalid="ignore", over="ignore"):
        all_finite = bool(np.isfinite(np.sum(values)))
    undefined = np.zeros((), dtype=bool)
    if not all_finite:
        undefined = np.isnan(values) & ~found.failed_along(len(own))
    attrs = {
        **measure.attributes(),
        "delta": "exact" if asked.by is None else asked.by,
        **asked.arguments(),
        **in_single(asked.model),
        "undefined": int(undefined.sum()),
        "saturated": _saturated(asked, undefined),
        "infinite": 0 if all_finite else int(np.isinf(values).sum()),
    }
    axis = asked.model.axis(asked.rows) if asked.over_rows else None
    dims = [*([] if axis is None else [axis.dim]), *asked.sweep.dims, *own]
    numbers = column(dims, values, attrs)
    coords = {**sweep_coords(asked.sweep), **found.labelled(asked.sweep)}
    return array_of(numbers, coords, axis, measure.name)
