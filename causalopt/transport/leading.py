"""The leading eigenvalue of a matrix of chances, between two bounds, and what it leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from causalopt.ground.errors import QueryError
from causalopt.ground.types import Floats

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix
    from scipy.sparse.linalg import SuperLU

NO_RATE = "Everything leaves in finitely many steps: there is no rate."
# How far above a bound the next one is looked for, how often, and when two have met.
_JUST_ABOVE_NODA, _ROUNDS_OF_PART, _TIGHT = 1e-14, 100, 1e-14
# How far above the eigenvalue a shape is looked for, and when it has settled.
_JUST_ABOVE, _ROUNDS, _SETTLED = 1e-10, 2_000, 1e-12


def leading_bounds(matrix: csr_matrix) -> tuple[float, float]:
    """Two bounds of the largest eigenvalue of a matrix without negative entries.

    It is the largest of those of its parts that lead to one another, and for a positive v it is
    between the least and the largest (K v)_i / v_i there (Collatz and Wielandt).
    """
    from scipy.sparse.csgraph import connected_components

    count, part = connected_components(matrix, connection="strong")
    bounds = [_of_part(matrix[rows][:, rows].tocsr()) for rows in _rows(part, count)]
    return max(low for low, _ in bounds), max(high for _, high in bounds)


def lasting_shape(matrix: csr_matrix) -> Floats:
    """Where what began at the first place is, once it has stayed for long: chances that sum to 1.

    By inverse iteration, from just above the leading eigenvalue. Raises ``QueryError`` where that
    is 0, and where so many places do not settle.

    >>> from scipy.sparse import csr_matrix
    >>> lasting_shape(csr_matrix([[0.0, 0.5], [0.5, 0.0]])).round(9)
    array([0.5, 0.5])
    """
    size, (low, high) = matrix.shape[0], leading_bounds(matrix)
    if high <= 0:
        raise QueryError(NO_RATE)
    above = high + max(high - low, _JUST_ABOVE * high)
    solver = _inverse(matrix.T, above)
    mass = np.eye(1, size)[0]
    for _ in range(_ROUNDS):
        after: Floats = np.abs(solver.solve(mass))
        after /= after.sum()
        if float(np.abs(after - mass).sum()) < _SETTLED:
            return after
        mass = after
    raise QueryError(
        f"The {size:,} places that are reached have not settled within {_ROUNDS:,} rounds, so that "
        "no one density is seen: take a smaller interval."
    )


def long_run(matrix: csr_matrix, mass: Floats | None = None) -> tuple[float, Floats]:
    """What a step keeps of probability (n,) in the long run, and its shape; spread evenly at first.

    By repeated steps, for the many points of a grid. Raises ``QueryError`` where nothing is left,
    and where it has not forgotten how it began.

    >>> from scipy.sparse import csr_matrix
    >>> kept, shape = long_run(csr_matrix([[0.5, 0.2], [0.2, 0.5]]))
    >>> round(kept, 9), shape.round(9)
    (0.7, array([0.5, 0.5]))
    """
    turned = matrix.T.tocsr()
    mass = np.full(matrix.shape[0], 1 / matrix.shape[0]) if mass is None else mass
    # The quasi-stationary distribution is the fixed point of one step, brought back to sum 1: what
    # else there was dies out by the ratio of the next eigenvalue to the leading one.
    for count in range(200_000):
        after = turned @ mass
        total = float(after.sum())
        if total <= 0:
            raise QueryError(NO_RATE)
        moved = float(np.abs(after / total - mass).sum())
        mass = after / total
        # The first steps may stand still before what was near one place has spread.
        if moved < 1e-13 and count > 10:
            return total, mass
    raise QueryError(
        "The system has not forgotten where it started within 200,000 steps, so that no one rate "
        "of escape or density is seen: take a smaller interval, with one well."
    )


def _rows(part: Floats, count: int) -> list[Floats]:
    """The rows of each part."""
    order = np.argsort(part, kind="stable")
    return np.split(order, np.searchsorted(part[order], np.arange(1, count)))


def _of_part(block: csr_matrix) -> tuple[float, float]:
    """Bounds for places that all lead to one another, from above by Noda's iteration (1971).

    Where (s I - K) y = v > 0, y is positive and K y below s y: the largest ratio is a lower s. So
    it goes on, until the two bounds meet, or floats hold y no longer.
    """
    if block.shape[0] == 1:
        return float(block[0, 0]), float(block[0, 0])
    v, low, high = np.ones(block.shape[0]), 0.0, float(block.sum(axis=1).max())
    for _ in range(_ROUNDS_OF_PART):
        v = _below(block, high, v)
        if not (np.isfinite(v).all() and (v > 0).all()):
            break
        ratios = (block @ v) / v
        low, before, high = max(low, float(ratios.min())), high, min(high, float(ratios.max()))
        if high >= before or high - low <= _TIGHT * high:
            break
    return low, min(high, 1.0)


def _below(block: csr_matrix, high: float, v: Floats) -> Floats:
    """(s I - K)^-1 v, with s just above a bound; nothing finite where that has no inverse."""
    try:
        found: Floats = np.abs(_inverse(block, high * (1 + _JUST_ABOVE_NODA)).solve(v))
    except RuntimeError:
        return np.full(len(v), np.nan)
    found /= found.max()
    return found


def _inverse(matrix: csr_matrix, above: float) -> SuperLU:
    """What solves (s I - K) y = v."""
    from scipy.sparse import csc_matrix, identity
    from scipy.sparse.linalg import splu

    return splu(csc_matrix(above * identity(matrix.shape[0]) - matrix))
