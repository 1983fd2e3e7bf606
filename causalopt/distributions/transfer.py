"""Transfer operators in one dimension: how functions and probability move in one step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from causalopt.declaration import number
from causalopt.distributions.chance import Branch, branches
from causalopt.errors import QueryError
from causalopt.symbols import Variable
from causalopt.system import System

Floats = npt.NDArray[np.float64]

# How much of a value may be lost by going on with one factor a step, and how often that is tried.
_LOSS = 1e-10
_EVERY = 32
# Where so little leaves in a step, or so many steps are needed, a sum over all steps has no digits.
_NEVER = 1e-13
_ROUNDING = 1e-20
_LONGEST = 1_000_000


@dataclass(frozen=True, eq=False)
class TransferOperator:
    """One step of a system on an interval, absorbed outside it: u -> K u on a grid.

    (K u)(w) = sum_j p_j u(f_j(w)), where f_j is the map of outcome j of the noise and u = 0
    outside ``inside``; between grid points u is linear. So K (n, n) is sparse, has no negative
    entry, and each of its rows and what leaves, ``below`` (n,) and ``above`` (n,), sum to 1: K is
    a Markov chain itself, and its transpose moves probability. The error of a smooth u is of the
    order of the square of a cell; compare two grids to see it, as ``escape_probability`` does.

    Raises ``QueryError`` for a state of more than one dimension and noise without ``choice``.

    >>> from causalopt.laws import choice
    >>> from causalopt.symbols import noise, variables
    >>> (x,) = variables("x")
    >>> walk = System({x: x + noise("e", choice([-1, 1]))}, start={x: 1})
    >>> K = TransferOperator.of(walk, inside=(0, 4), cells=4)
    >>> K.matrix.toarray()[1:4, 1:4]
    array([[0. , 0.5, 0. ],
           [0.5, 0. , 0.5],
           [0. , 0.5, 0. ]])
    """

    variable: Variable
    grid: Floats
    matrix: Any
    below: Floats
    above: Floats
    maps: tuple[Branch, ...] = ()

    @classmethod
    def of(cls, system: System, inside: tuple[float, float], cells: int = 4000) -> TransferOperator:
        """The operator of a system on (low, high), cut into ``cells`` of equal length."""
        low, high = checked_interval(inside)
        if isinstance(cells, bool) or not isinstance(cells, int) or cells < 2:
            raise QueryError(f"cells is {cells!r}: write a whole number of 2 or more.")
        variable, maps = branches(system)
        grid = np.linspace(low, high, cells + 1)
        return cls(variable, grid, *_assembled(grid, maps), maps)

    @property
    def left(self) -> Floats:
        """The chance (n,) to leave the interval in one step, on either side."""
        return self.below + self.above

    def at(self, place: float) -> Floats:
        """The probability (n,) of being at one place, spread over the two grid points beside it."""
        low, high = self.grid[0], self.grid[-1]
        if not low < place < high:
            raise QueryError(
                f"{self.variable} = {place:g} lies outside ({low:g}, {high:g}): start inside."
            )
        return self.spread(np.array([place]), np.ones(1))

    def spread(self, places: Floats, chances: Floats) -> Floats:
        """The probability (n,) on the grid of being at places (k,) inside with chances (k,)."""
        made = np.zeros(len(self.grid))
        cell, share = _located(self.grid, places)
        np.add.at(made, cell, chances * (1 - share))
        np.add.at(made, cell + 1, chances * share)
        return made

    def backward(self, values: Floats, steps: int = 1) -> Floats:
        """E[u(W[n]); still inside] as a function of W[0], from the values (n,) of u."""
        found = np.array(values, dtype=np.float64)
        for _ in range(steps):
            found = self.matrix @ found
        return found

    def forward(self, probability: Floats, steps: int = 1) -> tuple[Floats, float, float]:
        """The probability (n,) after some steps, and what has left below and above."""
        found = np.array(probability, dtype=np.float64)
        below = above = 0.0
        turned = self.matrix.T.tocsr()
        for _ in range(steps):
            below += float(self.below @ found)
            above += float(self.above @ found)
            found = turned @ found
        return found, below, above

    def expected(self, gain: Floats) -> Floats:
        """sum_n K^n gain (n,): what is gained at each place visited before leaving, in all.

        With gain 1 it is the mean time until it leaves; with ``above``, the chance to leave there.
        Raises ``QueryError`` where from some places it never leaves.
        """
        now = np.array(gain, dtype=np.float64)
        total = now.copy()
        for step in range(1, _LONGEST):
            after = self.matrix @ now
            low, high = _ratios(now, after) if step % _EVERY == 0 else (0.0, 1.0)
            now = after
            total += now
            if (now <= _ROUNDING * total).all():
                return total
            # What is left is between low / (1 - low) and high / (1 - high) times the last gain.
            if low <= high < 1 and (high - low) < _LOSS * (1 - high):
                total += now * (low / (1 - low))
                return total
            if 1 - low < _NEVER:
                break
        raise QueryError(
            f"{self.variable} does not leave ({self.grid[0]:g}, {self.grid[-1]:g}) from everywhere "
            "within any time that can be summed: the mean is infinite, or close to it. Take a "
            "smaller interval."
        )


def powers(matrix: Any, values: Floats, counts: Sequence[int]) -> Iterator[Floats]:
    """K^n v for each n of increasing ``counts``, where K and v have no negative entry.

    As soon as low v_n <= K v_n <= high v_n with (high / low)^(steps left) within 1e-10 of 1, the
    rest is a factor: K^k v_n lies between low^k v_n and high^k v_n (Collatz and Wielandt's bounds).
    """
    now, done = np.array(values, dtype=np.float64), 0
    for count in counts:
        while done < count:
            after = matrix @ now
            done += 1
            factor = _factor(now, after, count - done) if done % _EVERY == 0 else None
            now = after
            if factor is not None:
                now, done = now * factor, count
        yield now


def _factor(before: Floats, after: Floats, more: int) -> float | None:
    """What more steps multiply the values by, where all places agree; else None."""
    low, high = _ratios(before, after)
    if more < 1 or low <= 0 or more * np.log(high / low) > _LOSS:
        return None
    return float(np.exp(more * (np.log(low) + np.log(high)) / 2))


def _ratios(before: Floats, after: Floats) -> tuple[float, float]:
    """The least and largest after / before; (0, inf) where there is none."""
    seen = before > 0
    if not seen.any() or (after[~seen] > 0).any():
        return 0.0, np.inf
    ratios = after[seen] / before[seen]
    return float(ratios.min()), float(ratios.max())


def checked_interval(inside: tuple[float, float]) -> tuple[float, float]:
    """(low, high) as two finite numbers in order."""
    try:
        low, high = inside
    except (TypeError, ValueError):
        raise QueryError(f"inside is {inside!r}: write two numbers, (low, high).") from None
    low, high = number(low, "inside"), number(high, "inside")
    if not low < high:
        raise QueryError(f"inside=({low:g}, {high:g}) is empty: write ({high:g}, {low:g}).")
    return low, high


def _assembled(grid: Floats, maps: Sequence[Branch]) -> tuple[Any, Floats, Floats]:
    from scipy.sparse import coo_matrix

    count = len(grid)
    below, above = np.zeros(count), np.zeros(count)
    rows, columns, entries = [], [], []
    for one in maps:
        image = one.image(grid)
        below += one.chance * (image <= grid[0])
        above += one.chance * (image >= grid[-1])
        kept = np.flatnonzero((image > grid[0]) & (image < grid[-1]))
        cell, share = _located(grid, image[kept])
        rows += [kept, kept]
        columns += [cell, cell + 1]
        entries += [one.chance * (1 - share), one.chance * share]
    places = (np.concatenate(rows), np.concatenate(columns))
    matrix = coo_matrix((np.concatenate(entries), places), shape=(count, count)).tocsr()
    matrix.eliminate_zeros()
    return matrix, below, above


def _located(grid: Floats, places: Floats) -> tuple[npt.NDArray[np.int64], Floats]:
    """The cell of each place, and how far it lies from its start to its end, from 0 to 1."""
    cell = np.clip(np.searchsorted(grid, places, side="right") - 1, 0, len(grid) - 2)
    share: Floats = (places - grid[cell]) / (grid[cell + 1] - grid[cell])
    return cell.astype(np.int64), share
