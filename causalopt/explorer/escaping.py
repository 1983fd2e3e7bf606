"""How chains escape from an interval: by each step, in the mean, and at which rate."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from causalopt.explorer.chains import Chains, close_at_first, spread_of
from causalopt.explorer.charts import Trace, charted
from causalopt.explorer.setting import Setting
from causalopt.ground.errors import CausaloptError
from causalopt.transport.escape import (
    Refined,
    escape_probability,
    escape_rate,
    mean_escape_time,
)
from causalopt.transport.transfer import TransferOperator

#: The ends of an interval.
Ends = tuple[float, float]
# The cells in which the ends of a basin are looked for.
_CELLS = 1000


def watched(setting: Setting) -> Ends | None:
    """The interval whose escape is asked about: what the page says, else the basin of the start.

    That reaches to where the mean step turns away, and on a side without such a place as far as
    chains came; None where there is none on either side, and nothing is said.
    """
    spread, opened = spread_of(setting), setting.screen.opened
    low, high = opened.low, opened.high
    if low is None or high is None:
        basin = _basin(spread)
        if basin == spread.wide and low is None and high is None:
            return None
        low, high = basin[0] if low is None else low, basin[1] if high is None else high
    return low, high


def _basin(spread: Chains) -> Ends:
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


def escape_told(setting: Setting) -> dict[str, object]:
    """The probability to have left the interval by each of some steps, as a chart; or none."""
    spread, inside = spread_of(setting), watched(setting)
    if inside is None:
        return {"chart": None}
    counts = close_at_first(setting.screen.steps or 1)
    found = escape_probability(spread.system, inside, counts)
    chart = charted(
        "escaped",
        f"Out of {inside[0]:.4g} < {spread.variable} < {inside[1]:.4g}",
        found["steps"].values.astype(np.float64),
        [Trace("escaped", "op", found["escaped"].values)],
        x_label="time [steps]",
        y_label="probability",
        note=f"to within {float(found['error'].max()):.2g}",
    )
    return {"chart": chart.content()}


def times_told(setting: Setting) -> dict[str, object]:
    """The mean time to leave, and the rate in the long run, each with its error; or why not."""
    spread, inside = spread_of(setting), watched(setting)
    if inside is None:
        return {"rows": []}
    return {
        "rows": [_row(words, functools.partial(a, spread.system, inside)) for words, a in _NUMBERS]
    }


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
