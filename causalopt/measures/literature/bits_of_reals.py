"""Bits of optimization of a real variable, from starts that are uniform along another."""

from __future__ import annotations

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


@dataclass(frozen=True)
class Unswept(Fixed[W], Generic[W]):
    """A value that stays where the start is swept: the one world that the others are held to."""

    def swept(self, by: Symbol, nodes: object) -> Base[W]:
        """Itself."""
        return self


def bits_on_a_line(
    system: System, m: Variable, step: int, P: Box, better: Expr, A: Nodes
) -> tuple[float, float]:
    """E[-log2 mu{at least as good}] and how much every second start gives otherwise."""
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
    starts = centre + width * np.linspace(-0.5, 0.5, _STARTS)
    scores = _scores(system, source, starts, m, step, better, A)
    value = _mean_bits(*scores)
    return value, abs(value - _mean_bits(*(row[::2] for row in scores)))


def _scores(
    system: System,
    source: Variable,
    starts: Floats,
    m: Variable,
    step: int,
    better: Expr,
    A: Nodes,
) -> tuple[Floats, Floats]:
    """How good m is at the step from each start, free and with A held to its course in W."""
    free = system.world(step)
    own: Base[World[Model]] = Unswept(system.start_values[source])
    held = free.clamp(A, to=free.put(source[0], own))
    data = run(free, held, labels=["X", "Y"], over={source[0]: starts}, keep=[m[step]])
    x, y = (data[m.name].sel(world=name).values.reshape(-1) for name in ("X", "Y"))
    good = [evaluate([better], {m: values})[0] for values in (x, y)]
    for scores, values in zip(good, (x, y), strict=True):
        if not np.isfinite(scores).all():
            at = values[~np.isfinite(scores)][0]
            raise EvaluationError(f"better = {better} is no finite number at {m} = {at:g}.")
    return good[0], good[1]


def _mean_bits(x: Floats, y: Floats) -> float:
    """The mean of -log2 of the share of y at least as good as x, on straight lines between."""
    share = _share_above(y, x)
    if not share.any():
        return float("inf")
    low, high = np.sort(np.stack([share[:-1], share[1:]]), axis=0)
    # The mean of ln over a straight line from low to high is (F(high) - F(low)) / (high - low), F =
    # s ln s - s; where the ends are as good as one, its middle.
    apart = high - low > 1e-6 * high
    with np.errstate(divide="ignore", invalid="ignore"):
        middle = np.log((low + high) / 2) - ((high - low) / (low + high)) ** 2 / 6
        whole = (_xlogx(high) - _xlogx(low)) / (high - low) - 1
    nats = -np.where(apart, whole, middle)
    return float(nats.mean() / np.log(2))


def _xlogx(s: Floats) -> Floats:
    return s * np.log(np.where(s > 0, s, 1.0))


def _share_above(y: Floats, levels: Floats) -> Floats:
    """The share of the line on which y, straight between its points, is at least each level."""
    low, high = np.sort(np.stack([y[:-1], y[1:]]), axis=0)
    wide = np.where(high > low, high - low, 1.0)
    shares = np.zeros(len(levels))
    for i, level in enumerate(levels):
        part = np.where(high > low, (high - level) / wide, low >= level)
        shares[i] = np.clip(part, 0.0, 1.0).mean()
    return shares
