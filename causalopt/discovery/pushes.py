"""Authority: what a lasting push at each variable does to m in the end; who holds the aim."""

from __future__ import annotations

from typing import TYPE_CHECKING

import networkx as nx
import numpy as np

from causalopt.discovery.target import Target
from causalopt.ground.errors import QueryError
from causalopt.ground.types import Floats, Ints
from causalopt.language.symbols import Nodes
from causalopt.linearisation.gates import GatedNudge
from causalopt.linearisation.still import still_world
from causalopt.measures.question import nodes_as_text
from causalopt.model.interface import Model, as_model
from causalopt.model.template import is_inner
from causalopt.model.world import World

if TYPE_CHECKING:
    import xarray as xr

# The part that rounding may leave of a zero, of the sizes of all that was added up to it.
_ROUNDING = 1e-13


def authority(of: Model | World[Model], m: Nodes, *, steps: int | None = None) -> xr.DataArray:
    """What a lasting push of 1 at each variable does to m in the end.

    Shares say who closes the loops that regulate m; authority says who holds the aim: where a push
    at a moves m to stay, m is held to what a says. The push is added at every step; where rates of
    change were declared (``from_ode``), to the rate, so that it is per unit of time:

        authority(a) = G_ma(1), times dt for rates,

    with G(1) the answer of a linear system, or one at a fixed point, to what lasts for good (its
    gain at frequency 0). With ``steps``, or where ``of`` is a world, the push lasts from the start
    of the run to its end instead, and the effect is that on the last node of m: sum_t dm/da(t); so
    it is told of any trajectory, and of a network, where it is dm/da.

    Returns an array along ``variable``. Perfect integral feedback shows as zeros: nothing but the
    integrator's own nodes moves m for good. Raises ``QueryError`` where there is no answer that
    lasts (a growing mode, or one that neither grows nor dies out), and no ``steps``.

    >>> from causalopt.language.symbols import variables
    >>> from causalopt.model.system import System
    >>> e, x = variables("e x")
    >>> held = System({e: e + x - 1, x: x / 2 - e / 4}, start={e: -2, x: 1})
    >>> authority(held, x).values.round(12)  # of the integral, and of x itself
    array([-1.,  0.])
    """
    import xarray as xr

    whole_time = steps is None and not isinstance(of, World)
    for_good = whole_time and as_model(of).has_time
    target = Target(of, m, steps=1 if for_good else steps)
    whole = target.whole
    shown = np.flatnonzero(whole.declared)
    values = _for_good(of, target, shown) if for_good else _along(target, shown)
    rated = [whole.members[place] in target.model.rated for place in shown]
    values = np.where(rated, values * target.model.time_of(1), values)
    names = [whole.names[place] for place in shown]
    attrs = {"long_name": "authority", "m": nodes_as_text(m), "neutral": 0.0}
    return xr.DataArray(values, {"variable": names}, ["variable"], "authority", attrs)


def _for_good(of: Model | World[Model], target: Target, shown: Ints) -> Floats:
    """What pushes that last do to m: a row of N(1)^-1, by one solution of its transpose."""
    still = still_world(of)
    own = still.linear.place_of(target.stretches[0].key)
    # What does not come to m has no say, nor a mode of its own.
    upstream = nx.ancestors(still.linear.graph, own) | {own}
    still = still.only(upstream)
    still.check_stable()
    linear, unit = still.linear, np.zeros(len(still.linear.keys))
    unit[linear.keys.index(target.stretches[0].key)] = 1.0
    try:
        worth = _solved(still.delays(1.0).real.T, unit)
    except np.linalg.LinAlgError:
        raise QueryError(
            "A mode neither grows nor dies out, so that a push that lasts has no end: say how long "
            "it lasts, with steps=1000."
        ) from None
    return worth[still.ends_of(shown.tolist())].astype(np.float64)


def _solved(matrix: Floats, right: Floats) -> Floats:
    """The solution, 0 where no more than rounding is left, whatever the unit of each number.

    An entry is off by eps |M^-1| |M| |solution| (Skeel 1979), which has its own unit: beside the
    largest of all, what moves m little in the units of another would be lost.
    """
    inverse = np.linalg.inv(matrix)
    solution = inverse @ right
    # Once more of what is left, so that each row is solved as well as its own sizes allow.
    solution = solution + inverse @ (right - matrix @ solution)
    sizes = np.abs(inverse) @ (np.abs(matrix) @ np.abs(solution))
    return np.where(np.abs(solution) > _ROUNDING * sizes, solution, 0.0)


def _along(target: Target, shown: Ints) -> Floats:
    """What pushes along the run do to the last node of m."""
    whole = target.whole
    gated = GatedNudge(
        whole, target.places, target.rows, target.nudges, np.empty(0, dtype=np.int64)
    )
    worth = gated.worth_of_pushes()
    own = [not is_inner(key) for key in whole.keys]
    found = np.bincount(whole.owners[own], worth[own], len(whole.members))
    return found[shown].astype(np.float64)
