"""The leading eigenvalue of a matrix of chances, between two bounds, and what it leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from causalopt.ground.errors import QueryError
from causalopt.ground.types import Floats

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

# A matrix of so many rows is squared, others are taken step by step, so many times.
_SQUARED = 700
_SQUARINGS = 60
_STEPS = 20_000
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

    By inverse iteration, from just above the leading eigenvalue, which is to be above 0. Raises
    ``QueryError`` where so many places do not settle.

    >>> from scipy.sparse import csr_matrix
    >>> lasting_shape(csr_matrix([[0.0, 0.5], [0.5, 0.0]])).round(9)
    array([0.5, 0.5])
    """
    from scipy.sparse import csc_matrix, identity
    from scipy.sparse.linalg import splu

    size, (low, high) = matrix.shape[0], leading_bounds(matrix)
    above = high + max(high - low, _JUST_ABOVE * high)
    solver = splu(csc_matrix(above * identity(size) - matrix.T))
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


def _rows(part: Floats, count: int) -> list[Floats]:
    """The rows of each part."""
    order = np.argsort(part, kind="stable")
    return np.split(order, np.searchsorted(part[order], np.arange(1, count)))


def _of_part(block: csr_matrix) -> tuple[float, float]:
    """Bounds for places that all lead to one another."""
    size = block.shape[0]
    if size == 1:
        return float(block[0, 0]), float(block[0, 0])
    # Half a step has the same eigenvectors, and no place that is reached in even steps alone.
    v = _squared(block) if size <= _SQUARED else _stepped(block)
    if not (v > 0).all():
        return 0.0, 1.0
    ratios = (block @ v) / v
    return float(ratios.min()), float(min(ratios.max(), 1.0))


def _squared(block: csr_matrix) -> Floats:
    """What is left of ones after 2^60 half steps."""
    half = (block.toarray() + np.eye(block.shape[0])) / 2
    for _ in range(_SQUARINGS):
        half = half @ half
        half /= half.max()
    v: Floats = half.sum(axis=1)
    return v


def _stepped(block: csr_matrix) -> Floats:
    """What is left of ones after many half steps."""
    v = np.ones(block.shape[0])
    for _ in range(_STEPS):
        v = (block @ v + v) / 2
        v /= v.max()
    return v
