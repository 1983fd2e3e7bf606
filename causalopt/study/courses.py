"""What is computed of a system where nothing is asked: each variable over time, and the graph."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from causalopt.study.record import Experiment

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from causalopt.drawing import Drawing
    from causalopt.model.system import System

# A graph of more nodes, or a figure of more panels, is no picture of anything; more lines of one
# panel would share their colours, and of more points nobody sees more.
_MOST_NODES, _MOST_PANELS, _MOST_LINES, _MOST_POINTS = 150, 6, 6, 1000


#: How many steps a system runs where nothing says how many.
STEPS = 100


def experiments_over_time(model: System, steps: int, title: str) -> tuple[Experiment, ...]:
    """Each variable over so many steps, and the graph where it is no thicket."""

    def graph(_: object) -> Drawing:
        """What acts on what."""
        from causalopt.drawing import draw

        return draw(model)

    figures: dict[str, Callable[..., Figure | Drawing]] = {}
    if len(model.graph) <= _MOST_NODES:
        figures["graph"] = graph
    if len(model.graph) <= _MOST_LINES * _MOST_PANELS:
        figures["courses"] = _lines
    return (Experiment("courses", title, lambda: _over_time(model, steps), figures),)


def _over_time(model: System, steps: int) -> xr.Dataset:
    from causalopt.runs.results import run

    data = run(model.world(steps=steps)).sel(world="W", drop=True)
    return data.isel(time=slice(None, None, max(1, steps // _MOST_POINTS)))


def _lines(data: xr.Dataset) -> Figure:
    """Each variable over time; those that stay what they are, where all do."""
    from causalopt import plots
    from causalopt.plots.figures import panels_of

    moving = [name for name, values in data.items() if float(values.max() - values.min()) > 0]
    names = moving or list(data)
    panels = math.ceil(len(names) / _MOST_LINES)
    with plots.figure(panels, sharex=True, figsize=(7.2, 1.2 + 2.6 * panels)) as (picture, axes):
        for place, ax in enumerate(panels_of(axes)):
            for name in names[place * _MOST_LINES : (place + 1) * _MOST_LINES]:
                plots.over_time(data[name], ax, label=str(name))
            ax.set_ylabel("value")
            ax.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return picture
