"""What is swept along each dim: values of one thing, a list of points, or chains of draws."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from causalopt.ground.checks import shown
from causalopt.ground.errors import QueryError
from causalopt.ground.types import Array
from causalopt.language.symbols import Label
from causalopt.language.words import listed
from causalopt.runs.sweeps import Draws, Over, chains_asked

#: What a function is called with, by the names of its arguments.
Given = dict[str, object]


class Extent(ABC):
    """What is swept along one dim."""

    @property
    @abstractmethod
    def label(self) -> str:
        """What the dim is called."""

    @abstractmethod
    def __len__(self) -> int:
        """How many places there are along it."""

    @abstractmethod
    def added(self, given: Given, places: range) -> Given:
        """What a function of many points is given, with these places along this dim too."""

    @abstractmethod
    def at(self, place: int) -> Given:
        """What a function of one point is given of this dim, by keyword."""

    @abstractmethod
    def columns(self) -> dict[str, Array]:
        """What is swept, by name: the values at all places."""


@dataclass(frozen=True, eq=False)
class SweptValues(Extent):
    """A node, a parameter or an argument of a function, and its values."""

    target: Label
    values: Array

    @property
    def label(self) -> str:
        """Its own name."""
        return str(self.target)

    def __len__(self) -> int:
        return len(self.values)

    def added(self, given: Given, places: range) -> Given:
        """``over`` with these values."""
        over = {**_over(given), self.target: self.values[places.start : places.stop]}
        return {**given, "over": over}

    def at(self, place: int) -> Given:
        """One value."""
        return {self.label: self.values[place].item()}

    def columns(self) -> dict[str, Array]:
        """The values."""
        return {self.label: self.values}


@dataclass(frozen=True, eq=False)
class SweptPoints(Extent):
    """A list of points: the values that each target has at all of them."""

    targets: tuple[Label, ...]
    values: tuple[Array, ...]

    @property
    def label(self) -> str:
        """point"""
        return "point"

    def __len__(self) -> int:
        return len(self.values[0])

    def added(self, given: Given, places: range) -> Given:
        """``over`` as the list of these points."""
        return {**given, "over": [self._point(place) for place in places]}

    def at(self, place: int) -> Given:
        """The values of one point."""
        return {str(target): value for target, value in self._point(place).items()}

    def columns(self) -> dict[str, Array]:
        """The values of each target."""
        return dict(zip(map(str, self.targets), self.values, strict=True))

    def _point(self, place: int) -> dict[Label, object]:
        pairs = zip(self.targets, self.values, strict=True)
        return {target: column[place].item() for target, column in pairs}


@dataclass(frozen=True, eq=False)
class SweptDraws(Extent):
    """Chains of draws of a model's noise."""

    chains: range

    @property
    def label(self) -> str:
        """draw"""
        return "draw"

    def __len__(self) -> int:
        return len(self.chains)

    def added(self, given: Given, places: range) -> Given:
        """``draws`` with these chains."""
        return {**given, "draws": self.chains[places.start : places.stop]}

    def at(self, place: int) -> Given:
        """The number of a chain."""
        return {"draw": self.chains[place]}

    def columns(self) -> dict[str, Array]:
        """The numbers of the chains."""
        return {"draw": np.array(self.chains, dtype=np.float64)}


def extents_of(over: Over | None, draws: Draws | None) -> tuple[Extent, ...]:
    """What is swept; a ``QueryError`` for nothing, for no points, and for one that comes twice."""
    grid: list[Extent] = []
    if isinstance(over, Mapping):
        grid += [SweptValues(target, _column(v, f"over[{target}]")) for target, v in over.items()]
        for extent, target in zip(grid, over, strict=True):
            _refuse_twice([*extent.columns().values()], f"over[{target}]")
    elif over is not None:
        grid.append(_points(over))
    if draws is not None:
        grid.append(SweptDraws(chains_asked(draws)))
    if not grid:
        raise QueryError(
            "Nothing is swept: write over={k: [...]}, a list of points, or a number of draws."
        )
    return tuple(grid)


def _over(given: Given) -> Mapping[Label, object]:
    over = given.get("over", {})
    return over if isinstance(over, Mapping) else {}


def _points(over: object) -> SweptPoints:
    hint = "write over={k: [...]}, or a list of points, [{k: 0.1, d: 25}, ...]"
    if not isinstance(over, Sequence) or isinstance(over, str):
        raise QueryError(f"over is {shown(over)} ({type(over).__name__}): {hint}.")
    if not over:
        raise QueryError(f"over has no points: {hint}.")
    first = over[0]
    for place, point in enumerate(over):
        if not isinstance(point, Mapping) or not point or point.keys() != first.keys():
            raise QueryError(f"over[{place}] is {shown(point)}: {hint}, all of the same names.")
    targets = tuple(first)
    columns = [_column([point[t] for point in over], f"the points' {t}") for t in targets]
    _refuse_twice(columns, "over")
    return SweptPoints(targets, tuple(columns))


def _column(values: object, where: str) -> Array:
    """Numbers or texts (k,), one or more."""
    hint = "write a list of one or more finite numbers, or of texts"
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise QueryError(f"{where} is {shown(values)} ({type(values).__name__}): {hint}.")
    try:
        listing = values if isinstance(values, np.ndarray) else list(values)
        column = np.asarray(listing)
    except (ValueError, TypeError):
        raise QueryError(f"{where} is no row of values: {hint}.") from None
    if column.ndim != 1 or not column.size:
        raise QueryError(f"{where} has shape {column.shape}: {hint}.")
    # NumPy makes texts of numbers that stand beside one.
    is_mixed = column.dtype.kind == "U" and not all(isinstance(v, str) for v in listing)
    if column.dtype.kind not in "iufbU" or is_mixed:
        raise QueryError(f"{where} holds {shown(list(listing)[:3])}: {hint}.")
    if column.dtype.kind == "f" and not np.isfinite(column).all():
        count = int((~np.isfinite(column)).sum())
        raise QueryError(f"{where} has {count} values that are not finite: {hint}.")
    column = column.copy()
    column.setflags(write=False)
    return column


def _refuse_twice(columns: Sequence[Array], where: str) -> None:
    """Raise ``QueryError`` where two places have the same values."""
    keys = [np.unique(column, return_inverse=True)[1] for column in columns]
    _, first, counts = np.unique(
        np.stack(keys, axis=1), axis=0, return_index=True, return_counts=True
    )
    if (counts > 1).any():
        place = int(first[counts > 1].min())
        told = listed([column[place] for column in columns])
        raise QueryError(
            f"{where} has {told} more than once, first at place {place}: write each value once."
        )
