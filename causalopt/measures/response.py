"""What a difference at n becomes at m: in X, and in Y, where A is held. Comp is their ratio."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from causalopt.declaration import number
from causalopt.errors import QueryError
from causalopt.measures.question import Question
from causalopt.results import sweep_coords, time_coord
from causalopt.simulate import Scaled, Want, simulate_network, simulate_system
from causalopt.system import System

if TYPE_CHECKING:
    import xarray as xr

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Ratio:
    """x / y as ``mantissa * 2**power``, the mantissa of size 1/2 to 2, or 0, infinite or NaN."""

    mantissa: Floats
    power: npt.NDArray[np.int64]

    def value(self) -> Floats:
        """The ratio as floats, zero or infinite where it is out of their range."""
        return Scaled(self.mantissa, self.power).plain()

    def log_size(self) -> Floats:
        """log |x / y|, finite wherever the ratio is neither zero nor infinite."""
        with np.errstate(divide="ignore", invalid="ignore"):
            made: Floats = np.log(np.abs(self.mantissa)) + self.power * np.log(2.0)
        return made


def ratio(asked: Question, delta: float | None, backend: str) -> Ratio:
    """(dx_m/dn) / (dy_m/dn), by tangents, or by a finite difference at n where delta is given."""
    by = None if delta is None else number(delta, "delta")
    if by == 0.0:
        raise QueryError("delta is 0: write a small difference, or leave it out for the exact one.")
    W, X, Y = asked.worlds(by)
    if by is None:
        x, y = _observe(asked, [Want(X, asked.key, True), Want(Y, asked.key, True)], backend)
        return _divided(x, y)
    found = _observe(asked, [Want(world, asked.key) for world in (W, X, Y)], backend)
    at_w, at_x, at_y = (one.plain() for one in found)
    none = np.zeros((), dtype=np.int64)
    return _divided(Scaled(at_x - at_w, none), Scaled(at_y - at_w, none))


def _observe(asked: Question, wants: list[Want], backend: str) -> list[Scaled]:
    if isinstance(asked.model, System):
        found = simulate_system(wants, asked.recorded, asked.swept, backend)
        if asked.over_time:
            return found
        return [Scaled(s.mantissa[0], s.power[0] if s.power.ndim else s.power) for s in found]
    return simulate_network(wants, asked.swept, backend)


def _divided(x: Scaled, y: Scaled) -> Ratio:
    """The ratio by mantissas and powers, so that neither number has to fit in a float.

    0/0 is NaN, x/0 infinite and 0/y zero, on every backend.
    """
    top, above = np.frexp(x.mantissa)
    bottom, below = np.frexp(y.mantissa)
    with np.errstate(divide="ignore", invalid="ignore"):
        mantissa = top / bottom
    power = (above.astype(np.int64) + x.power) - (below.astype(np.int64) + y.power)
    return Ratio(mantissa, np.where(np.isfinite(mantissa) & (mantissa != 0), power, 0))


def labelled(asked: Question, name: str, values: Any, attrs: dict[str, Any]) -> xr.DataArray:
    """A measure's values with dims time (where m is over time) and one per swept target.

    ``undefined`` counts the 0/0 (m is not downstream of n), ``infinite`` the x/0 and 0/y.
    """
    import xarray as xr

    dims = [axis.name for axis in asked.swept.axes]
    coords = sweep_coords(asked.swept)
    if asked.over_time:
        assert isinstance(asked.model, System)
        dims = ["time", *dims]
        coords["time"] = time_coord(asked.model, asked.recorded)
    flags = {
        "undefined": int(np.isnan(values).sum()),
        "infinite": int(np.isinf(values).sum()),
    }
    return xr.DataArray(values, coords, dims, name, {**attrs, **asked.arguments(), **flags})
