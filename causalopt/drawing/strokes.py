"""Shares as strokes: the more of a regulation a node or an arrow has, the wider it is drawn."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from causalopt.drawing.picture import Item, first_of
from causalopt.ground import palette
from causalopt.ground.errors import QueryError
from causalopt.language.symbols import Node
from causalopt.model.interface import Model

if TYPE_CHECKING:
    import xarray as xr

Place = TypeVar("Place", bound=Hashable)

# In points: the stroke of the largest share, and one that is hardly more than none.
_WIDEST, _LEAST = 7.0, 0.8
# What is smaller than this part of the largest share has the stroke of none.
_NONE = 1e-6


@dataclass(frozen=True, eq=False)
class Strokes:
    """Shares by the names of variables (or nodes), and of arrows by those of both ends.

    A positive share is blue; a negative one, of what works against the regulation, is orange and
    dashed.
    """

    nodes: Mapping[str, float]
    arrows: Mapping[tuple[str, str], float]

    def outline(self, name: str) -> dict[str, str]:
        """The look of a node."""
        return self.sample(self.nodes.get(name, 0.0))

    def arrow(self, source: str, target: str) -> dict[str, str]:
        """The look of an arrow."""
        return self._look(self.arrows.get((source, target), 0.0))

    def sample(self, share: float) -> dict[str, str]:
        """The look of a node with this share."""
        return self._look(share, "filled")

    @property
    def ticks(self) -> list[float]:
        """The shares of nodes that a legend shows: the largest, half of it, the most negative."""
        shares = self.nodes.values()
        largest, least = max(shares, default=0.0), min(shares, default=0.0)
        up = [largest, largest / 2] if self._shows(largest) and largest > 0 else []
        return [*up, least] if self._shows(least) and least < 0 else up

    @property
    def _largest(self) -> float:
        return max(map(abs, (*self.nodes.values(), *self.arrows.values())), default=0.0)

    def _shows(self, share: float) -> bool:
        return abs(share) > _NONE * self._largest

    def _look(self, share: float, *styles: str) -> dict[str, str]:
        if not self._shows(share):
            return {}
        width = _LEAST + (_WIDEST - _LEAST) * abs(share) / self._largest
        dashes = ("dashed",) if share < 0 else ()
        colour = palette.ORANGE if share < 0 else palette.BLUE
        style = {"style": ",".join((*styles, *dashes))} if styles or dashes else {}
        return {"penwidth": f"{width:.2f}", "color": colour, **style}


def name_of_owner(model: Model, item: Item) -> str:
    """What has the share of an item: its variable, or the node itself where nodes have no time."""
    node = first_of(item)
    return str(node.variable) if isinstance(node, Node) else model.name_of(node)


def read_strokes(shares: xr.Dataset, model: Model, items: Iterable[Item]) -> Strokes:
    """The strokes of what ``steering_shares`` gave, for the nodes of a picture."""
    import xarray as xr

    if not isinstance(shares, xr.Dataset) or "share" not in shares:
        raise QueryError(
            f"shares is {type(shares).__name__}: pass what steering_shares() gave, such as "
            "shares=steering_shares(system, R, steps=1000, edges=True)."
        )
    share = shares["share"]
    if tuple(share.dims) != ("variable",):
        raise QueryError(
            f"The shares have dims {tuple(share.dims)}: choose with .sel() until only variable is "
            "left."
        )
    nodes = _finite(
        dict(zip(map(str, share["variable"].values), share.values.tolist(), strict=True))
    )
    names = {name_of_owner(model, item) for item in items}
    unknown = [name for name in nodes if name not in names]
    if unknown:
        raise QueryError(
            f"The shares are of another model: this one has no {unknown[0]!r}. Pass those of the "
            "model that is drawn."
        )
    if "edge_share" not in shares:
        return Strokes(nodes, {})
    edge = shares["edge_share"]
    ends = zip(map(str, edge["source"].values), map(str, edge["target"].values), strict=True)
    return Strokes(nodes, _finite(dict(zip(ends, edge.values.tolist(), strict=True))))


def _finite(shares: dict[Place, float]) -> dict[Place, float]:
    return {place: share for place, share in shares.items() if math.isfinite(share)}
