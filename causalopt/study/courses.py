"""What is computed of a system of somebody else's where nothing is asked: each variable over time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from causalopt.study.record import Experiment

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from causalopt.drawing import Drawing
    from causalopt.model.network import Network
    from causalopt.model.system import System

# A graph of more nodes, or a figure of more lines, is no picture of anything; and of more points
# than these nobody sees more.
_MOST_NODES, _MOST_LINES, _MOST_POINTS = 150, 30, 1000


def courses(model: System | Network, steps: int, title: str) -> tuple[Experiment, ...]:
    """Each variable over so many steps, and the graph where it is no thicket."""

    def graph(_: object) -> Drawing:
        """What acts on what."""
        from causalopt.drawing import draw

        return draw(model)

    figures: dict[str, Callable[..., Figure | Drawing]] = {}
    if len(model.graph) <= _MOST_NODES:
        figures["graph"] = graph
    if len(model.graph) <= _MOST_LINES:
        figures["courses"] = _lines
    return (Experiment("courses", title, lambda: _over_time(model, steps), figures),)


def _over_time(model: System | Network, steps: int) -> xr.Dataset:
    from causalopt.runs.results import run

    data = run(model.world(steps=steps)).sel(world="W", drop=True)
    return data.isel(time=slice(None, None, max(1, steps // _MOST_POINTS)))


def _lines(data: xr.Dataset) -> Figure:
    """Each variable over time."""
    from causalopt import plots

    with plots.figure() as (picture, ax):
        for name in data.data_vars:
            plots.over_time(data[name], ax, label=str(name))
        ax.set_ylabel("value")
        ax.legend(fontsize=7, ncols=2)
    return picture
