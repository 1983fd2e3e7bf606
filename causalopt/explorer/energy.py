"""Chains upon an energy landscape, and what drives them: a number that follows from a named state.

So it is in annealing: the energy ``E`` follows from the state alone, and the temperature from time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from causalopt.explorer.charts import Chart, Trace, charted
from causalopt.explorer.setting import Setting, can_differ, variable_of
from causalopt.ground.errors import QueryError
from causalopt.language.finite_variables import Finite
from causalopt.language.symbols import Label, Node, Noise, Variable
from causalopt.model.interface import Model
from causalopt.model.system import System
from causalopt.model.world import World
from causalopt.runs.results import run

if TYPE_CHECKING:
    import xarray as xr

#: How many chains are run where the page names no number, and the most states of a landscape.
CHAINS, MOST_STATES = 100, 200
# So many moments of a run are shown; higher than this is what a chain never enters.
_MOMENTS, _FORBIDDEN = 100, 1e290


@dataclass(frozen=True)
class Heights:
    """The variable whose values are states, the number over them, and what time alone drives."""

    state: Finite
    energy: Variable
    driven: tuple[Variable, ...]


def heights_of(model: Model) -> Heights | None:
    """The landscape of a model with noise, where a number follows from one named state alone.

    >>> from causalopt.distributions import Enthalpies
    >>> from causalopt.language.finite_variables import finite
    >>> from causalopt.processes.cooling import annealing
    >>> from causalopt.processes.moves import Steps
    >>> spot = finite("spot", ["a", "b"])
    >>> H = Enthalpies.of(spot, {"a": 1.0, "b": 0.0})
    >>> heights_of(annealing(H, Steps.of([("a", "b")]), 0.5, start={spot: "a"}))
    Heights(state=spot, energy=E, driven=(T,))
    """
    if not model.has_time or not model.noises:
        return None
    wiring = model.wiring(1)
    own = [n for n in wiring.parents if isinstance(n, Node) and n.step == 1 and can_differ(n)]
    driven = [n for n in own if not wiring.parents[n] and not _is_drawn(wiring.inputs[n])]
    for node in own:
        state = _only_state(wiring.parents[node])
        if state is not None and state.size <= MOST_STATES:
            return Heights(state, node.variable, tuple(n.variable for n in driven))
    return None


def _only_state(parents: tuple[Label, ...]) -> Finite | None:
    """The one variable with named values, of the same step, that a node follows from."""
    if len(parents) != 1 or not isinstance(parents[0], Node) or parents[0].step != 1:
        return None
    variable = parents[0].variable
    return variable if isinstance(variable, Finite) else None


def _is_drawn(inputs: tuple[Label, ...]) -> bool:
    return any(isinstance(variable_of(symbol), Noise) for symbol in inputs)


def energy_of(setting: Setting) -> dict[str, object]:
    """The landscape, the share of chains in each state at some moments, and what drives them."""
    found = heights_of(setting.model)
    if found is None:
        raise QueryError("This model has no number that follows from one named state alone.")
    draws = setting.screen.draws or CHAINS
    chains = run(setting.W, draws=draws, keep=kept_every(setting)).sel(world="W")
    places = chains[str(found.state)].transpose("time", "draw").values.astype(np.int64)
    counts = [np.bincount(row, minlength=found.state.size) for row in places]
    heights = landscape_of(setting, found)
    return {
        "state": str(found.state),
        "energy": str(found.energy),
        "names": [str(value) for value in found.state.values],
        "heights": [h if abs(h) < _FORBIDDEN else None for h in heights],
        "times": chains.time.values.tolist(),
        "shares": [(row / draws).tolist() for row in counts],
        "draws": draws,
        "charts": [chart.content() for chart in _charts(found, chains)],
    }


def kept_every(setting: Setting) -> int:
    """How many steps lie from one moment that is shown to the next."""
    return max(1, -(-(setting.screen.steps or 1) // _MOMENTS))


def landscape_of(setting: Setting, found: Heights) -> list[float]:
    """The number over each state: what a step gives where the state is set to it."""
    W = World(cast(System, setting.model), 1)
    worlds = [W.do(found.state[1], value) for value in found.state.values]
    labels = [str(place) for place in range(len(worlds))]
    data = run(*worlds, labels=labels, keep=found.energy[1])[str(found.energy)]
    heights: list[float] = data.isel(time=0).values.reshape(-1).tolist()
    return heights


def _charts(found: Heights, data: xr.Dataset) -> list[Chart]:
    """What time drives, and the number that the chains have, over time."""
    time = data.time.values
    charts = [
        charted(
            f"driven {name}",
            f"{name} over time",
            time,
            [Trace(str(name), "X", data[str(name)].isel(draw=0).values)],
            x_label="time [steps]",
            y_label=str(name),
        )
        for name in found.driven
    ]
    energy = data[str(found.energy)]
    low, middle, high = (energy.quantile(q, "draw").values for q in (0.1, 0.5, 0.9))
    traces = [
        Trace("median", "op", middle),
        Trace("10 %", "band", low),
        Trace("90 %", "band", high),
    ]
    energies = charted(
        "energies",
        f"{found.energy} of the chains",
        time,
        traces,
        x_label="time [steps]",
        y_label=str(found.energy),
    )
    return [*charts, energies]
