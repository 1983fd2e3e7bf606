"""Values of a run that contradict what is assumed of their symbols: told, in place of returned.

A formula was simplified by what is assumed of its symbols, so that a value which leaves that was
followed by a formula that is not the one that was written.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from causalopt.ground.errors import EvaluationError
from causalopt.ground.scaled import stacked
from causalopt.ground.types import Array
from causalopt.model.interface import Model, Series
from causalopt.model.lettering import letters
from causalopt.model.world import World
from causalopt.runs.simulation import Rows, Want, simulate
from causalopt.runs.sweeps import Sweep

# A measure looks at every step of a run that has no more numbers than this; else at those it keeps.
_MOST = 1 << 24


def refuse_straying(
    model: Model, series: Sequence[Series], names: Sequence[str], rows: Rows, sweep: Sweep,
    values: Sequence[Array],
) -> None:  # fmt: skip
    """Raise ``EvaluationError`` for the first value that is assumed not to be.

    ``values`` are those of each series, (worlds, rows, *sweep), of the worlds of these ``names``.
    """
    for entry, table in zip(series, values, strict=True):
        by_point = table.reshape(len(names), len(rows), -1)
        for place, domain in model.limited(entry):
            kept = (
                range(len(rows)) if place is None else [i for i, r in enumerate(rows) if r == place]
            )
            part = by_point[:, kept]
            stray = domain.strays(part)
            if stray is None:
                continue
            world, row, point = map(int, np.unravel_index(stray[0], part.shape))
            node = model.node(entry.key, rows[kept[row]])
            raise EvaluationError(
                f"{node} is {part.flat[stray[0]]:.6g} in the world {names[world]}"
                f"{sweep.describe(point)}, and is assumed to be {stray[1]}: formulas were "
                "simplified by that. Declare it without, or bound it with Max, Min or Piecewise."
            )


def check_assumptions(
    worlds: Sequence[World[Model]],
    rows: Rows,
    sweep: Sweep,
    backend: str,
    *,
    in_words: bool = True,
) -> None:
    """The same for worlds whose values are not asked for, such as those of a measure."""
    model, steps = worlds[0].model, worlds[0].steps
    series = [entry for entry in model.series if model.limited(entry)]
    if not series:
        return
    everything = model.rows(steps)
    if len(series) * len(worlds) * len(everything) * (sweep.points or 1) <= _MOST:
        rows = everything
    wants = [Want(world, entry.key) for entry in series for world in worlds]
    values = simulate(wants, rows, sweep, backend, stacked, in_words=in_words)
    tables = list(values.reshape(len(series), len(worlds), *values.shape[1:]))
    refuse_straying(model, series, letters(worlds), rows, sweep, tables)
