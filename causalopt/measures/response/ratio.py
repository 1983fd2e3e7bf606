"""What a difference at n becomes at m: in X, and in Y, where A is held. Comp is their ratio."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from causalopt.ground.errors import QueryError
from causalopt.measures.question import Question
from causalopt.model.declaration import number
from causalopt.model.system import System
from causalopt.runs.results import sweep_coords, time_axis
from causalopt.runs.simulation import Scaled, Want, simulate_network, simulate_system

if TYPE_CHECKING:
    import xarray as xr

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Array = npt.NDArray[Any]


# Work on long results goes in blocks that stay in the cache of a processor.
_BLOCK = 1 << 14
# Between these sizes, a quotient has lost no digit.
_TINY, _HUGE = 1e-280, 1e280
_LOG2 = math.log(2.0)


@dataclass(frozen=True)
class Ratio:
    """x / y, whose numbers may lie outside the range of floats.

    0/0 is NaN, x/0 infinite and 0/y zero, on every backend.
    """

    x: Scaled
    y: Scaled

    def value(self) -> Floats:
        """The ratio as floats, zero or infinite where it is out of their range."""
        return self._each(lambda mantissa, power: Scaled(mantissa, power).plain())

    def log_size(self) -> Floats:
        """log |x / y|, finite wherever the ratio is neither zero nor infinite."""
        return self._each(lambda mantissa, power: np.log(np.abs(mantissa)) + power * _LOG2)

    def is_negative(self) -> npt.NDArray[np.bool_]:
        """Whether x and y have opposite signs."""
        return self._each(lambda mantissa, _: mantissa) < 0

    def _each(self, measure: Callable[[Floats, Ints], Floats]) -> Floats:
        """A measure of (mantissa, power), the ratio being mantissa * 2**power, at every point."""
        shape = self.x.mantissa.shape
        columns = [_flat(a, shape) for one in (self.x, self.y) for a in (one.mantissa, one.power)]
        made = np.empty(math.prod(shape))
        with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
            for low in range(0, made.size, _BLOCK):
                block = slice(low, low + _BLOCK)
                x, above, y, below = (a if a.ndim == 0 else a[block] for a in columns)
                made[block] = measure(*_divided(x, above, y, below))
        return made.reshape(shape)


def _flat(column: npt.NDArray[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
    if column.ndim == 0:
        return column
    return (column if column.shape == shape else np.broadcast_to(column, shape)).reshape(-1)


def _divided(x: Floats, above: Ints, y: Floats, below: Ints) -> tuple[Floats, Ints]:
    """x * 2**above / (y * 2**below) as a mantissa and a power of two."""
    mantissa, power = x / y, above - below
    size = np.abs(mantissa)
    if ((size > _TINY) & (size < _HUGE)).all():
        return mantissa, power
    # Somewhere x or y is zero, or their mantissas are too far apart to be divided as they are.
    (top, up), (bottom, down) = np.frexp(x), np.frexp(y)
    mantissa = top / bottom
    power = power + up - down
    return mantissa, np.where(np.isfinite(mantissa) & (mantissa != 0), power, 0)


def ratio(
    asked: Question, delta: float | None, backend: str, measure: Callable[[Ratio], Array]
) -> Array:
    """What is measured of (dx_m/dn) / (dy_m/dn), with dims time (where m is over time) and sweep.

    By tangents, or by a finite difference at n where delta is given.
    """
    by = None if delta is None else number(delta, "delta")
    if by == 0.0:
        raise QueryError("delta is 0: write a small difference, or leave it out for the exact one.")
    W, X, Y = asked.worlds(by)
    if by is None:
        wants = [Want(X, asked.key, True), Want(Y, asked.key, True)]
        return _observe(asked, wants, backend, lambda found: measure(Ratio(*found)))
    wants = [Want(world, asked.key) for world in (W, X, Y)]
    return _observe(asked, wants, backend, lambda found: measure(_difference(*found)))


def _difference(w: Scaled, x: Scaled, y: Scaled) -> Ratio:
    """The ratio of finite differences, x - w to y - w."""
    at_w, none = w.plain(), np.zeros((), dtype=np.int64)
    return Ratio(Scaled(x.plain() - at_w, none), Scaled(y.plain() - at_w, none))


def _observe(
    asked: Question, wants: list[Want], backend: str, measure: Callable[[list[Scaled]], Array]
) -> Array:
    if isinstance(asked.model, System):
        found = simulate_system(wants, asked.recorded, asked.swept, backend, measure)
        return found if asked.over_time else found[0]
    return measure(simulate_network(wants, asked.swept, backend))


def labelled(asked: Question, name: str, values: Any, attrs: dict[str, Any]) -> xr.DataArray:
    """A measure's values with dims time (where m is over time) and one per swept target.

    ``undefined`` counts the 0/0 (m is not downstream of n), ``infinite`` the x/0 and 0/y.
    """
    import xarray as xr

    dims = [axis.name for axis in asked.swept.axes]
    # A sum is finite only where all its terms are.
    with np.errstate(invalid="ignore", over="ignore"):
        all_finite = bool(np.isfinite(np.sum(values)))
    flags = {
        "undefined": 0 if all_finite else int(np.isnan(values).sum()),
        "infinite": 0 if all_finite else int(np.isinf(values).sum()),
    }
    attrs = {**attrs, **asked.arguments(), **flags}
    coords = sweep_coords(asked.swept)
    if not asked.over_time:
        return xr.DataArray(values, coords, dims, name, attrs)
    assert isinstance(asked.model, System)
    made = xr.DataArray(values, coords, ["time", *dims], name, attrs)
    return made.assign_coords(time_axis(asked.model, asked.recorded))
