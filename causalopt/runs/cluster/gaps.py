"""What results say of their own gaps: where runs failed that a function masks, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from causalopt.ground.types import Bools
from causalopt.runs.cluster.chunks import Part, points_of
from causalopt.runs.masking import FAILED

if TYPE_CHECKING:
    import xarray as xr

_BESIDE = "A run fails here too; the first point beside it where one does says: "


@dataclass(frozen=True, eq=False)
class Gaps:
    """Where runs failed at a part of all points, and why at the first of these.

    ``failed`` has a dim for each thing that is swept.
    """

    failed: Bools
    reason: str

    @classmethod
    def of(cls, found: xr.Dataset, dims: Sequence[str]) -> Gaps | None:
        """What results say that were asked with ``on_failure="mask"``; of others, None."""
        said = found.coords.get(FAILED)
        if said is None or set(said.dims) != set(dims) or "reason" not in said.attrs:
            return None
        return cls(np.asarray(said.transpose(*dims).values, dtype=bool), str(said.attrs["reason"]))

    @classmethod
    def everywhere(cls, part: Part, reason: str) -> Gaps:
        """Runs that fail at all points of a part."""
        return cls(np.ones(tuple(map(len, part)), dtype=bool), reason)

    def told(self, part: Part) -> Iterator[tuple[tuple[int, ...], str]]:
        """The points that failed, and why. Only the first is asked alone, as each one costs a run:
        the others are told what became of it.
        """
        lost = (p for p, failed in zip(points_of(part), self.failed.flat, strict=True) if failed)
        for place, point in enumerate(lost):
            yield point, _BESIDE + self.reason if place else self.reason
