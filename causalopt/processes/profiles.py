"""What a tally of updates says of units: their profiles, units alike, and how few take part."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from causalopt.ground import checks
from causalopt.ground.errors import QueryError
from causalopt.ground.tensors import why_foreign
from causalopt.ground.types import Floats, Ints
from causalopt.language.trees import jax_module

if TYPE_CHECKING:
    import xarray as xr


def without_means(table: Floats) -> Floats:
    """A table less the means of its rows and of its columns: what belongs to pairs.

    x[i, j] - mean_i x - mean_j x + mean x, the interaction of two-way analysis of variance (Fisher
    1925), in the unit of the table. Raises ``QueryError`` for what is no table of finite numbers.

    >>> without_means(np.array([[1.0, 2.0], [3.0, 8.0]])).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    table = _numbers(table, "table", "(rows, columns)", 2)
    left: Floats = table - table.mean(axis=0) - table.mean(axis=1, keepdims=True) + table.mean()
    return left


def unit_profiles(tally: object, units: object) -> xr.DataArray:
    """Which groups of examples moved a unit more, and which less, than they moved others.

    Of S[u, k] = sum of T[k, p] over the weights p that enter the unit u, the profile is
    L[u, k] - mean_u L - mean_k L + mean L with L = log S, in nats: how large updates are in a unit,
    or by a group, is taken out. ``tally`` (groups, weights) is T, as ``training`` gives it.

    ``units`` says which unit each weight enters, by whole numbers, -1 for none: (weights,), or an
    array or a tree built as the weights are, such as {"first": np.tile(np.arange(3), (2, 1)),
    "bias": np.arange(3)} for first (2, 3) and bias (3,) of three units.

    Gives dims (unit, group). A unit with S = 0 for some group has no logarithm: it is left out, the
    coordinate ``unit`` has the others, and ``attrs["dead"]`` counts those that were left out.

    Raises ``QueryError`` for shapes that do not fit, negative or undefined numbers, groups that
    moved no unit, and fewer than two units or groups.

    Source: "Hypotheses about Finding Knowledge and One-Shot Causal Entanglements", on updates that
    match across models.

    >>> profiles = unit_profiles([[1, 1, 2, 0], [2, 6, 1, 0]], [0, 0, 1, 2])
    >>> profiles.values.round(4).tolist(), profiles.unit.values, profiles.attrs["dead"]
    ([[-0.5199, 0.5199], [0.5199, -0.5199]], array([0, 1]), 1)
    """
    import xarray as xr

    sizes = _numbers(tally, "tally", "(groups, weights), such as run(...).tally[0, -1]", 2)
    if (sizes < 0).any():
        raise QueryError("tally has negative numbers: sums of sizes of updates are 0 or more.")
    owner = _owners(units, sizes.shape[1])
    names = np.unique(owner[owner >= 0])
    sums = np.array([sizes[:, owner == name].sum(axis=1) for name in names])
    _refuse_too_few(len(names), len(sizes), "are named")
    still = np.flatnonzero(~sums.any(axis=0))
    if still.size:
        raise QueryError(
            f"The group {still[0]} moved no unit ({still.size} of {len(sizes)} did not): leave out "
            "groups that were not seen, such as by tally[seen]."
        )
    lives = (sums > 0).all(axis=1)
    _refuse_too_few(int(lives.sum()), len(sizes), "are moved by every group")
    logs = np.log(sums[lives])
    centred = without_means(logs)
    labels = {"unit": names[lives], "group": np.arange(len(sizes))}
    told = {"units": "nats", "dead": int((~lives).sum())}
    return xr.DataArray(centred, labels, ("unit", "group"), "profile", told)


def matched_units(profile: object, profiles: object, count: int) -> xr.DataArray:
    """The ``count`` units whose profiles correlate most with a profile, the best first.

    ``profile`` is (groups,), or (k, groups): then it is the mean of k, each less its mean and
    divided by its standard deviation. ``profiles`` (units, groups) are of a network that has
    learned of the same groups, as ``unit_profiles`` gives them. The answer holds Pearson's r, in
    [-1, 1], along ``unit``.

    Raises ``QueryError`` for shapes that do not fit, numbers that are not finite, more units than
    there are, and profiles that are the same everywhere.

    >>> best = matched_units([0, 1, 2], [[0, 1, 5], [2, 1, 0], [1, 2, 3]], 2)
    >>> best.unit.values, best.round(4).values
    (array([2, 0]), array([1.    , 0.9449]))
    """
    import xarray as xr

    several = _numbers(profiles, "profiles", "(units, groups)", 2)
    wanted = _numbers(profile, "profile", "(groups,), or (k, groups)", 1, 2)
    if wanted.shape[-1] != several.shape[1]:
        raise QueryError(
            f"profile has {wanted.shape[-1]} groups, and profiles have {several.shape[1]}: both "
            "networks must have learned of the same."
        )
    if checks.whole(count, "count", 1) > len(several):
        raise QueryError(f"count is {count}, and there are {len(several)} units.")
    mean = _standard(np.atleast_2d(wanted), "profile").mean(axis=0, keepdims=True)
    r = (_standard(several, "profiles") * _standard(mean, "The mean of profile")).mean(axis=1)
    best = np.argsort(-r, kind="stable")[:count]
    names = np.asarray(getattr(profiles, "unit", np.arange(len(several))))
    return xr.DataArray(r[best], {"unit": names[best]}, ("unit",), "correlation")


def participation_ratio(v: object, *, axis: int = -1) -> Floats:
    """The share of entries that take part: (sum v^2)^2 / (P sum v^4) along an axis of length P.

    1 where all are of one size, 1/P where one is alone; free of the size of v, and of signs.
    ``v`` (..., P) gives (...).

    Raises ``QueryError`` for numbers that are not finite, and where all are 0.

    >>> participation_ratio([[1, -1, 1, 1], [0, 3, 0, 0]])
    array([1.  , 0.25])
    """
    numbers = _numbers(v, "v", "an array of numbers", 1, np.inf)
    place = checks.as_whole(axis)
    if place is None or not -numbers.ndim <= place < numbers.ndim:
        raise QueryError(
            f"v has {numbers.ndim} axes, and axis is {checks.shown(axis)}: write one whole number, "
            "0 for the first axis, -1 for the last."
        )
    largest = np.abs(numbers).max(axis=axis, keepdims=True)
    if not largest.all():
        raise QueryError(
            f"v is 0 everywhere along its axis, {int((largest == 0).sum())} times: nothing takes "
            "part there. Leave it out."
        )
    # By the largest, so that no fourth power leaves the floats.
    squares = (numbers / largest) ** 2
    share: Floats = squares.sum(axis=axis) ** 2 / (squares**2).sum(axis=axis) / numbers.shape[axis]
    return share


def _owners(units: object, count: int) -> Ints:
    """The unit (weights,) that each weight enters."""
    try:
        owner = np.asarray(units)
    except ValueError:
        owner = np.empty(0, dtype=object)
    # Of a tree; arrays of one shape in a list are one array, in the same order.
    if owner.dtype.kind == "O":
        leaves = [np.asarray(leaf).reshape(-1) for leaf in jax_module().tree.leaves(units)]
        owner = np.concatenate(leaves) if leaves else np.empty(0)
    owner = owner.reshape(-1)
    if owner.dtype.kind not in "iu" or len(owner) != count:
        raise QueryError(
            f"units has {len(owner)} entries of the kind {owner.dtype}, and the tally has {count} "
            "weights: write a whole number for each, the unit that it enters, or -1."
        )
    owner = owner.astype(np.int64)
    if owner.min() < -1:
        raise QueryError(f"units names the unit {owner.min()}: write -1 for none.")
    return owner


def _refuse_too_few(units: int, groups: int, told: str) -> None:
    if units < 2 or groups < 2:
        raise QueryError(
            f"{units} units {told}, and there are {groups} groups: a profile compares two or more "
            "of both."
        )


def _numbers(
    given: object, name: str, wanted: str, least: int, most: float | None = None
) -> Floats:
    """An array of finite numbers with so many axes."""
    try:
        numbers = np.asarray(given)
    except (TypeError, ValueError, RuntimeError):
        why = why_foreign(given) or f"has rows of many lengths: write {wanted}."
        raise QueryError(f"{name} {why}") from None
    checks.refuse_masked(given, name, QueryError)
    if numbers.dtype.kind not in "iuf":
        raise QueryError(f"{name} holds {numbers.dtype} values: write {wanted} of real numbers.")
    if not least <= numbers.ndim <= (most or least) or not numbers.size:
        raise QueryError(f"{name} has the shape {numbers.shape}: write {wanted}.")
    strange = ~np.isfinite(numbers)
    if strange.any():
        raise QueryError(f"{name} has {int(strange.sum())} numbers that are not finite.")
    return numbers.astype(np.float64)


def _standard(rows: Floats, name: str) -> Floats:
    """Rows less their means, divided by their standard deviations."""
    spread = rows.std(axis=1, keepdims=True)
    if not np.ptp(rows, axis=1).all():
        raise QueryError(f"{name} is the same for every group: nothing correlates with that.")
    standard: Floats = (rows - rows.mean(axis=1, keepdims=True)) / spread
    return standard
