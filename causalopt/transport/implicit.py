"""Masses of cells carried on by implicit steps: none is lost, and none becomes negative."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from causalopt.ground.types import Floats

if TYPE_CHECKING:
    from scipy.sparse import csc_array

# How much of the probability a half step may move elsewhere, and how often steps are halved.
_MOVED, _HALVINGS = 0.01, 12


def course(
    generator: csc_array, exits: Floats, mass: Floats, spans: Sequence[float], dt: float | None
) -> tuple[list[Floats], list[Floats], float]:
    """Masses at the start and after each span, what the ends have let out, and the step taken."""
    if dt is not None:
        return *_in_steps(generator, exits, mass, spans, dt), dt
    coarse = _in_steps(generator, exits, mass, spans, 1.0)
    for halving in range(1, _HALVINGS + 1):
        fine = _in_steps(generator, exits, mass, spans, 0.5**halving)
        # Of first order: what a half moves, the finer ones together move once more.
        moved = max(np.abs(a - b).sum() for a, b in zip(coarse[0], fine[0], strict=True))
        if moved < _MOVED:
            break
        coarse = fine
    return *fine, 0.5**halving


def _in_steps(
    generator: csc_array, exits: Floats, mass: Floats, spans: Sequence[float], dt: float
) -> tuple[list[Floats], list[Floats]]:
    """The same in steps of dt."""
    masses, left = [mass], [np.zeros(2)]
    for span in spans:
        mass, gone = _advance(generator, exits, mass, span, dt)
        masses.append(mass)
        left.append(left[-1] + gone)
    return masses, left


def _advance(
    generator: csc_array, exits: Floats, mass: Floats, span: float, dt: float
) -> tuple[Floats, Floats]:
    """Masses a time later, by implicit steps of at most dt, and what each end let out (2,)."""
    from scipy.sparse import identity
    from scipy.sparse.linalg import splu

    gone = np.zeros(2)
    if span == 0:
        return mass, gone
    # A whole number of equal steps, none for what rounding adds to a multiple of dt.
    count = max(1, math.ceil(span / dt - 1e-9))
    # I - A dt has positive diagonal, no positive entry beside it and columns that sum to 1 or more:
    # an M-matrix, whose inverse has no negative entry. One factorisation serves all steps.
    solve = splu((identity(len(mass)) - generator * (span / count)).tocsc()).solve
    for _ in range(count):
        # Exact solutions are not negative; what rounding makes so is below 1e-16 of the largest.
        mass = np.maximum(solve(mass), 0.0)
        # Fluxes at the end of the step, as in the step itself, so that nothing is lost or made.
        gone = gone + exits * mass[[0, -1]] * (span / count)
    return mass, gone
