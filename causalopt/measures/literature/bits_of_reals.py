"""Bits of optimization of a real variable, from starts that are uniform along another."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from sympy import Expr, Symbol

from causalopt.backends.evaluation import evaluate
from causalopt.distributions.real.affine import Box
from causalopt.ground.errors import EvaluationError, QueryError
from causalopt.ground.types import Floats
from causalopt.language.symbols import Nodes, Variable
from causalopt.language.words import listed
from causalopt.model.interface import Model
from causalopt.model.interventions import Base, Elsewhere, Fixed
from causalopt.model.system import System
from causalopt.model.world import World
from causalopt.runs.results import run

W = TypeVar("W", bound=Elsewhere)

# Starts, their middle among them; an odd number whose half is odd too, so that halves have it.
_STARTS = 2001
# What is less than this part of the way between two starts is at one of them.
_BETWEEN = 1e-6


@dataclass(frozen=True)
class Unswept(Fixed[W], Generic[W]):
    """A value that stays where the start is swept: the one world that the others are held to."""

    def swept(self, by: Symbol, nodes: object) -> Base[W]:
        """Itself."""
        return self


def bits_on_a_line(
    system: System, m: Variable, step: int, P: Box, better: Expr, A: Nodes
) -> tuple[float, float]:
    """E[-log2 mu{at least as good}], and how far every second start and rounding may move it.

    Raises ``EvaluationError`` where rounding may move it by more than one bit.
    """
    if len(P.variables) != 1 or P.variables[0] not in system.variables:
        raise QueryError(
            f"P is a Box over {listed(P.variables)}: write one over one variable of the system, "
            f"such as Box.of({{{system.variables[0]}: (24, 26)}}); the others start as the system "
            "does."
        )
    source = P.variables[0]
    if P.matrix.free_symbols | P.offset.free_symbols:
        raise QueryError(f"P = {P.matrix[0]} u + {P.offset[0]} has symbols: give it numbers.")
    centre, width = float(P.offset[0]), abs(float(P.matrix[0]))
    starts = grid = centre + width * np.linspace(-0.5, 0.5, _STARTS)
    scores = functools.partial(_scores, system, source, m=m, step=step, better=better, A=A)
    free, least, held = scores(starts)
    if np.isinf(_mean_bits(starts, free, held)):
        # Where the held world is best between two starts, neither shows how good it can be.
        starts = np.union1d(starts, _peaks(starts, held))
        free, least, held = scores(starts)
    value, low = _mean_bits(starts, free, held), _mean_bits(starts, least, held)
    # Where it is infinite, so it must be for all that floats can tell.
    if low < value - 1:
        raise EvaluationError(
            f"{m} comes so close to what is best, or from start to start to the same, that the "
            f"rounding of {step} steps (by {_roundings(step):.3g} of its size) decides how many "
            "bits it is: ask op(...), whose differences are not rounded away, fewer steps, or "
            f"starts that lie further apart. More than {low:.4g} bits are sure."
        )
    if np.isinf(value):
        return value, 0.0
    halved = ~np.isin(starts, grid[1::2])
    by_half = _mean_bits(starts[halved], free[halved], held[halved])
    return value, abs(value - by_half) + max(value - low, 0.0)


def _peaks(starts: Floats, scores: Floats) -> Floats:
    """Where straight lines rise and fall that meet between two starts."""
    slopes = np.diff(scores) / np.diff(starts)
    before, after = slopes[:-2], slopes[2:]
    is_peak = (before > 0) & (after < 0)
    rise, fall = before[is_peak], after[is_peak]
    left, right = starts[1:-2][is_peak], starts[2:-1][is_peak]
    low, high = scores[1:-2][is_peak], scores[2:-1][is_peak]
    share = ((high - low) / (right - left) - fall) / (rise - fall)
    # What lies on a start, but for rounding, is there already.
    inside = (share > _BETWEEN) & (share < 1 - _BETWEEN)
    return (left + share * (right - left))[inside]


def _scores(
    system: System,
    source: Variable,
    starts: Floats,
    *,
    m: Variable,
    step: int,
    better: Expr,
    A: Nodes,
) -> tuple[Floats, Floats, Floats]:
    """How good m is from each start: free; at least, as it is rounded; with A held as in W."""
    free = system.world(step)
    own: Base[World[Model]] = Unswept(system.start_values[source])
    held = free.clamp(A, to=free.put(source[0], own))
    data = run(free, held, labels=["X", "Y"], over={source[0]: starts}, keep=[m[step]])
    x, y = (data[m.name].sel(world=name).values.reshape(-1) for name in ("X", "Y"))
    free_scores, held_scores = (_good(better, m, values) for values in (x, y))
    error = _roundings(step) * np.abs(x)
    beside = [evaluate([better], {m: values})[0] for values in (x - error, x + error)]
    # A formula may have no value beside those that m takes.
    least = np.fmin(free_scores, np.fmin(*beside))
    return free_scores, least, held_scores


def _good(better: Expr, m: Variable, values: Floats) -> Floats:
    scores = evaluate([better], {m: values})[0]
    if not np.isfinite(scores).all():
        at = values[~np.isfinite(scores)][0]
        raise EvaluationError(f"better = {better} is no finite number at {m} = {at:g}.")
    return scores


def _roundings(step: int) -> float:
    """How far steps that each round once, and forget nothing, are off, in parts of a value."""
    return step * float(np.finfo(np.float64).eps) / 2


def _mean_bits(starts: Floats, x: Floats, y: Floats) -> float:
    """The mean of -log2 of the share of y at least as good as x, on straight lines between."""
    widths = np.diff(starts) / (starts[-1] - starts[0])
    share = _share_above(y, x, widths)
    low, high = np.sort(np.stack([share[:-1], share[1:]]), axis=0)
    # The mean of ln over a straight line from low to high is (F(high) - F(low)) / (high - low), F =
    # s ln s - s; where the ends are as good as one, its middle.
    if not high.all():  # better than all of y, along a line
        return float("inf")
    apart = high - low > 1e-6 * high
    with np.errstate(divide="ignore", invalid="ignore"):
        middle = np.log((low + high) / 2) - ((high - low) / (low + high)) ** 2 / 6
        whole = (_xlogx(high) - _xlogx(low)) / (high - low) - 1
    nats = -np.where(apart, whole, middle)
    return float(nats @ widths / np.log(2))


def _xlogx(s: Floats) -> Floats:
    return s * np.log(np.where(s > 0, s, 1.0))


def _share_above(y: Floats, levels: Floats, widths: Floats) -> Floats:
    """The share of the line on which y, straight between its points, is at least each level."""
    low, high = np.sort(np.stack([y[:-1], y[1:]]), axis=0)
    wide = np.where(high > low, high - low, 1.0)
    shares = np.zeros(len(levels))
    for i, level in enumerate(levels):
        part = np.where(high > low, (high - level) / wide, low >= level)
        shares[i] = np.clip(part, 0.0, 1.0) @ widths
    return shares
