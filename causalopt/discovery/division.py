"""Natural division: a cut of the variables where loops are weakest, and how sharp it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from causalopt.discovery.coupling import coupled
from causalopt.ground import checks
from causalopt.ground.errors import QueryError
from causalopt.ground.types import Floats, Ints
from causalopt.linearisation.still import frequencies_of, still_world
from causalopt.model.interface import Model
from causalopt.model.world import World

if TYPE_CHECKING:
    import xarray as xr

# How many tables with shuffled couplings tell what cut there is by chance, and how often a border
# may be called one that is none.
_SHUFFLES, _LEVEL = 199, 0.05
# What a one-way answer counts beside a loop: it decides where no loop does.
_ONE_WAY = 1e-6


def natural_division(
    of: Model | World[Model], *, parts: int = 2, at: npt.ArrayLike | None = None, seed: int = 0
) -> xr.DataArray:
    """Where the variables come apart: parts with strong loops inside and weak ones across.

    Two variables are tied by w(a, b) = mean over frequency of log(1 + |Gamma(a, b)|), both
    directions together, Gamma from ``loop_coupling``. The cut into A and B is the one, of those
    that the second eigenvector of the normalised Laplacian orders (Shi and Malik 2000), with the
    least

        Ncut = w(A, B) / w(A, all) + w(A, B) / w(B, all).

    More ``parts`` come from cutting again, where that is cheapest. Arrows one way, however strong
    and many, tie nothing: no loop goes through them; they decide alone where no loop does.

    Returns for each ``variable`` its part, 0, 1, ... in the order in which the variables come; the
    coordinate ``on_loop`` says which are tied by a loop at all. ``attrs``: ``cut`` is Ncut, 0 for
    parts that no loop joins, and near 1 where any halves would do; ``chance`` the share of 199
    tables with the same ties in shuffled places that are cut as cheaply; ``border`` 1 where chance
    is below 0.05, else 0: then there is none, and the parts mean little. ``seed`` decides the
    shuffles.

    Raises ``QueryError`` where a mode grows or values move along the run, and for more parts than
    variables.

    >>> from causalopt.language.symbols import variables
    >>> from causalopt.model.system import System
    >>> a, b, c, d = variables("a b c d")
    >>> two = System(
    ...     {a: a / 2 - b / 4, b: a / 4, c: c / 2 - d / 4 + a, d: c / 4 + b},
    ...     start={a: 0, b: 0, c: 0, d: 0},
    ... )
    >>> natural_division(two).values.tolist()
    [0, 0, 1, 1]
    """
    import xarray as xr

    still = still_world(of)
    still.check_stable()
    members = np.flatnonzero(still.linear.declared)
    count, seed = checks.whole(parts, "parts", 2), checks.whole(seed, "seed", 0)
    if count > len(members):
        raise QueryError(f"{count} parts of {len(members)} variables: ask for fewer.")
    ties, arrows = np.zeros((2, len(members), len(members)))
    ends = still.ends_of(members.tolist())
    points = still.z_at(frequencies_of(at, still))
    for z in points:
        response = still.response(z)
        gamma = coupled(still, response, members)
        between = np.abs(response[np.ix_(ends, ends)])
        with np.errstate(invalid="ignore"):
            size = np.log1p(np.abs(gamma))
        ties += np.where(np.isfinite(size), size, 0.0) / len(points)
        arrows += between / len(points)
    ties, arrows = ties + ties.T, arrows + arrows.T
    np.fill_diagonal(ties, 0.0)
    np.fill_diagonal(arrows, 0.0)
    largest = float(ties.max(initial=0.0)) or 1.0
    weighed = ties / largest + _ONE_WAY * arrows / (float(arrows.max(initial=0.0)) or 1.0)
    labels, cut = _divided(weighed, count)
    chance = _chance(weighed, cut, count, seed)
    attrs = {"cut": cut, "chance": chance, "border": int(chance < _LEVEL)}
    names = [still.linear.names[place] for place in members]
    coords = {"variable": names, "on_loop": (["variable"], ties.any(axis=1))}
    return xr.DataArray(labels, coords, ["variable"], "part", attrs)


@dataclass(frozen=True, eq=False)
class _Cut:
    """One part cut in two: which part, the places of its first half, and what the cut costs."""

    part: int
    first: Ints
    second: Ints
    cost: float


def _divided(ties: Floats, count: int) -> tuple[Ints, float]:
    """The part of each variable, and the dearest of the cuts that were made."""
    parts: list[Ints] = [np.arange(len(ties))]
    dearest = 0.0
    while len(parts) < count:
        cuts = [_cut(ties, number, part) for number, part in enumerate(parts) if len(part) > 1]
        best = min(cuts, key=lambda cut: cut.cost)
        parts[best.part : best.part + 1] = [best.first, best.second]
        dearest = max(dearest, best.cost)
    labels = np.empty(len(ties), dtype=np.int64)
    for number, part in enumerate(sorted(parts, key=lambda part: int(part.min()))):
        labels[part] = number
    return labels, dearest


def _cut(ties: Floats, number: int, part: Ints) -> _Cut:
    """The cheapest of the cuts of a part along the second eigenvector."""
    inside = ties[np.ix_(part, part)]
    degrees = inside.sum(axis=1)
    scale = 1.0 / np.sqrt(np.where(degrees > 0.0, degrees, 1.0))
    _, vectors = np.linalg.eigh(np.eye(len(part)) - scale[:, None] * inside * scale)
    order = np.argsort(vectors[:, 1] * scale, kind="stable")
    ordered = inside[np.ix_(order, order)]
    # Of the first k in order: what is tied across, and what is tied at all.
    volume = np.cumsum(ordered.sum(axis=1))[:-1]
    within = np.diagonal(ordered.cumsum(axis=0).cumsum(axis=1))[:-1]
    across, rest = volume - within, degrees.sum() - volume
    with np.errstate(divide="ignore", invalid="ignore"):
        costs = np.nan_to_num(across / volume) + np.nan_to_num(across / rest)
    place = int(np.argmin(costs)) + 1
    return _Cut(
        number, np.sort(part[order[:place]]), np.sort(part[order[place:]]), float(costs[place - 1])
    )


def _chance(ties: Floats, cut: float, count: int, seed: int) -> float:
    """The share of shuffled tables that are cut as cheaply."""
    source = np.random.default_rng(seed)
    above = np.triu_indices(len(ties), 1)
    found = 0
    for _ in range(_SHUFFLES):
        shuffled = np.zeros_like(ties)
        shuffled[above] = source.permutation(ties[above])
        # Of ties that are all alike any shuffle is the same table, but for rounding.
        found += _divided(shuffled + shuffled.T, count)[1] <= cut * (1.0 + 1e-6) + 1e-12
    return (1 + found) / (1 + _SHUFFLES)
