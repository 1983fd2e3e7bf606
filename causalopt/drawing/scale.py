"""Values as colours: what ``run`` gave for each node, and the scale that a legend shows."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from causalopt.ground import palette
from causalopt.ground.errors import QueryError
from causalopt.language.symbols import Node
from causalopt.model.interface import Model

if TYPE_CHECKING:
    import xarray as xr


# Relative to the largest number.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Scale:
    """Colours from ``low`` to ``high``: cividis, or purple to orange around zero."""

    low: float
    high: float

    @classmethod
    def over(cls, values: Iterable[float]) -> Scale | None:
        """The scale of the finite ones among values; symmetric where they have both signs."""
        finite = [value for value in values if math.isfinite(value)]
        if not finite:
            return None
        low, high = min(finite), max(finite)
        # What is left of a difference by rounding makes no sign of its own.
        least = _ROUNDING * max(-low, high)
        low, high = (0.0 if abs(end) < least else end for end in (low, high))
        if low < 0 < high:
            high = max(-low, high)
            low = -high
        return cls(low, high)

    def fill(self, value: float) -> dict[str, str]:
        """The look of a node with this value; one that is not finite has none of the colours."""
        if not math.isfinite(value):
            return {"fillcolor": palette.WHITE, "fontcolor": palette.BLACK}
        from matplotlib import colormaps
        from matplotlib.colors import to_hex

        span = self.high - self.low
        place = (value - self.low) / span if span > 0 else 0.5
        colour = colormaps["PuOr_r" if self.low < 0 < self.high else "cividis"](place)
        # sRGB to linear light: shades as bright as they look add up only there.
        linear = [((part + 0.055) / 1.055) ** 2.4 for part in colour[:3]]
        # Where black and white stand out alike: the relative luminance of WCAG 2.
        light = float(np.dot((0.2126, 0.7152, 0.0722), linear)) > 0.179
        return {"fillcolor": to_hex(colour), "fontcolor": palette.BLACK if light else palette.WHITE}

    @property
    def ticks(self) -> list[float]:
        """Five values, evenly spread; one where all are the same."""
        same = self.low == self.high
        return [self.low] if same else [float(x) for x in np.linspace(self.low, self.high, 5)]


def read(
    values: xr.Dataset, model: Model, nodes: Sequence[Hashable], titles: Sequence[str]
) -> list[dict[Hashable, float]]:
    """The value of each node in each panel, from what ``run`` gave; nodes without one left out."""
    import xarray as xr

    if not isinstance(values, xr.Dataset):
        raise QueryError(
            f"values is {type(values).__name__}: pass what run() gave, such as values=run(W)."
        )
    extra = sorted(map(str, set(values.dims) - {"world", "time", "node"}))
    if extra:
        raise QueryError(
            f"values have the dims {', '.join(extra)} beside world, time and node: choose one of "
            f"each first, such as values.sel({extra[0]}=...)."
        )
    numbers = []
    for title in titles:
        own = _of_world(values, title)
        by_node = _of_nodes if "node" in own.dims else _by_name
        numbers.append((_over_time if "time" in own.coords else by_node)(own, model, nodes))
    if not any(numbers):
        raise QueryError(
            "values name no node of this picture: pass what run() gave for its worlds."
        )
    return numbers


def _of_world(values: xr.Dataset, title: str) -> xr.Dataset:
    if "world" not in values.dims:
        return values
    names = [str(name) for name in values["world"].values]
    if title in names:
        return values.isel(world=names.index(title))
    if len(names) == 1 and not title:
        return values.isel(world=0)
    raise QueryError(
        f"values are of the worlds {', '.join(names)}, and the picture shows {title or 'one'}: "
        f'draw them with worlds=..., or choose one, such as values.sel(world="{names[0]}").'
    )


def _of_nodes(values: xr.Dataset, model: Model, nodes: Sequence[Hashable]) -> dict[Hashable, float]:
    array = values["value"]
    numbers = dict(zip(map(str, array["node"].values), array.values.tolist(), strict=True))
    names = {node: model.name_of(node) for node in nodes}
    return {node: numbers[name] for node, name in names.items() if name in numbers}


def _by_name(values: xr.Dataset, model: Model, nodes: Sequence[Hashable]) -> dict[Hashable, float]:
    names = {node: model.name_of(node) for node in nodes}
    return {node: float(values[name]) for node, name in names.items() if name in values}


def _over_time(
    values: xr.Dataset, model: Model, nodes: Sequence[Hashable]
) -> dict[Hashable, float]:
    # Times are sums of steps: two that are one are told by nine digits, not by all.
    instants = np.atleast_1d(values["time"].values).tolist()
    places = {_nine_digits(instant): i for i, instant in enumerate(instants)}
    numbers: dict[Hashable, float] = {}
    for node in nodes:
        if not isinstance(node, Node) or node.variable.name not in values:
            continue
        place = places.get(_nine_digits(model.time_of(node.step)))
        if place is not None:
            numbers[node] = float(np.atleast_1d(values[node.variable.name].values)[place])
    return numbers


def _nine_digits(time: float) -> float:
    return float(f"{time:.9g}")
