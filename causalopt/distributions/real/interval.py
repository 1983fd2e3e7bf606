"""Intervals of confidence: how well an ensemble of draws knows a probability or a mean."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from causalopt.ground.checks import as_float, is_option, shown
from causalopt.ground.errors import QueryError, nearest
from causalopt.ground.types import Floats

if TYPE_CHECKING:
    import xarray as xr

_DRAW = "draw"
# Numbers between this and its inverse have squares whose sums are floats.
_LEAST = 1e-100
_METHODS = ("wilson", "exact")


def probability_interval(
    happened: xr.DataArray, *, level: float = 0.95, method: str = "wilson"
) -> xr.Dataset:
    """The share of draws in which something happened, and an interval for its probability.

    ``happened`` are truths with a dim ``draw``; what is found has the other dims: ``probability``,
    the share k/n, and ``low`` and ``high``, all without a unit. ``method="wilson"`` solves
    |k/n - p| = z sqrt(p (1 - p)/n) for p (Wilson 1927): it holds p as often as ``level`` on average
    over p. ``method="exact"`` asks of both tails that P(K >= k | low) = P(K <= k | high) =
    (1 - level)/2 (Clopper and Pearson 1934): it holds p at least as often as ``level``, for every
    p, and is wider. Both are scipy's ``binomtest(k, n).proportion_ci``.

    Raises ``QueryError`` for what are no truths, have no dim ``draw``, and a level or method that
    there is not.

    >>> import xarray as xr
    >>> left = xr.DataArray([True] * 2 + [False] * 8, dims="draw")
    >>> found = probability_interval(left)
    >>> [round(float(found[name]), 4) for name in ("probability", "low", "high")]
    [0.2, 0.0567, 0.5098]
    """
    from scipy.stats import binomtest

    level = _checked_level(happened, level, _DRAW)
    if happened.dtype != np.bool_:
        raise QueryError(
            f"The draws hold numbers ({happened.dtype}), not truths: compare them with something, "
            "such as found.x > 1, or ask for the mean_interval."
        )
    if not is_option(method, _METHODS):
        raise QueryError(f"There is no method {shown(method)}." + nearest(method, _METHODS))
    count = happened.sizes[_DRAW]
    if not count:
        raise QueryError(
            "There are no draws here, and no share of none: ask for one or more, as draws=1000 "
            "does, or select fewer of them away."
        )
    hits = happened.sum(_DRAW)
    # Many points of a run have the same count: each interval is solved for once.
    distinct, places = np.unique(hits.values, return_inverse=True)
    bounds = np.array(
        [binomtest(int(k), count).proportion_ci(level, method=method) for k in distinct]
    )[places.reshape(hits.shape)]
    about: dict[str, object] = {"level": level, "method": method, "draws": count}
    return _interval("probability", hits / count, bounds[..., 0], bounds[..., 1], about)


def mean_interval(values: xr.DataArray, *, level: float = 0.95, dim: str = _DRAW) -> xr.Dataset:
    """The mean over draws, and an interval for the mean of all draws that there could be.

    ``values`` have a dim ``draw``, or another ``dim`` of what was drawn, such as seeds; what is
    found has the other dims: ``mean``, and ``low`` and ``high``, mean -+ t s / sqrt(n), with s the
    standard deviation of the n draws and t the quantile (1 + level)/2 of Student's law with n - 1
    degrees of freedom (Student 1908). Exact for normal values, and for others as n grows, if they
    have a variance. In the unit of the values. There is no interval (NaN) where a draw is NaN or
    infinite, as a measure is that divides by zero.

    Raises ``QueryError`` for fewer than two draws, values without that dim, and a level that is
    not between 0 and 1.

    >>> import xarray as xr
    >>> found = mean_interval(xr.DataArray([1.0, 2.0, 3.0], dims="draw"), level=0.9)
    >>> [round(float(found[name]), 4) for name in ("mean", "low", "high")]
    [2.0, 0.3141, 3.6859]
    """
    from scipy.stats import t

    level = _checked_level(values, level, dim)
    count = values.sizes[dim]
    if count < 2:
        raise QueryError(
            f"One {dim} does not tell how much they differ: ask for two or more, as draws=2 does."
        )
    values = _as_numbers(values)
    # By a power of two, which rounds nothing, so that no sum or square leaves the range of floats.
    power = _power(values.values)
    scaled = values.copy(data=np.ldexp(values.values, -power))
    with np.errstate(invalid="ignore", over="ignore"):
        mean = scaled.mean(dim, skipna=False)
        spread = scaled.std(dim, ddof=1, skipna=False) / math.sqrt(count)
        half = float(t.ppf((1 + level) / 2, count - 1)) * spread.values
        low, high = (np.ldexp(end, power) for end in (mean.values - half, mean.values + half))
        mean = mean.copy(data=np.ldexp(mean.values, power))
    return _interval("mean", mean, low, high, {"level": level, "draws": count})


def _as_numbers(values: xr.DataArray) -> xr.DataArray:
    """Values as floats; ``QueryError`` for texts, dates and complex numbers."""
    kind = values.dtype.kind
    if kind == "c":
        raise QueryError(
            "The values are complex, and an interval is of real numbers: ask for the mean_interval "
            "of values.real and that of values.imag."
        )
    if kind not in "biuf":
        raise QueryError(
            f"The values are of the kind {values.dtype}, and a mean is of numbers: give one "
            "variable of a run with numbers, or ask for the probability_interval of values == ..."
        )
    return values.astype(np.float64)


def _power(numbers: Floats) -> int:
    """The power of two of the largest of them; 0 where a square of each is in range anyway."""
    finite = np.abs(numbers[np.isfinite(numbers)])
    largest = float(finite.max(initial=0.0))
    is_tame = largest == 0.0 or _LEAST < largest < 1 / _LEAST
    return 0 if is_tame else math.frexp(largest)[1]


def _interval(
    name: str, middle: xr.DataArray, low: Floats, high: Floats, about: dict[str, object]
) -> xr.Dataset:
    beside = {*middle.dims, *middle.coords}
    taken = next((own for own in (name, "low", "high") if own in beside), None)
    if taken is not None:
        raise QueryError(
            f"There is a dim or coordinate {taken} here, as there is in what is found: rename it, "
            f"with .rename({{{taken!r}: 'x'}})."
        )
    columns = {name: middle, "low": middle.copy(data=low), "high": middle.copy(data=high)}
    return middle.to_dataset(name=name).assign(columns).assign_attrs(about)


def _checked_level(given: object, level: object, dim: str) -> float:
    """The level as a float, where there are draws to ask."""
    import xarray as xr

    if not isinstance(given, xr.DataArray) or not is_option(dim, [*map(str, given.dims)]):
        what = f"dims {given.dims}" if isinstance(given, xr.DataArray) else type(given).__name__
        raise QueryError(
            f"There is no dim {dim} here ({what}): give one variable of a run with draws, such as "
            "run(W, draws=1000).x, or write dim=."
        )
    share = as_float(level)
    if share is None or not 0 < share < 1:
        raise QueryError(f"level is {shown(level)}: write a number between 0 and 1, such as 0.95.")
    return share
