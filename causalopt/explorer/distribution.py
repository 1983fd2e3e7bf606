"""Where chains of a noisy step go: their distribution over time, where it settles, how it escapes.

Of a system that a transfer operator can be made of, such as stochastic descent: one variable of
numbers carries its state, and the noise of a step has finitely many outcomes.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from causalopt.explorer.charts import Trace, charted
from causalopt.explorer.setting import Setting, can_differ
from causalopt.ground.errors import CausaloptError, QueryError, nearest
from causalopt.ground.types import Floats, Ints
from causalopt.language.symbols import Variable
from causalopt.model.interface import Model
from causalopt.model.system import System
from causalopt.runs.results import run
from causalopt.transport.chance import branches
from causalopt.transport.escape import (
    Refined,
    escape_probability,
    escape_rate,
    mean_escape_time,
    quasi_stationary,
    stationary,
)
from causalopt.transport.transfer import TransferOperator

if TYPE_CHECKING:
    import xarray as xr

#: How many chains are run where the page names no number, and into how many bars they fall.
CHAINS, BARS = 1000, 60
#: So many steps of a run are kept at most, and so many moments shown.
_KEPT, MOMENTS = 2000, 100
# So much room is left beside what was visited.
_ROOM = 0.05
# The cells in which the ends of a basin are looked for.
_CELLS = 1000


def spreading(model: Model) -> Variable | None:
    """The one variable that carries the state, where a transfer operator tells how it spreads.

    >>> from causalopt.language.symbols import variables
    >>> from causalopt.processes.descent import gradient_descent, sgd
    >>> (W,) = variables("W")
    >>> spreading(sgd([(W - 1) ** 2, (W + 1) ** 2], W, 0.1, start={W: 0}))
    W
    >>> spreading(gradient_descent(W**2, W, 0.1, start={W: 1}))
    """
    if not model.has_time or not model.noises:
        return None
    with contextlib.suppress(CausaloptError):
        state, _ = branches(cast(System, model))
        if len(state) == 1 and can_differ(state[0]):
            return state[0]
    return None


@dataclass(frozen=True)
class Chains:
    """Chains of a setting: ``values`` (time, draw) at each ``every``-th step, which are kept."""

    system: System
    variable: Variable
    times: Floats
    values: Floats
    every: int
    draws: int

    @functools.cached_property
    def wide(self) -> tuple[float, float]:
        """From where to where they came, and a little more on both sides."""
        low, high = float(self.values.min()), float(self.values.max())
        room = _ROOM * (high - low) or 1.0
        return low - room, high + room

    @property
    def edges(self) -> Floats:
        """The ends of the bars."""
        return np.linspace(*self.wide, BARS + 1)

    @property
    def moments(self) -> Ints:
        """The rows that are shown: the first ones lie close, since much happens soon."""
        return close_at_first(len(self.times)) - 1


@functools.lru_cache(maxsize=2)
def spread_of(setting: Setting) -> Chains:
    """The chains of a setting; ``QueryError`` of a model that has no such view."""
    variable = spreading(setting.model)
    steps = setting.screen.steps
    if variable is None or steps is None:
        raise QueryError(
            "This model has no state of one number that is moved by finitely many chances."
        )
    every, draws = max(1, -(-steps // _KEPT)), setting.screen.draws or CHAINS
    chains = run(setting.W, draws=draws, keep=every)[str(variable)].sel(world="W")
    values = chains.transpose("time", "draw").values
    system = cast(System, setting.model)
    return Chains(system, variable, chains.time.values, values, every, draws)


def watched(setting: Setting) -> tuple[float, float]:
    """The interval whose escape is asked about: what the page says, else the basin of the start.

    That reaches to where the mean step turns away on both sides, and else as far as chains came.
    """
    spread, opened = spread_of(setting), setting.screen.opened
    low, high = _basin(spread) if None in (opened.low, opened.high) else (0.0, 0.0)
    return (
        low if opened.low is None else opened.low,
        high if opened.high is None else opened.high,
    )


def _basin(spread: Chains) -> tuple[float, float]:
    """The places beside the start from which the mean step leads away from it, in three digits."""
    low, high = spread.wide
    operator = TransferOperator.of(spread.system, spread.wide, _CELLS)
    places = operator.axes[0]
    step = operator.backward(places) - places
    # Beside the ends, from where a step may lead out, the mean is not known.
    step[operator.left > 0] = np.nan
    turns = (step[:-1] < 0) & (step[1:] >= 0)
    tops = np.array([float(f"{top:.3g}") for top in places[:-1][turns]])
    start = spread.system.start_values[spread.variable]
    return (
        float(max(tops[tops < start], default=low)),
        float(min(tops[tops > start], default=high)),
    )


def distribution_of(setting: Setting, part: object) -> dict[str, object]:
    """One part of the view, as JSON holds it: the chains, where they settle, or how they escape."""
    tell = _PARTS.get(str(part))
    if tell is None:
        raise QueryError(f"The view has no part {part!r}." + nearest(str(part), _PARTS))
    return tell(setting)


def chains_told(setting: Setting) -> dict[str, object]:
    """Densities of the chains in bars, at each of the moments."""
    spread = spread_of(setting)
    rows = spread.moments
    bars = [np.histogram(spread.values[k], spread.edges, density=True)[0] for k in rows]
    return {
        "name": str(spread.variable),
        "times": spread.times[rows].tolist(),
        "edges": spread.edges.tolist(),
        "bars": [heights.tolist() for heights in bars],
        "draws": spread.draws,
        "watched": list(watched(setting)),
    }


def settled_told(setting: Setting) -> dict[str, object]:
    """The stationary density, and that of what has stayed in the interval for long, in the bars."""
    spread, inside = spread_of(setting), watched(setting)
    asked: list[tuple[str, Callable[[], xr.DataArray]]] = [
        ("stationary", lambda: stationary(spread.system, spread.wide))
    ]
    if inside != spread.wide:
        asked.append(("stays", lambda: quasi_stationary(spread.system, inside)))
    lines: list[dict[str, object]] = []
    notes: list[str] = []
    for role, find in asked:
        try:
            lines.append({"role": role, "values": in_bars(find(), spread.edges).tolist()})
        except CausaloptError as error:
            notes.append(str(error))
    return {"lines": lines, "notes": notes}


def in_bars(density: xr.DataArray, edges: Floats) -> Floats:
    """The mean density in each bar of one that is known on a finer grid."""
    places = density[density.dims[0]].values
    cell = float(places[1] - places[0])
    mass: Floats = np.histogram(places, edges, weights=density.values * cell)[0]
    return mass / np.diff(edges)


def escape_told(setting: Setting) -> dict[str, object]:
    """The probability to have left the interval by each moment, the mean time, and the rate."""
    spread, inside = spread_of(setting), watched(setting)
    counts = close_at_first(setting.screen.steps or 1)
    found = escape_probability(spread.system, inside, counts)
    times = found["steps"].values.astype(np.float64)
    chart = charted(
        "escaped",
        f"Out of {inside[0]:.4g} < {spread.variable} < {inside[1]:.4g}",
        times,
        [Trace("escaped", "op", found["escaped"].values)],
        x_label="time [steps]",
        y_label="probability",
        note=f"to within {float(found['error'].max()):.2g}",
    )
    rows = [_row(words, functools.partial(a, spread.system, inside)) for words, a in _NUMBERS]
    return {"chart": chart.content(), "rows": rows}


def close_at_first(last: int) -> Ints:
    """Some whole numbers from 1 to the last one, by equal ratios.

    >>> close_at_first(1000)[-3:]
    array([ 870,  933, 1000])
    """
    return np.unique(np.geomspace(1, last, MOMENTS).round().astype(np.int64))


def _row(words: str, ask: Callable[[], Refined]) -> dict[str, object]:
    """A number with its error; or why there is none."""
    try:
        return {"words": words, "value": str(ask()), "why": ""}
    except CausaloptError as error:
        return {"words": words, "value": "", "why": str(error)}


_NUMBERS = (
    ("mean time to leave [steps]", mean_escape_time),
    ("rate in the long run [1/step]", escape_rate),
)


_PARTS = {"chains": chains_told, "settled": settled_told, "escape": escape_told}
