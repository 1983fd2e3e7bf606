"""Shares: how Op of all units of an array is shared out among them, by gates that close."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sympy import Symbol

from causalopt.ground import checks
from causalopt.ground.errors import EvaluationError, QueryError
from causalopt.ground.tensors import Tensor
from causalopt.ground.types import Floats
from causalopt.language.domains import domain_of
from causalopt.language.parts import PartOf
from causalopt.language.subspaces import Gates
from causalopt.language.symbols import Nodes
from causalopt.measures.question import Question, names_of, nodes_as_text
from causalopt.measures.record import Measure
from causalopt.measures.response.every_unit import checked_parts, is_moved, parts_of_arrays
from causalopt.measures.response.optimization import OP
from causalopt.model.interface import Model
from causalopt.model.world import World
from causalopt.runs.backwards import slopes
from causalopt.runs.labels import in_single
from causalopt.runs.simulation import Want

if TYPE_CHECKING:
    import xarray as xr

# How far each gate is closed, as an input of the run.
_GATES = Symbol("gates", real=True)
# The first number of points of a quadrature, and the most of them.
_FEWEST, _MOST = 4, 256


def unit_shares(
    of: Model | World[Model],
    n: Nodes,
    m: Nodes,
    *,
    among: Nodes | Sequence[Nodes],
    along: object = None,
    read: object = None,
    tolerance: float = 1e-9,
) -> xr.Dataset:
    """How Op(A; n, m) is shared among the units that A is made of, all of them at once, in nats.

    A gate at each unit a blends it with its value in W: (1 - gamma_a) y_a + gamma_a w_a. With
    F(gamma) = log |dy_m / dn|, F(0) is that of X and F(1) that of Y, in which all are held, and

        share(a) = integral_0^1 dF/dgamma_a (gamma, ..., gamma) dgamma,

    the gradient along the diagonal (Aumann and Shapley, Values of Non-Atomic Games, 1974). Shares
    add up to F(1) - F(0), which is Op of all units: ``total``. ``first_order`` is the gradient at
    gamma = 0: what the first touch of each gate does, from one pass back through the run, whatever
    the number of units. It orders units nearly as Op of each by itself does (``every_A``, which
    runs once for each).

    ``among`` is an array, whose entries are the units, or a list of parts of one array that do not
    overlap; ``n`` lies outside of it, ``m`` is one node, and ``along`` and ``read`` are those of
    ``op``. Points of a Gauss-Legendre quadrature double until ``missing``, what it misses of the
    total, and the change of every share are below ``tolerance``; their number is told in
    ``attrs["points"]``. Where 256 do not do ``attrs["converged"]`` is 0, and a ``RuntimeWarning``
    says so: such as where the derivative passes 0 on the diagonal, where shares are infinite.

    Returns a dataset with ``share`` and ``first_order`` (A), ``total`` and ``missing``. Raises
    ``QueryError`` for units that overlap, or what ``op`` refuses, and ``EvaluationError`` where
    nothing of n reaches m.

    >>> from causalopt.language.arrays import array
    >>> from causalopt.language.symbols import variables
    >>> from causalopt.mechanisms.opaque import function
    >>> from causalopt.model.system import System
    >>> h, (R,) = array("h", 2), variables("R")
    >>> room = System(
    ...     {
    ...         h: function(lambda R: R * np.array([0.2, 0.1]))(R),
    ...         R: function(lambda R, h: R - h[0] - h[1])(R, h.next),
    ...     },
    ...     start={h: [0, 0], R: 1},
    ... )
    >>> found = unit_shares(room, R[0], R[9], among=h)
    >>> found.share.to_series().round(3).to_dict(), round(found.total.item(), 3)
    ({'h.part[0]': 2.14, 'h.part[1]': 1.07}, 3.21)
    """
    import xarray as xr

    if checks.finite(tolerance, "tolerance") <= 0.0:
        raise QueryError(f"tolerance is {tolerance}: write a small positive number, such as 1e-9.")
    parts = parts_of_arrays(among)
    if not parts:
        raise QueryError(
            f"among = {nodes_as_text(among)} has no units: name an array, among=h, or parts of "
            "one, [h.part[0:3], h.part[3:]]. Variables have the shares that steering_shares gives."
        )
    gated = _gated(Question(of, parts[0], n, m, along=along, read=read), parts)
    found = _integrated(gated, tolerance)
    missing = found.total - float(found.shares.sum())
    if not found.converged:
        warn_of_missing(missing, found.total, found.points)
    attrs = {"long_name": "share of Op", "units": OP.unit, "neutral": 0.0}
    told = {**gated.asked.arguments(), "A": nodes_as_text(among), **in_single(gated.asked.model)}
    return xr.Dataset(
        {
            "share": (["A"], found.shares, attrs),
            "first_order": (["A"], found.first, {**attrs, "long_name": "first order of Op"}),
            "total": ([], found.total, {"long_name": OP.symbol, "units": OP.unit}),
            "missing": ([], missing, {"units": OP.unit}),
        },
        {"A": names_of(parts)},
        {
            **told,
            **in_single(gated.asked.model),
            "points": found.points,
            "converged": int(found.converged),
        },
    )


def warn_of_missing(missing: float, total: float, points: int) -> None:
    """A ``RuntimeWarning`` that shares do not add up to their total, nor settle."""
    warnings.warn(
        f"The shares have not settled with {points} points, and miss {missing:.3g} of their total, "
        f"{total:.3g}: they say nothing. So it is where the derivative passes 0 while the gates "
        "close, where shares are infinite: ask for another m, or step, or for Op of each.",
        RuntimeWarning,
        stacklevel=3,
    )


@dataclass(frozen=True, eq=False)
class GatedUnits:
    """A nudged world with a gate at each unit (units, *shape), and what is read at its end."""

    asked: Question
    world: World[Model]
    units: Floats
    read: Floats

    @property
    def count(self) -> int:
        """The number of units."""
        return len(self.units)

    def at(self, closed: Floats) -> tuple[float, Floats]:
        """log |dm/dn| with the gates closed so far, and its derivatives by them."""
        want = Want(self.world, self.asked.key_of_m, tangent=True)
        # The gates of a unit's entries close together.
        gates = Tensor(np.tensordot(closed, self.units, axes=1))
        value, found = slopes(want, self.asked.rows[0], self.read, {_GATES: gates})
        if not np.isfinite(value):
            raise EvaluationError(
                f"The difference at {nodes_as_text(self.asked.n)} does not reach "
                f"{nodes_as_text(self.asked.m)} with the gates closed by {closed[0]:.3g}: Op is "
                "infinite or undefined there, and has no shares."
            )
        slope = found.get(_GATES, np.zeros(gates.shape))
        return value, self.units.reshape(self.count, -1) @ slope.reshape(-1)


@dataclass(frozen=True, eq=False)
class Shared:
    """What each unit has of ``total``, and to first order."""

    shares: Floats
    first: Floats
    total: float
    points: int
    converged: bool


def touched(asked: Question, parts: Sequence[Nodes], measure: Measure) -> xr.DataArray:
    """The first order of Op of each part, along the dim ``A``, in one pass back for all of them.

    ``asked`` is the question about the first of them.
    """
    import xarray as xr

    if measure is not OP:
        raise QueryError('first_order is of Op: write measure="op".')
    gated = _gated(asked, parts)
    _, first = gated.at(np.zeros(gated.count))
    attrs = {**OP.attributes(), **asked.arguments(), "A": "each part", "order": "first"}
    coords = {"A": names_of(parts)}
    return xr.DataArray(first, coords, ["A"], OP.name, {**attrs, **in_single(asked.model)})


def _gated(asked: Question, parts: Sequence[Nodes]) -> GatedUnits:
    """The question about the first of some parts, checked for all, and its world with gates."""
    owner, masks = checked_parts(asked, parts)
    if masks.sum(axis=0).max() > 1:
        raise QueryError("Some entries are in several of the units: shares are of parts apart.")
    if is_moved(asked, owner) or asked.key_of_m == owner:
        raise QueryError(
            f"{owner} is where a difference is made, or read: its units share what they do to "
            "others. Choose n and m outside of it, in a world in which it is not perturbed."
        )
    if asked.over_rows:
        raise QueryError(
            f"m = {asked.m} is at many steps: name one, such as {asked.key_of_m}[100]."
        )
    directions = asked.directions
    if directions is not None and directions.count > 1:
        raise QueryError(f"n = {asked.n} holds an array: name one direction, along=v.")
    shape, readings = domain_of(asked.key_of_m).shape, asked.readings
    rows = np.ones((1, *shape)) if readings is None else readings
    if len(rows) > 1 or (readings is None and rows.size > 1):
        raise QueryError(f"m = {asked.m} holds an array: say which number is meant, read=u.")
    W, X, _ = asked.worlds()
    Y = X.clamp(PartOf(owner, Gates(masks.shape[1:], _GATES)), to=W)
    return GatedUnits(asked, Y, masks.astype(np.float64), rows[0])


def _integrated(gated: GatedUnits, tolerance: float) -> Shared:
    """The gradient along the diagonal, by twice the points until it holds."""
    free, first = gated.at(np.zeros(gated.count))
    held, _ = gated.at(np.ones(gated.count))
    points, before = _FEWEST, np.full(gated.count, np.inf)
    while True:
        places, weights = np.polynomial.legendre.leggauss(points)
        slopes_at = [gated.at(np.full(gated.count, 0.5 + 0.5 * x))[1] for x in places]
        shares = 0.5 * weights @ np.array(slopes_at)
        missing = abs(held - free - float(shares.sum()))
        moved = float(np.abs(shares - before).max(initial=0.0))
        converged = max(missing, moved) < tolerance
        if converged or points >= _MOST:
            return Shared(shares, first, held - free, points, converged)
        points, before = 2 * points, shares
