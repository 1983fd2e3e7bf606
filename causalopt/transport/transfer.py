"""Transfer operators in one or two dimensions: how functions and probability move in one step."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from causalopt.ground.checks import finite as finite_number
from causalopt.ground.checks import shown, whole
from causalopt.ground.errors import QueryError, TooLargeError
from causalopt.ground.holding import hashed, same
from causalopt.ground.memory import refuse_what_does_not_fit
from causalopt.ground.types import Bools, Floats, Ints
from causalopt.language.symbols import Variable
from causalopt.model.system import System
from causalopt.transport.chance import Branch, branches

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

# How much of a value may be lost by going on with one factor a step, and how often that is tried.
_LOSS = 1e-10
_EVERY = 32
# Where so little leaves in a step, or so many steps are needed, a sum over all steps has no digits.
_NEVER = 1e-13
_ROUNDING = 1e-20
_LONGEST = 1_000_000
_MOST_PRODUCTS = 30_000_000_000  # half a minute to a minute

# Assembling K holds so many arrays as large as its entries at most, and as its points, as measured.
_FOR_ENTRY = 9
_FOR_POINT = 8

#: Where a system is watched: (low, high), or {W: (low, high), V: (low, high)}.
Inside = tuple[float, float] | Mapping[Variable, tuple[float, float]]
#: A place: a number, or {W: 1.0, V: 0.0}.
Place = float | Mapping[Variable, float]


@dataclass(frozen=True, eq=False)
class TransferOperator:
    """One step of a system in an interval or rectangle, absorbed outside it: u -> K u on a grid.

    (K u)(w) = sum_j p_j u(f_j(w)), where f_j is the map of outcome j of the noise and u = 0
    outside ``inside``; between grid points u is linear, in two dimensions bilinear. So K (n, n) is
    sparse, has no negative entry, and each of its rows and what leaves, ``below`` (d, n) and
    ``above`` (d, n), sum to 1: K is a Markov chain itself, and its transpose moves probability.
    What is outside in both variables counts as having left by the first. The n points of ``grid``
    (n, d) are those of the ``axes``, the last variable running fastest. The error of a smooth u is
    of the order of the square of a cell; compare grids to see it, as ``escape_probability`` does.

    Raises ``QueryError`` for a state of more than two dimensions and noise without ``choice``.

    >>> from causalopt.language.laws import choice
    >>> from causalopt.language.symbols import noise, variables
    >>> x, v = variables("x v")
    >>> walk = System({x: x + noise("e", choice([-1, 1]))}, start={x: 1})
    >>> K = TransferOperator.of(walk, inside=(0, 4), cells=4)
    >>> K.matrix.toarray()[1:4, 1:4]
    array([[0. , 0.5, 0. ],
           [0.5, 0. , 0.5],
           [0. , 0.5, 0. ]])
    >>> moving = System({x: x + v, v: noise("e", choice([-1, 1]))}, start={x: 1, v: 1})
    >>> TransferOperator.of(moving, {x: (0, 4), v: (-2, 2)}, cells=4).matrix.shape
    (25, 25)
    """

    variables: tuple[Variable, ...]
    axes: tuple[Floats, ...]
    matrix: csr_matrix
    below: Floats
    above: Floats
    maps: tuple[Branch, ...] = ()

    __eq__, __hash__ = same, hashed

    @classmethod
    def of(cls, system: System, inside: Inside, cells: int | None = None) -> TransferOperator:
        """The operator of a system on (low, high), or on {variable: (low, high)} for each of two.

        Each side is cut into ``cells`` of equal length: 4000 by default, 200 in two dimensions.
        """
        variables, maps = branches(system)
        cells = (4000 if len(variables) == 1 else 200) if cells is None else cells
        cells = whole(cells, "cells", 2)
        _refuse_too_large(cells, variables, len(maps))
        axes = tuple(np.linspace(*ends, cells + 1) for ends in _sides(inside, variables))
        return cls(variables, axes, *_assemble(axes, maps), maps)

    @property
    def grid(self) -> Floats:
        """The points of the grid (n, d)."""
        return _points(self.axes)

    @property
    def ends(self) -> list[tuple[float, float]]:
        """Where it ends on both sides, by each variable."""
        return [(float(axis[0]), float(axis[-1])) for axis in self.axes]

    @property
    def where(self) -> str:
        """The interval or rectangle in words."""
        sides = zip(self.variables, self.axes, strict=True)
        return " and ".join(f"{axis[0]:g} < {v} < {axis[-1]:g}" for v, axis in sides)

    @property
    def left(self) -> Floats:
        """The chance (n,) to leave in one step, on any side."""
        chances: Floats = (self.below + self.above).sum(axis=0)
        return chances

    def place(self, given: Place) -> Floats:
        """A place inside as coordinates (d,); ``QueryError`` where it is outside."""
        if isinstance(given, Mapping):
            missing = [str(v) for v in self.variables if v not in given]
            if missing:
                raise QueryError(f"The place has no value for {missing[0]}: write one for each.")
            place = [finite_number(given[v], f"the place of {v}") for v in self.variables]
        elif len(self.variables) == 1:
            place = [finite_number(given, f"the place of {self.variables[0]}")]
        else:
            raise QueryError(
                f"The place is {given!r}: write a value for each of "
                f"{', '.join(map(str, self.variables))}, in a dict."
            )
        for variable, axis, coordinate in zip(self.variables, self.axes, place, strict=True):
            if not axis[0] < coordinate < axis[-1]:
                raise QueryError(
                    f"{variable} = {coordinate:g} lies outside ({axis[0]:g}, {axis[-1]:g}): "
                    "start inside."
                )
        return np.array(place)

    def at(self, place: Place) -> Floats:
        """The probability (n,) of being at one place, spread over the grid points around it."""
        return self.spread(self.place(place)[None, :], np.ones(1))

    def spread(self, places: Floats, chances: Floats) -> Floats:
        """The probability (n,) on the grid of being at places (k, d) inside with chances (k,)."""
        mass = np.zeros(self.matrix.shape[0])
        for column, share in _corners(self.axes, places):
            np.add.at(mass, column, chances * share)
        return mass

    def sides(self, places: Floats) -> tuple[Bools, Bools, Bools]:
        """Which places (k, d) are inside (k,), and which below and above by a variable (d, k)."""
        return _outside(self.axes, places)

    def backward(self, values: Floats, steps: int = 1) -> Floats:
        """E[u(W[n]); still inside] as a function of W[0], from the values (n,) of u."""
        # The backward equation: a row of K holds where a place goes, so that K takes means ahead.
        ahead = np.array(values, dtype=np.float64)
        for _ in range(self._counted(steps)):
            ahead = self.matrix @ ahead
        return ahead

    def forward(self, probability: Floats, steps: int = 1) -> tuple[Floats, Floats, Floats]:
        """The probability (n,) after some steps, and what has left below (d,) and above (d,)."""
        mass = np.array(probability, dtype=np.float64)
        below, above = np.zeros(len(self.axes)), np.zeros(len(self.axes))
        # The adjoint of the backward equation moves probability: <P, K u> = <K^T P, u>.
        turned = self.matrix.T.tocsr()
        for _ in range(self._counted(steps)):
            below += self.below @ mass
            above += self.above @ mass
            mass = turned @ mass
        return mass, below, above

    def _counted(self, steps: object) -> int:
        """A number of steps, each of which is to be taken."""
        count = whole(steps, "steps", 0)
        refuse_long(self.matrix, count)
        return count

    def expected(self, gain: Floats) -> Floats:
        """sum_n K^n gain (n,): what is gained at each place visited before leaving, in all.

        With gain 1 it is the mean time until it leaves; with a row of ``above``, the chance to
        leave there.
        Raises ``QueryError`` where from some places it never leaves.
        """
        return summed(self.matrix, gain, self.where)


def summed(matrix: csr_matrix, gain: Floats, where: str) -> Floats:
    """sum_n K^n gain (n,), to 1e-10 of each; ``QueryError`` where it has no end."""
    now = np.array(gain, dtype=np.float64)
    total = now.copy()
    for step in range(1, _LONGEST):
        after = matrix @ now
        # K has no negative entry: where low v <= K v <= high v, all later gains lie between
        # low^k v and high^k v, two geometric series. To look costs as much as a step.
        low, high = _ratios(now, after) if step % _EVERY == 0 else (0.0, 1.0)
        now = after
        total += now
        if (now <= _ROUNDING * total).all():
            return total
        # What is left is between low / (1 - low) and high / (1 - high) times the last gain.
        if low <= high < 1 and (high - low) < _LOSS * (1 - high):
            total += now * (low / (1 - low))
            return total
        # Everywhere more than 1 - 1e-13 is kept: the sum would be all rounding.
        if 1 - low < _NEVER:
            break
    raise QueryError(
        f"{where} is not left from everywhere within any time that can be summed: the "
        "mean is infinite, or close to it. Take a smaller interval."
    )


def powers(matrix: csr_matrix, values: Floats, counts: Sequence[int]) -> Iterator[Floats]:
    """K^n v for each n of increasing ``counts``, where K and v have no negative entry.

    As soon as low v_n <= K v_n <= high v_n with (high / low)^(steps left) within 1e-10 of 1, the
    rest is a factor: K^k v_n lies between low^k v_n and high^k v_n (Collatz and Wielandt's bounds).
    """
    now, done = np.array(values, dtype=np.float64), 0
    taken = 0
    for count in counts:
        while done < count:
            taken += 1
            if taken % _EVERY == 0:
                refuse_long(matrix, taken)
            after = matrix @ now
            done += 1
            factor = _factor(now, after, count - done) if done % _EVERY == 0 else None
            now = after
            if factor is not None:
                now, done = now * factor, count
        yield now


def refuse_long(matrix: csr_matrix, steps: int) -> None:
    """Refuse steps whose products, one for each entry of K, are more than a minute's work."""
    products = steps * matrix.nnz
    if products > _MOST_PRODUCTS:
        raise TooLargeError(
            f"{steps:,} steps of a transfer operator with {matrix.nnz:,} entries are {products:,} "
            f"products, and {_MOST_PRODUCTS:,} are the most: take fewer steps, or fewer cells, or "
            "ask for the escape_rate, by which it goes on in the long run."
        )


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


def as_interval(inside: tuple[float, float]) -> tuple[float, float]:
    """(low, high) as two finite numbers in order."""
    try:
        # A set has no order, and of a dict there are the keys.
        low, high = () if isinstance(inside, Set | Mapping) else inside
    except (TypeError, ValueError):
        raise QueryError(f"inside is {shown(inside)}: write two numbers, (low, high).") from None
    low, high = finite_number(low, "inside"), finite_number(high, "inside")
    if not low < high:
        raise QueryError(f"inside=({low:g}, {high:g}) is empty: write ({high:g}, {low:g}).")
    return low, high


def _sides(inside: Inside, variables: tuple[Variable, ...]) -> list[tuple[float, float]]:
    """The ends for each variable of the state, in its order."""
    if not isinstance(inside, Mapping):
        if len(variables) > 1:
            names = ", ".join(f"{v}: (low, high)" for v in variables)
            raise QueryError(
                f"The state has {len(variables)} dimensions, and inside is {inside!r}: write "
                f"{{{names}}}."
            )
        return [as_interval(inside)]
    if set(inside) != set(variables):
        raise QueryError(
            f"inside has ends for {', '.join(map(str, inside))}, but the state is "
            f"{', '.join(map(str, variables))}: write ends for these."
        )
    return [as_interval(inside[v]) for v in variables]


def _refuse_too_large(cells: int, variables: tuple[Variable, ...], maps: int) -> None:
    """Refuse, before a grid is made, an operator that would not fit in memory."""
    points, corners = (cells + 1) ** len(variables), 2 ** len(variables)
    usual = 4000 if len(variables) == 1 else 200
    refuse_what_does_not_fit(
        8 * points * (_FOR_ENTRY * maps * corners + _FOR_POINT),
        f"A transfer operator on {points:,} points with {maps:,} outcomes of the noise",
        f"Take fewer cells, such as cells={usual}, or a smaller batch.",
    )


def _points(axes: tuple[Floats, ...]) -> Floats:
    grids = np.meshgrid(*axes, indexing="ij")
    return np.stack([grid.ravel() for grid in grids], axis=1)


def _assemble(
    axes: tuple[Floats, ...], maps: Sequence[Branch]
) -> tuple[csr_matrix, Floats, Floats]:
    """K, and what leaves below and above by each variable."""
    from scipy.sparse import coo_matrix

    points = _points(axes)
    count = len(points)
    below, above = np.zeros((len(axes), count)), np.zeros((len(axes), count))
    rows, columns, entries = [], [], []
    for branch in maps:
        image = branch.image(points)
        within, under, over = _outside(axes, image)
        below += branch.chance * under
        above += branch.chance * over
        kept = np.flatnonzero(within)
        # u at an image is a mean of u at the corners around it, with these shares: a row of K.
        for column, share in _corners(axes, image[kept]):
            rows.append(kept)
            columns.append(column)
            entries.append(branch.chance * share)
    # Entries at one place add up, when coordinates become rows.
    places = (np.concatenate(rows), np.concatenate(columns))
    matrix = coo_matrix((np.concatenate(entries), places), shape=(count, count)).tocsr()
    matrix.eliminate_zeros()
    return matrix, below, above


def _outside(axes: tuple[Floats, ...], places: Floats) -> tuple[Bools, Bools, Bools]:
    """Which places (k, d) are inside (k,), and which are below and above by each variable (d, k).

    A place that is outside in both variables counts by the first.
    """
    within = np.ones(len(places), dtype=bool)
    below, above = np.zeros((2, len(axes), len(places)), dtype=bool)
    for variable, axis in enumerate(axes):
        below[variable] = within & (places[:, variable] <= axis[0])
        above[variable] = within & (places[:, variable] >= axis[-1])
        # From here on only places that are still inside count.
        within &= ~(below[variable] | above[variable])
    return within, below, above


def _corners(axes: tuple[Floats, ...], places: Floats) -> Iterator[tuple[Ints, Floats]]:
    """The grid points at the corners of the cell of each place (k, d), with the shares of each."""
    located = [_cells_of(axis, places[:, i]) for i, axis in enumerate(axes)]
    for corner in itertools.product((0, 1), repeat=len(axes)):
        column = np.zeros(len(places), dtype=np.int64)
        share = np.ones(len(places))
        for axis, (cell, beyond), step in zip(axes, located, corner, strict=True):
            column = column * len(axis) + cell + step
            share = share * (beyond if step else 1 - beyond)
        yield column, share


def _cells_of(axis: Floats, places: Floats) -> tuple[Ints, Floats]:
    """The cell of each place, and how far it lies from its start to its end, from 0 to 1."""
    cell = np.clip(np.searchsorted(axis, places, side="right") - 1, 0, len(axis) - 2)
    share: Floats = (places - axis[cell]) / (axis[cell + 1] - axis[cell])
    return cell.astype(np.int64), share
