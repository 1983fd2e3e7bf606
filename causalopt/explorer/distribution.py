"""Where the chains of a noisy step go: their distribution over time, and where they settle."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from causalopt.explorer.chains import Chains, spread_of
from causalopt.explorer.escaping import Ends, escape_told, times_told, watched
from causalopt.explorer.setting import Setting
from causalopt.ground.errors import CausaloptError, QueryError, nearest
from causalopt.ground.types import Floats
from causalopt.transport.lasting import quasi_stationary, stationary

if TYPE_CHECKING:
    import xarray as xr

#: Into how many bars the chains fall.
BARS = 60
# In the long run chains may come further than they were seen: by so many halves of the way between.
_FURTHER = (0.0, 1.0, 3.0)


def distribution_of(setting: Setting, part: object) -> dict[str, object]:
    """One part of the view, as JSON holds it: the chains, where they settle, or how they escape."""
    tell = _PARTS.get(str(part))
    if tell is None:
        raise QueryError(f"The view has no part {part!r}." + nearest(str(part), _PARTS))
    return tell(setting)


def edges_of(chains: Chains) -> Floats:
    """The ends of the bars."""
    return np.linspace(*chains.wide, BARS + 1)


def chains_told(setting: Setting) -> dict[str, object]:
    """Densities of the chains in bars, at each of the moments."""
    chains, inside = spread_of(setting), watched(setting)
    rows, edges = chains.moments, edges_of(chains)
    bars = [np.histogram(chains.values[k], edges, density=True)[0] for k in rows]
    return {
        "name": str(chains.variable),
        "times": chains.times[rows].tolist(),
        "edges": edges.tolist(),
        "bars": [heights.tolist() for heights in bars],
        "draws": chains.draws,
        "watched": inside,
    }


def settled_told(setting: Setting) -> dict[str, object]:
    """The stationary density, and that of what has stayed in the interval for long, in the bars."""
    chains, inside = spread_of(setting), watched(setting)
    asked: dict[str, Callable[[], xr.DataArray]] = {"stationary": lambda: settled(chains)[1]}
    if inside is not None:
        asked["stays"] = lambda: quasi_stationary(chains.system, inside)
    lines: list[dict[str, object]] = []
    notes: list[str] = []
    for role, find in asked.items():
        try:
            values = in_bars(find(), edges_of(chains)).tolist()
            lines.append({"role": role, "values": values})
        except CausaloptError as error:
            notes.append(str(error))
    return {"lines": lines, "notes": notes}


def settled(chains: Chains) -> tuple[Ends, xr.DataArray]:
    """The stationary density, and the interval that it was found in.

    That is the first that is not left, of those about where the chains came; ``QueryError`` of the
    widest one where all are left.
    """
    low, high = chains.wide
    half = (high - low) / 2
    *narrower, widest = ((low - more * half, high + more * half) for more in _FURTHER)
    for inside in narrower:
        try:
            return inside, stationary(chains.system, inside)
        except CausaloptError:
            continue
    return widest, stationary(chains.system, widest)


def in_bars(density: xr.DataArray, edges: Floats) -> Floats:
    """The mean density in each bar of one that is known on a finer grid."""
    places = density[density.dims[0]].values
    cell = float(places[1] - places[0])
    mass: Floats = np.histogram(places, edges, weights=density.values * cell)[0]
    return mass / np.diff(edges)


_PARTS: Mapping[str, Callable[[Setting], dict[str, object]]] = MappingProxyType(
    {
        "chains": chains_told,
        "settled": settled_told,
        "escape": escape_told,
        "times": times_told,
    }
)
