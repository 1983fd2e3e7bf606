"""Op2: how strongly a part regulates m against nudges at m itself, over the whole course of m."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from causalopt.discovery.target import Target
from causalopt.ground.scaled import Ratio, Scaled
from causalopt.ground.types import Array, Floats
from causalopt.language.symbols import Nodes
from causalopt.measures.question import nodes_as_text
from causalopt.measures.record import Measure
from causalopt.measures.response.optimization import OP
from causalopt.model.interface import Model
from causalopt.model.world import World
from causalopt.runs.labels import array_of, column, sweep_coords
from causalopt.runs.simulation import Want, simulate
from causalopt.runs.straying import check_assumptions
from causalopt.runs.sweeps import Draws, Over, swept

if TYPE_CHECKING:
    import xarray as xr

#: Op2: Op of the whole course, 0 where A does nothing.
OP2 = Measure("op2", "Op2", "nat", 0.0, OP.function, OP.told)


def self_regulation(
    of: Model | World[Model],
    A: Nodes,
    m: Nodes,
    *,
    nudge: str = "sustained",
    steps: int | None = None,
    over: Over | None = None,
    draws: Draws | None = None,
    backend: str = "auto",
) -> xr.DataArray:
    """How strongly A regulates m against a nudge at m itself, summed over the course of m, in nats.

        Op2(A; m) = 1/2 log( sum_t |y_m(t)|^2 / sum_t |x_m(t)|^2 ),    n = m

    The nudge is ``"sustained"``, 1 added to m at every step (a lasting disturbance), or a
    ``"pulse"``, once where m begins. Unlike Op at one step, it is finite at every horizon, since
    y_m starts at 1; it has no infinities where a difference crosses zero or a loop is deadbeat. A
    part that lies on no cycle through m gets exactly 0: observers and drivers of m do not regulate
    it, however strongly they go with it. ``attrs["on_loop"]`` says (0 or 1) whether A does.

    ``of`` is a model, or a world, around which is measured. ``m`` is a variable, or a stretch of
    one, such as R[:1000]; of a network, a node or several, of which the first is nudged by a pulse.
    ``over``, ``draws`` and ``backend`` as for ``comp``: with noise, ``draws=100`` gives the dim
    ``draw``, and ``mean_interval`` of that the mean with its confidence. Returns an array with one
    dim for each swept target. Derivatives are exact and rescaled on the way, so that chaotic
    trajectories are no exception.

    Raises ``QueryError`` where m lies in A, names more than one variable, or has named values, and
    ``EvaluationError`` where a node leaves the finite real numbers.

    >>> from causalopt.language.symbols import variables
    >>> from causalopt.model.system import System
    >>> T, R, seen = variables("T R seen")
    >>> room = System({T: R - 25, R: R - 0.01 * T, seen: R}, start={T: 10, R: 35, seen: 35})
    >>> round(self_regulation(room, T, R[:1000], nudge="pulse").item(), 7)
    1.4903596
    >>> self_regulation(room, seen, R[:1000]).item()
    0.0
    """
    target = Target(of, m, nudge=nudge, steps=steps)
    keys = target.members(A, "A")
    W = target.base
    X = W.nudge(target.nudged)
    Y = X.clamp(A, to=W)
    sweep = swept(target.model, over, draws, W.noises)
    places = [target.model.place(stretch) for stretch in target.stretches]
    rows = [row for place in places for row in place.rows]
    kept = range(rows[0], rows[-1] + 1) if W.steps is not None else rows
    check_assumptions([W], kept, sweep, backend)
    wants = [Want(world, places[0].series, tangent=True) for world in (X, Y)]
    x, y = simulate(wants, kept, sweep, backend, _log_sizes)
    held = {target.whole.place_of(key) for key in keys}
    on_loop = not held.isdisjoint(target.loop)
    # What is on no cycle through m answers to no nudge of it: 0 by the graph, rounding left out.
    values = _log_norm(y) - _log_norm(x) if on_loop else np.zeros(sweep.shape)
    attrs = {
        **OP2.attributes(),
        "A": nodes_as_text(A),
        **target.arguments(),
        "on_loop": int(on_loop),
    }
    return array_of(column(sweep.dims, values, attrs), sweep_coords(sweep), None, OP2.name)


def _log_sizes(numbers: list[Scaled]) -> Array:
    """log |d| of each, minus infinity where there is no difference."""
    one = Scaled.of(np.ones_like(numbers[0].mantissa))
    return np.stack([Ratio.of(number, one).log_size() for number in numbers])


def _log_norm(log_sizes: Floats) -> Floats:
    """1/2 log of the sum of squares over the rows."""
    total: Floats = np.logaddexp.reduce(2.0 * log_sizes, axis=0) / 2.0
    return total
