"""The places that a noisy system reaches, and its chances between them, where they are few."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import sympy
from sympy import Expr, Poly

from causalopt.distributions.real.step import rational
from causalopt.ground.errors import QueryError
from causalopt.ground.types import Floats
from causalopt.language.symbols import Variable
from causalopt.transport.chance import Branch

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

# So many places are followed at most, and so many times is a map taken: about a second.
_MOST_PLACES = 20_000
_MOST_MOVES = 300_000
# A map that is not linear is put in by sympy, which takes so many times as long.
_SLOWER = 30
# Paths that never meet again have one entry for each place but the first.
_MEETING = 1.1
# Numbers of more digits are those of no lattice: they would grow without end.
_LARGEST = 10**60

Spot = tuple[Fraction, ...]
Part = Callable[[Spot], Fraction]
Sides = Sequence[tuple[float, float]]


class _NotExactError(Exception):
    """A number that is no quotient of whole numbers of few digits."""


@dataclass(frozen=True)
class Reached:
    """The places inside that a system reaches from its start, and how it moves between them.

    ``places`` (n, d) are in the order in which they are reached, the start first. Row i of
    ``matrix`` (n, n) has the chances to go in a step from place i to each other one, ``below`` and
    ``above`` (d, n) those to leave by each variable. A place that is reached in ``depth`` steps
    has no such row; where ``depth`` is None no other place is ever reached. Numbers are exact, and
    decimals are read as they are written: steps of 0.1 lead from 0.3 to 0.
    """

    places: Floats
    matrix: csr_matrix
    below: Floats
    above: Floats
    depth: int | None

    @property
    def is_left(self) -> bool:
        """Whether any step leads outside."""
        return bool(self.below.any() or self.above.any())

    @property
    def is_cut_off(self) -> bool:
        """Whether more is reached than was followed, though paths meet again and again.

        So it is for sums of steps of many digits. Chances then lie at points for ever, and no grid
        shows by its cells how far off it is; where a map brings places closer together, they meet
        in no point, and chances spread.
        """
        return self.depth is not None and self.matrix.nnz > _MEETING * len(self.places)

    @classmethod
    def of(cls, maps: Sequence[Branch], sides: Sides, start: Floats) -> Reached | None:
        """What is reached in as many steps as can be followed; None where it cannot be exact."""
        try:
            ends = [(_exact(float(low)), _exact(float(high))) for low, high in sides]
            begin = tuple(_exact(float(x)) for x in start)
            # Before many maps are read: one with an exponential, say, is not exact anywhere.
            _Map(maps[0]).image(begin)
            return cls(*_Search([_Map(branch) for branch in maps], ends, begin).found())
        except _NotExactError:
            return None


class _Search:
    """A search for all places that are reached, step by step."""

    def __init__(self, maps: Sequence[_Map], ends: Sequence[Spot], start: Spot) -> None:
        self.maps = maps
        self.ends = ends
        self.index = {start: 0}
        # From which place, to which or by which variable, with which chance.
        self.kept: list[tuple[int, int, float]] = []
        self.left: dict[bool, list[tuple[int, int, float]]] = {False: [], True: []}
        is_linear = all(each.is_linear for each in maps)
        self.depth = self._follow(start, _MOST_MOVES if is_linear else _MOST_MOVES // _SLOWER)

    def _follow(self, start: Spot, most: int) -> int | None:
        """Follow all paths; how many steps that was, where there are more."""
        layer, depth, taken = [start], 0, 0
        while layer:
            taken += len(layer) * len(self.maps)
            if taken > most or len(self.index) > _MOST_PLACES:
                return depth
            known = len(self.index)
            for spot in layer:
                self._step(spot)
            layer = list(self.index)[known:]
            depth += 1
        return None

    def _step(self, spot: Spot) -> None:
        """Take every map from a place."""
        source = self.index[spot]
        for each in self.maps:
            image = each.image(spot)
            out = self._left_by(image)
            if out is None:
                target = self.index.setdefault(image, len(self.index))
                self.kept.append((source, target, each.chance))
            else:
                is_above, variable = out
                self.left[is_above].append((source, variable, each.chance))

    def _left_by(self, image: Spot) -> tuple[bool, int] | None:
        """Whether it left above, and by which variable, the first that is outside; or None."""
        for variable, (x, (low, high)) in enumerate(zip(image, self.ends, strict=True)):
            if not low < x < high:
                return x >= high, variable
        return None

    def found(self) -> tuple[Floats, csr_matrix, Floats, Floats, int | None]:
        """The places, the matrix, what leaves below and above, and the depth."""
        from scipy.sparse import coo_matrix

        count, dimensions = len(self.index), len(self.ends)
        places = np.array([[float(x) for x in spot] for spot in self.index])
        sources, targets, chances = _columns(self.kept)
        matrix = coo_matrix((chances, (sources, targets)), shape=(count, count)).tocsr()
        below, above = np.zeros((2, dimensions, count))
        for gone, entries in ((below, self.left[False]), (above, self.left[True])):
            sources, variables, chances = _columns(entries)
            np.add.at(gone, (variables, sources), chances)
        return places, matrix, below, above, self.depth


def _columns(entries: list[tuple[int, int, float]]) -> tuple[list[int], list[int], list[float]]:
    """Two columns of whole numbers and one of chances."""
    return [i for i, *_ in entries], [j for _, j, _ in entries], [p for *_, p in entries]


class _Map:
    """The map of an outcome of the noise, on exact numbers."""

    def __init__(self, branch: Branch) -> None:
        known = {symbol: rational(value) for symbol, value in branch.parameters.items()}
        written = [_written(formula.xreplace(known)) for formula in branch.formulas]
        linear = [_coefficients(formula, branch.variables) for formula in written]
        self.chance = branch.chance
        self.is_linear = None not in linear
        self.parts = [
            _put_in(formula, branch.variables) if line is None else _along(line)
            for formula, line in zip(written, linear, strict=True)
        ]

    def image(self, spot: Spot) -> Spot:
        """Where a step takes a place."""
        return tuple(_small(part(spot)) for part in self.parts)


def _put_in(formula: Expr, variables: tuple[Variable, ...]) -> Part:
    def part(spot: Spot) -> Fraction:
        here = {v: sympy.Rational(x) for v, x in zip(variables, spot, strict=True)}
        return _exact(formula.xreplace(here))

    return part


def _along(line: Sequence[Fraction]) -> Part:
    *slopes, constant = line
    used = [(i, slope) for i, slope in enumerate(slopes) if slope]
    return lambda spot: sum((slope * spot[i] for i, slope in used), constant)


def _written(formula: float | Expr) -> Expr:
    """A number or formula with its decimals as fractions."""
    try:
        return rational(formula)
    except QueryError:
        raise _NotExactError from None


def _coefficients(formula: Expr, variables: tuple[Variable, ...]) -> list[Fraction] | None:
    """The slopes by each variable and the constant of what is linear; else None."""
    if not formula.is_polynomial(*variables):
        return None
    poly = Poly(formula, *variables)
    if poly.total_degree() > 1:
        return None
    return [_exact(poly.coeff_monomial(unit)) for unit in (*variables, sympy.Integer(1))]


def _exact(number: float | Expr) -> Fraction:
    """A number as a fraction, decimals as they are written."""
    quotient = _written(number)
    if not isinstance(quotient, sympy.Rational):
        raise _NotExactError
    return _small(Fraction(int(quotient.p), int(quotient.q)))


def _small(number: Fraction) -> Fraction:
    """The same, where it has few digits."""
    if number.denominator > _LARGEST or abs(number.numerator) > _LARGEST**2:
        raise _NotExactError
    return number
