"""Loop coupling: how much of a nudge comes back by way of another variable, at each frequency."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from causalopt.ground import checks
from causalopt.ground.errors import QueryError
from causalopt.ground.memory import refuse_what_does_not_fit
from causalopt.ground.types import Complexes, Floats, Ints
from causalopt.linearisation.still import Still, frequencies_of, still_world
from causalopt.model.interface import Model
from causalopt.model.world import World

if TYPE_CHECKING:
    import xarray as xr


def loop_coupling(
    of: Model | World[Model],
    *,
    at: npt.ArrayLike | None = None,
    steps: int | None = None,
    period: int = 1,
) -> xr.DataArray:
    """How strongly each pair of variables is coupled by loops, at each frequency (complex).

    With G(z) what a unit at one node becomes at another,

        Gamma(a, b) = 1 - Y_bb / G_bb = G_ab G_ba / (G_aa G_bb),

    where Y is with a held: the part of the answer of b to a nudge at itself that goes through a. A
    single clamp follows from it: Comp(a; b, b) = 1 / (1 - Gamma(a, b)). It is symmetric: for a
    nudge at itself a steers b exactly as strongly as b steers a, frequency by frequency. (Under a
    Runge-Kutta method, holding a holds the stages of its steps too: the first form is used, and
    the two directions differ by what happens inside a step.) One matrix inverse a frequency serves
    all pairs. 0 where no loop goes through both.

    ``at`` are frequencies in radians per unit of time; 256 of them, from well below the slowest
    mode to pi/dt, evenly by logarithm, if left out. Returns an array with dims (frequency,
    variable, other), ``variable`` the one that is held; Gamma(a, a) is 1. On a cycle of ``period``
    steps, where the world starts, differences are told once a round. With ``steps`` it is told in
    time, from 0 to that step, with dims (time, variable, other): what of a unit at the other comes
    back by way of the variable after so many steps, the impulse response of Gamma(z), whose sum is
    Gamma at rest. Raises ``QueryError``
    where a mode grows, values move along the run, or there is no time.

    >>> from causalopt.language.symbols import variables
    >>> from causalopt.model.system import System
    >>> T, R, seen = variables("T R seen")
    >>> room = System({T: R, R: R / 2 - T / 4, seen: R}, start={T: 0, R: 0, seen: 0})
    >>> found = loop_coupling(room, at=0.0).sel(frequency=0.0, other="R")
    >>> found.values.real.round(4)  # 1 - 1/Comp: Comp is (1/2)/(1/2 + 1/4)
    array([-0.5,  1. ,  0. ])
    """
    import xarray as xr

    still = _on_loops(still_world(of, period))
    still.check_stable()
    shown = np.flatnonzero(still.linear.declared)
    names = [still.linear.names[place] for place in shown]
    attrs = {"long_name": "loop coupling", "symbol": "Gamma", "neutral": 0.0}
    sides: dict[str, object] = {"variable": names, "other": names}
    if steps is not None:
        if at is not None:
            raise QueryError("at asks for frequencies, and steps for a course in time: write one.")
        count = checks.whole(steps, "steps", 1)
        course = _in_time(still, count, shown)
        coords = {"time": np.arange(count + 1) * still.dt, **sides}
        return xr.DataArray(course, coords, ["time", *sides], "coupling", attrs)
    frequencies = frequencies_of(at, still)
    table = _table(still, still.z_at(frequencies), shown)
    coords = {"frequency": frequencies, **sides}
    return xr.DataArray(table, coords, ["frequency", *sides], "coupling", attrs)


def _table(still: Still, z: Complexes, shown: Ints) -> Complexes:
    """Gamma at several z, (z, members, members)."""
    count = len(shown)
    refuse_what_does_not_fit(
        16 * (len(z) * count**2 + 4 * len(still.linear.keys) ** 2),
        f"A table of {count:,} by {count:,} couplings at {len(z):,} points",
        "Ask at fewer frequencies, with at=, or for fewer steps.",
    )
    return np.stack([coupled(still, still.response(point), shown) for point in z])


def _in_time(still: Still, steps: int, shown: Ints) -> Floats:
    """The impulse response of Gamma, (steps + 1, members, members), by a sum around a circle.

    Outside all poles: those of Gamma are modes with one variable held. So wide, and of so many
    points, that what comes after the steps is beyond rounding.
    """
    held = [np.abs(still.modes([int(member)])) for member in shown]
    largest = max(1.0, *(float(sizes.max(initial=0.0)) for sizes in held))
    points = 4 << steps.bit_length()
    radius = largest * 10.0 ** (12.0 / points)
    z = radius * np.exp(2j * np.pi * np.arange(points) / points)
    course = np.fft.ifft(_table(still, z, shown), axis=0)[: steps + 1].real
    grown: Floats = course * radius ** np.arange(steps + 1)[:, None, None]
    return grown


def _on_loops(still: Still) -> Still:
    """The same with the edges alone that are part of loops: no other has a say in couplings."""
    linear = still.linear
    loops = linear.loops[linear.owners]
    inside = loops[linear.sources] == loops[linear.targets]
    return still.with_edges(inside)


def coupled(still: Still, response: Complexes, members: Ints) -> Complexes:
    """Gamma (members, members) at one z, by what differences become there, (nodes, nodes)."""
    ends = still.ends_of(members.tolist())
    between = response[np.ix_(ends, ends)]
    own = np.diagonal(between)
    loops = still.linear.loops[members]
    together = loops[:, None] == loops
    # As products, where a variable is one node: that is symmetric to the last digit.
    products = between * between.T
    for row, member in enumerate(members):
        inside = still.nodes_of([int(member)])
        if len(inside) > 1:
            out, back = response[np.ix_(ends, inside)], response[np.ix_(inside, ends)]
            answer = np.linalg.solve(response[np.ix_(inside, inside)], back)
            products[row] = (out * answer.T).sum(axis=1)
        else:
            products[row] /= own[row]
    with np.errstate(divide="ignore", invalid="ignore"):
        gamma = np.where(own == 0, complex(np.inf, 0.0), products / own)
    # What no loop joins is not coupled: all else there is rounding.
    gamma = np.where(together, gamma, 0.0)
    np.fill_diagonal(gamma, 1.0)
    return gamma
